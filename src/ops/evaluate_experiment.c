/*
 * evaluate_experiment.c - the result of an online experiment: which two
 * versions it was between, and the document on the other one too.
 */
#include "ops/evaluate.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/text.h"
#include "content/digest.h"
#include "history/history.h"

#define NO_WINNER "none"
#define SHOWN_BYTES 100

/* -- options --------------------------------------------------------------- */

static int fail_alone(struct mreg_error *err)
{
	(void)mr_fail(err, MREG_EUSAGE,
		      "--against, --baseline-metric and --winner are about an "
		      "experiment, and none is told");
	return mr_hint(err, "name it: --experiment NAME");
}

int mr_experiment_opts(const struct mreg_evaluate_opts *o, struct mr_arena *a,
		       struct mr_evaluation *e, struct mreg_error *err)
{
	struct mr_experiment *x = &e->experiment;
	size_t i;
	int rc = 0;

	if (o->experiment)
		x->name = o->experiment;
	if (!x->name && (o->against || o->baseline_metrics.n || o->winner))
		return fail_alone(err);
	if (!x->name)
		return 0;
	for (i = 0; rc >= 0 && i < o->baseline_metrics.n; i++)
		rc = mr_evaluation_baseline(e, o->baseline_metrics.items[i], a,
					    err);
	if (rc < 0)
		return rc;
	if (!e->suite)
		e->suite = x->name;
	if (e->judged || x->winner ||
	    (o->winner && strcmp(o->winner, NO_WINNER) != 0))
		return 0;
	(void)mr_fail(err, MREG_EUSAGE, "an experiment without verdict");
	return mr_hint(err, "say --winner VERSION, --pass or --fail");
}

/* -- the versions ---------------------------------------------------------- */

/* v<N>, a release name or a digest. */
static int find_version(struct attach *a, const char *text,
			struct mreg_digest *out, struct mreg_error *err)
{
	struct mreg_ref ref = a->ref;
	enum mr_tag_kind kind = mr_tag_kind(text);
	char shown[SHOWN_BYTES];
	struct mreg_desc d;
	int rc;

	ref.tag[0] = '\0';
	memset(&ref.digest, 0, sizeof(ref.digest));
	if (mreg_digest_parse(text, &ref.digest, NULL) < 0 &&
	    kind != MR_TAG_VERSION && kind != MR_TAG_RELEASE) {
		(void)mr_fail(err, MREG_EUSAGE, "'%s' names no version",
			      mr_text_safe(text, shown, sizeof(shown)));
		return mr_hint(err, "write v<N>, a release name or a digest");
	}
	if (!mr_digest_known(&ref.digest))
		(void)snprintf(ref.tag, sizeof(ref.tag), "%s", text);
	rc = mr_subject_resolve(a->m, a->s, &ref, &d, err);
	if (rc >= 0)
		*out = d.digest;
	return rc;
}

static int fail_no_split(struct mreg_error *err)
{
	(void)mr_fail(err, MREG_ECONFLICT,
		      "no split sends requests to this version, so nothing "
		      "tells what it was tried against");
	return mr_hint(err, "name that: --against v7");
}

/* What the split, of which the version is not the alias's own, has. */
static int take_split(const struct mr_standing *now,
		      const struct mreg_digest *candidate,
		      struct mr_experiment_run *x, struct mreg_error *err)
{
	const struct mr_alias_standing *found = NULL;
	size_t i;

	for (i = 0; i < now->alias_count; i++) {
		const struct mr_alias_standing *a = &now->aliases[i];

		if (!mr_split_share(a, candidate) ||
		    mreg_digest_equal(&a->move->version, candidate))
			continue;
		if (found && !mreg_digest_equal(&found->move->version,
						&a->move->version)) {
			(void)mr_fail(
				err, MREG_ECONFLICT,
				"'%s' and '%s' both send requests to this "
				"version",
				found->name, a->name);
			return mr_hint(err, "say what it was tried against: "
					    "--against v7");
		}
		found = a;
	}
	if (!found)
		return fail_no_split(err);
	x->baseline = found->move->version;
	return 0;
}

static int find_baseline(struct attach *a, struct mr_experiment_run *x,
			 struct mreg_error *err)
{
	MR_AUTO(mr_standing_release) struct mr_standing now = { .arena = NULL };
	MR_AUTO(mr_history_release) struct mr_history h = { .ledger = NULL };
	const struct mr_experiment *told = &x->e->experiment;
	const struct mr_version_standing *v;
	int rc = mr_history_read(a->m, a->s, &h, err);

	if (rc >= 0)
		rc = mr_ledger_standing(h.ledger, MR_STANDING_NOW, &now, err);
	if (rc < 0)
		return rc;
	if (x->o->against || told->baseline)
		rc = find_version(
			a, x->o->against ? x->o->against : told->baseline,
			&x->baseline, err);
	else
		rc = take_split(&now, &a->subject->desc.digest, x, err);
	if (rc < 0)
		return rc;
	v = mr_standing_version(&now, &x->baseline);
	x->number = v && v->registered ? v->registered->number : 0;
	return 0;
}

static int find_winner(struct attach *a, struct mr_experiment_run *x,
		       struct mreg_error *err)
{
	const struct mreg_digest *candidate = &a->subject->desc.digest;
	const char *told =
		x->o->winner ? x->o->winner : x->e->experiment.winner;
	int rc;

	if (!told || strcmp(told, NO_WINNER) == 0)
		return 0;
	rc = find_version(a, told, &x->winner, err);
	if (rc < 0 || mreg_digest_equal(&x->winner, candidate) ||
	    mreg_digest_equal(&x->winner, &x->baseline))
		return rc;
	(void)mr_fail(err, MREG_EUSAGE,
		      "the winner is neither of the experiment's versions");
	return mr_hint(err, "it is the version itself, what it was tried "
			    "against, or none");
}

static const char *text_of(struct mr_arena *a, const struct mreg_digest *d)
{
	char text[MREG_DIGEST_TEXT];

	return mr_arena_strdup(a, mreg_digest_text(d, text));
}

int mr_experiment_find(struct attach *a, struct mr_experiment_run *x,
		       struct mreg_error *err)
{
	const struct mreg_digest *candidate = &a->subject->desc.digest;
	struct mr_evaluation *e = x->e;
	int rc = find_baseline(a, x, err);

	if (rc >= 0 && mreg_digest_equal(&x->baseline, candidate)) {
		(void)mr_fail(err, MREG_EUSAGE,
			      "a version cannot be tried against itself");
		return mr_hint(err, "name the one that was tried, and what it "
				    "was tried against with --against");
	}
	if (rc >= 0)
		rc = find_winner(a, x, err);
	if (rc < 0)
		return rc;
	if (!e->judged && mr_digest_known(&x->winner)) {
		e->judged = true;
		e->passed = mreg_digest_equal(&x->winner, candidate);
	}
	e->experiment.baseline = text_of(x->arena, &x->baseline);
	e->experiment.candidate = text_of(x->arena, candidate);
	e->experiment.winner = mr_digest_known(&x->winner)
				       ? text_of(x->arena, &x->winner)
				       : NULL;
	return mr_arena_failed(x->arena) ? mr_fail_nomem(err) : 0;
}

/* -- the document on the other one ----------------------------------------- */

/* Neither suite nor verdict: it is not about this version. */
static int annotate(const struct mr_experiment_run *x,
		    struct mr_annotations *out, struct mreg_error *err)
{
	const struct mr_experiment *e = &x->e->experiment;
	struct mr_arena *a = x->arena;
	struct mreg_pair *items =
		mr_arena_alloc(a, (MR_LISTED_METRICS_MAX + 2) * sizeof(*items));
	size_t n = 0;

	if (!items)
		return mr_fail_nomem(err);
	items[n++] = (struct mreg_pair){ MR_EVALUATION_EXPERIMENT, e->name };
	items[n++] =
		(struct mreg_pair){ MR_EVALUATION_CANDIDATE, e->candidate };
	n = mr_evaluate_metrics(e->metrics, e->metric_count, items, n, a);
	*out = (struct mr_annotations){ items, n };
	return mr_arena_failed(a) ? mr_fail_nomem(err) : 0;
}

static int open_other(struct attach *b, const struct attach *a,
		      const struct mr_experiment_run *x,
		      struct mr_annotations *more, struct mreg_error *err)
{
	char name[MREG_REF_TEXT];
	/* The time of the candidate's, so that once more is the same again. */
	int rc = mr_attach_open(
		b, mr_target_pinned(a->m, &a->ref, &x->baseline, name),
		&x->o->annotations, a->meta->created, err);

	if (rc >= 0)
		rc = annotate(x, more, err);
	b->body = a->body;
	b->body_title = a->body_title;
	b->body_desc = a->body_desc;
	return rc;
}

static bool is_of(const struct mr_attached *row, const char *key,
		  const char *value)
{
	const char *text = mr_annotation(&row->annotations, key);

	return text && strcmp(text, value) == 0;
}

static int find_left(struct attach *b, const struct attach *a,
		     const struct mr_experiment_run *x, const char *title,
		     const struct mr_attached *row, const char **created,
		     struct mreg_error *err)
{
	struct mr_annotations more;
	bool again = false;
	/* Opened once: anybody may have attached any number of these. */
	int rc = b->s ? annotate(x, &more, err)
		      : open_other(b, a, x, &more, err);

	if (rc >= 0)
		rc = mr_evaluate_again(b, row, title, &more, &again, err);
	if (rc < 0 || !again)
		return rc;
	*created = mr_arena_strdup(x->arena, row->created);
	return *created ? 0 : mr_fail_nomem(err);
}

int mr_experiment_left(const struct attach *a,
		       const struct mr_experiment_run *x, const char *title,
		       int64_t after_s, int64_t until_s, const char **created,
		       struct mreg_error *err)
{
	MR_AUTO(mr_attached_release)
	struct mr_attached_rows rows = MR_ATTACHED_INIT;
	const struct mr_experiment *e = &x->e->experiment;
	struct attach b = { .m = a->m };
	struct mreg_error ignored = MREG_ERROR_INIT;
	int64_t made_s;
	size_t i;
	int rc = 0;

	*created = NULL;
	/* Without the list the worst is a document that is there twice. */
	if (mr_attached_list(a->m, a->s, &x->baseline, MR_EVALUATION_TYPE,
			     &rows, &ignored) < 0)
		return 0;
	for (i = 0; rc >= 0 && !*created && i < rows.count; i++) {
		const struct mr_attached *row = &rows.items[i];

		if (is_of(row, MR_EVALUATION_EXPERIMENT, e->name) &&
		    is_of(row, MR_EVALUATION_CANDIDATE, e->candidate) &&
		    row->created &&
		    mr_text_time_parse(row->created, &made_s) >= 0 &&
		    made_s > after_s && made_s <= until_s)
			rc = find_left(&b, a, x, title, row, created, err);
	}
	mr_attach_release(&b);
	return rc;
}

static int attach_to(struct attach *b, const struct attach *a,
		     const struct mr_experiment_run *x, const char *title,
		     struct mreg_digest *out, struct mreg_error *err)
{
	struct mreg_attach_result there = { .owner = x->arena };
	struct mr_annotations more;
	int rc = open_other(b, a, x, &more, err);

	if (rc >= 0)
		rc = mr_attach_run(b, MR_EVALUATION_TYPE, title, &more, &there,
				   err);
	if (rc >= 0)
		*out = there.digest;
	return rc;
}

int mr_experiment_attach(struct attach *a, const struct mr_experiment_run *x,
			 const char *title, struct mreg_digest *out,
			 struct mreg_error *err)
{
	struct attach b = { .m = a->m, .jobs = a->jobs, .dry_run = a->dry_run };
	int rc = attach_to(&b, a, x, title, out, err);

	mr_attach_release(&b);
	if (rc < 0)
		(void)mr_hint(err, "nothing is attached to the version that "
				   "was tried; run it again");
	return rc;
}
