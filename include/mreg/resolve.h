/*
 * mreg/resolve.h - what a reference points at now.
 */
#ifndef MREG_RESOLVE_H
#define MREG_RESOLVE_H

#include "mreg/session.h"

#ifdef __cplusplus
extern "C" {
#endif

struct mreg_resolve_opts {
	size_t size; /* sizeof this struct; set by MREG_RESOLVE_OPTS_INIT */
	/* Only what the policy in force has nothing against, an alias only
	 * where its gates are met and its tag is what the log says:
	 * MREG_EPOLICY, also where there is no policy.  Reads the log. */
	bool require_policy;
};
#define MREG_RESOLVE_OPTS_INIT                                                 \
	{                                                                      \
		.size = sizeof(struct mreg_resolve_opts)                       \
	}

struct mreg_resolve_result {
	const char *name;      /* "ghcr.io/acme/churn" */
	const char *reference; /* name@digest */
	const char *tag;       /* as asked for, "latest" when none; NULL when
				* by digest */
	uint64_t number;       /* when the tag is v<N>; else 0 */
	struct mreg_desc desc; /* media type, digest, size of the manifest */
	void *owner;
};

/* One HEAD request, where no policy is required.  MREG_ENOTFOUND says whether
 * repository or tag is missing and names the nearest tag. */
MREG_API int mreg_resolve(struct mreg *m, const char *ref,
			  const struct mreg_resolve_opts *o,
			  struct mreg_resolve_result *out,
			  struct mreg_error *err);
MREG_API void mreg_resolve_result_release(struct mreg_resolve_result *r);

#ifdef __cplusplus
}
#endif

#endif
