/*
 * test_progress_bar.c - the text of a bar, whatever it has to say.
 */
#include "tests/support/test.h"

#include <string.h>

#include "base/text.h"
#include "cli/progress.h"

const struct cli_command *const cli_commands[] = { NULL };
const struct cli_opt cli_global_opts[] = { CLI_END };

/* Columns of text as a terminal counts them, for what the tests use. */
static size_t wide(const char *s)
{
	size_t n = 0;

	for (; *s; s++)
		if (((unsigned char)*s & 0xc0) != 0x80)
			n += (unsigned char)*s >= 0xe3 ? 2 : 1;
	return n;
}

static void no_bar_is_wider_than_the_terminal(void **state)
{
	static const char *const names[] = {
		"a",
		"a/very/long/folder/of/folders/in/folders/model.safetensors",
		"\xe6\xa8\xa1\xe5\x9e\x8b/\xe6\xa8\xa1\xe5\x9e\x8b\xe6\xa8\xa1"
		"\xe5\x9e\x8b\xe6\xa8\xa1\xe5\x9e\x8b\xe6\xa8\xa1\xe5\x9e\x8b",
		"\033\033\033\033\033\033\033\033\033\033\033",
	};
	char out[CLI_BAR_BYTES];
	size_t i, width;

	(void)state;
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		for (width = 0; width < 300; width++) {
			struct cli_bar b = {
				.planned = width % 7 != 0,
				.done = UINT64_MAX / 2,
				.total = UINT64_MAX - 1,
				.blobs = 9999,
				.count = 10000,
				.rate = UINT64_MAX / 3600 / 50,
				.label = names[i],
				.hashing = width % 2 == 0,
			};
			size_t used = cli_bar_text(&b, width, out);

			assert_true(used <= width);
			assert_true(wide(out) <= used);
			assert_true(mr_utf8_valid(out));
		}
	}
}

static void a_long_name_keeps_its_end(void **state)
{
	const struct cli_bar b = {
		.planned = true,
		.total = 100,
		.done = 50,
		.count = 2,
		.label = "some/folder/with/a/long/name/model-00001.safetensors",
	};
	char out[CLI_BAR_BYTES];

	(void)state;
	assert_int_equal(cli_bar_text(&b, 60, out), 60);
	assert_string_equal(out, " 50%  50 B/100 B  0/2  .../long/name/model-"
				 "00001.safetensors");
}

static void a_digest_is_shown_short(void **state)
{
	const struct cli_bar b = {
		.label =
			"sha256:0123456789abcdef0123456789abcdef0123456789abcdef"
			"0123456789abcdef",
		.hashing = true,
	};
	char out[CLI_BAR_BYTES];

	(void)state;
	(void)cli_bar_text(&b, 100, out);
	assert_string_equal(out, "hashing sha256:0123456789ab");
}

static void percent_is_a_hundred_only_when_all_is_done(void **state)
{
	struct cli_bar b = { .total = 10, .done = 10, .count = 3, .blobs = 2 };

	(void)state;
	assert_int_equal(cli_bar_percent(&b), 99);
	b.blobs = 3;
	assert_int_equal(cli_bar_percent(&b), 100);
	b = (struct cli_bar){ .count = 4, .blobs = 1 }; /* empty files */
	assert_int_equal(cli_bar_percent(&b), 25);
	b = (struct cli_bar){ .count = 1, .done = UINT64_MAX, .total = 1 };
	assert_int_equal(cli_bar_percent(&b), 99);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_bar_is_wider_than_the_terminal),
		cmocka_unit_test(a_long_name_keeps_its_end),
		cmocka_unit_test(a_digest_is_shown_short),
		cmocka_unit_test(percent_is_a_hundred_only_when_all_is_done),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
