/*
 * check.c - which values metadata may hold.
 *
 * What is refused here would break a reader: a line break in a one-line field
 * forges a log line, a metric that is no number cannot be compared.
 */
#include "model/meta.h"

#include <inttypes.h>
#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

#define NAME_MAX_BYTES 128
#define KEY_MAX_BYTES 256
/* More digits than any double has, and than any honest metric. */
#define METRIC_MAX_BYTES 64
/* Doubles end below 1.8e308; readers must be able to hold a metric in one. */
#define METRIC_EXPONENT_MAX 308

/* C0 but tab and line feed where lines are allowed, DEL, C1, and Unicode's
 * line and paragraph separators. */
static bool is_control(uint32_t c, bool lines)
{
	if (c == '\n' || c == '\t')
		return !lines;
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x2028 ||
	       c == 0x2029;
}

int mr_check_text(const char *what, const char *value, size_t max_bytes,
		  bool lines, struct mreg_error *err)
{
	size_t n = strlen(value);
	uint32_t c;
	size_t step;
	size_t i;

	if (n == 0)
		return mr_fail(err, MREG_EUSAGE, "'%s' is empty", what);
	if (n > max_bytes)
		return mr_fail(err, MREG_EUSAGE,
			       "'%s' is longer than %zu bytes", what,
			       max_bytes);
	for (i = 0; i < n; i += step) {
		step = mr_utf8_next(value + i, n - i, &c);
		if (step == 0)
			return mr_fail(err, MREG_EUSAGE,
				       "'%s' is not valid UTF-8", what);
		if (is_control(c, lines))
			return mr_fail(
				err, MREG_EUSAGE,
				"'%s' has the control character U+%04" PRIX32
				" in it",
				what, c);
	}
	return 0;
}

int mr_meta_line(const char *what, const char *value, struct mreg_error *err)
{
	return mr_check_text(what, value, MR_VALUE_MAX_BYTES, false, err);
}

int mr_check_time(const char *what, const char *value, struct mreg_error *err)
{
	char shown[MR_SHOWN_BYTES];
	int64_t unix_s;

	if (mr_text_time_parse(value, &unix_s) == 0)
		return 0;
	(void)mr_fail(err, MREG_EUSAGE, "'%s' is no time: '%s'", what,
		      mr_text_safe(value, shown, sizeof(shown)));
	return mr_hint(err, "write it by RFC 3339: 2026-01-31T12:00:00Z");
}

int mr_check_count(const char *what, const char *value, struct mreg_error *err)
{
	char shown[MR_SHOWN_BYTES];
	uint64_t n;

	/* One spelling: no leading zeros. */
	if (mr_text_u64(value, INT64_MAX, &n) == 0 &&
	    (value[0] != '0' || !value[1]))
		return 0;
	(void)mr_fail(err, MREG_EUSAGE, "'%s' is no whole number: '%s'", what,
		      mr_text_safe(value, shown, sizeof(shown)));
	return mr_hint(err, "write all its digits: 22713216");
}

int mr_check_digest(const char *what, const char *value, struct mreg_error *err)
{
	char shown[MR_SHOWN_BYTES];
	struct mreg_digest d;

	if (mreg_digest_parse(value, &d, NULL) == 0)
		return 0;
	(void)mr_fail(err, MREG_EUSAGE, "'%s' is no digest: '%s'", what,
		      mr_text_safe(value, shown, sizeof(shown)));
	return mr_hint(err, "a digest is sha256: and 64 hexadecimal digits");
}

static bool spelled(const char *text, const char *first, const char *rest,
		    size_t max_bytes)
{
	size_t n = strlen(text);

	return n > 0 && n <= max_bytes && strchr(first, text[0]) &&
	       strspn(text, rest) == n;
}

int mr_check_name(const char *noun, const char *name, struct mreg_error *err)
{
	char shown[MR_SHOWN_BYTES];

	if (spelled(name, LETTERS DIGITS "_", LETTERS DIGITS "_.-/",
		    NAME_MAX_BYTES))
		return 0;
	(void)mr_fail(err, MREG_EUSAGE, "'%s' is no name for a %s",
		      mr_text_safe(name, shown, sizeof(shown)), noun);
	return mr_hint(
		err,
		"letters, digits and _ . - /, the first a letter, digit or _; at most %d",
		NAME_MAX_BYTES);
}

/* How many digits stand before the point once the exponent is applied: below
 * 309 the number is finite.  `text` is a valid number. */
static long magnitude(const char *text)
{
	size_t whole;
	size_t zeros = 0;
	long exponent = 0;
	bool down;
	const char *e = strpbrk(text, "eE");

	text += *text == '-';
	whole = strspn(text, DIGITS);
	if (text[0] == '0') {
		whole = 0;
		if (text[1] == '.')
			zeros = strspn(text + 2, "0");
		if (text[1] != '.' || !strchr("123456789", text[2 + zeros]) ||
		    text[2 + zeros] == '\0')
			return 0; /* zero, whatever its exponent */
	}
	if (e) {
		down = e[1] == '-';
		for (e += 1 + (e[1] == '-' || e[1] == '+'); *e; e++)
			if (exponent < 100000)
				exponent = exponent * 10 + (*e - '0');
		if (down)
			exponent = -exponent;
	}
	return (long)whole - (long)zeros + exponent;
}

int mr_check_metric(const char *name, const char *value, struct mreg_error *err)
{
	char shown[MR_SHOWN_BYTES];
	char shown_name[MR_SHOWN_BYTES];

	if (strlen(value) <= METRIC_MAX_BYTES && mr_json_is_number(value) &&
	    magnitude(value) <= METRIC_EXPONENT_MAX)
		return 0;
	(void)mr_fail(err, MREG_EUSAGE,
		      "metric '%s' is no finite decimal number: '%s'",
		      mr_text_safe(name, shown_name, sizeof(shown_name)),
		      mr_text_safe(value, shown, sizeof(shown)));
	return mr_hint(err, "write it like 0.91, -3 or 1.5e-7");
}

/* The field to use instead of annotation `key`, or NULL when mreg does not
 * write `key`; "" when there is none. */
static const char *written_as(const char *key)
{
	static const struct mreg_pair others[] = {
		{ MR_ANNOTATION_TITLE, "" },
		{ MR_ANNOTATION_AUTHORS, "authors" },
		{ MR_ANNOTATION_BASE_NAME, "parents" },
		{ MR_ANNOTATION_BASE_DIGEST, "parents" },
		{ MR_ANNOTATION_PARENTS, "parents" },
		{ MR_ANNOTATION_INPUTS, "inputs" },
	};
	const struct mr_field *f = mr_field_by_annotation(key);
	size_t i;

	if (f)
		return f->key;
	for (i = 0; i < MR_COUNT(others); i++)
		if (strcmp(others[i].name, key) == 0)
			return others[i].value;
	for (i = 0; i < mr_map_count; i++)
		if (mr_maps[i].prefix[0] &&
		    mr_text_starts(key, mr_maps[i].prefix))
			return mr_maps[i].key;
	if (mr_text_starts(key, MR_MREG_PREFIX) ||
	    mr_text_starts(key, "org.cncf.model.") ||
	    mr_text_starts(key, "org.cnai.model."))
		return "";
	return NULL;
}

int mr_check_annotation(const char *key, struct mreg_error *err)
{
	char shown[MR_SHOWN_BYTES];
	const char *field;

	(void)mr_text_safe(key, shown, sizeof(shown));
	if (!spelled(key, LETTERS DIGITS, LETTERS DIGITS "._-+/",
		     KEY_MAX_BYTES)) {
		(void)mr_fail(err, MREG_EUSAGE,
			      "'%s' is no name for an annotation", shown);
		return mr_hint(
			err,
			"letters, digits and . _ - + /, at most %d, as com.example.team",
			KEY_MAX_BYTES);
	}
	field = written_as(key);
	if (!field)
		return 0;
	(void)mr_fail(err, MREG_EUSAGE, "annotation '%s' is mreg's own", shown);
	if (!field[0])
		return mr_hint(err, "choose a name of your own domain");
	return mr_hint(err, "use the field '%s'", field);
}
