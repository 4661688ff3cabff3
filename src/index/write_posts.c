/*
 * write_posts.c - parameters and tags in the order that searches have, which
 * SQLite's planner does not find by itself (search_merge.c).
 *
 * ix_posts is ix_properties with the version's updated_s: who changes one of
 * the two drops a version's before, and names it behind; all that were named
 * are written together, for most versions change twice in a transaction.
 */
#include "base/error.h"
#include "base/mem.h"
#include "index/writer.h"

/* Of one statement; a set of some 40 KB. */
#define POSTS_MAX 4096

int mr_ix_drop_posts(struct mr_index_writer *w, int64_t version,
		     struct mreg_error *err)
{
	struct mr_stmt *s;
	int rc;

	if (mr_db_kind(w->ix->db) != MR_DB_SQLITE)
		return 0;
	/* They are to be written yet. */
	if (w->post_count && w->posts[w->post_count - 1] == version)
		return 0;
	rc = mr_ix_rows_settle(w->ix, NULL, err);
	if (rc == 0)
		rc = mr_db_stmt(w->ix->db,
				"DELETE FROM ix_posts "
				"WHERE (pair, updated_s, version) IN "
				"(SELECT p.pair, v.updated_s, p.version "
				"FROM ix_properties p CROSS JOIN ix_versions v "
				"WHERE p.version = $1 AND v.id = p.version)",
				&s, err);
	if (rc < 0)
		return rc;
	mr_bind_int(s, 1, version);
	return mr_stmt_run(s, err);
}

int mr_ix_end_posts(struct mr_index_writer *w, struct mreg_error *err)
{
	struct mr_stmt *s;
	int rc;

	if (w->post_count == 0)
		return 0;
	rc = mr_ix_rows_settle(w->ix, NULL, err);
	if (rc == 0)
		rc = mr_db_stmt(
			w->ix->db,
			"INSERT INTO ix_posts "
			"(pair, updated_s, version) "
			"SELECT p.pair, v.updated_s, p.version "
			"FROM ix_properties p CROSS JOIN ix_versions v "
			"WHERE p.version IN {ids $1} AND v.id = p.version "
			"ORDER BY 1, 2, 3",
			&s, err);
	if (rc < 0)
		return rc;
	mr_bind_ids(s, 1, w->posts, w->post_count);
	w->post_count = 0;
	return mr_stmt_run(s, err);
}

int mr_ix_put_posts(struct mr_index_writer *w, int64_t version,
		    struct mreg_error *err)
{
	int rc;

	if (mr_db_kind(w->ix->db) != MR_DB_SQLITE)
		return 0;
	if (w->post_count && w->posts[w->post_count - 1] == version)
		return 0;
	if (w->post_count == POSTS_MAX) {
		rc = mr_ix_end_posts(w, err);
		if (rc < 0)
			return rc;
	}
	if (mr_grow((void **)&w->posts, &w->post_cap, w->post_count + 1,
		    sizeof(*w->posts)) < 0)
		return mr_fail_nomem(err);
	w->posts[w->post_count++] = version;
	return 0;
}
