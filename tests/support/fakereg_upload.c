/*
 * tests/support/fakereg_upload.c - blobs into the fake registry: sessions and
 * what real registries make of them.
 */
#include "tests/support/fakereg_inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void invalid(struct fake_call *x, int status, const char *code,
		    const char *message)
{
	fake_error(x->a, status, code, message, NULL);
}

static bool located(const struct fakereg_opts *o, const char *how)
{
	return o->location && strcmp(o->location, how) == 0;
}

/* Where the session goes on, in the form that the options want. */
static void tell_location(struct fake_call *x, const struct fake_session *s)
{
	const struct fakereg_opts *o = &x->f->o;
	const char *scheme = "", *host = "";
	char folder[300] =
		""; /* of the requests: nothing is a fine reference */

	if (o->upload_elsewhere || (o->location && !located(o, "relative")))
		host = o->upload_elsewhere ? x->f->elsewhere : x->f->host;
	if (*host && !located(o, "bare"))
		scheme = "http://";
	if (*host || !located(o, "relative"))
		(void)snprintf(folder, sizeof(folder), "/v2/%s/blobs/uploads/",
			       s->repo);
	fake_set(x->a, "Location", "%s%s%s%s?_state=a%%2fb%%3D%u&x=%%7e",
		 scheme, host, folder, s->id, s->turn);
}

/* How far it is, as P-47 has found it said. */
static void tell_range(struct fake_call *x, const struct fake_session *s)
{
	size_t n = s->data.len;
	bool status = strcmp(x->rq->method, "GET") == 0;

	if (x->f->o.stale_range && s->patches > 1)
		n = s->first;
	if (x->f->o.quay_ranges && status)
		fake_set(x->a, "Range", "bytes=0-%zu", n);
	else if (x->f->o.quay_ranges && n == 0)
		fake_set(x->a, "Range", "bytes=0--1");
	else
		fake_set(x->a, "Range", "0-%zu", n ? n - 1 : 0);
}

static void accepted(struct fake_call *x, struct fake_session *s, int status)
{
	s->turn++;
	x->a->status = status;
	tell_location(x, s);
	tell_range(x, s);
	fake_set(x->a, "Docker-Upload-UUID", "%s", s->id);
	if (x->f->o.chunk_min)
		fake_set(x->a, "OCI-Chunk-Min-Length", "%zu",
			 x->f->o.chunk_min);
}

static void created(struct fake_call *x, const char *digest)
{
	x->a->status = 201;
	fake_set(x->a, "Location", "/v2/%s/blobs/%s", x->repo, digest);
	fake_set_digest(x, digest);
}

static bool mounted(struct fake_call *x)
{
	char digest[144], from[256];
	struct fake_repo *r;
	struct fake_blob *b;

	(void)fake_param(x->rq->query, "mount", 0, digest, sizeof(digest));
	(void)fake_param(x->rq->query, "from", 0, from, sizeof(from));
	r = fake_repo_get(x->f, from, false);
	b = r ? fake_blob_find(r->blobs, digest) : NULL;
	if (!x->f->o.mounts || !b ||
	    !fake_auth_covers(x->f, x->c, from, "pull"))
		return false;
	fake_blob_add(x->f, &fake_repo_get(x->f, x->repo, true)->blobs, digest,
		      "", b->data, b->len);
	created(x, digest);
	return true;
}

/* Keep what was sent, if it is what its address says; `bytes` is emptied. */
static void keep(struct fake_call *x, struct fake_bytes *bytes)
{
	char want[144], algorithm[16], digest[144];

	(void)fake_param(x->rq->query, "digest", 0, want, sizeof(want));
	(void)snprintf(algorithm, sizeof(algorithm), "%.*s",
		       (int)strcspn(want, ":"), want);
	fake_add(bytes, "", 0);
	(void)pthread_mutex_unlock(&x->f->lock);
	if (x->f->o.commit_ms)
		fake_pause_ms(x->f->o.commit_ms);
	fake_digest(algorithm, bytes->data, bytes->len, digest);
	(void)pthread_mutex_lock(&x->f->lock);
	if (strcmp(want, digest) != 0) {
		invalid(x, 400, "DIGEST_INVALID",
			"provided digest did not match uploaded content");
		fake_release(bytes);
		return;
	}
	fake_blob_give(x->f, &fake_repo_get(x->f, x->repo, true)->blobs, digest,
		       "", bytes->data, bytes->len);
	memset(bytes, 0, sizeof(*bytes));
	created(x, digest);
}

/* Everything in the POST (P-43).  False: close. */
static bool whole_upload(struct fake_call *x)
{
	struct fake_bytes body = { .data = NULL };
	bool ok = fake_take_body(x, &body);

	if (ok)
		keep(x, &body);
	fake_release(&body);
	return ok;
}

bool fake_start_upload(struct fake_call *x)
{
	struct fake_session *s;
	char digest[144];

	if (mounted(x) || fake_too_large(x))
		return true;
	(void)fake_param(x->rq->query, "digest", 0, digest, sizeof(digest));
	if (x->f->o.single_post && digest[0] && x->rq->has_body)
		return whole_upload(x);
	s = calloc(1, sizeof(*s));
	if (!s)
		abort();
	(void)snprintf(s->id, sizeof(s->id), "u%u", ++x->f->counter);
	(void)snprintf(s->repo, sizeof(s->repo), "%s", x->repo);
	s->next = x->f->sessions;
	x->f->sessions = s;
	accepted(x, s, 202);
	return true;
}

void fake_session_drop(struct fakereg *f, struct fake_session *s)
{
	struct fake_session **at = &f->sessions;

	while (*at != s)
		at = &(*at)->next;
	*at = s->next;
	fake_release(&s->data);
	free(s);
}

static bool state_fits(struct fake_call *x, const struct fake_session *s)
{
	char state[64], want[96];

	(void)snprintf(want, sizeof(want), "_state=a%%2fb%%3D%u&x=%%7e",
		       s->turn);
	if (strncmp(x->rq->query, want, strlen(want)) == 0)
		return true;
	if (x->f->o.strict_state)
		return false;
	(void)snprintf(want, sizeof(want), "a/b=%u", s->turn);
	(void)fake_param(x->rq->query, "_state", 0, state, sizeof(state));
	return strcmp(state, want) == 0;
}

/* NULL: answered. */
static struct fake_session *session_of(struct fake_call *x, const char *id)
{
	struct fake_session *s = x->f->sessions;

	while (s && (strcmp(s->id, id) != 0 || strcmp(s->repo, x->repo) != 0))
		s = s->next;
	if (!s) {
		invalid(x, 404, "BLOB_UPLOAD_UNKNOWN", "no such upload");
		return NULL;
	}
	/* Where a broken body's bytes stay, only asking can tell how many. */
	if (state_fits(x, s) ||
	    (x->f->o.keeps_partial && (strcmp(x->rq->method, "GET") == 0 ||
				       strcmp(x->rq->method, "DELETE") == 0)))
		return s;
	if (x->f->o.stale_cancels) {
		fake_session_drop(x->f, s);
		invalid(x, 416, "RANGE_INVALID", "invalid content range");
	} else {
		invalid(x, 400, "BLOB_UPLOAD_INVALID",
			"stale or altered state");
	}
	return NULL;
}

static void out_of_step(struct fake_call *x, struct fake_session *s)
{
	invalid(x, 416, "BLOB_UPLOAD_INVALID", "invalid content range");
	if (x->f->o.quay_ranges) {
		fake_set(x->a, "Range", "0-%zu", s->data.len);
		return;
	}
	tell_location(x, s);
	tell_range(x, s);
}

/* Whether this part may come now; false: answered. */
static bool chunk_fits(struct fake_call *x, struct fake_session *s,
		       size_t *skip)
{
	const struct fakereg_opts *o = &x->f->o;
	const char *range = fake_header(x->c, "Content-Range");
	bool patch = strcmp(x->rq->method, "PATCH") == 0;
	unsigned long long first, last;
	int end = 0;

	*skip = 0;
	if (!range[0]) {
		if (!o->one_patch || !patch || s->patches == 0)
			return true;
		invalid(x, 400, "BLOB_UPLOAD_INVALID",
			"stream uploads after first write are not allowed");
		return false;
	}
	if (o->plain_chunks && x->rq->chunked) {
		invalid(x, 400, "CONTENT_LENGTH_INVALID",
			"content length is required");
		return false;
	}
	if (o->no_chunks && patch) {
		invalid(x, 400, "BLOB_UPLOAD_INVALID",
			"chunked uploads are not supported");
		return false;
	}
	if (sscanf(range, "%llu-%llu%n", &first, &last, &end) != 2 ||
	    range[end] || last < first ||
	    (!x->rq->chunked && last - first + 1 != x->rq->body_left)) {
		invalid(x, 400, "BLOB_UPLOAD_INVALID", "invalid content range");
		return false;
	}
	if (o->chunk_max && patch && last - first + 1 > o->chunk_max) {
		invalid(x, 416, "REQUESTED_RANGE_NOT_SATISFIABLE",
			"requested range not satisfiable");
		return false;
	}
	if (o->quay_ranges && first < s->data.len && last + 1 >= s->data.len)
		*skip = (size_t)(s->data.len - first);
	else if (first != s->data.len) {
		out_of_step(x, s);
		return false;
	}
	return true;
}

/* Add what came, without a copy where it is the first. */
static void append(struct fake_session *s, struct fake_bytes *body, size_t skip)
{
	if (skip > body->len)
		skip = body->len;
	if (s->data.len == 0 && skip == 0 && body->len > 0) {
		fake_release(&s->data);
		s->data = *body;
		memset(body, 0, sizeof(*body));
	} else if (body->len > skip) {
		fake_add(&s->data, body->data + skip, body->len - skip);
	}
}

static void session_status(struct fake_call *x, struct fake_session *s)
{
	if (x->f->o.no_status) {
		invalid(x, 404, "BLOB_UPLOAD_UNKNOWN", "no such upload");
		return;
	}
	x->a->status = 204;
	if (!x->f->o.quay_ranges)
		tell_location(x, s);
	tell_range(x, s);
	fake_set(x->a, "Docker-Upload-UUID", "%s", s->id);
}

/* All of it came. */
static void take_part(struct fake_call *x, struct fake_session *s,
		      struct fake_bytes *body, size_t skip)
{
	bool empty = body->len == 0;

	append(s, body, skip);
	if (strcmp(x->rq->method, "PATCH") == 0) {
		if (s->patches++ == 0)
			s->first = s->data.len;
		accepted(x, s,
			 x->f->o.patch_status ? (int)x->f->o.patch_status
					      : 202);
		return;
	}
	if (x->f->o.no_empty_put && empty && s->data.len > 0) {
		invalid(x, 500, "UNKNOWN", "internal error");
		return;
	}
	/* Others no longer find it while it is hashed. */
	fake_release(body);
	body[0] = s->data;
	memset(&s->data, 0, sizeof(s->data));
	fake_session_drop(x->f, s);
	keep(x, body);
}

bool fake_continue_upload(struct fake_call *x, const char *id)
{
	struct fake_session *s = session_of(x, id);
	struct fake_bytes body = { .data = NULL };
	size_t skip = 0;
	bool ok;

	if (!s)
		return true;
	if (strcmp(x->rq->method, "GET") == 0) {
		session_status(x, s);
		return true;
	}
	if (strcmp(x->rq->method, "DELETE") == 0) {
		fake_session_drop(x->f, s);
		x->a->status = 204;
		return true;
	}
	if (fake_too_large(x) || !chunk_fits(x, s, &skip))
		return true;
	ok = fake_take_body(x, &body);
	s = session_of(x, id); /* still there? */
	if (s && ok)
		take_part(x, s, &body, skip);
	else if (s && x->f->o.keeps_partial)
		append(s, &body, skip);
	else if (s)
		fake_session_drop(x->f, s);
	fake_release(&body);
	return ok;
}
