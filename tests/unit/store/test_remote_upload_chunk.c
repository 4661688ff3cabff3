/*
 * test_remote_upload_chunk.c - uploads in pieces, to registries whose ranges
 * and limits are those of real ones (protocol.md P-44 to P-48, P-96).
 */
#include "tests/support/upload_fixture.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/mem.h"
#include "content/digest.h"
#include "store/remote_upload.h"

/* More than the 20 MiB step, so that there is a step below and one more. */
#define LARGE_BYTES (21 * MIB + 5)

static void use(struct fx *x, const struct fakereg_opts *o)
{
	fx_restart(x, o, NULL, NULL);
	up_open(x, NULL);
}

static const char *range_of(struct fx *x, size_t index)
{
	static struct fakereg_seen s;

	s = up_seen(x, "PATCH", index);
	return s.content_range;
}

static void assert_parses(const char *text, bool count, long long want)
{
	uint64_t n = 0;
	int rc = mr_upload_parse_range(text, count, &n);

	if (want < 0)
		assert_int_equal(rc, -1);
	else
		assert_int_equal(n, want);
}

static void reads_every_kind_of_range(void **state)
{
	(void)state;
	assert_parses("0-41", false, 42);
	assert_parses("bytes=0-41", false, 42);
	assert_parses("bytes 0-41", false, 42);
	assert_parses("bytes=0-42", true, 42);
	assert_parses("bytes=0--1", true, 0);
	assert_parses("0-0", false, 1);
	assert_parses("", false, -1);
	assert_parses("1-41", false, -1);
	assert_parses("0-", false, -1);
	assert_parses("0-4x", false, -1);
	assert_parses("0--2", false, -1);
	assert_parses("bytes0-41", false, -1);
	assert_parses("0-18446744073709551615", false, -1);
	assert_parses("0-9223372036854775807", false, -1);
}

/* -- in pieces --------------------------------------------------------------
 */

static void sends_pieces_where_they_are_liked(void **state)
{
	const struct fakereg_opts o = { .strict_state = true,
					.plain_chunks = true };
	struct fx *x = *state;

	use(x, &o);
	up_profile(x, "acme.azurecr.io");
	assert_ok(up_put(x), x->err);
	up_assert_there(x);
	assert_int_equal(up_count(x, "PATCH"), 4);
	assert_string_equal(range_of(x, 0), "0-1048575");
	assert_string_equal(range_of(x, 1), "1048576-2097151");
	assert_string_equal(range_of(x, 3), "3145728-3145744");
	assert_string_equal(up_seen(x, "PATCH", 3).content_length, "17");
	assert_string_equal(up_seen(x, "PUT", 0).content_length, "0");
	assert_int_equal(x->t.progress_bytes, NOISE_BYTES);
}

static void sends_pieces_where_the_setting_says_so(void **state)
{
	struct fx *x = *state;

	use(x, NULL);
	mr_remote_limits(x->s, 0, 2 * MIB);
	mr_remote_of(x->s)->piece = 64 * MIB;
	assert_ok(up_put(x), x->err);
	up_assert_there(x);
	assert_int_equal(up_count(x, "PATCH"), 1);
	assert_string_equal(range_of(x, 0), "0-2097151");
	/* The last one goes with the PUT. */
	assert_string_equal(up_seen(x, "PUT", 0).content_range,
			    "2097152-3145744");
}

static void streams_in_pieces_where_the_setting_says_so(void **state)
{
	struct fx *x = *state;
	struct mr_measure m;

	use(x, NULL);
	mr_remote_limits(x->s, 0, 2 * MIB);
	assert_ok(up_stream(x, NOISE_BYTES, &m), x->err);
	up_assert_there(x);
	assert_int_equal(up_count(x, "PATCH"), 4);
	assert_int_equal(x->t.progress_bytes, NOISE_BYTES);
}

static void takes_the_least_piece_that_it_is_told(void **state)
{
	const struct fakereg_opts o = { .chunk_min = 3 * MIB };
	struct fx *x = *state;

	use(x, &o);
	up_profile(x, "quay.io");
	assert_ok(up_put(x), x->err);
	up_assert_there(x);
	assert_int_equal(up_count(x, "PATCH"), 2);
	assert_string_equal(range_of(x, 1), "3145728-3145744");
}

static void does_not_obey_a_least_piece_beyond_reason(void **state)
{
	struct fx *x = *state;

	use(x, NULL);
	up_profile(x, "quay.io");
	up_fault(x, "POST",
		 &(struct fakereg_fault){ .set = "OCI-Chunk-Min-Length",
					  .value = "1099511627776" });
	assert_ok(up_put(x), x->err);
	assert_int_equal(up_count(x, "PATCH"), 4);
}

static void takes_the_largest_piece_that_it_is_told(void **state)
{
	struct fx *x = *state;

	use(x, NULL);
	mr_remote_of(x->s)->piece = 64 * MIB;
	up_fault(x, "POST",
		 &(struct fakereg_fault){ .set = "OCI-Chunk-Max-Length",
					  .value = "2000000" });
	assert_ok(up_put(x), x->err);
	up_assert_there(x);
	assert_string_equal(range_of(x, 0), "0-1999999");
}

static void the_last_piece_goes_with_the_put_to_ecr(void **state)
{
	const struct fakereg_opts o = { .patch_status = 201,
					.stale_range = true,
					.no_empty_put = true };
	struct fx *x = *state;

	use(x, &o);
	up_profile(x, "1.dkr.ecr.eu-west-1.amazonaws.com");
	mr_remote_limits(x->s, 0, MIB);
	assert_ok(up_put(x), x->err);
	up_assert_there(x);
	assert_int_equal(up_count(x, "PATCH"), 3);
	assert_string_equal(up_seen(x, "PUT", 0).content_length, "17");
}

static void a_range_that_stands_still_is_stale(void **state)
{
	const struct fakereg_opts o = { .stale_range = true };
	struct fx *x = *state;

	use(x, &o);
	up_profile(x, "acme.azurecr.io");
	assert_ok(up_put(x), x->err);
	up_assert_there(x);
	assert_int_equal(up_count(x, "PATCH"), 4);
}

static void a_range_beyond_what_was_sent_is_an_error(void **state)
{
	struct fx *x = *state;

	use(x, NULL);
	up_profile(x, "acme.azurecr.io");
	up_fault(x, "PATCH",
		 &(struct fakereg_fault){ .set = "Range",
					  .value = "0-3000000" });
	assert_code(MREG_EREMOTE, up_put(x), x->err);
	assert_has(x->err.cause, "sent up to byte 1048576, the registry says "
				 "that it has '0-3000000'");
	assert_false(up_is_there(x));
}

static void goes_on_from_what_was_taken(void **state)
{
	struct fx *x = *state;

	use(x, NULL);
	up_profile(x, "acme.azurecr.io");
	/* Less than was sent: that is what comes next.  This registry took it
	 * all in truth, says so, and is believed again. */
	up_fault(x, "PATCH",
		 &(struct fakereg_fault){
			 .times = 1, .set = "Range", .value = "0-524287" });
	assert_ok(up_put(x), x->err);
	up_assert_there(x);
	assert_string_equal(range_of(x, 1), "524288-1572863");
	assert_int_equal(up_seen(x, "PATCH", 1).status, 416);
	assert_int_equal(up_count(x, "GET"), 1);
	assert_string_equal(range_of(x, 2), "1048576-2097151");
	assert_int_equal(x->t.progress_bytes, NOISE_BYTES);
}

/* -- limits that only answers tell ------------------------------------------
 */

static int put_large(struct fx *x)
{
	char *bytes = calloc(1, LARGE_BYTES);
	int rc;

	assert_non_null(bytes);
	rc = fx_put(x, bytes, LARGE_BYTES);
	free(bytes);
	return rc;
}

static void after_413_it_sends_smaller_pieces(void **state)
{
	const struct fakereg_opts o = { .request_max = 5 * MIB };
	struct fx *x = *state;

	use(x, &o);
	mr_remote_of(x->s)->piece = 64 * MIB;
	assert_ok(put_large(x), x->err);
	/* 20 MiB was too much as well; then 4 MiB each. */
	assert_int_equal(up_count(x, "PATCH"), 1 + 5);
	assert_string_equal(range_of(x, 1), "0-4194303");
	assert_has(x->t.log, "sending pieces of 4 MiB");
	assert_int_equal(x->t.slept_ms, 0);
	assert_int_equal(x->t.progress_bytes, LARGE_BYTES);
	/* It is known now. */
	fakereg_clear(x->f);
	assert_ok(put_large(x), x->err);
	assert_int_equal(up_count(x, "PATCH"), 5);
}

struct sender {
	struct fx *x;
	unsigned char number;
	int rc;
};

/* A large blob of its own. */
static void *send_large(void *arg)
{
	struct sender *s = arg;
	struct mreg_error ignored = MREG_ERROR_INIT;
	struct mr_store *from = NULL;
	char *bytes = calloc(1, LARGE_BYTES);
	struct mreg_desc d;

	s->rc = MREG_ENOMEM;
	if (!bytes || mr_memory_open(&s->x->t.env, &from, &ignored) < 0) {
		free(bytes);
		return NULL;
	}
	bytes[0] = (char)s->number;
	d = fx_desc(bytes, LARGE_BYTES);
	s->rc = mr_store_put_bytes(from, &d, bytes, &ignored);
	if (s->rc >= 0)
		s->rc = mr_store_put(s->x->s, &d, from, NULL, &ignored);
	mr_store_close(from);
	free(bytes);
	return NULL;
}

static void several_blobs_at_once_learn_one_step(void **state)
{
	const struct fakereg_opts o = { .request_max = 20 * MIB };
	struct fx *x = *state;
	struct sender senders[6];
	pthread_t threads[6];
	uint64_t limit = 0;
	size_t i;

	use(x, &o);
	mr_remote_of(x->s)->piece = 64 * MIB;
	for (i = 0; i < MR_COUNT(senders); i++) {
		senders[i] =
			(struct sender){ .x = x, .number = (unsigned char)i };
		assert_int_equal(pthread_create(&threads[i], NULL, send_large,
						&senders[i]),
				 0);
	}
	for (i = 0; i < MR_COUNT(senders); i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	for (i = 0; i < MR_COUNT(senders); i++)
		assert_int_equal(senders[i].rc, 0);
	assert_true(mr_remote_lesson(mr_remote_of(x->s), MR_LESSON_REQUEST,
				     &limit));
	assert_int_equal(limit, 20 * MIB);
}

static void a_minimum_above_the_limit_is_no_way(void **state)
{
	const struct fakereg_opts o = { .request_max = 5 * MIB };
	struct fx *x = *state;

	use(x, &o);
	mr_remote_of(x->s)->piece = 64 * MIB;
	up_fault(x, "POST",
		 &(struct fakereg_fault){ .late = true,
					  .status = 202,
					  .set = "OCI-Chunk-Min-Length",
					  .value = "10485760" });
	assert_code(MREG_ELIMIT, put_large(x), x->err);
}

static void a_stream_is_sent_again_in_smaller_pieces(void **state)
{
	const struct fakereg_opts o = { .request_max = 20 * MIB };
	struct fx *x = *state;
	struct mr_stream *src = NULL;
	struct mr_measure m;
	char *bytes = calloc(1, LARGE_BYTES);

	use(x, &o);
	assert_non_null(bytes);
	assert_ok(mr_stream_memory(bytes, LARGE_BYTES, &src, &x->err), x->err);
	assert_code(MREG_ENETWORK,
		    mr_store_put_stream(x->s, src, LARGE_BYTES, "weights", &m,
					&x->err),
		    x->err);
	assert_ok(fx_put(x, bytes, LARGE_BYTES), x->err);
	free(bytes);
}

static void a_layer_too_large_is_no_matter_of_pieces(void **state)
{
	struct fx *x = *state;

	use(x, NULL);
	up_fault(x, "PUT",
		 &(struct fakereg_fault){ .status = 413,
					  .code = "LAYER_TOO_LARGE" });
	assert_code(MREG_ELIMIT, put_large(x), x->err);
	assert_int_equal(up_count(x, "PATCH"), 0);
	/* The next one is not even begun. */
	assert_code(
		MREG_ELIMIT,
		mr_remote_check_size(x->s, "model.bin", LARGE_BYTES, &x->err),
		x->err);
	assert_has(x->err.msg, "model.bin");
	assert_has(x->err.msg, "refused a larger one");
	assert_ok(mr_remote_check_size(x->s, "model.bin", LARGE_BYTES - 1,
				       &x->err),
		  x->err);
}

static void gives_up_below_the_smallest_piece(void **state)
{
	const struct fakereg_opts o = { .request_max = 2 * MIB };
	struct fx *x = *state;

	use(x, &o);
	mr_remote_of(x->s)->piece = 64 * MIB;
	assert_code(MREG_ELIMIT, put_large(x), x->err);
	assert_has(x->err.hint, "proxy");
}

static void google_gets_no_pieces_for_a_setting_either(void **state)
{
	struct fx *x = *state;

	use(x, NULL);
	up_profile(x, "europe-docker.pkg.dev");
	mr_remote_limits(x->s, 0, 2 * MIB);
	assert_ok(up_put(x), x->err);
	up_assert_there(x);
	assert_int_equal(up_count(x, "PATCH"), 0);
}

static void google_gets_no_pieces(void **state)
{
	const struct fakereg_opts o = { .request_max = 20 * MIB };
	struct fx *x = *state;

	use(x, &o);
	up_profile(x, "europe-docker.pkg.dev");
	assert_code(MREG_ELIMIT, put_large(x), x->err);
	assert_int_equal(up_count(x, "PATCH"), 0);
}

static void ghcr_refuses_pieces_above_4_mib(void **state)
{
	const struct fakereg_opts o = { .chunk_max = 4 * MIB };
	struct fx *x = *state;

	/* On a host of another name: found out by its 416. */
	use(x, &o);
	mr_remote_limits(x->s, 0, 20 * MIB);
	mr_remote_of(x->s)->piece = 64 * MIB;
	assert_ok(put_large(x), x->err);
	assert_int_equal(up_count(x, "PATCH"), 1 + 5);
	/* On its own it is known. */
	fakereg_clear(x->f);
	up_open(x, NULL);
	up_profile(x, "ghcr.io");
	mr_remote_limits(x->s, 0, 20 * MIB);
	mr_remote_of(x->s)->piece = 64 * MIB;
	assert_ok(put_large(x), x->err);
	assert_int_equal(up_count(x, "PATCH"), 5);
}

static void says_that_the_setting_is_too_large(void **state)
{
	const struct fakereg_opts o = { .request_max = 5 * MIB };
	struct fx *x = *state;

	use(x, &o);
	mr_remote_of(x->s)->piece = 64 * MIB;
	mr_remote_limits(x->s, 0, 10 * MIB);
	assert_code(MREG_ELIMIT, put_large(x), x->err);
	assert_int_equal(up_count(x, "PATCH"), 1);
}

/* -- a source that is not what it was ---------------------------------------
 */

static ssize_t lie_read(struct mr_stream *s, void *buf, size_t n,
			struct mreg_error *err)
{
	(void)s;
	(void)err;
	memset(buf, 'x', n);
	return (ssize_t)n;
}

static void lie_close(struct mr_stream *s)
{
	mr_release(s);
}

static int lie_open(struct mr_store *s, const struct mreg_desc *d,
		    uint64_t offset, uint64_t length, struct mr_stream **out,
		    struct mreg_error *err)
{
	static const struct mr_stream_ops ops = { .read = lie_read,
						  .close = lie_close };
	struct mr_stream *in = mr_zalloc(sizeof(*in));

	(void)s;
	(void)d;
	(void)offset;
	(void)length;
	(void)err;
	assert_non_null(in);
	in->ops = &ops;
	*out = in;
	return 0;
}

static void a_source_with_other_bytes_is_never_committed(void **state)
{
	const struct mreg_desc d = fx_desc(fx_noise(), NOISE_BYTES);
	static const struct mr_store_ops ops = { .kind = "memory",
						 .open = lie_open };
	struct fx *x = *state;
	char name[] = "lie";
	struct mr_store from = { .ops = &ops, .env = &x->t.env, .name = name };

	use(x, NULL);
	up_profile(x, "acme.azurecr.io");
	assert_code(MREG_EINTEGRITY,
		    mr_store_put(x->s, &d, &from, "weights", &x->err), x->err);
	assert_int_equal(up_count(x, "PUT"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_every_kind_of_range),
		FX(sends_pieces_where_they_are_liked),
		FX(sends_pieces_where_the_setting_says_so),
		FX(streams_in_pieces_where_the_setting_says_so),
		FX(takes_the_least_piece_that_it_is_told),
		FX(does_not_obey_a_least_piece_beyond_reason),
		FX(takes_the_largest_piece_that_it_is_told),
		FX(the_last_piece_goes_with_the_put_to_ecr),
		FX(a_range_that_stands_still_is_stale),
		FX(a_range_beyond_what_was_sent_is_an_error),
		FX(goes_on_from_what_was_taken),
		FX(after_413_it_sends_smaller_pieces),
		FX(a_stream_is_sent_again_in_smaller_pieces),
		FX(a_layer_too_large_is_no_matter_of_pieces),
		FX(gives_up_below_the_smallest_piece),
		FX(google_gets_no_pieces),
		FX(google_gets_no_pieces_for_a_setting_either),
		FX(several_blobs_at_once_learn_one_step),
		FX(a_minimum_above_the_limit_is_no_way),
		FX(ghcr_refuses_pieces_above_4_mib),
		FX(says_that_the_setting_is_too_large),
		FX(a_source_with_other_bytes_is_never_committed),
	};
	char *dir = test_tmpdir_new();
	int failed;

	fx_isolate(dir);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	test_tmpdir_free(dir);
	return failed;
}
