/*
 * read_history.c - what happened to one model, as it was written down.
 */
#include "index/index.h"

#include "base/error.h"
#include "base/mem.h"
#include "index/internal.h"

/* In the arena; NULL stays NULL. */
static const char *text_of(struct mr_stmt *s, int column,
			   struct mr_arena *arena)
{
	const char *text = mr_stmt_text(s, column);

	return text ? mr_arena_strdup(arena, text) : NULL;
}

/* One row of a statement into an item. */
typedef void read_fn(struct mr_stmt *s, struct mr_arena *arena, void *out);

static int take(struct mr_stmt *s, struct mr_arena *arena, read_fn *read,
		size_t each, void **out, size_t *count, struct mreg_error *err)
{
	MR_AUTO(mr_free) char *items = NULL;
	size_t cap = 0, n = 0;
	int rc;

	while ((rc = mr_stmt_step(s, err)) > 0) {
		if (mr_grow((void **)&items, &cap, n + 1, each) < 0) {
			rc = mr_fail_nomem(err);
			break;
		}
		read(s, arena, items + n++ * each);
	}
	mr_stmt_reset(s);
	return rc < 0 ? rc : mr_ix_take(arena, items, n, each, out, count, err);
}

/* `sql` asks by $1, a text. */
static int ask(struct mr_index *ix, const char *sql, const char *model,
	       struct mr_arena *arena, read_fn *read, size_t each, void **out,
	       size_t *count, struct mreg_error *err)
{
	struct mr_stmt *s;
	int rc = mr_ix_begin_read(ix, err);

	if (rc < 0)
		return rc;
	rc = mr_db_stmt(ix->db, sql, &s, err);
	if (rc >= 0) {
		mr_bind_text(s, 1, model);
		rc = take(s, arena, read, each, out, count, err);
	}
	mr_ix_end_read(ix);
	return rc;
}

/* -- events ---------------------------------------------------------------- */

static void read_event(struct mr_stmt *s, struct mr_arena *arena, void *out)
{
	struct mr_ix_event_row *to = out;

	*to = (struct mr_ix_event_row){
		.seq = (uint64_t)mr_stmt_int(s, 2),
		.number = (uint64_t)mr_stmt_int(s, 3),
		.kind = text_of(s, 4, arena),
		.time_s = mr_stmt_int(s, 5),
		.actor = text_of(s, 6, arena),
		.alias = text_of(s, 7, arena),
		.detail = text_of(s, 8, arena),
	};
	if (!to->actor)
		to->actor = "";
	mr_ix_digest(s, 0, &to->digest);
	mr_ix_digest(s, 1, &to->version);
}

int mr_index_events(struct mr_index *ix, const char *model,
		    struct mr_arena *arena, struct mr_ix_event_row **out,
		    size_t *count, struct mreg_error *err)
{
	return ask(ix,
		   "SELECT e.digest, n.name, "
		   "coalesce(e.seq, e.place + 1), (SELECT min(v.number) "
		   "FROM ix_versions v WHERE v.model = m.id AND "
		   "v.node = e.version), k.value, e.time_s, a.value, l.value, "
		   "e.detail FROM ix_models m "
		   "JOIN ix_events e ON e.model = m.id "
		   "JOIN ix_texts k ON k.id = e.kind "
		   "LEFT JOIN ix_nodes n ON n.id = e.version "
		   "LEFT JOIN ix_texts a ON a.id = e.actor "
		   "LEFT JOIN ix_texts l ON l.id = e.alias "
		   "WHERE m.name = $1 ORDER BY e.place",
		   model, arena, read_event, sizeof(**out), (void **)out, count,
		   err);
}

/* -- approvals and incidents ------------------------------------------------
 */

static void read_approval(struct mr_stmt *s, struct mr_arena *arena, void *out)
{
	struct mr_ix_approval_row *to = out;

	*to = (struct mr_ix_approval_row){
		.number = (uint64_t)mr_stmt_int(s, 2),
		.is = { .alias = text_of(s, 3, arena),
			.asked_s = mr_stmt_int(s, 4),
			.until_s = mr_stmt_int(s, 5),
			.by = text_of(s, 6, arena),
			.state = text_of(s, 7, arena),
			.answered_s = mr_stmt_int(s, 8),
			.moved_s = mr_stmt_int(s, 9),
			.grants = (uint64_t)mr_stmt_int(s, 10) },
	};
	mr_ix_digest(s, 0, &to->is.event);
	mr_ix_digest(s, 1, &to->is.version);
}

int mr_index_approvals(struct mr_index *ix, const char *model,
		       struct mr_arena *arena, struct mr_ix_approval_row **out,
		       size_t *count, struct mreg_error *err)
{
	return ask(ix,
		   "SELECT r.event, n.name, (SELECT min(v.number) "
		   "FROM ix_versions v WHERE v.model = m.id AND "
		   "v.node = r.version), l.value, r.asked_s, r.until_s, "
		   "b.value, t.value, r.answered_s, r.moved_s, r.grants "
		   "FROM ix_models m JOIN ix_approvals r ON r.model = m.id "
		   "JOIN ix_nodes n ON n.id = r.version "
		   "LEFT JOIN ix_texts l ON l.id = r.alias "
		   "LEFT JOIN ix_texts b ON b.id = r.asked_by "
		   "LEFT JOIN ix_texts t ON t.id = r.state "
		   "WHERE m.name = $1 ORDER BY r.asked_s, r.event",
		   model, arena, read_approval, sizeof(**out), (void **)out,
		   count, err);
}

static void read_incident(struct mr_stmt *s, struct mr_arena *arena, void *out)
{
	struct mr_ix_incident_row *to = out;

	*to = (struct mr_ix_incident_row){
		.number = (uint64_t)mr_stmt_int(s, 2),
		.is = { .title = text_of(s, 3, arena),
			.severity = text_of(s, 4, arena),
			.environment = text_of(s, 5, arena),
			.url = text_of(s, 6, arena),
			.opened_s = mr_stmt_int(s, 7),
			.closed_s = mr_stmt_int(s, 8),
			.actor = text_of(s, 9, arena) },
	};
	mr_ix_digest(s, 0, &to->is.event);
	mr_ix_digest(s, 1, &to->is.version);
}

int mr_index_incidents(struct mr_index *ix, const char *model,
		       struct mr_arena *arena, struct mr_ix_incident_row **out,
		       size_t *count, struct mreg_error *err)
{
	return ask(ix,
		   "SELECT i.event, n.name, (SELECT min(v.number) "
		   "FROM ix_versions v WHERE v.model = m.id AND "
		   "v.node = i.version), t.value, s.value, x.value, u.value, "
		   "i.opened_s, i.closed_s, a.value "
		   "FROM ix_models m JOIN ix_incidents i ON i.model = m.id "
		   "LEFT JOIN ix_nodes n ON n.id = i.version "
		   "LEFT JOIN ix_texts t ON t.id = i.title "
		   "LEFT JOIN ix_texts s ON s.id = i.severity "
		   "LEFT JOIN ix_texts x ON x.id = i.environment "
		   "LEFT JOIN ix_texts u ON u.id = i.url "
		   "LEFT JOIN ix_texts a ON a.id = i.actor "
		   "WHERE m.name = $1 ORDER BY i.opened_s, i.event",
		   model, arena, read_incident, sizeof(**out), (void **)out,
		   count, err);
}

/* -- of one version ----------------------------------------------------------
 */

static void read_document(struct mr_stmt *s, struct mr_arena *arena, void *out)
{
	struct mr_ix_document *to = out;

	*to = (struct mr_ix_document){
		.how = (enum mr_ix_hangs)mr_stmt_int(s, 1),
		.artifact_type = text_of(s, 2, arena),
		.title = text_of(s, 3, arena),
		.tag = text_of(s, 4, arena),
		.created_s = mr_stmt_int(s, 6),
		.suite = text_of(s, 7, arena),
		.dataset = text_of(s, 8, arena),
		.verdict = text_of(s, 9, arena),
	};
	mr_ix_digest(s, 0, &to->desc.digest);
	to->desc.size = (uint64_t)mr_stmt_int(s, 5);
}

int mr_index_documents(struct mr_index *ix, const char *model,
		       const struct mreg_digest *version,
		       struct mr_arena *arena, struct mr_ix_document **out,
		       size_t *count, struct mreg_error *err)
{
	struct mr_stmt *s;
	size_t i;
	int rc = mr_ix_begin_read(ix, err);

	if (rc < 0)
		return rc;
	rc = mr_db_stmt(ix->db,
			"SELECT n.name, d.how, t.value, i.value, g.value, "
			"d.size, d.created_s, s.value, a.value, v.value "
			"FROM ix_models m "
			"JOIN ix_documents d ON d.model = m.id "
			"JOIN ix_nodes b ON b.id = d.subject "
			"JOIN ix_nodes n ON n.id = d.node "
			"LEFT JOIN ix_texts t ON t.id = d.artifact_type "
			"LEFT JOIN ix_texts i ON i.id = d.title "
			"LEFT JOIN ix_texts g ON g.id = d.tag "
			"LEFT JOIN ix_texts s ON s.id = d.suite "
			"LEFT JOIN ix_texts a ON a.id = d.dataset "
			"LEFT JOIN ix_texts v ON v.id = d.verdict "
			"WHERE m.name = $1 AND b.name = $2 ORDER BY n.name",
			&s, err);
	if (rc >= 0) {
		mr_bind_text(s, 1, model);
		mr_ix_bind_digest(s, 2, version);
		rc = take(s, arena, read_document, sizeof(**out), (void **)out,
			  count, err);
	}
	mr_ix_end_read(ix);
	for (i = 0; rc >= 0 && i < *count; i++)
		(*out)[i].subject = *version;
	return rc;
}

static void read_input(struct mr_stmt *s, struct mr_arena *arena, void *out)
{
	*(struct mr_ix_input_row *)out = (struct mr_ix_input_row){
		.role = text_of(s, 0, arena),
		.name = text_of(s, 1, arena),
		.uri = text_of(s, 2, arena),
		.digest = text_of(s, 3, arena),
		.license = text_of(s, 4, arena),
		.classification = text_of(s, 5, arena),
		.consent = text_of(s, 6, arena),
	};
}

int mr_index_inputs(struct mr_index *ix, int64_t version,
		    struct mr_arena *arena, struct mr_ix_input_row **out,
		    size_t *count, struct mreg_error *err)
{
	struct mr_stmt *s;
	int rc = mr_ix_begin_read(ix, err);

	if (rc < 0)
		return rc;
	rc = mr_db_stmt(ix->db,
			"SELECT r.value, "
			"CASE x.kind WHEN 7 THEN x.text ELSE n.value END, "
			"CASE x.kind WHEN 3 THEN x.text ELSE u.value END, "
			"d.value, l.value, c.value, o.value FROM ix_inputs i "
			"LEFT JOIN ix_nodes x ON x.id = i.node "
			"LEFT JOIN ix_texts r ON r.id = i.role "
			"LEFT JOIN ix_texts n ON n.id = i.name "
			"LEFT JOIN ix_texts u ON u.id = i.uri "
			"LEFT JOIN ix_texts d ON d.id = i.digest "
			"LEFT JOIN ix_texts l ON l.id = i.license "
			"LEFT JOIN ix_texts c ON c.id = i.classification "
			"LEFT JOIN ix_texts o ON o.id = i.consent "
			"WHERE i.version = $1 ORDER BY i.position",
			&s, err);
	if (rc >= 0) {
		mr_bind_int(s, 1, version);
		rc = take(s, arena, read_input, sizeof(**out), (void **)out,
			  count, err);
	}
	mr_ix_end_read(ix);
	return rc;
}
