/*
 * graph_build.c - the file of adjacency made from the database, and which one
 * is to be believed.
 *
 * cache_facts has `graph`, which grows with every commit that changed the
 * graph, and `graph.file`, what the last file that was written has in its
 * header: the number that `graph` had, and a random part.  A file of another
 * number is old; one of another random part belongs to another database, or to
 * this one before somebody put an older copy of it back.
 */
#include "index/graph_inside.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"

/* Ids without rows cost eight bytes each in the file: beyond this many for each
 * one that has edges it is not worth it. */
#define SPARSE 16
#define SPARSE_FREE (1u << 20)
/* Of as many versions as there can be in the file. */
#define FILESETS_MAX_BYTES (MR_GRAPH_NODES_MAX * 80)

/* -- generations ----------------------------------------------------------- */

/* "" where there is none. */
static int read_fact(struct mr_index *ix, const char *key,
		     char out[MR_GRAPH_GENERATION], struct mreg_error *err)
{
	struct mr_stmt *s;
	const char *text;
	int rc = mr_db_stmt(ix->db,
			    "SELECT value FROM cache_facts WHERE key = $1", &s,
			    err);

	out[0] = '\0';
	if (rc < 0)
		return rc;
	mr_bind_text(s, 1, key);
	rc = mr_stmt_step(s, err);
	text = rc > 0 ? mr_stmt_text(s, 0) : NULL;
	if (text && strlen(text) < MR_GRAPH_GENERATION)
		(void)snprintf(out, MR_GRAPH_GENERATION, "%s", text);
	mr_stmt_reset(s);
	return rc < 0 ? rc : 0;
}

static bool is_of(const char *generation, const char *number)
{
	size_t n = strlen(number);

	return n && strncmp(generation, number, n) == 0 && generation[n] == '-';
}

int mr_graph_generation(struct mr_index *ix, char out[MR_GRAPH_GENERATION],
			struct mreg_error *err)
{
	char number[MR_GRAPH_GENERATION];
	int rc = read_fact(ix, "graph", number, err);

	if (rc >= 0)
		rc = read_fact(ix, "graph.file", out, err);
	if (rc < 0 || !is_of(out, number))
		out[0] = '\0';
	return rc;
}

static int store_generation(struct mr_index *ix, const char *generation,
			    struct mreg_error *err)
{
	struct mr_stmt *s;
	int rc = mr_db_begin(ix->db, true, err);

	if (rc < 0)
		return rc;
	rc = mr_db_stmt(ix->db,
			"INSERT INTO cache_facts (key, value) VALUES "
			"('graph.file', $1) ON CONFLICT (key) DO UPDATE SET "
			"value = excluded.value",
			&s, err);
	if (rc >= 0) {
		mr_bind_text(s, 1, generation);
		rc = mr_stmt_run(s, err);
	}
	if (rc >= 0)
		rc = mr_db_commit(ix->db, err);
	if (rc < 0)
		mr_db_rollback(ix->db);
	return rc;
}

/* -- what the database has ------------------------------------------------- */

/* A version's fileset.  The database would sort a million of them in seconds.
 */
struct filed {
	uint64_t first; /* bytes, which tell nearly all apart */
	size_t n;
	const uint8_t *bytes; /* in the arena */
	uint32_t node;
};

struct building {
	struct mr_index *ix;
	struct mr_graph_pair *edges; /* owned */
	size_t edge_count, edge_cap;
	struct mr_graph_member *members; /* owned */
	size_t member_count, member_cap;
	uint32_t groups, filesets;
	uint64_t nodes;
	uint32_t *node_of; /* owned; by version's id */
	size_t node_of_cap;
	uint64_t versions;
	struct mr_arena *arena; /* owned: filesets */
	struct filed *filed;    /* owned */
	size_t filed_count, filed_cap;
	bool unfit; /* no file can hold it */
};

static void building_release(struct building *b)
{
	mr_release(b->edges);
	mr_release(b->members);
	mr_release(b->node_of);
	mr_release(b->filed);
	mr_arena_free(b->arena);
}

/* Ids that fit are told apart from those that do not, once. */
static uint32_t fit(struct building *b, int64_t id)
{
	if (id > 0 && (uint64_t)id < MR_GRAPH_NODES_MAX) {
		if ((uint64_t)id >= b->nodes)
			b->nodes = (uint64_t)id + 1;
		return (uint32_t)id;
	}
	b->unfit = true;
	return 0;
}

static int read_edges(struct building *b, struct mreg_error *err)
{
	struct mr_stmt *s;
	int rc = mr_db_stmt(b->ix->db,
			    "SELECT child, parent, relation FROM ix_edges "
			    "UNION ALL SELECT node, run, 13 FROM ix_versions "
			    "WHERE run IS NOT NULL ORDER BY 1, 2, 3",
			    &s, err);

	if (rc < 0)
		return rc;
	while ((rc = mr_stmt_step(s, err)) > 0 && !b->unfit) {
		uint32_t child = fit(b, mr_stmt_int(s, 0));
		uint32_t parent = fit(b, mr_stmt_int(s, 1));
		int64_t relation = mr_stmt_int(s, 2);
		struct mr_graph_pair *last =
			b->edge_count ? &b->edges[b->edge_count - 1] : NULL;
		struct mr_graph_pair e = {
			child, parent << MR_GRAPH_RELATION_BITS |
				       (uint32_t)(relation & (MR_REL_COUNT - 1))
		};

		if (relation < 1 || relation >= MR_REL_COUNT ||
		    (last && last->child == e.child && last->to == e.to))
			continue; /* several models say it */
		if (b->edge_count == UINT32_MAX)
			b->unfit = true;
		if (mr_grow((void **)&b->edges, &b->edge_cap, b->edge_count + 1,
			    sizeof(e)) < 0) {
			rc = mr_fail_nomem(err);
			break;
		}
		b->edges[b->edge_count++] = e;
	}
	mr_stmt_reset(s);
	return rc;
}

/* A group ends: one that has a single node is none. */
static void end_group(struct building *b, size_t first)
{
	size_t kept = first;
	size_t i;

	for (i = first; i < b->member_count; i++)
		if (kept == first ||
		    b->members[i].node != b->members[kept - 1].node)
			b->members[kept++] = b->members[i];
	if (kept - first > 1)
		b->groups++;
	else
		kept = first;
	b->member_count = kept;
}

static int by_node(const void *a, const void *b)
{
	const struct mr_graph_member *x = a;
	const struct mr_graph_member *y = b;

	return (x->node > y->node) - (x->node < y->node);
}

static void sort_group(struct building *b, size_t first)
{
	if (b->member_count - first > 1)
		qsort(b->members + first, b->member_count - first,
		      sizeof(*b->members), by_node);
	end_group(b, first);
}

static uint32_t node_of(const struct building *b, int64_t version)
{
	return version > 0 && (uint64_t)version < b->versions
		       ? b->node_of[version]
		       : 0;
}

static int add_member(struct building *b, uint32_t node, struct mreg_error *err)
{
	if (b->member_count == UINT32_MAX)
		b->unfit = true;
	if (mr_grow((void **)&b->members, &b->member_cap, b->member_count + 1,
		    sizeof(*b->members)) < 0)
		return mr_fail_nomem(err);
	b->members[b->member_count++] =
		(struct mr_graph_member){ b->groups, node };
	return 0;
}

static int read_weights(struct building *b, struct mreg_error *err)
{
	struct {
		uint8_t bytes[MR_IX_WEIGHT_BYTES];
		size_t n;
	} last = { .n = SIZE_MAX };
	size_t first = b->member_count;
	struct mr_stmt *s;
	int rc = mr_db_stmt(b->ix->db,
			    "SELECT blob, version FROM ix_weights ORDER BY "
			    "blob",
			    &s, err);

	if (rc < 0)
		return rc;
	while ((rc = mr_stmt_step(s, err)) > 0 && !b->unfit) {
		uint32_t node = node_of(b, mr_stmt_int(s, 1));
		size_t n;
		const void *bytes = mr_stmt_blob(s, 0, &n);

		if (!bytes || n > sizeof(last.bytes) || !node)
			continue; /* of no digest, or no version */
		if (n != last.n || memcmp(bytes, last.bytes, n) != 0) {
			sort_group(b, first);
			first = b->member_count;
			memcpy(last.bytes, bytes, n);
			last.n = n;
		}
		rc = add_member(b, node, err);
		if (rc < 0)
			break;
	}
	mr_stmt_reset(s);
	sort_group(b, first);
	return rc;
}

static int by_files(const void *a, const void *b)
{
	const struct filed *x = a;
	const struct filed *y = b;
	int differ;

	if (x->first != y->first)
		return x->first < y->first ? -1 : 1;
	if (x->n != y->n)
		return x->n < y->n ? -1 : 1;
	differ = memcmp(x->bytes, y->bytes, x->n);
	return differ ? differ : (x->node > y->node) - (x->node < y->node);
}

static int add_files(struct building *b, uint32_t node, const void *bytes,
		     size_t n, struct mreg_error *err)
{
	struct filed *f;
	uint8_t *kept;

	if (!bytes || n < sizeof(f->first))
		return 0; /* of no digest */
	kept = mr_arena_alloc(b->arena, n);
	if (!kept || mr_grow((void **)&b->filed, &b->filed_cap,
			     b->filed_count + 1, sizeof(*f)) < 0)
		return mr_fail_nomem(err);
	f = &b->filed[b->filed_count++];
	memcpy(kept, bytes, n);
	memcpy(&f->first, bytes, sizeof(f->first));
	f->bytes = kept;
	f->n = n;
	f->node = node;
	return 0;
}

static int group_files(struct building *b, struct mreg_error *err)
{
	size_t first = 0;
	size_t i;
	int rc = 0;

	if (b->filed_count)
		qsort(b->filed, b->filed_count, sizeof(*b->filed), by_files);
	for (i = 0; rc >= 0 && i < b->filed_count; i++) {
		const struct filed *f = &b->filed[i];

		if (i && (f->n != f[-1].n ||
			  memcmp(f->bytes, f[-1].bytes, f->n) != 0)) {
			end_group(b, first);
			first = b->member_count;
		}
		rc = add_member(b, f->node, err);
	}
	end_group(b, first);
	b->filesets = b->groups;
	return rc;
}

/* Weights are listed by versions, and their rows are read in order of what
 * they have in common: which node each is has to be at hand. */
static int read_versions(struct building *b, struct mreg_error *err)
{
	struct mr_stmt *s;
	int rc = mr_db_stmt(b->ix->db,
			    "SELECT id, node, fileset FROM ix_versions", &s,
			    err);

	if (rc < 0)
		return rc;
	b->arena = mr_arena_new(FILESETS_MAX_BYTES);
	if (!b->arena)
		return mr_fail_nomem(err);
	while ((rc = mr_stmt_step(s, err)) > 0 && !b->unfit) {
		int64_t id = mr_stmt_int(s, 0);
		const void *bytes;
		size_t n;

		if (id < 1 || (uint64_t)id >= MR_GRAPH_NODES_MAX) {
			b->unfit = true;
			break;
		}
		while (b->versions <= (uint64_t)id) {
			if (mr_grow((void **)&b->node_of, &b->node_of_cap,
				    (size_t)b->versions + 1,
				    sizeof(*b->node_of)) < 0) {
				rc = mr_fail_nomem(err);
				break;
			}
			b->node_of[b->versions++] = 0;
		}
		if (rc < 0)
			break;
		b->node_of[id] = fit(b, mr_stmt_int(s, 1));
		bytes = mr_stmt_blob(s, 2, &n);
		rc = add_files(b, b->node_of[id], bytes, n, err);
		if (rc < 0)
			break;
	}
	mr_stmt_reset(s);
	return rc;
}

static int read_all(struct building *b, struct mreg_error *err)
{
	int rc = read_edges(b, err);

	if (rc >= 0)
		rc = read_versions(b, err);
	if (rc >= 0)
		rc = group_files(b, err);
	if (rc >= 0)
		rc = read_weights(b, err);
	if (b->nodes > SPARSE_FREE &&
	    b->nodes / SPARSE > b->edge_count + b->member_count)
		b->unfit = true;
	return rc;
}

/* -- writing --------------------------------------------------------------- */

static bool is_written(struct mr_index *ix, const char *generation)
{
	struct mr_graph_file *f = NULL;

	if (ix->graph &&
	    strcmp(mr_graph_file_generation(ix->graph), generation) == 0)
		return true;
	if (strcmp(ix->graph_bad, generation) != 0)
		f = mr_graph_file_open(ix->graph_path, generation);
	if (!f)
		return false;
	mr_graph_file_close(f);
	return true;
}

static int save(struct building *b, const char *generation,
		struct mreg_error *err)
{
	struct mr_graph_image image = {
		.generation = generation,
		.nodes = b->nodes,
		.edges = b->edges,
		.edge_count = b->edge_count,
		.members = b->members,
		.member_count = b->member_count,
		.groups = b->groups,
		.filesets = b->filesets,
	};
	int rc = mr_graph_file_save(b->ix->graph_path, &image, err);

	/* Without the file everything is answered as well. */
	if (rc < 0) {
		mr_log(b->ix->env, MREG_LOG_INFO, "no lineage graph's file: %s",
		       err->msg);
		return 0;
	}
	return store_generation(b->ix, generation, err);
}

static int build(struct mr_index *ix, struct mreg_error *err)
{
	MR_AUTO(building_release) struct building b = { .ix = ix };
	char generation[MR_GRAPH_GENERATION];
	char number[MR_GRAPH_GENERATION];
	int rc = mr_db_begin(ix->db, false, err);

	if (rc >= 0)
		rc = read_fact(ix, "graph", number, err);
	if (rc >= 0)
		rc = mr_graph_generation(ix, generation, err);
	if (rc >= 0 && generation[0] && is_written(ix, generation)) {
		mr_db_rollback(ix->db);
		return 0;
	}
	if (rc >= 0)
		rc = read_all(&b, err);
	mr_db_rollback(ix->db); /* nothing was written */
	if (rc < 0)
		return rc;
	if (b.unfit || strlen(number) > 20) {
		mr_log(ix->env, MREG_LOG_INFO,
		       "the lineage graph fits no file: the database is asked");
		return 0;
	}
	(void)snprintf(generation, sizeof(generation),
		       "%s-%08" PRIx32 "%08" PRIx32, number, mr_random(ix->env),
		       mr_random(ix->env));
	return save(&b, generation, err);
}

int mr_index_graph_write(struct mr_index *ix, struct mreg_error *err)
{
	int rc = 0;

	mr_ix_lock(ix);
	if (ix->graph_path)
		rc = build(ix, err);
	mr_ix_unlock(ix);
	return rc;
}
