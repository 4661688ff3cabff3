/*
 * test_event.c - the bytes of an event, the tags it goes under, and what is
 * no event.
 */
#include "tests/support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/limits.h"
#include "base/mem.h"
#include "content/digest.h"
#include "ledger/ledger.h"
#include "oci/oci.h"

#define HEX64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define SHA "sha256:" HEX64
#define T2026 1767225600 /* 2026-01-01T00:00:00Z */
/* Members after the kind that every event has. */
#define REST ",\"prev\":[],\"seq\":1,\"time\":\"2026-01-01T00:00:00Z\"}"
#define CLAIM "{\"kind\":\"version_registered\""
#define NUMBER ",\"number\":1"
#define VERSION ",\"version\":\"" SHA "\""

static struct mreg_digest digest(unsigned int n)
{
	struct mreg_digest d = { .algorithm = MREG_SHA256 };

	d.bytes[0] = (uint8_t)(n >> 8);
	d.bytes[31] = (uint8_t)n;
	return d;
}

static struct mr_event claim(uint64_t number, unsigned int version)
{
	return (struct mr_event){ .kind = MR_EVENT_VERSION_REGISTERED,
				  .seq = 1,
				  .time_s = T2026,
				  .actor = "ada",
				  .number = number,
				  .version = digest(version) };
}

static const char *json_of(struct mr_manifest *m)
{
	return mr_annotation(&m->annotations, MR_EVENT_ANNOTATION);
}

static void writes_fixed_bytes(void **state)
{
	struct mreg_error err = MREG_ERROR_INIT;
	MR_AUTO(mr_event_doc_release) struct mr_event_doc doc = { .tag = "" };
	MR_AUTO(mr_manifest_freep) struct mr_manifest *m = NULL;
	struct mreg_digest prev[] = { digest(5), digest(9) };
	struct mr_event e = claim(7, 3);
	char hex[129];

	(void)state;
	e.seq = 12;
	e.prev = prev;
	e.prev_count = 2;
	e.actor = "ada \"the\" first\n";
	e.run = "run-1";
	e.copied_from = "ghcr.io/a/b:v7";
	e.replaces = digest(9);
	assert_ok(mr_event_write(&e, &doc, &err), err);
	assert_ok(mr_manifest_parse(doc.bytes.data, doc.bytes.len,
				    MR_MEDIA_MANIFEST, &m, &err),
		  err);
	assert_string_equal(
		json_of(m),
		"{\"actor\":\"ada \\\"the\\\" first\\n\","
		"\"copiedFrom\":\"ghcr.io/a/b:v7\","
		"\"kind\":\"version_registered\",\"number\":7,"
		"\"prev\":[\"sha256:"
		"0000000000000000000000000000000000000000000000000000000000000005"
		"\",\"sha256:"
		"0000000000000000000000000000000000000000000000000000000000000009"
		"\"],\"replaces\":\"sha256:"
		"0000000000000000000000000000000000000000000000000000000000000009"
		"\",\"run\":\"run-1\",\"seq\":12,"
		"\"time\":\"2026-01-01T00:00:00Z\",\"version\":\"sha256:"
		"0000000000000000000000000000000000000000000000000000000000000003"
		"\"}");
	assert_string_equal(m->artifact_type, MR_EVENT_ARTIFACT);
	assert_true(mreg_digest_equal(&m->config.desc.digest,
				      &mr_empty_desc.digest));
	assert_int_equal(m->layer_count, 1);
	assert_false(m->has_subject);
	assert_has(mr_annotation(&m->annotations, MR_EVENT_VERSION_ANNOTATION),
		   "0003");
	assert_true(mreg_digest_equal(&m->desc.digest, &doc.desc.digest));
	assert_int_equal(doc.desc.size, doc.bytes.len);
	assert_memory_equal(doc.tag, "mreg.log.00000012.", 18);
	assert_memory_equal(doc.tag + 18, mr_digest_hex(&doc.desc.digest, hex),
			    32);
	assert_int_equal(strlen(doc.tag), 18 + 32);
}

static void is_canonical_json(void **state)
{
	struct mreg_error err = MREG_ERROR_INIT;
	MR_AUTO(mr_event_doc_release) struct mr_event_doc doc = { .tag = "" };
	MR_AUTO(mr_manifest_freep) struct mr_manifest *m = NULL;
	MR_AUTO(mr_json_freep) json_t *j = NULL;
	MR_AUTO(mr_buf_release) struct mr_buf again = MR_BUF_INIT(65536);
	struct mr_event e = claim(1, 1);
	const char *json;

	(void)state;
	e.run = "\x01/\xc3\xa4";
	assert_ok(mr_event_write(&e, &doc, &err), err);
	assert_ok(mr_manifest_parse(doc.bytes.data, doc.bytes.len, NULL, &m,
				    &err),
		  err);
	json = json_of(m);
	assert_ok(mr_json_parse(json, strlen(json), 65536, "event", &j, &err),
		  err);
	assert_ok(mr_json_canonical(j, &again, &err), err);
	assert_string_equal(mr_buf_text(&again), json);
}

static void reads_what_it_wrote(void **state)
{
	struct mreg_error err = MREG_ERROR_INIT;
	MR_AUTO(mr_event_doc_release) struct mr_event_doc doc = { .tag = "" };
	MR_AUTO(mr_ledger_freep) struct mr_ledger *l = NULL;
	struct mreg_digest prev[] = { digest(5), digest(9) };
	struct mr_event e = claim(7, 3);
	const struct mr_event *r;

	(void)state;
	e.seq = 12;
	e.prev = prev;
	e.prev_count = 2;
	e.run = "run-1";
	e.copied_from = "ghcr.io/a/b:v7";
	e.replaces = digest(9);
	assert_ok(mr_event_write(&e, &doc, &err), err);
	assert_ok(mr_ledger_new(&l, &err), err);
	assert_ok(mr_ledger_add(l, doc.bytes.data, doc.bytes.len, &err), err);
	r = mr_ledger_event(l, 0);
	assert_true(mreg_digest_equal(&r->digest, &doc.desc.digest));
	assert_int_equal(r->kind, MR_EVENT_VERSION_REGISTERED);
	assert_string_equal(r->kind_name, "version_registered");
	assert_int_equal(r->seq, 12);
	assert_int_equal(r->prev_count, 2);
	assert_true(mreg_digest_equal(&r->prev[1], &prev[1]));
	assert_int_equal(r->time_s, T2026);
	assert_string_equal(r->actor, "ada");
	assert_string_equal(r->run, "run-1");
	assert_string_equal(r->copied_from, "ghcr.io/a/b:v7");
	assert_int_equal(r->number, 7);
	assert_true(mreg_digest_equal(&r->version, &e.version));
	assert_true(mreg_digest_equal(&r->replaces, &e.replaces));
}

static void refuses_to_write_what_cannot_be_read(void **state)
{
	struct mreg_error err = MREG_ERROR_INIT;
	MR_AUTO(mr_event_doc_release) struct mr_event_doc doc = { .tag = "" };
	struct mr_event e = claim(1, 1);
	char *text = calloc(1, MR_EVENT_MAX_BYTES + 1);

	(void)state;
	assert_non_null(text);
	e.actor = "a\xff";
	assert_code(MREG_EUSAGE, mr_event_write(&e, &doc, &err), err);
	assert_has(err.msg, "actor of an event is not UTF-8");
	e = claim(1, 1);
	e.run = memset(text, 'x', MR_EVENT_MAX_BYTES);
	assert_code(MREG_ELIMIT, mr_event_write(&e, &doc, &err), err);
	e = claim(1, 1);
	e.seq = 100000000;
	assert_code(MREG_ELIMIT, mr_event_write(&e, &doc, &err), err);
	assert_has(err.msg, "log is full");
	e = claim(MR_VERSION_MAX + 1, 1);
	assert_code(MREG_ELIMIT, mr_event_write(&e, &doc, &err), err);
	assert_has(err.msg, "no version number left");
	free(text);
}

static void knows_the_tags_of_the_log(void **state)
{
	static const char *const good[] = {
		"mreg.log.00000012.0123456789abcdef0123456789abcdef",
		"mreg.seq.00000012",
	};
	static const char *const bad[] = {
		"",
		"v12",
		"mreg.log.",
		"mreg.log.00000012",
		"mreg.log.00000012.",
		"mreg.log.0000012.0123456789abcdef0123456789abcdef",
		"mreg.log.000000012.0123456789abcdef0123456789abcdef",
		"mreg.log.00000000.0123456789abcdef0123456789abcdef",
		"mreg.log.00000012.0123456789abcdef0123456789abcde",
		"mreg.log.00000012.0123456789abcdef0123456789abcdef0",
		"mreg.log.00000012.0123456789ABCDEF0123456789ABCDEF",
		"mreg.log.0000001x.0123456789abcdef0123456789abcdef",
		"mreg.log.-0000012.0123456789abcdef0123456789abcdef",
		"mreg.seq.00000000",
		"mreg.seq.0000012",
		"mreg.seq.000000012",
		"mreg.seq.00000012.",
		"mreg.policy.0123456789abcdef0123456789abcdef",
	};
	uint64_t seq;
	size_t i;

	(void)state;
	for (i = 0; i < MR_COUNT(good); i++) {
		seq = 0;
		assert_true(mr_log_tag(good[i], &seq));
		assert_int_equal(seq, 12);
	}
	for (i = 0; i < MR_COUNT(bad); i++)
		assert_false(mr_log_tag(bad[i], &seq));
}

static void a_tag_fits_its_digest_only(void **state)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mreg_digest d;

	(void)state;
	assert_ok(mreg_digest_parse(SHA, &d, &err), err);
	assert_true(mr_log_tag_fits(
		"mreg.log.00000001.0123456789abcdef0123456789abcdef", &d));
	assert_false(mr_log_tag_fits(
		"mreg.log.00000001.0123456789abcdef0123456789abcdee", &d));
	assert_false(mr_log_tag_fits("mreg.log.00000001.0123", &d));
	assert_true(mr_log_tag_fits("mreg.seq.00000001", &d));
	assert_false(mr_log_tag_fits("v1", &d));
}

/* A manifest with `json` as its event; what adding it gives. */
static int add_json(const char *json, const char *artifact_type,
		    struct mreg_error *err)
{
	struct mreg_pair pair = { MR_EVENT_ANNOTATION, json };
	struct mr_manifest_draft d = {
		.artifact_type = artifact_type,
		.config = { .desc = mr_empty_desc },
		.annotations = { &pair, 1 },
	};
	MR_AUTO(mr_buf_release)
	struct mr_buf b = MR_BUF_INIT(MR_MANIFEST_MAX_BYTES);
	MR_AUTO(mr_ledger_freep) struct mr_ledger *l = NULL;
	int rc;

	assert_ok(mr_manifest_write(&d, &b, err), *err);
	assert_ok(mr_ledger_new(&l, err), *err);
	rc = mr_ledger_add(l, b.data, b.len, err);
	assert_int_equal(mr_ledger_count(l), rc < 0 ? 0 : 1);
	return rc;
}

static void refused(const char *json, const char *msg)
{
	struct mreg_error err = MREG_ERROR_INIT;

	assert_code(MREG_EFORMAT, add_json(json, MR_EVENT_ARTIFACT, &err), err);
	assert_has(err.msg, msg);
}

static void refuses_what_breaks_the_format(void **state)
{
	(void)state;
	refused("", "empty");
	refused("[]", "no JSON object");
	refused("{}", "'kind'");
	refused("{\"kind\":\"\"" REST, "kind of event is empty");
	refused(CLAIM REST, "'number'");
	refused(CLAIM NUMBER REST, "'version'");
	refused(CLAIM ",\"number\":0" VERSION REST, "number of event is 0");
	refused(CLAIM ",\"number\":9007199254740992" VERSION REST,
		"not from 1 to 9007199254740991");
	refused(CLAIM ",\"number\":-1" VERSION REST, "'number'");
	refused(CLAIM NUMBER ",\"version\":\"x\"" REST,
		"version 'x' of event is no digest");
	refused(CLAIM NUMBER VERSION ",\"replaces\":\"\"" REST,
		"replaces '' of event is no digest");
	refused(CLAIM NUMBER VERSION
		",\"seq\":1,\"time\":\"2026-01-01T00:00:00Z\"}",
		"'prev'");
	refused(CLAIM NUMBER VERSION
		",\"prev\":[],\"seq\":0,\"time\":\"2026-01-01T00:00:00Z\"}",
		"seq of event is 0");
	refused(CLAIM NUMBER VERSION ",\"prev\":[],\"seq\":100000000,"
				     "\"time\":\"2026-01-01T00:00:00Z\"}",
		"seq of event");
	refused(CLAIM NUMBER VERSION
		",\"prev\":[1],\"seq\":1,\"time\":\"2026-01-01T00:00:00Z\"}",
		"prev '' of event is no digest");
	refused(CLAIM NUMBER VERSION
		",\"prev\":[\"" SHA "\",\"" SHA
		"\"],\"seq\":2,\"time\":\"2026-01-01T00:00:00Z\"}",
		"prev of event is not sorted");
	refused(CLAIM NUMBER VERSION
		",\"prev\":[],\"seq\":1,\"time\":\"yesterday\"}",
		"time 'yesterday'");
	refused(CLAIM NUMBER NUMBER VERSION REST, "duplicate");
}

static void refuses_other_documents(void **state)
{
	struct mreg_error err = MREG_ERROR_INIT;
	MR_AUTO(mr_ledger_freep) struct mr_ledger *l = NULL;
	size_t n;
	const char *tombstone = mr_tombstone(NULL, &n);
	char *deep = calloc(1, 1001);

	(void)state;
	assert_non_null(deep);
	assert_code(MREG_EFORMAT,
		    add_json(CLAIM NUMBER VERSION REST, "a/b", &err), err);
	assert_has(err.msg, "not an event's");
	assert_ok(mr_ledger_new(&l, &err), err);
	assert_code(MREG_EFORMAT, mr_ledger_add(l, tombstone, n, &err), err);
	assert_code(MREG_EFORMAT, mr_ledger_add(l, "", 0, &err), err);
	assert_code(MREG_EFORMAT,
		    mr_ledger_add(l, "{\"schemaVersion\":1}", 19, &err), err);
	assert_code(MREG_EFORMAT,
		    mr_ledger_add(l, memset(deep, '[', 1000), 1000, &err), err);
	free(deep);
}

static void keeps_kinds_it_does_not_know(void **state)
{
	struct mreg_error err = MREG_ERROR_INIT;

	(void)state;
	assert_ok(
		add_json(
			"{\"kind\":\"x\",\"number\":\"any\",\"more\":[1.5]" REST,
			MR_EVENT_ARTIFACT, &err),
		err);
	assert_ok(add_json(CLAIM NUMBER VERSION ",\"more\":{}" REST,
			   MR_EVENT_ARTIFACT, &err),
		  err);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes_fixed_bytes),
		cmocka_unit_test(is_canonical_json),
		cmocka_unit_test(reads_what_it_wrote),
		cmocka_unit_test(refuses_to_write_what_cannot_be_read),
		cmocka_unit_test(knows_the_tags_of_the_log),
		cmocka_unit_test(a_tag_fits_its_digest_only),
		cmocka_unit_test(refuses_what_breaks_the_format),
		cmocka_unit_test(refuses_other_documents),
		cmocka_unit_test(keeps_kinds_it_does_not_know),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
