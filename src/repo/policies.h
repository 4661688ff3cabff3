/*
 * repo/policies.h - which policy is in force; a part of the door repo/repo.h,
 * which includes it.
 */
#ifndef MR_REPO_POLICIES_H
#define MR_REPO_POLICIES_H

#include "base/arena.h"
#include "mreg/policy.h"
#include "policy/policy.h"
#include "repo/log.h"
#include "store/store.h"

struct mr_policies {
	struct mr_policy *policy; /* owned; all rules together; NULL: none */
	struct mreg_policy_source *sources; /* in the arena given */
	size_t source_count;
};
void mr_policies_release(struct mr_policies *p); /* for MR_AUTO too */

/*
 * Of the repository that `ref` and `s` are, whose log is read into `h`; else
 * of PREFIX/mreg-policy, where PREFIX is where short names are, for what is
 * below it; then `files` (NULL: none).  Texts of the sources in the arena.
 */
int mr_policies_load(struct mreg *m, const struct mreg_ref *ref,
		     struct mr_store *s, struct mr_history *h,
		     const struct mreg_texts *files, struct mr_arena *a,
		     struct mr_policies *out, struct mreg_error *err);
/* The same by the log as far as it is read in `h`. */
int mr_policies_known(struct mreg *m, const struct mreg_ref *ref,
		      struct mr_store *s, struct mr_history *h,
		      const struct mreg_texts *files, struct mr_arena *a,
		      struct mr_policies *out, struct mreg_error *err);
/* The repository PREFIX/mreg-policy, whose policy models have that have none of
 * their own; false: `ref` is not below the configured prefix. */
bool mr_policies_above(struct mreg *m, const struct mreg_ref *ref,
		       struct mreg_ref *out);
/* Which policy is in force there, without its document: costs a listing.  NONE:
 * none is, or nobody may look. */
int mr_policies_named(struct mreg *m, const struct mreg_ref *above,
		      struct mreg_digest *out, struct mreg_error *err);
/* The same of `files` alone. */
int mr_policies_files(const struct mreg_texts *files, struct mr_arena *a,
		      struct mr_policies *out, struct mreg_error *err);
/* A file's policy. */
int mr_policy_file(const char *path, struct mr_policy **out,
		   struct mreg_error *err);
/* Its rules, for a result. */
struct mreg_policy_rule *mr_policy_rules(const struct mr_policy *p,
					 struct mr_arena *a, size_t *count);

#endif
