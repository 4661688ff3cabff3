/*
 * policy_attached.c - documents that hang on a version, and what the
 * evaluations among them say, as facts.
 */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/text.h"
#include "content/digest.h"
#include "look/look.h"
#include "rule/rule.h"

struct run {
	const struct mr_attached *row; /* borrowed */
	struct mr_evaluation e;        /* in the arena */
	int64_t made_s;
};

/*
 * In the order of their making, which the documents themselves say.  Of equals
 * one that has passed comes first: the last one counts, and nobody should get
 * past a failure by leaving out the time.
 */
static int by_making(const void *x, const void *y)
{
	const struct run *a = x;
	const struct run *b = y;

	if (a->made_s != b->made_s)
		return a->made_s < b->made_s ? -1 : 1;
	if (a->e.passed != b->e.passed)
		return a->e.passed ? -1 : 1;
	return mr_digest_compare(&a->row->desc.digest, &b->row->desc.digest);
}

static void put_run(const struct run *r, struct mr_buf *b)
{
	char text[MREG_DIGEST_TEXT];
	size_t i;

	mr_put_begin(b, NULL, '{');
	mr_put_text(b, "suite", r->e.suite);
	if (r->e.judged)
		mr_put_bool(b, "passed", r->e.passed);
	mr_put_text(b, "dataset", r->e.dataset);
	mr_put_text(b, "datasetDigest", r->e.dataset_digest);
	mr_put_text(b, "created", r->row->created);
	mr_put_numbers(b, "metrics", r->e.metrics, r->e.metric_count);
	mr_put_begin(b, "segments", '{');
	for (i = 0; i < r->e.segment_count; i++)
		mr_put_numbers(b, r->e.segments[i].name,
			       r->e.segments[i].metrics,
			       r->e.segments[i].metric_count);
	mr_put_end(b, '}');
	mr_put_text(b, "digest", mreg_digest_text(&r->row->desc.digest, text));
	mr_put_end(b, '}');
}

static int put_runs(const struct mr_policy_subject *u,
		    const struct mr_attached_rows *rows, struct mr_arena *a,
		    struct mr_buf *b, const char **why, struct mreg_error *err)
{
	MR_AUTO(mr_free) struct run *runs = NULL;
	char subject[MREG_DIGEST_TEXT];
	size_t n = 0;
	size_t i;

	runs = mr_array(rows->count + 1, sizeof(*runs));
	if (!runs)
		return mr_fail_nomem(err);
	(void)mreg_digest_text(u->version, subject);
	for (i = 0; i < rows->count; i++) {
		const struct mr_attached *row = &rows->items[i];
		struct mreg_error trouble = MREG_ERROR_INIT;
		int rc;

		if (strcmp(row->type, MR_EVALUATION_TYPE) != 0)
			continue;
		rc = mr_attached_evaluation(u->s, row, a, &runs[n].e, &trouble);
		if (rc == MREG_ENOMEM || rc == MREG_ECANCELED) {
			*err = trouble;
			return rc;
		}
		if (rc < 0) {
			*why = mr_arena_strdup(a, trouble.msg);
			continue;
		}
		/* The same document hangs on what a candidate was compared
		 * with; that is no verdict on it. */
		if (runs[n].e.experiment.name &&
		    strcmp(runs[n].e.experiment.candidate, subject) != 0)
			continue;
		if (!row->created ||
		    mr_text_time_parse(row->created, &runs[n].made_s) < 0)
			runs[n].made_s = 0;
		runs[n++].row = row;
	}
	qsort(runs, n, sizeof(*runs), by_making);
	mr_put_begin(b, "evaluations", '[');
	for (i = 0; i < n; i++)
		put_run(&runs[i], b);
	mr_put_end(b, ']');
	return 0;
}

static void put_rows(const struct mr_attached_rows *rows, struct mr_buf *b)
{
	char text[MREG_DIGEST_TEXT];
	size_t i;

	mr_put_begin(b, "attachments", '[');
	for (i = 0; i < rows->count; i++) {
		const struct mr_attached *row = &rows->items[i];

		mr_put_begin(b, NULL, '{');
		mr_put_text(b, "type", row->type);
		mr_put_text(b, "kind", row->kind);
		mr_put_text(b, "title", row->title);
		mr_put_text(b, "created", row->created);
		mr_put_text(b, "digest",
			    mreg_digest_text(&row->desc.digest, text));
		mr_put_end(b, '}');
	}
	mr_put_end(b, ']');
}

int mr_policy_attached(const struct mr_policy_subject *u, struct mr_arena *a,
		       struct mr_buf *out, const char **attachments_why,
		       const char **evaluations_why, struct mreg_error *err)
{
	MR_AUTO(mr_attached_release)
	struct mr_attached_rows rows = MR_ATTACHED_INIT;
	struct mreg_error why = MREG_ERROR_INIT;
	char text[MR_ERROR_TEXT];
	int rc = mr_attached_list(u->m, u->s, u->version, NULL, &rows, &why);

	if (rc == MREG_ENOMEM || rc == MREG_ECANCELED) {
		*err = why;
		return rc;
	}
	if (rc < 0) {
		*attachments_why =
			mr_arena_strdup(a, mr_error_text(&why, text));
		*evaluations_why = *attachments_why;
		return 0;
	}
	/* One that cannot be read may be the last word of a suite. */
	if (rows.unread)
		*evaluations_why = mr_arena_printf(
			a, "%zu of the documents attached: %s", rows.unread,
			rows.why ? rows.why : "gone or malformed");
	put_rows(&rows, out);
	return put_runs(u, &rows, a, out, evaluations_why, err);
}
