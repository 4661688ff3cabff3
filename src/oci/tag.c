/*
 * tag.c - which kind of tag a word is: product.md 2.
 *
 * Every valid tag has exactly one kind; which tags may be written, shown or
 * moved follows from it and is decided nowhere else.
 */
#include "oci/oci.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

#define TAG_MAX_BYTES 128 /* P-02 */

#define DIGITS "0123456789"
#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define HEX_DIGITS DIGITS "abcdefABCDEF"

static bool is_tag(const char *tag)
{
	size_t n = strlen(tag);

	if (n == 0 || n > TAG_MAX_BYTES || tag[0] == '.' || tag[0] == '-')
		return false;
	return strspn(tag, DIGITS LETTERS "_.-") == n;
}

static bool all_of(const char *s, const char *set)
{
	return *s && !s[strspn(s, set)];
}

uint64_t mr_tag_number(const char *tag)
{
	uint64_t n;

	/* A leading zero would give one number two names. */
	if (tag[0] != 'v' || tag[1] == '0')
		return 0;
	return mr_text_u64(tag + 1, MR_VERSION_MAX, &n) == 0 ? n : 0;
}

/* Past a number without leading zeros, or NULL. */
static const char *skip_number(const char *s)
{
	size_t n = strspn(s, DIGITS);

	return n == 0 || (n > 1 && s[0] == '0') ? NULL : s + n;
}

/* Dot-separated identifiers; numeric ones without leading zeros. */
static bool is_prerelease(const char *s)
{
	for (;;) {
		size_t n = strspn(s, DIGITS LETTERS "-");

		if (n == 0)
			return false;
		if (n > 1 && s[0] == '0' && strspn(s, DIGITS) == n)
			return false;
		if (!s[n])
			return true;
		if (s[n] != '.')
			return false;
		s += n + 1;
	}
}

/* The shape of Semantic Versioning 2.0.0, section 2 and 9; a tag cannot hold
 * the '+' of build metadata. */
static bool is_release(const char *tag)
{
	const char *s = tag[0] == 'v' ? tag + 1 : tag;
	int i;

	for (i = 0; i < 3; i++) {
		if (i > 0 && *s++ != '.')
			return false;
		s = skip_number(s);
		if (!s)
			return false;
	}
	return !*s || (*s == '-' && is_prerelease(s + 1));
}

/* sha256-<hex> is the referrers fallback tag and cosign's. */
static bool is_digest_like(const char *tag)
{
	if (!mr_text_starts(tag, "sha256-") && !mr_text_starts(tag, "sha512-"))
		return false;
	return all_of(tag + 7, HEX_DIGITS);
}

/* The kind of a valid tag that has no profile's suffix. */
static enum mr_tag_kind base_kind(const char *tag)
{
	if (strcmp(tag, "latest") == 0)
		return MR_TAG_LATEST;
	if (mr_text_starts(tag, "mreg."))
		return MR_TAG_RECORD;
	if (mr_tag_number(tag) > 0)
		return MR_TAG_VERSION;
	if (is_release(tag))
		return MR_TAG_RELEASE;
	if (tag[0] == 'v' && all_of(tag + 1, DIGITS))
		return MR_TAG_FOREIGN;
	if (is_digest_like(tag) || strchr(tag, '.'))
		return MR_TAG_FOREIGN;
	return MR_TAG_ALIAS;
}

const struct mr_sibling_kind mr_sibling_kinds[MR_SIBLING_KINDS] = {
	{ "image", MR_SUFFIX_IMAGE, "image", "" },
	{ "docker", MR_SUFFIX_DOCKER, "Docker model", " --profile docker" },
};

const char *mr_sibling_tag(uint64_t number, size_t kind,
			   char out[MR_SIBLING_TAG])
{
	(void)snprintf(out, MR_SIBLING_TAG, "v%" PRIu64 "%s", number,
		       mr_sibling_kinds[kind].suffix);
	return out;
}

/* Length of `tag` without the suffix of a profile; 0: it has none. */
static size_t sibling_base(const char *tag)
{
	size_t i;

	for (i = 0; i < MR_SIBLING_KINDS; i++)
		if (mr_text_ends(tag, mr_sibling_kinds[i].suffix))
			return strlen(tag) - strlen(mr_sibling_kinds[i].suffix);
	return 0;
}

enum mr_tag_kind mr_tag_kind(const char *tag)
{
	char base[TAG_MAX_BYTES + 1];
	size_t n;

	if (!is_tag(tag))
		return MR_TAG_INVALID;
	n = sibling_base(tag);
	if (n == 0 || mr_text_starts(tag, "mreg."))
		return base_kind(tag);
	memcpy(base, tag, n);
	base[n] = '\0';
	/* A sibling of a sibling, or of what is not ours, nobody makes. */
	if (sibling_base(base) > 0 || base_kind(base) == MR_TAG_FOREIGN)
		return MR_TAG_FOREIGN;
	return MR_TAG_SIBLING;
}
