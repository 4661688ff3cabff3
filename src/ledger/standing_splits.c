/*
 * standing_splits.c - what shares of an alias's traffic its versions have.
 *
 * Whoever may push may write any weights: what is not 2 to 16 shares of 100,
 * that of the alias's own version among them, has no meaning.
 */
#include "ledger/standing.h"

#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "content/digest.h"
#include "ledger/internal.h"

/* "1" to "99" as they are written; 0: it is no share. */
static unsigned int read_share(const char *text)
{
	unsigned int n = 0;
	size_t i;

	for (i = 0; text[i]; i++) {
		if (i >= 2 || text[i] < (i ? '0' : '1') || text[i] > '9')
			return 0;
		n = n * 10 + (unsigned int)(text[i] - '0');
	}
	return n;
}

/* NULL, or what is wrong with them; `out` has room for MR_SPLIT_PARTS_MAX. */
static const char *read_parts(const struct mr_event_field *weights,
			      struct mr_split_part *out)
{
	unsigned int sum = 0;
	size_t i;

	if (weights->count < MR_SPLIT_PARTS_MIN)
		return "one version is no split";
	if (weights->count > MR_SPLIT_PARTS_MAX)
		return "it has more than 16 versions";
	for (i = 0; i < weights->count; i++) {
		out[i].percent = read_share(weights->items[i].value);
		if (!out[i].percent)
			return "a weight is no whole number from 1 to 99";
		if (mreg_digest_parse(weights->items[i].name, &out[i].version,
				      NULL) < 0)
			return "a version is no digest";
		sum += out[i].percent;
	}
	return sum == 100 ? NULL : "its weights do not come to 100";
}

static bool has_version(const struct mr_split_part *parts, size_t n,
			const struct mreg_digest *version)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (mreg_digest_equal(&parts[i].version, version))
			return true;
	return false;
}

const char *mr_split_idle(const struct mr_event *split,
			  const struct mr_event *move)
{
	const struct mr_event_field *weights = mr_event_field(split, "weights");
	struct mr_split_part parts[MR_SPLIT_PARTS_MAX];
	const char *wrong = NULL;
	struct mreg_digest on;

	if (!move || !mr_digest_known(&move->version))
		return "the alias has nothing";
	if (!mr_event_digest(split, "move", &on) ||
	    !mreg_digest_equal(&on, &move->digest))
		return "its writer did not know the last move of the alias";
	/* None: it ends the split. */
	if (weights->count)
		wrong = read_parts(weights, parts);
	if (!wrong && weights->count &&
	    !has_version(parts, weights->count, &move->version))
		wrong = "what the alias has gets no share";
	return wrong;
}

size_t mr_split_parts(const struct mr_event *split, struct mr_split_part *out)
{
	const struct mr_event_field *weights = mr_event_field(split, "weights");

	return weights->count && !read_parts(weights, out) ? weights->count : 0;
}

unsigned int mr_split_share(const struct mr_alias_standing *a,
			    const struct mreg_digest *version)
{
	struct mr_split_part parts[MR_SPLIT_PARTS_MAX];
	size_t n = a->split ? mr_split_parts(a->split, parts) : 0;
	size_t i;

	for (i = 0; i < n; i++)
		if (mreg_digest_equal(&parts[i].version, version))
			return parts[i].percent;
	return 0;
}

/* -- history --------------------------------------------------------------- */

static bool is_about(const struct mr_event *e, const char *alias)
{
	return (e->kind == MR_EVENT_ALIAS_MOVED ||
		e->kind == MR_EVENT_TAG_ADOPTED ||
		e->kind == MR_EVENT_SPLIT_RECORDED) &&
	       strcmp(mr_event_text(e, "alias"), alias) == 0;
}

int mr_ledger_splits(struct mr_ledger *l, const char *alias, struct mr_arena *a,
		     struct mr_split_told **out, size_t *count,
		     struct mreg_error *err)
{
	size_t n = mr_ledger_count(l);
	const struct mr_event *move = NULL;
	struct mr_split_told *now = NULL; /* in force */
	size_t most = 0;
	size_t i;

	for (i = 0; i < n; i++)
		most += is_about(mr_ledger_event(l, i), alias);
	*out = mr_arena_alloc(a, (most + 1) * sizeof(**out));
	*count = 0;
	if (!*out)
		return mr_fail_nomem(err);
	for (i = 0; i < n; i++) {
		const struct mr_event *e = mr_ledger_event(l, i);
		struct mr_split_told told = { .event = e };

		if (!is_about(e, alias))
			continue;
		if (e->kind == MR_EVENT_SPLIT_RECORDED)
			told.idle = mr_split_idle(e, move);
		else
			move = e;
		if (now && !told.idle) {
			now->ended = e;
			now = NULL;
		}
		if (e->kind != MR_EVENT_SPLIT_RECORDED)
			continue;
		if (!told.idle && mr_event_field(e, "weights")->count)
			now = &(*out)[*count];
		(*out)[(*count)++] = told;
	}
	return 0;
}
