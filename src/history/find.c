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

int mr_event_find(struct mr_history *h, const char *text,
		  const struct mr_event **out, struct mreg_error *err)
{
	const char *hex =
		text +
		(mr_text_starts(text, ALGORITHM) ? strlen(ALGORITHM) : 0);
	size_t n = strlen(hex);
	const struct mr_event *found = NULL;
	char digest[MREG_DIGEST_TEXT];
	char shown[SHOWN_BYTES];
	size_t i;

	(void)mr_text_safe(text, shown, sizeof(shown));
	if (n < MR_EVENT_PREFIX_MIN || n > HEX_MAX || strspn(hex, HEX) != n) {
		(void)mr_fail(err, MREG_EUSAGE, "'%s' is no event", shown);
		return mr_hint(
			err,
			"write its digest, or at least the first %d "
			"digits of it: 'mreg log NAME --json' tells them",
			MR_EVENT_PREFIX_MIN);
	}
	for (i = 0; i < mr_ledger_count(h->ledger); i++) {
		const struct mr_event *e = mr_ledger_event(h->ledger, i);

		(void)mreg_digest_text(&e->digest, digest);
		if (strncmp(digest + strlen(ALGORITHM), hex, n) != 0 ||
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
