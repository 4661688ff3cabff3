/*
 * sync.c - the index brought to what places hold.
 */
#include "crawl/sync.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"

#define SHOWN_BYTES 256

const char *mr_crawl_shown(const struct mreg *m, const char *name,
			   struct mr_arena *a)
{
	struct mreg_error ignored = MREG_ERROR_INIT;
	char text[MREG_REF_TEXT];
	struct mreg_ref ref;

	if (mr_ref_parse(name, &ref, &ignored) < 0)
		return mr_arena_strdup(a, name);
	return mr_arena_strdup(a, mr_target_name(m, &ref, text));
}

/* -- one repository -------------------------------------------------------- */

/* Trouble that every other repository would have, too. */
static bool ends_all(int rc)
{
	return rc == MREG_ENOMEM || rc == MREG_ECANCELED || rc == MREG_EDB ||
	       rc == MREG_EINTERNAL;
}

/* A failure is told by the index, too. */
static int remember_failure(struct mr_sync *s, const char *name,
			    const char *text, struct mreg_error *err)
{
	struct mr_ix_sync sync = { .tried_s = mr_now_s(&s->crawl.m->env),
				   .error = text };

	return mr_index_cache_try(s->crawl.ix, name, &sync, err);
}

static void count(struct mreg_index_sync_result *out,
		  const struct mr_crawled *did, bool failed)
{
	out->models += failed || did->known || did->indexed;
	out->others += !failed && !did->known && !did->indexed;
	out->failed += failed;
	out->changed += !failed && did->changed;
	out->removed += !failed && did->known && !did->found;
	out->added += did->added;
	out->forgotten += did->removed;
	out->documents += did->documents;
	out->notes += did->notes;
}

static void take_row(struct mr_sync *s, const char *name,
		     const struct mr_crawled *did, const char *why)
{
	struct mreg_index_row *row = &s->out->rows[s->out->count++];

	memset(row, 0, sizeof(*row));
	row->name = mr_crawl_shown(s->crawl.m, name, s->arena);
	row->removed = !why && did->known && !did->found;
	row->added = did->added;
	row->forgotten = did->removed;
	row->documents = did->documents;
	row->notes = did->notes;
	row->error = why ? mr_arena_strdup(s->arena, why) : NULL;
}

static void tell_progress(struct mr_sync *s)
{
	char label[SHOWN_BYTES];
	struct mreg_progress p = { .kind = MREG_PROGRESS_PHASE,
				   .label = label };

	(void)snprintf(label, sizeof(label),
		       "looked at %zu of %zu repositories, %llu versions new",
		       s->done, s->names.n, (unsigned long long)s->out->added);
	mr_progress(&s->crawl.m->env, &p);
}

static int sync_one(void *ctx, size_t i, struct mreg_error *err)
{
	struct mr_sync *s = ctx;
	struct mreg_error why = MREG_ERROR_INIT;
	struct mr_crawled did = { .found = false };
	const char *name = s->names.items[i];
	char text[MR_ERROR_TEXT] = "";
	struct mreg_ref ref;
	int failed;
	int rc = mr_ref_parse(name, &ref, &why);

	if (rc >= 0)
		rc = mr_crawl_repository(&s->crawl, &ref, &did, &why);
	if (rc >= 0 && did.indexed)
		rc = mr_index_notes(s->crawl.ix, name, &did.notes, &why);
	failed = rc < 0;
	if (failed && ends_all(rc)) {
		*err = why;
		return rc;
	}
	rc = 0;
	if (failed)
		rc = remember_failure(s, name, mr_error_text(&why, text), err);
	mr_lock_enter(&s->lock);
	s->done++;
	count(s->out, &did, failed);
	if (failed && !s->out->failure.code)
		s->out->failure = why;
	if (failed || did.changed)
		take_row(s, name, &did, failed ? text : NULL);
	tell_progress(s);
	mr_lock_leave(&s->lock);
	return rc;
}

/* -- all ------------------------------------------------------------------- */

static int by_name(const void *a, const void *b)
{
	const struct mreg_index_row *x = a;
	const struct mreg_index_row *y = b;

	return strcmp(x->name, y->name);
}

int mr_sync_run(struct mr_sync *s, struct mreg_error *err)
{
	struct mr_net *net;
	size_t i;
	int rc = 0;

	s->out->rows = mr_arena_alloc(s->arena,
				      (s->names.n + 1) * sizeof(*s->out->rows));
	if (!s->out->rows)
		return mr_fail_nomem(err);
	/* Threads share what the first of them would make. */
	for (i = 0; rc >= 0 && i < s->names.n; i++)
		if (strncmp(s->names.items[i], "oci:", 4) != 0) {
			rc = mr_session_net(s->crawl.m, &net, err);
			break;
		}
	if (rc >= 0)
		rc = mr_task_run(&s->crawl.m->env, s->crawl.jobs, s->names.n,
				 sync_one, s, err);
	/* What was committed stays, and is to be found quickly. */
	if (s->out->changed && rc != MREG_EDB) {
		struct mreg_error why = MREG_ERROR_INIT;
		int settled = mr_index_forget_hints(s->crawl.ix, &why);

		if (settled >= 0)
			settled = mr_index_settle(s->crawl.ix, &why);

		if (rc >= 0 && settled < 0) {
			*err = why;
			rc = settled;
		}
	}
	if (rc >= 0)
		rc = mr_result_check(s->arena, err);
	if (rc >= 0 && s->crawl.unknown.code)
		rc = mr_sync_unlisted(s, s->crawl.policies, &s->crawl.unknown,
				      err);
	if (rc >= 0 && s->out->count > 1)
		qsort(s->out->rows, s->out->count, sizeof(*s->out->rows),
		      by_name);
	return rc;
}

int mr_sync_begin(struct mr_sync *s, struct mreg *m,
		  const struct mreg_index_sync_opts *given,
		  struct mreg_index_sync_opts *o,
		  struct mreg_index_sync_result *out, struct mreg_error *err)
{
	int rc;

	memset(s, 0, sizeof(*s));
	memset(out, 0, sizeof(*out));
	mr_opts_take(o, sizeof(*o), given, given->size);
	s->o = o;
	s->out = out;
	mr_lock_init(&s->lock);
	out->took_ms = mr_mono_ms(&m->env);
	if (m->net)
		mr_net_counted(m->net, &s->requests, &s->tokens);
	rc = mr_crawl_begin(&s->crawl, m, o->jobs, err);
	s->crawl.sweep = o->sweep;
	if (rc >= 0)
		rc = mr_result_arena(&s->arena, err);
	if (rc >= 0)
		out->owner = s->arena;
	return rc;
}

int mr_sync_end(struct mr_sync *s, int rc, struct mreg_error *err)
{
	struct mreg *m = s->crawl.m;
	struct mreg_index_sync_result *out = s->out;
	char shown[SHOWN_BYTES];

	if (m->net)
		mr_net_counted(m->net, &out->requests, &out->token_requests);
	out->requests -= s->requests;
	out->token_requests -= s->tokens;
	out->took_ms = mr_mono_ms(&m->env) - out->took_ms;
	if (rc >= 0) {
		out->index = mr_arena_strdup(
			s->arena, mr_db_shown(mr_setting(m, "index.db"), shown,
					      sizeof(shown)));
		rc = mr_result_check(s->arena, err);
	}
	mr_list_release(&s->names);
	mr_crawl_end(&s->crawl);
	mr_lock_release(&s->lock);
	if (rc < 0)
		mreg_index_sync_result_release(out);
	return rc;
}

int mreg_index_sync(struct mreg *m, const struct mreg_index_sync_opts *given,
		    struct mreg_index_sync_result *out, struct mreg_error *err)
{
	struct mreg_index_sync_opts o;
	struct mr_sync s;
	int rc = mr_sync_begin(&s, m, given, &o, out, err);

	if (rc >= 0)
		rc = mr_session_index(m, MR_DB_CREATE, &s.crawl.ix, err);
	s.known = s.crawl.ix;
	if (rc >= 0)
		rc = mr_sync_places(&s, err);
	if (rc >= 0)
		rc = mr_sync_run(&s, err);
	if (rc >= 0 && o.hinted)
		rc = mr_hints_done(s.crawl.ix, &s.names, err);
	return mr_sync_end(&s, rc, err);
}

void mreg_index_sync_result_release(struct mreg_index_sync_result *r)
{
	mr_arena_free(r->owner);
	memset(r, 0, sizeof(*r));
}
