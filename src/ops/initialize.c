/*
 * initialize.c - what a storage initializer of KServe does: models of mreg://
 * URIs put where a server looks for them (consumers.md 1.5).
 */
#include "mreg/initialize.h"

#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "mreg/pull.h"
#include "ops/uri.h"
#include "repo/repo.h"

static int fetch(struct mreg *m, const struct mr_uri *u,
		 const struct mreg_initialize_pair *pair, struct mr_arena *a,
		 struct mreg_initialized *out, struct mreg_error *err)
{
	struct mreg_pull_opts o = MREG_PULL_OPTS_INIT;
	struct mreg_pull_result r;
	int rc;

	o.output = pair->output;
	o.below = u->below;
	o.include = u->globs;
	o.include_count = u->glob_count;
	rc = mreg_pull(m, u->ref, &o, &r, err);
	if (rc < 0)
		return rc;
	out->uri = mr_arena_strdup(a, pair->uri);
	out->output = mr_arena_strdup(a, pair->output);
	out->reference = mr_arena_strdup(a, r.reference);
	out->tag = r.tag ? mr_arena_strdup(a, r.tag) : NULL;
	out->number = r.number;
	out->digest = r.digest;
	out->files = r.item_count;
	out->bytes = r.bytes_total;
	mreg_pull_result_release(&r);
	return mr_result_check(a, err);
}

static int run(struct mreg *m, const struct mreg_initialize_pair *pairs,
	       size_t n, struct mreg_initialize_result *out,
	       struct mreg_error *err)
{
	struct mr_arena *a = out->owner;
	struct mr_uri *uris = mr_arena_alloc(a, (n + 1) * sizeof(*uris));
	size_t i;
	int rc = 0;

	out->items = mr_arena_alloc(a, (n + 1) * sizeof(*out->items));
	if (!uris || !out->items)
		return mr_fail_nomem(err);
	for (i = 0; rc >= 0 && i < n; i++)
		rc = mr_uri_parse(a, pairs[i].uri, &uris[i], err);
	for (i = 0; rc >= 0 && i < n; i++) {
		rc = fetch(m, &uris[i], &pairs[i], a, &out->items[i], err);
		out->count = i + 1;
	}
	return rc;
}

int mreg_initialize(struct mreg *m, const struct mreg_initialize_pair *pairs,
		    size_t n, struct mreg_initialize_result *out,
		    struct mreg_error *err)
{
	struct mr_arena *arena;
	int rc;

	memset(out, 0, sizeof(*out));
	rc = mr_result_arena(&arena, err);
	if (rc < 0)
		return rc;
	out->owner = arena;
	rc = run(m, pairs, n, out, err);
	if (rc < 0)
		mreg_initialize_result_release(out);
	return rc;
}

void mreg_initialize_result_release(struct mreg_initialize_result *r)
{
	mr_arena_free(r->owner);
	memset(r, 0, sizeof(*r));
}
