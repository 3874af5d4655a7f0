-- Contacts shown to people. The holdout arm is not shown, or its tutors would be contacted too.
-- Places are numbered anew, since a gap would reveal a holdout.
CREATE OR REPLACE VIEW listed_contacts AS
SELECT
    contacts.id, contacts.day, row_number() OVER (PARTITION BY contacts.day ORDER BY contacts.rank) AS place,
    contacts.tutor_id, coalesce(tutors.name, tutors.tutor_id) AS name, tutors.timezone, contacts.action,
    contacts.expected_prevented, listed.sessions, listed.first_starts_at, listed.risk,
    last.status, last.actor, last.at, last.note
FROM contacts
JOIN tutors USING (tutor_id)
CROSS JOIN LATERAL (
    SELECT count(*) AS sessions, min(starts_at) AS first_starts_at, sum(risk) AS risk
    FROM contact_sessions WHERE contact_id = contacts.id
) AS listed
CROSS JOIN LATERAL (
    SELECT status, actor, at, note FROM contact_events WHERE contact_id = contacts.id ORDER BY id DESC LIMIT 1
) AS last
WHERE contacts.arm = 'contact';
