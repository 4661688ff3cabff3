/*
 * arena.c - many small allocations with one free.
 */
#include "base/arena.h"

#include <stdarg.h>
#include <stdalign.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

/* Small documents fit the first block; large ones take few. */
#define BLOCK_MIN_BYTES 4096
#define BLOCK_MAX_BYTES 65536

struct block {
	struct block *next; /* owned */
	size_t len;
	size_t cap;
	alignas(max_align_t) unsigned char data[]; /* zeroed */
};

struct mr_arena {
	struct block *first; /* owned; the one being filled */
	size_t max;
	size_t used; /* bytes handed out, rounded up */
	bool failed;
};

static size_t round_up(size_t n)
{
	return (n + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
}

static struct block *add_block(struct mr_arena *a, size_t n)
{
	size_t cap = a->first ? a->first->cap * 2 : BLOCK_MIN_BYTES;
	struct block *b;

	if (cap > BLOCK_MAX_BYTES)
		cap = BLOCK_MAX_BYTES;
	if (cap < n)
		cap = n;
	b = mr_zalloc(sizeof(*b) + cap);
	if (!b)
		return NULL;
	b->cap = cap;
	b->next = a->first;
	a->first = b;
	return b;
}

struct mr_arena *mr_arena_new(size_t max)
{
	struct mr_arena *a = mr_zalloc(sizeof(*a));

	if (a)
		a->max = max;
	return a;
}

void mr_arena_free(struct mr_arena *a)
{
	struct block *b;

	if (!a)
		return;
	while (a->first) {
		b = a->first;
		a->first = b->next;
		mr_release(b);
	}
	mr_release(a);
}

void mr_arena_freep(struct mr_arena **a)
{
	mr_arena_free(*a);
	*a = NULL;
}

void *mr_arena_alloc(struct mr_arena *a, size_t n)
{
	struct block *b = a->first;
	size_t size;
	void *p;

	if (a->failed)
		return NULL;
	/* Empty allocations have addresses of their own too. */
	size = n < SIZE_MAX / 2 ? round_up(n ? n : 1) : SIZE_MAX;
	if (size > a->max - a->used) {
		a->failed = true;
		return NULL;
	}
	if (!b || size > b->cap - b->len)
		b = add_block(a, size);
	if (!b) {
		a->failed = true;
		return NULL;
	}
	p = b->data + b->len;
	b->len += size;
	a->used += size;
	return p;
}

char *mr_arena_strdup(struct mr_arena *a, const char *s)
{
	return mr_arena_strndup(a, s, strlen(s));
}

char *mr_arena_strndup(struct mr_arena *a, const char *s, size_t n)
{
	size_t len = strnlen(s, n);
	char *copy = mr_arena_alloc(a, len + 1);

	if (copy && len)
		memcpy(copy, s, len);
	return copy;
}

char *mr_arena_printf(struct mr_arena *a, const char *fmt, ...)
{
	va_list ap;
	char *out;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0) {
		a->failed = true;
		return NULL;
	}
	out = mr_arena_alloc(a, (size_t)n + 1);
	if (!out)
		return NULL;
	va_start(ap, fmt);
	(void)vsnprintf(out, (size_t)n + 1, fmt, ap);
	va_end(ap);
	return out;
}

char *mr_arena_join(struct mr_arena *a, const char *const *items, size_t n,
		    const char *between)
{
	size_t bytes = 1;
	size_t i;
	char *out, *end;

	for (i = 0; i < n; i++)
		bytes += strlen(items[i]) + (i ? strlen(between) : 0);
	out = end = n ? mr_arena_alloc(a, bytes) : NULL;
	for (i = 0; out && i < n; i++) {
		end = stpcpy(end, i ? between : "");
		end = stpcpy(end, items[i]);
	}
	return out;
}

bool mr_arena_failed(const struct mr_arena *a)
{
	return a->failed;
}
