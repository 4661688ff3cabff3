/*
 * promote.c - an alias moved through its gates.
 *
 *   look -> [there already: done] -> policies -> facts -> verdict
 *     refused: every rule that fails is told, nothing is moved
 *     passed -> [the log grew meanwhile: judged again] -> move (history/move.c)
 *       [the log grew before its event: judged again; where it is linear
 *       nothing comes between]
 * Invariants
 * 1. The event names the policy of the log that it was judged by.
 * 2. An alias with gates is moved only from what it was judged against, as far
 *    as could be seen: a rule may compare with that.  On a bare registry two
 *    may do so at the same moment; who wins is told of the other.  An approval
 *    that is refused between the last look and the event is met by consumers,
 *    who ask again (rule/policy_demand.c).
 */
#include "mreg/promote.h"

#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/text.h"
#include "content/digest.h"
#include "history/history.h"
#include "life/names.h"
#include "look/look.h"
#include "rule/rule.h"

#define SHOWN_BYTES 120
/* Each reads what the rules need, from files too. */
#define VERDICTS_MAX 8

struct promote {
	struct mreg *m;
	const struct mreg_promote_opts *o;
	const char *alias;
	struct mr_look l;
	struct mr_history h;
	struct mr_alias_state state;
	struct mr_case c;
	struct mreg_promote_result *out;
};

static void promote_release(struct promote *p)
{
	mr_case_release(&p->c);
	mr_history_release(&p->h);
	mr_look_release(&p->l);
}

static const struct mreg_desc *version(const struct promote *p)
{
	return &p->l.manifest->desc;
}

/* -- the version ----------------------------------------------------------- */

static int fail_removed(const struct promote *p, struct mreg_error *err)
{
	char name[MREG_REF_TEXT];

	(void)mr_fail(
		err, MREG_ECONFLICT, "'%s' was removed",
		mr_target_pinned(p->m, &p->l.ref, &version(p)->digest, name));
	return mr_hint(err, "push it again");
}

static int warn_deprecated(struct promote *p, const struct mr_standing *now,
			   struct mreg_error *err)
{
	const struct mreg_deprecation *d = mr_look_deprecated(
		now, &version(p)->digest, p->out->move.owner);

	if (d)
		mr_log(&p->m->env, MREG_LOG_WARN, "this version %s", d->says);
	return mr_result_check(p->out->move.owner, err);
}

/* What the log has of it; its number too.  That it is archived is looked at
 * again when it is moved. */
static int check_version(struct promote *p, const struct mr_move *asked,
			 struct mreg_error *err)
{
	MR_AUTO(mr_standing_release) struct mr_standing now = { .arena = NULL };
	const struct mr_version_standing *v;
	int rc = mr_alias_in_sight(p->l.s, &p->h, asked, err);

	if (rc >= 0)
		rc = mr_ledger_standing(p->h.ledger, MR_STANDING_NOW, &now,
					err);
	if (rc < 0)
		return rc;
	v = mr_standing_version(&now, &version(p)->digest);
	if (v && v->registered)
		p->out->move.number = v->registered->number;
	else
		p->out->move.number = mr_tag_number(p->l.ref.tag);
	if (v && v->removed)
		return fail_removed(p, err);
	return warn_deprecated(p, &now, err);
}

/* -- the verdict ----------------------------------------------------------- */

static int judge(struct promote *p, struct mreg_error *err)
{
	return mr_gate_judge(p->m, &p->l, &p->h, p->alias, &p->o->policies,
			     p->out->move.owner, &p->c, &p->out->gated, err);
}

static int fail_restless(const struct promote *p, struct mreg_error *err)
{
	(void)mr_fail(err, MREG_ECONFLICT,
		      "the log of '%s' keeps growing, so no verdict on it "
		      "lasts",
		      p->l.s->label);
	return mr_hint(err, "run it again");
}

/* Until nothing was written while it was judged. */
static int judge_steady(struct promote *p, struct mreg_error *err)
{
	unsigned int round;

	for (round = 0; round < VERDICTS_MAX; round++) {
		size_t seen = mr_ledger_count(p->h.ledger);
		int rc = judge(p, err);

		if (rc >= 0)
			rc = mr_history_read(p->m, p->l.s, &p->h, err);
		if (rc < 0 || mr_ledger_count(p->h.ledger) == seen)
			return rc;
		rc = mr_alias_look(p->l.s, &p->h, p->alias, &p->state, err);
		if (rc < 0)
			return rc;
	}
	return fail_restless(p, err);
}

static int take_verdict(struct promote *p, struct mreg_error *err)
{
	struct mreg_promote_result *out = p->out;
	const struct mr_verdict *v = &p->c.verdict;
	struct mr_arena *a = out->move.owner;

	out->sources = p->c.policies.sources;
	out->source_count = p->c.policies.source_count;
	out->checked = v->checked;
	out->uncompared =
		mr_policy_findings(a, &p->c.policies, v->idle, v->idle_count);
	out->uncompared_count = v->idle_count;
	if (out->source_count && !out->sources[0].file)
		out->policy = out->sources[0].digest;
	return mr_result_check(a, err);
}

static int refuse(struct promote *p, struct mreg_error *err)
{
	int rc = mr_policy_refuse(p->m, "nothing was promoted", &p->c.policies,
				  &p->c.verdict, err);

	return rc != MREG_EPOLICY
		       ? rc
		       : mr_hint(err, "mend what is said of each rule, then "
				      "run it again; --dry-run tries it");
}

/* -- all of it ------------------------------------------------------------- */

/* Whether `e` moved the alias without knowing of `mine`, nor `mine` of it. */
static bool is_beside(const struct promote *p, const struct mr_event *e,
		      const struct mr_event *mine)
{
	return e->kind == MR_EVENT_ALIAS_MOVED &&
	       strcmp(mr_event_text(e, "alias"), p->alias) == 0 &&
	       !mr_ledger_follows(p->h.ledger, e, mine) &&
	       !mr_ledger_follows(p->h.ledger, mine, e);
}

static void warn_beside(struct promote *p)
{
	const struct mr_event *mine = NULL;
	size_t i = mr_ledger_count(p->h.ledger);
	char who[SHOWN_BYTES];

	while (i-- > 0 && !mine) {
		const struct mr_event *e = mr_ledger_event(p->h.ledger, i);

		if (mreg_digest_equal(&e->digest, &p->out->move.event))
			mine = e;
	}
	for (i = 0; mine && i < mr_ledger_count(p->h.ledger); i++) {
		const struct mr_event *e = mr_ledger_event(p->h.ledger, i);

		if (is_beside(p, e, mine))
			mr_log(&p->m->env, MREG_LOG_WARN,
			       "'%s' was moved by '%s' at the same moment: it "
			       "was not judged against that",
			       p->alias,
			       mr_text_safe(e->actor, who, sizeof(who)));
	}
}

/* `judged`: as of struct mr_move. */
static int move(struct promote *p, size_t judged, struct mreg_error *err)
{
	struct mr_move mv = { .alias = p->alias,
			      .to = *version(p),
			      .bytes = p->l.manifest->raw,
			      .judged = judged,
			      .by = "promote",
			      .reason = p->o->reason,
			      .policy = p->out->policy,
			      .expect = p->o->expect };
	const struct mreg_digest *now = mr_alias_now(&p->state);
	char was[MREG_DIGEST_TEXT] = "none";
	int rc;

	if (mr_digest_known(now))
		(void)mreg_digest_text(now, was);
	if (p->out->gated && !mv.expect)
		mv.expect = was;
	rc = mr_name_move(p->m, p->l.s, &p->h, &p->l.ref, &mv, p->o->dry_run,
			  &p->out->move, err);
	if (rc >= 0 && p->out->gated && mr_digest_known(&p->out->move.event))
		warn_beside(p);
	return rc;
}

/* The log has it there: all that may be missing is the tag, whose writer
 * died. */
static bool is_there(const struct promote *p)
{
	return mreg_digest_equal(&p->state.fold, &version(p)->digest) &&
	       (p->state.agree == MR_ALIAS_AGREES ||
		p->state.agree == MR_ALIAS_UNFINISHED);
}

/* Whether nothing was written but by others, of something else: where the log
 * is linear whoever judged is not passed by, and judges again. */
static int is_stale(struct promote *p, size_t judged, bool *stale,
		    struct mreg_error *err)
{
	struct mreg_digest tag = p->state.tag.digest;
	struct mreg_digest fold = p->state.fold;
	int rc;

	*stale = false;
	if (!judged || mr_digest_known(&p->out->move.event) ||
	    mr_ledger_count(p->h.ledger) == judged)
		return 0;
	rc = mr_alias_look(p->l.s, &p->h, p->alias, &p->state, err);
	*stale = rc >= 0 && mreg_digest_equal(&p->state.tag.digest, &tag) &&
		 mreg_digest_equal(&p->state.fold, &fold);
	return rc;
}

static int judge_and_move(struct promote *p, struct mreg_error *err)
{
	unsigned int round;

	for (round = 0; round < VERDICTS_MAX; round++) {
		struct mreg_error why = MREG_ERROR_INIT;
		size_t judged;
		bool stale;
		int moved;
		int rc = judge_steady(p, err);

		if (rc >= 0)
			rc = take_verdict(p, err);
		if (rc < 0)
			return rc;
		if (p->c.verdict.count)
			return refuse(p, err);
		judged =
			p->c.policies.policy ? mr_ledger_count(p->h.ledger) : 0;
		moved = move(p, judged, &why);
		if (moved >= 0)
			return 0;
		rc = is_stale(p, judged, &stale, err);
		if (rc < 0)
			return rc;
		if (moved != MREG_ECONFLICT || !stale) {
			if (err)
				*err = why;
			return moved;
		}
	}
	return fail_restless(p, err);
}

static int run_locked(struct promote *p, struct mreg_error *err)
{
	struct mr_move asked = { .alias = p->alias,
				 .to = *version(p),
				 .expect = p->o->expect };
	int rc = mr_history_read(p->m, p->l.s, &p->h, err);

	if (rc >= 0)
		rc = mr_alias_look(p->l.s, &p->h, p->alias, &p->state, err);
	if (rc >= 0)
		rc = mr_alias_expect(&asked, &p->state, err);
	if (rc >= 0)
		rc = check_version(p, &asked, err);
	if (rc < 0)
		return rc;
	if (is_there(p))
		return move(p, 0, err);
	p->out->judged = true;
	return judge_and_move(p, err);
}

static int run(struct promote *p, const char *text, struct mreg_error *err)
{
	int rc = mr_name_check(p->alias, err);

	if (rc >= 0)
		rc = mr_look_open(p->m, text, &p->l, err);
	if (rc >= 0)
		rc = mr_subject_check(&p->l.ref, p->l.manifest, err);
	if (rc >= 0 && !p->o->dry_run)
		rc = mr_store_lock(p->l.s, err);
	if (rc < 0)
		return rc;
	rc = run_locked(p, err);
	if (!p->o->dry_run)
		mr_store_unlock(p->l.s);
	return rc < 0 ? rc
		      : mr_name_end(p->m, p->l.s, &p->l.ref, p->alias,
				    p->o->dry_run, &p->out->move, err);
}

int mreg_promote(struct mreg *m, const char *ref, const char *alias,
		 const struct mreg_promote_opts *given,
		 struct mreg_promote_result *out, struct mreg_error *err)
{
	MR_AUTO(promote_release)
	struct promote p = { .m = m, .alias = alias, .out = out };
	struct mreg_promote_opts o;
	int rc;

	memset(out, 0, sizeof(*out));
	mr_opts_take(&o, sizeof(o), given, given->size);
	p.o = &o;
	rc = mr_name_begin(&out->move, err);
	if (rc >= 0)
		rc = run(&p, ref, err);
	if (rc < 0)
		mreg_promote_result_release(out);
	return rc;
}

void mreg_promote_result_release(struct mreg_promote_result *r)
{
	mreg_alias_result_release(&r->move);
	memset(r, 0, sizeof(*r));
}
