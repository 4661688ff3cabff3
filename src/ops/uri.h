/*
 * ops/uri.h - mreg:// URIs, as storage initializers are given them; private to
 * the folder.
 */
#ifndef MR_OPS_URI_H
#define MR_OPS_URI_H

#include <stddef.h>

#include "base/arena.h"
#include "mreg/error.h"

#define MR_URI_GLOBS_MAX 100

/* Texts are in the arena. */
struct mr_uri {
	const char *ref;   /* as all commands take it; not parsed yet */
	const char *below; /* a folder of the version; NULL: all of it */
	const char *globs[MR_URI_GLOBS_MAX];
	size_t glob_count;
};

/*
 * mreg://REF[?path=DIR&files=GLOB...], values with %XX.  MREG_EUSAGE: it is
 * none, or names http://, a folder of this machine, or what is outside of the
 * version.  A password is never in the message.
 */
int mr_uri_parse(struct mr_arena *a, const char *text, struct mr_uri *out,
		 struct mreg_error *err);

#endif
