/*
 * test_search_oracle.c - searches made up from a seed give what looking at
 * everything gives, row by row and page by page, on both databases.
 *
 * MREG_ORACLE=N makes N rounds of it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "index/search_ways.h"
#include "tests/support/catalogue_fixture.h"
#include "tests/support/db_fixture.h"

#define QUERIES 250

struct oracle {
	struct catalogue c;
	struct mr_index *ix;
};

static void begin(struct oracle *o, struct test_db *db, uint64_t seed)
{
	struct mreg_error err = MREG_ERROR_INIT;

	catalogue_make(&o->c, seed);
	assert_ok(mr_index_open(db->env, db->where, MR_DB_CREATE, &o->ix, &err),
		  err);
}

static void end(struct oracle *o)
{
	mr_index_close(o->ix);
	catalogue_release(&o->c);
}

#define PREDICATES 64

struct asked {
	struct mr_search s;
	struct mr_search_set sets[PREDICATES];
	int64_t nodes[2 * PREDICATES];
	size_t node_count;
};

/* The nodes of a predicate's references, as who asks would find them. */
static void resolve(struct oracle *o, const struct mr_term *t,
		    struct asked *out)
{
	struct mreg_error err = MREG_ERROR_INIT;
	int64_t *first = out->nodes + out->node_count, *next = first;
	size_t i;
	int rc;

	for (i = 0; i < t->child_count; i++)
		resolve(o, t->children[i], out);
	if (t->kind != MR_TERM_PREDICATE || t->predicate == MR_PRED_TEXT ||
	    t->predicate == MR_PRED_ANCESTOR_LICENSE)
		return;
	for (i = 0; i < t->value_count; i++) {
		const char *text = t->values[i].text;

		if (t->predicate == MR_PRED_USES)
			rc = mr_index_outside(o->ix, MR_GRAPH_URI,
					      "s3://bucket/data", next, &err);
		else
			rc = mr_index_node(
				o->ix,
				&o->c.manifests[strtoul(text, NULL, 10)].digest,
				next, &err);
		assert_ok(rc, err);
		next += *next != 0;
	}
	out->sets[out->s.set_count++] =
		(struct mr_search_set){ t, first, (size_t)(next - first) };
	out->node_count += (size_t)(next - first);
}

/* From one that takes every list whole to one that walks at once. */
static const struct mr_ix_effort efforts[] = {
	{ 1000, 150000, 0, 50000, 300, 30000, 1000 },
	{ 5, 1000, 64, 20, 10, 1000, 20 },
	{ 1, 20, 1, 5, 1, 30, 3 },
	{ 0, 0, 100000, 0, 1, 10, 0 },
};

static void ask(struct oracle *o, const struct mr_query *q, const char *prefix,
		struct asked *out)
{
	memset(out, 0, sizeof(*out));
	out->s.query = q;
	out->s.prefix = prefix;
	out->s.sets = out->sets;
	resolve(o, q->root, out);
}

static void differ(struct oracle *o, const struct mr_query *q, size_t at,
		   const int64_t *want, size_t want_n, const int64_t *got,
		   size_t got_n)
{
	size_t i;

	print_error("%s\nat row %zu; want %zu:", catalogue_says(&o->c, q), at,
		    want_n);
	for (i = 0; i < want_n; i++)
		print_error(" %lld", (long long)want[i]);
	print_error("\ngot %zu:", got_n);
	for (i = 0; i < got_n; i++)
		print_error(" %lld", (long long)got[i]);
	print_error("\n");
	fail();
}

/* Every page, of `limit` rows. */
static void check(struct oracle *o, const struct mr_query *q,
		  const char *prefix, size_t limit,
		  const struct mr_ix_effort *effort)
{
	struct mreg_error err = MREG_ERROR_INIT;
	int64_t want[CATALOGUE_VERSIONS];
	size_t n = catalogue_answer(&o->c, q, prefix, want);
	char *token = NULL;
	struct asked a;
	size_t at = 0;

	ask(o, q, prefix, &a);
	a.s.limit = limit;
	a.s.count = true;
	do {
		struct mr_search_result r;
		int rc;

		a.s.token = token;
		rc = mr_ix_search(o->ix, &a.s, effort, &r, &err);
		if (rc < 0)
			print_error("%s\n", catalogue_says(&o->c, q));
		assert_ok(rc, err);
		if (r.n > n - at || r.total != n ||
		    (r.n &&
		     memcmp(r.ids, want + at, r.n * sizeof(*r.ids)) != 0) ||
		    (r.token ? r.n != limit : at + r.n != n))
			differ(o, q, at, want + at, n - at, r.ids, r.n);
		at += r.n;
		free(token);
		token = r.token ? strdup(r.token) : NULL;
		mr_search_release(&r);
	} while (token);
	assert_int_equal(at, n);
}

static size_t rounds(void)
{
	const char *text = getenv("MREG_ORACLE");

	return text && atoi(text) > 0 ? (size_t)atoi(text) : 1;
}

static void agrees_with_looking_at_everything(void **state)
{
	static const size_t limits[] = { 1, 3, 10, 50, 1000 };
	struct test_db *db = test_db(state);
	const struct mr_query *q;
	struct oracle o;
	size_t i;

	begin(&o, db, 1);
	catalogue_write(&o.c, o.ix, 0, CATALOGUE_MODELS);
	for (i = 0; i < QUERIES * rounds(); i++) {
		q = catalogue_query(&o.c, i % 8 ? MR_QUERY_VERSIONS
						: MR_QUERY_MODELS);
		check(&o, q, i % 3 ? CATALOGUE_PREFIX : NULL,
		      limits[catalogue_random(&o.c, MR_COUNT(limits))],
		      &efforts[catalogue_random(&o.c, MR_COUNT(efforts))]);
	}
	end(&o);
}

/* What was there before is met once, and in order; what comes is met where it
 * belongs behind the page that was shown last. */
static void meet_all(struct oracle *o, const struct mr_query *q, size_t limit)
{
	struct mreg_error err = MREG_ERROR_INIT;
	int64_t want[CATALOGUE_VERSIONS];
	size_t n = catalogue_answer(&o->c, q, NULL, want);
	size_t at = 0, pages = 0, i;
	char *token = NULL;
	struct asked a;

	ask(o, q, NULL, &a);
	a.s.limit = limit;
	do {
		struct mr_search_result r;

		a.s.token = token;
		assert_ok(mr_ix_search(o->ix, &a.s, &efforts[pages % 4], &r,
				       &err),
			  err);
		for (i = 0; i < r.n && at < n; i++)
			at += r.ids[i] == want[at];
		free(token);
		token = r.token ? strdup(r.token) : NULL;
		mr_search_release(&r);
		if (pages++ == 0)
			catalogue_write(&o->c, o->ix, 3, CATALOGUE_MODELS);
	} while (token);
	if (at != n)
		differ(o, q, at, want + at, n - at, NULL, 0);
}

static bool asks_lineage(const struct mr_term *t)
{
	size_t i;

	for (i = 0; i < t->child_count; i++)
		if (asks_lineage(t->children[i]))
			return true;
	return t->kind == MR_TERM_PREDICATE && t->predicate != MR_PRED_TEXT;
}

static void pages_meet_every_row_once_while_others_come(void **state)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct test_db *db = test_db(state);
	const struct mr_query *q;
	struct oracle o;
	size_t i, k;

	begin(&o, db, 2);
	for (i = 0; i < 20 * rounds(); i++) {
		for (k = 3; k < CATALOGUE_MODELS; k++)
			assert_ok(mr_index_remove_model(
					  o.ix, o.c.models[k].name, &err),
				  err);
		catalogue_write(&o.c, o.ix, 0, 3);
		/* Whom a parent that comes makes a relative, is another
		 * question. */
		do
			q = catalogue_query(&o.c, MR_QUERY_VERSIONS);
		while (asks_lineage(q->root));
		meet_all(&o, q, 1 + catalogue_random(&o.c, 9));
	}
	end(&o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST_BOTH_DB(agrees_with_looking_at_everything),
		TEST_BOTH_DB(pages_meet_every_row_once_while_others_come),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
