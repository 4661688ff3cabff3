-- words are made by index/text.c, so that both databases find the same, and
-- stand once each; what the parser of PostgreSQL would make of them is not.
CREATE TABLE ix_cards (
	version BIGINT PRIMARY KEY,
	words TEXT NOT NULL,
	body TSVECTOR GENERATED ALWAYS AS
		(array_to_tsvector(string_to_array(btrim(translate(words, E'\n', ' ')), ' '))) STORED
);
CREATE INDEX ix_cards_body ON ix_cards USING gin (body);
CREATE INDEX ix_versions_updated ON ix_versions (updated_s);
CREATE INDEX ix_versions_stage ON ix_versions (stage, updated_s);
CREATE INDEX ix_versions_registered ON ix_versions (registered_s) WHERE registered_s > updated_s;
CREATE INDEX ix_properties_pair ON ix_properties (pair, version);
INSERT INTO cache_facts (key, value) VALUES ('made', replace(gen_random_uuid()::text, '-', ''));
