/*
 * make.c - mreg_image: one version opened, put into another profile, and named.
 */
#include <inttypes.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "content/digest.h"
#include "look/look.h"
#include "profile/profile.h"

struct making {
	struct mreg *m;
	const struct mreg_image_opts *o;
	struct mr_look look;        /* owned */
	struct mr_history h;        /* owned */
	struct mr_profile *profile; /* owned */
	uint64_t number;
};

static void making_release(struct making *k)
{
	mr_profile_close(k->profile);
	mr_history_release(&k->h);
	mr_look_release(&k->look);
}

static int fail_no_version(const struct making *k, const char *why,
			   struct mreg_error *err)
{
	char name[MREG_REF_TEXT];

	(void)mr_fail(err, MREG_EUNSUPPORTED, "'%s' %s",
		      mr_target_text(k->m, &k->look.ref, name), why);
	return mr_hint(err,
		       "name a version, or an alias of one: 'mreg ls "
		       "%.100s' lists them",
		       k->look.s->label);
}

static int open_version(struct making *k, const char *ref,
			struct mreg_error *err)
{
	int rc = mr_look_open(k->m, ref, &k->look, err);

	if (rc >= 0)
		rc = mr_subject_check(&k->look.ref, k->look.manifest, err);
	if (rc < 0)
		return rc;
	if (mr_tag_kind(k->look.ref.tag) == MR_TAG_SIBLING)
		return fail_no_version(k,
				       "is a version in another profile "
				       "already",
				       err);
	if (k->look.manifest->is_index)
		return fail_no_version(k, "is an index, no version", err);
	return 0;
}

/* A tag v<N> that was moved without mreg has what is not N's, and v<N>-image
 * would be made of it for good. */
static int check_owner(struct making *k, struct mreg_error *err)
{
	const struct mreg_digest *has = &k->look.manifest->desc.digest;
	const struct mr_event *owner;
	char text[MREG_DIGEST_TEXT];

	owner = k->h.ledger ? mr_ledger_owner(k->h.ledger, k->number, has)
			    : NULL;
	if (!owner || mreg_digest_equal(&owner->version, has))
		return 0;
	(void)mr_fail(err, MREG_ECONFLICT,
		      "'%s:v%" PRIu64 "' was moved without mreg: its log has "
		      "%s there",
		      k->look.s->label, k->number,
		      mreg_digest_text(&owner->version, text));
	return mr_hint(err, "'mreg alias repair %.100s' puts the tag back",
		       k->look.s->label);
}

/* What has none was not made by mreg, or is one of several attempts at once;
 * its sibling would have no name. */
static int find_number(struct making *k, struct mreg_error *err)
{
	int rc = mr_history_read(k->m, k->look.s, &k->h, err);

	k->number = mr_tag_number(k->look.ref.tag);
	if (rc >= 0 && !k->number)
		rc = mr_log_any_number(k->m, k->look.s, &k->h,
				       &k->look.manifest->desc.digest,
				       &k->number, err);
	else if (rc >= 0)
		rc = check_owner(k, err);
	if (rc < 0 || k->number)
		return rc;
	(void)fail_no_version(k, "has no number", err);
	return mr_hint(err, "pull it, then push its files: that makes a "
			    "version of them");
}

static int name_it(struct making *k, struct mreg_error *err)
{
	int rc = mr_store_lock(k->look.s, err);

	if (rc < 0)
		return rc;
	rc = mr_profile_tag(k->profile, k->number, err);
	/* Aliases may have moved while layers were sent. */
	if (rc >= 0)
		rc = mr_history_read(k->m, k->look.s, &k->h, err);
	if (rc >= 0)
		rc = mr_profile_names(k->profile, &k->h, err);
	mr_store_unlock(k->look.s);
	return rc;
}

static int run(struct making *k, const char *ref, struct mreg_error *err)
{
	int rc = mr_profile_check(k->o->profile, err);

	if (rc >= 0)
		rc = open_version(k, ref, err);
	if (rc >= 0)
		rc = find_number(k, err);
	if (rc >= 0)
		rc = mr_look_meta(&k->look, err);
	if (rc >= 0)
		rc = mr_profile_open(k->m, &k->look.ref, k->look.manifest,
				     k->look.meta, k->look.s, k->look.s, k->o,
				     &k->profile, err);
	if (rc >= 0)
		rc = mr_profile_look(k->profile, k->number, err);
	if (rc < 0 || k->o->dry_run)
		return rc;
	rc = mr_profile_send(k->profile, err);
	return rc < 0 ? rc : name_it(k, err);
}

int mreg_image(struct mreg *m, const char *ref,
	       const struct mreg_image_opts *given,
	       struct mreg_image_result *out, struct mreg_error *err)
{
	struct mreg_progress end = { .kind = MREG_PROGRESS_END, .label = "" };
	MR_AUTO(making_release) struct making k = { .m = m };
	struct mr_arena *arena;
	struct mreg_image_opts o;
	int rc;

	memset(out, 0, sizeof(*out));
	mr_opts_take(&o, sizeof(o), given, given->size);
	k.o = &o;
	rc = mr_result_arena(&arena, err);
	if (rc < 0)
		return rc;
	out->owner = arena;
	rc = run(&k, ref, err);
	if (rc >= 0)
		rc = mr_profile_result(k.profile, arena, out, err);
	mr_progress(&m->env, &end);
	if (rc < 0)
		mreg_image_result_release(out);
	return rc;
}

void mreg_image_result_release(struct mreg_image_result *r)
{
	mr_arena_free(r->owner);
	memset(r, 0, sizeof(*r));
}
