/*
 * release.c - names that are given once.
 *
 * Of two who give one name at the same moment at most one may be told that it
 * is theirs, without compare-and-swap:
 *   look -> [nobody has it] -> write event -> read
 *     another version's event that ours did not know of -> told, no tag
 *     none -> look -> PUT the tag -> read
 *       another version's that knew of ours and took us for dead -> theirs
 * Both write before they read, so of two events that do not know of each other
 * at least one is given up; who runs it again writes on top of both.
 */
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "content/digest.h"
#include "history/history.h"

struct naming {
	struct mreg *m;
	struct mr_store *s;
	struct mr_history *h;
	const char *release;
	const struct mreg_desc *version;
	const struct mr_event *mine;
};

int mr_release_look(struct mr_store *s, const char *release,
		    const struct mreg_digest *version, bool *there,
		    struct mreg_error *err)
{
	struct mreg_desc now;
	bool found;
	int rc = mr_tag_resolve(s, release, &now, &found, err);

	*there = rc >= 0 && found && mreg_digest_equal(&now.digest, version);
	if (rc < 0 || !found || *there)
		return rc;
	(void)mr_fail(err, MREG_ECONFLICT,
		      "release '%s' of '%s' is another version already",
		      release, s->label);
	return mr_hint(err, "release names never move; choose the next one");
}

static int fail_met(const struct naming *n, struct mreg_error *err)
{
	(void)mr_fail(err, MREG_ECONFLICT,
		      "release '%s' of '%s' was given to another version at "
		      "the same moment",
		      n->release, n->s->label);
	return mr_hint(err, "look with 'mreg alias ls', then run it again or "
			    "choose the next one");
}

static bool names(const struct naming *n, const struct mr_event *e)
{
	return e->kind == MR_EVENT_RELEASE_NAMED &&
	       strcmp(mr_event_text(e, "release"), n->release) == 0;
}

/* The last event that gives the name to this version; NULL: none. */
static const struct mr_event *find_mine(const struct naming *n)
{
	size_t i;

	for (i = mr_ledger_count(n->h->ledger); i-- > 0;) {
		const struct mr_event *e = mr_ledger_event(n->h->ledger, i);

		if (names(n, e) &&
		    mreg_digest_equal(&e->version, &n->version->digest))
			return e;
	}
	return NULL;
}

/* The last that gives it to another one, of those that ours does not know of;
 * `later`: that know of ours. */
static const struct mr_event *find_rival(const struct naming *n, bool later)
{
	size_t i;

	for (i = mr_ledger_count(n->h->ledger); i-- > 0;) {
		const struct mr_event *e = mr_ledger_event(n->h->ledger, i);

		if (names(n, e) &&
		    !mreg_digest_equal(&e->version, &n->version->digest) &&
		    (later ? mr_ledger_follows(n->h->ledger, e, n->mine)
			   : !mr_ledger_follows(n->h->ledger, n->mine, e)))
			return e;
	}
	return NULL;
}

static int write_event(struct naming *n, const struct mreg_ref *ref,
		       struct mreg_error *err)
{
	struct mr_event_field field = { .key = "release", .text = n->release };
	struct mr_event e = { .kind = MR_EVENT_RELEASE_NAMED,
			      .version = n->version->digest,
			      .fields = &field,
			      .field_count = 1 };
	int rc = mr_log_append(n->m, n->s, n->h, ref, &e, NULL, err);

	if (rc >= 0)
		rc = mr_history_read(n->m, n->s, n->h, err);
	n->mine = find_mine(n);
	/* Where a listing comes late nobody can tell. */
	if (rc >= 0 && n->mine && find_rival(n, false))
		return fail_met(n, err);
	return rc;
}

/* Whether it stayed ours; whose it became has the tag. */
static int look_again(struct naming *n, struct mreg_error *err)
{
	const struct mr_event *theirs;
	struct mreg_desc d;
	bool there;
	int rc = mr_history_read(n->m, n->s, n->h, err);

	if (rc < 0)
		return rc;
	n->mine = find_mine(n);
	theirs = n->mine ? find_rival(n, true) : NULL;
	if (!theirs)
		return mr_release_look(n->s, n->release, &n->version->digest,
				       &there, err);
	d = (struct mreg_desc){ .digest = theirs->version };
	rc = mr_tag_set(n->s, n->release, &d, NULL, err);
	return rc < 0 ? rc : fail_met(n, err);
}

int mr_release_name(struct mreg *m, struct mr_store *s, struct mr_history *h,
		    const struct mreg_ref *ref, const char *release,
		    const struct mreg_desc *version, const void *bytes,
		    struct mreg_error *err)
{
	struct naming n = {
		.m = m, .s = s, .h = h, .release = release, .version = version
	};
	bool there = false;
	bool changed;
	int rc = mr_release_look(s, release, &version->digest, &there, err);

	if (rc < 0 || there)
		return rc;
	rc = mr_history_read(m, s, h, err);
	if (rc < 0)
		return rc;
	n.mine = find_mine(&n);
	if (!n.mine || find_rival(&n, false))
		rc = write_event(&n, ref, err);
	if (rc >= 0)
		rc = mr_release_look(s, release, &version->digest, &there, err);
	if (rc >= 0 && !there)
		rc = mr_tag_set(s, release, version, bytes, err);
	if (rc >= 0 && !mr_store_locks(s))
		rc = look_again(&n, err);
	return rc < 0 ? rc
		      : mr_siblings_move(m, s, h, release, &version->digest,
					 &changed, err);
}
