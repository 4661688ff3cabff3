/*
 * notice.c - a document from a registry, or many, taken apart into notices.
 */
#include "crawl/notice.h"

#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "base/mem.h"

/* Texts of the notices: each at most as long as the document. */
#define ARENA_MAX_BYTES (8u * MR_NOTICES_MAX_BYTES)
#define WHAT "notification"

struct reading {
	struct mr_notices *out;
	const char *source;
	uint64_t documents; /* so far */
};

void mr_notices_release(struct mr_notices *n)
{
	mr_arena_free(n->arena);
	memset(n, 0, sizeof(*n));
}

static const char *keep(struct mr_arena *a, const char *text)
{
	return text ? mr_arena_strdup(a, text) : NULL;
}

static int add(struct mr_notices *to, const struct mr_notice *n,
	       struct mreg_error *err)
{
	struct mr_notice *items;

	if (to->count == to->cap) {
		to->cap = 2 * to->cap + 16;
		items = mr_arena_alloc(to->arena, to->cap * sizeof(*items));
		if (!items)
			return mr_fail_nomem(err);
		if (to->count)
			memcpy(items, to->items, to->count * sizeof(*items));
		to->items = items;
	}
	to->items[to->count++] = (struct mr_notice){
		.source = n->source,
		.id = n->id && strlen(n->id) <= MR_NOTICE_ID_MAX_BYTES
			      ? keep(to->arena, n->id)
			      : NULL,
		.host = keep(to->arena, n->host),
		.repository = keep(to->arena, n->repository),
		.idle = n->idle,
	};
	return mr_arena_failed(to->arena) ? mr_fail_nomem(err) : 0;
}

static void count_unknown(struct reading *r)
{
	if (!r->out->unknown++)
		r->out->unknown_at = r->documents;
}

static int take_one(struct reading *r, const json_t *doc,
		    struct mreg_error *err)
{
	struct mr_notice n = { .source = NULL };

	r->documents++;
	if (mr_notice_take(doc, r->source, r->out->arena, &n))
		return add(r->out, &n, err);
	if (mr_arena_failed(r->out->arena))
		return mr_fail_nomem(err);
	count_unknown(r);
	return 0;
}

/* An array of notices, or distribution's envelope, which is one object around
 * such an array; nothing has arrays in arrays. */
static int take_document(struct reading *r, const json_t *doc,
			 struct mreg_error *err)
{
	const json_t *events = json_object_get(doc, "events");
	const json_t *list = json_is_array(doc) ? doc : events;
	size_t i;
	int rc = 0;

	if (!json_is_array(list))
		return take_one(r, doc, err);
	for (i = 0; rc >= 0 && i < json_array_size(list); i++) {
		const json_t *item = json_array_get(list, i);
		const json_t *inner = json_object_get(item, "events");

		if (list == doc && json_is_array(inner))
			rc = take_document(r, item, err);
		else
			rc = take_one(r, item, err);
	}
	return rc;
}

/* A line that is no JSON hides no other. */
static int take_line(struct reading *r, const char *line, size_t n,
		     bool *is_json, struct mreg_error *err)
{
	MR_AUTO(mr_json_freep) json_t *doc = NULL;
	struct mreg_error why = MREG_ERROR_INIT;
	int rc = mr_json_parse(line, n, MR_NOTICES_MAX_BYTES, WHAT, &doc, &why);

	if (rc == MREG_EFORMAT) {
		r->documents++;
		count_unknown(r);
		return 0;
	}
	if (rc < 0) {
		if (err)
			*err = why;
		return rc;
	}
	*is_json = true;
	return take_document(r, doc, err);
}

static bool is_blank(const char *line, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (!strchr(" \t\r", line[i]) || !line[i])
			return false;
	return true;
}

static int take_lines(struct reading *r, const char *bytes, size_t n,
		      struct mreg_error *err)
{
	bool is_json = false;
	size_t at = 0;
	int rc = 0;

	while (rc >= 0 && at < n) {
		const char *line = bytes + at;
		const char *end = memchr(line, '\n', n - at);
		size_t len = end ? (size_t)(end - line) : n - at;

		if (!is_blank(line, len))
			rc = take_line(r, line, len, &is_json, err);
		at += len + 1;
	}
	if (rc < 0 || is_json)
		return rc;
	(void)mr_fail(err, MREG_EFORMAT, "there is no JSON in it");
	return mr_hint(err, "give what the registry sends, as it is");
}

int mr_notices_read(const char *bytes, size_t n, const char *source,
		    struct mr_notices *out, struct mreg_error *err)
{
	MR_AUTO(mr_json_freep) json_t *doc = NULL;
	struct mreg_error why = MREG_ERROR_INIT;
	struct reading r = { .out = out, .source = source };
	int rc;

	memset(out, 0, sizeof(*out));
	out->arena = mr_arena_new(ARENA_MAX_BYTES);
	if (!out->arena)
		return mr_fail_nomem(err);
	rc = mr_json_parse(bytes, n, MR_NOTICES_MAX_BYTES, WHAT, &doc, &why);
	if (rc >= 0)
		rc = take_document(&r, doc, err);
	else if (rc == MREG_EFORMAT)
		rc = take_lines(&r, bytes, n, err);
	else if (err)
		*err = why;
	if (rc < 0)
		mr_notices_release(out);
	return rc;
}
