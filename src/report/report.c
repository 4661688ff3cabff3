/*
 * report.c - a model, or one version, for an auditor: the order of steps.
 *
 * What a registry says is asked first.  Where it cannot be reached, what the
 * index remembers stands instead, and the report says that nothing of it was
 * verified.
 */
#include "report/report.h"

#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/text.h"
#include "content/digest.h"

#define DAY_S 86400

static int add_unread(struct mr_report *r, const char *what, const char *why,
		      struct mreg_error *err)
{
	if (mr_grow((void **)&r->unread, &r->unread_cap,
		    r->out->unread_count + 1, sizeof(*r->unread)) < 0)
		return mr_fail_nomem(err);
	r->unread[r->out->unread_count++] = (struct mreg_pair){
		.name = mr_arena_strdup(r->a, what),
		.value = mr_arena_strdup(r->a, why),
	};
	return mr_result_check(r->a, err);
}

/* Sorted: threads warn as they come to it. */
static int take_warnings(struct mr_report *r, const char *what,
			 struct mreg_error *err)
{
	size_t i;
	int rc = 0;

	mr_list_sort(&r->warnings);
	for (i = 0; rc >= 0 && i < r->warnings.n; i++)
		rc = add_unread(r, what, r->warnings.items[i], err);
	mr_list_release(&r->warnings);
	return rc;
}

int mr_report_miss(struct mr_report *r, const char *what, int rc,
		   const struct mreg_error *why, struct mreg_error *err)
{
	char text[MR_ERROR_TEXT];
	int taken;

	if (rc == MREG_ENOMEM || rc == MREG_ECANCELED) {
		if (err)
			*err = *why;
		return rc;
	}
	taken = take_warnings(r, what, err);
	if (rc >= 0 || taken < 0)
		return taken;
	return add_unread(r, what, mr_error_text(why, text), err);
}

int mr_report_parse_since(const char *text, int64_t *out_s,
			  struct mreg_error *err)
{
	int rc = text ? mr_given_time(text, out_s, err) : 0;

	if (rc >= 0 && text && !strchr(text, 'T') && !strchr(text, 't'))
		*out_s -= DAY_S - 1;
	return rc;
}

/* Not to be reached, or not to be had: the index may know. */
static bool is_away(int rc)
{
	return rc == MREG_ENETWORK || rc == MREG_EREMOTE || rc == MREG_EAUTH ||
	       rc == MREG_EDENIED;
}

static int resolve(struct mr_report *r, struct mreg_error *err)
{
	MR_AUTO(mr_store_closep) struct mr_store *s = NULL;
	struct mreg_desc d = { .size = 0 };
	int rc = mr_target_open(r->m, &r->ref, &s, err);

	if (rc >= 0)
		rc = mr_subject_resolve(r->m, s, &r->ref, &d, err);
	if (rc >= 0)
		r->version = d.digest;
	return rc;
}

static int begin(struct mr_report *r, const char *text, struct mreg_error *err)
{
	char name[MREG_REF_TEXT];
	int rc = mr_target_parse(r->m, text, &r->ref, err);

	if (rc < 0)
		return rc;
	r->one = r->ref.tag[0] || mr_digest_known(&r->ref.digest);
	r->out->name =
		mr_arena_strdup(r->a, mr_target_name(r->m, &r->ref, name));
	r->out->at_s = mr_now_s(&r->m->env);
	rc = mr_result_check(r->a, err);
	return rc < 0 ? rc
		      : mr_report_parse_since(r->o->since, &r->out->since_s,
					      err);
}

static int identify(struct mr_report *r, struct mreg_error *err)
{
	char text[MREG_REF_TEXT];

	if (!r->one)
		return 0;
	r->out->reference = mr_arena_strdup(
		r->a, mr_target_pinned(r->m, &r->ref, &r->version, text));
	return mr_result_check(r->a, err);
}

static int read_live(struct mr_report *r, struct mreg_error *err)
{
	int rc = r->one ? resolve(r, err) : 0;

	if (rc >= 0)
		rc = identify(r, err);
	return rc < 0 ? rc : mr_report_live(r, err);
}

/* Errors are the registry's: that the index has nothing either is no news. */
static int read_indexed(struct mr_report *r, int why, struct mreg_error *err)
{
	struct mreg_error other = MREG_ERROR_INIT;
	char text[MR_ERROR_TEXT];
	int rc = mr_report_indexed(r, &other);

	if (rc == MREG_ENOMEM || rc == MREG_ECANCELED) {
		*err = other;
		return rc;
	}
	if (rc < 0) {
		mr_log(&r->m->env, MREG_LOG_WARN,
		       "the index does not tell of it either: %s", other.msg);
		return why;
	}
	r->out->unverified = mr_arena_strdup(r->a, mr_error_text(err, text));
	rc = identify(r, err);
	return rc < 0 ? rc : mr_result_check(r->a, err);
}

static void take_number(struct mr_report *r)
{
	const struct mreg_log_result *log = r->out->log;
	size_t i;

	for (i = 0; r->one && !r->out->number && i < log->count; i++)
		if (mreg_digest_equal(&log->rows[i].version, &r->version))
			r->out->number = log->rows[i].number;
}

static int read_all(struct mr_report *r, struct mreg_error *err)
{
	struct mreg_error why = MREG_ERROR_INIT;
	int rc = read_live(r, &why);

	if (rc < 0) {
		*err = why;
		if (!is_away(rc))
			return rc;
		rc = read_indexed(r, rc, err);
	}
	if (rc >= 0)
		rc = mr_report_moves(r, err);
	if (rc < 0)
		return rc;
	take_number(r);
	rc = mr_report_full(r, err);
	return rc < 0 ? rc : mr_report_cut(r, err);
}

/* Of a report that there is none of. */
static void tell_warnings(struct mr_report *r)
{
	size_t i;

	for (i = 0; i < r->warnings.n; i++)
		mr_log(&r->m->env, MREG_LOG_WARN, "%s", r->warnings.items[i]);
	mr_list_release(&r->warnings);
}

int mreg_report(struct mreg *m, const char *ref,
		const struct mreg_report_opts *given,
		struct mreg_report_result *out, struct mreg_error *err)
{
	struct mr_report r = { .m = m, .out = out };
	struct mreg_report_opts o;
	struct mr_arena *arena;
	int rc;

	memset(out, 0, sizeof(*out));
	mr_opts_take(&o, sizeof(o), given, given->size);
	rc = mr_result_arena(&arena, err);
	if (rc < 0)
		return rc;
	out->owner = r.a = arena;
	r.o = &o;
	/* Who reads a report does not see what was on somebody's terminal. */
	m->env.warnings = &r.warnings;
	rc = begin(&r, ref, err);
	if (rc >= 0)
		rc = read_all(&r, err);
	m->env.warnings = NULL;
	tell_warnings(&r);
	out->unread = r.unread;
	if (rc < 0)
		mreg_report_result_release(out);
	return rc;
}

static void release_full(struct mreg_report_version *v)
{
	size_t i;

	if (v->inspect)
		mreg_inspect_result_release(v->inspect);
	if (v->lineage)
		mreg_lineage_result_release(v->lineage);
	for (i = 0; i < v->verdict_count; i++)
		mreg_policy_check_result_release(&v->verdicts[i].check);
}

void mreg_report_result_release(struct mreg_report_result *r)
{
	size_t i;

	for (i = 0; i < r->full_count; i++)
		release_full(&r->full[i]);
	if (r->log)
		mreg_log_result_release(r->log);
	if (r->aliases)
		mreg_aliases_result_release(r->aliases);
	if (r->approvals)
		mreg_approvals_result_release(r->approvals);
	if (r->deployments)
		mreg_deployments_result_release(r->deployments);
	if (r->incidents)
		mreg_incidents_result_release(r->incidents);
	if (r->versions)
		mreg_versions_result_release(r->versions);
	if (r->policy)
		mreg_policy_show_result_release(r->policy);
	if (r->bytes)
		mreg_du_result_release(r->bytes);
	mr_release((void *)(uintptr_t)r->unread);
	mr_arena_free(r->owner);
	memset(r, 0, sizeof(*r));
}
