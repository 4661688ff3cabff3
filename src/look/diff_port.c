/*
 * diff_port.c - which differences of inputs and outputs break who calls a
 * model.
 *
 * The caller was written for the first version.  What it gives must still be
 * taken: no input is gone, none must be given that was not, and each takes at
 * least what it took.  What it gets must still be there: no output is gone,
 * and each is of the type and rank it was.
 */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "look/diff.h"

struct pair {
	struct diff *d;
	const char *side, *prefix;
	bool given; /* by the caller: an input or parameter */
};

static int add(const struct pair *p, const char *name, bool incompatible,
	       const char *problem, struct mreg_error *err)
{
	struct diff *d = p->d;
	void *ports = d->ports;
	struct mreg_diff_port *row;

	if (!problem)
		return mr_fail_nomem(err);
	if (mr_grow(&ports, &d->port_cap, d->port_count + 1,
		    sizeof(*d->ports)) < 0)
		return mr_fail_nomem(err);
	d->ports = ports;
	row = &d->ports[d->port_count++];
	memset(row, 0, sizeof(*row));
	row->side = p->side;
	row->name = mr_arena_printf(d->arena, "%s%s", p->prefix, name);
	row->problem = problem;
	row->incompatible = incompatible;
	return row->name ? 0 : mr_fail_nomem(err);
}

/* "[1, batch]" */
static const char *shape_text(const struct mr_diff_spec *s, struct mr_arena *a)
{
	const char *text = "[";
	size_t i;

	if (!s->ranked)
		return "not told";
	for (i = 0; text && i < s->rank; i++)
		text = mr_arena_printf(a, "%s%s%s", text, i ? ", " : "",
				       s->dims[i]);
	return text ? mr_arena_printf(a, "%s]", text) : NULL;
}

static bool is_number(const char *dim)
{
	return dim[0] && strspn(dim, "0123456789") == strlen(dim);
}

/* A dimension that is another one; `*breaks`: and that the caller notices. */
static bool dim_differs(const struct pair *p, const char *a, const char *b,
			bool *breaks)
{
	bool x = is_number(a);
	bool y = is_number(b);

	if (!x && !y) /* what a free one is called means nothing */
		return false;
	if (x && y && strcmp(a, b) == 0)
		return false;
	/* Any size was taken, now one; other than that a free one that became
	 * fixed, or the reverse, is told only. */
	*breaks = *breaks || (x && y) || (!x && p->given);
	return true;
}

static int compare_shapes(const struct pair *p, const struct mr_diff_spec *a,
			  const struct mr_diff_spec *b, struct mreg_error *err)
{
	struct mr_arena *arena = p->d->arena;
	bool differs = a->ranked != b->ranked;
	bool breaks = false;
	const char *now, *was;
	size_t i;

	if (a->ranked && b->ranked && a->rank != b->rank) {
		differs = true;
		breaks = true;
	} else if (a->ranked && b->ranked) {
		for (i = 0; i < a->rank; i++)
			if (dim_differs(p, a->dims[i], b->dims[i], &breaks))
				differs = true;
	}
	if (!differs)
		return 0;
	now = shape_text(b, arena);
	was = shape_text(a, arena);
	if (!now || !was)
		return mr_fail_nomem(err);
	return add(p, b->name, breaks,
		   mr_arena_printf(arena, "its shape is %s, was %s", now, was),
		   err);
}

static int compare_both(const struct pair *p, const struct mr_diff_spec *a,
			const struct mr_diff_spec *b, struct mreg_error *err)
{
	int rc = 0;

	if (strcmp(a->type, b->type) != 0)
		rc = add(p, b->name, a->type[0] && b->type[0],
			 mr_arena_printf(p->d->arena,
					 "its type is '%s', was '%s'", b->type,
					 a->type),
			 err);
	if (rc >= 0)
		rc = compare_shapes(p, a, b, err);
	if (rc >= 0 && p->given && a->optional != b->optional)
		rc = add(p, b->name, a->optional,
			 a->optional ? "it must be given now"
				     : "it may be left out now",
			 err);
	return rc;
}

static int by_name(const void *a, const void *b)
{
	const struct mr_diff_spec *x = a;
	const struct mr_diff_spec *y = b;

	return strcmp(x->name, y->name);
}

int mr_diff_ports(struct diff *d, const char *side, const char *prefix,
		  const struct mr_diff_specs *a, const struct mr_diff_specs *b,
		  struct mreg_error *err)
{
	struct pair p = { .d = d,
			  .side = side,
			  .prefix = prefix,
			  .given = strcmp(side, "output") != 0 };
	size_t i = 0;
	size_t k = 0;
	int rc = 0;

	if (a->n)
		qsort(a->items, a->n, sizeof(*a->items), by_name);
	if (b->n)
		qsort(b->items, b->n, sizeof(*b->items), by_name);
	while (rc >= 0 && (i < a->n || k < b->n)) {
		const struct mr_diff_spec *x = i < a->n ? &a->items[i] : NULL;
		const struct mr_diff_spec *y = k < b->n ? &b->items[k] : NULL;
		int order = !x ? 1 : !y ? -1 : strcmp(x->name, y->name);

		if (order == 0)
			rc = compare_both(&p, x, y, err);
		else if (order < 0)
			rc = add(&p, x->name, true, "it is gone", err);
		else if (p.given && !y->optional)
			rc = add(&p, y->name, true,
				 "it is new and must be given", err);
		else
			rc = add(&p, y->name, false, "it is new", err);
		i += order <= 0;
		k += order >= 0;
	}
	return rc;
}
