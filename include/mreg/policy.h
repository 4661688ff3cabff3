/*
 * mreg/policy.h - what a model's versions must show: which policy is in force,
 * setting one, and its verdict on a version or on files that are not pushed
 * yet.
 *
 * A policy is enforced by clients (push and promote refuse what it refuses),
 * not by the registry: who writes there without mreg is not stopped.  The
 * language is spec/policy.md.
 */
#ifndef MREG_POLICY_H
#define MREG_POLICY_H

#include "mreg/push.h"

#ifdef __cplusplus
extern "C" {
#endif

struct mreg_policy_rule {
	const char *name; /* "metrics.auc" */
	const char *says; /* ">= 0.8" */
};

/* A document of rules that is in force. */
struct mreg_policy_source {
	const char *where;         /* a repository's name, or a file */
	bool file;                 /* added by the caller */
	struct mreg_digest digest; /* of the policy's manifest; NONE: a file */
	const char *actor;         /* who set it; "" when not told */
	int64_t time_s;            /* when, by that clock; 0: a file */
	const char *document;      /* its canonical JSON */
	struct mreg_policy_rule *rules;
	size_t rule_count;
	const char *kinds; /* of what its rules are asked: "model", "dataset,
			    * prompt"; NULL: of everything */
};

struct mreg_policy_show_result {
	const char *name;
	/* None, or that of the repository (or, where it has none, of
	 * PREFIX/mreg-policy), then the caller's files. */
	struct mreg_policy_source *sources;
	size_t source_count;
	void *owner;
};

/* What is in force for `name`; `files` (NULL: none) have further rules.
 * MREG_ENOTFOUND: the log names a policy that is not there. */
MREG_API int mreg_policy_show(struct mreg *m, const char *name,
			      const struct mreg_texts *files,
			      struct mreg_policy_show_result *out,
			      struct mreg_error *err);
MREG_API void mreg_policy_show_result_release(
	struct mreg_policy_show_result *r);

struct mreg_policy_set_opts {
	size_t size; /* sizeof this struct; set by MREG_POLICY_SET_OPTS_INIT */
	/* Digest of the policy it must have now ("none": it must have none);
	 * MREG_ECONFLICT; NULL: whatever it has. */
	const char *expect;
	bool dry_run;
};
#define MREG_POLICY_SET_OPTS_INIT                                              \
	{                                                                      \
		.size = sizeof(struct mreg_policy_set_opts)                    \
	}

struct mreg_policy_set_result {
	const char *name;
	struct mreg_digest digest; /* of the policy's manifest; NONE: removed */
	struct mreg_digest was;    /* NONE: it had none */
	const char *tag;           /* "mreg.policy.<32 hex>"; NULL: removed */
	struct mreg_policy_rule *rules;
	size_t rule_count;
	bool changed; /* false: it was so already */
	bool dry_run;
	void *owner;
};

/* Give the repository `name` the policy in `file`, JSON or YAML; NULL: take
 * its policy away.  The document first, then the event that names it. */
MREG_API int mreg_policy_set(struct mreg *m, const char *name, const char *file,
			     const struct mreg_policy_set_opts *o,
			     struct mreg_policy_set_result *out,
			     struct mreg_error *err);
MREG_API void mreg_policy_set_result_release(struct mreg_policy_set_result *r);

struct mreg_policy_finding {
	const char *rule;    /* "metrics.auc" */
	const char *problem; /* "metric 'auc' is 0.71, at least 0.8 is asked" */
	const char *mend;    /* what to do about it */
	const char *where;   /* whose rule: as in struct mreg_policy_source */
};

struct mreg_policy_check_result {
	const char *name;
	const char *reference; /* name@digest; NULL: files */
	bool passed;           /* also where no policy is in force */
	const struct mreg_policy_finding *findings;
	size_t finding_count;
	uint64_t checked;  /* rules looked at */
	uint64_t deferred; /* rules on what is attached to a version, which
			    * files do not have yet */
	/* Bounds that hold because what they compare with is not there: the
	 * alias has no version yet, or no such metric, or is misspelled in the
	 * policy.  Counted in `checked`, no findings. */
	const struct mreg_policy_finding *uncompared;
	size_t uncompared_count;
	struct mreg_policy_source *sources;
	size_t source_count;
	const char *facts; /* JSON (spec/policy-facts.schema.json) */
	uint64_t number;   /* of the version; 0: not known, or files */
	void *owner;
};

struct mreg_policy_check_opts {
	size_t size; /* sizeof this struct; set by MREG_POLICY_CHECK_OPTS_INIT
		      */
	struct mreg_texts files; /* further rules */
	bool facts; /* gather all facts, not only those rules need */
};
#define MREG_POLICY_CHECK_OPTS_INIT                                            \
	{                                                                      \
		.size = sizeof(struct mreg_policy_check_opts)                  \
	}

/* The verdict on the version `ref`.  A refusal is no error. */
MREG_API int mreg_policy_check(struct mreg *m, const char *ref,
			       const struct mreg_policy_check_opts *o,
			       struct mreg_policy_check_result *out,
			       struct mreg_error *err);
/* What a push of `paths` to `ref` with the options `push` would be told;
 * nothing is sent. */
MREG_API int mreg_policy_check_files(struct mreg *m, const char *const *paths,
				     size_t path_count, const char *ref,
				     const struct mreg_push_opts *push,
				     const struct mreg_policy_check_opts *o,
				     struct mreg_policy_check_result *out,
				     struct mreg_error *err);
MREG_API void mreg_policy_check_result_release(
	struct mreg_policy_check_result *r);

/* All rules that failed when a call in this session last ended with
 * MREG_EPOLICY, of which an error has room for a few; NULL and 0 before the
 * first.  Borrowed, until the next such call or mreg_close. */
MREG_API const struct mreg_policy_finding *mreg_policy_refusal(
	const struct mreg *m, size_t *count);

#ifdef __cplusplus
}
#endif

#endif
