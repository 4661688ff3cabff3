/*
 * base/error.h - raising and wrapping errors.
 *
 * Raise once, where the trouble is noticed (mr_fail); wrap only to add a
 * subject the lower floor could not know (mr_wrap).  All return the code, so
 * `return mr_fail(...)` reads well.  `err` may be NULL where a caller wants
 * only the code; mr_wrap, mr_hint and mr_cause then cannot know it and return
 * MREG_EINTERNAL, so keep `rc` yourself there.
 *
 * Texts are made safe (mr_text_safe) on their way in.
 */
#ifndef MR_BASE_ERROR_H
#define MR_BASE_ERROR_H

#include "mreg/error.h"

/* Fill *err with `code` and the formatted message; clears hint and cause. */
int mr_fail(struct mreg_error *err, enum mreg_code code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* As mr_fail, for a failed system call: appends ": " and strerror(sys), keeps
 * `sys`, and chooses the code: ENOENT -> MREG_ENOTFOUND, EACCES/EPERM/EROFS ->
 * MREG_EIO with a hint, ENOSPC/EDQUOT -> MREG_EIO with a hint, ENOMEM ->
 * MREG_ENOMEM, else MREG_EIO. */
int mr_fail_sys(struct mreg_error *err, int sys, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* MREG_ENOMEM with its fixed message. */
int mr_fail_nomem(struct mreg_error *err);

/*
 * Put a new message in front: the old one moves to the head of `cause`
 * ("old message; older cause").  Code, sys and hint stay.  Returns the code.
 */
int mr_wrap(struct mreg_error *err, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Set the hint; returns the code, so it can end a `return`. */
int mr_hint(struct mreg_error *err, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Append "; text" to cause (what a server or helper said, made safe). */
int mr_cause(struct mreg_error *err, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* What failed and, behind a colon, the reason at the bottom of it; without
 * the steps between.  Returns `out`. */
#define MR_ERROR_TEXT 800
const char *mr_error_text(const struct mreg_error *err,
			  char out[MR_ERROR_TEXT]);

#endif
