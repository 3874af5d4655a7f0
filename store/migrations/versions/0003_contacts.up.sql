-- Tutors contacted about the sessions of a day, tutors held out for comparison, and measured effects.
-- The tables equal store/schema/contacts.py; a test compares them.

CREATE TABLE contact_plans (
    day date NOT NULL,
    capacity integer NOT NULL,
    holdout_share double precision NOT NULL,
    seed bigint NOT NULL,
    made_at timestamptz NOT NULL,
    CONSTRAINT pk_contact_plans PRIMARY KEY (day),
    CONSTRAINT ck_contact_plans_capacity CHECK (capacity >= 0),
    CONSTRAINT ck_contact_plans_holdout_share CHECK (holdout_share >= 0 AND holdout_share < 1)
);

CREATE TABLE contacts (
    id bigint GENERATED ALWAYS AS IDENTITY,
    day date NOT NULL,
    tutor_id text NOT NULL,
    arm text NOT NULL,
    action text NOT NULL,
    rank integer NOT NULL,
    expected_prevented double precision,
    CONSTRAINT pk_contacts PRIMARY KEY (id),
    CONSTRAINT uq_contacts_day UNIQUE (day, tutor_id),
    CONSTRAINT ck_contacts_arm CHECK (arm IN ('contact', 'holdout')),
    CONSTRAINT fk_contacts_day FOREIGN KEY (day) REFERENCES contact_plans (day),
    CONSTRAINT fk_contacts_tutor_id FOREIGN KEY (tutor_id) REFERENCES tutors (tutor_id)
);

CREATE TABLE contact_sessions (
    contact_id bigint NOT NULL,
    session_id text NOT NULL,
    starts_at timestamptz NOT NULL,
    risk double precision NOT NULL,
    CONSTRAINT pk_contact_sessions PRIMARY KEY (contact_id, session_id),
    CONSTRAINT ck_contact_sessions_risk CHECK (risk BETWEEN 0 AND 1),
    CONSTRAINT fk_contact_sessions_contact_id FOREIGN KEY (contact_id) REFERENCES contacts (id),
    CONSTRAINT fk_contact_sessions_session_id FOREIGN KEY (session_id) REFERENCES sessions (session_id)
);

CREATE TABLE contact_events (
    id bigint GENERATED ALWAYS AS IDENTITY,
    contact_id bigint NOT NULL,
    status text NOT NULL,
    actor text NOT NULL,
    note text,
    at timestamptz NOT NULL,
    CONSTRAINT pk_contact_events PRIMARY KEY (id),
    CONSTRAINT ck_contact_events_status CHECK (status IN ('planned', 'unreached', 'done')),
    CONSTRAINT fk_contact_events_contact_id FOREIGN KEY (contact_id) REFERENCES contacts (id)
);
CREATE INDEX ix_contact_events_latest ON contact_events (contact_id, id);

CREATE TABLE contact_effects (
    id bigint GENERATED ALWAYS AS IDENTITY,
    measured_at timestamptz NOT NULL,
    effects jsonb NOT NULL,
    CONSTRAINT pk_contact_effects PRIMARY KEY (id)
);

-- Append-only: a random draw that can be changed afterwards is no evidence.

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON contact_plans
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON contacts
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON contact_sessions
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON contact_events
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON contact_effects
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Shown to people: tutors to contact. The holdout is not shown; otherwise somebody would call them too.
-- Ranks are renumbered; otherwise a gap would reveal a held-out tutor.
CREATE VIEW listed_contacts AS
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

-- Every session that was ever listed, in both arms, once it is known whether it was missed at its planned start.
-- A session cancelled or rescheduled in time was not missed.
CREATE VIEW contact_outcomes AS
SELECT
    contacts.id AS contact_id, contacts.tutor_id, contacts.action, contacts.arm, contact_sessions.risk,
    sessions.status = 'no_show' AND sessions.starts_at = contact_sessions.starts_at AS missed,
    contacts.day, sessions.outcome_known_at
FROM contact_sessions
JOIN contacts ON contacts.id = contact_sessions.contact_id
JOIN sessions USING (session_id)
WHERE sessions.status <> 'booked' OR sessions.starts_at <> contact_sessions.starts_at;
