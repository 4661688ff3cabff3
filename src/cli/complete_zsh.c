/*
 * complete_zsh.c - the rows of commands as a completion script for zsh.
 */
#include <string.h>

#include "cli/complete.h"
#include "cli/rows.h"

/* Text inside single quotes, where _arguments gives brackets, colons and
 * backslashes a meaning. */
static void put(FILE *out, const char *text, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (text[i] == '\'')
			(void)fputs("'\\'", out);
		else if (strchr("[]:\\", text[i]))
			(void)fputc('\\', out);
		(void)fputc(text[i], out);
	}
}

static void put_action(FILE *out, const struct cli_opt *o)
{
	const char *at = cli_row_value(o);
	const char *word;
	const char *space = "";
	size_t len;

	switch (cli_row_kind(o)) {
	case CLI_KIND_ANY:
		/* A space: the message is shown, nothing is offered. */
		(void)fputc(' ', out);
		break;
	case CLI_KIND_FILE:
		(void)fputs("_files", out);
		break;
	case CLI_KIND_DIR:
		(void)fputs("_files -/", out);
		break;
	case CLI_KIND_MODEL:
		(void)fputs("_mreg_models", out);
		break;
	case CLI_KIND_WORDS:
		(void)fputc('(', out);
		while ((word = cli_next_word(&at, &len))) {
			(void)fprintf(out, "%s%.*s", space, (int)len, word);
			space = " ";
		}
		(void)fputc(')', out);
		break;
	}
}

static bool again(const struct cli_opt *o)
{
	return o->type == CLI_TYPE_LIST || o->type == CLI_TYPE_COUNT;
}

/* One spelling of an option: '(-a --alias)--alias=[help]:NAME: '. */
static void put_spelling(FILE *out, const struct cli_opt *o, bool letter)
{
	const char *value = cli_row_value(o);

	(void)fputs("\t\t\t'", out);
	if (again(o))
		(void)fputc('*', out);
	else if (o->letter)
		(void)fprintf(out, "(-%c --%s)", o->letter, o->name);
	if (letter)
		(void)fprintf(out, "-%c", o->letter);
	else
		(void)fprintf(out, "--%s", o->name);
	if (cli_row_takes_value(o))
		(void)fputc(letter ? '+' : '=', out);
	(void)fputc('[', out);
	put(out, o->help, strlen(o->help));
	(void)fputc(']', out);
	if (cli_row_takes_value(o)) {
		(void)fputc(':', out);
		put(out, value, strlen(value));
		(void)fputc(':', out);
		put_action(out, o);
	}
	(void)fputs("' \\\n", out);
}

static void put_options(FILE *out, const struct cli_opt *o)
{
	for (; o && o->type != CLI_TYPE_END; o++) {
		if (cli_row_is_argument(o))
			continue;
		if (o->letter)
			put_spelling(out, o, true);
		put_spelling(out, o, false);
	}
}

/* Behind a row that takes many words nothing can be told apart: what follows
 * is offered with it. */
static void put_arguments(FILE *out, const struct cli_opt *o)
{
	bool many = false;

	for (; o && o->type != CLI_TYPE_END; o++) {
		if (!cli_row_is_argument(o))
			continue;
		if (many) {
			(void)fputs("; ", out);
			put_action(out, o);
			continue;
		}
		many = cli_row_takes_many(o);
		(void)fputs("\t\t\t'", out);
		(void)fputs(many                      ? "*:"
			    : o->type == CLI_TYPE_MAY ? "::"
						      : ":",
			    out);
		put(out, o->name, strlen(o->name));
		(void)fputs(many ? ":{" : ":", out);
		put_action(out, o);
		if (!many)
			(void)fputs("' \\\n", out);
	}
	if (many)
		(void)fputs("}' \\\n", out);
}

/* 'NAME:what it does' for _describe. */
static void put_described(FILE *out, const char *name, size_t n,
			  const char *text)
{
	(void)fputs("\t\t\t'", out);
	put(out, name, n);
	(void)fputc(':', out);
	put(out, text, strlen(text));
	(void)fputs("'\n", out);
}

static void put_commands(FILE *out)
{
	size_t i;

	(void)fputs("\tcommand)\n\t\tcommands=(\n", out);
	for (i = 0; cli_commands[i]; i++) {
		const struct cli_command *c = cli_commands[i];
		size_t len = strcspn(c->name, " ");

		if (!c->name[len])
			put_described(out, c->name, len, c->summary);
		else if (cli_group_first(i))
			put_described(out, c->name, len, "more commands");
	}
	(void)fputs("\t\t)\n\t\t_describe -t commands command commands\n"
		    "\t\t;;\n",
		    out);
}

/* The second words of commands that have two. */
static void put_groups(FILE *out)
{
	size_t i, k;

	for (i = 0; cli_commands[i]; i++) {
		const char *name = cli_commands[i]->name;
		size_t len = cli_group_len(name);

		if (!len || !cli_group_first(i))
			continue;
		(void)fprintf(out, "\t\t%.*s) commands=(\n", (int)len, name);
		for (k = i; cli_commands[k]; k++) {
			const char *second = cli_commands[k]->name + len + 1;

			if (cli_group_same(cli_commands[k]->name, name))
				put_described(out, second, strlen(second),
					      cli_commands[k]->summary);
		}
		(void)fputs("\t\t\t) ;;\n", out);
	}
}

static const char head[] =
	"#compdef mreg\n"
	"# zsh completion for mreg, printed by 'mreg completion zsh'\n\n"
	"# Models; behind a colon their aliases.\n"
	"_mreg_models() {\n"
	"\tlocal name=${PREFIX%:*}\n"
	"\tlocal -a models aliases\n"
	"\tmodels=(${(f)\"$(" CLI_SHELL_MODELS ")\"})\n"
	"\tif [[ $PREFIX == *:* ]] && (( ${models[(Ie)$name]} )); then\n"
	"\t\taliases=(${(f)\"$(" CLI_SHELL_ALIASES ")\"})\n"
	"\t\tcompadd -- $name:${^aliases}\n"
	"\telse\n"
	"\t\tcompadd -- $models\n"
	"\tfi\n"
	"}\n\n"
	"_mreg() {\n"
	"\tlocal curcontext=$curcontext context state state_descr line cmd\n"
	"\tlocal -a commands globals\n"
	"\ttypeset -A opt_args\n"
	"\tglobals=(\n";

static const char tail[] = "\t\tesac\n"
			   "\t\t;;\n"
			   "\tesac\n"
			   "}\n\n"
			   "if [[ ${funcstack[1]} == _mreg ]]; then\n"
			   "\t_mreg \"$@\"\n"
			   "else\n"
			   "\tcompdef _mreg mreg\n"
			   "fi\n";

void cli_complete_zsh(FILE *out)
{
	size_t i;

	(void)fputs(head, out);
	put_options(out, cli_global_opts);
	(void)fputs("\t)\n"
		    "\t_arguments -C -S -s $globals \\\n"
		    "\t\t'(-): :->command' '(-)*:: :->rest' && return\n"
		    "\tcase $state in\n",
		    out);
	put_commands(out);
	(void)fputs("\trest)\n\t\tcmd=$words[1]\n\t\tcase $cmd in\n", out);
	put_groups(out);
	(void)fputs("\t\tesac\n"
		    "\t\tif (( $#commands )); then\n"
		    "\t\t\tif (( CURRENT == 2 )); then\n"
		    "\t\t\t\t_describe -t commands command commands\n"
		    "\t\t\t\treturn\n"
		    "\t\t\tfi\n"
		    "\t\t\tcmd+=\" $words[2]\"\n"
		    "\t\t\tshift words\n"
		    "\t\t\t(( CURRENT-- ))\n"
		    "\t\tfi\n"
		    "\t\tcase $cmd in\n",
		    out);
	for (i = 0; cli_commands[i]; i++) {
		const struct cli_command *c = cli_commands[i];

		(void)fprintf(out, "\t\t'%s')\n\t\t\t_arguments -S -s \\\n",
			      c->name);
		put_options(out, c->opts);
		put_arguments(out, c->opts);
		(void)fputs("\t\t\t$globals\n\t\t\t;;\n", out);
	}
	(void)fputs(tail, out);
}
