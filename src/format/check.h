/*
 * format/check.h - one check for each format; private to the folder.
 */
#ifndef MR_FORMAT_CHECK_H
#define MR_FORMAT_CHECK_H

#include <stdbool.h>

#include "content/reader.h"

/* `*valid`: whether the header is complete and consistent.  Only reading
 * trouble and lack of memory are errors. */
int mr_safetensors_check(struct mr_reader *r, bool *valid,
			 struct mreg_error *err);
int mr_gguf_check(struct mr_reader *r, bool *valid, struct mreg_error *err);

#endif
