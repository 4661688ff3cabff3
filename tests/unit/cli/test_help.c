/*
 * test_help.c - help of a table of our own, with texts as long as nobody
 * should write them.
 */
#include "tests/support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "cli/rows.h"

#define LONG_WORD                                                              \
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" \
	"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb" \
	"\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4"
#define LONG_TEXT                                                              \
	"one two three four five six seven eight nine ten eleven twelve "      \
	"thirteen fourteen fifteen sixteen seventeen eighteen nineteen "       \
	"twenty one-and-twenty two-and-twenty three-and-twenty"

struct args {
	struct cli_words paths, metrics;
	const char *ref, *dir, *kind;
	unsigned int jobs;
	bool all;
};

static const struct cli_opt push_opts[] = {
	CLI_MANY(struct args, paths, "DIR|FILE", "what"),
	CLI_ARG(struct args, ref, "NAME[:TAG]", "where to"),
	CLI_BOOL('n', "dry-run", struct args, all, "show what would be sent"),
	CLI_LIST(0, "metric", "NAME=NUMBER", struct args, metrics, "a metric"),
	CLI_UINT('j', "jobs", "N", struct args, jobs, "at once"),
	CLI_STR(0, "kind", "auto|model|dataset|prompt", struct args, kind,
		"what it is"),
	CLI_END,
};

static const char *const push_examples[] = { "mreg push ./churn churn", NULL };

static const struct cli_opt get_opts[] = {
	CLI_ARG(struct args, ref, "REF", "which"),
	CLI_MAY(struct args, dir, "DIR", "where to"),
	CLI_END,
};

static const struct cli_opt long_opts[] = {
	CLI_ARG(struct args, ref, LONG_WORD, LONG_TEXT),
	CLI_MAY(struct args, dir, LONG_WORD, LONG_WORD),
	CLI_STR('x', LONG_WORD, LONG_WORD, struct args, kind, LONG_TEXT),
	CLI_BOOL(0, "short", struct args, all, LONG_WORD " " LONG_TEXT),
	CLI_LIST(0, "a-name-of-thirty-columns-or-so", "VALUE", struct args,
		 metrics, LONG_TEXT),
	CLI_END,
};

static const char *const long_examples[] = { "mreg " LONG_TEXT,
					     "mreg " LONG_WORD, NULL };

static const struct cli_command cmd_push = {
	.name = "push",
	.summary = "make a version",
	.opts = push_opts,
	.args_size = sizeof(struct args),
	.examples = push_examples,
	.notes = "First " LONG_TEXT ".\n\nSecond.\n  kept line\n  another one",
};
static const struct cli_command cmd_ls = {
	.name = "ls",
	.summary = "list",
	.opts = get_opts,
	.lists = true,
};
static const struct cli_command cmd_name_set = { .name = "name set",
						 .summary = "give a name",
						 .opts = get_opts };
static const struct cli_command cmd_name_rm = { .name = "name rm",
						.summary = "take it away",
						.opts = get_opts };
static const struct cli_command cmd_bare = { .name = "bare",
					     .summary = "no rows at all" };
static const struct cli_command cmd_long = {
	.name = "longest " LONG_WORD,
	.summary = LONG_TEXT " " LONG_WORD,
	.opts = long_opts,
	.examples = long_examples,
	.notes = LONG_TEXT "\n\n          " LONG_WORD "\n" LONG_WORD,
};

const struct cli_command *const cli_commands[] = {
	&cmd_push, &cmd_ls,   &cmd_name_set, &cmd_name_rm,
	&cmd_bare, &cmd_long, NULL,
};

const struct cli_opt cli_global_opts[] = {
	CLI_STR(0, "registry", "PREFIX", struct cli_globals, registry,
		"where short names are"),
	CLI_BOOL(0, "jsonl", struct cli_globals, jsonl, "a list as lines"),
	CLI_STR(0, "progress", "auto|bar|plain|json|none", struct cli_globals,
		progress, LONG_TEXT),
	CLI_BOOL('q', "quiet", struct cli_globals, quiet, "errors only"),
	CLI_END,
};

const struct cli_heading cli_headings[] = {
	{ &cmd_push, "files" },
	{ &cmd_name_set, "names" },
	{ NULL, NULL },
};

const struct cli_group cli_groups[] = {
	{ "name", "what a version is called" },
	{ NULL, NULL },
};

static char *all_help(void)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(out);
	cli_help_all(out);
	assert_int_equal(fclose(out), 0);
	return text;
}

static char *options_help(void)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(out);
	cli_help_options(out);
	assert_int_equal(fclose(out), 0);
	return text;
}

static char *group_help(const char *group)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(out);
	cli_help_group(out, group);
	assert_int_equal(fclose(out), 0);
	return text;
}

static char *command_help(const struct cli_command *c)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(out);
	cli_help_command(out, c);
	assert_int_equal(fclose(out), 0);
	return text;
}

/* No line above 80 columns, none that ends in white space. */
static void check_lines(const char *text)
{
	size_t width = 0;
	char last = 0;

	for (; *text; text++) {
		if (*text == '\n') {
			assert_true(width <= 80);
			assert_true(last != ' ' && last != '\t');
			width = 0;
		} else {
			width += ((unsigned char)*text & 0xc0) != 0x80;
		}
		last = *text;
	}
	assert_int_equal(last, '\n');
}

static void no_line_is_longer_than_eighty_columns(void **state)
{
	char *text;
	size_t i;

	(void)state;
	for (i = 0; cli_commands[i]; i++) {
		text = command_help(cli_commands[i]);
		check_lines(text);
		free(text);
	}
	text = all_help();
	check_lines(text);
	free(text);
	text = group_help("name");
	check_lines(text);
	free(text);
}

static void nothing_of_a_long_text_is_lost(void **state)
{
	char *text = command_help(&cmd_long);
	char *to = text;
	const char *from;

	(void)state;
	for (from = text; *from; from++)
		if (!strchr(" \n\\", *from))
			*to++ = *from;
	*to = '\0';
	assert_has(text, "usage:mreglongest" LONG_WORD LONG_WORD "[" LONG_WORD
			 "][options]");
	assert_has(text, "-x,--" LONG_WORD LONG_WORD "onetwothree");
	free(text);
}

static void usage_comes_from_the_rows(void **state)
{
	char *text = command_help(&cmd_push);

	(void)state;
	assert_true(mr_text_starts(
		text, "usage: mreg push DIR|FILE... NAME[:TAG] [options]\n\n"
		      "make a version\n\narguments:\n"));
	free(text);
	text = command_help(&cmd_name_set);
	assert_has(text, "usage: mreg name set REF [DIR] [options]\n");
	free(text);
	text = command_help(&cmd_bare);
	assert_has(text, "usage: mreg bare [options]\n\nno rows at all\n");
	assert_has_not(text, "arguments:");
	assert_has_not(text, "\noptions:");
	free(text);
}

static void rows_are_aligned(void **state)
{
	char *text = command_help(&cmd_push);

	(void)state;
	assert_has(text, "\narguments:\n"
			 "  DIR|FILE    what\n"
			 "  NAME[:TAG]  where to\n"
			 "\noptions:\n"
			 "  -n, --dry-run             show what would be sent\n"
			 "      --metric NAME=NUMBER  a metric (repeatable)\n"
			 "  -j, --jobs N              at once\n"
			 "      --kind auto|model|dataset|prompt\n"
			 "                            what it is\n");
	free(text);
}

static void notes_keep_paragraphs_and_indented_lines(void **state)
{
	char *text = command_help(&cmd_push);

	(void)state;
	assert_has(text, "\nFirst one two three four five six seven eight nine "
			 "ten eleven twelve thirteen\nfourteen ");
	assert_has(text, ".\n\nSecond.\n  kept line\n  another one\n");
	assert_has(text, "\nexamples:\n  mreg push ./churn churn\n");
	free(text);
}

static void a_long_example_goes_on_behind_a_backslash(void **state)
{
	char *text = command_help(&cmd_long);

	(void)state;
	assert_has(text, "\nexamples:\n  mreg one two three four five six "
			 "seven eight nine ten eleven twelve thirteen \\\n"
			 "      fourteen ");
	free(text);
}

static void jsonl_is_told_only_where_it_works(void **state)
{
	char *text = command_help(&cmd_push);

	(void)state;
	assert_has(text, "  --registry, --progress, -q --quiet\n");
	free(text);
	text = command_help(&cmd_ls);
	assert_has(text, "  --registry, --jsonl, --progress, -q --quiet\n");
	free(text);
}

static void the_overview_has_a_line_for_each_command(void **state)
{
	char *text = all_help();

	(void)state;
	assert_has(text, "usage: mreg COMMAND [options]\n");
	assert_has(text, "\nfiles:\n"
			 "  push     make a version\n"
			 "  ls       list\n"
			 "names:\n"
			 "  name     set, rm: what a version is called\n"
			 "  bare     no rows at all\n"
			 "  longest  aaaa");
	free(text);
}

static void options_of_every_command_have_a_page(void **state)
{
	char *text = options_help();

	(void)state;
	assert_has(text, "\noptions of every command:\n"
			 "      --registry PREFIX  where short names are\n");
	free(text);
}

static void a_group_lists_its_own_commands(void **state)
{
	char *text = group_help("name");

	(void)state;
	assert_string_equal(text,
			    "usage: mreg name COMMAND [options]\n\ncommands:\n"
			    "  name set  give a name\n"
			    "  name rm   take it away\n\n"
			    "'mreg name COMMAND --help' explains a command.\n");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_line_is_longer_than_eighty_columns),
		cmocka_unit_test(nothing_of_a_long_text_is_lost),
		cmocka_unit_test(usage_comes_from_the_rows),
		cmocka_unit_test(rows_are_aligned),
		cmocka_unit_test(notes_keep_paragraphs_and_indented_lines),
		cmocka_unit_test(a_long_example_goes_on_behind_a_backslash),
		cmocka_unit_test(jsonl_is_told_only_where_it_works),
		cmocka_unit_test(the_overview_has_a_line_for_each_command),
		cmocka_unit_test(options_of_every_command_have_a_page),
		cmocka_unit_test(a_group_lists_its_own_commands),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
