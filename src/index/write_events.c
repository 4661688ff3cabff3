/*
 * write_events.c - a log's events, in fold order.
 *
 * A log grows at its end, mostly: what stands at its place already is left, and
 * all from the first that differs on is written anew.
 */
#include "index/index.h"

#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/list.h"
#include "base/mem.h"
#include "content/digest.h"
#include "index/writer.h"

/* Their owner is a place of the model: it tells them apart. */
static const struct mr_ix_list events = {
	.insert = "INSERT INTO ix_events (model, place, digest, seq, time_s, "
		  "kind, actor, version, alias, detail) VALUES "
		  "($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
	.owners = 2,
	.columns = 8,
	.later = true,
};

static void forget_event(const struct mreg_digest *d, struct mr_list *out)
{
	char text[MREG_DIGEST_TEXT];

	(void)mreg_digest_text(d, text);
	/* One that stays costs nothing but a note that says what is no more. */
	(void)mr_list_add(out, text, NULL);
}

/* How many events stand where they belong; those that do not go. */
static int keep_events(struct mr_index_writer *w, struct mr_ledger *l,
		       size_t *kept, struct mreg_error *err)
{
	MR_AUTO(mr_list_release) struct mr_list gone = { 0 };
	size_t i, count = mr_ledger_count(l), at = 0;
	struct mreg_digest d;
	bool differs = false;
	struct mr_stmt *s;
	int more, rc = mr_ix_rows_settle(w->ix, &events, err);

	if (rc == 0)
		rc = mr_db_stmt(w->ix->db,
				"SELECT digest FROM ix_events "
				"WHERE model = $1 ORDER BY place",
				&s, err);
	if (rc < 0)
		return rc;
	mr_bind_int(s, 1, w->model);
	while ((more = mr_stmt_step(s, err)) > 0) {
		mr_ix_digest(s, 0, &d);
		differs =
			differs || at == count ||
			!mreg_digest_equal(&d, &mr_ledger_event(l, at)->digest);
		if (differs)
			forget_event(&d, &gone);
		else
			at++;
	}
	mr_stmt_reset(s);
	*kept = at;
	if (more < 0 || !differs)
		return more;
	for (i = 0; i < gone.n && rc == 0; i++)
		rc = mr_ix_forget_notes(w, gone.items[i], err);
	if (rc == 0)
		rc = mr_db_stmt(w->ix->db,
				"DELETE FROM ix_events "
				"WHERE model = $1 AND place >= $2",
				&s, err);
	if (rc < 0)
		return rc;
	mr_bind_int(s, 1, w->model);
	mr_bind_int(s, 2, (int64_t)at);
	return mr_stmt_run(s, err);
}

/* -- what no column has, as JSON ------------------------------------------- */

static void add_key(struct mr_buf *b, const char *key)
{
	mr_buf_putc(b, b->len > 1 ? ',' : '{');
	mr_json_quote(b, key);
	mr_buf_putc(b, ':');
}

static void add_field(struct mr_buf *b, const struct mr_event_field *f)
{
	size_t i;

	add_key(b, f->key);
	if (f->text) {
		mr_json_quote(b, f->text);
		return;
	}
	/* A list has names alone. */
	mr_buf_putc(b, f->count && !f->items[0].value ? '[' : '{');
	for (i = 0; i < f->count; i++) {
		if (i > 0)
			mr_buf_putc(b, ',');
		mr_json_quote(b, f->items[i].name);
		if (f->items[i].value) {
			mr_buf_putc(b, ':');
			mr_json_quote(b, f->items[i].value);
		}
	}
	mr_buf_putc(b, f->count && !f->items[0].value ? ']' : '}');
}

static void add_digest(struct mr_buf *b, const char *key,
		       const struct mreg_digest *d)
{
	char text[MREG_DIGEST_TEXT];

	if (!mr_digest_known(d))
		return;
	add_key(b, key);
	mr_json_quote(b, mreg_digest_text(d, text));
}

static const char *name_of(const struct mr_event *e)
{
	const char *alias = mr_event_text(e, "alias");

	return alias ? alias : mr_event_text(e, "release");
}

/* Whole fields only, as long as there is room; `*cut`: there was not. */
static void detail(const struct mr_event *e, struct mr_buf *b, bool *cut)
{
	size_t i, before;

	for (i = 0; i < e->field_count; i++) {
		if (strcmp(e->fields[i].key, "alias") == 0 ||
		    strcmp(e->fields[i].key, "release") == 0)
			continue;
		before = b->len;
		add_field(b, e->fields + i);
		if (b->len > MR_INDEX_VALUE_MAX_BYTES - 500) {
			b->len = before;
			*cut = true;
		}
	}
	add_digest(b, "was", &e->was);
	add_digest(b, "policy", &e->policy);
	add_digest(b, "replaces", &e->replaces);
	if (b->len)
		mr_buf_putc(b, '}');
}

/* -- rows ------------------------------------------------------------------ */

static int cells(struct mr_index_writer *w, const struct mr_event *e,
		 struct mr_cell *c, struct mreg_error *err)
{
	char subject[MREG_DIGEST_TEXT];
	int rc;

	(void)mreg_digest_text(&e->digest, subject);
	rc = mr_ix_value_cell(w, subject, "kind", e->kind_name, c, err);
	if (rc == 0 && e->actor && e->actor[0])
		rc = mr_ix_value_cell(w, subject, "actor", e->actor, c + 1,
				      err);
	if (rc == 0 && mr_digest_known(&e->version))
		rc = mr_ix_node_cell(w, MR_GRAPH_MANIFEST, &e->version, NULL,
				     c + 2, err);
	if (rc == 0)
		rc = mr_ix_value_cell(w, subject, "alias", name_of(e), c + 3,
				      err);
	return rc;
}

static int put_event(struct mr_index_writer *w, size_t place,
		     const struct mr_event *e, struct mreg_error *err)
{
	struct mr_buf b = MR_BUF_INIT(8 * MR_EVENT_MAX_BYTES);
	char text[MREG_DIGEST_TEXT];
	const struct mr_cell owner[] = { mr_cell_int(w->model),
					 mr_cell_int((int64_t)place) };
	struct mr_cell c[8] = { mr_cell_digest(&e->digest),
				{ 0 },
				mr_cell_int(e->time_s) };
	bool cut = false;
	int rc = cells(w, e, c + 3, err);

	if (e->seq != place + 1)
		c[1] = mr_cell_int((int64_t)e->seq);
	detail(e, &b, &cut);
	if (rc == 0)
		rc = mr_buf_check(&b, "an event", err);
	if (rc == 0 && cut)
		rc = mr_ix_note(w, mreg_digest_text(&e->digest, text), NULL,
				"an event with more than is kept of one", err);
	c[7] = mr_cell_text(b.len ? mr_buf_text(&b) : NULL);
	if (rc == 0)
		rc = mr_ix_rows_insert(w->ix, &events, owner, c, err);
	mr_buf_release(&b);
	return rc;
}

int mr_index_replace_events(struct mr_index_writer *w, struct mr_ledger *l,
			    struct mreg_error *err)
{
	size_t i, kept, count = mr_ledger_count(l);
	struct mr_stmt *s;
	int rc = keep_events(w, l, &kept, err);

	for (i = kept; i < count && rc == 0; i++)
		rc = put_event(w, i, mr_ledger_event(l, i), err);
	if (rc == 0)
		rc = mr_db_stmt(w->ix->db,
				"UPDATE ix_models SET updated_s = $2 "
				"WHERE id = $1",
				&s, err);
	if (rc < 0)
		return rc;
	mr_bind_int(s, 1, w->model);
	mr_bind_int(s, 2, count ? mr_ledger_event(l, count - 1)->time_s : 0);
	return mr_stmt_run(s, err);
}
