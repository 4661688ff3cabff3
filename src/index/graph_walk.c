/*
 * graph_walk.c - breadth first, level by level, over the file or over SQL.
 */
#include "index/graph_inside.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"

struct walking {
	struct mr_index *ix;
	struct mr_graph_file *file; /* NULL: SQL */
	const struct mr_walk *w;
	uint32_t relations;
	struct mr_met met;
	struct mr_walk_result *out;
	size_t cap; /* of out->nodes */
};

void mr_walk_release(struct mr_walk_result *r)
{
	mr_release(r->nodes);
	mr_release(r->edges);
	mr_release(r->alike);
	memset(r, 0, sizeof(*r));
}

static int expand(struct walking *k, const struct mr_ids *level,
		  struct mr_ids *out, struct mreg_error *err)
{
	if (k->file)
		return mr_graph_file_expand(k->file, level->items, level->n,
					    k->w->down, k->relations, out, err);
	return mr_graph_sql_expand(k->ix, level->items, level->n, k->w->down,
				   k->relations, out, err);
}

/* What is new in `ids` stays, sorted. */
static int keep_new(struct walking *k, struct mr_ids *ids,
		    struct mreg_error *err)
{
	size_t kept = 0;
	size_t i;

	for (i = 0; i < ids->n; i++) {
		int rc = ids->items[i] > 0
				 ? mr_met_add(&k->met, ids->items[i], err)
				 : 0;

		if (rc < 0)
			return rc;
		if (rc)
			ids->items[kept++] = ids->items[i];
	}
	ids->n = kept;
	mr_ids_sort(ids);
	return 0;
}

/* The level into the result, as many as there is room for. */
static int take_level(struct walking *k, const struct mr_ids *level,
		      unsigned int depth, struct mreg_error *err)
{
	struct mr_walk_result *out = k->out;
	size_t n = level->n;
	size_t i;

	if (k->w->most && n > k->w->most - out->count) {
		n = k->w->most - out->count;
		out->cut = true;
		out->left = level->n - n;
	}
	if (mr_grow((void **)&out->nodes, &k->cap, out->count + n,
		    sizeof(*out->nodes)) < 0)
		return mr_fail_nomem(err);
	for (i = 0; i < n; i++)
		out->nodes[out->count++] =
			(struct mr_walked){ level->items[i], depth };
	return 0;
}

static int walk_levels(struct walking *k, struct mr_ids *level,
		       struct mr_ids *next, struct mreg_error *err)
{
	unsigned int depth = 0;
	int rc = mr_ids_add_all(level, k->w->from, k->w->from_count, err);

	if (rc >= 0)
		rc = keep_new(k, level, err);
	while (rc >= 0 && level->n) {
		struct mr_ids swap = *level;

		rc = take_level(k, level, depth, err);
		if (rc < 0 || k->out->cut ||
		    (k->w->depth && depth == k->w->depth))
			break;
		next->n = 0;
		rc = expand(k, level, next, err);
		if (rc >= 0)
			rc = keep_new(k, next, err);
		*level = *next;
		*next = swap;
		depth++;
	}
	return rc;
}

/* Edges and groups between sorted `nodes`. */
static int between(struct mr_index *ix, struct mr_graph_file *file,
		   const struct mr_ids *nodes, uint32_t relations,
		   struct mr_walk_result *out, struct mreg_error *err)
{
	MR_AUTO(mr_links_release) struct mr_links links = { .edge_count = 0 };
	int rc = file ? mr_graph_file_between(file, nodes, relations, &links,
					      err)
		      : mr_graph_sql_between(ix, nodes, relations, &links, err);

	return rc < 0 ? rc : mr_links_take(&links, out, err);
}

static int walk(struct mr_index *ix, struct mr_graph_file *file,
		const struct mr_walk *w, bool edges, struct mr_walk_result *out,
		struct mreg_error *err)
{
	MR_AUTO(mr_ids_release) struct mr_ids level = { .n = 0 };
	MR_AUTO(mr_ids_release) struct mr_ids next = { .n = 0 };
	struct walking k = {
		.ix = ix,
		.file = file,
		.w = w,
		.relations =
			w->relations ? w->relations : MR_RELATIONS_DECLARED,
		.out = out,
	};
	size_t i;
	int rc = mr_met_init(&k.met, file ? mr_graph_file_nodes(file) : 0, err);

	if (rc >= 0)
		rc = walk_levels(&k, &level, &next, err);
	mr_met_release(&k.met);
	if (rc < 0 || !edges)
		return rc;
	level.n = 0;
	for (i = 0; rc >= 0 && i < out->count; i++)
		rc = mr_ids_add(&level, out->nodes[i].node, err);
	mr_ids_sort(&level);
	return rc < 0 ? rc : between(ix, file, &level, k.relations, out, err);
}

/* -- with the file, or without --------------------------------------------- */

int mr_graph_open(struct mr_index *ix, const char *where,
		  struct mreg_error *err)
{
	static const char ending[] = ".graph";
	size_t n;

	if (mr_db_kind(ix->db) != MR_DB_SQLITE)
		return 0;
	n = strlen(where) + sizeof(ending);
	ix->graph_path = mr_alloc(n);
	if (!ix->graph_path)
		return mr_fail_nomem(err);
	(void)snprintf(ix->graph_path, n, "%s%s", where, ending);
	return 0;
}

void mr_graph_close(struct mr_index *ix)
{
	mr_graph_file_close(ix->graph);
	mr_release(ix->graph_path);
	ix->graph = NULL;
	ix->graph_path = NULL;
}

static void close_file(struct mr_index *ix)
{
	mr_graph_file_close(ix->graph);
	ix->graph = NULL;
}

/* The file, when it is of this generation; `*out` NULL: it is not. */
static int file_of(struct mr_index *ix, struct mr_graph_file **out,
		   struct mreg_error *err)
{
	char generation[MR_GRAPH_GENERATION];
	int rc;

	*out = NULL;
	if (!ix->graph_path)
		return 0;
	rc = mr_graph_generation(ix, generation, err);
	if (rc < 0)
		return rc;
	if (ix->graph &&
	    strcmp(mr_graph_file_generation(ix->graph), generation) != 0)
		close_file(ix);
	if (!generation[0] || strcmp(generation, ix->graph_bad) == 0)
		return 0;
	if (!ix->graph)
		ix->graph = mr_graph_file_open(ix->graph_path, generation);
	if (!ix->graph)
		(void)snprintf(ix->graph_bad, sizeof(ix->graph_bad), "%s",
			       generation);
	*out = ix->graph;
	return 0;
}

/* What was found in a file is forgotten when it turns out to be damaged. */
static bool was_damaged(struct mr_index *ix, struct mr_graph_file *file, int rc,
			struct mr_walk_result *out)
{
	if (!file || rc != MREG_EFORMAT)
		return false;
	(void)snprintf(ix->graph_bad, sizeof(ix->graph_bad), "%s",
		       mr_graph_file_generation(file));
	mr_log(ix->env, MREG_LOG_WARN,
	       "'%s' is damaged: the database is asked instead; 'mreg index "
	       "sync' writes it anew",
	       ix->graph_path);
	close_file(ix);
	mr_walk_release(out);
	return true;
}

int mr_ix_walk(struct mr_index *ix, const struct mr_walk *w, bool edges,
	       struct mr_walk_result *out, struct mreg_error *err)
{
	struct mr_graph_file *file;
	int rc;

	memset(out, 0, sizeof(*out));
	rc = file_of(ix, &file, err);
	if (rc >= 0)
		rc = walk(ix, file, w, edges, out, err);
	if (was_damaged(ix, file, rc, out))
		rc = walk(ix, NULL, w, edges, out, err);
	if (rc < 0)
		mr_walk_release(out);
	return rc < 0 ? rc : 0;
}

static int between_all(struct mr_index *ix, const int64_t *nodes, size_t n,
		       uint32_t relations, struct mr_walk_result *out,
		       struct mreg_error *err)
{
	MR_AUTO(mr_ids_release) struct mr_ids ids = { .n = 0 };
	struct mr_graph_file *file = NULL;
	int rc = mr_ids_add_all(&ids, nodes, n, err);

	mr_ids_sort(&ids);
	if (!relations)
		relations = MR_RELATIONS_DECLARED;
	if (rc >= 0)
		rc = file_of(ix, &file, err);
	if (rc >= 0)
		rc = between(ix, file, &ids, relations, out, err);
	if (was_damaged(ix, file, rc, out))
		rc = between(ix, NULL, &ids, relations, out, err);
	return rc;
}

int mr_index_walk(struct mr_index *ix, const struct mr_walk *w, bool edges,
		  struct mr_walk_result *out, struct mreg_error *err)
{
	int rc = mr_ix_begin_read(ix, err);

	memset(out, 0, sizeof(*out));
	if (rc < 0)
		return rc;
	rc = mr_ix_walk(ix, w, edges, out, err);
	mr_ix_end_read(ix);
	return rc;
}

int mr_index_between(struct mr_index *ix, const int64_t *nodes, size_t n,
		     uint32_t relations, struct mr_walk_result *out,
		     struct mreg_error *err)
{
	int rc = mr_ix_begin_read(ix, err);

	memset(out, 0, sizeof(*out));
	if (rc < 0)
		return rc;
	rc = between_all(ix, nodes, n, relations, out, err);
	mr_ix_end_read(ix);
	if (rc < 0)
		mr_walk_release(out);
	return rc < 0 ? rc : 0;
}
