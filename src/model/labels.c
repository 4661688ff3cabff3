/*
 * labels.c - what tells the children of an index from each other.
 */
#include "model/model.h"

#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/mem.h"
#include "model/layer.h"

/* Of one child; an honest one has a dozen. */
#define LABELS_MAX 64
#define LABEL_MAX_BYTES 1024

static int add(struct mr_list *out, const char *key, const char *value,
	       struct mreg_error *err)
{
	MR_AUTO(mr_buf_release) struct mr_buf b = MR_BUF_INIT(LABEL_MAX_BYTES);

	mr_buf_printf(&b, "%s=%s", key, value);
	/* What is so long nobody types. */
	if (b.failed == MREG_ELIMIT || out->n >= LABELS_MAX)
		return 0;
	if (b.failed != MREG_OK)
		return mr_fail_nomem(err);
	return mr_list_add(out, mr_buf_text(&b), err);
}

/* Strings without quotes, the rest as JSON, as `kit index info` shows it. */
static int add_json(struct mr_list *out, const char *key, const json_t *value,
		    struct mreg_error *err)
{
	char *text;
	int rc;

	if (json_is_string(value))
		return add(out, key, json_string_value(value), err);
	text = mr_json_dump(value, JSON_COMPACT | JSON_ENCODE_ANY);
	if (!text)
		return mr_fail_nomem(err);
	rc = add(out, key, text, err);
	mr_release(text);
	return rc;
}

/* KitOps writes them beside the descriptor's own fields. */
static int add_metadata(const struct mr_manifest *index, size_t i,
			struct mr_list *out, struct mreg_error *err)
{
	MR_AUTO(mr_json_freep) json_t *j = NULL;
	json_t *metadata, *value;
	const char *key;
	int rc;

	if (!memmem(index->raw, index->raw_len, "\"modelMetadata\"",
		    strlen("\"modelMetadata\"")))
		return 0;
	rc = mr_json_parse(index->raw, index->raw_len, MR_MANIFEST_MAX_BYTES,
			   "the index", &j, err);
	if (rc < 0)
		return rc;
	metadata = json_object_get(
		json_array_get(json_object_get(j, "manifests"), i),
		"modelMetadata");
	json_object_foreach(metadata, key, value)
	{
		rc = add_json(out, key, value, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

int mr_model_labels(const struct mr_manifest *index, size_t i,
		    struct mr_list *out, struct mreg_error *err)
{
	const struct mr_descriptor *d = &index->children[i];
	const struct mreg_pair *a = d->annotations.items;
	int rc = add_metadata(index, i, out, err);
	size_t k;

	if (rc == 0 && d->os)
		rc = add(out, "os", d->os, err);
	if (rc == 0 && d->architecture)
		rc = add(out, "architecture", d->architecture, err);
	if (rc == 0 && d->artifact_type)
		rc = add(out, "artifactType", d->artifact_type, err);
	for (k = 0; k < d->annotations.n && rc == 0; k++)
		rc = add(out, a[k].name, a[k].value, err);
	return rc;
}
