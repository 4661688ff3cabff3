/*
 * deployed.c - what runs at a place from now on, as somebody says.
 */
#include "mreg/deploy.h"

#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/text.h"
#include "content/digest.h"
#include "model/model.h"
#include "use/deploy.h"

#define FIELDS 4

int mr_deploy_version(struct mr_about *a, const struct mreg_desc *d,
		      struct mreg_digest *out, bool *found,
		      struct mreg_error *err)
{
	MR_AUTO(mr_manifest_freep) struct mr_manifest *m = NULL;
	const char *from;
	int rc;

	*out = d->digest;
	*found = true;
	if (mr_about_number(a, &d->digest))
		return 0;
	rc = mr_manifest_fetch(a->m, a->s, &d->digest, &m, err);
	if (rc < 0)
		return rc;
	from = mr_annotation(&m->annotations, MR_ANNOTATION_DERIVED);
	if (from)
		*found = mreg_digest_parse(from, out, NULL) == 0 &&
			 mr_standing_version(&a->now, out);
	return 0;
}

const struct mr_deployment *mr_deploy_find(const struct mr_about *a,
					   const char *environment,
					   const char *workload)
{
	size_t i;

	for (i = 0; i < a->now.deployment_count; i++) {
		const struct mr_deployment *d = &a->now.deployments[i];

		if (strcmp(d->environment, environment) == 0 &&
		    strcmp(d->workload, workload) == 0)
			return d;
	}
	return NULL;
}

static void take_now(const struct mr_about *a, const struct mr_event *e,
		     struct mreg_deployment *row, struct mr_arena *arena)
{
	const char *reason = mr_event_text(e, "reason");

	row->version = e->version;
	row->number = mr_about_number(a, &e->version);
	row->was = e->was;
	row->was_number = mr_about_number(a, &e->was);
	row->since_s = e->time_s;
	row->actor = mr_arena_strdup(arena, e->actor);
	row->reason = reason ? mr_arena_strdup(arena, reason) : NULL;
	row->event = e->digest;
}

struct mreg_deployment mr_deploy_row(const struct mr_about *a, const char *name,
				     const struct mr_deployment *d,
				     struct mr_arena *arena)
{
	struct mreg_deployment row = {
		.name = name,
		.environment = mr_arena_strdup(arena, d->environment),
		.workload = mr_arena_strdup(arena, d->workload),
	};

	take_now(a, d->event, &row, arena);
	return row;
}

int mr_deploy_compare(const void *a, const void *b)
{
	const struct mreg_deployment *x = a;
	const struct mreg_deployment *y = b;
	int order = strcmp(x->name, y->name);

	if (!order)
		order = strcmp(x->environment, y->environment);
	return order ? order : strcmp(x->workload, y->workload);
}

int mr_deploy_write(struct mr_about *a, struct mreg_deployment *row,
		    bool dry_run, bool *changed, struct mreg_error *err)
{
	const struct mr_deployment *now =
		mr_deploy_find(a, row->environment, row->workload);
	struct mr_event_field fields[FIELDS];
	struct mr_event e = { .kind = MR_EVENT_DEPLOYED,
			      .version = row->version };
	int rc;

	if (now)
		e.was = now->event->version;
	row->was = e.was;
	*changed = !mreg_digest_equal(&row->version, &e.was);
	if (!*changed) {
		row->since_s = now ? now->event->time_s : 0;
		return 0;
	}
	mr_event_put(&e, fields, "environment", row->environment);
	mr_event_put(&e, fields, "workload",
		     row->workload[0] ? row->workload : NULL);
	mr_event_put(&e, fields, "reason", row->reason);
	row->since_s = mr_now_s(&a->m->env);
	rc = mr_about_write(a, &e, dry_run, &row->event, err);
	return rc < 0 ? rc : mr_about_fold(a, err);
}

/* -- by hand --------------------------------------------------------------- */

static int check_opts(const struct mreg_deployed_opts *o,
		      struct mreg_error *err)
{
	int rc;

	if (!o->environment) {
		(void)mr_fail(err, MREG_EUSAGE, "nothing says where it runs");
		return mr_hint(err, "give --env: prod");
	}
	rc = mr_event_check("environment", o->environment,
			    MR_EVENT_NAME_MAX_BYTES, err);
	if (rc >= 0)
		rc = mr_event_check("workload", o->workload,
				    MR_EVENT_NAME_MAX_BYTES, err);
	return rc < 0 ? rc
		      : mr_event_check("reason", o->reason,
				       MR_EVENT_SAYS_MAX_BYTES, err);
}

static int find_version(struct mr_about *a, struct mreg_digest *out,
			struct mreg_error *err)
{
	bool found;
	int rc = mr_deploy_version(a, &a->version, out, &found, err);

	if (rc < 0 || found)
		return rc;
	(void)mr_fail(err, MREG_ENOTFOUND,
		      "it is an image of a version that the log of '%s' does "
		      "not know",
		      a->s->label);
	return mr_hint(err, "name the version itself: NAME:v3");
}

static int run(struct mr_about *a, const struct mreg_deployed_opts *o,
	       struct mreg_deployed_result *out, struct mreg_error *err)
{
	struct mr_arena *arena = out->owner;
	struct mreg_deployment *row = &out->at;
	int rc = mr_about_read(a, !o->dry_run, err);

	if (rc < 0)
		return rc;
	row->name = mr_about_name(a, arena);
	row->environment = mr_arena_strdup(arena, o->environment);
	row->workload = mr_arena_strdup(arena, o->workload ? o->workload : "");
	row->reason = o->reason ? mr_arena_strdup(arena, o->reason) : NULL;
	row->actor = mr_arena_strdup(arena, mr_actor(a->m, &a->ref)->name);
	rc = mr_result_check(arena, err);
	if (rc >= 0 && !o->none)
		rc = find_version(a, &row->version, err);
	if (rc >= 0)
		rc = mr_deploy_write(a, row, o->dry_run, &out->changed, err);
	row->number = mr_about_number(a, &row->version);
	row->was_number = mr_about_number(a, &row->was);
	return rc;
}

int mreg_deployed(struct mreg *m, const char *ref,
		  const struct mreg_deployed_opts *given,
		  struct mreg_deployed_result *out, struct mreg_error *err)
{
	MR_AUTO(mr_about_release) struct mr_about a = { .m = m };
	struct mreg_deployed_opts o;
	struct mr_arena *arena;
	int rc;

	memset(out, 0, sizeof(*out));
	mr_opts_take(&o, sizeof(o), given, given->size);
	rc = mr_result_arena(&arena, err);
	if (rc < 0)
		return rc;
	out->owner = arena;
	out->dry_run = o.dry_run;
	rc = check_opts(&o, err);
	if (rc >= 0)
		rc = mr_about_open(m, ref,
				   o.none ? MR_ABOUT_MODEL : MR_ABOUT_VERSION,
				   &a, err);
	if (rc >= 0)
		rc = run(&a, &o, out, err);
	if (rc >= 0)
		rc = mr_result_check(arena, err);
	if (rc < 0)
		mreg_deployed_result_release(out);
	return rc;
}

void mreg_deployed_result_release(struct mreg_deployed_result *r)
{
	mr_arena_free(r->owner);
	memset(r, 0, sizeof(*r));
}
