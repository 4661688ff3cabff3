/*
 * store/remote_lock.h - the writers of one fallback tag on this machine, one
 * after another.  Private to the remote store.
 */
#ifndef MR_STORE_REMOTE_LOCK_H
#define MR_STORE_REMOTE_LOCK_H

#include "mreg/error.h"

struct mr_remote;

/* Lock out the other writers of `tag` on this machine, for some seconds at
 * most; `*fd` has the lock until it is closed, -1: go on without.  Fails only
 * with MREG_ECANCELED. */
int mr_remote_lock(struct mr_remote *r, const char *tag, int *fd,
		   struct mreg_error *err);

#endif
