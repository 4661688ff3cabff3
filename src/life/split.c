/*
 * split.c - an alias's traffic shared among versions.
 *
 *   look -> [so already: done] -> each version in sight? -> verdicts
 *     -> [the log grew meanwhile: all of it again] -> event (history/split.c)
 *       [another one was first: all of it again]
 * Invariant: what an event names was judged by the log that its writer had
 * read, as far as could be seen.
 */
#include "life/split.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/text.h"
#include "content/digest.h"

#define SHOWN_BYTES 120
/* Each judges every version. */
#define ROUNDS_MAX 8

struct splitting {
	struct split p;
	const struct mreg_split_opts *o;
	struct mr_split_part parts[MR_SPLIT_PARTS_MAX];
	struct mreg_ref refs[MR_SPLIT_PARTS_MAX]; /* as they were written */
	size_t count;
	struct mr_case c; /* of the version judged last */
};

static void splitting_release(struct splitting *w)
{
	mr_case_release(&w->c);
	mr_split_release(&w->p);
}

/* -- what is asked for ----------------------------------------------------- */

static int fail_part(const char *text, struct mreg_error *err)
{
	char shown[SHOWN_BYTES];

	(void)mr_fail(err, MREG_EUSAGE, "'%s' is no share of a split",
		      mr_text_safe(text, shown, sizeof(shown)));
	return mr_hint(err, "write VERSION=PERCENT, such as v7=90: whole "
			    "numbers from 1 to 99");
}

/* "90" or "90%". */
static bool read_percent(const char *text, unsigned int *out)
{
	size_t n = strspn(text, "0123456789");

	*out = n && n <= 2 ? (unsigned int)strtoul(text, NULL, 10) : 0;
	return *out && (!text[n] || strcmp(text + n, "%") == 0);
}

static int read_version(struct splitting *w, const char *text, size_t n,
			struct mreg_ref *out, struct mreg_error *err)
{
	char word[MREG_DIGEST_TEXT];
	enum mr_tag_kind kind;
	char shown[SHOWN_BYTES];

	*out = w->p.ref;
	out->tag[0] = '\0';
	if (n >= sizeof(word))
		return fail_part(text, err);
	memcpy(word, text, n);
	word[n] = '\0';
	if (mreg_digest_parse(word, &out->digest, NULL) >= 0)
		return 0;
	kind = mr_tag_kind(word);
	if (kind == MR_TAG_VERSION || kind == MR_TAG_RELEASE) {
		(void)snprintf(out->tag, sizeof(out->tag), "%s", word);
		return 0;
	}
	(void)mr_fail(err, MREG_EUSAGE, "'%s' names no version",
		      mr_text_safe(word, shown, sizeof(shown)));
	return mr_hint(err, "write v<N>, a release name or a digest: what does "
			    "not move");
}

static int read_weights(struct splitting *w, struct mreg_error *err)
{
	const struct mreg_texts *texts = &w->o->weights;
	unsigned int sum = 0;
	size_t i;

	if (texts->n &&
	    (texts->n < MR_SPLIT_PARTS_MIN || texts->n > MR_SPLIT_PARTS_MAX)) {
		(void)mr_fail(err, MREG_EUSAGE,
			      "a split is of %d to %d versions, not of %zu",
			      MR_SPLIT_PARTS_MIN, MR_SPLIT_PARTS_MAX, texts->n);
		return mr_hint(err, "all of an alias goes to one version by "
				    "'mreg promote'");
	}
	for (i = 0; i < texts->n; i++) {
		const char *text = texts->items[i];
		const char *equals = strrchr(text, '=');
		int rc;

		if (!equals || !read_percent(equals + 1, &w->parts[i].percent))
			return fail_part(text, err);
		rc = read_version(w, text, (size_t)(equals - text), &w->refs[i],
				  err);
		if (rc < 0)
			return rc;
		sum += w->parts[i].percent;
	}
	w->count = texts->n;
	if (!w->count || sum == 100)
		return 0;
	(void)mr_fail(err, MREG_EUSAGE, "the weights come to %u, not to 100",
		      sum);
	return mr_hint(err, "they are per cent of all requests");
}

static int find_versions(struct splitting *w, struct mreg_error *err)
{
	size_t i, k;

	for (i = 0; i < w->count; i++) {
		struct mreg_desc d;
		int rc = mr_subject_resolve(w->p.m, w->p.s, &w->refs[i], &d,
					    err);

		if (rc < 0)
			return rc;
		w->parts[i].version = d.digest;
		for (k = 0; k < i; k++)
			if (mreg_digest_equal(&w->parts[k].version, &d.digest))
				return mr_fail(err, MREG_EUSAGE,
					       "'%.80s' and '%.80s' are one "
					       "version",
					       w->o->weights.items[k],
					       w->o->weights.items[i]);
	}
	return 0;
}

/* -- what the log says of that --------------------------------------------- */

static int fail_unrecorded(const struct split *p, struct mreg_error *err)
{
	(void)mr_fail(err, MREG_ECONFLICT,
		      "alias '%s' was moved without mreg, so its log does not "
		      "say what it has",
		      p->ref.tag);
	return mr_hint(err, "'mreg log NAME --adopt' takes that into the "
			    "history, 'mreg alias repair' undoes it");
}

/* A move whose writer died is completed, so that the split is of what is
 * served. */
static int check_alias(struct splitting *w, struct mreg_error *err)
{
	struct split *p = &w->p;
	struct mr_move asked = { .alias = p->ref.tag,
				 .expect = w->o->expect,
				 .to.digest = p->state.fold };
	bool changed;
	int rc;

	if (!mr_digest_known(&p->state.tag.digest) &&
	    !mr_digest_known(&p->state.fold))
		return mr_target_missing(p->s, &p->ref, err);
	if (p->state.agree != MR_ALIAS_AGREES &&
	    p->state.agree != MR_ALIAS_UNFINISHED)
		return fail_unrecorded(p, err);
	rc = mr_alias_expect(&asked, &p->state, err);
	if (rc < 0 || p->state.agree == MR_ALIAS_AGREES || w->o->dry_run)
		return rc;
	rc = mr_alias_repair(p->m, p->s, &p->h, p->ref.tag, &changed, err);
	return rc < 0 ? rc : mr_split_look(p, err);
}

static const char *name_part(const struct splitting *w, size_t i, char *out,
			     size_t n)
{
	const char *text = w->o->weights.items[i];
	const char *equals = strrchr(text, '=');
	char word[SHOWN_BYTES];

	(void)snprintf(word, sizeof(word), "%.*s",
		       (int)(equals ? equals - text : 0), text);
	return mr_text_safe(word, out, n);
}

static int fail_gone(const struct splitting *w, size_t i,
		     const struct mr_version_standing *v,
		     struct mreg_error *err)
{
	char shown[SHOWN_BYTES];

	(void)mr_fail(err, MREG_ECONFLICT, "'%s' %s",
		      name_part(w, i, shown, sizeof(shown)),
		      v->removed ? "was removed" : "is archived");
	return mr_hint(err, v->removed ? "push it again"
				       : "bring it back first: 'mreg restore'");
}

/* A digest may be of anything that the repository has. */
static int fail_unregistered(const struct splitting *w, size_t i,
			     struct mreg_error *err)
{
	char shown[SHOWN_BYTES];
	char name[MREG_REF_TEXT];
	struct mreg_ref bare = w->p.ref;

	bare.tag[0] = '\0';
	memset(&bare.digest, 0, sizeof(bare.digest));
	(void)mr_fail(err, MREG_ECONFLICT,
		      "'%s' is no version that the log knows",
		      name_part(w, i, shown, sizeof(shown)));
	return mr_hint(err, "'mreg ls %.100s' lists them",
		       mr_target_name(w->p.m, &bare, name));
}

static int check_versions(struct splitting *w, struct mreg_error *err)
{
	struct split *p = &w->p;
	bool stable = false;
	char text[MREG_DIGEST_TEXT];
	size_t i;

	for (i = 0; i < w->count; i++) {
		const struct mr_version_standing *v =
			mr_standing_version(&p->now, &w->parts[i].version);

		if (v && (v->removed || v->archived))
			return fail_gone(w, i, v, err);
		if (mreg_digest_equal(&w->parts[i].version, &p->state.fold))
			stable = true;
		else if (!v || !v->registered)
			return fail_unregistered(w, i, err);
	}
	if (stable || !w->count)
		return 0;
	(void)mr_fail(err, MREG_ECONFLICT,
		      "alias '%s' has %.19s, which gets no share", p->ref.tag,
		      mreg_digest_text(&p->state.fold, text));
	return mr_hint(err, "give it one ('mreg alias ls' names it), or move "
			    "the alias first");
}

/* Whether it is so already. */
static bool is_so(const struct splitting *w)
{
	const struct mr_event *split = w->p.state.split;
	struct mr_split_part now[MR_SPLIT_PARTS_MAX];
	size_t n = split ? mr_split_parts(split, now) : 0;
	size_t same = 0;
	size_t i, k;

	for (i = 0; n == w->count && i < n; i++)
		for (k = 0; k < n; k++)
			same += now[i].percent == w->parts[k].percent &&
				mreg_digest_equal(&now[i].version,
						  &w->parts[k].version);
	return n == w->count && same == n;
}

/* -- the verdicts ---------------------------------------------------------- */

static int refuse(struct splitting *w, size_t i, struct mreg_error *err)
{
	char shown[SHOWN_BYTES];
	char what[SHOWN_BYTES + 40];
	int rc;

	(void)snprintf(what, sizeof(what), "no share for '%s'",
		       name_part(w, i, shown, sizeof(shown)));
	rc = mr_policy_refuse(w->p.m, what, &w->c.policies, &w->c.verdict, err);
	return rc != MREG_EPOLICY
		       ? rc
		       : mr_hint(err, "mend what is said of each rule, then "
				      "run it again; --dry-run tries it");
}

static int judge_one(struct splitting *w, size_t i, struct mreg_error *err)
{
	MR_AUTO(mr_look_release) struct mr_look l = { .s = NULL };
	struct mreg_split_result *out = w->p.out;
	char name[MREG_REF_TEXT];
	int rc = mr_look_open(
		w->p.m,
		mr_target_pinned(w->p.m, &w->p.ref, &w->parts[i].version, name),
		&l, err);

	if (rc >= 0)
		rc = mr_gate_judge(w->p.m, &l, &w->p.h, w->p.ref.tag,
				   &w->o->policies, out->owner, &w->c,
				   &out->gated, err);
	if (rc < 0)
		return rc;
	out->judged = w->c.policies.source_count > 0;
	return w->c.verdict.count ? refuse(w, i, err) : 0;
}

/* What the alias has already is not judged again. */
static int judge(struct splitting *w, struct mreg_error *err)
{
	size_t i;
	int rc = 0;

	for (i = 0; rc >= 0 && i < w->count; i++)
		if (!mreg_digest_equal(&w->parts[i].version, &w->p.state.fold))
			rc = judge_one(w, i, err);
	return rc;
}

/* -- all of it ------------------------------------------------------------- */

/* What the alias has already was told of when it was promoted. */
static void warn_deprecated(const struct splitting *w, size_t i)
{
	const struct mreg_deprecation *d;
	char shown[SHOWN_BYTES];

	if (mreg_digest_equal(&w->parts[i].version, &w->p.state.fold))
		return;
	d = mr_look_deprecated(&w->p.now, &w->parts[i].version,
			       w->p.out->owner);
	if (d)
		mr_log(&w->p.m->env, MREG_LOG_WARN, "'%s' %s",
		       name_part(w, i, shown, sizeof(shown)), d->says);
}

/* Nothing keeps a version in sight between a look and an event. */
static void warn_versions(const struct splitting *w)
{
	size_t i;

	for (i = 0; i < w->count; i++) {
		if (mr_standing_archived(&w->p.now, &w->parts[i].version))
			mr_log(&w->p.m->env, MREG_LOG_WARN,
			       "meanwhile a version of the split was archived");
		warn_deprecated(w, i);
	}
}

static int write_split(struct splitting *w, bool *stale, struct mreg_error *err)
{
	struct split *p = &w->p;
	struct mr_splitting said = { .alias = p->ref.tag,
				     .parts = w->parts,
				     .count = w->count,
				     .reason = w->o->reason,
				     .alone = w->o->expect != NULL };
	const struct mreg_policy_source *by = w->c.policies.sources;

	if (w->count && w->c.policies.source_count && !by[0].file)
		said.policy = by[0].digest;
	return mr_alias_split(p->m, p->s, &p->h, &p->ref, &said, &p->state,
			      &p->out->event, stale, err);
}

/* Once; `*stale`: the log is another one now. */
static int try_split(struct splitting *w, bool *stale, struct mreg_error *err)
{
	struct split *p = &w->p;
	size_t seen;
	int rc = mr_split_look(p, err);

	*stale = false;
	p->out->changed = p->out->ended = false;
	if (rc >= 0)
		rc = check_alias(w, err);
	if (rc >= 0)
		rc = check_versions(w, err);
	if (rc < 0 || is_so(w))
		return rc;
	seen = mr_ledger_count(p->h.ledger);
	rc = judge(w, err);
	if (rc >= 0)
		rc = mr_history_read(p->m, p->s, &p->h, err);
	if (rc < 0)
		return rc;
	*stale = mr_ledger_count(p->h.ledger) != seen;
	if (*stale)
		return 0;
	p->out->ended = !w->count;
	p->out->changed = true;
	return w->o->dry_run ? 0 : write_split(w, stale, err);
}

static int fail_restless(const struct split *p, struct mreg_error *err)
{
	(void)mr_fail(err, MREG_ECONFLICT,
		      "the log of '%s' keeps growing, so no split of '%s' is "
		      "decided",
		      p->s->label, p->ref.tag);
	return mr_hint(err, "run it again");
}

static int run_locked(struct splitting *w, struct mreg_error *err)
{
	struct split *p = &w->p;
	unsigned int round;
	bool stale = true;
	int rc = mr_history_read(p->m, p->s, &p->h, err);

	if (rc >= 0 && !p->h.found)
		return mr_target_missing(p->s, &p->ref, err);
	for (round = 0; rc >= 0 && stale; round++) {
		if (round == ROUNDS_MAX)
			return fail_restless(p, err);
		if (round)
			rc = mr_log_pause(p->m, p->s, round, err);
		if (rc >= 0 && round)
			rc = mr_history_read(p->m, p->s, &p->h, err);
		if (rc >= 0)
			rc = try_split(w, &stale, err);
	}
	if (rc >= 0)
		rc = mr_split_look(p, err);
	if (rc < 0)
		return rc;
	warn_versions(w);
	rc = mr_split_result(p, err);
	/* What would be. */
	if (rc >= 0 && w->o->dry_run && p->out->changed) {
		p->out->parts = mr_split_rows(p->out->owner, &p->now, w->parts,
					      w->count, &p->state.fold);
		p->out->part_count = w->count;
		memset(&p->out->event, 0, sizeof(p->out->event));
		rc = mr_result_check(p->out->owner, err);
	}
	return rc;
}

static int run(struct splitting *w, const char *text, struct mreg_error *err)
{
	struct split *p = &w->p;
	int rc = mr_name_target(p->m, text, &p->ref, &p->s, err);

	if (rc >= 0)
		rc = read_weights(w, err);
	/* What is not there must not leave an empty store behind. */
	if (rc >= 0)
		rc = find_versions(w, err);
	if (rc >= 0 && !w->o->dry_run)
		rc = mr_store_lock(p->s, err);
	if (rc < 0)
		return rc;
	rc = run_locked(w, err);
	if (!w->o->dry_run)
		mr_store_unlock(p->s);
	return rc;
}

int mreg_split(struct mreg *m, const char *ref,
	       const struct mreg_split_opts *given,
	       struct mreg_split_result *out, struct mreg_error *err)
{
	MR_AUTO(splitting_release)
	struct splitting w = { .p = { .m = m, .out = out } };
	struct mreg_split_opts o;
	struct mr_arena *arena;
	int rc;

	memset(out, 0, sizeof(*out));
	mr_opts_take(&o, sizeof(o), given, given->size);
	w.o = &o;
	rc = mr_result_arena(&arena, err);
	if (rc < 0)
		return rc;
	out->owner = arena;
	out->dry_run = o.dry_run;
	rc = run(&w, ref, err);
	if (rc < 0)
		mreg_split_result_release(out);
	return rc;
}
