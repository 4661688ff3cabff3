/*
 * ref.c - what repositories, hosts and stores may be called, and references
 * as text.
 */
#include "oci/oci.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "oci/ref.h"

#define PORT_MAX 65535

/* The C locale's letters and digits, whatever the process has set. */
static bool is_lower(char c)
{
	return c >= 'a' && c <= 'z';
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_alnum(char c)
{
	return is_lower(c) || is_digit(c) || (c >= 'A' && c <= 'Z');
}

/* Past one path component (P-01), or NULL: runs of letters and digits with
 * one of . _ __ or any number of - between them. */
static const char *skip_component(const char *s)
{
	const char *gap;

	for (;;) {
		if (!is_lower(*s) && !is_digit(*s))
			return NULL;
		while (is_lower(*s) || is_digit(*s))
			s++;
		gap = s;
		if (*s == '.') {
			s++;
		} else if (*s == '_') {
			s += s[1] == '_' ? 2 : 1;
		} else {
			while (*s == '-')
				s++;
		}
		if (s == gap)
			return s;
	}
}

bool mr_repository_valid(const char *repository)
{
	const char *s = repository;

	if (strlen(repository) >= sizeof(((struct mreg_ref *)0)->repository))
		return false;
	for (;;) {
		s = skip_component(s);
		if (!s)
			return false;
		if (!*s)
			return true;
		if (*s++ != '/')
			return false;
	}
}

static bool port_valid(const char *port)
{
	uint64_t n;

	return mr_text_u64(port, PORT_MAX, &n) == 0 && n > 0;
}

/* Dot-separated labels of letters, digits and inner hyphens. */
static bool name_valid(const char *s, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		bool first = i == 0 || s[i - 1] == '.';
		bool last = i + 1 == n || s[i + 1] == '.';

		if (is_alnum(s[i]))
			continue;
		if (first || (s[i] != '.' && (s[i] != '-' || last)))
			return false;
	}
	return n > 0 && s[n - 1] != '.';
}

/* [IPv6] and what follows it. */
static bool literal_valid(const char *host)
{
	char address[INET6_ADDRSTRLEN];
	struct in6_addr parsed;
	const char *end = strchr(host, ']');
	size_t n;

	if (!end)
		return false;
	n = (size_t)(end - host) - 1;
	if (n >= sizeof(address))
		return false;
	memcpy(address, host + 1, n);
	address[n] = '\0';
	if (inet_pton(AF_INET6, address, &parsed) != 1)
		return false;
	return !end[1] || (end[1] == ':' && port_valid(end + 2));
}

bool mr_host_valid(const char *host)
{
	size_t n = strcspn(host, ":");

	if (strlen(host) >= sizeof(((struct mreg_ref *)0)->host))
		return false;
	if (host[0] == '[')
		return literal_valid(host);
	if (!name_valid(host, n))
		return false;
	return !host[n] || port_valid(host + n + 1);
}

bool mr_ref_is_host(const char *part)
{
	return strpbrk(part, ".:") || strcmp(part, "localhost") == 0;
}

static void hint_lower(struct mreg_error *err, const char *repository)
{
	char lower[sizeof(((struct mreg_ref *)0)->repository)];
	size_t i;

	for (i = 0; repository[i] && i + 1 < sizeof(lower); i++)
		lower[i] = (char)tolower((unsigned char)repository[i]);
	lower[i] = '\0';
	if (!repository[i] && mr_repository_valid(lower))
		(void)mr_hint(err, "use lower case: '%s'", lower);
	else
		(void)mr_hint(
			err,
			"parts of lower-case letters and digits, joined by '.', '_', '-', separated by '/'");
}

int mr_ref_set_repository(struct mreg_ref *r, const char *repository,
			  struct mreg_error *err)
{
	char shown[MR_REF_SHOWN];
	size_t n = strlen(repository);

	if (n == 0)
		return mr_fail(err, MREG_EUSAGE,
			       "reference names no repository");
	if (n >= sizeof(r->repository))
		return mr_fail(err, MREG_EUSAGE,
			       "repository '%s' is longer than %zu bytes",
			       mr_text_safe(repository, shown, sizeof(shown)),
			       sizeof(r->repository) - 1);
	if (!mr_repository_valid(repository)) {
		(void)mr_fail(err, MREG_EUSAGE,
			      "repository '%s' is not a valid name",
			      mr_text_safe(repository, shown, sizeof(shown)));
		hint_lower(err, repository);
		return MREG_EUSAGE;
	}
	memcpy(r->repository, repository, n + 1);
	return 0;
}

int mr_ref_set_dir(struct mreg_ref *r, const char *dir, struct mreg_error *err)
{
	char shown[MR_REF_SHOWN];
	char clean[sizeof(r->dir)];
	size_t n = 0;
	const char *s;

	(void)mr_text_safe(dir, shown, sizeof(shown));
	for (s = dir; *s; s++) {
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			return mr_fail(
				err, MREG_EUSAGE,
				"store directory '%s' has a control byte",
				shown);
		if (*s == '/' && (s[1] == '/' || (!s[1] && n > 0)))
			continue;
		if (n + 1 >= sizeof(clean))
			return mr_fail(
				err, MREG_EUSAGE,
				"store directory '%s' is longer than %zu bytes",
				shown, sizeof(clean) - 1);
		clean[n++] = *s;
	}
	if (n == 0)
		return mr_fail(err, MREG_EUSAGE, "store directory is empty");
	if (n == 1 && clean[0] == '/')
		clean[n++] = '.';
	clean[n] = '\0';
	if (!mr_utf8_valid(clean))
		return mr_fail(err, MREG_EUSAGE,
			       "store directory '%s' is not UTF-8", shown);
	memcpy(r->dir, clean, n + 1);
	return 0;
}

/* `n` bytes at `s`, one component of a repository. */
static bool is_reserved(const char *s, size_t n)
{
	static const char *const names[] = { "blobs", "index.json",
					     "oci-layout" };
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (n == strlen(names[i]) && memcmp(s, names[i], n) == 0)
			return true;
	return n >= 5 && memcmp(s, "mreg.", 5) == 0;
}

int mr_ref_check_local(const char *repository, struct mreg_error *err)
{
	const char *s = repository;

	for (;;) {
		size_t n = strcspn(s, "/");

		if (is_reserved(s, n)) {
			(void)mr_fail(
				err, MREG_EUSAGE,
				"repository '%.128s' cannot be in a local store: '%.*s' is reserved",
				repository, n < 32 ? (int)n : 32, s);
			return mr_hint(
				err,
				"not blobs, index.json, oci-layout, nor beginning with 'mreg.'");
		}
		if (!s[n])
			return 0;
		s += n + 1;
	}
}

const char *mr_ref_name(const struct mreg_ref *r, char out[MREG_REF_TEXT])
{
	if (r->dir[0])
		(void)snprintf(out, MREG_REF_TEXT, MR_REF_LOCAL "%s//%s",
			       r->dir, r->repository);
	else if (r->host[0])
		(void)snprintf(out, MREG_REF_TEXT, "%s/%s", r->host,
			       r->repository);
	else
		(void)snprintf(out, MREG_REF_TEXT, "%s", r->repository);
	return out;
}

/* Append ":TAG"; `out` ends at `n`. */
static size_t add_tag(const struct mreg_ref *r, char *out, size_t n)
{
	if (!r->tag[0])
		return n;
	(void)snprintf(out + n, MREG_REF_TEXT - n, ":%s", r->tag);
	return n + strlen(out + n);
}

const char *mr_ref_text(const struct mreg_ref *r, char out[MREG_REF_TEXT])
{
	char digest[MREG_DIGEST_TEXT];
	size_t n = strlen(mr_ref_name(r, out));

	n = add_tag(r, out, n);
	if (r->digest.algorithm != MREG_DIGEST_NONE)
		(void)snprintf(out + n, MREG_REF_TEXT - n, "@%s",
			       mreg_digest_text(&r->digest, digest));
	return out;
}

const char *mr_ref_portable(const struct mreg_ref *r, char out[MREG_REF_TEXT])
{
	int n;

	n = snprintf(out, MREG_REF_TEXT, "%s%s%s", r->host,
		     r->host[0] ? "/" : "", r->repository);
	(void)add_tag(r, out, (size_t)n);
	return out;
}
