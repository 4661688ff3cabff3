/*
 * cli/names.h - what commands on aliases show alike.
 */
#ifndef MR_CLI_NAMES_H
#define MR_CLI_NAMES_H

#include "cli/cli.h"
#include "mreg/alias.h"

/* What whoever sees an approval has to know. */
#define CLI_UNSIGNED                                                           \
	"An approval that is not signed is a record of what somebody said, "   \
	"not a proof."

/* "moved churn:production -> v3 sha256:.. (was sha256:..)". */
void cli_put_alias(struct cli *cli, struct mr_buf *b,
		   const struct mreg_alias_result *r);
/* It as the result of a command, or as JSON. */
int cli_show_alias(struct cli *cli, const struct mreg_alias_result *r,
		   struct mreg_error *err);

/* "v7=90 v8=10", as it may be typed. */
void cli_put_parts(struct mr_buf *b, const struct mreg_split_part *parts,
		   size_t n);

#endif
