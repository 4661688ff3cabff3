/*
 * error.c - what each error code means, and how an error is filled in.
 *
 * Every text that gets into an error passes mr_text_safe here, so nothing a
 * server, a file name or a user said can forge a second line or move a
 * cursor, even where a caller forgot.
 */
#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

/* Longer than any field of an error: a text cut here is cut again, visibly,
 * when it is copied into its field. */
#define DRAFT_BYTES 1024

struct code {
	enum mreg_code code;
	const char *name;
	int exit;
	int retry;
};

static const struct code codes[] = {
	{ MREG_OK, "ok", 0, 0 },
	{ MREG_EUSAGE, "usage", 2, 0 },
	{ MREG_ENOTFOUND, "not_found", 3, 0 },
	{ MREG_ECONFLICT, "conflict", 4, 0 },
	{ MREG_EAUTH, "unauthenticated", 5, 0 },
	{ MREG_EDENIED, "denied", 5, 0 },
	{ MREG_EINTEGRITY, "integrity", 6, 0 },
	{ MREG_EPOLICY, "policy", 7, 0 },
	{ MREG_ENETWORK, "network", 8, 1 },
	{ MREG_EREMOTE, "remote", 8, 1 },
	{ MREG_EUNSUPPORTED, "unsupported", 9, 0 },
	{ MREG_EFORMAT, "format", 1, 0 },
	{ MREG_ELIMIT, "limit", 1, 0 },
	{ MREG_EIO, "io", 1, 0 },
	{ MREG_EDB, "database", 1, 0 },
	{ MREG_ENOMEM, "no_memory", 1, 0 },
	{ MREG_EINTERNAL, "internal", 1, 0 },
	{ MREG_ECANCELED, "canceled", 130, 0 },
};

static const struct code *find(enum mreg_code code)
{
	static const struct code unknown = { MREG_EINTERNAL, "internal", 1, 0 };
	size_t i;

	for (i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		if (codes[i].code == code)
			return &codes[i];
	return &unknown;
}

/* Fill the message, forget hint and cause.  The arguments may point into
 * *err itself, so the text is complete before anything is overwritten. */
static void put_msg(struct mreg_error *err, enum mreg_code code, int sys,
		    const char *draft)
{
	mr_text_safe(draft, err->msg, sizeof(err->msg));
	err->code = code;
	err->sys = sys;
	err->hint[0] = '\0';
	err->cause[0] = '\0';
}

__attribute__((format(printf, 2, 0))) static void draft_text(
	char out[DRAFT_BYTES], const char *fmt, va_list ap)
{
	if (vsnprintf(out, DRAFT_BYTES, fmt, ap) < 0)
		out[0] = '\0';
}

int mr_fail(struct mreg_error *err, enum mreg_code code, const char *fmt, ...)
{
	char draft[DRAFT_BYTES];
	va_list ap;

	if (!err)
		return code;
	va_start(ap, fmt);
	draft_text(draft, fmt, ap);
	va_end(ap);
	put_msg(err, code, 0, draft);
	return code;
}

static enum mreg_code code_of(int sys)
{
	switch (sys) {
	case ENOENT:
		return MREG_ENOTFOUND;
	case ENOMEM:
		return MREG_ENOMEM;
	default:
		return MREG_EIO;
	}
}

static const char *hint_of(int sys)
{
	switch (sys) {
	case EACCES:
	case EPERM:
		return "check who owns it and its permissions";
	case EROFS:
		return "the file system is mounted read-only; choose another "
		       "place";
	case ENOSPC:
	case EDQUOT:
		return "free some space and run the same command again";
	case EFBIG:
		return "raise the limit of a file's size (ulimit -f), or "
		       "choose a place without it";
	case EMFILE:
	case ENFILE:
		return "raise the limit of open files (ulimit -n)";
	default:
		return "";
	}
}

int mr_fail_sys(struct mreg_error *err, int sys, const char *fmt, ...)
{
	char draft[DRAFT_BYTES];
	char why[128];
	char text[DRAFT_BYTES + 130];
	enum mreg_code code = code_of(sys);
	va_list ap;

	if (!err)
		return code;
	va_start(ap, fmt);
	draft_text(draft, fmt, ap);
	va_end(ap);
	(void)snprintf(text, sizeof(text), "%s: %s", draft,
		       strerror_r(sys, why, sizeof(why)));
	put_msg(err, code, sys, text);
	(void)snprintf(err->hint, sizeof(err->hint), "%s", hint_of(sys));
	return code;
}

int mr_fail_nomem(struct mreg_error *err)
{
	return mr_fail(err, MREG_ENOMEM, "out of memory");
}

int mr_wrap(struct mreg_error *err, const char *fmt, ...)
{
	char draft[DRAFT_BYTES];
	char below[sizeof(err->msg) + sizeof(err->cause) + 2];
	va_list ap;

	if (!err)
		return MREG_EINTERNAL;
	va_start(ap, fmt);
	draft_text(draft, fmt, ap);
	va_end(ap);
	(void)snprintf(below, sizeof(below), "%s%s%s", err->msg,
		       err->msg[0] && err->cause[0] ? "; " : "", err->cause);
	mr_text_safe(below, err->cause, sizeof(err->cause));
	mr_text_safe(draft, err->msg, sizeof(err->msg));
	return err->code;
}

int mr_hint(struct mreg_error *err, const char *fmt, ...)
{
	char draft[DRAFT_BYTES];
	va_list ap;

	if (!err)
		return MREG_EINTERNAL;
	va_start(ap, fmt);
	draft_text(draft, fmt, ap);
	va_end(ap);
	mr_text_safe(draft, err->hint, sizeof(err->hint));
	return err->code;
}

int mr_cause(struct mreg_error *err, const char *fmt, ...)
{
	char draft[DRAFT_BYTES];
	char all[sizeof(err->cause) + DRAFT_BYTES + 2];
	va_list ap;

	if (!err)
		return MREG_EINTERNAL;
	va_start(ap, fmt);
	draft_text(draft, fmt, ap);
	va_end(ap);
	(void)snprintf(all, sizeof(all), "%s%s%s", err->cause,
		       err->cause[0] && draft[0] ? "; " : "", draft);
	mr_text_safe(all, err->cause, sizeof(err->cause));
	return err->code;
}

const char *mr_error_text(const struct mreg_error *err, char out[MR_ERROR_TEXT])
{
	const char *last = err->cause;
	const char *next;

	while ((next = strstr(last, "; ")))
		last = next + 2;
	(void)snprintf(out, MR_ERROR_TEXT, "%s%s%s", err->msg,
		       last[0] ? ": " : "", last);
	return out;
}

const char *mreg_code_name(enum mreg_code code)
{
	return find(code)->name;
}

int mreg_code_exit(enum mreg_code code)
{
	return find(code)->exit;
}

int mreg_code_retry(enum mreg_code code)
{
	return find(code)->retry;
}
