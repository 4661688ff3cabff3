/*
 * test_safetensors.c - only a complete and consistent header counts
 * (security.md H62).
 */
#include "tests/support/test.h"

#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "format/format.h"

#define TWO                                                                    \
	"{\"a\":{\"dtype\":\"F32\",\"shape\":[2,3],"                           \
	"\"data_offsets\":[0,24]},\"b\":{\"dtype\":\"U8\",\"shape\":[4],"      \
	"\"data_offsets\":[24,28]}}"

static enum mr_format judge(const void *bytes, size_t n)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_reader *r = NULL;
	enum mr_format f = MR_FORMAT_GGUF;

	assert_ok(mr_reader_memory(bytes, n, &r, &err), err);
	assert_ok(mr_format_header(r, &f, &err), err);
	mr_reader_close(r);
	return f;
}

/* Length, header, and `data` bytes. */
static size_t build(char *out, uint64_t len, const char *header, size_t data)
{
	size_t n = strlen(header);
	int i;

	for (i = 0; i < 8; i++)
		out[i] = (char)(len >> (8 * i));
	memcpy(out + 8, header, n);
	memset(out + 8 + n, 0, data);
	return 8 + n + data;
}

static bool is_valid(const char *header, size_t data)
{
	char bytes[4096];
	size_t n = build(bytes, strlen(header), header, data);

	return judge(bytes, n) == MR_FORMAT_SAFETENSORS;
}

static void takes_what_the_library_writes(void **state)
{
	(void)state;
	assert_true(is_valid(TWO, 28));
	assert_true(is_valid("{}      ", 0));
	assert_true(is_valid("{\"__metadata__\":{\"format\":\"pt\"}}", 0));
	/* A scalar, an empty tensor, and tensors in any order. */
	assert_true(is_valid("{\"s\":{\"dtype\":\"F64\",\"shape\":[],"
			     "\"data_offsets\":[0,8]}}",
			     8));
	assert_true(is_valid("{\"b\":{\"dtype\":\"I8\",\"shape\":[1],"
			     "\"data_offsets\":[2,3]},"
			     "\"e\":{\"dtype\":\"F32\",\"shape\":[0,7],"
			     "\"data_offsets\":[2,2]},"
			     "\"a\":{\"dtype\":\"BF16\",\"shape\":[1],"
			     "\"data_offsets\":[0,2]}}",
			     3));
	assert_true(is_valid("{\"q\":{\"dtype\":\"F4\",\"shape\":[3,2],"
			     "\"data_offsets\":[0,3]}}",
			     3));
}

static void refuses_lengths_that_cannot_be(void **state)
{
	static const uint64_t bad[] = { 0,
					1,
					UINT64_MAX,
					UINT64_MAX - 7,
					INT64_MAX,
					100000001,
					MR_SHARD_INDEX_MAX_BYTES + 1,
					sizeof(TWO) - 2,
					sizeof(TWO) };
	char bytes[512];
	size_t i;

	(void)state;
	for (i = 0; i < MR_COUNT(bad); i++) {
		size_t n = build(bytes, bad[i], TWO, 28);

		assert_int_equal(judge(bytes, n), MR_FORMAT_UNKNOWN);
	}
}

static void refuses_truncation_anywhere(void **state)
{
	char bytes[512];
	size_t n = build(bytes, sizeof(TWO) - 1, TWO, 28);
	size_t i;

	(void)state;
	assert_int_equal(judge(bytes, n), MR_FORMAT_SAFETENSORS);
	for (i = 0; i < n; i++)
		assert_int_equal(judge(bytes, i), MR_FORMAT_UNKNOWN);
	bytes[n] = '\0';
	assert_int_equal(judge(bytes, n + 1), MR_FORMAT_UNKNOWN);
}

/* Headers that do not add up, with so many bytes of data. */
static const struct {
	const char *header;
	size_t data;
} bad_headers[] = {
	{ "[]", 0 },
	{ " {}", 0 },
	{ "{},", 0 },
	{ "{}", 1 },
	{ "{\"a\":1}", 0 },
	{ "{\"a\":{}}", 0 },
	/* twice the same name */
	{ "{\"a\":{\"dtype\":\"U8\",\"shape\":[1],"
	  "\"data_offsets\":[0,1]},"
	  "\"a\":{\"dtype\":\"U8\",\"shape\":[1],"
	  "\"data_offsets\":[1,2]}}",
	  2 },
	/* hole, overlap, not from 0 */
	{ "{\"a\":{\"dtype\":\"U8\",\"shape\":[1],"
	  "\"data_offsets\":[0,1]},"
	  "\"b\":{\"dtype\":\"U8\",\"shape\":[1],"
	  "\"data_offsets\":[2,3]}}",
	  3 },
	{ "{\"a\":{\"dtype\":\"U8\",\"shape\":[2],"
	  "\"data_offsets\":[0,2]},"
	  "\"b\":{\"dtype\":\"U8\",\"shape\":[2],"
	  "\"data_offsets\":[1,3]}}",
	  3 },
	{ "{\"a\":{\"dtype\":\"U8\",\"shape\":[1],"
	  "\"data_offsets\":[1,2]}}",
	  2 },
	/* size, dtype, shape */
	{ "{\"a\":{\"dtype\":\"F16\",\"shape\":[1],"
	  "\"data_offsets\":[0,1]}}",
	  1 },
	{ "{\"a\":{\"dtype\":\"F12\",\"shape\":[1],"
	  "\"data_offsets\":[0,1]}}",
	  1 },
	{ "{\"a\":{\"dtype\":7,\"shape\":[1],"
	  "\"data_offsets\":[0,1]}}",
	  1 },
	{ "{\"a\":{\"dtype\":\"U8\",\"shape\":[-1],"
	  "\"data_offsets\":[0,1]}}",
	  1 },
	{ "{\"a\":{\"dtype\":\"U8\",\"shape\":[1.0],"
	  "\"data_offsets\":[0,1]}}",
	  1 },
	{ "{\"a\":{\"dtype\":\"U8\",\"shape\":1,"
	  "\"data_offsets\":[0,1]}}",
	  1 },
	{ "{\"a\":{\"dtype\":\"F4\",\"shape\":[1],"
	  "\"data_offsets\":[0,1]}}",
	  1 },
	{ "{\"a\":{\"dtype\":\"U8\",\"shape\":[1],"
	  "\"data_offsets\":[0,1,1]}}",
	  1 },
	{ "{\"a\":{\"dtype\":\"U8\",\"shape\":[1],"
	  "\"data_offsets\":[1,0]}}",
	  1 },
	/* 2^32 * 2^32 elements are 0 in 64 bits; so are 2^61 * 8 */
	{ "{\"a\":{\"dtype\":\"U8\",\"shape\":[4294967296,4294967296],"
	  "\"data_offsets\":[0,0]}}",
	  0 },
	{ "{\"a\":{\"dtype\":\"U8\",\"shape\":[2305843009213693952],"
	  "\"data_offsets\":[0,0]}}",
	  0 },
	/* metadata */
	{ "{\"__metadata__\":{\"a\":1}}", 0 },
	{ "{\"__metadata__\":[]}", 0 },
};

static void refuses_headers_that_do_not_add_up(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < MR_COUNT(bad_headers); i++)
		if (is_valid(bad_headers[i].header, bad_headers[i].data))
			fail_msg("taken: %s", bad_headers[i].header);
}

static void other_files_are_unknown(void **state)
{
	static const char *const others[] = {
		"",
		"x",
		"{\"json\": true}   ",
		"# text",
		"PK\003\004",
		"\x89PNG\r\n\x1a\n.........",
		"\x80\x02"
		"cposix\nsystem\n",
	};
	size_t i;

	(void)state;
	for (i = 0; i < MR_COUNT(others); i++)
		assert_int_equal(judge(others[i], strlen(others[i])),
				 MR_FORMAT_UNKNOWN);
}

static ssize_t broken_read(struct mr_reader *r, void *buf, size_t n,
			   uint64_t offset, struct mreg_error *err)
{
	(void)r;
	(void)buf;
	(void)n;
	(void)offset;
	if (err) {
		err->code = MREG_EIO;
		strcpy(err->msg, "the disk is gone");
	}
	return MREG_EIO;
}

static void broken_close(struct mr_reader *r)
{
	(void)r;
}

static void reading_trouble_is_an_error(void **state)
{
	static const struct mr_reader_ops ops = { .read_at = broken_read,
						  .close = broken_close };
	struct mr_reader r = { .ops = &ops, .size = 1000 };
	struct mreg_error err = MREG_ERROR_INIT;
	enum mr_format f;

	(void)state;
	assert_code(MREG_EIO, mr_format_header(&r, &f, &err), err);
	assert_has(err.msg, "the disk is gone");
	assert_int_equal(f, MR_FORMAT_UNKNOWN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_what_the_library_writes),
		cmocka_unit_test(refuses_lengths_that_cannot_be),
		cmocka_unit_test(refuses_truncation_anywhere),
		cmocka_unit_test(refuses_headers_that_do_not_add_up),
		cmocka_unit_test(other_files_are_unknown),
		cmocka_unit_test(reading_trouble_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
