/*
 * tests/bench/index_ask.c - each kind of question, many times, from a fixed
 * list of seeds.
 */
#include "tests/bench/index_bench.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "base/arena.h"
#include "base/mem.h"

/* No kind is asked longer than this; how often it was is told. */
#define KIND_NS INT64_C(60000000000)
/* Asked before anything is measured. */
#define WARM_UP 50

enum filter {
	FILTER_NAME,
	FILTER_NUMBER, /* of a name: one version */
	FILTER_TAG,
	FILTER_TAGS,
	FILTER_ALIAS,
	FILTER_METRIC,
	FILTER_METRIC_TAG,
	FILTER_METRICS,
	FILTER_RARE,   /* a word */
	FILTER_COMMON, /* two words */
	FILTER_RUN,
	FILTER_TEAM, /* names that begin alike */
	FILTER_ALL,
};

struct question {
	struct bench *b;
	uint64_t seed;      /* of this one */
	unsigned int depth; /* of a walk; 0: no limit */
	bool down, merge;
	enum filter filter; /* of a search */
	bool ranked;        /* by the metric, best first */
	size_t limit;
	const char *order; /* another */
};

/* How many rows it gave. */
typedef size_t ask_fn(const struct question *q);

static uint64_t pick(const struct question *q)
{
	uint64_t tenth = q->b->versions / 10;

	return q->merge ? q->b->versions - 1 - q->seed % (tenth ? tenth : 1)
			: q->seed % (q->b->versions - tenth);
}

static size_t walk(const struct question *q)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_walk_result r;
	struct mreg_digest d;
	int64_t node;
	struct mr_walk w = { .from = &node,
			     .from_count = 1,
			     .down = q->down,
			     .depth = q->depth };
	size_t n;

	bench_digest(pick(q), &d);
	bench_must(mr_index_node(q->b->ix, &d, &node, &err), &err);
	bench_must(mr_index_walk(q->b->ix, &w, true, &r, &err), &err);
	n = r.count;
	mr_walk_release(&r);
	return n;
}

static const char *metric(const struct question *q)
{
	static const char *const names[] = { "auc", "latency_ms", "loss" };

	return names[q->seed / 1000 % 3];
}

/* Of a loss the lowest is best. */
static bool is_rising(const struct question *q)
{
	return q->seed / 1000 % 3 != 0;
}

static void make_filter(const struct question *q, char *out, size_t cap)
{
	int team = (int)(q->seed % BENCH_TEAMS);
	int task = (int)(q->seed / BENCH_TEAMS % BENCH_TASKS);
	double share = (double)(q->seed % 1000) / 1000;
	char text[2][64];

	switch (q->filter) {
	case FILTER_NAME:
		(void)snprintf(
			out, cap, "name = '%s'",
			bench_model_name(q->seed % BENCH_MODELS, text[0]));
		return;
	case FILTER_NUMBER:
		(void)snprintf(
			out, cap, "name = '%s' AND version_number = %" PRIu64,
			bench_model_name(q->seed % BENCH_MODELS, text[0]),
			q->seed / BENCH_MODELS % q->b->per_model + 1);
		return;
	case FILTER_TAG:
		(void)snprintf(out, cap, "tags.team = 'team-%02d'", team);
		return;
	case FILTER_TAGS:
		(void)snprintf(out, cap,
			       "tags.team = 'team-%02d' AND"
			       " tags.task = 'task-%02d'",
			       team, task);
		return;
	case FILTER_ALIAS:
		(void)snprintf(out, cap, "alias = '%s'",
			       q->seed % 2 ? "production" : "staging");
		return;
	case FILTER_METRIC:
		(void)snprintf(out, cap, "metrics.%s %s %.3f", metric(q),
			       is_rising(q) ? "<" : ">", share);
		return;
	case FILTER_METRIC_TAG:
		(void)snprintf(out, cap, "tags.team = 'team-%02d'", team);
		return;
	case FILTER_METRICS:
		(void)snprintf(out, cap,
			       "metrics.auc > %.3f AND metrics.loss < %.3f",
			       1 - share / 20, 0.1 - share / 20);
		return;
	case FILTER_RARE:
		(void)snprintf(out, cap, "text('w%d')",
			       (int)(65536 + q->seed % 65536));
		return;
	case FILTER_COMMON:
		(void)snprintf(out, cap, "text('%s %s')",
			       bench_word(q->seed % 17 % 4, text[0]),
			       bench_word((q->seed >> 8) % 17 % 6, text[1]));
		return;
	case FILTER_RUN:
		(void)snprintf(out, cap, "run_id = 'run-%08" PRIx64 "'",
			       q->seed % q->b->versions);
		return;
	case FILTER_TEAM:
		(void)snprintf(out, cap,
			       "name LIKE 'registry.example/team%02d/%%'",
			       team);
		return;
	case FILTER_ALL:
		out[0] = '\0';
		return;
	}
}

static size_t search(const struct question *q)
{
	MR_AUTO(mr_query_freep) struct mr_query *query = NULL;
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_search s = { .limit = q->limit };
	struct mr_search_result r;
	char filter[256], order[64];
	const char *orders[] = { order };
	size_t at = 0;
	size_t n;

	make_filter(q, filter, sizeof(filter));
	(void)snprintf(order, sizeof(order), "metrics.%s %s", metric(q),
		       is_rising(q) ? "ASC" : "DESC");
	if (q->order)
		orders[0] = q->order;
	bench_must(mr_query_parse(filter, orders, q->ranked || q->order,
				  MR_QUERY_VERSIONS, 0, &query, &at, &err),
		   &err);
	s.query = query;
	/* What is found and its rows are of one moment, as of mreg_search. */
	bench_must(mr_index_hold(q->b->ix, &err), &err);
	bench_must(mr_index_search(q->b->ix, &s, &r, &err), &err);
	n = r.n;
	if (n > 0) {
		MR_AUTO(mr_arena_freep)
		struct mr_arena *arena = mr_arena_new(64u << 20);
		struct mr_ix_row *rows;

		bench_must(
			mr_index_rows(q->b->ix, r.ids, n, arena, &rows, &err),
			&err);
	}
	mr_index_let_go(q->b->ix);
	mr_search_release(&r);
	return n;
}

static size_t by_digest(const struct question *q)
{
	MR_AUTO(mr_arena_freep)
	struct mr_arena *arena = mr_arena_new(64u << 20);
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_ix_row *rows;
	struct mreg_digest d;
	size_t n;

	bench_digest(pick(q), &d);
	bench_must(mr_index_find(q->b->ix, &d, arena, &rows, &n, &err), &err);
	return n;
}

static size_t by_alias(const struct question *q)
{
	MR_AUTO(mr_arena_freep)
	struct mr_arena *arena = mr_arena_new(64u << 20);
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_ix_row *rows;
	struct mreg_digest d;
	bool found = false;
	char name[64];
	size_t n = 0;

	(void)bench_model_name(q->seed % BENCH_MODELS, name);
	bench_must(mr_index_hold(q->b->ix, &err), &err);
	bench_must(mr_index_resolve(q->b->ix, name, "production", &d, &found,
				    &err),
		   &err);
	if (found)
		bench_must(mr_index_find(q->b->ix, &d, arena, &rows, &n, &err),
			   &err);
	mr_index_let_go(q->b->ix);
	return n;
}

static size_t versions_of(const struct question *q)
{
	MR_AUTO(mr_arena_freep)
	struct mr_arena *arena = mr_arena_new(256u << 20);
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_ix_row *rows;
	char name[64];
	size_t n;

	bench_must(mr_index_versions(
			   q->b->ix,
			   bench_model_name(q->seed % BENCH_MODELS, name), true,
			   arena, &rows, &n, &err),
		   &err);
	return n;
}

static size_t models(const struct question *q)
{
	MR_AUTO(mr_arena_freep)
	struct mr_arena *arena = mr_arena_new(64u << 20);
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_ix_model_row *rows;
	size_t n;

	bench_must(mr_index_models(q->b->ix, NULL, arena, &rows, &n, &err),
		   &err);
	return n;
}

static const struct {
	const char *name;
	ask_fn *ask;
	struct question q;
} kinds[] = {
	{ "version by digest", by_digest, { 0 } },
	{ "version by alias", by_alias, { 0 } },
	{ "models", models, { 0 } },
	{ "versions of a model", versions_of, { 0 } },
	{ "lineage up, depth 10", walk, { .depth = 10 } },
	{ "lineage up, depth 50", walk, { .depth = 50 } },
	{ "lineage down, depth 10", walk, { .depth = 10, .down = true } },
	{ "lineage down, depth 50", walk, { .depth = 50, .down = true } },
	{ "merges up, depth 10", walk, { .depth = 10, .merge = true } },
	{ "merges up, depth 50", walk, { .depth = 50, .merge = true } },
	{ "merges up, no limit", walk, { .merge = true } },
	{ "by name, 100", search, { .filter = FILTER_NAME, .limit = 100 } },
	{ "by one tag, 100", search, { .filter = FILTER_TAG, .limit = 100 } },
	{ "by two tags, 100", search, { .filter = FILTER_TAGS, .limit = 100 } },
	{ "by alias, 100", search, { .filter = FILTER_ALIAS, .limit = 100 } },
	{ "metric, top 20",
	  search,
	  { .filter = FILTER_METRIC, .ranked = true, .limit = 20 } },
	{ "metric, top 20 of a tag",
	  search,
	  { .filter = FILTER_METRIC_TAG, .ranked = true, .limit = 20 } },
	{ "two metrics, 100",
	  search,
	  { .filter = FILTER_METRICS, .limit = 100 } },
	{ "version by name and number",
	  search,
	  { .filter = FILTER_NUMBER, .limit = 100 } },
	{ "text, a rare word, 100",
	  search,
	  { .filter = FILTER_RARE, .limit = 100 } },
	{ "text, two common words, 100",
	  search,
	  { .filter = FILTER_COMMON, .limit = 100 } },
	{ "by run", search, { .filter = FILTER_RUN, .limit = 100 } },
	{ "names that begin alike, 100",
	  search,
	  { .filter = FILTER_TEAM, .limit = 100 } },
	{ "all, 100", search, { .filter = FILTER_ALL, .limit = 100 } },
	{ "all by name, 100",
	  search,
	  { .filter = FILTER_ALL, .limit = 100, .order = "name" } },
	{ "all by number, last first, 100",
	  search,
	  { .filter = FILTER_ALL,
	    .limit = 100,
	    .order = "version_number DESC" } },
	{ "all by registered, last first, 100",
	  search,
	  { .filter = FILTER_ALL,
	    .limit = 100,
	    .order = "creation_timestamp DESC" } },
	{ "a tag's by name, 100",
	  search,
	  { .filter = FILTER_TAG, .limit = 100, .order = "name" } },
	{ "a name's by number, last first, 100",
	  search,
	  { .filter = FILTER_NAME,
	    .limit = 100,
	    .order = "version_number DESC" } },
};

static int compare(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* What this process used of a processor: on a machine that others use too, a
 * question's time says how long it waited for one. */
static int64_t used_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void ask_kind(struct bench *b, size_t at, unsigned int times,
		     int64_t *took)
{
	struct question q = kinds[at].q;
	int64_t *used = took + times;
	int64_t began = bench_now_ns();
	int64_t first = 0;
	int64_t before;
	unsigned int n, half, last;
	size_t rows = 0;

	q.b = b;
	for (n = 0; n < WARM_UP; n++) {
		q.seed = bench_hash(times + n, 1000 + at);
		(void)kinds[at].ask(&q);
		if (n == 0)
			first = bench_now_ns() - began;
	}
	began = before = bench_now_ns();
	n = 0;
	while (n < times && before - began < KIND_NS) {
		q.seed = bench_hash(n, 1000 + at);
		used[n] = used_ns();
		rows += kinds[at].ask(&q);
		used[n] = used_ns() - used[n];
		took[n] = bench_now_ns() - before;
		before += took[n++];
	}
	qsort(took, n, sizeof(*took), compare);
	qsort(used, n, sizeof(*used), compare);
	half = n / 2;
	last = n * 99 / 100;
	printf("{\"kind\": \"%s\", \"times\": %u, \"rows\": %.1f,"
	       " \"warm_up\": %d, \"first_ms\": %.4f,"
	       " \"p50_ms\": %.4f, \"p99_ms\": %.4f, \"max_ms\": %.4f,"
	       " \"cpu_p50_ms\": %.4f, \"cpu_p99_ms\": %.4f}\n",
	       kinds[at].name, n, (double)rows / n, WARM_UP,
	       (double)first / 1e6, (double)took[half] / 1e6,
	       (double)took[last] / 1e6, (double)took[n - 1] / 1e6,
	       (double)used[half] / 1e6, (double)used[last] / 1e6);
	(void)fflush(stdout);
}

void bench_ask(struct bench *b, unsigned int times, const char *kind)
{
	int64_t *took = calloc(times ? 2 * (size_t)times : 1, sizeof(*took));
	struct rusage used;
	size_t i;

	if (!took)
		abort();
	for (i = 0; i < MR_COUNT(kinds); i++)
		if (strncmp(kinds[i].name, kind, strlen(kind)) == 0)
			ask_kind(b, i, times, took);
	(void)getrusage(RUSAGE_SELF, &used);
	printf("{\"max_rss_kib\": %ld}\n", used.ru_maxrss);
	free(took);
}
