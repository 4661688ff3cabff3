/*
 * changelog.c - what changed about an alias between two positions.
 */
#include "mreg/changelog.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/text.h"
#include "content/digest.h"
#include "history/history.h"
#include "life/changelog.h"
#include "life/names.h"
#include "life/split.h"

#define TAG_BYTES 32

static void changes_release(struct mr_changes *c)
{
	mr_standing_release(&c->now);
	mr_history_release(&c->h);
	mr_store_closep(&c->s);
}

static uint64_t number_of(const struct mr_changes *c,
			  const struct mreg_digest *d)
{
	const struct mr_version_standing *v =
		mr_digest_known(d) ? mr_standing_version(&c->now, d) : NULL;

	return v && v->registered ? v->registered->number : 0;
}

/* -- what is between ------------------------------------------------------- */

static struct mreg_changelog_end end_of(const struct mr_changes *c,
					const struct mr_position *p)
{
	return (struct mreg_changelog_end){
		.digest = p->version,
		.number = number_of(c, &p->version),
		.since_s =
			p->move == MR_NOWHERE ? 0 : c->moves[p->move]->time_s,
	};
}

static const char *copy(const struct mr_changes *c, const char *text)
{
	return text ? mr_arena_strdup(c->arena, text) : NULL;
}

/* From one end to the other by the log, in whichever order they were given; to
 * what it has from what nothing led to, the one move alone. */
static void take_moves(struct mr_changes *c)
{
	struct mreg_changelog_result *out = c->out;
	size_t first = c->from.move == MR_NOWHERE ? c->to.move : c->from.move;
	size_t last = c->to.move;
	struct mreg_changelog_move *to;

	if (last == MR_NOWHERE)
		return;
	if (first > last) {
		last = first;
		first = c->to.move;
	}
	to = mr_arena_alloc(c->arena, (last - first + 1) * sizeof(*to));
	for (first += c->from.move != MR_NOWHERE; to && first <= last;
	     first++) {
		const struct mr_event *e = c->moves[first];

		to[out->move_count++] = (struct mreg_changelog_move){
			.event = e->digest,
			.digest = e->version,
			.number = number_of(c, &e->version),
			.time_s = e->time_s,
			.actor = copy(c, e->actor),
			.by = copy(c, mr_event_text(e, "by")),
			.reason = copy(c, mr_event_text(e, "reason")),
		};
	}
	out->moves = to;
}

/* Whether a split was of the alias as one of the moves left it, from one end up
 * to the other. */
static bool is_between(const struct mr_changes *c, const struct mr_event *split)
{
	size_t first = c->from.move;
	size_t last = c->to.move;
	struct mreg_digest on;

	if (first > last) {
		last = first;
		first = c->to.move;
	}
	for (; mr_event_digest(split, "move", &on) && first < last; first++)
		if (mreg_digest_equal(&c->moves[first]->digest, &on))
			return true;
	return false;
}

static int take_splits(struct mr_changes *c, struct mreg_error *err)
{
	struct mreg_changelog_result *out = c->out;
	struct mr_split_told *told;
	struct mreg_split_row *to;
	size_t n;
	size_t i;
	int rc;

	if (c->from.move == MR_NOWHERE || c->to.move == MR_NOWHERE)
		return 0;
	rc = mr_ledger_splits(c->h.ledger, c->ref.tag, c->arena, &told, &n,
			      err);
	if (rc < 0)
		return rc;
	to = mr_arena_alloc(c->arena, (n + 1) * sizeof(*to));
	for (i = 0; to && i < n; i++)
		if (!told[i].idle && is_between(c, told[i].event))
			mr_split_row(c->h.ledger, &c->now, &told[i], c->arena,
				     &to[out->split_count++]);
	out->splits = to;
	return 0;
}

static int by_number(const void *a, const void *b)
{
	const struct mreg_changelog_version *x = a;
	const struct mreg_changelog_version *y = b;

	return x->number < y->number ? -1 : x->number > y->number;
}

/* A claim without its v<N> is an unfinished push, but of what was removed. */
static int is_version(const struct mr_changes *c,
		      const struct mr_version_standing *v, bool *out,
		      struct mreg_error *err)
{
	struct mreg_desc d;
	char tag[TAG_BYTES];

	*out = true;
	(void)snprintf(tag, sizeof(tag), "v%" PRIu64, v->registered->number);
	if (v->removed || mr_list_has(&c->h.tags, tag))
		return 0;
	/* Listings drop tags. */
	return mr_tag_resolve(c->s, tag, &d, out, err);
}

static bool had(const struct mreg_changelog_result *out,
		const struct mreg_digest *d)
{
	size_t i;

	for (i = 0; i < out->move_count; i++)
		if (mreg_digest_equal(&out->moves[i].digest, d))
			return true;
	return mreg_digest_equal(&out->from.digest, d) && out->from.since_s;
}

static int take_versions(struct mr_changes *c, struct mreg_error *err)
{
	struct mreg_changelog_result *out = c->out;
	uint64_t low = out->back ? out->to.number : out->from.number;
	uint64_t high = out->back ? out->from.number : out->to.number;
	struct mreg_changelog_version *to;
	size_t i;

	to = mr_arena_alloc(c->arena, (c->now.version_count + 1) * sizeof(*to));
	if (!to)
		return mr_fail_nomem(err);
	for (i = 0; low && i < c->now.version_count; i++) {
		const struct mr_version_standing *v = &c->now.versions[i];
		const struct mr_event *e = v->registered;
		bool is;
		int rc;

		if (!e || e->number <= low || e->number > high)
			continue;
		rc = is_version(c, v, &is, err);
		if (rc < 0)
			return rc;
		if (!is)
			continue;
		to[out->version_count++] = (struct mreg_changelog_version){
			.digest = v->digest,
			.number = e->number,
			.time_s = e->time_s,
			.actor = copy(c, e->actor),
			.run = copy(c, e->run),
			.had = had(out, &v->digest),
			.removed = v->removed != NULL,
		};
	}
	if (out->version_count > 1)
		qsort(to, out->version_count, sizeof(*to), by_number);
	out->versions = to;
	return 0;
}

/* -- how the ends differ --------------------------------------------------- */

static bool is_told(const struct mreg_diff_field *f)
{
	return strcmp(f->section, "metrics") == 0 ||
	       strcmp(f->section, "inputs") == 0 ||
	       strcmp(f->section, "parents") == 0 ||
	       (strcmp(f->section, "metadata") == 0 &&
		strcmp(f->name, "license") == 0);
}

static void take_files(struct mreg_changelog_result *out,
		       const struct mreg_diff_result *diff)
{
	size_t i;

	for (i = 0; i < diff->file_count; i++) {
		enum mreg_change change = diff->files[i].change;

		out->files_added += change == MREG_CHANGE_ADDED;
		out->files_removed += change == MREG_CHANGE_REMOVED;
		out->files_changed += change == MREG_CHANGE_CHANGED;
		out->files_moved += change == MREG_CHANGE_MOVED;
		out->files_same += change == MREG_CHANGE_SAME;
	}
}

static void take_fields(struct mr_changes *c,
			const struct mreg_diff_result *diff)
{
	struct mreg_diff_field *to;
	size_t i;

	to = mr_arena_alloc(c->arena, (diff->field_count + 1) * sizeof(*to));
	for (i = 0; to && i < diff->field_count; i++) {
		const struct mreg_diff_field *f = &diff->fields[i];

		if (is_told(f))
			to[c->out->field_count++] = (struct mreg_diff_field){
				.section = copy(c, f->section),
				.name = copy(c, f->name),
				.a = copy(c, f->a),
				.b = copy(c, f->b),
			};
	}
	c->out->fields = to;
}

static int compare_ends(struct mr_changes *c, struct mreg_error *err)
{
	MR_AUTO(mreg_diff_result_release)
	struct mreg_diff_result diff = { .owner = NULL };
	struct mreg_error why = MREG_ERROR_INIT;
	char from[MREG_REF_TEXT];
	char to[MREG_REF_TEXT];
	int rc;

	(void)mr_target_pinned(c->m, &c->ref, &c->from.version, from);
	(void)mr_target_pinned(c->m, &c->ref, &c->to.version, to);
	rc = mreg_diff(c->m, from, to, NULL, &diff, &why);
	if (rc == MREG_ENOTFOUND) {
		mr_log(&c->m->env, MREG_LOG_WARN,
		       "they are not compared, for one is not there any more: "
		       "%s",
		       why.msg);
		return 0;
	}
	if (rc < 0) {
		if (err)
			*err = why;
		return rc;
	}
	c->out->compared = true;
	take_files(c->out, &diff);
	take_fields(c, &diff);
	return 0;
}

/* -- all of it ------------------------------------------------------------- */

/* What the tag has is told, where it is not what this is about. */
static int check_tag(struct mr_changes *c, struct mreg_error *err)
{
	struct mr_alias_state now;
	int rc;

	if (c->o->to)
		return 0;
	rc = mr_alias_look(c->s, &c->h, c->ref.tag, &now, err);
	if (rc >= 0 && now.agree != MR_ALIAS_AGREES)
		mr_log(&c->m->env, MREG_LOG_WARN,
		       "the tag '%s' has something else than the log says "
		       "(%s): this is by the log",
		       c->ref.tag, mr_alias_differs(now.agree));
	return rc;
}

static int run(struct mr_changes *c, struct mreg_error *err)
{
	struct mreg_changelog_result *out = c->out;
	char name[MREG_REF_TEXT];
	int rc = mr_history_read(c->m, c->s, &c->h, err);

	if (rc >= 0 && !c->h.found)
		rc = mr_target_missing(c->s, &c->ref, err);
	if (rc >= 0)
		rc = mr_ledger_standing(c->h.ledger, MR_STANDING_NOW, &c->now,
					err);
	if (rc >= 0)
		rc = mr_changes_find(c, err);
	if (rc >= 0)
		rc = check_tag(c, err);
	if (rc < 0)
		return rc;
	out->name = copy(c, mr_target_name(c->m, &c->ref, name));
	out->alias = copy(c, c->ref.tag);
	out->from = end_of(c, &c->from);
	out->to = end_of(c, &c->to);
	out->back = out->to.number && out->to.number < out->from.number;
	take_moves(c);
	rc = take_splits(c, err);
	if (rc >= 0)
		rc = take_versions(c, err);
	if (rc >= 0)
		rc = compare_ends(c, err);
	return rc < 0 ? rc : mr_result_check(out->owner, err);
}

int mreg_changelog(struct mreg *m, const char *ref,
		   const struct mreg_changelog_opts *given,
		   struct mreg_changelog_result *out, struct mreg_error *err)
{
	MR_AUTO(changes_release) struct mr_changes c = { .m = m, .out = out };
	struct mreg_changelog_opts o;
	struct mr_arena *arena;
	int rc;

	memset(out, 0, sizeof(*out));
	mr_opts_take(&o, sizeof(o), given, given->size);
	c.o = &o;
	rc = mr_result_arena(&arena, err);
	if (rc < 0)
		return rc;
	out->owner = arena;
	c.arena = arena;
	rc = mr_name_target(m, ref, &c.ref, &c.s, err);
	if (rc >= 0)
		rc = run(&c, err);
	if (rc < 0)
		mreg_changelog_result_release(out);
	return rc;
}

void mreg_changelog_result_release(struct mreg_changelog_result *r)
{
	mr_arena_free(r->owner);
	memset(r, 0, sizeof(*r));
}
