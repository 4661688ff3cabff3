-- What `mreg query` may ask, the same on both databases; spec/index.md tells
-- every column.  Digests and times are text, and *_s are seconds since 1970;
-- what is not told is NULL.  Names are fetched one by one, so that a column
-- nobody asks for costs nothing.
CREATE VIEW models AS SELECT
	m.name AS model, m.place, m.repository,
	(SELECT value FROM ix_texts WHERE id = m.owner) AS owner,
	(SELECT value FROM ix_texts WHERE id = m.display_name) AS display_name,
	(SELECT value FROM ix_texts WHERE id = m.description) AS description,
	m.versions, nullif(m.latest, 0) AS latest, m.bytes,
	{time m.recorded_s} AS recorded_at, nullif(m.recorded_s, 0) AS recorded_s,
	{time m.updated_s} AS updated_at, nullif(m.updated_s, 0) AS updated_s
FROM ix_models m;

CREATE VIEW versions AS SELECT
	(SELECT name FROM ix_models WHERE id = v.model) AS model,
	v.number AS version,
	(SELECT {digest name} FROM ix_nodes WHERE id = v.node) AS digest,
	(SELECT value FROM ix_texts WHERE id = f.kind) AS kind,
	(SELECT value FROM ix_texts WHERE id = f.artifact_type) AS artifact_type,
	(SELECT value FROM ix_texts WHERE id = f.media_type) AS media_type,
	v.size,
	(SELECT value FROM ix_texts WHERE id = f.format) AS format,
	(SELECT value FROM ix_texts WHERE id = f.architecture) AS architecture,
	(SELECT value FROM ix_texts WHERE id = f.family) AS family,
	(SELECT value FROM ix_texts WHERE id = f.precision) AS precision,
	(SELECT value FROM ix_texts WHERE id = f.quantization) AS quantization,
	v.parameters, v.bytes, v.files,
	{time v.created_s} AS created_at, nullif(v.created_s, 0) AS created_s,
	(SELECT value FROM ix_texts WHERE id = f.author) AS author,
	(SELECT value FROM ix_texts WHERE id = f.license) AS license,
	(SELECT value FROM ix_texts WHERE id = f.source) AS source,
	(SELECT value FROM ix_texts WHERE id = v.revision) AS revision,
	(SELECT text FROM ix_nodes WHERE id = v.run) AS run,
	(SELECT value FROM ix_texts WHERE id = v.environment) AS environment,
	(SELECT {digest name} FROM ix_nodes WHERE id = v.because) AS because,
	{digest v.fileset} AS fileset,
	(SELECT value FROM ix_texts WHERE id = v.description) AS description,
	v.flags / 2 & 1 AS moved,
	{time coalesce(v.registered_s, v.updated_s)} AS registered_at,
	nullif(coalesce(v.registered_s, v.updated_s), 0) AS registered_s,
	{time v.updated_s} AS updated_at, nullif(v.updated_s, 0) AS updated_s,
	{time v.archived_s} AS archived_at, nullif(v.archived_s, 0) AS archived_s,
	{time v.deprecated_s} AS deprecated_at, nullif(v.deprecated_s, 0) AS deprecated_s,
	{time e.review_s} AS review_at, e.review_s,
	(SELECT value FROM ix_texts WHERE id = v.actor) AS actor,
	(SELECT value FROM ix_texts WHERE id = v.owner) AS owner,
	(SELECT value FROM ix_texts WHERE id = v.stage) AS stage,
	(SELECT value FROM ix_texts WHERE id = v.release) AS release,
	(SELECT value FROM ix_texts WHERE id = e.copied_from) AS copied_from,
	(SELECT value FROM ix_texts WHERE id = e.archived_reason) AS archived_reason,
	(SELECT value FROM ix_texts WHERE id = e.deprecated_reason) AS deprecated_reason,
	(SELECT {digest name} FROM ix_nodes WHERE id = e.successor) AS successor
FROM ix_versions v LEFT JOIN ix_forms f ON f.id = v.form
LEFT JOIN ix_ends e ON e.version = v.id;

CREATE VIEW metrics AS SELECT
	(SELECT name FROM ix_models WHERE id = v.model) AS model,
	v.number AS version,
	(SELECT value FROM ix_texts WHERE id = x.key) AS name,
	x.value, x.written
FROM ix_metrics x JOIN ix_versions v ON v.id = x.version;

CREATE VIEW params AS SELECT
	(SELECT name FROM ix_models WHERE id = v.model) AS model,
	v.number AS version,
	(SELECT value FROM ix_texts WHERE id = p.key) AS name,
	(SELECT value FROM ix_texts WHERE id = p.value) AS value,
	p.number
FROM ix_properties x JOIN ix_pairs p ON p.id = x.pair
JOIN ix_versions v ON v.id = x.version WHERE p.kind = 1;

-- Of versions, and with version NULL of models as a whole.
CREATE VIEW tags AS SELECT
	(SELECT name FROM ix_models WHERE id = v.model) AS model,
	v.number AS version,
	(SELECT value FROM ix_texts WHERE id = p.key) AS name,
	(SELECT value FROM ix_texts WHERE id = p.value) AS value
FROM ix_properties x JOIN ix_pairs p ON p.id = x.pair
JOIN ix_versions v ON v.id = x.version WHERE p.kind = 2
UNION ALL SELECT
	(SELECT name FROM ix_models WHERE id = x.model),
	NULL,
	(SELECT value FROM ix_texts WHERE id = x.key),
	(SELECT value FROM ix_texts WHERE id = x.value)
FROM ix_model_tags x;

CREATE VIEW aliases AS SELECT
	(SELECT name FROM ix_models WHERE id = x.model) AS model,
	x.tag AS alias,
	(SELECT min(v.number) FROM ix_versions v WHERE v.node = x.tagged AND v.model = x.model) AS version,
	(SELECT {digest name} FROM ix_nodes WHERE id = x.tagged) AS digest,
	(SELECT {digest name} FROM ix_nodes WHERE id = x.logged) AS logged,
	(SELECT value FROM ix_texts WHERE id = x.differs) AS differs,
	{time x.moved_s} AS moved_at, nullif(x.moved_s, 0) AS moved_s,
	(SELECT value FROM ix_texts WHERE id = x.actor) AS actor
FROM ix_names x WHERE x.kind <> 1;

CREATE VIEW releases AS SELECT
	(SELECT name FROM ix_models WHERE id = x.model) AS model,
	x.tag AS release,
	(SELECT min(v.number) FROM ix_versions v WHERE v.node = x.tagged AND v.model = x.model) AS version,
	(SELECT {digest name} FROM ix_nodes WHERE id = x.tagged) AS digest,
	(SELECT {digest name} FROM ix_nodes WHERE id = x.logged) AS logged,
	{time x.moved_s} AS named_at, nullif(x.moved_s, 0) AS named_s,
	(SELECT value FROM ix_texts WHERE id = x.actor) AS actor
FROM ix_names x WHERE x.kind = 1;

CREATE VIEW edges AS SELECT
	(SELECT name FROM ix_models WHERE id = e.model) AS model,
	CASE e.relation WHEN 1 THEN 'finetune' WHEN 2 THEN 'quantized'
		WHEN 3 THEN 'adapter' WHEN 4 THEN 'merge' WHEN 5 THEN 'distill'
		WHEN 6 THEN 'convert' WHEN 7 THEN 'retrain' WHEN 8 THEN 'input'
		WHEN 9 THEN 'base' WHEN 10 THEN 'subject' WHEN 11 THEN 'child'
		WHEN 12 THEN 'profile' WHEN 14 THEN 'commit'
		WHEN 15 THEN 'environment' WHEN 16 THEN 'because'
		WHEN 17 THEN 'deployed' WHEN 18 THEN 'successor' END AS relation,
	CASE c.kind WHEN 0 THEN 'manifest' WHEN 1 THEN 'run' WHEN 2 THEN 'commit'
		WHEN 3 THEN 'uri' WHEN 4 THEN 'environment' WHEN 5 THEN 'event'
		WHEN 6 THEN 'deployment' WHEN 7 THEN 'input' END AS child_kind,
	coalesce({digest c.name}, c.text) AS child,
	CASE p.kind WHEN 0 THEN 'manifest' WHEN 1 THEN 'run' WHEN 2 THEN 'commit'
		WHEN 3 THEN 'uri' WHEN 4 THEN 'environment' WHEN 5 THEN 'event'
		WHEN 6 THEN 'deployment' WHEN 7 THEN 'input' END AS parent_kind,
	coalesce({digest p.name}, p.text) AS parent,
	coalesce((SELECT value FROM ix_texts WHERE id = e.ref),
		CASE WHEN e.relation < 9 OR e.relation = 15 THEN p.text END) AS ref
FROM ix_edges e JOIN ix_nodes c ON c.id = e.child JOIN ix_nodes p ON p.id = e.parent
UNION ALL SELECT
	(SELECT name FROM ix_models WHERE id = v.model),
	'run', 'manifest', {digest c.name}, 'run', p.text, NULL
FROM ix_versions v JOIN ix_nodes c ON c.id = v.node JOIN ix_nodes p ON p.id = v.run
WHERE NOT EXISTS (SELECT 1 FROM ix_versions o WHERE o.node = v.node
	AND o.model = v.model AND +o.run = v.run AND o.id < v.id);

CREATE VIEW events AS SELECT
	(SELECT name FROM ix_models WHERE id = e.model) AS model,
	e.place, coalesce(e.seq, e.place + 1) AS seq, {digest e.digest} AS digest,
	(SELECT value FROM ix_texts WHERE id = e.kind) AS kind,
	{time e.time_s} AS time, nullif(e.time_s, 0) AS time_s,
	(SELECT value FROM ix_texts WHERE id = e.actor) AS actor,
	(SELECT min(v.number) FROM ix_versions v WHERE v.node = e.version AND v.model = e.model) AS version,
	(SELECT {digest name} FROM ix_nodes WHERE id = e.version) AS version_digest,
	(SELECT value FROM ix_texts WHERE id = e.alias) AS alias,
	e.detail
FROM ix_events e;

CREATE VIEW documents AS SELECT
	(SELECT name FROM ix_models WHERE id = d.model) AS model,
	(SELECT min(v.number) FROM ix_versions v WHERE v.node = d.subject AND v.model = d.model) AS version,
	(SELECT {digest name} FROM ix_nodes WHERE id = d.subject) AS subject,
	(SELECT {digest name} FROM ix_nodes WHERE id = d.node) AS digest,
	CASE d.how WHEN 0 THEN 'attached' WHEN 1 THEN 'sibling' END AS how,
	(SELECT value FROM ix_texts WHERE id = d.media_type) AS media_type,
	(SELECT value FROM ix_texts WHERE id = d.artifact_type) AS artifact_type,
	(SELECT value FROM ix_texts WHERE id = d.title) AS title,
	(SELECT value FROM ix_texts WHERE id = d.tag) AS tag,
	d.size,
	{time d.created_s} AS created_at, nullif(d.created_s, 0) AS created_s
FROM ix_documents d;

CREATE VIEW evaluations AS SELECT
	(SELECT name FROM ix_models WHERE id = d.model) AS model,
	(SELECT min(v.number) FROM ix_versions v WHERE v.node = d.subject AND v.model = d.model) AS version,
	(SELECT {digest name} FROM ix_nodes WHERE id = d.subject) AS subject,
	(SELECT {digest name} FROM ix_nodes WHERE id = d.node) AS digest,
	(SELECT value FROM ix_texts WHERE id = d.suite) AS suite,
	(SELECT value FROM ix_texts WHERE id = d.dataset) AS dataset,
	(SELECT value FROM ix_texts WHERE id = d.verdict) AS verdict,
	d.metrics,
	{time d.created_s} AS created_at, nullif(d.created_s, 0) AS created_s
FROM ix_documents d WHERE d.suite IS NOT NULL;

CREATE VIEW inputs AS SELECT
	(SELECT name FROM ix_models WHERE id = v.model) AS model,
	v.number AS version,
	i.position,
	(SELECT value FROM ix_texts WHERE id = i.role) AS role,
	coalesce((SELECT value FROM ix_texts WHERE id = i.name),
		(SELECT text FROM ix_nodes WHERE id = i.node AND kind = 7)) AS name,
	coalesce((SELECT value FROM ix_texts WHERE id = i.uri),
		(SELECT text FROM ix_nodes WHERE id = i.node AND kind = 3)) AS uri,
	(SELECT value FROM ix_texts WHERE id = i.digest) AS digest,
	(SELECT value FROM ix_texts WHERE id = i.license) AS license,
	(SELECT value FROM ix_texts WHERE id = i.classification) AS classification,
	(SELECT value FROM ix_texts WHERE id = i.consent) AS consent
FROM ix_inputs i JOIN ix_versions v ON v.id = i.version;

CREATE VIEW deployments AS SELECT
	(SELECT name FROM ix_models WHERE id = d.model) AS model,
	(SELECT value FROM ix_texts WHERE id = d.environment) AS environment,
	(SELECT value FROM ix_texts WHERE id = d.workload) AS workload,
	(SELECT min(v.number) FROM ix_versions v WHERE v.node = d.version AND v.model = d.model) AS version,
	(SELECT {digest name} FROM ix_nodes WHERE id = d.version) AS digest,
	{time d.since_s} AS since_at, nullif(d.since_s, 0) AS since_s,
	(SELECT value FROM ix_texts WHERE id = d.actor) AS actor
FROM ix_deployments d;

CREATE VIEW approvals AS SELECT
	(SELECT name FROM ix_models WHERE id = a.model) AS model,
	(SELECT value FROM ix_texts WHERE id = a.alias) AS alias,
	(SELECT min(v.number) FROM ix_versions v WHERE v.node = a.version AND v.model = a.model) AS version,
	(SELECT {digest name} FROM ix_nodes WHERE id = a.version) AS digest,
	{digest a.event} AS event,
	(SELECT value FROM ix_texts WHERE id = a.state) AS state,
	(SELECT value FROM ix_texts WHERE id = a.asked_by) AS asked_by,
	{time a.asked_s} AS asked_at, nullif(a.asked_s, 0) AS asked_s,
	{time a.until_s} AS until_at, nullif(a.until_s, 0) AS until_s,
	a.grants,
	{time a.answered_s} AS answered_at, nullif(a.answered_s, 0) AS answered_s,
	{time a.moved_s} AS moved_at, nullif(a.moved_s, 0) AS moved_s
FROM ix_approvals a;

CREATE VIEW incidents AS SELECT
	(SELECT name FROM ix_models WHERE id = i.model) AS model,
	(SELECT min(v.number) FROM ix_versions v WHERE v.node = i.version AND v.model = i.model) AS version,
	(SELECT {digest name} FROM ix_nodes WHERE id = i.version) AS digest,
	{digest i.event} AS event,
	(SELECT value FROM ix_texts WHERE id = i.title) AS title,
	(SELECT value FROM ix_texts WHERE id = i.severity) AS severity,
	(SELECT value FROM ix_texts WHERE id = i.environment) AS environment,
	(SELECT value FROM ix_texts WHERE id = i.url) AS url,
	{time i.opened_s} AS opened_at, nullif(i.opened_s, 0) AS opened_s,
	{time i.closed_s} AS closed_at, nullif(i.closed_s, 0) AS closed_s,
	(SELECT value FROM ix_texts WHERE id = i.actor) AS actor
FROM ix_incidents i;

CREATE VIEW notes AS SELECT
	(SELECT name FROM ix_models WHERE id = n.model) AS model, n.subject, n.note
FROM ix_notes n;

CREATE VIEW syncs AS SELECT
	s.name AS model,
	{time s.synced_s} AS synced_at, nullif(s.synced_s, 0) AS synced_s,
	{time s.changed_s} AS changed_at, nullif(s.changed_s, 0) AS changed_s,
	{time s.swept_s} AS swept_at, nullif(s.swept_s, 0) AS swept_s,
	{time s.hinted_s} AS hinted_at, nullif(s.hinted_s, 0) AS hinted_s,
	{time s.tried_s} AS tried_at, nullif(s.tried_s, 0) AS tried_s,
	s.error, s.requests
FROM cache_syncs s;
