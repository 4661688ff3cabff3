/*
 * search_lineage.c - the nodes that predicates of lineage mean.
 *
 * A thing is not its own ancestor; only of licences one in a cycle is, since
 * a walk down from all that are licensed does not tell who was reached from
 * whom.
 */
#include "index/search_inside.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/error.h"
#include "base/mem.h"

static int compare_ids(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static void sort(struct mr_ix_ids *l)
{
	size_t i, n = 0;

	if (l->n == 0)
		return;
	qsort(l->items, l->n, sizeof(*l->items), compare_ids);
	for (i = 0; i < l->n; i++)
		if (n == 0 || l->items[n - 1] != l->items[i])
			l->items[n++] = l->items[i];
	l->n = n;
}

/* -- asking -----------------------------------------------------------------
 */

/* The first column of every row. */
static int add_ids(const struct mr_ix_sql *q, struct mr_ix_ids *out,
		   struct mreg_error *err)
{
	MR_AUTO(mr_stmt_freep) struct mr_stmt *stmt = NULL;
	int rc = mr_ix_sql_stmt(q, &stmt, err);

	if (rc < 0)
		return rc;
	while ((rc = mr_stmt_step(stmt, err)) > 0) {
		rc = mr_ix_ids_add(out, mr_stmt_int(stmt, 0), err);
		if (rc < 0)
			return rc;
	}
	return rc;
}

/* Identifiers of an SPDX expression are words; cases are not told apart. */
static bool names_license(const char *expression, const char *id)
{
	size_t n = strlen(id), len;
	const char *p = expression;

	while (*p) {
		for (len = 0; isalnum((unsigned char)p[len]) ||
			      strchr(".-+:", p[len] ? p[len] : ' ');
		     len++)
			;
		if (len == n && n > 0 && strncasecmp(p, id, n) == 0)
			return true;
		p += len ? len : 1;
	}
	return false;
}

/* Ids of the texts that are licences with one of the identifiers. */
static int licenses(struct mr_ix_search *s, const struct mr_term *t,
		    struct mr_ix_ids *out, struct mreg_error *err)
{
	MR_AUTO(mr_stmt_freep) struct mr_stmt *stmt = NULL;
	int rc = mr_stmt_new(s->ix->db,
			     "SELECT t.id, t.value FROM ix_texts t "
			     "WHERE t.id IN (SELECT license FROM ix_forms "
			     "UNION SELECT license FROM ix_inputs)",
			     &stmt, err);
	size_t i;

	if (rc < 0)
		return rc;
	while ((rc = mr_stmt_step(stmt, err)) > 0) {
		for (i = 0; i < t->value_count; i++)
			if (names_license(mr_stmt_text(stmt, 1),
					  t->values[i].text))
				break;
		if (i < t->value_count)
			rc = mr_ix_ids_add(out, mr_stmt_int(stmt, 0), err);
		if (rc < 0)
			return rc;
	}
	return rc;
}

/* Versions, and data that was put into one, under such a licence. */
static int licensed(struct mr_ix_search *s, const struct mr_term *t,
		    struct mr_ix_ids *out, struct mreg_error *err)
{
	MR_AUTO(mr_ix_sql_release) struct mr_ix_sql q = { 0 };
	MR_AUTO(mr_ix_ids_release) struct mr_ix_ids texts = { 0 };
	int rc = licenses(s, t, &texts, err);

	if (rc < 0)
		return rc;
	mr_ix_sql_init(&q, s->ix);
	mr_ix_sql_put(&q, "SELECT node FROM ix_versions WHERE form IN "
			  "(SELECT id FROM ix_forms WHERE license IN ");
	mr_ix_sql_ids(&q, texts.items, texts.n);
	mr_ix_sql_put(&q, ") UNION SELECT node FROM ix_inputs "
			  "WHERE node IS NOT NULL AND license IN ");
	mr_ix_sql_ids(&q, texts.items, texts.n);
	return add_ids(&q, out, err);
}

static int same_files(struct mr_ix_search *s, const struct mr_search_set *set,
		      struct mr_ix_ids *out, struct mreg_error *err)
{
	MR_AUTO(mr_ix_sql_release) struct mr_ix_sql q = { 0 };

	mr_ix_sql_init(&q, s->ix);
	mr_ix_sql_put(&q, "SELECT w.node FROM ix_versions u "
			  "CROSS JOIN ix_versions w WHERE u.node IN ");
	mr_ix_sql_ids(&q, set->nodes, set->count);
	mr_ix_sql_put(&q, " AND u.fileset IS NOT NULL "
			  "AND w.fileset IS NOT NULL "
			  "AND substr(w.fileset, 1, 4) = "
			  "substr(u.fileset, 1, 4) "
			  "AND w.fileset = u.fileset");
	return add_ids(&q, out, err);
}

/* -- walking ----------------------------------------------------------------
 */

/* What is reached from one of them, but not that one itself. */
static int walk_each(struct mr_ix_search *s, const struct mr_search_set *set,
		     bool down, struct mr_ix_ids *out, struct mreg_error *err)
{
	size_t i, k;
	int rc = 0;

	for (i = 0; i < set->count && rc >= 0; i++) {
		MR_AUTO(mr_walk_release) struct mr_walk_result r = { 0 };
		const struct mr_walk w = { .from = set->nodes + i,
					   .from_count = 1,
					   .down = down,
					   .relations = MR_RELATIONS_MADE };

		rc = mr_index_walk(s->ix, &w, false, &r, err);
		for (k = 0; rc >= 0 && k < r.count; k++)
			if (r.nodes[k].depth > 0)
				rc = mr_ix_ids_add(out, r.nodes[k].node, err);
	}
	return rc < 0 ? rc : 0;
}

/* What is reached down from all of them at once, which may be many: those that
 * are reached from another one too, as edges tell. */
static int walk_all(struct mr_ix_search *s, const struct mr_ix_ids *from,
		    struct mr_ix_ids *out, struct mreg_error *err)
{
	MR_AUTO(mr_walk_release) struct mr_walk_result r = { 0 };
	const struct mr_walk w = { .from = from->items,
				   .from_count = from->n,
				   .down = true,
				   .relations = MR_RELATIONS_MADE };
	size_t i;
	int rc;

	if (from->n == 0)
		return 0;
	rc = mr_index_walk(s->ix, &w, true, &r, err);
	for (i = 0; rc >= 0 && i < r.edge_count; i++)
		if (r.edges[i].child != r.edges[i].parent)
			rc = mr_ix_ids_add(out, r.edges[i].child, err);
	return rc < 0 ? rc : 0;
}

static const struct mr_search_set *set_of(const struct mr_ix_search *s,
					  const struct mr_term *t)
{
	size_t i;

	for (i = 0; i < s->ask->set_count; i++)
		if (s->ask->sets[i].term == t)
			return &s->ask->sets[i];
	return NULL;
}

static int find(struct mr_ix_search *s, const struct mr_term *t,
		struct mr_ix_ids *out, struct mreg_error *err)
{
	MR_AUTO(mr_ix_ids_release) struct mr_ix_ids from = { 0 };
	const struct mr_search_set *set = set_of(s, t);
	int rc = 0;

	if (t->predicate == MR_PRED_ANCESTOR_LICENSE) {
		rc = mr_ix_begin_read(s->ix, err);
		if (rc < 0)
			return rc;
		rc = licensed(s, t, &from, err);
		mr_ix_end_read(s->ix);
		return rc < 0 ? rc : walk_all(s, &from, out, err);
	}
	if (!set)
		return 0;
	if (t->predicate == MR_PRED_SAME_FILES) {
		rc = mr_ix_begin_read(s->ix, err);
		if (rc < 0)
			return rc;
		rc = same_files(s, set, out, err);
		mr_ix_end_read(s->ix);
		return rc;
	}
	return walk_each(s, set, t->predicate != MR_PRED_ANCESTOR_OF, out, err);
}

static size_t predicates(const struct mr_term *t)
{
	size_t i, n = t->kind == MR_TERM_PREDICATE;

	for (i = 0; i < t->child_count; i++)
		n += predicates(t->children[i]);
	return n;
}

static int resolve(struct mr_ix_search *s, const struct mr_term *t,
		   struct mreg_error *err)
{
	MR_AUTO(mr_ix_ids_release) struct mr_ix_ids found = { 0 };
	struct mr_ix_target *target;
	size_t i;
	int rc = 0;

	for (i = 0; i < t->child_count && rc >= 0; i++)
		rc = resolve(s, t->children[i], err);
	if (rc < 0 || t->kind != MR_TERM_PREDICATE ||
	    t->predicate == MR_PRED_TEXT)
		return rc;
	rc = find(s, t, &found, err);
	if (rc < 0)
		return rc;
	sort(&found);
	target = &s->targets[s->target_count];
	target->nodes =
		mr_arena_alloc(s->arena, (found.n + 1) * sizeof(int64_t));
	if (!target->nodes)
		return mr_fail_nomem(err);
	if (found.n)
		memcpy(target->nodes, found.items, found.n * sizeof(int64_t));
	target->count = found.n;
	target->term = t;
	s->target_count++;
	return 0;
}

int mr_ix_search_targets(struct mr_ix_search *s, struct mreg_error *err)
{
	size_t n = predicates(s->ask->query->root);

	if (n == 0 || s->models)
		return 0;
	s->targets = mr_arena_alloc(s->arena, n * sizeof(*s->targets));
	return s->targets ? resolve(s, s->ask->query->root, err)
			  : mr_fail_nomem(err);
}

const struct mr_ix_target *mr_ix_target(const struct mr_ix_search *s,
					const struct mr_term *t)
{
	size_t i;

	for (i = 0; i < s->target_count; i++)
		if (s->targets[i].term == t)
			return &s->targets[i];
	return NULL;
}
