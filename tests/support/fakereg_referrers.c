/*
 * tests/support/fakereg_referrers.c - who names a manifest as its subject.
 */
#include "tests/support/fakereg_inside.h"

#include <stdlib.h>
#include <string.h>

#define REFERRERS_MAX 4096
#define INDEX_TYPE "application/vnd.oci.image.index.v1+json"

/* The artifact type of `doc`: its own, else its configuration's. */
static json_t *type_of(json_t *doc)
{
	json_t *type = json_object_get(doc, "artifactType");

	return type ? type
		    : json_object_get(json_object_get(doc, "config"),
				      "mediaType");
}

static json_t *describe(const struct fake_blob *m)
{
	json_t *doc = json_loadb(m->data, m->len, 0, NULL);
	json_t *out = json_pack("{s:s,s:s,s:I}", "mediaType", m->type, "digest",
				m->digest, "size", (json_int_t)m->len);

	if (type_of(doc))
		(void)json_object_set(out, "artifactType", type_of(doc));
	if (json_object_get(doc, "annotations"))
		(void)json_object_set(out, "annotations",
				      json_object_get(doc, "annotations"));
	json_decref(doc);
	return out;
}

static int by_digest(const void *a, const void *b)
{
	const struct fake_blob *x = *(const struct fake_blob *const *)a;
	const struct fake_blob *y = *(const struct fake_blob *const *)b;

	return strcmp(x->digest, y->digest);
}

static size_t find(const struct fake_repo *r, const char *digest,
		   const struct fake_blob **out)
{
	const struct fake_blob *m;
	char subject[144];
	size_t n = 0;

	for (m = r->manifests; m && n < REFERRERS_MAX; m = m->next)
		if (strcmp(fake_subject_of(m->data, m->len, subject), digest) ==
		    0)
			out[n++] = m;
	qsort(out, n, sizeof(out[0]), by_digest);
	return n;
}

/* The page of those after `last`; true: there are more. */
static bool fill(struct fake_call *x, const char *type, const char *last,
		 const struct fake_blob **found, size_t n, json_t *list)
{
	unsigned int page = x->f->o.page ? x->f->o.page : REFERRERS_MAX;
	const char *have;
	json_t *d;
	size_t i;

	for (i = 0; i < n; i++) {
		if (strcmp(found[i]->digest, last) <= 0)
			continue;
		if (json_array_size(list) == page)
			return true;
		d = describe(found[i]);
		have = json_string_value(json_object_get(d, "artifactType"));
		if (type[0] && (!have || strcmp(have, type) != 0))
			json_decref(d);
		else
			(void)json_array_append_new(list, d);
	}
	return false;
}

static void send_list(struct fake_call *x, const char *type, json_t *list,
		      bool more)
{
	const char *last = json_string_value(json_object_get(
		json_array_get(list, json_array_size(list) - 1), "digest"));

	if (more)
		fake_set(x->a, "Link", "<%s?%s%s%slast=%s>; rel=\"next\"",
			 x->rq->path, type[0] ? "artifactType=" : "", type,
			 type[0] ? "&" : "", last);
	fake_send_json(x->a,
		       json_pack("{s:i,s:s,s:o}", "schemaVersion", 2,
				 "mediaType", INDEX_TYPE, "manifests", list));
	fake_set(x->a, "Content-Type", "%s", INDEX_TYPE);
	if (type[0])
		fake_set(x->a, "OCI-Filters-Applied", "artifactType");
}

void fake_list_referrers(struct fake_call *x, const char *digest)
{
	struct fake_repo *r = fake_repo_get(x->f, x->repo, false);
	const struct fake_blob *found[REFERRERS_MAX];
	char type[256] = "", last[144];
	json_t *list;
	size_t n;
	bool more;

	if (!r) {
		fake_error(x->a, 404, "NAME_UNKNOWN",
			   "repository name not known to registry", x->repo);
		return;
	}
	if (x->f->o.absent_404 && !fake_manifest_find(x->f, x->repo, digest)) {
		if (x->f->o.absent_code)
			fake_error(x->a, 404, x->f->o.absent_code,
				   "manifest unknown", digest);
		else
			x->a->status = 404;
		return;
	}
	n = find(r, digest, found);
	if (!x->f->o.no_filters)
		(void)fake_param(x->rq->query, "artifactType", 0, type,
				 sizeof(type));
	(void)fake_param(x->rq->query, "last", 0, last, sizeof(last));
	list = json_array();
	more = fill(x, type, last, found, n, list);
	send_list(x, type, list, more);
}
