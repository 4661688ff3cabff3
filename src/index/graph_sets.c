/*
 * graph_sets.c - sets of nodes while a graph is walked.
 */
#include "index/graph_sets.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"

#define SLOTS_MIN 256
/* Ids are sorted digit by digit where there are many of them and they are
 * small. */
#define DIGIT_BITS 11
#define DIGITS 3
#define MANY 2048

/* -- ids in a row ---------------------------------------------------------- */

int mr_ids_add(struct mr_ids *s, int64_t id, struct mreg_error *err)
{
	return mr_ids_add_all(s, &id, 1, err);
}

int mr_ids_add_all(struct mr_ids *s, const int64_t *ids, size_t n,
		   struct mreg_error *err)
{
	if (n > s->cap - s->n &&
	    mr_grow((void **)&s->items, &s->cap, s->n + n, sizeof(*ids)) < 0)
		return mr_fail_nomem(err);
	if (n)
		memcpy(s->items + s->n, ids, n * sizeof(*ids));
	s->n += n;
	return 0;
}

static int by_id(const void *a, const void *b)
{
	const int64_t *x = a;
	const int64_t *y = b;

	return (*x > *y) - (*x < *y);
}

static size_t digit(int64_t id, unsigned int at)
{
	return (size_t)(id >> (at * DIGIT_BITS)) & ((1u << DIGIT_BITS) - 1);
}

/* False: it cannot be done so. */
static bool sort_digits(struct mr_ids *s)
{
	MR_AUTO(mr_free) int64_t *other = NULL;
	unsigned int at;
	size_t i;

	for (i = 0; i < s->n; i++)
		if ((uint64_t)s->items[i] >> (DIGITS * DIGIT_BITS))
			return false;
	other = mr_array(s->cap, sizeof(*other));
	for (at = 0; other && at < DIGITS; at++) {
		size_t from[(1u << DIGIT_BITS) + 1] = { 0 };
		int64_t *swap = s->items;

		for (i = 0; i < s->n; i++)
			from[digit(s->items[i], at) + 1]++;
		for (i = 1; i <= 1u << DIGIT_BITS; i++)
			from[i] += from[i - 1];
		for (i = 0; i < s->n; i++)
			other[from[digit(s->items[i], at)]++] = s->items[i];
		s->items = other;
		other = swap;
	}
	return other != NULL;
}

void mr_ids_sort(struct mr_ids *s)
{
	size_t kept = 0;
	size_t i;
	bool sorted = true;

	/* What comes out of one row of a table, or of the file, is sorted. */
	for (i = 1; sorted && i < s->n; i++)
		sorted = s->items[i - 1] <= s->items[i];
	if (!sorted && (s->n < MANY || !sort_digits(s)))
		qsort(s->items, s->n, sizeof(*s->items), by_id);
	for (i = 0; i < s->n; i++)
		if (!kept || s->items[i] != s->items[kept - 1])
			s->items[kept++] = s->items[i];
	s->n = kept;
}

bool mr_ids_has(const struct mr_ids *s, int64_t id)
{
	return s->n &&
	       bsearch(&id, s->items, s->n, sizeof(*s->items), by_id) != NULL;
}

void mr_ids_release(struct mr_ids *s)
{
	mr_release(s->items);
	memset(s, 0, sizeof(*s));
}

/* -- what was met ---------------------------------------------------------- */

int mr_met_init(struct mr_met *m, uint64_t bound, struct mreg_error *err)
{
	memset(m, 0, sizeof(*m));
	if (!bound)
		return 0;
	m->bits = mr_array((size_t)(bound / 64 + 1), sizeof(*m->bits));
	if (!m->bits)
		return mr_fail_nomem(err);
	m->bound = bound;
	return 0;
}

void mr_met_release(struct mr_met *m)
{
	mr_release(m->bits);
	mr_release(m->table);
	memset(m, 0, sizeof(*m));
}

/* Where `id` is, or is to be.  Ids are given in a row, so they are spread
 * (Knuth's multiplicative hashing, by 2^64 over the golden ratio). */
static size_t slot_of(const int64_t *table, size_t slots, int64_t id)
{
	size_t at =
		(size_t)(((uint64_t)id * UINT64_C(0x9e3779b97f4a7c15)) >> 20) &
		(slots - 1);

	while (table[at] != 0 && table[at] != id)
		at = (at + 1) & (slots - 1);
	return at;
}

static int widen(struct mr_met *m, struct mreg_error *err)
{
	size_t slots = m->slots ? m->slots * 2 : SLOTS_MIN;
	int64_t *table = mr_array(slots, sizeof(*table));
	size_t i;

	if (!table)
		return mr_fail_nomem(err);
	for (i = 0; i < m->slots; i++)
		if (m->table[i])
			table[slot_of(table, slots, m->table[i])] = m->table[i];
	mr_release(m->table);
	m->table = table;
	m->slots = slots;
	return 0;
}

bool mr_met_has(const struct mr_met *m, int64_t id)
{
	if ((uint64_t)id < m->bound)
		return m->bits[(uint64_t)id / 64] >> ((uint64_t)id % 64) & 1;
	return m->slots && m->table[slot_of(m->table, m->slots, id)] == id;
}

int mr_met_add(struct mr_met *m, int64_t id, struct mreg_error *err)
{
	size_t at;
	int rc;

	if ((uint64_t)id < m->bound) {
		uint64_t bit = UINT64_C(1) << ((uint64_t)id % 64);
		uint64_t *word = &m->bits[(uint64_t)id / 64];
		int new = !(*word & bit);

		*word |= bit;
		return new;
	}
	if (m->used >= m->slots / 2) {
		rc = widen(m, err);
		if (rc < 0)
			return rc;
	}
	at = slot_of(m->table, m->slots, id);
	if (m->table[at])
		return 0;
	m->table[at] = id;
	m->used++;
	return 1;
}

/* -- what is between nodes ------------------------------------------------- */

int mr_links_edge(struct mr_links *l, const struct mr_walked_edge *e,
		  struct mreg_error *err)
{
	if (mr_grow((void **)&l->edges, &l->edge_cap, l->edge_count + 1,
		    sizeof(*e)) < 0)
		return mr_fail_nomem(err);
	l->edges[l->edge_count++] = *e;
	return 0;
}

int mr_links_alike(struct mr_links *l, const struct mr_walked_alike *a,
		   struct mreg_error *err)
{
	if (mr_grow((void **)&l->alike, &l->alike_cap, l->alike_count + 1,
		    sizeof(*a)) < 0)
		return mr_fail_nomem(err);
	l->alike[l->alike_count++] = *a;
	return 0;
}

void mr_links_release(struct mr_links *l)
{
	mr_release(l->edges);
	mr_release(l->alike);
	memset(l, 0, sizeof(*l));
}

static int by_edge(const void *a, const void *b)
{
	const struct mr_walked_edge *x = a;
	const struct mr_walked_edge *y = b;

	if (x->child != y->child)
		return x->child < y->child ? -1 : 1;
	if (x->parent != y->parent)
		return x->parent < y->parent ? -1 : 1;
	return (x->relation > y->relation) - (x->relation < y->relation);
}

static void sort_edges(struct mr_links *l)
{
	size_t kept = 0;
	size_t i;
	bool sorted = true;

	for (i = 1; sorted && i < l->edge_count; i++)
		sorted = by_edge(&l->edges[i - 1], &l->edges[i]) <= 0;
	if (!sorted)
		qsort(l->edges, l->edge_count, sizeof(*l->edges), by_edge);
	for (i = 0; i < l->edge_count; i++)
		if (!kept || by_edge(&l->edges[kept - 1], &l->edges[i]) != 0)
			l->edges[kept++] = l->edges[i];
	l->edge_count = kept;
}

static int by_alike(const void *a, const void *b)
{
	const struct mr_walked_alike *x = a;
	const struct mr_walked_alike *y = b;

	if (x->relation != y->relation)
		return x->relation < y->relation ? -1 : 1;
	if (x->group != y->group)
		return x->group < y->group ? -1 : 1;
	return (x->node > y->node) - (x->node < y->node);
}

/* A group: where it begins in the sorted row, and how many are in it. */
struct group {
	const struct mr_walked_alike *first;
	size_t n;
};

static int by_members(const void *a, const void *b)
{
	const struct group *x = a;
	const struct group *y = b;
	size_t i;

	if (x->first->relation != y->first->relation)
		return x->first->relation < y->first->relation ? -1 : 1;
	for (i = 0; i < x->n && i < y->n; i++)
		if (x->first[i].node != y->first[i].node)
			return x->first[i].node < y->first[i].node ? -1 : 1;
	return (x->n > y->n) - (x->n < y->n);
}

/* Sorted groups, members each once; returns how many are of two or more. */
static size_t find_groups(struct mr_links *l, struct group *out)
{
	size_t kept = 0;
	size_t n = 0;
	size_t i, end;

	if (l->alike_count)
		qsort(l->alike, l->alike_count, sizeof(*l->alike), by_alike);
	for (i = 0; i < l->alike_count; i++)
		if (!kept || by_alike(&l->alike[kept - 1], &l->alike[i]) != 0)
			l->alike[kept++] = l->alike[i];
	for (i = 0; i < kept; i = end) {
		for (end = i + 1; end < kept; end++)
			if (l->alike[end].relation != l->alike[i].relation ||
			    l->alike[end].group != l->alike[i].group)
				break;
		if (end - i > 1)
			out[n++] = (struct group){ &l->alike[i], end - i };
	}
	return n;
}

/*
 * Numbers of groups come from where they were found.  Sorted by their members
 * they are numbered the same wherever that was; and one set of nodes that has
 * several weights in common is told once.
 */
static int take_groups(struct mr_links *l, struct mr_walk_result *out,
		       struct mreg_error *err)
{
	MR_AUTO(mr_free)
	struct group *groups = mr_array(l->alike_count, sizeof(*groups));
	size_t number = 0;
	size_t n, i, k;

	if (groups)
		out->alike = mr_array(l->alike_count, sizeof(*out->alike));
	if (!groups || !out->alike)
		return mr_fail_nomem(err);
	n = find_groups(l, groups);
	if (n)
		qsort(groups, n, sizeof(*groups), by_members);
	for (i = 0; i < n; i++) {
		if (i && by_members(&groups[i - 1], &groups[i]) == 0)
			continue;
		for (k = 0; k < groups[i].n; k++) {
			struct mr_walked_alike *a =
				&out->alike[out->alike_count++];

			*a = groups[i].first[k];
			a->group = number;
		}
		number++;
	}
	return 0;
}

int mr_links_take(struct mr_links *l, struct mr_walk_result *out,
		  struct mreg_error *err)
{
	int rc = 0;

	sort_edges(l);
	if (l->alike_count)
		rc = take_groups(l, out, err);
	if (rc < 0)
		return rc;
	out->edges = mr_steal(&l->edges);
	out->edge_count = l->edge_count;
	mr_links_release(l);
	return 0;
}
