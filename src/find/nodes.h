/*
 * find/nodes.h - what a user's words mean in the index, and how its names are
 * shown.
 */
#ifndef MR_FIND_NODES_H
#define MR_FIND_NODES_H

#include "index/index.h"
#include "repo/repo.h"

/* No more than this are found for one text. */
#define MR_FIND_MAX 16

/*
 * The nodes that `text` may mean, each once, what is meant most likely first: a
 * digest; "run:ID", "commit:SOURCE@REVISION", "deployment:ENV/WORKLOAD",
 * "environment:URI", "input:NAME", "uri:URI"; a reference (its tag's version by
 * the index, latest without one); any of those without the word before them.
 * None: `*n` is 0.
 */
int mr_find_nodes(struct mreg *m, struct mr_index *ix, const char *text,
		  int64_t out[MR_FIND_MAX], size_t *n, struct mreg_error *err);

/* Whether `text` says itself that it means something outside: "run:ID". */
bool mr_find_is_outside(const char *text);

/* What names of the configured place begin with, without the '/' behind it. */
int mr_find_prefix(struct mreg *m, char out[MREG_REF_TEXT],
		   struct mreg_error *err);
/* `name` as it is written under these settings. */
const char *mr_find_shown(const char *prefix, const char *name);

#endif
