/*
 * tests/support/fakereg.c - a registry in memory: routes and their answers.
 */
#include "tests/support/fakereg_inside.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MANIFEST_MAX (4u << 20)

/* A request being answered. */
struct call {
	struct fakereg *f;
	struct fake_conn *c;
	struct fake_request *rq;
	struct fake_answer *a;
	const struct fakereg_fault *fault; /* NULL: none */
	char repo[256];
	char rest[512]; /* "blobs/sha256:...", "tags/list" */
};

void fake_error(struct fake_answer *a, int status, const char *code,
		const char *message, const char *detail)
{
	json_t *doc = json_pack("{s:[{s:s,s:s,s:s*}]}", "errors", "code", code,
				"message", message, "detail", detail);
	char *text = json_dumps(doc, JSON_COMPACT);

	if (!text)
		abort();
	json_decref(doc);
	a->status = status;
	fake_set(a, "Content-Type", "application/json");
	a->body.len = 0;
	fake_add(&a->body, text, strlen(text));
	free(text);
}

static void set_digest(struct call *x, const char *digest)
{
	if (!x->f->o.no_digest_header)
		fake_set(x->a, "Docker-Content-Digest", "%s", digest);
}

/* -- blobs ------------------------------------------------------------------
 */

static void send_range(struct call *x, const struct fake_blob *b)
{
	const char *range = fake_header(x->c, "Range");
	unsigned long long first = 0, last = 0;
	int n = sscanf(range, "bytes=%llu-%llu", &first, &last);

	fake_set(x->a, "Content-Type", "application/octet-stream");
	set_digest(x, b->digest);
	x->a->status = 200;
	if (n < 1 || strcmp(x->rq->method, "GET") != 0 ||
	    (x->fault && x->fault->ignore_range)) {
		fake_add(&x->a->body, b->data, b->len);
		return;
	}
	if (n == 1 || last >= b->len)
		last = b->len ? b->len - 1 : 0;
	if (first >= b->len || last < first) {
		fake_error(x->a, 416, "RANGE_INVALID", "no such range", NULL);
		return;
	}
	x->a->status = 206;
	fake_set(x->a, "Content-Range", "bytes %llu-%llu/%zu", first, last,
		 b->len);
	fake_add(&x->a->body, b->data + first, (size_t)(last - first + 1));
}

static void get_blob(struct call *x, const char *digest)
{
	struct fake_repo *r = fake_repo_get(x->f, x->repo, false);
	struct fake_blob *b = r ? fake_blob_find(r->blobs, digest) : NULL;

	if (!b) {
		fake_error(x->a, 404, "BLOB_UNKNOWN",
			   "blob unknown to registry", digest);
	} else if (x->f->o.redirect_blobs && !x->rq->elsewhere) {
		x->a->status = 307;
		fake_set(x->a, "Location", "http://%s%s?sig=a%%2Fb&method=%s",
			 x->f->elsewhere, x->rq->path, x->rq->method);
	} else {
		send_range(x, b);
	}
}

/* -- uploads ----------------------------------------------------------------
 */

static void accepted(struct call *x, struct fake_session *s)
{
	bool away = x->f->o.upload_elsewhere;

	s->turn++;
	x->a->status = 202;
	fake_set(x->a, "Location",
		 "%s%s/v2/%s/blobs/uploads/%s?_state=a%%2fb%%3D%u&x=%%7e",
		 away ? "http://" : "", away ? x->f->elsewhere : "", s->repo,
		 s->id, s->turn);
	fake_set(x->a, "Range", "0-%zu", s->data.len ? s->data.len - 1 : 0);
	fake_set(x->a, "Docker-Upload-UUID", "%s", s->id);
}

static void created(struct call *x, const char *digest)
{
	x->a->status = 201;
	fake_set(x->a, "Location", "/v2/%s/blobs/%s", x->repo, digest);
	set_digest(x, digest);
}

static bool mounted(struct call *x)
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
	fake_blob_add(&fake_repo_get(x->f, x->repo, true)->blobs, digest, "",
		      b->data, b->len);
	created(x, digest);
	return true;
}

static void start_upload(struct call *x)
{
	struct fake_session *s;

	if (mounted(x))
		return;
	s = calloc(1, sizeof(*s));
	if (!s)
		abort();
	(void)snprintf(s->id, sizeof(s->id), "u%u", ++x->f->counter);
	(void)snprintf(s->repo, sizeof(s->repo), "%s", x->repo);
	s->next = x->f->sessions;
	x->f->sessions = s;
	accepted(x, s);
}

static struct fake_session *session_of(struct call *x, const char *id)
{
	struct fake_session *s = x->f->sessions;
	char state[64];
	char want[96];
	bool same;

	while (s && (strcmp(s->id, id) != 0 || strcmp(s->repo, x->repo) != 0))
		s = s->next;
	if (!s) {
		fake_error(x->a, 404, "BLOB_UPLOAD_UNKNOWN", "no such upload",
			   NULL);
		return NULL;
	}
	(void)snprintf(want, sizeof(want), "_state=a%%2fb%%3D%u&x=%%7e",
		       s->turn);
	same = strncmp(x->rq->query, want, strlen(want)) == 0;
	if (!same && !x->f->o.strict_state) {
		(void)snprintf(want, sizeof(want), "a/b=%u", s->turn);
		same = strcmp(fake_param(x->rq->query, "_state", 0, state,
					 sizeof(state)),
			      want) == 0;
	}
	if (same)
		return s;
	fake_error(x->a, 400, "BLOB_UPLOAD_INVALID", "stale or altered state",
		   NULL);
	return NULL;
}

static void drop_session(struct fakereg *f, struct fake_session *s)
{
	struct fake_session **at = &f->sessions;

	while (*at != s)
		at = &(*at)->next;
	*at = s->next;
	fake_release(&s->data);
	free(s);
}

static void finish_upload(struct call *x, struct fake_session *s)
{
	char want[144], algorithm[16], digest[144];

	(void)fake_param(x->rq->query, "digest", 0, want, sizeof(want));
	(void)snprintf(algorithm, sizeof(algorithm), "%.*s",
		       (int)strcspn(want, ":"), want);
	fake_add(&s->data, "", 0);
	fake_digest(algorithm, s->data.data, s->data.len, digest);
	if (strcmp(want, digest) != 0) {
		fake_error(x->a, 400, "DIGEST_INVALID",
			   "provided digest did not match uploaded content",
			   NULL);
	} else {
		fake_blob_add(&fake_repo_get(x->f, x->repo, true)->blobs,
			      digest, "", s->data.data, s->data.len);
		created(x, digest);
	}
	drop_session(x->f, s);
}

/* With the lock let go while bytes arrive: others may work meanwhile. */
static bool read_body(struct call *x, struct fake_bytes *out)
{
	uint64_t stop_at = UINT64_MAX;
	bool ok;

	if (x->fault && x->fault->cut_request)
		stop_at = x->fault->cut_request_at;
	(void)pthread_mutex_unlock(&x->f->lock);
	ok = stop_at > 0 && fake_read_body(x->c, x->rq, stop_at, out);
	(void)pthread_mutex_lock(&x->f->lock);
	return ok;
}

/* False: the connection is to be closed. */
static bool continue_upload(struct call *x, const char *id)
{
	bool put = strcmp(x->rq->method, "PUT") == 0;
	struct fake_session *s = session_of(x, id);
	struct fake_bytes body = { .data = NULL };
	bool ok;

	if (!s)
		return true;
	ok = read_body(x, &body);
	s = session_of(x, id); /* still there? */
	if (s && !ok) {
		drop_session(x->f, s); /* as zot does: B-29 */
	} else if (s) {
		if (body.len > 0)
			fake_add(&s->data, body.data, body.len);
		if (put)
			finish_upload(x, s);
		else
			accepted(x, s);
	}
	fake_release(&body);
	return ok;
}

/* -- manifests --------------------------------------------------------------
 */

static const struct fake_blob *find_manifest(struct call *x, const char *ref)
{
	struct fake_repo *r = fake_repo_get(x->f, x->repo, false);
	struct fake_tag *t = fake_tag_find(r, ref);

	return r ? fake_blob_find(r->manifests, t ? t->digest : ref) : NULL;
}

static void get_manifest(struct call *x, const char *ref)
{
	const struct fake_blob *m = find_manifest(x, ref);

	/* P-60: unknown unless its type is accepted. */
	if (!m || !strstr(fake_header(x->c, "Accept"), m->type)) {
		fake_error(x->a, 404, "MANIFEST_UNKNOWN", "manifest unknown",
			   ref);
		return;
	}
	x->a->status = 200;
	fake_set(x->a, "Content-Type", "%s", m->type);
	set_digest(x, m->digest);
	fake_add(&x->a->body, m->data, m->len);
}

static bool has_all(struct call *x, struct fake_repo *r, json_t *list,
		    bool manifests)
{
	const char *digest;
	size_t i;

	for (i = 0; i < json_array_size(list); i++) {
		digest = json_string_value(
			json_object_get(json_array_get(list, i), "digest"));
		if (digest &&
		    fake_blob_find(manifests ? r->manifests : r->blobs, digest))
			continue;
		fake_error(x->a, 400, "MANIFEST_BLOB_UNKNOWN",
			   "blob unknown to registry", digest);
		return false;
	}
	return true;
}

static bool complete(struct call *x, struct fake_repo *r,
		     const struct fake_bytes *body)
{
	json_t *doc =
		json_loadb(body->data ? body->data : "", body->len, 0, NULL);
	json_t *config = json_object_get(doc, "config");
	json_t *one = json_array();
	bool ok;

	if (!json_is_object(doc)) {
		fake_error(x->a, 400, "MANIFEST_INVALID", "manifest invalid",
			   "no JSON object");
		json_decref(one);
		json_decref(doc);
		return false;
	}
	if (config)
		(void)json_array_append(one, config);
	ok = has_all(x, r, one, false) &&
	     has_all(x, r, json_object_get(doc, "layers"), false) &&
	     has_all(x, r, json_object_get(doc, "manifests"), true);
	json_decref(one);
	json_decref(doc);
	return ok;
}

static void store_manifest(struct call *x, const char *ref,
			   const struct fake_bytes *body)
{
	struct fake_repo *r = fake_repo_get(x->f, x->repo, true);
	struct fake_tag *t = fake_tag_find(r, ref);
	bool by_digest = strchr(ref, ':') != NULL;
	char digest[144];

	fake_digest("sha256", body->data ? body->data : "", body->len, digest);
	if (by_digest && strcmp(ref, digest) != 0)
		fake_error(x->a, 400, "DIGEST_INVALID", "digest differs", NULL);
	else if (body->len >
		 (x->f->o.manifest_max ? x->f->o.manifest_max : MANIFEST_MAX))
		fake_error(x->a, 413, "SIZE_INVALID", "manifest too large",
			   NULL);
	else if (x->f->o.immutable_tags && t && strcmp(t->digest, digest) != 0)
		fake_error(x->a, 409, "TAG_IMMUTABLE", "tag is immutable", ref);
	else if (complete(x, r, body)) {
		fake_blob_add(&r->manifests, digest,
			      fake_header(x->c, "Content-Type"),
			      body->data ? body->data : "", body->len);
		if (!by_digest)
			fake_tag_set(r, ref, digest);
		x->a->status = 201;
		fake_set(x->a, "Location", "/v2/%s/manifests/%s", x->repo,
			 digest);
		set_digest(x, digest);
	}
}

static bool put_manifest(struct call *x, const char *ref)
{
	struct fake_bytes body = { .data = NULL };
	bool ok = read_body(x, &body);

	if (ok)
		store_manifest(x, ref, &body);
	fake_release(&body);
	return ok;
}

static void delete_manifest(struct call *x, const char *ref)
{
	struct fake_repo *r = fake_repo_get(x->f, x->repo, false);
	struct fake_tag **at, *t;

	if (!x->f->o.tag_delete || strchr(ref, ':')) {
		fake_error(x->a, 400, "UNSUPPORTED", "tags cannot be deleted",
			   NULL);
		return;
	}
	for (at = r ? &r->tags : NULL; at && *at; at = &(*at)->next) {
		if (strcmp((*at)->name, ref) != 0)
			continue;
		t = *at;
		*at = t->next;
		free(t);
		x->a->status = 202;
		return;
	}
	fake_error(x->a, 404, "MANIFEST_UNKNOWN", "manifest unknown", NULL);
}

/* -- listings ---------------------------------------------------------------
 */

/* One page of `all`, which is consumed; bytewise sorted already. */
static void send_page(struct call *x, const char *key, json_t *all, json_t *doc)
{
	json_t *page = json_array();
	char last[256], n_text[32];
	const char *name = NULL;
	size_t limit, i;
	char *text;
	bool more = false;

	(void)fake_param(x->rq->query, "last", 0, last, sizeof(last));
	limit = strtoul(
		fake_param(x->rq->query, "n", 0, n_text, sizeof(n_text)), NULL,
		10);
	if (limit == 0 || (x->f->o.page && limit > x->f->o.page))
		limit = x->f->o.page ? x->f->o.page : 1000;
	for (i = 0; i < json_array_size(all) && !more; i++) {
		const char *next = json_string_value(json_array_get(all, i));

		if (strcmp(next, last) <= 0)
			continue;
		more = json_array_size(page) == limit;
		if (!more) {
			name = next;
			(void)json_array_append_new(page, json_string(next));
		}
	}
	if (more)
		fake_set(x->a, "Link", "<%s?last=%s&n=%zu>; rel=\"next\"",
			 x->rq->path, name, limit);
	(void)json_object_set_new(doc, key, page);
	text = json_dumps(doc, JSON_COMPACT);
	if (!text)
		abort();
	fake_add(&x->a->body, text, strlen(text));
	free(text);
	json_decref(doc);
	json_decref(all);
	x->a->status = 200;
	fake_set(x->a, "Content-Type", "application/json");
}

static void list_tags(struct call *x)
{
	struct fake_repo *r = fake_repo_get(x->f, x->repo, false);
	json_t *all;
	struct fake_tag *t;

	if (!r) {
		fake_error(x->a, 404, "NAME_UNKNOWN",
			   "repository name not known to registry", x->repo);
		return;
	}
	all = json_array();
	for (t = r->tags; t; t = t->next)
		(void)json_array_append_new(all, json_string(t->name));
	send_page(x, "tags", all, json_pack("{s:s}", "name", x->repo));
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void list_repositories(struct call *x)
{
	const char *names[1024];
	struct fake_repo *r;
	json_t *all;
	size_t n = 0, i;

	if (x->f->o.no_catalog) {
		fake_error(x->a, 404, "UNSUPPORTED", "no catalog", NULL);
		return;
	}
	for (r = x->f->repos; r && n < 1024; r = r->next)
		names[n++] = r->name;
	qsort(names, n, sizeof(names[0]), by_name);
	all = json_array();
	for (i = 0; i < n; i++)
		(void)json_array_append_new(all, json_string(names[i]));
	send_page(x, "repositories", all, json_object());
}

/* -- routes -----------------------------------------------------------------
 */

/* "/v2/NAME/KIND/..." -> repo, rest. */
static bool split_path(struct call *x)
{
	static const char *const kinds[] = { "/blobs/", "/manifests/", "/tags/",
					     "/referrers/" };
	const char *name = x->rq->path + 4;
	const char *at = NULL;
	size_t i;

	if (strncmp(x->rq->path, "/v2/", 4) != 0)
		return false;
	for (i = 0; i < 4 && !at; i++)
		at = strstr(name, kinds[i]);
	if (!at || (size_t)(at - name) >= sizeof(x->repo))
		return false;
	(void)snprintf(x->repo, sizeof(x->repo), "%.*s", (int)(at - name),
		       name);
	(void)snprintf(x->rest, sizeof(x->rest), "%s", at + 1);
	return true;
}

static const char *action_of(const struct call *x)
{
	const char *method = x->rq->method;

	if (strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0)
		return "pull";
	return strcmp(method, "DELETE") == 0 && !x->f->o.no_delete_scope
		       ? "delete"
		       : "push";
}

/* Storage wants no credentials, the registry those that fit. */
static bool admitted(struct call *x, const char *type, const char *name,
		     const char *action)
{
	if (!x->rq->elsewhere)
		return fake_auth_check(x->f, x->c, type, name, action, x->a);
	if (fake_header(x->c, "Authorization")[0]) {
		fake_error(x->a, 400, "INVALID_ARGUMENT",
			   "only one auth mechanism allowed", NULL);
		return false;
	}
	return true;
}

static bool route_repository(struct call *x)
{
	const char *rest = x->rest;
	const char *method = x->rq->method;
	bool reads = strcmp(action_of(x), "pull") == 0;

	if (!admitted(x, "repository", x->repo, action_of(x)))
		return true;
	if (strncmp(rest, "blobs/uploads/", 14) == 0 && !rest[14] && !reads)
		start_upload(x);
	else if (strncmp(rest, "blobs/uploads/", 14) == 0 && !reads)
		return continue_upload(x, rest + 14);
	else if (strncmp(rest, "blobs/", 6) == 0 && reads)
		get_blob(x, rest + 6);
	else if (strncmp(rest, "manifests/", 10) == 0 && reads)
		get_manifest(x, rest + 10);
	else if (strncmp(rest, "manifests/", 10) == 0 &&
		 strcmp(method, "PUT") == 0)
		return put_manifest(x, rest + 10);
	else if (strncmp(rest, "manifests/", 10) == 0)
		delete_manifest(x, rest + 10);
	else if (strcmp(rest, "tags/list") == 0)
		list_tags(x);
	else
		fake_error(x->a, 404, "UNSUPPORTED", "not found", NULL);
	return true;
}

static bool route_control(struct call *x)
{
	struct fake_bytes body = { .data = NULL };
	bool form;

	if (!read_body(x, &body))
		return false;
	fake_add(&body, "", 0);
	x->a->status = 200;
	if (strcmp(x->rq->path, "/_fake/token") == 0) {
		form = strcmp(x->rq->method, "POST") == 0;
		fake_auth_token(x->f, x->c, x->rq, form ? body.data : NULL,
				x->a);
	} else if (strcmp(x->rq->path, "/_fake/seen") == 0) {
		fake_set(x->a, "Content-Type", "application/json");
		fake_seen_json(x->f, &x->a->body);
	} else {
		(void)pthread_mutex_unlock(&x->f->lock);
		if (strcmp(x->rq->path, "/_fake/clear") == 0)
			fakereg_clear(x->f);
		else if (!fakereg_fault_json(x->f, body.data, body.len))
			x->a->status = 400;
		(void)pthread_mutex_lock(&x->f->lock);
	}
	fake_release(&body);
	return true;
}

static bool route(struct call *x)
{
	if (strncmp(x->rq->path, "/_fake/", 7) == 0)
		return route_control(x);
	fake_set(x->a, "Docker-Distribution-Api-Version", "registry/2.0");
	if (strcmp(x->rq->path, "/v2/") == 0) {
		if (admitted(x, NULL, "", "pull"))
			x->a->status = 200;
		return true;
	}
	if (strcmp(x->rq->path, "/v2/_catalog") == 0) {
		if (admitted(x, "registry", "catalog", "*"))
			list_repositories(x);
		return true;
	}
	if (split_path(x))
		return route_repository(x);
	fake_error(x->a, 404, "NOT_FOUND", "not found", NULL);
	return true;
}

/* What the fault makes of the answer. */
static bool spoil(struct call *x)
{
	const struct fakereg_fault *f = x->fault;
	struct fake_answer *a = x->a;

	if (f->status)
		fake_error(a, f->status, f->code ? f->code : "UNKNOWN",
			   f->message ? f->message : "as the test wants it",
			   NULL);
	if (f->body) {
		a->body.len = 0;
		fake_add(&a->body, f->body, strlen(f->body));
	}
	if (f->type)
		fake_set(a, "Content-Type", "%s", f->type);
	if (f->set && f->value)
		fake_set(a, f->set, "%s", f->value);
	else if (f->set)
		fake_unset(a, f->set);
	if (f->flip && a->body.len > 0)
		a->body.data[a->body.len / 2] ^= 1;
	a->cut = f->cut;
	a->cut_at = f->cut_at;
	a->chunked = f->chunked;
	a->lengthen = f->lengthen;
	return !f->drop;
}

static void pause_ms(unsigned int ms)
{
	struct timespec t = { .tv_sec = ms / 1000,
			      .tv_nsec = (long)(ms % 1000) * 1000000 };

	(void)nanosleep(&t, NULL);
}

static bool handle(void *ctx, struct fake_conn *c, struct fake_request *rq,
		   struct fake_answer *a)
{
	struct fakereg *f = ctx;
	struct call x = { .f = f, .c = c, .rq = rq, .a = a };
	struct fakereg_seen seen;
	bool control = strncmp(rq->path, "/_fake/", 7) == 0 &&
		       strcmp(rq->path, "/_fake/token") != 0;
	bool ok = true;

	fake_record_init(&seen, c, rq);
	(void)pthread_mutex_lock(&f->lock);
	if (!control)
		x.fault = fake_fault_for(f, rq);
	if (x.fault && x.fault->delay_ms) {
		(void)pthread_mutex_unlock(&f->lock);
		pause_ms(x.fault->delay_ms);
		(void)pthread_mutex_lock(&f->lock);
	}
	/* A status or no answer at all, before anything is done. */
	if (!x.fault || x.fault->late || !(x.fault->status || x.fault->drop))
		ok = route(&x);
	if (ok && x.fault)
		ok = spoil(&x);
	seen.status = ok ? a->status : 0;
	seen.body = rq->body_seen;
	if (!control)
		fake_record_add(f, &seen);
	(void)pthread_mutex_unlock(&f->lock);
	return ok;
}

/* -- start and stop ---------------------------------------------------------
 */

static const char *own(const char *s)
{
	char *out = s ? strdup(s) : NULL;

	if (s && !out)
		abort();
	return out;
}

static void free_opts(struct fakereg_opts *o)
{
	const char *const all[] = { o->username, o->password, o->realm };
	char *p;
	size_t i;

	for (i = 0; i < 3; i++) {
		memcpy(&p, &all[i], sizeof(p)); /* made by own() */
		free(p);
	}
}

struct fakereg *fakereg_start(const struct fakereg_opts *o)
{
	struct fakereg *f = calloc(1, sizeof(*f));

	if (!f)
		abort();
	if (o)
		f->o = *o;
	f->o.username = own(f->o.username);
	f->o.password = own(f->o.password);
	f->o.realm = own(f->o.realm);
	f->last_record = &f->records;
	(void)pthread_mutex_init(&f->lock, NULL);
	/* Nobody knows the port before it is written down here. */
	f->http = fake_http_start(handle, f, f->o.port);
	if (!f->http) {
		free_opts(&f->o);
		free(f);
		return NULL;
	}
	(void)pthread_mutex_lock(&f->lock);
	(void)snprintf(f->host, sizeof(f->host), "127.0.0.1:%d",
		       fake_http_port(f->http, false));
	(void)snprintf(f->elsewhere, sizeof(f->elsewhere), "127.0.0.1:%d",
		       fake_http_port(f->http, true));
	(void)pthread_mutex_unlock(&f->lock);
	return f;
}

void fakereg_stop(struct fakereg *f)
{
	if (!f)
		return;
	fake_http_stop(f->http);
	fake_fault_free(f);
	fake_auth_free(f);
	fake_store_free(f);
	free_opts(&f->o);
	(void)pthread_mutex_destroy(&f->lock);
	free(f);
}

const char *fakereg_host(const struct fakereg *f)
{
	return f->host;
}

const char *fakereg_elsewhere(const struct fakereg *f)
{
	return f->elsewhere;
}

int fakereg_port(const struct fakereg *f)
{
	return fake_http_port(f->http, false);
}
