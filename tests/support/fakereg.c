/*
 * tests/support/fakereg.c - a registry in memory: routes, start and stop.
 */
#include "tests/support/fakereg_inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

void fake_error(struct fake_answer *a, int status, const char *code,
		const char *message, const char *detail)
{
	json_t *doc = json_pack("{s:[{s:s,s:s,s:s*}]}", "errors", "code", code,
				"message", message, "detail", detail);

	a->body.len = 0;
	a->bytes = NULL;
	fake_send_json(a, doc);
	a->status = status;
}

void fake_send_json(struct fake_answer *a, json_t *doc)
{
	char *text = json_dumps(doc, JSON_COMPACT);

	if (!text)
		abort();
	fake_add(&a->body, text, strlen(text));
	free(text);
	json_decref(doc);
	a->status = 200;
	fake_set(a, "Content-Type", "application/json");
}

void fake_set_digest(struct fake_call *x, const char *digest)
{
	if (!x->f->o.no_digest_header)
		fake_set(x->a, "Docker-Content-Digest", "%s", digest);
}

int64_t fake_now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

bool fake_take_body(struct fake_call *x, struct fake_bytes *out)
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

bool fake_too_large(struct fake_call *x)
{
	static const char page[] = "<html><head><title>413 Request Entity Too "
				   "Large</title></head></html>\n";

	if (!x->f->o.request_max || x->rq->body_left <= x->f->o.request_max)
		return false;
	x->a->status = 413;
	fake_set(x->a, "Content-Type", "text/html");
	fake_set(x->a, "Server", "cloudflare");
	x->a->body.len = 0;
	fake_add(&x->a->body, page, sizeof(page) - 1);
	return true;
}

/* -- routes -----------------------------------------------------------------
 */

/* "/v2/NAME/KIND/..." -> repo, rest. */
static bool split_path(struct fake_call *x)
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

static const char *action_of(const struct fake_call *x)
{
	const char *method = x->rq->method;

	if (strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0)
		return "pull";
	return strcmp(method, "DELETE") == 0 && !x->f->o.no_delete_scope
		       ? "delete"
		       : "push";
}

/* Storage wants no credentials, the registry those that fit. */
static bool admitted(struct fake_call *x, const char *type, const char *name,
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

static bool route_upload(struct fake_call *x, const char *id)
{
	if (!*id)
		return fake_start_upload(x);
	return fake_continue_upload(x, id);
}

static bool route_manifest(struct fake_call *x, const char *reference)
{
	if (strcmp(action_of(x), "pull") == 0)
		fake_get_manifest(x, reference);
	else if (strcmp(x->rq->method, "PUT") == 0)
		return fake_put_manifest(x, reference);
	else
		fake_delete_manifest(x, reference);
	return true;
}

static bool route_repository(struct fake_call *x)
{
	const char *rest = x->rest;
	bool reads = strcmp(action_of(x), "pull") == 0;
	bool status = strcmp(x->rq->method, "GET") == 0 && rest[14];

	if (!admitted(x, "repository", x->repo, action_of(x)))
		return true;
	if (strncmp(rest, "blobs/uploads/", 14) == 0 && (!reads || status))
		return route_upload(x, rest + 14);
	if (strncmp(rest, "manifests/", 10) == 0)
		return route_manifest(x, rest + 10);
	if (strncmp(rest, "blobs/", 6) == 0 && reads)
		fake_get_blob(x, rest + 6);
	else if (strcmp(rest, "tags/list") == 0)
		fake_list_tags(x);
	else if (strncmp(rest, "referrers/", 10) == 0 && x->f->o.referrers)
		fake_list_referrers(x, rest + 10);
	else
		fake_error(x->a, 404, "UNSUPPORTED", "not found", NULL);
	return true;
}

static void set_gate(struct fakereg *f, const char *text, struct fake_answer *a)
{
	json_t *doc = json_loads(text, 0, NULL);
	json_t *at = json_object_get(doc, "at");

	if (json_is_object(doc))
		fakereg_gate(f, at ? (uint64_t)json_integer_value(at)
				   : UINT64_MAX);
	else
		a->status = 400;
	json_decref(doc);
}

/* What a test says, with the lock let go. */
static void control(struct fake_call *x, const struct fake_bytes *body)
{
	const char *path = x->rq->path;

	(void)pthread_mutex_unlock(&x->f->lock);
	if (strcmp(path, "/_fake/clear") == 0)
		fakereg_clear(x->f);
	else if (strcmp(path, "/_fake/gate") == 0)
		set_gate(x->f, body->data, x->a);
	else if (strcmp(path, "/_fake/moved") == 0)
		fake_moved_json(x->f, &x->a->body);
	else if (!fakereg_fault_json(x->f, body->data, body->len))
		x->a->status = 400;
	(void)pthread_mutex_lock(&x->f->lock);
}

static bool route_control(struct fake_call *x)
{
	struct fake_bytes body = { .data = NULL };
	bool form;

	if (!fake_take_body(x, &body))
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
	} else if (strcmp(x->rq->path, "/_fake/content") == 0) {
		fake_content_json(x->f, x->a);
	} else {
		control(x, &body);
	}
	fake_release(&body);
	return true;
}

static bool route_catalog(struct fake_call *x)
{
	if (x->f->o.basic_catalog && !fake_auth_basic(x->f, x->c))
		fake_auth_challenge_basic(x->a);
	else if (admitted(x, "registry", "catalog", "*"))
		fake_list_repositories(x);
	return true;
}

static bool route(struct fake_call *x)
{
	if (strncmp(x->rq->path, "/_fake/", 7) == 0)
		return route_control(x);
	fake_set(x->a, "Docker-Distribution-Api-Version", "registry/2.0");
	if (strcmp(x->rq->path, "/v2/") == 0) {
		if (admitted(x, NULL, "", "pull"))
			x->a->status = 200;
		return true;
	}
	if (strcmp(x->rq->path, "/v2/_catalog") == 0)
		return route_catalog(x);
	if (split_path(x))
		return route_repository(x);
	fake_error(x->a, 404, "NOT_FOUND", "not found", NULL);
	return true;
}

static bool handle(void *ctx, struct fake_conn *c, struct fake_request *rq,
		   struct fake_answer *a)
{
	struct fakereg *f = ctx;
	struct fake_call x = { .f = f, .c = c, .rq = rq, .a = a };
	struct fakereg_seen seen;
	bool is_control = strncmp(rq->path, "/_fake/", 7) == 0 &&
			  strcmp(rq->path, "/_fake/token") != 0;
	bool ok = true;

	fake_record_init(&seen, c, rq);
	(void)pthread_mutex_lock(&f->lock);
	f->turn += !is_control;
	(void)split_path(&x);
	if (!is_control)
		x.fault = fake_fault_for(f, rq);
	if (x.fault)
		fake_fault_before(&x);
	/* A status or no answer at all, before anything is done. */
	if (!x.fault || x.fault->late || !(x.fault->status || x.fault->drop))
		ok = route(&x);
	if (ok && x.fault)
		ok = fake_fault_after(&x);
	seen.status = ok ? a->status : 0;
	seen.body = rq->body_seen;
	if (!is_control)
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
	const char *const all[] = { o->username, o->password, o->identity,
				    o->realm,    o->location, o->immutable };
	char *p;
	size_t i;

	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
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
	f->o.identity = own(f->o.identity);
	f->o.realm = own(f->o.realm);
	f->o.location = own(f->o.location);
	f->o.immutable = own(f->o.immutable);
	f->last_record = &f->records;
	(void)pthread_mutex_init(&f->lock, NULL);
	fake_gate_init(f);
	/* Nobody knows the port before it is written down here. */
	f->http = fake_http_start(handle, fake_gate_pass, f, f->o.port);
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
	fakereg_gate(f, UINT64_MAX);
	fake_http_stop(f->http);
	fake_gate_release(f);
	fake_signs_free(f);
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
