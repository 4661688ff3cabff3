/*
 * test_policy.c - events that change the policy: their bytes, and which one is
 * in force.
 */
#include "tests/support/test.h"

#include <string.h>

#include "base/mem.h"
#include "content/digest.h"
#include "ledger/ledger.h"
#include "oci/oci.h"

#define T2026 1767225600 /* 2026-01-01T00:00:00Z */
#define Z                                                                      \
	"sha256:00000000000000000000000000000000000000000000000000000000000000"

static struct mreg_digest digest(unsigned int n)
{
	struct mreg_digest d = { .algorithm = MREG_SHA256 };

	d.bytes[31] = (uint8_t)n;
	return d;
}

static struct mr_event change(uint64_t seq, unsigned int policy)
{
	struct mr_event e = { .kind = MR_EVENT_POLICY_CHANGED,
			      .seq = seq,
			      .time_s = T2026,
			      .actor = "ada" };

	if (policy)
		e.policy = digest(policy);
	return e;
}

/* Write and add it; its digest. */
static struct mreg_digest add(struct mr_ledger *l, const struct mr_event *e)
{
	MR_AUTO(mr_event_doc_release) struct mr_event_doc doc = { .tag = "" };
	struct mreg_error err = MREG_ERROR_INIT;

	assert_ok(mr_event_write(e, &doc, &err), err);
	assert_ok(mr_ledger_add(l, doc.bytes.data, doc.bytes.len, &err), err);
	return doc.desc.digest;
}

static void writes_fixed_bytes(void **state)
{
	MR_AUTO(mr_event_doc_release) struct mr_event_doc doc = { .tag = "" };
	MR_AUTO(mr_manifest_freep) struct mr_manifest *m = NULL;
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_event e = change(3, 5);

	(void)state;
	e.was = digest(4);
	assert_ok(mr_event_write(&e, &doc, &err), err);
	assert_ok(mr_manifest_parse(doc.bytes.data, doc.bytes.len,
				    MR_MEDIA_MANIFEST, &m, &err),
		  err);
	assert_string_equal(mr_annotation(&m->annotations, MR_EVENT_ANNOTATION),
			    "{\"actor\":\"ada\",\"kind\":\"policy_changed\","
			    "\"policy\":\"" Z "05\",\"prev\":[],\"seq\":3,"
			    "\"time\":\"2026-01-01T00:00:00Z\",\"was\":\"" Z
			    "04\"}");
	/* It is about no version. */
	assert_null(
		mr_annotation(&m->annotations, MR_EVENT_VERSION_ANNOTATION));
	assert_string_equal(m->artifact_type, MR_EVENT_ARTIFACT);
}

static void reads_what_it_wrote(void **state)
{
	MR_AUTO(mr_ledger_freep) struct mr_ledger *l = NULL;
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_event e = change(1, 5);
	const struct mr_event *r;

	(void)state;
	e.was = digest(4);
	assert_ok(mr_ledger_new(&l, &err), err);
	assert_null(mr_ledger_policy(l));
	(void)add(l, &e);
	r = mr_ledger_policy(l);
	assert_non_null(r);
	assert_string_equal(r->kind_name, "policy_changed");
	assert_true(mreg_digest_equal(&r->policy, &e.policy));
	assert_true(mreg_digest_equal(&r->was, &e.was));
	assert_int_equal(r->number, 0);
	assert_false(mr_digest_known(&r->version));
	assert_int_equal(mr_ledger_highest(l), 0);
}

static void the_last_in_fold_order_is_in_force(void **state)
{
	MR_AUTO(mr_ledger_freep) struct mr_ledger *l = NULL;
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_event first = change(1, 5);
	struct mr_event second = change(2, 6);
	struct mr_event gone = change(3, 0);
	struct mreg_digest heads[2];

	(void)state;
	assert_ok(mr_ledger_new(&l, &err), err);
	heads[0] = add(l, &first);
	second.prev = heads;
	second.prev_count = 1;
	heads[1] = add(l, &second);
	assert_true(mreg_digest_equal(&mr_ledger_policy(l)->policy,
				      &second.policy));
	gone.prev = &heads[1];
	gone.prev_count = 1;
	(void)add(l, &gone);
	assert_false(mr_digest_known(&mr_ledger_policy(l)->policy));
}

/* Two at once: everybody who has both reads the same one, in whatever order
 * they came. */
static void of_a_fork_every_reader_takes_the_same(void **state)
{
	struct mreg_error err = MREG_ERROR_INIT;
	MR_AUTO(mr_ledger_freep) struct mr_ledger *a = NULL;
	MR_AUTO(mr_ledger_freep) struct mr_ledger *b = NULL;
	struct mr_event one = change(1, 5);
	struct mr_event two = change(1, 6);

	(void)state;
	assert_ok(mr_ledger_new(&a, &err), err);
	assert_ok(mr_ledger_new(&b, &err), err);
	(void)add(a, &one);
	(void)add(a, &two);
	(void)add(b, &two);
	(void)add(b, &one);
	assert_true(mreg_digest_equal(&mr_ledger_policy(a)->policy,
				      &mr_ledger_policy(b)->policy));
}

static void other_events_change_nothing(void **state)
{
	MR_AUTO(mr_ledger_freep) struct mr_ledger *l = NULL;
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_event policy = change(1, 5);
	struct mr_event claim = { .kind = MR_EVENT_VERSION_REGISTERED,
				  .seq = 2,
				  .time_s = T2026,
				  .number = 1,
				  .version = digest(9) };
	struct mreg_digest head;

	(void)state;
	assert_ok(mr_ledger_new(&l, &err), err);
	head = add(l, &policy);
	claim.prev = &head;
	claim.prev_count = 1;
	(void)add(l, &claim);
	assert_true(mreg_digest_equal(&mr_ledger_policy(l)->policy,
				      &policy.policy));
	assert_int_equal(mr_ledger_highest(l), 1);
	assert_int_equal(mr_ledger_owner(l, 1, NULL)->number, 1);
}

static void refuses_digests_that_are_none(void **state)
{
	static const char json[] =
		"{\"kind\":\"policy_changed\",\"policy\":\"sha256:12\","
		"\"prev\":[],\"seq\":1,\"time\":\"2026-01-01T00:00:00Z\"}";
	struct mreg_pair pair = { MR_EVENT_ANNOTATION, json };
	struct mr_manifest_draft d = {
		.artifact_type = MR_EVENT_ARTIFACT,
		.config = { .desc = mr_empty_desc },
		.annotations = { &pair, 1 },
	};
	MR_AUTO(mr_buf_release) struct mr_buf b = MR_BUF_INIT(1u << 16);
	MR_AUTO(mr_ledger_freep) struct mr_ledger *l = NULL;
	struct mreg_error err = MREG_ERROR_INIT;

	(void)state;
	assert_ok(mr_manifest_write(&d, &b, &err), err);
	assert_ok(mr_ledger_new(&l, &err), err);
	assert_code(MREG_EFORMAT, mr_ledger_add(l, b.data, b.len, &err), err);
	assert_has(err.msg, "policy 'sha256:12' of event is no digest");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes_fixed_bytes),
		cmocka_unit_test(reads_what_it_wrote),
		cmocka_unit_test(the_last_in_fold_order_is_in_force),
		cmocka_unit_test(of_a_fork_every_reader_takes_the_same),
		cmocka_unit_test(other_events_change_nothing),
		cmocka_unit_test(refuses_digests_that_are_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
