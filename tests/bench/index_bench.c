/*
 * tests/bench/index_bench.c - fill an index, or ask it.
 * usage: index_bench fill WHERE VERSIONS [no-cards]
 *        index_bench ask WHERE VERSIONS [TIMES [KIND]]
 *
 * Results are lines of JSON.
 */
#include "tests/bench/index_bench.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* splitmix64 (Steele, Lea, Flood 2014). */
uint64_t bench_hash(uint64_t i, uint64_t what)
{
	uint64_t z = (i + 1) * UINT64_C(0x9e3779b97f4a7c15) +
		     what * UINT64_C(0xd1342543de82ef95);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

void bench_digest(uint64_t i, struct mreg_digest *out)
{
	uint64_t word;
	size_t k;

	memset(out, 0, sizeof(*out));
	out->algorithm = MREG_SHA256;
	for (k = 0; k < 4; k++) {
		word = bench_hash(i, 100 + k);
		memcpy(out->bytes + 8 * k, &word, sizeof(word));
	}
}

const char *bench_model_name(uint64_t model, char out[64])
{
	(void)snprintf(out, 64,
		       "registry.example/team%02" PRIu64 "/model-%04" PRIu64,
		       model % BENCH_TEAMS, model);
	return out;
}

/* The rank is about evenly spread over its logarithm: Zipf's law. */
const char *bench_word(uint64_t hash, char out[16])
{
	unsigned int bits = (unsigned int)(hash % 17);
	uint64_t rank = (hash >> 8) & ((UINT64_C(1) << bits) - 1);

	(void)snprintf(out, 16, "w%" PRIu64, (UINT64_C(1) << bits) + rank);
	return out;
}

bool bench_is_merge(const struct bench *b, uint64_t i)
{
	return i >= b->versions / 10 * 9 && i > BENCH_MERGE_REACH;
}

void bench_must(int rc, const struct mreg_error *err)
{
	if (rc >= 0)
		return;
	fprintf(stderr, "index_bench: %s; %s\n", err->msg, err->cause);
	exit(1);
}

int64_t bench_now_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

int main(int argc, char **argv)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct bench b = { .cards = true };
	bool fill = argc > 1 && strcmp(argv[1], "fill") == 0;

	if (argc < 4 || (!fill && strcmp(argv[1], "ask") != 0)) {
		fprintf(stderr, "usage: index_bench fill|ask WHERE VERSIONS "
				"[no-cards|TIMES [KIND]]\n");
		return 2;
	}
	b.where = argv[2];
	b.versions = strtoull(argv[3], NULL, 10);
	b.per_model = (b.versions + BENCH_MODELS - 1) / BENCH_MODELS;
	if (argc > 4 && strcmp(argv[4], "no-cards") == 0)
		b.cards = false;
	mr_env_init(&b.env);
	bench_must(mr_index_open(&b.env, b.where,
				 fill ? MR_DB_CREATE : MR_DB_READ, &b.ix, &err),
		   &err);
	if (fill)
		bench_fill(&b);
	else
		bench_ask(&b, argc > 4 ? (unsigned int)atoi(argv[4]) : 1000,
			  argc > 5 ? argv[5] : "");
	mr_index_close(b.ix);
	mr_env_release(&b.env);
	return 0;
}
