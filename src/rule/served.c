/*
 * served.c - a version as those that serve it name it: its number, the image of
 * it, and what it is.
 *
 * The version comes first and the image after it, by the version's number: an
 * alias and its sibling are two tags, and who asks for both while they are
 * moved may get one of each.
 */
#include "rule/served.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "content/digest.h"
#include "look/look.h"

#define TAG_BYTES 40 /* v<N>-image */
#define FLAVORS_TAG "flavors"

static const char *copy(struct mr_arena *a, const char *s)
{
	return s && s[0] ? mr_arena_strdup(a, s) : NULL;
}

/* -- the number ------------------------------------------------------------ */

static int find_number(struct mreg *m, const struct mr_look *l,
		       uint64_t *number, struct mreg_error *err)
{
	MR_AUTO(mr_history_release) struct mr_history h = { .ledger = NULL };
	const struct mreg_digest *d = &l->manifest->desc.digest;
	int rc;

	*number = mr_number_recall(m, l->s, d);
	if (*number)
		return 0;
	rc = mr_history_read(m, l->s, &h, err);
	if (rc >= 0)
		rc = mr_log_any_number(m, l->s, &h, d, number, err);
	if (rc < 0)
		return mr_wrap(err, "cannot tell which version of '%s' it is",
			       l->s->label);
	if (*number)
		mr_number_remember(m, l->s, d, *number);
	return 0;
}

/* -- the image ------------------------------------------------------------- */

/* An image, or an index of some. */
static bool is_image(const struct mr_manifest *m)
{
	size_t i;

	if (!m->is_index)
		return mr_model_is_image(m);
	for (i = 0; !m->artifact_type && i < m->child_count; i++)
		if (m->children[i].os &&
		    strcmp(m->children[i].os, "unknown") != 0)
			return true;
	return false;
}

static int fail_no_image(const struct mr_look *l, uint64_t number,
			 struct mreg_error *err)
{
	if (!number) {
		(void)mr_fail(err, MREG_ENOTFOUND,
			      "it has no version number in '%s', so no image "
			      "is known of it",
			      l->s->label);
		return mr_hint(err, "name a version that 'mreg ls' lists");
	}
	(void)mr_fail(err, MREG_ENOTFOUND,
		      "there is no image of v%" PRIu64 " in '%s'", number,
		      l->s->label);
	return mr_hint(err, "'mreg image %.100s:v%" PRIu64 "' makes it",
		       l->s->label, number);
}

/* Somebody may have written the tag without mreg. */
static int check_image(struct mreg *m, const struct mr_look *l, const char *tag,
		       const struct mreg_digest *image, struct mreg_error *err)
{
	MR_AUTO(mr_manifest_freep) struct mr_manifest *doc = NULL;
	char text[MREG_DIGEST_TEXT];
	const char *from;
	int rc = mr_manifest_fetch(m, l->s, image, &doc, err);

	if (rc < 0)
		return rc;
	if (!is_image(doc)) {
		(void)mr_fail(err, MREG_EFORMAT, "'%s' in '%s' is no image",
			      tag, l->s->label);
		return mr_hint(err, "it was written without mreg: remove it, "
				    "then make it anew with 'mreg image'");
	}
	from = mr_annotation(&doc->annotations, MR_ANNOTATION_DERIVED);
	(void)mreg_digest_text(&l->manifest->desc.digest, text);
	if (!from) {
		mr_log(&m->env, MREG_LOG_WARN,
		       "'%s' in '%s' does not say of which version it is", tag,
		       l->s->label);
		return 0;
	}
	if (strcmp(from, text) == 0)
		return 0;
	(void)mr_fail(err, MREG_ECONFLICT,
		      "'%s' in '%s' is an image of another version", tag,
		      l->s->label);
	return mr_hint(err, "it says it is of %.100s", from);
}

static int find_image(struct mreg *m, const struct mr_look *l, uint64_t number,
		      struct mreg_digest *out, struct mreg_error *err)
{
	struct mreg_desc image;
	char tag[TAG_BYTES];
	bool found;
	int rc;

	if (!number)
		return fail_no_image(l, number, err);
	(void)snprintf(tag, sizeof(tag), "v%" PRIu64 "-image", number);
	rc = mr_tag_resolve(l->s, tag, &image, &found, err);
	if (rc < 0)
		return rc;
	if (!found)
		return fail_no_image(l, number, err);
	*out = image.digest;
	return check_image(m, l, tag, out, err);
}

bool mr_image_version(const struct mr_manifest *m, struct mreg_digest *version)
{
	struct mreg_error ignored = MREG_ERROR_INIT;
	const char *from;

	version->algorithm = MREG_DIGEST_NONE;
	if (!is_image(m))
		return false;
	from = mr_annotation(&m->annotations, MR_ANNOTATION_DERIVED);
	if (from && mreg_digest_parse(from, version, &ignored) < 0)
		version->algorithm = MREG_DIGEST_NONE;
	return true;
}

/* What was named may be an image: that, and the version it is of.  Whoever made
 * it without mreg has made something that can be served all the same. */
static int take_image(struct mr_look *l, struct mreg_served *out,
		      struct mreg_error *err)
{
	struct mreg_digest version;

	if (!mr_image_version(l->manifest, &version))
		return 0;
	out->image = l->manifest->desc.digest;
	return mr_digest_known(&version) ? mr_look_child(l, &version, err) : 0;
}

/* -- what it is ------------------------------------------------------------ */

static int read_facts(struct mr_look *l, struct mr_arena *a,
		      struct mreg_served *out, struct mreg_error *err)
{
	const struct mr_meta *meta;
	size_t i;
	int rc;

	if (l->manifest->is_index)
		return 0;
	rc = mr_look_meta(l, err);
	if (rc < 0)
		return rc;
	meta = l->meta;
	out->format = copy(a, meta->format);
	out->family = copy(a, meta->family);
	for (i = 0; i < meta->tag_count; i++)
		if (strcmp(meta->tags[i].name, FLAVORS_TAG) == 0)
			out->flavors = copy(a, meta->tags[i].value);
	return 0;
}

static int fail_local(const struct mr_look *l, struct mreg_error *err)
{
	(void)mr_fail(err, MREG_EUNSUPPORTED,
		      "'%s' is in a local store, which no cluster and no "
		      "build can reach",
		      l->s->label);
	return mr_hint(err, "'mreg copy' takes it to a registry");
}

int mr_served(struct mreg *m, const struct mreg_ref *ref,
	      const struct mreg_digest *d, bool image, struct mr_arena *a,
	      struct mreg_served *out, struct mreg_error *err)
{
	MR_AUTO(mr_look_release) struct mr_look l;
	struct mreg_ref pinned = *ref;
	int rc;

	memset(out, 0, sizeof(*out));
	pinned.digest = *d;
	rc = mr_look_open_ref(m, &pinned, &l, err);
	if (rc >= 0 && l.ref.dir[0])
		rc = fail_local(&l, err);
	if (rc >= 0)
		rc = take_image(&l, out, err);
	if (rc < 0)
		return rc;
	out->digest = l.manifest->desc.digest;
	out->number = mr_tag_number(ref->tag);
	if (!out->number && !mreg_digest_equal(&out->image, &out->digest))
		rc = find_number(m, &l, &out->number, err);
	if (rc >= 0 && image && !mr_digest_known(&out->image))
		rc = find_image(m, &l, out->number, &out->image, err);
	return rc < 0 ? rc : read_facts(&l, a, out, err);
}
