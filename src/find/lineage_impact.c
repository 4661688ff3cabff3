/*
 * lineage_impact.c - aliases and deployments below, all of them, and by which
 * relation the shortest way to each ends.
 */
#include "find/lineage.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"

/* Nodes by number, with how far away they are. */
struct far {
	int64_t node;
	unsigned int depth;
	enum mr_relation via; /* the least that leads here; 0: none */
};

static int by_node(const void *a, const void *b)
{
	const struct far *x = a;
	const struct far *y = b;

	return (x->node > y->node) - (x->node < y->node);
}

static struct far *far_of(struct far *all, size_t n, int64_t node)
{
	const struct far key = { .node = node };

	return n ? bsearch(&key, all, n, sizeof(key), by_node) : NULL;
}

/* A way from a node that is a step nearer. */
static void lead(struct far *to, unsigned int depth, enum mr_relation by)
{
	if (to->depth == depth + 1 && (!to->via || by < to->via))
		to->via = by;
}

static void lead_edges(struct far *all, const struct mr_walk_result *down)
{
	size_t i;

	for (i = 0; i < down->edge_count; i++) {
		const struct mr_walked_edge *e = &down->edges[i];
		struct far *child = far_of(all, down->count, e->child);
		const struct far *parent = far_of(all, down->count, e->parent);

		if (child && parent)
			lead(child, parent->depth, e->relation);
	}
}

/* All of a group are a step from each other: those that are no nearest ones
 * were reached from these. */
static void lead_group(struct far *all, const struct mr_walk_result *down,
		       size_t from, size_t to)
{
	unsigned int nearest = 0;
	size_t i;

	for (i = from; i < to; i++) {
		const struct far *f =
			far_of(all, down->count, down->alike[i].node);

		if (f && (i == from || f->depth < nearest))
			nearest = f->depth;
	}
	for (i = from; i < to; i++) {
		struct far *f = far_of(all, down->count, down->alike[i].node);

		if (f)
			lead(f, nearest, down->alike[i].relation);
	}
}

static void lead_groups(struct far *all, const struct mr_walk_result *down)
{
	size_t i, end;

	for (i = 0; i < down->alike_count; i = end) {
		for (end = i + 1; end < down->alike_count; end++)
			if (down->alike[end].group != down->alike[i].group)
				break;
		lead_group(all, down, i, end);
	}
}

/* Those that are in use are shown even where there is no room for all. */
static int keep_used(struct mr_lineage *l, const struct far *all, size_t n,
		     struct mreg_error *err)
{
	MR_AUTO(mr_free) int64_t *shown = NULL;
	MR_AUTO(mr_free) bool *has = mr_array(n + 1, sizeof(*has));
	size_t i;

	if (!has)
		return mr_fail_nomem(err);
	for (i = 0; i < l->found_count; i++) {
		const struct far *f =
			far_of((struct far *)all, n, l->found[i].node);

		if (f)
			has[f - all] = true;
	}
	for (i = 0; i < l->use_count; i++) {
		const struct far *f =
			far_of((struct far *)all, n, l->uses[i].node);

		if (!f || has[f - all])
			continue;
		has[f - all] = true;
		if (mr_grow((void **)&l->found, &l->found_cap,
			    l->found_count + 1, sizeof(*l->found)) < 0)
			return mr_fail_nomem(err);
		l->found[l->found_count++] =
			(struct mr_found){ f->node, -(int)f->depth };
		l->out->left--;
	}
	return 0;
}

int mr_lineage_impact(struct mr_lineage *l, const struct mr_walk_result *down,
		      struct mreg_error *err)
{
	MR_AUTO(mr_free) struct far *all = mr_array(down->count, sizeof(*all));
	MR_AUTO(mr_free)
	int64_t *ids = mr_array(down->count, sizeof(*ids));
	size_t i;
	int rc;

	if (!all || !ids)
		return mr_fail_nomem(err);
	for (i = 0; i < down->count; i++) {
		all[i].node = ids[i] = down->nodes[i].node;
		all[i].depth = down->nodes[i].depth;
	}
	qsort(all, down->count, sizeof(*all), by_node);
	lead_edges(all, down);
	lead_groups(all, down);
	rc = mr_index_in_use(l->ix, ids, down->count, l->arena, &l->uses,
			     &l->use_count, err);
	if (rc < 0)
		return rc;
	l->vias =
		mr_arena_alloc(l->arena, (l->use_count + 1) * sizeof(*l->vias));
	if (!l->vias)
		return mr_fail_nomem(err);
	for (i = 0; i < l->use_count; i++) {
		const struct far *f = far_of(all, down->count, l->uses[i].node);

		l->vias[i] = f ? f->via : 0;
	}
	return keep_used(l, all, down->count, err);
}
