/*
 * copy.c - whole models from one place to another: the order of steps.
 *
 *   pick tags -> read all that hangs on them -> compare with the target
 *   -> [conflict: nothing written] -> blobs -> manifests -> tags
 *
 * What was written before an interruption is found by the comparison of the
 * next run.
 */
#include "mreg/copy.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/text.h"
#include "content/digest.h"
#include "ops/copy.h"

/* -- the result ---------------------------------------------------------- */

static int compare_tags(const void *a, const void *b)
{
	const struct mreg_copy_tag *x = a;
	const struct mreg_copy_tag *y = b;
	uint64_t n = mr_tag_number(x->tag);
	uint64_t k = mr_tag_number(y->tag);

	if (n && k)
		return (n > k) - (n < k);
	return strcmp(x->tag, y->tag);
}

static void take_tag(const struct copy *c, const struct copy_tag *t,
		     struct mreg_copy_result *out)
{
	struct mreg_copy_tag *row = &out->tags[out->tag_count];
	struct mreg_desc gone;

	if (t->node == MR_COPY_NO_NODE && !t->tombstone)
		return;
	(void)mr_tombstone(&gone, NULL);
	row->tag = t->name;
	row->digest =
		t->tombstone ? gone.digest : c->nodes[t->node].desc.digest;
	row->action = t->action;
	if (t->action == MREG_COPY_MOVED)
		row->was = t->was;
	if (t->number)
		out->versions++;
	out->tag_count++;
}

/* `latest` of one version's target, once it is known. */
static void take_latest(struct copy *c, struct mreg_copy_result *out)
{
	struct mreg_copy_tag *row = &out->tags[out->tag_count];

	if (!c->latest || c->latest != c->number)
		return;
	row->tag = "latest";
	row->digest = c->version.digest;
	row->was = c->latest_was;
	row->action = MREG_COPY_NEW;
	if (mreg_digest_equal(&row->was, &row->digest))
		row->action = MREG_COPY_SAME;
	else if (mr_digest_known(&row->was))
		row->action = MREG_COPY_MOVED;
	if (row->action != MREG_COPY_MOVED)
		memset(&row->was, 0, sizeof(row->was));
	out->tag_count++;
}

static int take_result(struct copy *c, struct mreg_copy_result *out,
		       struct mreg_error *err)
{
	uint64_t passed;
	size_t i;

	out->from = c->whole ? c->name_from
			     : mr_arena_printf(c->arena, "%s:v%" PRIu64,
					       c->name_from, c->number);
	out->to = c->name_to;
	out->dry_run = c->o->dry_run;
	out->tags = mr_arena_alloc(c->arena,
				   (c->tag_count + 1) * sizeof(*out->tags));
	for (i = 0; out->tags && i < c->tag_count; i++)
		take_tag(c, &c->tags[i], out);
	if (out->tags) {
		take_latest(c, out);
		qsort(out->tags, out->tag_count, sizeof(*out->tags),
		      compare_tags);
	}
	for (i = 0; i < c->node_count; i++) {
		out->manifests += c->nodes[i].loaded && !c->nodes[i].there;
		out->documents += c->nodes[i].loaded && c->nodes[i].attached;
	}
	out->blobs = c->blob_count;
	for (i = 0; i < c->blob_count; i++)
		out->bytes_total += c->blobs[i].desc.size;
	out->bytes_sent = mr_plan_bytes_moving(&c->plan);
	/* What uploads that broke off had sent before. */
	passed = c->to ? mr_remote_passed(c->to) : 0;
	out->bytes_sent -= passed < out->bytes_sent ? passed : out->bytes_sent;
	out->bytes_reused = out->bytes_total - out->bytes_sent;
	return mr_result_check(c->arena, err);
}

/* -- steps --------------------------------------------------------------- */

static int run(struct copy *c, struct mreg_error *err)
{
	int rc = 0;

	if (!c->fresh)
		rc = mr_history_read(c->m, c->to, &c->target_log, err);
	if (rc >= 0)
		rc = c->whole ? mr_copy_pick_all(c, err)
			      : mr_copy_pick_version(c, err);
	if (rc >= 0)
		rc = mr_copy_walk(c, err);
	if (rc >= 0)
		rc = mr_copy_compare(c, err);
	if (rc >= 0)
		rc = mr_copy_plan(c, err);
	if (rc >= 0 && c->o->dry_run && !c->fresh)
		mr_copy_policy_foresee(c);
	if (rc < 0 || c->o->dry_run)
		return rc;
	rc = mr_copy_send(c, err);
	return rc < 0 ? rc : mr_copy_publish(c, err);
}

static int take_source(struct copy *c, const char *text, struct mreg_error *err)
{
	struct mreg_ref *r = &c->source;
	char name[MREG_REF_TEXT];
	int rc = mr_target(c->m, text, r, &c->from, err);

	if (rc < 0)
		return rc;
	c->whole = !r->tag[0] && !mr_digest_known(&r->digest);
	c->name_from = mr_arena_strdup(c->arena, mr_target_name(c->m, r, name));
	if (!c->name_from)
		return mr_fail_nomem(err);
	if (r->tag[0] && mr_tag_kind(r->tag) == MR_TAG_RECORD)
		return mr_fail(err, MREG_EUSAGE,
			       "'%s' is one of mreg's own records, no version",
			       r->tag);
	return 0;
}

static int take_target(struct copy *c, const char *text, struct mreg_error *err)
{
	struct mreg_ref *r = &c->target;
	char name[MREG_REF_TEXT];
	uint64_t layer = 0;
	uint64_t request = 0;
	int rc = mr_target_parse(c->m, text, r, err);

	if (rc >= 0 && (r->tag[0] || mr_digest_known(&r->digest))) {
		(void)mr_fail(err, MREG_EUSAGE, "cannot copy to '%.150s'",
			      text);
		return mr_hint(err, "tags stay what they are: name the target "
				    "without one");
	}
	if (rc >= 0)
		rc = mr_target_open(c->m, r, &c->to, err);
	if (rc < 0)
		return rc;
	/* Their form was checked with the settings. */
	(void)mr_text_size_parse(mr_setting(c->m, "limit.layer"), &layer);
	(void)mr_text_size_parse(mr_setting(c->m, "limit.request"), &request);
	mr_remote_limits(c->to, layer, request);
	c->name_to = mr_arena_strdup(c->arena, mr_target_name(c->m, r, name));
	return c->name_to ? 0 : mr_fail_nomem(err);
}

static int check_places(const struct copy *c, struct mreg_error *err)
{
	if (strcmp(c->source.repository, c->target.repository) != 0 ||
	    strcmp(c->source.host, c->target.host) != 0 ||
	    strcmp(c->source.dir, c->target.dir) != 0)
		return 0;
	return mr_fail(err, MREG_EUSAGE, "'%s' cannot be copied to itself",
		       c->name_from);
}

static int copy_refs(struct copy *c, const char *from, const char *to,
		     struct mreg_error *err)
{
	int rc = take_source(c, from, err);

	if (rc >= 0)
		rc = take_target(c, to, err);
	if (rc >= 0)
		rc = check_places(c, err);
	return rc < 0 ? rc : run(c, err);
}

/* -- archives ------------------------------------------------------------ */

static int check_path(const char *path, struct mreg_error *err)
{
	if (path[0] && strcmp(path, "-") != 0)
		return 0;
	(void)mr_fail(err, MREG_EUSAGE, "'%s' is no file for an archive", path);
	return mr_hint(err, "an archive is read and written at many places: "
			    "name a file, not a pipe");
}

static int check_new(const char *path, struct mreg_error *err)
{
	if (access(path, F_OK) != 0)
		return 0;
	(void)mr_fail(err, MREG_ECONFLICT, "'%.200s' exists", path);
	return mr_hint(err, "export does not overwrite: choose another name, "
			    "or remove it");
}

/* What messages call it. */
static int name_archive(struct mr_store *s, const char *path,
			struct mreg_error *err)
{
	mr_release(s->label);
	s->label = mr_strdup(path);
	return s->label ? 0 : mr_fail_nomem(err);
}

static int export_to(struct copy *c, const char *from, const char *path,
		     struct mreg_error *err)
{
	int rc = check_path(path, err);

	if (rc >= 0)
		rc = take_source(c, from, err);
	if (rc >= 0)
		rc = check_new(path, err);
	if (rc < 0)
		return rc;
	c->fresh = true;
	c->name_to = mr_arena_strdup(c->arena, path);
	if (!c->name_to)
		return mr_fail_nomem(err);
	/* An archive is one file, written from its beginning to its end; the
	 * same content gives the same bytes. */
	c->jobs = 1;
	c->writers = 1;
	if (c->o->dry_run)
		return run(c, err);
	rc = mr_archive_create(&c->m->env, path, &c->to, err);
	if (rc >= 0)
		rc = name_archive(c->to, path, err);
	return rc < 0 ? rc : run(c, err);
}

static int import_from(struct copy *c, const char *path, const char *to,
		       struct mreg_error *err)
{
	int rc = check_path(path, err);

	if (rc < 0)
		return rc;
	c->whole = true;
	c->name_from = mr_arena_strdup(c->arena, path);
	if (!c->name_from)
		return mr_fail_nomem(err);
	rc = mr_archive_open(&c->m->env, path, &c->from, err);
	if (rc >= 0)
		rc = name_archive(c->from, path, err);
	if (rc >= 0)
		rc = take_target(c, to, err);
	return rc < 0 ? rc : run(c, err);
}

/* -- the door ------------------------------------------------------------ */

typedef int copy_fn(struct copy *c, const char *from, const char *to,
		    struct mreg_error *err);

static int start(struct mreg *m, const char *from, const char *to, copy_fn *fn,
		 const struct mreg_copy_opts *given,
		 struct mreg_copy_result *out, struct mreg_error *err)
{
	struct mreg_progress end = { .kind = MREG_PROGRESS_END, .label = "" };
	MR_AUTO(mr_copy_release)
	struct copy c = { .m = m,
			  .lookups = MR_LOOKUP_JOBS,
			  .writers = MR_LOOKUP_JOBS };
	struct mreg_copy_opts o;
	int rc;

	memset(out, 0, sizeof(*out));
	mr_opts_take(&o, sizeof(o), given, given->size);
	c.o = &o;
	c.jobs = mr_session_jobs(m, o.jobs);
	rc = mr_result_arena(&c.arena, err);
	if (rc < 0)
		return rc;
	out->owner = c.arena;
	rc = fn(&c, from, to, err);
	if (rc >= 0)
		rc = take_result(&c, out, err);
	/* Last, for an export does not replace a file: it could not be run
	 * again after an error. */
	if (rc >= 0 && fn == export_to && !o.dry_run)
		rc = mr_archive_finish(c.to, err);
	mr_progress(&m->env, &end);
	if (rc < 0)
		mreg_copy_result_release(out);
	return rc;
}

int mreg_copy(struct mreg *m, const char *from, const char *to,
	      const struct mreg_copy_opts *o, struct mreg_copy_result *out,
	      struct mreg_error *err)
{
	return start(m, from, to, copy_refs, o, out, err);
}

int mreg_export(struct mreg *m, const char *from, const char *path,
		const struct mreg_copy_opts *o, struct mreg_copy_result *out,
		struct mreg_error *err)
{
	return start(m, from, path, export_to, o, out, err);
}

int mreg_import(struct mreg *m, const char *path, const char *to,
		const struct mreg_copy_opts *o, struct mreg_copy_result *out,
		struct mreg_error *err)
{
	return start(m, path, to, import_from, o, out, err);
}

void mreg_copy_result_release(struct mreg_copy_result *r)
{
	mr_arena_free(r->owner);
	memset(r, 0, sizeof(*r));
}
