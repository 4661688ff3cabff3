/*
 * layout_entry.c - index.json of an OCI layout as a value: its entries, found
 * and changed.
 */
#include "store/layout_entry.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "base/mem.h"
#include "content/digest.h"

#define REF_NAME "org.opencontainers.image.ref.name"

static json_t *entries_of(const json_t *index)
{
	return json_object_get(index, "manifests");
}

static const char *ref_name(const json_t *entry)
{
	return json_string_value(json_object_get(
		json_object_get(entry, "annotations"), REF_NAME));
}

static bool has_tag(const json_t *entry, const char *tag)
{
	const char *name = ref_name(entry);

	return name && strcmp(name, tag) == 0;
}

const char *mr_entries_tag(const json_t *entry)
{
	const char *name = ref_name(entry);

	return name && mr_tag_kind(name) != MR_TAG_INVALID ? name : NULL;
}

int mr_entries_parse(const void *bytes, size_t n, const char *where,
		     json_t **out, struct mreg_error *err)
{
	MR_AUTO(mr_json_freep) json_t *json = NULL;
	char what[PATH_MAX + 64];
	json_t *entries = NULL;
	int rc;

	(void)snprintf(what, sizeof(what), "'%s'", where);
	rc = mr_json_parse(bytes, n, MR_LAYOUT_INDEX_MAX_BYTES, what, &json,
			   err);
	if (rc == 0)
		rc = mr_json_need_array(json, "manifests", what, &entries, err);
	if (rc == 0)
		*out = mr_steal(&json);
	return rc;
}

int mr_entries_read(const json_t *entry, const char *where, const char *tag,
		    struct mreg_desc *out, struct mreg_error *err)
{
	char what[PATH_MAX + 200];
	const char *type = NULL;
	const char *digest = NULL;
	int rc;

	(void)snprintf(what, sizeof(what), "entry of tag '%s' in '%s'", tag,
		       where);
	rc = mr_json_need_str(entry, "mediaType", what, &type, err);
	if (rc == 0)
		rc = mr_json_need_str(entry, "digest", what, &digest, err);
	if (rc == 0)
		rc = mr_json_need_u64(entry, "size", what, &out->size, err);
	if (rc < 0)
		return rc;
	if (strlen(type) >= sizeof(out->media_type) ||
	    !mr_media_type_valid(type))
		return mr_fail(err, MREG_EFORMAT, "%s has no valid media type",
			       what);
	if (mreg_digest_parse(digest, &out->digest, NULL) < 0)
		return mr_fail(err, MREG_EFORMAT, "%s has no valid digest",
			       what);
	(void)snprintf(out->media_type, sizeof(out->media_type), "%s", type);
	return 0;
}

int mr_entries_find(const json_t *index, const char *where, const char *tag,
		    struct mreg_desc *out, bool *found, struct mreg_error *err)
{
	const json_t *last = NULL;
	json_t *entry;
	size_t i;

	json_array_foreach(entries_of(index), i, entry)
	{
		if (has_tag(entry, tag))
			last = entry;
	}
	*found = last != NULL;
	return last ? mr_entries_read(last, where, tag, out, err) : 0;
}

int mr_entries_map(const json_t *index, json_t **out, struct mreg_error *err)
{
	MR_AUTO(mr_json_freep) json_t *map = json_object();
	json_t *entry;
	size_t i;

	if (!map)
		return mr_fail_nomem(err);
	json_array_foreach(entries_of(index), i, entry)
	{
		const char *tag = mr_entries_tag(entry);

		if (tag && json_object_set(map, tag, entry) < 0)
			return mr_fail_nomem(err);
	}
	*out = mr_steal(&map);
	return 0;
}

int mr_entries_tags(const json_t *index, struct mr_list *out,
		    struct mreg_error *err)
{
	json_t *entry;
	size_t i, n = 0;
	int rc;

	json_array_foreach(entries_of(index), i, entry)
	{
		const char *tag = mr_entries_tag(entry);

		if (!tag)
			continue;
		rc = mr_list_add(out, tag, err);
		if (rc < 0)
			return rc;
	}
	mr_list_sort(out);
	/* Others may have written one name twice. */
	for (i = 0; i < out->n; i++) {
		if (n > 0 && strcmp(out->items[n - 1], out->items[i]) == 0)
			mr_release(out->items[i]);
		else
			out->items[n++] = out->items[i];
	}
	out->n = n;
	return 0;
}

json_t *mr_entries_entry(const char *tag, const struct mreg_desc *d,
			 const char *artifact_type)
{
	char text[MREG_DIGEST_TEXT];

	mreg_digest_text(&d->digest, text);
	if (!tag)
		return json_pack("{s:s, s:s, s:I, s:s*}", "mediaType",
				 d->media_type, "digest", text, "size",
				 (json_int_t)d->size, "artifactType",
				 artifact_type);
	return json_pack("{s:s, s:s, s:I, s:s*, s:{s:s}}", "mediaType",
			 d->media_type, "digest", text, "size",
			 (json_int_t)d->size, "artifactType", artifact_type,
			 "annotations", REF_NAME, tag);
}

/* Whether the entry names exactly `d`. */
static bool names(const json_t *entry, const struct mreg_desc *d)
{
	char text[MREG_DIGEST_TEXT];
	const char *type, *digest;

	type = json_string_value(json_object_get(entry, "mediaType"));
	digest = json_string_value(json_object_get(entry, "digest"));
	return type && strcmp(type, d->media_type) == 0 && digest &&
	       strcmp(digest, mreg_digest_text(&d->digest, text)) == 0 &&
	       json_integer_value(json_object_get(entry, "size")) ==
		       (json_int_t)d->size;
}

/* Put `entry` (taken; NULL: nothing) in the place of what has the tag. */
static int replace(json_t *entries, const char *tag, json_t *entry,
		   struct mreg_error *err)
{
	size_t i = 0;

	while (i < json_array_size(entries)) {
		if (!has_tag(json_array_get(entries, i), tag)) {
			i++;
			continue;
		}
		if (!entry) {
			(void)json_array_remove(entries, i); /* i is in range */
			continue;
		}
		if (json_array_set_new(entries, i, entry) < 0)
			return mr_fail_nomem(err);
		entry = NULL;
		i++;
	}
	if (entry && json_array_append_new(entries, entry) < 0)
		return mr_fail_nomem(err);
	return 0;
}

int mr_entries_point(json_t *index, const char *tag, const struct mreg_desc *d,
		     const char *artifact_type, bool *found, bool *changed,
		     struct mreg_error *err)
{
	json_t *entries = entries_of(index);
	json_t *entry = NULL;
	size_t i, same = 0, tagged = 0;

	json_array_foreach(entries, i, entry)
	{
		tagged += has_tag(entry, tag);
		same += d && has_tag(entry, tag) && names(entry, d);
	}
	*found = tagged > 0;
	*changed = d ? tagged != 1 || same != 1 : tagged != 0;
	if (!*changed)
		return 0;
	entry = d ? mr_entries_entry(tag, d, artifact_type) : NULL;
	if (d && !entry)
		return mr_fail_nomem(err);
	return replace(entries, tag, entry, err);
}

int mr_entries_list(json_t *index, const struct mreg_desc *d,
		    const char *artifact_type, bool *changed,
		    struct mreg_error *err)
{
	json_t *entry;
	size_t i;

	*changed = false;
	json_array_foreach(entries_of(index), i, entry)
	{
		if (!ref_name(entry) && names(entry, d))
			return 0;
	}
	entry = mr_entries_entry(NULL, d, artifact_type);
	if (!entry || json_array_append_new(entries_of(index), entry) < 0)
		return mr_fail_nomem(err);
	*changed = true;
	return 0;
}

void mr_entries_unlist(json_t *index, const struct mreg_digest *digest,
		       bool *changed)
{
	json_t *entries = entries_of(index);
	char text[MREG_DIGEST_TEXT];
	size_t i = 0;

	(void)mreg_digest_text(digest, text);
	*changed = false;
	while (i < json_array_size(entries)) {
		const json_t *entry = json_array_get(entries, i);
		const char *named =
			json_string_value(json_object_get(entry, "digest"));

		if (ref_name(entry) || !named || strcmp(named, text) != 0) {
			i++;
			continue;
		}
		(void)json_array_remove(entries, i); /* i is in range */
		*changed = true;
	}
}

static int add_text(const char *text, size_t n, void *buf)
{
	mr_buf_add(buf, text, n);
	return 0;
}

int mr_entries_write(const json_t *index, const char *where, struct mr_buf *out,
		     struct mreg_error *err)
{
	if (json_dump_callback(index, add_text, out, JSON_COMPACT) < 0)
		return mr_fail_nomem(err);
	return mr_buf_check(out, where, err);
}
