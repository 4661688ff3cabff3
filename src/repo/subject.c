/*
 * subject.c - whether what a reference names may be a version: mreg's own
 * records lie beside versions, and anybody can name one by its digest.
 */
#include "repo/repo.h"

#include <strings.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/text.h"
#include "content/digest.h"

#define SHOWN_BYTES 200

static int fail_record(const char *name, struct mreg_error *err)
{
	char shown[SHOWN_BYTES];

	(void)mr_fail(err, MREG_EUSAGE,
		      "'%s' is one of mreg's own records, no version",
		      mr_text_safe(name, shown, sizeof(shown)));
	return mr_hint(err, "write NAME:v3; 'mreg ls NAME' lists versions");
}

int mr_subject_check(const struct mreg_ref *ref, const struct mr_manifest *doc,
		     struct mreg_error *err)
{
	static const char *const records[] = { MR_EVENT_ARTIFACT,
					       MR_POLICY_MEDIA };
	char text[MREG_DIGEST_TEXT];
	size_t i;

	if (ref->tag[0] && mr_tag_kind(ref->tag) == MR_TAG_RECORD)
		return fail_record(ref->tag, err);
	for (i = 0; doc && doc->artifact_type && i < MR_COUNT(records); i++)
		if (strcasecmp(doc->artifact_type, records[i]) == 0)
			return fail_record(
				mreg_digest_text(&doc->desc.digest, text), err);
	return 0;
}

int mr_subject_resolve(struct mreg *m, struct mr_store *s,
		       const struct mreg_ref *ref, struct mreg_desc *out,
		       struct mreg_error *err)
{
	MR_AUTO(mr_manifest_freep) struct mr_manifest *doc = NULL;
	int rc = mr_subject_check(ref, NULL, err);

	if (rc >= 0)
		rc = mr_target_resolve(s, ref, out, err);
	/* What a tag of another kind has is taken to be a version. */
	if (rc < 0 || ref->tag[0] || !mr_digest_known(&ref->digest))
		return rc;
	rc = mr_manifest_fetch(m, s, &out->digest, &doc, err);
	return rc < 0 ? rc : mr_subject_check(ref, doc, err);
}
