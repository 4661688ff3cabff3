/*
 * ref_parse.c - text to reference: cut at the marks, then check each part.
 *
 * The order matters: "//" ends the directory, which may hold ':' and '@';
 * '@' begins the digest, which holds ':'; only then '/' ends the host, which
 * holds ':'; what is left has at most the ':' of the tag.
 */
#include "oci/oci.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "oci/ref.h"

/* Cut "oci:DIR//" off the front of `*rest`. */
static int take_dir(char **rest, struct mreg_ref *r, struct mreg_error *err)
{
	char shown[MR_REF_SHOWN];
	char *dir = *rest + strlen(MR_REF_LOCAL);
	char *end = strstr(dir, "//");

	(void)mr_text_safe(*rest, shown, sizeof(shown));
	if (!end) {
		(void)mr_fail(err, MREG_EUSAGE,
			      "local reference '%s' names no repository",
			      shown);
		return mr_hint(err, "write oci:DIR//REPOSITORY[:TAG]");
	}
	if (end == dir) {
		(void)mr_fail(err, MREG_EUSAGE,
			      "local reference '%s' names no directory", shown);
		return mr_hint(
			err,
			"write oci:DIR//REPOSITORY; for a registry leave out 'oci://'");
	}
	*end = '\0';
	*rest = end + 2;
	/* A variable that ends in a slash: "oci:$DIR//churn". */
	while (**rest == '/')
		(*rest)++;
	return mr_ref_set_dir(r, dir, err);
}

/* Cut "@DIGEST" off the end of `rest`. */
static int take_digest(char *rest, struct mreg_ref *r, struct mreg_error *err)
{
	char shown[MR_REF_SHOWN];
	char *at = strchr(rest, '@');

	if (!at)
		return 0;
	*at++ = '\0';
	if (mreg_digest_parse(at, &r->digest, NULL) == 0)
		return 0;
	(void)mr_text_safe(at, shown, sizeof(shown));
	/* USER:PASSWORD@HOST/...: what stands before the '@' is not shown. */
	if (strchr(at, '/') && !mr_text_starts(at, "sha")) {
		(void)mr_fail(
			err, MREG_EUSAGE,
			"credentials before '@%s' are not part of a reference",
			shown);
		return mr_hint(err, "log in with `mreg login HOST`");
	}
	(void)mr_fail(err, MREG_EUSAGE, "'%s' is not a digest", shown);
	return mr_hint(err, "sha256: and 64 lower-case hex digits");
}

/* Cut "HOST[:PORT]/" off the front of `*rest`. */
static int take_host(char **rest, struct mreg_ref *r, struct mreg_error *err)
{
	char shown[MR_REF_SHOWN];
	char *host = *rest;
	char *end = strchr(host, '/');

	if (!end)
		return 0;
	*end = '\0';
	if (!mr_ref_is_host(host)) {
		*end = '/';
		return 0;
	}
	if (!mr_host_valid(host)) {
		(void)mr_fail(err, MREG_EUSAGE, "'%s' is not a valid host",
			      mr_text_safe(host, shown, sizeof(shown)));
		return mr_hint(err, "write HOST[:PORT]/REPOSITORY[:TAG]");
	}
	memcpy(r->host, host, strlen(host) + 1);
	*rest = end + 1;
	return 0;
}

/* Cut ":TAG" off the end of `rest`. */
static int take_tag(char *rest, struct mreg_ref *r, struct mreg_error *err)
{
	char shown[MR_REF_SHOWN];
	char *tag = strchr(rest, ':');

	if (!tag)
		return 0;
	*tag++ = '\0';
	if (mr_tag_kind(tag) == MR_TAG_INVALID) {
		(void)mr_fail(err, MREG_EUSAGE, "'%s' is not a valid tag",
			      mr_text_safe(tag, shown, sizeof(shown)));
		return mr_hint(
			err,
			"up to 128 letters, digits, '_', '.', '-'; the first a letter, digit or '_'");
	}
	memcpy(r->tag, tag, strlen(tag) + 1);
	return 0;
}

static int check_scheme(const char *text, struct mreg_error *err)
{
	char shown[MR_REF_SHOWN];
	const char *end = strstr(text, "://");

	if (!end || mr_text_starts(text, MR_REF_LOCAL))
		return 0;
	(void)mr_text_safe_n(text, (size_t)(end - text), shown, sizeof(shown));
	(void)mr_fail(err, MREG_EUSAGE, "'%s://' is not part of a reference",
		      shown);
	return mr_hint(err, "write HOST[:PORT]/REPOSITORY[:TAG]");
}

int mr_ref_parse(const char *text, struct mreg_ref *out, struct mreg_error *err)
{
	char buf[MREG_REF_TEXT];
	char *rest = buf;
	struct mreg_ref r = { .dir = "" };
	int rc;

	rc = check_scheme(text, err);
	if (rc < 0)
		return rc;
	if (strlen(text) >= sizeof(buf))
		return mr_fail(err, MREG_EUSAGE,
			       "reference is longer than %zu bytes",
			       sizeof(buf) - 1);
	memcpy(buf, text, strlen(text) + 1);
	if (mr_text_starts(rest, MR_REF_LOCAL)) {
		rc = take_dir(&rest, &r, err);
		if (rc < 0)
			return rc;
	}
	rc = take_digest(rest, &r, err);
	if (rc == 0 && !r.dir[0])
		rc = take_host(&rest, &r, err);
	if (rc == 0)
		rc = take_tag(rest, &r, err);
	if (rc == 0)
		rc = mr_ref_set_repository(&r, rest, err);
	if (rc == 0 && r.dir[0])
		rc = mr_ref_check_local(r.repository, err);
	if (rc < 0)
		return rc;
	*out = r;
	return 0;
}
