/*
 * report_json.c - a report as JSON: the documents that its sections' commands
 * print, and what stands in none of them.
 */
#include "mreg/json.h"

#include <stdlib.h>

#include "base/json.h"
#include "view/view.h"

/* A result's own document; NULL: out of memory. */
static json_t *document(char *text)
{
	json_t *out = mr_json_own(text);

	free(text);
	return out;
}

static void put_version(struct mr_view *v, const char *key,
			const struct mreg_digest *d, uint64_t number)
{
	struct mr_view at;

	if (d->algorithm == MREG_DIGEST_NONE) {
		mr_view_put(v, key, json_null());
		return;
	}
	mr_view_init(&at, NULL);
	mr_view_digest(&at, "digest", d);
	mr_view_version(&at, number);
	mr_view_put(v, key, mr_view_take(&at));
}

static json_t *move_row(const void *items, size_t i)
{
	const struct mreg_report_move *m =
		(const struct mreg_report_move *)items + i;
	struct mr_view v;

	mr_view_init(&v, NULL);
	mr_view_digest(&v, "event", &m->event);
	mr_view_str(&v, "alias", m->alias);
	put_version(&v, "to", &m->digest, m->number);
	put_version(&v, "from", &m->was, m->was_number);
	mr_view_str(&v, "by", m->by);
	mr_view_str(&v, "reason", m->reason);
	mr_view_str(&v, "policy", m->policy);
	mr_view_time(&v, "time", m->time_s);
	mr_view_str(&v, "actor", m->actor);
	mr_view_str(&v, "actorSource", m->actor_source);
	return mr_view_take(&v);
}

static json_t *ancestor_row(const void *items, size_t i)
{
	const struct mreg_report_ancestor *a =
		(const struct mreg_report_ancestor *)items + i;
	struct mr_view v;

	mr_view_init(&v, NULL);
	mr_view_str(&v, "kind", a->input ? "input" : "parent");
	mr_view_str(&v, "how", a->how);
	mr_view_str(&v, "ref", a->ref);
	mr_view_str(&v, "digest", a->digest);
	mr_view_str(&v, "license", a->license);
	mr_view_bool(&v, "told", a->told);
	mr_view_str(&v, "unreadable", a->unreadable);
	return mr_view_take(&v);
}

static json_t *verdict_row(const void *items, size_t i)
{
	const struct mreg_report_verdict *r =
		(const struct mreg_report_verdict *)items + i;
	struct mr_view v;

	mr_view_init(&v, NULL);
	mr_view_str(&v, "alias", r->alias);
	mr_view_put(&v, "check",
		    document(mreg_policy_check_result_json(&r->check)));
	return mr_view_take(&v);
}

static json_t *full_row(const void *items, size_t i)
{
	const struct mreg_report_version *r =
		(const struct mreg_report_version *)items + i;
	struct mr_view v;

	mr_view_init(&v, NULL);
	mr_view_str(&v, "reference", r->reference);
	mr_view_digest(&v, "digest", &r->digest);
	mr_view_version(&v, r->number);
	mr_view_texts(&v, "aliases", r->aliases, r->alias_count);
	mr_view_put(&v, "inspect",
		    r->inspect ? document(mreg_inspect_result_json(r->inspect))
			       : json_null());
	mr_view_str(&v, "card", r->card);
	mr_view_rows(&v, "policy", r->verdicts, r->verdict_count, verdict_row);
	mr_view_rows(&v, "ancestors", r->ancestors, r->ancestor_count,
		     ancestor_row);
	mr_view_bool(&v, "ancestorsMore", r->ancestors_more);
	mr_view_put(&v, "lineage",
		    r->lineage ? document(mreg_lineage_result_json(r->lineage))
			       : json_null());
	return mr_view_take(&v);
}

static void put_time(struct mr_view *v, const char *key, int64_t time_s)
{
	if (time_s)
		mr_view_time(v, key, time_s);
	else
		mr_view_put(v, key, json_null());
}

/* What each command says of the model. */
static void put_sections(struct mr_view *v, const struct mreg_report_result *r)
{
	mr_view_put(v, "log",
		    r->log ? document(mreg_log_result_json(r->log))
			   : json_null());
	mr_view_str(v, "unverified", r->unverified);
	mr_view_rows(v, "moves", r->moves, r->move_count, move_row);
	mr_view_put(v, "aliases",
		    r->aliases ? document(mreg_aliases_result_json(r->aliases))
			       : json_null());
	mr_view_put(v, "approvals",
		    r->approvals
			    ? document(mreg_approvals_result_json(r->approvals))
			    : json_null());
	mr_view_put(v, "deployments",
		    r->deployments ? document(mreg_deployments_result_json(
					     r->deployments))
				   : json_null());
	mr_view_put(v, "incidents",
		    r->incidents
			    ? document(mreg_incidents_result_json(r->incidents))
			    : json_null());
	mr_view_put(v, "versions",
		    r->versions
			    ? document(mreg_versions_result_json(r->versions))
			    : json_null());
	mr_view_put(v, "policy",
		    r->policy
			    ? document(mreg_policy_show_result_json(r->policy))
			    : json_null());
	mr_view_put(v, "bytes",
		    r->bytes ? document(mreg_du_result_json(r->bytes))
			     : json_null());
}

char *mreg_report_result_json(const struct mreg_report_result *r)
{
	struct mr_view v;

	mr_view_init(&v, "mreg.report/1");
	mr_view_str(&v, "name", r->name);
	mr_view_str(&v, "reference", r->reference);
	mr_view_version(&v, r->number);
	mr_view_time(&v, "time", r->at_s);
	put_time(&v, "since", r->since_s);
	mr_view_str(&v, "source", r->live ? "registry" : "index");
	put_time(&v, "syncedAt", r->synced_s);
	put_sections(&v, r);
	mr_view_rows(&v, "inFull", r->full, r->full_count, full_row);
	mr_view_u64(&v, "notInFull", r->full_left);
	mr_view_unread(&v, r->unread, r->unread_count);
	return mr_view_text(&v);
}

/* -- figures ----------------------------------------------------------------
 */

static void put_span(struct mr_view *v, const char *key, int64_t span_s)
{
	mr_view_put(v, key, span_s < 0 ? json_null() : json_integer(span_s));
}

static void put_spread(struct mr_view *v, const char *key,
		       const struct mreg_spread *s)
{
	struct mr_view to;

	mr_view_init(&to, NULL);
	mr_view_u64(&to, "count", s->count);
	put_span(&to, "medianSeconds", s->median_s);
	put_span(&to, "p90Seconds", s->p90_s);
	mr_view_put(v, key, mr_view_take(&to));
}

static json_t *figures_row(const void *items, size_t i)
{
	const struct mreg_figures_row *r =
		(const struct mreg_figures_row *)items + i;
	struct mr_view v;

	mr_view_init(&v, NULL);
	mr_view_str(&v, "owner", r->owner);
	mr_view_u64(&v, "models", r->models);
	mr_view_u64(&v, "versions", r->versions);
	mr_view_u64(&v, "bytes", r->bytes);
	mr_view_u64(&v, "uniqueBytes", r->unique_bytes);
	mr_view_u64(&v, "approvalsAsked", r->asked);
	put_spread(&v, "approvalCycle", &r->approved);
	mr_view_u64(&v, "approvalsOverdue", r->overdue);
	put_spread(&v, "pushToProduction", &r->produced);
	mr_view_u64(&v, "moves", r->moves);
	mr_view_u64(&v, "rollbacks", r->rollbacks);
	mr_view_u64(&v, "incidents", r->incidents);
	mr_view_u64(&v, "incidentsOpen", r->incidents_open);
	put_spread(&v, "incidentsClosed", &r->closed);
	put_spread(&v, "evaluationAge", &r->evaluated);
	mr_view_u64(&v, "productionUnevaluated", r->unevaluated);
	mr_view_u64(&v, "reviewsDue", r->reviews_due);
	mr_view_u64(&v, "withoutOwner", r->no_owner);
	mr_view_u64(&v, "withoutLicense", r->no_license);
	mr_view_u64(&v, "withoutCard", r->no_card);
	mr_view_u64(&v, "withoutEvaluation", r->no_evaluation);
	mr_view_u64(&v, "deployments", r->deployments);
	return mr_view_take(&v);
}

static json_t *environment_row(const void *items, size_t i)
{
	const struct mreg_figures_environment *e =
		(const struct mreg_figures_environment *)items + i;
	struct mr_view v;

	mr_view_init(&v, NULL);
	mr_view_str(&v, "environment", e->environment);
	mr_view_u64(&v, "deployments", e->deployments);
	mr_view_u64(&v, "models", e->models);
	mr_view_u64(&v, "versions", e->versions);
	return mr_view_take(&v);
}

char *mreg_figures_result_json(const struct mreg_figures_result *r)
{
	struct mr_view v;

	mr_view_init(&v, "mreg.figures/1");
	mr_view_time(&v, "time", r->at_s);
	put_time(&v, "since", r->since_s);
	put_time(&v, "syncedAt", r->synced_s);
	mr_view_put(&v, "total", figures_row(&r->total, 0));
	mr_view_rows(&v, "owners", r->owners, r->owner_count, figures_row);
	mr_view_rows(&v, "environments", r->environments, r->environment_count,
		     environment_row);
	mr_view_unread(&v, r->unread, r->unread_count);
	return mr_view_text(&v);
}
