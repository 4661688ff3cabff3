/*
 * fields.c - where each piece of metadata lives: its key in a metadata file,
 * its member, its annotation.
 */
#include "model/meta.h"

#include <string.h>

#include "base/mem.h"

/* spec/metadata.md and spec/annotations.md are this table in prose. */
const struct mr_field mr_fields[] = {
	{ "architecture", offsetof(struct mr_meta, architecture), NULL,
	  MR_FIELD_LINE },
	{ "family", offsetof(struct mr_meta, family), NULL, MR_FIELD_LINE },
	{ "paramSize", offsetof(struct mr_meta, param_size), NULL,
	  MR_FIELD_LINE },
	{ "parameters", offsetof(struct mr_meta, parameters),
	  MR_MREG_PREFIX "parameters", MR_FIELD_COUNT },
	{ "precision", offsetof(struct mr_meta, precision), NULL,
	  MR_FIELD_LINE },
	{ "quantization", offsetof(struct mr_meta, quantization), NULL,
	  MR_FIELD_LINE },
	{ "format", offsetof(struct mr_meta, format), NULL, MR_FIELD_LINE },
	{ "vendor", offsetof(struct mr_meta, vendor), NULL, MR_FIELD_LINE },
	{ "created", offsetof(struct mr_meta, created), MR_OCI_PREFIX "created",
	  MR_FIELD_TIME },
	{ "versionLabel", offsetof(struct mr_meta, version_label),
	  MR_OCI_PREFIX "version", MR_FIELD_LINE },
	{ "description", offsetof(struct mr_meta, description),
	  MR_OCI_PREFIX "description", MR_FIELD_TEXT },
	{ "license", offsetof(struct mr_meta, licenses),
	  MR_OCI_PREFIX "licenses", MR_FIELD_LINE },
	{ "source", offsetof(struct mr_meta, source), MR_OCI_PREFIX "source",
	  MR_FIELD_LINE },
	{ "revision", offsetof(struct mr_meta, revision),
	  MR_OCI_PREFIX "revision", MR_FIELD_LINE },
	{ "url", offsetof(struct mr_meta, url), MR_OCI_PREFIX "url",
	  MR_FIELD_LINE },
	{ "documentation", offsetof(struct mr_meta, documentation),
	  MR_OCI_PREFIX "documentation", MR_FIELD_LINE },
	{ "runId", offsetof(struct mr_meta, run_id), MR_MREG_PREFIX "run.id",
	  MR_FIELD_LINE },
	{ "runUrl", offsetof(struct mr_meta, run_url), MR_MREG_PREFIX "run.url",
	  MR_FIELD_LINE },
	{ "because", offsetof(struct mr_meta, because),
	  MR_MREG_PREFIX "because", MR_FIELD_DIGEST },
	{ "environment", offsetof(struct mr_meta, environment),
	  MR_MREG_PREFIX "environment", MR_FIELD_TEXT },
	{ "signature", offsetof(struct mr_meta, signature),
	  MR_MREG_PREFIX "signature", MR_FIELD_JSON },
	{ "kind", offsetof(struct mr_meta, kind), MR_MREG_PREFIX "kind",
	  MR_FIELD_KIND },
};
const size_t mr_field_count = MR_COUNT(mr_fields);

const struct mr_map mr_maps[] = {
	{ "metrics", "metric", MR_METRIC_PREFIX,
	  offsetof(struct mr_meta, metrics),
	  offsetof(struct mr_meta, metric_count),
	  offsetof(struct mr_meta, metric_cap) },
	{ "params", "param", MR_PARAM_PREFIX, offsetof(struct mr_meta, params),
	  offsetof(struct mr_meta, param_count),
	  offsetof(struct mr_meta, param_cap) },
	{ "tags", "tag", MR_TAG_PREFIX, offsetof(struct mr_meta, tags),
	  offsetof(struct mr_meta, tag_count),
	  offsetof(struct mr_meta, tag_cap) },
	{ "annotations", "annotation", "",
	  offsetof(struct mr_meta, annotations),
	  offsetof(struct mr_meta, annotation_count),
	  offsetof(struct mr_meta, annotation_cap) },
};
const size_t mr_map_count = MR_COUNT(mr_maps);

const struct mr_field *mr_field_by_key(const char *key)
{
	size_t i;

	for (i = 0; i < mr_field_count; i++)
		if (strcmp(mr_fields[i].key, key) == 0)
			return &mr_fields[i];
	return NULL;
}

const struct mr_field *mr_field_by_annotation(const char *annotation)
{
	size_t i;

	for (i = 0; i < mr_field_count; i++)
		if (mr_fields[i].annotation &&
		    strcmp(mr_fields[i].annotation, annotation) == 0)
			return &mr_fields[i];
	return NULL;
}

const char **mr_field_at(struct mr_meta *m, const struct mr_field *f)
{
	return (const char **)(void *)((char *)m + f->offset);
}

const char *mr_field_get(const struct mr_meta *m, const struct mr_field *f)
{
	return *(const char *const *)(const void *)((const char *)m +
						    f->offset);
}

const struct mr_map *mr_map_by_key(const char *key)
{
	size_t i;

	for (i = 0; i < mr_map_count; i++)
		if (strcmp(mr_maps[i].key, key) == 0)
			return &mr_maps[i];
	return NULL;
}

const struct mreg_pair *mr_map_get(const struct mr_meta *m,
				   const struct mr_map *map, size_t *count)
{
	const char *base = (const char *)m;

	*count = *(const size_t *)(const void *)(base + map->count);
	return *(struct mreg_pair *const *)(const void *)(base + map->items);
}
