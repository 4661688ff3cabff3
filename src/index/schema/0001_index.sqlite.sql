-- rowid is the version's id; words are made by index/text.c, so that both
-- databases find the same, and stand once each.
CREATE VIRTUAL TABLE ix_cards USING fts5(words, tokenize='ascii', detail=none, columnsize=0);
-- But for what most versions are, whose list is nearly that of all.  Who asks has
-- to say so too.
CREATE INDEX ix_versions_stage ON ix_versions (stage, updated_s) WHERE stage <> 1;
-- Who goes through the versions by registered_s that are in the order of
-- updated_s passes the others, and looks up none of them.
CREATE INDEX ix_versions_updated ON ix_versions (updated_s, registered_s);
CREATE INDEX ix_versions_registered ON ix_versions (registered_s) WHERE registered_s IS NOT NULL;
-- ix_properties by pair, in the order that searches have: two lists are
-- merged up to the end of a page, whatever their lengths.  Written with them by
-- index/write_posts.c, since triggers are switched off.
CREATE TABLE ix_posts (
	pair INTEGER NOT NULL, updated_s INTEGER NOT NULL, version INTEGER NOT NULL,
	PRIMARY KEY (pair, updated_s, version)
) WITHOUT ROWID;
INSERT INTO cache_facts (key, value) VALUES ('made', lower(hex(randomblob(16))));
