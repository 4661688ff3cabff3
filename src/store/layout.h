/*
 * store/layout.h - what the files of the layout store share: one repository
 * as an OCI image layout below a root.  Private to store.
 *
 *	root/REPOSITORY/oci-layout
 *	                index.json                which tag is what
 *	                blobs/sha256/<hex>        never change
 *	                blobs/sha256/.mreg-part-* being written, flocked
 *	                mreg.lock                 flocked while index.json
 *changes
 *
 * Invariants
 * 1. A file named by a digest was complete and synced before it got its name.
 * 2. index.json is replaced by rename, only under the lock, and only after
 *    the blobs that it names and the folder they are in were synced.
 * 3. Readers lock nothing and create nothing.
 * 4. Whoever removes a part holds its flock.
 */
#ifndef MR_STORE_LAYOUT_H
#define MR_STORE_LAYOUT_H

#include <jansson.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "base/file.h"
#include "store/layout_entry.h"

struct mr_layout {
	struct mr_store base; /* its name is the repository's folder */
	char *root;           /* owned */

	pthread_mutex_t lock;   /* of the next two */
	int lock_fd;            /* mreg.lock; -1 until needed */
	unsigned int depth;     /* how many of us share the flock */
	pthread_mutex_t change; /* one change of index.json at a time */
	pthread_mutex_t claim;  /* one mr_store_lock at a time */
	atomic_bool made;       /* the folder is complete */

	pthread_mutex_t cache; /* of what follows */
	json_t *index;         /* owned; NULL: not read, or not to be trusted */
	json_t *tags;          /* owned; its map; NULL: not asked for yet */
	int index_fd; /* keeps its inode number from being used again */
	struct mr_file_id index_id;

	struct mr_subjects subjects;
};

struct mr_layout *mr_layout_of(struct mr_store *s);

/* "FOLDER/name" in `out`. */
int mr_layout_path(const struct mr_layout *l, const char *name,
		   char out[PATH_MAX], struct mreg_error *err);

/* Add to an error about a path what the user can do if a file is in the place
 * of a folder; returns `rc`. */
int mr_layout_advise(int rc, struct mreg_error *err);

/* Make what is missing of the layout, before the first write. */
int mr_layout_make(struct mr_layout *l, struct mreg_error *err);

/* Share the flock among the threads of this process. */
int mr_layout_enter(struct mr_layout *l, struct mreg_error *err);
void mr_layout_leave(struct mr_layout *l);

/* -- layout_blob.c ----------------------------------------------------------
 */

int mr_layout_blob_path(const struct mr_layout *l,
			const struct mreg_digest *digest, char out[PATH_MAX],
			struct mreg_error *err);
int mr_layout_has(struct mr_store *s, const struct mreg_desc *d, bool *found,
		  struct mreg_error *err);
int mr_layout_open_blob(struct mr_store *s, const struct mreg_desc *d,
			uint64_t offset, uint64_t length,
			struct mr_stream **out, struct mreg_error *err);
int mr_layout_file(struct mr_store *s, const struct mreg_desc *d, int *fd,
		   struct mreg_error *err);
/* A blob that is small enough for a manifest, whatever its size should be;
 * `*found` false when there is none. */
int mr_layout_load(struct mr_layout *l, const struct mreg_digest *digest,
		   struct mr_buf *out, bool *found, struct mreg_error *err);
void mr_layout_damaged(struct mr_store *s, const struct mreg_digest *digest,
		       struct mreg_error *err);

/* -- layout_write.c ---------------------------------------------------------
 */

int mr_layout_begin(struct mr_store *s, const struct mreg_desc *d,
		    struct mr_sink **out, struct mreg_error *err);
int mr_layout_put_stream(struct mr_store *s, struct mr_stream *src,
			 uint64_t size, const struct mr_measure *m,
			 struct mreg_error *err);
int mr_layout_mount(struct mr_store *s, const struct mreg_desc *d,
		    const char *from_repository, bool *done,
		    struct mreg_error *err);
/* Remove parts that killed processes left. */
void mr_layout_sweep(struct mr_layout *l);

/* -- layout_index.c ---------------------------------------------------------
 */

/* index.json as it is now, to be read only; a reference of the caller's.
 * `*found` false: there is none. */
int mr_layout_index(struct mr_layout *l, json_t **out, bool *found,
		    struct mreg_error *err);
void mr_layout_forget_index(struct mr_layout *l);
/* What the tag names. */
int mr_layout_find(struct mr_layout *l, const char *tag, struct mreg_desc *out,
		   bool *found, struct mreg_error *err);
/* Let the tag name `d` (NULL: remove it).  `*found`: whether it was there. */
int mr_layout_change(struct mr_layout *l, const char *tag,
		     const struct mreg_desc *d, const char *artifact_type,
		     bool *found, struct mreg_error *err);
/* Let `d` be found without a tag. */
int mr_layout_list(struct mr_layout *l, const struct mreg_desc *d,
		   const char *artifact_type, struct mreg_error *err);
/* Let the digest be found by its tags alone. */
int mr_layout_unlist(struct mr_store *s, const struct mreg_digest *digest,
		     struct mreg_error *err);

/* -- layout_sweep.c ---------------------------------------------------------
 */

int mr_layout_sweep_blobs(struct mr_store *s, struct mr_sweep *sweep,
			  struct mreg_error *err);

#endif
