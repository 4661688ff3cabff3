/*
 * store/kinds.h - the four kinds of store and how each is opened; a part of
 * the door store/store.h, which includes it.
 */
#ifndef MR_STORE_KINDS_H
#define MR_STORE_KINDS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/env.h"
#include "base/list.h"
#include "mreg/types.h"
#include "net/net.h"
#include "pack/pack.h"
#include "state/state.h"

struct mr_store;

/* -- memory ------------------------------------------------------------------
 */

int mr_memory_open(struct mr_env *env, struct mr_store **out,
		   struct mreg_error *err);

/* -- layout: an OCI image layout, `root`/`repository`
 * -------------------------- */

/*
 * One folder per repository below a local store's root: oci-layout,
 * index.json, blobs/sha256/..., mreg.lock.  Safe under concurrent writers:
 * blobs appear by rename, index.json is read, changed and replaced under
 * flock of mreg.lock, entries of others are kept as they are.  Nothing is
 * created before the first write.  Readers need no lock.
 */
int mr_layout_open(struct mr_env *env, const char *root, const char *repository,
		   struct mr_store **out, struct mreg_error *err);
/* Repositories below `root`, sorted; an absent root has none. */
int mr_layout_repositories(struct mr_env *env, const char *root,
			   struct mr_list *out, struct mreg_error *err);

/* -- remote: any registry that speaks the OCI distribution protocol
 * ------------ */

/* `net` is borrowed.  No request is made here. */
int mr_remote_open(struct mr_env *env, struct mr_net *net, const char *host,
		   const char *repository, struct mr_store **out,
		   struct mreg_error *err);
/* Repositories of `host` whose name begins with `prefix`/ (all for ""), from
 * the catalog; MREG_EUNSUPPORTED where there is none (P-81). */
int mr_remote_repositories(struct mr_env *env, struct mr_net *net,
			   const char *host, const char *prefix,
			   struct mr_list *out, struct mreg_error *err);

/* -- files: a model's files on disk
 * --------------------------------------------- */

/* A source over scanned files; `scan` is borrowed.  Blobs can be opened by
 * digest once learned. */
int mr_files_source(struct mr_env *env, const struct mr_scan *scan,
		    struct mr_store **out, struct mreg_error *err);
/* File `index` of the scan, whose digest may not be known yet. */
int mr_files_open(struct mr_store *s, size_t index, struct mr_stream **out,
		  struct mreg_error *err);
/* File `index` has this digest from now on. */
int mr_files_learn(struct mr_store *s, size_t index,
		   const struct mreg_digest *digest, struct mreg_error *err);

/* Where one file goes. */
struct mr_place {
	const char *path; /* in the model; checked by the caller */
	bool executable;
	struct mreg_desc desc;
};

/*
 * A target: `places` below `tree` (all borrowed).  Blobs arrive as
 * .mreg-part-<hex> in the tree's root, locked while they are written; a
 * second process waits for the lock and takes over what is complete.
 * has(): every place of that digest has the right bytes already, or its part
 * is complete and proven; known from `state` by identity, else by hashing
 * what has the right size.  Nothing appears under a final name before
 * mr_files_publish.
 */
int mr_files_target(struct mr_env *env, struct mr_state *state,
		    struct mr_tree *tree, const struct mr_place *places,
		    size_t count, struct mr_store **out,
		    struct mreg_error *err);

/* What publishing did. */
struct mr_published {
	size_t placed; /* files renamed into place */
	size_t kept;   /* files that were right already */
	bool again;    /* another process took a part of ours away: plan and
			* run once more */
};
/*
 * Every blob is proven: give all files their final names, one after another,
 * modes set, directories synced; further places of one digest get a reflink
 * or a copy; remember their digests in `state`; remove complete or stale parts
 * nobody holds.  A kill in between is finished by the next run.
 */
int mr_files_publish(struct mr_store *s, struct mr_published *out,
		     struct mreg_error *err);

#endif
