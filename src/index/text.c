/*
 * text.c - text as both databases take it.
 *
 * FTS5 and PostgreSQL part words in ways of their own, so the words are made
 * here; both see nothing but them.
 */
#include "index/text.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/text.h"

size_t mr_ix_cut(const char *text, size_t max)
{
	size_t n = strnlen(text, max + 1);

	if (n <= max)
		return n;
	n = max;
	while (n > 0 && ((unsigned char)text[n] & 0xc0) == 0x80)
		n--;
	return n;
}

char *mr_ix_valid(const char *text, size_t n)
{
	struct mr_buf b = MR_BUF_INIT(3 * n + 1);
	uint32_t point;
	size_t i, len;
	char *out;

	mr_buf_add(&b, "", 0);
	for (i = 0; i < n; i += len) {
		len = mr_utf8_next(text + i, n - i, &point);
		if (len) {
			mr_buf_add(&b, text + i, len);
		} else {
			mr_buf_puts(&b, "\xef\xbf\xbd");
			len = 1;
		}
	}
	out = mr_buf_take(&b);
	mr_buf_release(&b);
	return out;
}

/* The next word from `*at` on, below `n`: its bytes, 0 at the end; `*at` is
 * where it begins. */
static size_t next_word(const char *text, size_t n, size_t *at)
{
	uint32_t point;
	size_t i = *at, len, begin = n;

	for (; i < n; i += len) {
		len = mr_utf8_next(text + i, n - i, &point);
		if (len > 1 || (len == 1 && ((point >= '0' && point <= '9') ||
					     ((point | 32) >= 'a' &&
					      (point | 32) <= 'z')))) {
			if (begin == n)
				begin = i;
		} else if (begin < n) {
			break;
		} else {
			len = 1;
		}
	}
	*at = begin;
	return i - begin;
}

int mr_ix_word_list(const char *text, size_t max, struct mr_arena *arena,
		    struct mr_words *out, struct mreg_error *err)
{
	size_t n = strnlen(text, max), at = 0, cap = 0, len, i;
	MR_AUTO(mr_free) const char **items = NULL;
	char *word;

	memset(out, 0, sizeof(*out));
	while ((len = next_word(text, n, &at)) > 0) {
		word = mr_arena_strndup(arena, text + at, len);
		if (!word || mr_grow((void **)&items, &cap, out->n + 1,
				     sizeof(*items)) < 0)
			return mr_fail_nomem(err);
		word[mr_ix_cut(word, MR_IX_WORD_MAX_BYTES)] = 0;
		for (i = 0; word[i]; i++)
			if (word[i] >= 'A' && word[i] <= 'Z')
				word[i] = (char)(word[i] + 32);
		items[out->n++] = word;
		at += len;
	}
	out->items = mr_arena_alloc(arena, (out->n + 1) * sizeof(*items));
	if (!out->items)
		return mr_fail_nomem(err);
	if (out->n)
		memcpy(out->items, items, out->n * sizeof(*items));
	return 0;
}

static int compare_words(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

int mr_ix_words(const char *text, size_t max, struct mr_buf *out,
		struct mreg_error *err)
{
	MR_AUTO(mr_arena_freep) struct mr_arena *arena = NULL;
	struct mr_words words;
	size_t i;
	int rc;

	arena = mr_arena_new(64 * max + 4096);
	if (!arena)
		return mr_fail_nomem(err);
	rc = mr_ix_word_list(text, max, arena, &words, err);
	if (rc < 0)
		return rc;
	if (words.n > 1)
		qsort(words.items, words.n, sizeof(*words.items),
		      compare_words);
	for (i = 0; i < words.n; i++) {
		if (i > 0 && strcmp(words.items[i - 1], words.items[i]) == 0)
			continue;
		if (i > 0)
			mr_buf_putc(out, ' ');
		mr_buf_puts(out, words.items[i]);
	}
	return mr_buf_check(out, "the words of a card", err);
}
