/*
 * query.c - a filter and an order to a query.
 */
#include "query/query.h"

#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/text.h"
#include "query/inside.h"

/* A token, an operand and a term are at most 40 times as long as what was
 * written, twice that while a list grows. */
#define ARENA_MAX_BYTES (4u << 20)
#define ORDER_MAX 16
#define COLUMNS_MAX 64

void mr_query_free(struct mr_query *q)
{
	if (q)
		mr_arena_free(q->arena);
}

void mr_query_freep(struct mr_query **q)
{
	mr_query_free(*q);
	*q = NULL;
}

/* A database that keeps UTF-8 takes no other bytes, as a value neither. */
static int check_text(struct mr_parse *p)
{
	size_t n = strnlen(p->in, MR_QUERY_MAX_BYTES + 1);
	uint32_t point;
	size_t i, step;

	if (n > MR_QUERY_MAX_BYTES)
		return mr_fail(p->err, MREG_EUSAGE,
			       "the %s is longer than %d bytes", p->what,
			       MR_QUERY_MAX_BYTES);
	for (i = 0; i < n; i += step) {
		step = mr_utf8_next(p->in + i, n - i, &point);
		if (step == 0)
			return mr_parse_fail(p, i, NULL,
					     "the %s is no valid UTF-8",
					     p->what);
	}
	return 0;
}

static bool is_blank(const char *s)
{
	return s[strspn(s, " \t\r\n\f\v")] == '\0';
}

static int parse_filter(struct mr_parse *p, struct mr_query *q)
{
	struct mr_term *all;
	int rc;

	if (is_blank(p->in)) {
		all = mr_term_new(p, MR_TERM_ALL, 0);
		q->root = all;
		return all ? 0 : mr_fail_nomem(p->err);
	}
	rc = check_text(p);
	return rc < 0 ? rc : mr_parse_filter(p, &q->root);
}

static void begin(struct mr_parse *p, const char *in)
{
	p->in = in;
	p->next = 0;
	memset(&p->token, 0, sizeof(p->token));
}

static int parse_orders(struct mr_parse *p, struct mr_query *q,
			const char *const *order, size_t count)
{
	struct mr_order *items =
		mr_arena_alloc(q->arena, ORDER_MAX * sizeof(*items));
	int rc = items ? 0 : mr_fail_nomem(p->err);
	size_t i;

	p->what = "order";
	for (i = 0; i < count && rc == 0; i++) {
		begin(p, order[i]);
		rc = check_text(p);
		if (rc == 0)
			rc = mr_parse_order(p, items, &q->order_count,
					    ORDER_MAX);
	}
	q->order = items;
	return rc;
}

int mr_query_parse(const char *filter, const char *const *order,
		   size_t order_count, enum mr_query_of of, int64_t now_s,
		   struct mr_query **out, size_t *at, struct mreg_error *err)
{
	MR_AUTO(mr_arena_freep)
	struct mr_arena *arena = mr_arena_new(ARENA_MAX_BYTES);
	struct mr_parse p = { .arena = arena,
			      .in = filter ? filter : "",
			      .what = "filter",
			      .of = of,
			      .now_s = now_s,
			      .err = err };
	struct mr_query *q;
	int rc;

	if (at)
		*at = 0;
	q = arena ? mr_arena_alloc(arena, sizeof(*q)) : NULL;
	if (!q)
		return mr_fail_nomem(err);
	q->arena = arena;
	q->of = of;
	rc = parse_filter(&p, q);
	if (rc < 0 && at && p.located)
		*at = p.wrong + 1;
	if (rc == 0)
		rc = parse_orders(&p, q, order, order_count);
	if (rc < 0)
		return rc;
	(void)mr_steal(&arena);
	*out = q;
	return 0;
}

int mr_query_columns(const char *const *words, size_t n, enum mr_query_of of,
		     struct mr_arena *arena, struct mr_order **out,
		     size_t *count, struct mreg_error *err)
{
	struct mr_parse p = {
		.arena = arena, .what = "columns", .of = of, .err = err
	};
	struct mr_order *items =
		mr_arena_alloc(arena, COLUMNS_MAX * sizeof(*items));
	int rc = items ? 0 : mr_fail_nomem(err);
	size_t i;

	*count = 0;
	for (i = 0; i < n && rc == 0; i++) {
		begin(&p, words[i]);
		rc = check_text(&p);
		if (rc == 0)
			rc = mr_parse_columns(&p, items, count, COLUMNS_MAX);
	}
	*out = items;
	return rc;
}
