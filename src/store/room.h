/*
 * store/room.h - whether what is to be written has room where it goes; a part
 * of the door store/store.h, which includes it.
 */
#ifndef MR_STORE_ROOM_H
#define MR_STORE_ROOM_H

#include <stdbool.h>
#include <stdint.h>

#include "mreg/error.h"
#include "mreg/types.h"

struct mr_store;

/*
 * MREG_EIO saying how much is needed and free, when the target's file system
 * has no room for its blobs that are not there yet, copies for further places
 * included; those for which `shared` (may be NULL) says true need none.
 * What the file system does not tell, quotas for one, shows later.
 */
int mr_files_room(struct mr_store *s,
		  bool (*shared)(void *ctx, const struct mreg_digest *d),
		  void *ctx, struct mreg_error *err);

/* How many bytes that is, added to `*sum`: for who needs more there. */
int mr_files_need(struct mr_store *s,
		  bool (*shared)(void *ctx, const struct mreg_digest *d),
		  void *ctx, uint64_t *sum, struct mreg_error *err);

/* The same for `need` bytes more where `path` is, or will be. */
int mr_room_at(const char *path, uint64_t need, struct mreg_error *err);
/* The same in a layout, after what killed writers left there was removed if
 * that takes it. */
int mr_layout_room(struct mr_store *s, uint64_t need, struct mreg_error *err);

#endif
