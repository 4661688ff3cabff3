/*
 * live.c - the sections of a report that the registry answers, each by the call
 * that its command makes.
 */
#include "base/error.h"
#include "base/mem.h"
#include "report/report.h"

/* Room for a result in the arena; it is released with the report. */
static void *room(struct mr_report *r, size_t n, struct mreg_error *err)
{
	void *p = mr_arena_alloc(r->a, n);

	if (!p)
		(void)mr_fail_nomem(err);
	return p;
}

/* Everything anew: the one section that a report cannot be without. */
static int read_log(struct mr_report *r, struct mreg_error *err)
{
	struct mreg_log_opts o = MREG_LOG_OPTS_INIT;
	struct mreg_log_result *log = room(r, sizeof(*log), err);
	int rc;

	o.verify = true;
	if (!log)
		return MREG_ENOMEM;
	rc = mreg_log(r->m, r->out->name, &o, log, err);
	if (rc >= 0)
		r->out->log = log;
	return rc;
}

static int read_aliases(struct mr_report *r, struct mreg_error *err)
{
	struct mreg_aliases_result *to = room(r, sizeof(*to), err);
	int rc = to ? mreg_aliases(r->m, r->out->name, to, err) : MREG_ENOMEM;

	if (rc >= 0)
		r->out->aliases = to;
	return rc;
}

static int read_approvals(struct mr_report *r, struct mreg_error *err)
{
	struct mreg_approvals_opts o = MREG_APPROVALS_OPTS_INIT;
	struct mreg_approvals_result *to = room(r, sizeof(*to), err);
	int rc = to ? mreg_approvals(r->m, r->out->name, &o, to, err)
		    : MREG_ENOMEM;

	if (rc >= 0)
		r->out->approvals = to;
	return rc;
}

static const char *subject(const struct mr_report *r)
{
	return r->one ? r->out->reference : r->out->name;
}

static int read_deployments(struct mr_report *r, struct mreg_error *err)
{
	struct mreg_deployments_result *to = room(r, sizeof(*to), err);
	int rc = to ? mreg_where(r->m, subject(r), to, err) : MREG_ENOMEM;

	if (rc >= 0)
		r->out->deployments = to;
	return rc;
}

static int read_incidents(struct mr_report *r, struct mreg_error *err)
{
	struct mreg_incidents_result *to = room(r, sizeof(*to), err);
	int rc = to ? mreg_incidents(r->m, subject(r), true, to, err)
		    : MREG_ENOMEM;

	if (rc >= 0)
		r->out->incidents = to;
	return rc;
}

static int read_versions(struct mr_report *r, struct mreg_error *err)
{
	struct mreg_versions_opts o = MREG_VERSIONS_OPTS_INIT;
	struct mreg_versions_result *to;
	int rc;

	if (r->one)
		return 0;
	o.archived = true;
	to = room(r, sizeof(*to), err);
	rc = to ? mreg_versions(r->m, r->out->name, &o, to, err) : MREG_ENOMEM;
	if (rc >= 0)
		r->out->versions = to;
	return rc;
}

static int read_policy(struct mr_report *r, struct mreg_error *err)
{
	struct mreg_policy_show_result *to = room(r, sizeof(*to), err);
	int rc = to ? mreg_policy_show(r->m, r->out->name, NULL, to, err)
		    : MREG_ENOMEM;

	if (rc >= 0)
		r->out->policy = to;
	return rc;
}

static int read_bytes(struct mr_report *r, struct mreg_error *err)
{
	const char *const names[] = { r->out->name };
	struct mreg_texts texts = { .items = names, .n = 1 };
	struct mreg_du_result *to;
	int rc;

	if (r->one)
		return 0;
	to = room(r, sizeof(*to), err);
	rc = to ? mreg_du(r->m, &texts, to, err) : MREG_ENOMEM;
	if (rc >= 0)
		r->out->bytes = to;
	return rc;
}

int mr_report_live(struct mr_report *r, struct mreg_error *err)
{
	static const struct {
		const char *what;
		int (*read)(struct mr_report *r, struct mreg_error *err);
	} sections[] = {
		{ "aliases", read_aliases },
		{ "approvals", read_approvals },
		{ "deployments", read_deployments },
		{ "incidents", read_incidents },
		{ "versions", read_versions },
		{ "policy", read_policy },
		{ "bytes", read_bytes },
	};
	size_t i;
	int rc = read_log(r, err);

	if (rc >= 0)
		rc = mr_report_miss(r, "log", 0, NULL, err);
	for (i = 0; rc >= 0 && i < MR_COUNT(sections); i++) {
		struct mreg_error why = MREG_ERROR_INIT;
		int got = sections[i].read(r, &why);

		rc = mr_report_miss(r, sections[i].what, got, &why, err);
	}
	r->out->live = rc >= 0;
	return rc;
}
