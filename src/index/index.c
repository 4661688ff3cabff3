/*
 * index.c - opening and closing an index; the schema it has.
 */
#include "index/index.h"

#include "base/error.h"
#include "base/mem.h"
#include "index/graph_inside.h"
#include "index/internal.h"
#include "index/rows.h"

/* src/index/schema, by scripts/embed. */
extern const unsigned char mr_embed_0001_index_sql[];
extern const unsigned char mr_embed_0001_index_sqlite_sql[];
extern const unsigned char mr_embed_0001_index_postgres_sql[];
extern const unsigned char mr_embed_0002_views_sql[];

const char *const mr_index_views[] = {
	"aliases",     "approvals", "deployments", "documents", "edges",
	"evaluations", "events",    "incidents",   "inputs",    "metrics",
	"models",      "notes",     "params",      "releases",  "syncs",
	"tags",        "versions",  NULL,
};

static int migrate(struct mr_db *db, enum mr_db_mode mode, size_t *at,
		   struct mreg_error *err)
{
	const struct mr_migration steps[] = {
		{ "0001_index", (const char *)mr_embed_0001_index_sql,
		  (const char *)mr_embed_0001_index_sqlite_sql,
		  (const char *)mr_embed_0001_index_postgres_sql },
		{ "0002_views", (const char *)mr_embed_0002_views_sql, NULL,
		  NULL },
	};

	return mr_db_migrate(db, mode, steps, MR_COUNT(steps), at, err);
}

int mr_index_open(struct mr_env *env, const char *where, enum mr_db_mode mode,
		  struct mr_index **out, struct mreg_error *err)
{
	MR_AUTO(mr_index_closep) struct mr_index *ix = NULL;
	int rc;

	ix = mr_zalloc(sizeof(*ix));
	if (!ix)
		return mr_fail_nomem(err);
	ix->env = env;
	if (pthread_mutex_init(&ix->lock, NULL) != 0) {
		mr_release(mr_steal(&ix));
		return mr_fail_nomem(err);
	}
	rc = mr_db_open(env, where, mode, &ix->db, err);
	if (rc == 0)
		rc = migrate(ix->db, mode, &ix->schema, err);
	if (rc == 0)
		rc = mr_graph_open(ix, where, err);
	if (rc < 0)
		return rc;
	*out = mr_steal(&ix);
	return 0;
}

void mr_index_close(struct mr_index *ix)
{
	if (!ix)
		return;
	mr_ix_forget_interned(ix);
	mr_ix_forget_rows(ix);
	mr_ix_rows_forget(ix);
	mr_graph_close(ix);
	mr_db_close(ix->db);
	(void)pthread_mutex_destroy(&ix->lock); /* nobody may hold it */
	mr_release(ix);
}

void mr_index_closep(struct mr_index **ix)
{
	mr_index_close(*ix);
	*ix = NULL;
}

struct mr_db *mr_index_db(struct mr_index *ix)
{
	return ix->db;
}

uint64_t mr_index_schema(const struct mr_index *ix)
{
	return ix->schema;
}

void mr_ix_lock(struct mr_index *ix)
{
	pthread_mutex_lock(&ix->lock);
}

void mr_ix_unlock(struct mr_index *ix)
{
	pthread_mutex_unlock(&ix->lock);
}

int mr_ix_begin_read(struct mr_index *ix, struct mreg_error *err)
{
	int rc;

	mr_ix_lock(ix);
	rc = ix->held ? 0 : mr_db_begin(ix->db, false, err);
	if (rc < 0)
		mr_ix_unlock(ix);
	return rc;
}

void mr_ix_end_read(struct mr_index *ix)
{
	if (!ix->held)
		mr_db_rollback(ix->db);
	mr_ix_unlock(ix);
}

int mr_index_hold(struct mr_index *ix, struct mreg_error *err)
{
	int rc = mr_ix_begin_read(ix, err);

	if (rc < 0)
		return rc;
	ix->held++;
	mr_ix_unlock(ix);
	return 0;
}

void mr_index_let_go(struct mr_index *ix)
{
	mr_ix_lock(ix);
	ix->held--;
	mr_ix_end_read(ix);
}

int mr_index_settle(struct mr_index *ix, struct mreg_error *err)
{
	int rc;

	mr_ix_lock(ix);
	rc = mr_db_settle(ix->db, err);
	mr_ix_unlock(ix);
	return rc < 0 ? rc : mr_index_graph_write(ix, err);
}
