/*
 * judge_suite.c - rules about evaluations: a suite's verdict, and bounds of
 * its metrics, for each segment too.
 */
#include <string.h>

#include "base/mem.h"
#include "policy/judge.h"

/* The last one in the list, which is in the order of their making: a suite
 * that was run again is judged by its last run. */
static const json_t *last_run(const struct mr_judge *j, const char *suite)
{
	const json_t *list = json_object_get(j->facts, "evaluations");
	size_t i = json_array_size(list);

	while (i-- > 0) {
		const json_t *e = json_array_get(list, i);
		const char *name = mr_fact_text(e, "suite");

		if (name && strcmp(name, suite) == 0)
			return e;
	}
	return NULL;
}

static const char *mend_of(struct mr_judge *j, const struct mr_rule *r)
{
	const char *suite = mr_judge_shown(j, r->suite);
	struct mr_arena *a = j->out->arena;
	const char *segment = NULL;

	if (r->kind == MR_RULE_SUITE)
		return mr_arena_printf(a,
				       "run the suite; once it has passed, "
				       "'mreg evaluate %s --suite %s --pass'",
				       mr_judge_ref(j), suite);
	if (r->segment)
		segment = strcmp(r->segment, "*") == 0
				  ? "NAME"
				  : mr_judge_shown(j, r->segment);
	return mr_arena_printf(
		a,
		"run the suite, then 'mreg evaluate %s --suite %s --%s "
		"%s%s%s=NUMBER' with --pass or --fail",
		mr_judge_ref(j), suite, segment ? "segment" : "metric",
		segment ? segment : "", segment ? ":" : "",
		mr_judge_shown(j, r->metric));
}

/* The run that the rule is about; NULL when there is none, which its finding
 * says. */
static const json_t *find_run(struct mr_judge *j, const struct mr_rule *r)
{
	const json_t *e;

	if (mr_judge_unread(j, r, "evaluations", "evaluations"))
		return NULL;
	e = last_run(j, r->suite);
	if (!e)
		mr_judge_find(j, r, mend_of(j, r),
			      "suite '%s' has no evaluation",
			      mr_judge_shown(j, r->suite));
	return e;
}

void mr_judge_suite(struct mr_judge *j, const struct mr_rule *r)
{
	const json_t *e = find_run(j, r);

	if (!e || json_is_true(json_object_get(e, "passed")))
		return;
	mr_judge_find(j, r, mend_of(j, r), "suite '%s' has not passed",
		      mr_judge_shown(j, r->suite));
}

/* One bound against one map of metrics; `where` is "" or ", segment 'x'". */
static void judge_bound(struct mr_judge *j, const struct mr_rule *r,
			const json_t *metrics, const char *segment,
			struct mr_told *wrong)
{
	const char *value = mr_fact_number(j, metrics, r->metric);
	const char *shown = value ? mr_judge_shown(j, value) : NULL;
	const char *in = segment ? mr_judge_shown(j, segment) : NULL;

	if (value && mr_threshold_holds(&r->threshold, value, NULL) > 0)
		return;
	if (in)
		mr_told_add(wrong, "%s%s in segment '%s'",
			    shown ? "is " : "is missing", shown ? shown : "",
			    in);
	else
		mr_told_add(wrong, "%s%s", shown ? "is " : "is missing",
			    shown ? shown : "");
}

void mr_judge_suite_metric(struct mr_judge *j, const struct mr_rule *r)
{
	const json_t *e = find_run(j, r);
	const json_t *segments = json_object_get(e, "segments");
	struct mr_told wrong = { .n = 0 };
	const char *name;
	json_t *metrics;

	if (!e)
		return;
	if (!r->segment)
		judge_bound(j, r, json_object_get(e, "metrics"), NULL, &wrong);
	else if (strcmp(r->segment, "*") != 0)
		judge_bound(j, r, json_object_get(segments, r->segment),
			    r->segment, &wrong);
	else if (json_object_size(segments) == 0)
		mr_told_add(&wrong, "is told for no segment");
	else
		json_object_foreach((json_t *)segments, name, metrics)
			judge_bound(j, r, metrics, name, &wrong);
	if (wrong.n)
		mr_judge_find(j, r, mend_of(j, r),
			      "metric '%s' of suite '%s' %s; %s is asked",
			      mr_judge_shown(j, r->metric),
			      mr_judge_shown(j, r->suite), mr_told_text(&wrong),
			      mr_threshold_words(&r->threshold, j->out->arena));
}
