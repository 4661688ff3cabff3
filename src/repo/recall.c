/*
 * recall.c - whether the index may stand for a registry, and how it does.
 *
 * What makes it too old is decided on the safe side: a state that was lost, or
 * is not there, noted no writes, so nothing that was synced before it was there
 * is believed.  Times are this machine's; a sync that is in the future was
 * noted by another clock and counts as old.
 */
#include "repo/recall.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/text.h"
#include "content/digest.h"
#include "repo/repo.h"

void mr_recall_release(struct mr_recall *r)
{
	mr_arena_free(r->arena);
	memset(r, 0, sizeof(*r));
}

/* -- may it be used -------------------------------------------------------- */

/* No file, no work. */
static bool is_there(const struct mreg *m)
{
	const char *where = mr_setting(m, "index.db");

	return where[0] && (mr_db_is_uri(where) || access(where, F_OK) == 0);
}

static bool may_ask(const struct mreg *m)
{
	return m->index_use == MREG_INDEX_ALWAYS ||
	       (m->index_use == MREG_INDEX_FRESH && is_there(m) &&
		strcmp(mr_setting(m, "index.fresh"), "0") != 0);
}

/* `*out` NULL: it cannot be used, which is no error unless it has to be. */
static int open_index(struct mreg *m, struct mr_index **out,
		      struct mreg_error *err)
{
	struct mreg_error why = MREG_ERROR_INIT;
	int rc;

	*out = NULL;
	if (!may_ask(m))
		return 0;
	rc = mr_session_index(m, MR_DB_READ, out, &why);
	if (rc >= 0)
		return 0;
	*out = NULL;
	if (m->index_use == MREG_INDEX_ALWAYS || rc == MREG_ECANCELED ||
	    rc == MREG_ENOMEM) {
		if (err)
			*err = why;
		return rc;
	}
	mr_log(&m->env, MREG_LOG_INFO, "the index is not used: %s", why.msg);
	return 0;
}

/* Whether what was written from here since `then_s` is known. */
static bool is_marked(const struct mreg *m, const struct mr_store *s,
		      int64_t then_s)
{
	uint64_t since_s;
	char text[32];

	return !mr_state_fact_get(m->state, MR_MARKS_SCOPE, MR_MARKS_SINCE,
				  text, sizeof(text)) ||
	       mr_text_u64(text, INT64_MAX, &since_s) < 0 ||
	       (int64_t)since_s > then_s ||
	       mr_store_marked(s, m->state) >= then_s;
}

static bool is_fresh(struct mreg *m, const struct mr_store *s,
		     const struct mr_ix_sync *sync)
{
	int64_t now_s = mr_now_s(&m->env);
	uint64_t fresh_s = 0;

	if (m->index_use == MREG_INDEX_ALWAYS)
		return true;
	/* Its form was checked with the settings. */
	(void)mr_text_u64(mr_setting(m, "index.fresh"), INT64_MAX, &fresh_s);
	return !sync->error && sync->hinted_s <= sync->synced_s &&
	       sync->synced_s <= now_s &&
	       now_s - sync->synced_s < (int64_t)fresh_s &&
	       !is_marked(m, s, sync->synced_s);
}

/* -- one model ------------------------------------------------------------- */

static int by_tag(const void *key, const void *item)
{
	return strcmp(key, ((const struct mr_ix_seen *)item)->tag);
}

/* Tags that were seen, and versions that listings dropped. */
static int put_store(const struct mr_recall *r, const struct mr_ix_seen *seen,
		     size_t n, struct mr_store **s, struct mreg_error *err)
{
	MR_AUTO(mr_free) struct mr_recalled_tag *tags = NULL;
	size_t count = 0;
	size_t i;

	tags = mr_array(n + r->count + 1, sizeof(*tags));
	if (!tags)
		return mr_fail_nomem(err);
	/* What else is remembered with them has names that no tag has. */
	for (i = 0; i < n; i++)
		if (mr_tag_kind(seen[i].tag) != MR_TAG_INVALID)
			tags[count++] =
				(struct mr_recalled_tag){ seen[i].tag,
							  seen[i].digest };
	for (i = 0; i < r->count; i++) {
		const char *tag = mr_arena_printf(r->arena, "v%" PRIu64,
						  r->rows[i].number);

		if (!tag)
			return mr_fail_nomem(err);
		if (!n || !bsearch(tag, seen, n, sizeof(*seen), by_tag))
			tags[count++] =
				(struct mr_recalled_tag){ tag,
							  r->rows[i].digest };
	}
	return mr_recalled_open(s, tags, count, err);
}

static int not_indexed(const struct mr_store *s, struct mreg_error *err)
{
	(void)mr_fail(err, MREG_ENOTFOUND, "'%s' is not in the index",
		      s->label);
	return mr_hint(err, "'mreg index sync %.100s' puts it there", s->label);
}

static int find_notes(struct mr_index *ix, const char *name,
		      struct mr_recall *out, struct mreg_error *err)
{
	struct mr_ix_model_row *models = NULL;
	size_t n = 0;
	size_t i;
	int rc = mr_index_models(ix, name, out->arena, &models, &n, err);

	for (i = 0; rc >= 0 && i < n; i++)
		if (strcmp(models[i].name, name) == 0)
			out->whole = models[i].notes == 0;
	return rc;
}

static int recall(struct mreg *m, struct mr_index *ix, const char *name,
		  struct mr_store **s, struct mr_recall *out,
		  struct mreg_error *err)
{
	struct mr_ix_seen *seen = NULL;
	struct mr_ix_sync sync = { .synced_s = 0 };
	bool found = false;
	size_t n = 0;
	int rc = mr_result_arena(&out->arena, err);

	if (rc >= 0)
		rc = mr_index_cached(ix, name, out->arena, &seen, &n, &sync,
				     &found, err);
	if (rc < 0)
		return rc;
	found = found && sync.synced_s && n;
	if (!found && m->index_use == MREG_INDEX_ALWAYS)
		return not_indexed(*s, err);
	if (!found || !is_fresh(m, *s, &sync))
		return 0;
	rc = mr_index_versions(ix, name, true, out->arena, &out->rows,
			       &out->count, err);
	if (rc >= 0)
		rc = find_notes(ix, name, out, err);
	if (rc >= 0)
		rc = put_store(out, seen, n, s, err);
	if (rc >= 0)
		out->synced_s = sync.synced_s;
	return rc;
}

int mr_recall(struct mreg *m, const struct mreg_ref *ref, struct mr_store **s,
	      struct mr_recall *out, struct mreg_error *err)
{
	struct mreg_error why = MREG_ERROR_INIT;
	struct mr_index *ix;
	char name[MREG_REF_TEXT];
	int rc;

	memset(out, 0, sizeof(*out));
	rc = open_index(m, &ix, err);
	if (rc < 0 || !ix)
		return rc;
	rc = recall(m, ix, mr_ref_name(ref, name), s, out, &why);
	if (rc >= 0 && out->synced_s)
		return 0;
	mr_recall_release(out);
	if (rc >= 0)
		return 0;
	if (rc == MREG_EDB && m->index_use == MREG_INDEX_FRESH) {
		mr_log(&m->env, MREG_LOG_INFO, "the index is not used: %s",
		       why.msg);
		return 0;
	}
	if (err)
		*err = why;
	return rc;
}

/* Rows are by number, the highest first. */
static int by_number(const void *key, const void *item)
{
	uint64_t number = *(const uint64_t *)key;
	const struct mr_ix_row *row = item;

	return (row->number > number) - (row->number < number);
}

const struct mr_ix_row *mr_recall_row(const struct mr_recall *r,
				      uint64_t number,
				      const struct mreg_digest *d)
{
	const struct mr_ix_row *row =
		r->count ? bsearch(&number, r->rows, r->count, sizeof(*r->rows),
				   by_number)
			 : NULL;

	return row && mreg_digest_equal(&row->digest, d) ? row : NULL;
}

bool mr_recall_again(const struct mreg *m, const struct mr_recall *r, int rc)
{
	return rc == MREG_ENOTFOUND && r->synced_s &&
	       m->index_use == MREG_INDEX_FRESH;
}

/* -- models of a place ----------------------------------------------------- */

int mr_recall_models(struct mreg *m, const struct mreg_ref *place,
		     struct mr_list *out, int64_t *synced_s, bool *used,
		     struct mreg_error *err)
{
	MR_AUTO(mr_arena_freep) struct mr_arena *a = NULL;
	struct mr_ix_model_row *rows = NULL;
	struct mr_index *ix;
	const char *under;
	size_t n = 0;
	size_t i;
	int rc = open_index(m, &ix, err);

	*used = rc >= 0 && ix;
	*synced_s = 0;
	if (!*used)
		return rc;
	rc = mr_result_arena(&a, err);
	if (rc < 0)
		return rc;
	under = mr_place_text(place, a);
	rc = under ? mr_index_models(ix, under, a, &rows, &n, err)
		   : mr_fail_nomem(err);
	for (i = 0; rc >= 0 && i < n; i++) {
		if (!*synced_s || rows[i].sync.synced_s < *synced_s)
			*synced_s = rows[i].sync.synced_s;
		rc = mr_list_add(out, rows[i].repository, err);
	}
	mr_list_sort(out);
	return rc;
}
