/*
 * cli/cli.h - commands as rows of tables: words to options, one public call,
 * result to terminal.
 *
 * Parsing, --help, the man page and shell completion all come from the same
 * rows (house.md 9.7).  A command has no statics that change.
 */
#ifndef MR_CLI_CLI_H
#define MR_CLI_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/buf.h"
#include "cli/opt.h"
#include "mreg/session.h"

/* Options every command has. */
struct cli_globals {
	const char *registry, *store, *db, *actor, *ca_file, *color, *progress;
	const char *limit_rate;
	bool plain_http, json, jsonl, quiet, no_progress, help, version;
	unsigned int verbose;
};

struct cli_progress;

struct cli {
	struct mreg *mreg;                 /* open while a command runs */
	const struct cli_command *command; /* NULL: none was named */
	struct cli_globals globals;
	struct cli_progress *progress; /* owned by main */
	bool color_out, color_err;     /* per stream */
	int exit_code; /* for a command that prints its own result */
};

struct cli_command {
	const char *name;    /* "push", "alias set" */
	const char *summary; /* one line, no full stop */
	const struct cli_opt *opts;
	size_t args_size; /* of the struct the offsets are in */
	int (*run)(struct cli *cli, const void *args, struct mreg_error *err);
	const char *const *examples; /* NULL-terminated; may be NULL */
	const char *notes; /* paragraphs for --help and the man page; or NULL */
	bool lists;        /* takes --jsonl */
	bool alone;        /* needs no session, so no settings either */
};

/* commands.c: all of them, in the order of --help; NULL-terminated. */
extern const struct cli_command *const cli_commands[];
extern const struct cli_opt cli_global_opts[];

/* opt.c: parse argv[first..] by the command's rows and the globals into
 * `args` (zeroed, args_size bytes).  MREG_EUSAGE names the word, and the
 * nearest option for an unknown one.  `words` owns what CLI_TYPE_MANY and
 * _LIST point to; release it after the command. */
struct cli_parse {
	const char ***owned;
	size_t n;
};
int cli_parse(const struct cli_command *c, int argc, char **argv, int first,
	      void *args, struct cli_globals *g, struct cli_parse *p,
	      struct mreg_error *err);
void cli_parse_release(struct cli_parse *p);
/* The command that argv names and how many words that took; NULL with an
 * error that names the nearest one. */
const struct cli_command *cli_find(int argc, char **argv, int *taken,
				   struct cli_globals *g,
				   struct mreg_error *err);

/* The file that a word names: '-' is standard input. */
const char *cli_input(const char *word);

/* help.c, man.c, complete.c: text from the tables, to `out`. */
void cli_help_all(FILE *out);
void cli_help_command(FILE *out, const struct cli_command *c);
void cli_help_group(FILE *out, const char *group); /* "alias" */
void cli_help_options(FILE *out);
void cli_man(FILE *out);
void cli_complete_bash(FILE *out);
void cli_complete_zsh(FILE *out);
void cli_complete_fish(FILE *out);

/* progress.c: what a transfer shows on stderr. */
int cli_progress_new(const char *mode, bool quiet, bool json,
		     struct cli_progress **out, struct mreg_error *err);
void cli_progress_free(struct cli_progress *p);
void cli_progress_event(struct cli_progress *p, const struct mreg_progress *e);
/* Take the bar away before something else is written to stderr. */
void cli_progress_clear(struct cli_progress *p);

/* output.c: results and errors. */

/* Print `json` (taken; NULL is out of memory) when --json was given and
 * return 1; else free it and return 0: the command prints for people. */
int cli_json(struct cli *cli, char *json, struct mreg_error *err);
/* A result that was asked for (a digest, a list): at once, also with --quiet.
 * A failed write is an error. */
int cli_print(struct mr_buf *text, struct mreg_error *err);
/* What a command that changes something says for people: nothing with
 * --quiet. */
int cli_report(struct cli *cli, struct mr_buf *text, struct mreg_error *err);
/* What printf(3) has written so far: a failed write is an error. */
int cli_flush(struct mreg_error *err);
/* Whoever reads the result went away (`| head`): not worth a word. */
bool cli_is_unread(const struct mreg_error *err);
/* Outside text made safe, appended. */
void cli_put(struct mr_buf *b, const char *text);
/* The same of a text of many lines, whose line ends and tabs stay. */
void cli_put_lines(struct mr_buf *b, const char *text);
/* A row of --jsonl; `json` is taken, NULL is out of memory. */
int cli_put_row(struct mr_buf *b, char *json, struct mreg_error *err);
/* Bold or dim when stdout has colour. */
void cli_put_bold(struct cli *cli, struct mr_buf *b, const char *text);
/* Gives an error without a hint the one of its code; `c` may be NULL. */
void cli_advise(const struct cli_command *c, struct mreg_error *err);
void cli_error(const struct cli *cli, const struct mreg_error *err);

/* A table of left-aligned columns, last one ragged. */
struct cli_table;
/* `heads` are its first row.  NULL: out of memory. */
struct cli_table *cli_table_new(const char *const *heads, size_t columns);
void cli_table_cell(struct cli_table *t, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* The same of a text that was put together, or failed to be. */
void cli_table_text(struct cli_table *t, const struct mr_buf *text);
int cli_table_print(struct cli *cli, struct cli_table *t, struct mr_buf *out,
		    struct mreg_error *err); /* frees `t` */

/* "sha256:1234567890ab". */
const char *cli_short_digest(const struct mreg_digest *d, char out[32]);

#endif
