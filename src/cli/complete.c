/*
 * complete.c - the rows of commands as a completion script for bash.
 */
#include <string.h>

#include "cli/complete.h"
#include "cli/rows.h"

/* What the script calls the kinds; a list of words stands for itself. */
static void put_kind(FILE *out, const struct cli_opt *o)
{
	const char *at = cli_row_value(o);
	const char *word;
	const char *space = "";
	size_t len;

	switch (cli_row_kind(o)) {
	case CLI_KIND_ANY:
		(void)fputs("@any", out);
		break;
	case CLI_KIND_FILE:
		(void)fputs("@file", out);
		break;
	case CLI_KIND_DIR:
		(void)fputs("@dir", out);
		break;
	case CLI_KIND_MODEL:
		(void)fputs("@model", out);
		break;
	case CLI_KIND_WORDS:
		while ((word = cli_next_word(&at, &len))) {
			(void)fprintf(out, "%s%.*s", space, (int)len, word);
			space = " ";
		}
		break;
	}
}

/* Options as words; with `values` those alone that take one. */
static void put_options(FILE *out, const struct cli_opt *o, bool values)
{
	for (; o && o->type != CLI_TYPE_END; o++) {
		if (cli_row_is_argument(o) ||
		    (values && !cli_row_takes_value(o)))
			continue;
		(void)fprintf(out, " --%s", o->name);
		if (o->letter)
			(void)fprintf(out, " -%c", o->letter);
	}
}

static void put_arguments(FILE *out, const struct cli_opt *o)
{
	const char *space = "";

	for (; o && o->type != CLI_TYPE_END; o++) {
		if (!cli_row_is_argument(o))
			continue;
		(void)fprintf(out, "%s'", space);
		put_kind(out, o);
		(void)fputs(cli_row_takes_many(o) ? "+'" : "'", out);
		space = " ";
	}
}

/* The first words of all commands, or the second ones of a group. */
static void put_names(FILE *out, const char *group)
{
	const char *space = "";
	size_t i;

	for (i = 0; cli_commands[i]; i++) {
		const char *name = cli_commands[i]->name;
		size_t len = strcspn(name, " ");

		if (group && cli_group_same(name, group))
			(void)fprintf(out, "%s%s", space, name + len + 1);
		else if (!group && cli_group_first(i))
			(void)fprintf(out, "%s%.*s", space, (int)len, name);
		else
			continue;
		space = " ";
	}
}

/* _mreg_table COMMAND: what may follow it. */
static void put_table(FILE *out)
{
	size_t i;

	(void)fputs("_mreg_table()\n{\n\targs=() group=''\n\topts='", out);
	put_options(out, cli_global_opts, false);
	(void)fputs("'\n\tvalues='", out);
	put_options(out, cli_global_opts, true);
	(void)fputs(" '\n\tcase $1 in\n\t'')\n\t\targs=('", out);
	put_names(out, NULL);
	(void)fputs("')\n\t\t;;\n", out);
	for (i = 0; cli_commands[i]; i++) {
		const struct cli_command *c = cli_commands[i];
		size_t len = cli_group_len(c->name);

		if (len && cli_group_first(i)) {
			(void)fprintf(out, "\t'%.*s')\n\t\tgroup=1 args=('",
				      (int)len, c->name);
			put_names(out, c->name);
			(void)fputs("')\n\t\t;;\n", out);
		}
		(void)fprintf(out, "\t'%s')\n\t\topts+='", c->name);
		put_options(out, c->opts, false);
		(void)fputs("'\n\t\tvalues+='", out);
		put_options(out, c->opts, true);
		(void)fputs(" '\n\t\targs=(", out);
		put_arguments(out, c->opts);
		(void)fputs(")\n\t\t;;\n", out);
	}
	(void)fputs("\tesac\n}\n\n", out);
}

static void put_value_kinds(FILE *out, const char *command,
			    const struct cli_opt *o)
{
	for (; o && o->type != CLI_TYPE_END; o++) {
		if (cli_row_is_argument(o) || !cli_row_takes_value(o) ||
		    cli_row_kind(o) == CLI_KIND_ANY)
			continue;
		(void)fprintf(out, "\t%s--%s", command, o->name);
		if (o->letter)
			(void)fprintf(out, " | %s-%c", command, o->letter);
		(void)fputs(") kind='", out);
		put_kind(out, o);
		(void)fputs("' ;;\n", out);
	}
}

/* _mreg_value COMMAND OPTION: what its value may be. */
static void put_values(FILE *out)
{
	char command[128];
	size_t i;

	(void)fputs("_mreg_value()\n{\n"
		    "\tkind=@any\n"
		    "\tcase $1:$2 in\n",
		    out);
	put_value_kinds(out, "*:", cli_global_opts);
	for (i = 0; cli_commands[i]; i++) {
		(void)snprintf(command, sizeof(command),
			       "'%s':", cli_commands[i]->name);
		put_value_kinds(out, command, cli_commands[i]->opts);
	}
	(void)fputs("\tesac\n}\n\n", out);
}

static const char models[] =
	"# Models that begin with $1; behind a colon their aliases.\n"
	"_mreg_models()\n{\n"
	"\tlocal name=${1%:*} model alias\n"
	"\twhile read -r model; do\n"
	"\t\tif [[ $model == \"$1\"* ]]; then\n"
	"\t\t\tCOMPREPLY+=(\"$model\")\n"
	"\t\telif [[ $1 == *:* && $model == \"$name\" ]]; then\n"
	"\t\t\twhile read -r alias; do\n"
	"\t\t\t\t[[ $name:$alias == \"$1\"* ]] &&\n"
	"\t\t\t\t\tCOMPREPLY+=(\"$name:$alias\")\n"
	"\t\t\tdone < <(" CLI_SHELL_ALIASES ")\n"
	"\t\tfi\n"
	"\tdone < <(" CLI_SHELL_MODELS ")\n"
	"}\n\n";

static const char offer[] =
	"# _mreg_offer KIND WORD: add what there is of a kind.\n"
	"_mreg_offer()\n{\n"
	"\tlocal item\n"
	"\tcase $1 in\n"
	"\t@any) ;;\n"
	"\t@model) _mreg_models \"$2\" ;;\n"
	"\t@file | @dir)\n"
	"\t\tcompopt -o filenames 2>/dev/null\n"
	"\t\twhile IFS= read -r item; do\n"
	"\t\t\tCOMPREPLY+=(\"$item\")\n"
	"\t\tdone < <(compgen -\"${1:1:1}\" -- \"$2\")\n"
	"\t\t;;\n"
	"\t*)\n"
	"\t\tfor item in $1; do\n"
	"\t\t\t[[ $item == \"$2\"* ]] && COMPREPLY+=(\"$item\")\n"
	"\t\tdone\n"
	"\t\t;;\n"
	"\tesac\n}\n\n";

static const char main_part[] =
	"_mreg()\n{\n"
	"\tlocal IFS=$' \\t\\n' line=${COMP_LINE:0:COMP_POINT}\n"
	"\tlocal word cur cmd='' opt='' kind n=0 i=0 many=''\n"
	"\tlocal opts values group skip\n"
	"\tlocal -a words args\n"
	"\tCOMPREPLY=()\n"
	"\tcur=${line##*[[:space:]]}\n"
	"\tread -ra words <<<\"${line%\"$cur\"}\"\n"
	"\t_mreg_table ''\n"
	"\tfor word in \"${words[@]:1}\"; do\n"
	"\t\tif [[ $opt ]]; then\n"
	"\t\t\topt=''\n"
	"\t\telif [[ $word == -* ]]; then\n"
	"\t\t\t[[ $values == *\" $word \"* ]] && opt=$word\n"
	"\t\telif [[ -z $cmd || $group ]]; then\n"
	"\t\t\tcmd=\"${cmd:+$cmd }$word\"\n"
	"\t\t\t_mreg_table \"$cmd\"\n"
	"\t\telse\n"
	"\t\t\tn=$((n + 1))\n"
	"\t\tfi\n"
	"\tdone\n"
	"\tif [[ -z $opt && $cur == --*=* ]]; then\n"
	"\t\topt=${cur%%=*} cur=${cur#*=}\n"
	"\tfi\n"
	"\tif [[ $opt ]]; then\n"
	"\t\t_mreg_value \"$cmd\" \"$opt\"\n"
	"\t\t_mreg_offer \"$kind\" \"$cur\"\n"
	"\telif [[ $cur == -* ]]; then\n"
	"\t\t_mreg_offer \"$opts\" \"$cur\"\n"
	"\telse\n"
	"\t\tfor kind in \"${args[@]}\"; do\n"
	"\t\t\t[[ $kind == *+ ]] && many=1\n"
	"\t\t\tif ((n == i)) || [[ $many ]] && ((n >= i)); then\n"
	"\t\t\t\t_mreg_offer \"${kind%+}\" \"$cur\"\n"
	"\t\t\tfi\n"
	"\t\t\ti=$((i + 1))\n"
	"\t\tdone\n"
	"\tfi\n"
	"\t# readline replaces only what stands behind a colon.\n"
	"\tif [[ $cur == *:* && $COMP_WORDBREAKS == *:* ]]; then\n"
	"\t\tskip=${cur%\"${cur##*:}\"}\n"
	"\t\tCOMPREPLY=(\"${COMPREPLY[@]#\"$skip\"}\")\n"
	"\tfi\n"
	"}\n\n"
	"complete -F _mreg mreg\n";

void cli_complete_bash(FILE *out)
{
	(void)fputs("# bash completion for mreg, printed by 'mreg completion "
		    "bash'\n\n",
		    out);
	put_table(out);
	put_values(out);
	(void)fputs(models, out);
	(void)fputs(offer, out);
	(void)fputs(main_part, out);
}
