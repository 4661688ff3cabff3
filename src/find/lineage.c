/*
 * lineage.c - the order of steps: what is asked of, the walks up and down,
 * what lies between, and all of it told.
 */
#include "find/lineage.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/text.h"

#define MOST 10000

static const uint32_t alike =
	UINT32_C(1) << MR_REL_SAME_FILES | UINT32_C(1) << MR_REL_SHARED_WEIGHTS;

static void lineage_release(struct mr_lineage *l)
{
	mr_release(l->found);
	mr_walk_release(&l->between);
}

/* -- what is asked --------------------------------------------------------- */

static int no_relation(const char *name, struct mreg_error *err)
{
	const char *names[MR_REL_COUNT + 1] = { NULL };
	const char *near;
	size_t n = 0;
	unsigned int i;

	for (i = 1; i < MR_REL_COUNT; i++)
		if (mr_relation_name((enum mr_relation)i))
			names[n++] = mr_relation_name((enum mr_relation)i);
	(void)mr_fail(err, MREG_EUSAGE, "'%.100s' is no relation", name);
	near = mr_text_nearest(name, names);
	return mr_hint(err,
		       near ? "did you mean '%s'?"
			    : "finetune, quantized, adapter, merge, distill, "
			      "convert, retrain, input...: spec/lineage.md%s",
		       near ? near : "");
}

/* What replaced a version was not made from it, so it is no harm that comes
 * from above; whoever wants to see it names the relation. */
static int take_relations(struct mr_lineage *l, struct mreg_error *err)
{
	const char *const *at;

	for (at = l->o->relations; at && *at; at++) {
		enum mr_relation r = mr_relation_parse(*at);

		if (!r)
			return no_relation(*at, err);
		l->relations |= UINT32_C(1) << r;
	}
	if (!l->relations)
		l->relations = l->o->impact ? MR_RELATIONS_MADE
					    : MR_RELATIONS_DECLARED;
	if (l->o->similar || l->o->impact)
		l->relations |= alike;
	return 0;
}

/* -- walking --------------------------------------------------------------- */

static size_t most(const struct mr_lineage *l)
{
	return l->o->most ? l->o->most : MOST;
}

static int walk(struct mr_lineage *l, bool down, struct mr_walk_result *out,
		struct mreg_error *err)
{
	/* What is in use has to be told completely. */
	const bool all = down && l->o->impact;
	const struct mr_walk w = {
		.from = &l->root,
		.from_count = 1,
		.down = down,
		.depth = l->o->depth,
		.relations = l->relations,
		.most = all ? 0 : most(l),
	};

	return mr_index_walk(l->ix, &w, all, out, err);
}

static int by_nearest(const void *a, const void *b)
{
	const struct mr_found *x = a;
	const struct mr_found *y = b;

	if (abs(x->depth) != abs(y->depth))
		return abs(x->depth) < abs(y->depth) ? -1 : 1;
	if (x->depth != y->depth)
		return x->depth > y->depth ? -1 : 1;
	return (x->node > y->node) - (x->node < y->node);
}

static int by_node(const void *a, const void *b)
{
	const struct mr_found *x = a;
	const struct mr_found *y = b;

	if (x->node != y->node)
		return x->node < y->node ? -1 : 1;
	return by_nearest(a, b);
}

static int depth_of(unsigned int depth, bool down)
{
	int d = depth > INT_MAX ? INT_MAX : (int)depth;

	return down ? -d : d;
}

static int take_walk(struct mr_lineage *l, const struct mr_walk_result *w,
		     bool down, struct mreg_error *err)
{
	size_t i;

	if (mr_grow((void **)&l->found, &l->found_cap,
		    l->found_count + w->count, sizeof(*l->found)) < 0)
		return mr_fail_nomem(err);
	for (i = 0; i < w->count; i++)
		l->found[l->found_count++] =
			(struct mr_found){ w->nodes[i].node,
					   depth_of(w->nodes[i].depth, down) };
	l->out->left += w->left;
	return 0;
}

/* Who was met both ways stays where it is nearest; the nearest stay. */
static void settle(struct mr_lineage *l)
{
	size_t kept = 0;
	size_t i;

	if (l->found_count)
		qsort(l->found, l->found_count, sizeof(*l->found), by_node);
	for (i = 0; i < l->found_count; i++)
		if (!kept || l->found[kept - 1].node != l->found[i].node)
			l->found[kept++] = l->found[i];
	if (kept)
		qsort(l->found, kept, sizeof(*l->found), by_nearest);
	if (kept > most(l)) {
		l->out->left += kept - most(l);
		kept = most(l);
	}
	l->found_count = kept;
}

static int find_between(struct mr_lineage *l, struct mreg_error *err)
{
	MR_AUTO(mr_free)
	int64_t *ids = mr_array(l->found_count + 1, sizeof(*ids));
	size_t i;

	if (!ids)
		return mr_fail_nomem(err);
	for (i = 0; i < l->found_count; i++)
		ids[i] = l->found[i].node;
	return mr_index_between(l->ix, ids, l->found_count, l->relations,
				&l->between, err);
}

static int walk_all(struct mr_lineage *l, struct mreg_error *err)
{
	MR_AUTO(mr_walk_release) struct mr_walk_result up = { .count = 0 };
	MR_AUTO(mr_walk_release) struct mr_walk_result down = { .count = 0 };
	const struct mreg_lineage_opts *o = l->o;
	bool both = !o->up && !o->down && !o->impact;
	int rc = 0;

	if (o->up || both)
		rc = walk(l, false, &up, err);
	if (rc >= 0 && (o->down || o->impact || both))
		rc = walk(l, true, &down, err);
	if (rc >= 0)
		rc = take_walk(l, &up, false, err);
	if (rc >= 0)
		rc = take_walk(l, &down, true, err);
	if (rc < 0)
		return rc;
	settle(l);
	if (o->impact)
		rc = mr_lineage_impact(l, &down, err);
	l->out->cut = l->out->left > 0;
	return rc < 0 ? rc : find_between(l, err);
}

/* -- all of it ------------------------------------------------------------- */

static int read_all(struct mr_lineage *l, const char *ref,
		    struct mreg_error *err)
{
	int rc = mr_lineage_root(l, ref, err);

	if (rc >= 0)
		rc = walk_all(l, err);
	return rc < 0 ? rc : mr_lineage_result(l, err);
}

/* Of one moment, as a search is: ids of nodes are those of one database. */
static int run(struct mr_lineage *l, const char *ref, struct mreg_error *err)
{
	int rc = take_relations(l, err);

	if (rc >= 0)
		rc = mr_session_index(l->m, MR_DB_READ, &l->ix, err);
	if (rc >= 0)
		rc = mr_index_hold(l->ix, err);
	if (rc < 0)
		return rc;
	rc = read_all(l, ref, err);
	mr_index_let_go(l->ix);
	return rc < 0 ? rc : mr_result_check(l->arena, err);
}

int mreg_lineage(struct mreg *m, const char *ref,
		 const struct mreg_lineage_opts *given,
		 struct mreg_lineage_result *out, struct mreg_error *err)
{
	struct mreg_lineage_opts o;
	MR_AUTO(lineage_release)
	struct mr_lineage l = { .m = m, .o = &o, .out = out };
	int rc;

	memset(out, 0, sizeof(*out));
	mr_opts_take(&o, sizeof(o), given, given->size);
	rc = mr_result_arena(&l.arena, err);
	if (rc < 0)
		return rc;
	out->owner = l.arena;
	rc = run(&l, ref, err);
	if (rc < 0)
		mreg_lineage_result_release(out);
	return rc < 0 ? rc : 0;
}

void mreg_lineage_result_release(struct mreg_lineage_result *r)
{
	mr_arena_free(r->owner);
	memset(r, 0, sizeof(*r));
}
