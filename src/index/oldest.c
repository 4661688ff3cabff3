/*
 * oldest.c - how old what is known is, and how much of it was not taken as it
 * is.
 */
#include "index/internal.h"

int mr_index_oldest(struct mr_index *ix, int64_t *synced_s,
		    struct mreg_error *err)
{
	struct mr_stmt *s;
	int rc;

	*synced_s = 0;
	mr_ix_lock(ix);
	/* What is not indexed answers no question, however old it is. */
	rc = mr_db_stmt(ix->db,
			"SELECT MIN(c.synced_s) FROM ix_models m "
			"JOIN cache_syncs c ON c.name = m.name",
			&s, err);
	if (rc >= 0)
		rc = mr_stmt_step(s, err);
	if (rc > 0)
		*synced_s = mr_stmt_int(s, 0);
	if (rc >= 0)
		mr_stmt_reset(s);
	mr_ix_unlock(ix);
	return rc < 0 ? rc : 0;
}

int mr_index_notes(struct mr_index *ix, const char *name, uint64_t *out,
		   struct mreg_error *err)
{
	struct mr_stmt *s;
	int rc;

	*out = 0;
	mr_ix_lock(ix);
	rc = mr_db_stmt(ix->db,
			"SELECT count(*) FROM ix_notes n "
			"JOIN ix_models m ON m.id = n.model WHERE m.name = $1",
			&s, err);
	if (rc >= 0) {
		mr_bind_text(s, 1, name);
		rc = mr_stmt_step(s, err);
	}
	if (rc > 0)
		*out = (uint64_t)mr_stmt_int(s, 0);
	if (rc >= 0)
		mr_stmt_reset(s);
	mr_ix_unlock(ix);
	return rc < 0 ? rc : 0;
}
