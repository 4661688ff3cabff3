/*
 * tests/support/fakereg_manifest.c - manifests in and out of the fake
 * registry, and the tags that name them.
 */
#include "tests/support/fakereg_inside.h"

#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

#define MANIFEST_MAX (4u << 20)

/* Docker Hub: HEAD costs nothing (P-93). */
static bool busy(struct fake_call *x)
{
	unsigned int every = x->f->o.busy_every;

	if (!every || strcmp(x->rq->method, "GET") != 0 ||
	    ++x->f->manifest_gets % every != 0)
		return false;
	fake_error(x->a, 429, "TOOMANYREQUESTS",
		   "You have reached your pull rate limit", NULL);
	fake_set(x->a, "Retry-After", "1");
	return true;
}

static bool has_already(struct fake_call *x, const char *digest)
{
	char etag[160];

	(void)snprintf(etag, sizeof(etag), "\"%s\"", digest);
	fake_set(x->a, "ETag", "%s", etag);
	if (strcmp(fake_header(x->c, "If-None-Match"), etag) != 0)
		return false;
	x->a->status = 304;
	return true;
}

void fake_get_manifest(struct fake_call *x, const char *ref)
{
	const struct fake_blob *m = fake_manifest_find(x->f, x->repo, ref);
	bool head = strcmp(x->rq->method, "HEAD") == 0;

	if (busy(x))
		return;
	if (!m && head && x->f->o.missing_head) {
		fake_error(x->a, (int)x->f->o.missing_head, "DENIED",
			   "requested access is denied", NULL);
		return;
	}
	/* P-60: unknown unless its type is accepted. */
	if (!m || !strstr(fake_header(x->c, "Accept"), m->type)) {
		fake_error(x->a, 404, "MANIFEST_UNKNOWN", "manifest unknown",
			   ref);
		return;
	}
	x->a->status = 200;
	fake_set_digest(x, m->digest);
	if (x->f->o.etags && has_already(x, m->digest))
		return;
	fake_set(x->a, "Content-Type", "%s", m->type);
	x->a->bytes = m->data;
	x->a->bytes_len = m->len;
}

static const char *digest_at(json_t *list, size_t i)
{
	return json_string_value(
		json_object_get(json_array_get(list, i), "digest"));
}

/* Add to `errors` what of `list` is not there. */
static void add_lacks(struct fake_call *x, json_t *list, bool manifests,
		      json_t *errors)
{
	struct fake_repo *r = fake_repo_get(x->f, x->repo, true);
	const char *digest;
	size_t i;

	for (i = 0; i < json_array_size(list); i++) {
		digest = digest_at(list, i);
		if (digest &&
		    fake_blob_find(manifests ? r->manifests : r->blobs, digest))
			continue;
		(void)json_array_append_new(
			errors, json_pack("{s:s,s:s,s:s*}", "code",
					  "MANIFEST_BLOB_UNKNOWN", "message",
					  "blob unknown to registry", "detail",
					  digest));
	}
}

/* Whether all that `doc` names is there; else all that is not is told. */
static bool has_all(struct fake_call *x, json_t *doc)
{
	json_t *config = json_object_get(doc, "config");
	json_t *one = json_array();
	json_t *errors = json_array();
	bool ok;

	if (config)
		(void)json_array_append(one, config);
	add_lacks(x, one, false, errors);
	add_lacks(x, json_object_get(doc, "layers"), false, errors);
	add_lacks(x, json_object_get(doc, "manifests"), true, errors);
	json_decref(one);
	ok = json_array_size(errors) == 0;
	if (ok) {
		json_decref(errors);
		return true;
	}
	fake_send_json(x->a, json_pack("{s:o}", "errors", errors));
	x->a->status = 400;
	return false;
}

static bool is_named(const struct fake_repo *r, const char *digest)
{
	const struct fake_blob *m = r->manifests;

	while (m && !strstr(m->data, digest))
		m = m->next;
	return m != NULL;
}

/* B-22: collected between the look and the manifest; what another manifest
 * names is safe. */
static void forget(struct fake_call *x, json_t *list, struct fake_blob **of)
{
	const struct fake_repo *r = fake_repo_get(x->f, x->repo, true);
	const char *digest;
	size_t i;

	for (i = 0; i < json_array_size(list); i++) {
		digest = digest_at(list, i);
		if (digest && !is_named(r, digest))
			fake_blob_forget(x->f, of, digest);
	}
}

static void forget_all(struct fake_call *x, json_t *doc)
{
	struct fake_repo *r = fake_repo_get(x->f, x->repo, true);

	forget(x, json_object_get(doc, "layers"), &r->blobs);
	forget(x, json_object_get(doc, "manifests"), &r->manifests);
}

/* B-20: a part of `doc` that is there is not seen yet, the first time. */
static bool late(struct fake_call *x, const char *digest, json_t *doc)
{
	json_t *part = json_object_get(doc, "config");
	bool hide = x->fault && x->fault->hide;

	if (!hide &&
	    (!x->f->o.late_blobs || fake_blob_find(x->f->refused, digest)))
		return false;
	if (!part)
		part = json_array_get(json_object_get(doc, "manifests"), 0);
	fake_blob_add(x->f, &x->f->refused, digest, "", "", 0);
	fake_error(x->a, 400, "MANIFEST_BLOB_UNKNOWN",
		   "blob unknown to registry",
		   json_string_value(json_object_get(part, "digest")));
	return true;
}

static bool complete(struct fake_call *x, const char *digest,
		     const struct fake_bytes *body)
{
	json_t *doc =
		json_loadb(body->data ? body->data : "", body->len, 0, NULL);
	bool ok = json_is_object(doc);

	if (!ok)
		fake_error(x->a, 400, "MANIFEST_INVALID", "manifest invalid",
			   "no JSON object");
	else if (x->fault && x->fault->forget)
		forget_all(x, doc);
	ok = ok && has_all(x, doc) && !late(x, digest, doc);
	json_decref(doc);
	return ok;
}

const char *fake_subject_of(const char *text, size_t n, char out[144])
{
	json_t *doc = json_loadb(text, n, 0, NULL);
	const char *digest = json_string_value(
		json_object_get(json_object_get(doc, "subject"), "digest"));

	(void)snprintf(out, 144, "%s", digest ? digest : "");
	json_decref(doc);
	return out;
}

/* Whether `tag` is one of `patterns`, which have commas in between. */
static bool is_any_of(const char *patterns, const char *tag)
{
	char one[64];
	size_t n;

	for (; *patterns; patterns += n + (patterns[n] == ',')) {
		n = strcspn(patterns, ",");
		(void)snprintf(one, sizeof(one), "%.*s", (int)n, patterns);
		if (fnmatch(one, tag, 0) == 0)
			return true;
	}
	return false;
}

static bool may_not_change(const struct fakereg_opts *o, const char *tag)
{
	return o->immutable_tags &&
	       (!o->immutable || is_any_of(o->immutable, tag));
}

static bool is_fixed(struct fake_call *x, const char *tag, const char *digest)
{
	const struct fakereg_opts *o = &x->f->o;
	struct fake_repo *r = fake_repo_get(x->f, x->repo, true);
	struct fake_tag *t = fake_tag_find(r, tag);

	if (!t || !may_not_change(o, tag) || strcmp(t->digest, digest) == 0)
		return false;
	if (o->immutable_status == 412)
		fake_error(x->a, 412, "PRECONDITION",
			   "configured as immutable, cannot be updated", tag);
	else if (o->immutable_status == 400)
		fake_error(x->a, 400, "ImageTagAlreadyExistsException",
			   "the image tag already exists and cannot be "
			   "overwritten because the tag is immutable",
			   tag);
	else if (o->immutable_status == 403)
		fake_error(x->a, 403, "DENIED",
			   "requested access to the resource is denied", tag);
	else
		fake_error(x->a, 409, "TAG_IMMUTABLE", "tag is immutable", tag);
	return true;
}

static void keep(struct fake_call *x, const char *ref, const char *digest,
		 const struct fake_bytes *body)
{
	const struct fakereg_opts *o = &x->f->o;
	struct fake_repo *r = fake_repo_get(x->f, x->repo, true);
	const char *text = body->data ? body->data : "";
	char subject[144];

	fake_blob_add(x->f, &r->manifests, digest,
		      fake_header(x->c, "Content-Type"), text, body->len);
	(void)fake_subject_of(text, body->len, subject);
	if (!strchr(ref, ':'))
		fake_tag_set(r, ref, digest);
	else if (o->untagged_uses && !subject[0])
		r->manifests->last_turn = x->f->turn + o->untagged_uses;
	x->a->status = 201;
	if (!o->no_manifest_location)
		fake_set(x->a, "Location", "/v2/%s/manifests/%s", x->repo,
			 digest);
	if (subject[0] && o->referrers && !o->no_subject_header)
		fake_set(x->a, "OCI-Subject", "%s", subject);
	fake_set_digest(x, digest);
}

static void store_manifest(struct fake_call *x, const char *ref,
			   const struct fake_bytes *body)
{
	const struct fakereg_opts *o = &x->f->o;
	bool by_digest = strchr(ref, ':') != NULL;
	char digest[144];

	fake_digest("sha256", body->data ? body->data : "", body->len, digest);
	if (by_digest && strcmp(ref, digest) != 0)
		fake_error(x->a, 400, "DIGEST_INVALID", "digest differs", NULL);
	else if (body->len > (o->manifest_max ? o->manifest_max : MANIFEST_MAX))
		fake_error(x->a, 413, "SIZE_INVALID", "manifest too large",
			   NULL);
	else if (!is_fixed(x, ref, digest) && complete(x, digest, body))
		keep(x, ref, digest, body);
}

bool fake_put_manifest(struct fake_call *x, const char *ref)
{
	struct fake_bytes body = { .data = NULL };
	bool ok = fake_take_body(x, &body);

	if (ok)
		store_manifest(x, ref, &body);
	fake_release(&body);
	return ok;
}

void fake_delete_manifest(struct fake_call *x, const char *ref)
{
	const struct fakereg_opts *o = &x->f->o;
	struct fake_repo *r = fake_repo_get(x->f, x->repo, false);

	if (!o->tag_delete || strchr(ref, ':'))
		fake_error(x->a, o->delete_status ? (int)o->delete_status : 400,
			   "UNSUPPORTED", "tags cannot be deleted", NULL);
	else if (fake_tag_find(r, ref) && may_not_change(o, ref))
		fake_error(x->a, 412, "PRECONDITION",
			   "configured as immutable, cannot be deleted", ref);
	else if (fake_tag_drop(r, ref))
		x->a->status = 202;
	else
		fake_error(x->a, 404, "MANIFEST_UNKNOWN", "manifest unknown",
			   NULL);
}
