/*
 * write_notes.c - what of a model could not be indexed as it is.
 */
#include "index/index.h"

#include "base/buf.h"
#include "base/error.h"
#include "base/mem.h"
#include "index/text.h"
#include "index/writer.h"

/* Of a note's subject: an annotation's key may be a megabyte. */
#define SUBJECT_MAX_BYTES 256

static int note(struct mr_index_writer *w, const char *subject,
		const char *what, const char *text, bool made,
		struct mreg_error *err)
{
	struct mr_buf full = MR_BUF_INIT(2 * SUBJECT_MAX_BYTES);
	MR_AUTO(mr_free) char *named = NULL;
	MR_AUTO(mr_free) char *told = NULL;
	struct mr_stmt *s;
	int rc;

	mr_buf_add(&full, subject, mr_ix_cut(subject, SUBJECT_MAX_BYTES));
	if (what && full.len < SUBJECT_MAX_BYTES) {
		mr_buf_putc(&full, ' ');
		mr_buf_add(&full, what,
			   mr_ix_cut(what, SUBJECT_MAX_BYTES - full.len));
	}
	named = mr_ix_valid(mr_buf_text(&full), full.len);
	mr_buf_release(&full);
	told = mr_ix_valid(text, mr_ix_cut(text, MR_INDEX_VALUE_MAX_BYTES));
	if (!named || !told)
		return mr_fail_nomem(err);
	rc = mr_db_stmt(w->ix->db,
			"INSERT INTO ix_notes (model, subject, note, made) "
			"VALUES ($1, $2, $3, $4) "
			"ON CONFLICT (model, subject, made) "
			"DO UPDATE SET note = excluded.note",
			&s, err);
	if (rc < 0)
		return rc;
	mr_bind_int(s, 1, w->model);
	mr_bind_text(s, 2, named);
	mr_bind_text(s, 3, told);
	mr_bind_int(s, 4, made);
	w->notes = true;
	return mr_stmt_run(s, err);
}

int mr_ix_note(struct mr_index_writer *w, const char *subject, const char *what,
	       const char *text, struct mreg_error *err)
{
	return note(w, subject, what, text, true, err);
}

static int forget(struct mr_index_writer *w, const char *subject, bool made,
		  struct mreg_error *err)
{
	MR_AUTO(mr_free) char *valid = NULL;
	struct mr_buf behind = MR_BUF_INIT(2 * SUBJECT_MAX_BYTES);
	struct mr_stmt *s;
	int rc;

	if (!w->notes)
		return 0;
	valid = mr_ix_valid(subject, mr_ix_cut(subject, SUBJECT_MAX_BYTES));
	if (!valid)
		return mr_fail_nomem(err);
	/* From "v3 " up to "v3!", the character behind the space. */
	rc = mr_db_stmt(
		w->ix->db,
		"DELETE FROM ix_notes WHERE model = $1 AND made = $5 "
		"AND (subject = $2 OR (subject >= $3 AND subject < $4))",
		&s, err);
	if (rc < 0)
		return rc;
	mr_bind_int(s, 1, w->model);
	mr_bind_text(s, 2, valid);
	mr_buf_printf(&behind, "%s ", valid);
	mr_bind_text(s, 3, mr_buf_text(&behind));
	if (behind.len)
		behind.data[behind.len - 1] = '!';
	mr_bind_text(s, 4, mr_buf_text(&behind));
	mr_bind_int(s, 5, made);
	mr_buf_release(&behind);
	return mr_stmt_run(s, err);
}

int mr_ix_forget_notes(struct mr_index_writer *w, const char *subject,
		       struct mreg_error *err)
{
	return forget(w, subject, true, err);
}

int mr_index_note(struct mr_index_writer *w, const char *subject,
		  const char *text, struct mreg_error *err)
{
	return note(w, subject, NULL, text, false, err);
}

int mr_index_forget_notes(struct mr_index_writer *w, const char *subject,
			  struct mreg_error *err)
{
	struct mr_stmt *s;
	int rc;

	if (subject)
		return forget(w, subject, false, err);
	if (!w->notes)
		return 0;
	rc = mr_db_stmt(w->ix->db,
			"DELETE FROM ix_notes WHERE model = $1 AND made = 0",
			&s, err);
	if (rc < 0)
		return rc;
	mr_bind_int(s, 1, w->model);
	return mr_stmt_run(s, err);
}
