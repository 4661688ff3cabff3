/*
 * look/life.h - what the log says of one version beyond its manifest: values
 * given after the fact, what it was warned of, how far it came.
 */
#ifndef MR_LOOK_LIFE_H
#define MR_LOOK_LIFE_H

#include "ledger/ledger.h"
#include "model/model.h"
#include "mreg/retire.h"
#include "repo/repo.h"

/* A value that counts instead of the manifest's. */
struct mr_edit {
	const char *key; /* "description", "owner", "tags.team" */
	const char *value;
	const char *was;              /* the manifest's; NULL: none */
	const struct mr_event *event; /* that gave it */
};
struct mr_edits {
	struct mr_edit *items; /* by key */
	size_t count;
};

/*
 * Put what the log gave the version `d` over what its manifest says, which
 * `meta` was read from: description and tags; a manifest has no place for
 * owner and displayName.  All of them in `out`, in the arena; values borrow
 * from `now` and `meta`.  One that metadata may not have (others write events
 * too) is left out.
 */
int mr_look_fold(const struct mr_standing *now, const struct mreg_digest *d,
		 struct mr_meta *meta, struct mr_arena *a, struct mr_edits *out,
		 struct mreg_error *err);
/* Who answers for it: the version's owner, else the model's.  NULL: nobody. */
const char *mr_look_owner(const struct mr_standing *now,
			  const struct mreg_digest *d);

/* In the arena; NULL: it is not, or the arena failed. */
const struct mreg_deprecation *mr_look_deprecated(const struct mr_standing *now,
						  const struct mreg_digest *d,
						  struct mr_arena *a);
const struct mreg_archival *mr_look_archived(const struct mr_standing *now,
					     const struct mreg_digest *d,
					     struct mr_arena *a);

/* Aliases that are stages, in order; in the arena.  And how long a review
 * lasts; 0: none is asked for. */
struct mr_stages {
	const char *const *items;
	size_t count;
	int64_t review_s;
	struct mreg_digest policy; /* that they are by; NONE: by none */
};
/*
 * By the policy in force, as far as the log is read in `h`.  Without one the
 * default ones, and with a warning when it cannot be had.  Costs the request
 * for the policy's document, and where the model has none of its own a listing
 * of the prefix's; so ask only when an alias is there.
 */
int mr_look_stages(struct mreg *m, const struct mreg_ref *ref,
		   struct mr_store *s, struct mr_history *h, struct mr_arena *a,
		   struct mr_stages *out, struct mreg_error *err);
/* When a review of the version is due: so long after the last one, which is a
 * value given after the fact, else after it was registered.  0: never. */
int64_t mr_look_review(const struct mr_standing *now,
		       const struct mreg_digest *d, int64_t review_s);
/* Whether one of the tags is an alias. */
bool mr_look_aliased(const struct mr_tag_row *rows, size_t n,
		     const struct mreg_digest *d); /* NULL: of any version */

#endif
