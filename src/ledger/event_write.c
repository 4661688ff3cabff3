/*
 * event_write.c - an event to the bytes of its manifest.
 *
 * The JSON is canonical (keys sorted bytewise, no white space), so members
 * are written in the order of their names.
 */
#include "ledger/ledger.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
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

/* `,"key":` but for the first member. */
static void put_key(struct mr_buf *b, const char *key)
{
	mr_buf_putc(b, b->len == 0 ? '{' : ',');
	mr_json_quote(b, key);
	mr_buf_putc(b, ':');
}

static void put_text(struct mr_buf *b, const char *key, const char *value)
{
	if (!value)
		return;
	put_key(b, key);
	mr_json_quote(b, value);
}

static void put_number(struct mr_buf *b, const char *key, uint64_t value)
{
	put_key(b, key);
	mr_buf_printf(b, "%" PRIu64, value);
}

static void put_digest(struct mr_buf *b, const char *key,
		       const struct mreg_digest *d)
{
	char text[MREG_DIGEST_TEXT];

	if (mr_digest_known(d))
		put_text(b, key, mreg_digest_text(d, text));
}

static void put_prev(struct mr_buf *b, const struct mr_event *e)
{
	char text[MREG_DIGEST_TEXT];
	size_t i;

	put_key(b, MR_EVENT_PREV);
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

/* What a kind does not have is 0 or no digest, and left out. */
static void put_event(struct mr_buf *b, const struct mr_event *e)
{
	char time[32];

	put_text(b, MR_EVENT_ACTOR, e->actor ? e->actor : "");
	put_text(b, MR_EVENT_COPIED_FROM, e->copied_from);
	put_text(b, MR_EVENT_KIND, mr_event_kind_name(e->kind));
	if (e->number)
		put_number(b, MR_EVENT_NUMBER, e->number);
	put_digest(b, MR_EVENT_POLICY, &e->policy);
	put_prev(b, e);
	put_digest(b, MR_EVENT_REPLACES, &e->replaces);
	put_text(b, MR_EVENT_RUN, e->run);
	put_number(b, MR_EVENT_SEQ, e->seq);
	put_text(b, MR_EVENT_TIME, mr_text_time(e->time_s, time));
	put_digest(b, MR_EVENT_VERSION, &e->version);
	put_digest(b, MR_EVENT_WAS, &e->was);
	mr_buf_putc(b, '}');
}

/* What comes from outside; the rest is the caller's duty. */
static int check(const struct mr_event *e, struct mreg_error *err)
{
	const char *const texts[] = { e->actor, e->run, e->copied_from };
	static const char *const names[] = { MR_EVENT_ACTOR, MR_EVENT_RUN,
					     MR_EVENT_COPIED_FROM };
	size_t i;

	assert(e->seq > 0 && e->kind != MR_EVENT_UNKNOWN);
	assert(e->kind != MR_EVENT_VERSION_REGISTERED ||
	       (e->number > 0 && mr_digest_known(&e->version)));
	if (e->seq > MR_SEQ_MAX)
		return mr_fail(err, MREG_ELIMIT,
			       "log is full: no entry after %u", MR_SEQ_MAX);
	if (e->number > MR_VERSION_MAX)
		return mr_fail(err, MREG_ELIMIT,
			       "log has no version number left after %" PRIu64,
			       MR_VERSION_MAX);
	for (i = 0; i < MR_COUNT(texts); i++)
		if (texts[i] && !mr_utf8_valid(texts[i]))
			return mr_fail(err, MREG_EUSAGE,
				       "%s of an event is not UTF-8", names[i]);
	return 0;
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

	return mr_manifest_write(&draft, out, err);
}

int mr_event_write(const struct mr_event *e, struct mr_event_doc *out,
		   struct mreg_error *err)
{
	MR_AUTO(mr_buf_release)
	struct mr_buf json = MR_BUF_INIT(MR_EVENT_MAX_BYTES);
	char hex[129];
	int rc;

	rc = check(e, err);
	if (rc < 0)
		return rc;
	put_event(&json, e);
	rc = mr_buf_check(&json, "event", err);
	if (rc < 0)
		return rc;
	mr_buf_release(&out->bytes);
	mr_buf_init(&out->bytes, MR_MANIFEST_MAX_BYTES);
	rc = put_manifest(mr_buf_text(&json), e, &out->bytes, err);
	if (rc < 0)
		return rc;
	out->desc = (struct mreg_desc){ .media_type = MR_MEDIA_MANIFEST,
					.size = out->bytes.len };
	rc = mr_digest_of(out->bytes.data, out->bytes.len, &out->desc.digest,
			  err);
	if (rc < 0)
		return rc;
	(void)snprintf(out->tag, sizeof(out->tag),
		       MR_LOG_TAG_PREFIX "%0*" PRIu64 ".%.*s", MR_SEQ_DIGITS,
		       e->seq, MR_LOG_HEX_DIGITS,
		       mr_digest_hex(&out->desc.digest, hex));
	return 0;
}
