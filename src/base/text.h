/*
 * base/text.h - strings: safe to show, well formed, close to each other,
 * sizes and times as people read them.
 */
#ifndef MR_BASE_TEXT_H
#define MR_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Copy `in` to `out` (`cap` bytes with NUL, truncated with "..." if needed)
 * with everything that could move a terminal's cursor or forge a log line
 * escaped: C0, DEL and C1 controls, line separators and bidirectional
 * overrides as \xNN or \u{NNNN}, invalid UTF-8 as \xNN.  What is safe already
 * stays as it is, so doing it twice does no harm.  Returns `out`.
 */
const char *mr_text_safe(const char *in, char *out, size_t cap);

/* As above for `n` bytes that may hold NUL. */
const char *mr_text_safe_n(const void *in, size_t n, char *out, size_t cap);

/* Incremental UTF-8 validation; zeroed to begin.  RFC 3629: no overlong
 * forms, no surrogates, at most U+10FFFF. */
struct mr_utf8 {
	uint32_t point;    /* bits so far */
	uint8_t more;      /* continuation bytes still due */
	uint8_t low, high; /* bounds of the next one */
	bool bad;
};
void mr_utf8_add(struct mr_utf8 *u, const void *data, size_t n);
bool mr_utf8_ok(const struct mr_utf8 *u); /* valid and complete */
bool mr_utf8_valid(const char *s);
/* The code point at the start of `n` (> 0) bytes: how many bytes it takes, or
 * 0 when they are no valid UTF-8. */
size_t mr_utf8_next(const void *in, size_t n, uint32_t *point);

/* The candidate nearest to `word` by edit distance, or NULL if none is near
 * (distance above a third of the longer one).  `candidates` ends with NULL. */
const char *mr_text_nearest(const char *word, const char *const *candidates);

/* "1.5 GiB"; exact below 1 KiB ("104 B").  Returns `out`. */
const char *mr_text_size(uint64_t bytes, char out[32]);
/* Back, from "10GiB", "1.5 MB", "20M", "4096": 0, or -1 when it is no size.
 * KB, MB, GB, TB are powers of 1000; K, M, G, T and KiB... of 1024. */
int mr_text_size_parse(const char *text, uint64_t *bytes);
/* "3 days ago", "just now"; `age_s` seconds, negative counts as 0. */
const char *mr_text_age(int64_t age_s, char out[32]);
/* "2 d 3 h", "5 min", "12 s": how long something took, in its two largest
 * units; negative counts as 0. */
const char *mr_text_span(int64_t span_s, char out[32]);
/* "2026-01-01T00:00:00Z" from seconds since 1970; and back (RFC 3339, any
 * offset, fractions dropped): 0, or -1 when it is no time. */
const char *mr_text_time(int64_t unix_s, char out[32]);
int mr_text_time_parse(const char *text, int64_t *unix_s);
/* A time, or a date, which is the end of its day: what users give. */
int mr_text_moment_parse(const char *text, int64_t *unix_s);

/* Seconds from "12h", "30d", "2w": 0, or -1 when it is no length of time from
 * an hour to 99999 weeks. */
int mr_text_span_parse(const char *text, int64_t *seconds);

/* A number in the fewest digits that make it again: "0.91", "1e+100"; "inf",
 * "nan".  Returns `out`. */
const char *mr_text_real(double v, char out[32]);

/* Whole string to number in [0, max]: 0, or -1 (empty, sign, junk, range). */
int mr_text_u64(const char *text, uint64_t max, uint64_t *out);

bool mr_text_starts(const char *s, const char *prefix);
bool mr_text_ends(const char *s, const char *suffix);

/* Shell-style match of a whole path: '*' and '?' stop at '/', '**' does not,
 * [a-z] and [!a-z] sets, backslash quotes.  A component that is "**" also
 * stands for no component: "**" "/a" matches "a".  Paths longer than
 * MR_PATH_MAX_BYTES match nothing. */
bool mr_text_glob(const char *pattern, const char *path);

/* Case folding good enough to see names that a case-insensitive file system
 * would merge: ASCII and Latin-1/Greek/Cyrillic letters to lower case, the
 * rest as is.  Writes at most `cap` bytes with NUL; returns `out`. */
const char *mr_text_fold(const char *in, char *out, size_t cap);

#endif
