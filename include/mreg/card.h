/*
 * mreg/card.h - what a version is, for people to read: its README, or what its
 * metadata says.
 */
#ifndef MREG_CARD_H
#define MREG_CARD_H

#include "mreg/types.h"

#ifdef __cplusplus
extern "C" {
#endif

struct mreg;

struct mreg_card_result {
	const char *name;
	const char *reference; /* name@digest */
	const char *tag;       /* as asked for; NULL when by digest */
	uint64_t number;       /* 0: not known */
	struct mreg_digest digest;
	const char *path;        /* the README; NULL: made of the metadata */
	struct mreg_digest file; /* of the README; none: made */
	const char *bytes;       /* the README as it is */
	size_t len;
	/* Valid UTF-8, lines that end in '\n', without front matter. */
	const char *text;
	const char *front_matter; /* between its "---" lines; NULL: none */
	void *owner;
};

/*
 * The README (README.md, README, MODEL_CARD.md, ... in the version's top
 * folder), verified; else a card in Markdown made of the metadata.
 * MREG_ELIMIT for a README above 1 MiB.
 */
MREG_API int mreg_card(struct mreg *m, const char *ref,
		       struct mreg_card_result *out, struct mreg_error *err);
MREG_API void mreg_card_result_release(struct mreg_card_result *r);

#ifdef __cplusplus
}
#endif

#endif
