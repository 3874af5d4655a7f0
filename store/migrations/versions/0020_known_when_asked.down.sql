ALTER TABLE attribute_definitions DROP COLUMN known_when_asked;
