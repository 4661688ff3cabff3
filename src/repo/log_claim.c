/*
 * log_claim.c - registering versions in a model's log.
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
 * 3. A version that was removed is registered anew, under a number it never
 *    had.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/mem.h"
#include "content/digest.h"
#include "repo/repo.h"

#define BECAUSE "org.mreg.because"

struct claiming {
	struct mreg *m;
	struct mr_store *s;
	struct mr_history *h;
	const struct mreg_ref *ref;
	const struct mreg_desc *version;
	const void *manifest; /* its bytes */
	const char *run;
	const char *copied_from;        /* reference; NULL: pushed here */
	char because[MREG_DIGEST_TEXT]; /* event that asked for it; "": none */
	unsigned int losses;            /* tries that others were before */
	uint64_t foreign;               /* v<N> has it, no event tells; or 0 */
};

/* Append a claim of `number`; `replaces` may be NULL.  `*lost`: in a linear log
 * another event was first, perhaps a claim of that number. */
static int write_claim(struct claiming *c, uint64_t number,
		       const struct mr_event *replaces, bool *lost,
		       struct mreg_error *err)
{
	struct mr_event_field because = { .key = "because",
					  .text = c->because };
	struct mr_event e = {
		.kind = MR_EVENT_VERSION_REGISTERED,
		.run = c->run,
		.copied_from = c->copied_from,
		.number = number,
		.version = c->version->digest,
		.fields = &because,
		.field_count = c->because[0] ? 1 : 0,
	};
	int rc;

	if (replaces)
		e.replaces = replaces->digest;
	rc = mr_log_try(c->m, c->s, c->h, c->ref, &e, NULL, lost, err);
	if (rc < 0)
		return rc;
	if (*lost)
		rc = mr_log_pause(c->m, c->s, ++c->losses, err);
	else
		mr_log(&c->m->env, MREG_LOG_DEBUG, "claimed number %" PRIu64,
		       number);
	return rc < 0 ? rc : mr_history_read(c->m, c->s, c->h, err);
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

/* Whether the version is removed, or about to be: what it had it gets no
 * more. */
static int is_removed(struct claiming *c, bool *out, struct mreg_error *err)
{
	MR_AUTO(mr_standing_release) struct mr_standing now = { .arena = NULL };
	const struct mr_version_standing *v;
	int rc = mr_ledger_standing(c->h->ledger, MR_STANDING_NOW, &now, err);

	if (rc < 0)
		return rc;
	v = mr_standing_version(&now, &c->version->digest);
	*out = v && v->removed;
	return 0;
}

/* A version whose claim an earlier run left, or whose v<N> came without its
 * log: that is its number then, and is told of. */
static int find_existing(struct claiming *c, struct mr_claim *out,
			 struct mreg_error *err)
{
	const struct mreg_digest *d = &c->version->digest;
	const struct mr_event *e;
	bool removed = false;
	int rc = is_removed(c, &removed, err);

	if (rc < 0 || removed)
		return rc;
	rc = mr_log_number(c->s, c->h, d, &out->number, &e, err);
	if (rc < 0 || out->number || !out->may_be_there ||
	    mr_ledger_claim_of(c->h->ledger, d))
		return rc;
	return mr_log_foreign(c->m, c->s, c->h, d, &c->foreign, err);
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

/* What the manifest says, so that the log alone tells why there is a version.
 */
static void take_because(struct claiming *c)
{
	MR_AUTO(mr_manifest_freep) struct mr_manifest *m = NULL;
	struct mreg_error ignored = MREG_ERROR_INIT;
	const char *text = NULL;
	struct mreg_digest d;

	if (mr_manifest_parse(c->manifest, (size_t)c->version->size, NULL, &m,
			      &ignored) >= 0)
		text = mr_annotation(&m->annotations, BECAUSE);
	if (text && mreg_digest_parse(text, &d, NULL) == 0)
		(void)mreg_digest_text(&d, c->because);
}

/* One try by the log as read; `*lost` as of write_claim: at first, that there
 * is no claim of ours yet is nothing to wonder at. */
static int try_claim(struct claiming *c, bool *lost, struct mr_claim *out,
		     bool *done, struct mreg_error *err)
{
	const struct mreg_digest *d = &c->version->digest;
	const struct mr_event *mine = mr_ledger_claim_of(c->h->ledger, d);
	uint64_t next = next_number(c->h);
	bool removed = false;
	bool contested;
	bool ours;
	int rc;

	if (!mine && !*lost)
		return blind(c, err);
	rc = mine ? is_removed(c, &removed, err) : 0;
	if (rc < 0)
		return rc;
	ours = !mine && c->foreign &&
	       !mr_ledger_contested(c->h->ledger, c->foreign, d);
	if (!mine || removed)
		return write_claim(c, ours ? c->foreign : next, mine, lost,
				   err);
	contested = mr_ledger_contested(c->h->ledger, mine->number, d);
	rc = take_tag(c, mine->number, contested, out, done, err);
	if (rc < 0 || *done)
		return rc;
	/* The step spreads those who collided, so that they do not meet again
	 * on the next number. */
	next += mr_random(&c->m->env) %
		(2 * mr_ledger_rivals(c->h->ledger, mine->number, d) + 1);
	return write_claim(c, next, mine, lost, err);
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
	bool lost = true;
	int rc;

	out->number = 0;
	out->existed = false;
	take_because(&c);
	rc = mr_history_read(m, s, h, err);
	if (rc >= 0)
		rc = find_existing(&c, out, err);
	if (rc < 0)
		return rc;
	if (out->number) {
		out->existed = true;
		return 0;
	}
	/* Tries that were lost are bounded where they are waited for. */
	for (round = 0; round < MR_CLAIM_ROUNDS_MAX; round += !lost) {
		rc = try_claim(&c, &lost, out, &done, err);
		if (rc < 0 || done)
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
	bool lost = true;

	if (rc < 0)
		return rc;
	e = mr_ledger_owner(h->ledger, number, d);
	if (e && mreg_digest_equal(&e->version, d))
		return 0; /* an earlier run's */
	while (rc >= 0 && lost && !mr_ledger_contested(h->ledger, number, d))
		rc = write_claim(&c, number, NULL, &lost, err);
	if (rc < 0 || !mr_ledger_contested(h->ledger, number, d))
		return rc;
	return mr_log_refuse(s, number, err);
}
