/*
 * base/arena.h - many small allocations with one free.
 *
 * An arena has a mandatory maximum and fails softly: after one refusal every
 * later call returns NULL too, so build first, check once at the end with
 * mr_arena_failed.
 */
#ifndef MR_BASE_ARENA_H
#define MR_BASE_ARENA_H

#include <stdbool.h>
#include <stddef.h>

struct mr_arena;

/* Texts in one. */
struct mr_words {
	const char **items;
	size_t n;
};

/* NULL when out of memory.  `max` bytes in total, 0 never. */
struct mr_arena *mr_arena_new(size_t max);
void mr_arena_free(struct mr_arena *a);
void mr_arena_freep(struct mr_arena **a); /* for MR_AUTO */

/* Zeroed, aligned for any type.  NULL after failure. */
void *mr_arena_alloc(struct mr_arena *a, size_t n);
char *mr_arena_strdup(struct mr_arena *a, const char *s);
char *mr_arena_strndup(struct mr_arena *a, const char *s, size_t n);
char *mr_arena_printf(struct mr_arena *a, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Texts with `between` between them; NULL of none, too. */
char *mr_arena_join(struct mr_arena *a, const char *const *items, size_t n,
		    const char *between);

bool mr_arena_failed(const struct mr_arena *a);

#endif
