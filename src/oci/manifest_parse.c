/*
 * manifest_parse.c - bytes to a manifest or index that has one meaning only.
 *
 * Invariants of what is returned:
 * 1. `raw` is what came in, and `desc` its digest and size (P-06).
 * 2. The media type, of the store and of the document, and the members agree
 *    on whether it is an index (CVE-2021-41190; security.md H22, H23).
 * 3. The sizes of layers, and of children, add up to at most 2^62, so that no
 *    sum over them overflows.
 */
#include "oci/oci.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "content/digest.h"
#include "oci/document.h"
#include "oci/media.h"

#define SHOWN_BYTES 80
#define WHAT_BYTES 128
#define TOTAL_MAX_BYTES ((uint64_t)1 << 62)
/* The values of a document take at most this many times its bytes: worst is
 * an annotation of six bytes, with a pair and two aligned strings. */
#define ARENA_FACTOR 16
#define ARENA_EXTRA_BYTES (64u << 10)

/* A document on its way. */
struct parse {
	struct mr_manifest *m; /* borrowed */
	const json_t *json;    /* borrowed */
	char what[WHAT_BYTES]; /* "manifest 'sha256:...'" */
};

static int fail_type(const char *type, size_t n, const char *whose,
		     struct mreg_error *err)
{
	char shown[SHOWN_BYTES];

	(void)mr_text_safe_n(type, n, shown, sizeof(shown));
	if (mr_text_starts(type, "application/vnd.")) {
		(void)mr_fail(err, MREG_EUNSUPPORTED,
			      "manifest type '%s' (%s) cannot be read", shown,
			      whose);
		return mr_hint(err, "OCI and Docker schema 2 manifests can");
	}
	return mr_fail(err, MREG_EFORMAT,
		       "'%s' (%s) is not the type of a manifest", shown, whose);
}

/* NULL in `*out` when the store said nothing. */
static int type_of_store(const char *content_type,
			 const struct mr_manifest_type **out,
			 struct mreg_error *err)
{
	size_t n;

	*out = NULL;
	if (!content_type)
		return 0;
	content_type += strspn(content_type, " \t");
	n = strcspn(content_type, " \t;");
	*out = mr_manifest_type_get(content_type, n);
	return *out ? 0 : fail_type(content_type, n, "content type", err);
}

/* NULL in `*out` when the document does not say. */
static int type_of_document(const struct parse *p,
			    const struct mr_manifest_type **out,
			    struct mreg_error *err)
{
	const char *s = NULL;
	int rc;

	*out = NULL;
	rc = mr_json_opt_str(p->json, "mediaType", p->what, &s, err);
	if (rc < 0 || !s)
		return rc;
	*out = mr_manifest_type_get(s, strlen(s));
	return *out ? 0 : fail_type(s, strlen(s), "mediaType", err);
}

static bool has(const struct parse *p, const char *key)
{
	return json_object_get(p->json, key) != NULL;
}

static int check_schema_version(const struct parse *p, struct mreg_error *err)
{
	uint64_t version;
	int rc;

	rc = mr_json_need_u64(p->json, "schemaVersion", p->what, &version, err);
	if (rc < 0 || version == 2)
		return rc;
	if (version == 1) {
		(void)mr_fail(err, MREG_EUNSUPPORTED,
			      "%s is of Docker's schema 1", p->what);
		return mr_hint(err, "push it again with a current client");
	}
	return mr_fail(err, MREG_EFORMAT,
		       "%s has schemaVersion %" PRIu64 ", not 2", p->what,
		       version);
}

/* Decide `is_index` and the media type: invariant 2. */
static int settle_type(struct parse *p, const char *content_type,
		       struct mreg_error *err)
{
	const struct mr_manifest_type *said = NULL, *own = NULL;
	bool list = has(p, "manifests");
	bool image = has(p, "layers") || has(p, "config");
	int rc;

	rc = type_of_store(content_type, &said, err);
	if (rc == 0)
		rc = type_of_document(p, &own, err);
	if (rc == 0)
		rc = check_schema_version(p, err);
	if (rc < 0)
		return rc;
	if (said && own && said != own)
		return mr_fail(err, MREG_EFORMAT,
			       "%s says it is '%s' but came as '%s'", p->what,
			       own->name, said->name);
	if (list && image)
		return mr_fail(err, MREG_EFORMAT,
			       "%s is both manifest and index", p->what);
	if (!own)
		own = said;
	if (!own)
		own = mr_manifest_type_get(
			list ? MR_MEDIA_INDEX : MR_MEDIA_MANIFEST,
			strlen(list ? MR_MEDIA_INDEX : MR_MEDIA_MANIFEST));
	if (own->is_index ? image : list)
		return mr_fail(err, MREG_EFORMAT,
			       "%s has members that '%s' does not have",
			       p->what, own->name);
	p->m->is_index = own->is_index;
	memcpy(p->m->desc.media_type, own->name, strlen(own->name) + 1);
	return 0;
}

static int read_one(struct parse *p, const char *key, struct mr_descriptor *out,
		    struct mreg_error *err)
{
	char what[WHAT_BYTES + 32];

	(void)snprintf(what, sizeof(what), "%s of %s", key, p->what);
	if (!has(p, key))
		return mr_fail(err, MREG_EFORMAT, "%s has no %s", p->what, key);
	return mr_descriptor_read(p->m->arena, json_object_get(p->json, key),
				  what, out, err);
}

/* The array at `key`; its members are called "`name` 1", "`name` 2", ... */
static int read_many(struct parse *p, const char *key, const char *name,
		     size_t max, struct mr_descriptor **out, size_t *n,
		     struct mreg_error *err)
{
	char what[WHAT_BYTES + 64];
	struct mr_descriptor *items;
	uint64_t total = 0;
	json_t *array;
	size_t i, count;
	int rc;

	rc = mr_json_need_array(p->json, key, p->what, &array, err);
	if (rc < 0)
		return rc;
	count = json_array_size(array);
	if (count > max)
		return mr_fail(err, MREG_ELIMIT, "%s has %zu %s, more than %zu",
			       p->what, count, key, max);
	items = mr_arena_alloc(p->m->arena, count * sizeof(*items));
	if (!items)
		return mr_fail_nomem(err);
	for (i = 0; i < count; i++) {
		(void)snprintf(what, sizeof(what), "%s %zu of %s", name, i + 1,
			       p->what);
		rc = mr_descriptor_read(p->m->arena, json_array_get(array, i),
					what, &items[i], err);
		if (rc < 0)
			return rc;
		if (items[i].desc.size > TOTAL_MAX_BYTES - total)
			return mr_fail(err, MREG_EFORMAT,
				       "sizes up to %s exceed 2^62 bytes",
				       what);
		total += items[i].desc.size;
	}
	*out = items;
	*n = count;
	return 0;
}

static int read_members(struct parse *p, struct mreg_error *err)
{
	struct mr_manifest *m = p->m;
	int rc;

	if (m->is_index) {
		rc = read_many(p, "manifests", "child", MR_REFERRERS_MAX,
			       &m->children, &m->child_count, err);
	} else {
		rc = read_one(p, "config", &m->config, err);
		if (rc == 0)
			rc = read_many(p, "layers", "layer", MR_LAYERS_MAX,
				       &m->layers, &m->layer_count, err);
	}
	if (rc == 0 && has(p, "subject")) {
		rc = read_one(p, "subject", &m->subject, err);
		m->has_subject = true;
	}
	if (rc == 0)
		rc = mr_string_read(m->arena, p->json, "artifactType", p->what,
				    &m->artifact_type, err);
	if (rc == 0)
		rc = mr_annotations_read(m->arena, p->json, p->what,
					 &m->annotations, err);
	return rc;
}

/* An empty manifest that owns the raw bytes; NULL when out of memory. */
static struct mr_manifest *start(const void *bytes, size_t n)
{
	MR_AUTO(mr_arena_freep) struct mr_arena *arena = NULL;
	struct mr_manifest *m;
	char *raw;

	arena = mr_arena_new(n * ARENA_FACTOR + ARENA_EXTRA_BYTES);
	if (!arena)
		return NULL;
	m = mr_arena_alloc(arena, sizeof(*m));
	raw = mr_arena_alloc(arena, n + 1);
	if (!m || !raw || mr_digest_of(bytes, n, &m->desc.digest, NULL) < 0)
		return NULL;
	if (n) /* an empty file has no bytes to point at */
		memcpy(raw, bytes, n);
	m->raw = raw;
	m->raw_len = n;
	m->desc.size = n;
	m->arena = mr_steal(&arena);
	return m;
}

int mr_manifest_parse(const void *bytes, size_t n, const char *content_type,
		      struct mr_manifest **out, struct mreg_error *err)
{
	MR_AUTO(mr_manifest_freep) struct mr_manifest *m = NULL;
	MR_AUTO(mr_json_freep) json_t *json = NULL;
	char digest[MREG_DIGEST_TEXT];
	struct parse p;
	int rc;

	if (n > MR_MANIFEST_MAX_BYTES)
		return mr_fail(err, MREG_ELIMIT,
			       "manifest of %zu bytes is larger than %u", n,
			       MR_MANIFEST_MAX_BYTES);
	m = start(bytes, n);
	if (!m)
		return mr_fail_nomem(err);
	p.m = m;
	(void)snprintf(p.what, sizeof(p.what), "manifest '%s'",
		       mreg_digest_text(&m->desc.digest, digest));
	rc = mr_json_parse(bytes, n, MR_MANIFEST_MAX_BYTES, p.what, &json, err);
	if (rc < 0)
		return rc;
	p.json = json;
	rc = settle_type(&p, content_type, err);
	if (rc == 0)
		rc = read_members(&p, err);
	if (rc < 0)
		return rc;
	if (mr_arena_failed(m->arena))
		return mr_fail_nomem(err);
	*out = mr_steal(&m);
	return 0;
}

void mr_manifest_free(struct mr_manifest *m)
{
	if (m)
		mr_arena_free(m->arena); /* the manifest itself is in it */
}

void mr_manifest_freep(struct mr_manifest **m)
{
	mr_manifest_free(*m);
	*m = NULL;
}
