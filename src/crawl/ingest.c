/*
 * ingest.c - notifications taken as hints: which models they are about, and a
 * look at those.
 *
 * Whoever can send one decides nothing: not where we connect to (only to hosts
 * that the user named or had synced), not what is indexed (only what is below
 * such a place), not what is written (that is what the registry says).
 */
#include "mreg/ingest.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/text.h"
#include "crawl/notice.h"
#include "crawl/sync.h"

#define AUTO "auto"
#define SHOWN_BYTES 160

struct ingest {
	struct mreg *m;
	const struct mreg_ingest_opts *o;
	struct mreg_ingest_result *out;
	struct mr_arena *arena; /* borrowed; the result's */
	struct mr_index *ix;    /* NULL: a rehearsal, and there is none */
	/* Below which models may be looked at, those of registries. */
	struct mreg_ref *places; /* in the arena */
	size_t place_count;
	struct mr_ix_model_row *models; /* of the index; not with `host` */
	size_t model_count;
	struct mr_list names; /* owned; models that are to be looked at */
	size_t fresh;         /* names before the notice at hand */
};

/* -- where one may look ---------------------------------------------------- */

static int add_place(struct ingest *g, const char *prefix,
		     struct mreg_error *err)
{
	struct mreg_ref *place = &g->places[g->place_count];
	int rc = mr_place_parse(g->m, prefix, place, err);

	/* A local store sends nothing. */
	if (rc >= 0 && place->host[0])
		g->place_count++;
	return rc;
}

/* Places that were synced as a whole end in '/' there. */
static int add_synced(struct ingest *g, const struct mr_ix_synced *items,
		      size_t n)
{
	struct mreg_error ignored = MREG_ERROR_INIT;
	size_t i;

	for (i = 0; i < n; i++) {
		size_t len = strlen(items[i].name);
		char *prefix;

		if (!mr_text_ends(items[i].name, "/"))
			continue;
		prefix = mr_arena_strndup(g->arena, items[i].name, len - 1);
		if (!prefix)
			return MREG_ENOMEM;
		/* What is none any more is looked at by nobody. */
		(void)add_place(g, prefix, &ignored);
	}
	return 0;
}

static int find_places(struct ingest *g, struct mreg_error *err)
{
	struct mr_ix_synced *synced = NULL;
	size_t n = 0;
	int rc = 0;

	if (g->ix && !g->o->host)
		rc = mr_index_syncs(g->ix, g->arena, &synced, &n, err);
	if (rc >= 0 && g->ix && !g->o->host)
		rc = mr_index_models(g->ix, NULL, g->arena, &g->models,
				     &g->model_count, err);
	if (rc < 0)
		return rc;
	g->places = mr_arena_alloc(g->arena, (n + 1) * sizeof(*g->places));
	if (!g->places)
		return mr_fail_nomem(err);
	rc = add_place(g, g->o->host, err);
	if (rc >= 0 && g->o->host && !g->place_count) {
		(void)mr_fail(err, MREG_EUSAGE, "'%.100s' is no registry",
			      g->o->host);
		return mr_hint(err, "write HOST or HOST/PATH");
	}
	if (rc < 0 && g->o->host)
		return rc;
	return add_synced(g, synced, n) < 0 ? mr_fail_nomem(err) : 0;
}

/* -- what a notice is about ------------------------------------------------ */

static int add_name(struct ingest *g, const char *host, const char *repository,
		    struct mreg_error *err)
{
	const char *name = mr_arena_printf(g->arena, "%s/%s", host, repository);

	if (!name)
		return mr_fail_nomem(err);
	return mr_list_has(&g->names, name) ? 0
					    : mr_list_add(&g->names, name, err);
}

/* `host` NULL: the notice does not say. */
static int add_names(struct ingest *g, const char *host, const char *repository,
		     bool *any, struct mreg_error *err)
{
	size_t i;
	int rc = 0;

	for (i = 0; rc >= 0 && g->places && i < g->place_count; i++) {
		const struct mreg_ref *p = &g->places[i];

		if ((host && strcmp(host, p->host) != 0) ||
		    !mr_text_starts(repository, p->repository))
			continue;
		*any = true;
		rc = add_name(g, p->host, repository, err);
	}
	for (i = 0; rc >= 0 && i < g->model_count; i++) {
		const struct mr_ix_model_row *r = &g->models[i];

		if (!mr_host_valid(r->place) ||
		    (host && strcmp(host, r->place) != 0) ||
		    strcmp(repository, r->repository) != 0)
			continue;
		*any = true;
		rc = add_name(g, r->place, repository, err);
	}
	return rc;
}

static int tell_foreign(struct ingest *g, const struct mr_notice *n,
			struct mreg_error *err)
{
	char shown[SHOWN_BYTES];

	if (g->out->foreign++)
		return 0;
	g->out->foreign_name = mr_arena_printf(
		g->arena, "%s%s%s", n->host ? n->host : "", n->host ? "/" : "",
		mr_text_safe(n->repository, shown, sizeof(shown)));
	return mr_result_check(g->arena, err);
}

/*
 * Noted before anything else is done, for who is killed meanwhile; a notice
 * that came before notes nothing: `*before`.  A hint waits while it is younger
 * than the last sync's beginning: one that is not looked at now counts from the
 * next second, for a sync that began in this one may have looked too early.
 */
static int note_hints(struct ingest *g, const struct mr_notice *n,
		      char *const *names, size_t count, bool *before,
		      struct mreg_error *err)
{
	const char *id = NULL;
	bool first = true;
	int rc;

	if (n->id) {
		id = mr_arena_printf(g->arena, "%s %s", n->source, n->id);
		if (!id)
			return mr_fail_nomem(err);
	}
	rc = mr_index_hint(g->ix, id, (const char *const *)names, count,
			   mr_now_s(&g->m->env) + g->o->no_sync, &first, err);
	*before = !first;
	return rc;
}

static int take_notice(struct ingest *g, const struct mr_notice *n,
		       struct mreg_error *err)
{
	const char *host = g->o->host ? NULL : n->host;
	size_t had = g->names.n;
	bool before = false;
	bool any = false;
	int rc = 0;

	if (n->idle || mr_place_is_policy(n->repository)) {
		g->out->idle++;
		return 0;
	}
	if (mr_repository_valid(n->repository))
		rc = add_names(g, host, n->repository, &any, err);
	if (rc >= 0 && !any)
		return tell_foreign(g, n, err);
	if (rc >= 0 && g->ix && !g->o->dry_run)
		rc = note_hints(g, n, g->names.items + had, g->names.n - had,
				&before, err);
	if (rc >= 0 && before) {
		g->out->repeated++;
		while (g->names.n > had)
			mr_release(g->names.items[--g->names.n]);
	}
	return rc;
}

/* -- the look -------------------------------------------------------------- */

static const struct mreg_index_row *row_of(
	const struct mreg_index_sync_result *did, const char *name)
{
	size_t i;

	for (i = 0; i < did->count; i++)
		if (strcmp(did->rows[i].name, name) == 0)
			return &did->rows[i];
	return NULL;
}

static int look(struct ingest *g, struct mreg_error *err)
{
	const struct mreg_index_sync_opts given = MREG_INDEX_SYNC_OPTS_INIT;
	struct mreg_index_sync_result did;
	struct mreg_index_sync_opts o;
	struct mr_sync s;
	size_t i;
	int rc = mr_sync_begin(&s, g->m, &given, &o, &did, err);

	s.crawl.ix = g->ix;
	for (i = 0; rc >= 0 && i < g->names.n; i++)
		rc = mr_list_add(&s.names, g->names.items[i], err);
	if (rc >= 0)
		rc = mr_sync_run(&s, err);
	if (rc >= 0)
		rc = mr_hints_done(g->ix, &s.names, err);
	rc = mr_sync_end(&s, rc, err);
	if (rc < 0)
		return rc;
	for (i = 0; i < g->out->count; i++) {
		struct mreg_ingest_row *row = &g->out->rows[i];
		const struct mreg_index_row *from = row_of(&did, row->name);

		row->changed = from && !from->error;
		if (from && from->error)
			row->error = mr_arena_strdup(g->arena, from->error);
	}
	g->out->changed = did.changed;
	g->out->failed = did.failed;
	g->out->requests = did.requests;
	g->out->failure = did.failure;
	g->out->synced = true;
	mreg_index_sync_result_release(&did);
	return mr_result_check(g->arena, err);
}

/* -- all of it ------------------------------------------------------------- */

static int take_rows(struct ingest *g, struct mreg_error *err)
{
	size_t i;

	mr_list_sort(&g->names);
	g->out->rows = mr_arena_alloc(g->arena,
				      (g->names.n + 1) * sizeof(*g->out->rows));
	for (i = 0; g->out->rows && i < g->names.n; i++)
		g->out->rows[g->out->count++].name =
			mr_arena_strdup(g->arena, g->names.items[i]);
	return mr_result_check(g->arena, err);
}

static int open_index(struct ingest *g, struct mreg_error *err)
{
	struct mreg_error why = MREG_ERROR_INIT;
	int rc = mr_session_index(
		g->m, g->o->dry_run ? MR_DB_READ : MR_DB_CREATE, &g->ix, &why);

	if (rc >= 0)
		return 0;
	g->ix = NULL;
	if (rc == MREG_ENOTFOUND && g->o->dry_run)
		return 0;
	if (err)
		*err = why;
	return rc;
}

static int run(struct ingest *g, const struct mr_notices *all,
	       struct mreg_error *err)
{
	size_t i;
	int rc = open_index(g, err);

	if (rc >= 0)
		rc = find_places(g, err);
	for (i = 0; rc >= 0 && i < all->count; i++)
		rc = take_notice(g, &all->items[i], err);
	if (rc >= 0)
		rc = take_rows(g, err);
	if (rc >= 0 && g->names.n && !g->o->no_sync && !g->o->dry_run)
		rc = look(g, err);
	return rc;
}

static int read_notices(const struct mreg_ingest_opts *o,
			struct mr_notices *out, struct mreg_error *err)
{
	MR_AUTO(mr_buf_release)
	struct mr_buf b = MR_BUF_INIT(MR_NOTICES_MAX_BYTES);
	const char *source = o->source;
	int rc;

	if (source && strcmp(source, AUTO) == 0)
		source = NULL;
	if (source && !mr_notice_is_source(source)) {
		(void)mr_fail(err, MREG_EUSAGE,
			      "no notifications of '%.40s' are known", source);
		return mr_hint(err, "known: %s", mr_notice_sources);
	}
	rc = mr_given_load(o->from, "notification", &b, err);
	if (rc >= 0)
		rc = mr_notices_read(mr_buf_text(&b), b.len, source, out, err);
	if (rc < 0 || out->count || !out->unknown)
		return rc;
	(void)mr_fail(err, MREG_EFORMAT,
		      "nothing in it is a notification that is known");
	return mr_hint(err, "known: %s", mr_notice_sources);
}

int mreg_ingest(struct mreg *m, const struct mreg_ingest_opts *given,
		struct mreg_ingest_result *out, struct mreg_error *err)
{
	MR_AUTO(mr_notices_release) struct mr_notices all = { .count = 0 };
	struct mreg_ingest_opts o;
	struct ingest g = { .m = m, .o = &o, .out = out };
	int rc;

	memset(out, 0, sizeof(*out));
	mr_opts_take(&o, sizeof(o), given, given->size);
	rc = read_notices(&o, &all, err);
	if (rc >= 0)
		rc = mr_result_arena(&g.arena, err);
	if (rc < 0)
		return rc;
	out->owner = g.arena;
	out->dry_run = o.dry_run;
	out->notices = all.count;
	out->unknown = all.unknown;
	out->unknown_at = all.unknown_at;
	rc = run(&g, &all, err);
	mr_list_release(&g.names);
	if (rc < 0)
		mreg_ingest_result_release(out);
	return rc;
}

void mreg_ingest_result_release(struct mreg_ingest_result *r)
{
	mr_arena_free(r->owner);
	memset(r, 0, sizeof(*r));
}
