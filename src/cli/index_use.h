/*
 * cli/index_use.h - --index and --no-index of commands that read: rows, and
 * what they say of it; private to src/cli.
 */
#ifndef MR_CLI_INDEX_USE_H
#define MR_CLI_INDEX_USE_H

#include "cli/cli.h"

struct cli_index_use {
	bool always, never;
};
/* NOLINTBEGIN(bugprone-macro-parentheses): a type, and a member. */
#define CLI_INDEX_USE(s, field)                                                \
	CLI_BOOL(0, "index", s, field.always,                                  \
		 "what the index has, however old that is"),                   \
		CLI_BOOL(0, "no-index", s, field.never,                        \
			 "ask the registry, however fresh the index is")
/* NOLINTEND(bugprone-macro-parentheses) */

/* Let the session use the index as it was asked for; else while it is fresh.
 * MREG_EUSAGE when both were given. */
int cli_use_index(struct cli *cli, const struct cli_index_use *use,
		  struct mreg_error *err);
/* Say on stderr that a result is from the index, and how old that is; 0: it is
 * not. */
void cli_tell_index(const struct cli *cli, int64_t synced_s);

#endif
