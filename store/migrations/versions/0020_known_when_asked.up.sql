-- A person's reason why an attribute that raises a leak alarm is known at the moment of the query.
ALTER TABLE attribute_definitions ADD COLUMN known_when_asked text NOT NULL DEFAULT '';
