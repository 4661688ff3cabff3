/*
 * standing.c - one pass over the events in fold order, and what they come to.
 *
 * The things that events are about (versions, aliases, places) are gathered
 * and sorted first, so that each event then finds its own by a search.
 */
#include "ledger/standing.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/mem.h"
#include "content/digest.h"
#include "ledger/internal.h"

/* Of all that a log can come to; the events themselves are the ledger's. */
#define ARENA_MAX_BYTES ((size_t)MR_EVENTS_MAX * 512)

struct folding {
	struct mr_ledger *l;
	int64_t until_s;
	struct mr_standing *s;
};

void mr_standing_release(struct mr_standing *s)
{
	mr_arena_freep(&s->arena);
	memset(s, 0, sizeof(*s));
}

/* Who may push may write any name: what is none for an alias has no meaning, or
 * whoever carries the log out would move v<N>, or ask for "../x". */
static bool is_alias_event(const struct mr_event *e)
{
	return (e->kind == MR_EVENT_ALIAS_MOVED ||
		e->kind == MR_EVENT_TAG_ADOPTED ||
		e->kind == MR_EVENT_SPLIT_RECORDED) &&
	       mr_tag_kind(mr_event_text(e, "alias")) == MR_TAG_ALIAS;
}

static bool is_release(const struct mr_event *e)
{
	return mr_tag_kind(mr_event_text(e, "release")) == MR_TAG_RELEASE;
}

/* Event `i` when it counts, else NULL. */
static const struct mr_event *event_at(const struct folding *f, size_t i)
{
	const struct mr_event *e = mr_ledger_event(f->l, i);

	return e->time_s <= f->until_s ? e : NULL;
}

/* -- the things ------------------------------------------------------------ */

static int by_digest(const void *a, const void *b)
{
	const struct mr_version_standing *x = a;
	const struct mr_version_standing *y = b;

	return mr_digest_compare(&x->digest, &y->digest);
}

static int by_alias(const void *a, const void *b)
{
	const struct mr_alias_standing *x = a;
	const struct mr_alias_standing *y = b;

	return strcmp(x->name, y->name);
}

static int by_place(const void *a, const void *b)
{
	const struct mr_deployment *x = a;
	const struct mr_deployment *y = b;
	int order = strcmp(x->environment, y->environment);

	return order ? order : strcmp(x->workload, y->workload);
}

/* Sort, and keep each once; the number that are left. */
static size_t unite(void *items, size_t n, size_t each,
		    int (*compare)(const void *, const void *))
{
	char *at = items;
	size_t kept = 0;
	size_t i;

	if (n > 1)
		qsort(items, n, each, compare);
	for (i = 0; i < n; i++)
		if (i == 0 ||
		    compare(at + (kept - 1) * each, at + i * each) != 0) {
			if (kept != i)
				memcpy(at + kept * each, at + i * each, each);
			kept++;
		}
	return kept;
}

static struct mr_deployment place_of(const struct mr_event *e)
{
	const char *workload = mr_event_text(e, "workload");

	return (struct mr_deployment){
		.environment = mr_event_text(e, "environment"),
		.workload = workload ? workload : "",
	};
}

static void gather(struct folding *f, size_t n)
{
	struct mr_standing *s = f->s;
	size_t i;

	for (i = 0; i < n; i++) {
		const struct mr_event *e = event_at(f, i);

		if (!e)
			continue;
		if (mr_digest_known(&e->version))
			s->versions[s->version_count++].digest = e->version;
		if (is_alias_event(e))
			s->aliases[s->alias_count++].name =
				mr_event_text(e, "alias");
		if (e->kind == MR_EVENT_DEPLOYED)
			s->deployments[s->deployment_count++] = place_of(e);
	}
	s->version_count = unite(s->versions, s->version_count,
				 sizeof(*s->versions), by_digest);
	s->alias_count = unite(s->aliases, s->alias_count, sizeof(*s->aliases),
			       by_alias);
	s->deployment_count = unite(s->deployments, s->deployment_count,
				    sizeof(*s->deployments), by_place);
}

/* Room for the things of all events: at most one each. */
static int make_room(struct folding *f, size_t n, struct mreg_error *err)
{
	struct mr_standing *s = f->s;
	size_t of[4] = { 0 };
	size_t i;

	for (i = 0; i < n; i++) {
		const struct mr_event *e = mr_ledger_event(f->l, i);

		of[0] += mr_digest_known(&e->version);
		of[1] += is_alias_event(e);
		of[2] += e->kind == MR_EVENT_DEPLOYED;
		of[3] += e->kind == MR_EVENT_INCIDENT;
	}
	s->arena = mr_arena_new(ARENA_MAX_BYTES);
	if (!s->arena)
		return mr_fail_nomem(err);
	s->versions =
		mr_arena_alloc(s->arena, (of[0] + 1) * sizeof(*s->versions));
	s->aliases =
		mr_arena_alloc(s->arena, (of[1] + 1) * sizeof(*s->aliases));
	s->deployments =
		mr_arena_alloc(s->arena, (of[2] + 1) * sizeof(*s->deployments));
	s->incidents = mr_arena_alloc(s->arena,
				      (of[3] + 1) * sizeof(struct mr_event *));
	return mr_arena_failed(s->arena) ? mr_fail_nomem(err) : 0;
}

const struct mr_alias_standing *mr_standing_alias(const struct mr_standing *s,
						  const char *name)
{
	struct mr_alias_standing key = { .name = name };

	return s->alias_count ? bsearch(&key, s->aliases, s->alias_count,
					sizeof(key), by_alias)
			      : NULL;
}

const struct mr_version_standing *mr_standing_version(
	const struct mr_standing *s, const struct mreg_digest *d)
{
	struct mr_version_standing key = { .digest = *d };

	return s->version_count ? bsearch(&key, s->versions, s->version_count,
					  sizeof(key), by_digest)
				: NULL;
}

bool mr_standing_archived(const struct mr_standing *s,
			  const struct mreg_digest *d)
{
	const struct mr_version_standing *v = mr_standing_version(s, d);

	return v && v->archived;
}

/* -- what each event does to them ------------------------------------------ */

static void take_version(struct mr_standing *s, const struct mr_event *e)
{
	struct mr_version_standing *v =
		(struct mr_version_standing *)mr_standing_version(s,
								  &e->version);
	const char *what;

	switch (v ? e->kind : MR_EVENT_UNKNOWN) {
	case MR_EVENT_VERSION_REGISTERED:
		/* It begins anew. */
		if (v->removed)
			v->archived = v->deprecated = NULL;
		v->removed = NULL;
		break;
	case MR_EVENT_ARCHIVED:
		v->archived = e;
		break;
	case MR_EVENT_DEPRECATED:
		v->deprecated = e;
		break;
	case MR_EVENT_REMOVED:
		v->removed = e;
		break;
	case MR_EVENT_RELEASE_NAMED:
		if (is_release(e))
			v->released = e;
		break;
	case MR_EVENT_RESTORED:
		what = mr_event_text(e, "what");
		if (strcmp(what, "archived") == 0)
			v->archived = NULL;
		else if (strcmp(what, "deprecated") == 0)
			v->deprecated = NULL;
		else if (strcmp(what, "removed") == 0)
			v->removed = NULL;
		break;
	default:
		break;
	}
}

static void take_alias(struct mr_standing *s, const struct mr_event *e)
{
	const char *name = mr_event_text(e, "alias");
	struct mr_alias_standing *a =
		(struct mr_alias_standing *)mr_standing_alias(s, name);

	if (!a)
		return;
	if (e->kind != MR_EVENT_SPLIT_RECORDED) {
		a->move = e;
		a->split = NULL;
	} else if (!mr_split_idle(e, a->move)) {
		a->split = mr_event_field(e, "weights")->count ? e : NULL;
	}
}

static void take_deployment(struct mr_standing *s, const struct mr_event *e)
{
	struct mr_deployment key = place_of(e);
	struct mr_deployment *d =
		bsearch(&key, s->deployments, s->deployment_count, sizeof(key),
			by_place);

	if (d)
		d->event = e;
}

static void take_incident(struct mr_standing *s, const struct mr_event *e)
{
	struct mreg_digest closes;
	size_t kept = 0;
	size_t i;

	if (!mr_event_digest(e, "closes", &closes)) {
		s->incidents[s->incident_count++] = e;
		return;
	}
	for (i = 0; i < s->incident_count; i++)
		if (!mreg_digest_equal(&s->incidents[i]->digest, &closes))
			s->incidents[kept++] = s->incidents[i];
	s->incident_count = kept;
}

static void take(struct mr_standing *s, const struct mr_event *e)
{
	if (is_alias_event(e))
		take_alias(s, e);
	else if (e->kind == MR_EVENT_DEPLOYED)
		take_deployment(s, e);
	else if (e->kind == MR_EVENT_INCIDENT)
		take_incident(s, e);
	else if (e->kind == MR_EVENT_POLICY_CHANGED)
		s->policy = e;
	else if (e->kind == MR_EVENT_RECORD_WRITTEN && !s->record)
		s->record = e;
	else
		take_version(s, e);
}

/* The lowest standing claim of each version, as mr_ledger_claim_of has it. */
static void take_claims(struct folding *f)
{
	size_t i;

	for (i = 0; i < f->l->claim_count; i++) {
		const struct node *c = f->l->claims[i];
		struct mr_version_standing *v;

		if (c->replaced || c->event->time_s > f->until_s)
			continue;
		v = (struct mr_version_standing *)mr_standing_version(
			f->s, &c->event->version);
		if (v && !v->registered)
			v->registered = c->event;
	}
}

int mr_ledger_standing(struct mr_ledger *l, int64_t until_s,
		       struct mr_standing *out, struct mreg_error *err)
{
	struct folding f = { .l = l, .until_s = until_s, .s = out };
	size_t n = mr_ledger_count(l);
	size_t i;
	int rc;

	memset(out, 0, sizeof(*out));
	rc = make_room(&f, n, err);
	if (rc < 0)
		return rc;
	gather(&f, n);
	for (i = 0; i < n; i++) {
		const struct mr_event *e = event_at(&f, i);

		if (e)
			take(out, e);
	}
	take_claims(&f);
	mr_standing_values(l, until_s, out);
	mr_standing_approvals(l, until_s, out);
	return mr_arena_failed(out->arena) ? mr_fail_nomem(err) : 0;
}
