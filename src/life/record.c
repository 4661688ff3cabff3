/*
 * record.c - the model's record, and values given after the fact.
 */
#include "mreg/record.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/text.h"
#include "content/digest.h"
#include "history/history.h"

#define KEYS 3 /* beside the tags */
#define VALUE_MAX_BYTES 4096
#define SHOWN_BYTES 100

struct writing {
	struct mreg *m;
	struct mr_store *s;
	struct mr_history h;
	struct mreg_ref ref;
	const struct mreg_record_opts *o;
	struct mr_metadata md;
	struct mr_meta *meta; /* owned; to check values */
	struct mr_arena *arena;
};

static void writing_release(struct writing *w)
{
	mr_meta_freep(&w->meta);
	mr_history_release(&w->h);
	mr_store_closep(&w->s);
}

static int put(struct writing *w, const char *key, const char *value)
{
	w->md.set[w->md.set_count++] =
		(struct mreg_pair){ mr_arena_strdup(w->arena, key),
				    mr_arena_strdup(w->arena, value) };
	return 0;
}

static int check_size(const char *key, const char *value,
		      struct mreg_error *err)
{
	char shown[SHOWN_BYTES];

	if (strlen(value) <= VALUE_MAX_BYTES)
		return 0;
	(void)mr_fail(err, MREG_EUSAGE, "'%s' is longer than %d bytes",
		      mr_text_safe(key, shown, sizeof(shown)), VALUE_MAX_BYTES);
	return mr_hint(err, "attach what is longer as a document: 'mreg attach "
			    "--help'");
}

static int add(struct writing *w, const char *key, const char *value,
	       struct mreg_error *err)
{
	int rc;

	if (!value)
		return 0;
	rc = check_size(key, value, err);
	if (rc < 0)
		return rc;
	/* The same that a manifest may say. */
	rc = strcmp(key, "description") == 0
		     ? mr_meta_set(w->meta, key, value, err)
		     : mr_meta_line(key, value, err);
	if (rc == MREG_EUSAGE && !value[0])
		return mr_hint(err, "'mreg edit --unset %s' takes it away",
			       key);
	return rc < 0 ? rc : put(w, key, value);
}

/* KEY=VALUE; of one key the last counts. */
static int add_tags(struct writing *w, struct mreg_error *err)
{
	size_t i;
	int rc = 0;

	for (i = 0; i < w->o->tags.n && rc >= 0; i++) {
		rc = check_size("tag", w->o->tags.items[i], err);
		if (rc >= 0)
			rc = mr_meta_add(w->meta, "tags", w->o->tags.items[i],
					 err);
	}
	for (i = 0; i < w->meta->tag_count && rc >= 0; i++) {
		const char *key = mr_arena_printf(w->arena, "tags.%s",
						  w->meta->tags[i].name);

		rc = key ? put(w, key, w->meta->tags[i].value)
			 : mr_fail_nomem(err);
	}
	return rc;
}

static int add_unset(struct writing *w, struct mreg_error *err)
{
	static const char *const keys[] = { "displayName", "owner",
					    "description" };
	char shown[SHOWN_BYTES];
	size_t i, k;

	for (i = 0; i < w->o->unset.n; i++) {
		const char *key = w->o->unset.items[i];
		bool set = false;
		bool known = mr_text_starts(key, "tags.") && key[5];

		for (k = 0; k < KEYS; k++)
			known = known || strcmp(keys[k], key) == 0;
		if (!known) {
			(void)mr_fail(err, MREG_EUSAGE,
				      "'%s' is nothing that can be taken away",
				      mr_text_safe(key, shown, sizeof(shown)));
			return mr_hint(err, "owner, description, displayName "
					    "or tags.KEY");
		}
		for (k = 0; k < w->md.set_count; k++)
			set = set || strcmp(w->md.set[k].name, key) == 0;
		for (k = 0; k < i; k++)
			set = set || strcmp(w->o->unset.items[k], key) == 0;
		if (!set)
			w->md.unset[w->md.unset_count++].name =
				mr_arena_strdup(w->arena, key);
	}
	return 0;
}

static int take_values(struct writing *w, struct mreg_error *err)
{
	const struct mreg_record_opts *o = w->o;
	int rc = mr_meta_new(&w->meta, err);

	if (rc < 0)
		return rc;
	w->md.set = mr_arena_alloc(w->arena,
				   (o->tags.n + KEYS) * sizeof(*w->md.set));
	w->md.unset = mr_arena_alloc(w->arena,
				     (o->unset.n + 1) * sizeof(*w->md.unset));
	if (!w->md.set || !w->md.unset)
		return mr_fail_nomem(err);
	rc = add(w, "displayName", o->display_name, err);
	if (rc >= 0)
		rc = add(w, "owner", o->owner, err);
	if (rc >= 0)
		rc = add(w, "description", o->description, err);
	if (rc >= 0)
		rc = add_tags(w, err);
	if (rc >= 0)
		rc = add_unset(w, err);
	return rc < 0 ? rc : mr_result_check(w->arena, err);
}

static int take_result(struct writing *w, struct mreg_record_result *out,
		       struct mreg_error *err)
{
	MR_AUTO(mr_standing_release) struct mr_standing now = { .arena = NULL };
	static const struct mr_values none = { .count = 0 };
	const struct mr_version_standing *v;
	const struct mr_values *values;
	char name[MREG_REF_TEXT];
	size_t i;
	int rc = mr_ledger_standing(w->h.ledger, MR_STANDING_NOW, &now, err);

	if (rc < 0)
		return rc;
	v = mr_digest_known(&w->md.version)
		    ? mr_standing_version(&now, &w->md.version)
		    : NULL;
	if (mr_digest_known(&w->md.version))
		values = v ? &v->metadata : &none;
	else
		values = &now.metadata;
	out->name =
		mr_arena_strdup(w->arena, mr_target_name(w->m, &w->ref, name));
	out->version = w->md.version;
	out->number = v && v->registered ? v->registered->number : 0;
	/* Of two that were written at once the first is the record. */
	out->created = w->md.created &&
		       (w->o->dry_run ||
			(now.record &&
			 mreg_digest_equal(&now.record->digest, &w->md.event)));
	out->changed = w->md.changed;
	out->event = w->md.event;
	out->dry_run = w->o->dry_run;
	out->linear = w->h.linear || w->o->linear;
	out->values = mr_arena_alloc(w->arena, (values->count + 1) *
						       sizeof(*out->values));
	for (i = 0; out->values && i < values->count; i++)
		out->values[out->value_count++] = (struct mreg_record_value){
			.key = mr_arena_strdup(w->arena, values->items[i].key),
			.value = mr_arena_strdup(w->arena,
						 values->items[i].value),
			.time_s = values->items[i].event->time_s,
			.actor = mr_arena_strdup(w->arena,
						 values->items[i].event->actor),
		};
	return mr_result_check(w->arena, err);
}

static bool has_values(const struct writing *w)
{
	return w->md.set_count > 0 || w->md.unset_count > 0;
}

static int check_new(struct writing *w, struct mreg_error *err)
{
	MR_AUTO(mr_standing_release) struct mr_standing now = { .arena = NULL };
	int rc = mr_ledger_standing(w->h.ledger, MR_STANDING_NOW, &now, err);

	/* One that is there may become linear. */
	if (rc < 0 || !now.record || (w->o->linear && !has_values(w)))
		return rc;
	(void)mr_fail(err, MREG_ECONFLICT, "'%s' has a record already",
		      w->s->label);
	return mr_hint(err, "'mreg edit' changes it");
}

/* From the next event on its log is linear, if it can be. */
static int make_linear(struct writing *w, struct mreg_error *err)
{
	bool fixed;
	int rc;

	if (mr_store_locks(w->s)) {
		(void)mr_fail(err, MREG_EUNSUPPORTED,
			      "the log of '%s' cannot be made linear, and need "
			      "not be",
			      w->s->label);
		return mr_hint(err, "in a local store a lock lets one writer "
				    "after the other at it");
	}
	if (w->o->dry_run)
		return 0;
	rc = mr_log_fixed(w->m, w->s, &w->h, true, &fixed, err);
	if (rc < 0)
		return rc;
	if (!fixed) {
		(void)mr_fail(err, MREG_EUNSUPPORTED,
			      "the log of '%s' cannot be linear: the registry "
			      "lets its tags be written twice",
			      w->s->label);
		return mr_hint(err, "make tags that begin with 'mreg.' "
				    "immutable there, or go on without: "
				    "nothing is lost either way");
	}
	w->md.begin = !w->h.linear;
	w->h.linear = true;
	return 0;
}

static int write_locked(struct writing *w, struct mreg_record_result *out,
			struct mreg_error *err)
{
	int rc = mr_history_read(w->m, w->s, &w->h, err);

	if (rc >= 0 && w->md.record)
		rc = check_new(w, err);
	if (rc >= 0 && w->o->linear)
		rc = make_linear(w, err);
	if (rc >= 0)
		rc = mr_metadata_write(w->m, w->s, &w->h, &w->ref, &w->md, err);
	return rc < 0 ? rc : take_result(w, out, err);
}

/* What is edited has to be there; what is created may be new. */
static int find(struct writing *w, const char *text, struct mreg_error *err)
{
	bool whole = !w->ref.tag[0] && !mr_digest_known(&w->ref.digest);
	struct mreg_desc d;
	int rc = 0;

	if (w->md.record && !whole) {
		(void)mr_fail(err, MREG_EUSAGE,
			      "a record is of a whole model, not of '%.100s'",
			      text);
		return mr_hint(err, "leave out the tag; 'mreg edit' takes a "
				    "version");
	}
	if (!whole && w->o->display_name) {
		(void)mr_fail(err, MREG_EUSAGE,
			      "a display name is of a whole model, not of "
			      "'%.100s'",
			      text);
		return mr_hint(err, "leave out the tag");
	}
	if (!whole) {
		rc = mr_subject_resolve(w->m, w->s, &w->ref, &d, err);
		w->md.version = d.digest;
	} else if (!w->md.record) {
		rc = mr_history_read(w->m, w->s, &w->h, err);
		if (rc >= 0 && !w->h.found)
			rc = mr_target_missing(w->s, &w->ref, err);
	}
	return rc;
}

static int run(struct mreg *m, const char *text, bool record,
	       const struct mreg_record_opts *given,
	       struct mreg_record_result *out, struct mreg_error *err)
{
	MR_AUTO(writing_release) struct writing w = { .m = m };
	struct mreg_record_opts o;
	int rc;

	memset(out, 0, sizeof(*out));
	mr_opts_take(&o, sizeof(o), given, given->size);
	w.o = &o;
	w.md.record = record;
	w.md.dry_run = o.dry_run;
	rc = mr_result_arena(&w.arena, err);
	if (rc < 0)
		return rc;
	out->owner = w.arena;
	rc = mr_target(m, text, &w.ref, &w.s, err);
	if (rc >= 0)
		rc = take_values(&w, err);
	if (rc >= 0)
		rc = find(&w, text, err);
	if (rc >= 0 && !o.dry_run)
		rc = mr_store_lock(w.s, err);
	if (rc >= 0) {
		rc = write_locked(&w, out, err);
		if (!o.dry_run)
			mr_store_unlock(w.s);
	}
	if (rc < 0)
		mreg_record_result_release(out);
	return rc;
}

int mreg_create(struct mreg *m, const char *name,
		const struct mreg_record_opts *o,
		struct mreg_record_result *out, struct mreg_error *err)
{
	return run(m, name, true, o, out, err);
}

int mreg_edit(struct mreg *m, const char *ref, const struct mreg_record_opts *o,
	      struct mreg_record_result *out, struct mreg_error *err)
{
	return run(m, ref, false, o, out, err);
}

void mreg_record_result_release(struct mreg_record_result *r)
{
	mr_arena_free(r->owner);
	memset(r, 0, sizeof(*r));
}
