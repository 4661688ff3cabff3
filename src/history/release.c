/*
 * release.c - names that are given once.
 */
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "content/digest.h"
#include "history/history.h"

static bool is_named(struct mr_history *h, const char *release,
		     const struct mreg_digest *version)
{
	size_t i;

	for (i = mr_ledger_count(h->ledger); i-- > 0;) {
		const struct mr_event *e = mr_ledger_event(h->ledger, i);

		if (e->kind == MR_EVENT_RELEASE_NAMED &&
		    strcmp(mr_event_text(e, "release"), release) == 0 &&
		    mreg_digest_equal(&e->version, version))
			return true;
	}
	return false;
}

int mr_release_name(struct mreg *m, struct mr_store *s, struct mr_history *h,
		    const struct mreg_ref *ref, const char *release,
		    const struct mreg_desc *version, const void *bytes,
		    struct mreg_error *err)
{
	struct mr_event_field field = { .key = "release", .text = release };
	struct mr_event e = { .kind = MR_EVENT_RELEASE_NAMED,
			      .version = version->digest,
			      .fields = &field,
			      .field_count = 1 };
	struct mreg_desc now;
	bool found;
	int rc = mr_tag_resolve(s, release, &now, &found, err);

	if (rc < 0 || found)
		return rc;
	rc = mr_history_read(m, s, h, err);
	if (rc >= 0 && !is_named(h, release, &version->digest))
		rc = mr_log_append(m, s, h, ref, &e, NULL, err);
	return rc < 0 ? rc : mr_tag_set(s, release, version, bytes, err);
}
