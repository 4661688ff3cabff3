/*
 * index/text.h - text as both databases take it: valid, not too long, and in
 * words that both find alike.
 */
#ifndef MR_INDEX_TEXT_H
#define MR_INDEX_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/buf.h"
#include "mreg/error.h"

/* Of one word; what is behind it is not searched. */
#define MR_IX_WORD_MAX_BYTES 64

/* How much of `text` is kept: at most `max` bytes, cut between characters. */
size_t mr_ix_cut(const char *text, size_t max);
/* The first `n` bytes, each that is not UTF-8 as U+FFFD; owned by the caller;
 * NULL: out of memory. */
char *mr_ix_valid(const char *text, size_t n);

/*
 * Append the words of `text` to `out`, each once, sorted, with a space between:
 * a word is a run of ASCII letters, digits and of all other characters beyond
 * ASCII; letters of ASCII are made small.  What is no UTF-8 is between words.
 * Of more than `max` bytes of text the rest is not looked at.
 */
int mr_ix_words(const char *text, size_t max, struct mr_buf *out,
		struct mreg_error *err);
/* The same words as a list, in the order they came, each once; in the arena. */
int mr_ix_word_list(const char *text, size_t max, struct mr_arena *arena,
		    struct mr_words *out, struct mreg_error *err);

#endif
