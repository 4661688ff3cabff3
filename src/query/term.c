/*
 * term.c - terms made and joined.
 */
#include "query/inside.h"

#include <string.h>

#include "base/error.h"

static int nomem(struct mr_parse *p)
{
	return mr_fail_nomem(p->err);
}

int mr_terms_push(struct mr_parse *p, struct mr_terms *k,
		  const struct mr_term *t)
{
	const struct mr_term **more;
	size_t cap = k->cap ? 2 * k->cap : 4;

	if (k->n == k->cap) {
		more = mr_arena_alloc(p->arena, cap * sizeof(*more));
		if (!more)
			return nomem(p);
		if (k->n)
			memcpy(more, k->items, k->n * sizeof(*more));
		k->items = more;
		k->cap = cap;
	}
	k->items[k->n++] = t;
	return 0;
}

int mr_terms_add(struct mr_parse *p, struct mr_terms *k, enum mr_term_kind kind,
		 const struct mr_term *t)
{
	size_t i;
	int rc = 0;

	if (t->kind != kind)
		return mr_terms_push(p, k, t);
	for (i = 0; i < t->child_count && rc == 0; i++)
		rc = mr_terms_push(p, k, t->children[i]);
	return rc;
}

struct mr_term *mr_term_new(struct mr_parse *p, enum mr_term_kind kind,
			    size_t at)
{
	struct mr_term *t = mr_arena_alloc(p->arena, sizeof(*t));

	if (t) {
		t->kind = kind;
		t->at = at;
	}
	return t;
}

int mr_terms_join(struct mr_parse *p, enum mr_term_kind kind,
		  const struct mr_terms *k, const struct mr_term **out)
{
	struct mr_term *t;

	if (k->n == 1 && kind != MR_TERM_NOT) {
		*out = k->items[0];
		return 0;
	}
	t = mr_term_new(p, kind, k->items[0]->at);
	if (!t)
		return nomem(p);
	t->children = k->items;
	t->child_count = k->n;
	*out = t;
	return 0;
}

int mr_term_join(struct mr_parse *p, enum mr_term_kind kind,
		 const struct mr_term *a, const struct mr_term *b,
		 const struct mr_term **out)
{
	struct mr_terms k = { 0 };
	int rc = mr_terms_add(p, &k, kind, a);

	if (rc == 0)
		rc = mr_terms_add(p, &k, kind, b);
	return rc < 0 ? rc : mr_terms_join(p, kind, &k, out);
}

int mr_term_negate(struct mr_parse *p, size_t at, const struct mr_term *t,
		   const struct mr_term **out)
{
	struct mr_term *made = mr_term_new(p, MR_TERM_NOT, at);
	struct mr_terms k = { 0 };
	int rc = made ? mr_terms_push(p, &k, t) : nomem(p);

	if (rc < 0)
		return rc;
	made->children = k.items;
	made->child_count = 1;
	*out = made;
	return 0;
}
