/*
 * observe_json.c - observations and incidents as JSON.
 */
#include "mreg/json.h"

#include "view/view.h"

static json_t *digest_row(const void *items, size_t i)
{
	char text[MREG_DIGEST_TEXT];

	return json_string(
		mreg_digest_text((const struct mreg_digest *)items + i, text));
}

static json_t *observation_row(const void *items, size_t i)
{
	const struct mreg_observation *o =
		(const struct mreg_observation *)items + i;
	struct mr_view v;

	mr_view_init(&v, NULL);
	mr_view_str(&v, "metric", o->metric);
	mr_view_str(&v, "value", o->value);
	mr_view_str(&v, "window", o->window);
	mr_view_str(&v, "baseline", o->baseline);
	mr_view_str(&v, "environment", o->environment);
	mr_view_str(&v, "observedAt", o->observed_at);
	mr_view_digest(&v, "event", &o->event);
	return mr_view_take(&v);
}

static json_t *due_row(const void *items, size_t i)
{
	const struct mreg_retrain_due *d =
		(const struct mreg_retrain_due *)items + i;
	struct mr_view v;

	mr_view_init(&v, NULL);
	mr_view_str(&v, "rule", d->rule);
	mr_view_str(&v, "environment", d->environment);
	mr_view_bool(&v, "saidNow", d->said_now);
	mr_view_digest(&v, "event", &d->event);
	mr_view_rows(&v, "observations", d->observations, d->observation_count,
		     digest_row);
	return mr_view_take(&v);
}

char *mreg_observe_result_json(const struct mreg_observe_result *r)
{
	struct mr_view v;

	mr_view_init(&v, "mreg.observe/1");
	mr_view_str(&v, "name", r->name);
	mr_view_digest(&v, "digest", &r->digest);
	mr_view_version(&v, r->number);
	mr_view_rows(&v, "observations", r->rows, r->count, observation_row);
	mr_view_rows(&v, "retrainDue", r->dues, r->due_count, due_row);
	mr_view_bool(&v, "dryRun", r->dry_run);
	return mr_view_text(&v);
}

/* What ended it, or null. */
static void put_closed(struct mr_view *v, const struct mreg_incident_row *row)
{
	struct mr_view c;

	if (!row->closed_by) {
		mr_view_put(v, "closed", json_null());
		return;
	}
	mr_view_init(&c, NULL);
	mr_view_digest(&c, "event", &row->closed);
	mr_view_time(&c, "time", row->closed_s);
	mr_view_str(&c, "actor", row->closed_by);
	mr_view_str(&c, "reason", row->outcome);
	mr_view_put(v, "closed", mr_view_take(&c));
}

static json_t *incident_row(const void *items, size_t i)
{
	const struct mreg_incident_row *row =
		(const struct mreg_incident_row *)items + i;
	struct mr_view v;

	mr_view_init(&v, NULL);
	mr_view_digest(&v, "event", &row->event);
	mr_view_digest(&v, "digest", &row->version);
	mr_view_version(&v, row->number);
	mr_view_str(&v, "title", row->title);
	mr_view_str(&v, "severity", row->severity);
	mr_view_str(&v, "url", row->url);
	mr_view_str(&v, "environment", row->environment);
	mr_view_str(&v, "reason", row->reason);
	mr_view_time(&v, "time", row->time_s);
	mr_view_str(&v, "actor", row->actor);
	put_closed(&v, row);
	return mr_view_take(&v);
}

char *mreg_incidents_result_json(const struct mreg_incidents_result *r)
{
	struct mr_view v;

	mr_view_init(&v, "mreg.incidents/1");
	mr_view_str(&v, "name", r->name);
	mr_view_rows(&v, "incidents", r->rows, r->count, incident_row);
	mr_view_bool(&v, "changed", r->changed);
	mr_view_bool(&v, "dryRun", r->dry_run);
	return mr_view_text(&v);
}

char *mreg_incident_row_json(const struct mreg_incidents_result *r, size_t i)
{
	struct mr_view v = { .obj = incident_row(r->rows, i) };

	return mr_view_text(&v);
}
