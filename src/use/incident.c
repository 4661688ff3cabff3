/*
 * incident.c - what went wrong, and what is over.
 */
#include "mreg/incident.h"

#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "content/digest.h"
#include "use/about.h"

#define FIELDS 8

static const char *keep(struct mr_arena *a, const char *text)
{
	return text ? mr_arena_strdup(a, text) : NULL;
}

static struct mreg_incident_row row_of(const struct mr_about *about,
				       const struct mr_event *e,
				       struct mr_arena *a)
{
	return (struct mreg_incident_row){
		.event = e->digest,
		.version = e->version,
		.number = mr_about_number(about, &e->version),
		.title = keep(a, mr_event_text(e, "title")),
		.severity = keep(a, mr_event_text(e, "severity")),
		.url = keep(a, mr_event_text(e, "url")),
		.environment = keep(a, mr_event_text(e, "environment")),
		.reason = keep(a, mr_event_text(e, "reason")),
		.time_s = e->time_s,
		.actor = mr_arena_strdup(a, e->actor),
	};
}

static void take_end(struct mreg_incident_row *row, const struct mr_event *end,
		     struct mr_arena *a)
{
	row->closed = end->digest;
	row->closed_s = end->time_s;
	row->closed_by = mr_arena_strdup(a, end->actor);
	row->outcome = keep(a, mr_event_text(end, "reason"));
}

/* The first event after `e`, as the fold has it, that closes it; NULL: it is
 * open. */
static const struct mr_event *end_of(const struct mr_about *about,
				     const struct mr_event *e)
{
	struct mreg_digest closes;
	bool after = false;
	size_t i;

	for (i = 0; i < mr_ledger_count(about->h.ledger); i++) {
		const struct mr_event *end =
			mr_ledger_event(about->h.ledger, i);

		after = after || end == e;
		if (after && end->kind == MR_EVENT_INCIDENT &&
		    mr_event_digest(end, "closes", &closes) &&
		    mreg_digest_equal(&closes, &e->digest))
			return end;
	}
	return NULL;
}

static bool is_incident(const struct mr_event *e)
{
	return e->kind == MR_EVENT_INCIDENT && !mr_event_text(e, "closes");
}

/* -- writing --------------------------------------------------------------- */

static int check_opts(const struct mreg_incident_opts *o,
		      struct mreg_error *err)
{
	int rc;

	if (!o->title && !o->close) {
		(void)mr_fail(err, MREG_EUSAGE, "nothing says what happened");
		return mr_hint(err, "give --title, or --close EVENT");
	}
	if (o->title && o->close) {
		(void)mr_fail(err, MREG_EUSAGE,
			      "a new incident cannot close another one");
		return mr_hint(err, "say why it is over with --reason");
	}
	rc = mr_event_check("title", o->title, MR_EVENT_SAYS_MAX_BYTES, err);
	if (rc >= 0)
		rc = mr_event_check("severity", o->severity,
				    MR_EVENT_NAME_MAX_BYTES, err);
	if (rc >= 0)
		rc = mr_event_check("url", o->url, MR_EVENT_SAYS_MAX_BYTES,
				    err);
	if (rc >= 0)
		rc = mr_event_check("environment", o->environment,
				    MR_EVENT_NAME_MAX_BYTES, err);
	return rc < 0 ? rc
		      : mr_event_check("reason", o->reason,
				       MR_EVENT_SAYS_MAX_BYTES, err);
}

/* The event as it was written; of a rehearsal the last of the ledger. */
static const struct mr_event *find_written(struct mr_about *about,
					   const struct mreg_digest *d)
{
	size_t i;

	for (i = mr_ledger_count(about->h.ledger); i-- > 0;) {
		const struct mr_event *e = mr_ledger_event(about->h.ledger, i);

		if (!mr_digest_known(d) || mreg_digest_equal(&e->digest, d))
			return e;
	}
	return NULL;
}

static int write_new(struct mr_about *about, const struct mreg_incident_opts *o,
		     struct mreg_incidents_result *out, struct mreg_error *err)
{
	struct mr_event_field fields[FIELDS];
	struct mr_event e = { .kind = MR_EVENT_INCIDENT,
			      .version = about->version.digest };
	struct mreg_digest written = { .algorithm = MREG_DIGEST_NONE };
	const struct mr_event *now;
	int rc;

	mr_event_put(&e, fields, "title", o->title);
	mr_event_put(&e, fields, "severity", o->severity);
	mr_event_put(&e, fields, "url", o->url);
	mr_event_put(&e, fields, "environment", o->environment);
	mr_event_put(&e, fields, "reason", o->reason);
	rc = mr_about_write(about, &e, o->dry_run, &written, err);
	if (rc >= 0)
		rc = mr_about_fold(about, err);
	now = rc < 0 ? NULL : find_written(about, &written);
	if (now)
		out->rows[out->count++] = row_of(about, now, out->owner);
	if (o->dry_run && out->count)
		memset(&out->rows[0].event, 0, sizeof(out->rows[0].event));
	out->changed = true;
	return rc;
}

static int close_one(struct mr_about *about, const struct mreg_incident_opts *o,
		     struct mreg_incidents_result *out, struct mreg_error *err)
{
	struct mreg_incident_row *row = &out->rows[0];
	struct mr_event_field fields[FIELDS];
	struct mr_event e = { .kind = MR_EVENT_INCIDENT };
	char closes[MREG_DIGEST_TEXT];
	const struct mr_event *open;
	const struct mr_event *end;
	int rc = mr_event_find(&about->h, o->close, &open, err);

	if (rc < 0)
		return rc;
	if (!is_incident(open)) {
		(void)mr_fail(err, MREG_ENOTFOUND,
			      "event '%.100s' is no incident", o->close);
		return mr_hint(err, "'mreg incidents NAME' shows those there "
				    "are");
	}
	e.version = open->version;
	mr_event_put(&e, fields, "closes",
		     mreg_digest_text(&open->digest, closes));
	mr_event_put(&e, fields, "title", mr_event_text(open, "title"));
	mr_event_put(&e, fields, "reason", o->reason);
	if (!end_of(about, open)) {
		out->changed = true;
		rc = mr_about_write(about, &e, o->dry_run, NULL, err);
		if (rc >= 0)
			rc = mr_about_fold(about, err);
	}
	if (rc < 0)
		return rc;
	out->count = 1;
	*row = row_of(about, open, out->owner);
	end = end_of(about, open);
	if (end)
		take_end(row, end, out->owner);
	if (o->dry_run && out->changed)
		memset(&row->closed, 0, sizeof(row->closed));
	return 0;
}

/* -- reading --------------------------------------------------------------- */

static int list(struct mr_about *about, bool all,
		struct mreg_incidents_result *out, struct mreg_error *err)
{
	size_t n = mr_ledger_count(about->h.ledger);
	size_t most = 1;
	size_t i;

	for (i = 0; i < n; i++)
		most += is_incident(mr_ledger_event(about->h.ledger, i));
	out->rows = mr_arena_alloc(out->owner, most * sizeof(*out->rows));
	if (!out->rows)
		return mr_fail_nomem(err);
	for (i = 0; i < n; i++) {
		const struct mr_event *e = mr_ledger_event(about->h.ledger, i);
		const struct mr_event *end;

		if (!is_incident(e) ||
		    (mr_digest_known(&about->version.digest) &&
		     !mreg_digest_equal(&e->version, &about->version.digest)))
			continue;
		end = end_of(about, e);
		if (end && !all)
			continue;
		out->rows[out->count] = row_of(about, e, out->owner);
		if (end)
			take_end(&out->rows[out->count], end, out->owner);
		out->count++;
	}
	return 0;
}

/* -- all of it ------------------------------------------------------------- */

static int begin(struct mreg_incidents_result *out, struct mreg_error *err)
{
	struct mr_arena *arena;
	int rc = mr_result_arena(&arena, err);

	memset(out, 0, sizeof(*out));
	if (rc < 0)
		return rc;
	out->owner = arena;
	out->rows = mr_arena_alloc(arena, sizeof(*out->rows));
	return out->rows ? 0 : mr_fail_nomem(err);
}

static int end(struct mr_about *about, bool dry_run, int rc,
	       struct mreg_incidents_result *out, struct mreg_error *err)
{
	if (rc >= 0) {
		out->name = mr_about_name(about, out->owner);
		out->dry_run = dry_run;
		rc = mr_result_check(out->owner, err);
	}
	if (rc < 0)
		mreg_incidents_result_release(out);
	return rc;
}

int mreg_incident(struct mreg *m, const char *ref,
		  const struct mreg_incident_opts *given,
		  struct mreg_incidents_result *out, struct mreg_error *err)
{
	MR_AUTO(mr_about_release) struct mr_about about = { .m = m };
	struct mreg_incident_opts o;
	int rc = begin(out, err);

	mr_opts_take(&o, sizeof(o), given, given->size);
	if (rc >= 0)
		rc = check_opts(&o, err);
	if (rc >= 0)
		rc = mr_about_open(m, ref, MR_ABOUT_ANY, &about, err);
	if (rc >= 0)
		rc = mr_about_read(&about, !o.dry_run, err);
	if (rc >= 0)
		rc = o.close ? close_one(&about, &o, out, err)
			     : write_new(&about, &o, out, err);
	return end(&about, o.dry_run, rc, out, err);
}

int mreg_incidents(struct mreg *m, const char *ref, bool all,
		   struct mreg_incidents_result *out, struct mreg_error *err)
{
	MR_AUTO(mr_about_release) struct mr_about about = { .m = m };
	int rc = begin(out, err);

	if (rc >= 0)
		rc = mr_about_open(m, ref, MR_ABOUT_ANY, &about, err);
	if (rc >= 0)
		rc = mr_about_read(&about, false, err);
	if (rc >= 0)
		rc = list(&about, all, out, err);
	return end(&about, false, rc, out, err);
}

void mreg_incidents_result_release(struct mreg_incidents_result *r)
{
	mr_arena_free(r->owner);
	memset(r, 0, sizeof(*r));
}
