/*
 * test_safetensors_facts.c - what a safetensors file says about itself, and
 * why not.
 */
#include "tests/support/test.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "tests/support/weights_fixture.h"

#define TENSOR(name, dtype, shape, begin, end)                                 \
	"\"" name "\":{\"dtype\":\"" dtype "\",\"shape\":" shape               \
	",\"data_offsets\":[" begin "," end "]}"

static void look(struct looked *l, const char *header, size_t data)
{
	static struct weights w;

	safetensors_write(&w, header, data);
	facts_look(l, w.bytes, w.n, w.n, "any");
	assert_int_equal(l->f.format, MR_FORMAT_SAFETENSORS);
}

static void says_what_the_header_says(void **state)
{
	struct looked l;

	(void)state;
	look(&l,
	     "{\"__metadata__\":{\"format\":\"pt\",\"a\":\"b\"}," TENSOR(
		     "late", "F32", "[3]", "12",
		     "24") "," TENSOR("early", "BF16", "[2,3]", "0",
				      "12") "," TENSOR("scalar", "F32", "[]",
						       "24", "28") "}",
	     28);
	assert_null(l.f.trouble);
	assert_int_equal(l.f.tensor_count, 3);
	assert_string_equal(l.f.tensors[0].name, "early");
	assert_string_equal(l.f.tensors[0].dtype, "BF16");
	assert_int_equal(l.f.tensors[0].rank, 2);
	assert_int_equal(l.f.tensors[0].dims[0], 2);
	assert_int_equal(l.f.tensors[0].dims[1], 3);
	assert_int_equal(l.f.tensors[0].elements, 6);
	assert_int_equal(l.f.tensors[0].bytes, 12);
	assert_string_equal(l.f.tensors[1].name, "late");
	assert_int_equal(l.f.tensors[2].rank, 0);
	assert_int_equal(l.f.tensors[2].elements, 1);
	assert_int_equal(l.f.parameters, 10);
	assert_string_equal(l.f.precision, "bfloat16");
	assert_null(l.f.quantization);
	assert_int_equal(l.f.metadata_count, 2);
	assert_string_equal(l.f.metadata[0].name, "a");
	assert_string_equal(l.f.metadata[1].value, "pt");
	facts_release(&l);
}

static void takes_the_metadata_that_has_a_meaning(void **state)
{
	struct looked l;

	(void)state;
	look(&l,
	     "{\"__metadata__\":{\"modelspec.architecture\":\"flux-1-dev\","
	     "\"modelspec.title\":\"Night\",\"modelspec.license\":\"MIT\"}}",
	     0);
	assert_null(l.f.trouble);
	assert_string_equal(l.f.architecture, "flux-1-dev");
	assert_string_equal(l.f.name, "Night");
	assert_string_equal(l.f.license, "MIT");
	assert_null(l.f.precision);
	assert_int_equal(l.f.parameters, 0);
	facts_release(&l);
}

static void precision_is_that_of_most_elements(void **state)
{
	static const struct {
		const char *dtype, *precision;
		size_t bytes; /* of 16 elements */
	} types[] = {
		{ "F64", "float64", 128 },
		{ "F32", "float32", 64 },
		{ "F16", "float16", 32 },
		{ "BF16", "bfloat16", 32 },
		{ "F8_E4M3", "float8_e4m3", 16 },
		{ "F8_E5M2", "float8_e5m2", 16 },
		{ "I8", "int8", 16 },
		{ "U8", "uint8", 16 },
		{ "I64", "int64", 128 },
		{ "BOOL", "bool", 16 },
		{ "F4", "float4_e2m1", 8 },
	};
	struct looked l;
	char header[256];
	size_t i;

	(void)state;
	for (i = 0; i < MR_COUNT(types); i++) {
		snprintf(header, sizeof(header),
			 "{" TENSOR("few", "C64", "[1]", "0", "8") "," TENSOR(
				 "many", "%s", "[4,4]", "8", "%zu") "}",
			 types[i].dtype, 8 + types[i].bytes);
		look(&l, header, 8 + types[i].bytes);
		assert_null(l.f.trouble);
		assert_string_equal(l.f.precision, types[i].precision);
		assert_int_equal(l.f.parameters, 17);
		facts_release(&l);
	}
}

static void each_wrong_header_says_why(void **state)
{
	static const struct {
		const char *header;
		size_t data;
		const char *why;
	} bad[] = {
		{ "{},", 0, "its header is no valid JSON: " },
		{ "{\"a\":1}", 0, "tensor 'a' is no object" },
		{ "{\"a\":{}}", 0, "tensor 'a' has no 'dtype'" },
		{ "{" TENSOR("a", "F12", "[1]", "0", "1") "}", 1,
		  "tensor 'a' has an unknown dtype: F12" },
		{ "{" TENSOR("a", "U8", "1", "0", "1") "}", 1,
		  "tensor 'a' has no 'shape'" },
		{ "{" TENSOR("a", "U8", "[-1]", "0", "1") "}", 1,
		  "tensor 'a' has a dimension that is no size" },
		{ "{" TENSOR("a", "U8", "[4294967296,4294967296]", "0",
			     "0") "}",
		  0, "tensor 'a' has more elements than can be counted" },
		{ "{" TENSOR("a", "U8", "[2305843009213693952]", "0", "0") "}",
		  0, "tensor 'a' has more bits than can be counted" },
		{ "{" TENSOR("a", "F4", "[1]", "0", "1") "}", 1,
		  "tensor 'a' ends within a byte" },
		{ "{" TENSOR("a", "U8", "[1]", "0", "1,2") "}", 1,
		  "tensor 'a' has no 'data_offsets' of two sizes" },
		{ "{" TENSOR("a", "U8", "[1]", "1", "0") "}", 1,
		  "tensor 'a' ends before it begins" },
		{ "{" TENSOR("a", "F16", "[3]", "0", "5") "}", 5,
		  "tensor 'a' takes 6 bytes by its shape and 5 by its "
		  "offsets" },
		{ "{" TENSOR("a", "U8", "[2]", "0",
			     "2") "," TENSOR("b", "U8", "[2]", "1", "3") "}",
		  3, "tensor 'b' overlaps the one before it" },
		{ "{" TENSOR("a", "U8", "[1]", "0",
			     "1") "," TENSOR("b", "U8", "[1]", "2", "3") "}",
		  3, "tensor 'b' has a hole before it" },
		{ "{" TENSOR("a", "U8", "[1]", "0", "1") "}", 4,
		  "has 3 bytes behind its tensors" },
		{ "{" TENSOR("a", "U8", "[4]", "0", "4") "}", 1,
		  "ends early: its tensors take 4 bytes, and it has 1" },
		{ "{" TENSOR("a", "U8", "[1]", "0",
			     "1") "," TENSOR("a", "U8", "[1]", "1", "2") "}",
		  2, "its header is no valid JSON: duplicate" },
		{ "{\"__metadata__\":[]}", 0, "'__metadata__' is no object" },
		{ "{\"__metadata__\":{\"k\":1}}", 0,
		  "'k' in '__metadata__' is no string" },
		{ "{" TENSOR("\\u001b[2J", "F12", "[1]", "0", "1") "}", 1,
		  "tensor '\\x1b[2J' has an unknown dtype" },
	};
	struct looked l;
	size_t i;

	(void)state;
	for (i = 0; i < MR_COUNT(bad); i++) {
		look(&l, bad[i].header, bad[i].data);
		assert_non_null(l.f.trouble);
		assert_has(l.f.trouble, bad[i].why);
		assert_int_equal(l.f.tensor_count, 0);
		assert_int_equal(l.f.metadata_count, 0);
		facts_release(&l);
	}
}

/* security.md H62; the name says what the content should have been. */
static void each_impossible_length_says_why(void **state)
{
	static const struct {
		uint64_t len, size;
		const char *why;
	} bad[] = {
		{ 0, 64, "its header has 0 bytes" },
		{ 1, 64, "its header has 1 bytes" },
		{ 57, 64,
		  "ends early: its header has 57 bytes, and 56 follow" },
		{ 100000000, 64, "ends early" },
		{ 100000001, UINT64_C(1) << 40,
		  "safetensors allows 100000000" },
		{ UINT64_MAX, 64, "safetensors allows 100000000" },
		{ 100000000, UINT64_C(1) << 40, "mreg reads 8388608 at most" },
		{ 8, 4, "ends early: 8 bytes should follow byte 0" },
	};
	struct weights w = { 0 };
	struct looked l;
	size_t i;

	(void)state;
	for (i = 0; i < MR_COUNT(bad); i++) {
		w.n = 0;
		weights_put(&w, bad[i].len, 8);
		weights_add(&w, "{}", 2);
		facts_look(&l, w.bytes, w.n, bad[i].size, "m.safetensors");
		assert_int_equal(l.f.format, MR_FORMAT_SAFETENSORS);
		assert_non_null(l.f.trouble);
		assert_has(l.f.trouble, bad[i].why);
		/* That we read no more is no fault of the file. */
		assert_int_equal(l.f.limited, i == 6);
		/* Nothing is fetched for a length that cannot be. */
		assert_true(l.f.bytes_read <= 16 + 65536);
		facts_release(&l);
	}
	w.n = 0;
	weights_put(&w, 8, 8);
	weights_add(&w, "[1,2,34]", 8);
	facts_look(&l, w.bytes, w.n, w.n, "m.safetensors");
	assert_string_equal(l.f.trouble, "its header does not begin with '{'");
	facts_release(&l);
}

/* A header larger than any window, of a file too large to read. */
static void reads_the_header_and_no_tensors(void **state)
{
	const size_t tensors = 5000;
	char *bytes = malloc(8 + tensors * 128);
	uint64_t each = UINT64_C(1) << 20;
	struct looked l;
	size_t n = 8;
	size_t i;

	(void)state;
	assert_non_null(bytes);
	for (i = 0; i < tensors; i++)
		n += (size_t)sprintf(
			bytes + n,
			"%c\"model.layers.%zu.weight\":{\"dtype\":\"I8\","
			"\"shape\":[1024,1024],\"data_offsets\":[%" PRIu64
			",%" PRIu64 "]}",
			i ? ',' : '{', i, i * each, (i + 1) * each);
	bytes[n++] = '}';
	for (i = 0; i < 8; i++)
		bytes[i] = (char)((n - 8) >> (8 * i));
	facts_look(&l, bytes, n, n + tensors * each, "any");
	assert_null(l.f.trouble);
	assert_int_equal(l.f.tensor_count, tensors);
	assert_int_equal(l.f.parameters, tensors * each);
	assert_string_equal(l.f.tensors[4999].name, "model.layers.4999.weight");
	assert_true(l.f.bytes_read <= n + 16 + 65536);
	/* A look at what it is, the window, and the rest of the header. */
	assert_true(l.c.reads <= 4);
	facts_release(&l);
	free(bytes);
}

/* What takes more room than an arena has is the file's trouble. */
static void a_header_of_dimensions_is_bounded(void **state)
{
	const size_t size = 8u << 20;
	char *bytes = malloc(8 + size);
	const char *head = "{\"a\":{\"dtype\":\"U8\",\"data_offsets\":[0,1],"
			   "\"shape\":[1";
	struct looked l;
	size_t n = strlen(head);
	size_t i;

	(void)state;
	assert_non_null(bytes);
	for (i = 0; i < 8; i++)
		bytes[i] = (char)((uint64_t)size >> (8 * i));
	memcpy(bytes + 8, head, n);
	while (n + 6 < size) {
		memcpy(bytes + 8 + n, ",1", 2);
		n += 2;
	}
	memset(bytes + 8 + n, ' ', size - n);
	memcpy(bytes + 8 + n, "]}}", 3);
	facts_look(&l, bytes, 8 + size, 8 + size + 1, "any");
	assert_null(l.f.trouble);
	assert_true(l.f.tensors[0].rank > 4000000);
	assert_int_equal(l.f.parameters, 1);
	facts_release(&l);
	free(bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(says_what_the_header_says),
		cmocka_unit_test(takes_the_metadata_that_has_a_meaning),
		cmocka_unit_test(precision_is_that_of_most_elements),
		cmocka_unit_test(each_wrong_header_says_why),
		cmocka_unit_test(each_impossible_length_says_why),
		cmocka_unit_test(reads_the_header_and_no_tensors),
		cmocka_unit_test(a_header_of_dimensions_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
