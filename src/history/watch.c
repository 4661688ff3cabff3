/*
 * watch.c - which watches of a policy hold, by what was observed.
 */
#include "history/watch.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "content/digest.h"

/* One window: the last value that was told of it. */
struct window {
	const struct mr_event *event;
	const char *metric;
	const char *environment; /* "": not told */
	const char *name;        /* "": not told, so it is one of its own */
	size_t place;            /* in fold order, of the first value */
};

/* Windows by metric, environment and place. */
struct windows {
	struct window *items;
	size_t n;
};

static const char *text_of(const struct mr_event *e, const char *key)
{
	const char *text = mr_event_text(e, key);

	return text ? text : "";
}

static int by_series(const struct window *a, const struct window *b)
{
	int order = strcmp(a->metric, b->metric);

	return order ? order : strcmp(a->environment, b->environment);
}

static int by_place(const void *a, const void *b)
{
	const struct window *x = a;
	const struct window *y = b;
	int order = by_series(x, y);

	return order ? order : x->place < y->place ? -1 : x->place > y->place;
}

static int by_name(const void *a, const void *b)
{
	const struct window *x = a;
	const struct window *y = b;
	int order = by_series(x, y);

	if (!order)
		order = strcmp(x->name, y->name);
	return order ? order : x->place < y->place ? -1 : x->place > y->place;
}

static bool is_of(const struct mr_event *e, enum mr_event_kind kind,
		  const struct mreg_digest *version)
{
	return e->kind == kind && mreg_digest_equal(&e->version, version);
}

static size_t count_of(struct mr_ledger *l, enum mr_event_kind kind,
		       const struct mreg_digest *version)
{
	size_t found = 0;
	size_t i;

	for (i = 0; i < mr_ledger_count(l); i++)
		found += is_of(mr_ledger_event(l, i), kind, version);
	return found;
}

static void gather(struct mr_ledger *l, const struct mreg_digest *version,
		   struct windows *w)
{
	size_t i;

	for (i = 0; i < mr_ledger_count(l); i++) {
		const struct mr_event *e = mr_ledger_event(l, i);

		if (is_of(e, MR_EVENT_OBSERVED, version))
			w->items[w->n++] = (struct window){
				.event = e,
				.metric = mr_event_text(e, "metric"),
				.environment = text_of(e, "environment"),
				.name = text_of(e, "window"),
				.place = i,
			};
	}
}

/* Values of one window become one. */
static void unite(struct windows *w)
{
	size_t kept = 0;
	size_t i;

	if (w->n > 1)
		qsort(w->items, w->n, sizeof(*w->items), by_name);
	for (i = 0; i < w->n; i++) {
		const struct window *it = &w->items[i];
		struct window *last = kept ? &w->items[kept - 1] : NULL;

		if (last && it->name[0] && by_series(last, it) == 0 &&
		    strcmp(last->name, it->name) == 0)
			last->event = it->event;
		else
			w->items[kept++] = *it;
	}
	w->n = kept;
	if (w->n > 1)
		qsort(w->items, w->n, sizeof(*w->items), by_place);
}

/* Whether `w` holds of the windows from `first` up to `end`. */
static bool holds(const struct mr_watch *w, const struct windows *all,
		  size_t first, size_t end)
{
	const struct window *series = &all->items[first];
	size_t i;

	if (strcmp(w->metric, series->metric) != 0 ||
	    (w->environment &&
	     strcmp(w->environment, series->environment) != 0) ||
	    end - first < w->windows)
		return false;
	for (i = end - w->windows; i < end; i++)
		if (!mr_watch_holds(
			    w, mr_event_text(all->items[i].event, "value")))
			return false;
	return true;
}

static const struct mr_event *find_due(struct mr_ledger *l,
				       const struct mreg_digest *version,
				       const char *rule,
				       const char *environment)
{
	size_t i;

	for (i = 0; i < mr_ledger_count(l); i++) {
		const struct mr_event *e = mr_ledger_event(l, i);

		if (is_of(e, MR_EVENT_RETRAIN_DUE, version) &&
		    strcmp(mr_event_text(e, "rule"), rule) == 0 &&
		    strcmp(text_of(e, "environment"), environment) == 0)
			return e;
	}
	return NULL;
}

static void take(struct mr_ledger *l, const struct mreg_digest *version,
		 const struct mr_watch *w, const struct windows *all,
		 size_t end, struct mr_arena *a, struct mr_watch_hits *out)
{
	const char *environment = all->items[end - 1].environment;
	struct mr_watch_hit *hit = &out->items[out->count];
	size_t i;

	hit->events =
		mr_arena_alloc(a, (w->windows + 1) * sizeof(struct mr_event *));
	if (!hit->events)
		return;
	for (i = end - w->windows; i < end; i++)
		hit->events[hit->event_count++] = all->items[i].event;
	hit->watch = w;
	hit->environment = environment[0] ? environment : NULL;
	hit->due = find_due(l, version, w->text, environment);
	out->count++;
}

/* Behind the last window of the series that begins at `first`. */
static size_t series_end(const struct windows *all, size_t first)
{
	size_t end = first + 1;

	while (end < all->n &&
	       by_series(&all->items[first], &all->items[end]) == 0)
		end++;
	return end;
}

int mr_watches_find(struct mr_ledger *l, const struct mr_life *life,
		    const struct mreg_digest *version, struct mr_arena *a,
		    struct mr_watch_hits *out, struct mreg_error *err)
{
	MR_AUTO(mr_free) struct window *room = NULL;
	struct windows all = { .n = 0 };
	size_t found = 0;
	size_t first, end, i;
	int pass;

	memset(out, 0, sizeof(*out));
	if (!life->watch_count)
		return 0;
	room = mr_array(count_of(l, MR_EVENT_OBSERVED, version) + 1,
			sizeof(*room));
	if (!room)
		return mr_fail_nomem(err);
	all.items = room;
	gather(l, version, &all);
	unite(&all);
	/* Counted, then taken. */
	for (pass = 0; pass < 2; pass++) {
		for (i = 0; i < life->watch_count; i++)
			for (first = 0; first < all.n; first = end) {
				const struct mr_watch *w = &life->watches[i];

				end = series_end(&all, first);
				if (!holds(w, &all, first, end))
					continue;
				if (pass)
					take(l, version, w, &all, end, a, out);
				else
					found++;
			}
		if (!pass)
			out->items = mr_arena_alloc(
				a, (found + 1) * sizeof(*out->items));
		if (!out->items)
			return mr_fail_nomem(err);
	}
	return mr_arena_failed(a) ? mr_fail_nomem(err) : 0;
}

int mr_retrain_dues(struct mr_ledger *l, const struct mreg_digest *version,
		    struct mr_arena *a, const struct mr_event ***out,
		    size_t *count, struct mreg_error *err)
{
	size_t i;

	*count = 0;
	*out = mr_arena_alloc(a, (count_of(l, MR_EVENT_RETRAIN_DUE, version) +
				  1) * sizeof(struct mr_event *));
	if (!*out)
		return mr_fail_nomem(err);
	for (i = 0; i < mr_ledger_count(l); i++) {
		const struct mr_event *e = mr_ledger_event(l, i);

		if (is_of(e, MR_EVENT_RETRAIN_DUE, version))
			(*out)[(*count)++] = e;
	}
	return 0;
}
