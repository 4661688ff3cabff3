/*
 * tests/support/fakereg_seen.c - what the fake registry was asked for.
 */
#include "tests/support/fakereg_inside.h"

#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool fake_matches(const char *method, const char *path, const char *have,
		  const char *target)
{
	return (!method || strcmp(method, have) == 0) &&
	       (!path || fnmatch(path, target, 0) == 0);
}

void fake_records_free(struct fakereg *f)
{
	struct fake_record *r;

	while ((r = f->records) != NULL) {
		f->records = r->next;
		free(r);
	}
	f->last_record = &f->records;
}

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
	(void)snprintf(s->unless, sizeof(s->unless), "%s",
		       fake_header(c, "If-None-Match"));
	(void)snprintf(s->content_length, sizeof(s->content_length), "%s",
		       fake_header(c, "Content-Length"));
	(void)snprintf(s->expect, sizeof(s->expect), "%s",
		       fake_header(c, "Expect"));
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
		if (!fake_matches(method, path, r->seen.method, r->seen.path))
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
			json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:b,s:i,s:I}",
				  "method", r->seen.method, "path",
				  r->seen.path, "range", r->seen.range,
				  "content_range", r->seen.content_range,
				  "unless", r->seen.unless, "content_length",
				  r->seen.content_length, "scheme",
				  r->seen.scheme, "elsewhere",
				  (int)r->seen.elsewhere, "status",
				  r->seen.status, "body",
				  (json_int_t)r->seen.body));
	text = json_dumps(all, JSON_COMPACT);
	json_decref(all);
	if (!text)
		abort();
	fake_add(out, text, strlen(text));
	free(text);
}
