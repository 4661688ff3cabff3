/*
 * push_because.c - the event that asked for a new version, from what somebody
 * wrote of its digest to all of it.
 */
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "content/digest.h"
#include "history/history.h"
#include "ops/push.h"

int mr_push_because(struct push *p, const char *because, struct mreg_error *err)
{
	MR_AUTO(mr_history_release) struct mr_history h = { .found = false };
	MR_AUTO(mr_store_closep) struct mr_store *s = NULL;
	const struct mr_event *e;
	char digest[MREG_DIGEST_TEXT];
	int rc = mr_event_check_name(because, err);

	if (rc >= 0)
		rc = mr_target_open(p->m, &p->ref, &s, err);
	if (rc >= 0)
		rc = mr_history_read(p->m, s, &h, err);
	if (rc >= 0)
		rc = mr_event_find(&h, because, &e, err);
	return rc < 0 ? rc
		      : mr_meta_set(p->meta, "because",
				    mreg_digest_text(&e->digest, digest), err);
}
