/*
 * complete_fish.c - the rows of commands as a completion script for fish.
 */
#include <string.h>

#include "cli/complete.h"
#include "cli/rows.h"

/* Text inside single quotes. */
static void put(FILE *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '\'' || *text == '\\')
			(void)fputc('\\', out);
		(void)fputc(*text, out);
	}
}

static void put_description(FILE *out, const char *text)
{
	(void)fputs(" -d '", out);
	put(out, text);
	(void)fputs("'\n", out);
}

/* What completes a value or an argument. */
static void put_kind(FILE *out, const struct cli_opt *o)
{
	const char *at = cli_row_value(o);
	const char *word;
	const char *space = "";
	size_t len;

	switch (cli_row_kind(o)) {
	case CLI_KIND_ANY:
		break;
	case CLI_KIND_FILE:
		(void)fputs(" -F", out);
		break;
	case CLI_KIND_DIR:
		(void)fputs(" -a '(__fish_complete_directories)'", out);
		break;
	case CLI_KIND_MODEL:
		(void)fputs(" -a '(__mreg_models)'", out);
		break;
	case CLI_KIND_WORDS:
		(void)fputs(" -a '", out);
		while ((word = cli_next_word(&at, &len))) {
			(void)fprintf(out, "%s%.*s", space, (int)len, word);
			space = " ";
		}
		(void)fputc('\'', out);
		break;
	}
}

static void put_option(FILE *out, const char *command, const struct cli_opt *o)
{
	(void)fputs("complete -c mreg", out);
	if (command)
		(void)fprintf(out, " -n '__mreg_at %s'", command);
	(void)fprintf(out, " -l %s", o->name);
	if (o->letter)
		(void)fprintf(out, " -s %c", o->letter);
	if (cli_row_takes_value(o))
		(void)fputs(cli_row_kind(o) == CLI_KIND_FILE ? " -r" : " -x",
			    out);
	if (cli_row_takes_value(o))
		put_kind(out, o);
	put_description(out, o->help);
}

/* `at`: how many arguments stand before this one; with a row of many words
 * among them, or being one, any number from there on. */
static void put_argument(FILE *out, const char *command,
			 const struct cli_opt *o, unsigned int at, bool many)
{
	if (cli_row_kind(o) == CLI_KIND_ANY)
		return;
	(void)fprintf(out, "complete -c mreg -n '__mreg_argument %u %u %s'", at,
		      many ? 9999 : at, command);
	put_kind(out, o);
	(void)fputc('\n', out);
}

static void put_command(FILE *out, const struct cli_command *c)
{
	const struct cli_opt *o;
	unsigned int at = 0;
	bool many = false;

	for (o = c->opts; o && o->type != CLI_TYPE_END; o++) {
		if (!cli_row_is_argument(o)) {
			put_option(out, c->name, o);
			continue;
		}
		many = many || cli_row_takes_many(o);
		put_argument(out, c->name, o, at++, many);
	}
}

/* Every spelling of an option with a value: the word behind it is no
 * argument. */
static void put_value_options(FILE *out, const struct cli_opt *o)
{
	for (; o && o->type != CLI_TYPE_END; o++) {
		if (!cli_row_takes_value(o))
			continue;
		(void)fprintf(out, " --%s", o->name);
		if (o->letter)
			(void)fprintf(out, " -%c", o->letter);
	}
}

static void put_words_function(FILE *out)
{
	size_t i;

	(void)fputs("# The words before the cursor that are no options.\n"
		    "function __mreg_words\n"
		    "\tset -l value 0\n"
		    "\tfor word in (commandline -opc)[2..-1]\n"
		    "\t\tif test $value = 1\n"
		    "\t\t\tset value 0\n"
		    "\t\t\tcontinue\n"
		    "\t\tend\n"
		    "\t\tswitch $word\n"
		    "\t\t\tcase",
		    out);
	put_value_options(out, cli_global_opts);
	for (i = 0; cli_commands[i]; i++)
		put_value_options(out, cli_commands[i]->opts);
	(void)fputs("\n"
		    "\t\t\t\tset value 1\n"
		    "\t\t\tcase '-*'\n"
		    "\t\t\tcase '*'\n"
		    "\t\t\t\tprintf '%s\\n' $word\n"
		    "\t\tend\n"
		    "\tend\n"
		    "end\n\n",
		    out);
}

static const char functions[] =
	"# Whether they begin with $argv.\n"
	"function __mreg_at\n"
	"\tset -l words (__mreg_words)\n"
	"\tset -l n (count $argv)\n"
	"\ttest (count $words) -ge $n\n"
	"\tand test \"$words[1..$n]\" = \"$argv\"\n"
	"end\n\n"
	"# Whether they are $argv.\n"
	"function __mreg_exactly\n"
	"\tset -l words (__mreg_words)\n"
	"\ttest \"$words\" = \"$argv\"\n"
	"end\n\n"
	"# Whether they are a command, $argv[3..], and $argv[1] to $argv[2] "
	"more.\n"
	"function __mreg_argument\n"
	"\t__mreg_at $argv[3..-1]\n"
	"\tor return 1\n"
	"\tset -l words (__mreg_words)\n"
	"\tset -l n (math (count $words) - (count $argv) + 2)\n"
	"\ttest $n -ge $argv[1] -a $n -le $argv[2]\n"
	"end\n\n"
	"# Models; behind a colon their aliases.\n"
	"function __mreg_models\n"
	"\tset -l word (commandline -ct)\n"
	"\tset -l models (" CLI_SHELL_MODELS ")\n"
	"\tset -l name (string replace -r ':[^:]*$' '' -- $word)\n"
	"\tif string match -q '*:*' -- $word; and contains -- $name $models\n"
	"\t\tfor alias in (" CLI_SHELL_ALIASES ")\n"
	"\t\t\tprintf '%s\\n' $name:$alias\n"
	"\t\tend\n"
	"\telse\n"
	"\t\tprintf '%s\\n' $models\n"
	"\tend\n"
	"end\n\n";

void cli_complete_fish(FILE *out)
{
	const struct cli_opt *o;
	size_t i;

	(void)fputs("# fish completion for mreg, printed by 'mreg completion "
		    "fish'\n\n",
		    out);
	put_words_function(out);
	(void)fputs(functions, out);
	(void)fputs("complete -c mreg -f\n", out);
	for (o = cli_global_opts; o->type != CLI_TYPE_END; o++)
		put_option(out, NULL, o);
	for (i = 0; cli_commands[i]; i++) {
		const struct cli_command *c = cli_commands[i];
		size_t len = strcspn(c->name, " ");

		if (cli_group_first(i)) {
			(void)fprintf(out,
				      "complete -c mreg -n '__mreg_exactly' "
				      "-a %.*s",
				      (int)len, c->name);
			put_description(out, c->name[len] ? "more commands"
							  : c->summary);
		}
		if (c->name[len]) {
			(void)fprintf(out,
				      "complete -c mreg -n '__mreg_exactly "
				      "%.*s' -a %s",
				      (int)len, c->name, c->name + len + 1);
			put_description(out, c->summary);
		}
		put_command(out, c);
	}
}
