/*
 * evaluate.c - what a suite found about a version, as a document attached to
 * it.
 */
#include "mreg/evaluate.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/text.h"
#include "content/digest.h"
#include "format/format.h"
#include "ops/evaluate.h"
#include "look/look.h"

#define DOCUMENT_NAME "evaluation.json"
/* One for the parsed document, one for the tree it came from. */
#define ARENA_MAX_BYTES (2u * MR_YAML_ARENA_BYTES)
#define SHOWN_BYTES 100
/* Of a given time, beyond now: clocks differ by hours where zones are taken
 * for UTC. */
#define AHEAD_MAX_S 86400
/* The last second of the year 9999, which RFC 3339 ends with. */
#define TIME_MAX_S 253402300799

static int take_from(const char *path, struct mr_arena *a,
		     struct mr_evaluation *e, struct mreg_error *err)
{
	MR_AUTO(mr_buf_release)
	struct mr_buf b = MR_BUF_INIT(MR_EVALUATION_MAX_BYTES);
	int rc = mr_given_load(path, "evaluation", &b, err);

	if (rc < 0)
		return rc;
	rc = mr_evaluation_parse(mr_buf_text(&b), b.len, path, true, a, e, err);
	/* Most likely by who is asking. */
	if (rc == MREG_EFORMAT && err && !err->hint[0])
		return mr_hint(err, "mend the file; spec/evaluation.md tells "
				    "how an evaluation is written");
	return rc;
}

static int take_opts(const struct mreg_evaluate_opts *o, struct mr_arena *a,
		     struct mr_evaluation *e, struct mreg_error *err)
{
	size_t i;
	int rc = o->from ? take_from(o->from, a, e, err) : 0;

	if (rc < 0)
		return rc;
	if (o->suite)
		e->suite = o->suite;
	if (o->suite_version)
		e->suite_version = o->suite_version;
	if (o->outcome != MREG_OUTCOME_NONE) {
		e->judged = true;
		e->passed = o->outcome == MREG_OUTCOME_PASSED;
	}
	if (o->dataset)
		rc = mr_evaluation_dataset(e, o->dataset, a, err);
	for (i = 0; rc >= 0 && i < o->metrics.n; i++)
		rc = mr_evaluation_metric(e, o->metrics.items[i], a, err);
	for (i = 0; rc >= 0 && i < o->segments.n; i++)
		rc = mr_evaluation_segment(e, o->segments.items[i], a, err);
	return rc < 0 ? rc : mr_experiment_opts(o, a, e, err);
}

size_t mr_evaluate_metrics(const struct mreg_pair *metrics, size_t count,
			   struct mreg_pair *items, size_t n,
			   struct mr_arena *a)
{
	size_t i;

	for (i = 0; i < count && i < MR_LISTED_METRICS_MAX; i++) {
		items[n].name = mr_arena_printf(a, MR_METRIC_PREFIX "%s",
						metrics[i].name);
		items[n++].value = metrics[i].value;
	}
	return n;
}

/* What a listing of referrers should tell without the document. */
static int annotate(const struct mr_evaluation *e, struct mr_arena *a,
		    struct mr_annotations *out, struct mreg_error *err)
{
	struct mreg_pair *items;
	size_t n = 0;

	items = mr_arena_alloc(a, (MR_LISTED_METRICS_MAX + 6) * sizeof(*items));
	if (!items)
		return mr_fail_nomem(err);
	items[n++] = (struct mreg_pair){ MR_EVALUATION_SUITE, e->suite };
	items[n++] = (struct mreg_pair){ MR_EVALUATION_PASSED,
					 e->passed ? "true" : "false" };
	if (e->dataset)
		items[n++] =
			(struct mreg_pair){ MR_EVALUATION_DATASET, e->dataset };
	if (e->dataset_digest)
		items[n++] = (struct mreg_pair){ MR_EVALUATION_DATASET_DIGEST,
						 e->dataset_digest };
	if (e->experiment.name) {
		items[n++] = (struct mreg_pair){ MR_EVALUATION_EXPERIMENT,
						 e->experiment.name };
		items[n++] = (struct mreg_pair){ MR_EVALUATION_BASELINE,
						 e->experiment.baseline };
	}
	n = mr_evaluate_metrics(e->metrics, e->metric_count, items, n, a);
	*out = (struct mr_annotations){ items, n };
	return mr_arena_failed(a) ? mr_fail_nomem(err) : 0;
}

static int make_body(struct attach *a, const struct mr_buf *json,
		     struct mreg_error *err)
{
	a->body = mr_buf_text(json);
	a->body_title = DOCUMENT_NAME;
	a->body_desc = (struct mreg_desc){ .media_type = MR_EVALUATION_TYPE,
					   .size = json->len };
	return mr_digest_of(json->data, json->len, &a->body_desc.digest, err);
}

struct last {
	const struct mr_attached *row; /* borrowed; NULL: none */
	int64_t made_s;
	bool failed;
};

static bool is_same(const struct mr_attached *row, const char *key,
		    const char *ours)
{
	const char *theirs = mr_annotation(&row->annotations, key);

	return theirs && ours ? strcmp(theirs, ours) == 0 : theirs == ours;
}

/* The last evaluation by the same suite on the same data
 * (spec/evaluation.md, "Reading"). */
static struct last find_last(const struct mr_attached_rows *rows,
			     const struct mr_evaluation *e)
{
	struct last last = { .row = NULL };
	size_t i;

	for (i = 0; i < rows->count; i++) {
		const struct mr_attached *row = &rows->items[i];
		struct last one = { .row = row };
		const char *passed =
			mr_annotation(&row->annotations, MR_EVALUATION_PASSED);

		if (!is_same(row, MR_EVALUATION_SUITE, e->suite) ||
		    !is_same(row, MR_EVALUATION_DATASET, e->dataset) ||
		    !is_same(row, MR_EVALUATION_DATASET_DIGEST,
			     e->dataset_digest))
			continue;
		if (!row->created ||
		    mr_text_time_parse(row->created, &one.made_s) < 0)
			one.made_s = 0;
		one.failed = !passed || strcmp(passed, "true") != 0;
		if (last.row &&
		    (one.made_s < last.made_s ||
		     (one.made_s == last.made_s && one.failed < last.failed)))
			continue;
		last = one;
	}
	return last;
}

/* Nothing could come after it, and a failure could not be recorded any more. */
static int check_given(const struct attach *a, int64_t *given_s,
		       struct mreg_error *err)
{
	if (!a->meta->created)
		return 0;
	if (mr_text_time_parse(a->meta->created, given_s) < 0)
		*given_s = 0;
	if (*given_s <= mr_now_s(&a->m->env) + AHEAD_MAX_S)
		return 0;
	(void)mr_fail(err, MREG_EUSAGE,
		      "an evaluation cannot be of '%.40s', which is to come",
		      a->meta->created);
	return mr_hint(err, "look at --created, SOURCE_DATE_EPOCH and the "
			    "clock");
}

int mr_evaluate_again(struct attach *a, const struct mr_attached *row,
		      const char *title, const struct mr_annotations *more,
		      bool *again, struct mreg_error *err)
{
	struct mreg_error ignored = MREG_ERROR_INIT;
	int rc;

	*again = false;
	a->meta->created = NULL;
	if (row->created &&
	    mr_meta_set(a->meta, "created", row->created, &ignored) < 0)
		return 0;
	rc = mr_attach_make(a, MR_EVALUATION_TYPE, title, more, err);
	if (rc >= 0)
		*again = mreg_digest_equal(&a->doc.desc.digest,
					   &row->desc.digest);
	return rc;
}

static int fail_time(const struct last *last, const struct mr_evaluation *e,
		     const char *hint, struct mreg_error *err)
{
	char shown[SHOWN_BYTES];
	char data[SHOWN_BYTES];
	char text[32];

	(void)mr_fail(err, MREG_ECONFLICT,
		      "another evaluation by '%s'%s%s%s is of %s already",
		      mr_text_safe(e->suite, shown, sizeof(shown)),
		      e->dataset ? " on '" : "",
		      e->dataset ? mr_text_safe(e->dataset, data, sizeof(data))
				 : "",
		      e->dataset ? "'" : "", mr_text_time(last->made_s, text));
	return mr_hint(err, "%s", hint);
}

/*
 * A suite that is run again on the same data is judged by its last run, so an
 * evaluation has the time of its making, after that of the one before.  But the
 * same result once more, with nothing in between, is the evaluation that is
 * there.  `created` is what the user asked for; SOURCE_DATE_EPOCH only stands
 * for the clock.
 */
static int give_time(struct attach *a, const struct mr_experiment_run *x,
		     const char *title, const struct mr_annotations *more,
		     struct mreg_error *err)
{
	MR_AUTO(mr_attached_release)
	struct mr_attached_rows rows = MR_ATTACHED_INIT;
	const struct mr_evaluation *e = x->e;
	const char *created = x->o->created;
	struct mreg_error ignored = MREG_ERROR_INIT;
	int64_t time_s = mr_now_s(&a->m->env);
	struct last last = { .row = NULL };
	const char *left = NULL;
	bool again = false;
	char text[32];
	int rc = check_given(a, &time_s, err);

	/* Without the list the worst is an evaluation that is there twice. */
	if (rc >= 0 &&
	    mr_attached_list(a->m, a->s, &a->subject->desc.digest,
			     MR_EVALUATION_TYPE, &rows, &ignored) >= 0)
		last = find_last(&rows, e);
	if (rc >= 0 && last.row && (!created || time_s == last.made_s))
		rc = mr_evaluate_again(a, last.row, title, more, &again, err);
	if (rc < 0 || again)
		return rc;
	if (created)
		return last.row && time_s == last.made_s
			       ? fail_time(&last, e,
					   "the last one counts: give "
					   "another --created",
					   err)
			       : 0;
	if (last.row && time_s <= last.made_s)
		time_s = last.made_s + 1;
	if (time_s > TIME_MAX_S)
		return fail_time(&last, e,
				 "nothing can come after it: have it deleted",
				 err);
	if (e->experiment.name)
		rc = mr_experiment_left(a, x, title,
					last.row ? last.made_s : INT64_MIN,
					time_s, &left, err);
	return rc < 0 ? rc
		      : mr_meta_set(a->meta, "created",
				    left ? left : mr_text_time(time_s, text),
				    err);
}

static const char *copy(struct mr_arena *a, const char *s)
{
	return s ? mr_arena_strdup(a, s) : NULL;
}

static const struct mreg_segment *take_segments(const struct mr_evaluation *e,
						struct mr_arena *a)
{
	struct mreg_segment *to =
		mr_arena_alloc(a, (e->segment_count + 1) * sizeof(*to));
	size_t i;

	for (i = 0; to && i < e->segment_count; i++) {
		const struct mr_segment *from = &e->segments[i];

		to[i].name = mr_arena_strdup(a, from->name);
		to[i].metrics =
			mr_result_pairs(a, from->metrics, from->metric_count);
		to[i].metric_count = from->metric_count;
	}
	return to;
}

static int take_result(const struct mr_experiment_run *x,
		       struct mreg_evaluate_result *out, struct mreg_error *err)
{
	const struct mr_evaluation *e = x->e;
	struct mr_arena *a = out->attached.owner;

	out->suite = mr_arena_strdup(a, e->suite);
	out->suite_version = copy(a, e->suite_version);
	out->passed = e->passed;
	out->dataset = copy(a, e->dataset);
	out->dataset_digest = copy(a, e->dataset_digest);
	out->metrics = mr_result_pairs(a, e->metrics, e->metric_count);
	out->metric_count = e->metric_count;
	out->segments = take_segments(e, a);
	out->segment_count = e->segment_count;
	out->experiment = copy(a, e->experiment.name);
	out->baseline = x->baseline;
	out->baseline_number = x->number;
	out->winner = x->winner;
	out->baseline_metrics = mr_result_pairs(a, e->experiment.metrics,
						e->experiment.metric_count);
	out->baseline_metric_count = e->experiment.metric_count;
	return mr_result_check(a, err);
}

static int make_document(struct attach *a, const struct mr_evaluation *e,
			 struct mr_arena *arena, struct mr_buf *json,
			 struct mr_annotations *more, struct mreg_error *err)
{
	int rc = mr_evaluation_write(e, json, err);

	if (rc >= 0)
		rc = make_body(a, json, err);
	return rc < 0 ? rc : annotate(e, arena, more, err);
}

static int run(struct attach *a, const char *ref,
	       const struct mreg_evaluate_opts *o,
	       struct mreg_evaluate_result *out, struct mreg_error *err)
{
	MR_AUTO(mr_arena_freep)
	struct mr_arena *arena = mr_arena_new(ARENA_MAX_BYTES);
	MR_AUTO(mr_buf_release)
	struct mr_buf json = MR_BUF_INIT(MR_EVALUATION_MAX_BYTES);
	struct mr_evaluation e = { .suite = NULL };
	struct mr_experiment_run x = { .o = o, .e = &e, .arena = arena };
	struct mr_annotations more;
	const char *title;
	int rc = arena ? take_opts(o, arena, &e, err) : mr_fail_nomem(err);

	/* What is missing in it is told before a registry is asked. */
	if (rc >= 0 && !e.experiment.name)
		rc = make_document(a, &e, arena, &json, &more, err);
	if (rc >= 0)
		rc = mr_attach_open(a, ref, &o->annotations, o->created, err);
	if (rc >= 0 && e.experiment.name)
		rc = mr_experiment_find(a, &x, err);
	if (rc >= 0 && e.experiment.name)
		rc = make_document(a, &e, arena, &json, &more, err);
	if (rc >= 0 && o->report)
		rc = mr_attach_file(a, o->report, err);
	if (rc < 0)
		return rc;
	title = o->title && o->title[0] ? o->title : e.suite;
	rc = give_time(a, &x, title, &more, err);
	/* The candidate's is what counts: it comes when all of it is there. */
	if (rc >= 0 && e.experiment.name)
		rc = mr_experiment_attach(a, &x, title, &out->baseline_document,
					  err);
	if (rc >= 0)
		rc = mr_attach_run(a, MR_EVALUATION_TYPE, title, &more,
				   &out->attached, err);
	if (rc >= 0 && !a->dry_run)
		rc = mr_evaluate_tell(a, &e, &out->attached.digest, &out->event,
				      err);
	return rc < 0 ? rc : take_result(&x, out, err);
}

int mreg_evaluate(struct mreg *m, const char *ref,
		  const struct mreg_evaluate_opts *given,
		  struct mreg_evaluate_result *out, struct mreg_error *err)
{
	struct mreg_progress end = { .kind = MREG_PROGRESS_END, .label = "" };
	struct attach a = { .m = m };
	struct mreg_evaluate_opts o;
	struct mr_arena *arena;
	int rc;

	memset(out, 0, sizeof(*out));
	mr_opts_take(&o, sizeof(o), given, given->size);
	a.jobs = mr_session_jobs(m, o.jobs);
	a.dry_run = o.dry_run;
	rc = mr_result_arena(&arena, err);
	if (rc < 0)
		return rc;
	out->attached.owner = arena;
	rc = run(&a, ref, &o, out, err);
	mr_progress(&m->env, &end);
	mr_attach_release(&a);
	if (rc < 0)
		mreg_evaluate_result_release(out);
	return rc;
}

void mreg_evaluate_result_release(struct mreg_evaluate_result *r)
{
	mr_arena_free(r->attached.owner);
	memset(r, 0, sizeof(*r));
}
