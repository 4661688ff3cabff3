/*
 * tests/support/contract_streams.c - the promises about content that comes
 * before its digest, or out of order.
 */
#include "tests/support/contract_inside.h"

static int stream_of(struct ct *f, const void *bytes, size_t n, uint64_t size,
		     struct mr_measure *m)
{
	struct mr_stream *in = NULL;

	assert_ok(mr_stream_memory(bytes, n, &in, &f->err), f->err);
	return mr_store_put_stream(f->store, in, size, "stream", m, &f->err);
}

static void finds_out_the_digest_of_a_stream(void **state)
{
	struct ct *f = *state;
	struct mr_measure m;
	size_t i;

	ct_need(CONTRACT_STREAM);
	assert_true(mr_store_streams(f->store));
	for (i = 0; i < CONTRACT_BLOBS; i++) {
		const struct contract_blob *b = contract_blob(i);

		assert_ok(stream_of(f, b->bytes, (size_t)b->desc.size,
				    b->desc.size, &m),
			  f->err);
		assert_true(m.complete);
		assert_true(mreg_digest_equal(&m.digest, &b->desc.digest));
		assert_int_equal(m.utf8, i != CONTRACT_LARGE);
		assert_true(ct_has(f, &b->desc));
		ct_assert_content(f, b);
	}
	assert_int_equal(f->t.progress_bytes, CT_LARGE_BYTES + 7);
	/* Once more, where it is already. */
	assert_ok(stream_of(f, "weights", 7, 7, &m), f->err);
}

static void refuses_a_stream_of_another_size(void **state)
{
	struct ct *f = *state;
	struct mr_measure m;

	ct_need(CONTRACT_STREAM);
	assert_true(stream_of(f, "weights", 7, 8, &m) < 0);
	assert_true(f->err.msg[0]);
	assert_true(stream_of(f, "weights", 7, 6, &m) < 0);
	assert_false(ct_has(f, &contract_blob(CONTRACT_SMALL)->desc));
}

static void says_when_it_takes_no_stream(void **state)
{
	struct ct *f = *state;
	struct mr_measure m;

	if (ct_current->can & CONTRACT_STREAM)
		skip();
	assert_false(mr_store_streams(f->store));
	assert_code(MREG_EUNSUPPORTED, stream_of(f, "weights", 7, 7, &m),
		    f->err);
}

static void takes_parts_in_any_order(void **state)
{
	struct ct *f = *state;
	const struct contract_blob *b = contract_blob(CONTRACT_LARGE);
	const char *bytes = b->bytes;
	struct mr_sink *sink = NULL;
	size_t at, n;

	ct_need(CONTRACT_SINK);
	assert_ok(mr_store_begin(f->store, &b->desc, &sink, &f->err), f->err);
	for (at = CT_LARGE_BYTES; at > 0; at -= n) {
		n = at < 1000000 ? at : 1000000;
		assert_ok(mr_sink_write_at(sink, bytes + at - n, n, at - n,
					   &f->err),
			  f->err);
	}
	assert_ok(mr_sink_commit(sink, &f->err), f->err);
	assert_true(ct_has(f, &b->desc));
	ct_settle(f);
	ct_assert_content(f, b);
}

static void a_sink_given_up_leaves_nothing(void **state)
{
	struct ct *f = *state;
	const struct mreg_desc *d = &contract_blob(CONTRACT_SMALL)->desc;
	struct mr_sink *sink = NULL;

	ct_need(CONTRACT_SINK);
	assert_ok(mr_store_begin(f->store, d, &sink, &f->err), f->err);
	assert_ok(mr_sink_write_at(sink, "weights", 7, 0, &f->err), f->err);
	assert_false(ct_has(f, d));
	mr_sink_abort(sink);
	assert_false(ct_has(f, d));
}

static void a_hole_is_not_committed(void **state)
{
	struct ct *f = *state;
	const struct mreg_desc *d = &contract_blob(CONTRACT_SMALL)->desc;
	struct mr_sink *sink = NULL;

	ct_need(CONTRACT_SINK);
	assert_ok(mr_store_begin(f->store, d, &sink, &f->err), f->err);
	assert_ok(mr_sink_write_at(sink, "we", 2, 0, &f->err), f->err);
	assert_ok(mr_sink_write_at(sink, "ts", 2, 5, &f->err), f->err);
	assert_code(MREG_EINTEGRITY, mr_sink_commit(sink, &f->err), f->err);
	assert_false(ct_has(f, d));
}

int ct_run_streams(void)
{
	const struct CMUnitTest tests[] = {
		CT_TEST(finds_out_the_digest_of_a_stream),
		CT_TEST(refuses_a_stream_of_another_size),
		CT_TEST(says_when_it_takes_no_stream),
		CT_TEST(takes_parts_in_any_order),
		CT_TEST(a_sink_given_up_leaves_nothing),
		CT_TEST(a_hole_is_not_committed),
	};

	return cmocka_run_group_tests_name(ct_current->name, tests, NULL, NULL);
}
