/*
 * mreg/resolve.h - what a reference points at now.
 */
#ifndef MREG_RESOLVE_H
#define MREG_RESOLVE_H

#include "mreg/session.h"

#ifdef __cplusplus
extern "C" {
#endif

struct mreg_resolve_result {
	const char *name;      /* "ghcr.io/acme/churn" */
	const char *reference; /* name@digest */
	const char *tag;       /* as asked for, "latest" when none; NULL when
				* by digest */
	uint64_t number;       /* when the tag is v<N>; else 0 */
	struct mreg_desc desc; /* media type, digest, size of the manifest */
	void *owner;
};

/* One HEAD request.  MREG_ENOTFOUND says whether repository or tag is
 * missing and names the nearest tag. */
MREG_API int mreg_resolve(struct mreg *m, const char *ref,
			  struct mreg_resolve_result *out,
			  struct mreg_error *err);
MREG_API void mreg_resolve_result_release(struct mreg_resolve_result *r);

#ifdef __cplusplus
}
#endif

#endif
