/*
 * evaluation_write.c - an evaluation as the bytes of its document: canonical
 * JSON, numbers in the digits they came in.
 */
#include "model/meta.h"

#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "base/mem.h"
#include "document/document.h"

static void put_metrics(struct mr_buf *b, const struct mreg_pair *items,
			size_t n)
{
	size_t i;

	mr_buf_putc(b, '{');
	for (i = 0; i < n; i++) {
		if (i > 0)
			mr_buf_putc(b, ',');
		mr_json_quote(b, items[i].name);
		mr_buf_putc(b, ':');
		mr_buf_puts(b, items[i].value); /* checked: JSON's grammar */
	}
	mr_buf_putc(b, '}');
}

static void put_segments(struct mr_buf *b, const struct mr_evaluation *e)
{
	size_t i;

	mr_buf_puts(b, ",\"segments\":{");
	for (i = 0; i < e->segment_count; i++) {
		if (i > 0)
			mr_buf_putc(b, ',');
		mr_json_quote(b, e->segments[i].name);
		mr_buf_putc(b, ':');
		put_metrics(b, e->segments[i].metrics,
			    e->segments[i].metric_count);
	}
	mr_buf_putc(b, '}');
}

static void put_experiment(struct mr_buf *b, const struct mr_experiment *x)
{
	mr_buf_puts(b, "\"experiment\":{\"baseline\":{\"metrics\":");
	put_metrics(b, x->metrics, x->metric_count);
	mr_buf_puts(b, ",\"version\":");
	mr_json_quote(b, x->baseline);
	mr_buf_puts(b, "},\"candidate\":");
	mr_json_quote(b, x->candidate);
	mr_buf_puts(b, ",\"name\":");
	mr_json_quote(b, x->name);
	if (x->winner) {
		mr_buf_puts(b, ",\"winner\":");
		mr_json_quote(b, x->winner);
	}
	mr_buf_puts(b, "},");
}

/* Keys sorted bytewise. */
static void put_document(struct mr_buf *b, const struct mr_evaluation *e)
{
	mr_buf_putc(b, '{');
	if (e->dataset) {
		mr_buf_puts(b, "\"dataset\":{");
		if (e->dataset_digest) {
			mr_buf_puts(b, "\"digest\":");
			mr_json_quote(b, e->dataset_digest);
			mr_buf_putc(b, ',');
		}
		mr_buf_puts(b, "\"name\":");
		mr_json_quote(b, e->dataset);
		mr_buf_puts(b, "},");
	}
	if (e->experiment.name)
		put_experiment(b, &e->experiment);
	mr_buf_puts(b, "\"metrics\":");
	put_metrics(b, e->metrics, e->metric_count);
	mr_buf_puts(b, ",\"passed\":");
	mr_buf_puts(b, e->passed ? "true" : "false");
	mr_buf_puts(b, ",\"schema\":\"" MR_EVALUATION_SCHEMA "\"");
	if (e->segment_count)
		put_segments(b, e);
	mr_buf_puts(b, ",\"suite\":");
	mr_json_quote(b, e->suite);
	if (e->suite_version) {
		mr_buf_puts(b, ",\"suiteVersion\":");
		mr_json_quote(b, e->suite_version);
	}
	mr_buf_putc(b, '}');
}

int mr_evaluation_write(const struct mr_evaluation *e, struct mr_buf *out,
			struct mreg_error *err)
{
	int rc;

	if (!e->suite) {
		(void)mr_fail(err, MREG_EUSAGE, "an evaluation without suite");
		return mr_hint(err, "name what was run: --suite NAME");
	}
	if (!e->judged) {
		(void)mr_fail(err, MREG_EUSAGE,
			      "an evaluation without verdict");
		return mr_hint(err, "say --pass or --fail");
	}
	rc = mr_check_text("suite", e->suite, MR_VALUE_MAX_BYTES, false, err);
	if (rc >= 0 && e->suite_version)
		rc = mr_check_text("suiteVersion", e->suite_version,
				   MR_VALUE_MAX_BYTES, false, err);
	if (rc >= 0 && e->experiment.name)
		rc = mr_check_text("experiment", e->experiment.name,
				   MR_VALUE_MAX_BYTES, false, err);
	if (rc < 0)
		return rc;
	put_document(out, e);
	return mr_buf_check(out, "evaluation", err);
}
