/*
 * uri.c - mreg:// URIs: text to what is to be fetched.
 *
 * A URI comes out of an object that whoever may deploy has written: it names a
 * model and a part of it, and nothing of this machine.
 */
#include "ops/uri.h"

#include <string.h>
#include <strings.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/text.h"

#define SCHEME "mreg://"
#define SHOWN 120
#define LOCAL "oci:"

/* A user and a password may be before an '@', also where none belong: all that
 * is shown is what follows the last one that begins no digest. */
static const char *behind_secrets(const char *uri)
{
	const char *shown = uri;
	const char *at;

	for (at = strchr(uri, '@'); at; at = strchr(at + 1, '@'))
		if (!mr_text_starts(at + 1, "sha256:") &&
		    !mr_text_starts(at + 1, "sha512:"))
			shown = at + 1;
	return shown;
}

static int fail_uri(const char *uri, const char *why, struct mreg_error *err)
{
	const char *shown = behind_secrets(uri);
	char safe[SHOWN];

	(void)mr_fail(err, MREG_EUSAGE, "'%s%s' %s", shown == uri ? "" : "...@",
		      mr_text_safe(shown, safe, sizeof(safe)), why);
	return mr_hint(err, "mreg://NAME:TAG or mreg://HOST/NAME@DIGEST, then "
			    "?path=DIR&files=GLOB");
}

static int hex_digit(char c)
{
	static const char digits[] = "0123456789abcdef0123456789ABCDEF";
	const char *at = c ? strchr(digits, c) : NULL;

	return at ? (int)(at - digits) % 16 : -1;
}

/* %XX undone; NULL for one that is none, or stands for NUL. */
static const char *decode(struct mr_arena *a, const char *text, size_t n)
{
	char *out = mr_arena_strndup(a, text, n);
	char *to = out;
	size_t i;

	for (i = 0; out && i < n; i++) {
		int high;
		int low;

		if (out[i] != '%') {
			*to++ = out[i];
			continue;
		}
		/* Behind the last one is the NUL, which is no digit. */
		high = hex_digit(out[i + 1]);
		low = high < 0 ? -1 : hex_digit(out[i + 2]);
		if (high < 0 || low < 0 || (high == 0 && low == 0))
			return NULL;
		*to++ = (char)(high * 16 + low);
		i += 2;
	}
	if (out)
		*to = '\0';
	return out;
}

/* A path below a version: a '/' may end it. */
static bool is_inside(const char *path)
{
	const char *p;
	size_t n;

	if (!path[0] || path[0] == '/')
		return false;
	for (p = path; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			return false;
	for (p = path; *p; p += n + (p[n] == '/')) {
		n = strcspn(p, "/");
		if (n == 0 || (n == 1 && p[0] == '.') ||
		    (n == 2 && p[0] == '.' && p[1] == '.'))
			return false;
	}
	return true;
}

static int take_member(struct mr_arena *a, const char *text, size_t n,
		       const char *whole, struct mr_uri *out,
		       struct mreg_error *err)
{
	const char *sign = memchr(text, '=', n);
	size_t key = sign ? (size_t)(sign - text) : n;
	const char *value;

	if (!sign || key + 1 == n)
		return fail_uri(whole, "has a query without a value", err);
	value = decode(a, sign + 1, n - key - 1);
	if (!value && mr_arena_failed(a))
		return mr_fail_nomem(err);
	if (!value)
		return fail_uri(whole,
				"has a '%' that no two hex digits "
				"follow",
				err);
	if (key == 4 && strncmp(text, "path", key) == 0 && !out->below) {
		out->below = value;
		return is_inside(value) ? 0
					: fail_uri(whole,
						   "has a path= that is no "
						   "folder of a version",
						   err);
	}
	if (key != 5 || strncmp(text, "files", key) != 0)
		return fail_uri(whole,
				"has a query that is neither one path= "
				"nor files=",
				err);
	if (out->glob_count == MR_URI_GLOBS_MAX)
		return fail_uri(whole, "has too many files=", err);
	out->globs[out->glob_count++] = value;
	return 0;
}

/* Those that KServe's own initializer would take for its own. */
static bool names_http(const char *text)
{
	for (; *text; text++)
		if (strncasecmp(text, "http://", 7) == 0 ||
		    strncasecmp(text, "https://", 8) == 0)
			return true;
	return false;
}

int mr_uri_parse(struct mr_arena *a, const char *text, struct mr_uri *out,
		 struct mreg_error *err)
{
	const char *at;
	size_t n;
	int rc = 0;

	memset(out, 0, sizeof(*out));
	if (!mr_text_starts(text, SCHEME))
		return fail_uri(text, "does not begin with mreg://", err);
	if (names_http(text))
		return fail_uri(text, "names another URI", err);
	at = text + strlen(SCHEME);
	n = strcspn(at, "?#");
	if (n == 0 || at[n] == '#' || strchr(at + n, '#'))
		return fail_uri(text, n ? "has a '#'" : "names no model", err);
	out->ref = mr_arena_strndup(a, at, n);
	if (!out->ref)
		return mr_fail_nomem(err);
	if (behind_secrets(out->ref) != out->ref)
		return fail_uri(text, "has an '@' that no digest follows", err);
	if (mr_text_starts(out->ref, LOCAL))
		return fail_uri(text, "names a folder of this machine", err);
	while (rc >= 0 && at[n]) {
		at += n + 1;
		n = strcspn(at, "&");
		rc = take_member(a, at, n, text, out, err);
	}
	return rc;
}
