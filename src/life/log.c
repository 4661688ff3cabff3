/*
 * log.c - the log of a model, for people: what happened, what was so at a
 * moment, whether the history is whole.
 */
#include "mreg/log.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/text.h"
#include "content/digest.h"
#include "history/history.h"
#include "life/log.h"

struct looking {
	struct mreg *m;
	struct mr_store *s;
	struct mreg_ref ref;
	const struct mreg_log_opts *o;
	struct mr_history h;
	struct mr_standing standing;
	int64_t until_s;
	bool locked;
	/* What `about` names: an alias, or a version. */
	const char *alias;
	struct mreg_digest version;
	struct mreg_log_result *out;
};

static void looking_release(struct looking *l)
{
	mr_standing_release(&l->standing);
	mr_history_release(&l->h);
	mr_store_closep(&l->s);
}

/* -- rows ------------------------------------------------------------------ */

static uint64_t number_of(const struct looking *l, const struct mreg_digest *d)
{
	const struct mr_version_standing *v =
		mr_digest_known(d) ? mr_standing_version(&l->standing, d)
				   : NULL;

	return v && v->registered ? v->registered->number : 0;
}

/* Whether a split names the version. */
static bool has_share(const struct mr_event *e, const struct mreg_digest *d)
{
	const struct mr_event_field *f = e->kind == MR_EVENT_SPLIT_RECORDED
						 ? mr_event_field(e, "weights")
						 : NULL;
	char text[MREG_DIGEST_TEXT];
	size_t i;

	(void)mreg_digest_text(d, text);
	for (i = 0; f && i < f->count; i++)
		if (strcmp(f->items[i].name, text) == 0)
			return true;
	return false;
}

static bool is_about(const struct looking *l, const struct mr_event *e)
{
	const char *alias = mr_event_text(e, "alias");
	struct mreg_digest baseline;

	if (l->o->kind && strcmp(l->o->kind, e->kind_name) != 0)
		return false;
	if (!l->o->about)
		return true;
	if (l->alias)
		return alias && strcmp(alias, l->alias) == 0;
	return mreg_digest_equal(&e->version, &l->version) ||
	       mreg_digest_equal(&e->was, &l->version) ||
	       (mr_event_digest(e, "baseline", &baseline) &&
		mreg_digest_equal(&baseline, &l->version)) ||
	       has_share(e, &l->version);
}

static void take_row(struct looking *l, const struct mr_event *e,
		     struct mreg_log_row *row)
{
	struct mr_arena *a = l->out->owner;
	char tag[MR_LOG_TAG_TEXT];

	row->digest = e->digest;
	if (!mr_list_has_sorted(&l->h.tags, mr_log_tag_of(e, tag)))
		(void)mr_log_tag_linear(e->seq, tag);
	row->tag = mr_arena_strdup(a, tag);
	row->kind = mr_arena_strdup(a, e->kind_name);
	row->seq = e->seq;
	row->time_s = e->time_s;
	row->actor = mr_arena_strdup(a, e->actor);
	if (e->actor_source)
		row->actor_source = mr_arena_strdup(a, e->actor_source);
	row->version = e->version;
	row->number = e->number ? e->number : number_of(l, &e->version);
	row->says = mr_event_says(e, &l->standing, a);
	row->document = mr_arena_strdup(a, e->json);
}

/* The newest `limit` of those that are asked for, in fold order. */
static int take_rows(struct looking *l, struct mreg_error *err)
{
	struct mreg_log_result *out = l->out;
	size_t n = mr_ledger_count(l->h.ledger);
	size_t wanted = 0;
	size_t skip = 0;
	size_t i;

	for (i = 0; i < n; i++) {
		const struct mr_event *e = mr_ledger_event(l->h.ledger, i);

		wanted += e->time_s <= l->until_s && is_about(l, e);
	}
	if (l->o->limit && wanted > l->o->limit)
		skip = wanted - l->o->limit;
	out->events = n;
	out->rows = mr_arena_alloc(out->owner,
				   (wanted - skip + 1) * sizeof(*out->rows));
	for (i = 0; out->rows && i < n; i++) {
		const struct mr_event *e = mr_ledger_event(l->h.ledger, i);

		if (e->time_s > l->until_s || !is_about(l, e))
			continue;
		if (skip > 0)
			skip--;
		else
			take_row(l, e, &out->rows[out->count++]);
	}
	return mr_result_check(out->owner, err);
}

/* -- aliases --------------------------------------------------------------- */

static int take_alias(struct looking *l, const struct mr_alias_standing *a,
		      struct mreg_log_alias *row, struct mreg_error *err)
{
	struct mr_alias_state now = { .move = NULL };
	int rc = 0;

	row->alias = mr_arena_strdup(l->out->owner, a->name);
	row->digest = a->move->version;
	row->number = number_of(l, &row->digest);
	row->since_s = a->move->time_s;
	row->actor = mr_arena_strdup(l->out->owner, a->move->actor);
	if (!l->o->at)
		rc = mr_alias_look_by(l->s, &l->h, &l->standing, a->name, &now,
				      err);
	if (rc >= 0 && !l->o->at)
		row->differs = mr_alias_differs(now.agree);
	return rc;
}

static int take_aliases(struct looking *l, struct mreg_error *err)
{
	struct mreg_log_result *out = l->out;
	size_t i;
	int rc = 0;

	out->aliases = mr_arena_alloc(out->owner, (l->standing.alias_count +
						   1) * sizeof(*out->aliases));
	if (!out->aliases)
		return mr_fail_nomem(err);
	for (i = 0; rc >= 0 && i < l->standing.alias_count; i++) {
		const struct mr_alias_standing *a = &l->standing.aliases[i];

		if (a->move && (!l->alias || strcmp(l->alias, a->name) == 0))
			rc = take_alias(l, a, &out->aliases[out->alias_count++],
					err);
	}
	return rc;
}

/* Tags of aliases that say something else than the log: those that were moved
 * by others are written down. */
static int adopt(struct looking *l, struct mreg_error *err)
{
	struct mreg_log_result *out = l->out;
	const char **names;
	size_t i;
	int rc = 0;

	names = mr_arena_alloc(out->owner,
			       (l->h.tags.n + l->standing.alias_count + 1) *
				       sizeof(*names));
	if (!names)
		return mr_fail_nomem(err);
	out->adopted = names;
	for (i = 0; rc >= 0 && i < l->h.tags.n + l->standing.alias_count; i++) {
		const char *tag =
			i < l->h.tags.n
				? l->h.tags.items[i]
				: l->standing.aliases[i - l->h.tags.n].name;
		struct mr_alias_state st;

		if (mr_tag_kind(tag) != MR_TAG_ALIAS ||
		    (i >= l->h.tags.n && mr_list_has(&l->h.tags, tag)))
			continue;
		rc = mr_alias_look(l->s, &l->h, tag, &st, err);
		if (rc < 0 || (st.agree != MR_ALIAS_FOREIGN &&
			       st.agree != MR_ALIAS_UNRECORDED))
			continue;
		/* The list of tags is made anew while it is adopted. */
		tag = mr_arena_strdup(out->owner, tag);
		names[out->adopted_count++] = tag;
		if (!tag)
			rc = mr_fail_nomem(err);
		else if (!l->o->dry_run)
			rc = mr_alias_adopt(l->m, l->s, &l->h, &l->ref, tag,
					    &st, err);
	}
	return rc;
}

/* -- verify ---------------------------------------------------------------- */

static int verify(struct looking *l, struct mreg_error *err)
{
	static const char *const names[] = {
		[MR_FLAW_CHANGED] = "changed",
		[MR_FLAW_REMOVED] = "removed",
		[MR_FLAW_MISPLACED] = "misplaced",
		[MR_FLAW_UNREADABLE] = "unreadable",
	};
	struct mreg_log_result *out = l->out;
	struct mreg_digest against;
	struct mr_flaws flaws;
	size_t i;
	int rc = l->o->against ? mreg_digest_parse(l->o->against, &against, err)
			       : 0;

	if (rc >= 0)
		rc = mr_log_verify(&l->h, l->o->against ? &against : NULL,
				   out->owner, &flaws, err);
	if (rc < 0)
		return rc;
	out->flaws = mr_arena_alloc(out->owner,
				    (flaws.count + 1) * sizeof(*out->flaws));
	for (i = 0; out->flaws && i < flaws.count; i++)
		out->flaws[out->flaw_count++] = (struct mreg_log_flaw){
			.what = names[flaws.items[i].kind],
			.seq = flaws.items[i].seq,
			.digest = flaws.items[i].digest,
			.problem = flaws.items[i].problem,
		};
	out->verified = flaws.count == 0;
	return mr_result_check(out->owner, err);
}

static int take_heads(struct looking *l, struct mreg_error *err)
{
	struct mreg_log_result *out = l->out;
	const struct mreg_digest *heads;
	struct mreg_digest *kept;
	size_t n;
	int rc = mr_ledger_heads(l->h.ledger, &heads, &n, err);

	if (rc < 0)
		return rc;
	kept = mr_arena_alloc(out->owner, (n + 1) * sizeof(*kept));
	if (!kept)
		return mr_fail_nomem(err);
	if (n)
		memcpy(kept, heads, n * sizeof(*kept));
	out->heads = kept;
	out->head_count = n;
	return 0;
}

/* -- all of it ------------------------------------------------------------- */

static int read_about(struct looking *l, struct mreg_error *err)
{
	const char *about = l->o->about;
	struct mreg_ref ref = l->ref;
	struct mreg_desc d;
	int rc;

	if (!about)
		return 0;
	if (mreg_digest_parse(about, &l->version, NULL) == 0)
		return 0;
	if (mr_tag_kind(about) == MR_TAG_ALIAS) {
		l->alias = about;
		return 0;
	}
	(void)snprintf(ref.tag, sizeof(ref.tag), "%s", about);
	rc = mr_target_resolve(l->s, &ref, &d, err);
	l->version = d.digest;
	return rc;
}

/* One of ours, or one that a later program wrote here. */
static int check_kind(struct looking *l, struct mreg_error *err)
{
	const char *names[MR_EVENT_KINDS + 1] = { NULL };
	const char *kind = l->o->kind;
	const char *near;
	char shown[100];
	size_t i;

	for (i = 1; i < MR_EVENT_KINDS; i++)
		names[i - 1] = mr_event_kind_name((enum mr_event_kind)i);
	if (!kind || mr_event_kind_parse(kind) != MR_EVENT_UNKNOWN)
		return 0;
	for (i = 0; i < mr_ledger_count(l->h.ledger); i++)
		if (strcmp(mr_ledger_event(l->h.ledger, i)->kind_name, kind) ==
		    0)
			return 0;
	(void)mr_fail(err, MREG_EUSAGE, "'%s' is no kind of event",
		      mr_text_safe(kind, shown, sizeof(shown)));
	near = mr_text_nearest(kind, names);
	return mr_hint(err,
		       near ? "did you mean '%s'?"
			    : "'mreg log NAME --json' tells the kinds%s",
		       near ? near : "");
}

/* To lock a folder is to make it: that comes after the log was found. */
static int find_log(struct looking *l, bool lock, struct mreg_error *err)
{
	int rc = mr_history_read(l->m, l->s, &l->h, err);

	if (rc >= 0 && !l->h.found)
		rc = mr_target_missing(l->s, &l->ref, err);
	if (rc < 0 || !lock)
		return rc;
	rc = mr_store_lock(l->s, err);
	l->locked = rc >= 0;
	return rc < 0 ? rc : mr_history_read(l->m, l->s, &l->h, err);
}

static int read_log(struct looking *l, bool lock, struct mreg_error *err)
{
	int rc;

	l->h.anew = l->o->verify || l->o->against;
	rc = find_log(l, lock && mr_store_locks(l->s), err);
	if (rc >= 0)
		rc = check_kind(l, err);
	if (rc >= 0)
		rc = read_about(l, err);
	if (rc >= 0)
		rc = mr_ledger_standing(l->h.ledger, l->until_s, &l->standing,
					err);
	return rc;
}

static int fold_again(struct looking *l, struct mreg_error *err)
{
	mr_standing_release(&l->standing);
	return mr_ledger_standing(l->h.ledger, l->until_s, &l->standing, err);
}

static int show(struct looking *l, struct mreg_error *err)
{
	int rc = read_log(l, l->o->adopt && !l->o->dry_run, err);

	if (rc >= 0 && l->o->adopt)
		rc = adopt(l, err);
	if (rc >= 0 && l->out->adopted_count)
		rc = fold_again(l, err);
	if (l->locked)
		mr_store_unlock(l->s);
	if (rc >= 0)
		rc = take_rows(l, err);
	if (rc >= 0)
		rc = take_aliases(l, err);
	if (rc >= 0)
		rc = take_heads(l, err);
	if (rc >= 0 && l->h.anew)
		rc = verify(l, err);
	return rc;
}

int mreg_log(struct mreg *m, const char *name,
	     const struct mreg_log_opts *given, struct mreg_log_result *out,
	     struct mreg_error *err)
{
	MR_AUTO(looking_release) struct looking l = { .m = m, .out = out };
	struct mreg_log_opts o;
	struct mr_arena *arena;
	char text[MREG_REF_TEXT];
	int rc;

	memset(out, 0, sizeof(*out));
	mr_opts_take(&o, sizeof(o), given, given->size);
	l.o = &o;
	rc = mr_result_arena(&arena, err);
	if (rc < 0)
		return rc;
	out->owner = arena;
	l.until_s = MR_STANDING_NOW;
	if (o.at)
		rc = mr_given_time(o.at, &l.until_s, err);
	if (rc >= 0)
		rc = mr_target(m, name, &l.ref, &l.s, err);
	if (rc >= 0 && (l.ref.tag[0] || mr_digest_known(&l.ref.digest))) {
		(void)mr_fail(err, MREG_EUSAGE,
			      "a log is of a whole model, "
			      "not of '%.100s'",
			      name);
		rc = mr_hint(err, "write the name alone; --about for one alias "
				  "or version");
	}
	if (rc >= 0)
		rc = show(&l, err);
	if (rc >= 0) {
		out->name =
			mr_arena_strdup(arena, mr_target_name(m, &l.ref, text));
		out->dry_run = o.dry_run;
		rc = mr_result_check(arena, err);
	}
	if (rc < 0)
		mreg_log_result_release(out);
	return rc;
}

void mreg_log_result_release(struct mreg_log_result *r)
{
	mr_arena_free(r->owner);
	memset(r, 0, sizeof(*r));
}
