/*
 * split_json.c - how an alias's traffic is shared, as JSON.
 */
#include "mreg/json.h"

#include "view/view.h"

json_t *mr_view_split_part(const void *items, size_t i)
{
	const struct mreg_split_part *part =
		(const struct mreg_split_part *)items + i;
	struct mr_view v;

	mr_view_init(&v, NULL);
	mr_view_version(&v, part->number);
	mr_view_digest(&v, "digest", &part->digest);
	mr_view_u64(&v, "weight", part->weight);
	mr_view_bool(&v, "stable", part->stable);
	mr_view_bool(&v, "archived", part->archived);
	return mr_view_take(&v);
}

json_t *mr_view_split_row(const void *items, size_t i)
{
	const struct mreg_split_row *row =
		(const struct mreg_split_row *)items + i;
	struct mr_view v;

	mr_view_init(&v, NULL);
	mr_view_digest(&v, "event", &row->event);
	mr_view_u64(&v, "seq", row->seq);
	mr_view_time(&v, "time", row->time_s);
	mr_view_str(&v, "actor", row->actor);
	mr_view_str(&v, "reason", row->reason);
	mr_view_str(&v, "state", row->state);
	mr_view_str(&v, "why", row->why);
	mr_view_digest(&v, "endedBy", &row->ended_by);
	mr_view_digest(&v, "stable", &row->was);
	mr_view_rows(&v, "parts", row->parts, row->part_count,
		     mr_view_split_part);
	return mr_view_take(&v);
}

char *mreg_split_result_json(const struct mreg_split_result *r)
{
	struct mr_view v;

	mr_view_init(&v, "mreg.split/1");
	mr_view_str(&v, "name", r->name);
	mr_view_str(&v, "alias", r->alias);
	mr_view_digest(&v, "digest", &r->digest);
	mr_view_version(&v, r->number);
	mr_view_rows(&v, "parts", r->parts, r->part_count, mr_view_split_part);
	mr_view_digest(&v, "event", &r->event);
	mr_view_time(&v, "since", r->since_s);
	mr_view_str(&v, "actor", r->actor);
	mr_view_str(&v, "reason", r->reason);
	mr_view_digest(&v, "policy", &r->policy);
	mr_view_str(&v, "differs", r->differs);
	mr_view_bool(&v, "changed", r->changed);
	mr_view_bool(&v, "ended", r->ended);
	mr_view_bool(&v, "judged", r->judged);
	mr_view_bool(&v, "gated", r->gated);
	mr_view_bool(&v, "dryRun", r->dry_run);
	mr_view_rows(&v, "history", r->rows, r->row_count, mr_view_split_row);
	return mr_view_text(&v);
}
