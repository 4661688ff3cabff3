/*
 * cli/lineage.h - a lineage as people read it; for cmd_lineage.c.
 */
#ifndef MR_CLI_LINEAGE_H
#define MR_CLI_LINEAGE_H

#include "cli/cli.h"
#include "mreg/lineage.h"

/*
 * Like `git log --graph`: a line for each node, the main way down one column
 * ("* finetune base:v4"), branches beside it ("|-- run 4711").  A node is shown
 * once; elsewhere its name says "(above)" or "(below)".  What it was made from
 * first, then what was made from it.
 */
int cli_put_lineage(struct cli *cli, const struct mreg_lineage_result *r,
		    struct mr_buf *b, struct mreg_error *err);
/* "churn:v3 (production, latest)", "base:v1, not in the index". */
void cli_put_lineage_node(struct mr_buf *b, const struct mreg_lineage_node *n);

#endif
