/*
 * observe.c - what monitoring saw, and the retraining that is due because of
 * it.
 *
 * Two who observe at once may both say that one is due: the first in the fold
 * is the one (spec/events.md, "Monitoring").
 */
#include "mreg/observe.h"

#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/mem.h"
#include "content/digest.h"
#include "use/about.h"
#include "use/observe.h"

#define FIELDS 8
/* Digests that an event names at most: they fill half of one. */
#define NAMED_MAX (MR_EVENT_MAX_BYTES / 2 / 80)

struct observing {
	struct mr_about about;
	const struct mreg_observe_opts *o;
	struct mr_policies policies;
	const struct mr_life *life;
	struct mr_arena *arena;
	struct mreg_observe_result *out;
};

static void observing_release(struct observing *ob)
{
	mr_policies_release(&ob->policies);
	mr_about_release(&ob->about);
}

static int write_row(struct observing *ob, struct mreg_observation *row,
		     struct mreg_error *err)
{
	struct mr_event_field fields[FIELDS];
	struct mr_event e = { .kind = MR_EVENT_OBSERVED,
			      .version = ob->about.version.digest };

	mr_event_put(&e, fields, "metric", row->metric);
	mr_event_put(&e, fields, "value", row->value);
	mr_event_put(&e, fields, "window", row->window);
	mr_event_put(&e, fields, "baseline", row->baseline);
	mr_event_put(&e, fields, "environment", row->environment);
	mr_event_put(&e, fields, "observedAt", row->observed_at);
	return mr_about_write(&ob->about, &e, ob->o->dry_run, &row->event, err);
}

/* -- what is due ----------------------------------------------------------- */

/* The digest of the policy in force; NONE: a file's, or none. */
static struct mreg_digest policy_of(const struct observing *ob)
{
	struct mreg_digest none = { .algorithm = MREG_DIGEST_NONE };

	return ob->policies.source_count ? ob->policies.sources[0].digest
					 : none;
}

/* The newest ones, where there are more than an event can name. */
static int list_events(struct observing *ob, const struct mr_watch_hit *hit,
		       struct mr_event_field *field,
		       struct mreg_retrain_due *due, struct mreg_error *err)
{
	size_t n = hit->event_count < NAMED_MAX ? hit->event_count : NAMED_MAX;
	const struct mr_event **from = hit->events + (hit->event_count - n);
	struct mreg_pair *items =
		mr_arena_alloc(ob->arena, (n + 1) * sizeof(*items));
	struct mreg_digest *digests =
		mr_arena_alloc(ob->arena, (n + 1) * sizeof(*digests));
	char text[MREG_DIGEST_TEXT];
	size_t i;

	if (!items || !digests)
		return mr_fail_nomem(err);
	for (i = 0; i < n; i++) {
		digests[i] = from[i]->digest;
		items[i].name = mr_arena_strdup(
			ob->arena, mreg_digest_text(&from[i]->digest, text));
	}
	*field = (struct mr_event_field){ .key = "observations",
					  .items = items,
					  .count = n };
	due->observations = digests;
	due->observation_count = n;
	return mr_result_check(ob->arena, err);
}

static int say_due(struct observing *ob, const struct mr_watch_hit *hit,
		   struct mreg_retrain_due *due, struct mreg_error *err)
{
	struct mr_event_field fields[FIELDS];
	struct mr_event e = { .kind = MR_EVENT_RETRAIN_DUE,
			      .version = ob->about.version.digest,
			      .policy = policy_of(ob),
			      .fields = fields };
	int rc;

	due->rule = mr_arena_strdup(ob->arena, hit->watch->text);
	if (hit->environment)
		due->environment = mr_arena_strdup(ob->arena, hit->environment);
	rc = list_events(ob, hit, &fields[e.field_count++], due, err);
	if (rc < 0)
		return rc;
	due->said_now = !hit->due;
	if (hit->due) {
		due->event = hit->due->digest;
		return 0;
	}
	mr_event_put(&e, fields, "rule", due->rule);
	mr_event_put(&e, fields, "environment", due->environment);
	return mr_about_write(&ob->about, &e, ob->o->dry_run, &due->event, err);
}

/* In a rehearsal events have digests that nobody will see. */
static void forget_rehearsed(struct mreg_observe_result *out)
{
	size_t i;

	for (i = 0; i < out->due_count; i++) {
		out->dues[i].observation_count = 0;
		if (out->dues[i].said_now)
			memset(&out->dues[i].event, 0,
			       sizeof(out->dues[i].event));
	}
}

static int find_due(struct observing *ob, struct mreg_error *err)
{
	struct mreg_observe_result *out = ob->out;
	struct mr_watch_hits hits;
	size_t i;
	int rc = mr_watches_find(ob->about.h.ledger, ob->life,
				 &ob->about.version.digest, ob->arena, &hits,
				 err);

	if (rc < 0)
		return rc;
	out->dues = mr_arena_alloc(ob->arena,
				   (hits.count + 1) * sizeof(*out->dues));
	if (!out->dues)
		return mr_fail_nomem(err);
	/* Events of hits stay where they are while others are added. */
	for (i = 0; rc >= 0 && i < hits.count; i++)
		rc = say_due(ob, &hits.items[i], &out->dues[out->due_count++],
			     err);
	if (ob->o->dry_run)
		forget_rehearsed(out);
	return rc;
}

/* -- all of it ------------------------------------------------------------- */

static int run(struct observing *ob, struct mreg_error *err)
{
	struct mr_about *a = &ob->about;
	struct mreg_observe_result *out = ob->out;
	size_t i;
	int rc = mr_about_read(a, !ob->o->dry_run, err);

	/* Before anything is written: whoever is told of an unreadable policy
	 * can give the same again. */
	if (rc >= 0)
		rc = mr_policies_known(a->m, &a->ref, a->s, &a->h, NULL,
				       ob->arena, &ob->policies, err);
	if (rc < 0)
		return rc;
	ob->life = mr_policy_life(ob->policies.policy);
	for (i = 0; rc >= 0 && i < out->count; i++)
		rc = write_row(ob, &out->rows[i], err);
	if (rc < 0 && i > 1)
		return mr_wrap(err, "%zu of %zu observations were written",
			       i - 1, out->count);
	if (rc >= 0)
		rc = find_due(ob, err);
	if (rc >= 0)
		rc = mr_about_fold(a, err);
	return rc;
}

int mreg_observe(struct mreg *m, const char *ref,
		 const struct mreg_observe_opts *given,
		 struct mreg_observe_result *out, struct mreg_error *err)
{
	MR_AUTO(observing_release) struct observing ob = { .out = out };
	struct mreg_observe_opts o;
	int rc;

	memset(out, 0, sizeof(*out));
	mr_opts_take(&o, sizeof(o), given, given->size);
	ob.o = &o;
	rc = mr_result_arena(&ob.arena, err);
	if (rc < 0)
		return rc;
	out->owner = ob.arena;
	rc = mr_observations(&o, ob.arena, &out->rows, &out->count, err);
	if (rc >= 0 && !out->count && !o.from) {
		(void)mr_fail(err, MREG_EUSAGE, "nothing was observed");
		rc = mr_hint(err, "give --metric NAME=NUMBER");
	}
	if (rc >= 0)
		rc = mr_about_open(m, ref, MR_ABOUT_VERSION, &ob.about, err);
	if (rc >= 0)
		rc = run(&ob, err);
	if (rc >= 0) {
		out->name = mr_about_name(&ob.about, ob.arena);
		out->digest = ob.about.version.digest;
		out->number = mr_about_number(&ob.about, &out->digest);
		out->dry_run = o.dry_run;
		rc = mr_result_check(ob.arena, err);
	}
	if (rc < 0)
		mreg_observe_result_release(out);
	return rc;
}

void mreg_observe_result_release(struct mreg_observe_result *r)
{
	mr_arena_free(r->owner);
	memset(r, 0, sizeof(*r));
}
