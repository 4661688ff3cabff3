/*
 * render_kserve.c - an InferenceService of KServe, and KServe's names of what
 * models are.
 */
#include "draw/render.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/text.h"

#define WORD_MAX 63
#define WORD_SIGNS                                                             \
	"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._"

/*
 * What KServe's own runtimes call what they serve (kserve, config/runtimes).
 * A family says more than a format: a pickle may be anything.
 */
static const struct kind {
	const char *is, *name;
} families[] = {
	{ "sklearn", "sklearn" },   { "scikit-learn", "sklearn" },
	{ "xgboost", "xgboost" },   { "lightgbm", "lightgbm" },
	{ "catboost", "catboost" }, { "paddle", "paddle" },
	{ "pmml", "pmml" },
}, formats[] = {
	{ "safetensors", "huggingface" }, { "onnx", "onnx" },
	{ "tensorflow", "tensorflow" },   { "keras", "tensorflow" },
	{ "hdf5", "tensorflow" },         { "pytorch", "pytorch" },
	{ "torchscript", "pytorch" },     { "pickle", "sklearn" },
	{ "tensorrt", "tensorrt" },       { "pmml", "pmml" },
	{ "paddle", "paddle" },           { "mlflow", "mlflow" },
	{ "sklearn", "sklearn" },         { "xgboost", "xgboost" },
	{ "lightgbm", "lightgbm" },
};

static const char *find(const struct kind *kinds, size_t n, const char *is)
{
	size_t i;

	for (i = 0; is && i < n; i++)
		if (strcmp(kinds[i].is, is) == 0)
			return kinds[i].name;
	return NULL;
}

bool mr_render_is_format(const char *s)
{
	size_t n = s ? strlen(s) : 0;

	return n > 0 && n <= WORD_MAX && strspn(s, WORD_SIGNS) == n;
}

static int fail_unknown(struct mreg_error *err)
{
	(void)mr_fail(err, MREG_EUSAGE,
		      "nothing tells what format the model "
		      "has for KServe");
	return mr_hint(err, "--model-format sklearn, or huggingface, onnx, "
			    "...: as a ServingRuntime has it");
}

int mr_render_format(const struct mr_render *d, const char **out,
		     const char **note, struct mreg_error *err)
{
	const struct mreg_served *s = d->s;

	*note = NULL;
	*out = d->o->model_format;
	/* An MLmodel says how it is to be loaded. */
	if (!*out && s->flavors)
		*out = "mlflow";
	if (!*out)
		*out = find(families, MR_COUNT(families), s->family);
	if (!*out)
		*out = find(formats, MR_COUNT(formats), s->format);
	if (*out)
		return 0;
	if (!mr_render_is_format(s->format))
		return fail_unknown(err);
	*out = s->format;
	*note = "no runtime that comes with KServe has this format: add one, "
		"or see --model-format";
	return 0;
}

/* What KServe makes of a split: the new revision gets its share, the one that
 * was rolled out before keeps the others.  Two are what canaryTrafficPercent
 * has words for. */
static void put_canary_notes(const struct mr_render *d, struct mr_yaml *y)
{
	MR_AUTO(mr_buf_release) struct mr_buf b = MR_BUF_INIT(1u << 12);
	const struct mr_render *own = &d->shares[0];
	const char *version = own->version[0] ? own->version : own->digest;

	mr_render_shares(d, y);
	if (d->share_count > 2) {
		mr_yaml_note(y, "canaryTrafficPercent knows two revisions, so "
				"this is the alias's own alone");
		return;
	}
	mr_buf_printf(&b,
		      "the canary: the other %u %% stay with the revision that "
		      "was rolled out before,\nwhich has to be %s; a first "
		      "revision gets everything.\nNeeds Knative, which the "
		      "annotation asks for (KServe 0.16): in Standard mode the "
		      "percentage is\nignored, and the canary would get "
		      "everything",
		      own->weight, version);
	mr_yaml_note_built(y, &b);
}

/*
 * A service that is there keeps its mode, and KServe refuses to take a file
 * with another: so one in Standard mode, which does without the percentage,
 * does not get the canary at all.
 */
static void put_annotations(const struct mr_render *d, bool canary,
			    struct mr_yaml *y)
{
	mr_yaml_map(y, "annotations");
	mr_render_annotated(d, y);
	if (canary)
		mr_yaml_own(y, "serving.kserve.io/deploymentMode", "Knative");
	mr_yaml_up(y, 1);
}

int mr_render_kserve(const struct mr_render *split, struct mr_buf *b,
		     struct mreg_error *err)
{
	/* Whose file it is: of a split of two the one that is tried. */
	const struct mr_render *d =
		split->share_count == 2 ? &split->shares[1] : split;
	struct mr_yaml y = { .b = b };
	char percent[16];
	const char *format;
	const char *note;
	int rc = mr_render_format(d, &format, &note, err);

	if (rc < 0)
		return rc;
	mr_render_head(split, &y);
	if (split->share_count)
		put_canary_notes(split, &y);
	mr_yaml_own(&y, "apiVersion", "serving.kserve.io/v1beta1");
	mr_yaml_own(&y, "kind", "InferenceService");
	mr_yaml_map(&y, "metadata");
	mr_yaml_text(&y, "name", d->name);
	put_annotations(d, d != split, &y);
	mr_yaml_up(&y, 1);
	mr_yaml_map(&y, "spec");
	mr_yaml_map(&y, "predictor");
	(void)snprintf(percent, sizeof(percent), "%u", d->weight);
	if (d != split)
		mr_yaml_own(&y, "canaryTrafficPercent", percent);
	mr_yaml_map(&y, "model");
	mr_yaml_map(&y, "modelFormat");
	if (note)
		mr_yaml_note(&y, note);
	mr_yaml_text(&y, "name", format);
	mr_yaml_up(&y, 1);
	mr_yaml_text(&y, "storageUri", d->uri);
	return 0;
}
