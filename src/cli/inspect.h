/*
 * cli/inspect.h - the parts of mreg inspect that are shown; private to
 * src/cli.
 */
#ifndef MR_CLI_INSPECT_H
#define MR_CLI_INSPECT_H

#include "cli/cli.h"
#include "mreg/inspect.h"

/* What the weight files say; weights.c. */
void cli_put_weights(struct cli *cli, struct mr_buf *b,
		     const struct mreg_inspect_result *r);
/* How many of its files are archives. */
size_t cli_packed(const struct mreg_inspect_result *r);
/* "F32 [30522, 384]". */
void cli_put_tensor(struct mr_buf *b, const struct mreg_tensor *t);
/* "read 64.0 KiB in 1 request; not verified" */
void cli_put_cost(struct mr_buf *b, uint64_t bytes, uint64_t requests);

#endif
