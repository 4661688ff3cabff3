/*
 * life_json.c - what a model's log says of a version, as JSON.
 */
#include "view/view.h"

void mr_view_deprecation(struct mr_view *v, const struct mreg_deprecation *d)
{
	struct mr_view to, successor;

	if (!d) {
		mr_view_str(v, "deprecated", NULL);
		return;
	}
	mr_view_init(&to, NULL);
	mr_view_time(&to, "until", d->until_s);
	if (d->successor.algorithm != MREG_DIGEST_NONE) {
		mr_view_init(&successor, NULL);
		mr_view_digest(&successor, "digest", &d->successor);
		mr_view_version(&successor, d->successor_number);
		mr_view_put(&to, "successor", mr_view_take(&successor));
	} else {
		mr_view_str(&to, "successor", NULL);
	}
	mr_view_str(&to, "reason", d->reason);
	mr_view_time(&to, "time", d->time_s);
	mr_view_str(&to, "actor", d->actor);
	mr_view_put(v, "deprecated", mr_view_take(&to));
}

static json_t *place_row(const void *items, size_t i)
{
	const struct mreg_place *p = (const struct mreg_place *)items + i;
	struct mr_view v;

	mr_view_init(&v, NULL);
	mr_view_str(&v, "environment", p->environment);
	mr_view_str(&v, "workload", p->workload[0] ? p->workload : NULL);
	mr_view_time(&v, "since", p->since_s);
	mr_view_str(&v, "actor", p->actor);
	return mr_view_take(&v);
}

static json_t *share_row(const void *items, size_t i)
{
	const struct mreg_share *s = (const struct mreg_share *)items + i;
	struct mr_view v;

	mr_view_init(&v, NULL);
	mr_view_str(&v, "alias", s->alias);
	mr_view_u64(&v, "weight", s->weight);
	mr_view_bool(&v, "stable", s->stable);
	return mr_view_take(&v);
}

static json_t *edited_row(const void *items, size_t i)
{
	const struct mreg_edited *e = (const struct mreg_edited *)items + i;
	struct mr_view v;

	mr_view_init(&v, NULL);
	mr_view_str(&v, "key", e->key);
	mr_view_str(&v, "value", e->value);
	mr_view_str(&v, "was", e->was);
	mr_view_time(&v, "time", e->time_s);
	mr_view_str(&v, "actor", e->actor);
	return mr_view_take(&v);
}

void mr_view_life(struct mr_view *v, const struct mreg_inspect_result *r)
{
	struct mr_view of;

	mr_view_str(v, "actorSource", r->actor_source);
	mr_view_time(v, "created", r->registered_s);
	mr_view_str(v, "stage", r->stage);
	mr_view_deprecation(v, r->deprecated);
	if (r->archived) {
		mr_view_init(&of, NULL);
		mr_view_str(&of, "reason", r->archived->reason);
		mr_view_time(&of, "time", r->archived->time_s);
		mr_view_str(&of, "actor", r->archived->actor);
		mr_view_put(v, "archived", mr_view_take(&of));
	} else {
		mr_view_str(v, "archived", NULL);
	}
	mr_view_texts(v, "releases", r->releases, r->release_count);
	mr_view_str(v, "owner", r->answerable);
	mr_view_time(v, "reviewDue", r->review_s);
	mr_view_bool(v, "reviewOver", r->review_over);
	mr_view_rows(v, "edited", r->edited, r->edited_count, edited_row);
	mr_view_pairs(v, "record", r->record, r->record_count);
	mr_view_rows(v, "deployed", r->places, r->place_count, place_row);
	mr_view_rows(v, "splits", r->shares, r->share_count, share_row);
	mr_view_u64(v, "openIncidents", r->incidents);
}
