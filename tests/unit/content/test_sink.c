/*
 * test_sink.c - the sink that commits only what it has proven, from one
 * thread and from many.
 */
#include "tests/support/test.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/task.h"
#include "content/digest.h"
#include "content/sink.h"

/* A raw sink in memory that counts what is done to it; it outlives its
 * "free", so a test can look. */
struct raw {
	struct mr_sink base;
	char *data;
	size_t cap;
	size_t most_read; /* longest read back asked for */
	atomic_int reads, commits, aborts;
	int fail_write; /* the next writes fail */
	int fail_read;
	size_t read_piece; /* most bytes a read back gives; 0: all */
};

static int raw_write_at(struct mr_sink *s, const void *buf, size_t n,
			uint64_t offset, struct mreg_error *err)
{
	struct raw *r = mr_container_of(s, struct raw, base);

	if (r->fail_write > 0) {
		r->fail_write--;
		return mr_fail(err, MREG_EIO, "cannot write 'raw'");
	}
	memcpy(r->data + offset, buf, n);
	return 0;
}

static ssize_t raw_read_at(struct mr_sink *s, void *buf, size_t n,
			   uint64_t offset, struct mreg_error *err)
{
	struct raw *r = mr_container_of(s, struct raw, base);

	atomic_fetch_add(&r->reads, 1);
	if (n > r->most_read)
		r->most_read = n;
	if (r->fail_read)
		return mr_fail(err, MREG_EIO, "cannot read 'raw'");
	if (r->read_piece && n > r->read_piece)
		n = r->read_piece;
	memcpy(buf, r->data + offset, n);
	return (ssize_t)n;
}

static int raw_commit(struct mr_sink *s, struct mreg_error *err)
{
	(void)err;
	atomic_fetch_add(&mr_container_of(s, struct raw, base)->commits, 1);
	return 0;
}

static void raw_abort(struct mr_sink *s)
{
	atomic_fetch_add(&mr_container_of(s, struct raw, base)->aborts, 1);
}

static const struct mr_sink_ops raw_ops = {
	.write_at = raw_write_at,
	.read_at = raw_read_at,
	.commit = raw_commit,
	.abort = raw_abort,
};

/* A verified sink over `raw` that wants `data`. */
static struct mr_sink *begin(struct raw *raw, const void *data, size_t n)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mreg_desc want = { .size = n };
	struct mr_sink *s = NULL;

	memset(raw, 0, sizeof(*raw));
	raw->base.ops = &raw_ops;
	raw->cap = n;
	raw->data = mr_zalloc(n);
	assert_non_null(raw->data);
	assert_ok(mr_digest_of(data, n, &want.digest, &err), err);
	assert_ok(mr_sink_verify(&raw->base, &want, &s, &err), err);
	return s;
}

static void end(struct raw *raw, int commits, int aborts)
{
	assert_int_equal(atomic_load(&raw->commits), commits);
	assert_int_equal(atomic_load(&raw->aborts), aborts);
	mr_free(&raw->data);
}

static void in_order_nothing_is_read_back(void **state)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct raw raw;
	struct mr_sink *s = begin(&raw, "0123456789", 10);

	(void)state;
	assert_ok(mr_sink_write_at(s, "0123", 4, 0, &err), err);
	assert_ok(mr_sink_write_at(s, "", 0, 4, &err), err);
	assert_ok(mr_sink_write_at(s, "456789", 6, 4, &err), err);
	assert_ok(mr_sink_commit(s, &err), err);
	assert_memory_equal(raw.data, "0123456789", 10);
	assert_int_equal(atomic_load(&raw.reads), 0);
	end(&raw, 1, 0);
}

static void empty_content_is_content(void **state)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct raw raw;
	struct mr_sink *s = begin(&raw, "", 0);

	(void)state;
	assert_ok(mr_sink_commit(s, &err), err);
	end(&raw, 1, 0);
}

static void any_order_is_proven(void **state)
{
	/* Each digit is written alone, in these orders. */
	static const char *const orders[] = {
		"9876543210", "1032547698", "0246813579",
		"5678901234", "9012345678", "4938271605",
	};
	struct mreg_error err = MREG_ERROR_INIT;
	size_t i, j;

	(void)state;
	for (i = 0; i < MR_COUNT(orders); i++) {
		struct raw raw;
		struct mr_sink *s = begin(&raw, "0123456789", 10);

		raw.read_piece = 3;
		for (j = 0; j < 10; j++)
			assert_ok(mr_sink_write_at(
					  s, &orders[i][j], 1,
					  (uint64_t)(orders[i][j] - '0'), &err),
				  err);
		assert_ok(mr_sink_commit(s, &err), err);
		end(&raw, 1, 0);
	}
}

static void reads_back_in_chunks(void **state)
{
	const size_t n = 3 * MR_CHUNK_BYTES + 17;
	struct mreg_error err = MREG_ERROR_INIT;
	char *data = mr_zalloc(n);
	struct raw raw;
	struct mr_sink *s;
	size_t i;

	(void)state;
	for (i = 0; i < n; i++)
		data[i] = (char)(i * 31 + (i >> 10));
	s = begin(&raw, data, n);
	assert_ok(mr_sink_write_at(s, data + 5, n - 5, 5, &err), err);
	assert_ok(mr_sink_write_at(s, data, 5, 0, &err), err);
	assert_true(raw.most_read == MR_CHUNK_BYTES);
	assert_ok(mr_sink_commit(s, &err), err);
	end(&raw, 1, 0);
	mr_release(data);
}

static void refuses_other_bytes(void **state)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct raw raw;
	struct mr_sink *s = begin(&raw, "0123456789", 10);

	(void)state;
	assert_ok(mr_sink_write_at(s, "x123456789", 10, 0, &err), err);
	assert_code(MREG_EINTEGRITY, mr_sink_commit(s, &err), err);
	assert_has(err.msg, "do not match its digest");
	assert_has(err.cause, "its bytes have another digest, 'sha256:");
	end(&raw, 0, 1);
}

/* What counts are the stored bytes, not those that were handed over. */
static void refuses_what_was_stored_wrongly(void **state)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct raw raw;
	struct mr_sink *s = begin(&raw, "0123456789", 10);

	(void)state;
	assert_ok(mr_sink_write_at(s, "56789", 5, 5, &err), err);
	raw.data[7] = 'x';
	assert_ok(mr_sink_write_at(s, "01234", 5, 0, &err), err);
	assert_code(MREG_EINTEGRITY, mr_sink_commit(s, &err), err);
	end(&raw, 0, 1);
}

static void refuses_a_short_end(void **state)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct raw raw;
	struct mr_sink *s = begin(&raw, "0123456789", 10);

	(void)state;
	assert_ok(mr_sink_write_at(s, "0123", 4, 0, &err), err);
	assert_code(MREG_EINTEGRITY, mr_sink_commit(s, &err), err);
	assert_has(err.msg, "ends after 4/10 bytes");
	end(&raw, 0, 1);
}

static void refuses_a_hole(void **state)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct raw raw;
	struct mr_sink *s = begin(&raw, "0123456789", 10);

	(void)state;
	assert_ok(mr_sink_write_at(s, "012", 3, 0, &err), err);
	assert_ok(mr_sink_write_at(s, "56789", 5, 5, &err), err);
	assert_code(MREG_EINTEGRITY, mr_sink_commit(s, &err), err);
	assert_has(err.msg, "nothing came for offsets 3 to 5");
	end(&raw, 0, 1);
}

static void refuses_to_write_past_the_end(void **state)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct raw raw;
	struct mr_sink *s = begin(&raw, "0123456789", 10);

	(void)state;
	assert_code(MREG_EINTEGRITY, mr_sink_write_at(s, "xx", 2, 9, &err),
		    err);
	assert_has(err.msg, "runs past its 10 bytes");
	assert_code(MREG_EINTEGRITY,
		    mr_sink_write_at(s, "x", 1, UINT64_MAX, &err), err);
	assert_code(MREG_EINTEGRITY,
		    mr_sink_write_at(s, "x", SIZE_MAX, 5, &err), err);
	mr_sink_abort(s);
	end(&raw, 0, 1);
}

static void refuses_to_write_a_byte_twice(void **state)
{
	static const struct {
		size_t n;
		uint64_t offset;
	} rows[] = { { 1, 0 }, { 1, 3 }, { 2, 3 }, { 4, 4 },
		     { 1, 6 }, { 1, 7 }, { 3, 7 }, { 10, 0 } };
	struct mreg_error err = MREG_ERROR_INIT;
	struct raw raw;
	struct mr_sink *s = begin(&raw, "0123456789", 10);
	size_t i;

	(void)state;
	assert_ok(mr_sink_write_at(s, "0123", 4, 0, &err), err);
	assert_ok(mr_sink_write_at(s, "67", 2, 6, &err), err);
	for (i = 0; i < MR_COUNT(rows); i++) {
		assert_code(MREG_EINTERNAL,
			    mr_sink_write_at(s, "xxxxxxxxxx", rows[i].n,
					     rows[i].offset, &err),
			    err);
		assert_has(err.msg, "written twice");
	}
	assert_ok(mr_sink_write_at(s, "89", 2, 8, &err), err);
	assert_ok(mr_sink_write_at(s, "45", 2, 4, &err), err);
	assert_ok(mr_sink_commit(s, &err), err);
	end(&raw, 1, 0);
}

static void a_failed_write_can_be_repeated(void **state)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct raw raw;
	struct mr_sink *s = begin(&raw, "0123456789", 10);

	(void)state;
	raw.fail_write = 1;
	assert_code(MREG_EIO, mr_sink_write_at(s, "01234", 5, 0, &err), err);
	assert_string_equal(err.msg, "cannot write 'raw'");
	assert_ok(mr_sink_write_at(s, "56789", 5, 5, &err), err);
	assert_ok(mr_sink_write_at(s, "01234", 5, 0, &err), err);
	assert_ok(mr_sink_commit(s, &err), err);
	end(&raw, 1, 0);
}

static void a_failed_write_is_a_hole(void **state)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct raw raw;
	struct mr_sink *s = begin(&raw, "0123456789", 10);

	(void)state;
	assert_ok(mr_sink_write_at(s, "01234", 5, 0, &err), err);
	raw.fail_write = 1;
	assert_code(MREG_EIO, mr_sink_write_at(s, "56789", 5, 5, &err), err);
	assert_code(MREG_EINTEGRITY, mr_sink_commit(s, &err), err);
	end(&raw, 0, 1);
}

static void a_failed_proof_stays_failed(void **state)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct raw raw;
	struct mr_sink *s = begin(&raw, "0123456789", 10);

	(void)state;
	raw.fail_read = 1;
	assert_ok(mr_sink_write_at(s, "456", 3, 4, &err), err);
	assert_code(MREG_EIO, mr_sink_write_at(s, "0123", 4, 0, &err), err);
	assert_string_equal(err.msg, "cannot read 'raw'");
	raw.fail_read = 0;
	assert_code(MREG_EIO, mr_sink_write_at(s, "789", 3, 7, &err), err);
	assert_code(MREG_EIO, mr_sink_commit(s, &err), err);
	end(&raw, 0, 1);
}

static void an_abort_undoes(void **state)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct raw raw;
	struct mr_sink *s = begin(&raw, "0123456789", 10);

	(void)state;
	assert_ok(mr_sink_write_at(s, "0123456789", 10, 0, &err), err);
	mr_sink_abort(s);
	end(&raw, 0, 1);
	mr_sink_abort(NULL);
}

static void nothing_is_proven_without_a_digest(void **state)
{
	struct raw raw = { .base = { &raw_ops } };
	struct mreg_desc want = { .size = 1 };
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_sink *s = NULL;

	(void)state;
	assert_code(MREG_EINTERNAL, mr_sink_verify(&raw.base, &want, &s, &err),
		    err);
	end(&raw, 0, 1);
}

#define PIECES 400
#define PIECE 3000

struct crowd {
	struct mr_sink *sink;
	const char *data;
	size_t order[PIECES];
};

static int write_piece(void *ctx, size_t index, struct mreg_error *err)
{
	struct crowd *c = ctx;
	size_t at = c->order[index] * PIECE;

	return mr_sink_write_at(c->sink, c->data + at, PIECE, at, err);
}

static void many_threads_write_one_content(void **state)
{
	struct mreg_error err = MREG_ERROR_INIT;
	char *data = mr_alloc(PIECES * PIECE);
	uint32_t seed = 1;
	size_t round, i;

	(void)state;
	for (i = 0; i < PIECES * PIECE; i++)
		data[i] = (char)((seed = seed * 1664525 + 1013904223) >> 24);
	for (round = 0; round < 20; round++) {
		struct crowd c = { .data = data };
		struct raw raw;

		for (i = 0; i < PIECES; i++)
			c.order[i] = i;
		/* Windows of growing disorder: in order, nearly, at random. */
		for (i = 0; i + 1 < PIECES; i++) {
			size_t window = 1 + round * round;
			size_t left = PIECES - i;
			size_t j, t;

			seed = seed * 1664525 + 1013904223;
			j = i + (seed >> 8) % (window < left ? window : left);
			t = c.order[i];
			c.order[i] = c.order[j];
			c.order[j] = t;
		}
		c.sink = begin(&raw, data, PIECES * PIECE);
		assert_ok(mr_task_run(NULL, 6, PIECES, write_piece, &c, &err),
			  err);
		assert_ok(mr_sink_commit(c.sink, &err), err);
		assert_memory_equal(raw.data, data, PIECES * PIECE);
		end(&raw, 1, 0);
	}
	mr_release(data);
}

static int fill(const char *data, size_t n, struct test_env *t,
		const char *label, struct mreg_error *err)
{
	struct mr_stream *src = NULL;
	struct raw raw;
	struct mr_sink *s = begin(&raw, data, n);
	int rc;

	assert_ok(mr_stream_memory(data, n, &src, err), *err);
	rc = mr_sink_fill(s, src, 0, t ? &t->env : NULL, label, err);
	mr_stream_close(src);
	if (rc == 0) {
		assert_ok(mr_sink_commit(s, err), *err);
		end(&raw, 1, 0);
	} else {
		mr_sink_abort(s);
		end(&raw, 0, 1);
	}
	return rc;
}

static void a_stream_fills_a_sink(void **state)
{
	const size_t n = 2 * MR_CHUNK_BYTES + 5;
	struct mreg_error err = MREG_ERROR_INIT;
	char *data = mr_zalloc(n);
	struct test_env t;

	(void)state;
	test_env_init(&t);
	assert_ok(fill(data, n, &t, "file", &err), err);
	assert_int_equal(t.progress_bytes, n);
	assert_ok(fill(data, 0, NULL, NULL, &err), err);
	assert_ok(fill(data, MR_CHUNK_BYTES, &t, NULL, &err), err);
	assert_int_equal(t.progress_bytes, n);
	atomic_store(&t.cancel, true);
	assert_code(MREG_ECANCELED, fill(data, n, &t, "file", &err), err);
	test_env_release(&t);
	mr_release(data);
}

static void a_stream_too_long_is_stopped(void **state)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_stream *src = NULL;
	struct raw raw;
	struct mr_sink *s = begin(&raw, "0123", 4);

	(void)state;
	assert_ok(mr_stream_memory("012345", 6, &src, &err), err);
	assert_code(MREG_EINTEGRITY, mr_sink_fill(s, src, 0, NULL, NULL, &err),
		    err);
	mr_stream_close(src);
	mr_sink_abort(s);
	end(&raw, 0, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(in_order_nothing_is_read_back),
		cmocka_unit_test(empty_content_is_content),
		cmocka_unit_test(any_order_is_proven),
		cmocka_unit_test(reads_back_in_chunks),
		cmocka_unit_test(refuses_other_bytes),
		cmocka_unit_test(refuses_what_was_stored_wrongly),
		cmocka_unit_test(refuses_a_short_end),
		cmocka_unit_test(refuses_a_hole),
		cmocka_unit_test(refuses_to_write_past_the_end),
		cmocka_unit_test(refuses_to_write_a_byte_twice),
		cmocka_unit_test(a_failed_write_can_be_repeated),
		cmocka_unit_test(a_failed_write_is_a_hole),
		cmocka_unit_test(a_failed_proof_stays_failed),
		cmocka_unit_test(an_abort_undoes),
		cmocka_unit_test(nothing_is_proven_without_a_digest),
		cmocka_unit_test(many_threads_write_one_content),
		cmocka_unit_test(a_stream_fills_a_sink),
		cmocka_unit_test(a_stream_too_long_is_stopped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
