/*
 * hints.c - models that a notification named and nobody has looked at since.
 *
 * A hint waits while it is younger than the last sync and the last try: one
 * that cannot be read is asked again with all others, not at once.
 */
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/text.h"
#include "crawl/sync.h"

/* How often the index is asked whether something waits. */
#define LOOK_MS 1000
/* Of the time between two rounds: many that watch one registry spread. */
#define JITTER 10 /* percent */

static bool waits(const struct mr_ix_synced *s)
{
	return s->sync.hinted_s > s->sync.synced_s &&
	       s->sync.hinted_s > s->sync.tried_s &&
	       !mr_text_ends(s->name, "/");
}

static int load(struct mr_index *ix, struct mr_arena **a,
		struct mr_ix_synced **items, size_t *n, struct mreg_error *err)
{
	int rc = mr_result_arena(a, err);

	*n = 0;
	return rc < 0 ? rc : mr_index_syncs(ix, *a, items, n, err);
}

int mr_hints_waiting(struct mr_index *ix, struct mr_list *out,
		     struct mreg_error *err)
{
	MR_AUTO(mr_arena_freep) struct mr_arena *a = NULL;
	struct mr_ix_synced *items = NULL;
	size_t n;
	size_t i;
	int rc = load(ix, &a, &items, &n, err);

	for (i = 0; rc >= 0 && i < n; i++)
		if (waits(&items[i]))
			rc = mr_list_add(out, items[i].name, err);
	return rc;
}

int mr_hints_done(struct mr_index *ix, const struct mr_list *names,
		  struct mreg_error *err)
{
	MR_AUTO(mr_arena_freep) struct mr_arena *a = NULL;
	struct mr_ix_synced *items = NULL;
	size_t n;
	size_t i;
	int rc = load(ix, &a, &items, &n, err);

	for (i = 0; rc >= 0 && i < n; i++)
		if (waits(&items[i]) && !items[i].sync.synced_s &&
		    !items[i].sync.error && mr_list_has(names, items[i].name))
			rc = mr_index_remove_model(ix, items[i].name, err);
	return rc;
}

int mreg_index_wait(struct mreg *m, unsigned int seconds, bool *hinted,
		    struct mreg_error *err)
{
	int64_t most_ms = (int64_t)seconds * 1000;
	int64_t end_ms = mr_mono_ms(&m->env) + most_ms -
			 most_ms * (mr_random(&m->env) % JITTER) / 100;
	struct mr_index *ix;
	int rc = mr_session_index(m, MR_DB_CREATE, &ix, err);

	*hinted = false;
	/* Hints of one moment are looked at together. */
	while (rc >= 0 && !*hinted) {
		MR_AUTO(mr_list_release) struct mr_list names = { .n = 0 };
		struct mreg_error why = MREG_ERROR_INIT;
		int64_t left_ms = end_ms - mr_mono_ms(&m->env);

		if (left_ms <= 0)
			break;
		rc = mr_sleep_ms(&m->env, left_ms < LOOK_MS ? left_ms : LOOK_MS,
				 err);
		/* Whoever syncs next is told of a database that is away. */
		if (rc >= 0 && mr_hints_waiting(ix, &names, &why) >= 0)
			*hinted = names.n > 0;
	}
	return rc < 0 ? rc : 0;
}
