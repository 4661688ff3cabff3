/*
 * read_life.c - sections about a version's life: stages, roles, time limits,
 * what is watched, what is kept.
 *
 * None of them is judged; each is a line among the rules, for people.
 */
#include <inttypes.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/text.h"
#include "oci/oci.h"
#include "policy/read.h"

#define SHOWN_BYTES 96
/* Of hours, and of versions that are kept. */
#define NUMBER_MAX 99999

int mr_reading_setting(struct mr_reading *r, const char *name, const char *says,
		       struct mreg_error *err)
{
	struct mr_rule rule = { .kind = MR_RULE_SETTING,
				.name = name,
				.says = says };

	return mr_rule_add(r, &rule, err);
}

int mr_reading_count(const struct mr_reading *r, const struct mr_node *node,
		     uint64_t max, uint64_t *out, struct mreg_error *err)
{
	const char *text = mr_node_text(node);

	if (text && text[0] != '0' && mr_text_u64(text, max, out) == 0)
		return 0;
	return mr_reading_fail(r, node, err,
			       "'%s' is no whole number from 1 to %" PRIu64,
			       node->key, max);
}

int mr_reading_duration(const struct mr_reading *r, const struct mr_node *node,
			int64_t *out, struct mreg_error *err)
{
	const char *text = mr_node_text(node);

	if (text && mr_text_span_parse(text, out) == 0)
		return 0;
	(void)mr_reading_fail(r, node, err, "'%s' is no length of time",
			      node->key);
	return mr_hint(err, "such as 12h, 30d or 2w: hours, days or weeks");
}

static int fail_alias(const struct mr_reading *r, const struct mr_node *node,
		      const char *word, const char *what,
		      struct mreg_error *err)
{
	char shown[SHOWN_BYTES];

	(void)mr_reading_fail(r, node, err, "'%s' is no %s",
			      mr_text_safe(word, shown, sizeof(shown)), what);
	return mr_hint(err, "an alias is of letters, digits, '_' and '-', and "
			    "no v<N>, release or latest");
}

int mr_reading_alias(const struct mr_reading *r, const struct mr_node *node,
		     const char *word, struct mreg_error *err)
{
	if (mr_tag_kind(word) == MR_TAG_ALIAS)
		return 0;
	return fail_alias(r, node, word, "alias", err);
}

int mr_reading_set(const struct mr_reading *r, const struct mr_node *node,
		   struct mr_words *out, struct mreg_error *err)
{
	char shown[SHOWN_BYTES];
	size_t i, k;
	int rc = mr_reading_words(r, node, out, err);

	for (i = 0; rc >= 0 && i < out->n; i++)
		for (k = 0; rc >= 0 && k < i; k++)
			if (strcmp(out->items[i], out->items[k]) == 0)
				rc = mr_reading_fail(
					r, node, err, "'%s' is there twice",
					mr_text_safe(out->items[i], shown,
						     sizeof(shown)));
	return rc;
}

int mr_read_stages(struct mr_reading *r, const struct mr_node *node,
		   struct mreg_error *err)
{
	struct mr_words words;
	size_t i;
	int rc = mr_reading_set(r, node, &words, err);

	for (i = 0; rc >= 0 && i < words.n; i++)
		rc = mr_reading_alias(r, node, words.items[i], err);
	if (rc < 0)
		return rc;
	r->life.stages = words.items;
	r->life.stage_count = words.n;
	return mr_reading_setting(r, "stages",
				  mr_words_text(&words, r->p->arena), err);
}

int mr_read_roles(struct mr_reading *r, const struct mr_node *node,
		  struct mreg_error *err)
{
	struct mr_arena *a = r->p->arena;
	struct mr_party *roles;
	size_t i;
	int rc = 0;

	if (node->kind != MR_NODE_MAP)
		return mr_reading_fail(r, node, err, "'roles' is no map");
	roles = mr_arena_alloc(a, (node->count + 1) * sizeof(*roles));
	if (!roles)
		return mr_fail_nomem(err);
	for (i = 0; rc >= 0 && i < node->count; i++) {
		const struct mr_node *item = node->items[i];

		if (!item->key[0])
			return mr_reading_fail(r, item, err,
					       "a role has no name");
		roles[i].name = item->key;
		rc = mr_reading_set(r, item, &roles[i].members, err);
		if (rc >= 0)
			rc = mr_reading_setting(
				r, mr_arena_printf(a, "roles.%s", item->key),
				mr_words_text(&roles[i].members, a), err);
	}
	r->life.roles = roles;
	r->life.role_count = node->count;
	return rc;
}

static int read_hours(struct mr_reading *r, const struct mr_node *node,
		      struct mreg_error *err)
{
	uint64_t n = 0;
	int rc = mr_reading_count(r, node, NUMBER_MAX, &n, err);

	if (rc < 0)
		return rc;
	r->life.approval_hours = (uint32_t)n;
	return mr_reading_setting(
		r, "approvals.hours",
		mr_arena_printf(r->p->arena, "a request waits %sh for answers",
				mr_node_text(node)),
		err);
}

int mr_read_approvals(struct mr_reading *r, const struct mr_node *node,
		      struct mreg_error *err)
{
	static const struct mr_section keys[] = { { "hours", read_hours } };

	return mr_reading_map(r, node, keys, MR_COUNT(keys), err);
}

int mr_read_observe(struct mr_reading *r, const struct mr_node *node,
		    struct mreg_error *err)
{
	struct mr_arena *a = r->p->arena;
	char shown[SHOWN_BYTES];
	struct mr_watch *watches;
	struct mr_words words;
	size_t i;
	int rc = mr_reading_set(r, node, &words, err);

	if (rc < 0)
		return rc;
	watches = mr_arena_alloc(a, words.n * sizeof(*watches));
	if (!watches)
		return mr_fail_nomem(err);
	for (i = 0; rc >= 0 && i < words.n; i++) {
		if (mr_watch_parse(words.items[i], a, &watches[i]) < 0) {
			(void)mr_reading_fail(
				r, node, err, "'%s' is nothing to watch for",
				mr_text_safe(words.items[i], shown,
					     sizeof(shown)));
			return mr_hint(err, "such as 'drift > 0.2 for 3 "
					    "windows in prod'");
		}
		rc = mr_reading_setting(r, "observe", watches[i].text, err);
	}
	r->life.watches = watches;
	r->life.watch_count = words.n;
	return rc;
}

int mr_read_retention(struct mr_reading *r, const struct mr_node *node,
		      struct mreg_error *err)
{
	int rc = mr_reading_duration(r, node, &r->life.retention_s, err);

	if (rc < 0)
		return rc;
	return mr_reading_setting(
		r, "retention",
		mr_arena_printf(r->p->arena,
				"gc takes nothing that an alias had within %s",
				mr_node_text(node)),
		err);
}

static int read_superseded(struct mr_reading *r, const struct mr_node *node,
			   struct mreg_error *err)
{
	int rc = mr_reading_duration(r, node, &r->life.archive.superseded_s,
				     err);

	if (rc < 0)
		return rc;
	return mr_reading_setting(
		r, "archive.superseded",
		mr_arena_printf(
			r->p->arena,
			"archived %s after a higher version had its alias",
			mr_node_text(node)),
		err);
}

static int read_keep(struct mr_reading *r, const struct mr_node *node,
		     struct mreg_error *err)
{
	int rc = mr_reading_count(r, node, NUMBER_MAX, &r->life.archive.keep,
				  err);

	if (rc < 0)
		return rc;
	return mr_reading_setting(
		r, "archive.keep",
		mr_arena_printf(r->p->arena, "archived but for the last %s",
				mr_node_text(node)),
		err);
}

static int read_older(struct mr_reading *r, const struct mr_node *node,
		      struct mreg_error *err)
{
	int rc = mr_reading_duration(r, node, &r->life.archive.older_s, err);

	if (rc < 0)
		return rc;
	return mr_reading_setting(
		r, "archive.older",
		mr_arena_printf(r->p->arena,
				"archived %s after it was registered",
				mr_node_text(node)),
		err);
}

int mr_read_archive(struct mr_reading *r, const struct mr_node *node,
		    struct mreg_error *err)
{
	static const struct mr_section keys[] = {
		{ "superseded", read_superseded },
		{ "keep", read_keep },
		{ "older", read_older },
	};

	return mr_reading_map(r, node, keys, MR_COUNT(keys), err);
}

int mr_read_hold(struct mr_reading *r, const struct mr_node *node,
		 struct mreg_error *err)
{
	const char *text = mr_node_text(node);
	struct mr_words words;
	enum mr_tag_kind kind;
	size_t i;
	int rc;

	if (text && strcmp(text, "false") == 0)
		return 0;
	if (text && strcmp(text, "true") == 0) {
		r->life.hold_all = true;
		return mr_reading_setting(r, "hold", "nothing is ever removed",
					  err);
	}
	rc = mr_reading_set(r, node, &words, err);
	for (i = 0; rc >= 0 && i < words.n; i++) {
		kind = mr_tag_kind(words.items[i]);
		if (kind != MR_TAG_ALIAS && kind != MR_TAG_VERSION)
			rc = fail_alias(r, node, words.items[i],
					"alias or version (v3)", err);
	}
	if (rc < 0)
		return rc;
	r->life.hold = words;
	return mr_reading_setting(r, "hold", mr_words_text(&words, r->p->arena),
				  err);
}

int mr_read_review(struct mr_reading *r, const struct mr_node *node,
		   struct mreg_error *err)
{
	int rc = mr_reading_duration(r, node, &r->life.review_s, err);

	if (rc < 0)
		return rc;
	return mr_reading_setting(r, "review",
				  mr_arena_printf(r->p->arena,
						  "due %s after the last",
						  mr_node_text(node)),
				  err);
}
