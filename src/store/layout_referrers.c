/*
 * layout_referrers.c - who names a manifest as its subject, where nobody
 * keeps a list of that: in a layout, folder or archive.
 *
 * Every entry of index.json is looked into, as oras does, whose `discover
 * --oci-layout` finds a document by its entry there and reads no fallback
 * tag; so a manifest with a subject gets an entry (layout.c) and no such tag
 * is kept.  regctl keeps fallback tags in layouts and gives what is listed
 * there no entry of its own; so what they list is looked into as well.
 */
#include "store/layout_entry.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "content/digest.h"

struct mr_subject {
	struct mreg_digest digest;
	struct mreg_digest subject; /* NONE: it has none */
	unsigned int walk;          /* the latest that met it */
};

/* One look through a layout. */
struct look {
	struct mr_store *store;   /* borrowed, as all of these */
	struct mr_subjects *seen; /* locked */
	const struct mreg_digest *subject;
	const char *artifact_type;
	struct mr_referrers *out;
};

void mr_subjects_init(struct mr_subjects *s)
{
	*s = (struct mr_subjects){ .items = NULL };
	(void)pthread_mutex_init(&s->lock, NULL); /* cannot fail on Linux */
}

void mr_subjects_release(struct mr_subjects *s)
{
	(void)pthread_mutex_destroy(&s->lock);
	json_decref(s->index);
	mr_release(s->items);
}

static int compare(const void *a, const void *b)
{
	const struct mr_subject *x = a, *y = b;

	return mr_digest_compare(&x->digest, &y->digest);
}

/* NULL: not looked at before this walk. */
static struct mr_subject *known(const struct mr_subjects *s,
				const struct mreg_digest *digest)
{
	const struct mr_subject key = { .digest = *digest };

	if (s->sorted == 0)
		return NULL;
	return bsearch(&key, s->items, s->sorted, sizeof(key), compare);
}

static int remember(struct mr_subjects *s, const struct mr_manifest *m,
		    const struct mreg_digest *digest, struct mreg_error *err)
{
	void *items = s->items;
	int rc;

	rc = mr_grow(&items, &s->cap, s->n + 1, sizeof(*s->items));
	if (rc < 0)
		return mr_fail_nomem(err);
	s->items = items;
	s->items[s->n] =
		(struct mr_subject){ .digest = *digest, .walk = s->walk };
	if (m && m->has_subject)
		s->items[s->n].subject = m->subject.desc.digest;
	s->n++;
	return 0;
}

/*
 * The manifest; NULL in `*out` when it is not there, or of a kind that has no
 * subject we could read.  Other bytes than its digest's are an error: they
 * could have been a referrer.
 */
static int load(struct mr_store *s, const char *reference,
		struct mr_manifest **out, bool *found, struct mreg_error *err)
{
	MR_AUTO(mr_doc_release) struct mr_doc doc = MR_DOC_INIT;
	struct mreg_error why = MREG_ERROR_INIT;
	int rc;

	*out = NULL;
	rc = mr_store_get(s, reference, &doc, found, err);
	if (rc < 0 || !*found)
		return rc;
	rc = mr_manifest_parse(mr_buf_text(&doc.bytes), doc.bytes.len,
			       doc.desc.media_type, out, &why);
	if (rc == MREG_ENOMEM)
		return mr_fail_nomem(err);
	return 0;
}

/* Know the subject of an entry; `*all` false: it is not there. */
static int meet(struct look *l, const struct mreg_digest *digest, bool *all,
		struct mreg_error *err)
{
	MR_AUTO(mr_manifest_freep) struct mr_manifest *m = NULL;
	struct mr_subject *old = known(l->seen, digest);
	char text[MREG_DIGEST_TEXT];
	bool found = false;
	int rc;

	if (old) {
		old->walk = l->seen->walk;
		return 0;
	}
	rc = load(l->store, mreg_digest_text(digest, text), &m, &found, err);
	if (rc == 0 && found)
		rc = remember(l->seen, m, digest, err);
	*all = *all && found;
	return rc;
}

static bool may_be_fallback(const char *tag)
{
	return tag && (mr_text_starts(tag, "sha256-") ||
		       mr_text_starts(tag, "sha512-"));
}

/* Meet all entries, if that was not done for this very index.  A log has many
 * of them, and is asked about each. */
static int walk(struct look *l, json_t *index, struct mreg_error *err)
{
	struct mr_subjects *seen = l->seen;
	bool all = true;
	json_t *entry;
	size_t i;
	int rc = 0;

	if (seen->index == index)
		return 0;
	json_decref(seen->index);
	seen->index = NULL;
	seen->fallbacks = false;
	seen->walk++;
	json_array_foreach(json_object_get(index, "manifests"), i, entry)
	{
		const char *text;
		struct mreg_digest digest;

		seen->fallbacks = seen->fallbacks ||
				  may_be_fallback(mr_entries_tag(entry));
		text = json_string_value(json_object_get(entry, "digest"));
		if (!text || mreg_digest_parse(text, &digest, NULL) < 0)
			continue;
		rc = mr_check_cancel(l->store->env, err);
		if (rc == 0)
			rc = meet(l, &digest, &all, err);
		if (rc < 0)
			break;
	}
	/* After an error too: what was looked at stays known. */
	if (seen->n > seen->sorted)
		qsort(seen->items, seen->n, sizeof(*seen->items), compare);
	seen->sorted = seen->n;
	if (rc == 0 && all)
		seen->index = json_incref(index);
	return rc;
}

static int look_at(struct look *l, const struct mreg_digest *digest,
		   struct mreg_error *err)
{
	MR_AUTO(mr_manifest_freep) struct mr_manifest *m = NULL;
	char text[MREG_DIGEST_TEXT];
	bool found = false;
	int rc;

	rc = load(l->store, mreg_digest_text(digest, text), &m, &found, err);
	if (rc < 0 || !m)
		return rc;
	return mr_referrers_look(l->out, m, l->subject, l->artifact_type, err);
}

static int look_at_entries(struct look *l, struct mreg_error *err)
{
	const struct mr_subjects *seen = l->seen;
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < seen->n; i++)
		if (seen->items[i].walk == seen->walk &&
		    mreg_digest_equal(&seen->items[i].subject, l->subject))
			rc = look_at(l, &seen->items[i].digest, err);
	return rc;
}

static int look_at_fallback(struct look *l, struct mreg_error *err)
{
	MR_AUTO(mr_manifest_freep) struct mr_manifest *m = NULL;
	char tag[MR_FALLBACK_TAG_BYTES];
	struct mreg_error why = MREG_ERROR_INIT;
	bool found = false;
	size_t i;
	int rc;

	rc = load(l->store, mr_fallback_tag(l->subject, tag), &m, &found, &why);
	if (rc == MREG_ENOMEM || rc == MREG_ECANCELED) {
		if (err)
			*err = why;
		return rc;
	}
	if (rc < 0) { /* nobody promised that it is right */
		mr_log(l->store->env, MREG_LOG_WARN,
		       "left out what tag '%s' lists: %s", tag, why.msg);
		return 0;
	}
	for (i = 0; m && i < m->child_count; i++) {
		rc = look_at(l, &m->children[i].desc.digest, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

int mr_entries_referrers(struct mr_store *s, json_t *index,
			 struct mr_subjects *seen,
			 const struct mreg_digest *subject,
			 const char *artifact_type, struct mr_referrers *out,
			 struct mreg_error *err)
{
	struct look l = {
		.store = s,
		.seen = seen,
		.subject = subject,
		.artifact_type = artifact_type,
		.out = out,
	};
	int rc;

	(void)pthread_mutex_lock(&seen->lock);
	rc = walk(&l, index, err);
	if (rc == 0)
		rc = look_at_entries(&l, err);
	if (rc == 0 && seen->fallbacks)
		rc = look_at_fallback(&l, err);
	(void)pthread_mutex_unlock(&seen->lock);
	return rc;
}
