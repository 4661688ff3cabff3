/*
 * cache.c - what the last sync saw of a model, kept for the next; it answers no
 * question about models.
 */
#include "index/index.h"

#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "content/digest.h"
#include "index/writer.h"

/* Of one repository, in memory. */
#define TAGS_MAX_BYTES (512u << 20)
/* Senders try for days. */
#define INBOX_S (30 * 24 * 3600)

/* The name of the model that is written; in `arena`. */
static int name_of(struct mr_index_writer *w, struct mr_arena *arena,
		   const char **out, struct mreg_error *err)
{
	struct mr_stmt *s;
	int rc = mr_db_stmt(
		w->ix->db, "SELECT name FROM ix_models WHERE id = $1", &s, err);

	if (rc < 0)
		return rc;
	mr_bind_int(s, 1, w->model);
	rc = mr_stmt_step(s, err);
	if (rc > 0)
		*out = mr_arena_strdup(arena, mr_stmt_text(s, 0));
	mr_stmt_reset(s);
	if (rc == 0)
		return mr_fail(err, MREG_EINTERNAL, "a model without a row");
	return rc > 0 && !*out ? mr_fail_nomem(err) : rc < 0 ? rc : 0;
}

int mr_index_cache_tags(struct mr_index_writer *w,
			const struct mr_ix_seen *items, size_t n,
			struct mreg_error *err)
{
	static const struct mr_ix_list list = {
		.select = "SELECT tag, digest FROM cache_tags WHERE name = $1",
		.remove = "DELETE FROM cache_tags "
			  "WHERE name = $1 AND tag = $2",
		.insert = "INSERT INTO cache_tags (name, tag, digest) "
			  "VALUES ($1, $2, $3)",
		.owners = 1,
		.columns = 2,
		.keys = 1,
	};
	MR_AUTO(mr_ix_rows_release) struct mr_ix_rows rows = { 0 };
	const char *name = NULL;
	struct mr_cell owner, *c;
	bool changed = false;
	size_t i;
	int rc = mr_ix_rows_init(&rows, &list, err);

	if (rc == 0)
		rc = name_of(w, rows.arena, &name, err);
	if (rc < 0)
		return rc;
	owner = mr_cell_text(name);
	for (i = 0; i < n; i++) {
		c = mr_ix_rows_add(&rows);
		if (!c)
			return mr_fail_nomem(err);
		c[0] = mr_cell_text(items[i].tag);
		c[1] = mr_cell_digest(&items[i].digest);
	}
	return mr_ix_rows_replace(w->ix, &rows, &owner, 1, false, &changed,
				  err);
}

static int put_sync(struct mr_index *ix, const char *sql, const char *name,
		    const struct mr_ix_sync *sync, struct mreg_error *err)
{
	struct mr_stmt *s;
	int rc = mr_db_stmt(ix->db, sql, &s, err);

	if (rc < 0)
		return rc;
	mr_bind_text(s, 1, name);
	mr_bind_int(s, 2, sync->synced_s);
	mr_bind_int(s, 3, sync->changed_s);
	mr_bind_int(s, 4, sync->swept_s);
	mr_bind_int(s, 5, sync->hinted_s);
	mr_bind_int(s, 6, sync->tried_s);
	mr_bind_text(s, 7, sync->error);
	mr_bind_int(s, 8, (int64_t)sync->requests);
	return mr_stmt_run(s, err);
}

#define INSERT_SYNC                                                            \
	"INSERT INTO cache_syncs (name, synced_s, changed_s, swept_s, "        \
	"hinted_s, tried_s, error, requests) "                                 \
	"VALUES ($1, $2, $3, $4, $5, $6, $7, $8) "                             \
	"ON CONFLICT (name) DO UPDATE SET "

int mr_index_cache_sync(struct mr_index_writer *w, const struct mr_ix_sync *s,
			struct mreg_error *err)
{
	MR_AUTO(mr_arena_freep) struct mr_arena *arena = mr_arena_new(4096);
	const char *name = NULL;
	int rc;

	if (!arena)
		return mr_fail_nomem(err);
	rc = name_of(w, arena, &name, err);
	if (rc < 0)
		return rc;
	return put_sync(w->ix,
			INSERT_SYNC
			"synced_s = excluded.synced_s, "
			"changed_s = excluded.changed_s, "
			"swept_s = excluded.swept_s, "
			/* One that came while it was looked at waits. */
			"hinted_s = CASE WHEN cache_syncs.hinted_s > "
			"excluded.hinted_s THEN cache_syncs.hinted_s "
			"ELSE excluded.hinted_s END, "
			"tried_s = excluded.tried_s, error = excluded.error, "
			"requests = excluded.requests",
			name, s, err);
}

/* A column keeps its value where the new one is 0. */
#define KEEP(column)                                                           \
	column " = CASE excluded." column " WHEN 0 THEN cache_syncs." column   \
	       " ELSE excluded." column " END"

#define KEEP_SYNC                                                                           \
	INSERT_SYNC KEEP("synced_s") ", " KEEP("changed_s") ", " KEEP("swept_s") ", " KEEP( \
		"hinted_s") ", " KEEP("tried_s") ", error = excluded.error, " KEEP("requests")

/* What the last try came to is not a hint's to say. */
#define HINT_SYNC                                                              \
	INSERT_SYNC "hinted_s = CASE WHEN cache_syncs.hinted_s > "             \
		    "excluded.hinted_s THEN cache_syncs.hinted_s "             \
		    "ELSE excluded.hinted_s END"

int mr_index_cache_try(struct mr_index *ix, const char *name,
		       const struct mr_ix_sync *s, struct mreg_error *err)
{
	int rc;

	mr_ix_lock(ix);
	rc = mr_db_begin(ix->db, true, err);
	if (rc == 0) {
		rc = put_sync(ix, KEEP_SYNC, name, s, err);
		if (rc == 0)
			rc = mr_db_commit(ix->db, err);
		if (rc < 0)
			mr_db_rollback(ix->db);
	}
	mr_ix_unlock(ix);
	return rc;
}

/* -- reading --------------------------------------------------------------- */

static int read_sync(struct mr_index *ix, const char *name,
		     struct mr_arena *arena, struct mr_ix_sync *sync,
		     bool *found, struct mreg_error *err)
{
	struct mr_stmt *s;
	int rc = mr_db_stmt(ix->db,
			    "SELECT synced_s, changed_s, swept_s, hinted_s, "
			    "tried_s, error, requests FROM cache_syncs "
			    "WHERE name = $1",
			    &s, err);

	if (rc < 0)
		return rc;
	mr_bind_text(s, 1, name);
	rc = mr_stmt_step(s, err);
	*found = rc > 0;
	if (rc > 0)
		mr_ix_read_sync(s, 0, arena, sync);
	mr_stmt_reset(s);
	return rc < 0 ? rc : 0;
}

static int read_tags(struct mr_index *ix, const char *name,
		     struct mr_arena *arena, struct mr_ix_seen **tags,
		     size_t *count, struct mreg_error *err)
{
	MR_AUTO(mr_free) struct mr_ix_seen *items = NULL;
	size_t cap = 0, n = 0;
	struct mr_stmt *s;
	int rc = mr_db_stmt(ix->db,
			    "SELECT tag, digest FROM cache_tags "
			    "WHERE name = $1 ORDER BY tag",
			    &s, err);

	if (rc < 0)
		return rc;
	mr_bind_text(s, 1, name);
	while ((rc = mr_stmt_step(s, err)) > 0) {
		if (mr_grow((void **)&items, &cap, n + 1, sizeof(*items)) < 0) {
			rc = mr_fail_nomem(err);
			break;
		}
		items[n].tag = mr_arena_strdup(arena, mr_stmt_text(s, 0));
		mr_ix_digest(s, 1, &items[n++].digest);
	}
	mr_stmt_reset(s);
	if (rc < 0)
		return rc;
	return mr_ix_take(arena, items, n, sizeof(*items), (void **)tags, count,
			  err);
}

int mr_index_cache_is(struct mr_index_writer *w, const struct mr_ix_seen *items,
		      size_t n, bool *is, struct mreg_error *err)
{
	MR_AUTO(mr_arena_freep)
	struct mr_arena *arena = mr_arena_new(TAGS_MAX_BYTES);
	struct mr_ix_seen *now = NULL;
	const char *name = NULL;
	size_t count = 0;
	size_t i;
	int rc = arena ? name_of(w, arena, &name, err) : mr_fail_nomem(err);

	if (rc == 0)
		rc = read_tags(w->ix, name, arena, &now, &count, err);
	*is = rc == 0 && count == n;
	for (i = 0; *is && i < n; i++)
		*is = strcmp(now[i].tag, items[i].tag) == 0 &&
		      mreg_digest_equal(&now[i].digest, &items[i].digest);
	return rc;
}

int mr_index_cached(struct mr_index *ix, const char *name,
		    struct mr_arena *arena, struct mr_ix_seen **tags,
		    size_t *count, struct mr_ix_sync *sync, bool *found,
		    struct mreg_error *err)
{
	int rc;

	memset(sync, 0, sizeof(*sync));
	rc = mr_ix_begin_read(ix, err);
	if (rc < 0)
		return rc;
	rc = read_sync(ix, name, arena, sync, found, err);
	if (rc == 0)
		rc = read_tags(ix, name, arena, tags, count, err);
	mr_ix_end_read(ix);
	return rc;
}

/* -- notifications --------------------------------------------------------- */

static int put_id(struct mr_index *ix, const char *id, bool *first,
		  struct mreg_error *err)
{
	struct mr_stmt *s;
	int rc = mr_db_stmt(ix->db,
			    "INSERT INTO cache_inbox (id, received_s) "
			    "VALUES ($1, $2) ON CONFLICT DO NOTHING "
			    "RETURNING received_s",
			    &s, err);

	if (rc < 0)
		return rc;
	mr_bind_text(s, 1, id);
	mr_bind_int(s, 2, mr_now_s(ix->env));
	rc = mr_stmt_step(s, err);
	*first = rc > 0;
	mr_stmt_reset(s);
	return rc < 0 ? rc : 0;
}

int mr_index_hint(struct mr_index *ix, const char *id, const char *const *names,
		  size_t n, int64_t hinted_s, bool *first,
		  struct mreg_error *err)
{
	const struct mr_ix_sync hint = { .hinted_s = hinted_s };
	size_t i;
	int rc;

	*first = true;
	mr_ix_lock(ix);
	rc = mr_db_begin(ix->db, true, err);
	if (rc >= 0 && id)
		rc = put_id(ix, id, first, err);
	for (i = 0; rc >= 0 && *first && i < n; i++)
		rc = put_sync(ix, HINT_SYNC, names[i], &hint, err);
	if (rc >= 0)
		rc = mr_db_commit(ix->db, err);
	if (rc < 0)
		mr_db_rollback(ix->db);
	mr_ix_unlock(ix);
	return rc;
}

int mr_index_forget_hints(struct mr_index *ix, struct mreg_error *err)
{
	struct mr_stmt *s;
	int rc;

	mr_ix_lock(ix);
	rc = mr_db_begin(ix->db, true, err);
	if (rc >= 0)
		rc = mr_db_stmt(ix->db,
				"DELETE FROM cache_inbox WHERE received_s < $1",
				&s, err);
	if (rc >= 0) {
		mr_bind_int(s, 1, mr_now_s(ix->env) - INBOX_S);
		rc = mr_stmt_run(s, err);
	}
	if (rc >= 0)
		rc = mr_db_commit(ix->db, err);
	if (rc < 0)
		mr_db_rollback(ix->db);
	mr_ix_unlock(ix);
	return rc;
}

int mr_index_known(struct mr_index *ix, const char *name,
		   struct mr_arena *arena, struct mr_ix_known **out,
		   size_t *count, struct mreg_error *err)
{
	MR_AUTO(mr_free) struct mr_ix_known *items = NULL;
	size_t cap = 0, n = 0;
	struct mr_stmt *s;
	int rc = mr_ix_begin_read(ix, err);

	if (rc < 0)
		return rc;
	rc = mr_db_stmt(ix->db,
			"SELECT v.number, n.name, (SELECT count(*) "
			"FROM ix_documents d WHERE d.model = v.model "
			"AND d.subject = v.node) FROM ix_versions v "
			"JOIN ix_models m ON m.id = v.model "
			"JOIN ix_nodes n ON n.id = v.node "
			"WHERE m.name = $1 ORDER BY v.number",
			&s, err);
	if (rc == 0) {
		mr_bind_text(s, 1, name);
		while ((rc = mr_stmt_step(s, err)) > 0) {
			if (mr_grow((void **)&items, &cap, n + 1,
				    sizeof(*items)) < 0) {
				rc = mr_fail_nomem(err);
				break;
			}
			items[n].number = (uint64_t)mr_stmt_int(s, 0);
			mr_ix_digest(s, 1, &items[n].digest);
			items[n++].documents = (size_t)mr_stmt_int(s, 2);
		}
		mr_stmt_reset(s);
	}
	mr_ix_end_read(ix);
	if (rc < 0)
		return rc;
	return mr_ix_take(arena, items, n, sizeof(*items), (void **)out, count,
			  err);
}
