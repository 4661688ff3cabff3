/*
 * log_says.c - what an event says, in words.
 */
#include <inttypes.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "content/digest.h"
#include "life/log.h"

#define LINE_MAX_BYTES 4096
#define SHOWN_BYTES 400
#define SHORT_DIGEST 19 /* "sha256:" and 12 digits */

struct line {
	struct mr_buf b;
	const struct mr_event *e;
	const struct mr_standing *s;
};

static void put_safe(struct line *l, const char *text)
{
	char shown[SHOWN_BYTES];

	mr_buf_puts(&l->b, mr_text_safe(text, shown, sizeof(shown)));
}

/* "v3", else the beginning of the digest. */
static void put_version(struct line *l, const struct mreg_digest *d)
{
	const struct mr_version_standing *v = mr_standing_version(l->s, d);
	char text[MREG_DIGEST_TEXT];

	if (v && v->registered)
		mr_buf_printf(&l->b, "v%" PRIu64, v->registered->number);
	else
		mr_buf_printf(&l->b, "%.*s", SHORT_DIGEST,
			      mreg_digest_text(d, text));
}

/* `before` and the field's text, when it has one. */
static void put_field(struct line *l, const char *before, const char *key)
{
	const char *text = mr_event_text(l->e, key);

	if (!text)
		return;
	mr_buf_puts(&l->b, before);
	put_safe(l, text);
}

/* The same of an event, by the digits that a user may name it by. */
static void put_event(struct line *l, const char *before, const char *key)
{
	const char *text = mr_event_text(l->e, key);

	if (text)
		mr_buf_printf(&l->b, "%s%.*s", before, SHORT_DIGEST, text);
}

static void put_reason(struct line *l)
{
	put_field(l, ": ", "reason");
}

static void put_registered(struct line *l)
{
	mr_buf_printf(&l->b, "v%" PRIu64, l->e->number);
	if (l->e->run) {
		mr_buf_puts(&l->b, ", run ");
		put_safe(l, l->e->run);
	}
	put_event(l, ", because of ", "because");
	if (l->e->copied_from) {
		mr_buf_puts(&l->b, ", copied from ");
		put_safe(l, l->e->copied_from);
	}
}

static void put_change(struct line *l, const char *none,
		       const struct mreg_digest *now,
		       const struct mreg_digest *was)
{
	if (mr_digest_known(now))
		put_version(l, now);
	else
		mr_buf_puts(&l->b, none);
	if (mr_digest_known(was)) {
		mr_buf_puts(&l->b, ", was ");
		put_version(l, was);
	}
}

static void put_alias(struct line *l)
{
	const char *by = mr_event_text(l->e, "by");

	put_field(l, "", "alias");
	mr_buf_puts(&l->b, ": ");
	put_change(l, "removed", &l->e->version, &l->e->was);
	if (by && strcmp(by, "set") != 0 && strcmp(by, "remove") != 0)
		put_field(l, ", by ", "by");
	put_reason(l);
}

static void put_items(struct line *l, const char *key, const char *sep)
{
	const struct mr_event_field *f = mr_event_field(l->e, key);
	size_t i;

	for (i = 0; f && i < f->count; i++) {
		mr_buf_puts(&l->b, i ? sep : "");
		put_safe(l, f->items[i].name);
		if (f->items[i].value) {
			mr_buf_puts(&l->b, "=");
			put_safe(l, f->items[i].value);
		}
	}
}

static void put_metadata(struct line *l)
{
	if (mr_digest_known(&l->e->version)) {
		put_version(l, &l->e->version);
		mr_buf_puts(&l->b, ": ");
	}
	put_items(l, "set", ", ");
	if (mr_event_field(l->e, "unset")) {
		mr_buf_puts(&l->b, mr_event_field(l->e, "set") ? "; without "
							       : "without ");
		put_items(l, "unset", ", ");
	}
}

static void put_approval(struct line *l)
{
	put_version(l, &l->e->version);
	put_field(l, " to ", "alias");
	put_field(l, ", until ", "until");
	put_field(l, ", as ", "role");
	put_reason(l);
}

static void put_observed(struct line *l)
{
	put_version(l, &l->e->version);
	put_field(l, ": ", "metric");
	put_field(l, " ", "value");
	put_field(l, ", baseline ", "baseline");
	put_field(l, ", window ", "window");
	put_field(l, ", in ", "environment");
}

static void put_deployed(struct line *l)
{
	put_field(l, "", "environment");
	put_field(l, "/", "workload");
	mr_buf_puts(&l->b, ": ");
	put_change(l, "nothing", &l->e->version, &l->e->was);
	put_reason(l);
}

static void put_incident(struct line *l)
{
	if (mr_event_text(l->e, "closes"))
		mr_buf_puts(&l->b, "over: ");
	put_field(l, "", "title");
	put_field(l, ", ", "severity");
	if (mr_digest_known(&l->e->version)) {
		mr_buf_puts(&l->b, ", ");
		put_version(l, &l->e->version);
	}
	put_field(l, ", in ", "environment");
	put_field(l, ", ", "url");
	put_reason(l);
}

static void put_policy(struct line *l)
{
	char text[MREG_DIGEST_TEXT];

	if (mr_digest_known(&l->e->policy))
		mr_buf_printf(&l->b, "%.*s", SHORT_DIGEST,
			      mreg_digest_text(&l->e->policy, text));
	else
		mr_buf_puts(&l->b, "none");
	if (mr_digest_known(&l->e->was))
		mr_buf_printf(&l->b, ", was %.*s", SHORT_DIGEST,
			      mreg_digest_text(&l->e->was, text));
}

/* Of an experiment. */
static void put_experiment(struct line *l)
{
	struct mreg_digest d;

	put_field(l, ", experiment ", "experiment");
	if (mr_event_digest(l->e, "baseline", &d)) {
		mr_buf_puts(&l->b, ", against ");
		put_version(l, &d);
	}
	if (mr_event_digest(l->e, "winner", &d)) {
		mr_buf_puts(&l->b, ", winner ");
		put_version(l, &d);
	}
}

static void put_version_event(struct line *l)
{
	struct mreg_digest successor;

	if (mr_digest_known(&l->e->version))
		put_version(l, &l->e->version);
	put_field(l, ", is ", "release");
	put_field(l, ", ", "suite");
	if (mr_event_text(l->e, "passed"))
		mr_buf_puts(&l->b,
			    strcmp(mr_event_text(l->e, "passed"), "true") == 0
				    ? " passed"
				    : " failed");
	if (l->e->kind == MR_EVENT_EVALUATED)
		put_experiment(l);
	put_field(l, ", ", "rule");
	put_field(l, ", in ", "environment");
	put_field(l, ", until ", "until");
	put_field(l, ", no more ", "what");
	if (mr_event_digest(l->e, "successor", &successor)) {
		mr_buf_puts(&l->b, ", take ");
		put_version(l, &successor);
	}
	if (mr_event_field(l->e, "tags")) {
		mr_buf_puts(&l->b, ", tags ");
		put_items(l, "tags", " ");
	}
	put_reason(l);
}

/* What its weights are may be anything. */
static void put_split(struct line *l)
{
	const struct mr_event_field *f = mr_event_field(l->e, "weights");
	size_t i;

	put_field(l, "", "alias");
	mr_buf_puts(&l->b, f->count ? ": split " : ": split ended");
	for (i = 0; i < f->count; i++) {
		struct mreg_digest d;

		mr_buf_puts(&l->b, i ? ", " : "");
		if (mreg_digest_parse(f->items[i].name, &d, NULL) < 0)
			put_safe(l, f->items[i].name);
		else
			put_version(l, &d);
		mr_buf_puts(&l->b, "=");
		put_safe(l, f->items[i].value);
	}
	put_reason(l);
}

static void put_words(struct line *l)
{
	switch (l->e->kind) {
	case MR_EVENT_VERSION_REGISTERED:
		put_registered(l);
		break;
	case MR_EVENT_ALIAS_MOVED:
	case MR_EVENT_TAG_ADOPTED:
		put_alias(l);
		break;
	case MR_EVENT_RECORD_WRITTEN:
	case MR_EVENT_METADATA_CHANGED:
		put_metadata(l);
		break;
	case MR_EVENT_APPROVAL_ASKED:
	case MR_EVENT_APPROVAL_GRANTED:
	case MR_EVENT_APPROVAL_REFUSED:
	case MR_EVENT_APPROVAL_OVERDUE:
		put_approval(l);
		break;
	case MR_EVENT_OBSERVED:
		put_observed(l);
		break;
	case MR_EVENT_DEPLOYED:
		put_deployed(l);
		break;
	case MR_EVENT_INCIDENT:
		put_incident(l);
		break;
	case MR_EVENT_POLICY_CHANGED:
		put_policy(l);
		break;
	case MR_EVENT_SPLIT_RECORDED:
		put_split(l);
		break;
	default:
		put_version_event(l);
		break;
	}
}

/* A line that is too long is cut: it is for people. */
const char *mr_event_says(const struct mr_event *e, const struct mr_standing *s,
			  struct mr_arena *a)
{
	struct line l = { .b = MR_BUF_INIT(LINE_MAX_BYTES), .e = e, .s = s };
	const char *text;

	put_words(&l);
	text = mr_arena_strdup(a, mr_buf_text(&l.b));
	mr_buf_release(&l.b);
	return text;
}
