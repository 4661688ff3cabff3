/*
 * approve.c - may an alias be moved to a version?  Asked, granted, refused.
 */
#include "mreg/approve.h"

#include <stdio.h>
#include <string.h>

#include "base/env.h"
#include "base/error.h"
#include "base/mem.h"
#include "base/text.h"
#include "content/digest.h"
#include "history/history.h"
#include "life/names.h"

#define HOUR_S 3600
#define HOURS_MAX 99999 /* what a policy may say, too: eleven years */
#define SHOWN_BYTES 160
#define TIME_BYTES 32
#define FIELDS_MAX 4

struct approve {
	struct mreg *m;
	struct mr_store *s;
	struct mreg_ref ref;
	struct mr_history h;
	struct mr_standing now;
	struct mr_policies policies; /* loaded where they are needed */
	const struct mreg_approve_opts *o;
	const char *alias;
	enum mr_event_kind kind;
	struct mreg_desc version;
	const struct mr_approval *last; /* request for both; NULL: none */
	int64_t now_s, until_s;
	struct mreg_approve_result *out;
};

static void approve_release(struct approve *a)
{
	mr_policies_release(&a->policies);
	mr_standing_release(&a->now);
	mr_history_release(&a->h);
	mr_store_closep(&a->s);
}

static int fold(struct approve *a, struct mreg_error *err)
{
	int rc;

	mr_standing_release(&a->now);
	rc = mr_ledger_standing(a->h.ledger, MR_STANDING_NOW, &a->now, err);
	if (rc >= 0)
		a->last = mr_standing_approval(&a->now, a->alias,
					       &a->version.digest);
	return rc;
}

static const struct mr_version_standing *standing(const struct approve *a)
{
	return mr_standing_version(&a->now, &a->version.digest);
}

static const struct mr_event *registered(const struct approve *a)
{
	const struct mr_version_standing *v = standing(a);

	return v ? v->registered : NULL;
}

/* By the log as it was folded: what is known of the request borrows its
 * events. */
static int load_life(struct approve *a, const struct mr_life **out,
		     struct mreg_error *err)
{
	int rc = mr_policies_known(a->m, &a->ref, a->s, &a->h, NULL,
				   a->out->owner, &a->policies, err);

	if (rc >= 0)
		*out = mr_policy_life(a->policies.policy);
	return rc;
}

/* -- writing --------------------------------------------------------------- */

static void add(struct mr_event *e, struct mr_event_field *fields,
		const char *key, const char *text)
{
	if (text && text[0])
		fields[e->field_count++] =
			(struct mr_event_field){ .key = key, .text = text };
}

static int write_event(struct approve *a, struct mreg_error *err)
{
	struct mr_event_field fields[FIELDS_MAX + 1];
	struct mr_event e = { .kind = a->kind,
			      .version = a->version.digest,
			      .fields = fields };
	char request[MREG_DIGEST_TEXT];
	char until[TIME_BYTES];
	int rc;

	a->out->changed = true;
	if (a->o->dry_run)
		return 0;
	add(&e, fields, "alias", a->alias);
	add(&e, fields, "reason", a->o->reason);
	if (a->kind == MR_EVENT_APPROVAL_ASKED)
		add(&e, fields, "until", mr_text_time(a->until_s, until));
	else
		add(&e, fields, "request",
		    mreg_digest_text(&a->last->asked->digest, request));
	if (a->kind == MR_EVENT_APPROVAL_GRANTED)
		add(&e, fields, "role", a->o->role);
	rc = mr_log_append(a->m, a->s, &a->h, &a->ref, &e, &a->out->event, err);
	if (rc >= 0)
		rc = mr_history_read(a->m, a->s, &a->h, err);
	return rc < 0 ? rc : fold(a, err);
}

/* -- asking ---------------------------------------------------------------- */

static int take_until(struct approve *a, struct mreg_error *err)
{
	const struct mr_life *life;
	int64_t hours = a->o->hours;
	int rc = 0;

	if (hours > HOURS_MAX) {
		(void)mr_fail(err, MREG_EUSAGE, "%u hours are too many",
			      a->o->hours);
		return mr_hint(err, "at most %d, which are eleven years",
			       HOURS_MAX);
	}
	if (!hours) {
		rc = load_life(a, &life, err);
		hours = rc < 0 ? 0 : life->approval_hours;
	}
	a->until_s = a->now_s + hours * HOUR_S;
	return rc;
}

static bool is_there(const struct approve *a)
{
	const struct mr_alias_standing *alias =
		mr_standing_alias(&a->now, a->alias);

	return alias && alias->move &&
	       mreg_digest_equal(&alias->move->version, &a->version.digest);
}

/* Whether the last request still stands: one that the alias was moved by, and
 * away again, is done, and to one of nobody knows whom no answer counts. */
static bool stands(const struct approve *a)
{
	return a->last && a->last->asked->actor[0] && !a->last->refused &&
	       a->now_s <= mr_approval_until(a->last) &&
	       !(a->last->moved && !is_there(a));
}

static int ask(struct approve *a, struct mreg_error *err)
{
	const struct mr_version_standing *v = standing(a);
	int rc;

	if (v && (v->archived || v->removed)) {
		(void)mr_fail(err, MREG_ECONFLICT,
			      "'%s' is %s: no alias should be moved to it",
			      a->s->label,
			      v->archived ? "archived" : "removed");
		return mr_hint(err, "'mreg restore' takes that back");
	}
	if (stands(a))
		return 0;
	rc = take_until(a, err);
	if (rc >= 0 && is_there(a))
		mr_log(&a->m->env, MREG_LOG_WARN,
		       "'%s' is there already: until this is granted, whoever "
		       "demands its policy is refused",
		       a->alias);
	return rc < 0 ? rc : write_event(a, err);
}

/* -- answering ------------------------------------------------------------- */

static int fail_unasked(const struct approve *a, struct mreg_error *err)
{
	(void)mr_fail(err, MREG_ENOTFOUND,
		      "nobody asked whether '%s' may be moved to '%s%s%s'",
		      a->alias, a->ref.repository, a->ref.tag[0] ? ":" : "",
		      a->ref.tag);
	return mr_hint(err, "'mreg request' asks; 'mreg approvals' shows what "
			    "was asked");
}

static int fail_over(const struct approve *a, struct mreg_error *err)
{
	char until[TIME_BYTES];

	(void)mr_fail(err, MREG_ECONFLICT, "time for an answer was up at %s",
		      mr_text_time(mr_approval_until(a->last), until));
	return mr_hint(err, "ask again: mreg request");
}

static int fail_refused(const struct approve *a, struct mreg_error *err)
{
	const char *reason = mr_event_text(a->last->refused, "reason");
	char shown[SHOWN_BYTES];

	(void)mr_fail(err, MREG_ECONFLICT, "'%s' refused it%s%s",
		      a->last->refused->actor, reason ? ": " : "",
		      reason ? mr_text_safe(reason, shown, sizeof(shown)) : "");
	return mr_hint(err, "ask again: mreg request");
}

/* What is written now answers a question that was asked anew meanwhile. */
static int check_last(const struct approve *a,
		      const struct mreg_digest *request, struct mreg_error *err)
{
	if (mreg_digest_equal(&a->last->asked->digest, request))
		return 0;
	(void)mr_fail(err, MREG_ECONFLICT,
		      "somebody asked again meanwhile: the answer went to the "
		      "request before");
	return mr_hint(err, "look with 'mreg approvals', then run it again");
}

/* A grant that no policy counts is a record of what somebody said. */
static void warn(struct approve *a, enum mr_grant grant, const char *actor)
{
	struct mr_env *env = &a->m->env;

	switch (grant) {
	case MR_GRANT_NAMELESS:
		a->out->uncounted = "nameless";
		mr_log(env, MREG_LOG_WARN,
		       "nobody is named as approving, so no policy counts it: "
		       "--as NAME");
		break;
	case MR_GRANT_REQUESTER:
		a->out->uncounted = "requester";
		mr_log(env, MREG_LOG_WARN,
		       "'%s' asked for it: no policy counts their approval",
		       actor);
		break;
	case MR_GRANT_PUSHER:
		a->out->uncounted = "pusher";
		mr_log(env, MREG_LOG_WARN,
		       "'%s' pushed the version: no policy counts their "
		       "approval",
		       actor);
		break;
	case MR_GRANT_UNKNOWN:
		a->out->uncounted = "unknown";
		mr_log(env, MREG_LOG_WARN,
		       "nobody knows who %s, and they may not approve it: no "
		       "policy counts your approval",
		       a->last->asked->actor[0] ? "pushed the version"
						: "asked for it");
		break;
	case MR_GRANT_COUNTS:
	case MR_GRANT_LATE:
	case MR_GRANT_AGAIN:
		break;
	}
}

static int check_role(struct approve *a, const char *actor,
		      struct mreg_error *err)
{
	const char *role = a->o->role;
	const struct mr_party *party;
	const struct mr_life *life;
	int rc;

	if (!role || !role[0])
		return 0;
	rc = load_life(a, &life, err);
	if (rc < 0)
		return rc;
	party = mr_life_party(life, role);
	if (party && mr_party_has(party, actor))
		return 0;
	if (!a->out->uncounted)
		a->out->uncounted = "role";
	mr_log(&a->m->env, MREG_LOG_WARN,
	       party ? "'%s' is not in role '%s' of the policy: it will not "
		       "count as one of it"
		     : "'%s' has no role '%s', for the policy has none: it "
		       "will not count as one of it",
	       actor, role);
	return 0;
}

static int grant(struct approve *a, struct mreg_error *err)
{
	char actor[sizeof(a->m->actor.name)];
	enum mr_grant counts;
	int rc;

	/* Who acts is found anew by whoever asks. */
	(void)snprintf(actor, sizeof(actor), "%s",
		       mr_actor(a->m, &a->ref)->name);
	counts = mr_approval_actor(a->last, registered(a), actor);
	if (counts == MR_GRANT_AGAIN)
		return 0;
	if (a->now_s > mr_approval_until(a->last))
		return fail_over(a, err);
	warn(a, counts, actor);
	rc = check_role(a, actor, err);
	return rc < 0 ? rc : write_event(a, err);
}

static int refuse(struct approve *a, struct mreg_error *err)
{
	if (is_there(a))
		mr_log(&a->m->env, MREG_LOG_WARN,
		       "'%s' is there already: from now on whoever demands its "
		       "policy is refused; 'mreg rollback' moves it back",
		       a->alias);
	return write_event(a, err);
}

static int answer(struct approve *a, struct mreg_error *err)
{
	struct mreg_digest request;
	int rc;

	if (!a->last)
		return fail_unasked(a, err);
	if (a->last->refused)
		return fail_refused(a, err);
	request = a->last->asked->digest;
	if (a->kind == MR_EVENT_APPROVAL_GRANTED)
		rc = grant(a, err);
	else if (a->now_s > mr_approval_until(a->last))
		rc = fail_over(a, err);
	else
		rc = refuse(a, err);
	return rc < 0 ? rc : check_last(a, &request, err);
}

/* -- all of it ------------------------------------------------------------- */

static int run_locked(struct approve *a, struct mreg_error *err)
{
	int rc = mr_history_read(a->m, a->s, &a->h, err);

	if (rc >= 0)
		rc = fold(a, err);
	if (rc < 0)
		return rc;
	a->now_s = mr_now_s(&a->m->env);
	return a->kind == MR_EVENT_APPROVAL_ASKED ? ask(a, err)
						  : answer(a, err);
}

/* The state of a rehearsed answer is that without it. */
static void take_request(struct approve *a)
{
	struct mreg_approve_result *out = a->out;
	const struct mr_actor *actor = mr_actor(a->m, &a->ref);
	bool asked = a->last && !(a->o->dry_run && out->changed &&
				  a->kind == MR_EVENT_APPROVAL_ASKED);

	out->actor = mr_arena_strdup(out->owner, actor->name);
	out->actor_source = actor->source;
	out->state = "open";
	out->by = out->actor;
	out->asked_s = a->now_s;
	out->until_s = a->until_s;
	if (!asked)
		return;
	out->request = a->last->asked->digest;
	out->state = mr_approval_state(a->last, registered(a), a->now_s);
	out->by = mr_arena_strdup(out->owner, a->last->asked->actor);
	out->asked_s = a->last->asked->time_s;
	out->until_s = mr_approval_until(a->last);
	out->grants = mr_approval_count(a->last, registered(a));
}

static int take_result(struct approve *a, struct mreg_error *err)
{
	const struct mr_event *claim = registered(a);
	struct mreg_approve_result *out = a->out;
	char name[MREG_REF_TEXT];

	out->name = mr_arena_strdup(out->owner,
				    mr_target_name(a->m, &a->ref, name));
	out->alias = mr_arena_strdup(out->owner, a->alias);
	out->digest = a->version.digest;
	out->number = claim ? claim->number : mr_tag_number(a->ref.tag);
	out->dry_run = a->o->dry_run;
	take_request(a);
	return mr_result_check(out->owner, err);
}

static int open_version(struct approve *a, const char *text,
			struct mreg_error *err)
{
	int rc = mr_name_check(a->alias, err);

	if (rc >= 0)
		rc = mr_target(a->m, text, &a->ref, &a->s, err);
	if (rc >= 0 && !a->ref.tag[0] && !mr_digest_known(&a->ref.digest)) {
		(void)mr_fail(err, MREG_EUSAGE, "'%.200s' names no version",
			      text);
		return mr_hint(err, "write NAME:v3");
	}
	return rc < 0 ? rc
		      : mr_subject_resolve(a->m, a->s, &a->ref, &a->version,
					   err);
}

static int run(struct mreg *m, const char *text, const char *alias,
	       enum mr_event_kind kind, const struct mreg_approve_opts *given,
	       struct mreg_approve_result *out, struct mreg_error *err)
{
	MR_AUTO(approve_release)
	struct approve a = { .m = m, .alias = alias, .kind = kind, .out = out };
	struct mreg_approve_opts o;
	struct mr_arena *arena;
	int rc;

	memset(out, 0, sizeof(*out));
	mr_opts_take(&o, sizeof(o), given, given->size);
	a.o = &o;
	rc = mr_result_arena(&arena, err);
	if (rc < 0)
		return rc;
	out->owner = arena;
	rc = open_version(&a, text, err);
	if (rc >= 0 && !o.dry_run)
		rc = mr_store_lock(a.s, err);
	if (rc >= 0) {
		rc = run_locked(&a, err);
		if (!o.dry_run)
			mr_store_unlock(a.s);
	}
	if (rc >= 0)
		rc = take_result(&a, err);
	if (rc < 0)
		mreg_approve_result_release(out);
	return rc;
}

int mreg_request(struct mreg *m, const char *ref, const char *alias,
		 const struct mreg_approve_opts *o,
		 struct mreg_approve_result *out, struct mreg_error *err)
{
	return run(m, ref, alias, MR_EVENT_APPROVAL_ASKED, o, out, err);
}

int mreg_approve(struct mreg *m, const char *ref, const char *alias,
		 const struct mreg_approve_opts *o,
		 struct mreg_approve_result *out, struct mreg_error *err)
{
	return run(m, ref, alias, MR_EVENT_APPROVAL_GRANTED, o, out, err);
}

int mreg_reject(struct mreg *m, const char *ref, const char *alias,
		const struct mreg_approve_opts *o,
		struct mreg_approve_result *out, struct mreg_error *err)
{
	return run(m, ref, alias, MR_EVENT_APPROVAL_REFUSED, o, out, err);
}

void mreg_approve_result_release(struct mreg_approve_result *r)
{
	mr_arena_free(r->owner);
	memset(r, 0, sizeof(*r));
}
