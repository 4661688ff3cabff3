/*
 * gc.c - what of a model may be removed for good: the plan, and its result.
 */
#include "mreg/gc.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/text.h"
#include "content/digest.h"
#include "gc/plan.h"

static int by_number(const void *a, const void *b)
{
	const struct mreg_gc_row *x = a;
	const struct mreg_gc_row *y = b;

	if (x->number != y->number)
		return x->number < y->number ? 1 : -1;
	return mr_digest_compare(&x->digest, &y->digest);
}

static void take_tags(const struct gc *g, size_t item, struct mreg_gc_row *row)
{
	const char **tags = mr_arena_alloc(
		g->arena, (g->tag_count + 1) * sizeof(const char *));
	size_t i;

	for (i = 0; tags && i < g->tag_count; i++)
		if (g->tags[i].found && g->tags[i].item == item)
			tags[row->tag_count++] =
				mr_arena_strdup(g->arena, g->tags[i].name);
	row->tags = tags;
}

static int take_rows(const struct gc *g, struct mreg_gc_result *out,
		     struct mreg_error *err)
{
	size_t i;

	out->rows =
		mr_arena_alloc(g->arena, g->item_count * sizeof(*out->rows));
	for (i = 1; out->rows && i < g->item_count; i++) {
		const struct gc_item *it = &g->items[i];
		struct mreg_gc_row *row = &out->rows[out->count++];

		row->digest = it->desc.digest;
		row->number = it->number;
		row->action = it->action;
		row->reason = it->reason;
		row->why = it->why;
		row->bytes = it->bytes;
		row->freed = it->freed;
		row->done = it->done;
		row->event = it->event;
		out->freed += it->freed;
		out->archived += it->action == MREG_GC_ARCHIVE && it->done;
		if (it->action == MREG_GC_REMOVE)
			take_tags(g, i, row);
	}
	if (out->rows && out->count > 1)
		qsort(out->rows, out->count, sizeof(*out->rows), by_number);
	return mr_result_check(g->arena, err);
}

/* What became of the rows that were to be removed. */
static void take_done(const struct gc *g, struct mreg_gc_result *out)
{
	size_t i;

	out->freed = 0;
	for (i = 0; i < out->count; i++) {
		struct mreg_gc_row *row = &out->rows[i];
		size_t at = mr_digest_map_get(&g->item_map, &row->digest);
		const struct gc_item *it;

		if (at == MR_DIGEST_NO_INDEX || row->action != MREG_GC_REMOVE)
			continue;
		it = &g->items[at];
		if (it->action != row->action) {
			row->action = it->action;
			row->reason = it->reason;
			row->why = it->why;
		}
		row->freed = it->done ? it->freed : 0;
		row->done = it->done;
		if (it->v && it->v->removed)
			row->event = it->v->removed->digest;
		if (mr_digest_known(&it->event))
			row->event = it->event;
		out->freed += row->freed;
		out->removed += it->done;
	}
}

static int run_locked(struct gc *g, struct mreg_gc_result *out,
		      struct mreg_error *err)
{
	struct mr_sweep sweep = { .older_s = MR_GC_GRACE_S,
				  .dry_run = !g->o->apply };
	int rc = mr_gc_gather(g, err);

	if (rc >= 0)
		rc = mr_gc_judge(g, err);
	if (rc >= 0 && g->o->apply)
		rc = mr_gc_archive(g, err);
	if (rc >= 0)
		rc = take_rows(g, out, err);
	if (rc >= 0 && g->o->apply)
		rc = mr_gc_apply(g, &sweep, err);
	else if (rc >= 0)
		rc = mr_gc_sweep(g, &sweep, err);
	if (rc < 0)
		return rc;
	if (g->o->apply)
		take_done(g, out);
	if (g->policies.source_count)
		out->policy = g->policies.sources[0].digest;
	out->retention_s = g->retention_s;
	out->loose = sweep.count;
	out->loose_bytes = sweep.bytes;
	out->at_once = sweep.able;
	out->applied = g->o->apply;
	return mr_result_check(g->arena, err);
}

static int run(struct gc *g, const char *name, struct mreg_gc_result *out,
	       struct mreg_error *err)
{
	char text[MREG_REF_TEXT];
	int rc = mr_gc_open(g, name, err);
	bool lock = rc >= 0 && g->o->apply && mr_store_locks(g->s);

	/* A lock would make the repository. */
	if (lock)
		rc = mr_history_read(g->m, g->s, &g->h, err);
	if (lock && rc >= 0 && !g->h.found)
		rc = mr_target_missing(g->s, &g->ref, err);
	if (lock && rc >= 0)
		rc = mr_store_lock(g->s, err);
	if (rc < 0)
		return rc;
	rc = run_locked(g, out, err);
	if (lock)
		mr_store_unlock(g->s);
	if (rc < 0)
		return rc;
	out->name =
		mr_arena_strdup(g->arena, mr_target_name(g->m, &g->ref, text));
	return mr_result_check(g->arena, err);
}

static int check_keep(const struct mreg_texts *keep, struct mreg_error *err)
{
	struct mreg_digest d;
	char shown[100];
	size_t i;

	for (i = 0; i < keep->n; i++) {
		if (mr_tag_number(keep->items[i]) ||
		    mreg_digest_parse(keep->items[i], &d, NULL) == 0)
			continue;
		(void)mr_fail(
			err, MREG_EUSAGE, "'%s' names no version",
			mr_text_safe(keep->items[i], shown, sizeof(shown)));
		return mr_hint(err, "write v3, or a digest");
	}
	return 0;
}

int mreg_gc(struct mreg *m, const char *name, const struct mreg_gc_opts *given,
	    struct mreg_gc_result *out, struct mreg_error *err)
{
	MR_AUTO(mr_gc_release) struct gc g = { .m = m };
	struct mreg_gc_opts o;
	struct mr_arena *arena;
	int rc;

	memset(out, 0, sizeof(*out));
	mr_opts_take(&o, sizeof(o), given, given->size);
	rc = mr_result_arena(&arena, err);
	if (rc < 0)
		return rc;
	out->owner = arena;
	g.arena = arena;
	g.o = &o;
	rc = check_keep(&o.keep, err);
	if (rc >= 0)
		rc = run(&g, name, out, err);
	if (rc < 0)
		mreg_gc_result_release(out);
	return rc;
}

void mreg_gc_result_release(struct mreg_gc_result *r)
{
	mr_arena_free(r->owner);
	memset(r, 0, sizeof(*r));
}
