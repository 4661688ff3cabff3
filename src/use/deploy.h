/*
 * use/deploy.h - what the commands on places share; private to the folder.
 */
#ifndef MR_USE_DEPLOY_H
#define MR_USE_DEPLOY_H

#include "use/about.h"
#include "mreg/deploy.h"

/* The version that `d` is, or was made of, into `*out`; `*found` false: it is
 * an image of something that this model's log does not know. */
int mr_deploy_version(struct mr_about *a, const struct mreg_desc *d,
		      struct mreg_digest *out, bool *found,
		      struct mreg_error *err);

/* What the log says of a place; NULL: nothing yet. */
const struct mr_deployment *mr_deploy_find(const struct mr_about *a,
					   const char *environment,
					   const char *workload);

/* Say that `version` (NONE: nothing) runs at the place of `row`, whose texts
 * are there; `was` is by the log as read.  No event where it says so already:
 * `*changed`. */
int mr_deploy_write(struct mr_about *a, struct mreg_deployment *row,
		    bool dry_run, bool *changed, struct mreg_error *err);

/* A row of a result for what the log says, texts in the arena. */
struct mreg_deployment mr_deploy_row(const struct mr_about *a, const char *name,
				     const struct mr_deployment *d,
				     struct mr_arena *arena);
/* For qsort: by model, environment, workload. */
int mr_deploy_compare(const void *a, const void *b);

#endif
