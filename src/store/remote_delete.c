/*
 * remote_delete.c - tags and manifests that are taken out of a registry.
 *
 * Many registries delete nothing, or no tag alone (P-68); which of it one
 * does is learned by asking.
 */
#include "store/remote.h"

#include <stdio.h>

#include "base/error.h"
#include "base/mem.h"
#include "oci/oci.h"

#define WHAT_BYTES 768

/* One DELETE: 0, or what the registry, or its token service, said. */
static int ask(struct mr_remote *r, const char *reference,
	       enum mr_remote_right right, struct mreg_error *err)
{
	MR_AUTO(mr_call_release) struct mr_call c = MR_CALL_INIT;
	MR_AUTO(mr_response_freep) struct mr_response *resp = NULL;
	char what[WHAT_BYTES];
	int rc;

	(void)snprintf(what, sizeof(what), "cannot remove '%s' of '%s'",
		       reference, r->base.name);
	rc = mr_remote_call(r, &c, right, "DELETE", err, "manifests/%s",
			    reference);
	if (rc < 0)
		return rc;
	rc = mr_remote_send(r, &c, what, &resp, err);
	if (rc < 0)
		return rc;
	if (resp->status == 200 || resp->status == 202 || resp->status == 204)
		return 0;
	return mr_remote_refused(r->host, resp, what, NULL, err);
}

/* No answer, or a passing trouble, says nothing about what it can do. */
static bool is_trouble(int rc, const struct mreg_error *err)
{
	return rc == MREG_ENETWORK || rc == MREG_ECANCELED ||
	       rc == MREG_ENOMEM ||
	       (rc == MREG_EREMOTE && mr_remote_transient(err->sys));
}

/* Quay gives no token with `delete` in it, but deletes. */
static int ask_twice(struct mr_remote *r, const char *reference,
		     struct mreg_error *err)
{
	int rc = ask(r, reference, MR_REMOTE_DELETE, err);

	if (rc < 0 && !is_trouble(rc, err) &&
	    (rc == MREG_EAUTH || rc == MREG_EDENIED || rc == MREG_EREMOTE))
		rc = ask(r, reference, MR_REMOTE_PUSH, err);
	return rc;
}

/*
 * By tag only, never by digest, which would take every other tag of the
 * version with it (P-68).  Refusal of any kind is MREG_EUNSUPPORTED: whoever
 * may write has the tombstone left, and is told the truth by that when even
 * writing is denied.
 */
int mr_remote_untag(struct mr_store *s, const char *tag, struct mreg_error *err)
{
	struct mr_remote *r = mr_remote_of(s);
	struct mreg_error why = MREG_ERROR_INIT;
	struct mreg_desc d;
	bool found = false;
	int deleted;
	int rc;

	if (mr_tag_kind(tag) == MR_TAG_INVALID)
		return mr_fail(err, MREG_EUSAGE, "'%s' is no tag", tag);
	deleted = ask_twice(r, tag, &why);
	if (deleted < 0 && is_trouble(deleted, &why)) {
		if (err)
			*err = why;
		return deleted;
	}
	/* Whatever it said: is the tag gone? */
	rc = mr_remote_resolve(s, tag, &d, &found, err);
	if (rc < 0 || (!found && deleted == 0))
		return rc;
	if (!found)
		return mr_fail(err, MREG_ENOTFOUND, "no tag '%s' in '%s'", tag,
			       s->name);
	rc = mr_fail(err, MREG_EUNSUPPORTED,
		     "cannot remove tag '%s' of '%s': the registry does not "
		     "delete tags",
		     tag, s->name);
	(void)mr_cause(err, "%s", why.msg);
	return rc;
}

/* Whether it is there all the same; what cannot be told is. */
static bool is_there(struct mr_store *s, const char *digest)
{
	struct mreg_error ignored = MREG_ERROR_INIT;
	struct mreg_desc d;
	bool found = false;

	return mr_remote_resolve(s, digest, &d, &found, &ignored) < 0 || found;
}

/* Some answer 404 to what they do not do. */
int mr_remote_remove(struct mr_store *s, const struct mreg_digest *digest,
		     struct mreg_error *err)
{
	struct mr_remote *r = mr_remote_of(s);
	struct mreg_error why = MREG_ERROR_INIT;
	char text[MREG_DIGEST_TEXT];
	int rc = ask_twice(r, mreg_digest_text(digest, text), &why);

	if (rc >= 0)
		return 0;
	if ((rc == MREG_ENOTFOUND && !is_there(s, text)) || rc == MREG_EAUTH ||
	    rc == MREG_EDENIED || is_trouble(rc, &why)) {
		if (err)
			*err = why;
		return rc;
	}
	rc = mr_fail(err, MREG_EUNSUPPORTED,
		     "cannot remove '%s' of '%s': the registry does not delete "
		     "manifests",
		     text, s->name);
	(void)mr_cause(err, "%s", why.msg);
	return rc;
}
