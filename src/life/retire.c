/*
 * retire.c - deprecated, archived, and back.
 */
#include "mreg/retire.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/text.h"
#include "content/digest.h"
#include "history/history.h"

#define TIME_BYTES 32
/* Of names in an error. */
#define NAMES_BYTES 160

struct retire {
	struct mreg *m;
	struct mr_store *s;
	struct mreg_ref ref;
	struct mr_history h;
	struct mr_standing now;
	const struct mreg_retire_opts *o;
	enum mr_event_kind kind;
	struct mreg_desc version;
	struct mreg_retire_result *out;
	/* What an event borrows. */
	char until[TIME_BYTES];
	char successor[MREG_DIGEST_TEXT];
};

static void retire_release(struct retire *r)
{
	mr_standing_release(&r->now);
	mr_history_release(&r->h);
	mr_store_closep(&r->s);
}

static const struct mr_version_standing *standing(struct retire *r)
{
	return mr_standing_version(&r->now, &r->version.digest);
}

static int fold(struct retire *r, struct mreg_error *err)
{
	mr_standing_release(&r->now);
	return mr_ledger_standing(r->h.ledger, MR_STANDING_NOW, &r->now, err);
}

static int write_event(struct retire *r, enum mr_event_kind kind,
		       const char *what, struct mreg_error *err)
{
	struct mr_event_field fields[4];
	struct mr_event e = { .kind = kind,
			      .version = r->version.digest,
			      .fields = fields };
	int rc;

	if (r->o->reason)
		fields[e.field_count++] =
			(struct mr_event_field){ .key = "reason",
						 .text = r->o->reason };
	if (what)
		fields[e.field_count++] =
			(struct mr_event_field){ .key = "what", .text = what };
	if (kind == MR_EVENT_DEPRECATED && r->until[0])
		fields[e.field_count++] =
			(struct mr_event_field){ .key = "until",
						 .text = r->until };
	if (kind == MR_EVENT_DEPRECATED && r->successor[0])
		fields[e.field_count++] =
			(struct mr_event_field){ .key = "successor",
						 .text = r->successor };
	r->out->changed = true;
	if (r->o->dry_run)
		return 0;
	rc = mr_log_append(r->m, r->s, &r->h, &r->ref, &e, &r->out->event, err);
	if (rc >= 0)
		rc = mr_history_read(r->m, r->s, &r->h, err);
	return rc < 0 ? rc : fold(r, err);
}

/* -- what is asked for ----------------------------------------------------- */

static int take_until(struct retire *r, struct mreg_error *err)
{
	int64_t until_s;
	int rc;

	if (!r->o->until)
		return 0;
	rc = mr_given_time(r->o->until, &until_s, err);
	if (rc >= 0)
		(void)mr_text_time(until_s, r->until);
	return rc;
}

static int take_successor(struct retire *r, struct mreg_error *err)
{
	struct mreg_ref ref = r->ref;
	struct mreg_desc d;
	int rc;

	if (!r->o->successor)
		return 0;
	ref.tag[0] = '\0';
	memset(&ref.digest, 0, sizeof(ref.digest));
	if (mreg_digest_parse(r->o->successor, &ref.digest, NULL) < 0)
		(void)snprintf(ref.tag, sizeof(ref.tag), "%s", r->o->successor);
	rc = mr_target_resolve(r->s, &ref, &d, err);
	if (rc < 0)
		return rc;
	if (mreg_digest_equal(&d.digest, &r->version.digest)) {
		(void)mr_fail(err, MREG_EUSAGE,
			      "a version cannot succeed itself");
		return mr_hint(err, "name another one with --successor");
	}
	(void)mreg_digest_text(&d.digest, r->successor);
	return 0;
}

static const struct mr_tag_row *row_of(const struct mr_tag_row *rows, size_t n,
				       const char *tag)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (strcmp(rows[i].tag, tag) == 0)
			return &rows[i];
	return NULL;
}

/* Whether somebody's move of the alias to it is not finished. */
static bool is_coming(struct retire *r, const struct mr_alias_standing *a,
		      const struct mr_tag_row *tag)
{
	struct mr_alias_state st = { .move = NULL };

	if (!a->move ||
	    !mreg_digest_equal(&a->move->version, &r->version.digest))
		return false;
	if (tag)
		st.tag = tag->desc;
	mr_alias_judge(&r->h, &r->now, a->name, &st);
	return st.agree == MR_ALIAS_UNFINISHED;
}

/* Aliases that point at it or are about to: it is in use. */
static int find_aliases(struct retire *r, struct mr_list *out,
			struct mreg_error *err)
{
	MR_AUTO(mr_free) struct mr_tag_row *rows = NULL;
	size_t n = 0;
	size_t i;
	int rc = mr_tag_rows(r->m, r->s, &r->h.tags, &rows, &n, err);

	for (i = 0; rc >= 0 && i < n; i++)
		if (rows[i].kind == MR_TAG_ALIAS &&
		    mreg_digest_equal(&rows[i].desc.digest, &r->version.digest))
			rc = mr_list_add(out, rows[i].tag, err);
	for (i = 0; rc >= 0 && i < r->now.alias_count; i++) {
		const struct mr_alias_standing *a = &r->now.aliases[i];

		if (is_coming(r, a, row_of(rows, n, a->name)))
			rc = mr_list_add(out, a->name, err);
	}
	if (rc >= 0)
		mr_list_sort(out);
	return rc;
}

/* "'a', 'b'"; what does not fit is "...". */
static const char *name_all(const struct mr_list *names, char out[NAMES_BYTES])
{
	MR_AUTO(mr_buf_release) struct mr_buf b = MR_BUF_INIT(1u << 20);
	size_t i;

	for (i = 0; i < names->n; i++)
		mr_buf_printf(&b, "%s'%s'", i ? ", " : "", names->items[i]);
	return mr_text_safe(b.failed ? "" : mr_buf_text(&b), out, NAMES_BYTES);
}

/* The alias whose split sends it traffic; NULL: none. */
static const struct mr_alias_standing *find_split(const struct retire *r)
{
	size_t i;

	for (i = 0; i < r->now.alias_count; i++)
		if (mr_split_share(&r->now.aliases[i], &r->version.digest))
			return &r->now.aliases[i];
	return NULL;
}

static int check_split(struct retire *r, struct mreg_error *err)
{
	const struct mr_alias_standing *a = find_split(r);

	if (!a)
		return 0;
	(void)mr_fail(err, MREG_ECONFLICT,
		      "alias '%s' sends it %u %% of its traffic: it is in use",
		      a->name, mr_split_share(a, &r->version.digest));
	return mr_hint(err, "end that first: 'mreg split NAME:%s --end'",
		       a->name);
}

static int check_aliases(struct retire *r, struct mreg_error *err)
{
	MR_AUTO(mr_list_release) struct mr_list names = { .n = 0 };
	char shown[NAMES_BYTES];
	int rc = find_aliases(r, &names, err);

	if (rc < 0)
		return rc;
	if (!names.n)
		return check_split(r, err);
	(void)mr_fail(err, MREG_ECONFLICT, "%s %s point%s at it: it is in use",
		      names.n == 1 ? "alias" : "aliases",
		      name_all(&names, shown), names.n == 1 ? "s" : "");
	return mr_hint(err, "move or remove %s first",
		       names.n == 1 ? "the alias" : "the aliases");
}

/* Nothing keeps a registry's tags still between a look and an event: whoever
 * pointed an alias at it meanwhile is told of. */
static int check_after(struct retire *r, struct mreg_error *err)
{
	MR_AUTO(mr_list_release) struct mr_list names = { .n = 0 };
	char shown[NAMES_BYTES];
	int rc = find_aliases(r, &names, err);

	if (rc >= 0 && names.n)
		mr_log(&r->m->env, MREG_LOG_WARN,
		       "meanwhile %s was pointed at what is archived now",
		       name_all(&names, shown));
	if (rc >= 0 && find_split(r))
		mr_log(&r->m->env, MREG_LOG_WARN,
		       "meanwhile the split of '%s' sends traffic to what is "
		       "archived now",
		       find_split(r)->name);
	return rc;
}

static bool same_text(const char *a, const char *b)
{
	return strcmp(a ? a : "", b ? b : "") == 0;
}

static int deprecate(struct retire *r, struct mreg_error *err)
{
	const struct mr_version_standing *v = standing(r);
	const struct mr_event *is = v ? v->deprecated : NULL;

	if (is && same_text(mr_event_text(is, "until"), r->until) &&
	    same_text(mr_event_text(is, "successor"), r->successor) &&
	    same_text(mr_event_text(is, "reason"), r->o->reason))
		return 0;
	return write_event(r, MR_EVENT_DEPRECATED, NULL, err);
}

static int archive(struct retire *r, struct mreg_error *err)
{
	const struct mr_version_standing *v = standing(r);
	int rc;

	if (v && v->archived)
		return 0;
	rc = check_aliases(r, err);
	if (rc >= 0)
		rc = write_event(r, MR_EVENT_ARCHIVED, NULL, err);
	return rc < 0 || r->o->dry_run ? rc : check_after(r, err);
}

static int restore(struct retire *r, struct mreg_error *err)
{
	const struct mr_version_standing *v = standing(r);
	bool deprecated = v && v->deprecated;
	int rc = 0;

	if (v && v->archived)
		rc = write_event(r, MR_EVENT_RESTORED, "archived", err);
	if (rc >= 0 && deprecated)
		rc = write_event(r, MR_EVENT_RESTORED, "deprecated", err);
	return rc;
}

/* -- all of it ------------------------------------------------------------- */

/* `latest` is the highest version that is not archived; when all are, it stays
 * where it is.  The event is written: failing here is a warning. */
static void move_latest(struct retire *r)
{
	struct mreg_error why = MREG_ERROR_INIT;
	struct mreg_desc was, now;
	bool had = false;
	bool has = false;
	uint64_t at = 0;
	int rc = mr_tag_resolve(r->s, "latest", &was, &had, &why);

	if (rc >= 0)
		rc = mr_latest_move(r->m, r->s, &r->h, &r->version, NULL, &at,
				    &why);
	if (rc >= 0)
		rc = mr_tag_resolve(r->s, "latest", &now, &has, &why);
	if (rc >= 0 && has &&
	    !(had && mreg_digest_equal(&was.digest, &now.digest)))
		r->out->latest = at;
	if (rc < 0 && rc != MREG_ENOTFOUND)
		mr_log(&r->m->env, MREG_LOG_WARN, "'latest' was not moved: %s",
		       why.msg);
}

static int run_locked(struct retire *r, struct mreg_error *err)
{
	int rc = mr_history_read(r->m, r->s, &r->h, err);

	if (rc >= 0)
		rc = fold(r, err);
	if (rc >= 0)
		rc = take_until(r, err);
	if (rc >= 0)
		rc = take_successor(r, err);
	if (rc < 0)
		return rc;
	if (r->kind == MR_EVENT_DEPRECATED)
		rc = deprecate(r, err);
	else if (r->kind == MR_EVENT_ARCHIVED)
		rc = archive(r, err);
	else
		rc = restore(r, err);
	if (rc >= 0 && r->out->changed && !r->o->dry_run &&
	    r->kind != MR_EVENT_DEPRECATED)
		move_latest(r);
	return rc;
}

static int take_result(struct retire *r, struct mreg_error *err)
{
	const struct mr_version_standing *v = standing(r);
	struct mreg_retire_result *out = r->out;
	char name[MREG_REF_TEXT];

	out->name = mr_arena_strdup(out->owner,
				    mr_target_name(r->m, &r->ref, name));
	out->digest = r->version.digest;
	out->number = v && v->registered ? v->registered->number
					 : mr_tag_number(r->ref.tag);
	out->archived = v && v->archived;
	out->deprecated = v && v->deprecated;
	out->dry_run = r->o->dry_run;
	return mr_result_check(out->owner, err);
}

static int run(struct mreg *m, const char *text, enum mr_event_kind kind,
	       const struct mreg_retire_opts *given,
	       struct mreg_retire_result *out, struct mreg_error *err)
{
	MR_AUTO(retire_release)
	struct retire r = { .m = m, .kind = kind, .out = out };
	struct mreg_retire_opts o;
	struct mr_arena *arena;
	int rc;

	memset(out, 0, sizeof(*out));
	mr_opts_take(&o, sizeof(o), given, given->size);
	r.o = &o;
	rc = mr_result_arena(&arena, err);
	if (rc < 0)
		return rc;
	out->owner = arena;
	rc = mr_target(m, text, &r.ref, &r.s, err);
	if (rc >= 0 && !r.ref.tag[0] && !mr_digest_known(&r.ref.digest)) {
		(void)mr_fail(err, MREG_EUSAGE, "'%.200s' names no version",
			      text);
		rc = mr_hint(err, "write NAME:v3");
	}
	if (rc >= 0)
		rc = mr_subject_resolve(m, r.s, &r.ref, &r.version, err);
	if (rc >= 0 && !o.dry_run)
		rc = mr_store_lock(r.s, err);
	if (rc >= 0) {
		rc = run_locked(&r, err);
		if (!o.dry_run)
			mr_store_unlock(r.s);
	}
	if (rc >= 0)
		rc = take_result(&r, err);
	if (rc < 0)
		mreg_retire_result_release(out);
	return rc;
}

int mreg_deprecate(struct mreg *m, const char *ref,
		   const struct mreg_retire_opts *o,
		   struct mreg_retire_result *out, struct mreg_error *err)
{
	return run(m, ref, MR_EVENT_DEPRECATED, o, out, err);
}

int mreg_archive(struct mreg *m, const char *ref,
		 const struct mreg_retire_opts *o,
		 struct mreg_retire_result *out, struct mreg_error *err)
{
	return run(m, ref, MR_EVENT_ARCHIVED, o, out, err);
}

int mreg_restore(struct mreg *m, const char *ref,
		 const struct mreg_retire_opts *o,
		 struct mreg_retire_result *out, struct mreg_error *err)
{
	return run(m, ref, MR_EVENT_RESTORED, o, out, err);
}

void mreg_retire_result_release(struct mreg_retire_result *r)
{
	mr_arena_free(r->owner);
	memset(r, 0, sizeof(*r));
}
