/*
 * syncs.c - when what was looked at, of models that are not indexed yet, too.
 */
#include "base/error.h"
#include "base/mem.h"
#include "index/internal.h"

static int take_all(struct mr_stmt *s, struct mr_arena *a,
		    struct mr_ix_synced **out, size_t *count,
		    struct mreg_error *err)
{
	MR_AUTO(mr_free) struct mr_ix_synced *rows = NULL;
	size_t cap = 0;
	size_t i;
	int rc;

	while ((rc = mr_stmt_step(s, err)) > 0) {
		const char *error = mr_stmt_text(s, 6);
		void *grown = rows;
		struct mr_ix_synced *row;

		if (mr_grow(&grown, &cap, *count + 1, sizeof(*rows)) < 0)
			return mr_fail_nomem(err);
		rows = grown;
		row = &rows[(*count)++];
		row->name = mr_arena_strdup(a, mr_stmt_text(s, 0));
		row->sync = (struct mr_ix_sync){
			.synced_s = mr_stmt_int(s, 1),
			.changed_s = mr_stmt_int(s, 2),
			.swept_s = mr_stmt_int(s, 3),
			.hinted_s = mr_stmt_int(s, 4),
			.tried_s = mr_stmt_int(s, 5),
			.error = error ? mr_arena_strdup(a, error) : NULL,
			.requests = (uint64_t)mr_stmt_int(s, 7),
		};
	}
	if (rc < 0)
		return rc;
	*out = mr_arena_alloc(a, (*count + 1) * sizeof(**out));
	for (i = 0; *out && i < *count; i++)
		(*out)[i] = rows[i];
	return mr_arena_failed(a) ? mr_fail_nomem(err) : 0;
}

int mr_index_syncs(struct mr_index *ix, struct mr_arena *arena,
		   struct mr_ix_synced **out, size_t *count,
		   struct mreg_error *err)
{
	struct mr_stmt *s;
	int rc;

	*out = NULL;
	*count = 0;
	mr_ix_lock(ix);
	rc = mr_db_stmt(ix->db,
			"SELECT name, synced_s, changed_s, swept_s, hinted_s, "
			"tried_s, error, requests FROM cache_syncs "
			"ORDER BY name",
			&s, err);
	if (rc >= 0) {
		rc = take_all(s, arena, out, count, err);
		mr_stmt_reset(s);
	}
	mr_ix_unlock(ix);
	return rc;
}
