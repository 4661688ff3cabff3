/*
 * profile/base_read.h - documents of another image to the platform that they
 * are of; nothing is fetched.  Private to the folder.
 */
#ifndef MR_PROFILE_BASE_READ_H
#define MR_PROFILE_BASE_READ_H

#include <stddef.h>

#include "profile/document.h"

/* `base` is its reference as it was given, here as below: for messages. */
int mr_image_base_fail(const char *base, const char *why,
		       struct mreg_error *err);

/* Its layers, under OCI's names for them, into `at`; in the arena.
 * MREG_EUNSUPPORTED: it is no image, or a layer is none that can be taken. */
int mr_image_base_layers(const char *base, const struct mr_manifest *m,
			 struct mr_arena *a, struct mr_image_platform *at,
			 struct mreg_error *err);

/* After that: the config, `len` bytes, of as many layers; a variant that `at`
 * has stays.  MREG_EUNSUPPORTED, MREG_EFORMAT, MREG_ELIMIT. */
int mr_image_base_config(const char *base, const void *bytes, size_t len,
			 struct mr_arena *a, struct mr_image_platform *at,
			 struct mreg_error *err);

#endif
