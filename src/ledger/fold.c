/*
 * fold.c - one order of events for every reader, whatever order they came in.
 *
 * Next is, among the events whose ancestors are all placed, the one with the
 * smallest seq, then the smallest digest.  Time plays no part: clocks differ.
 * Allocates nothing (internal.h, invariant 2), so it cannot fail.
 */
#include "ledger/ledger.h"

#include <stdlib.h>
#include <string.h>

#include "content/digest.h"
#include "ledger/internal.h"

static int compare(const struct node *a, const struct node *b)
{
	if (a->event->seq != b->event->seq)
		return a->event->seq < b->event->seq ? -1 : 1;
	return mr_digest_compare(&a->digest, &b->digest);
}

/* -- a binary heap, smallest first ------------------------------------------
 */

static void swap(struct node **a, struct node **b)
{
	struct node *t = *a;

	*a = *b;
	*b = t;
}

static void heap_push(struct node **heap, size_t *n, struct node *new)
{
	size_t i = (*n)++;

	heap[i] = new;
	while (i > 0 && compare(heap[i], heap[(i - 1) / 2]) < 0) {
		swap(&heap[i], &heap[(i - 1) / 2]);
		i = (i - 1) / 2;
	}
}

static struct node *heap_pop(struct node **heap, size_t *n)
{
	struct node *first = heap[0];
	size_t i = 0;

	heap[0] = heap[--*n];
	for (;;) {
		size_t small = i;
		size_t child;

		for (child = 2 * i + 1; child <= 2 * i + 2; child++)
			if (child < *n && compare(heap[child], heap[small]) < 0)
				small = child;
		if (small == i)
			return first;
		swap(&heap[i], &heap[small]);
		i = small;
	}
}

/* -- the fold ----------------------------------------------------------------
 */

static void place_all(struct mr_ledger *l)
{
	size_t ready = 0;
	size_t done = 0;
	size_t i, k;

	for (i = 0; i < l->count; i++) {
		struct node *n = l->events[i];

		n->waiting = 0;
		for (k = 0; k < n->event->prev_count; k++)
			if (n->prev[k]->event)
				n->waiting++;
		if (n->waiting == 0)
			heap_push(l->ready, &ready, n);
	}
	/* Ends with all placed: a cycle would need digests that name each
	 * other. */
	while (ready > 0) {
		struct node *n = heap_pop(l->ready, &ready);
		struct edge *e;

		n->place = done;
		l->order[done++] = n;
		for (e = n->children; e; e = e->next)
			if (--e->child->waiting == 0)
				heap_push(l->ready, &ready, e->child);
	}
}

/*
 * Only the same version under a higher number takes a claim back: a writer
 * gives up what is its own and nothing else (models/claims: abandon).
 */
static void mark_replaced(struct mr_ledger *l)
{
	size_t i;

	for (i = 0; i < l->count; i++)
		l->events[i]->replaced = false;
	for (i = 0; i < l->count; i++) {
		const struct mr_event *e = l->events[i]->event;
		struct node *old = l->events[i]->replaces;

		if (old && old->event && old->event->number < e->number &&
		    mreg_digest_equal(&old->event->version, &e->version))
			old->replaced = true;
	}
}

static int by_number(const void *a, const void *b)
{
	const struct node *x = *(struct node *const *)a;
	const struct node *y = *(struct node *const *)b;

	if (x->event->number != y->event->number)
		return x->event->number < y->event->number ? -1 : 1;
	return x->place < y->place ? -1 : x->place > y->place;
}

static void list_claims(struct mr_ledger *l)
{
	size_t i;

	l->claim_count = 0;
	for (i = 0; i < l->count; i++)
		if (l->order[i]->event->number > 0)
			l->claims[l->claim_count++] = l->order[i];
	qsort(l->claims, l->claim_count, sizeof(struct node *), by_number);
}

void mr_ledger_fold(struct mr_ledger *l)
{
	if (l->folded || l->count == 0)
		return;
	place_all(l);
	mark_replaced(l);
	list_claims(l);
	l->folded = true;
}
