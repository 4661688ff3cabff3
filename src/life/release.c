/*
 * release.c - a name for a version that never moves.
 */
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/text.h"
#include "content/digest.h"
#include "history/history.h"
#include "mreg/alias.h"
#include "life/names.h"

#define SHOWN_BYTES 160

static int check_name(const char *release, struct mreg_error *err)
{
	char shown[SHOWN_BYTES];

	if (mr_tag_kind(release) == MR_TAG_RELEASE)
		return 0;
	(void)mr_fail(err, MREG_EUSAGE, "'%s' is no release name",
		      mr_text_safe(release, shown, sizeof(shown)));
	return mr_hint(err, "write X.Y.Z, such as 1.2.0 or 1.2.0-rc.1; names "
			    "that move are aliases");
}

static int run_locked(struct mreg *m, struct mr_store *s,
		      const struct mreg_ref *ref, const char *release,
		      bool dry_run, struct mreg_alias_result *out,
		      struct mreg_error *err)
{
	MR_AUTO(mr_history_release) struct mr_history h = { .found = false };
	struct mreg_desc d;
	bool there = false;
	bool changed;
	int rc = mr_target_resolve(s, ref, &d, err);

	if (rc >= 0)
		rc = mr_release_look(s, release, &d.digest, &there, err);
	if (rc < 0)
		return rc;
	out->digest = d.digest;
	out->changed = !there;
	if (there)
		out->was = d.digest;
	if (dry_run)
		return 0;
	if (!there)
		return mr_release_name(m, s, &h, ref, release, &d, NULL, err);
	/* An earlier run may have been killed before it moved those. */
	rc = mr_history_read(m, s, &h, err);
	return rc < 0 ? rc
		      : mr_siblings_move(m, s, &h, release, &d.digest, &changed,
					 err);
}

int mreg_release(struct mreg *m, const char *text, const char *release,
		 const struct mreg_release_opts *given,
		 struct mreg_alias_result *out, struct mreg_error *err)
{
	MR_AUTO(mr_store_closep) struct mr_store *s = NULL;
	struct mreg_release_opts o;
	struct mreg_desc d;
	struct mreg_ref ref;
	int rc = mr_name_begin(out, err);

	mr_opts_take(&o, sizeof(o), given, given->size);
	if (rc >= 0)
		rc = check_name(release, err);
	if (rc >= 0)
		rc = mr_target(m, text, &ref, &s, err);
	/* A version that is not there must not leave an empty store behind. */
	if (rc >= 0)
		rc = mr_subject_resolve(m, s, &ref, &d, err);
	if (rc >= 0 && !o.dry_run)
		rc = mr_store_lock(s, err);
	if (rc >= 0) {
		rc = run_locked(m, s, &ref, release, o.dry_run, out, err);
		if (!o.dry_run)
			mr_store_unlock(s);
		out->number = mr_tag_number(ref.tag);
	}
	if (rc >= 0)
		rc = mr_name_end(m, s, &ref, release, o.dry_run, out, err);
	if (rc < 0)
		mreg_alias_result_release(out);
	return rc;
}
