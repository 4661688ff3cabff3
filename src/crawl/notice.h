/*
 * crawl/notice.h - what registries send when something happened there, as
 * hints to look: notice.c takes a document apart, notice_shapes.c knows the
 * shapes (protocol.md 3.4).
 *
 * Nothing in a notice is believed: it says which repository may be worth a
 * look, and whoever looks asks the registry.
 */
#ifndef MR_CRAWL_NOTICE_H
#define MR_CRAWL_NOTICE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "mreg/error.h"

/* All of a document; larger ones are refused. */
#define MR_NOTICES_MAX_BYTES (4u << 20)
/* An id that is longer is none: nobody sends such, and it would be kept. */
#define MR_NOTICE_ID_MAX_BYTES 200

struct mr_notice {
	const char *source; /* "harbor" */
	const char *id;     /* of the notice; NULL: it has none */
	const char *host;   /* HOST[:PORT] as told; NULL: not told */
	const char *repository;
	/* It is known, and no reason to look: a pull, a blob, a scan. */
	bool idle;
};

struct mr_notices {
	struct mr_arena *arena; /* owned */
	struct mr_notice *items;
	size_t count, cap;
	uint64_t unknown;    /* documents that are no notice that is known */
	uint64_t unknown_at; /* the first of them, from 1; 0: none */
};
void mr_notices_release(struct mr_notices *n); /* for MR_AUTO too */

/*
 * Read `n` bytes: a document, an array of them, an envelope with many, or a
 * document in each line.  `source` NULL: any that is known.  MREG_ELIMIT;
 * MREG_EFORMAT: there is no JSON in it at all.
 */
int mr_notices_read(const char *bytes, size_t n, const char *source,
		    struct mr_notices *out, struct mreg_error *err);
/* Whether a source has this name; the names: "distribution, harbor, ...". */
bool mr_notice_is_source(const char *name);
extern const char mr_notice_sources[];

/* -- notice_shapes.c ------------------------------------------------------- */

/* What one document says; texts of `doc`, or in the arena.  False: it is no
 * notice of `source` (NULL: of none that is known). */
bool mr_notice_take(const json_t *doc, const char *source, struct mr_arena *a,
		    struct mr_notice *out);

#endif
