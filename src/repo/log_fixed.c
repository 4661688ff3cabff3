/*
 * log_fixed.c - whether a registry refuses to write a tag of ours twice.
 *
 * Asked of a tag that no log has, since an answer of "no" leaves another
 * manifest there: nothing may be lost by asking.  What refuses keeps the tag
 * for ever, so it holds the tombstone, which every command takes for nothing.
 */
#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/mem.h"
#include "content/digest.h"
#include "repo/repo.h"

#define PROBE_TAG MR_SEQ_TAG_PREFIX "probe"
#define PROBE_ARTIFACT "application/vnd.mreg.probe.v1+json"
/* Fact of a repository: "yes" or "no". */
#define FACT "log.fixed"

struct asking {
	struct mr_store *s;
	struct mreg_desc tombstone, other;
	const char *tombstone_bytes;
	struct mr_buf other_bytes; /* owned */
};

static void asking_release(struct asking *a)
{
	mr_buf_release(&a->other_bytes);
}

static int prepare(struct asking *a, struct mreg_error *err)
{
	const struct mr_descriptor layer = { .desc = mr_empty_desc };
	const struct mr_manifest_draft d = {
		.artifact_type = PROBE_ARTIFACT,
		.config = { .desc = mr_empty_desc },
		.layers = &layer,
		.layer_count = 1,
	};
	int rc;

	a->tombstone_bytes = mr_tombstone(&a->tombstone, NULL);
	a->other = a->tombstone; /* its media type */
	mr_buf_init(&a->other_bytes, MR_MANIFEST_MAX_BYTES);
	rc = mr_manifest_write(&d, &a->other_bytes, err);
	if (rc >= 0)
		rc = mr_digest_of(a->other_bytes.data, a->other_bytes.len,
				  &a->other.digest, err);
	a->other.size = a->other_bytes.len;
	return rc < 0 ? rc
		      : mr_store_put_bytes(a->s, &mr_empty_desc, "{}", err);
}

static int put(struct asking *a, bool tombstone, struct mreg_error *err)
{
	return tombstone ? mr_store_set(a->s, PROBE_TAG, &a->tombstone,
					a->tombstone_bytes, NULL, err)
			 : mr_store_set(a->s, PROBE_TAG, &a->other,
					a->other_bytes.data, NULL, err);
}

/* A refusal, and not a failure: makers answer 400, 403, 405, 409 or 412. */
static bool is_refusal(int rc, const struct mreg_error *why)
{
	return rc == MREG_ECONFLICT || rc == MREG_EUNSUPPORTED ||
	       rc == MREG_EDENIED ||
	       (why->sys >= 400 && why->sys < 500 && why->sys != 401 &&
		why->sys != 408 && why->sys != 429);
}

/* Take back what was written where it could be: removed, else buried. */
static void clean(struct asking *a)
{
	struct mreg_error ignored = MREG_ERROR_INIT;

	/* The tag is nothing to anybody, so failing matters to nobody. */
	if (mr_store_untag(a->s, PROBE_TAG, &ignored) < 0)
		(void)put(a, true, &ignored);
}

/* What the tag has, which is written if need be; somebody who asks at the same
 * moment may be first. */
static int write_once(struct asking *a, struct mreg_desc *was,
		      struct mreg_error *err)
{
	struct mreg_error why = MREG_ERROR_INIT;
	bool found;
	int rc = mr_store_resolve(a->s, PROBE_TAG, was, &found, err);
	int refused;

	if (rc < 0 || found)
		return rc;
	refused = put(a, true, &why);
	*was = a->tombstone;
	if (refused >= 0)
		return 0;
	if (is_refusal(refused, &why))
		rc = mr_store_resolve(a->s, PROBE_TAG, was, &found, err);
	if (rc < 0 || found)
		return rc;
	if (err)
		*err = why;
	return refused;
}

static int write_twice(struct asking *a, bool *fixed, struct mreg_error *err)
{
	struct mreg_error why = MREG_ERROR_INIT;
	struct mreg_desc was = { .media_type = "" };
	struct mreg_desc now = { .media_type = "" };
	bool there;
	int rc = write_once(a, &was, err);

	if (rc < 0)
		return rc;
	rc = put(a, !mreg_digest_equal(&was.digest, &a->tombstone.digest),
		 &why);
	if (rc < 0 && !is_refusal(rc, &why)) {
		if (err)
			*err = why;
		return rc;
	}
	*fixed = rc < 0;
	if (!*fixed) {
		clean(a);
		return 0;
	}
	rc = mr_store_resolve(a->s, PROBE_TAG, &now, &there, err);
	if (rc >= 0)
		*fixed = there && mreg_digest_equal(&now.digest, &was.digest);
	return rc;
}

int mr_log_fixed(struct mreg *m, struct mr_store *s, struct mr_history *h,
		 bool ask, bool *fixed, struct mreg_error *err)
{
	MR_AUTO(asking_release) struct asking a = { .s = s };
	char value[8];
	int rc;

	*fixed = false;
	if (mr_store_locks(s))
		return 0;
	if (!ask && h->fixed == MR_FIXED_UNKNOWN &&
	    mr_state_fact_get(m->state, s->name, FACT, value, sizeof(value)))
		h->fixed =
			strcmp(value, "yes") == 0 ? MR_FIXED_YES : MR_FIXED_NO;
	if (!ask && h->fixed != MR_FIXED_UNKNOWN) {
		*fixed = h->fixed == MR_FIXED_YES;
		return 0;
	}
	rc = prepare(&a, err);
	if (rc >= 0)
		rc = write_twice(&a, fixed, err);
	if (rc < 0)
		return mr_wrap(err,
			       "cannot find out whether tags of '%s' can "
			       "be moved",
			       s->label);
	h->fixed = *fixed ? MR_FIXED_YES : MR_FIXED_NO;
	mr_state_fact_put(m->state, s->name, FACT, *fixed ? "yes" : "no");
	return 0;
}
