/*
 * deployed_kube.c - which models a cluster is about.
 *
 * Its list is written by whoever may make objects there, so it does not decide
 * what is asked for: URIs of models name their registry, but an image is looked
 * at only where it lies in the place of short names, or in a repository that a
 * URI or the caller names.
 */
#include "use/kube.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/text.h"
#include "mreg/list.h"

#define SLASHES 2 /* of NAMESPACE/KIND/NAME */

/* -- places ---------------------------------------------------------------- */

bool mr_kube_is_ours(const struct mr_kube_run *k, const struct mr_deployment *d)
{
	const char *cluster = k->o->cluster;
	const char *rest = d->workload;
	size_t slashes = 0;
	const char *c;
	size_t n;

	if (cluster) {
		n = strlen(cluster);
		if (strncmp(rest, cluster, n) != 0 || rest[n] != '/')
			return false;
		rest += n + 1;
	}
	for (c = rest; *c; c++)
		slashes += *c == '/';
	if (slashes != SLASHES)
		return false;
	if (k->o->environment)
		return strcmp(d->environment, k->o->environment) == 0;
	n = strcspn(rest, "/");
	return strlen(d->environment) == n &&
	       strncmp(d->environment, rest, n) == 0;
}

int mr_kube_unknown(struct mr_kube_run *k, const char *reference,
		    const char *workload, const char *why,
		    struct mreg_error *err)
{
	struct mreg_kubernetes_result *out = k->out;
	size_t i;

	for (i = 0; i < out->unknown_count; i++)
		if (strcmp(out->unknown[i].reference, reference) == 0 &&
		    strcmp(out->unknown[i].why, why) == 0)
			return 0;
	if (out->unknown_count == k->unknown_cap) {
		size_t cap = 2 * k->unknown_cap + 16;
		struct mreg_kubernetes_unknown *more =
			mr_arena_alloc(k->arena, cap * sizeof(*more));

		if (!more)
			return mr_fail_nomem(err);
		if (out->unknown_count)
			memcpy(more, out->unknown,
			       out->unknown_count * sizeof(*more));
		out->unknown = more;
		k->unknown_cap = cap;
	}
	out->unknown[out->unknown_count++] = (struct mreg_kubernetes_unknown){
		.reference = mr_arena_strdup(k->arena, reference),
		.workload = mr_arena_strdup(k->arena, workload),
		.why = mr_arena_strdup(k->arena, why),
	};
	return mr_result_check(k->arena, err);
}

bool mr_kube_is_fatal(int rc)
{
	return rc == MREG_ENOMEM || rc == MREG_ECANCELED;
}

/* -- models ---------------------------------------------------------------- */

/* Those that URIs name, and the caller's; else all of the place. */
static int list_models(struct mr_kube_run *k, struct mr_list *out,
		       struct mreg_error *err)
{
	struct mreg_models_result models = { .count = 0 };
	struct mreg_error no = MREG_ERROR_INIT;
	const char *const *names = k->o->names.items;
	size_t n = k->o->names.n;
	size_t i;
	int rc = 0;

	if (!n) {
		rc = mreg_models(k->m, NULL, &models, &no);
		if (rc < 0 && mr_kube_is_fatal(rc)) {
			*err = no;
			return rc;
		}
		if (rc < 0)
			mr_log(&k->m->env, MREG_LOG_WARN,
			       "models that the cluster has no more may be "
			       "overlooked: %s",
			       no.msg);
		names = models.names;
		n = models.count;
		rc = 0;
	}
	for (i = 0; rc >= 0 && i < n; i++) {
		struct mreg_ref ref;
		char text[MREG_REF_TEXT];

		rc = mr_target_parse(k->m, names[i], &ref, err);
		if (rc >= 0)
			rc = mr_list_add(out, mr_target_name(k->m, &ref, text),
					 err);
	}
	mreg_models_result_release(&models);
	for (i = 0; rc >= 0 && i < k->count; i++)
		if (k->sites[i].found->scheme)
			rc = mr_list_add(out, k->sites[i].name, err);
	mr_list_sort(out);
	return rc;
}

/* Below the place of short names. */
static bool is_below(const struct mr_kube_run *k, const struct mreg_ref *ref)
{
	const char *prefix = mr_setting(k->m, "registry");
	size_t host = strlen(ref->host);

	if (!prefix[0] || !host || strncmp(prefix, ref->host, host) != 0)
		return false;
	prefix += host;
	if (!*prefix)
		return true;
	return *prefix == '/' && mr_text_starts(ref->repository, prefix + 1) &&
	       ref->repository[strlen(prefix + 1)] == '/';
}

/* Images that are no models of ours are left out; their repositories are
 * looked at where they lie below the place.  Sites are sorted, so each
 * repository is asked for once. */
static int choose_images(struct mr_kube_run *k, struct mr_list *models,
			 struct mreg_error *err)
{
	const char *last = "";
	bool wanted = false;
	size_t kept = 0;
	size_t i;
	int rc = 0;

	for (i = 0; rc >= 0 && i < k->count; i++) {
		const struct mr_kube_site *s = &k->sites[i];

		if (strcmp(s->name, last) != 0) {
			bool listed = mr_list_has(models, s->name);

			wanted = listed || is_below(k, &s->ref);
			if (wanted && !listed)
				rc = mr_list_add(models, s->name, err);
			last = s->name;
		}
		if (wanted)
			k->sites[kept++] = *s;
	}
	k->count = kept;
	mr_list_sort(models);
	return rc;
}

static int look_at_models(struct mr_kube_run *k, const struct mr_list *models,
			  struct mreg_error *err)
{
	size_t at = 0;
	size_t i;
	int rc = 0;

	for (i = 0; rc >= 0 && i < models->n; i++) {
		const char *name = models->items[i];
		size_t first;

		if (i > 0 && strcmp(models->items[i - 1], name) == 0)
			continue;
		while (at < k->count && strcmp(k->sites[at].name, name) < 0)
			at++;
		for (first = at;
		     at < k->count && strcmp(k->sites[at].name, name) == 0;)
			at++;
		name = mr_arena_strdup(k->arena, name);
		rc = name ? mr_kube_model(k, name, k->sites + first, at - first,
					  err)
			  : mr_fail_nomem(err);
	}
	return rc;
}

/* -- all of it ------------------------------------------------------------- */

static int check_opts(const struct mreg_kubernetes_opts *o,
		      struct mreg_error *err)
{
	int rc = mr_event_check("environment", o->environment,
				MR_EVENT_NAME_MAX_BYTES, err);

	if (rc >= 0)
		rc = mr_event_check("cluster", o->cluster,
				    MR_EVENT_NAME_MAX_BYTES, err);
	if (rc >= 0 && o->cluster && strchr(o->cluster, '/')) {
		(void)mr_fail(err, MREG_EUSAGE,
			      "the name of a cluster has no '/'");
		return mr_hint(err, "name it as you like: prod-eu");
	}
	return rc;
}

static int run(struct mr_kube_run *k, struct mreg_error *err)
{
	MR_AUTO(mr_arena_freep)
	struct mr_arena *a = mr_arena_new(MR_KUBE_ARENA_BYTES);
	MR_AUTO(mr_list_release) struct mr_list models = { .n = 0 };
	int rc = a ? check_opts(k->o, err) : mr_fail_nomem(err);

	if (rc >= 0)
		rc = mr_kube_sites(k, a, err);
	if (rc >= 0)
		rc = list_models(k, &models, err);
	if (rc >= 0)
		rc = choose_images(k, &models, err);
	if (rc < 0)
		return rc;
	rc = look_at_models(k, &models, err);
	if (rc < 0 && k->out->changed)
		return mr_wrap(err, "%zu changes were written before",
			       k->out->changed);
	return rc;
}

int mreg_deployed_kubernetes(struct mreg *m,
			     const struct mreg_kubernetes_opts *given,
			     struct mreg_kubernetes_result *out,
			     struct mreg_error *err)
{
	struct mr_kube_run k = { .m = m, .out = out };
	struct mreg_kubernetes_opts o;
	int rc;

	memset(out, 0, sizeof(*out));
	mr_opts_take(&o, sizeof(o), given, given->size);
	k.o = &o;
	rc = mr_result_arena(&k.arena, err);
	if (rc < 0)
		return rc;
	out->owner = k.arena;
	rc = run(&k, err);
	if (rc >= 0) {
		out->dry_run = o.dry_run;
		if (out->count > 1)
			qsort(out->rows, out->count, sizeof(*out->rows),
			      mr_deploy_compare);
		rc = mr_result_check(k.arena, err);
	}
	if (rc < 0)
		mreg_kubernetes_result_release(out);
	return rc;
}

void mreg_kubernetes_result_release(struct mreg_kubernetes_result *r)
{
	mr_arena_free(r->owner);
	memset(r, 0, sizeof(*r));
}
