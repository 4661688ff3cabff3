/*
 * crawl/collect_spool.h - versions that were read and wait to be written.
 */
#ifndef MR_CRAWL_COLLECT_SPOOL_H
#define MR_CRAWL_COLLECT_SPOOL_H

#include "crawl/collect.h"

/* Versions beyond those that memory is to hold, in order. */
struct mr_spool {
	int fd; /* owned while `open` */
	bool open;
	uint64_t at, end; /* bytes read, written */
};
int mr_spool_put(struct mr_spool *s, const struct mr_read_version *v,
		 struct mreg_error *err);
/* The next one, which is the caller's to release, on failure too. */
int mr_spool_next(struct mr_spool *s, struct mr_collect *c,
		  struct mr_read_version *v, bool *more,
		  struct mreg_error *err);
void mr_spool_release(struct mr_spool *s);

#endif
