/*
 * pattern.c - POSIX extended regular expressions over whole values, bounded.
 *
 * A policy comes from a repository, so its patterns must not be able to use up
 * time or memory: no back-references (which make matching exponential), and
 * repeats that do not multiply (each copies what it repeats).
 */
#include "policy/value.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"

#define PATTERN_MAX_BYTES 512
/* All repeats of a pattern multiplied, nested or not. */
#define REPEATS_MAX 1000

static int refuse(char *why, size_t cap, const char *reason)
{
	(void)snprintf(why, cap, "%s", reason);
	return -1;
}

/* Behind a bracket expression that begins at `s`; a ']' that comes first in it
 * belongs to it. */
static const char *skip_bracket(const char *s)
{
	s++;
	if (*s == '^')
		s++;
	if (*s == ']')
		s++;
	while (*s && *s != ']') {
		/* [:alpha:], [.x.], [=x=] */
		if (*s == '[' && s[1] && strchr(":.=", s[1])) {
			char kind = s[1];

			for (s += 2; *s && !(*s == kind && s[1] == ']'); s++)
				;
			s += *s ? 2 : 0;
			continue;
		}
		s++;
	}
	return *s ? s + 1 : s;
}

/* The larger bound of the repeat at `s`, "{2,5}". */
static unsigned long repeat_of(const char *s)
{
	char *end;
	unsigned long low = strtoul(s + 1, &end, 10);
	unsigned long high = *end == ',' ? strtoul(end + 1, NULL, 10) : 0;

	return high > low ? high : low;
}

static int check_cost(const char *pattern, char *why, size_t cap)
{
	unsigned long product = 1;
	const char *s = pattern;

	if (strlen(pattern) > PATTERN_MAX_BYTES)
		return refuse(why, cap, "it is longer than 512 bytes");
	while (*s) {
		if (*s == '[') {
			s = skip_bracket(s);
			continue;
		}
		if (*s == '\\' && s[1] >= '1' && s[1] <= '9')
			return refuse(why, cap, "it has a back-reference");
		if (*s == '{') {
			unsigned long n = repeat_of(s);

			if (n > REPEATS_MAX)
				n = REPEATS_MAX + 1;
			product *= n ? n : 1;
			if (product > REPEATS_MAX)
				return refuse(why, cap,
					      "its repeats multiply to more "
					      "than 1000");
		}
		s += *s == '\\' && s[1] ? 2 : 1;
	}
	return 0;
}

static int compile(const char *pattern, regex_t *r, char *why, size_t cap)
{
	int rc = regcomp(r, pattern, REG_EXTENDED | REG_NOSUB);

	if (rc == 0)
		return 0;
	if (rc == REG_ESPACE)
		return MREG_ENOMEM;
	(void)regerror(rc, r, why, cap);
	return -1;
}

int mr_pattern_compile(const char *pattern, regex_t **out, char *why,
		       size_t cap)
{
	char whole[PATTERN_MAX_BYTES + 8];
	regex_t *r;
	int rc = check_cost(pattern, why, cap);

	if (rc < 0)
		return rc;
	r = mr_zalloc(sizeof(*r));
	if (!r)
		return MREG_ENOMEM;
	/* Alone first: "a)(b" must not become right by what goes around it. */
	rc = compile(pattern, r, why, cap);
	if (rc == 0) {
		regfree(r);
		(void)snprintf(whole, sizeof(whole), "^(%s)$", pattern);
		rc = compile(whole, r, why, cap);
	}
	if (rc < 0) {
		mr_release(r);
		return rc;
	}
	*out = r;
	return 0;
}

void mr_pattern_free(regex_t *r)
{
	if (!r)
		return;
	regfree(r);
	mr_release(r);
}

bool mr_pattern_match(const regex_t *r, const char *text)
{
	return strlen(text) <= MR_PATTERN_SUBJECT_MAX_BYTES &&
	       regexec(r, text, 0, NULL, 0) == 0;
}
