/*
 * fuzz_text.c - text made safe is safe, UTF-8 is the same in pieces, a time
 * that was read prints back, and no pattern or path crashes.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

#define TEXT_BYTES 600

/* NDEBUG or not: a property that does not hold ends the process. */
static void must(int holds)
{
	if (!holds)
		abort();
}

/* What a terminal would act upon, told apart without the code under test. */
static int acts(const char *s)
{
	static const char *const marks[] = {
		"\xd8\x9c",     "\xe2\x80\x8e", "\xe2\x80\x8f", "\xe2\x80\xa8",
		"\xe2\x80\xa9", "\xe2\x80\xaa", "\xe2\x80\xab", "\xe2\x80\xac",
		"\xe2\x80\xad", "\xe2\x80\xae", "\xe2\x81\xa6", "\xe2\x81\xa7",
		"\xe2\x81\xa8", "\xe2\x81\xa9",
	};
	const unsigned char *p = (const unsigned char *)s;
	size_t i;

	for (i = 0; i < sizeof(marks) / sizeof(marks[0]); i++)
		if (strstr(s, marks[i]))
			return 1;
	for (; *p; p++)
		if (*p < 0x20 || *p == 0x7f ||
		    (p[0] == 0xc2 && p[1] >= 0x80 && p[1] <= 0x9f))
			return 1;
	return 0;
}

static void check_safe(const uint8_t *data, size_t size)
{
	size_t caps[] = { 1, 2, 4, 5, 17, size % 300 + 1, TEXT_BYTES };
	char out[TEXT_BYTES], again[TEXT_BYTES];
	size_t i;

	for (i = 0; i < sizeof(caps) / sizeof(caps[0]); i++) {
		mr_text_safe_n(data, size, out, caps[i]);
		must(strlen(out) < caps[i]);
		must(!acts(out));
		must(mr_utf8_valid(out));
		mr_text_safe(out, again, caps[i]);
		must(strcmp(out, again) == 0);
	}
}

static void check_utf8(const uint8_t *data, size_t size)
{
	struct mr_utf8 whole = { 0 };
	struct mr_utf8 parts = { 0 };
	size_t step = size ? data[0] % 40 + 1u : 1;
	int steps_ok = 1;
	size_t i;

	mr_utf8_add(&whole, data, size);
	for (i = 0; i < size; i += step)
		mr_utf8_add(&parts, data + i,
			    step < size - i ? step : size - i);
	must(mr_utf8_ok(&whole) == mr_utf8_ok(&parts));
	for (i = 0; i < size && steps_ok;) {
		uint32_t point;
		size_t used = mr_utf8_next(data + i, size - i, &point);

		steps_ok = used > 0;
		i += used;
	}
	must(mr_utf8_ok(&whole) == (steps_ok != 0));
}

static void check_time(const char *text)
{
	char out[32];
	int64_t t, back;

	if (mr_text_time_parse(text, &t) < 0)
		return;
	mr_text_time(t, out);
	must(mr_text_time_parse(out, &back) == 0);
	must(back == t);
	/* The same instant to the second in UTC reads the same. */
	if (strlen(text) == 20 && strcmp(text + 17, "60Z") != 0 &&
	    text[10] == 'T' && text[19] == 'Z')
		must(strcmp(text, out) == 0);
}

static void check_glob(const char *text)
{
	char pattern[TEXT_BYTES];
	const char *path = strchr(text, '\n');
	size_t n = path ? (size_t)(path - text) : strlen(text);
	char *p = pattern;
	const char *s;

	memcpy(pattern, text, n);
	pattern[n] = '\0';
	(void)mr_text_glob(pattern, path ? path + 1 : "a/b");
	/* Everything matches itself quoted, and "**". */
	if (n > TEXT_BYTES / 2 - 1)
		return;
	for (s = text; *s && p < pattern + sizeof(pattern) - 2; s++) {
		if (strchr("*?[\\", *s))
			*p++ = '\\';
		*p++ = *s;
	}
	*p = '\0';
	if (*s == '\0')
		must(mr_text_glob(pattern, text));
	must(mr_text_glob("**", text));
}

static void check_rest(const char *text)
{
	static const char *const words[] = { "push", "pull", "resolve", NULL };
	char out[TEXT_BYTES], again[TEXT_BYTES];
	const char *word = mr_text_nearest(text, words);
	uint64_t n;

	must(!word || strcmp(word, words[0]) == 0 ||
	     strcmp(word, words[1]) == 0 || strcmp(word, words[2]) == 0);
	mr_text_fold(text, out, sizeof(out));
	must(strlen(out) == strlen(text));
	mr_text_fold(out, again, sizeof(again));
	must(strcmp(out, again) == 0);
	if (mr_text_u64(text, 1000, &n) == 0)
		must(n <= 1000);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char text[TEXT_BYTES];

	check_safe(data, size);
	check_utf8(data, size);
	if (size >= sizeof(text))
		return 0;
	if (size)
		memcpy(text, data, size);
	text[size] = '\0';
	check_time(text);
	check_glob(text);
	check_rest(text);
	return 0;
}
