/*
 * log.c - reading a model's log.
 *
 * The only place that reads events (log_append.c is the only one that writes
 * them).  They never change, so those seen once come from state, under their
 * tag's name; what state gives is checked against the digest in that name.
 * Where many are new, most come out of packs (log_pack.c); the rest one by one.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/task.h"
#include "base/text.h"
#include "content/digest.h"
#include "repo/repo.h"

#define LISTED_WAIT_FIRST_MS 50
#define LISTED_WAIT_LAST_MS 1600
/* Fewer are sooner had one by one. */
#define PACKS_FROM 32
#define WHAT_BYTES 300
/* What is no event is told of so many: anybody who may push can make more. */
#define JUNK_TOLD 5
/* Whoever may push can put a manifest of 4 MiB under each tag; so many of those
 * that are not events are in memory at once. */
#define FETCHED_AT_ONCE 32
#define HOLLOW_S 600 /* that an entry is not asked for again */
/* Fact of a repository: the last seq whose event is remembered, of a linear
 * log. */
#define LAST_SEQ "log.seq"

struct fetch {
	struct mreg *m;
	struct mr_store *s;
	const char **tags;   /* borrowed from the history */
	struct mr_doc *docs; /* one per tag; empty: it could not be read */
	bool *kept;          /* one per tag: it came out of state */
	const struct mr_list *absent; /* waited for in vain before */
	bool anew;
};

void mr_history_release(struct mr_history *h)
{
	mr_ledger_freep(&h->ledger);
	mr_list_release(&h->tags);
	mr_list_release(&h->read);
	mr_list_release(&h->absent);
	mr_list_release(&h->junk);
	mr_list_release(&h->known);
	mr_list_release(&h->written);
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

/* Whether the registry could not read this entry itself a while ago: each time
 * it is asked takes as long as trouble that passes. */
static bool was_hollow(const struct fetch *f, const char *tag)
{
	char value[32];
	uint64_t then;

	return !f->anew &&
	       mr_state_fact_get(f->m->state, f->s->name, tag, value,
				 sizeof(value)) &&
	       mr_text_u64(value, UINT64_MAX, &then) == 0 &&
	       mr_now_s(&f->m->env) - (int64_t)then < HOLLOW_S;
}

static void remember_hollow(const struct fetch *f, const char *tag)
{
	char value[32];

	(void)snprintf(value, sizeof(value), "%" PRId64, mr_now_s(&f->m->env));
	mr_state_fact_put(f->m->state, f->s->name, tag, value);
}

/*
 * An entry that stays unreadable is left out of this reading, and told: its
 * writer died in the middle of its PUT, or the registry did, or it is not done.
 * One that is not done reads the log after its PUT and then sees what we wrote
 * before our reading (log_claim.c, invariant 1), so nobody's number is given
 * twice; and nobody is told of an event that they cannot read.
 */
static int fetch_one(void *ctx, size_t index, struct mreg_error *err)
{
	const struct fetch *f = ctx;
	struct mreg_error why = MREG_ERROR_INIT;
	const char *tag = f->tags[index];
	bool patient = !mr_list_has(f->absent, tag);
	bool found = false;
	int rc = 0;

	if (f->docs[index].bytes.len)
		return 0;
	if (!was_hollow(f, tag))
		rc = get_listed(f, tag, patient, &f->docs[index], &found, &why);
	if (mr_store_hollow(rc, &why)) {
		remember_hollow(f, tag);
		found = false;
	} else if (rc < 0) {
		if (err)
			*err = why;
		return mr_wrap(err, "cannot read the log of '%s'", f->s->label);
	}
	if (!found)
		mr_buf_clear(&f->docs[index].bytes);
	if (!found && patient)
		mr_log(&f->m->env, MREG_LOG_WARN,
		       "log entry '%s' of '%s' is listed but cannot be read: "
		       "its writer or the registry was stopped there, or is "
		       "not done",
		       tag, f->s->label);
	return 0;
}

static int take_junk(struct mreg *m, struct mr_history *h, const char *tag,
		     const char *what, struct mreg_error *err)
{
	int rc;

	mr_log(&m->env, h->junk.n < JUNK_TOLD ? MREG_LOG_WARN : MREG_LOG_DEBUG,
	       "log entry '%s' %s%s", tag, what,
	       h->junk.n + 1 == JUNK_TOLD
		       ? "; 'mreg log NAME --verify' names the others"
		       : "");
	rc = mr_list_add(&h->junk, tag, err);
	return rc < 0 ? rc : mr_list_add(&h->read, tag, err);
}

/* Into the ledger; what is no event is told and left out, so that nobody who
 * may push can stop everybody else. */
static int take_event(struct mreg *m, struct mr_history *h, const char *tag,
		      const struct mr_doc *doc, bool kept,
		      struct mreg_error *err)
{
	struct mreg_error why = MREG_ERROR_INIT;
	struct mr_event e = { .seq = 0 };
	char name[MR_LOG_TAG_TEXT];
	char what[WHAT_BYTES];
	int rc = mr_digest_of(doc->bytes.data, doc->bytes.len, &e.digest, err);

	if (rc < 0)
		return rc;
	if (!mr_log_tag(tag, &e.seq) || !mr_log_tag_fits(tag, &e.digest))
		return take_junk(m, h, tag, "was replaced by something else",
				 err);
	rc = mr_ledger_add(h->ledger, doc->bytes.data, doc->bytes.len, &why);
	if (rc == MREG_ENOMEM || rc == MREG_ELIMIT) {
		if (err)
			*err = why;
		return rc;
	}
	if (rc < 0) {
		(void)snprintf(what, sizeof(what), "is no event: %s", why.msg);
		return take_junk(m, h, tag, what, err);
	}
	/* Its name does not say so: it is remembered as what it is. */
	if (!kept)
		mr_state_doc_put(m->state, mr_log_tag_of(&e, name),
				 doc->bytes.data, doc->bytes.len);
	if (mr_ledger_find(h->ledger, &e.digest)->seq != e.seq)
		return take_junk(m, h, tag, "is an event of another place",
				 err);
	return mr_list_add(&h->read, tag, err);
}

static size_t new_tags(struct mr_history *h, const char **out)
{
	uint64_t seq;
	size_t n = 0;
	size_t i;

	mr_list_sort(&h->read);
	for (i = 0; i < h->tags.n; i++)
		if (mr_log_tag(h->tags.items[i], &seq) &&
		    !mr_list_has_sorted(&h->read, h->tags.items[i]))
			out[n++] = h->tags.items[i];
	return n;
}

/*
 * In a linear log a tag's name does not say what to look for in state, but the
 * event after it does.  So those that came since the last reading are asked
 * for, at least one, and lead to the others.
 */
static int fetch_linear(const struct fetch *f, size_t n, struct mreg_error *err)
{
	struct fetch newest = *f;
	uint64_t last = 0;
	uint64_t seq;
	char value[32];
	size_t i = n;
	int rc = 0;

	if (mr_state_fact_get(f->m->state, f->s->name, LAST_SEQ, value,
			      sizeof(value)) &&
	    mr_text_u64(value, UINT64_MAX, &last) < 0)
		last = 0;
	while (i > 0 && mr_text_starts(f->tags[i - 1], MR_SEQ_TAG_PREFIX) &&
	       (i == n || (mr_log_tag(f->tags[i - 1], &seq) && seq > last)))
		i--;
	if (i == n)
		return 0;
	newest.tags += i;
	newest.docs += i;
	if (n - i < PACKS_FROM)
		rc = mr_task_run(&f->m->env, MR_LOOKUP_JOBS, n - i, fetch_one,
				 &newest, err);
	for (i = 0; i < n; i++)
		f->kept[i] = !f->docs[i].bytes.len;
	if (rc >= 0)
		rc = mr_log_chain(f->m, f->tags, f->docs, n, err);
	for (i = 0; i < n; i++)
		f->kept[i] = f->kept[i] && f->docs[i].bytes.len;
	return rc;
}

/* What needs not be asked for one by one; `n` tags are wanted. */
static int fetch_cheaply(const struct fetch *f, size_t n,
			 struct mreg_error *err)
{
	size_t wanted = 0;
	size_t i;
	int rc = fetch_linear(f, n, err);

	if (rc < 0)
		return rc;

	for (i = 0; i < n; i++)
		if (f->docs[i].bytes.len) {
			continue;
		} else if (remembered(f->m, f->tags[i], &f->docs[i])) {
			f->kept[i] = true;
		} else {
			mr_buf_clear(&f->docs[i].bytes);
			wanted++;
		}
	return wanted < PACKS_FROM
		       ? 0
		       : mr_log_unpack(f->m, f->s, f->tags, f->docs, n, err);
}

static void remember_last(struct mreg *m, const struct mr_store *s,
			  const struct mr_history *h)
{
	char value[32];

	(void)snprintf(value, sizeof(value), "%" PRIu64,
		       mr_ledger_next_seq(h->ledger) - 1);
	mr_state_fact_put(m->state, s->name, LAST_SEQ, value);
}

/* Get those of the `n` from `at` on that are not there yet, and take all. */
static int take_some(const struct fetch *f, struct mr_history *h, size_t at,
		     size_t n, struct mreg_error *err)
{
	struct fetch part = *f;
	bool wanted = false;
	size_t i;
	int rc = 0;

	part.tags += at;
	part.docs += at;
	for (i = 0; i < n; i++)
		wanted = wanted || !part.docs[i].bytes.len;
	if (wanted)
		rc = mr_task_run(&f->m->env, MR_LOOKUP_JOBS, n, fetch_one,
				 &part, err);
	mr_state_begin(f->m->state);
	for (i = 0; i < n; i++) {
		const struct mr_doc *doc = &part.docs[i];

		if (rc >= 0 && !doc->bytes.len)
			rc = mr_list_add(&h->absent, part.tags[i], err);
		else if (rc >= 0)
			rc = take_event(f->m, h, part.tags[i], doc,
					f->kept[at + i], err);
		mr_doc_release(&part.docs[i]);
	}
	mr_state_end(f->m->state);
	return rc;
}

static int take_all(const struct fetch *f, struct mr_history *h, size_t n,
		    struct mreg_error *err)
{
	size_t at;
	int rc = h->anew ? 0 : fetch_cheaply(f, n, err);

	for (at = 0; rc >= 0 && at < n; at += FETCHED_AT_ONCE)
		rc = take_some(f, h, at,
			       n - at < FETCHED_AT_ONCE ? n - at
							: FETCHED_AT_ONCE,
			       err);
	for (at = 0; rc < 0 && at < n; at++)
		mr_doc_release(&f->docs[at]);
	if (rc >= 0 && h->linear && n > 0)
		remember_last(f->m, f->s, h);
	return rc;
}

static int fetch_new(struct mreg *m, struct mr_store *s, struct mr_history *h,
		     struct mreg_error *err)
{
	MR_AUTO(mr_free) const char **tags = NULL;
	MR_AUTO(mr_free) struct mr_doc *docs = NULL;
	MR_AUTO(mr_free) bool *kept = NULL;
	struct fetch f = {
		.m = m, .s = s, .absent = &h->absent, .anew = h->anew
	};
	size_t n;
	size_t i;

	tags = mr_array(h->tags.n + 1, sizeof(*tags));
	if (!tags)
		return mr_fail_nomem(err);
	n = new_tags(h, tags);
	if (n > MR_EVENTS_MAX)
		return mr_fail(err, MREG_ELIMIT,
			       "the log of '%s' has %zu new entries", s->label,
			       n);
	docs = mr_array(n + 1, sizeof(*docs));
	kept = mr_array(n + 1, sizeof(*kept));
	if (!docs || !kept)
		return mr_fail_nomem(err);
	for (i = 0; i < n; i++)
		mr_buf_init(&docs[i].bytes, MR_MANIFEST_MAX_BYTES);
	f.tags = tags;
	f.docs = docs;
	f.kept = kept;
	return take_all(&f, h, n, err);
}

/* Whether it is linear; and tags that a listing, which came late, lacks. */
static int add_known(struct mr_history *h, struct mreg_error *err)
{
	uint64_t seq;
	size_t i;
	int rc = 0;

	for (i = 0; rc >= 0 && i < h->known.n; i++)
		if (!mr_list_has(&h->tags, h->known.items[i]))
			rc = mr_list_add(&h->tags, h->known.items[i], err);
	mr_list_sort(&h->tags);
	for (i = 0; !h->linear && i < h->tags.n; i++)
		h->linear =
			mr_text_starts(h->tags.items[i], MR_SEQ_TAG_PREFIX) &&
			mr_log_tag(h->tags.items[i], &seq);
	return rc;
}

/* Nobody may be told that an event was written which no reader has. */
static int check_written(const struct mr_store *s, const struct mr_history *h,
			 struct mreg_error *err)
{
	size_t i;

	for (i = 0; i < h->written.n; i++) {
		if (!mr_list_has(&h->absent, h->written.items[i]))
			continue;
		(void)mr_fail(err, MREG_EREMOTE,
			      "'%s', which was just written to the log of "
			      "'%s', cannot be read",
			      h->written.items[i], s->label);
		return mr_hint(err, "the registry may have been stopped "
				    "meanwhile: run it again");
	}
	return 0;
}

int mr_history_list(struct mr_store *s, struct mr_history *h,
		    struct mreg_error *err)
{
	int rc = 0;

	if (!h->ledger)
		rc = mr_ledger_new(&h->ledger, err);
	if (rc < 0)
		return rc;
	mr_list_release(&h->tags);
	return mr_store_tags(s, &h->tags, &h->found, err);
}

int mr_history_take(struct mreg *m, struct mr_store *s, struct mr_history *h,
		    struct mreg_error *err)
{
	int rc;

	if (!h->found)
		return 0;
	rc = add_known(h, err);
	if (rc >= 0)
		rc = fetch_new(m, s, h, err);
	return rc < 0 ? rc : check_written(s, h, err);
}

int mr_history_read(struct mreg *m, struct mr_store *s, struct mr_history *h,
		    struct mreg_error *err)
{
	int rc = mr_history_list(s, h, err);

	return rc < 0 ? rc : mr_history_take(m, s, h, err);
}
