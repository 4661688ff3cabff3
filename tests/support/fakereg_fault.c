/*
 * tests/support/fakereg_fault.c - the fake registry's script.
 */
#include "tests/support/fakereg_inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

static char *copy(const char *s)
{
	char *out = s ? strdup(s) : NULL;

	if (s && !out)
		abort();
	return out;
}

void fakereg_fault(struct fakereg *f, const struct fakereg_fault *fault)
{
	struct fake_fault *n = calloc(1, sizeof(*n));
	struct fake_fault **at;

	if (!n)
		abort();
	n->f = *fault;
	n->f.method = copy(fault->method);
	n->f.path = copy(fault->path);
	n->f.code = copy(fault->code);
	n->f.message = copy(fault->message);
	n->f.type = copy(fault->type);
	n->f.body = copy(fault->body);
	n->f.where = copy(fault->where);
	n->f.detail = copy(fault->detail);
	n->f.headers = copy(fault->headers);
	n->f.rival = copy(fault->rival);
	n->f.rival_type = copy(fault->rival_type);
	n->f.set = copy(fault->set);
	n->f.value = copy(fault->value);
	(void)pthread_mutex_lock(&f->lock);
	for (at = &f->faults; *at; at = &(*at)->next)
		;
	*at = n;
	(void)pthread_mutex_unlock(&f->lock);
}

const struct fakereg_fault *fake_fault_for(struct fakereg *f,
					   const struct fake_request *rq)
{
	struct fake_fault *n;

	for (n = f->faults; n; n = n->next) {
		if (!fake_matches(n->f.method, n->f.path, rq->method,
				  rq->target) ||
		    (n->f.where &&
		     rq->elsewhere != (strcmp(n->f.where, "elsewhere") == 0)))
			continue;
		n->seen++;
		if (n->seen > n->f.skip &&
		    (n->f.times == 0 || n->seen <= n->f.skip + n->f.times))
			return &n->f;
	}
	return NULL;
}

static void free_strings(const struct fakereg_fault *x)
{
	const char *const all[] = { x->method,    x->path,    x->code,
				    x->message,   x->type,    x->body,
				    x->set,       x->value,   x->where,
				    x->detail,    x->headers, x->rival,
				    x->rival_type };
	char *p;
	size_t i;

	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		memcpy(&p, &all[i], sizeof(p)); /* ours after all */
		free(p);
	}
}

void fakereg_clear(struct fakereg *f)
{
	struct fake_fault *n;

	(void)pthread_mutex_lock(&f->lock);
	while ((n = f->faults) != NULL) {
		f->faults = n->next;
		n->next = f->spent;
		f->spent = n;
	}
	fake_records_free(f);
	(void)pthread_mutex_unlock(&f->lock);
}

void fake_fault_free(struct fakereg *f)
{
	struct fake_fault *n;

	fakereg_clear(f);
	while ((n = f->spent) != NULL) {
		f->spent = n->next;
		free_strings(&n->f);
		free(n);
	}
}

bool fakereg_fault_json(struct fakereg *f, const char *text, size_t n)
{
	json_t *doc = json_loadb(text, n, JSON_REJECT_DUPLICATES, NULL);
	struct fakereg_fault x = { .times = 0 };
	bool ok = json_is_object(doc);
	const char *key;
	json_t *value;

	json_object_foreach(doc, key, value) ok =
		ok && fake_fault_field(&x, key, value);
	if (ok)
		fakereg_fault(f, &x);
	json_decref(doc);
	return ok;
}

/* -- what a fault does ------------------------------------------------------
 */

/* The index of somebody who writes at the same time (P-72). */
static void put_rival(struct fake_call *x)
{
	const struct fakereg_fault *f = x->fault;
	const char *type = f->rival_type ? f->rival_type
					 : "application/"
					   "vnd.oci.image.index.v1+json";
	const char *tag = strrchr(x->rq->path, '/');
	struct fake_repo *r = fake_repo_get(x->f, x->repo, true);
	char digest[144];

	if (!tag || !x->repo[0])
		return;
	fake_digest("sha256", f->rival, strlen(f->rival), digest);
	fake_blob_add(x->f, &r->manifests, digest, type, f->rival,
		      strlen(f->rival));
	fake_tag_set(r, tag + 1, digest);
}

void fake_fault_before(struct fake_call *x)
{
	const struct fakereg_fault *f = x->fault;

	if (f->rival && !f->late)
		put_rival(x);
	if (f->stall_request) {
		x->rq->stall = true;
		x->rq->stall_at = f->stall_request_at;
		x->rq->stall_ms = f->stall_ms;
	}
	if (!f->delay_ms)
		return;
	(void)pthread_mutex_unlock(&x->f->lock);
	fake_pause_ms(f->delay_ms);
	(void)pthread_mutex_lock(&x->f->lock);
}

static void set_headers(const char *lines, struct fake_answer *a)
{
	char name[40], value[1024];
	const char *p = lines;
	size_t n;

	for (; *p; p += n + (p[n] == '\n')) {
		n = strcspn(p, "\n");
		if (sscanf(p, "%39[^:\n]: %1023[^\n]", name, value) == 2)
			fake_set(a, name, "%s", value);
	}
}

/* As a proxy in front would (B-33). */
static void compress_body(struct fake_answer *a)
{
	z_stream z = { .next_in = NULL };
	struct fake_bytes out = { .data = NULL };

	fake_own_body(a);
	if (deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) !=
	    Z_OK)
		abort();
	fake_reserve(&out, deflateBound(&z, a->body.len));
	z.next_in = (unsigned char *)a->body.data;
	z.avail_in = (unsigned int)a->body.len;
	z.next_out = (unsigned char *)out.data;
	z.avail_out = (unsigned int)out.cap;
	if (deflate(&z, Z_FINISH) != Z_STREAM_END)
		abort();
	out.len = z.total_out;
	(void)deflateEnd(&z);
	fake_release(&a->body);
	a->body = out;
	fake_set(a, "Content-Encoding", "gzip");
}

static void change_body(struct fake_call *x)
{
	const struct fakereg_fault *f = x->fault;
	struct fake_answer *a = x->a;

	if (f->body) {
		a->bytes = NULL;
		a->body.len = 0;
		fake_add(&a->body, f->body, strlen(f->body));
	}
	if (f->flip)
		fake_own_body(a);
	if (f->flip && a->body.len > 0)
		a->body.data[a->body.len / 2] ^= 1;
	if (f->gzip)
		compress_body(a);
}

bool fake_fault_after(struct fake_call *x)
{
	const struct fakereg_fault *f = x->fault;
	struct fake_answer *a = x->a;

	if (f->rival && f->late)
		put_rival(x);
	if (f->status)
		fake_error(a, f->status, f->code ? f->code : "UNKNOWN",
			   f->message ? f->message : "as the test wants it",
			   f->detail);
	change_body(x);
	if (f->type)
		fake_set(a, "Content-Type", "%s", f->type);
	if (f->set && f->value)
		fake_set(a, f->set, "%s", f->value);
	else if (f->set)
		fake_unset(a, f->set);
	if (f->headers)
		set_headers(f->headers, a);
	a->cut = f->cut;
	a->cut_at = f->cut_at;
	a->stall = f->stall;
	a->stall_at = f->stall_at;
	a->stall_ms = f->stall_ms;
	a->chunked = f->chunked;
	a->lengthen = f->lengthen;
	return !f->drop;
}
