/*
 * mreg/deploy.h - what runs where: told by hand, or read from what kubectl
 * prints; and asked both ways.
 *
 * A place is an environment ("prod") and a workload in it ("scoring-api", ""
 * where it does not matter).  What runs there is an event of the model's log
 * (spec/events.md).  It is what somebody said, not what a server looked at.
 */
#ifndef MREG_DEPLOY_H
#define MREG_DEPLOY_H

#include "mreg/push.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A version at a place. */
struct mreg_deployment {
	const char *name; /* of the model */
	const char *environment;
	const char *workload;       /* "": not told */
	struct mreg_digest version; /* NONE: nothing runs there any more */
	uint64_t number;            /* of it; 0: not known */
	struct mreg_digest was;     /* before; NONE: nothing */
	uint64_t was_number;
	int64_t since_s; /* by the clock of who said so */
	const char *actor;
	const char *reason;       /* NULL: none */
	struct mreg_digest event; /* that says so; NONE: none was needed, or a
				   * dry run */
};

struct mreg_deployed_opts {
	size_t size; /* sizeof this struct; set by MREG_DEPLOYED_OPTS_INIT */
	const char *environment; /* has to be there */
	const char *workload;    /* NULL: not told */
	const char *reason;
	bool none; /* nothing of this model runs there any more; `ref` is the
		    * model */
	bool dry_run;
};
#define MREG_DEPLOYED_OPTS_INIT                                                \
	{                                                                      \
		.size = sizeof(struct mreg_deployed_opts)                      \
	}

struct mreg_deployed_result {
	struct mreg_deployment at;
	bool changed; /* false: it was so already */
	bool dry_run;
	void *owner;
};

/* Say that the version `ref` runs at a place from now on.  A container image
 * made of a version (org.mreg.derived-from.digest) stands for it. */
MREG_API int mreg_deployed(struct mreg *m, const char *ref,
			   const struct mreg_deployed_opts *o,
			   struct mreg_deployed_result *out,
			   struct mreg_error *err);
MREG_API void mreg_deployed_result_release(struct mreg_deployed_result *r);

struct mreg_deployments_result {
	/* By model, environment and workload. */
	struct mreg_deployment *rows;
	size_t count;
	/* Models whose log could not be read, and why. */
	const struct mreg_pair *unread;
	size_t unread_count;
	int64_t synced_s; /* some are from the index; when the oldest was read;
			   * 0: all just now */
	void *owner;
};

/* Where the version `ref` runs; of a model alone, where any of its versions
 * does. */
MREG_API int mreg_where(struct mreg *m, const char *ref,
			struct mreg_deployments_result *out,
			struct mreg_error *err);
/* What runs in `environment` (NULL: in each), of the models `names`; none of
 * them: of all the place has, as mreg_models finds them. */
MREG_API int mreg_what(struct mreg *m, const char *environment,
		       const struct mreg_texts *names,
		       struct mreg_deployments_result *out,
		       struct mreg_error *err);
MREG_API void mreg_deployments_result_release(
	struct mreg_deployments_result *r);

/* -- from Kubernetes ------------------------------------------------------- */

struct mreg_kubernetes_opts {
	size_t size; /* sizeof this struct; set by MREG_KUBERNETES_OPTS_INIT */
	const char *from; /* file with what `kubectl get isvc,pods -A -o json`
			   * prints; has to be there */
	/* All of it is this environment; NULL: each namespace is one, by its
	 * name. */
	const char *environment;
	const char *cluster; /* goes before each workload; NULL: nothing */
	/* Models that are looked at too; none: all the place has, as
	 * mreg_models finds them. */
	struct mreg_texts names;
	bool partial; /* it is not everything: what is not in it stays */
	bool dry_run;
};
#define MREG_KUBERNETES_OPTS_INIT                                              \
	{                                                                      \
		.size = sizeof(struct mreg_kubernetes_opts)                    \
	}

/* What was found and is no version that is known. */
struct mreg_kubernetes_unknown {
	const char *reference; /* as it is in the cluster */
	const char *workload;  /* the first that has it */
	const char *why;
};

struct mreg_kubernetes_result {
	/* What changed, and what is as it was; by model, environment and
	 * workload.  `was` and `version` are equal for the latter. */
	struct mreg_deployment *rows;
	size_t count;
	size_t changed; /* of them: events written, or that would be */
	struct mreg_kubernetes_unknown *unknown;
	size_t unknown_count;
	uint64_t objects; /* looked at */
	bool dry_run;
	void *owner;
};

/*
 * Make the logs of models say what a cluster runs.  A workload is
 * [CLUSTER/]NAMESPACE/KIND/NAME of what made the pods: an inferenceservice, a
 * deployment.  MREG_EFORMAT: it is not what kubectl prints, or not all of it.
 */
MREG_API int mreg_deployed_kubernetes(struct mreg *m,
				      const struct mreg_kubernetes_opts *o,
				      struct mreg_kubernetes_result *out,
				      struct mreg_error *err);
MREG_API void mreg_kubernetes_result_release(struct mreg_kubernetes_result *r);

#ifdef __cplusplus
}
#endif

#endif
