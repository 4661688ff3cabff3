/*
 * pull_result.c - what a pull came to.
 */
#include "mreg/pull.h"

#include "base/error.h"
#include "base/mem.h"
#include "ops/pull.h"

/* Bytes of the version that were not fetched now.  What comes out of archives
 * has no size of its own on the wire. */
static uint64_t count_reused(const struct pull *p,
			     const struct mreg_pull_result *out)
{
	uint64_t n = 0;
	size_t i;

	if (!p->archive_count)
		return out->bytes_total > p->fetched
			       ? out->bytes_total - p->fetched
			       : 0;
	for (i = 0; i < out->item_count; i++)
		if (out->items[i].action != MREG_ITEM_SENT)
			n += out->items[i].size;
	return n;
}

/* Whether its bytes came with an archive, so that what else on this machine
 * had them saved nothing. */
static bool was_packed(const struct pull *p, size_t i)
{
	size_t archive = p->origins[i].archive;

	return archive != PULL_LAYER && p->archives[archive].was_here;
}

static int take_items(struct pull *p, struct mreg_pull_result *out,
		      struct mreg_error *err)
{
	struct mr_arena *a = out->owner;
	size_t i;

	out->items = mr_arena_alloc(a, (p->count + 1) * sizeof(*out->items));
	for (i = 0; out->items && i < p->count; i++) {
		struct mreg_item *it = &out->items[i];
		const struct mr_item *moved = &p->plan.items[i];
		bool sent = moved->done ? moved->sent
					: moved->step != MR_STEP_REUSE;
		enum mr_seed source = p->source[i];

		it->path = mr_arena_strdup(a, p->origins[i].label
						      ? p->origins[i].label
						      : p->layers[i].path);
		it->size = p->layers[i].desc.size;
		it->digest = p->layers[i].desc.digest;
		it->role = mr_arena_strdup(a, p->layers[i].role);
		it->executable = p->layers[i].executable;
		it->action = sent || source == MR_SEED_SOURCE ||
					     source == MR_SEED_ARCHIVE
				     ? MREG_ITEM_SENT
				     : MREG_ITEM_REUSED;
		if ((source == MR_SEED_COPY || source == MR_SEED_SHARED) &&
		    was_packed(p, i)) {
			it->action = MREG_ITEM_SENT;
		} else if (source == MR_SEED_COPY || source == MR_SEED_SHARED) {
			it->action = MREG_ITEM_SEEDED;
			out->bytes_seeded += it->size;
		}
		out->bytes_total += it->size;
	}
	out->item_count = out->items ? p->count : 0;
	out->bytes_fetched = p->fetched;
	out->bytes_reused = count_reused(p, out);
	/* What was fetched twice counts twice. */
	if (out->bytes_reused < out->bytes_seeded)
		out->bytes_reused = out->bytes_seeded;
	return mr_result_check(a, err);
}

static void take_removed(struct pull *p, struct mreg_pull_result *out)
{
	struct mr_arena *a = out->owner;
	const char **paths;
	size_t i;

	mr_list_sort(&p->removed);
	paths = mr_arena_alloc(a, (p->removed.n + 1) * sizeof(*paths));
	for (i = 0; paths && i < p->removed.n; i++)
		paths[i] = mr_arena_strdup(a, p->removed.items[i]);
	out->removed = paths;
	out->removed_count = p->removed.n;
}

static const char *copy(struct mr_arena *a, const char *s)
{
	return s ? mr_arena_strdup(a, s) : NULL;
}

static const struct mreg_deprecation *take_deprecation(
	struct mr_arena *a, const struct mreg_deprecation *from)
{
	struct mreg_deprecation *to;

	if (!from)
		return NULL;
	to = mr_arena_alloc(a, sizeof(*to));
	if (!to)
		return NULL;
	*to = *from;
	to->reason = copy(a, from->reason);
	to->actor = copy(a, from->actor);
	to->says = copy(a, from->says);
	return to;
}

int mr_pull_result(struct pull *p, struct mreg_pull_result *out,
		   struct mreg_error *err)
{
	struct mr_arena *a = out->owner;
	char text[MREG_REF_TEXT];

	out->name = mr_arena_strdup(a, mr_target_name(p->m, &p->ref, text));
	out->digest = p->named.digest;
	out->reference = mr_arena_strdup(
		a, mr_target_pinned(p->m, &p->ref, &out->digest, text));
	if (p->ref.tag[0])
		out->tag = mr_arena_strdup(a, p->ref.tag);
	out->number = p->number;
	out->deprecated = take_deprecation(a, p->deprecated);
	out->archived = p->archived != NULL;
	out->index_count = p->chosen_of;
	out->chosen = p->manifest->desc.digest;
	out->output = mr_arena_strdup(a, p->output);
	out->files_placed = p->published.placed;
	out->files_kept = p->published.kept;
	take_removed(p, out);
	out->dry_run = p->o->dry_run;
	return take_items(p, out, err);
}
