/*
 * log.c - reading a model's log, and registering versions in it.
 *
 * The only place that reads events (log_append.c is the only one that writes
 * them).  They never change, so those seen once come from state, under their
 * tag's name; what state gives is checked against the digest in that name.
 *
 * Claiming a number (product.md 3.2; the caller stored the manifest):
 *   read -> [no claim of ours] -> write claim -> read -> look
 *   look:  contested  -> v<N> ours? done : write claim that replaces -> read
 *          alone      -> HEAD v<N>: 404 -> PUT, done
 *                                   ours -> done
 *                                   other -> write claim that replaces -> read
 * Invariants
 * 1. v<N> is only put after a read that began after our claim of N was
 *    written and that showed no other digest on N.
 * 2. A number named by any event, replaced or not, is never claimed again for
 *    another digest by somebody who saw that event.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/task.h"
#include "base/text.h"
#include "content/digest.h"
#include "ops/copy.h"
#include "ops/internal.h"

#define LISTED_WAIT_FIRST_MS 50
#define LISTED_WAIT_LAST_MS 1600

struct fetch {
	struct mreg *m;
	struct mr_store *s;
	const char **tags;   /* borrowed from the history */
	struct mr_doc *docs; /* one per tag; empty: it could not be read */
	const struct mr_list *absent; /* waited for in vain before */
};

struct claiming {
	struct mreg *m;
	struct mr_store *s;
	struct mr_history *h;
	const struct mreg_ref *ref;
	const struct mreg_desc *version;
	const void *manifest; /* its bytes */
	const char *run;
	const char *copied_from; /* reference; NULL: pushed here */
};

void mr_history_release(struct mr_history *h)
{
	mr_ledger_freep(&h->ledger);
	mr_list_release(&h->tags);
	mr_list_release(&h->read);
	mr_list_release(&h->absent);
}

/* Bytes remembered for a log tag, if they are what the tag's name says. */
static bool remembered(struct mreg *m, const char *tag, struct mr_doc *doc)
{
	struct mreg_error ignored = MREG_ERROR_INIT;
	struct mreg_digest d;

	if (!mr_state_doc_get(m->state, tag, &doc->bytes) ||
	    mr_digest_of(doc->bytes.data, doc->bytes.len, &d, &ignored) < 0)
		return false;
	return mr_text_starts(tag, MR_LOG_TAG_PREFIX) &&
	       mr_log_tag_fits(tag, &d);
}

/*
 * Get a listed entry.  distribution lists a tag a moment before it can be
 * read (its directory is there before the link to the manifest), so an absent
 * one is asked for again, over three seconds; `patient` false: only once.
 */
static int get_listed(const struct fetch *f, const char *tag, bool patient,
		      struct mr_doc *doc, bool *found, struct mreg_error *err)
{
	int64_t wait_ms = LISTED_WAIT_FIRST_MS;
	int rc = mr_store_get(f->s, tag, doc, found, err);

	while (rc >= 0 && !*found && patient &&
	       wait_ms <= LISTED_WAIT_LAST_MS) {
		rc = mr_sleep_ms(&f->m->env, wait_ms, err);
		wait_ms *= 2;
		if (rc >= 0)
			rc = mr_store_get(f->s, tag, doc, found, err);
	}
	return rc;
}

/*
 * An entry that stays unreadable is left out of this reading, and told: its
 * writer died in the middle of its PUT, or is not done.  One that is not done
 * reads the log after its PUT and then sees what we wrote before our reading
 * (invariant 1 holds for it), so nobody's number is given twice.
 */
static int fetch_one(void *ctx, size_t index, struct mreg_error *err)
{
	const struct fetch *f = ctx;
	const char *tag = f->tags[index];
	bool patient = !mr_list_has(f->absent, tag);
	bool found;
	int rc;

	if (remembered(f->m, tag, &f->docs[index]))
		return 0;
	mr_buf_clear(&f->docs[index].bytes);
	rc = get_listed(f, tag, patient, &f->docs[index], &found, err);
	if (rc < 0)
		return mr_wrap(err, "cannot read the log of '%s'", f->s->label);
	if (!found)
		mr_buf_clear(&f->docs[index].bytes);
	if (!found && patient)
		mr_log(&f->m->env, MREG_LOG_WARN,
		       "log entry '%s' of '%s' is listed but cannot be read: "
		       "a push was killed there, or is not done",
		       tag, f->s->label);
	return 0;
}

/* Into the ledger; what is no event is told and left out, so that nobody who
 * may push can stop everybody else. */
static int take_event(struct mreg *m, struct mr_history *h, const char *tag,
		      struct mr_doc *doc, struct mreg_error *err)
{
	struct mreg_error why = MREG_ERROR_INIT;
	struct mreg_digest d;
	int rc = mr_digest_of(doc->bytes.data, doc->bytes.len, &d, err);

	if (rc < 0)
		return rc;
	if (!mr_log_tag_fits(tag, &d)) {
		mr_log(&m->env, MREG_LOG_WARN,
		       "log entry '%s' was replaced by something else", tag);
		return mr_list_add(&h->read, tag, err);
	}
	rc = mr_ledger_add(h->ledger, doc->bytes.data, doc->bytes.len, &why);
	if (rc == MREG_ENOMEM || rc == MREG_ELIMIT) {
		if (err)
			*err = why;
		return rc;
	}
	if (rc < 0)
		mr_log(&m->env, MREG_LOG_WARN, "log entry '%s' is no event: %s",
		       tag, why.msg);
	else if (mr_text_starts(tag, MR_LOG_TAG_PREFIX))
		mr_state_doc_put(m->state, tag, doc->bytes.data,
				 doc->bytes.len);
	return mr_list_add(&h->read, tag, err);
}

static int compare_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static size_t new_tags(struct mr_history *h, const char **out)
{
	uint64_t seq;
	size_t n = 0;
	size_t i;

	mr_list_sort(&h->read);
	for (i = 0; i < h->tags.n; i++)
		if (mr_log_tag(h->tags.items[i], &seq) &&
		    !(h->read.n &&
		      bsearch(&h->tags.items[i], h->read.items, h->read.n,
			      sizeof(char *), compare_text)))
			out[n++] = h->tags.items[i];
	return n;
}

static int fetch_new(struct mreg *m, struct mr_store *s, struct mr_history *h,
		     struct mreg_error *err)
{
	MR_AUTO(mr_free) const char **tags = NULL;
	MR_AUTO(mr_free) struct mr_doc *docs = NULL;
	struct fetch f = { .m = m, .s = s, .absent = &h->absent };
	size_t n;
	size_t i;
	int rc;

	tags = mr_array(h->tags.n + 1, sizeof(*tags));
	if (!tags)
		return mr_fail_nomem(err);
	n = new_tags(h, tags);
	if (n > MR_EVENTS_MAX)
		return mr_fail(err, MREG_ELIMIT,
			       "the log of '%s' has %zu new entries", s->label,
			       n);
	docs = mr_array(n + 1, sizeof(*docs));
	if (!docs)
		return mr_fail_nomem(err);
	for (i = 0; i < n; i++)
		mr_buf_init(&docs[i].bytes, MR_MANIFEST_MAX_BYTES);
	f.tags = tags;
	f.docs = docs;
	rc = mr_task_run(&m->env, MR_LOOKUP_JOBS, n, fetch_one, &f, err);
	mr_state_begin(m->state);
	for (i = 0; i < n; i++) {
		if (rc >= 0 && !docs[i].bytes.len)
			rc = mr_list_add(&h->absent, tags[i], err);
		else if (rc >= 0)
			rc = take_event(m, h, tags[i], &docs[i], err);
		mr_doc_release(&docs[i]);
	}
	mr_state_end(m->state);
	return rc;
}

int mr_history_read(struct mreg *m, struct mr_store *s, struct mr_history *h,
		    struct mreg_error *err)
{
	int rc = 0;

	if (!h->ledger)
		rc = mr_ledger_new(&h->ledger, err);
	if (rc < 0)
		return rc;
	mr_list_release(&h->tags);
	rc = mr_store_tags(s, &h->tags, &h->found, err);
	if (rc < 0)
		return rc;
	if (!h->found)
		return 0;
	return fetch_new(m, s, h, err);
}

/* -- claims ------------------------------------------------------------------
 */

/* Append a claim of `number`; `replaces` may be NULL. */
static int write_claim(struct claiming *c, uint64_t number,
		       const struct mr_event *replaces, struct mreg_error *err)
{
	struct mr_event e = {
		.kind = MR_EVENT_VERSION_REGISTERED,
		.run = c->run,
		.copied_from = c->copied_from,
		.number = number,
		.version = c->version->digest,
	};
	int rc;

	if (replaces)
		e.replaces = replaces->digest;
	rc = mr_log_append(c->m, c->s, c->h, c->ref, &e, err);
	if (rc < 0)
		return rc;
	mr_log(&c->m->env, MREG_LOG_DEBUG, "claimed number %" PRIu64, number);
	return mr_history_read(c->m, c->s, c->h, err);
}

static int read_tag(struct claiming *c, uint64_t number, struct mreg_desc *now,
		    bool *found, struct mreg_error *err)
{
	char tag[32];

	(void)snprintf(tag, sizeof(tag), "v%" PRIu64, number);
	return mr_tag_resolve(c->s, tag, now, found, err);
}

/* Step 4: the number is ours if the tag is free or has our digest. */
static int take_tag(struct claiming *c, uint64_t number, bool contested,
		    struct mr_claim *out, bool *done, struct mreg_error *err)
{
	struct mreg_desc now;
	char tag[32];
	bool found;
	int rc = read_tag(c, number, &now, &found, err);

	if (rc < 0)
		return rc;
	*done = true;
	out->number = number;
	if (found && mreg_digest_equal(&now.digest, &c->version->digest)) {
		out->existed = true;
		return 0;
	}
	if (found || contested) {
		*done = false;
		return 0;
	}
	(void)snprintf(tag, sizeof(tag), "v%" PRIu64, number);
	out->existed = false;
	return mr_tag_set(c->s, tag, c->version, c->manifest, err);
}

/* A version whose claim an earlier run left, or none. */
static int find_existing(struct claiming *c, struct mr_claim *out,
			 struct mreg_error *err)
{
	const struct mr_event *e;

	return mr_log_number(c->s, c->h, &c->version->digest, &out->number, &e,
			     err);
}

/* Above every number any event names; and, to save tries in a repository that
 * was copied without its log, above the v<N> that the listing shows. */
static uint64_t next_number(const struct mr_history *h)
{
	uint64_t top = mr_ledger_highest(h->ledger);
	size_t i;

	for (i = 0; i < h->tags.n; i++) {
		uint64_t number = mr_tag_number(h->tags.items[i]);

		if (number > top)
			top = number;
	}
	return top + 1;
}

/* Numbers are safe only where a listing shows what was written before it. */
static int blind(const struct claiming *c, struct mreg_error *err)
{
	(void)mr_fail(err, MREG_EREMOTE,
		      "the log of '%s' does not show what was just written to "
		      "it",
		      c->s->label);
	return mr_hint(err, "its listings come late, so numbers cannot be "
			    "given safely; try again later");
}

int mr_log_claim(struct mreg *m, struct mr_store *s, struct mr_history *h,
		 const struct mreg_ref *ref, const struct mreg_desc *version,
		 const void *manifest, const char *run, struct mr_claim *out,
		 struct mreg_error *err)
{
	struct claiming c = {
		.m = m,
		.s = s,
		.h = h,
		.ref = ref,
		.version = version,
		.manifest = manifest,
		.run = run,
	};
	unsigned int round;
	bool done = false;
	int rc;

	memset(out, 0, sizeof(*out));
	rc = mr_history_read(m, s, h, err);
	if (rc >= 0)
		rc = find_existing(&c, out, err);
	if (rc < 0)
		return rc;
	if (out->number) {
		out->existed = true;
		return 0;
	}
	for (round = 0; round < MR_CLAIM_ROUNDS_MAX; round++) {
		const struct mreg_digest *d = &version->digest;
		const struct mr_event *mine = mr_ledger_claim_of(h->ledger, d);
		uint64_t next = next_number(h);
		bool contested;

		if (!mine && round)
			return blind(&c, err);
		if (!mine) {
			rc = write_claim(&c, next, NULL, err);
			if (rc < 0)
				return rc;
			continue;
		}
		contested = mr_ledger_contested(h->ledger, mine->number, d);
		rc = take_tag(&c, mine->number, contested, out, &done, err);
		if (rc < 0 || done)
			return rc;
		/* The step spreads those who collided, so that they do not
		 * meet again on the next number. */
		next += mr_random(&m->env) %
			(2 * mr_ledger_rivals(h->ledger, mine->number, d) + 1);
		rc = write_claim(&c, next, mine, err);
		if (rc < 0)
			return rc;
	}
	(void)mr_fail(err, MREG_ECONFLICT,
		      "no version number could be had in '%s' after %d tries",
		      s->label, MR_CLAIM_ROUNDS_MAX);
	return mr_hint(err, "the files are there: push again when fewer "
			    "others do");
}

bool mr_log_taken(struct mr_history *h, uint64_t number,
		  const struct mreg_digest *version)
{
	const struct mr_event *e = mr_ledger_owner(h->ledger, number, version);

	/* An earlier run's claim stands. */
	if (e && mreg_digest_equal(&e->version, version))
		return false;
	return mr_ledger_contested(h->ledger, number, version);
}

int mr_log_refuse(const struct mr_store *s, uint64_t number,
		  struct mreg_error *err)
{
	(void)mr_fail(err, MREG_ECONFLICT,
		      "number %" PRIu64 " of '%s' is claimed by another "
		      "version",
		      number, s->label);
	return mr_hint(err, "push it there instead, to get the next number, or "
			    "copy to another name");
}

int mr_log_adopt(struct mreg *m, struct mr_store *s, struct mr_history *h,
		 const struct mreg_ref *ref, const struct mreg_desc *version,
		 uint64_t number, const char *from, const char *run,
		 struct mreg_error *err)
{
	struct claiming c = {
		.m = m,
		.s = s,
		.h = h,
		.ref = ref,
		.version = version,
		.run = run,
		.copied_from = from,
	};
	const struct mreg_digest *d = &version->digest;
	int rc = mr_history_read(m, s, h, err);
	const struct mr_event *e;

	if (rc < 0)
		return rc;
	e = mr_ledger_owner(h->ledger, number, d);
	if (e && mreg_digest_equal(&e->version, d))
		return 0; /* an earlier run's */
	if (!mr_ledger_contested(h->ledger, number, d))
		rc = write_claim(&c, number, NULL, err);
	if (rc < 0 || !mr_ledger_contested(h->ledger, number, d))
		return rc;
	return mr_log_refuse(s, number, err);
}
