/*
 * search_compare.c - what an operator and its values say of a text, the id of
 * one, or a number.
 *
 * Texts are ids in columns, so equality is an equality of ids, found before;
 * the other operators look the text up.
 */
#include "index/search_inside.h"

#include <stdio.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/mem.h"

static const char *operator_of(enum mr_cmp cmp)
{
	static const char *const words[] = {
		[MR_CMP_EQ] = " = ",  [MR_CMP_NE] = " <> ",
		[MR_CMP_LT] = " < ",  [MR_CMP_LE] = " <= ",
		[MR_CMP_GT] = " > ",  [MR_CMP_GE] = " >= ",
		[MR_CMP_LIKE] = NULL, [MR_CMP_ILIKE] = NULL,
	};

	return (size_t)cmp < MR_COUNT(words) ? words[cmp] : NULL;
}

static bool is_equality(enum mr_cmp cmp)
{
	return cmp == MR_CMP_EQ || cmp == MR_CMP_NE || cmp == MR_CMP_IN;
}

bool mr_ix_asks_presence(enum mr_cmp cmp)
{
	return cmp == MR_CMP_IS_NULL || cmp == MR_CMP_IS_SET;
}

bool mr_ix_is_pattern(enum mr_cmp cmp)
{
	return cmp == MR_CMP_LIKE || cmp == MR_CMP_ILIKE;
}

void mr_ix_put_text_test(struct mr_ix_sql *q, const char *value,
			 const struct mr_term *t)
{
	size_t i;

	if (mr_ix_is_pattern(t->cmp)) {
		mr_ix_sql_put(q, t->cmp == MR_CMP_LIKE ? "{like " : "{ilike ");
		mr_ix_sql_put(q, value);
		mr_ix_sql_put(q, " ");
		mr_ix_sql_text(q, t->values[0].text);
		mr_ix_sql_put(q, "}");
		return;
	}
	mr_ix_sql_put(q, value);
	if (t->cmp == MR_CMP_IN) {
		mr_ix_sql_put(q, " IN (");
		for (i = 0; i < t->value_count; i++) {
			mr_ix_sql_put(q, i ? ", " : "");
			mr_ix_sql_text(q, t->values[i].text);
		}
		mr_ix_sql_put(q, ")");
	} else if (mr_ix_asks_presence(t->cmp)) {
		mr_ix_sql_put(q, t->cmp == MR_CMP_IS_NULL ? " IS NULL"
							  : " IS NOT NULL");
	} else {
		mr_ix_sql_put(q, operator_of(t->cmp));
		mr_ix_sql_text(q, t->values[0].text);
	}
}

int mr_ix_put_id_test(struct mr_ix_search *s, struct mr_ix_sql *q,
		      const char *column, const struct mr_term *t,
		      struct mreg_error *err)
{
	char text[160];
	int64_t id = 0;
	size_t i, known = 0;
	int rc;

	mr_ix_sql_put(q, "(");
	if (mr_ix_asks_presence(t->cmp)) {
		mr_ix_put_text_test(q, column, t);
	} else if (is_equality(t->cmp)) {
		mr_ix_sql_put(q, column);
		if (t->cmp == MR_CMP_NE)
			mr_ix_sql_put(q, " IS NOT NULL AND ");
		mr_ix_sql_put(q, t->cmp == MR_CMP_NE ? column : "");
		mr_ix_sql_put(q, t->cmp == MR_CMP_NE ? " NOT IN (" : " IN (");
		for (i = 0; i < t->value_count; i++) {
			rc = mr_ix_search_text(s, t->values[i].text, &id, err);
			if (rc < 0)
				return rc;
			/* No row has an id of 0. */
			mr_ix_sql_put(q, known++ ? ", " : "");
			mr_ix_sql_int(q, id);
		}
		mr_ix_sql_put(q, ")");
	} else {
		(void)snprintf(text, sizeof(text),
			       "(SELECT t.value FROM ix_texts t "
			       "WHERE t.id = %s)",
			       column);
		mr_ix_put_text_test(q, text, t);
	}
	mr_ix_sql_put(q, ")");
	return 0;
}

/* -- numbers ----------------------------------------------------------------
 */

/* `column` whole numbers; `n` what it is compared with.  A column that whole
 * numbers stand in is compared with whole numbers, in both databases. */
static void put_whole(struct mr_ix_sql *q, const char *column, enum mr_cmp cmp,
		      const struct mr_operand *n)
{
	double x = n->number;
	bool exact = n->whole || n->type == MR_VALUE_TIME;
	int64_t value = n->integer;

	if (!exact) {
		/* Between two whole ones, or beyond all of them. */
		if (x >= MR_INT64_END || x < -MR_INT64_END) {
			bool above = x < 0;

			mr_ix_sql_put(q, column);
			mr_ix_sql_put(
				q,
				cmp == MR_CMP_NE ||
						(above ? cmp == MR_CMP_GT ||
								 cmp == MR_CMP_GE
						       : cmp == MR_CMP_LT ||
								 cmp == MR_CMP_LE)
					? " IS NOT NULL"
					: " IN (NULL)");
			return;
		}
		value = (int64_t)x;
		exact = (double)value == x;
		if ((double)value > x) /* casts go towards 0 */
			value--;
	}
	mr_ix_sql_put(q, column);
	if (!exact && (cmp == MR_CMP_EQ || cmp == MR_CMP_NE)) {
		mr_ix_sql_put(q,
			      cmp == MR_CMP_NE ? " IS NOT NULL" : " IN (NULL)");
		return;
	}
	if (!exact) /* below 3.5 is up to 3; above is above 3 */
		cmp = cmp == MR_CMP_LT || cmp == MR_CMP_LE ? MR_CMP_LE
							   : MR_CMP_GT;
	mr_ix_sql_put(q, operator_of(cmp));
	mr_ix_sql_int(q, value);
}

static void put_real(struct mr_ix_sql *q, const char *column, enum mr_cmp cmp,
		     const struct mr_operand *n)
{
	mr_ix_sql_put(q, column);
	mr_ix_sql_put(q, operator_of(cmp));
	mr_ix_sql_real(q, n->number);
}

/* One of a list; chained by OR a long one would nest deeper than SQLite
 * takes. */
static void put_number_list(struct mr_ix_sql *q, const char *column, bool whole,
			    const struct mr_term *t)
{
	size_t i, put = 0;

	mr_ix_sql_put(q, column);
	mr_ix_sql_put(q, " IN (");
	for (i = 0; i < t->value_count; i++) {
		const struct mr_operand *n = &t->values[i];

		/* A number that is not whole is in no column of whole ones. */
		if (whole && !n->whole)
			continue;
		mr_ix_sql_put(q, put++ ? ", " : "");
		if (whole)
			mr_ix_sql_int(q, n->integer);
		else
			mr_ix_sql_real(q, n->number);
	}
	mr_ix_sql_put(q, put ? ")" : "NULL)");
}

void mr_ix_put_number_test(struct mr_ix_sql *q, const char *column, bool whole,
			   const struct mr_term *t)
{
	mr_ix_sql_put(q, "(");
	if (mr_ix_asks_presence(t->cmp)) {
		mr_ix_put_text_test(q, column, t);
		mr_ix_sql_put(q, ")");
		return;
	}
	if (t->cmp == MR_CMP_IN)
		put_number_list(q, column, whole, t);
	else if (whole)
		put_whole(q, column, t->cmp, &t->values[0]);
	else
		put_real(q, column, t->cmp, &t->values[0]);
	mr_ix_sql_put(q, ")");
}
