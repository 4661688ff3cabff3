/*
 * repo/given.h - what a user gives: small files to say something with, times; a
 * part of the door repo/repo.h, which includes it.
 */
#ifndef MR_REPO_GIVEN_H
#define MR_REPO_GIVEN_H

#include <stdint.h>

#include "base/buf.h"
#include "mreg/error.h"

/* As mr_file_load; `what` is in messages: "policy file".  Of "-" the hint says
 * how standard input is named. */
int mr_given_load(const char *path, const char *what, struct mr_buf *out,
		  struct mreg_error *err);

/* As mr_text_moment_parse.  MREG_EUSAGE. */
int mr_given_time(const char *text, int64_t *out_s, struct mreg_error *err);

#endif
