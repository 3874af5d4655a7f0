-- Outcome of every session on a contact plan, in both arms, once it is known whether it was missed at its planned start.
-- A session cancelled or moved in time was not missed.
CREATE OR REPLACE VIEW contact_outcomes AS
SELECT
    contacts.id AS contact_id, contacts.tutor_id, contacts.action, contacts.arm, contact_sessions.risk,
    sessions.status = 'no_show' AND sessions.starts_at = contact_sessions.starts_at AS missed,
    contacts.day, sessions.outcome_known_at
FROM contact_sessions
JOIN contacts ON contacts.id = contact_sessions.contact_id
JOIN sessions USING (session_id)
WHERE sessions.status <> 'booked' OR sessions.starts_at <> contact_sessions.starts_at;
