/*
 * test_man.c - the man page of a table of our own: nothing in a text is taken
 * for a request of roff.
 */
#include "tests/support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"

struct args {
	struct cli_words paths;
	const char *ref, *expect;
};

static const struct cli_opt opts[] = {
	CLI_MANY(struct args, paths, "FILE", ".what\\fI it's"),
	CLI_ARG(struct args, ref, "NAME", "\"where\" to: ~/x ^y `z` a-b"),
	CLI_STR('e', "expect-it", "A|B", struct args, expect,
		"na\xc3\xafve \xe2\x86\x92 \xff"),
	CLI_END,
};

static const char *const examples[] = { ".mreg 'send' --x", NULL };

static const struct cli_command cmd = {
	.name = "send",
	.summary = "send it",
	.opts = opts,
	.examples = examples,
	.notes = "One.\n.two\n'three\n\n\nfour\\",
};

const struct cli_command *const cli_commands[] = { &cmd, NULL };

const struct cli_opt cli_global_opts[] = {
	CLI_BOOL('q', "quiet", struct cli_globals, quiet, "errors only"),
	CLI_END,
};

static int page_new(void **state)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(out);
	cli_man(out);
	assert_int_equal(fclose(out), 0);
	*state = text;
	return 0;
}

static int page_free(void **state)
{
	free(*state);
	return 0;
}

static void texts_are_no_requests(void **state)
{
	const char *page = *state;

	assert_has(page, "\n\\&.what\\(rsfI it\\(aqs.\n");
	assert_has(page, "\nOne.\n\\&.two\n\\(aqthree\n.sp\nfour\\(rs\n");
	assert_has(page, "\n.nf\n\\&.mreg \\(aqsend\\(aq \\-\\-x\n.fi\n");
}

static void characters_keep_their_looks(void **state)
{
	assert_has(*state, "\n\\(dqwhere\\(dq to: \\(ti/x \\(hay \\(gaz\\(ga "
			   "a\\-b.\n");
}

static void other_alphabets_go_by_number(void **state)
{
	assert_has(*state, "\nNa\\[u00EF]ve \\[u2192] .\n");
}

static void commands_and_options_are_there(void **state)
{
	const char *page = *state;

	assert_has(page, "\n.SS \"mreg send FILE... NAME [options]\"\n"
			 "Send it.\n");
	assert_has(page, "\n.TP\n\\fB\\-e\\fR, \\fB\\-\\-expect\\-it\\fR "
			 "\\fIA|B\\fR\n");
	assert_has(page, "\n.TP\n\\fB\\-q\\fR, \\fB\\-\\-quiet\\fR\nErrors "
			 "only.\n");
}

static void exit_statuses_are_the_ones_of_the_codes(void **state)
{
	const char *page = *state;
	char line[32];
	int code;

	for (code = MREG_OK; code >= MREG_ECANCELED; code--) {
		(void)snprintf(line, sizeof(line), "\n.TP\n\\fB%d\\fR\n",
			       mreg_code_exit((enum mreg_code)code));
		assert_has(page, line);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts_are_no_requests),
		cmocka_unit_test(characters_keep_their_looks),
		cmocka_unit_test(other_alphabets_go_by_number),
		cmocka_unit_test(commands_and_options_are_there),
		cmocka_unit_test(exit_statuses_are_the_ones_of_the_codes),
	};
	return cmocka_run_group_tests(tests, page_new, page_free);
}
