/*
 * fuzz_query.c - a filter prints what parses to the same again, and whatever is
 * refused has a reason and a place.
 *
 * The first byte chooses what is searched; what follows a NUL is an order.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/mem.h"
#include "query/query.h"

/* 2026-01-01T00:00:00Z */
#define NOW_S INT64_C(1767225600)
#define INPUT_MAX_BYTES (MR_QUERY_MAX_BYTES + 64)

static void assert_reason(int rc, const struct mreg_error *err, size_t at,
			  const char *filter)
{
	assert(rc == MREG_EUSAGE && err->msg[0] && err->hint[0]);
	assert(at <= strlen(filter) + 1);
}

/* Terms have what the compiler to SQL relies on. */
static void walk(const struct mr_term *t, unsigned int depth)
{
	size_t i;

	/* Taking a word apart adds two. */
	assert(depth <= 3 * MR_QUERY_DEPTH_MAX);
	switch (t->kind) {
	case MR_TERM_ALL:
		assert(depth == 0);
		break;
	case MR_TERM_COMPARE:
		assert(!t->key == !mr_attr_is_map(t->attr));
		assert(!t->value_count == (t->cmp >= MR_CMP_IS_NULL));
		assert(t->value_count <= 1 || t->cmp == MR_CMP_IN);
		break;
	case MR_TERM_PREDICATE:
		assert(t->value_count > 0);
		break;
	case MR_TERM_NOT:
		assert(t->child_count == 1);
		break;
	case MR_TERM_AND:
	case MR_TERM_OR:
		assert(t->child_count > 1);
		break;
	}
	for (i = 0; i < t->child_count; i++) {
		assert(t->kind == MR_TERM_NOT ||
		       t->children[i]->kind != t->kind);
		walk(t->children[i], depth + 1);
	}
	for (i = 0; i < t->value_count; i++)
		assert(t->values[i].text &&
		       t->values[i].type == t->values[0].type);
}

static void print_again(const struct mr_query *q)
{
	struct mreg_error err = MREG_ERROR_INIT;
	MR_AUTO(mr_query_freep) struct mr_query *again = NULL;
	MR_AUTO(mr_buf_release) struct mr_buf a = MR_BUF_INIT(1u << 20);
	MR_AUTO(mr_buf_release) struct mr_buf b = MR_BUF_INIT(1u << 20);
	int rc;

	mr_query_text(q, &a);
	rc = mr_query_parse(mr_buf_text(&a), NULL, 0, q->of, NOW_S, &again,
			    NULL, &err);
	/* What was taken apart may have grown past the bounds. */
	if (rc < 0) {
		assert(strstr(err.msg, "longer than") ||
		       strstr(err.msg, "more than") ||
		       strstr(err.msg, "nested deeper"));
		return;
	}
	mr_query_text(again, &b);
	assert(strcmp(mr_buf_text(&a), mr_buf_text(&b)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mreg_error err = MREG_ERROR_INIT;
	MR_AUTO(mr_query_freep) struct mr_query *q = NULL;
	char in[INPUT_MAX_BYTES];
	const char *order;
	size_t at = 0;
	int rc;

	if (size == 0 || size >= sizeof(in))
		return 0;
	memcpy(in, data + 1, size - 1);
	in[size - 1] = '\0';
	/* Past the input's own NUL, if there is one, the rest. */
	order = in + strlen(in) + 1;
	rc = mr_query_parse(in, &order, order < in + size - 1 ? 1 : 0,
			    data[0] == 'm' ? MR_QUERY_MODELS
					   : MR_QUERY_VERSIONS,
			    NOW_S, &q, &at, &err);
	if (rc < 0) {
		assert_reason(rc, &err, at, in);
		return 0;
	}
	walk(q->root, 0);
	print_again(q);
	return 0;
}
