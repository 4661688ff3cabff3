/*
 * test_digest.c - digests as text and value, hashes in pieces.
 */
#include "tests/support/test.h"

#include <string.h>

#include "base/mem.h"
#include "content/digest.h"

/* FIPS 180-2, appendix B and C, and the empty message. */
#define ABC_256                                                                \
	"sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define ABC_512                                                                \
	"sha512:"                                                              \
	"ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"     \
	"2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"
#define EMPTY_256                                                              \
	"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static void prints_what_it_parses(void **state)
{
	static const char *const rows[] = { ABC_256, ABC_512, EMPTY_256 };
	struct mreg_error err = MREG_ERROR_INIT;
	size_t i;

	(void)state;
	for (i = 0; i < MR_COUNT(rows); i++) {
		char text[MREG_DIGEST_TEXT], hex[129];
		struct mreg_digest d;

		assert_ok(mreg_digest_parse(rows[i], &d, &err), err);
		assert_true(mr_digest_known(&d));
		assert_string_equal(mreg_digest_text(&d, text), rows[i]);
		assert_string_equal(mr_digest_hex(&d, hex), rows[i] + 7);
	}
}

static void the_unknown_digest_has_no_text(void **state)
{
	struct mreg_digest d = { MREG_DIGEST_NONE, { 0 } };
	char text[MREG_DIGEST_TEXT] = "x";
	char hex[129] = "x";

	(void)state;
	assert_string_equal(mreg_digest_text(&d, text), "");
	assert_string_equal(mr_digest_hex(&d, hex), "");
	assert_false(mr_digest_known(&d));
}

static void refuses_what_is_no_digest(void **state)
{
	static const char *const rows[] = {
		"",
		"latest",
		"sha256:",
		"sha256:ba78",
		"sha1:da39a3ee5e6b4b0d3255bfef95601890afd80709",
		ABC_256 "0",
		ABC_256 "\n",
		" " ABC_256,
		"SHA256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61"
		"f20015ad",
		"sha256:BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61"
		"F20015AD",
		"sha256:../../../../../../../../../../../../../../../../../etc/p"
		"asswd00",
		"sha256:ga7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61"
		"f20015ad",
		"sha512:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61"
		"f20015ad",
	};
	struct mreg_error err = MREG_ERROR_INIT;
	struct mreg_digest d, before;
	size_t i;

	(void)state;
	memset(&d, 0x5a, sizeof(d));
	before = d;
	for (i = 0; i < MR_COUNT(rows); i++) {
		assert_code(MREG_EUSAGE, mreg_digest_parse(rows[i], &d, &err),
			    err);
		assert_has(err.msg, "is no digest");
		assert_has(err.hint, "64 lower-case hex digits");
	}
	assert_memory_equal(&d, &before, sizeof(d));
}

static void orders_digests(void **state)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mreg_digest abc, empty, longer, copy;

	(void)state;
	assert_ok(mreg_digest_parse(ABC_256, &abc, &err), err);
	assert_ok(mreg_digest_parse(EMPTY_256, &empty, &err), err);
	assert_ok(mreg_digest_parse(ABC_512, &longer, &err), err);
	copy = abc;
	copy.bytes[40] = 1; /* unused by sha256 */
	assert_true(mreg_digest_equal(&abc, &copy));
	assert_false(mreg_digest_equal(&abc, &empty));
	assert_true(mr_digest_compare(&abc, &empty) < 0);
	assert_true(mr_digest_compare(&empty, &abc) > 0);
	assert_true(mr_digest_compare(&empty, &longer) < 0);
	/* The same bytes under another name are another digest. */
	copy = abc;
	copy.algorithm = MREG_SHA512;
	assert_false(mreg_digest_equal(&abc, &copy));
}

static void hashes_known_messages(void **state)
{
	struct mreg_error err = MREG_ERROR_INIT;
	char text[MREG_DIGEST_TEXT];
	struct mreg_digest d;
	struct mr_hash *h = NULL;

	(void)state;
	assert_ok(mr_digest_of("abc", 3, &d, &err), err);
	assert_string_equal(mreg_digest_text(&d, text), ABC_256);
	assert_ok(mr_digest_of(NULL, 0, &d, &err), err);
	assert_string_equal(mreg_digest_text(&d, text), EMPTY_256);
	assert_ok(mr_hash_new(MREG_SHA512, &h, &err), err);
	mr_hash_add(h, "a", 1);
	mr_hash_add(h, "", 0);
	mr_hash_add(h, "bc", 2);
	mr_hash_end(h, &d);
	assert_string_equal(mreg_digest_text(&d, text), ABC_512);
	mr_hash_freep(&h);
	assert_null(h);
	mr_hash_freep(&h);
}

static void hashes_need_an_algorithm(void **state)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_hash *h = NULL;

	(void)state;
	assert_code(MREG_EINTERNAL, mr_hash_new(MREG_DIGEST_NONE, &h, &err),
		    err);
	assert_null(h);
}

static void many_at_once_are_each_alone(void **state)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_hash_job jobs[5];
	struct mreg_digest alone, together;
	char data[5][1000];
	int i, round;

	(void)state;
	for (i = 0; i < 5; i++) {
		memset(data[i], 'a' + i, sizeof(data[i]));
		jobs[i].data = data[i];
		jobs[i].n = (size_t)(200 * i); /* one of them empty */
		assert_ok(mr_hash_new(MREG_SHA256, &jobs[i].hash, &err), err);
	}
	for (round = 0; round < 2; round++)
		mr_hash_many(jobs, 5);
	mr_hash_many(jobs, 0);
	for (i = 0; i < 5; i++) {
		size_t n = jobs[i].n;

		mr_hash_end(jobs[i].hash, &together);
		mr_hash_free(jobs[i].hash);
		assert_ok(mr_hash_new(MREG_SHA256, &jobs[i].hash, &err), err);
		mr_hash_add(jobs[i].hash, data[i], n);
		mr_hash_add(jobs[i].hash, data[i], n);
		mr_hash_end(jobs[i].hash, &alone);
		mr_hash_free(jobs[i].hash);
		assert_true(mreg_digest_equal(&alone, &together));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(prints_what_it_parses),
		cmocka_unit_test(the_unknown_digest_has_no_text),
		cmocka_unit_test(refuses_what_is_no_digest),
		cmocka_unit_test(orders_digests),
		cmocka_unit_test(hashes_known_messages),
		cmocka_unit_test(hashes_need_an_algorithm),
		cmocka_unit_test(many_at_once_are_each_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
