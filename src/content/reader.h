/*
 * content/reader.h - random access: the same bytes at any offset, as often as
 * wanted.  A file here, or ranges of a blob in a registry.
 */
#ifndef MR_CONTENT_READER_H
#define MR_CONTENT_READER_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "content/stream.h"
#include "mreg/types.h"

struct mr_reader;

struct mr_reader_ops {
	/* Up to `n` bytes from `offset`; 0 only at or past the end. */
	ssize_t (*read_at)(struct mr_reader *r, void *buf, size_t n,
			   uint64_t offset, struct mreg_error *err);
	void (*close)(struct mr_reader *r);
};

struct mr_reader {
	const struct mr_reader_ops *ops;
	uint64_t size; /* bytes in all */
};

ssize_t mr_reader_read_at(struct mr_reader *r, void *buf, size_t n,
			  uint64_t offset, struct mreg_error *err);
/* Exactly `n` bytes; a short reader is MREG_EFORMAT "ends early". */
int mr_reader_need_at(struct mr_reader *r, void *buf, size_t n, uint64_t offset,
		      struct mreg_error *err);
void mr_reader_close(struct mr_reader *r);
void mr_reader_closep(struct mr_reader **r);

/* Over memory that must outlive it. */
int mr_reader_memory(const void *data, size_t n, struct mr_reader **out,
		     struct mreg_error *err);
/* Over an open file, its size taken now; takes ownership of `fd` even on
 * failure. */
int mr_reader_file(int fd, const char *name, struct mr_reader **out,
		   struct mreg_error *err);

/* The whole reader as a stream; closes `r` with it when `own`. */
int mr_reader_stream(struct mr_reader *r, bool own, struct mr_stream **out,
		     struct mreg_error *err);

#endif
