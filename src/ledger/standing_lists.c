/*
 * standing_lists.c - what many events together say of one thing: metadata
 * given after the fact, and where an alias has been.
 */
#include "ledger/standing.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "content/digest.h"
#include "ledger/internal.h"

/* -- metadata -------------------------------------------------------------- */

/* One key set or taken away by one event. */
struct change {
	struct mreg_digest version; /* NONE: the model as a whole */
	const char *key;
	const char *value; /* NULL: taken away */
	const struct mr_event *event;
	size_t place; /* of the event, in fold order */
};

struct changes {
	struct change *items;
	size_t count;
};

static bool is_metadata(const struct mr_event *e)
{
	return e->kind == MR_EVENT_RECORD_WRITTEN ||
	       e->kind == MR_EVENT_METADATA_CHANGED;
}

static size_t items_of(const struct mr_event *e, const char *key)
{
	const struct mr_event_field *f = mr_event_field(e, key);

	return f ? f->count : 0;
}

static void add_changes(const struct mr_event *e, const char *key, size_t place,
			struct changes *to)
{
	const struct mr_event_field *f = mr_event_field(e, key);
	size_t i;

	for (i = 0; f && i < f->count; i++)
		to->items[to->count++] =
			(struct change){ .version = e->version,
					 .key = f->items[i].name,
					 .value = f->items[i].value,
					 .event = e,
					 .place = place };
}

static int by_thing(const struct change *a, const struct change *b)
{
	int order = mr_digest_compare(&a->version, &b->version);

	return order ? order : strcmp(a->key, b->key);
}

static int by_change(const void *a, const void *b)
{
	const struct change *x = a;
	const struct change *y = b;
	int order = by_thing(x, y);

	if (order == 0 && x->place != y->place)
		return x->place < y->place ? -1 : 1;
	/* Set and taken away by one event: set. */
	return order ? order : !!x->value - !!y->value;
}

/* Where the values of `version` go. */
static struct mr_values *values_of(struct mr_standing *s,
				   const struct mreg_digest *version)
{
	struct mr_version_standing *v;

	if (!mr_digest_known(version))
		return &s->metadata;
	v = (struct mr_version_standing *)mr_standing_version(s, version);
	return v ? &v->metadata : NULL;
}

/* The last change of each key decides; `c` is sorted. */
static void settle(struct mr_standing *s, const struct changes *c,
		   struct mr_value *room)
{
	size_t i;

	for (i = 0; i < c->count; i++) {
		const struct change *last = &c->items[i];
		struct mr_values *to;

		if ((i + 1 < c->count && by_thing(last, last + 1) == 0) ||
		    !last->value)
			continue;
		to = values_of(s, &last->version);
		if (!to)
			continue;
		if (!to->items)
			to->items = room;
		*room++ = (struct mr_value){ .key = last->key,
					     .value = last->value,
					     .event = last->event };
		to->count++;
	}
}

void mr_standing_values(struct mr_ledger *l, int64_t until_s,
			struct mr_standing *s)
{
	struct changes c = { .count = 0 };
	size_t n = mr_ledger_count(l);
	size_t most = 0;
	size_t i;

	for (i = 0; i < n; i++) {
		const struct mr_event *e = mr_ledger_event(l, i);

		if (is_metadata(e))
			most += items_of(e, "set") + items_of(e, "unset");
	}
	c.items = mr_arena_alloc(s->arena, (most + 1) * sizeof(*c.items));
	if (!c.items)
		return;
	for (i = 0; i < n; i++) {
		const struct mr_event *e = mr_ledger_event(l, i);

		if (!is_metadata(e) || e->time_s > until_s)
			continue;
		add_changes(e, "unset", i, &c);
		add_changes(e, "set", i, &c);
	}
	if (c.count > 1)
		qsort(c.items, c.count, sizeof(*c.items), by_change);
	settle(s, &c,
	       mr_arena_alloc(s->arena,
			      (c.count + 1) * sizeof(struct mr_value)));
}

const char *mr_values_get(const struct mr_values *v, const char *key)
{
	size_t i;

	for (i = 0; i < v->count; i++)
		if (strcmp(v->items[i].key, key) == 0)
			return v->items[i].value;
	return NULL;
}

/* -- where an alias has been ----------------------------------------------- */

static bool moves(const struct mr_event *e, const char *alias)
{
	return (e->kind == MR_EVENT_ALIAS_MOVED ||
		e->kind == MR_EVENT_TAG_ADOPTED) &&
	       strcmp(mr_event_text(e, "alias"), alias) == 0;
}

/* Take the position of `e` up: a rollback goes to the last one that has its
 * version, everything else is a new one. */
static void go_to(const struct mr_event **stack, size_t *n,
		  const struct mr_event *e)
{
	const char *by = mr_event_text(e, "by");
	size_t i;

	if (by && strcmp(by, "rollback") == 0)
		for (i = *n; i-- > 0;)
			if (mreg_digest_equal(&stack[i]->version,
					      &e->version)) {
				*n = i + 1;
				return;
			}
	/* Removed and set again is where it was. */
	if (!mr_digest_known(&e->version) ||
	    (*n > 0 && mreg_digest_equal(&stack[*n - 1]->version, &e->version)))
		return;
	stack[(*n)++] = e;
}

int mr_ledger_positions(struct mr_ledger *l, const char *alias,
			struct mr_arena *a, const struct mr_event ***out,
			size_t *count, struct mreg_error *err)
{
	size_t n = mr_ledger_count(l);
	size_t most = 0;
	size_t i;

	for (i = 0; i < n; i++)
		most += moves(mr_ledger_event(l, i), alias);
	*out = mr_arena_alloc(a, (most + 1) * sizeof(struct mr_event *));
	*count = 0;
	if (!*out)
		return mr_fail_nomem(err);
	for (i = 0; i < n; i++) {
		const struct mr_event *e = mr_ledger_event(l, i);

		if (moves(e, alias))
			go_to(*out, count, e);
	}
	return 0;
}
