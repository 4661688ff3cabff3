/*
 * evaluate_json.c - an evaluation that was attached, as JSON.
 */
#include "mreg/json.h"

#include "view/attach.h"

static json_t *segment_row(const void *items, size_t i)
{
	const struct mreg_segment *s = (const struct mreg_segment *)items + i;
	struct mr_view v;

	mr_view_init(&v, NULL);
	mr_view_str(&v, "name", s->name);
	mr_view_pairs(&v, "metrics", s->metrics, s->metric_count);
	return mr_view_take(&v);
}

char *mreg_evaluate_result_json(const struct mreg_evaluate_result *r)
{
	struct mr_view v;

	mr_view_init(&v, "mreg.evaluate/1");
	mr_view_attach(&v, &r->attached);
	mr_view_str(&v, "suite", r->suite);
	mr_view_str(&v, "suiteVersion", r->suite_version);
	mr_view_bool(&v, "passed", r->passed);
	mr_view_str(&v, "dataset", r->dataset);
	mr_view_str(&v, "datasetDigest", r->dataset_digest);
	mr_view_pairs(&v, "metrics", r->metrics, r->metric_count);
	mr_view_u64(&v, "segmentCount", r->segment_count);
	mr_view_rows(&v, "segments", r->segments, r->segment_count,
		     segment_row);
	mr_view_digest(&v, "event", &r->event);
	return mr_view_text(&v);
}
