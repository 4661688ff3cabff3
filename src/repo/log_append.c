/*
 * log_append.c - writing an event on top of all heads of a model's log.
 */
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "content/digest.h"
#include "repo/repo.h"

/* An event that misses its blob is put again, with pauses of together about a
 * second. */
#define EVENT_TRIES 6

/*
 * The event's one blob, "{}", is everybody's: it is sent only when it is not
 * there, and again when the registry misses it all the same, because another
 * client was just writing it.
 */
static int put_event(struct mreg *m, struct mr_store *s,
		     const struct mr_event_doc *doc, struct mreg_error *err)
{
	unsigned int repairs;

	for (repairs = 0;; repairs++) {
		MR_AUTO(mr_list_release) struct mr_list missing = { .n = 0 };
		bool found = false;
		int rc = 0;

		if (!repairs)
			rc = mr_store_has(s, &mr_empty_desc, &found, err);
		if (rc >= 0 && !found)
			rc = mr_store_put_bytes(s, &mr_empty_desc, "{}", err);
		if (rc >= 0)
			rc = mr_store_set(s, doc->tag, &doc->desc,
					  doc->bytes.data, &missing, err);
		if (rc != MREG_ECONFLICT || repairs == EVENT_TRIES)
			return rc;
		rc = mr_sleep_ms(&m->env,
				 20 + mr_random(&m->env) % (20u << repairs),
				 err);
		if (rc < 0)
			return rc;
	}
}

/* Give every MR_PACK_EVERY-th event its pack, stored; a log whose events are
 * so long that they do not fit goes without. */
static int add_pack(struct mr_store *s, struct mr_history *h,
		    struct mr_event *e, struct mreg_error *err)
{
	MR_AUTO(mr_buf_release)
	struct mr_buf pack = MR_BUF_INIT(MR_PACK_MAX_BYTES);
	struct mreg_desc d = { .media_type = MR_PACK_MEDIA };
	int rc;

	if (e->seq % MR_PACK_EVERY != 0)
		return 0;
	rc = mr_ledger_pack(h->ledger, &pack, err);
	if (rc == MREG_ELIMIT)
		return 0;
	if (rc >= 0)
		rc = mr_digest_of(pack.data, pack.len, &d.digest, err);
	d.size = pack.len;
	if (rc >= 0)
		rc = mr_store_put_bytes(s, &d, pack.data, err);
	e->pack = d.digest;
	e->pack_bytes = d.size;
	return rc;
}

int mr_log_append(struct mreg *m, struct mr_store *s, struct mr_history *h,
		  const struct mreg_ref *ref, const struct mr_event *event,
		  struct mreg_digest *written, struct mreg_error *err)
{
	MR_AUTO(mr_event_doc_release)
	struct mr_event_doc doc = { .bytes = MR_BUF_INIT(
					    MR_MANIFEST_MAX_BYTES) };
	struct mr_event e = *event;
	int rc;

	e.seq = mr_ledger_next_seq(h->ledger);
	e.time_s = mr_now_s(&m->env);
	e.actor = mr_actor(m, ref)->name;
	e.actor_source = m->actor.source;
	rc = mr_ledger_heads(h->ledger, &e.prev, &e.prev_count, err);
	if (rc >= 0)
		rc = add_pack(s, h, &e, err);
	if (rc >= 0)
		rc = mr_event_write(&e, &doc, err);
	if (rc >= 0)
		rc = put_event(m, s, &doc, err);
	if (rc < 0)
		return mr_wrap(err, "cannot write to the log of '%s'",
			       s->label);
	if (written)
		*written = doc.desc.digest;
	mr_log(&m->env, MREG_LOG_DEBUG, "wrote %s to the log of '%s'", doc.tag,
	       s->label);
	return 0;
}
