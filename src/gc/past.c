/*
 * past.c - what aliases were: one pass over the log, in fold order.
 */
#include "gc/past.h"

#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "content/digest.h"

static struct gc_item *item_of(struct gc *g, const struct mreg_digest *d)
{
	size_t at = mr_digest_known(d) ? mr_digest_map_get(&g->item_map, d)
				       : MR_DIGEST_NO_INDEX;

	return at == MR_DIGEST_NO_INDEX ? NULL : &g->items[at];
}

static bool holds(const struct gc *g, const char *alias)
{
	size_t i;

	for (i = 0; i < g->life->hold.n; i++)
		if (strcmp(g->life->hold.items[i], alias) == 0)
			return true;
	return false;
}

/* `alias` has it, or had it before `e`. */
static void had(struct gc *g, const char *alias, const struct mr_event *e,
		const struct mreg_digest *version, bool left)
{
	struct gc_item *it = item_of(g, version);
	struct gc_item *next;

	if (!it)
		return;
	if (holds(g, alias))
		it->held = alias;
	if (!left || mreg_digest_equal(version, &e->version))
		return;
	if (e->time_s >= it->left_s) {
		it->left_s = e->time_s;
		it->left = alias;
	}
	next = item_of(g, &e->version);
	if (next && next->number > it->number && e->time_s > it->superseded_s)
		it->superseded_s = e->time_s;
}

/* What the log tells of a version beyond that it was pushed.  One that was
 * removed and is pushed again begins anew. */
static void tell(struct gc *g, const struct mr_event *e)
{
	struct gc_item *it = item_of(g, &e->version);

	if (!it)
		return;
	switch (e->kind) {
	case MR_EVENT_REMOVED:
		it->was_removed = true;
		break;
	case MR_EVENT_VERSION_REGISTERED:
		it->published = it->published && !it->was_removed;
		it->was_removed = false;
		break;
	case MR_EVENT_RESTORED:
		if (strcmp(mr_event_text(e, "what"), "removed") == 0)
			it->was_removed = false;
		break;
	default:
		it->published = true;
	}
}

int mr_gc_past(struct gc *g, struct mreg_error *err)
{
	MR_AUTO(mr_free) struct mreg_digest *now = NULL;
	size_t n = mr_ledger_count(g->h.ledger);
	size_t i;

	/* What each alias has, as the pass goes on. */
	now = mr_array(g->now.alias_count + 1, sizeof(*now));
	if (!now)
		return mr_fail_nomem(err);
	for (i = 0; i < n; i++) {
		const struct mr_event *e = mr_ledger_event(g->h.ledger, i);
		const struct mr_alias_standing *a;
		struct mreg_digest *is;

		tell(g, e);
		if (e->kind != MR_EVENT_ALIAS_MOVED &&
		    e->kind != MR_EVENT_TAG_ADOPTED)
			continue;
		a = mr_standing_alias(&g->now, mr_event_text(e, "alias"));
		if (!a)
			continue;
		is = &now[a - g->now.aliases];
		had(g, a->name, e, is, true);
		/* Where no event tells how it came there. */
		if (!mreg_digest_equal(is, &e->was))
			had(g, a->name, e, &e->was, true);
		had(g, a->name, e, &e->version, false);
		*is = e->version;
	}
	return 0;
}
