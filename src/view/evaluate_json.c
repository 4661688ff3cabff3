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

static void put_experiment(struct mr_view *v,
			   const struct mreg_evaluate_result *r)
{
	struct mr_view x, of;

	if (!r->experiment) {
		mr_view_str(v, "experiment", NULL);
		return;
	}
	mr_view_init(&of, NULL);
	mr_view_version(&of, r->baseline_number);
	mr_view_digest(&of, "digest", &r->baseline);
	mr_view_pairs(&of, "metrics", r->baseline_metrics,
		      r->baseline_metric_count);
	mr_view_digest(&of, "document", &r->baseline_document);
	mr_view_init(&x, NULL);
	mr_view_str(&x, "name", r->experiment);
	mr_view_put(&x, "baseline", mr_view_take(&of));
	mr_view_digest(&x, "winner", &r->winner);
	mr_view_put(v, "experiment", mr_view_take(&x));
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
	put_experiment(&v, r);
	mr_view_digest(&v, "event", &r->event);
	return mr_view_text(&v);
}
