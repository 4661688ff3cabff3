/*
 * store/kinds.h - the kinds of store and how each is opened; a part of
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

/* -- memory -------------------------------------------------------------- */

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

/* -- archive: an OCI layout as one tar file, of one repository
 * --------------------- */

/* Read-only; MREG_EFORMAT when it is no such tar, or a compressed one.  Names
 * inside are not believed: only "index.json", "oci-layout" and
 * "blobs/<alg>/<hex>" count, and every byte is verified by its digest. */
int mr_archive_open(struct mr_env *env, const char *path, struct mr_store **out,
		    struct mreg_error *err);
/* A new archive that takes blobs, several at once, and manifests, and has what
 * it got; `path` appears, whole and synced, only by mr_archive_finish, and
 * replaces nothing (MREG_ECONFLICT, from both).  Closing before leaves nothing.
 */
int mr_archive_create(struct mr_env *env, const char *path,
		      struct mr_store **out, struct mreg_error *err);
int mr_archive_finish(struct mr_store *s, struct mreg_error *err);

/* -- remote: any registry that speaks the OCI distribution protocol
 * ------------ */

/* `net` is borrowed.  No request is made here. */
int mr_remote_open(struct mr_env *env, struct mr_net *net, const char *host,
		   const char *repository, struct mr_store **out,
		   struct mreg_error *err);
/* What a registry takes, as configured: bytes, 0 as its host's defaults and
 * answers say (protocol.md 3.2).  `layer`: of one blob; `request`: of one
 * request's body. */
void mr_remote_limits(struct mr_store *s, uint64_t layer, uint64_t request);
/* MREG_ELIMIT, naming the limit and where it comes from, when this registry
 * is known not to take a blob of `size` bytes; `label` names it. */
int mr_remote_check_size(struct mr_store *s, const char *label, uint64_t size,
			 struct mreg_error *err);
/* How many bytes of the blobs that were put into this store the registry had
 * from uploads that broke off before it was opened, so that they were not sent;
 * 0 for a store that is no registry. */
uint64_t mr_remote_passed(struct mr_store *s);
/* Tell, as a warning, when so many layers may be refused. */
void mr_remote_check_count(struct mr_store *s, size_t layers);
/* Which registry it is taken for: "ghcr", "ecr", ...; "unknown" when its host
 * says nothing; "" for a store that is no registry. */
const char *mr_remote_profile_name(struct mr_store *s);
/* Note that `repository` of `host` has the blob, so that a later push to
 * another repository there may mount it.  Small ones are not noted. */
void mr_remote_note_blob(struct mr_state *state, const char *host,
			 const char *repository, const struct mreg_desc *d);
/* Mount it from where it was noted; `*done` false: from nowhere, or the
 * registry did not want to. */
int mr_remote_mount_noted(struct mr_store *s, const struct mreg_desc *d,
			  bool *done, struct mreg_error *err);
/* Repositories of `host` whose name begins with `prefix`/ (all for ""), from
 * the catalog; MREG_EUNSUPPORTED where there is none (P-81). */
int mr_remote_repositories(struct mr_env *env, struct mr_net *net,
			   const char *host, const char *prefix,
			   struct mr_list *out, struct mreg_error *err);

/* -- files: a model's files on disk
 * --------------------------------------------- */

/* A source over scanned files; `scan` is borrowed.  Blobs can be opened by
 * digest once learned; before, by their index in the scan
 * (mr_store_open_item). */
int mr_files_source(struct mr_env *env, const struct mr_scan *scan,
		    struct mr_store **out, struct mreg_error *err);

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

/* How a target treats what is in its places; zeroed: as above.  To be set
 * before anything is asked of it. */
struct mr_files_opts {
	bool verify;  /* hash what is there, whatever `state` remembers */
	bool keep;    /* never replace a file that has other bytes: publishing
		       * fails with MREG_ECONFLICT */
	bool partial; /* `places` are not all of the version's: other parts may
		       * be of the rest, and stay */
};
void mr_files_configure(struct mr_store *s, const struct mr_files_opts *o);
/* Add the paths of the places that hold other bytes, sorted. */
int mr_files_differing(struct mr_store *s, struct mr_list *out,
		       struct mreg_error *err);

/*
 * Let the target's blob share the blocks of a file of `from`, proven like any
 * other; `*done` false: the file systems or stores cannot.
 */
int mr_files_clone(struct mr_store *s, const struct mreg_desc *d,
		   struct mr_store *from, bool *done, struct mreg_error *err);
/* Whether that would go: nothing stays behind. */
bool mr_files_clonable(struct mr_store *s, const struct mreg_desc *d,
		       struct mr_store *from);

/* -- seeds: where a target's bytes may be already
 * -------------------------------- */

/*
 * A read-only store over files and stores that may have blobs of these sizes
 * (copied).  What it has is a guess until it was copied and proven; has() may
 * read a whole file whose size fits.
 */
int mr_seeds_open(struct mr_env *env, struct mr_state *state,
		  const uint64_t *sizes, size_t size_count,
		  struct mr_store **out, struct mreg_error *err);
/* The files below a directory, links to files followed, other file systems
 * not entered; MREG_EUSAGE when it is none. */
int mr_seeds_add_dir(struct mr_store *s, const char *dir,
		     struct mreg_error *err);
/* Those of a tree (borrowed) whose digests the state knows. */
int mr_seeds_add_tree(struct mr_store *s, struct mr_tree *t,
		      struct mreg_error *err);
/* Another store; taken, even on failure. */
int mr_seeds_add_store(struct mr_store *s, struct mr_store *seed,
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

#include "store/probe.h"
#include "store/recalled.h"
#include "store/room.h"

#endif
