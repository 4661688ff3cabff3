/*
 * remote_probe_manifest.c - what a registry does with manifests and tags,
 * tried with new ones; and their removal.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "content/digest.h"
#include "store/probe_wire.h"

#define DOCTOR_TYPE "application/vnd.mreg.doctor.v1+json"
#define DOCTOR_NOTE "org.mreg.doctor"
#define PUT_TRIES 3

/* -- manifests --------------------------------------------------------------
 */

/* A manifest that nobody has, with the empty blob; `pad` more bytes in it. */
static int make_manifest(struct mr_store *s, const struct mreg_desc *subject,
			 size_t pad, struct mr_buf *bytes, struct mreg_desc *d,
			 struct mreg_error *err)
{
	MR_AUTO(mr_free) char *filler = mr_alloc(pad + 1);
	struct mr_descriptor about = { .artifact_type = NULL };
	struct mr_descriptor empty = { .desc = mr_empty_desc };
	char body[MR_PROBE_BODY_BYTES];
	struct mreg_desc unused;
	struct mreg_pair notes[2] = { { DOCTOR_NOTE, body },
				      { DOCTOR_NOTE ".filler", filler } };
	struct mr_manifest_draft draft = {
		.artifact_type = DOCTOR_TYPE,
		.config = empty,
		.layers = &empty,
		.layer_count = 1,
		.annotations = { notes, pad ? 2 : 1 },
	};
	int rc = mr_probe_body(s, body, &unused, err);

	if (!filler)
		return mr_fail_nomem(err);
	if (rc < 0)
		return rc;
	memset(filler, 'x', pad);
	filler[pad] = '\0';
	if (subject) {
		about.desc = *subject;
		draft.subject = &about;
	}
	rc = mr_manifest_write(&draft, bytes, err);
	if (rc < 0)
		return rc;
	*d = (struct mreg_desc){ .media_type = MR_MEDIA_MANIFEST,
				 .size = bytes->len };
	return mr_digest_of(bytes->data, bytes->len, &d->digest, err);
}

static void drop(struct mr_list *list, const char *text)
{
	size_t i;

	for (i = 0; i < list->n; i++) {
		if (strcmp(list->items[i], text) != 0)
			continue;
		mr_release(list->items[i]);
		list->items[i] = list->items[--list->n];
		return;
	}
}

/*
 * PUT it under a reference; what came back is `*resp` when there is one.  It
 * is litter from the moment it is sent: who is interrupted does not know what
 * became of it.
 */
static int put(struct mr_store *s, const char *reference,
	       const struct mreg_desc *d, const struct mr_buf *bytes,
	       struct mr_litter *l, struct mr_probe *out,
	       struct mr_response **resp, struct mreg_error *err)
{
	struct mr_remote *r = mr_remote_of(s);
	char text[MREG_DIGEST_TEXT];
	unsigned int tries;
	int rc = mr_probe_keep(&l->manifests, &d->digest, err);

	*resp = NULL;
	if (rc < 0)
		return rc;
	for (tries = 1;; tries++) {
		MR_AUTO(mr_call_release) struct mr_call c = MR_CALL_INIT;

		mr_response_free(mr_steal(resp));
		rc = mr_remote_call(r, &c, MR_REMOTE_PUSH, "PUT", err,
				    "manifests/%s", reference);
		if (rc < 0)
			return rc;
		c.rq.content_type = d->media_type;
		c.rq.body = bytes->data;
		c.rq.body_len = bytes->len;
		rc = mr_probe_send(r->net, &c, out, resp, err);
		if (rc < 0 || !*resp)
			return rc;
		if (mr_probe_taken(*resp))
			return 0;
		if (((*resp)->status != 400 && (*resp)->status != 404) ||
		    tries == PUT_TRIES)
			break;
		/* GHCR may miss a blob that it has just taken. */
		rc = mr_sleep_ms(s->env, 250 << tries, err);
		if (rc < 0)
			return rc;
	}
	if (!mr_remote_transient((*resp)->status))
		drop(&l->manifests, mreg_digest_text(&d->digest, text));
	return 0;
}

static void make_tag(struct mr_store *s, const char *prefix, char out[129])
{
	uint32_t any = mr_random(s->env);

	if (strcmp(prefix, "v0") == 0)
		(void)snprintf(out, 129, "v0%010" PRIu32, any);
	else
		(void)snprintf(out, 129, "%sdoctor-%08" PRIx32, prefix, any);
}

/* Put a new manifest under a tag that is written for the first or the second
 * time. */
static int put_tag(struct mr_store *s, const char *tag, struct mr_litter *l,
		   struct mreg_desc *d, struct mr_probe *out,
		   struct mr_response **resp, struct mreg_error *err)
{
	MR_AUTO(mr_buf_release)
	struct mr_buf bytes = MR_BUF_INIT(MR_MANIFEST_MAX_BYTES);
	bool first = !mr_list_has(&l->tags, tag);
	int rc = make_manifest(s, NULL, 0, &bytes, d, err);

	*resp = NULL;
	if (rc >= 0 && first)
		rc = mr_list_add(&l->tags, tag, err);
	if (rc >= 0)
		rc = put(s, tag, d, &bytes, l, out, resp, err);
	if (rc >= 0 && first && *resp && !mr_probe_taken(*resp) &&
	    !mr_remote_transient((*resp)->status))
		drop(&l->tags, tag);
	return rc;
}

int mr_probe_publish(struct mr_store *s, struct mr_litter *l,
		     struct mr_sample *sample, struct mr_probe *out,
		     struct mreg_error *err)
{
	MR_AUTO(mr_response_freep) struct mr_response *resp = NULL;
	struct mreg_error why = MREG_ERROR_INIT;
	int rc;

	memset(sample, 0, sizeof(*sample));
	rc = mr_store_put_bytes(s, &mr_empty_desc, "{}", &why);
	if (rc < 0)
		return mr_probe_forgive(rc, &why, out, err);
	make_tag(s, "", sample->tag);
	rc = put_tag(s, sample->tag, l, &sample->manifest, out, &resp, err);
	if (rc < 0 || !resp || !mr_probe_taken(resp))
		memset(sample, 0, sizeof(*sample));
	if (rc < 0 || !resp)
		return rc;
	if (!mr_probe_taken(resp)) {
		mr_probe_refused(resp, MR_CAN_NO, "PUT of a manifest", out);
		return 0;
	}
	sample->blob = mr_empty_desc;
	mr_probe_say(out, MR_CAN_YES,
		     "takes a manifest of a type of mreg's own");
	return 0;
}

int mr_probe_subject(struct mr_store *s, const struct mr_sample *sample,
		     struct mr_litter *l, struct mr_probe *out,
		     struct mreg_error *err)
{
	MR_AUTO(mr_buf_release)
	struct mr_buf bytes = MR_BUF_INIT(MR_MANIFEST_MAX_BYTES);
	MR_AUTO(mr_response_freep) struct mr_response *resp = NULL;
	char text[MREG_DIGEST_TEXT];
	struct mreg_desc d;
	int rc = make_manifest(s, &sample->manifest, 0, &bytes, &d, err);

	if (rc >= 0)
		rc = put(s, mreg_digest_text(&d.digest, text), &d, &bytes, l,
			 out, &resp, err);
	if (rc < 0 || !resp)
		return rc;
	if (!mr_probe_taken(resp))
		mr_probe_refused(resp, MR_CAN_NO, "a manifest with a subject",
				 out);
	else if (mr_response_header(resp, "OCI-Subject"))
		mr_probe_say(out, MR_CAN_YES,
			     "takes a manifest with a subject and lists it "
			     "(OCI-Subject)");
	else
		mr_probe_say(out, MR_CAN_PARTLY,
			     "takes a manifest with a subject, without saying "
			     "that it is listed (no OCI-Subject)");
	return 0;
}

int mr_probe_tagging(struct mr_store *s, struct mr_litter *l,
		     struct mr_probe *out, struct mreg_error *err)
{
	MR_AUTO(mr_buf_release)
	struct mr_buf bytes = MR_BUF_INIT(MR_MANIFEST_MAX_BYTES);
	MR_AUTO(mr_response_freep) struct mr_response *resp = NULL;
	char reference[MREG_DIGEST_TEXT + 300];
	char text[MREG_DIGEST_TEXT];
	char tags[2][129];
	struct mreg_desc d;
	size_t i;
	int rc = make_manifest(s, NULL, 0, &bytes, &d, err);

	for (i = 0; rc >= 0 && i < MR_COUNT(tags); i++) {
		make_tag(s, "", tags[i]);
		rc = mr_list_add(&l->tags, tags[i], err);
	}
	if (rc < 0)
		return rc;
	(void)snprintf(reference, sizeof(reference), "%s?tag=%s&tag=%s",
		       mreg_digest_text(&d.digest, text), tags[0], tags[1]);
	rc = put(s, reference, &d, &bytes, l, out, &resp, err);
	if (rc < 0 || !resp)
		return rc;
	if (mr_probe_taken(resp) && mr_response_header(resp, "OCI-Tag")) {
		mr_probe_say(out, MR_CAN_YES, "tags while it takes a manifest");
		return 0;
	}
	/* After a 503 they may be there. */
	for (i = 0; i < MR_COUNT(tags) && !mr_remote_transient(resp->status);
	     i++)
		drop(&l->tags, tags[i]);
	if (mr_probe_taken(resp))
		mr_probe_say(out, MR_CAN_NO, "ignores tags beside a digest");
	else
		mr_probe_refused(resp, MR_CAN_NO, "tags beside a digest", out);
	return 0;
}

int mr_probe_move(struct mr_store *s, const char *prefix, struct mr_litter *l,
		  struct mr_probe *out, struct mreg_error *err)
{
	MR_AUTO(mr_response_freep) struct mr_response *first = NULL;
	MR_AUTO(mr_response_freep) struct mr_response *second = NULL;
	struct mreg_desc a, b, now;
	struct mreg_error why = MREG_ERROR_INIT;
	bool found;
	char tag[129];
	int rc;

	make_tag(s, prefix, tag);
	rc = put_tag(s, tag, l, &a, out, &first, err);
	if (rc < 0 || !first)
		return rc;
	if (!mr_probe_taken(first)) {
		mr_probe_refused(first, MR_CAN_UNKNOWN, "writing a tag", out);
		return 0;
	}
	rc = put_tag(s, tag, l, &b, out, &second, err);
	if (rc < 0 || !second)
		return rc;
	if (!mr_probe_taken(second)) {
		mr_probe_refused(second, MR_CAN_NO, "moving a tag", out);
		return 0;
	}
	rc = mr_store_resolve(s, tag, &now, &found, &why);
	if (rc < 0)
		return mr_probe_forgive(rc, &why, out, err);
	if (found && mreg_digest_equal(&now.digest, &b.digest))
		mr_probe_say(out, MR_CAN_YES,
			     "moves a tag when it is put "
			     "again");
	else
		mr_probe_say(out, MR_CAN_NO,
			     "takes the second PUT of a tag, but leaves it "
			     "where it was");
	return 0;
}

int mr_probe_untag(struct mr_store *s, const struct mr_sample *sample,
		   struct mr_litter *l, struct mr_probe *out,
		   struct mreg_error *err)
{
	struct mreg_error why = MREG_ERROR_INIT;
	const char *status;
	struct mreg_desc d;
	bool kept = false;
	char text[MREG_DIGEST_TEXT];
	int rc = mr_store_untag(s, sample->tag, &why);

	if (rc == MREG_EUNSUPPORTED) {
		status = strstr(why.cause, "(HTTP ");
		mr_probe_say(out, MR_CAN_NO, "does not delete a tag %.10s",
			     status ? status : "");
		return 0;
	}
	if (rc < 0)
		return mr_probe_forgive(rc, &why, out, err);
	drop(&l->tags, sample->tag);
	(void)mreg_digest_text(&sample->manifest.digest, text);
	rc = mr_store_resolve(s, text, &d, &kept, &why);
	if (rc < 0)
		return mr_probe_forgive(rc, &why, out, err);
	mr_probe_say(out, kept ? MR_CAN_YES : MR_CAN_PARTLY,
		     kept ? "deletes a tag and keeps its manifest"
			  : "deletes a tag, and the manifest with it");
	return 0;
}

int mr_probe_size(struct mr_store *s, size_t bytes, struct mr_litter *l,
		  struct mr_probe *out, struct mreg_error *err)
{
	MR_AUTO(mr_buf_release)
	struct mr_buf doc = MR_BUF_INIT(MR_MANIFEST_MAX_BYTES);
	MR_AUTO(mr_response_freep) struct mr_response *resp = NULL;
	char text[MREG_DIGEST_TEXT];
	char size[32];
	struct mreg_desc d;
	/* What stands around the filler. */
	int rc = make_manifest(s, NULL, bytes - 1024, &doc, &d, err);

	if (rc >= 0)
		rc = put(s, mreg_digest_text(&d.digest, text), &d, &doc, l, out,
			 &resp, err);
	if (rc < 0 || !resp)
		return rc;
	(void)mr_text_size(doc.len, size);
	if (mr_probe_taken(resp))
		mr_probe_say(out, MR_CAN_YES, "takes a manifest of %s", size);
	else
		mr_probe_refused(resp, MR_CAN_NO, size, out);
	return 0;
}

/* -- cleaning ---------------------------------------------------------------
 */

/* Nobody answers: what is left stays, rather than each piece of it taking as
 * long as this one. */
#define NO_ANSWER 1

/* Quay gives no token with `delete` in it, but deletes. */
static int remove_one(struct mr_remote *r, const char *kind, const char *digest,
		      bool *gone, struct mreg_error *err)
{
	static const enum mr_remote_right rights[] = { MR_REMOTE_DELETE,
						       MR_REMOTE_PUSH };
	struct mr_probe ignored;
	size_t i;
	int rc = 0;

	*gone = false;
	for (i = 0; rc >= 0 && !*gone && i < MR_COUNT(rights); i++) {
		MR_AUTO(mr_call_release) struct mr_call c = MR_CALL_INIT;
		MR_AUTO(mr_response_freep) struct mr_response *resp = NULL;

		rc = mr_remote_call(r, &c, rights[i], "DELETE", err, "%s/%s",
				    kind, digest);
		if (rc >= 0)
			rc = mr_probe_send(r->net, &c, &ignored, &resp, err);
		if (rc >= 0 && !resp)
			return NO_ANSWER;
		*gone = rc >= 0 && resp &&
			(mr_probe_taken(resp) || resp->status == 404);
		if (resp && resp->status != 401 && resp->status != 403)
			break;
	}
	return rc;
}

static int remove_all(struct mr_remote *r, const char *kind,
		      struct mr_list *list, struct mreg_error *err)
{
	size_t i = 0;
	int rc = 0;

	while (rc == 0 && i < list->n) {
		bool gone;

		rc = remove_one(r, kind, list->items[i], &gone, err);
		if (rc == 0 && gone)
			drop(list, list->items[i]);
		else
			i++;
	}
	return rc;
}

/* A tag that stays is at least no alias to anybody; where it may not be moved
 * either it stays what it is, which is told. */
static int bury(struct mr_store *s, const char *tag, struct mr_litter *l,
		struct mreg_error *err)
{
	struct mreg_error why = MREG_ERROR_INIT;
	struct mr_probe ignored;
	struct mreg_desc gone;
	const char *bytes = mr_tombstone(&gone, NULL);
	int rc = mr_store_set(s, tag, &gone, bytes, NULL, &why);

	if (rc == MREG_ENETWORK)
		return NO_ANSWER;
	if (rc < 0)
		l->unburied = true;
	return mr_probe_forgive(rc, &why, &ignored, err);
}

static int look_for_tags(struct mr_store *s, struct mr_litter *l,
			 struct mreg_error *err)
{
	size_t i = 0;

	while (i < l->tags.n) {
		struct mreg_error why = MREG_ERROR_INIT;
		struct mr_probe ignored;
		struct mreg_desc d;
		bool found = true;
		int rc =
			mr_store_resolve(s, l->tags.items[i], &d, &found, &why);

		if (mr_probe_forgive(rc, &why, &ignored, err) < 0)
			return rc;
		if (rc == MREG_ENETWORK)
			return NO_ANSWER;
		if (rc >= 0 && !found) {
			drop(&l->tags, l->tags.items[i]);
			continue;
		}
		rc = bury(s, l->tags.items[i++], l, err);
		if (rc != 0)
			return rc;
	}
	return 0;
}

static int remove_tags(struct mr_store *s, struct mr_litter *l,
		       struct mreg_error *err)
{
	size_t i = 0;
	int rc = 0;

	while (rc >= 0 && i < l->tags.n) {
		struct mreg_error why = MREG_ERROR_INIT;
		struct mr_probe ignored;
		int untagged = mr_store_untag(s, l->tags.items[i], &why);

		if (untagged >= 0 || untagged == MREG_ENOTFOUND)
			drop(&l->tags, l->tags.items[i]);
		else
			i++;
		rc = mr_probe_forgive(untagged, &why, &ignored, err);
		if (untagged == MREG_ENETWORK)
			return NO_ANSWER;
		if (untagged == MREG_EUNSUPPORTED)
			break; /* the manifests take them along, or not */
	}
	return rc;
}

static int clean(struct mr_store *s, struct mr_litter *l,
		 struct mreg_error *err)
{
	struct mr_remote *r = mr_remote_of(s);
	int rc = remove_tags(s, l, err);

	if (rc == 0)
		rc = remove_all(r, "manifests", &l->manifests, err);
	if (rc == 0)
		rc = remove_all(r, "blobs", &l->blobs, err);
	/* A tag may still be moved where nothing is deleted. */
	if (rc >= 0)
		rc = look_for_tags(s, l, err);
	if (rc == NO_ANSWER)
		l->unburied = true;
	return rc < 0 ? rc : 0;
}

static bool forget_cancel(struct mr_env *env)
{
	return env->cancel && atomic_exchange(env->cancel, false);
}

/*
 * Manifests by digest, the last one first: what has a subject before its
 * subject.  Their digests are ours alone, so no other tag goes with them; the
 * empty blob is everybody's and stays.
 *
 * An interruption, before or meanwhile, waits until this is done: else tags
 * would stay that look like aliases.  A second signal ends the program.
 */
int mr_probe_clean(struct mr_store *s, struct mr_litter *l,
		   struct mreg_error *err)
{
	struct mr_list *m = &l->manifests;
	bool stopped = forget_cancel(s->env);
	size_t i;
	int rc;

	for (i = 0; i < m->n / 2; i++) {
		char *last = m->items[m->n - 1 - i];

		m->items[m->n - 1 - i] = m->items[i];
		m->items[i] = last;
	}
	if (stopped)
		mr_log(s->env, MREG_LOG_WARN,
		       "interrupted: removing what was written to '%s'; "
		       "another signal ends at once",
		       s->name);
	rc = clean(s, l, err);
	if (rc == MREG_ECANCELED) {
		stopped = forget_cancel(s->env) || stopped;
		rc = clean(s, l, err);
	}
	if (stopped)
		atomic_store(s->env->cancel, true);
	return rc;
}

void mr_litter_release(struct mr_litter *l)
{
	mr_list_release(&l->tags);
	mr_list_release(&l->manifests);
	mr_list_release(&l->blobs);
}
