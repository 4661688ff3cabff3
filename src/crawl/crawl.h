/*
 * crawl/crawl.h - filling the index from what registries and local stores hold.
 */
#ifndef MR_CRAWL_CRAWL_H
#define MR_CRAWL_CRAWL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "base/task.h"
#include "index/index.h"
#include "look/look.h"
#include "mreg/types.h"
#include "repo/repo.h"

/* Requests at once, of all repositories together. */
#define MR_CRAWL_JOBS 8

/* How a crawl is done; for all its repositories. */
struct mr_crawl {
	struct mreg *m;
	struct mr_index *ix;
	bool sweep;        /* ask for everything that listings may omit */
	bool anew;         /* ... and believe nothing that the index has */
	unsigned int jobs; /* requests at once; set by begin */
	/* Repositories under way that make requests: they share `jobs`. */
	atomic_uint busy;
	/* Of models without a policy of their own below the configured prefix:
	 * asked for once. */
	struct mr_lock lock;    /* of these */
	struct mr_arena *arena; /* owned */
	struct mr_stages stages;
	bool staged;               /* `stages` is known */
	struct mreg_digest policy; /* in force there now; NONE: none */
	bool asked;                /* `policy` was asked for */
	/* Why it is not known, and where it was looked for; code 0: it is. */
	struct mreg_error unknown;
	const char *policies; /* in the arena */
	/* Hosts that answered as registries when something was not found. */
	struct mr_list reached;
};
int mr_crawl_begin(struct mr_crawl *c, struct mreg *m, unsigned int jobs,
		   struct mreg_error *err);
void mr_crawl_end(struct mr_crawl *c);

/* What looking at one repository came to. */
struct mr_crawled {
	bool found;   /* it is there */
	bool known;   /* it was in the index before */
	bool indexed; /* it is now: something of a model is in it */
	bool changed;
	/* Versions that are new, or have another content; that are gone. */
	uint64_t added, removed;
	uint64_t documents; /* that were looked at */
	uint64_t notes;     /* of what could not be indexed as it is */
	uint64_t requests;  /* to a registry; without further pages */
};

/*
 * Look at one repository, and bring the index to what it holds: in one
 * transaction, or, where nothing is new, by a note of when that was.  One that
 * is not there any more is removed.  Nothing that was written before is lost by
 * an error.  From several threads, each on another repository.
 */
int mr_crawl_repository(struct mr_crawl *c, const struct mreg_ref *ref,
			struct mr_crawled *out, struct mreg_error *err);

/* gone.c: a repository that was there is not found: an error where its place is
 * not there either, MREG_ENOTFOUND for a store's folder, MREG_EREMOTE for what
 * is no registry.  `*asked`: by a request. */
int mr_crawl_gone(struct mr_crawl *c, const struct mreg_ref *ref, bool *asked,
		  struct mreg_error *err);
int mr_crawl_folder(const char *dir, struct mreg_error *err);

/* A whole name as its user may write it; in the arena. */
const char *mr_crawl_shown(const struct mreg *m, const char *name,
			   struct mr_arena *a);

#endif
