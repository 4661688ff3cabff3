/*
 * log_chain.c - events of a linear log, each found by the one after it.
 *
 * A tag mreg.seq.<seq> does not say which event it has, so what state remembers
 * cannot be looked up by it.  But an event names the one before in `prev`, by
 * digest: from one that was fetched all older ones follow, and none of them has
 * to be believed.
 */
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/text.h"
#include "content/digest.h"
#include "repo/repo.h"

#define ARENA_MAX_BYTES (4u << 20) /* one event, parsed */

/* `*found` false: it is no event. */
static int read_event(const struct mr_doc *doc, struct mr_arena *a,
		      struct mr_event *out, bool *found, struct mreg_error *err)
{
	struct mreg_error why = MREG_ERROR_INIT;
	int rc = mr_event_read(doc->bytes.data, doc->bytes.len, a, out, &why);

	*found = rc >= 0;
	if (rc != MREG_ENOMEM)
		return 0;
	if (err)
		*err = why;
	return rc;
}

int mr_log_names(const struct mr_doc *later, const struct mreg_digest *d,
		 bool *names, struct mreg_error *err)
{
	MR_AUTO(mr_arena_freep)
	struct mr_arena *a = mr_arena_new(ARENA_MAX_BYTES);
	struct mr_event e = { .seq = 0 };
	bool found;
	size_t i;
	int rc;

	*names = false;
	if (!a)
		return mr_fail_nomem(err);
	rc = read_event(later, a, &e, &found, err);
	for (i = 0; rc >= 0 && found && !*names && i < e.prev_count; i++)
		*names = mreg_digest_equal(&e.prev[i], d);
	return rc;
}

/* The event of `tag` is one of those that `later` names. */
static int recall(struct mreg *m, const struct mr_doc *later, const char *tag,
		  struct mr_doc *out, struct mreg_error *err)
{
	MR_AUTO(mr_arena_freep)
	struct mr_arena *a = mr_arena_new(ARENA_MAX_BYTES);
	struct mr_event e = { .seq = 0 };
	struct mr_event before = { .seq = 0 };
	char name[MR_LOG_TAG_TEXT];
	bool found = false;
	size_t i;
	int rc;

	if (!a)
		return mr_fail_nomem(err);
	rc = read_event(later, a, &e, &found, err);
	if (rc < 0 || !found || !mr_log_tag(tag, &before.seq))
		return rc;
	for (i = 0; i < e.prev_count; i++) {
		struct mreg_digest d;

		before.digest = e.prev[i];
		if (mr_state_doc_get(m->state, mr_log_tag_of(&before, name),
				     &out->bytes) &&
		    mr_digest_of(out->bytes.data, out->bytes.len, &d, NULL) >=
			    0 &&
		    mreg_digest_equal(&d, &e.prev[i]))
			return 0;
	}
	mr_buf_clear(&out->bytes);
	return 0;
}

int mr_log_chain(struct mreg *m, const char *const *tags, struct mr_doc *docs,
		 size_t n, struct mreg_error *err)
{
	size_t i;
	int rc = 0;

	for (i = n; rc >= 0 && i-- > 1;) {
		if (!mr_text_starts(tags[i - 1], MR_SEQ_TAG_PREFIX))
			break;
		if (docs[i].bytes.len && !docs[i - 1].bytes.len)
			rc = recall(m, &docs[i], tags[i - 1], &docs[i - 1],
				    err);
	}
	return rc;
}
