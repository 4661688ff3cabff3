/*
 * tests/support/script_source.h - a store whose one blob comes as a script
 * says: slowly, in pieces, broken off; for the tests of fetching.
 *
 * Its clock moves with the bytes it hands out, so that it is slow without
 * anybody waiting; where the order of things matters its streams wait for each
 * other.
 */
#ifndef TESTS_SUPPORT_SCRIPT_SOURCE_H
#define TESTS_SUPPORT_SCRIPT_SOURCE_H

#include "base/task.h"
#include "content/spans.h"
#include "store/store.h"

#define SCRIPT_STREAMS_MAX 64
#define SCRIPT_READ_BYTES (64u << 10)
/* 64 KiB each 30 ms: about 2 MiB a second. */
#define SCRIPT_READ_MS 30

struct script_source {
	struct mr_store base;
	const char *data; /* borrowed */
	struct mr_lock lock;
	struct mr_signal changed;
	int64_t clock_ms;
	struct mr_span asked[SCRIPT_STREAMS_MAX]; /* in order of asking */
	size_t opened;
	unsigned int open, most_open;
	uint64_t handed_out;
	bool slow;     /* the clock moves */
	bool ranges;   /* as told */
	bool no_range; /* the first range asked for shows: there are none */
	/* The first stream waits at `hold_at` until so many are opened. */
	uint64_t hold_at;
	size_t hold_for;
	/* Streams that begin behind 0 (`others`), or the first one, break off
	 * after so many bytes; how many of them.  Where it is one of the
	 * others, all wait for it: none may take its bytes meanwhile. */
	bool break_others, broken;
	unsigned int breaks;
	uint64_t break_after;
	int break_code;
	atomic_bool *cancel_at_break;
};

/* `s` is zeroed; what it borrows is the caller's. */
void script_source_init(struct script_source *s, struct mr_env *env, char *name,
			const char *data);
void script_source_release(struct script_source *s);
/* For struct mr_env. */
int64_t script_source_ms(struct script_source *s);

#endif
