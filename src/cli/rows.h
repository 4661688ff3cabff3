/*
 * cli/rows.h - what help, the man page and completion ask of the rows of a
 * command; private to src/cli.
 */
#ifndef MR_CLI_ROWS_H
#define MR_CLI_ROWS_H

#include "cli/cli.h"

/* What may stand for a VALUE or an argument, for completion. */
enum cli_kind {
	CLI_KIND_ANY,   /* nothing to offer */
	CLI_KIND_WORDS, /* one of the words of "a|b|c" */
	CLI_KIND_FILE,
	CLI_KIND_DIR,
	CLI_KIND_MODEL, /* a reference to a model that is there */
};

bool cli_row_is_argument(const struct cli_opt *o);
bool cli_row_takes_many(const struct cli_opt *o);
bool cli_row_takes_value(const struct cli_opt *o);
enum cli_kind cli_row_kind(const struct cli_opt *o);
/* The text that cli_row_kind looked at: "auto|bar", "DIR". */
const char *cli_row_value(const struct cli_opt *o);

/* "DIR|FILE... NAME[:TAG]", each argument as usage shows it. */
void cli_row_argument(struct mr_buf *b, const struct cli_opt *o);

/* What --help writes above a command and those after it. */
struct cli_heading {
	const struct cli_command *first;
	const char *title;
};
/* What the commands of a group have in common: --help has one line for all of
 * them. */
struct cli_group {
	const char *word;
	const char *summary;
};
/* commands.c; a row of NULL ends them. */
extern const struct cli_heading cli_headings[];
extern const struct cli_group cli_groups[];

/* Length of "alias" in "alias set"; 0 for a command of one word. */
size_t cli_group_len(const char *name);
/* Whether row `i` of cli_commands is the first of its group. */
bool cli_group_first(size_t i);
/* Whether two names have the same first word. */
bool cli_group_same(const char *a, const char *b);

/* The next of the words of "a|b|c" from `*at` on, with its length; NULL when
 * there is none. */
const char *cli_next_word(const char **at, size_t *len);

#endif
