/*
 * standing_fixture.c - a log that is written one event after the other.
 */
#include "tests/support/standing_fixture.h"

#include <stdlib.h>

#include "base/mem.h"
#include "content/digest.h"
#include "oci/oci.h"
#include "tests/support/test.h"

int standing_setup(void **state)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct standing_fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	assert_ok(mr_ledger_new(&f->l, &err), err);
	f->arena = mr_arena_new(1u << 20);
	assert_non_null(f->arena);
	*state = f;
	return 0;
}

int standing_teardown(void **state)
{
	struct standing_fixture *f = *state;
	size_t i;

	for (i = 0; i < f->count; i++)
		mr_event_doc_release(&f->docs[i]);
	mr_standing_release(&f->s);
	mr_arena_free(f->arena);
	mr_ledger_free(f->l);
	free(f);
	return 0;
}

struct mreg_digest log_digest(unsigned int n)
{
	struct mreg_digest d = { .algorithm = MREG_SHA256 };

	if (!n)
		d.algorithm = MREG_DIGEST_NONE;
	d.bytes[31] = (uint8_t)n;
	return d;
}

static void add(struct mr_ledger *l, const struct mr_event_doc *doc)
{
	struct mreg_error err = MREG_ERROR_INIT;

	assert_ok(mr_ledger_add(l, doc->bytes.data, doc->bytes.len, &err), err);
}

/* On top of what `seen` has. */
static struct mreg_digest say(struct standing_fixture *f,
			      struct mr_ledger *seen, struct mr_event e)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_event_doc *doc = &f->docs[f->count];

	assert_true(f->count < EVENTS_MAX);
	e.seq = mr_ledger_next_seq(seen);
	e.time_s = T2026 + (int64_t)f->count++;
	assert_ok(mr_ledger_heads(seen, &e.prev, &e.prev_count, &err), err);
	assert_ok(mr_event_write(&e, doc, &err), err);
	add(f->l, doc);
	return doc->desc.digest;
}

struct mreg_digest log_say(struct standing_fixture *f, struct mr_event e)
{
	e.actor = "ada";
	return say(f, f->l, e);
}

struct mr_ledger *log_read(const struct standing_fixture *f, uint32_t seen)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_ledger *l;
	size_t i;

	assert_ok(mr_ledger_new(&l, &err), err);
	for (i = 0; i < f->count; i++)
		if (seen >> i & 1)
			add(l, &f->docs[i]);
	return l;
}

struct mreg_digest log_fork(struct standing_fixture *f, uint32_t seen,
			    struct mr_event e, const char *actor)
{
	struct mr_ledger *theirs = log_read(f, seen);
	struct mreg_digest d;

	e.actor = actor;
	d = say(f, theirs, e);
	mr_ledger_free(theirs);
	return d;
}

struct mreg_digest log_move(struct standing_fixture *f, const char *alias,
			    unsigned int version, const char *by)
{
	struct mr_event_field fields[] = { { .key = "alias", .text = alias },
					   { .key = "by", .text = by } };

	return log_say(f, (struct mr_event){ .kind = MR_EVENT_ALIAS_MOVED,
					     .version = log_digest(version),
					     .fields = fields,
					     .field_count = 2 });
}

struct mreg_digest log_answer(struct standing_fixture *f,
			      enum mr_event_kind kind,
			      const struct mreg_digest *request,
			      const char *alias, unsigned int version)
{
	char text[MREG_DIGEST_TEXT];
	struct mr_event_field fields[] = {
		{ .key = "alias", .text = alias },
		{ .key = "request", .text = mreg_digest_text(request, text) },
	};

	return log_say(f, (struct mr_event){ .kind = kind,
					     .version = log_digest(version),
					     .fields = fields,
					     .field_count = 2 });
}

struct mreg_digest log_ask(struct standing_fixture *f, const char *alias,
			   unsigned int version)
{
	struct mr_event_field fields[] = {
		{ .key = "alias", .text = alias },
		{ .key = "until", .text = "2026-01-03T00:00:00Z" },
	};

	return log_say(f, (struct mr_event){ .kind = MR_EVENT_APPROVAL_ASKED,
					     .version = log_digest(version),
					     .fields = fields,
					     .field_count = 2 });
}

void log_simple(struct standing_fixture *f, enum mr_event_kind kind,
		unsigned int version, const char *key, const char *text)
{
	struct mr_event_field field = { .key = key, .text = text };

	(void)log_say(f, (struct mr_event){ .kind = kind,
					    .version = log_digest(version),
					    .fields = &field,
					    .field_count = key ? 1 : 0 });
}

void log_claim(struct standing_fixture *f, uint64_t number,
	       unsigned int version)
{
	(void)log_say(f, (struct mr_event){ .kind = MR_EVENT_VERSION_REGISTERED,
					    .number = number,
					    .version = log_digest(version) });
}

void log_change(struct standing_fixture *f, enum mr_event_kind kind,
		unsigned int version, const char *key, const char *value)
{
	struct mreg_pair pair = { .name = key, .value = value };
	struct mr_event_field field = { .key = value ? "set" : "unset",
					.items = &pair,
					.count = 1 };

	(void)log_say(f, (struct mr_event){ .kind = kind,
					    .version = log_digest(version),
					    .fields = &field,
					    .field_count = 1 });
}

void log_fold(struct standing_fixture *f)
{
	struct mreg_error err = MREG_ERROR_INIT;

	mr_standing_release(&f->s);
	assert_ok(mr_ledger_standing(f->l, MR_STANDING_NOW, &f->s, &err), err);
}

const struct mr_version_standing *log_version(struct standing_fixture *f,
					      unsigned int n)
{
	struct mreg_digest d = log_digest(n);
	const struct mr_version_standing *v = mr_standing_version(&f->s, &d);

	assert_non_null(v);
	return v;
}

unsigned int log_at(struct standing_fixture *f, const char *alias)
{
	const struct mr_alias_standing *a = mr_standing_alias(&f->s, alias);

	assert_non_null(a);
	assert_non_null(a->move);
	return mr_digest_known(&a->move->version) ? a->move->version.bytes[31]
						  : 0;
}
