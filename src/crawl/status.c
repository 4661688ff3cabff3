/*
 * status.c - what the index has, and how old that is.
 */
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/text.h"
#include "crawl/crawl.h"
#include "mreg/index.h"

#define SHOWN_BYTES 256

static const char *keep(struct mr_arena *a, const char *text)
{
	return text ? mr_arena_strdup(a, text) : NULL;
}

static void take_sync(const struct mr_ix_sync *from, struct mr_arena *a,
		      struct mreg_index_model *to)
{
	to->synced_s = from->synced_s;
	to->changed_s = from->changed_s;
	to->swept_s = from->swept_s;
	to->tried_s = from->tried_s;
	to->hinted = from->hinted_s > from->synced_s;
	to->error = keep(a, from->error);
	to->requests = from->requests;
}

static const struct mr_ix_model_row *row_of(const struct mr_ix_model_row *rows,
					    size_t n, const char *name)
{
	size_t low = 0;

	while (low < n) {
		size_t mid = low + (n - low) / 2;
		int order = strcmp(rows[mid].name, name);

		if (order == 0)
			return &rows[mid];
		if (order < 0)
			low = mid + 1;
		else
			n = mid;
	}
	return NULL;
}

static int take_all(const struct mreg *m, struct mr_index *ix,
		    struct mr_arena *a, struct mreg_index_status_result *out,
		    struct mreg_error *err)
{
	struct mr_ix_model_row *rows = NULL;
	struct mr_ix_synced *syncs = NULL;
	const char **places;
	size_t row_count = 0;
	size_t n = 0;
	size_t i;
	int rc = mr_index_models(ix, NULL, a, &rows, &row_count, err);

	if (rc >= 0)
		rc = mr_index_syncs(ix, a, &syncs, &n, err);
	if (rc < 0)
		return rc;
	out->models = mr_arena_alloc(a, (n + 1) * sizeof(*out->models));
	places = mr_arena_alloc(a, (n + 1) * sizeof(*places));
	for (i = 0; out->models && places && i < n; i++) {
		const struct mr_ix_model_row *row;
		struct mreg_index_model *to;
		size_t len = strlen(syncs[i].name);

		if (mr_text_ends(syncs[i].name, "/")) {
			places[out->place_count++] =
				mr_arena_strndup(a, syncs[i].name, len - 1);
			continue;
		}
		to = &out->models[out->count++];
		row = row_of(rows, row_count, syncs[i].name);
		to->name = mr_crawl_shown(m, syncs[i].name, a);
		to->indexed = row != NULL;
		to->versions = row ? row->versions : 0;
		to->bytes = row ? row->bytes : 0;
		to->notes = row ? row->notes : 0;
		take_sync(&syncs[i].sync, a, to);
	}
	out->places = places;
	return mr_result_check(a, err);
}

static int run(struct mreg *m, struct mr_arena *a,
	       struct mreg_index_status_result *out, struct mreg_error *err)
{
	char shown[SHOWN_BYTES];
	struct mr_index *ix;
	struct mr_db *db;
	int rc = mr_session_index(m, MR_DB_READ, &ix, err);

	if (rc < 0)
		return rc;
	db = mr_index_db(ix);
	out->index = mr_arena_strdup(a, mr_db_shown(mr_setting(m, "index.db"),
						    shown, sizeof(shown)));
	out->kind = mr_db_kind(db) == MR_DB_SQLITE ? "sqlite" : "postgresql";
	out->schema_version = mr_index_schema(ix);
	out->now_s = mr_now_s(&m->env);
	rc = mr_db_size(db, &out->size, err);
	return rc < 0 ? rc : take_all(m, ix, a, out, err);
}

int mreg_index_status(struct mreg *m, struct mreg_index_status_result *out,
		      struct mreg_error *err)
{
	struct mr_arena *arena;
	int rc;

	memset(out, 0, sizeof(*out));
	rc = mr_result_arena(&arena, err);
	if (rc < 0)
		return rc;
	out->owner = arena;
	rc = run(m, arena, out, err);
	if (rc < 0)
		mreg_index_status_result_release(out);
	return rc;
}

void mreg_index_status_result_release(struct mreg_index_status_result *r)
{
	mr_arena_free(r->owner);
	memset(r, 0, sizeof(*r));
}
