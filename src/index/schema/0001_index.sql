-- What a user may ask are views of plain names (0002_views.sql); tables have
-- the prefix ix_, or cache_ where they answer no question.
--
-- Size is kept low on purpose (a million versions): texts and nodes are
-- interned and rows elsewhere have their ids, and no table has a second key.
CREATE TABLE ix_texts (id {key}, value {text} NOT NULL UNIQUE);
-- The stage of most versions: MR_IX_NO_STAGE.
INSERT INTO ix_texts (id, value) VALUES (1, 'none');
-- kind is enum mr_graph_kind.  Manifests and events have `name`, the bytes of
-- their digest (32: sha256, 64: sha512); the others `text`.
CREATE TABLE ix_nodes (id {key}, kind {int} NOT NULL, name {blob}, text {text});
-- Four bytes of a digest tell nearly all apart: ask for them, and for the whole.
-- There is one writer at a time, and it looks before it makes one.
CREATE INDEX ix_nodes_name ON ix_nodes (substr(name, 1, 4)) WHERE name IS NOT NULL;
CREATE INDEX ix_nodes_text ON ix_nodes (text) WHERE text IS NOT NULL;

-- versions, latest, bytes: of its versions, counted when one was written.
CREATE TABLE ix_models (
	id {key},
	name {text} NOT NULL UNIQUE,
	place {text} NOT NULL,
	repository {text} NOT NULL,
	owner {int}, display_name {int}, description {int},
	recorded_s {int} NOT NULL,
	updated_s {int} NOT NULL,
	versions {int} NOT NULL, latest {int} NOT NULL, bytes {int} NOT NULL
);
CREATE TABLE ix_model_tags (
	model {int} NOT NULL, key {int} NOT NULL, value {int} NOT NULL,
	PRIMARY KEY (model, key)
) {rowless};
CREATE INDEX ix_model_tags_value ON ix_model_tags (key, value);

-- What versions say alike mostly, whatever their number: ids of texts, 0: not
-- told.
CREATE TABLE ix_forms (
	id {key},
	kind {int} NOT NULL, artifact_type {int} NOT NULL, media_type {int} NOT NULL,
	format {int} NOT NULL, architecture {int} NOT NULL, family {int} NOT NULL,
	precision {int} NOT NULL, quantization {int} NOT NULL,
	author {int} NOT NULL, license {int} NOT NULL, source {int} NOT NULL,
	UNIQUE (license, source, author, architecture, family, format, precision,
		quantization, kind, artifact_type, media_type)
);
-- A manifest under v<N>.  flags: enum mr_ix_flag.  Columns that name things
-- have ids of texts; run and because ids of nodes, as successor below; from registered_s
-- on it is the log that says so.  0 is "not told" for times; registered_s NULL:
-- nothing happened since, so it is updated_s.
CREATE TABLE ix_versions (
	id {key},
	model {int} NOT NULL,
	number {int} NOT NULL,
	node {int} NOT NULL,
	flags {int} NOT NULL,
	form {int}, size {int} NOT NULL,
	parameters {int}, bytes {int} NOT NULL, files {int} NOT NULL,
	created_s {int} NOT NULL,
	revision {int}, run {int},
	environment {int}, because {int},
	fileset {blob},
	registered_s {int}, updated_s {int} NOT NULL,
	archived_s {int} NOT NULL, deprecated_s {int} NOT NULL,
	actor {int}, owner {int}, description {int}, stage {int}, release {int}
);
CREATE UNIQUE INDEX ix_versions_number ON ix_versions (model, number);
CREATE INDEX ix_versions_node ON ix_versions (node, model);
CREATE INDEX ix_versions_run ON ix_versions (run) WHERE run IS NOT NULL;
-- Few or none: who looks for the latest begins at those updated last.
CREATE INDEX ix_versions_created ON ix_versions (created_s) WHERE created_s > updated_s;
CREATE INDEX ix_versions_fileset ON ix_versions (substr(fileset, 1, 4)) WHERE fileset IS NOT NULL;

-- What a log seldom says of a version: a row where it says any of it.
CREATE TABLE ix_ends (
	version {int} NOT NULL PRIMARY KEY,
	copied_from {int}, archived_reason {int}, deprecated_reason {int},
	successor {int}, review_s {int}
) {rowless};

-- Parameters and tags: most are told of many versions, so each is interned.
-- kind: enum mr_ix_property.  number: where the value is a finite one.
CREATE TABLE ix_pairs (
	id {key}, kind {int} NOT NULL, key {int} NOT NULL, value {int} NOT NULL,
	number {real},
	UNIQUE (kind, key, value)
);
CREATE TABLE ix_properties (
	version {int} NOT NULL, pair {int} NOT NULL,
	PRIMARY KEY (version, pair)
) {rowless};
-- written: where it is not how the value is printed (mr_text_real).
CREATE TABLE ix_metrics (
	version {int} NOT NULL, key {int} NOT NULL, value {real} NOT NULL,
	written {text},
	PRIMARY KEY (version, key)
) {rowless};
CREATE INDEX ix_metrics_value ON ix_metrics (key, value, version);

-- name, uri: NULL too where the node is called so.
CREATE TABLE ix_inputs (
	version {int} NOT NULL, position {int} NOT NULL, node {int},
	role {int}, name {int}, uri {int}, digest {int},
	license {int}, classification {int}, consent {int},
	PRIMARY KEY (version, position)
) {rowless};
-- blob: the first 16 bytes of the digest.  Nothing is proven by it: versions
-- that have one in common are shown as related.
CREATE TABLE ix_weights (
	version {int} NOT NULL, blob {blob} NOT NULL,
	PRIMARY KEY (version, blob)
) {rowless};
CREATE INDEX ix_weights_blob ON ix_weights (blob, version);

-- relation is enum mr_relation; ref: what the child calls a parent that it has
-- the digest of (text).
-- The model is the one whose repository says so.  That a version is of a run
-- (relation 13) its own row says, and no other.
CREATE TABLE ix_edges (
	child {int} NOT NULL, parent {int} NOT NULL, relation {int} NOT NULL,
	model {int} NOT NULL, ref {int},
	PRIMARY KEY (child, parent, relation, model)
) {rowless};
CREATE INDEX ix_edges_parent ON ix_edges (parent, child, relation, model);

-- kind: enum mr_ix_tag; tagged, logged: nodes.
CREATE TABLE ix_names (
	model {int} NOT NULL, tag {text} NOT NULL, kind {int} NOT NULL,
	tagged {int}, logged {int}, differs {int}, moved_s {int} NOT NULL, actor {int},
	PRIMARY KEY (model, tag)
) {rowless};
CREATE INDEX ix_names_tagged ON ix_names (tagged) WHERE tagged IS NOT NULL;
CREATE INDEX ix_names_tag ON ix_names (tag, kind, tagged);

-- place: in fold order, from 0.  seq: NULL where it is one more, as in a log that
-- nobody forked.  kind: text; version: node; alias: text, of a release event the
-- release.  detail: JSON, its kind's other fields.
CREATE TABLE ix_events (
	model {int} NOT NULL, place {int} NOT NULL, digest {blob} NOT NULL,
	seq {int}, kind {int} NOT NULL, time_s {int} NOT NULL,
	actor {int}, version {int}, alias {int}, detail {text},
	PRIMARY KEY (model, place)
) {rowless};

-- subject, node: nodes.  how: enum mr_ix_hangs.  metrics: JSON.
CREATE TABLE ix_documents (
	model {int} NOT NULL, subject {int} NOT NULL, node {int} NOT NULL,
	how {int} NOT NULL, media_type {int}, artifact_type {int}, title {int}, tag {int},
	size {int} NOT NULL, created_s {int} NOT NULL,
	suite {int}, dataset {int}, verdict {int}, metrics {text},
	PRIMARY KEY (model, subject, node)
) {rowless};
CREATE INDEX ix_documents_node ON ix_documents (node);
CREATE INDEX ix_documents_suite ON ix_documents (suite, verdict, subject) WHERE suite IS NOT NULL;

CREATE TABLE ix_deployments (
	model {int} NOT NULL, environment {int} NOT NULL, workload {int} NOT NULL,
	version {int} NOT NULL, since_s {int} NOT NULL, actor {int},
	PRIMARY KEY (model, environment, workload)
) {rowless};
CREATE INDEX ix_deployments_version ON ix_deployments (version);
CREATE INDEX ix_deployments_environment ON ix_deployments (environment);
CREATE TABLE ix_approvals (
	model {int} NOT NULL, event {blob} NOT NULL, alias {int} NOT NULL,
	version {int} NOT NULL, asked_s {int} NOT NULL, until_s {int} NOT NULL,
	asked_by {int}, state {int} NOT NULL, answered_s {int} NOT NULL,
	moved_s {int} NOT NULL, grants {int} NOT NULL,
	PRIMARY KEY (model, event)
) {rowless};
CREATE TABLE ix_incidents (
	model {int} NOT NULL, event {blob} NOT NULL, version {int},
	title {int} NOT NULL, severity {int}, environment {int}, url {int},
	opened_s {int} NOT NULL, closed_s {int} NOT NULL, actor {int},
	PRIMARY KEY (model, event)
) {rowless};
-- made: 1 by the index, of a value that it cut or left out; 0 by who read it.
CREATE TABLE ix_notes (
	model {int} NOT NULL, subject {text} NOT NULL, made {int} NOT NULL,
	note {text} NOT NULL,
	PRIMARY KEY (model, subject, made)
) {rowless};

-- By a model's name, which may not be indexed yet.
CREATE TABLE cache_syncs (
	name {text} NOT NULL PRIMARY KEY,
	synced_s {int} NOT NULL, changed_s {int} NOT NULL, swept_s {int} NOT NULL,
	hinted_s {int} NOT NULL, tried_s {int} NOT NULL, error {text},
	requests {int} NOT NULL
) {rowless};
CREATE TABLE cache_tags (
	name {text} NOT NULL, tag {text} NOT NULL, digest {blob},
	PRIMARY KEY (name, tag)
) {rowless};
CREATE TABLE cache_inbox (id {text} NOT NULL PRIMARY KEY, received_s {int} NOT NULL) {rowless};
-- graph: a number that grows with every commit that changed edges, versions,
-- filesets or weights.  made: which database this is (a rebuild makes another).
CREATE TABLE cache_facts (key {text} NOT NULL PRIMARY KEY, value {text} NOT NULL) {rowless};
INSERT INTO cache_facts (key, value) VALUES ('graph', '0');
