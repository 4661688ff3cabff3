/*
 * test_kinds.c - every kind of event: what it may say is written, read back,
 * and asked for where it has to be.
 */
#include "tests/support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "content/digest.h"
#include "ledger/internal.h"
#include "ledger/ledger.h"
#include "oci/oci.h"

#define T2026 1767225600 /* 2026-01-01T00:00:00Z */
#define SHA                                                                    \
	"sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789"    \
	"abcdef"

static const struct mreg_pair map[] = { { "a", "1" }, { "b.c", "" } };
static const struct mreg_pair list[] = { { "z", NULL }, { "a", NULL } };

static struct mr_event_field value_of(const struct mr_field_row *row)
{
	struct mr_event_field f = { .key = row->key };

	switch (row->type) {
	case MR_FIELD_DIGEST:
		f.text = SHA;
		break;
	case MR_FIELD_TIME:
		f.text = "2026-01-01T00:00:00Z";
		break;
	case MR_FIELD_NUMBER:
		f.text = "0.930";
		break;
	case MR_FIELD_FLAG:
		f.text = "true";
		break;
	case MR_FIELD_MAP:
		f.items = map;
		f.count = MR_COUNT(map);
		break;
	case MR_FIELD_LIST:
		f.items = list;
		f.count = MR_COUNT(list);
		break;
	default:
		f.text = "some \"text\"";
		break;
	}
	return f;
}

/* An event of `kind` with all it may say but the field `without`. */
static void fill(enum mr_event_kind kind, const char *without,
		 struct mr_event *e, struct mr_event_field *fields)
{
	const struct mr_field_row *row = mr_event_rows(kind);
	struct mreg_digest d;

	assert_int_equal(mreg_digest_parse(SHA, &d, NULL), 0);
	*e = (struct mr_event){ .kind = kind,
				.seq = 1,
				.time_s = T2026,
				.actor = "ada",
				.actor_source = "as",
				.fields = fields };
	for (; row->kind == kind; row++) {
		if (without && strcmp(row->key, without) == 0)
			continue;
		if (!row->at)
			fields[e->field_count++] = value_of(row);
		else if (row->type == MR_FIELD_COUNT)
			e->number = 7;
		else
			*(struct mreg_digest *)(void *)((char *)e + row->at) =
				d;
	}
}

static void every_kind_has_a_name_and_back(void **state)
{
	int kind;

	(void)state;
	for (kind = MR_EVENT_UNKNOWN + 1; kind < MR_EVENT_KINDS; kind++) {
		const char *name = mr_event_kind_name((enum mr_event_kind)kind);

		assert_non_null(name);
		assert_true(name[0]);
		assert_int_equal(mr_event_kind_parse(name), kind);
	}
	assert_int_equal(mr_event_kind_parse("kind_of_tomorrow"),
			 MR_EVENT_UNKNOWN);
}

static void check_read(const struct mr_event *e, const struct mr_event *r)
{
	size_t i, k;

	assert_int_equal(r->kind, e->kind);
	assert_int_equal(r->number, e->number);
	assert_string_equal(r->actor_source, "as");
	assert_true(mreg_digest_equal(&r->version, &e->version));
	assert_true(mreg_digest_equal(&r->was, &e->was));
	assert_true(mreg_digest_equal(&r->policy, &e->policy));
	assert_int_equal(r->field_count, e->field_count);
	for (i = 0; i < e->field_count; i++) {
		const struct mr_event_field *a = &e->fields[i];
		const struct mr_event_field *b = mr_event_field(r, a->key);

		assert_non_null(b);
		assert_int_equal(a->count, b->count);
		if (a->text)
			assert_string_equal(a->text, b->text);
		for (k = 0; k < a->count; k++) {
			assert_string_equal(a->items[k].name, b->items[k].name);
			if (a->items[k].value)
				assert_string_equal(a->items[k].value,
						    b->items[k].value);
		}
	}
}

static void every_kind_is_read_as_it_was_written(void **state)
{
	int kind;

	(void)state;
	for (kind = MR_EVENT_UNKNOWN + 1; kind < MR_EVENT_KINDS; kind++) {
		MR_AUTO(mr_event_doc_release)
		struct mr_event_doc doc = { .tag = "" };
		MR_AUTO(mr_event_doc_release)
		struct mr_event_doc again = { .tag = "" };
		MR_AUTO(mr_ledger_freep) struct mr_ledger *l = NULL;
		struct mr_event_field fields[MR_EVENT_FIELDS_MAX];
		struct mreg_error err = MREG_ERROR_INIT;
		const struct mr_event *r;
		struct mr_event e;

		fill((enum mr_event_kind)kind, NULL, &e, fields);
		assert_ok(mr_event_write(&e, &doc, &err), err);
		assert_ok(mr_ledger_new(&l, &err), err);
		assert_ok(mr_ledger_add(l, doc.bytes.data, doc.bytes.len, &err),
			  err);
		r = mr_ledger_event(l, 0);
		check_read(&e, r);
		/* Canonical: what was read is written alike. */
		assert_ok(mr_event_write(r, &again, &err), err);
		assert_true(mreg_digest_equal(&doc.desc.digest,
					      &again.desc.digest));
	}
}

/* What has to be there: an event without it is none. */
static void what_a_kind_needs_is_asked_for(void **state)
{
	size_t asked = 0;
	int kind;

	(void)state;
	for (kind = MR_EVENT_UNKNOWN + 1; kind < MR_EVENT_KINDS; kind++) {
		const struct mr_field_row *row =
			mr_event_rows((enum mr_event_kind)kind);

		for (; (int)row->kind == kind; row++) {
			MR_AUTO(mr_event_doc_release)
			struct mr_event_doc doc = { .tag = "" };
			MR_AUTO(mr_ledger_freep) struct mr_ledger *l = NULL;
			struct mr_event_field fields[MR_EVENT_FIELDS_MAX];
			struct mreg_error err = MREG_ERROR_INIT;
			struct mr_event e;
			int rc;

			if (kind == MR_EVENT_VERSION_REGISTERED)
				continue; /* mr_event_write asserts it */
			fill((enum mr_event_kind)kind, row->key, &e, fields);
			assert_ok(mr_event_write(&e, &doc, &err), err);
			assert_ok(mr_ledger_new(&l, &err), err);
			rc = mr_ledger_add(l, doc.bytes.data, doc.bytes.len,
					   &err);
			if (!row->needed) {
				assert_ok(rc, err);
				continue;
			}
			assert_code(MREG_EFORMAT, rc, err);
			assert_has(err.msg, row->key);
			asked++;
		}
	}
	assert_true(asked > 20);
}

static void a_field_of_another_kind_is_not_written(void **state)
{
	MR_AUTO(mr_event_doc_release) struct mr_event_doc doc = { .tag = "" };
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_event_field field = { .key = "suite", .text = "s" };
	struct mr_event e = { .kind = MR_EVENT_ARCHIVED,
			      .seq = 1,
			      .fields = &field,
			      .field_count = 1 };

	(void)state;
	assert_code(MREG_EINTERNAL, mr_event_write(&e, &doc, &err), err);
	assert_has(err.msg, "suite");
}

#define BAD(member) "{\"kind\":\"observed\",\"metric\":\"m\"," member REST
#define REST                                                                   \
	",\"prev\":[],\"seq\":1,\"time\":\"2026-01-01T00:00:00Z\","            \
	"\"version\":\"" SHA "\"}"

static void a_value_of_the_wrong_type_makes_it_no_event(void **state)
{
	static const char *const bad[] = {
		BAD("\"value\":0.5"),
		BAD("\"value\":\"much\""),
		BAD("\"value\":\"1\",\"window\":\"\""),
		BAD("\"value\":\"1\",\"observedAt\":\"yesterday\""),
		"{\"kind\":\"metadata_changed\",\"set\":{\"owner\":1}" REST,
		"{\"kind\":\"metadata_changed\",\"unset\":\"owner\"" REST,
		"{\"kind\":\"metadata_changed\",\"unset\":[1]" REST,
		"{\"kind\":\"alias_moved\",\"alias\":\"\",\"by\":\"set\"" REST,
		"{\"kind\":\"evaluated\",\"suite\":\"s\",\"passed\":\"yes\","
		"\"document\":\"" SHA "\"" REST,
	};
	MR_AUTO(mr_event_doc_release) struct mr_event_doc doc = { .tag = "" };
	struct mreg_error err = MREG_ERROR_INIT;
	size_t i;

	(void)state;
	assert_ok(mr_event_unpack(BAD("\"value\":\"1e-3\""),
				  strlen(BAD("\"value\":\"1e-3\"")), &doc,
				  &err),
		  err);
	for (i = 0; i < MR_COUNT(bad); i++) {
		err = (struct mreg_error)MREG_ERROR_INIT;
		assert_code(MREG_EFORMAT,
			    mr_event_unpack(bad[i], strlen(bad[i]), &doc, &err),
			    err);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_kind_has_a_name_and_back),
		cmocka_unit_test(every_kind_is_read_as_it_was_written),
		cmocka_unit_test(what_a_kind_needs_is_asked_for),
		cmocka_unit_test(a_field_of_another_kind_is_not_written),
		cmocka_unit_test(a_value_of_the_wrong_type_makes_it_no_event),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
