/*
 * text.c - strings made safe to show, numbers and sizes as people read them,
 * the nearest of several words.
 */
#include "base/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

/* Words longer than this are nobody's typing error. */
#define WORD_MAX 64

/*
 * Code points that act instead of showing: C0, DEL, C1; U+2028 and U+2029,
 * which some viewers break lines at; and the marks, embeddings, overrides and
 * isolates of Unicode's bidirectional algorithm (UAX #9, section 2), which
 * make a line read as something else than it says.
 */
static bool acts(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c <= 0x9f) || c == 0x061c ||
	       c == 0x200e || c == 0x200f || (c >= 0x2028 && c <= 0x202e) ||
	       (c >= 0x2066 && c <= 0x2069);
}

/* Next piece of output for the bytes at `in`: its text in `unit`, how many
 * bytes it stands for returned. */
static size_t next_unit(const uint8_t *in, size_t n, char unit[16])
{
	uint32_t point;
	size_t used = mr_utf8_next(in, n, &point);

	if (used == 0 || (used == 1 && acts(point))) {
		(void)snprintf(unit, 16, "\\x%02x", (unsigned int)in[0]);
		return 1;
	}
	if (acts(point)) {
		(void)snprintf(unit, 16, "\\u{%04x}", (unsigned int)point);
		return used;
	}
	memcpy(unit, in, used);
	unit[used] = '\0';
	return used;
}

const char *mr_text_safe_n(const void *in, size_t n, char *out, size_t cap)
{
	const uint8_t *p = in;
	char unit[16];
	size_t len = 0;  /* written */
	size_t keep = 0; /* of that, what still leaves room for "..." */
	size_t used, i;

	if (cap == 0)
		return out;
	for (i = 0; i < n; i += used) {
		size_t size;

		used = next_unit(p + i, n - i, unit);
		size = strlen(unit);
		if (len + size >= cap) {
			(void)snprintf(out + keep, cap - keep, "...");
			return out;
		}
		memcpy(out + len, unit, size);
		len += size;
		if (len + 3 < cap)
			keep = len;
	}
	out[len] = '\0';
	return out;
}

const char *mr_text_safe(const char *in, char *out, size_t cap)
{
	return mr_text_safe_n(in, strlen(in), out, cap);
}

static unsigned int least(unsigned int a, unsigned int b)
{
	return a < b ? a : b;
}

/* Optimal string alignment: insertions, deletions, replacements and swapped
 * neighbours, since "psuh" is one slip and not two. */
static unsigned int distance(const char *a, size_t na, const char *b, size_t nb)
{
	unsigned int rows[3][WORD_MAX + 1];
	unsigned int *before = rows[0], *above = rows[1], *row = rows[2];
	unsigned int *spare;
	size_t i, j;

	for (j = 0; j <= nb; j++)
		above[j] = (unsigned int)j;
	for (i = 1; i <= na; i++) {
		row[0] = (unsigned int)i;
		for (j = 1; j <= nb; j++) {
			row[j] = least(above[j], row[j - 1]) + 1;
			row[j] = least(row[j],
				       above[j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
			    a[i - 2] == b[j - 1])
				row[j] = least(row[j], before[j - 2] + 1);
		}
		spare = before;
		before = above;
		above = row;
		row = spare;
	}
	return above[nb];
}

const char *mr_text_nearest(const char *word, const char *const *candidates)
{
	size_t n = strnlen(word, WORD_MAX + 1);
	const char *best = NULL;
	unsigned int best_d = WORD_MAX + 1;

	if (n > WORD_MAX)
		return NULL;
	for (; *candidates; candidates++) {
		size_t m = strnlen(*candidates, WORD_MAX + 1);
		unsigned int d;

		if (m > WORD_MAX)
			continue;
		d = distance(word, n, *candidates, m);
		if (d < best_d && d * 3 <= (n > m ? n : m)) {
			best = *candidates;
			best_d = d;
		}
	}
	return best;
}

const char *mr_text_size(uint64_t bytes, char out[32])
{
	static const char *const units[] = { "KiB", "MiB", "GiB",
					     "TiB", "PiB", "EiB" };
	uint64_t unit = 1024;
	uint64_t whole, tenths;
	size_t i = 0;

	if (bytes < 1024) {
		(void)snprintf(out, 32, "%" PRIu64 " B", bytes);
		return out;
	}
	while (i + 1 < MR_COUNT(units) && bytes / unit >= 1024) {
		unit *= 1024;
		i++;
	}
	whole = bytes / unit;
	tenths = (bytes % unit * 10 + unit / 2) / unit;
	if (tenths == 10) {
		tenths = 0;
		whole++;
	}
	if (whole == 1024 && i + 1 < MR_COUNT(units)) {
		whole = 1;
		i++;
	}
	(void)snprintf(out, 32, "%" PRIu64 ".%" PRIu64 " %s", whole, tenths,
		       units[i]);
	return out;
}

int mr_text_u64(const char *text, uint64_t max, uint64_t *out)
{
	uint64_t value = 0;
	const char *p;

	if (!*text)
		return -1;
	for (p = text; *p; p++) {
		uint64_t digit;

		if (*p < '0' || *p > '9')
			return -1;
		digit = (uint64_t)(*p - '0');
		if (value > (UINT64_MAX - digit) / 10)
			return -1;
		value = value * 10 + digit;
		if (value > max)
			return -1;
	}
	*out = value;
	return 0;
}

bool mr_text_starts(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

bool mr_text_ends(const char *s, const char *suffix)
{
	size_t n = strlen(s);
	size_t m = strlen(suffix);

	return m <= n && memcmp(s + n - m, suffix, m) == 0;
}

/* Lower case of the alphabets whose capitals are a fixed step away. */
static uint32_t lower(uint32_t c)
{
	if ((c >= 'A' && c <= 'Z') || (c >= 0xc0 && c <= 0xde && c != 0xd7) ||
	    (c >= 0x0391 && c <= 0x03a9 && c != 0x03a2) ||
	    (c >= 0x0410 && c <= 0x042f))
		return c + 0x20;
	if (c >= 0x0400 && c <= 0x040f)
		return c + 0x50;
	if (c == 0x0386) /* Greek capitals with tonos */
		return 0x03ac;
	if (c >= 0x0388 && c <= 0x038a)
		return c + 0x25;
	if (c == 0x038c)
		return 0x03cc;
	if (c == 0x038e || c == 0x038f)
		return c + 0x3f;
	if (c == 0x03c2) /* final sigma is a sigma */
		return 0x03c3;
	return c;
}

const char *mr_text_fold(const char *in, char *out, size_t cap)
{
	size_t n = strlen(in);
	size_t len = 0;
	size_t i, used;

	if (cap == 0)
		return out;
	for (i = 0; i < n; i += used) {
		uint32_t c;

		used = mr_utf8_next(in + i, n - i, &c);
		if (used == 0) {
			used = 1;
			c = 0x80; /* no letter: copied as it is */
		}
		if (len + used >= cap)
			break;
		memcpy(out + len, in + i, used);
		/* Both cases take the same number of bytes: one or two. */
		if (used == 1 && c < 0x80) {
			out[len] = (char)lower(c);
		} else if (used == 2) {
			c = lower(c);
			out[len] = (char)(0xc0 | c >> 6);
			out[len + 1] = (char)(0x80 | (c & 0x3f));
		}
		len += used;
	}
	out[len] = '\0';
	return out;
}
