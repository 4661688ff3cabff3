/*
 * about.c - a model opened to read or write events about it.
 */
#include "use/about.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/mem.h"
#include "content/digest.h"
#include "model/model.h"

void mr_about_release(struct mr_about *a)
{
	if (a->locked)
		mr_store_unlock(a->s);
	a->locked = false;
	mr_standing_release(&a->now);
	mr_history_release(&a->h);
	mr_store_closep(&a->s);
}

static int open_model(struct mreg *m, const char *text, enum mr_about_what what,
		      struct mr_about *out, struct mreg_error *err)
{
	bool named;
	int rc;

	memset(out, 0, sizeof(*out));
	out->m = m;
	rc = mr_target(m, text, &out->ref, &out->s, err);
	if (rc < 0)
		return rc;
	named = out->ref.tag[0] || mr_digest_known(&out->ref.digest);
	if (what == MR_ABOUT_MODEL && named) {
		(void)mr_fail(err, MREG_EUSAGE, "'%.200s' is one version",
			      text);
		return mr_hint(err, "write the name alone");
	}
	return 0;
}

static int open_version(struct mr_about *a, enum mr_about_what what,
			struct mreg_error *err)
{
	if (!a->ref.tag[0] && !mr_digest_known(&a->ref.digest) &&
	    what != MR_ABOUT_VERSION)
		return 0;
	return mr_subject_resolve(a->m, a->s, &a->ref, &a->version, err);
}

int mr_about_open(struct mreg *m, const char *text, enum mr_about_what what,
		  struct mr_about *out, struct mreg_error *err)
{
	int rc = open_model(m, text, what, out, err);

	return rc < 0 ? rc : open_version(out, what, err);
}

int mr_about_fold(struct mr_about *a, struct mreg_error *err)
{
	mr_standing_release(&a->now);
	return mr_ledger_standing(a->h.ledger, MR_STANDING_NOW, &a->now, err);
}

int mr_about_read(struct mr_about *a, bool lock, struct mreg_error *err)
{
	int rc = mr_history_read(a->m, a->s, &a->h, err);

	if (rc >= 0 && !a->h.found)
		rc = mr_target_missing(a->s, &a->ref, err);
	/* After that: to lock a folder is to make it. */
	if (rc >= 0 && lock && !a->locked && mr_store_locks(a->s)) {
		rc = mr_store_lock(a->s, err);
		a->locked = rc >= 0;
		if (rc >= 0)
			rc = mr_history_read(a->m, a->s, &a->h, err);
	}
	return rc < 0 ? rc : mr_about_fold(a, err);
}

int mr_about_recall(struct mreg *m, const char *text, enum mr_about_what what,
		    struct mr_about *out, struct mreg_error *err)
{
	MR_AUTO(mr_recall_release) struct mr_recall recall = { .count = 0 };
	struct mreg_error why = MREG_ERROR_INIT;
	int rc = open_model(m, text, what, out, &why);

	if (rc >= 0)
		rc = mr_recall(m, &out->ref, &out->s, &recall, &why);
	if (rc >= 0)
		rc = open_version(out, what, &why);
	if (rc >= 0)
		rc = mr_about_read(out, false, &why);
	out->synced_s = recall.synced_s;
	if (mr_recall_again(m, &recall, rc)) {
		mr_about_release(out);
		rc = mr_about_open(m, text, what, out, err);
		return rc < 0 ? rc : mr_about_read(out, false, err);
	}
	if (rc < 0 && err)
		*err = why;
	return rc;
}

/* As mr_log_append would write it. */
static int rehearse_event(struct mr_about *a, const struct mr_event *event,
			  struct mreg_error *err)
{
	MR_AUTO(mr_event_doc_release)
	struct mr_event_doc doc = { .bytes = MR_BUF_INIT(
					    MR_MANIFEST_MAX_BYTES) };
	struct mr_event e = *event;
	int rc;

	e.seq = mr_ledger_next_seq(a->h.ledger);
	e.time_s = mr_now_s(&a->m->env);
	e.actor = mr_actor(a->m, &a->ref)->name;
	rc = mr_ledger_prev(a->h.ledger, &e.prev, &e.prev_count, err);
	if (rc >= 0)
		rc = mr_event_write(&e, &doc, err);
	return rc < 0 ? rc
		      : mr_ledger_add(a->h.ledger, doc.bytes.data,
				      doc.bytes.len, err);
}

int mr_about_write(struct mr_about *a, const struct mr_event *e, bool rehearse,
		   struct mreg_digest *written, struct mreg_error *err)
{
	int rc;

	mr_standing_release(&a->now);
	if (rehearse)
		return rehearse_event(a, e, err);
	rc = mr_log_append(a->m, a->s, &a->h, &a->ref, e, written, err);
	return rc < 0 ? rc : mr_history_read(a->m, a->s, &a->h, err);
}

uint64_t mr_about_number(const struct mr_about *a, const struct mreg_digest *d)
{
	const struct mr_version_standing *v =
		mr_digest_known(d) ? mr_standing_version(&a->now, d) : NULL;

	return v && v->registered ? v->registered->number : 0;
}

const char *mr_about_name(const struct mr_about *a, struct mr_arena *arena)
{
	char name[MREG_REF_TEXT];

	return mr_arena_strdup(arena, mr_target_name(a->m, &a->ref, name));
}

void mr_event_put(struct mr_event *e, struct mr_event_field *fields,
		  const char *key, const char *text)
{
	if (!text)
		return;
	fields[e->field_count++] =
		(struct mr_event_field){ .key = key, .text = text };
	e->fields = fields;
}

int mr_event_check(const char *what, const char *text, size_t max,
		   struct mreg_error *err)
{
	return text ? mr_check_text(what, text, max, false, err) : 0;
}
