-- Every plan, contact and measured effect goes.

DROP VIEW contact_outcomes, listed_contacts;
DROP TABLE contact_effects, contact_events, contact_sessions, contacts, contact_plans;
