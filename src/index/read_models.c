/*
 * read_models.c - models, the versions of one, where a digest is one, what a
 * name stands for, and what runs where.
 */
#include "index/index.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "index/internal.h"

int mr_ix_take(struct mr_arena *arena, const void *items, size_t n, size_t each,
	       void **out, size_t *count, struct mreg_error *err)
{
	*out = mr_arena_alloc(arena, n ? n * each : 1);
	if (!*out || mr_arena_failed(arena))
		return mr_fail_nomem(err);
	if (n)
		memcpy(*out, items, n * each);
	*count = n;
	return 0;
}

/* In the arena; NULL stays NULL. */
static const char *text_of(struct mr_stmt *s, int column,
			   struct mr_arena *arena)
{
	const char *text = mr_stmt_text(s, column);

	return text ? mr_arena_strdup(arena, text) : NULL;
}

void mr_ix_read_sync(struct mr_stmt *s, int column, struct mr_arena *arena,
		     struct mr_ix_sync *out)
{
	out->synced_s = mr_stmt_int(s, column);
	out->changed_s = mr_stmt_int(s, column + 1);
	out->swept_s = mr_stmt_int(s, column + 2);
	out->hinted_s = mr_stmt_int(s, column + 3);
	out->tried_s = mr_stmt_int(s, column + 4);
	out->error = text_of(s, column + 5, arena);
	out->requests = (uint64_t)mr_stmt_int(s, column + 6);
}

/* -- models ---------------------------------------------------------------- */

#define SELECT_MODELS                                                          \
	"SELECT m.id, m.name, m.place, m.repository, "                         \
	"(SELECT value FROM ix_texts WHERE id = m.owner), "                    \
	"(SELECT value FROM ix_texts WHERE id = m.display_name), "             \
	"(SELECT value FROM ix_texts WHERE id = m.description), "              \
	"m.versions, m.latest, m.bytes, m.updated_s, "                         \
	"(SELECT count(*) FROM ix_notes x WHERE x.model = m.id), "             \
	"y.synced_s, y.changed_s, y.swept_s, y.hinted_s, y.tried_s, "          \
	"y.error, y.requests FROM ix_models m "                                \
	"LEFT JOIN cache_syncs y ON y.name = m.name "

static void read_model(struct mr_stmt *s, struct mr_arena *arena,
		       struct mr_ix_model_row *out)
{
	*out = (struct mr_ix_model_row){
		.id = mr_stmt_int(s, 0),
		.name = text_of(s, 1, arena),
		.place = text_of(s, 2, arena),
		.repository = text_of(s, 3, arena),
		.owner = text_of(s, 4, arena),
		.display_name = text_of(s, 5, arena),
		.description = text_of(s, 6, arena),
		.versions = (uint64_t)mr_stmt_int(s, 7),
		.latest = (uint64_t)mr_stmt_int(s, 8),
		.bytes = (uint64_t)mr_stmt_int(s, 9),
		.updated_s = mr_stmt_int(s, 10),
		.notes = (uint64_t)mr_stmt_int(s, 11),
	};
	mr_ix_read_sync(s, 12, arena, &out->sync);
}

static int take_models(struct mr_stmt *s, struct mr_arena *arena,
		       struct mr_ix_model_row **out, size_t *count,
		       struct mreg_error *err)
{
	MR_AUTO(mr_free) struct mr_ix_model_row *items = NULL;
	size_t cap = 0, n = 0;
	int rc;

	while ((rc = mr_stmt_step(s, err)) > 0) {
		if (mr_grow((void **)&items, &cap, n + 1, sizeof(*items)) < 0) {
			rc = mr_fail_nomem(err);
			break;
		}
		read_model(s, arena, items + n++);
	}
	mr_stmt_reset(s);
	if (rc < 0)
		return rc;
	return mr_ix_take(arena, items, n, sizeof(*items), (void **)out, count,
			  err);
}

/* A name, and all that goes on behind it with "/": up to "0", the character
 * behind that. */
static int bind_under(struct mr_stmt *s, const char *under,
		      struct mreg_error *err)
{
	size_t n = strlen(under);
	MR_AUTO(mr_free) char *text = mr_alloc(n + 2);

	if (!text)
		return mr_fail_nomem(err);
	while (n > 0 && under[n - 1] == '/')
		n--;
	(void)snprintf(text, n + 2, "%.*s", (int)n, under);
	mr_bind_text(s, 1, text);
	text[n] = '/';
	text[n + 1] = 0;
	mr_bind_text(s, 2, text);
	text[n] = '0';
	mr_bind_text(s, 3, text);
	return 0;
}

int mr_index_models(struct mr_index *ix, const char *under,
		    struct mr_arena *arena, struct mr_ix_model_row **out,
		    size_t *count, struct mreg_error *err)
{
	struct mr_stmt *s;
	int rc = mr_ix_begin_read(ix, err);

	if (rc < 0)
		return rc;
	rc = mr_db_stmt(ix->db,
			under ? SELECT_MODELS
				"WHERE m.name = $1 OR (m.name >= $2 AND "
				"m.name < $3) ORDER BY m.name"
			      : SELECT_MODELS "ORDER BY m.name",
			&s, err);
	if (rc == 0 && under)
		rc = bind_under(s, under, err);
	if (rc == 0)
		rc = take_models(s, arena, out, count, err);
	mr_ix_end_read(ix);
	return rc;
}

int mr_index_model_rows(struct mr_index *ix, const int64_t *ids, size_t n,
			struct mr_arena *arena, struct mr_ix_model_row **out,
			struct mreg_error *err)
{
	struct mr_ix_model_row *found, *rows;
	size_t i, k, count;
	struct mr_stmt *s;
	int rc;

	rows = mr_arena_alloc(arena, (n + 1) * sizeof(*rows));
	if (!rows)
		return mr_fail_nomem(err);
	rc = mr_ix_begin_read(ix, err);
	if (rc < 0)
		return rc;
	rc = mr_db_stmt(ix->db, SELECT_MODELS "WHERE m.id IN {ids $1}", &s,
			err);
	if (rc == 0) {
		mr_bind_ids(s, 1, ids, n);
		rc = take_models(s, arena, &found, &count, err);
	}
	mr_ix_end_read(ix);
	if (rc < 0)
		return rc;
	for (i = 0; i < n; i++)
		for (k = 0; k < count; k++)
			if (found[k].id == ids[i])
				rows[i] = found[k];
	*out = rows;
	return 0;
}

/* -- versions -------------------------------------------------------------- */

/* Ids in the order of the rows; owned by the caller. */
static int take_ids(struct mr_stmt *s, int64_t **out, size_t *count,
		    struct mreg_error *err)
{
	MR_AUTO(mr_free) int64_t *ids = NULL;
	size_t cap = 0, n = 0;
	int rc;

	while ((rc = mr_stmt_step(s, err)) > 0) {
		if (mr_grow((void **)&ids, &cap, n + 1, sizeof(*ids)) < 0) {
			rc = mr_fail_nomem(err);
			break;
		}
		ids[n++] = mr_stmt_int(s, 0);
	}
	mr_stmt_reset(s);
	*out = mr_steal(&ids);
	*count = n;
	return rc;
}

static int rows_of(struct mr_index *ix, struct mr_stmt *s,
		   struct mr_arena *arena, struct mr_ix_row **out,
		   size_t *count, struct mreg_error *err)
{
	MR_AUTO(mr_free) int64_t *ids = NULL;
	int rc = take_ids(s, &ids, count, err);

	return rc < 0 ? rc : mr_ix_rows_read(ix, ids, *count, arena, out, err);
}

int mr_index_versions(struct mr_index *ix, const char *model, bool archived,
		      struct mr_arena *arena, struct mr_ix_row **out,
		      size_t *count, struct mreg_error *err)
{
	struct mr_stmt *s;
	int rc = mr_ix_begin_read(ix, err);

	if (rc < 0)
		return rc;
	rc = mr_db_stmt(ix->db,
			archived ? "SELECT v.id FROM ix_versions v "
				   "JOIN ix_models m ON m.id = v.model "
				   "WHERE m.name = $1 ORDER BY v.number DESC"
				 : "SELECT v.id FROM ix_versions v "
				   "JOIN ix_models m ON m.id = v.model "
				   "WHERE m.name = $1 AND v.archived_s = 0 "
				   "ORDER BY v.number DESC",
			&s, err);
	if (rc == 0) {
		mr_bind_text(s, 1, model);
		rc = rows_of(ix, s, arena, out, count, err);
	}
	mr_ix_end_read(ix);
	return rc;
}

static int by_place(const void *a, const void *b)
{
	const struct mr_ix_row *x = a, *y = b;
	int differ = strcmp(x->model, y->model);

	return differ ? differ
		      : (x->number < y->number) - (x->number > y->number);
}

int mr_index_find(struct mr_index *ix, const struct mreg_digest *d,
		  struct mr_arena *arena, struct mr_ix_row **out, size_t *count,
		  struct mreg_error *err)
{
	struct mr_stmt *s;
	int rc = mr_ix_begin_read(ix, err);

	if (rc < 0)
		return rc;
	rc = mr_db_stmt(ix->db,
			"SELECT v.id FROM ix_nodes n "
			"JOIN ix_versions v ON v.node = n.id "
			"WHERE substr(n.name, 1, 4) = $2 AND n.name = $1 "
			"AND n.kind = 0",
			&s, err);
	if (rc == 0) {
		mr_ix_bind_digest(s, 1, d);
		mr_bind_blob(s, 2, d->bytes, MR_IX_PREFIX_BYTES);
		rc = rows_of(ix, s, arena, out, count, err);
	}
	/* Mostly there is one, and its name is known only now. */
	if (rc >= 0 && *count > 1)
		qsort(*out, *count, sizeof(**out), by_place);
	mr_ix_end_read(ix);
	return rc;
}

static int resolve(struct mr_index *ix, const char *model, const char *tag,
		   struct mreg_digest *out, bool *found, struct mreg_error *err)
{
	uint64_t number = mr_tag_number(tag);
	struct mr_stmt *s;
	int rc = mr_db_stmt(ix->db,
			    number ? "SELECT n.name FROM ix_models m "
				     "JOIN ix_versions v ON v.model = m.id "
				     "JOIN ix_nodes n ON n.id = v.node "
				     "WHERE m.name = $1 AND v.number = $2"
				   : "SELECT n.name FROM ix_models m "
				     "JOIN ix_names t ON t.model = m.id "
				     "JOIN ix_nodes n ON n.id = t.tagged "
				     "WHERE m.name = $1 AND t.tag = $2",
			    &s, err);

	if (rc < 0)
		return rc;
	mr_bind_text(s, 1, model);
	if (number)
		mr_bind_int(s, 2, (int64_t)number);
	else
		mr_bind_text(s, 2, tag);
	rc = mr_stmt_step(s, err);
	*found = rc > 0;
	if (rc > 0)
		mr_ix_digest(s, 0, out);
	mr_stmt_reset(s);
	return rc < 0 ? rc : 0;
}

int mr_index_resolve(struct mr_index *ix, const char *model, const char *tag,
		     struct mreg_digest *out, bool *found,
		     struct mreg_error *err)
{
	int rc = mr_ix_begin_read(ix, err);

	if (rc < 0)
		return rc;
	rc = resolve(ix, model, tag, out, found, err);
	mr_ix_end_read(ix);
	return rc;
}

/* -- deployments ----------------------------------------------------------- */

/* The casts: PostgreSQL asks what a value is that is only compared with NULL.
 */
#define SELECT_PLACES                                                          \
	"SELECT m.name, e.value, k.value, n.name, d.since_s, a.value, "        \
	"coalesce((SELECT min(v.number) FROM ix_versions v "                   \
	"WHERE v.model = d.model AND v.node = d.version), 0) "                 \
	"FROM ix_deployments d JOIN ix_models m ON m.id = d.model "            \
	"JOIN ix_texts e ON e.id = d.environment "                             \
	"JOIN ix_texts k ON k.id = d.workload "                                \
	"JOIN ix_nodes n ON n.id = d.version "                                 \
	"LEFT JOIN ix_texts a ON a.id = d.actor "                              \
	"WHERE (CAST($1 AS TEXT) IS NULL OR m.name = $1) "                     \
	"AND (CAST($2 AS TEXT) IS NULL OR e.value = $2) "                      \
	"AND (CAST($3 AS {blob}) IS NULL OR n.name = $3) "                     \
	"ORDER BY e.value, k.value, m.name"

static int read_places(struct mr_stmt *s, struct mr_arena *arena,
		       struct mr_ix_place_row **out, size_t *count,
		       struct mreg_error *err)
{
	MR_AUTO(mr_free) struct mr_ix_place_row *items = NULL;
	size_t cap = 0, n = 0;
	int rc;

	while ((rc = mr_stmt_step(s, err)) > 0) {
		if (mr_grow((void **)&items, &cap, n + 1, sizeof(*items)) < 0) {
			rc = mr_fail_nomem(err);
			break;
		}
		items[n].model = text_of(s, 0, arena);
		items[n].at.environment = text_of(s, 1, arena);
		items[n].at.workload = text_of(s, 2, arena);
		mr_ix_digest(s, 3, &items[n].at.version);
		items[n].at.since_s = mr_stmt_int(s, 4);
		items[n].at.actor = text_of(s, 5, arena);
		items[n++].number = (uint64_t)mr_stmt_int(s, 6);
	}
	mr_stmt_reset(s);
	if (rc < 0)
		return rc;
	return mr_ix_take(arena, items, n, sizeof(*items), (void **)out, count,
			  err);
}

int mr_index_deployments(struct mr_index *ix, const char *model,
			 const char *environment,
			 const struct mreg_digest *version,
			 struct mr_arena *arena, struct mr_ix_place_row **out,
			 size_t *count, struct mreg_error *err)
{
	struct mr_stmt *s;
	int rc = mr_ix_begin_read(ix, err);

	if (rc < 0)
		return rc;
	rc = mr_db_stmt(ix->db, SELECT_PLACES, &s, err);
	if (rc == 0) {
		mr_bind_text(s, 1, model);
		mr_bind_text(s, 2, environment);
		if (version)
			mr_ix_bind_digest(s, 3, version);
		else
			mr_bind_null(s, 3);
		rc = read_places(s, arena, out, count, err);
	}
	mr_ix_end_read(ix);
	return rc;
}
