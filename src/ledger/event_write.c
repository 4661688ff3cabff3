/*
 * event_write.c - an event to the bytes of its manifest.
 *
 * The JSON is canonical (keys sorted bytewise, no white space), so all members
 * are gathered, put in the order of their names, and then written.
 */
#include "ledger/ledger.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "content/digest.h"
#include "ledger/internal.h"

void mr_event_doc_release(struct mr_event_doc *d)
{
	mr_buf_release(&d->bytes);
}

/* Members of one event: those of each, and those of its kind. */
#define MEMBERS_MAX (8 + MR_EVENT_FIELDS_MAX)

struct member {
	const char *key;
	const char *text; /* put in quotes; NULL: the next that is there */
	const char *raw;  /* put as it is */
	uint64_t number;
	const struct mr_event_field *field; /* a map or list */
	bool map;
};

struct writing {
	const struct mr_event *e;
	struct member members[MEMBERS_MAX];
	size_t count;
	/* What members borrow. */
	char time[32];
	char digests[MR_EVENT_FIELDS_MAX][MREG_DIGEST_TEXT];
	size_t digest_count;
};

static struct member *add(struct writing *w, const char *key)
{
	struct member *m = &w->members[w->count++];

	assert(w->count <= MEMBERS_MAX);
	m->key = key;
	return m;
}

static void add_text(struct writing *w, const char *key, const char *text)
{
	if (text)
		add(w, key)->text = text;
}

static void add_common(struct writing *w)
{
	const struct mr_event *e = w->e;

	add_text(w, MR_EVENT_ACTOR, e->actor ? e->actor : "");
	add_text(w, MR_EVENT_ACTOR_SOURCE, e->actor_source);
	add_text(w, MR_EVENT_COPIED_FROM, e->copied_from);
	add_text(w, MR_EVENT_KIND, mr_event_kind_name(e->kind));
	add(w, MR_EVENT_PREV);
	add_text(w, MR_EVENT_RUN, e->run);
	add(w, MR_EVENT_SEQ)->number = e->seq;
	add_text(w, MR_EVENT_TIME, mr_text_time(e->time_s, w->time));
}

/* What is 0 or no digest is left out. */
static void add_typed(struct writing *w, const struct mr_field_row *row)
{
	const void *at = (const char *)w->e + row->at;
	char *text = w->digests[w->digest_count];

	if (row->type == MR_FIELD_COUNT) {
		const uint64_t *number = at;

		if (*number)
			add(w, row->key)->number = *number;
	} else if (mr_digest_known(at)) {
		add_text(w, row->key, mreg_digest_text(at, text));
		w->digest_count++;
	}
}

static void add_field(struct writing *w, const struct mr_field_row *row)
{
	const struct mr_event_field *f = mr_event_field(w->e, row->key);
	struct member *m;

	if (!f)
		return;
	m = add(w, row->key);
	if (row->type == MR_FIELD_MAP || row->type == MR_FIELD_LIST) {
		m->field = f;
		m->map = row->type == MR_FIELD_MAP;
	} else if (row->type == MR_FIELD_FLAG) {
		m->raw = f->text;
	} else {
		m->text = f->text;
	}
}

static int by_key(const void *a, const void *b)
{
	const struct member *x = a;
	const struct member *y = b;

	return strcmp(x->key, y->key);
}

static void put_prev(struct mr_buf *b, const struct mr_event *e)
{
	char text[MREG_DIGEST_TEXT];
	size_t i;

	mr_buf_putc(b, '[');
	for (i = 0; i < e->prev_count; i++) {
		assert(i == 0 ||
		       mr_digest_compare(&e->prev[i - 1], &e->prev[i]) < 0);
		if (i > 0)
			mr_buf_putc(b, ',');
		mr_json_quote(b, mreg_digest_text(&e->prev[i], text));
	}
	mr_buf_putc(b, ']');
}

static void put_items(struct mr_buf *b, const struct member *m)
{
	size_t i;

	mr_buf_putc(b, m->map ? '{' : '[');
	for (i = 0; i < m->field->count; i++) {
		assert(i == 0 || !m->map ||
		       strcmp(m->field->items[i - 1].name,
			      m->field->items[i].name) < 0);
		if (i > 0)
			mr_buf_putc(b, ',');
		mr_json_quote(b, m->field->items[i].name);
		if (!m->map)
			continue;
		mr_buf_putc(b, ':');
		mr_json_quote(b, m->field->items[i].value);
	}
	mr_buf_putc(b, m->map ? '}' : ']');
}

static void put_event(struct mr_buf *b, const struct mr_event *e)
{
	const struct mr_field_row *row;
	struct writing w = { .e = e };
	size_t i;

	add_common(&w);
	for (row = mr_event_rows(e->kind); row->kind == e->kind; row++)
		if (row->at)
			add_typed(&w, row);
		else
			add_field(&w, row);
	qsort(w.members, w.count, sizeof(*w.members), by_key);
	for (i = 0; i < w.count; i++) {
		const struct member *m = &w.members[i];

		mr_buf_putc(b, i == 0 ? '{' : ',');
		mr_json_quote(b, m->key);
		mr_buf_putc(b, ':');
		if (m->text)
			mr_json_quote(b, m->text);
		else if (m->raw)
			mr_buf_puts(b, m->raw);
		else if (m->field)
			put_items(b, m);
		else if (m->number)
			mr_buf_printf(b, "%" PRIu64, m->number);
		else
			put_prev(b, e);
	}
	mr_buf_putc(b, '}');
}

/* -- what may be written --------------------------------------------------- */

static int check_text(const char *name, const char *text,
		      struct mreg_error *err)
{
	if (!text || mr_utf8_valid(text))
		return 0;
	return mr_fail(err, MREG_EUSAGE, "%s of an event is not UTF-8", name);
}

static int check_fields(const struct mr_event *e, struct mreg_error *err)
{
	size_t i, k;
	int rc = 0;

	for (i = 0; i < e->field_count && rc == 0; i++) {
		const struct mr_event_field *f = &e->fields[i];
		const struct mr_field_row *row = mr_event_rows(e->kind);

		while (row->kind == e->kind && strcmp(row->key, f->key) != 0)
			row++;
		if (row->kind != e->kind || row->at)
			return mr_fail(err, MREG_EINTERNAL,
				       "event of kind '%s' has no field '%s'",
				       mr_event_kind_name(e->kind), f->key);
		rc = check_text(f->key, f->text, err);
		for (k = 0; k < f->count && rc == 0; k++) {
			rc = check_text(f->key, f->items[k].name, err);
			if (rc == 0)
				rc = check_text(f->key, f->items[k].value, err);
		}
	}
	return rc;
}

/* What comes from outside; the rest is the caller's duty. */
static int check(const struct mr_event *e, struct mreg_error *err)
{
	int rc;

	assert(e->seq > 0 && e->kind != MR_EVENT_UNKNOWN);
	assert(e->kind != MR_EVENT_VERSION_REGISTERED ||
	       (e->number > 0 && mr_digest_known(&e->version)));
	if (e->seq > MR_SEQ_MAX) {
		(void)mr_fail(err, MREG_ELIMIT,
			      "log is full: no entry after %u", MR_SEQ_MAX);
		return mr_hint(err,
			       "if 'mreg log NAME --verify' calls the last "
			       "one misplaced, delete its tag");
	}
	if (e->number > MR_VERSION_MAX) {
		(void)mr_fail(err, MREG_ELIMIT,
			      "log has no version number left after %" PRIu64,
			      MR_VERSION_MAX);
		return mr_hint(err, "'mreg log NAME --json' shows which entry "
				    "names it: delete its tag if it is forged");
	}
	rc = check_text(MR_EVENT_ACTOR, e->actor, err);
	if (rc == 0)
		rc = check_text(MR_EVENT_RUN, e->run, err);
	if (rc == 0)
		rc = check_text(MR_EVENT_COPIED_FROM, e->copied_from, err);
	return rc == 0 ? check_fields(e, err) : rc;
}

static int put_manifest(const char *json, const struct mr_event *e,
			struct mr_buf *out, struct mreg_error *err)
{
	char version[MREG_DIGEST_TEXT];
	struct mreg_pair annotations[] = {
		{ MR_EVENT_ANNOTATION, json },
		{ MR_EVENT_VERSION_ANNOTATION,
		  mreg_digest_text(&e->version, version) },
	};
	struct mr_descriptor layer = { .desc = mr_empty_desc };
	struct mr_manifest_draft draft = {
		.artifact_type = MR_EVENT_ARTIFACT,
		.config = { .desc = mr_empty_desc, .data = "e30=" },
		.layers = &layer,
		.layer_count = 1,
		/* The second one only where it is about a version. */
		.annotations = { annotations, version[0] ? 2 : 1 },
	};

	if (mr_digest_known(&e->pack))
		layer.desc = (struct mreg_desc){ .media_type = MR_PACK_MEDIA,
						 .digest = e->pack,
						 .size = e->pack_bytes };
	return mr_manifest_write(&draft, out, err);
}

int mr_event_manifest(const struct mr_event *e, const char *json,
		      struct mr_event_doc *out, struct mreg_error *err)
{
	struct mr_event written = { .seq = e->seq };
	int rc;

	mr_buf_release(&out->bytes);
	mr_buf_init(&out->bytes, MR_MANIFEST_MAX_BYTES);
	rc = put_manifest(json, e, &out->bytes, err);
	if (rc < 0)
		return rc;
	out->desc = (struct mreg_desc){ .media_type = MR_MEDIA_MANIFEST,
					.size = out->bytes.len };
	rc = mr_digest_of(out->bytes.data, out->bytes.len, &out->desc.digest,
			  err);
	if (rc < 0)
		return rc;
	written.digest = out->desc.digest;
	(void)mr_log_tag_of(&written, out->tag);
	return 0;
}

int mr_event_write(const struct mr_event *e, struct mr_event_doc *out,
		   struct mreg_error *err)
{
	MR_AUTO(mr_buf_release)
	struct mr_buf json = MR_BUF_INIT(MR_EVENT_MAX_BYTES);
	int rc = check(e, err);

	if (rc < 0)
		return rc;
	put_event(&json, e);
	rc = mr_buf_check(&json, "event", err);
	return rc < 0 ? rc : mr_event_manifest(e, mr_buf_text(&json), out, err);
}
