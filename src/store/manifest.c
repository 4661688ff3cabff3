/*
 * manifest.c - store.c's part for manifests and tags: what is received is
 * what was asked for, what is sent is what it claims to be.
 */
#include "store/internal.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/mem.h"
#include "content/digest.h"

static int unsupported(const struct mr_store *s, struct mreg_error *err)
{
	return mr_fail(err, MREG_EUNSUPPORTED,
		       "%s store '%s' holds no manifests and tags",
		       s->ops->kind, s->name);
}

static bool is_tag(const char *reference)
{
	return mr_tag_kind(reference) != MR_TAG_INVALID;
}

/* A digest is known by its colon, which no tag has.  `digest` is NONE for a
 * tag. */
static int check_reference(const char *reference, struct mreg_digest *digest,
			   struct mreg_error *err)
{
	*digest = (struct mreg_digest){ .algorithm = MREG_DIGEST_NONE };
	if (is_tag(reference))
		return 0;
	if (mreg_digest_parse(reference, digest, NULL) == 0)
		return 0;
	return mr_fail(err, MREG_EUSAGE, "'%s' is neither a tag nor a digest",
		       reference);
}

static int check_tag(const char *tag, struct mreg_error *err)
{
	if (is_tag(tag))
		return 0;
	return mr_fail(err, MREG_EUSAGE, "'%s' is no tag", tag);
}

static int wrong(struct mr_store *s, const char *reference,
		 const struct mreg_digest *want, const struct mreg_digest *got,
		 struct mreg_error *err)
{
	char a[MREG_DIGEST_TEXT], b[MREG_DIGEST_TEXT];

	(void)mr_fail(err, MREG_EINTEGRITY,
		      "manifest '%s' from %s store '%s' does not match its "
		      "digest",
		      reference, s->ops->kind, s->name);
	(void)mr_cause(err, "wanted '%s'", mreg_digest_text(want, a));
	(void)mr_cause(err, "got '%s'", mreg_digest_text(got, b));
	if (s->ops->damaged)
		s->ops->damaged(s, want, err);
	return MREG_EINTEGRITY;
}

/* The digest of the bytes, by the algorithm of `like` (sha256 when unknown),
 * compared with it when known. */
static int check_digest(struct mr_store *s, const char *reference,
			const struct mr_doc *doc,
			const struct mreg_digest *like, struct mreg_digest *out,
			struct mreg_error *err)
{
	MR_AUTO(mr_hash_freep) struct mr_hash *hash = NULL;
	bool known = mr_digest_known(like);
	int rc;

	rc = mr_hash_new(known ? like->algorithm : MREG_SHA256, &hash, err);
	if (rc < 0)
		return rc;
	mr_hash_add(hash, mr_buf_text(&doc->bytes), doc->bytes.len);
	mr_hash_end(hash, out);
	if (known && !mreg_digest_equal(out, like))
		return wrong(s, reference, like, out, err);
	return 0;
}

/*
 * Where the store did not say what it is, the document does.  What is no
 * manifest (somebody asked for the digest of a layer) is not found among
 * manifests.
 */
static int find_type(struct mr_doc *doc, bool *found, struct mreg_error *err)
{
	MR_AUTO(mr_manifest_freep) struct mr_manifest *m = NULL;
	struct mreg_error why = MREG_ERROR_INIT;
	int rc;

	rc = mr_manifest_parse(mr_buf_text(&doc->bytes), doc->bytes.len, NULL,
			       &m, &why);
	if (rc == MREG_ENOMEM) {
		if (err)
			*err = why;
		return rc;
	}
	if (rc < 0) {
		*found = false;
		return 0;
	}
	(void)snprintf(doc->desc.media_type, sizeof(doc->desc.media_type), "%s",
		       m->desc.media_type);
	return 0;
}

/* Prove what was received, and fill in what was not announced. */
static int check_doc(struct mr_store *s, const char *reference,
		     const struct mreg_digest *want, struct mr_doc *doc,
		     bool *found, struct mreg_error *err)
{
	struct mreg_digest got;
	int rc;

	rc = check_digest(s, reference, doc, &doc->desc.digest, &got, err);
	if (rc == 0 && mr_digest_known(want))
		rc = check_digest(s, reference, doc, want, &got, err);
	if (rc < 0)
		return rc;
	if (doc->desc.size != 0 && doc->desc.size != doc->bytes.len)
		return mr_fail(err, MREG_EINTEGRITY,
			       "manifest '%s' from %s store '%s' has %zu bytes "
			       "instead of %" PRIu64,
			       reference, s->ops->kind, s->name, doc->bytes.len,
			       doc->desc.size);
	doc->desc.digest = got;
	doc->desc.size = doc->bytes.len;
	return doc->desc.media_type[0] ? 0 : find_type(doc, found, err);
}

int mr_store_get(struct mr_store *s, const char *reference, struct mr_doc *out,
		 bool *found, struct mreg_error *err)
{
	struct mreg_digest want;
	int rc;

	*found = false;
	if (!s->ops->get)
		return unsupported(s, err);
	rc = check_reference(reference, &want, err);
	if (rc < 0)
		return rc;
	mr_buf_clear(&out->bytes);
	out->desc = (struct mreg_desc){ .size = 0 };
	rc = s->ops->get(s, reference, out, found, err);
	if (rc == 0 && *found)
		rc = check_doc(s, reference, &want, out, found, err);
	if (rc < 0 || !*found)
		mr_buf_clear(&out->bytes); /* nobody uses unproven bytes */
	return rc;
}

int mr_store_resolve(struct mr_store *s, const char *reference,
		     struct mreg_desc *out, bool *found, struct mreg_error *err)
{
	MR_AUTO(mr_doc_release) struct mr_doc doc = MR_DOC_INIT;
	struct mreg_digest want;
	int rc;

	*found = false;
	if (!s->ops->resolve) {
		rc = mr_store_get(s, reference, &doc, found, err);
		if (rc == 0 && *found)
			*out = doc.desc;
		return rc;
	}
	rc = check_reference(reference, &want, err);
	if (rc < 0)
		return rc;
	rc = s->ops->resolve(s, reference, out, found, err);
	if (rc < 0 || !*found)
		return rc;
	if (mr_digest_known(&want) && !mreg_digest_equal(&want, &out->digest))
		return wrong(s, reference, &want, &out->digest, err);
	return 0;
}

int mr_store_still(struct mr_store *s, const char *tag,
		   const struct mreg_digest *was, struct mreg_desc *out,
		   bool *found, bool *same, struct mreg_error *err)
{
	struct mreg_desc now;
	int rc;

	*found = false;
	*same = false;
	if (!mr_digest_known(was))
		return mr_store_resolve(s, tag, out, found, err);
	rc = check_tag(tag, err);
	if (rc < 0)
		return rc;
	if (s->ops->still)
		rc = s->ops->still(s, tag, was, &now, found, same, err);
	else
		rc = mr_store_resolve(s, tag, &now, found, err);
	if (rc < 0 || !*found || *same)
		return rc;
	*same = mreg_digest_equal(&now.digest, was);
	if (!*same)
		*out = now;
	return 0;
}

/* A caller that got its own digest wrong must not publish anything. */
static int check_set(const char *reference, const struct mreg_desc *d,
		     const void *bytes, struct mreg_error *err)
{
	struct mreg_digest name, got;
	int rc;

	rc = check_reference(reference, &name, err);
	if (rc < 0)
		return rc;
	if (d->size > MR_MANIFEST_MAX_BYTES)
		return mr_fail(err, MREG_ELIMIT,
			       "manifest of %" PRIu64
			       " bytes is larger than %u",
			       d->size, MR_MANIFEST_MAX_BYTES);
	rc = mr_digest_of(bytes, (size_t)d->size, &got, err);
	if (rc < 0)
		return rc;
	if (!mreg_digest_equal(&got, &d->digest) ||
	    (mr_digest_known(&name) && !mreg_digest_equal(&name, &d->digest)))
		return mr_fail(err, MREG_EINTEGRITY,
			       "manifest '%s' does not have the digest it is "
			       "written under",
			       reference);
	return 0;
}

int mr_store_set(struct mr_store *s, const char *reference,
		 const struct mreg_desc *d, const void *bytes,
		 struct mr_list *missing, struct mreg_error *err)
{
	int rc;

	if (!s->ops->set)
		return unsupported(s, err);
	rc = check_set(reference, d, bytes, err);
	if (rc < 0)
		return rc;
	/* Before, for who is killed meanwhile; after, for who looks meanwhile.
	 */
	mr_store_note(s);
	rc = s->ops->set(s, reference, d, bytes, missing, err);
	mr_store_note(s);
	return rc;
}

int mr_store_untag(struct mr_store *s, const char *tag, struct mreg_error *err)
{
	int rc;

	if (!s->ops->untag)
		return unsupported(s, err);
	rc = check_tag(tag, err);
	if (rc < 0)
		return rc;
	mr_store_note(s);
	rc = s->ops->untag(s, tag, err);
	mr_store_note(s);
	return rc;
}

int mr_store_remove(struct mr_store *s, const struct mreg_digest *digest,
		    struct mreg_error *err)
{
	int rc;

	if (!s->ops->remove)
		return unsupported(s, err);
	mr_store_note(s);
	rc = s->ops->remove(s, digest, err);
	mr_store_note(s);
	return rc;
}

int mr_store_sweep(struct mr_store *s, struct mr_sweep *sweep,
		   struct mreg_error *err)
{
	sweep->able = s->ops->sweep != NULL;
	sweep->count = 0;
	sweep->bytes = 0;
	return sweep->able ? s->ops->sweep(s, sweep, err) : 0;
}

int mr_store_tags(struct mr_store *s, struct mr_list *out, bool *found,
		  struct mreg_error *err)
{
	*found = false;
	if (!s->ops->tags)
		return unsupported(s, err);
	return s->ops->tags(s, out, found, err);
}

bool mr_store_hollow(int rc, const struct mreg_error *err)
{
	return rc == MREG_EINTEGRITY && err->sys == MR_HOLLOW_STATUS;
}

bool mr_store_locks(const struct mr_store *s)
{
	return s->ops->lock != NULL;
}

int mr_store_lock(struct mr_store *s, struct mreg_error *err)
{
	return s->ops->lock ? s->ops->lock(s, err) : 0;
}

void mr_store_unlock(struct mr_store *s)
{
	if (s->ops->unlock)
		s->ops->unlock(s);
}

int mr_store_keep_manifest(struct mr_store *s, const struct mreg_desc *d,
			   const void *bytes, struct mr_manifest **out,
			   struct mr_list *missing, struct mreg_error *err)
{
	bool here = false;
	int rc;

	rc = mr_manifest_parse(bytes, (size_t)d->size, d->media_type, out, err);
	if (rc == 0)
		rc = mr_store_need_blobs(s, *out, missing, err);
	if (rc == 0)
		rc = mr_store_has(s, d, &here, err);
	if (rc == 0 && !here)
		rc = mr_store_put_bytes(s, d, bytes, err);
	return rc;
}

int mr_store_fail_tag(const char *tag, const struct mreg_desc *d,
		      const char *kind, const char *name, const char *hint,
		      struct mreg_error *err)
{
	char text[MREG_DIGEST_TEXT];

	if (d->size > MR_MANIFEST_MAX_BYTES)
		return mr_fail(err, MREG_ELIMIT,
			       "manifest '%s' has %" PRIu64
			       " bytes, more than %u",
			       tag, d->size, MR_MANIFEST_MAX_BYTES);
	(void)mr_fail(err, MREG_ENOTFOUND,
		      "tag '%s' names '%s', which is not in %s '%s'", tag,
		      mreg_digest_text(&d->digest, text), kind, name);
	return mr_hint(err, "%s", hint);
}
