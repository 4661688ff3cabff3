/*
 * search_sets.c - the nodes that a filter's references begin at:
 * descends_from('base:v4').
 */
#include "find/search.h"

#include "base/error.h"
#include "find/nodes.h"

static bool refers(const struct mr_term *t)
{
	if (t->kind != MR_TERM_PREDICATE)
		return false;
	switch (t->predicate) {
	case MR_PRED_DESCENDS_FROM:
	case MR_PRED_ANCESTOR_OF:
	case MR_PRED_SAME_FILES:
	case MR_PRED_USES:
		return true;
	case MR_PRED_TEXT:
	case MR_PRED_ANCESTOR_LICENSE:
	case MR_PRED_COUNT:
		break;
	}
	return false;
}

static size_t count(const struct mr_term *t)
{
	size_t n = refers(t);
	size_t i;

	for (i = 0; i < t->child_count; i++)
		n += count(t->children[i]);
	return n;
}

/* A digest, or data, that nothing indexed knows is an answer: nothing uses it.
 * A version's name that means nothing is a slip, which an empty list would
 * hide. */
static bool may_be_unknown(const struct mr_term *t, const char *text)
{
	struct mreg_digest d;

	return t->predicate == MR_PRED_USES ||
	       mreg_digest_parse(text, &d, NULL) >= 0;
}

static int resolve(struct mr_searching *s, const struct mr_term *t,
		   struct mr_search_set *set, struct mreg_error *err)
{
	int64_t *nodes = mr_arena_alloc(s->arena, t->value_count * MR_FIND_MAX *
							  sizeof(*nodes));
	size_t i, n;
	int rc;

	if (!nodes)
		return mr_fail_nomem(err);
	set->term = t;
	set->nodes = nodes;
	for (i = 0; i < t->value_count; i++) {
		const char *text = t->values[i].text;

		rc = mr_find_nodes(s->m, s->ix, text, nodes + set->count, &n,
				   err);
		if (rc < 0)
			return rc;
		set->count += n;
		if (n || may_be_unknown(t, text))
			continue;
		s->out->wrong_at = t->values[i].at + 1;
		(void)mr_fail(err, MREG_ENOTFOUND,
			      "the index does not know '%.150s' (byte %zu of "
			      "the filter)",
			      text, t->values[i].at + 1);
		return mr_hint(err, "'mreg index sync' reads what registries "
				    "have now");
	}
	return 0;
}

static int walk(struct mr_searching *s, const struct mr_term *t,
		struct mr_search_set *sets, size_t *n, struct mreg_error *err)
{
	size_t i;
	int rc = 0;

	if (refers(t))
		rc = resolve(s, t, &sets[(*n)++], err);
	for (i = 0; i < t->child_count && rc >= 0; i++)
		rc = walk(s, t->children[i], sets, n, err);
	return rc;
}

int mr_search_sets(struct mr_searching *s, struct mr_search_set **out,
		   size_t *n, struct mreg_error *err)
{
	const struct mr_term *root = s->query->root;

	*n = 0;
	*out = mr_arena_alloc(s->arena, (count(root) + 1) * sizeof(**out));
	if (!*out)
		return mr_fail_nomem(err);
	return walk(s, root, *out, n, err);
}
