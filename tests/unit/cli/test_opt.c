/*
 * test_opt.c - words to options, by rows of our own.
 */
#include "tests/support/test.h"

#include <string.h>

#include "cli/cli.h"

#define WORDS_MAX 32

struct args {
	struct cli_words paths, metrics;
	const char *ref, *alias, *kind, *dir, *once;
	unsigned int jobs, depth;
	bool all, dry_run;
};

static const struct cli_opt send_opts[] = {
	CLI_MANY(struct args, paths, "FILE", "files"),
	CLI_ARG(struct args, ref, "NAME", "where to"),
	CLI_STR('a', "alias", "NAME", struct args, alias, "an alias"),
	CLI_LIST('m', "metric", "NAME=NUMBER", struct args, metrics, "metrics"),
	CLI_STR(0, "kind", "model|dataset", struct args, kind, "what it is"),
	CLI_ONCE('o', "once", "TEXT", struct args, once, "one alone"),
	CLI_UINT('j', "jobs", "N", struct args, jobs, "at once"),
	CLI_COUNT('d', "deep", struct args, depth, "deeper"),
	CLI_BOOL(0, "all", struct args, all, "everything"),
	CLI_BOOL('n', "dry-run", struct args, dry_run, "only show"),
	CLI_END,
};

static const struct cli_opt list_opts[] = {
	CLI_MAY(struct args, ref, "NAME", "which"),
	CLI_END,
};

static const struct cli_opt get_opts[] = {
	CLI_ARG(struct args, ref, "NAME", "which"),
	CLI_MAY(struct args, dir, "DIR", "where to"),
	CLI_END,
};

static const struct cli_command cmd_send = { .name = "send",
					     .opts = send_opts,
					     .args_size = sizeof(struct args) };
static const struct cli_command cmd_list = { .name = "list",
					     .opts = list_opts,
					     .args_size = sizeof(struct args) };
static const struct cli_command cmd_get = { .name = "get",
					    .opts = get_opts,
					    .args_size = sizeof(struct args) };
static const struct cli_command cmd_name_set = {
	.name = "name set", .opts = get_opts, .args_size = sizeof(struct args)
};
static const struct cli_command cmd_name_rm = {
	.name = "name rm", .opts = get_opts, .args_size = sizeof(struct args)
};

const struct cli_command *const cli_commands[] = {
	&cmd_send, &cmd_list, &cmd_get, &cmd_name_set, &cmd_name_rm, NULL,
};

const struct cli_opt cli_global_opts[] = {
	CLI_STR(0, "registry", "PREFIX", struct cli_globals, registry, "where"),
	CLI_BOOL(0, "json", struct cli_globals, json, "as JSON"),
	CLI_BOOL('q', "quiet", struct cli_globals, quiet, "errors only"),
	CLI_COUNT('v', "verbose", struct cli_globals, verbose, "say more"),
	CLI_BOOL('h', "help", struct cli_globals, help, "help"),
	CLI_END,
};

/* What a parse leaves behind; `words` is split at spaces. */
struct parsed {
	char text[512];
	char *argv[WORDS_MAX];
	int argc;
	struct args args;
	struct cli_globals globals;
	struct cli_parse owned;
	struct mreg_error err;
	int rc;
};

static void split(struct parsed *p, const char *words)
{
	char *save = NULL;
	char *word;

	memset(p, 0, sizeof(*p));
	assert_true(strlen(words) < sizeof(p->text));
	memcpy(p->text, words, strlen(words) + 1);
	for (word = strtok_r(p->text, " ", &save); word;
	     word = strtok_r(NULL, " ", &save)) {
		assert_true(p->argc + 1 < WORDS_MAX);
		p->argv[p->argc++] = word;
	}
}

static void parse(struct parsed *p, const struct cli_command *c,
		  const char *words)
{
	split(p, words);
	p->rc = cli_parse(c, p->argc, p->argv, 0, &p->args, &p->globals,
			  &p->owned, &p->err);
}

static void parse_ok(struct parsed *p, const struct cli_command *c,
		     const char *words)
{
	parse(p, c, words);
	assert_ok(p->rc, p->err);
}

static void refused(const struct cli_command *c, const char *words,
		    const char *msg, const char *hint)
{
	struct parsed p;

	parse(&p, c, words);
	assert_code(MREG_EUSAGE, p.rc, p.err);
	assert_string_equal(p.err.msg, msg);
	assert_string_equal(p.err.hint, hint);
	cli_parse_release(&p.owned);
}

static void takes_options_of_all_types(void **state)
{
	struct parsed p;

	(void)state;
	parse_ok(&p, &cmd_send,
		 "-a x --metric a=1 file --metric=b=2 -m c=3 --jobs 7 -d -d "
		 "name --all -n --kind dataset");
	assert_string_equal(p.args.alias, "x");
	assert_int_equal(p.args.metrics.n, 3);
	assert_string_equal(p.args.metrics.items[0], "a=1");
	assert_string_equal(p.args.metrics.items[1], "b=2");
	assert_string_equal(p.args.metrics.items[2], "c=3");
	assert_int_equal(p.args.jobs, 7);
	assert_int_equal(p.args.depth, 2);
	assert_true(p.args.all);
	assert_true(p.args.dry_run);
	assert_string_equal(p.args.kind, "dataset");
	assert_int_equal(p.args.paths.n, 1);
	assert_string_equal(p.args.paths.items[0], "file");
	assert_string_equal(p.args.ref, "name");
	cli_parse_release(&p.owned);
	assert_null(p.owned.owned);
}

static void what_is_one_cannot_be_given_twice(void **state)
{
	struct parsed p;

	(void)state;
	parse_ok(&p, &cmd_send, "f n --once x -a y -a z");
	assert_string_equal(p.args.once, "x");
	assert_string_equal(p.args.alias, "z");
	cli_parse_release(&p.owned);
	refused(&cmd_send, "f n -o x --once=x", "--once is given twice",
		"it can be given once only");
}

static void global_options_may_stand_anywhere(void **state)
{
	struct parsed p;

	(void)state;
	parse_ok(&p, &cmd_list, "--json x -vqv --registry=ghcr.io/a");
	assert_true(p.globals.json);
	assert_true(p.globals.quiet);
	assert_int_equal(p.globals.verbose, 2);
	assert_string_equal(p.globals.registry, "ghcr.io/a");
	assert_string_equal(p.args.ref, "x");
}

static void letters_go_together(void **state)
{
	struct parsed p;

	(void)state;
	parse_ok(&p, &cmd_send, "f n -ddnj12");
	assert_int_equal(p.args.depth, 2);
	assert_true(p.args.dry_run);
	assert_int_equal(p.args.jobs, 12);
	cli_parse_release(&p.owned);
	parse_ok(&p, &cmd_send, "f n -na stage");
	assert_string_equal(p.args.alias, "stage");
	cli_parse_release(&p.owned);
	refused(&cmd_send, "f n -dx", "unknown option '-dx'",
		"see 'mreg send --help'");
}

static void what_follows_two_hyphens_is_no_option(void **state)
{
	struct parsed p;

	(void)state;
	parse_ok(&p, &cmd_send, "-n -- --all -- -x");
	assert_false(p.args.all);
	assert_true(p.args.dry_run);
	assert_int_equal(p.args.paths.n, 2);
	assert_string_equal(p.args.paths.items[0], "--all");
	assert_string_equal(p.args.paths.items[1], "--");
	assert_string_equal(p.args.ref, "-x");
	cli_parse_release(&p.owned);
}

static void one_hyphen_is_a_word(void **state)
{
	struct parsed p;

	(void)state;
	parse_ok(&p, &cmd_list, "-");
	assert_string_equal(p.args.ref, "-");
}

static void many_words_leave_one_for_the_last_argument(void **state)
{
	struct parsed p;

	(void)state;
	parse_ok(&p, &cmd_send, "a b c d");
	assert_int_equal(p.args.paths.n, 3);
	assert_string_equal(p.args.paths.items[2], "c");
	assert_string_equal(p.args.ref, "d");
	cli_parse_release(&p.owned);
	refused(&cmd_send, "", "'mreg send' needs FILE",
		"see 'mreg send --help'");
	refused(&cmd_send, "a", "'mreg send' needs NAME",
		"see 'mreg send --help'");
}

static void an_optional_word_may_be_missing(void **state)
{
	struct parsed p;

	(void)state;
	parse_ok(&p, &cmd_list, "");
	assert_null(p.args.ref);
	parse_ok(&p, &cmd_get, "a");
	assert_string_equal(p.args.ref, "a");
	assert_null(p.args.dir);
	parse_ok(&p, &cmd_get, "a b");
	assert_string_equal(p.args.dir, "b");
	refused(&cmd_get, "", "'mreg get' needs NAME", "see 'mreg get --help'");
	refused(&cmd_get, "a b c", "'c' is one word too many",
		"see 'mreg get --help'");
}

static void names_the_nearest_option(void **state)
{
	(void)state;
	refused(&cmd_send, "f n --dryrun", "unknown option '--dryrun'",
		"did you mean '--dry-run'?");
	refused(&cmd_send, "f n --metrics=a=1",
		"unknown option '--metrics=a=1'", "did you mean '--metric'?");
	refused(&cmd_send, "f n --quite", "unknown option '--quite'",
		"did you mean '--quiet'?");
	refused(&cmd_send, "f n --zzzzzz", "unknown option '--zzzzzz'",
		"see 'mreg send --help'");
	/* An option of another command is none of this one's. */
	refused(&cmd_list, "--jobs 3", "unknown option '--jobs'",
		"see 'mreg list --help'");
}

static void refuses_values_that_cannot_be(void **state)
{
	(void)state;
	refused(&cmd_send, "f n --jobs many",
		"--jobs needs a number, not "
		"'many'",
		"a whole number from 1");
	refused(&cmd_send, "f n -j0", "--jobs needs a number, not '0'",
		"a whole number from 1");
	refused(&cmd_send, "f n -j -1", "--jobs needs a number, not '-1'",
		"a whole number from 1");
	refused(&cmd_send, "f n --kind thing", "--kind cannot be 'thing'",
		"one of model|dataset");
	refused(&cmd_send, "f n --kind mode", "--kind cannot be 'mode'",
		"one of model|dataset");
	refused(&cmd_send, "f n --kind", "--kind needs a value",
		"--kind model|dataset");
	refused(&cmd_send, "f n --all=yes", "--all takes no value", "");
}

static void hostile_words_are_made_safe(void **state)
{
	(void)state;
	refused(&cmd_send, "--\033[2J", "unknown option '--\\x1b[2J'",
		"see 'mreg send --help'");
	refused(&cmd_list, "a b\nc", "'b\\x0ac' is one word too many",
		"see 'mreg list --help'");
}

static void help_needs_no_arguments(void **state)
{
	struct parsed p;

	(void)state;
	parse_ok(&p, &cmd_send, "-h");
	assert_true(p.globals.help);
	/* But its options have to be right. */
	refused(&cmd_send, "--help --al", "unknown option '--al'",
		"did you mean '--all'?");
}

static void find(struct parsed *p, const char *words,
		 const struct cli_command *expected, int taken_expected)
{
	int taken = 0;

	split(p, words);
	assert_ptr_equal(
		cli_find(p->argc, p->argv, &taken, &p->globals, &p->err),
		expected);
	if (expected)
		assert_int_equal(taken, taken_expected);
}

static void lost(const char *words, const char *msg, const char *hint)
{
	struct parsed p;

	find(&p, words, NULL, 0);
	assert_int_equal(p.err.code, MREG_EUSAGE);
	assert_string_equal(p.err.msg, msg);
	assert_string_equal(p.err.hint, hint);
}

static void finds_commands_of_one_and_two_words(void **state)
{
	struct parsed p;

	(void)state;
	find(&p, "mreg send a b", &cmd_send, 2);
	find(&p, "mreg name set a", &cmd_name_set, 3);
	find(&p, "mreg name rm", &cmd_name_rm, 3);
	find(&p, "mreg --json --registry x -v list", &cmd_list, 6);
	assert_true(p.globals.json);
	assert_string_equal(p.globals.registry, "x");
	assert_int_equal(p.globals.verbose, 1);
}

static void names_the_nearest_command(void **state)
{
	(void)state;
	lost("mreg sned a b", "unknown command 'sned'",
	     "did you mean 'mreg send'?");
	lost("mreg lst", "unknown command 'lst'", "did you mean 'mreg list'?");
	lost("mreg xyzzy", "unknown command 'xyzzy'",
	     "'mreg --help' lists the commands");
	lost("mreg sen\033d", "unknown command 'sen\\x1bd'",
	     "did you mean 'mreg send'?");
	lost("mreg name ste", "unknown command 'name ste'",
	     "did you mean 'mreg name set'?");
	lost("mreg", "no command was given",
	     "'mreg --help' lists the commands");
	lost("mreg --jsn list", "unknown option '--jsn'",
	     "did you mean '--json'?");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_options_of_all_types),
		cmocka_unit_test(what_is_one_cannot_be_given_twice),
		cmocka_unit_test(global_options_may_stand_anywhere),
		cmocka_unit_test(letters_go_together),
		cmocka_unit_test(what_follows_two_hyphens_is_no_option),
		cmocka_unit_test(one_hyphen_is_a_word),
		cmocka_unit_test(many_words_leave_one_for_the_last_argument),
		cmocka_unit_test(an_optional_word_may_be_missing),
		cmocka_unit_test(names_the_nearest_option),
		cmocka_unit_test(refuses_values_that_cannot_be),
		cmocka_unit_test(hostile_words_are_made_safe),
		cmocka_unit_test(help_needs_no_arguments),
		cmocka_unit_test(finds_commands_of_one_and_two_words),
		cmocka_unit_test(names_the_nearest_command),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
