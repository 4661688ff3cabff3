/*
 * profile/profile.h - a version in another profile, under sibling tags: as a
 * container image, or in Docker's model format.  The door.
 *
 *   open -> look -> send -> tag -> names -> result
 *
 * Everything but the tags follows from the version, the options and the release
 * of mreg, so it can be made and sent before the version has a number; and
 * what has no tag yet is not seen by anybody.
 */
#ifndef MR_PROFILE_PROFILE_H
#define MR_PROFILE_PROFILE_H

#include "mreg/image.h"
#include "repo/repo.h"

/* Opaque: profile/inside.h. */
struct mr_profile;

/*
 * The documents of `version`, which says `meta` of itself, and whose blobs are
 * in `from` (a push's files, or `to` itself), to be made in `to`, which is the
 * repository of `ref`.  `o`, its texts included, and all others are borrowed
 * until close.  No request, but for a base image.  MREG_EUSAGE,
 * MREG_EUNSUPPORTED, MREG_ELIMIT.
 */
int mr_profile_open(struct mreg *m, const struct mreg_ref *ref,
		    const struct mr_manifest *version,
		    const struct mr_meta *meta, struct mr_store *from,
		    struct mr_store *to, const struct mreg_image_opts *o,
		    struct mr_profile **out, struct mreg_error *err);
void mr_profile_close(struct mr_profile *p);   /* NULL does nothing */
void mr_profile_closep(struct mr_profile **p); /* for MR_AUTO */

/* What is there already.  `number` (0: none yet) is the version's:
 * MREG_ECONFLICT when its sibling was made otherwise. */
int mr_profile_look(struct mr_profile *p, uint64_t number,
		    struct mreg_error *err);
/* All but tags: layers, then configs, manifests and the index by digest.
 * Nothing where mr_profile_look found its sibling. */
int mr_profile_send(struct mr_profile *p, struct mreg_error *err);
/* v<number> and the suffix.  The caller holds mr_store_lock. */
int mr_profile_tag(struct mr_profile *p, uint64_t number,
		   struct mreg_error *err);
/* The siblings of every name that the version has, by the log as far as read in
 * `h` and, of latest and releases, the tag.  The caller holds mr_store_lock. */
int mr_profile_names(struct mr_profile *p, struct mr_history *h,
		     struct mreg_error *err);
/* What came of it, or would; texts are copied into the arena. */
int mr_profile_result(const struct mr_profile *p, struct mr_arena *a,
		      struct mreg_image_result *out, struct mreg_error *err);

/* Whether there is such a profile; MREG_EUSAGE names those there are. */
int mr_profile_check(const char *name, struct mreg_error *err);

#endif
