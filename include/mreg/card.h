/*
 * mreg/card.h - what a version is, for people to read: its README, a model card
 * attached to it, or what its metadata says.
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
	const char *path;        /* the README, or the name of the attached
				  * card's file; NULL: made of the metadata */
	bool attached;           /* it is an attached card */
	struct mreg_digest file; /* of that file; none: made */
	const char *bytes;       /* the file as it is */
	size_t len;
	/* Valid UTF-8, lines that end in '\n', without front matter. */
	const char *text;
	const char *front_matter; /* between its "---" lines; NULL: none */
	void *owner;
};

/*
 * The README (README.md, README, MODEL_CARD.md, ... in the version's top
 * folder), verified; else the newest attached document of the type model-card
 * that is a text, verified; else a card in Markdown made of the metadata.  What
 * is attached cannot be told: a warning.  MREG_ELIMIT for a file above 1 MiB.
 */
MREG_API int mreg_card(struct mreg *m, const char *ref,
		       struct mreg_card_result *out, struct mreg_error *err);
MREG_API void mreg_card_result_release(struct mreg_card_result *r);

#ifdef __cplusplus
}
#endif

#endif
