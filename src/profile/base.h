/*
 * profile/base.h - another image whose files lie below the model's.  Private to
 * the folder.
 */
#ifndef MR_PROFILE_BASE_H
#define MR_PROFILE_BASE_H

#include "profile/inside.h"

struct mr_image_base {
	struct mreg_ref ref;
	struct mr_store *s;      /* owned */
	struct mr_manifest *top; /* owned; what the reference names */
};
void mr_image_base_close(struct mr_image_base *b); /* NULL does nothing */

/*
 * Open the base that was asked for into p->base, and fill p->platforms with
 * those it has, or those of them that were asked for (parsed already), sorted;
 * and p->below with its layers.  Layers are taken as they are.
 * MREG_EUNSUPPORTED: no image, or of no such platform; MREG_EFORMAT,
 * MREG_ENOTFOUND.
 */
int mr_image_base_take(struct mr_profile *p,
		       const struct mr_image_platform *asked,
		       size_t asked_count, struct mreg_error *err);

/* Two annotations that name it; in the arena.  Returns how many: 0 without. */
size_t mr_image_base_notes(const struct mr_profile *p, struct mreg_pair out[2]);

/* Bring its layers into the repository: taken over there, else copied. */
int mr_image_base_send(struct mr_profile *p, struct mreg_error *err);

#endif
