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

/* "moved churn:production -> v3 sha256:.. (was sha256:..)", or as JSON. */
int cli_show_alias(struct cli *cli, const struct mreg_alias_result *r,
		   struct mreg_error *err);

#endif
