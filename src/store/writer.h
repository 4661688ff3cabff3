/*
 * store/writer.h - the bytes of a part on their way to the disk.
 *
 * Large parts are written past the page cache where that works: a model is
 * seldom read at once by who pulled it, and cached writes cost ten times the
 * CPU once memory is full (performance.md 2.3).  Else the kernel is told to
 * begin writing early, so that the last sync is short.
 */
#ifndef MR_STORE_WRITER_H
#define MR_STORE_WRITER_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "mreg/error.h"

struct mr_writer {
	int fd;           /* borrowed */
	const char *name; /* borrowed; for messages */
	bool large;
	pthread_mutex_t lock; /* of what follows */
	int direct;           /* owned; the same file, O_DIRECT; -1: not open */
	bool refused;         /* O_DIRECT does not work here */
	uint64_t unsent; /* bytes since the kernel was last told to write */
};

void mr_writer_init(struct mr_writer *w, int fd, uint64_t size,
		    const char *name);
void mr_writer_release(struct mr_writer *w);
/* Write all of it; from several threads. */
int mr_writer_put(struct mr_writer *w, const void *buf, size_t n,
		  uint64_t offset, struct mreg_error *err);
/* The same for bytes that are not read back soon. */
int mr_writer_put_through(struct mr_writer *w, const void *buf, size_t n,
			  uint64_t offset, struct mreg_error *err);

#endif
