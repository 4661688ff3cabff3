/*
 * where.c - where a version runs, and what runs in an environment, by what the
 * logs say.
 */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "content/digest.h"
#include "use/deploy.h"
#include "mreg/list.h"

/* Rows as they are found, model after model. */
struct finding {
	struct mreg *m;
	struct mreg_deployments_result *out;
	struct mr_arena *arena;
	size_t cap;                 /* rows there is room for */
	const char *environment;    /* NULL: any */
	struct mreg_digest version; /* NONE: any */
};

static int begin(struct finding *f, struct mreg_error *err)
{
	int rc = mr_result_arena(&f->arena, err);

	memset(f->out, 0, sizeof(*f->out));
	if (rc >= 0)
		f->out->owner = f->arena;
	return rc;
}

static int make_room(struct finding *f, size_t more, struct mreg_error *err)
{
	struct mreg_deployment *rows;

	if (f->out->count + more <= f->cap)
		return 0;
	f->cap = 2 * f->cap + more;
	rows = mr_arena_alloc(f->arena, f->cap * sizeof(*rows));
	if (!rows)
		return mr_fail_nomem(err);
	if (f->out->count)
		memcpy(rows, f->out->rows, f->out->count * sizeof(*rows));
	f->out->rows = rows;
	return 0;
}

/* It is as old as the oldest of its parts. */
static void take_age(struct finding *f, int64_t synced_s)
{
	if (synced_s && (!f->out->synced_s || synced_s < f->out->synced_s))
		f->out->synced_s = synced_s;
}

/* Places that have something, of the log that `a` has read. */
static int take_all(struct finding *f, const struct mr_about *a,
		    struct mreg_error *err)
{
	const char *name = mr_about_name(a, f->arena);
	size_t i;
	int rc;

	take_age(f, a->synced_s);
	rc = make_room(f, a->now.deployment_count, err);

	for (i = 0; rc >= 0 && i < a->now.deployment_count; i++) {
		const struct mr_deployment *d = &a->now.deployments[i];

		if (!d->event || !mr_digest_known(&d->event->version) ||
		    (f->environment &&
		     strcmp(d->environment, f->environment) != 0) ||
		    (mr_digest_known(&f->version) &&
		     !mreg_digest_equal(&d->event->version, &f->version)))
			continue;
		f->out->rows[f->out->count++] =
			mr_deploy_row(a, name, d, f->arena);
	}
	return rc;
}

static int end(struct finding *f, int rc, struct mreg_error *err)
{
	struct mreg_deployments_result *out = f->out;

	if (rc >= 0)
		rc = mr_result_check(f->arena, err);
	if (rc < 0) {
		mreg_deployments_result_release(out);
		return rc;
	}
	if (out->count > 1)
		qsort(out->rows, out->count, sizeof(*out->rows),
		      mr_deploy_compare);
	return 0;
}

int mreg_where(struct mreg *m, const char *ref,
	       struct mreg_deployments_result *out, struct mreg_error *err)
{
	MR_AUTO(mr_about_release) struct mr_about a = { .m = m };
	struct finding f = { .m = m, .out = out };
	bool found = true;
	int rc = begin(&f, err);

	if (rc >= 0)
		rc = mr_about_recall(m, ref, MR_ABOUT_ANY, &a, err);
	if (rc >= 0 && mr_digest_known(&a.version.digest))
		rc = mr_deploy_version(&a, &a.version, &f.version, &found, err);
	if (rc >= 0 && found)
		rc = take_all(&f, &a, err);
	return end(&f, rc, err);
}

/* -- what ------------------------------------------------------------------ */

static int look_at(struct finding *f, const char *name, struct mreg_error *err)
{
	MR_AUTO(mr_about_release) struct mr_about a = { .m = f->m };
	int rc = mr_about_recall(f->m, name, MR_ABOUT_MODEL, &a, err);

	return rc < 0 ? rc : take_all(f, &a, err);
}

/* One of many that cannot be read is told, and does not hide the others. */
static int look_at_all(struct finding *f, const char *const *names, size_t n,
		       struct mreg_error *err)
{
	struct mreg_pair *unread =
		mr_arena_alloc(f->arena, (n + 1) * sizeof(*unread));
	char why[MR_ERROR_TEXT];
	size_t i;

	if (!unread)
		return mr_fail_nomem(err);
	f->out->unread = unread;
	for (i = 0; i < n; i++) {
		struct mreg_error one = MREG_ERROR_INIT;
		int rc = look_at(f, names[i], &one);

		if (rc == MREG_ENOMEM || rc == MREG_ECANCELED) {
			*err = one;
			return rc;
		}
		if (rc < 0)
			unread[f->out->unread_count++] = (struct mreg_pair){
				mr_arena_strdup(f->arena, names[i]),
				mr_arena_strdup(f->arena,
						mr_error_text(&one, why))
			};
	}
	return 0;
}

int mreg_what(struct mreg *m, const char *environment,
	      const struct mreg_texts *names,
	      struct mreg_deployments_result *out, struct mreg_error *err)
{
	struct finding f = { .m = m, .out = out, .environment = environment };
	struct mreg_models_result models = { .count = 0 };
	size_t i;
	int rc = begin(&f, err);

	/* Those that were named have to be there. */
	for (i = 0; rc >= 0 && i < names->n; i++)
		rc = look_at(&f, names->items[i], err);
	if (rc >= 0 && !names->n) {
		rc = mreg_models(m, NULL, &models, err);
		if (rc == MREG_EUNSUPPORTED)
			(void)mr_hint(err, "name the models: mreg what ENV "
					   "NAME...");
		take_age(&f, models.synced_s);
		if (rc >= 0)
			rc = look_at_all(&f, models.names, models.count, err);
		mreg_models_result_release(&models);
	}
	return end(&f, rc, err);
}

void mreg_deployments_result_release(struct mreg_deployments_result *r)
{
	mr_arena_free(r->owner);
	memset(r, 0, sizeof(*r));
}
