/*
 * rule/served.h - what resolve tells of a version that is to be served.
 */
#ifndef MR_RULE_SERVED_H
#define MR_RULE_SERVED_H

#include "mreg/resolve.h"
#include "repo/repo.h"

/*
 * Of the version `d`, which `ref` names: its number, with `image` the digest of
 * v<N>-image, and what its metadata says; texts in the arena.  What is an image
 * itself is its own, or that of the version it says it was made of.
 * MREG_ENOTFOUND: there is no image; MREG_ECONFLICT: it is of another version;
 * MREG_EUNSUPPORTED: a local store.
 */
int mr_served(struct mreg *m, const struct mreg_ref *ref,
	      const struct mreg_digest *d, bool image, struct mr_arena *a,
	      struct mreg_served *out, struct mreg_error *err);

/* Whether it is an image, or an index of some; `*version` is what it says it
 * was made of, NONE where it does not. */
bool mr_image_version(const struct mr_manifest *m, struct mreg_digest *version);

/*
 * served_split.c: who shares the traffic of the alias `ref`, whose tag has the
 * version that `own` tells; none where it is no alias, or that is not what the
 * log says.  With `policy` the policy in force is asked of the others too, and
 * the alias's gates.  None, and a warning, too where one of the others was
 * archived or cannot be served: the alias's own has to be, all the same.
 */
int mr_served_split(struct mreg *m, const struct mreg_ref *ref,
		    const struct mreg_served *own, bool image, bool policy,
		    struct mr_arena *a, const struct mreg_served_share **out,
		    size_t *n, struct mreg_error *err);

/* policy_demand.c: as mr_policy_demand, of a version that has a share of the
 * traffic of `alias`, whose gates are asked; its tag has another version. */
int mr_policy_demand_share(struct mreg *m, const struct mreg_ref *ref,
			   const struct mreg_digest *d, const char *alias,
			   struct mreg_error *err);

#endif
