/*
 * tests/support/fakereg_fault.c - the fake registry's script, and what it has
 * seen.
 */
#include "tests/support/fakereg_inside.h"

#include <fnmatch.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
	n->f.set = copy(fault->set);
	n->f.value = copy(fault->value);
	(void)pthread_mutex_lock(&f->lock);
	for (at = &f->faults; *at; at = &(*at)->next)
		;
	*at = n;
	(void)pthread_mutex_unlock(&f->lock);
}

static bool matches(const char *method, const char *path, const char *have,
		    const char *target)
{
	return (!method || strcmp(method, have) == 0) &&
	       (!path || fnmatch(path, target, 0) == 0);
}

const struct fakereg_fault *fake_fault_for(struct fakereg *f,
					   const struct fake_request *rq)
{
	struct fake_fault *n;

	for (n = f->faults; n; n = n->next) {
		if (!matches(n->f.method, n->f.path, rq->method, rq->target))
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
	const char *const all[] = { x->method, x->path, x->code, x->message,
				    x->type,   x->body, x->set,  x->value };
	char *p;
	size_t i;

	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		memcpy(&p, &all[i], sizeof(p)); /* ours after all */
		free(p);
	}
}

static void free_records(struct fakereg *f)
{
	struct fake_record *r;

	while ((r = f->records) != NULL) {
		f->records = r->next;
		free(r);
	}
	f->last_record = &f->records;
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
	free_records(f);
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
	const char *method = NULL, *path = NULL, *code = NULL, *type = NULL;
	const char *message = NULL, *body = NULL, *set = NULL, *value = NULL;
	json_int_t skip = 0, times = 0, cut_at = 0, request_at = 0;
	json_int_t lengthen = 0;
	int late = 0, drop = 0, cut = 0, cut_request = 0, chunked = 0;
	int flip = 0, ignore_range = 0, status = 0, delay_ms = 0;
	int rc;

	rc = json_unpack(
		doc,
		"{s?s,s?s,s?I,s?I,s?i,s?b,s?s,s?s,s?s,s?s,s?s,s?s,s?b,s?b,s?I,"
		"s?b,s?I,s?I,s?b,s?b,s?b,s?i!}",
		"method", &method, "path", &path, "skip", &skip, "times",
		&times, "status", &status, "late", &late, "code", &code,
		"message", &message, "type", &type, "body", &body, "set", &set,
		"value", &value, "drop", &drop, "cut", &cut, "cut_at", &cut_at,
		"cut_request", &cut_request, "cut_request_at", &request_at,
		"lengthen", &lengthen, "chunked", &chunked, "flip", &flip,
		"ignore_range", &ignore_range, "delay_ms", &delay_ms);
	if (rc == 0) {
		x.method = method;
		x.path = path;
		x.skip = (unsigned int)skip;
		x.times = (unsigned int)times;
		x.status = status;
		x.late = late;
		x.code = code;
		x.message = message;
		x.type = type;
		x.body = body;
		x.set = set;
		x.value = value;
		x.drop = drop;
		x.cut = cut;
		x.cut_at = (uint64_t)cut_at;
		x.cut_request = cut_request;
		x.cut_request_at = (uint64_t)request_at;
		x.lengthen = lengthen;
		x.chunked = chunked;
		x.flip = flip;
		x.ignore_range = ignore_range;
		x.delay_ms = (unsigned int)delay_ms;
		fakereg_fault(f, &x);
	}
	json_decref(doc);
	return rc == 0;
}

/* -- what was seen ----------------------------------------------------------
 */

void fake_record_init(struct fakereg_seen *s, struct fake_conn *c,
		      const struct fake_request *rq)
{
	const char *authorization = fake_header(c, "Authorization");

	memset(s, 0, sizeof(*s));
	(void)snprintf(s->method, sizeof(s->method), "%s", rq->method);
	(void)snprintf(s->path, sizeof(s->path), "%s", rq->target);
	(void)snprintf(s->range, sizeof(s->range), "%s",
		       fake_header(c, "Range"));
	(void)snprintf(s->content_range, sizeof(s->content_range), "%s",
		       fake_header(c, "Content-Range"));
	(void)snprintf(s->accept, sizeof(s->accept), "%s",
		       fake_header(c, "Accept"));
	(void)snprintf(s->content_length, sizeof(s->content_length), "%s",
		       fake_header(c, "Content-Length"));
	(void)snprintf(s->scheme, sizeof(s->scheme), "%.*s",
		       (int)strcspn(authorization, " "), authorization);
	s->elsewhere = rq->elsewhere;
}

void fake_record_add(struct fakereg *f, const struct fakereg_seen *seen)
{
	struct fake_record *r = calloc(1, sizeof(*r));

	if (!r)
		abort();
	r->seen = *seen;
	*f->last_record = r;
	f->last_record = &r->next;
}

static bool find(struct fakereg *f, const char *method, const char *path,
		 size_t index, size_t *count, struct fakereg_seen *out)
{
	struct fake_record *r;
	bool found = false;

	*count = 0;
	(void)pthread_mutex_lock(&f->lock);
	for (r = f->records; r; r = r->next) {
		if (!matches(method, path, r->seen.method, r->seen.path))
			continue;
		if (*count == index && out) {
			*out = r->seen;
			found = true;
		}
		++*count;
	}
	(void)pthread_mutex_unlock(&f->lock);
	return found;
}

size_t fakereg_count(struct fakereg *f, const char *method, const char *path)
{
	size_t n;

	(void)find(f, method, path, 0, &n, NULL);
	return n;
}

bool fakereg_get(struct fakereg *f, const char *method, const char *path,
		 size_t index, struct fakereg_seen *out)
{
	size_t n;

	return find(f, method, path, index, &n, out);
}

void fake_seen_json(struct fakereg *f, struct fake_bytes *out)
{
	json_t *all = json_array();
	struct fake_record *r;
	char *text;

	for (r = f->records; r; r = r->next)
		(void)json_array_append_new(
			all,
			json_pack("{s:s,s:s,s:s,s:s,s:b,s:i,s:I}", "method",
				  r->seen.method, "path", r->seen.path, "range",
				  r->seen.range, "scheme", r->seen.scheme,
				  "elsewhere", (int)r->seen.elsewhere, "status",
				  r->seen.status, "body",
				  (json_int_t)r->seen.body));
	text = json_dumps(all, JSON_COMPACT);
	json_decref(all);
	if (!text)
		abort();
	fake_add(out, text, strlen(text));
	free(text);
}
