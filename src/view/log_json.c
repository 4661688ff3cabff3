/*
 * log_json.c - the log of a model as JSON.
 */
#include "mreg/json.h"

#include "base/json.h"
#include "view/view.h"

static json_t *row_of(const struct mreg_log_row *r)
{
	struct mr_view v;

	mr_view_init(&v, NULL);
	mr_view_digest(&v, "digest", &r->digest);
	mr_view_str(&v, "tag", r->tag);
	mr_view_str(&v, "kind", r->kind);
	mr_view_u64(&v, "seq", r->seq);
	mr_view_time(&v, "time", r->time_s);
	mr_view_str(&v, "actor", r->actor);
	mr_view_str(&v, "actorSource", r->actor_source);
	mr_view_digest(&v, "subject", &r->version);
	mr_view_version(&v, r->number);
	mr_view_str(&v, "says", r->says);
	mr_view_put(&v, "event", mr_json_own(r->document));
	return mr_view_take(&v);
}

static json_t *event_row(const void *items, size_t i)
{
	return row_of((const struct mreg_log_row *)items + i);
}

static json_t *alias_row(const void *items, size_t i)
{
	const struct mreg_log_alias *a =
		(const struct mreg_log_alias *)items + i;
	struct mr_view v;

	mr_view_init(&v, NULL);
	mr_view_str(&v, "alias", a->alias);
	mr_view_digest(&v, "digest", &a->digest);
	mr_view_version(&v, a->number);
	mr_view_time(&v, "since", a->since_s);
	mr_view_str(&v, "actor", a->actor);
	mr_view_str(&v, "differs", a->differs);
	return mr_view_take(&v);
}

static json_t *flaw_row(const void *items, size_t i)
{
	const struct mreg_log_flaw *f = (const struct mreg_log_flaw *)items + i;
	struct mr_view v;

	mr_view_init(&v, NULL);
	mr_view_str(&v, "what", f->what);
	mr_view_u64(&v, "seq", f->seq);
	mr_view_digest(&v, "digest", &f->digest);
	mr_view_str(&v, "problem", f->problem);
	return mr_view_take(&v);
}

static json_t *head_row(const void *items, size_t i)
{
	char text[MREG_DIGEST_TEXT];

	return json_string(
		mreg_digest_text((const struct mreg_digest *)items + i, text));
}

char *mreg_log_result_json(const struct mreg_log_result *r)
{
	struct mr_view v;

	mr_view_init(&v, "mreg.log/1");
	mr_view_str(&v, "name", r->name);
	mr_view_u64(&v, "count", r->events);
	mr_view_rows(&v, "events", r->rows, r->count, event_row);
	mr_view_rows(&v, "aliases", r->aliases, r->alias_count, alias_row);
	mr_view_rows(&v, "heads", r->heads, r->head_count, head_row);
	mr_view_bool(&v, "verified", r->verified);
	mr_view_rows(&v, "flaws", r->flaws, r->flaw_count, flaw_row);
	mr_view_texts(&v, "adopted", r->adopted, r->adopted_count);
	mr_view_bool(&v, "dryRun", r->dry_run);
	return mr_view_text(&v);
}

static json_t *repair_row(const void *items, size_t i)
{
	const struct mreg_repair_row *row =
		(const struct mreg_repair_row *)items + i;
	struct mr_view v;

	mr_view_init(&v, NULL);
	mr_view_str(&v, "tag", row->tag);
	mr_view_digest(&v, "digest", &row->digest);
	mr_view_digest(&v, "was", &row->was);
	return mr_view_take(&v);
}

char *mreg_repair_result_json(const struct mreg_repair_result *r)
{
	struct mr_view v;

	mr_view_init(&v, "mreg.repair/1");
	mr_view_str(&v, "name", r->name);
	mr_view_rows(&v, "repaired", r->rows, r->count, repair_row);
	mr_view_u64(&v, "lookedAt", r->looked_at);
	mr_view_bool(&v, "dryRun", r->dry_run);
	return mr_view_text(&v);
}

static json_t *value_row(const void *items, size_t i)
{
	const struct mreg_record_value *value =
		(const struct mreg_record_value *)items + i;
	struct mr_view v;

	mr_view_init(&v, NULL);
	mr_view_str(&v, "key", value->key);
	mr_view_str(&v, "value", value->value);
	mr_view_time(&v, "time", value->time_s);
	mr_view_str(&v, "actor", value->actor);
	return mr_view_take(&v);
}

char *mreg_record_result_json(const struct mreg_record_result *r)
{
	struct mr_view v;

	mr_view_init(&v, "mreg.record/1");
	mr_view_str(&v, "name", r->name);
	mr_view_digest(&v, "digest", &r->version);
	mr_view_version(&v, r->number);
	mr_view_bool(&v, "created", r->created);
	mr_view_bool(&v, "changed", r->changed);
	mr_view_rows(&v, "values", r->values, r->value_count, value_row);
	mr_view_digest(&v, "event", &r->event);
	mr_view_bool(&v, "linear", r->linear);
	mr_view_bool(&v, "dryRun", r->dry_run);
	return mr_view_text(&v);
}

char *mreg_retire_result_json(const struct mreg_retire_result *r)
{
	struct mr_view v;

	mr_view_init(&v, "mreg.retire/1");
	mr_view_str(&v, "name", r->name);
	mr_view_digest(&v, "digest", &r->digest);
	mr_view_version(&v, r->number);
	mr_view_bool(&v, "changed", r->changed);
	mr_view_bool(&v, "archived", r->archived);
	mr_view_bool(&v, "deprecated", r->deprecated);
	mr_view_digest(&v, "event", &r->event);
	if (r->latest)
		mr_view_u64(&v, "latest", r->latest);
	else
		mr_view_put(&v, "latest", json_null());
	mr_view_bool(&v, "dryRun", r->dry_run);
	return mr_view_text(&v);
}

char *mreg_log_row_json(const struct mreg_log_result *r, size_t i)
{
	struct mr_view v = { .obj = row_of(&r->rows[i]) };

	return mr_view_text(&v);
}
