/*
 * utf8.c - UTF-8, a whole string or piece by piece.
 */
#include "base/text.h"

#include <string.h>

/*
 * RFC 3629, section 4: what may follow a lead byte.  Only the second byte's
 * bounds differ; they are what keeps out overlong forms (E0, F0), surrogates
 * (ED) and everything above U+10FFFF (F4).
 */
static bool lead(struct mr_utf8 *u, uint8_t c)
{
	u->low = 0x80;
	u->high = 0xbf;
	if (c >= 0xc2 && c <= 0xdf) {
		u->more = 1;
		u->point = c & 0x1f;
	} else if (c >= 0xe0 && c <= 0xef) {
		u->more = 2;
		u->point = c & 0x0f;
		if (c == 0xe0)
			u->low = 0xa0;
		if (c == 0xed)
			u->high = 0x9f;
	} else if (c >= 0xf0 && c <= 0xf4) {
		u->more = 3;
		u->point = c & 0x07;
		if (c == 0xf0)
			u->low = 0x90;
		if (c == 0xf4)
			u->high = 0x8f;
	} else {
		return false;
	}
	return true;
}

static bool follow(struct mr_utf8 *u, uint8_t c)
{
	if (c < u->low || c > u->high)
		return false;
	u->low = 0x80;
	u->high = 0xbf;
	u->point = u->point << 6 | (c & 0x3f);
	u->more--;
	return true;
}

/* The first byte that is not ASCII, or `end`.  Every byte of every file comes
 * past here, hence words: four at a time, which the compiler makes one vector
 * of. */
static const uint8_t *skip_ascii(const uint8_t *p, const uint8_t *end)
{
	const uint64_t high = 0x8080808080808080u;
	uint64_t w[4];

	while ((size_t)(end - p) >= sizeof(w)) {
		memcpy(w, p, sizeof(w));
		if ((w[0] | w[1] | w[2] | w[3]) & high)
			break;
		p += sizeof(w);
	}
	while ((size_t)(end - p) >= sizeof(w[0])) {
		memcpy(w, p, sizeof(w[0]));
		if (w[0] & high)
			break;
		p += sizeof(w[0]);
	}
	while (p < end && *p < 0x80)
		p++;
	return p;
}

void mr_utf8_add(struct mr_utf8 *u, const void *data, size_t n)
{
	const uint8_t *p = data;
	const uint8_t *end;

	if (u->bad || n == 0)
		return;
	end = p + n;
	while (p < end) {
		if (u->more == 0) {
			p = skip_ascii(p, end);
			if (p == end)
				return;
			u->bad = !lead(u, *p++);
		} else {
			u->bad = !follow(u, *p++);
		}
		if (u->bad)
			return;
	}
}

bool mr_utf8_ok(const struct mr_utf8 *u)
{
	return !u->bad && u->more == 0;
}

bool mr_utf8_valid(const char *s)
{
	struct mr_utf8 u = { 0 };

	mr_utf8_add(&u, s, strlen(s));
	return mr_utf8_ok(&u);
}

size_t mr_utf8_next(const void *in, size_t n, uint32_t *point)
{
	const uint8_t *p = in;
	struct mr_utf8 u = { 0 };
	size_t i = 1;

	if (p[0] < 0x80) {
		*point = p[0];
		return 1;
	}
	if (!lead(&u, p[0]))
		return 0;
	while (u.more > 0) {
		if (i >= n || !follow(&u, p[i]))
			return 0;
		i++;
	}
	*point = u.point;
	return i;
}
