/*
 * store/archive.h - what the files of the archive store share: an OCI image
 * layout in one tar file.  Private to store.
 *
 *	oci-layout             first, when we write it
 *	blobs/sha256/<hex>     as they come
 *	index.json             last
 *
 * Invariants
 * 1. A blob is looked up by its digest, never by a path, and read where its
 *    entry's bytes are; nothing is unpacked.
 * 2. While it is written, the room for a blob (header and bytes) is set aside
 *    when it begins, so several can be written side by side; after one was
 *    given up the same blob gets the same room again.
 * 3. The file has no name, or one nobody looks at, until all blobs that began
 *    are complete, index.json is behind them, and it is synced.
 */
#ifndef MR_STORE_ARCHIVE_H
#define MR_STORE_ARCHIVE_H

#include <jansson.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "store/layout_entry.h"

struct mr_archive_blob {
	struct mreg_digest digest;
	uint64_t entry;        /* where its header is; when we wrote it */
	uint64_t offset, size; /* of its bytes */
	bool complete;
	bool busy; /* a sink writes it */
};

struct mr_archive {
	struct mr_store base; /* its name is the path */
	int fd;               /* owned */
	struct mr_subjects subjects;

	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t idle;  /* a blob is no longer busy */
	void *blobs;          /* tsearch(3): struct mr_archive_blob, owned */
	json_t *tags;         /* owned; tag -> entry */
	json_t *index;        /* owned; NULL while it is written */

	/* While it is written. */
	bool writing;
	json_t *manifests; /* owned; digest -> entry without tag */
	uint64_t end;      /* of what is set aside */
	size_t pending;    /* blobs that began and are not complete */
	char *temp;        /* owned; NULL: the file has no name at all */
};

struct mr_archive *mr_archive_of(struct mr_store *s);
/* Zeroed but for its locks; the caller sets `base.ops`. */
int mr_archive_new(struct mr_env *env, const char *path,
		   struct mr_archive **out, struct mreg_error *err);

/* The blob, complete or not, or NULL.  Under the lock. */
struct mr_archive_blob *mr_archive_find(const struct mr_archive *a,
					const struct mreg_digest *digest);
/* Room in the tree for one that is not there; NULL when out of memory.  Under
 * the lock. */
struct mr_archive_blob *mr_archive_add(struct mr_archive *a,
				       const struct mreg_digest *digest);

/* What is there as an index; a reference of the caller's.  Under the lock. */
int mr_archive_index(struct mr_archive *a, json_t **out,
		     struct mreg_error *err);

/* -- archive_scan.c: what is in a file ----------------------------------------
 */

/* Fill `blobs`, `index` and `tags` from the open file. */
int mr_archive_scan(struct mr_archive *a, struct mreg_error *err);

/* -- archive_file.c: a file that appears when it is whole --------------------
 */

/* Open `a->fd` for a file that is to be `a->base.name`: MREG_ECONFLICT when
 * there is something of that name. */
int mr_archive_make(struct mr_archive *a, struct mreg_error *err);
/* Give the synced file its name; MREG_ECONFLICT as above. */
int mr_archive_publish(struct mr_archive *a, struct mreg_error *err);
/* Remove what has no name yet. */
void mr_archive_discard(struct mr_archive *a);

/* -- the table --------------------------------------------------------------
 */

int mr_archive_has(struct mr_store *s, const struct mreg_desc *d, bool *found,
		   struct mreg_error *err);
int mr_archive_open_blob(struct mr_store *s, const struct mreg_desc *d,
			 uint64_t offset, uint64_t length,
			 struct mr_stream **out, struct mreg_error *err);
int mr_archive_get(struct mr_store *s, const char *reference,
		   struct mr_doc *out, bool *found, struct mreg_error *err);
int mr_archive_tags(struct mr_store *s, struct mr_list *out, bool *found,
		    struct mreg_error *err);
int mr_archive_referrers(struct mr_store *s, const struct mreg_digest *subject,
			 const char *artifact_type, struct mr_referrers *out,
			 struct mreg_error *err);
void mr_archive_damaged(struct mr_store *s, const struct mreg_digest *digest,
			struct mreg_error *err);
void mr_archive_free(struct mr_store *s);

#endif
