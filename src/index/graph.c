/*
 * graph.c - relations by name, and nodes by what they are called.
 */
#include "index/graph_inside.h"

#include <string.h>

#include "base/error.h"

static const char *const relation_names[MR_REL_COUNT] = {
	[MR_REL_FINETUNE] = "finetune",
	[MR_REL_QUANTIZED] = "quantized",
	[MR_REL_ADAPTER] = "adapter",
	[MR_REL_MERGE] = "merge",
	[MR_REL_DISTILL] = "distill",
	[MR_REL_CONVERT] = "convert",
	[MR_REL_RETRAIN] = "retrain",
	[MR_REL_INPUT] = "input",
	[MR_REL_BASE] = "base",
	[MR_REL_SUBJECT] = "subject",
	[MR_REL_CHILD] = "child",
	[MR_REL_PROFILE] = "profile",
	[MR_REL_RUN] = "run",
	[MR_REL_COMMIT] = "commit",
	[MR_REL_ENVIRONMENT] = "environment",
	[MR_REL_BECAUSE] = "because",
	[MR_REL_DEPLOYED] = "deployed",
	[MR_REL_SUCCESSOR] = "successor",
	[MR_REL_SAME_FILES] = "same_files",
	[MR_REL_SHARED_WEIGHTS] = "shared_weights",
};

const char *mr_relation_name(enum mr_relation r)
{
	return (unsigned int)r < MR_REL_COUNT ? relation_names[r] : NULL;
}

enum mr_relation mr_relation_parse(const char *name)
{
	unsigned int i;

	for (i = 1; i < MR_REL_COUNT; i++)
		if (relation_names[i] && strcmp(relation_names[i], name) == 0)
			return (enum mr_relation)i;
	return 0;
}

/* What nothing refers to any more is not known. */
static int check_used(struct mr_index *ix, int64_t *node,
		      struct mreg_error *err)
{
	struct mr_stmt *s;
	int rc;

	if (!*node)
		return 0;
	rc = mr_db_stmt(ix->db,
			"SELECT 1 WHERE "
			"EXISTS (SELECT 1 FROM ix_versions WHERE node = $1) OR "
			"EXISTS (SELECT 1 FROM ix_versions WHERE run = $1) OR "
			"EXISTS (SELECT 1 FROM ix_edges WHERE child = $1) OR "
			"EXISTS (SELECT 1 FROM ix_edges WHERE parent = $1) OR "
			"EXISTS (SELECT 1 FROM ix_documents WHERE node = $1) "
			"OR EXISTS (SELECT 1 FROM ix_names WHERE tagged = $1)",
			&s, err);
	if (rc < 0)
		return rc;
	mr_bind_int(s, 1, *node);
	rc = mr_stmt_step(s, err);
	mr_stmt_reset(s);
	if (rc == 0)
		*node = 0;
	return rc < 0 ? rc : 0;
}

int mr_index_node(struct mr_index *ix, const struct mreg_digest *d,
		  int64_t *out, struct mreg_error *err)
{
	int rc = mr_ix_begin_read(ix, err);

	*out = 0;
	if (rc < 0)
		return rc;
	rc = mr_ix_node_find(ix, MR_GRAPH_MANIFEST, d, NULL, out, err);
	if (rc >= 0)
		rc = check_used(ix, out, err);
	if (rc >= 0 && !*out)
		rc = mr_ix_node_find(ix, MR_GRAPH_EVENT, d, NULL, out, err);
	if (rc >= 0)
		rc = check_used(ix, out, err);
	mr_ix_end_read(ix);
	return rc < 0 ? rc : 0;
}

int mr_index_outside(struct mr_index *ix, enum mr_graph_kind kind,
		     const char *name, int64_t *out, struct mreg_error *err)
{
	int rc = mr_ix_begin_read(ix, err);

	*out = 0;
	if (rc < 0)
		return rc;
	rc = mr_ix_node_find(ix, kind, NULL, name, out, err);
	if (rc >= 0)
		rc = check_used(ix, out, err);
	mr_ix_end_read(ix);
	return rc < 0 ? rc : 0;
}
