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
	/* Only what is named by its digest: MREG_EPOLICY.  Both are asked for
	 * by the settings require.policy and require.digest too. */
	bool require_digest;
	/* What is rendered (mreg/render.h) needs more than a digest: reads the
	 * manifest, and where no v<N> was named the log; of an alias also how
	 * it is split. */
	bool serve;
	/* With `serve`: the image of the version too, v<N>-image.
	 * MREG_ENOTFOUND when there is none; MREG_EUNSUPPORTED in a local
	 * store, from which no cluster takes anything. */
	bool image;
};
#define MREG_RESOLVE_OPTS_INIT                                                 \
	{                                                                      \
		.size = sizeof(struct mreg_resolve_opts)                       \
	}

/* A version as what serves it names it, and what it is. */
struct mreg_served {
	uint64_t number;           /* 0: it has none, or none is known */
	struct mreg_digest digest; /* of the version */
	struct mreg_digest image;  /* of its image; NONE: not asked for */
	/* Of its metadata; NULL where not told. */
	const char *format, *family, *flavors;
};

/* A version's share of an alias's traffic (mreg/split.h). */
struct mreg_served_share {
	unsigned int weight; /* per cent */
	bool stable;         /* it is the alias's own */
	struct mreg_served served;
};

struct mreg_resolve_result {
	const char *name;      /* "ghcr.io/acme/churn" */
	const char *reference; /* name@digest */
	const char *tag;       /* as asked for, "latest" when none; NULL when
				* by digest */
	uint64_t number;       /* when the tag is v<N>; else 0 */
	struct mreg_desc desc; /* media type, digest, size of the manifest */
	bool is_served;        /* by `serve`: */
	struct mreg_served served;
	void *owner;
	/* By `serve`, of an alias that is split: the alias's own first.  None
	 * where its tag is not what the log says. */
	const struct mreg_served_share *shares;
	size_t share_count;
};

/* One HEAD request, where nothing more is asked for.  MREG_ENOTFOUND says
 * whether repository or tag is missing and names the nearest tag. */
MREG_API int mreg_resolve(struct mreg *m, const char *ref,
			  const struct mreg_resolve_opts *o,
			  struct mreg_resolve_result *out,
			  struct mreg_error *err);
MREG_API void mreg_resolve_result_release(struct mreg_resolve_result *r);

#ifdef __cplusplus
}
#endif

#endif
