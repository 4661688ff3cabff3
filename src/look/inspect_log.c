/*
 * inspect_log.c - what a model's log says of one version.
 */
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "content/digest.h"
#include "history/history.h"
#include "look/inspect.h"
#include "look/life.h"

struct reading {
	struct mr_look *l;
	struct mr_history h;
	struct mr_standing now;
	struct mr_tag_row *rows; /* owned */
	size_t row_count;
	struct mr_arena *a; /* of the result */
	struct mreg_inspect_result *out;
};

static void reading_release(struct reading *r)
{
	mr_standing_release(&r->now);
	mr_history_release(&r->h);
	mr_release(r->rows);
}

static const struct mreg_digest *digest_of(const struct reading *r)
{
	return &r->out->desc.digest;
}

/* When and by whom, which number, and every name it has. */
static int take_identity(struct reading *r, struct mreg_error *err)
{
	struct mreg_inspect_result *out = r->out;
	struct mr_look *l = r->l;
	const struct mr_event *e = NULL;
	const struct mr_event *other = NULL; /* of the subject: not told */
	uint64_t number = 0;
	int rc = mr_log_number(l->s, &r->h, digest_of(r), &number, &e, err);

	if (rc >= 0 && out->document)
		rc = mr_log_number(l->s, &r->h, &out->subject,
				   &out->subject_number, &other, err);
	if (rc >= 0)
		rc = mr_tag_rows(l->m, l->s, &r->h.tags, &r->rows,
				 &r->row_count, err);
	if (rc < 0)
		return rc;
	if (e) {
		out->number = number;
		out->registered_s = e->time_s;
		out->actor = mr_arena_strdup(r->a, e->actor);
		if (e->actor_source)
			out->actor_source =
				mr_arena_strdup(r->a, e->actor_source);
		mr_number_remember(l->m, l->s, digest_of(r), out->number);
	} else {
		/* It came without its log: its tag's number, unless the log
		 * gives that to another. */
		e = mr_ledger_owner(r->h.ledger, out->number, digest_of(r));
		if (e && !mreg_digest_equal(&e->version, digest_of(r)))
			out->number = 0;
	}
	out->tags = mr_tag_names(r->a, r->rows, r->row_count, digest_of(r),
				 &out->tag_count);
	return 0;
}

static void take_releases(struct reading *r)
{
	struct mreg_inspect_result *out = r->out;
	const char **names;
	size_t i;

	names = mr_arena_alloc(r->a, (out->tag_count + 1) * sizeof(*names));
	if (!names || mr_arena_failed(r->a))
		return;
	for (i = 0; i < out->tag_count; i++)
		if (mr_tag_kind(out->tags[i]) == MR_TAG_RELEASE)
			names[out->release_count++] = out->tags[i];
	out->releases = names;
}

static int take_stage(struct reading *r, struct mreg_error *err)
{
	struct mreg_inspect_result *out = r->out;
	struct mr_stages stages = { .count = 0 };
	struct mr_look *l = r->l;
	const struct mr_ix_row *known;
	const char *stage;
	int rc = 0;

	out->archived = mr_look_archived(&r->now, digest_of(r), r->a);
	out->deprecated = mr_look_deprecated(&r->now, digest_of(r), r->a);
	/* An attached document, a part of an index: no version. */
	if (out->document || (!out->number && !out->tag_count))
		return 0;
	known = mr_recall_row(&l->recall, out->number, digest_of(r));
	if (!known && !out->archived &&
	    mr_look_aliased(r->rows, r->row_count, digest_of(r)))
		rc = mr_look_stages(l->m, &l->ref, l->s, &r->h, r->a, &stages,
				    err);
	if (rc < 0 || mr_arena_failed(r->a))
		return rc;
	/* The index has both as the sync computed them. */
	out->review_s =
		known ? known->review_s
		      : mr_look_review(&r->now, digest_of(r), stages.review_s);
	out->review_over =
		out->review_s && out->review_s <= mr_now_s(&l->m->env);
	stage = known && known->stage
			? known->stage
			: mr_stage(out->archived != NULL, stages.items,
				   stages.count, out->tags, out->tag_count);
	out->stage = mr_arena_strdup(r->a, stage);
	return 0;
}

/* Where it runs, and what went wrong with it. */
static void take_use(struct reading *r)
{
	struct mreg_inspect_result *out = r->out;
	struct mreg_place *places;
	size_t i;

	places = mr_arena_alloc(r->a, (r->now.deployment_count + 1) *
					      sizeof(*places));
	for (i = 0; places && i < r->now.deployment_count; i++) {
		const struct mr_deployment *d = &r->now.deployments[i];

		if (!d->event ||
		    !mreg_digest_equal(&d->event->version, digest_of(r)))
			continue;
		places[out->place_count++] = (struct mreg_place){
			.environment = mr_arena_strdup(r->a, d->environment),
			.workload = mr_arena_strdup(r->a, d->workload),
			.since_s = d->event->time_s,
			.actor = mr_arena_strdup(r->a, d->event->actor),
		};
	}
	out->places = places;
	for (i = 0; i < r->now.incident_count; i++)
		if (mreg_digest_equal(&r->now.incidents[i]->version,
				      digest_of(r)))
			out->incidents++;
}

/* Whose traffic it gets. */
static void take_shares(struct reading *r)
{
	struct mreg_inspect_result *out = r->out;
	struct mreg_share *shares;
	size_t i;

	shares = mr_arena_alloc(r->a,
				(r->now.alias_count + 1) * sizeof(*shares));
	for (i = 0; shares && i < r->now.alias_count; i++) {
		const struct mr_alias_standing *a = &r->now.aliases[i];
		unsigned int weight = mr_split_share(a, digest_of(r));

		if (!weight)
			continue;
		shares[out->share_count++] = (struct mreg_share){
			.alias = mr_arena_strdup(r->a, a->name),
			.weight = weight,
			.stable = mreg_digest_equal(&a->move->version,
						    digest_of(r)),
		};
	}
	out->shares = shares;
}

static int take_edits(struct reading *r, struct mreg_error *err)
{
	struct mreg_inspect_result *out = r->out;
	struct mreg_edited *edited;
	struct mr_edits edits;
	size_t i;
	int rc = mr_look_fold(&r->now, digest_of(r), r->l->meta, r->a, &edits,
			      err);

	if (rc < 0)
		return rc;
	edited = mr_arena_alloc(r->a, (edits.count + 1) * sizeof(*edited));
	for (i = 0; edited && i < edits.count; i++) {
		const struct mr_edit *e = &edits.items[i];

		edited[out->edited_count++] = (struct mreg_edited){
			.key = mr_arena_strdup(r->a, e->key),
			.value = mr_arena_strdup(r->a, e->value),
			.was = e->was ? mr_arena_strdup(r->a, e->was) : NULL,
			.time_s = e->event->time_s,
			.actor = mr_arena_strdup(r->a, e->event->actor),
		};
	}
	out->edited = edited;
	return 0;
}

static void take_record(struct reading *r)
{
	const struct mr_values *values = &r->now.metadata;
	const char *owner = mr_look_owner(&r->now, digest_of(r));
	struct mreg_inspect_result *out = r->out;
	struct mreg_pair *pairs;
	size_t i;

	if (owner)
		out->answerable = mr_arena_strdup(r->a, owner);
	pairs = mr_arena_alloc(r->a, (values->count + 1) * sizeof(*pairs));
	for (i = 0; pairs && i < values->count; i++)
		pairs[out->record_count++] = (struct mreg_pair){
			mr_arena_strdup(r->a, values->items[i].key),
			mr_arena_strdup(r->a, values->items[i].value)
		};
	out->record = pairs;
}

static int take_all(struct reading *r, struct mreg_error *err)
{
	int rc = mr_history_read(r->l->m, r->l->s, &r->h, err);

	if (rc >= 0)
		rc = take_identity(r, err);
	if (rc >= 0)
		rc = mr_ledger_standing(r->h.ledger, MR_STANDING_NOW, &r->now,
					err);
	if (rc < 0)
		return rc;
	take_releases(r);
	take_use(r);
	take_shares(r);
	take_record(r);
	rc = take_stage(r, err);
	return rc < 0 ? rc : take_edits(r, err);
}

int mr_inspect_log(struct mr_look *l, struct mr_arena *a,
		   struct mreg_inspect_result *out, struct mreg_error *err)
{
	MR_AUTO(reading_release)
	struct reading r = { .l = l, .a = a, .out = out };
	struct mreg_error why = MREG_ERROR_INIT;
	int rc = take_all(&r, &why);

	if (rc == MREG_ENOMEM || rc == MREG_ECANCELED) {
		if (err)
			*err = why;
		return rc;
	}
	if (rc < 0)
		mr_log(&l->m->env, MREG_LOG_WARN, "the log was not read: %s",
		       why.msg);
	return 0;
}
