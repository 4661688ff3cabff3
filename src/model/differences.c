/*
 * differences.c - what differs between two versions, by name.
 */
#include "model/meta.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/text.h"

/* What of the config is also an annotation: when one of these differs, the
 * config does too, and that is no news. */
static const char *const in_config[] = {
	"files",         "created", "versionLabel", "license",
	"authors",       "title",   "source",       "revision",
	"documentation", "inputs",  "description",
};

static int by_name(const void *a, const void *b)
{
	const struct mreg_pair *x = a, *y = b;

	return strcmp(x->name, y->name);
}

static int sorted_copy(const struct mr_annotations *a, struct mreg_pair **out,
		       struct mreg_error *err)
{
	*out = mr_array(a->n, sizeof(**out));
	if (!*out)
		return mr_fail_nomem(err);
	if (a->n > 0)
		memcpy(*out, a->items, a->n * sizeof(**out));
	qsort(*out, a->n, sizeof(**out), by_name);
	return 0;
}

static bool is_base(const char *name)
{
	return strcmp(name, MR_ANNOTATION_BASE_NAME) == 0 ||
	       strcmp(name, MR_ANNOTATION_BASE_DIGEST) == 0;
}

/* The key of a single field, as everywhere else; else the annotation's name
 * without what is in front of all of ours. */
static int add_name(const char *name, bool with_parents, struct mr_list *out,
		    struct mreg_error *err)
{
	size_t i;

	if (strcmp(name, MR_ANNOTATION_FILESET) == 0)
		return 0; /* looked at for itself */
	if (is_base(name)) {
		/* The first of the parents again; or all there is, of others'
		 * manifests: a name and a digest. */
		if (with_parents || mr_list_has(out, "parents"))
			return 0;
		return mr_list_add(out, "parents", err);
	}
	for (i = 0; i < mr_field_count; i++)
		if (mr_fields[i].annotation &&
		    strcmp(mr_fields[i].annotation, name) == 0)
			return mr_list_add(out, mr_fields[i].key, err);
	if (mr_text_starts(name, MR_MREG_PREFIX))
		name += strlen(MR_MREG_PREFIX);
	else if (mr_text_starts(name, MR_OCI_PREFIX))
		name += strlen(MR_OCI_PREFIX);
	return mr_list_add(out, name, err);
}

static int compare_annotations(const struct mr_manifest *a,
			       const struct mr_manifest *b, struct mr_list *out,
			       struct mreg_error *err)
{
	bool parents = mr_annotation(&a->annotations, MR_ANNOTATION_PARENTS) ||
		       mr_annotation(&b->annotations, MR_ANNOTATION_PARENTS);
	MR_AUTO(mr_free) struct mreg_pair *x = NULL;
	MR_AUTO(mr_free) struct mreg_pair *y = NULL;
	size_t i = 0;
	size_t k = 0;
	int order;
	int rc;

	rc = sorted_copy(&a->annotations, &x, err);
	if (rc == 0)
		rc = sorted_copy(&b->annotations, &y, err);
	while (rc == 0 && (i < a->annotations.n || k < b->annotations.n)) {
		if (i == a->annotations.n)
			order = 1;
		else if (k == b->annotations.n)
			order = -1;
		else
			order = strcmp(x[i].name, y[k].name);
		if (order != 0 || strcmp(x[i].value, y[k].value) != 0)
			rc = add_name(order > 0 ? y[k].name : x[i].name,
				      parents, out, err);
		i += order <= 0;
		k += order >= 0;
	}
	return rc;
}

/* From the annotation, else from the layers; unknown where a layer has no
 * path. */
static int fileset_of(const struct mr_manifest *m, struct mreg_digest *out,
		      struct mreg_error *err)
{
	const char *text =
		mr_annotation(&m->annotations, MR_ANNOTATION_FILESET);
	MR_AUTO(mr_free) struct mr_model_layer *layers = NULL;
	MR_AUTO(mr_free) struct mr_fileset_item *items = NULL;
	struct mreg_error ignored = MREG_ERROR_INIT;
	size_t n = 0;
	size_t i;
	int rc;

	memset(out, 0, sizeof(*out));
	if (text && mreg_digest_parse(text, out, &ignored) == 0)
		return 0;
	rc = mr_model_layers(m, &layers, &n, &ignored);
	if (rc < 0)
		return rc == MREG_ENOMEM ? mr_fail_nomem(err) : 0;
	items = mr_array(n, sizeof(*items));
	if (!items)
		return mr_fail_nomem(err);
	for (i = 0; i < n; i++) {
		items[i].path = layers[i].path;
		items[i].digest = &layers[i].desc.digest;
	}
	return mr_fileset_digest(items, n, out, err);
}

static bool explains_config(const struct mr_list *found, size_t from)
{
	size_t i;
	size_t k;

	for (i = from; i < found->n; i++)
		for (k = 0; k < MR_COUNT(in_config); k++)
			if (strcmp(found->items[i], in_config[k]) == 0)
				return true;
	return false;
}

int mr_model_differences(const struct mr_manifest *a,
			 const struct mr_manifest *b, struct mr_list *out,
			 struct mreg_error *err)
{
	struct mreg_digest x, y;
	size_t before = out->n;
	int rc;

	rc = compare_annotations(a, b, out, err);
	if (rc == 0)
		rc = fileset_of(a, &x, err);
	if (rc == 0)
		rc = fileset_of(b, &y, err);
	if (rc == 0 && !mreg_digest_equal(&x, &y))
		rc = mr_list_add(out, "files", err);
	if (rc == 0 && !explains_config(out, before) &&
	    !mreg_digest_equal(&a->config.desc.digest, &b->config.desc.digest))
		rc = mr_list_add(out, "config", err);
	if (rc == 0)
		mr_list_sort(out);
	return rc;
}
