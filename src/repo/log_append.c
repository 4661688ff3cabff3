/*
 * log_append.c - writing an event on top of all heads of a model's log.
 *
 * In a linear log the PUT is the claim:
 *   PUT mreg.seq.<next> -> taken: done
 *                       -> refused -> HEAD: ours (an answer was lost): done
 *                                           another's: lost, read again
 *                                           absent: it failed
 * A tag that is there and has no event would stop everybody for ever; the next
 * event then goes under mreg.log., where none is in another's way.
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
/* Of who was not first: up to ten milliseconds more with each try, as far as a
 * tenth of a second: about what a few others need. */
#define PAUSE_MS 10
#define PAUSE_ROUNDS 10

/* A PUT that failed with `rc`: is the tag there all the same, and whose is it?
 * `rc`, with `why` as the error, when it is not. */
static int look_who(struct mr_store *s, const struct mr_event_doc *doc, int rc,
		    const struct mreg_error *why, bool *lost,
		    struct mreg_error *err)
{
	struct mreg_error ignored = MREG_ERROR_INIT;
	struct mreg_desc now;
	bool found = false;

	if (rc == MREG_ENOMEM || rc == MREG_ECANCELED ||
	    mr_store_resolve(s, doc->tag, &now, &found, &ignored) < 0 ||
	    !found) {
		if (err)
			*err = *why;
		return rc;
	}
	*lost = !mreg_digest_equal(&now.digest, &doc->desc.digest);
	return 0;
}

/*
 * The event's one blob, "{}", is everybody's: it is sent only when it is not
 * there, and again when the registry misses it all the same, because another
 * client was just writing it.
 */
static int put_event(struct mreg *m, struct mr_store *s,
		     const struct mr_event_doc *doc, bool linear, bool *lost,
		     struct mreg_error *err)
{
	unsigned int repairs;

	for (repairs = 0;; repairs++) {
		MR_AUTO(mr_list_release) struct mr_list missing = { .n = 0 };
		struct mreg_error why = MREG_ERROR_INIT;
		bool found = false;
		int rc = 0;

		if (!repairs)
			rc = mr_store_has(s, &mr_empty_desc, &found, err);
		if (rc >= 0 && !found)
			rc = mr_store_put_bytes(s, &mr_empty_desc, "{}", err);
		if (rc < 0)
			return rc;
		rc = mr_store_set(s, doc->tag, &doc->desc, doc->bytes.data,
				  &missing, &why);
		if (rc < 0 && linear)
			rc = look_who(s, doc, rc, &why, lost, err);
		else if (rc < 0 && err)
			*err = why;
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

/* Whether the next event goes under mreg.seq.<next>. */
static int is_linear(struct mreg *m, struct mr_store *s, struct mr_history *h,
		     const char *tag, bool *linear, struct mreg_error *err)
{
	int rc;

	*linear = false;
	if (!h->linear || mr_list_has(&h->tags, tag))
		return 0;
	rc = mr_log_fixed(m, s, h, false, linear, err);
	if (rc >= 0 && !*linear && !mr_store_locks(s))
		mr_log(&m->env, MREG_LOG_INFO,
		       "the log of '%s' was linear, but its tags can be "
		       "written twice here: it goes on as any other",
		       s->label);
	return rc;
}

int mr_log_try(struct mreg *m, struct mr_store *s, struct mr_history *h,
	       const struct mreg_ref *ref, const struct mr_event *event,
	       struct mreg_digest *written, bool *lost, struct mreg_error *err)
{
	MR_AUTO(mr_event_doc_release)
	struct mr_event_doc doc = { .bytes = MR_BUF_INIT(
					    MR_MANIFEST_MAX_BYTES) };
	struct mr_event e = *event;
	char tag[MR_LOG_TAG_TEXT];
	bool linear = false;
	int rc;

	*lost = false;
	e.seq = mr_ledger_next_seq(h->ledger);
	e.time_s = mr_now_s(&m->env);
	e.actor = mr_actor(m, ref)->name;
	e.actor_source = m->actor.source;
	rc = mr_ledger_prev(h->ledger, &e.prev, &e.prev_count, err);
	if (rc >= 0)
		rc = is_linear(m, s, h, mr_log_tag_linear(e.seq, tag), &linear,
			       err);
	if (rc >= 0)
		rc = add_pack(s, h, &e, err);
	if (rc >= 0)
		rc = mr_event_write(&e, &doc, err);
	if (rc >= 0 && linear)
		memcpy(doc.tag, tag, sizeof(tag));
	if (rc >= 0)
		rc = put_event(m, s, &doc, linear, lost, err);
	if (rc < 0)
		return mr_wrap(err, "cannot write to the log of '%s'",
			       s->label);
	/* It is there, whatever the next listing says. */
	if (linear)
		rc = mr_list_add(&h->known, doc.tag, err);
	if (rc >= 0 && !*lost)
		rc = mr_list_add(&h->written, doc.tag, err);
	if (rc < 0 || *lost)
		return rc;
	if (written)
		*written = doc.desc.digest;
	mr_log(&m->env, MREG_LOG_DEBUG, "wrote %s to the log of '%s'", doc.tag,
	       s->label);
	return 0;
}

int mr_log_pause(struct mreg *m, const struct mr_store *s, unsigned int round,
		 struct mreg_error *err)
{
	if (round > MR_LOST_MAX) {
		(void)mr_fail(err, MREG_ECONFLICT,
			      "others keep writing to the log of '%s'",
			      s->label);
		return mr_hint(err, "agree with them, then run it again");
	}
	return mr_sleep_ms(&m->env,
			   1 + mr_random(&m->env) %
					   (round < PAUSE_ROUNDS
						    ? PAUSE_MS * round
						    : PAUSE_MS * PAUSE_ROUNDS),
			   err);
}

int mr_log_append(struct mreg *m, struct mr_store *s, struct mr_history *h,
		  const struct mreg_ref *ref, const struct mr_event *event,
		  struct mreg_digest *written, struct mreg_error *err)
{
	unsigned int round;

	for (round = 1;; round++) {
		bool lost;
		int rc = mr_log_try(m, s, h, ref, event, written, &lost, err);

		if (rc < 0 || !lost)
			return rc;
		rc = mr_log_pause(m, s, round, err);
		if (rc >= 0)
			rc = mr_history_read(m, s, h, err);
		if (rc < 0)
			return rc;
	}
}
