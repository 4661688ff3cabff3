/*
 * deployed_kube_sites.c - what kubectl printed, as references and whose they
 * are.
 */
#include "use/kube.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/mem.h"
#include "content/digest.h"

#define PIECE_BYTES 65536

/* -- reading --------------------------------------------------------------- */

static int read_pieces(int fd, const char *path, struct mr_kube_reader *r,
		       struct mr_env *env, struct mreg_error *err)
{
	MR_AUTO(mr_free) char *piece = mr_alloc(PIECE_BYTES);
	int rc = piece ? 0 : mr_fail_nomem(err);

	while (rc >= 0) {
		ssize_t got = read(fd, piece, PIECE_BYTES);

		if (got < 0 && errno == EINTR) {
			rc = mr_check_cancel(env, err);
			continue;
		}
		if (got < 0)
			return mr_fail_sys(err, errno, "cannot read '%s'",
					   path);
		if (got == 0)
			return 0;
		rc = mr_kube_add(r, piece, (size_t)got, err);
	}
	return rc;
}

static int read_file(struct mr_kube_run *k, struct mr_arena *a,
		     struct mr_kube *out, struct mreg_error *err)
{
	MR_AUTO(mr_kube_closep) struct mr_kube_reader *r = NULL;
	MR_AUTO(mr_fd_close)
	int fd = open(k->o->from, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	int rc =
		fd < 0 ? mr_fail_sys(err, errno, "cannot open '%s'", k->o->from)
		       : mr_kube_open(a, &r, err);

	if (rc < 0)
		return rc;
	rc = read_pieces(fd, k->o->from, r, &k->m->env, err);
	if (rc >= 0)
		rc = mr_kube_end(r, out, err);
	if (rc < 0)
		return mr_wrap(err, "cannot use '%s'", k->o->from);
	if (!out->objects && !k->o->partial) {
		(void)mr_fail(err, MREG_EFORMAT,
			      "'%s' has no object at all: everything would be "
			      "gone",
			      k->o->from);
		return mr_hint(err, "see whether kubectl may list them; "
				    "--partial changes nothing then");
	}
	return 0;
}

/* -- sites ----------------------------------------------------------------- */

static const char *workload_of(struct mr_kube_run *k,
			       const struct mr_kube_ref *r)
{
	return mr_arena_printf(
		k->arena, "%s%s%s/%s/%s", k->o->cluster ? k->o->cluster : "",
		k->o->cluster ? "/" : "", r->space, r->kind, r->name);
}

/* Complete, or `*why` it names nothing that can be looked at. */
static int complete(struct mr_kube_run *k, struct mr_kube_site *s,
		    const char **why, struct mreg_error *err)
{
	const struct mr_kube_ref *r = s->found;
	struct mreg_error no = MREG_ERROR_INIT;
	int rc;

	*why = NULL;
	if (mr_ref_parse(r->reference, &s->ref, &no) < 0)
		*why = "it is no reference";
	else if (s->ref.dir[0])
		*why = "a folder is of no use to a cluster";
	else if (!s->ref.host[0] && (!r->scheme || strcmp(r->scheme, "mreg")))
		*why = "it names no registry"; /* which would be docker.io */
	if (*why)
		return 0;
	rc = mr_target_parse(k->m, r->reference, &s->ref, err);
	/* Kubernetes takes the digest, whatever the tag has by now. */
	if (rc >= 0 && mr_digest_known(&s->ref.digest))
		s->ref.tag[0] = '\0';
	return rc;
}

static int take_sites(struct mr_kube_run *k, const struct mr_kube *found,
		      struct mreg_error *err)
{
	char name[MREG_REF_TEXT];
	size_t i;
	int rc = 0;

	k->sites = mr_arena_alloc(k->arena,
				  (found->count + 1) * sizeof(*k->sites));
	if (!k->sites)
		return mr_fail_nomem(err);
	for (i = 0; rc >= 0 && i < found->count; i++) {
		struct mr_kube_site *s = &k->sites[k->count];
		const char *why;

		s->found = &found->refs[i];
		s->workload = workload_of(k, s->found);
		s->environment =
			k->o->environment
				? k->o->environment
				: mr_arena_strdup(k->arena, s->found->space);
		s->actual = s->found->digest != NULL;
		rc = mr_result_check(k->arena, err);
		if (rc >= 0)
			rc = complete(k, s, &why, err);
		if (rc < 0)
			break;
		/* Most images of a cluster are no models: not worth a word. */
		if (why && s->found->scheme)
			rc = mr_kube_unknown(k, s->found->reference,
					     s->workload, why, err);
		if (why)
			continue;
		s->name = mr_arena_strdup(k->arena,
					  mr_target_name(k->m, &s->ref, name));
		k->count++;
	}
	return rc < 0 ? rc : mr_result_check(k->arena, err);
}

static int by_place(const void *a, const void *b)
{
	const struct mr_kube_site *x = a;
	const struct mr_kube_site *y = b;
	int order = strcmp(x->name, y->name);

	if (!order)
		order = strcmp(x->environment, y->environment);
	return order ? order : strcmp(x->workload, y->workload);
}

int mr_kube_sites(struct mr_kube_run *k, struct mr_arena *a,
		  struct mreg_error *err)
{
	struct mr_kube found;
	int rc = read_file(k, a, &found, err);

	if (rc >= 0)
		rc = take_sites(k, &found, err);
	if (rc < 0)
		return rc;
	k->out->objects = found.objects;
	if (k->count > 1)
		qsort(k->sites, k->count, sizeof(*k->sites), by_place);
	return 0;
}
