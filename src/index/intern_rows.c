/*
 * intern_rows.c - rows of ids that many versions have alike, to ids: a
 * parameter or tag with its value; format, licence and the like together.
 */
#include "index/internal.h"

#include "base/error.h"
#include "index/rows.h"

/* One id, or 0 where there is no row. */
static int one_id(struct mr_stmt *s, int64_t *out, struct mreg_error *err)
{
	int rc = mr_stmt_step(s, err);

	*out = rc > 0 ? mr_stmt_int(s, 0) : 0;
	mr_stmt_reset(s);
	return rc < 0 ? rc : 0;
}

/* -- pairs ----------------------------------------------------------------- */

static const struct mr_ix_list pairs = {
	.insert = "INSERT INTO ix_pairs (id, kind, key, value, number) "
		  "VALUES ($1, $2, $3, $4, $5)",
	.columns = 5,
	.later = true,
};

static int find_pair(struct mr_index *ix, enum mr_ix_property kind, int64_t key,
		     int64_t value, int64_t *out, struct mreg_error *err)
{
	struct mr_stmt *s;
	int rc = mr_db_stmt(ix->db,
			    "SELECT id FROM ix_pairs WHERE kind = $1 "
			    "AND key = $2 AND value = $3",
			    &s, err);

	if (rc < 0)
		return rc;
	mr_bind_int(s, 1, kind);
	mr_bind_int(s, 2, key);
	mr_bind_int(s, 3, value);
	return one_id(s, out, err);
}

int mr_ix_pair(struct mr_index *ix, enum mr_ix_property kind, int64_t key,
	       int64_t value, const double *number, int64_t *out,
	       struct mreg_error *err)
{
	const int64_t parts[] = { kind, key, value };
	struct mr_cell row[5];
	int rc = 0;

	*out = mr_ix_known(ix, MR_IX_OF_PAIR, parts, sizeof(parts));
	if (*out)
		return 0;
	if (key <= ix->sure_text && value <= ix->sure_text)
		rc = find_pair(ix, kind, key, value, out, err);
	if (rc == 0 && *out == 0) {
		*out = ++ix->last_pair;
		row[0] = mr_cell_int(*out);
		row[1] = mr_cell_int(kind);
		row[2] = mr_cell_int(key);
		row[3] = mr_cell_int(value);
		row[4] = number ? mr_cell_real(*number) : (struct mr_cell){ 0 };
		rc = mr_ix_rows_insert(ix, &pairs, NULL, row, err);
	}
	if (rc == 0)
		rc = mr_ix_remember(ix, MR_IX_OF_PAIR, parts, sizeof(parts),
				    *out, err);
	return rc;
}

int mr_ix_pair_find(struct mr_index *ix, enum mr_ix_property kind,
		    const char *key, const char *value, int64_t *out,
		    struct mreg_error *err)
{
	struct mr_stmt *s;
	int rc = mr_db_stmt(ix->db,
			    "SELECT id FROM ix_pairs WHERE kind = $1 AND "
			    "key = (SELECT id FROM ix_texts WHERE value = $2) "
			    "AND value = "
			    "(SELECT id FROM ix_texts WHERE value = $3)",
			    &s, err);

	if (rc < 0)
		return rc;
	mr_bind_int(s, 1, kind);
	mr_bind_text(s, 2, key);
	mr_bind_text(s, 3, value);
	return one_id(s, out, err);
}

/* -- forms ----------------------------------------------------------------- */

static int find_form(struct mr_index *ix, const int64_t *texts, int64_t *out,
		     struct mreg_error *err)
{
	struct mr_stmt *s;
	int i, rc;

	rc = mr_db_stmt(ix->db,
			"SELECT id FROM ix_forms WHERE kind = $1 AND "
			"artifact_type = $2 AND media_type = $3 AND "
			"format = $4 AND architecture = $5 AND family = $6 AND "
			"precision = $7 AND quantization = $8 AND author = $9 "
			"AND license = $10 AND source = $11",
			&s, err);
	if (rc < 0)
		return rc;
	for (i = 0; i < MR_IX_FORM_COUNT; i++)
		mr_bind_int(s, i + 1, texts[i]);
	return one_id(s, out, err);
}

static int make_form(struct mr_index *ix, const int64_t *texts, int64_t *out,
		     struct mreg_error *err)
{
	struct mr_stmt *s;
	int i, rc;

	rc = mr_db_stmt(ix->db,
			"INSERT INTO ix_forms (kind, artifact_type, "
			"media_type, format, architecture, family, precision, "
			"quantization, author, license, source, id) VALUES "
			"($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
			&s, err);
	if (rc < 0)
		return rc;
	*out = ++ix->last_form;
	for (i = 0; i < MR_IX_FORM_COUNT; i++)
		mr_bind_int(s, i + 1, texts[i]);
	mr_bind_int(s, i + 1, *out);
	return mr_stmt_run(s, err);
}

int mr_ix_form(struct mr_index *ix, const int64_t texts[MR_IX_FORM_COUNT],
	       int64_t *out, struct mreg_error *err)
{
	const size_t n = MR_IX_FORM_COUNT * sizeof(*texts);
	bool sure = false;
	size_t i;
	int rc = 0;

	*out = mr_ix_known(ix, MR_IX_OF_FORM, texts, n);
	if (*out)
		return 0;
	for (i = 0; i < MR_IX_FORM_COUNT; i++)
		sure |= texts[i] > ix->sure_text;
	if (!sure)
		rc = find_form(ix, texts, out, err);
	if (rc == 0 && *out == 0)
		rc = make_form(ix, texts, out, err);
	if (rc == 0)
		rc = mr_ix_remember(ix, MR_IX_OF_FORM, texts, n, *out, err);
	return rc;
}
