/*
 * test_complete.c - completion scripts of a table of our own: every row is in
 * them, and no text becomes a command of the shell.
 */
#include "tests/support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/rows.h"

struct args {
	struct cli_words paths;
	const char *ref, *dir, *kind, *meta, *other;
};

static const struct cli_opt send_opts[] = {
	CLI_MANY(struct args, paths, "DIR|FILE", "what"),
	CLI_ARG(struct args, ref, "NAME[:TAG]", "where to"),
	CLI_STR('o', "output", "DIR", struct args, dir, "it's [a]: $(x) \\"),
	CLI_STR('f', "metadata", "FILE", struct args, meta, "a file"),
	CLI_STR(0, "kind", "model|dataset", struct args, kind, "what it is"),
	CLI_STR(0, "alias", "NAME", struct args, other, "also this"),
	CLI_END,
};

static const struct cli_opt show_opts[] = {
	CLI_MAY(struct args, kind, "bash|zsh", "which"),
	CLI_END,
};

static const struct cli_command cmd_send = { .name = "send",
					     .summary = "don't `run` this",
					     .opts = send_opts };
static const struct cli_command cmd_show = { .name = "show",
					     .summary = "show",
					     .opts = show_opts };
static const struct cli_command cmd_name_set = { .name = "name set",
						 .summary = "set: it",
						 .opts = show_opts };
static const struct cli_command cmd_name_rm = { .name = "name rm",
						.summary = "remove it",
						.opts = NULL };

const struct cli_command *const cli_commands[] = {
	&cmd_send, &cmd_show, &cmd_name_set, &cmd_name_rm, NULL,
};

const struct cli_opt cli_global_opts[] = {
	CLI_STR(0, "color", "auto|never", struct cli_globals, color, "colours"),
	CLI_COUNT('v', "verbose", struct cli_globals, verbose, "say more"),
	CLI_END,
};

static char *script(void (*complete)(FILE *out))
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(out);
	complete(out);
	assert_int_equal(fclose(out), 0);
	return text;
}

static void a_value_is_completed_by_its_name(void **state)
{
	(void)state;
	assert_int_equal(cli_row_kind(&send_opts[0]), CLI_KIND_FILE);
	assert_int_equal(cli_row_kind(&send_opts[1]), CLI_KIND_MODEL);
	assert_int_equal(cli_row_kind(&send_opts[2]), CLI_KIND_DIR);
	assert_int_equal(cli_row_kind(&send_opts[3]), CLI_KIND_FILE);
	assert_int_equal(cli_row_kind(&send_opts[4]), CLI_KIND_WORDS);
	/* The NAME of an option is an alias, not a model. */
	assert_int_equal(cli_row_kind(&send_opts[5]), CLI_KIND_ANY);
	assert_int_equal(cli_row_kind(&show_opts[0]), CLI_KIND_WORDS);
}

static void groups_are_told_apart(void **state)
{
	(void)state;
	assert_int_equal(cli_group_len("name set"), 4);
	assert_int_equal(cli_group_len("send"), 0);
	assert_true(cli_group_same("name set", "name"));
	assert_false(cli_group_same("name set", "names"));
	assert_true(cli_group_first(2));
	assert_false(cli_group_first(3));
}

static void bash_knows_all_rows(void **state)
{
	char *text = script(cli_complete_bash);

	(void)state;
	assert_has(text, "args=('send show name')");
	assert_has(text, "'name')\n\t\tgroup=1 args=('set rm')");
	assert_has(text, "'send')\n\t\topts+=' --output -o --metadata -f "
			 "--kind --alias'\n\t\tvalues+=' --output -o "
			 "--metadata -f --kind --alias '\n\t\targs=('@file+' "
			 "'@model')");
	assert_has(text, "*:--color) kind='auto never' ;;");
	assert_has(text, "'send':--output | 'send':-o) kind='@dir' ;;");
	assert_has(text, "complete -F _mreg mreg\n");
	assert_has_not(text, "$(x)");
	free(text);
}

static void zsh_knows_all_rows(void **state)
{
	char *text = script(cli_complete_zsh);

	(void)state;
	assert_has(text, "#compdef mreg\n");
	assert_has(text, "'send:don'\\''t `run` this'\n");
	assert_has(text, "'set:set\\: it'\n");
	assert_has(text, "'(-o --output)-o+[it'\\''s \\[a\\]\\: $(x) \\\\]:DIR:"
			 "_files -/'");
	assert_has(text, "'--kind=[what it is]:model|dataset:(model dataset)'");
	assert_has(text, "'*:DIR|FILE:{_files; _mreg_models}'");
	assert_has(text, "'::bash|zsh:(bash zsh)'");
	assert_has(text, "'*--verbose[say more]'");
	free(text);
}

static void fish_knows_all_rows(void **state)
{
	char *text = script(cli_complete_fish);

	(void)state;
	assert_has(text, "complete -c mreg -n '__mreg_exactly' -a send -d "
			 "'don\\'t `run` this'\n");
	assert_has(text, "complete -c mreg -n '__mreg_exactly name' -a set -d "
			 "'set: it'\n");
	assert_has(text, "complete -c mreg -n '__mreg_at send' -l output -s o "
			 "-x -a '(__fish_complete_directories)' -d 'it\\'s "
			 "[a]: $(x) \\\\'\n");
	assert_has(text, "complete -c mreg -n '__mreg_argument 0 9999 send' "
			 "-F\n");
	assert_has(text, "complete -c mreg -n '__mreg_argument 0 0 name set' "
			 "-a 'bash zsh'\n");
	assert_has(text, "complete -c mreg -l color -x -a 'auto never' -d "
			 "'colours'\n");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_value_is_completed_by_its_name),
		cmocka_unit_test(groups_are_told_apart),
		cmocka_unit_test(bash_knows_all_rows),
		cmocka_unit_test(zsh_knows_all_rows),
		cmocka_unit_test(fish_knows_all_rows),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
