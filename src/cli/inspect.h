/*
 * cli/inspect.h - what commands on versions show alike; private to src/cli.
 */
#ifndef MR_CLI_INSPECT_H
#define MR_CLI_INSPECT_H

#include "cli/cli.h"
#include "mreg/diff.h"
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

/* "digest         sha256:..", and a line break. */
void cli_put_line(struct mr_buf *b, const char *name, const char *value);

/* -- inspect_log.c */

void cli_put_actor(struct mr_buf *b, const struct mreg_inspect_result *r);
void cli_put_life(struct mr_buf *b, const struct mreg_inspect_result *r);
/* Behind the value of the key `prefix` + `name`: that it was given after the
 * fact. */
void cli_put_edited(struct mr_buf *b, const struct mreg_inspect_result *r,
		    const char *prefix, const char *name);

/* A line of what differs: "  ~ auc: 0.9 -> 0.94 (+0.04)"; cmd_diff.c. */
void cli_put_diff_field(struct mr_buf *b, const struct mreg_diff_field *f);

#endif
