/*
 * cli/places.h - what commands on places show alike.
 */
#ifndef MR_CLI_PLACES_H
#define MR_CLI_PLACES_H

#include "cli/cli.h"
#include "mreg/deploy.h"

/* "v3"; "sha256:1234567890ab" where its number is not known; "nothing". */
void cli_put_version(struct mr_buf *b, uint64_t number,
		     const struct mreg_digest *d);

/* That a model could not be read is told with --quiet too: the answer lacks
 * it. */
void cli_warn_unread(const struct mreg_pair *items, size_t n);

#endif
