/*
 * tests/bench/index_bench.h - an index made up from a seed, and questions asked
 * of it; a part of `make bench-index`.
 *
 * Version `i` of all, from 0, is of model i / per_model; everything about it is
 * a function of `i`.  Edges, three to a version:
 * - of the first nine tenths: its run, a data set, and the version before it in
 *   its model (of a model's first, a version of an earlier model);
 * - of the last tenth: three parents, merged, of the 1,000 before it; its run
 *   besides.
 * Beside that three metrics of six digits, two parameters and two tags (195
 * pairs of name and value in all) and four licences in three formats.  Nothing
 * happened to a version since it was registered: none has a stage, an owner, a
 * description, a revision, documents or weights' digests.  Figures of size and
 * of what goes by such things are the best case.
 */
#ifndef TESTS_BENCH_INDEX_BENCH_H
#define TESTS_BENCH_INDEX_BENCH_H

#include "index/index.h"

#define BENCH_MODELS 1000
#define BENCH_TEAMS 50
#define BENCH_TASKS 40
#define BENCH_MERGE_REACH 1000

struct bench {
	struct mr_env env;
	struct mr_index *ix; /* owned */
	const char *where;
	uint64_t versions, per_model;
	bool cards;
};

/* The same for the same `i` and `what`. */
uint64_t bench_hash(uint64_t i, uint64_t what);
void bench_digest(uint64_t i, struct mreg_digest *out);
const char *bench_model_name(uint64_t model, char out[64]);
/* "w123": few of them are common and most are rare. */
const char *bench_word(uint64_t hash, char out[16]);
bool bench_is_merge(const struct bench *b, uint64_t i);

/* Ends the program with the error when rc is below 0. */
void bench_must(int rc, const struct mreg_error *err);
int64_t bench_now_ns(void);

void bench_fill(struct bench *b);
/* Questions whose kinds begin with `kind`. */
void bench_ask(struct bench *b, unsigned int times, const char *kind);

#endif
