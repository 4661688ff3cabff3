/*
 * profile/platforms.h - which platforms an image is for, and what is below the
 * model on each.  Private to the folder.
 */
#ifndef MR_PROFILE_PLATFORMS_H
#define MR_PROFILE_PLATFORMS_H

#include <stdbool.h>
#include <stddef.h>

#include "profile/inside.h"

/* Fill p->platforms, sorted: those asked for, else all there is a shell, or a
 * base, for. */
int mr_image_platforms(struct mr_profile *p, struct mreg_error *err);

/* "N[:G]" as asked for, checked; NULL in `*out`: none.  MREG_EUSAGE. */
int mr_image_user(struct mr_profile *p, const char **out,
		  struct mreg_error *err);

/* Whether it may name an os, an architecture or a variant: short, and safe in
 * any text. */
bool mr_image_is_word(const char *s, size_t n);

/* "linux/arm64" or "linux/arm64/v8" into `out`, which is returned. */
#define MR_IMAGE_PLATFORM_TEXT 100 /* three words, with what is between */
const char *mr_image_platform_text(const struct mr_image_platform *at,
				   char out[MR_IMAGE_PLATFORM_TEXT]);

#endif
