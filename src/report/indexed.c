/*
 * indexed.c - a report by what the index remembers, where the registry cannot
 * be reached: nothing of it is verified.
 */
#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "base/mem.h"
#include "content/digest.h"
#include "index/index.h"
#include "ledger/ledger.h"
#include "oci/oci.h"
#include "report/report.h"

struct remembered {
	struct mr_report *r;
	struct mr_index *ix;
	const char *model; /* its whole name */
	int64_t now_s;
};

static void *room(struct remembered *m, size_t n, struct mreg_error *err)
{
	void *p = mr_arena_alloc(m->r->a, n);

	if (!p)
		(void)mr_fail_nomem(err);
	return p;
}

/* -- the log ----------------------------------------------------------------
 */

/* The event's members as the index has them; what is told of all events is
 * added, so that readers find what they look for. */
static int write_document(struct remembered *m, const struct mr_ix_event_row *e,
			  const char **out, struct mreg_error *err)
{
	MR_AUTO(mr_json_freep) json_t *doc = NULL;
	char digest[MREG_DIGEST_TEXT];
	char *text;
	int rc = 0;

	if (e->detail)
		rc = mr_json_parse(e->detail, strlen(e->detail),
				   MR_EVENT_MAX_BYTES, "event", &doc, err);
	else
		doc = json_object();
	if (rc < 0)
		return rc;
	if (json_object_set_new(doc, "kind", json_string(e->kind)) < 0 ||
	    (e->alias &&
	     json_object_set_new(doc,
				 strcmp(e->kind, "release_named") == 0
					 ? "release"
					 : "alias",
				 json_string(e->alias)) < 0) ||
	    (mr_digest_known(&e->version) &&
	     json_object_set_new(
		     doc, "version",
		     json_string(mreg_digest_text(&e->version, digest))) < 0))
		return mr_fail_nomem(err);
	text = mr_json_dump(doc, JSON_COMPACT | JSON_SORT_KEYS);
	*out = text ? mr_arena_strdup(m->r->a, text) : NULL;
	mr_release(text);
	return *out ? 0 : mr_fail_nomem(err);
}

/* Fewer words than the log has: the index keeps no more. */
static const char *says(struct remembered *m, const struct mr_ix_event_row *e)
{
	if (e->alias)
		return e->alias;
	return e->detail ? e->detail : mr_arena_strdup(m->r->a, "");
}

/* Where a log is not linear; which it was the index does not say. */
static const char *tag_of(struct remembered *m, const struct mr_ix_event_row *e)
{
	const struct mr_event event = { .digest = e->digest, .seq = e->seq };
	char tag[MR_LOG_TAG_TEXT];

	return mr_arena_strdup(m->r->a, mr_log_tag_of(&event, tag));
}

static int take_event(struct remembered *m, const struct mr_ix_event_row *e,
		      struct mreg_log_row *to, struct mreg_error *err)
{
	*to = (struct mreg_log_row){
		.digest = e->digest,
		.tag = tag_of(m, e),
		.kind = e->kind,
		.seq = e->seq,
		.time_s = e->time_s,
		.actor = e->actor,
		.version = e->version,
		.number = e->number,
		.says = says(m, e),
	};
	return write_document(m, e, &to->document, err);
}

/* Where the last move of an alias left it; in the order of names. */
static void take_alias(struct mreg_log_result *log,
		       const struct mr_ix_event_row *e)
{
	struct mreg_log_alias *at = log->aliases;
	size_t i = 0;

	while (i < log->alias_count && strcmp(at[i].alias, e->alias) < 0)
		i++;
	if (i == log->alias_count || strcmp(at[i].alias, e->alias) != 0) {
		memmove(at + i + 1, at + i,
			(log->alias_count - i) * sizeof(*at));
		log->alias_count++;
	}
	at[i] = (struct mreg_log_alias){
		.alias = e->alias,
		.digest = e->version,
		.number = e->number,
		.since_s = e->time_s,
		.actor = e->actor,
	};
}

static int read_log(struct remembered *m, struct mreg_error *err)
{
	struct mreg_log_result *log = room(m, sizeof(*log), err);
	struct mr_ix_event_row *events;
	size_t n, i;
	int rc = log ? mr_index_events(m->ix, m->model, m->r->a, &events, &n,
				       err)
		     : MREG_ENOMEM;

	if (rc < 0)
		return rc;
	log->name = m->r->out->name;
	log->rows = room(m, (n + 1) * sizeof(*log->rows), err);
	log->aliases = room(m, (n + 1) * sizeof(*log->aliases), err);
	if (!log->rows || !log->aliases)
		return MREG_ENOMEM;
	for (i = 0; rc >= 0 && i < n; i++) {
		rc = take_event(m, &events[i], &log->rows[i], err);
		if (events[i].alias &&
		    (strcmp(events[i].kind, "alias_moved") == 0 ||
		     strcmp(events[i].kind, "tag_adopted") == 0))
			take_alias(log, &events[i]);
	}
	log->count = log->events = n;
	m->r->out->log = log;
	return rc;
}

/* -- approvals, incidents, deployments ---------------------------------------
 */

static int64_t after(int64_t from_s, int64_t to_s)
{
	if (!to_s)
		return -1;
	return to_s > from_s ? to_s - from_s : 0;
}

static const char *state_of(const struct remembered *m,
			    const struct mr_ix_approval *a)
{
	bool open = a->state && strcmp(a->state, "open") == 0;

	if (open && a->until_s < m->now_s)
		return "overdue";
	return a->state ? a->state : "open";
}

static int read_approvals(struct remembered *m, struct mreg_error *err)
{
	struct mreg_approvals_result *to = room(m, sizeof(*to), err);
	struct mr_ix_approval_row *rows;
	size_t n, i;
	int rc = to ? mr_index_approvals(m->ix, m->model, m->r->a, &rows, &n,
					 err)
		    : MREG_ENOMEM;

	if (rc < 0)
		return rc;
	to->rows = room(m, (n + 1) * sizeof(*to->rows), err);
	if (!to->rows)
		return MREG_ENOMEM;
	for (i = 0; i < n; i++)
		to->rows[i] = (struct mreg_approval_row){
			.request = rows[i].is.event,
			.digest = rows[i].is.version,
			.number = rows[i].number,
			.alias = rows[i].is.alias,
			.state = state_of(m, &rows[i].is),
			.grants = rows[i].is.grants,
			.by = rows[i].is.by ? rows[i].is.by : "",
			.asked_s = rows[i].is.asked_s,
			.until_s = rows[i].is.until_s,
			.answered_after_s = after(rows[i].is.asked_s,
						  rows[i].is.answered_s),
			.moved_after_s =
				after(rows[i].is.asked_s, rows[i].is.moved_s),
		};
	to->name = m->r->out->name;
	to->count = n;
	m->r->out->approvals = to;
	return 0;
}

static bool is_wanted(const struct remembered *m, const struct mreg_digest *d)
{
	return !m->r->one || mreg_digest_equal(d, &m->r->version);
}

/* The texts of an event that an incident's row has. */
static int read_event(struct remembered *m, const struct mreg_log_row *e,
		      const char *closes, const char **reason, bool *is,
		      struct mreg_error *err)
{
	MR_AUTO(mr_json_freep) json_t *doc = NULL;
	const char *of;
	int rc = mr_json_parse(e->document, strlen(e->document),
			       MR_EVENT_MAX_BYTES, "event", &doc, err);

	if (rc < 0)
		return rc;
	of = json_string_value(json_object_get(doc, "closes"));
	*is = closes ? of && strcmp(of, closes) == 0 : !of;
	if (!*is)
		return 0;
	*reason = json_string_value(json_object_get(doc, "reason"));
	if (*reason)
		*reason = mr_arena_strdup(m->r->a, *reason);
	return mr_result_check(m->r->a, err);
}

/* Why it was opened, and what ended it: the first event behind it that says
 * so.  The index has its time; the log the rest. */
static int take_ends(struct remembered *m, struct mreg_incident_row *row,
		     struct mreg_error *err)
{
	const struct mreg_log_result *log = m->r->out->log;
	char digest[MREG_DIGEST_TEXT];
	bool after = false;
	size_t i;
	int rc = 0;

	mreg_digest_text(&row->event, digest);
	for (i = 0; rc >= 0 && i < log->count && !row->closed_by; i++) {
		const struct mreg_log_row *e = &log->rows[i];
		bool is = false;

		if (mreg_digest_equal(&e->digest, &row->event)) {
			after = true;
			rc = read_event(m, e, NULL, &row->reason, &is, err);
		} else if (after && row->closed_s &&
			   strcmp(e->kind, "incident") == 0 &&
			   strstr(e->document, digest)) {
			rc = read_event(m, e, digest, &row->outcome, &is, err);
			if (rc < 0 || !is)
				continue;
			row->closed = e->digest;
			row->closed_s = e->time_s;
			row->closed_by = e->actor;
		}
	}
	return rc;
}

static int read_incidents(struct remembered *m, struct mreg_error *err)
{
	struct mreg_incidents_result *to = room(m, sizeof(*to), err);
	struct mr_ix_incident_row *rows;
	size_t n, i;
	int rc = to ? mr_index_incidents(m->ix, m->model, m->r->a, &rows, &n,
					 err)
		    : MREG_ENOMEM;

	if (rc < 0)
		return rc;
	to->rows = room(m, (n + 1) * sizeof(*to->rows), err);
	if (!to->rows)
		return MREG_ENOMEM;
	for (i = 0; rc >= 0 && i < n; i++) {
		const struct mr_ix_incident *is = &rows[i].is;

		if (!is_wanted(m, &is->version))
			continue;
		to->rows[to->count++] = (struct mreg_incident_row){
			.event = is->event,
			.version = is->version,
			.number = rows[i].number,
			.title = is->title,
			.severity = is->severity,
			.url = is->url,
			.environment = is->environment,
			.time_s = is->opened_s,
			.actor = is->actor ? is->actor : "",
			.closed_s = is->closed_s,
		};
		rc = take_ends(m, &to->rows[to->count - 1], err);
	}
	to->name = m->r->out->name;
	m->r->out->incidents = to;
	return rc;
}

static int read_deployments(struct remembered *m, struct mreg_error *err)
{
	struct mreg_deployments_result *to = room(m, sizeof(*to), err);
	struct mr_ix_place_row *rows;
	size_t n, i;
	int rc = to ? mr_index_deployments(m->ix, m->model, NULL,
					   m->r->one ? &m->r->version : NULL,
					   m->r->a, &rows, &n, err)
		    : MREG_ENOMEM;

	if (rc < 0)
		return rc;
	to->rows = room(m, (n + 1) * sizeof(*to->rows), err);
	if (!to->rows)
		return MREG_ENOMEM;
	for (i = 0; i < n; i++)
		to->rows[i] = (struct mreg_deployment){
			.name = m->r->out->name,
			.environment = rows[i].at.environment,
			.workload = rows[i].at.workload,
			.version = rows[i].at.version,
			.number = rows[i].number,
			.since_s = rows[i].at.since_s,
			.actor = rows[i].at.actor ? rows[i].at.actor : "",
		};
	to->count = n;
	m->r->out->deployments = to;
	return 0;
}

/* -- versions -----------------------------------------------------------------
 */

static const struct mreg_deprecation *deprecation(struct remembered *m,
						  const struct mr_ix_row *v)
{
	struct mreg_deprecation *to;

	if (!v->deprecated_s)
		return NULL;
	to = mr_arena_alloc(m->r->a, sizeof(*to));
	if (!to)
		return NULL;
	*to = (struct mreg_deprecation){
		.successor = v->successor,
		.reason = v->deprecated_reason,
		.time_s = v->deprecated_s,
		.actor = "",
		.says = v->deprecated_reason ? v->deprecated_reason
					     : "is deprecated",
	};
	return to;
}

static int read_versions(struct remembered *m, struct mreg_error *err)
{
	struct mreg_versions_result *to;
	size_t i;

	if (m->r->one)
		return 0;
	to = room(m, sizeof(*to), err);
	if (!to)
		return MREG_ENOMEM;
	to->rows = room(m, (m->r->row_count + 1) * sizeof(*to->rows), err);
	if (!to->rows)
		return MREG_ENOMEM;
	for (i = 0; i < m->r->row_count; i++) {
		const struct mr_ix_row *v = &m->r->rows[i];

		to->rows[i] = (struct mreg_version_row){
			.number = v->number,
			.digest = v->digest,
			.registered_s = v->registered_s,
			.actor = v->actor ? v->actor : "",
			.run = v->run,
			.tags = v->aliases,
			.tag_count = v->alias_count,
			.bytes = v->bytes,
			.files = v->files,
			.metrics = v->metrics,
			.metric_count = v->metric_count,
			.moved = v->moved,
			.stage = v->stage,
			.deprecated = deprecation(m, v),
		};
	}
	to->name = m->r->out->name;
	to->count = m->r->row_count;
	m->r->out->versions = to;
	return 0;
}

/* -- all of it
 * ----------------------------------------------------------------- */

static int find_model(struct remembered *m, struct mreg_error *err)
{
	struct mr_ix_model_row *rows;
	size_t n, i;
	int rc = mr_index_models(m->ix, m->model, m->r->a, &rows, &n, err);

	for (i = 0; rc >= 0 && i < n; i++)
		if (strcmp(rows[i].name, m->model) == 0) {
			m->r->out->synced_s = rows[i].sync.synced_s;
			return 0;
		}
	return rc < 0 ? rc
		      : mr_fail(err, MREG_ENOTFOUND,
				"the index does not know '%s'", m->model);
}

static int find_version(struct remembered *m, struct mreg_error *err)
{
	struct mr_report *r = m->r;
	bool found = true;
	int rc = 0;

	if (!r->one || mr_digest_known(&r->version))
		return 0;
	if (mr_digest_known(&r->ref.digest))
		r->version = r->ref.digest;
	else
		rc = mr_index_resolve(m->ix, m->model, r->ref.tag, &r->version,
				      &found, err);
	if (rc >= 0 && !found)
		rc = mr_fail(err, MREG_ENOTFOUND,
			     "the index does not know '%s' of '%s'", r->ref.tag,
			     m->model);
	return rc;
}

/* Sections that the index has nothing of. */
static int miss_others(struct mr_report *r, struct mreg_error *err)
{
	struct mreg_error why = MREG_ERROR_INIT;
	int got = mr_fail(&why, MREG_ENETWORK, MR_REPORT_AWAY);
	int rc = mr_report_miss(r, "aliases", got, &why, err);

	if (rc >= 0)
		rc = mr_report_miss(r, "policy", got, &why, err);
	if (rc >= 0 && !r->one)
		rc = mr_report_miss(r, "bytes", got, &why, err);
	return rc;
}

static int read_all(struct remembered *m, struct mreg_error *err)
{
	struct mr_report *r = m->r;
	int rc = find_model(m, err);

	if (rc >= 0)
		rc = find_version(m, err);
	if (rc >= 0)
		rc = mr_index_versions(m->ix, m->model, true, r->a, &r->rows,
				       &r->row_count, err);
	if (rc >= 0)
		rc = read_log(m, err);
	if (rc >= 0)
		rc = read_approvals(m, err);
	if (rc >= 0)
		rc = read_incidents(m, err);
	if (rc >= 0)
		rc = read_deployments(m, err);
	return rc < 0 ? rc : read_versions(m, err);
}

int mr_report_indexed(struct mr_report *r, struct mreg_error *err)
{
	char name[MREG_REF_TEXT];
	struct remembered m = { .r = r,
				.model = mr_ref_name(&r->ref, name),
				.now_s = r->out->at_s };
	int rc = mr_session_index(r->m, MR_DB_READ, &m.ix, err);

	if (rc >= 0)
		rc = mr_index_hold(m.ix, err);
	if (rc < 0)
		return rc;
	rc = read_all(&m, err);
	mr_index_let_go(m.ix);
	return rc < 0 ? rc : miss_others(r, err);
}
