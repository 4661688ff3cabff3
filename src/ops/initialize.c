/*
 * initialize.c - what a storage initializer of KServe does: models of mreg://
 * URIs put where a server looks for them (consumers.md 1.5).
 */
#include "mreg/initialize.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/list.h"
#include "base/mem.h"
#include "base/text.h"
#include "mreg/pull.h"
#include "ops/uri.h"
#include "repo/repo.h"

#define SHOWN 120

/* What of the path is there, without links, into `out`; the rest, NULL where
 * nobody can tell. */
static const char *find_there(const char *path, char out[PATH_MAX])
{
	char part[PATH_MAX];
	size_t at = strlen(path);

	if (at >= sizeof(part))
		return NULL;
	for (;;) {
		(void)snprintf(part, sizeof(part), "%.*s", (int)at, path);
		if (realpath(at ? part : path[0] == '/' ? "/" : ".", out))
			return path + at;
		if (at == 0)
			return NULL;
		while (at > 0 && path[at - 1] != '/')
			at--;
		while (at > 0 && path[at - 1] == '/')
			at--;
	}
}

/* Where a path leads to; what is not there yet will be as it is written.
 * False: nobody can tell. */
static bool find_place(const char *path, char out[PATH_MAX])
{
	const char *rest = find_there(path, out);
	size_t n;

	for (; rest && *rest; rest += n) {
		size_t used = strlen(out);
		char *last = strrchr(out, '/');

		rest += strspn(rest, "/");
		n = strcspn(rest, "/");
		if (n == 0 || (n == 1 && rest[0] == '.'))
			continue;
		if (n == 2 && rest[0] == '.' && rest[1] == '.') {
			last[last == out] = '\0';
			continue;
		}
		if (used + n + 2 > PATH_MAX)
			return false;
		(void)snprintf(out + used, PATH_MAX - used, "%s%.*s",
			       out[used - 1] == '/' ? "" : "/", (int)n, rest);
	}
	return rest;
}

/* Each version would take the other's files away. */
static int check_places(const struct mreg_initialize_pair *pairs, size_t n,
			struct mreg_error *err)
{
	MR_AUTO(mr_list_release) struct mr_list places = { .n = 0 };
	char place[PATH_MAX];
	char safe[SHOWN];
	size_t i;
	int rc = 0;

	for (i = 0; rc >= 0 && i < n; i++) {
		/* What cannot be told is told when it is opened. */
		if (!find_place(pairs[i].output, place))
			continue;
		if (mr_list_has(&places, place)) {
			(void)mr_fail(err, MREG_EUSAGE,
				      "'%s' is the directory of two models",
				      mr_text_safe(pairs[i].output, safe,
						   sizeof(safe)));
			return mr_hint(err, "give each a directory of its own");
		}
		rc = mr_list_add(&places, place, err);
	}
	return rc;
}

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
	/* A container that is started again finds what it left, and the alias
	 * may have moved meanwhile. */
	o.tidy = true;
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
	if (rc >= 0)
		rc = check_places(pairs, n, err);
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
