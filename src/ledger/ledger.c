/*
 * ledger.c - the events of one log as a graph by digest: what is here, what
 * nobody follows yet, what is named but not here.
 *
 * Digests that events name get a node before their event comes, so the order
 * of adding does not matter.
 */
#include "ledger/ledger.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/mem.h"
#include "content/digest.h"
#include "ledger/internal.h"

#define TABLE_MIN 64
/* A thousand bytes for each of the most events there may be. */
#define ARENA_MAX_BYTES ((size_t)MR_EVENTS_MAX * 1024)

int mr_ledger_new(struct mr_ledger **out, struct mreg_error *err)
{
	MR_AUTO(mr_ledger_freep) struct mr_ledger *l = mr_zalloc(sizeof(*l));

	if (!l)
		return mr_fail_nomem(err);
	l->arena = mr_arena_new(ARENA_MAX_BYTES);
	l->table = mr_array(TABLE_MIN, sizeof(struct node *));
	if (!l->arena || !l->table)
		return mr_fail_nomem(err);
	l->table_cap = TABLE_MIN;
	*out = mr_steal(&l);
	return 0;
}

void mr_ledger_free(struct mr_ledger *l)
{
	if (!l)
		return;
	mr_arena_free(l->arena);
	mr_release(l->table);
	mr_release(l->events);
	mr_release(l->order);
	mr_release(l->ready);
	mr_release(l->claims);
	mr_release(l->heads.items);
	mr_release(l->missing.items);
	mr_release(l->prev.items);
	mr_release(l);
}

void mr_ledger_freep(struct mr_ledger **l)
{
	mr_ledger_free(*l);
	*l = NULL;
}

/* Where `d` is in the table, or where it would go. */
static struct node **slot(struct node **table, size_t cap,
			  const struct mreg_digest *d)
{
	size_t i;

	/* A digest's bytes are as good as any hash of them. */
	memcpy(&i, d->bytes, sizeof(i));
	for (i &= cap - 1; table[i]; i = (i + 1) & (cap - 1))
		if (mreg_digest_equal(&table[i]->digest, d))
			break;
	return &table[i];
}

static int grow_table(struct mr_ledger *l)
{
	size_t cap = l->table_cap * 2;
	struct node **table;
	size_t i;

	if ((l->node_count + 1) * 2 <= l->table_cap)
		return 0;
	table = mr_array(cap, sizeof(struct node *));
	if (!table)
		return MREG_ENOMEM;
	for (i = 0; i < l->table_cap; i++)
		if (l->table[i])
			*slot(table, cap, &l->table[i]->digest) = l->table[i];
	mr_release(l->table);
	l->table = table;
	l->table_cap = cap;
	return 0;
}

/* The node of `d`, made if there is none; NULL when out of memory. */
static struct node *node_of(struct mr_ledger *l, const struct mreg_digest *d)
{
	struct node **at, *n;

	if (grow_table(l) < 0)
		return NULL;
	at = slot(l->table, l->table_cap, d);
	n = *at;
	if (n)
		return n;
	n = mr_arena_alloc(l->arena, sizeof(*n));
	if (!n)
		return NULL;
	n->digest = *d;
	*at = n;
	l->node_count++;
	return n;
}

/* Room for one more event everywhere: invariant 2. */
static int reserve(struct mr_ledger *l)
{
	size_t each = sizeof(struct node *);
	size_t need = l->count + 1;

	if (mr_grow((void **)&l->events, &l->event_cap, need, each) < 0 ||
	    mr_grow((void **)&l->order, &l->order_cap, need, each) < 0 ||
	    mr_grow((void **)&l->ready, &l->ready_cap, need, each) < 0 ||
	    mr_grow((void **)&l->claims, &l->claim_cap, need, each) < 0)
		return MREG_ENOMEM;
	return 0;
}

/* The node of `e` with everything it needs, before anything is changed that
 * shows; NULL when out of memory. */
static struct node *prepare(struct mr_ledger *l, const struct mr_event *e,
			    struct edge **edges)
{
	struct node *n = node_of(l, &e->digest);
	size_t i;

	if (!n || reserve(l) < 0)
		return NULL;
	n->prev =
		mr_arena_alloc(l->arena, e->prev_count * sizeof(struct node *));
	*edges = mr_arena_alloc(l->arena, e->prev_count * sizeof(**edges));
	if (!n->prev || !*edges)
		return NULL;
	for (i = 0; i < e->prev_count; i++) {
		n->prev[i] = node_of(l, &e->prev[i]);
		if (!n->prev[i])
			return NULL;
	}
	if (!mr_digest_known(&e->replaces))
		return n;
	n->replaces = node_of(l, &e->replaces);
	return n->replaces ? n : NULL;
}

static void link_event(struct mr_ledger *l, struct node *n, struct edge *edges,
		       struct mr_event *e)
{
	size_t i;

	n->event = e;
	for (i = 0; i < e->prev_count; i++) {
		edges[i].child = n;
		edges[i].next = n->prev[i]->children;
		n->prev[i]->children = &edges[i];
	}
	l->events[l->count++] = n;
	if (e->seq > l->last_seq)
		l->last_seq = e->seq;
	if (e->number > l->highest)
		l->highest = e->number;
	l->folded = false;
}

int mr_ledger_add(struct mr_ledger *l, const void *bytes, size_t n,
		  struct mreg_error *err)
{
	struct mreg_digest digest;
	struct mr_event read, *e;
	struct node *node;
	struct edge *edges = NULL;
	int rc;

	rc = mr_digest_of(bytes, n, &digest, err);
	if (rc < 0)
		return rc;
	node = *slot(l->table, l->table_cap, &digest);
	if (node && node->event)
		return 0;
	if (l->count >= MR_EVENTS_MAX)
		return mr_fail(err, MREG_ELIMIT, "log has more than %u events",
			       MR_EVENTS_MAX);
	rc = mr_event_read(bytes, n, l->arena, &read, err);
	if (rc < 0)
		return rc;
	e = mr_arena_alloc(l->arena, sizeof(*e));
	if (!e)
		return mr_fail_nomem(err);
	*e = read;
	node = prepare(l, e, &edges);
	if (!node)
		return mr_fail_nomem(err);
	link_event(l, node, edges, e);
	return 0;
}

size_t mr_ledger_count(const struct mr_ledger *l)
{
	return l->count;
}

/* Exactly 1 + the largest parent's, as far as the parents are known. */
static bool seq_is_right(const struct node *n)
{
	const struct mr_event *e = n->event;
	uint64_t largest = 0;
	bool all = true;
	size_t i;

	for (i = 0; i < e->prev_count; i++) {
		if (!n->prev[i]->event)
			all = false;
		else if (n->prev[i]->event->seq > largest)
			largest = n->prev[i]->event->seq;
	}
	return all ? e->seq == largest + 1 : e->seq > largest;
}

bool mr_ledger_placed(const struct mr_ledger *l, const struct mr_event *e)
{
	const struct node *n = *slot(l->table, l->table_cap, &e->digest);

	return n && n->event && seq_is_right(n);
}

const struct mr_event *mr_ledger_find(const struct mr_ledger *l,
				      const struct mreg_digest *d)
{
	const struct node *n = *slot(l->table, l->table_cap, d);

	return n ? n->event : NULL;
}

const struct mr_event *mr_ledger_first_after(struct mr_ledger *l,
					     const struct mreg_digest *d)
{
	const struct node *n = *slot(l->table, l->table_cap, d);
	const struct node *first = NULL;
	const struct edge *e;

	mr_ledger_fold(l);
	for (e = n ? n->children : NULL; e; e = e->next)
		if (!first || e->child->place < first->place)
			first = e->child;
	return first ? first->event : NULL;
}

size_t mr_ledger_flaws(const struct mr_ledger *l)
{
	size_t flaws = 0;
	size_t i;

	for (i = 0; i < l->count; i++)
		if (!seq_is_right(l->events[i]))
			flaws++;
	return flaws;
}

uint64_t mr_ledger_next_seq(const struct mr_ledger *l)
{
	return l->last_seq + 1;
}

static int by_digest(const void *a, const void *b)
{
	return mr_digest_compare(a, b);
}

static bool is_head(const struct node *n)
{
	return n->event && !n->children;
}

static bool is_missing(const struct node *n)
{
	return !n->event && n->children;
}

/* Make `list` the sorted digests of the nodes that are `wanted`, unless it is
 * that already. */
static int collect(const struct mr_ledger *l,
		   bool (*wanted)(const struct node *),
		   struct digest_list *list, struct mreg_error *err)
{
	struct mreg_digest *found;
	size_t i, n = 0;

	if (list->items && list->at == l->count)
		return 0;
	for (i = 0; i < l->table_cap; i++)
		if (l->table[i] && wanted(l->table[i]))
			n++;
	found = mr_array(n, sizeof(*found));
	if (!found)
		return mr_fail_nomem(err);
	mr_release(list->items);
	list->items = found;
	list->n = n;
	list->at = l->count;
	for (i = 0; i < l->table_cap; i++)
		if (l->table[i] && wanted(l->table[i]))
			found[--n] = l->table[i]->digest;
	qsort(found, list->n, sizeof(*found), by_digest);
	return 0;
}

int mr_ledger_heads(struct mr_ledger *l, const struct mreg_digest **out,
		    size_t *count, struct mreg_error *err)
{
	int rc = collect(l, is_head, &l->heads, err);

	if (rc < 0)
		return rc;
	*out = l->heads.items;
	*count = l->heads.n;
	return 0;
}

/* The largest seq first. */
static int by_age(const void *a, const void *b)
{
	const struct mr_event *x = *(const struct mr_event *const *)a;
	const struct mr_event *y = *(const struct mr_event *const *)b;

	if (x->seq != y->seq)
		return x->seq > y->seq ? -1 : 1;
	return mr_digest_compare(&x->digest, &y->digest);
}

/* The newest MR_PREV_MAX of the heads, which are more. */
static int choose_heads(struct mr_ledger *l, struct mreg_error *err)
{
	MR_AUTO(mr_free) const struct mr_event **heads = NULL;
	struct mreg_digest *kept;
	size_t i;

	heads = mr_array(l->heads.n, sizeof(*heads));
	kept = mr_array(MR_PREV_MAX, sizeof(*kept));
	if (!heads || !kept) {
		mr_release(kept);
		return mr_fail_nomem(err);
	}
	for (i = 0; i < l->heads.n; i++)
		heads[i] = mr_ledger_find(l, &l->heads.items[i]);
	qsort(heads, l->heads.n, sizeof(*heads), by_age);
	for (i = 0; i < MR_PREV_MAX; i++)
		kept[i] = heads[i]->digest;
	qsort(kept, MR_PREV_MAX, sizeof(*kept), by_digest);
	mr_release(l->prev.items);
	l->prev = (struct digest_list){ .items = kept,
					.n = MR_PREV_MAX,
					.at = l->count };
	return 0;
}

int mr_ledger_prev(struct mr_ledger *l, const struct mreg_digest **out,
		   size_t *count, struct mreg_error *err)
{
	int rc = mr_ledger_heads(l, out, count, err);

	if (rc < 0 || *count <= MR_PREV_MAX)
		return rc;
	if (!l->prev.items || l->prev.at != l->count)
		rc = choose_heads(l, err);
	if (rc < 0)
		return rc;
	*out = l->prev.items;
	*count = l->prev.n;
	return 0;
}

int mr_ledger_missing(struct mr_ledger *l, const struct mreg_digest **out,
		      size_t *count, struct mreg_error *err)
{
	int rc = collect(l, is_missing, &l->missing, err);

	if (rc < 0)
		return rc;
	*out = l->missing.items;
	*count = l->missing.n;
	return 0;
}

const struct mr_event *mr_ledger_event(struct mr_ledger *l, size_t i)
{
	assert(i < l->count);
	mr_ledger_fold(l);
	return l->order[i]->event;
}

/* Ancestors are placed before whoever names them, so one pass back is enough.
 */
bool mr_ledger_follows(struct mr_ledger *l, const struct mr_event *later,
		       const struct mr_event *earlier)
{
	const struct node *to = *slot(l->table, l->table_cap, &earlier->digest);
	struct node *from = *slot(l->table, l->table_cap, &later->digest);
	size_t i, k;

	mr_ledger_fold(l);
	if (!to || !from || to->place > from->place)
		return false;
	for (i = to->place; i <= from->place; i++)
		l->order[i]->mark = false;
	from->mark = true;
	for (i = from->place; i > to->place; i--) {
		const struct node *n = l->order[i];

		for (k = 0; n->mark && k < n->event->prev_count; k++)
			n->prev[k]->mark = true;
	}
	return to->mark;
}

const struct mr_event *mr_ledger_policy(struct mr_ledger *l)
{
	size_t i;

	mr_ledger_fold(l);
	for (i = l->count; i-- > 0;)
		if (l->order[i]->event->kind == MR_EVENT_POLICY_CHANGED)
			return l->order[i]->event;
	return NULL;
}
