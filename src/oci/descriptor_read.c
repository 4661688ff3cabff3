/*
 * descriptor_read.c - parsed JSON to descriptors and annotations, refusing
 * what could mean two things or become a path (security.md H20, H28).
 */
#include "oci/oci.h"

#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "base/text.h"
#include "oci/document.h"

#define SHOWN_BYTES 80

int mr_string_read(struct mr_arena *arena, const json_t *object,
		   const char *key, const char *what, const char **out,
		   struct mreg_error *err)
{
	const char *s = NULL;
	int rc;

	rc = mr_json_opt_str(object, key, what, &s, err);
	if (rc == 0 && s)
		*out = mr_arena_strdup(arena, s);
	return rc;
}

int mr_annotations_read(struct mr_arena *arena, const json_t *object,
			const char *what, struct mr_annotations *out,
			struct mreg_error *err)
{
	char shown[SHOWN_BYTES];
	json_t *annotations = NULL;
	const char *key, *value;
	json_t *j;
	int rc;

	rc = mr_json_opt_object(object, "annotations", what, &annotations, err);
	if (rc < 0 || !annotations || json_object_size(annotations) == 0)
		return rc;
	out->items = mr_arena_alloc(arena, json_object_size(annotations) *
						   sizeof(*out->items));
	if (!out->items)
		return mr_fail_nomem(err);
	json_object_foreach(annotations, key, j)
	{
		value = json_string_value(j);
		if (!value)
			return mr_fail(err, MREG_EFORMAT,
				       "annotation '%s' of %s is not a string",
				       mr_text_safe(key, shown, sizeof(shown)),
				       what);
		out->items[out->n].name = mr_arena_strdup(arena, key);
		out->items[out->n].value = mr_arena_strdup(arena, value);
		out->n++;
	}
	return 0;
}

static int read_media_type(const json_t *j, const char *what,
			   struct mreg_desc *out, struct mreg_error *err)
{
	char shown[SHOWN_BYTES];
	const char *s;
	int rc;

	rc = mr_json_need_str(j, "mediaType", what, &s, err);
	if (rc < 0)
		return rc;
	/* The grammar allows 255 bytes, which is what the field holds. */
	if (!mr_media_type_valid(s))
		return mr_fail(err, MREG_EFORMAT,
			       "media type '%s' of %s is malformed",
			       mr_text_safe(s, shown, sizeof(shown)), what);
	memcpy(out->media_type, s, strlen(s) + 1);
	return 0;
}

static int read_digest(const json_t *j, const char *what, struct mreg_desc *out,
		       struct mreg_error *err)
{
	char shown[SHOWN_BYTES];
	const char *s;
	int rc;

	rc = mr_json_need_str(j, "digest", what, &s, err);
	if (rc < 0)
		return rc;
	if (mreg_digest_parse(s, &out->digest, NULL) < 0)
		return mr_fail(err, MREG_EFORMAT,
			       "digest '%s' of %s is neither sha256 nor sha512",
			       mr_text_safe(s, shown, sizeof(shown)), what);
	return 0;
}

static int read_platform(struct mr_arena *arena, const json_t *j,
			 const char *what, struct mr_descriptor *out,
			 struct mreg_error *err)
{
	json_t *platform = NULL;
	int rc;

	rc = mr_json_opt_object(j, "platform", what, &platform, err);
	if (rc < 0 || !platform)
		return rc;
	rc = mr_string_read(arena, platform, "os", what, &out->os, err);
	if (rc < 0)
		return rc;
	rc = mr_string_read(arena, platform, "architecture", what,
			    &out->architecture, err);
	return rc < 0 ? rc
		      : mr_string_read(arena, platform, "variant", what,
				       &out->variant, err);
}

int mr_descriptor_read(struct mr_arena *arena, const json_t *j,
		       const char *what, struct mr_descriptor *out,
		       struct mreg_error *err)
{
	int rc;

	rc = read_media_type(j, what, &out->desc, err);
	if (rc == 0)
		rc = read_digest(j, what, &out->desc, err);
	if (rc == 0)
		rc = mr_json_need_u64(j, "size", what, &out->desc.size, err);
	if (rc == 0)
		rc = mr_string_read(arena, j, "data", what, &out->data, err);
	if (rc == 0)
		rc = mr_string_read(arena, j, "artifactType", what,
				    &out->artifact_type, err);
	if (rc == 0)
		rc = read_platform(arena, j, what, out, err);
	if (rc == 0)
		rc = mr_annotations_read(arena, j, what, &out->annotations,
					 err);
	return rc;
}
