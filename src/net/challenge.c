/*
 * challenge.c - WWW-Authenticate (RFC 9110, section 11.6.1), as registries
 * write it.
 *
 * One value may hold several challenges, and the comma between two of them is
 * the same as the one between two parameters: a word followed by "=" is a
 * parameter, any other begins a challenge.  Unknown schemes are kept,
 * for whoever asks to pass over.
 */
#include "net/auth.h"

#include <string.h>
#include <strings.h>

#include "base/error.h"
#include "base/limits.h"

struct reader {
	const char *at;
	struct mr_challenges *out;
	struct mr_challenge *now; /* whose parameters come; NULL: none yet */
};

static bool is_token_byte(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
	       (c >= 'A' && c <= 'Z') || (c && strchr("!#$%&'*+-.^_`|~", c));
}

static void skip_blanks(struct reader *r)
{
	r->at += strspn(r->at, " \t");
}

static size_t token_len(const char *s)
{
	size_t n = 0;

	while (is_token_byte(s[n]))
		n++;
	return n;
}

static int malformed(const struct reader *r, struct mreg_error *err)
{
	return mr_fail(err, MREG_EREMOTE,
		       "malformed WWW-Authenticate header at '%.32s'", r->at);
}

/* A quoted-string with its quotes and backslashes undone; NULL when it never
 * ends or holds control bytes. */
static const char *read_quoted(struct reader *r)
{
	const char *p;
	char *text;
	char *to;

	for (p = r->at + 1; *p != '"'; p++) {
		if (*p == '\\')
			p++;
		if (((unsigned char)*p < 0x20 && *p != '\t') || *p == 0x7f)
			return NULL; /* the end of the header as well */
	}
	text = mr_arena_alloc(r->out->arena, (size_t)(p - r->at));
	if (!text)
		return NULL;
	for (p = r->at + 1, to = text; *p != '"'; p++) {
		if (*p == '\\')
			p++;
		*to++ = *p;
	}
	*to = '\0';
	r->at = p + 1;
	return text;
}

/* Registries leave the quotes away, around URLs too. */
static const char *read_bare(struct reader *r)
{
	size_t n = 0;
	const char *text;

	while ((unsigned char)r->at[n] > 0x20 && r->at[n] != 0x7f &&
	       !strchr(",\"", r->at[n]))
		n++;
	text = mr_arena_strndup(r->out->arena, r->at, n);
	r->at += n;
	return text;
}

/* The first of two equal names counts. */
static void keep(struct mr_challenge *c, const char *name, size_t n,
		 const char *value)
{
	const struct {
		const char *name;
		const char **slot;
	} known[] = { { "realm", &c->realm },
		      { "service", &c->service },
		      { "scope", &c->scope },
		      { "error", &c->error } };
	size_t i;

	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strlen(known[i].name) == n &&
		    !strncasecmp(known[i].name, name, n) && !*known[i].slot)
			*known[i].slot = value;
}

static int read_param(struct reader *r, size_t n, struct mreg_error *err)
{
	const char *name = r->at;
	const char *value;

	r->at += n;
	skip_blanks(r);
	r->at++; /* "=" */
	skip_blanks(r);
	value = *r->at == '"' ? read_quoted(r) : read_bare(r);
	if (mr_arena_failed(r->out->arena))
		return mr_fail_nomem(err);
	if (!value)
		return malformed(r, err);
	keep(r->now, name, n, value);
	skip_blanks(r);
	return *r->at && *r->at != ',' ? malformed(r, err) : 0;
}

/* What follows a scheme without being a parameter: "Negotiate YII==". */
static void skip_token68(struct reader *r)
{
	const char *p = r->at;

	while (is_token_byte(*p) || *p == '/')
		p++;
	while (*p == '=')
		p++;
	p += strspn(p, " \t");
	if (!*p || *p == ',')
		r->at = p;
}

static int read_scheme(struct reader *r, size_t n, struct mreg_error *err)
{
	char *scheme;
	size_t i;

	if (r->out->n == MR_CHALLENGES_MAX)
		return mr_fail(err, MREG_EREMOTE,
			       "more than %d authentication challenges",
			       MR_CHALLENGES_MAX);
	scheme = mr_arena_strndup(r->out->arena, r->at, n);
	if (!scheme)
		return mr_fail_nomem(err);
	for (i = 0; i < n; i++)
		if (scheme[i] >= 'A' && scheme[i] <= 'Z')
			scheme[i] = (char)(scheme[i] - 'A' + 'a');
	r->at += n;
	if (*r->at && !strchr(" \t,", *r->at))
		return malformed(r, err);
	r->now = &r->out->items[r->out->n++];
	memset(r->now, 0, sizeof(*r->now));
	r->now->scheme = scheme;
	skip_blanks(r);
	skip_token68(r);
	return 0;
}

static int read_item(struct reader *r, struct mreg_error *err)
{
	size_t n = token_len(r->at);
	const char *after;

	if (n == 0)
		return malformed(r, err);
	after = r->at + n;
	after += strspn(after, " \t");
	if (*after == '=' && r->now)
		return read_param(r, n, err);
	return read_scheme(r, n, err);
}

int mr_challenge_parse(const char *value, struct mr_challenges *out,
		       struct mreg_error *err)
{
	struct reader r = { .at = value, .out = out };
	int rc;

	if (!out->arena)
		out->arena = mr_arena_new(16 * MR_HEADER_MAX_BYTES);
	if (!out->arena)
		return mr_fail_nomem(err);
	for (;;) {
		r.at += strspn(r.at, " \t,");
		if (!*r.at)
			return 0;
		rc = read_item(&r, err);
		if (rc < 0)
			return rc;
	}
}

void mr_challenges_release(struct mr_challenges *c)
{
	mr_arena_freep(&c->arena);
	c->n = 0;
}
