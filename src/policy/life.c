/*
 * life.c - what a policy says of a version's life after its push.
 */
#include "policy/policy.h"

#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "policy/rule.h"

#define DAY_S 86400

static const char *const default_stages[] = { "staging", "production" };
static const struct mr_life defaults = {
	.stages = default_stages,
	.stage_count = MR_COUNT(default_stages),
	.approval_hours = MR_APPROVAL_HOURS,
	.retention_s = (int64_t)MR_RETENTION_DAYS * DAY_S,
};

const struct mr_life *mr_policy_life(const struct mr_policy *p)
{
	return p ? &p->life : &defaults;
}

const struct mr_party *mr_life_party(const struct mr_life *l, const char *name)
{
	size_t i;

	for (i = 0; i < l->role_count; i++)
		if (strcmp(l->roles[i].name, name) == 0)
			return &l->roles[i];
	return NULL;
}

bool mr_party_has(const struct mr_party *r, const char *login)
{
	size_t i;

	for (i = 0; i < r->members.n; i++)
		if (strcmp(r->members.items[i], login) == 0)
			return true;
	return false;
}

/* 0: not told. */
static int64_t shorter(int64_t a, int64_t b)
{
	return !a || (b && b < a) ? b : a;
}

static int64_t longer(int64_t a, int64_t b)
{
	return b > a ? b : a;
}

static bool has_word(const struct mr_words *w, const char *word)
{
	size_t i;

	for (i = 0; i < w->n; i++)
		if (strcmp(w->items[i], word) == 0)
			return true;
	return false;
}

static int add_hold(struct mr_policy *p, const struct mr_words *more)
{
	struct mr_words *hold = &p->life.hold;
	const char **items;
	size_t i;

	items = mr_arena_alloc(p->arena,
			       (hold->n + more->n + 1) * sizeof(*items));
	if (!items)
		return -1;
	for (i = 0; i < hold->n; i++)
		items[i] = hold->items[i];
	hold->items = items;
	for (i = 0; i < more->n; i++)
		if (!has_word(hold, more->items[i]))
			items[hold->n++] = more->items[i];
	return 0;
}

/* A role of the policy keeps its members: whoever may add rules could make
 * himself one. */
static int add_roles(struct mr_policy *p, const struct mr_life *more)
{
	struct mr_life *l = &p->life;
	size_t n = l->role_count;
	struct mr_party *roles;
	size_t i;

	roles = mr_arena_alloc(p->arena,
			       (n + more->role_count + 1) * sizeof(*roles));
	if (!roles)
		return -1;
	for (i = 0; i < n; i++)
		roles[i] = l->roles[i];
	for (i = 0; i < more->role_count; i++)
		if (!mr_life_party(l, more->roles[i].name))
			roles[n++] = more->roles[i];
	l->roles = roles;
	l->role_count = n;
	return 0;
}

static bool has_watch(const struct mr_life *l, const char *text)
{
	size_t i;

	for (i = 0; i < l->watch_count; i++)
		if (strcmp(l->watches[i].text, text) == 0)
			return true;
	return false;
}

static int add_watches(struct mr_policy *p, const struct mr_life *more)
{
	struct mr_life *l = &p->life;
	size_t n = l->watch_count;
	struct mr_watch *watches;
	size_t i;

	watches = mr_arena_alloc(p->arena, (n + more->watch_count + 1) *
						   sizeof(*watches));
	if (!watches)
		return -1;
	for (i = 0; i < n; i++)
		watches[i] = l->watches[i];
	for (i = 0; i < more->watch_count; i++)
		if (!has_watch(l, more->watches[i].text))
			watches[n++] = more->watches[i];
	l->watches = watches;
	l->watch_count = n;
	return 0;
}

/* Of the first document: where it does not tell, the default is in force, and
 * what is added later may not undo that either. */
static void begin(struct mr_life *l, const struct mr_life *told)
{
	*l = *told;
	if (!l->stages) {
		l->stages = defaults.stages;
		l->stage_count = defaults.stage_count;
	}
	if (!l->approval_hours)
		l->approval_hours = defaults.approval_hours;
	if (!l->retention_s)
		l->retention_s = defaults.retention_s;
}

int mr_life_take(struct mr_policy *p, const struct mr_life *told,
		 struct mreg_error *err)
{
	struct mr_life *l = &p->life;
	const struct mr_archive_rule *archive = &told->archive;

	if (!l->stages) {
		begin(l, told);
		return 0;
	}
	if (add_hold(p, &told->hold) < 0 || add_roles(p, told) < 0 ||
	    add_watches(p, told) < 0)
		return mr_fail_nomem(err);
	l->approval_hours =
		(uint32_t)shorter(l->approval_hours, told->approval_hours);
	l->retention_s = longer(l->retention_s, told->retention_s);
	/* Where both tell, the one that keeps more in sight. */
	l->archive.superseded_s =
		longer(l->archive.superseded_s, archive->superseded_s);
	l->archive.older_s = longer(l->archive.older_s, archive->older_s);
	if (archive->keep > l->archive.keep)
		l->archive.keep = archive->keep;
	l->hold_all = l->hold_all || told->hold_all;
	l->review_s = shorter(l->review_s, told->review_s);
	return 0;
}
