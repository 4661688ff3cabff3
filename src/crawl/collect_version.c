/*
 * collect_version.c - one version read: its manifest, config and README, and
 * what hangs on it.
 *
 * What is wrong with the version itself is a note beside it, so that nobody who
 * may push can stop an index; trouble with asking is an error.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "content/digest.h"
#include "crawl/collect.h"

/* Of a ModelPack config that honest tools write; larger ones are not kept. */
#define CONFIG_KEPT_BYTES (64u << 10)

void mr_read_version_release(struct mr_read_version *v)
{
	size_t i;

	v->look.s = NULL; /* the collector's */
	if (v->looked)
		mr_look_release(&v->look);
	v->looked = false;
	mr_attached_release(&v->attached);
	for (i = 0; i < MR_SIBLING_KINDS; i++)
		mr_manifest_freep(&v->siblings[i]);
	mr_release(v->card);
	v->card = NULL;
}

bool mr_collect_is_content(int rc)
{
	return rc == MREG_EFORMAT || rc == MREG_ELIMIT ||
	       rc == MREG_EINTEGRITY || rc == MREG_EUNSUPPORTED ||
	       rc == MREG_ENOTFOUND || rc == MREG_EUSAGE;
}

/* An error about the content as a note; others stay errors. */
static int note(char to[MR_COLLECT_NOTE], int rc, const struct mreg_error *why,
		struct mreg_error *err)
{
	if (rc >= 0)
		return 0;
	if (!mr_collect_is_content(rc)) {
		*err = *why;
		return rc;
	}
	(void)snprintf(to, MR_COLLECT_NOTE, "%s", why->msg);
	return 0;
}

static void count(struct mr_collect *c)
{
	atomic_fetch_add_explicit(&c->requests, 1, memory_order_relaxed);
}

/* -- the manifest ---------------------------------------------------------- */

static void take_manifest(struct mr_collect *c, struct mr_read_version *v,
			  struct mr_manifest *doc)
{
	if (v->looked)
		mr_manifest_free(v->look.manifest);
	else
		mr_buf_init(&v->look.config, MR_MANIFEST_MAX_BYTES);
	v->look.m = c->m;
	v->look.ref = *c->ref;
	v->look.s = c->s;
	v->look.manifest = doc;
	v->looked = true;
}

/* What v<N> has, whatever that is. */
static int get_tagged(struct mr_collect *c, struct mr_read_version *v,
		      struct mreg_error *err)
{
	MR_AUTO(mr_doc_release) struct mr_doc raw = MR_DOC_INIT;
	struct mreg_error why = MREG_ERROR_INIT;
	struct mr_manifest *doc = NULL;
	char text[MREG_DIGEST_TEXT];
	char tag[MR_COLLECT_TAG];
	bool found = false;
	int rc;

	(void)snprintf(tag, sizeof(tag), "v%" PRIu64, v->of->number);
	memset(&v->of->tagged, 0, sizeof(v->of->tagged));
	v->of->gone = true;
	count(c);
	rc = mr_store_get(c->s, tag, &raw, &found, &why);
	if (rc < 0)
		return note(v->note, rc, &why, err);
	if (!found)
		return 0;
	v->of->tagged = raw.desc.digest;
	rc = mr_manifest_parse(raw.bytes.data, raw.bytes.len,
			       raw.desc.media_type, &doc, &why);
	if (rc < 0)
		return note(v->note, rc, &why, err);
	if (mr_manifest_removed(doc)) {
		mr_manifest_free(doc);
		return 0;
	}
	mr_state_doc_put(c->m->state, mreg_digest_text(&doc->desc.digest, text),
			 doc->raw, doc->raw_len);
	v->of->gone = false;
	v->of->hang = true;
	v->put = true;
	take_manifest(c, v, doc);
	return 0;
}

/* Whether v<N> has what it had; else get what it has. */
static int ask_tagged(struct mr_collect *c, struct mr_read_version *v,
		      struct mreg_error *err)
{
	struct mreg_error why = MREG_ERROR_INIT;
	struct mreg_desc d;
	char tag[MR_COLLECT_TAG];
	bool found = false;
	bool same = false;
	int rc;

	if (!mr_digest_known(&v->of->known) || c->crawl->anew)
		return get_tagged(c, v, err);
	(void)snprintf(tag, sizeof(tag), "v%" PRIu64, v->of->number);
	count(c);
	rc = mr_store_still(c->s, tag, &v->of->tagged, &d, &found, &same, &why);
	if (rc < 0 || !same)
		/* Its trouble is that of the GET. */
		return get_tagged(c, v, err);
	return 0;
}

static int fetch(struct mr_collect *c, struct mr_read_version *v,
		 const struct mreg_digest *d, struct mreg_error *err)
{
	struct mreg_error why = MREG_ERROR_INIT;
	struct mr_manifest *doc = NULL;
	int rc = mr_manifest_fetch(c->m, c->s, d, &doc, &why);

	if (rc >= 0)
		take_manifest(c, v, doc);
	return note(v->note, rc, &why, err);
}

/* -- the config ------------------------------------------------------------ */

static void recall_config(struct mr_collect *c, struct mr_look *l)
{
	struct mreg_error ignored = MREG_ERROR_INIT;
	const struct mreg_digest *want = &l->manifest->config.desc.digest;
	char text[MREG_DIGEST_TEXT];
	struct mreg_digest is;

	if (mr_state_doc_get(c->m->state, mreg_digest_text(want, text),
			     &l->config) &&
	    mr_digest_of(l->config.data, l->config.len, &is, &ignored) >= 0 &&
	    mreg_digest_equal(&is, want))
		return;
	mr_buf_clear(&l->config);
}

/* What of it was understood is nothing that somebody wrote. */
static int forget_config(struct mr_look *l, struct mreg_error *err)
{
	struct mreg_error ignored = MREG_ERROR_INIT;
	int rc;

	mr_buf_clear(&l->config);
	mr_meta_freep(&l->meta);
	rc = mr_meta_new(&l->meta, err);
	if (rc >= 0)
		(void)mr_meta_read(l->manifest, l->meta, &ignored);
	return rc;
}

/* Metadata, of manifest and config; what the config was is kept, since a
 * version's life is told anew more often than it changes. */
static int read_meta(struct mr_collect *c, struct mr_read_version *v,
		     struct mreg_error *err)
{
	struct mreg_error why = MREG_ERROR_INIT;
	char text[MREG_DIGEST_TEXT];
	bool recalled;
	int rc;

	if (!v->look.manifest->is_index)
		recall_config(c, &v->look);
	recalled = v->look.config.len > 0;
	rc = mr_look_meta(&v->look, &why);
	v->configured = rc >= 0 && v->look.config.len > 0;
	if (rc < 0 && v->look.config.len && forget_config(&v->look, err) < 0)
		return MREG_ENOMEM;
	if (v->look.config.len && !recalled) {
		count(c);
		if (v->look.config.len <= CONFIG_KEPT_BYTES)
			mr_state_doc_put(
				c->m->state,
				mreg_digest_text(
					&v->look.manifest->config.desc.digest,
					text),
				v->look.config.data, v->look.config.len);
	}
	return note(v->note, rc, &why, err);
}

/* -- the text that is searched --------------------------------------------- */

/* Not within a character. */
static size_t cut(const char *text, size_t n)
{
	if (n <= MR_INDEX_CARD_MAX_BYTES)
		return n;
	n = MR_INDEX_CARD_MAX_BYTES;
	while (n && ((unsigned char)text[n] & 0xc0) == 0x80)
		n--;
	return n;
}

static int load_card(struct mr_collect *c, struct mr_read_version *v,
		     const struct mreg_desc *d, struct mreg_error *err)
{
	MR_AUTO(mr_buf_release)
	struct mr_buf raw = MR_BUF_INIT(MR_PARSED_FILE_MAX_BYTES);
	/* Each wrong byte becomes three. */
	MR_AUTO(mr_buf_release)
	struct mr_buf text = MR_BUF_INIT(4 * MR_PARSED_FILE_MAX_BYTES);
	struct mreg_error why = MREG_ERROR_INIT;
	size_t n;
	int rc;

	count(c);
	rc = mr_store_load(c->s, d, &raw, &why);
	if (rc < 0)
		return note(v->note, rc, &why, err);
	mr_look_text(&text, (const char *)raw.data, raw.len);
	rc = mr_buf_check(&text, "the card", err);
	if (rc < 0)
		return rc;
	n = cut(mr_buf_text(&text), text.len);
	if (n < text.len)
		(void)snprintf(v->note, sizeof(v->note),
			       "of its card only the first %zu bytes are "
			       "searched",
			       n);
	v->card = mr_strndup(mr_buf_text(&text), n);
	return v->card ? 0 : mr_fail_nomem(err);
}

static int read_card(struct mr_collect *c, struct mr_read_version *v,
		     struct mreg_error *err)
{
	const struct mr_model_layer *readme = mr_look_readme(&v->look);
	const struct mr_attached *card = NULL;

	if (!readme)
		card = mr_attached_card(&v->attached);
	if (!readme && !card)
		return 0;
	return load_card(c, v, readme ? &readme->desc : &card->files[0].desc,
			 err);
}

/* -- what hangs on it ------------------------------------------------------ */

static int get_sibling(struct mr_collect *c, struct mr_read_version *v,
		       size_t i, struct mreg_error *err)
{
	MR_AUTO(mr_doc_release) struct mr_doc raw = MR_DOC_INIT;
	struct mreg_error why = MREG_ERROR_INIT;
	char tag[MR_SIBLING_TAG];
	bool found = false;
	int rc;

	count(c);
	rc = mr_store_get(c->s, mr_sibling_tag(v->of->number, i, tag), &raw,
			  &found, &why);
	if (rc >= 0 && found)
		rc = mr_manifest_parse(raw.bytes.data, raw.bytes.len,
				       raw.desc.media_type, &v->siblings[i],
				       &why);
	if (rc >= 0 && v->siblings[i] && mr_manifest_removed(v->siblings[i]))
		mr_manifest_freep(&v->siblings[i]);
	return note(v->note_hang, rc, &why, err);
}

static int read_hanging(struct mr_collect *c, struct mr_read_version *v,
			struct mreg_error *err)
{
	struct mreg_error why = MREG_ERROR_INIT;
	size_t i;
	int rc;

	count(c);
	rc = mr_attached_list(c->m, c->s, &v->look.manifest->desc.digest, NULL,
			      &v->attached, &why);
	atomic_fetch_add(&c->requests, v->attached.count);
	rc = note(v->note_hang, rc, &why, err);
	if (rc >= 0 && v->attached.unread)
		(void)snprintf(v->note_hang, sizeof(v->note_hang),
			       "%zu documents cannot be read: %s",
			       v->attached.unread,
			       v->attached.why ? v->attached.why : "unknown");
	for (i = 0; rc >= 0 && i < MR_SIBLING_KINDS; i++)
		rc = get_sibling(c, v, i, err);
	return rc;
}

/* -- all of it ------------------------------------------------------------- */

static int read_files(struct mr_read_version *v, struct mreg_error *err)
{
	struct mreg_error why = MREG_ERROR_INIT;
	int rc = v->look.manifest->is_index ? 0 : mr_look_files(&v->look, &why);

	/* Artifacts of others hold whatever they like. */
	return rc == MREG_EUNSUPPORTED ? 0 : note(v->note, rc, &why, err);
}

/* What `v->look.manifest` leads to. */
static int read_content(struct mr_collect *c, struct mr_read_version *v,
			struct mreg_error *err)
{
	int rc = read_meta(c, v, err);

	if (rc >= 0 && v->of->hang)
		rc = read_hanging(c, v, err);
	if (rc >= 0 && (v->put || v->of->hang))
		rc = read_files(v, err);
	if (rc < 0)
		return rc;
	/* A card that hangs on it is part of what is written of it. */
	if (v->of->hang && !mr_look_readme(&v->look) &&
	    (v->of->documents || v->attached.count))
		v->put = true;
	return v->put ? read_card(c, v, err) : 0;
}

/* Where v<N> was moved the log's version counts, if it is still there. */
static int fetch_meant(struct mr_collect *c, struct mr_read_version *v,
		       struct mreg_error *err)
{
	const struct mreg_digest *d = mr_collect_meant(c, v->of);
	int rc;

	if (mreg_digest_equal(d, &v->look.manifest->desc.digest))
		return 0;
	rc = fetch(c, v, d, err);
	if (rc < 0 || v->note[0])
		return rc;
	mr_meta_freep(&v->look.meta);
	mr_release(v->look.files);
	v->look.files = NULL;
	v->look.count = 0;
	mr_buf_clear(&v->look.config);
	mr_attached_release(&v->attached);
	mr_release(v->card);
	v->card = NULL;
	v->put = v->of->hang = true;
	v->configured = false;
	return read_content(c, v, err);
}

int mr_collect_version(struct mr_collect *c, struct mr_read_version *v,
		       struct mreg_error *err)
{
	int rc = v->of->ask ? ask_tagged(c, v, err) : 0;

	if (rc < 0 || v->of->gone)
		return rc;
	if (!v->looked)
		rc = fetch(c, v, &v->of->known, err);
	if (rc < 0 || !v->looked)
		return rc;
	rc = read_content(c, v, err);
	return rc < 0 ? rc : fetch_meant(c, v, err);
}

int mr_collect_again(struct mr_collect *c, struct mr_read_version *v,
		     struct mr_manifest *doc, const void *config, size_t n,
		     bool filed, struct mreg_error *err)
{
	struct mreg_error ignored = MREG_ERROR_INIT;
	struct mr_look *l = &v->look;
	int rc;

	take_manifest(c, v, doc);
	if (n)
		mr_buf_add(&l->config, config, n);
	rc = mr_buf_check(&l->config, "a config", err);
	if (rc < 0)
		return rc;
	if (v->configured) {
		rc = mr_look_meta(l, err);
	} else {
		rc = mr_meta_new(&l->meta, err);
		/* What is wrong with it was noted. */
		if (rc >= 0)
			(void)mr_meta_read(doc, l->meta, &ignored);
	}
	return rc < 0 || !filed ? rc : mr_look_files(l, err);
}
