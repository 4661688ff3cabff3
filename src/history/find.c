/*
 * find.c - events as people name them.
 */
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "content/digest.h"
#include "history/history.h"

#define ALGORITHM "sha256:"
#define HEX "0123456789abcdef"
#define HEX_MAX 64
#define SHOWN_BYTES 100

/* The digits. */
static const char *hex_of(const char *text)
{
	return text + (mr_text_starts(text, ALGORITHM) ? strlen(ALGORITHM) : 0);
}

int mr_event_check_name(const char *text, struct mreg_error *err)
{
	const char *hex = hex_of(text);
	size_t n = strlen(hex);
	char shown[SHOWN_BYTES];

	if (n >= MR_EVENT_PREFIX_MIN && n <= HEX_MAX && strspn(hex, HEX) == n)
		return 0;
	(void)mr_fail(err, MREG_EUSAGE, "'%s' is no event",
		      mr_text_safe(text, shown, sizeof(shown)));
	return mr_hint(err,
		       "write its digest, or at least the first %d digits of "
		       "it: 'mreg log NAME --json' tells them",
		       MR_EVENT_PREFIX_MIN);
}

int mr_event_find(struct mr_history *h, const char *text,
		  const struct mr_event **out, struct mreg_error *err)
{
	const struct mr_event *found = NULL;
	const char *hex = hex_of(text);
	char digest[MREG_DIGEST_TEXT];
	char shown[SHOWN_BYTES];
	size_t i;
	int rc = mr_event_check_name(text, err);

	if (rc < 0)
		return rc;
	(void)mr_text_safe(text, shown, sizeof(shown));
	for (i = 0; i < mr_ledger_count(h->ledger); i++) {
		const struct mr_event *e = mr_ledger_event(h->ledger, i);

		(void)mreg_digest_text(&e->digest, digest);
		if (strncmp(digest + strlen(ALGORITHM), hex, strlen(hex)) !=
			    0 ||
		    e->digest.algorithm != MREG_SHA256)
			continue;
		if (found) {
			(void)mr_fail(err, MREG_EUSAGE,
				      "several events begin with '%s'", shown);
			return mr_hint(err, "write more of the digest");
		}
		found = e;
	}
	*out = found;
	if (found)
		return 0;
	(void)mr_fail(err, MREG_ENOTFOUND, "the log has no event '%s'", shown);
	return mr_hint(err, "'mreg log NAME' shows the events there are");
}
