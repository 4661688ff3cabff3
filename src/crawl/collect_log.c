/*
 * collect_log.c - what a model's log comes to, as records of the index.
 */
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "content/digest.h"
#include "crawl/collect.h"

/* No clock decides what the index holds: a request whose time is up is open
 * here, and overdue for who asks later. */
#define NO_TIME INT64_MIN

int mr_collect_fold(struct mr_collect *c, struct mreg_error *err)
{
	size_t n = mr_ledger_count(c->h.ledger);
	size_t i;
	int rc;

	mr_standing_release(&c->now);
	rc = mr_ledger_standing(c->h.ledger, MR_STANDING_NOW, &c->now, err);
	for (i = 0; rc >= 0 && i < n; i++) {
		const struct mr_event *e = mr_ledger_event(c->h.ledger, i);

		if (mr_digest_known(&e->version))
			rc = mr_digest_map_put(&c->last, &e->version, i, err);
	}
	return rc;
}

int mr_collect_log_notes(struct mr_collect *c, struct mreg_error *err)
{
	char text[MR_COLLECT_NOTE];

	if (!c->h.absent.n && !c->h.junk.n && !mr_ledger_flaws(c->h.ledger))
		return 0;
	(void)snprintf(text, sizeof(text),
		       "%zu entries cannot be read, %zu are none, %zu are out "
		       "of place",
		       c->h.absent.n, c->h.junk.n,
		       mr_ledger_flaws(c->h.ledger));
	return mr_index_note(c->w, "log", text, err);
}

/* -- one version ----------------------------------------------------------- */

static void take_claim(struct mr_collect *c, const struct mr_numbered *v,
		       struct mr_ix_life *to)
{
	const struct mr_event *e =
		mr_ledger_owner(c->h.ledger, v->number, &v->tagged);

	to->moved = e ? !mreg_digest_equal(&e->version, &v->tagged)
		      : mr_ledger_contested(c->h.ledger, v->number, &v->tagged);
	if (!e)
		return;
	to->registered_s = e->time_s;
	to->actor = e->actor[0] ? e->actor : NULL;
	to->run = e->run;
	to->copied_from = e->copied_from;
}

static void take_standing(struct mr_collect *c, const struct mreg_digest *d,
			  struct mr_ix_life *to)
{
	const struct mr_version_standing *v = mr_standing_version(&c->now, d);
	size_t last = mr_digest_map_get(&c->last, d);

	if (last != MR_DIGEST_NO_INDEX)
		to->updated_s = mr_ledger_event(c->h.ledger, last)->time_s;
	to->owner = mr_look_owner(&c->now, d);
	to->review_s = mr_look_review(&c->now, d, c->stages.review_s);
	if (!v)
		return;
	if (v->released)
		to->release = mr_event_text(v->released, "release");
	if (v->archived) {
		to->archived_s = v->archived->time_s;
		to->archived_reason = mr_event_text(v->archived, "reason");
	}
	if (v->deprecated) {
		to->deprecated_s = v->deprecated->time_s;
		to->deprecated_reason = mr_event_text(v->deprecated, "reason");
		(void)mr_event_digest(v->deprecated, "successor",
				      &to->successor);
	}
}

int mr_collect_life(struct mr_collect *c, struct mr_read_version *v,
		    struct mreg_error *err)
{
	MR_AUTO(mr_arena_freep)
	struct mr_arena *a = mr_arena_new(MR_RESULT_MAX_BYTES);
	struct mr_ix_life life = { .number = v->of->number };
	struct mr_meta *meta = v->look.meta;
	const char *const *names;
	struct mr_edits edits;
	size_t n = 0;
	int rc;

	if (!a)
		return mr_fail_nomem(err);
	take_claim(c, v->of, &life);
	take_standing(c, &v->of->digest, &life);
	if (meta->because)
		(void)mreg_digest_parse(meta->because, &life.because, NULL);
	rc = mr_look_fold(&c->now, &v->of->digest, meta, a, &edits, err);
	if (rc < 0)
		return rc;
	life.description = meta->description;
	life.tags = meta->tags;
	life.tag_count = meta->tag_count;
	names = mr_tag_names(a, c->rows, c->row_count, &v->of->digest, &n);
	rc = mr_result_check(a, err);
	if (rc < 0)
		return rc;
	life.stage = mr_stage(mr_standing_archived(&c->now, &v->of->digest),
			      c->stages.items, c->stages.count, names, n);
	return mr_index_put_life(c->w, &life, err);
}

/* -- names ----------------------------------------------------------------- */

static void take_alias(struct mr_collect *c, const struct mr_tag_row *tag,
		       struct mr_ix_name *to)
{
	struct mr_alias_state st = { .move = NULL };

	to->kind = MR_IX_ALIAS;
	if (tag)
		st.tag = tag->desc;
	mr_alias_judge(&c->h, &c->now, to->tag, &st);
	to->logged = st.fold;
	to->differs = mr_alias_differs(st.agree);
	if (!st.move)
		return;
	to->moved_s = st.move->time_s;
	to->actor = st.move->actor;
}

static void take_release(struct mr_collect *c, struct mr_ix_name *to)
{
	const struct mr_version_standing *v =
		mr_standing_version(&c->now, &to->tagged);
	const struct mr_event *e = v ? v->released : NULL;

	to->kind = MR_IX_RELEASE;
	if (!e || strcmp(mr_event_text(e, "release"), to->tag) != 0)
		return;
	to->logged = to->tagged;
	to->moved_s = e->time_s;
	to->actor = e->actor;
}

static bool has_row(const struct mr_collect *c, const char *tag)
{
	size_t i;

	for (i = 0; i < c->row_count; i++)
		if (strcmp(c->rows[i].tag, tag) == 0)
			return true;
	return false;
}

static int put_names(struct mr_collect *c, struct mreg_error *err)
{
	size_t most = c->row_count + c->now.alias_count;
	struct mr_ix_name *items =
		mr_arena_alloc(c->arena, (most + 1) * sizeof(*items));
	size_t n = 0;
	size_t i;

	if (!items)
		return mr_fail_nomem(err);
	for (i = 0; i < c->row_count; i++) {
		struct mr_ix_name *to = &items[n++];

		to->tag = c->rows[i].tag;
		to->tagged = c->rows[i].desc.digest;
		if (c->rows[i].kind == MR_TAG_LATEST)
			to->kind = MR_IX_LATEST;
		else if (c->rows[i].kind == MR_TAG_RELEASE)
			take_release(c, to);
		else
			take_alias(c, &c->rows[i], to);
	}
	/* Aliases whose tag somebody took away without mreg. */
	for (i = 0; i < c->now.alias_count; i++) {
		const struct mr_alias_standing *a = &c->now.aliases[i];

		if (!a->move || !mr_digest_known(&a->move->version) ||
		    has_row(c, a->name))
			continue;
		items[n].tag = a->name;
		take_alias(c, NULL, &items[n++]);
	}
	return mr_index_replace_names(c->w, items, n, err);
}

/* -- use, approvals, incidents --------------------------------------------- */

static int put_deployments(struct mr_collect *c, struct mreg_error *err)
{
	struct mr_ix_deployment *items = mr_arena_alloc(
		c->arena, (c->now.deployment_count + 1) * sizeof(*items));
	size_t n = 0;
	size_t i;

	if (!items)
		return mr_fail_nomem(err);
	for (i = 0; i < c->now.deployment_count; i++) {
		const struct mr_deployment *d = &c->now.deployments[i];

		if (!d->event || !mr_digest_known(&d->event->version))
			continue;
		items[n].environment = d->environment;
		items[n].workload = d->workload;
		items[n].version = d->event->version;
		items[n].since_s = d->event->time_s;
		items[n++].actor = d->event->actor;
	}
	return mr_index_replace_deployments(c->w, items, n, err);
}

static int64_t answered_s(const struct mr_approval *r,
			  const struct mr_event *registered)
{
	size_t i;

	if (r->refused)
		return r->refused->time_s;
	for (i = r->grant_count; i > 0; i--)
		if (mr_approval_grant(r, registered, i - 1) == MR_GRANT_COUNTS)
			return r->grants[i - 1]->time_s;
	return 0;
}

static void take_approval(struct mr_collect *c, const struct mr_approval *r,
			  struct mr_ix_approval *to)
{
	const struct mr_version_standing *v =
		mr_standing_version(&c->now, &r->asked->version);
	const struct mr_event *registered = v ? v->registered : NULL;

	to->alias = mr_event_text(r->asked, "alias");
	to->event = r->asked->digest;
	to->version = r->asked->version;
	to->asked_s = r->asked->time_s;
	to->until_s = mr_approval_until(r);
	to->by = r->asked->actor;
	to->state = mr_approval_state(r, registered, NO_TIME);
	to->answered_s = answered_s(r, registered);
	to->moved_s = r->moved ? r->moved->time_s : 0;
	to->grants = mr_approval_count(r, registered);
}

static int put_approvals(struct mr_collect *c, struct mreg_error *err)
{
	struct mr_ix_approval *items = mr_arena_alloc(
		c->arena, (c->now.approval_count + 1) * sizeof(*items));
	size_t i;

	if (!items)
		return mr_fail_nomem(err);
	for (i = 0; i < c->now.approval_count; i++)
		take_approval(c, &c->now.approvals[i], &items[i]);
	return mr_index_replace_approvals(c->w, items, c->now.approval_count,
					  err);
}

static void take_incident(const struct mr_event *e, struct mr_ix_incident *to)
{
	to->event = e->digest;
	to->version = e->version;
	to->title = mr_event_text(e, "title");
	to->severity = mr_event_text(e, "severity");
	to->environment = mr_event_text(e, "environment");
	to->url = mr_event_text(e, "url");
	to->opened_s = e->time_s;
	to->actor = e->actor;
}

/* The first event behind one that closes it ends it. */
static int put_incidents(struct mr_collect *c, struct mreg_error *err)
{
	MR_AUTO(mr_digest_map_release) struct mr_digest_map at = { .n = 0 };
	MR_AUTO(mr_free) struct mr_ix_incident *items = NULL;
	size_t events = mr_ledger_count(c->h.ledger);
	size_t cap = 0;
	size_t n = 0;
	size_t i;
	int rc = 0;

	for (i = 0; rc >= 0 && i < events; i++) {
		const struct mr_event *e = mr_ledger_event(c->h.ledger, i);
		void *grown = items;
		struct mreg_digest closes;
		size_t of;

		if (e->kind != MR_EVENT_INCIDENT)
			continue;
		if (mr_event_digest(e, "closes", &closes)) {
			of = mr_digest_map_get(&at, &closes);
			if (of != MR_DIGEST_NO_INDEX && !items[of].closed_s)
				items[of].closed_s = e->time_s;
			continue;
		}
		if (mr_grow(&grown, &cap, n + 1, sizeof(*items)) < 0)
			return mr_fail_nomem(err);
		items = grown;
		memset(&items[n], 0, sizeof(items[n]));
		take_incident(e, &items[n]);
		rc = mr_digest_map_put(&at, &e->digest, n++, err);
	}
	return rc < 0 ? rc : mr_index_replace_incidents(c->w, items, n, err);
}

int mr_collect_log(struct mr_collect *c, struct mreg_error *err)
{
	int rc = put_names(c, err);

	if (rc >= 0)
		rc = mr_index_replace_events(c->w, c->h.ledger, err);
	if (rc >= 0)
		rc = put_deployments(c, err);
	if (rc >= 0)
		rc = put_approvals(c, err);
	if (rc >= 0)
		rc = put_incidents(c, err);
	return rc < 0 ? rc : mr_collect_log_notes(c, err);
}
