/*
 * use/kube.h - what a cluster runs, model by model; private to the folder.
 */
#ifndef MR_USE_KUBE_H
#define MR_USE_KUBE_H

#include "document/document.h"
#include "use/deploy.h"

/* A reference of the cluster. */
struct mr_kube_site {
	const struct mr_kube_ref *found; /* as it is there; borrowed */
	const char *environment, *workload;
	struct mreg_ref ref; /* complete */
	const char *name;    /* of its repository, as results show it */
	bool actual;         /* a pod says so; else it is what is wanted */
	struct mreg_digest version; /* NONE: not known */
};

struct mr_kube_run {
	struct mreg *m;
	const struct mreg_kubernetes_opts *o;
	struct mr_arena *arena;
	struct mreg_kubernetes_result *out;
	struct mr_kube_site *sites; /* by name, environment, workload */
	size_t count;
	size_t row_cap, unknown_cap;
};

/* deployed_kube_sites.c: read the list into `k->sites`, which borrow from
 * `a`. */
int mr_kube_sites(struct mr_kube_run *k, struct mr_arena *a,
		  struct mreg_error *err);
/* Tell of a reference that is no version.  `why` is copied. */
int mr_kube_unknown(struct mr_kube_run *k, const char *reference,
		    const char *workload, const char *why,
		    struct mreg_error *err);
/* Whether all ends with it; other troubles of one model are told of. */
bool mr_kube_is_fatal(int rc);
/* Whether a workload's name is of the kind that these have, of this
 * environment where each namespace is one. */
bool mr_kube_is_ours(const struct mr_kube_run *k,
		     const struct mr_deployment *d);
/* One model, `n` sites of it: find their versions, write what changed. */
int mr_kube_model(struct mr_kube_run *k, const char *name,
		  struct mr_kube_site *sites, size_t n, struct mreg_error *err);

#endif
