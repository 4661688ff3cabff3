/*
 * deployed_kube_model.c - the sites of one model in a cluster, and its log.
 *
 * Rules
 * 1. Where a pod says what a workload runs of a model, what is wanted there
 *    does not count: the pods come after it.
 * 2. A workload that has several versions of one model, in a rollout or for
 *    good, is several places: the one that the log has there already keeps
 *    the name (else the one with the smallest digest), the others are called
 *    WORKLOAD@<12 hex of the digest>.
 */
#include "use/kube.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "content/digest.h"

#define HEX_SHOWN 12
#define ALGORITHM "sha256:"

/* -- versions -------------------------------------------------------------- */

/* What the reference has; why not in `why`, "" when it is a version. */
static int resolve(struct mr_about *a, struct mr_kube_site *s,
		   char why[MR_ERROR_TEXT], struct mreg_error *err)
{
	struct mreg_error no = MREG_ERROR_INIT;
	struct mreg_desc d = { .size = 0 };
	bool known;
	int rc = s->actual ? mreg_digest_parse(s->found->digest, &d.digest, &no)
			   : mr_target_resolve(a->s, &s->ref, &d, &no);

	why[0] = '\0';
	if (rc >= 0)
		rc = mr_deploy_version(a, &d, &s->version, &known, &no);
	if (rc >= 0 && known &&
	    (mr_standing_version(&a->now, &s->version) ||
	     (!s->actual && mr_tag_kind(s->ref.tag) == MR_TAG_VERSION)))
		return 0;
	memset(&s->version, 0, sizeof(s->version));
	if (rc < 0 && mr_kube_is_fatal(rc)) {
		*err = no;
		return rc;
	}
	if (rc == MREG_ENOTFOUND)
		(void)snprintf(why, MR_ERROR_TEXT, "it is not there");
	else if (rc < 0)
		(void)mr_error_text(&no, why);
	else
		(void)snprintf(why, MR_ERROR_TEXT,
			       known ? "it is no version of the model"
				     : "it was made of a version that the log "
				       "does not know");
	return 0;
}

static int resolve_all(struct mr_kube_run *k, struct mr_about *a,
		       struct mr_kube_site *sites, size_t n,
		       struct mreg_error *err)
{
	char why[MR_ERROR_TEXT];
	size_t i;
	int rc = 0;

	for (i = 0; rc >= 0 && i < n; i++) {
		rc = resolve(a, &sites[i], why, err);
		if (rc >= 0 && why[0])
			rc = mr_kube_unknown(k, sites[i].found->reference,
					     sites[i].workload, why, err);
	}
	return rc;
}

static bool same_place(const struct mr_kube_site *a,
		       const struct mr_kube_site *b)
{
	return strcmp(a->environment, b->environment) == 0 &&
	       strcmp(a->workload, b->workload) == 0;
}

static int by_version(const void *a, const void *b)
{
	const struct mr_kube_site *x = a;
	const struct mr_kube_site *y = b;

	return mr_digest_compare(&x->version, &y->version);
}

/* Those of one place that count, each version once, by digest; how many. */
static size_t settle(struct mr_kube_site *sites, size_t n)
{
	bool actual = false;
	size_t kept = 0;
	size_t i;

	for (i = 0; i < n; i++)
		actual = actual || (sites[i].actual &&
				    mr_digest_known(&sites[i].version));
	for (i = 0; i < n; i++)
		if (mr_digest_known(&sites[i].version) &&
		    (sites[i].actual || !actual))
			sites[kept++] = sites[i];
	n = kept;
	kept = 0;
	if (n > 1)
		qsort(sites, n, sizeof(*sites), by_version);
	for (i = 0; i < n; i++)
		if (!kept || by_version(&sites[kept - 1], &sites[i]) != 0)
			sites[kept++] = sites[i];
	return kept;
}

/* -- the log --------------------------------------------------------------- */

static int add_row(struct mr_kube_run *k, struct mr_about *a,
		   struct mreg_deployment *row, struct mreg_error *err)
{
	struct mreg_kubernetes_result *out = k->out;
	void *rows = out->rows;
	bool changed;
	int rc = mr_deploy_write(a, row, k->o->dry_run, &changed, err);

	if (rc < 0)
		return rc;
	row->number = mr_about_number(a, &row->version);
	row->was_number = mr_about_number(a, &row->was);
	if (out->count == k->row_cap) {
		size_t cap = 2 * k->row_cap + 64;

		rows = mr_arena_alloc(k->arena, cap * sizeof(*row));
		if (!rows)
			return mr_fail_nomem(err);
		if (out->count)
			memcpy(rows, out->rows, out->count * sizeof(*row));
		k->row_cap = cap;
		out->rows = rows;
	}
	out->rows[out->count++] = *row;
	out->changed += changed;
	return 0;
}

static struct mreg_deployment row_of(struct mr_kube_run *k, struct mr_about *a,
				     const char *name, const char *environment,
				     const char *workload)
{
	return (struct mreg_deployment){
		.name = name,
		.environment = mr_arena_strdup(k->arena, environment),
		.workload = mr_arena_strdup(k->arena, workload),
		.actor = mr_arena_strdup(k->arena,
					 mr_actor(a->m, &a->ref)->name),
	};
}

/* Which of the versions keeps the name of the workload. */
static size_t choose(const struct mr_about *a, const struct mr_kube_site *sites,
		     size_t n)
{
	const struct mr_deployment *d =
		mr_deploy_find(a, sites[0].environment, sites[0].workload);
	size_t i;

	for (i = 0; d && i < n; i++)
		if (mreg_digest_equal(&sites[i].version, &d->event->version))
			return i;
	return 0;
}

/* The `n` versions of one place. */
static int write_place(struct mr_kube_run *k, struct mr_about *a,
		       const char *name, struct mr_kube_site *sites, size_t n,
		       struct mreg_error *err)
{
	size_t first = choose(a, sites, n);
	char text[MREG_DIGEST_TEXT];
	size_t i;
	int rc = 0;

	for (i = 0; rc >= 0 && i < n; i++) {
		struct mr_kube_site *s = &sites[i];
		struct mreg_deployment row;

		if (i != first)
			s->workload = mr_arena_printf(
				k->arena, "%s@%.*s", s->workload, HEX_SHOWN,
				mreg_digest_text(&s->version, text) +
					strlen(ALGORITHM));
		if (!s->workload)
			return mr_fail_nomem(err);
		row = row_of(k, a, name, s->environment, s->workload);
		row.version = s->version;
		rc = mr_result_check(k->arena, err);
		if (rc >= 0)
			rc = add_row(k, a, &row, err);
	}
	return rc;
}

/* -- what is gone ---------------------------------------------------------- */

static bool is_there(const struct mreg_kubernetes_result *out, size_t from,
		     const struct mr_deployment *d)
{
	size_t i;

	for (i = from; i < out->count; i++)
		if (strcmp(out->rows[i].environment, d->environment) == 0 &&
		    strcmp(out->rows[i].workload, d->workload) == 0)
			return true;
	return false;
}

/* A workload whose reference could not be resolved is not gone. */
static bool is_unresolved(const struct mr_kube_site *sites, size_t n,
			  const struct mr_deployment *d)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (strcmp(sites[i].environment, d->environment) == 0 &&
		    strcmp(sites[i].workload, d->workload) == 0)
			return true;
	return false;
}

/* Rows of this model are those from `from` on. */
static int write_gone(struct mr_kube_run *k, struct mr_about *a,
		      const char *name, const struct mr_kube_site *unresolved,
		      size_t n, size_t from, struct mreg_error *err)
{
	struct mreg_deployment *gone;
	size_t most = a->now.deployment_count;
	size_t count = 0;
	size_t i;
	int rc;

	gone = mr_arena_alloc(k->arena, (most + 1) * sizeof(*gone));
	if (!gone)
		return mr_fail_nomem(err);
	/* Listed first: writing folds the log anew. */
	for (i = 0; i < most; i++) {
		const struct mr_deployment *d = &a->now.deployments[i];

		if (d->event && mr_digest_known(&d->event->version) &&
		    mr_kube_is_ours(k, d) && !is_there(k->out, from, d) &&
		    !is_unresolved(unresolved, n, d))
			gone[count++] =
				row_of(k, a, name, d->environment, d->workload);
	}
	rc = mr_result_check(k->arena, err);
	for (i = 0; rc >= 0 && i < count; i++)
		rc = add_row(k, a, &gone[i], err);
	return rc;
}

/* -- all of it ------------------------------------------------------------- */

/* Places one after the other; those that came to nothing are moved to the
 * beginning of `sites`, `*unresolved` of them. */
static int write_places(struct mr_kube_run *k, struct mr_about *a,
			const char *name, struct mr_kube_site *sites, size_t n,
			size_t *unresolved, struct mreg_error *err)
{
	size_t first, end;
	int rc = 0;

	*unresolved = 0;
	for (first = 0; rc >= 0 && first < n; first = end) {
		struct mr_kube_site one = sites[first];
		size_t versions;

		for (end = first + 1;
		     end < n && same_place(&sites[first], &sites[end]); end++)
			;
		versions = settle(sites + first, end - first);
		if (versions)
			rc = write_place(k, a, name, sites + first, versions,
					 err);
		else
			sites[(*unresolved)++] = one;
	}
	return rc;
}

static bool is_model(const struct mr_about *a)
{
	return mr_ledger_count(a->h.ledger) > 0;
}

static int tell_all(struct mr_kube_run *k, const char *name,
		    const struct mr_kube_site *sites, size_t n, const char *why,
		    struct mreg_error *err)
{
	size_t i;
	int rc = 0;

	for (i = 0; rc >= 0 && i < n; i++)
		rc = mr_kube_unknown(k, sites[i].found->reference,
				     sites[i].workload, why, err);
	return rc >= 0 && !n ? mr_kube_unknown(k, name, "-", why, err) : rc;
}

int mr_kube_model(struct mr_kube_run *k, const char *name,
		  struct mr_kube_site *sites, size_t n, struct mreg_error *err)
{
	MR_AUTO(mr_about_release) struct mr_about a = { .m = k->m };
	struct mreg_error no = MREG_ERROR_INIT;
	char why[MR_ERROR_TEXT];
	size_t from = k->out->count;
	size_t unresolved;
	int rc = mr_about_open(k->m, name, MR_ABOUT_MODEL, &a, &no);

	if (rc >= 0)
		rc = mr_about_read(&a, !k->o->dry_run, &no);
	if (rc < 0 && mr_kube_is_fatal(rc)) {
		*err = no;
		return rc;
	}
	if (rc < 0)
		return tell_all(k, name, sites, n,
				rc == MREG_ENOTFOUND ? "there is no such model"
						     : mr_error_text(&no, why),
				err);
	if (!is_model(&a))
		return n ? tell_all(k, name, sites, n,
				    "it holds no versions of a model", err)
			 : 0;
	rc = resolve_all(k, &a, sites, n, err);
	if (rc >= 0)
		rc = write_places(k, &a, name, sites, n, &unresolved, err);
	if (rc >= 0 && !k->o->partial)
		rc = write_gone(k, &a, name, sites, unresolved, from, err);
	return rc;
}
