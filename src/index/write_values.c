/*
 * write_values.c - what a version's metadata says, as rows: parameters, tags,
 * metrics, inputs, weights, words.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "content/digest.h"
#include "index/text.h"
#include "index/writer.h"

/* A finite number, as JSON writes them. */
static bool number_of(const char *text, double *out)
{
	if (!mr_json_is_number(text))
		return false;
	*out = strtod(text, NULL);
	if (*out == 0)
		*out = 0; /* "-0": one of the databases keeps its sign */
	return isfinite(*out);
}

/* Of what is kept of a text: a pair has one number, whoever named it first. */
static bool number_kept(const char *text, double *out)
{
	char kept[MR_INDEX_VALUE_MAX_BYTES + 1];
	size_t n = mr_ix_cut(text, MR_INDEX_VALUE_MAX_BYTES);

	if (!text[n])
		return number_of(text, out);
	memcpy(kept, text, n);
	kept[n] = '\0';
	return number_of(kept, out);
}

const struct mr_ix_list mr_ix_properties = {
	.select = "SELECT x.pair FROM ix_properties x "
		  "JOIN ix_pairs p ON p.id = x.pair "
		  "WHERE x.version = $1 AND p.kind = $2",
	.remove = "DELETE FROM ix_properties "
		  "WHERE version = $1 AND pair = $2",
	.insert = "INSERT INTO ix_properties (version, pair) VALUES ($1, $2)",
	.owners = 1,
	.columns = 1,
	.keys = 1,
	.later = true,
};

void mr_ix_forget_last(struct mr_index_writer *w)
{
	mr_ix_rows_release(&w->last.tags);
	memset(&w->last, 0, sizeof(w->last));
}

struct property {
	int64_t key, pair;
	size_t at;
};

static int compare_properties(const void *a, const void *b)
{
	const struct property *x = a, *y = b;

	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	return (x->at > y->at) - (x->at < y->at);
}

static int intern_property(struct mr_index_writer *w, const char *subject,
			   enum mr_ix_property kind, const struct mreg_pair *p,
			   struct property *out, struct mreg_error *err)
{
	int64_t value;
	double number;
	bool is_number = number_kept(p->value, &number);
	int rc = mr_ix_value(w, subject, p->name, p->name, &out->key, err);

	if (rc == 0)
		rc = mr_ix_value(w, subject, p->name, p->value, &value, err);
	return rc < 0 ? rc
		      : mr_ix_pair(w->ix, kind, out->key, value,
				   is_number ? &number : NULL, &out->pair, err);
}

/* A row for each; of two with the same key the first stays. */
static int properties(struct mr_index_writer *w, const char *subject,
		      enum mr_ix_property kind, const struct mreg_pair *items,
		      size_t n, struct mr_ix_rows *rows, struct mreg_error *err)
{
	MR_AUTO(mr_free) struct property *all = mr_array(n + 1, sizeof(*all));
	struct mr_cell *c;
	size_t i;
	int rc;

	if (!all)
		return mr_fail_nomem(err);
	for (i = 0; i < n; i++) {
		all[i].at = i;
		rc = intern_property(w, subject, kind, items + i, all + i, err);
		if (rc < 0)
			return rc;
	}
	qsort(all, n, sizeof(*all), compare_properties);
	for (i = 0; i < n; i++) {
		if (i && all[i].key == all[i - 1].key)
			continue;
		c = mr_ix_rows_add(rows);
		if (!c)
			return mr_fail_nomem(err);
		*c = mr_cell_int(all[i].pair);
	}
	return 0;
}

int mr_ix_put_properties(struct mr_index_writer *w, const char *subject,
			 int64_t version, enum mr_ix_property kind,
			 const struct mreg_pair *items, size_t n, bool fresh,
			 struct mreg_error *err)
{
	const struct mr_cell owner[] = { mr_cell_int(version),
					 mr_cell_int(kind) };
	MR_AUTO(mr_ix_rows_release) struct mr_ix_rows rows = { 0 };
	bool changed = false;
	int rc = mr_ix_rows_init(&rows, &mr_ix_properties, err);

	if (rc == 0)
		rc = properties(w, subject, kind, items, n, &rows, err);
	if (rc < 0)
		return rc;
	if (kind != MR_IX_TAGGED || w->last.row.id != version)
		return mr_ix_rows_replace(w->ix, &rows, owner, 2, fresh,
					  &changed, err);
	/* Put with the manifest first, and then with its life. */
	rc = mr_ix_rows_change(w->ix, &w->last.tags, &rows, owner, &changed,
			       err);
	mr_ix_rows_release(&w->last.tags);
	w->last.tags = rows;
	rows = (struct mr_ix_rows){ 0 };
	return rc;
}

static int metric(struct mr_index_writer *w, const char *subject,
		  const struct mreg_pair *p, struct mr_ix_rows *rows,
		  struct mreg_error *err)
{
	char printed[32];
	struct mr_cell *c;
	double value;
	int rc;

	if (!number_of(p->value, &value))
		return mr_ix_note(w, subject, p->name,
				  "a metric that is no finite number", err);
	c = mr_ix_rows_add(rows);
	if (!c)
		return mr_fail_nomem(err);
	rc = mr_ix_value_cell(w, subject, p->name, p->name, c, err);
	c[1] = mr_cell_real(value);
	if (strcmp(mr_text_real(value, printed), p->value) == 0)
		return rc;
	if (strlen(p->value) > MR_INDEX_VALUE_MAX_BYTES)
		return rc < 0 ? rc
			      : mr_ix_note(w, subject, p->name,
					   "a number shown as it is read, for "
					   "it is too long as written",
					   err);
	c[2] = mr_cell_text(p->value);
	return rc;
}

int mr_ix_put_metrics(struct mr_index_writer *w, const char *subject,
		      int64_t version, const struct mr_meta *meta, bool fresh,
		      struct mreg_error *err)
{
	static const struct mr_ix_list list = {
		.select = "SELECT key, value, written FROM ix_metrics "
			  "WHERE version = $1",
		.remove = "DELETE FROM ix_metrics "
			  "WHERE version = $1 AND key = $2",
		.insert = "INSERT INTO ix_metrics (version, key, value, "
			  "written) VALUES ($1, $2, $3, $4)",
		.owners = 1,
		.columns = 3,
		.keys = 1,
		.later = true,
	};
	const struct mr_cell owner = mr_cell_int(version);
	MR_AUTO(mr_ix_rows_release) struct mr_ix_rows rows = { 0 };
	bool changed = false;
	size_t i;
	int rc = mr_ix_rows_init(&rows, &list, err);

	for (i = 0; i < meta->metric_count && rc == 0; i++)
		rc = metric(w, subject, meta->metrics + i, &rows, err);
	if (rc < 0)
		return rc;
	return mr_ix_rows_replace(w->ix, &rows, &owner, 1, fresh, &changed,
				  err);
}

/* -- inputs ---------------------------------------------------------------- */

static int input(struct mr_index_writer *w, const char *subject,
		 const struct mr_input *in, struct mr_cell *c,
		 struct mreg_error *err)
{
	enum mr_graph_kind kind;
	int64_t node;
	int rc = mr_ix_input_node(w, subject, in, &node, &kind, err);
	/* What its node is called is not said again. */
	const char *const says[] = { in->role,
				     kind == MR_GRAPH_NAME ? NULL : in->name,
				     kind == MR_GRAPH_URI ? NULL : in->uri,
				     in->digest,
				     in->license,
				     in->classification,
				     in->consent };
	size_t i;

	c[1] = mr_cell_id(rc < 0 ? 0 : node);
	for (i = 0; i < MR_COUNT(says) && rc == 0; i++)
		rc = mr_ix_value_cell(w, subject, "inputs", says[i], c + 2 + i,
				      err);
	return rc;
}

int mr_ix_put_inputs(struct mr_index_writer *w, const char *subject,
		     int64_t version, const struct mr_meta *meta, bool fresh,
		     struct mreg_error *err)
{
	static const struct mr_ix_list list = {
		.select = "SELECT position, node, role, name, uri, digest, "
			  "license, classification, consent FROM ix_inputs "
			  "WHERE version = $1",
		.remove = "DELETE FROM ix_inputs "
			  "WHERE version = $1 AND position = $2",
		.insert = "INSERT INTO ix_inputs (version, position, node, "
			  "role, name, uri, digest, license, classification, "
			  "consent) VALUES "
			  "($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
		.owners = 1,
		.columns = 9,
		.keys = 1,
		.later = true,
	};
	const struct mr_cell owner = mr_cell_int(version);
	MR_AUTO(mr_ix_rows_release) struct mr_ix_rows rows = { 0 };
	bool changed = false;
	struct mr_cell *c;
	size_t i;
	int rc = mr_ix_rows_init(&rows, &list, err);

	for (i = 0; i < meta->input_count && rc == 0; i++) {
		c = mr_ix_rows_add(&rows);
		if (!c)
			return mr_fail_nomem(err);
		c[0] = mr_cell_int((int64_t)i);
		rc = input(w, subject, meta->inputs + i, c, err);
	}
	if (rc < 0)
		return rc;
	return mr_ix_rows_replace(w->ix, &rows, &owner, 1, fresh, &changed,
				  err);
}

/* -- weights --------------------------------------------------------------- */

int mr_ix_put_weights(struct mr_index_writer *w, int64_t version,
		      const struct mreg_digest *items, size_t n, bool fresh,
		      struct mreg_error *err)
{
	static const struct mr_ix_list list = {
		.select = "SELECT blob FROM ix_weights WHERE version = $1",
		.remove = "DELETE FROM ix_weights "
			  "WHERE version = $1 AND blob = $2",
		.insert = "INSERT INTO ix_weights (version, blob) "
			  "VALUES ($1, $2)",
		.owners = 1,
		.columns = 1,
		.keys = 1,
		.later = true,
	};
	const struct mr_cell owner = mr_cell_int(version);
	MR_AUTO(mr_ix_rows_release) struct mr_ix_rows rows = { 0 };
	struct mr_cell *c;
	size_t i;
	int rc = mr_ix_rows_init(&rows, &list, err);

	if (rc < 0)
		return rc;
	for (i = 0; i < n; i++) {
		if (!mr_digest_known(items + i))
			continue;
		c = mr_ix_rows_add(&rows);
		if (!c)
			return mr_fail_nomem(err);
		*c = mr_cell_blob(items[i].bytes, MR_IX_WEIGHT_BYTES);
	}
	return mr_ix_rows_replace(w->ix, &rows, &owner, 1, fresh, &w->graph,
				  err);
}

/* -- words ----------------------------------------------------------------- */

/* Words of a card, a line break, words of a description.  None of either is
 * no row. */
static int read_card(struct mr_index_writer *w, int64_t version,
		     struct mr_buf *out, struct mreg_error *err)
{
	const char *words, *end;
	struct mr_stmt *s;
	int rc = mr_ix_rows_settle(w->ix, NULL, err);

	if (rc == 0)
		rc = mr_db_stmt(w->ix->db,
				mr_db_kind(w->ix->db) == MR_DB_SQLITE
					? "SELECT words FROM ix_cards "
					  "WHERE rowid = $1"
					: "SELECT words FROM ix_cards "
					  "WHERE version = $1",
				&s, err);

	if (rc < 0)
		return rc;
	mr_bind_int(s, 1, version);
	rc = mr_stmt_step(s, err);
	words = rc > 0 ? mr_stmt_text(s, 0) : NULL;
	end = words ? strchr(words, '\n') : NULL;
	if (end)
		mr_buf_add(out, words, (size_t)(end - words));
	mr_stmt_reset(s);
	return rc < 0 ? rc : 0;
}

int mr_ix_drop_words(struct mr_index_writer *w, int64_t version,
		     struct mreg_error *err)
{
	struct mr_stmt *s;
	int rc = mr_ix_rows_settle(w->ix, NULL, err);

	if (rc == 0)
		rc = mr_db_stmt(
			w->ix->db,
			mr_db_kind(w->ix->db) == MR_DB_SQLITE
				? "DELETE FROM ix_cards WHERE rowid = $1"
				: "DELETE FROM ix_cards WHERE version = $1",
			&s, err);

	if (rc < 0)
		return rc;
	mr_bind_int(s, 1, version);
	return mr_stmt_run(s, err);
}

static int insert_words(struct mr_index_writer *w, int64_t version,
			const char *words, struct mreg_error *err)
{
	static const struct mr_ix_list by_rowid = {
		.insert = "INSERT INTO ix_cards (rowid, words) VALUES ($1, $2)",
		.owners = 1,
		.columns = 1,
		.later = true,
	};
	static const struct mr_ix_list by_version = {
		.insert =
			"INSERT INTO ix_cards (version, words) VALUES ($1, $2)",
		.owners = 1,
		.columns = 1,
		.later = true,
	};
	const struct mr_cell owner = mr_cell_int(version);
	const struct mr_cell row = mr_cell_text(words);

	return mr_ix_rows_insert(
		w->ix,
		mr_db_kind(w->ix->db) == MR_DB_SQLITE ? &by_rowid : &by_version,
		&owner, &row, err);
}

int mr_ix_put_words(struct mr_index_writer *w, int64_t version, bool card,
		    const char *text, const char *about, bool fresh,
		    struct mreg_error *err)
{
	struct mr_buf words = MR_BUF_INIT(4 * MR_INDEX_CARD_MAX_BYTES);
	int rc = 0;

	if (!card)
		rc = read_card(w, version, &words, err);
	else if (text)
		rc = mr_ix_words(text, MR_INDEX_CARD_MAX_BYTES, &words, err);
	mr_buf_putc(&words, '\n');
	if (rc == 0 && about)
		rc = mr_ix_words(about, MR_INDEX_CARD_MAX_BYTES, &words, err);
	if (rc == 0)
		rc = mr_buf_check(&words, "the words of a card", err);
	if (rc == 0 && !fresh)
		rc = mr_ix_drop_words(w, version, err);
	if (rc == 0 && words.len > 1)
		rc = insert_words(w, version, mr_buf_text(&words), err);
	mr_buf_release(&words);
	return rc;
}
