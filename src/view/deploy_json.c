/*
 * deploy_json.c - what runs where as JSON.
 */
#include "mreg/json.h"

#include "view/view.h"

static void put_was(struct mr_view *v, const struct mreg_deployment *d)
{
	struct mr_view was;

	if (d->was.algorithm == MREG_DIGEST_NONE) {
		mr_view_put(v, "was", json_null());
		return;
	}
	mr_view_init(&was, NULL);
	mr_view_digest(&was, "digest", &d->was);
	mr_view_version(&was, d->was_number);
	mr_view_put(v, "was", mr_view_take(&was));
}

static void put_deployment(struct mr_view *v, const struct mreg_deployment *d)
{
	mr_view_str(v, "name", d->name);
	mr_view_str(v, "environment", d->environment);
	mr_view_str(v, "workload", d->workload[0] ? d->workload : NULL);
	mr_view_digest(v, "digest", &d->version);
	mr_view_version(v, d->number);
	put_was(v, d);
	mr_view_time(v, "since", d->since_s);
	mr_view_str(v, "actor", d->actor);
	mr_view_str(v, "reason", d->reason);
	mr_view_digest(v, "event", &d->event);
}

static json_t *deployment_row(const void *items, size_t i)
{
	struct mr_view v;

	mr_view_init(&v, NULL);
	put_deployment(&v, (const struct mreg_deployment *)items + i);
	return mr_view_take(&v);
}

char *mreg_deployed_result_json(const struct mreg_deployed_result *r)
{
	struct mr_view v;

	mr_view_init(&v, "mreg.deployed/1");
	put_deployment(&v, &r->at);
	mr_view_bool(&v, "changed", r->changed);
	mr_view_bool(&v, "dryRun", r->dry_run);
	return mr_view_text(&v);
}

static json_t *unread_row(const void *items, size_t i)
{
	const struct mreg_pair *p = (const struct mreg_pair *)items + i;
	struct mr_view v;

	mr_view_init(&v, NULL);
	mr_view_str(&v, "name", p->name);
	mr_view_str(&v, "why", p->value);
	return mr_view_take(&v);
}

void mr_view_unread(struct mr_view *v, const struct mreg_pair *items, size_t n)
{
	mr_view_rows(v, "unread", items, n, unread_row);
}

char *mreg_deployments_result_json(const struct mreg_deployments_result *r)
{
	struct mr_view v;

	mr_view_init(&v, "mreg.deployments/1");
	mr_view_rows(&v, "deployments", r->rows, r->count, deployment_row);
	mr_view_unread(&v, r->unread, r->unread_count);
	mr_view_index(&v, r->synced_s);
	return mr_view_text(&v);
}

char *mreg_deployment_row_json(const struct mreg_deployments_result *r,
			       size_t i)
{
	struct mr_view v = { .obj = deployment_row(r->rows, i) };

	return mr_view_text(&v);
}

static json_t *unknown_row(const void *items, size_t i)
{
	const struct mreg_kubernetes_unknown *u =
		(const struct mreg_kubernetes_unknown *)items + i;
	struct mr_view v;

	mr_view_init(&v, NULL);
	mr_view_str(&v, "reference", u->reference);
	mr_view_str(&v, "workload", u->workload);
	mr_view_str(&v, "why", u->why);
	return mr_view_take(&v);
}

char *mreg_kubernetes_result_json(const struct mreg_kubernetes_result *r)
{
	struct mr_view v;

	mr_view_init(&v, "mreg.kubernetes/1");
	mr_view_rows(&v, "deployments", r->rows, r->count, deployment_row);
	mr_view_u64(&v, "changed", r->changed);
	mr_view_rows(&v, "unknown", r->unknown, r->unknown_count, unknown_row);
	mr_view_u64(&v, "objects", r->objects);
	mr_view_bool(&v, "dryRun", r->dry_run);
	return mr_view_text(&v);
}
