/*
 * read.c - a manifest's annotations, whoever wrote them, to metadata.
 *
 * Tolerant: a reader that stopped at what it does not understand could show
 * nothing of a model that another tool, or a later mreg, has written.
 */
#include "model/meta.h"

#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"

/* Only lack of memory is a reason to stop; all else is left out. */
static int tolerate(int rc)
{
	return rc == MREG_ENOMEM ? rc : 0;
}

static int read_field(struct mr_meta *m, const struct mr_field *f,
		      const char *value, struct mreg_error *err)
{
	struct mreg_error ignored = MREG_ERROR_INIT;
	int rc;

	if (!value[0])
		return 0;
	/* Text was checked by the JSON parser, and whoever shows it escapes. */
	if (f->check == MR_FIELD_LINE || f->check == MR_FIELD_TEXT)
		return mr_meta_keep(m, value, mr_field_at(m, f), err);
	rc = tolerate(mr_meta_set(m, f->key, value, &ignored));
	return rc < 0 ? mr_fail_nomem(err) : 0;
}

static int read_entry(struct mr_meta *m, const struct mr_map *map,
		      const char *name, const char *value,
		      struct mreg_error *err)
{
	struct mreg_error ignored = MREG_ERROR_INIT;

	if (!name[0])
		return 0;
	if (strcmp(map->key, "metrics") == 0 &&
	    mr_check_metric(name, value, &ignored) < 0)
		return 0;
	if (tolerate(mr_map_append(m, map, name, value, &ignored)) < 0)
		return mr_fail_nomem(err);
	return 0;
}

static int read_authors(struct mr_meta *m, const char *value,
			struct mreg_error *err)
{
	MR_AUTO(mr_free) char *author = NULL;
	const char *end;

	while (*value) {
		end = strstr(value, MR_AUTHOR_SEPARATOR);
		mr_release(mr_steal(&author));
		author = end ? mr_strndup(value, (size_t)(end - value))
			     : mr_strdup(value);
		if (!author)
			return mr_fail_nomem(err);
		if (author[0] && m->authors.n < MR_ENTRIES_MAX &&
		    mr_list_add(&m->authors, author, err) < 0)
			return MREG_ENOMEM;
		if (!end)
			break;
		value = end + strlen(MR_AUTHOR_SEPARATOR);
	}
	return 0;
}

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text && text[0] ? text : NULL;
}

static int read_parent(struct mr_meta *m, const json_t *j,
		       struct mreg_error *err)
{
	struct mr_parent p = { text_of(j, "relation"), text_of(j, "ref"),
			       text_of(j, "digest") };
	struct mreg_error ignored = MREG_ERROR_INIT;

	if (!p.relation || !p.ref)
		return 0;
	if (p.digest && mr_check_digest("digest", p.digest, &ignored) < 0)
		p.digest = NULL;
	if (tolerate(mr_meta_append_parent(m, &p, &ignored)) < 0)
		return mr_fail_nomem(err);
	return 0;
}

static int read_input(struct mr_meta *m, const json_t *j,
		      struct mreg_error *err)
{
	struct mreg_error ignored = MREG_ERROR_INIT;
	struct mr_input in = {
		.role = text_of(j, "role"),
		.name = text_of(j, "name"),
		.uri = text_of(j, "uri"),
		.digest = text_of(j, "digest"),
		.license = text_of(j, "license"),
		.classification = text_of(j, "classification"),
		.consent = text_of(j, "consent"),
	};

	if (!in.role)
		return 0;
	if (tolerate(mr_meta_append_input(m, &in, &ignored)) < 0)
		return mr_fail_nomem(err);
	return 0;
}

typedef int (*read_fn)(struct mr_meta *m, const json_t *j,
		       struct mreg_error *err);

static int read_array(struct mr_meta *m, const char *value, read_fn one,
		      struct mreg_error *err)
{
	MR_AUTO(mr_json_freep) json_t *array = NULL;
	struct mreg_error ignored = MREG_ERROR_INIT;
	size_t i;
	int rc;

	rc = mr_json_parse(value, strlen(value), MR_MANIFEST_MAX_BYTES,
			   "annotation", &array, &ignored);
	if (rc < 0)
		return tolerate(rc) < 0 ? mr_fail_nomem(err) : 0;
	for (i = 0; i < json_array_size(array) && rc == 0; i++)
		rc = one(m, json_array_get(array, i), err);
	return rc;
}

/* What mreg writes and metadata does not hold, or a later mreg's own. */
static bool is_ours(const char *name)
{
	return mr_text_starts(name, MR_MREG_PREFIX) ||
	       strcmp(name, MR_ANNOTATION_TITLE) == 0 ||
	       strcmp(name, MR_ANNOTATION_BASE_NAME) == 0 ||
	       strcmp(name, MR_ANNOTATION_BASE_DIGEST) == 0;
}

static int read_annotation(struct mr_meta *m, const struct mreg_pair *a,
			   struct mreg_error *err)
{
	const struct mr_field *f = mr_field_by_annotation(a->name);
	const struct mr_map *map;
	size_t i;

	if (f)
		return read_field(m, f, a->value, err);
	if (strcmp(a->name, MR_ANNOTATION_AUTHORS) == 0)
		return read_authors(m, a->value, err);
	if (strcmp(a->name, MR_ANNOTATION_PARENTS) == 0)
		return read_array(m, a->value, read_parent, err);
	if (strcmp(a->name, MR_ANNOTATION_INPUTS) == 0)
		return read_array(m, a->value, read_input, err);
	for (i = 0; i < mr_map_count; i++) {
		map = &mr_maps[i];
		/* The last one's prefix is empty: free annotations. */
		if (!map->prefix[0] && is_ours(a->name))
			return 0;
		if (mr_text_starts(a->name, map->prefix))
			return read_entry(m, map, a->name + strlen(map->prefix),
					  a->value, err);
	}
	return 0;
}

int mr_meta_read(const struct mr_manifest *m, struct mr_meta *out,
		 struct mreg_error *err)
{
	size_t i;
	int rc = 0;

	for (i = 0; i < m->annotations.n && rc == 0; i++)
		rc = read_annotation(out, &m->annotations.items[i], err);
	return rc;
}
