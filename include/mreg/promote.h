/*
 * mreg/promote.h - an alias moved through its gates.
 */
#ifndef MREG_PROMOTE_H
#define MREG_PROMOTE_H

#include "mreg/alias.h"
#include "mreg/policy.h"

#ifdef __cplusplus
extern "C" {
#endif

struct mreg_promote_opts {
	size_t size; /* sizeof this struct; set by MREG_PROMOTE_OPTS_INIT */
	const char *expect;         /* as of mreg_alias_opts */
	const char *reason;         /* kept in the log; NULL: none */
	struct mreg_texts policies; /* files with further rules */
	bool dry_run;               /* judge, move nothing */
};
#define MREG_PROMOTE_OPTS_INIT                                                 \
	{                                                                      \
		.size = sizeof(struct mreg_promote_opts)                       \
	}

struct mreg_promote_result {
	struct mreg_alias_result move; /* what came of it */
	bool judged;                   /* false: the log has it there already */
	/* Of the log, that it was judged by, which the event names; NONE: none
	 * is in force. */
	struct mreg_digest policy;
	struct mreg_policy_source *sources; /* all it was judged by */
	size_t source_count;
	uint64_t checked; /* rules that were asked */
	bool gated;       /* the alias has gates, which were asked too */
	/* Rules that hold for want of what they compare with. */
	const struct mreg_policy_finding *uncompared;
	size_t uncompared_count;
};

/*
 * Point `alias` at the version `ref` if the policy in force has nothing
 * against it, its general rules and the gates of that alias: else MREG_EPOLICY,
 * with every rule that fails in mreg_policy_refusal, and nothing is moved.
 * Where there is no policy, or no gate, it moves.  What the alias has already
 * is not judged again.
 *
 * MREG_ECONFLICT: the version is archived or removed; the alias is not what was
 * expected, or, where it has gates, not any more what it was judged against.
 */
MREG_API int mreg_promote(struct mreg *m, const char *ref, const char *alias,
			  const struct mreg_promote_opts *o,
			  struct mreg_promote_result *out,
			  struct mreg_error *err);
MREG_API void mreg_promote_result_release(struct mreg_promote_result *r);

#ifdef __cplusplus
}
#endif

#endif
