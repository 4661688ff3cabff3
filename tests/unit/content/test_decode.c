/*
 * test_decode.c - what gzip and zstd made of bytes comes to these bytes again,
 * in any pieces; what is damaged, cut or a bomb does not.
 */
#include "tests/support/test.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include "base/mem.h"
#include "content/decode.h"

#define TEXT_BYTES (300u << 10)
#define NO_LIMIT UINT64_MAX

struct fixture {
	char *text; /* TEXT_BYTES, half of it the same again */
	char *packed;
	size_t n; /* of `packed` */
	struct mreg_error err;
};

static int setup(void **state)
{
	struct fixture *f = mr_zalloc(sizeof(*f));
	uint32_t x = 1;
	size_t i;

	f->text = mr_alloc(TEXT_BYTES);
	f->packed = mr_alloc(4 * TEXT_BYTES);
	for (i = 0; i < TEXT_BYTES / 2; i++) {
		x = x * 1664525u + 1013904223u;
		f->text[i] = (char)(x >> 24);
	}
	memcpy(f->text + TEXT_BYTES / 2, f->text, TEXT_BYTES / 2);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	mr_release(f->text);
	mr_release(f->packed);
	mr_release(f);
	return 0;
}

/* Append `n` bytes, packed. */
static void add(struct fixture *f, enum mr_coding coding, const void *bytes,
		size_t n)
{
	char *to = f->packed + f->n;
	size_t room = 4 * TEXT_BYTES - f->n;
	z_stream z = { .next_in = (Bytef *)bytes,
		       .avail_in = (uInt)n,
		       .next_out = (Bytef *)to,
		       .avail_out = (uInt)room };

	if (coding == MR_CODING_ZSTD) {
		size_t made = ZSTD_compress(to, room, bytes, n, 3);

		assert_false(ZSTD_isError(made));
		f->n += made;
		return;
	}
	assert_int_equal(
		deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY),
		Z_OK);
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	f->n += room - z.avail_out;
	assert_int_equal(deflateEnd(&z), Z_OK);
}

/* Read all, in pieces of `step`; the code it ended with, and how much there
 * was, which was as it should be. */
static int read_back(struct fixture *f, enum mr_coding coding, uint64_t max,
		     size_t step, uint64_t *seen)
{
	MR_AUTO(mr_stream_closep) struct mr_stream *s = NULL;
	MR_AUTO(mr_free) char *buf = mr_alloc(step);
	struct mr_stream *src = NULL;
	ssize_t got;

	*seen = 0;
	assert_ok(mr_stream_memory(f->packed, f->n, &src, &f->err), f->err);
	assert_ok(mr_stream_decode(src, coding, max, "a layer", &s, &f->err),
		  f->err);
	while ((got = mr_stream_read(s, buf, step, &f->err)) > 0) {
		if (*seen + (uint64_t)got <= TEXT_BYTES)
			assert_memory_equal(buf, f->text + *seen, (size_t)got);
		*seen += (uint64_t)got;
	}
	if (got < 0) /* and it stays so */
		assert_int_equal(mr_stream_read(s, buf, step, &f->err), got);
	return (int)got;
}

static const enum mr_coding codings[] = { MR_CODING_GZIP, MR_CODING_ZSTD };

static void gives_back_what_was_packed(void **state)
{
	static const size_t steps[] = { 1 << 20, 4096, 7 };
	struct fixture *f = *state;
	uint64_t seen;
	size_t i, k;

	for (i = 0; i < MR_COUNT(codings); i++) {
		f->n = 0;
		add(f, codings[i], f->text, TEXT_BYTES);
		assert_int_equal(mr_coding_of(f->packed, f->n), codings[i]);
		for (k = 0; k < MR_COUNT(steps); k++) {
			assert_ok(read_back(f, codings[i], NO_LIMIT, steps[k],
					    &seen),
				  f->err);
			assert_int_equal(seen, TEXT_BYTES);
		}
	}
}

/* As pigz, estargz and zstd:chunked write. */
static void takes_several_in_a_row(void **state)
{
	struct fixture *f = *state;
	uint64_t seen;
	size_t i;

	for (i = 0; i < MR_COUNT(codings); i++) {
		f->n = 0;
		add(f, codings[i], f->text, 1000);
		add(f, codings[i], f->text + 1000, 0);
		add(f, codings[i], f->text + 1000, TEXT_BYTES - 1000);
		assert_ok(read_back(f, codings[i], NO_LIMIT, 4096, &seen),
			  f->err);
		assert_int_equal(seen, TEXT_BYTES);
	}
}

static void passes_over_skippable_frames(void **state)
{
	static const char skippable[] = "\x5a\x2a\x4d\x18\x04\0\0\0abcd";
	struct fixture *f = *state;
	uint64_t seen;

	memcpy(f->packed, skippable, 12);
	f->n = 12;
	assert_int_equal(mr_coding_of(f->packed, 4), MR_CODING_ZSTD);
	add(f, MR_CODING_ZSTD, f->text, 5000);
	memcpy(f->packed + f->n, skippable, 12);
	f->n += 12;
	assert_ok(read_back(f, MR_CODING_ZSTD, NO_LIMIT, 4096, &seen), f->err);
	assert_int_equal(seen, 5000);
}

static void leaves_what_is_not_packed(void **state)
{
	struct fixture *f = *state;
	uint64_t seen;

	memcpy(f->packed, f->text, TEXT_BYTES);
	f->n = TEXT_BYTES;
	assert_ok(read_back(f, MR_CODING_NONE, TEXT_BYTES, 4096, &seen),
		  f->err);
	assert_int_equal(seen, TEXT_BYTES);
	assert_code(MREG_ELIMIT,
		    read_back(f, MR_CODING_NONE, TEXT_BYTES - 1, 4096, &seen),
		    f->err);
}

static void stops_at_the_limit(void **state)
{
	struct fixture *f = *state;
	uint64_t seen;
	size_t i;

	for (i = 0; i < MR_COUNT(codings); i++) {
		f->n = 0;
		add(f, codings[i], f->text, TEXT_BYTES);
		assert_ok(read_back(f, codings[i], TEXT_BYTES, 4096, &seen),
			  f->err);
		assert_code(
			MREG_ELIMIT,
			read_back(f, codings[i], TEXT_BYTES - 1, 4096, &seen),
			f->err);
		assert_true(seen < TEXT_BYTES);
		assert_has(f->err.msg, "'a layer' unpacks to more than");
	}
}

/* 64 MiB of zeros, whose every piece is made only when it is asked for. */
static void a_bomb_does_not_go_off(void **state)
{
	struct fixture *f = *state;
	char *zeros = mr_zalloc(64 << 20);
	uint64_t seen;
	size_t i;

	for (i = 0; i < MR_COUNT(codings); i++) {
		f->n = 0;
		add(f, codings[i], zeros, 64 << 20);
		memset(f->text, 0, TEXT_BYTES);
		assert_true(f->n < 100000);
		assert_code(MREG_ELIMIT,
			    read_back(f, codings[i], 1 << 20, 65536, &seen),
			    f->err);
		assert_true(seen <= 1 << 20);
	}
	mr_release(zeros);
}

static void tells_what_is_cut(void **state)
{
	struct fixture *f = *state;
	uint64_t seen;
	size_t i, whole;

	for (i = 0; i < MR_COUNT(codings); i++) {
		f->n = 0;
		add(f, codings[i], f->text, 3000);
		whole = f->n;
		for (f->n = 1; f->n < whole; f->n++) {
			assert_code(
				MREG_EFORMAT,
				read_back(f, codings[i], NO_LIMIT, 4096, &seen),
				f->err);
			assert_has(f->err.msg, mr_coding_name(codings[i]));
		}
	}
}

static void tells_what_is_damaged(void **state)
{
	struct fixture *f = *state;
	uint64_t seen;
	size_t i;

	for (i = 0; i < MR_COUNT(codings); i++) {
		f->n = 0;
		add(f, codings[i], f->text, TEXT_BYTES);
		memset(f->packed + 3, 0x55, 40);
		assert_code(MREG_EFORMAT,
			    read_back(f, codings[i], NO_LIMIT, 4096, &seen),
			    f->err);
		/* Something behind it that is no frame. */
		f->n = 0;
		add(f, codings[i], f->text, 100);
		memcpy(f->packed + f->n, "garbage!", 8);
		f->n += 8;
		assert_code(MREG_EFORMAT,
			    read_back(f, codings[i], NO_LIMIT, 4096, &seen),
			    f->err);
		assert_has(f->err.msg, "something follows its end");
	}
	/* A second one whose sum is wrong. */
	f->n = 0;
	add(f, MR_CODING_GZIP, f->text, 100);
	add(f, MR_CODING_GZIP, f->text + 100, TEXT_BYTES - 100);
	memset(f->packed + f->n - 8, 0x55, 4);
	assert_code(MREG_EFORMAT,
		    read_back(f, MR_CODING_GZIP, NO_LIMIT, 4096, &seen),
		    f->err);
	assert_has(f->err.msg, "incorrect data check");
}

/* As a tape is filled up. */
static void zeros_behind_the_end_are_told(void **state)
{
	struct fixture *f = *state;
	uint64_t seen;
	size_t i, n;

	for (i = 0; i < MR_COUNT(codings); i++)
		for (n = 1; n <= 512; n *= 8) {
			f->n = 0;
			add(f, codings[i], f->text, 100);
			memset(f->packed + f->n, 0, n);
			f->n += n;
			assert_code(
				MREG_EFORMAT,
				read_back(f, codings[i], NO_LIMIT, 4096, &seen),
				f->err);
			assert_has(f->err.msg, "something follows its end");
		}
}

/* A frame whose header asks for 2 GiB of memory. */
static void refuses_an_enormous_window(void **state)
{
	static const unsigned char frame[] = {
		0x28, 0xb5, 0x2f, 0xfd, /* magic */
		0x00,                   /* no size, no checksum */
		0xa8,                   /* window: 1 << (10 + 21) */
		0x01, 0x00, 0x00,       /* an empty last block */
	};
	struct fixture *f = *state;
	uint64_t seen;

	memcpy(f->packed, frame, sizeof(frame));
	f->n = sizeof(frame);
	assert_code(MREG_EFORMAT,
		    read_back(f, MR_CODING_ZSTD, NO_LIMIT, 4096, &seen),
		    f->err);
}

static void empty_is_empty(void **state)
{
	struct fixture *f = *state;
	uint64_t seen;

	f->n = 0;
	assert_ok(read_back(f, MR_CODING_GZIP, 0, 16, &seen), f->err);
	assert_int_equal(seen, 0);
	assert_int_equal(mr_coding_of("", 0), MR_CODING_NONE);
	assert_int_equal(mr_coding_of("\x1f", 1), MR_CODING_NONE);
	assert_int_equal(mr_coding_of("ustar", 5), MR_CODING_NONE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(gives_back_what_was_packed),
		TEST(takes_several_in_a_row),
		TEST(passes_over_skippable_frames),
		TEST(leaves_what_is_not_packed),
		TEST(stops_at_the_limit),
		TEST(a_bomb_does_not_go_off),
		TEST(tells_what_is_cut),
		TEST(tells_what_is_damaged),
		TEST(zeros_behind_the_end_are_told),
		TEST(refuses_an_enormous_window),
		TEST(empty_is_empty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
