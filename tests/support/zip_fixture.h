/*
 * tests/support/zip_fixture.h - zip archives written byte by byte, right ones
 * and, by changing a byte of what is told where, wrong ones.
 */
#ifndef TESTS_SUPPORT_ZIP_FIXTURE_H
#define TESTS_SUPPORT_ZIP_FIXTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ZIP_MEMBERS 300

struct zip_entry {
	char name[64];
	size_t name_len;
	const char *extra; /* borrowed; in both headers */
	size_t extra_len;
	size_t packed, size;
	uint32_t crc;
	uint16_t flags, method;
	bool zip64;
	/* Where they begin in `bytes`. */
	size_t at, content, entry;
};

/* An archive in the making; zeroed to begin. */
struct zip {
	unsigned char bytes[1 << 18];
	size_t n;
	struct zip_entry entries[ZIP_MEMBERS];
	size_t count;
	size_t directory, end64, end; /* where they begin; set by zip_end */
	/* Of what is added next. */
	bool deflate;    /* else stored */
	bool descriptor; /* sizes behind the content, as PyTorch writes them */
	bool zip64;     /* sizes in extra fields, as Python writes large ones */
	uint16_t flags; /* more of them */
	const char *extra;
	size_t extra_len;
	const char *comment; /* behind the end record; NULL: none */
	bool no_end64;       /* no ZIP64 end record even with `zip64` */
};

void zip_add(struct zip *z, const char *name, const void *bytes, size_t n);
void zip_text(struct zip *z, const char *name, const char *text);
/* Bytes as they are, between or behind members. */
void zip_raw(struct zip *z, const void *bytes, size_t n);
void zip_end(struct zip *z);

/* Write `value` over `n` bytes at `at`, little endian. */
void zip_set(struct zip *z, size_t at, uint64_t value, size_t n);

#endif
