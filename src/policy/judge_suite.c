/*
 * judge_suite.c - rules about evaluations: a suite's verdict, and bounds of
 * its metrics, for each segment too.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "policy/judge.h"

/* Of a digest in a message: enough to tell one from another. */
#define DIGEST_SHOWN 19

/* Evaluations by one suite: the last on each set of data. */
struct runs {
	const struct mr_suite_run *items; /* borrowed; by the data's name */
	size_t n;
};

static const char *text_of(const json_t *e, const char *key)
{
	const char *text = mr_fact_text(e, key);

	return text ? text : "";
}

static int compare_data(const struct mr_suite_run *x,
			const struct mr_suite_run *y)
{
	int order = strcmp(x->suite, y->suite);

	if (!order)
		order = strcmp(x->dataset, y->dataset);
	return order ? order : strcmp(x->digest, y->digest);
}

static int compare_run(const void *a, const void *b)
{
	const struct mr_suite_run *x = a, *y = b;
	int order = compare_data(x, y);

	return order ? order : (x->at > y->at) - (x->at < y->at);
}

/*
 * The facts have evaluations in the order of their making.  Of one suite and
 * set of data the last counts; one on other data takes nothing back, or a
 * failure could be got past by running the suite on something easier.
 */
static void collect(struct mr_judge *j)
{
	const json_t *list = json_object_get(j->facts, "evaluations");
	size_t count = json_array_size(list);
	size_t n = 0;
	size_t i;

	/* When it fails the verdict's arena tells. */
	j->runs = mr_arena_alloc(j->out->arena, (count + 1) * sizeof(*j->runs));
	for (i = 0; j->runs && i < count; i++) {
		const json_t *e = json_array_get(list, i);

		j->runs[i] = (struct mr_suite_run){
			.suite = text_of(e, "suite"),
			.dataset = text_of(e, "dataset"),
			.digest = text_of(e, "datasetDigest"),
			.said = e,
			.at = i,
		};
	}
	if (!j->runs)
		return;
	if (count > 1)
		qsort(j->runs, count, sizeof(*j->runs), compare_run);
	for (i = 0; i < count; i++)
		if (i + 1 == count ||
		    compare_data(&j->runs[i], &j->runs[i + 1]) != 0)
			j->runs[n++] = j->runs[i];
	j->run_count = n;
}

/* " --dataset NAME@DIGEST", of the run that a new one should take back. */
static const char *data_option(struct mr_judge *j,
			       const struct mr_suite_run *run)
{
	const char *text;

	if (!run || !run->dataset[0])
		return "";
	text = mr_arena_printf(j->out->arena, " --dataset %s%s%s",
			       mr_judge_shown(j, run->dataset),
			       run->digest[0] ? "@" : "",
			       mr_judge_shown(j, run->digest));
	return text ? text : "";
}

/* `run` is the first that is wrong; NULL: there is none at all. */
static const char *mend_of(struct mr_judge *j, const struct mr_rule *r,
			   const struct mr_suite_run *run)
{
	const char *suite = mr_judge_shown(j, r->suite);
	const char *data = data_option(j, run);
	struct mr_arena *a = j->out->arena;
	const char *segment = NULL;

	if (r->kind == MR_RULE_SUITE)
		return mr_arena_printf(a,
				       "run the suite; once it has passed, "
				       "'mreg evaluate %s --suite %s%s --pass'",
				       mr_judge_ref(j), suite, data);
	if (r->segment)
		segment = strcmp(r->segment, "*") == 0
				  ? "NAME"
				  : mr_judge_shown(j, r->segment);
	return mr_arena_printf(
		a,
		"run the suite, then 'mreg evaluate %s --suite %s%s --%s "
		"%s%s%s=NUMBER' with --pass or --fail",
		mr_judge_ref(j), suite, data, segment ? "segment" : "metric",
		segment ? segment : "", segment ? ":" : "",
		mr_judge_shown(j, r->metric));
}

/* The runs that the rule is about; none, with its finding, when there are
 * none. */
static struct runs find_runs(struct mr_judge *j, const struct mr_rule *r)
{
	struct runs found = { .n = 0 };
	size_t i;

	if (mr_judge_unread(j, r, "evaluations", "evaluations"))
		return found;
	if (!j->runs)
		collect(j);
	for (i = 0; i < j->run_count; i++) {
		if (strcmp(j->runs[i].suite, r->suite) != 0)
			continue;
		if (!found.n)
			found.items = &j->runs[i];
		found.n++;
	}
	if (!found.n)
		mr_judge_find(j, r, mend_of(j, r, NULL),
			      "suite '%s' has no evaluation",
			      mr_judge_shown(j, r->suite));
	return found;
}

/* "on 'german'"; "" where nothing is told of any data. */
static const char *where(struct mr_judge *j, const struct runs *all,
			 const struct mr_suite_run *run)
{
	const char *text;

	if (!run->dataset[0])
		return all->n > 1 ? "on data that is not named" : "";
	text = mr_arena_printf(
		j->out->arena, "on '%s%s%.*s'", mr_judge_shown(j, run->dataset),
		run->digest[0] ? "@" : "", DIGEST_SHOWN, run->digest);
	return text ? text : "";
}

void mr_judge_suite(struct mr_judge *j, const struct mr_rule *r)
{
	struct runs all = find_runs(j, r);
	const struct mr_suite_run *first = NULL;
	struct mr_told wrong = { .n = 0 };
	const char *on;
	size_t i;

	for (i = 0; i < all.n; i++) {
		const struct mr_suite_run *run = &all.items[i];

		if (json_is_true(json_object_get(run->said, "passed")))
			continue;
		on = where(j, &all, run);
		if (first) {
			mr_told_add(&wrong, "%s", on);
			continue;
		}
		mr_told_add(&wrong, "has not passed%s%s", on[0] ? " " : "", on);
		first = run;
	}
	if (first)
		mr_judge_find(j, r, mend_of(j, r, first), "suite '%s' %s",
			      mr_judge_shown(j, r->suite),
			      mr_told_text(&wrong));
}

/* One bound against one map of metrics; `segment` NULL: of all the data. */
static void judge_bound(struct mr_judge *j, const struct mr_rule *r,
			const json_t *metrics, const char *segment,
			const char *on, struct mr_told *wrong)
{
	const char *value = mr_fact_number(j, metrics, r->metric);
	const char *shown = value ? mr_judge_shown(j, value) : NULL;
	const char *in = segment ? mr_judge_shown(j, segment) : NULL;

	if (value && mr_threshold_holds(&r->threshold, value, NULL) > 0)
		return;
	mr_told_add(wrong, "%s%s%s%s%s%s%s", shown ? "is " : "is missing",
		    shown ? shown : "", in ? " in segment '" : "", in ? in : "",
		    in ? "'" : "", on[0] ? " " : "", on);
}

static void judge_run(struct mr_judge *j, const struct mr_rule *r,
		      const struct mr_suite_run *run, const char *on,
		      struct mr_told *wrong)
{
	json_t *segments = json_object_get(run->said, "segments");
	const char *name;
	json_t *metrics;

	if (!r->segment)
		judge_bound(j, r, json_object_get(run->said, "metrics"), NULL,
			    on, wrong);
	else if (strcmp(r->segment, "*") != 0)
		judge_bound(j, r, json_object_get(segments, r->segment),
			    r->segment, on, wrong);
	else if (json_object_size(segments) == 0)
		mr_told_add(wrong, "is told for no segment%s%s",
			    on[0] ? " " : "", on);
	else
		json_object_foreach(segments, name, metrics)
			judge_bound(j, r, metrics, name, on, wrong);
}

void mr_judge_suite_metric(struct mr_judge *j, const struct mr_rule *r)
{
	struct runs all = find_runs(j, r);
	const struct mr_suite_run *first = NULL;
	struct mr_told wrong = { .n = 0 };
	size_t i;

	for (i = 0; i < all.n; i++) {
		judge_run(j, r, &all.items[i], where(j, &all, &all.items[i]),
			  &wrong);
		if (wrong.n && !first)
			first = &all.items[i];
	}
	if (first)
		mr_judge_find(j, r, mend_of(j, r, first),
			      "metric '%s' of suite '%s' %s; %s is asked",
			      mr_judge_shown(j, r->metric),
			      mr_judge_shown(j, r->suite), mr_told_text(&wrong),
			      mr_threshold_words(&r->threshold, j->out->arena));
}
