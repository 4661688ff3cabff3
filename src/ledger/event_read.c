/*
 * event_read.c - the bytes of a manifest to the event they hold.
 *
 * Strict about what the graph and the fold rest on: the members that every
 * event has, and the fields of its kind.  Members that are not known are left
 * to later readers.
 */
#include "ledger/ledger.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "content/digest.h"
#include "ledger/internal.h"

#define SHOWN_BYTES 80
#define WHAT "event"

/* One event's JSON on its way to an event in the arena. */
struct reading {
	const json_t *j;
	struct mr_arena *arena;
	struct mr_event *out;
	struct mreg_error *err;
};

static int read_digest(const char *text, const char *key,
		       struct mreg_digest *out, struct mreg_error *err)
{
	char shown[SHOWN_BYTES];

	if (mreg_digest_parse(text, out, NULL) == 0)
		return 0;
	return mr_fail(err, MREG_EFORMAT, "%s '%s' of event is no digest", key,
		       mr_text_safe(text, shown, sizeof(shown)));
}

/* Sorted, so that one set of heads has one text. */
static int read_prev(struct reading *r)
{
	struct mreg_digest *prev;
	json_t *array;
	size_t i;
	int rc = mr_json_need_array(r->j, MR_EVENT_PREV, WHAT, &array, r->err);

	if (rc < 0)
		return rc;
	prev = mr_arena_alloc(r->arena, json_array_size(array) * sizeof(*prev));
	if (!prev)
		return mr_fail_nomem(r->err);
	for (i = 0; i < json_array_size(array); i++) {
		const char *s = json_string_value(json_array_get(array, i));

		rc = read_digest(s ? s : "", MR_EVENT_PREV, &prev[i], r->err);
		if (rc < 0)
			return rc;
		if (i > 0 && mr_digest_compare(&prev[i - 1], &prev[i]) >= 0)
			return mr_fail(r->err, MREG_EFORMAT,
				       "prev of event is not sorted");
	}
	r->out->prev = prev;
	r->out->prev_count = json_array_size(array);
	return 0;
}

static int read_number(struct reading *r, const char *key, uint64_t max,
		       uint64_t *out)
{
	int rc = mr_json_need_u64(r->j, key, WHAT, out, r->err);

	if (rc < 0)
		return rc;
	if (*out == 0 || *out > max)
		return mr_fail(r->err, MREG_EFORMAT,
			       "%s of event is %" PRIu64
			       ", not from 1 to %" PRIu64,
			       key, *out, max);
	return 0;
}

static int read_time(struct reading *r)
{
	char shown[SHOWN_BYTES];
	const char *s;
	int rc = mr_json_need_str(r->j, MR_EVENT_TIME, WHAT, &s, r->err);

	if (rc < 0)
		return rc;
	if (mr_text_time_parse(s, &r->out->time_s) < 0)
		return mr_fail(r->err, MREG_EFORMAT,
			       "time '%s' of event is not RFC 3339",
			       mr_text_safe(s, shown, sizeof(shown)));
	return 0;
}

/* Copied; `*out` stays as it is when the member is absent. */
static int read_text(struct reading *r, const char *key, const char **out)
{
	const char *s = NULL;
	int rc = mr_json_opt_str(r->j, key, WHAT, &s, r->err);

	if (rc < 0 || !s)
		return rc;
	*out = mr_arena_strdup(r->arena, s);
	return *out ? 0 : mr_fail_nomem(r->err);
}

static int read_kind(struct reading *r)
{
	const char *s;
	int rc = mr_json_need_str(r->j, MR_EVENT_KIND, WHAT, &s, r->err);

	if (rc < 0)
		return rc;
	if (!*s)
		return mr_fail(r->err, MREG_EFORMAT, "kind of event is empty");
	r->out->kind = mr_event_kind_parse(s);
	r->out->kind_name = mr_arena_strdup(r->arena, s);
	return r->out->kind_name ? 0 : mr_fail_nomem(r->err);
}

/* Of every kind. */
static int read_common(struct reading *r)
{
	struct mr_event *e = r->out;
	int rc;

	e->actor = "";
	rc = read_kind(r);
	if (rc == 0)
		rc = read_number(r, MR_EVENT_SEQ, MR_SEQ_MAX, &e->seq);
	if (rc == 0)
		rc = read_prev(r);
	if (rc == 0)
		rc = read_time(r);
	if (rc == 0)
		rc = read_text(r, MR_EVENT_ACTOR, &e->actor);
	if (rc == 0)
		rc = read_text(r, MR_EVENT_ACTOR_SOURCE, &e->actor_source);
	if (rc == 0)
		rc = read_text(r, MR_EVENT_RUN, &e->run);
	if (rc == 0)
		rc = read_text(r, MR_EVENT_COPIED_FROM, &e->copied_from);
	return rc;
}

/* -- fields of a kind ------------------------------------------------------ */

static int fail_field(struct reading *r, const struct mr_field_row *row,
		      const char *want)
{
	return mr_fail(r->err, MREG_EFORMAT, "%s of event is no %s", row->key,
		       want);
}

static int read_typed(struct reading *r, const struct mr_field_row *row,
		      const json_t *value)
{
	char *to = (char *)r->out + row->at;

	if (row->type == MR_FIELD_COUNT)
		return read_number(r, row->key, MR_VERSION_MAX,
				   (uint64_t *)(void *)to);
	if (!json_is_string(value))
		return fail_field(r, row, "digest");
	return read_digest(json_string_value(value), row->key,
			   (struct mreg_digest *)(void *)to, r->err);
}

static bool is_valid(enum mr_field_type type, const char *text)
{
	struct mreg_digest d;
	int64_t s;

	switch (type) {
	case MR_FIELD_DIGEST:
		return mreg_digest_parse(text, &d, NULL) == 0;
	case MR_FIELD_TIME:
		return mr_text_time_parse(text, &s) == 0;
	case MR_FIELD_NUMBER:
		return mr_json_is_number(text);
	default:
		return text[0] != '\0';
	}
}

static int by_name(const void *a, const void *b)
{
	const struct mreg_pair *x = a;
	const struct mreg_pair *y = b;

	return strcmp(x->name, y->name);
}

/* Members of a map, items of a list: texts all. */
static int read_items(struct reading *r, const struct mr_field_row *row,
		      json_t *value, struct mr_event_field *to)
{
	bool map = row->type == MR_FIELD_MAP;
	size_t n = map ? json_object_size(value) : json_array_size(value);
	struct mreg_pair *items;
	const char *key;
	json_t *item;
	size_t i = 0;

	if (map ? !json_is_object(value) : !json_is_array(value))
		return fail_field(r, row, map ? "map" : "list");
	items = mr_arena_alloc(r->arena, (n + 1) * sizeof(*items));
	if (!items)
		return mr_fail_nomem(r->err);
	if (map)
		json_object_foreach(value, key, item)
		{
			const char *s = json_string_value(item);

			if (!s)
				return fail_field(r, row, "map of texts");
			items[i].name = mr_arena_strdup(r->arena, key);
			items[i++].value = mr_arena_strdup(r->arena, s);
		}
	for (; i < n; i++) {
		const char *s = json_string_value(json_array_get(value, i));

		if (!s)
			return fail_field(r, row, "list of texts");
		items[i].name = mr_arena_strdup(r->arena, s);
	}
	if (mr_arena_failed(r->arena))
		return mr_fail_nomem(r->err);
	if (map && n > 1)
		qsort(items, n, sizeof(*items), by_name);
	to->items = items;
	to->count = n;
	return 0;
}

static int read_field(struct reading *r, const struct mr_field_row *row,
		      json_t *value, struct mr_event_field *to)
{
	static const char *const wants[] = {
		[MR_FIELD_TEXT] = "text",    [MR_FIELD_DIGEST] = "digest",
		[MR_FIELD_TIME] = "time",    [MR_FIELD_NUMBER] = "number",
		[MR_FIELD_COUNT] = "number", [MR_FIELD_FLAG] = "true or false",
		[MR_FIELD_MAP] = "map",      [MR_FIELD_LIST] = "list",
	};
	const char *s = json_string_value(value);

	to->key = row->key;
	if (row->type == MR_FIELD_MAP || row->type == MR_FIELD_LIST)
		return read_items(r, row, value, to);
	if (row->type == MR_FIELD_FLAG && json_is_boolean(value)) {
		to->text = json_is_true(value) ? "true" : "false";
		return 0;
	}
	if (row->type == MR_FIELD_FLAG || !s || !is_valid(row->type, s))
		return fail_field(r, row, wants[row->type]);
	to->text = mr_arena_strdup(r->arena, s);
	return to->text ? 0 : mr_fail_nomem(r->err);
}

static int read_fields(struct reading *r)
{
	const struct mr_field_row *row = mr_event_rows(r->out->kind);
	struct mr_event_field *fields;
	int rc = 0;

	fields =
		mr_arena_alloc(r->arena, MR_EVENT_FIELDS_MAX * sizeof(*fields));
	if (!fields)
		return mr_fail_nomem(r->err);
	r->out->fields = fields;
	for (; row->kind == r->out->kind && rc == 0; row++) {
		json_t *value = json_object_get(r->j, row->key);

		if (!value || json_is_null(value)) {
			if (row->needed)
				rc = mr_fail(r->err, MREG_EFORMAT,
					     "event has no '%s'", row->key);
		} else if (row->at) {
			rc = read_typed(r, row, value);
		} else {
			rc = read_field(r, row, value,
					&fields[r->out->field_count]);
			r->out->field_count += rc == 0;
		}
	}
	return rc;
}

int mr_event_read_json(const char *text, size_t n, struct mr_arena *arena,
		       struct mr_event *out, struct mreg_error *err)
{
	MR_AUTO(mr_json_freep) json_t *j = NULL;
	struct reading r = { .arena = arena, .out = out, .err = err };
	int rc = mr_json_parse(text, n, MR_EVENT_MAX_BYTES, WHAT, &j, err);

	r.j = j;
	if (rc == 0)
		rc = read_common(&r);
	if (rc == 0 && out->kind != MR_EVENT_UNKNOWN)
		rc = read_fields(&r);
	return rc;
}

/* All that can be wrong with bytes is that they are no event. */
static int as_format(int rc, struct mreg_error *err)
{
	if (rc == MREG_ENOMEM)
		return rc;
	if (err)
		err->code = MREG_EFORMAT;
	return MREG_EFORMAT;
}

int mr_event_read(const void *bytes, size_t n, struct mr_arena *arena,
		  struct mr_event *out, struct mreg_error *err)
{
	MR_AUTO(mr_manifest_freep) struct mr_manifest *m = NULL;
	const char *json;
	int rc;

	rc = mr_manifest_parse(bytes, n, NULL, &m, err);
	if (rc < 0)
		return as_format(rc, err);
	json = mr_annotation(&m->annotations, MR_EVENT_ANNOTATION);
	if (m->is_index || !m->artifact_type || !json ||
	    strcmp(m->artifact_type, MR_EVENT_ARTIFACT) != 0)
		return mr_fail(err, MREG_EFORMAT, "manifest is not an event's");
	*out = (struct mr_event){ .digest = m->desc.digest };
	rc = mr_event_read_json(json, strlen(json), arena, out, err);
	if (rc < 0)
		return as_format(rc, err);
	if (m->layer_count == 1 &&
	    strcmp(m->layers[0].desc.media_type, MR_PACK_MEDIA) == 0) {
		out->pack = m->layers[0].desc.digest;
		out->pack_bytes = m->layers[0].desc.size;
	}
	out->json = mr_arena_strdup(arena, json);
	return out->json ? 0 : mr_fail_nomem(err);
}
