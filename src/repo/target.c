/*
 * target.c - from a reference as typed to the store and the manifest it names.
 */
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "content/digest.h"
#include "repo/repo.h"

int mr_target_parse(struct mreg *m, const char *text, struct mreg_ref *out,
		    struct mreg_error *err)
{
	const char *store = mr_setting(m, "store");
	const char *prefix = mr_setting(m, "registry");
	int rc = mr_ref_parse(text, out, err);

	if (rc < 0)
		return rc;
	if (!store[0] && !prefix[0] && !out->host[0] && !out->dir[0]) {
		(void)mr_fail(err, MREG_EUSAGE,
			      "there is no place for the local store");
		return mr_hint(err, "set MREG_STORE, HOME or XDG_DATA_HOME");
	}
	rc = mr_ref_complete(out, prefix, store, err);
	return rc < 0 ? rc : mr_place_settle(out, err);
}

/* Whether short names mean the store this reference is in. */
static bool is_default_store(const struct mreg *m, const struct mreg_ref *ref)
{
	struct mreg_error ignored = MREG_ERROR_INIT;
	struct mreg_ref same = { .tag = "" };

	if (!ref->dir[0] || mr_setting(m, "registry")[0])
		return false;
	(void)snprintf(same.repository, sizeof(same.repository), "%s",
		       ref->repository);
	return mr_ref_complete(&same, NULL, mr_setting(m, "store"), &ignored) >=
		       0 &&
	       mr_place_settle(&same, &ignored) >= 0 &&
	       strcmp(same.dir, ref->dir) == 0;
}

const char *mr_target_text(const struct mreg *m, const struct mreg_ref *ref,
			   char out[MREG_REF_TEXT])
{
	struct mreg_ref shown = *ref;

	if (is_default_store(m, ref))
		shown.dir[0] = '\0';
	return mr_ref_text(&shown, out);
}

const char *mr_target_name(const struct mreg *m, const struct mreg_ref *ref,
			   char out[MREG_REF_TEXT])
{
	struct mreg_ref bare = *ref;

	bare.tag[0] = '\0';
	memset(&bare.digest, 0, sizeof(bare.digest));
	return mr_target_text(m, &bare, out);
}

const char *mr_target_pinned(const struct mreg *m, const struct mreg_ref *ref,
			     const struct mreg_digest *d,
			     char out[MREG_REF_TEXT])
{
	struct mreg_ref pinned = *ref;

	pinned.tag[0] = '\0';
	pinned.digest = *d;
	return mr_target_text(m, &pinned, out);
}

static int open_place(struct mreg *m, const struct mreg_ref *ref,
		      struct mr_store **out, struct mreg_error *err)
{
	struct mr_net *net;
	int rc;

	if (ref->dir[0])
		return mr_layout_open(&m->env, ref->dir, ref->repository, out,
				      err);
	rc = mr_session_net(m, &net, err);
	if (rc < 0)
		return rc;
	rc = mr_remote_open(&m->env, net, ref->host, ref->repository, out, err);
	if (rc >= 0)
		mr_remote_lock_folder(*out, m->locks);
	return rc;
}

int mr_target_open(struct mreg *m, const struct mreg_ref *ref,
		   struct mr_store **out, struct mreg_error *err)
{
	char text[MREG_REF_TEXT];
	int rc = open_place(m, ref, out, err);

	if (rc < 0)
		return rc;
	mr_store_mark(*out, m->state);
	(*out)->label = mr_strdup(mr_target_name(m, ref, text));
	if (!(*out)->label) {
		mr_store_closep(out);
		return mr_fail_nomem(err);
	}
	return 0;
}

int mr_target(struct mreg *m, const char *text, struct mreg_ref *ref,
	      struct mr_store **out, struct mreg_error *err)
{
	int rc = mr_target_parse(m, text, ref, err);

	return rc < 0 ? rc : mr_target_open(m, ref, out, err);
}

int mr_target_demand(const struct mreg *m, const struct mreg_ref *ref,
		     bool asked, struct mreg_error *err)
{
	char name[MREG_REF_TEXT];

	if (mr_digest_known(&ref->digest) ||
	    (!asked && !mr_setting_is_true(m, "require.digest")))
		return 0;
	(void)mr_target_text(m, ref, name);
	(void)mr_fail(err, MREG_EPOLICY,
		      "'%.150s' is not named by its digest, which is required",
		      name);
	return mr_hint(err, asked ? "write NAME@DIGEST"
				  : "write NAME@DIGEST; the setting "
				    "require.digest (MREG_REQUIRE_DIGEST) "
				    "asks for it");
}

const char *mr_target_reference(const struct mreg_ref *ref, char *buf)
{
	if (mr_digest_known(&ref->digest))
		return mreg_digest_text(&ref->digest, buf);
	return ref->tag[0] ? ref->tag : "latest";
}

/* The nearest tag a user may have meant; NULL: none. */
static const char *nearest_tag(const struct mr_list *tags, const char *word)
{
	MR_AUTO(mr_free) const char **words = NULL;
	size_t n = 0;
	size_t i;

	words = mr_array(tags->n + 1, sizeof(*words));
	if (!words)
		return NULL;
	for (i = 0; i < tags->n; i++)
		if (mr_tag_kind(tags->items[i]) != MR_TAG_RECORD &&
		    strcmp(tags->items[i], word) != 0) /* a tombstone */
			words[n++] = tags->items[i];
	return mr_text_nearest(word, words);
}

int mr_target_missing(struct mr_store *s, const struct mreg_ref *ref,
		      struct mreg_error *err)
{
	MR_AUTO(mr_list_release) struct mr_list tags = { .n = 0 };
	struct mreg_error ignored = MREG_ERROR_INIT;
	char text[MREG_DIGEST_TEXT];
	const char *what = mr_target_reference(ref, text);
	const char *near = NULL;
	bool found = true;

	/* Only to explain; a registry that cannot list has said enough. */
	if (mr_store_tags(s, &tags, &found, &ignored) < 0)
		found = true;
	if (!found) {
		(void)mr_fail(err, MREG_ENOTFOUND, "no such model '%s'",
			      s->label);
		return mr_hint(err, ref->dir[0] ? "'mreg ls' lists the models "
						  "here; is --registry right?"
						: "check the name, and that "
						  "you may read it");
	}
	if (mr_digest_known(&ref->digest))
		return mr_fail(err, MREG_ENOTFOUND, "no version '%s' in '%s'",
			       what, s->label);
	(void)mr_fail(err, MREG_ENOTFOUND, "no tag '%s' in '%s'", what,
		      s->label);
	near = nearest_tag(&tags, what);
	if (near)
		return mr_hint(err, "did you mean '%s'?", near);
	if (mr_text_ends(s->label, MR_POLICY_REPOSITORY))
		return mr_hint(err,
			       "it holds a policy: mreg policy show %.100s",
			       s->label);
	return mr_hint(err, "'mreg ls %.100s' lists versions and aliases",
		       s->label);
}

static int check_both(const struct mreg_ref *ref, struct mr_store *s,
		      struct mreg_error *err)
{
	struct mreg_desc tagged;
	bool found;
	int rc;

	if (!ref->tag[0] || !mr_digest_known(&ref->digest))
		return 0;
	rc = mr_tag_resolve(s, ref->tag, &tagged, &found, err);
	if (rc < 0)
		return rc;
	if (!found) {
		struct mreg_ref tag_only = *ref;

		memset(&tag_only.digest, 0, sizeof(tag_only.digest));
		return mr_target_missing(s, &tag_only, err);
	}
	if (!mreg_digest_equal(&tagged.digest, &ref->digest)) {
		(void)mr_fail(err, MREG_ECONFLICT,
			      "tag '%s' in '%s' has another digest", ref->tag,
			      s->label);
		return mr_hint(err, "leave out the tag or the digest");
	}
	return 0;
}

/* The fixed tombstone stands for "no such tag". */
static bool is_tombstone(const struct mreg_desc *d)
{
	struct mreg_desc gone;

	(void)mr_tombstone(&gone, NULL);
	return mreg_digest_equal(&gone.digest, &d->digest);
}

int mr_tag_resolve(struct mr_store *s, const char *tag, struct mreg_desc *out,
		   bool *found, struct mreg_error *err)
{
	struct mreg_error why = MREG_ERROR_INIT;
	int rc = mr_store_resolve(s, tag, out, found, &why);

	/* Then it is as good as removed, and whoever writes it mends it. */
	if (mr_store_hollow(rc, &why)) {
		mr_log(s->env, MREG_LOG_WARN, "%s", why.msg);
		*found = false;
		return 0;
	}
	if (rc < 0 && err)
		*err = why;
	if (rc >= 0 && *found && is_tombstone(out))
		*found = false;
	return rc;
}

int mr_target_resolve(struct mr_store *s, const struct mreg_ref *ref,
		      struct mreg_desc *out, struct mreg_error *err)
{
	char buf[MREG_DIGEST_TEXT];
	bool found;
	int rc = check_both(ref, s, err);

	if (rc < 0)
		return rc;
	rc = mr_tag_resolve(s, mr_target_reference(ref, buf), out, &found, err);
	if (rc < 0)
		return rc;
	return found ? 0 : mr_target_missing(s, ref, err);
}

int mr_target_manifest(struct mreg *m, struct mr_store *s,
		       const struct mreg_ref *ref, struct mr_manifest **out,
		       struct mreg_error *err)
{
	MR_AUTO(mr_manifest_freep) struct mr_manifest *doc = NULL;
	MR_AUTO(mr_doc_release) struct mr_doc raw = MR_DOC_INIT;
	char buf[MREG_DIGEST_TEXT];
	bool found;
	int rc = check_both(ref, s, err);

	if (rc < 0)
		return rc;
	rc = mr_store_get(s, mr_target_reference(ref, buf), &raw, &found, err);
	if (rc < 0)
		return rc;
	if (!found || is_tombstone(&raw.desc))
		return mr_target_missing(s, ref, err);
	rc = mr_manifest_parse(raw.bytes.data, raw.bytes.len,
			       raw.desc.media_type, &doc, err);
	if (rc < 0)
		return mr_wrap(err, "cannot use '%s' in '%s'",
			       mr_target_reference(ref, buf), s->label);
	mr_state_doc_put(m->state, mreg_digest_text(&doc->desc.digest, buf),
			 doc->raw, doc->raw_len);
	*out = mr_steal(&doc);
	return 0;
}

/* From state, if what is there still hashes to `d`. */
static struct mr_manifest *remembered(struct mreg *m,
				      const struct mreg_digest *d)
{
	MR_AUTO(mr_buf_release)
	struct mr_buf b = MR_BUF_INIT(MR_MANIFEST_MAX_BYTES);
	struct mreg_error ignored = MREG_ERROR_INIT;
	struct mr_manifest *doc = NULL;
	char text[MREG_DIGEST_TEXT];

	if (!mr_state_doc_get(m->state, mreg_digest_text(d, text), &b) ||
	    mr_manifest_parse(b.data, b.len, NULL, &doc, &ignored) < 0)
		return NULL;
	if (mreg_digest_equal(&doc->desc.digest, d))
		return doc;
	mr_manifest_free(doc);
	return NULL;
}

int mr_manifest_fetch(struct mreg *m, struct mr_store *s,
		      const struct mreg_digest *d, struct mr_manifest **out,
		      struct mreg_error *err)
{
	MR_AUTO(mr_doc_release) struct mr_doc raw = MR_DOC_INIT;
	char text[MREG_DIGEST_TEXT];
	struct mreg_ref ref = { .digest = *d };
	bool found;
	int rc;

	*out = remembered(m, d);
	if (*out)
		return 0;
	rc = mr_store_get(s, mreg_digest_text(d, text), &raw, &found, err);
	if (rc < 0)
		return rc;
	if (!found)
		return mr_target_missing(s, &ref, err);
	rc = mr_manifest_parse(raw.bytes.data, raw.bytes.len,
			       raw.desc.media_type, out, err);
	if (rc < 0)
		return mr_wrap(err, "cannot use '%s' in '%s'", text, s->label);
	mr_state_doc_put(m->state, text, (*out)->raw, (*out)->raw_len);
	return 0;
}

static int tag_fetched(struct mr_store *s, const char *tag,
		       const struct mreg_desc *d, struct mreg_error *err)
{
	MR_AUTO(mr_doc_release) struct mr_doc doc = MR_DOC_INIT;
	char text[MREG_DIGEST_TEXT];
	bool found;
	int rc;

	(void)mreg_digest_text(&d->digest, text);
	rc = mr_store_get(s, text, &doc, &found, err);
	if (rc < 0)
		return rc;
	if (!found)
		return mr_fail(err, MREG_ENOTFOUND, "no version '%s' in '%s'",
			       text, s->label);
	return mr_store_set(s, tag, &doc.desc, doc.bytes.data, NULL, err);
}

int mr_tag_set(struct mr_store *s, const char *tag, const struct mreg_desc *d,
	       const void *bytes, struct mreg_error *err)
{
	struct mreg_desc now;
	bool found;
	int rc;

	if (bytes)
		rc = mr_store_set(s, tag, d, bytes, NULL, err);
	else
		rc = tag_fetched(s, tag, d, err);
	if (rc >= 0)
		rc = mr_store_resolve(s, tag, &now, &found, err);
	if (rc < 0)
		return rc;
	if (found && mreg_digest_equal(&now.digest, &d->digest))
		return 0;
	(void)mr_fail(err, MREG_ECONFLICT,
		      "tag '%s' in '%s' was moved by someone else meanwhile",
		      tag, s->label);
	return mr_hint(err, "look with 'mreg resolve', then run it again");
}
