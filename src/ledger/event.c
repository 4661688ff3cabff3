/*
 * event.c - the tags that events go under.
 */
#include "ledger/ledger.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "content/digest.h"
#include "ledger/internal.h"

/* The 8 digits at `s`, ending before `*rest`; 0: there are none, or only
 * zeros. */
static uint64_t seq_of(const char *s, const char **rest)
{
	char digits[MR_SEQ_DIGITS + 1];
	uint64_t seq;

	if (strnlen(s, MR_SEQ_DIGITS) < MR_SEQ_DIGITS)
		return 0;
	memcpy(digits, s, MR_SEQ_DIGITS);
	digits[MR_SEQ_DIGITS] = '\0';
	*rest = s + MR_SEQ_DIGITS;
	return mr_text_u64(digits, MR_SEQ_MAX, &seq) == 0 ? seq : 0;
}

bool mr_log_tag(const char *tag, uint64_t *seq)
{
	const char *rest = NULL;
	uint64_t n;

	if (mr_text_starts(tag, MR_SEQ_TAG_PREFIX)) {
		n = seq_of(tag + strlen(MR_SEQ_TAG_PREFIX), &rest);
		if (n == 0 || *rest)
			return false;
	} else if (mr_text_starts(tag, MR_LOG_TAG_PREFIX)) {
		n = seq_of(tag + strlen(MR_LOG_TAG_PREFIX), &rest);
		if (n == 0 || *rest != '.' ||
		    strlen(rest + 1) != MR_LOG_HEX_DIGITS ||
		    strspn(rest + 1, "0123456789abcdef") != MR_LOG_HEX_DIGITS)
			return false;
	} else {
		return false;
	}
	*seq = n;
	return true;
}

const char *mr_log_tag_of(const struct mr_event *e, char *out)
{
	char hex[129];

	(void)snprintf(out, MR_LOG_TAG_TEXT,
		       MR_LOG_TAG_PREFIX "%0*" PRIu64 ".%.*s", MR_SEQ_DIGITS,
		       e->seq, MR_LOG_HEX_DIGITS,
		       mr_digest_hex(&e->digest, hex));
	return out;
}

const char *mr_log_tag_linear(uint64_t seq, char *out)
{
	(void)snprintf(out, MR_LOG_TAG_TEXT, MR_SEQ_TAG_PREFIX "%0*" PRIu64,
		       MR_SEQ_DIGITS, seq);
	return out;
}

bool mr_log_tag_fits(const char *tag, const struct mreg_digest *digest)
{
	char hex[129];
	uint64_t seq;

	if (!mr_log_tag(tag, &seq))
		return false;
	if (mr_text_starts(tag, MR_SEQ_TAG_PREFIX))
		return true;
	return strncmp(strrchr(tag, '.') + 1, mr_digest_hex(digest, hex),
		       MR_LOG_HEX_DIGITS) == 0;
}
