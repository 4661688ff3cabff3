/*
 * base/mem.h - memory that may be refused, and variables that release
 * themselves.
 *
 * Allocation failure is an ordinary error: every function here returns NULL
 * and the caller reports MREG_ENOMEM.  MREG_FAIL_ALLOC=N makes the N-th
 * allocation of the process fail, MREG_FAIL_ALLOC=N+ that and every later
 * one; all allocations of src/ go through here so that tests can walk every
 * failure path.
 */
#ifndef MR_BASE_MEM_H
#define MR_BASE_MEM_H

#include <stddef.h>

/* NULL when out of memory; `n` 0 is treated as 1. */
void *mr_alloc(size_t n);
void *mr_zalloc(size_t n);                 /* zeroed */
void *mr_array(size_t count, size_t each); /* zeroed; overflow checked */
void *mr_resize(void *p, size_t n);        /* like realloc */

/* Grow `*items` (elements of `each` bytes, `*cap` allocated) to hold at least
 * `need`, doubling.  0, or MREG_ENOMEM with everything as it was. */
int mr_grow(void **items, size_t *cap, size_t need, size_t each);

char *mr_strdup(const char *s);
char *mr_strndup(const char *s, size_t n);
void mr_release(void *p); /* free(); NULL does nothing */

/* For MR_AUTO: `p` is the address of the pointer, whatever its type. */
void mr_free(void *p);

/* Overwrite before release; the compiler may not remove it. */
void mr_wipe(void *p, size_t n);

/* The variable releases itself at the end of its scope with fn(&variable). */
#define MR_AUTO(fn) __attribute__((cleanup(fn)))

/* Take the pointer out of an MR_AUTO variable: hand it over, leave NULL. */
#define mr_steal(pp)                                                           \
	({                                                                     \
		__typeof__(*(pp)) mr_steal_value = *(pp);                      \
		*(pp) = NULL;                                                  \
		mr_steal_value;                                                \
	})

#define mr_container_of(ptr, type, member)                                     \
	((type *)((char *)(ptr)-offsetof(type, member)))

#define MR_COUNT(array) (sizeof(array) / sizeof((array)[0]))

#endif
