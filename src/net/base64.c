/*
 * base64.c - RFC 4648, section 4, into memory that is wiped: what goes
 * through here are passwords.
 */
#include "net/internal.h"

#include <string.h>

#include "base/mem.h"

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
			     "abcdefghijklmnopqrstuvwxyz0123456789+/";

static void wipe_and_free(unsigned char *p, size_t n)
{
	mr_wipe(p, n);
	mr_release(p);
}

int mr_base64_encode(const void *in, size_t n, struct mr_secret *out)
{
	const unsigned char *p = in;
	unsigned char *text;
	size_t len = 0;
	uint32_t bits;
	size_t i;
	size_t left;
	int rc;

	text = mr_array(n / 3 + 1, 4);
	if (!text)
		return MREG_ENOMEM;
	for (i = 0; i < n; i += 3) {
		left = n - i;
		bits = (uint32_t)p[i] << 16;
		bits |= left > 1 ? (uint32_t)p[i + 1] << 8 : 0;
		bits |= left > 2 ? p[i + 2] : 0;
		text[len++] = (unsigned char)digits[bits >> 18];
		text[len++] = (unsigned char)digits[bits >> 12 & 63];
		text[len++] =
			left > 1 ? (unsigned char)digits[bits >> 6 & 63] : '=';
		text[len++] = left > 2 ? (unsigned char)digits[bits & 63] : '=';
	}
	rc = mr_secret_set(out, (const char *)text, len);
	wipe_and_free(text, len);
	return rc;
}

int mr_base64_decode(const char *in, size_t n, struct mr_secret *out)
{
	unsigned char *bytes;
	const char *digit;
	size_t len = 0;
	uint32_t bits = 0;
	unsigned int have = 0;
	size_t i;
	int rc;

	while (n && in[n - 1] == '=')
		n--;
	if (n % 4 == 1)
		return -1;
	bytes = mr_alloc(n / 4 * 3 + 3);
	if (!bytes)
		return MREG_ENOMEM;
	for (i = 0; i < n; i++) {
		digit = in[i] ? strchr(digits, in[i]) : NULL;
		if (!digit)
			break;
		bits = bits << 6 | (uint32_t)(digit - digits);
		have += 6;
		if (have >= 8) {
			have -= 8;
			bytes[len++] = (unsigned char)(bits >> have & 0xff);
		}
	}
	rc = i < n ? -1 : mr_secret_set(out, (const char *)bytes, len);
	wipe_and_free(bytes, len);
	return rc;
}
