/*
 * evaluate.c - what a suite found about a version, as a document attached to
 * it.
 */
#include "mreg/evaluate.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "content/digest.h"
#include "format/format.h"
#include "ops/attach.h"
#include "ops/attached.h"

#define DOCUMENT_NAME "evaluation.json"
/* Metrics that are told in a listing too; all are in the document. */
#define LISTED_METRICS_MAX 64
/* One for the parsed document, one for the tree it came from. */
#define ARENA_MAX_BYTES (2u * MR_YAML_ARENA_BYTES)

static int take_from(const char *path, struct mr_arena *a,
		     struct mr_evaluation *e, struct mreg_error *err)
{
	MR_AUTO(mr_buf_release)
	struct mr_buf b = MR_BUF_INIT(MR_EVALUATION_MAX_BYTES);
	int rc = mr_file_load(AT_FDCWD, path, &b, err);

	if (rc < 0)
		return mr_wrap(err, "cannot read evaluation '%s'", path);
	return mr_evaluation_parse(mr_buf_text(&b), b.len, path, true, a, e,
				   err);
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
	return rc;
}

/* What a listing of referrers should tell without the document. */
static int annotate(const struct mr_evaluation *e, struct mr_arena *a,
		    struct mr_annotations *out, struct mreg_error *err)
{
	struct mreg_pair *items;
	size_t n = 0;
	size_t i;

	items = mr_arena_alloc(a, (LISTED_METRICS_MAX + 2) * sizeof(*items));
	if (!items)
		return mr_fail_nomem(err);
	items[n++] = (struct mreg_pair){ MR_EVALUATION_SUITE, e->suite };
	items[n++] = (struct mreg_pair){ MR_EVALUATION_PASSED,
					 e->passed ? "true" : "false" };
	for (i = 0; i < e->metric_count && i < LISTED_METRICS_MAX; i++) {
		items[n].name = mr_arena_printf(a, "org.mreg.metric.%s",
						e->metrics[i].name);
		items[n++].value = e->metrics[i].value;
	}
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

/* The last evaluation by the same suite; NULL: none. */
static const struct mr_attached *find_last(const struct mr_attached_rows *rows,
					   const char *suite, int64_t *made_s)
{
	const struct mr_attached *last = NULL;
	size_t i;

	*made_s = 0;
	for (i = 0; i < rows->count; i++) {
		const struct mr_attached *row = &rows->items[i];
		const char *theirs =
			mr_annotation(&row->annotations, MR_EVALUATION_SUITE);
		int64_t at_s;

		if (!theirs || strcmp(theirs, suite) != 0)
			continue;
		if (!row->created ||
		    mr_text_time_parse(row->created, &at_s) < 0)
			at_s = 0;
		if (last && at_s < *made_s)
			continue;
		last = row;
		*made_s = at_s;
	}
	return last;
}

/*
 * A suite that is run again is judged by its last run, so an evaluation has
 * the time of its making, after that of the one before.  But the same result
 * once more, with nothing in between, is the evaluation that is there.
 */
static int give_time(struct attach *a, const char *suite, const char *title,
		     const struct mr_annotations *more, struct mreg_error *err)
{
	MR_AUTO(mr_attached_release)
	struct mr_attached_rows rows = MR_ATTACHED_INIT;
	struct mreg_error ignored = MREG_ERROR_INIT;
	const struct mr_attached *last = NULL;
	int64_t now_s = mr_now_s(&a->m->env);
	int64_t made_s = 0;
	char text[32];
	int rc;

	if (a->meta->created)
		return 0;
	/* Without the list the worst is an evaluation that is there twice. */
	if (mr_attached_list(a->m, a->s, &a->subject->desc.digest,
			     MR_EVALUATION_TYPE, &rows, &ignored) >= 0)
		last = find_last(&rows, suite, &made_s);
	if (last &&
	    (!last->created ||
	     mr_meta_set(a->meta, "created", last->created, &ignored) >= 0)) {
		rc = mr_attach_make(a, MR_EVALUATION_TYPE, title, more, err);
		if (rc < 0 ||
		    mreg_digest_equal(&a->doc.desc.digest, &last->desc.digest))
			return rc;
	}
	if (last && now_s <= made_s)
		now_s = made_s + 1;
	return mr_meta_set(a->meta, "created", mr_text_time(now_s, text), err);
}

static const char *copy(struct mr_arena *a, const char *s)
{
	return s ? mr_arena_strdup(a, s) : NULL;
}

static int take_result(const struct mr_evaluation *e,
		       struct mreg_evaluate_result *out, struct mreg_error *err)
{
	struct mr_arena *a = out->attached.owner;

	out->suite = mr_arena_strdup(a, e->suite);
	out->suite_version = copy(a, e->suite_version);
	out->passed = e->passed;
	out->dataset = copy(a, e->dataset);
	out->dataset_digest = copy(a, e->dataset_digest);
	out->metrics = mr_result_pairs(a, e->metrics, e->metric_count);
	out->metric_count = e->metric_count;
	out->segment_count = e->segment_count;
	return mr_result_check(a, err);
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
	struct mr_annotations more;
	const char *title;
	int rc = arena ? take_opts(o, arena, &e, err) : mr_fail_nomem(err);

	if (rc >= 0)
		rc = mr_evaluation_write(&e, &json, err);
	if (rc >= 0)
		rc = make_body(a, &json, err);
	if (rc >= 0)
		rc = annotate(&e, arena, &more, err);
	if (rc >= 0)
		rc = mr_attach_open(a, ref, &o->annotations, o->created, err);
	if (rc >= 0 && o->report)
		rc = mr_attach_file(a, o->report, err);
	if (rc < 0)
		return rc;
	title = o->title && o->title[0] ? o->title : e.suite;
	rc = give_time(a, e.suite, title, &more, err);
	if (rc >= 0)
		rc = mr_attach_run(a, MR_EVALUATION_TYPE, title, &more,
				   &out->attached, err);
	return rc < 0 ? rc : take_result(&e, out, err);
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
