/*
 * text.c - a tree as a filter again.
 */
#include "query/query.h"

#include <inttypes.h>

#include "base/text.h"
#include "query/inside.h"

static void put_quoted(struct mr_buf *out, const char *s, char quote)
{
	mr_buf_putc(out, quote);
	for (; *s; s++) {
		if (*s == quote)
			mr_buf_putc(out, quote);
		mr_buf_putc(out, *s);
	}
	mr_buf_putc(out, quote);
}

static void put_value(const struct mr_operand *o, struct mr_buf *out)
{
	char time[32];

	if (o->type == MR_VALUE_TEXT)
		put_quoted(out, o->text, '\'');
	else if (o->type == MR_VALUE_TIME)
		mr_buf_puts(out, mr_text_time(o->integer, time));
	else if (o->whole)
		mr_buf_printf(out, "%" PRId64, o->integer);
	else
		mr_buf_printf(out, "%.17g", o->number);
}

static void put_list(const struct mr_term *t, struct mr_buf *out)
{
	size_t i;

	mr_buf_putc(out, '(');
	for (i = 0; i < t->value_count; i++) {
		if (i)
			mr_buf_puts(out, ", ");
		put_value(&t->values[i], out);
	}
	mr_buf_putc(out, ')');
}

static void put_comparison(const struct mr_term *t, struct mr_buf *out)
{
	mr_buf_puts(out, mr_attr_name(t->attr));
	if (t->key) {
		mr_buf_putc(out, '.');
		if (mr_key_is_bare(t->key))
			mr_buf_puts(out, t->key);
		else
			put_quoted(out, t->key, '`');
	}
	mr_buf_printf(out, " %s", mr_cmp_text(t->cmp));
	if (t->cmp == MR_CMP_IN) {
		mr_buf_putc(out, ' ');
		put_list(t, out);
	} else if (t->value_count) {
		mr_buf_putc(out, ' ');
		put_value(&t->values[0], out);
	}
}

static void put_term(const struct mr_term *t, struct mr_buf *out);

/* A child that its parent would tear apart is put in parentheses. */
static void put_child(const struct mr_term *parent, const struct mr_term *t,
		      struct mr_buf *out)
{
	bool wrap = t->kind == MR_TERM_OR ||
		    (t->kind == MR_TERM_AND && parent->kind == MR_TERM_NOT);

	if (wrap)
		mr_buf_putc(out, '(');
	put_term(t, out);
	if (wrap)
		mr_buf_putc(out, ')');
}

static void put_term(const struct mr_term *t, struct mr_buf *out)
{
	size_t i;

	switch (t->kind) {
	case MR_TERM_ALL:
		break;
	case MR_TERM_COMPARE:
		put_comparison(t, out);
		break;
	case MR_TERM_PREDICATE:
		mr_buf_puts(out, mr_predicate_name(t->predicate));
		put_list(t, out);
		break;
	case MR_TERM_NOT:
		mr_buf_puts(out, "NOT ");
		put_child(t, t->children[0], out);
		break;
	case MR_TERM_AND:
	case MR_TERM_OR:
		for (i = 0; i < t->child_count; i++) {
			if (i)
				mr_buf_puts(out, t->kind == MR_TERM_AND
							 ? " AND "
							 : " OR ");
			put_child(t, t->children[i], out);
		}
		break;
	}
}

void mr_query_text(const struct mr_query *q, struct mr_buf *out)
{
	put_term(q->root, out);
}
