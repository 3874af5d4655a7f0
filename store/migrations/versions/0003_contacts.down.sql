-- All plans, contacts and measured effects are lost.

DROP VIEW contact_outcomes, listed_contacts;
DROP TABLE contact_effects, contact_events, contact_sessions, contacts, contact_plans;
