/*
 * repo/given.h - small files that a user names to say something with; a part of
 * the door repo/repo.h, which includes it.
 */
#ifndef MR_REPO_GIVEN_H
#define MR_REPO_GIVEN_H

#include "base/buf.h"
#include "mreg/error.h"

/* As mr_file_load; `what` is in messages: "policy file".  Of "-" the hint says
 * how standard input is named. */
int mr_given_load(const char *path, const char *what, struct mr_buf *out,
		  struct mreg_error *err);

#endif
