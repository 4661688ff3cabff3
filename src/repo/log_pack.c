/*
 * log_pack.c - many events with a few requests: those that other events carry
 * (spec/events.md, "Packs").
 *
 * Nothing in a pack is believed: a line is an event of the log when the digest
 * of the manifest that it makes is in the name of a tag that was listed, or,
 * since tags of a linear log have no digest, when the event after it names it.
 * So lines are read from the last one up.
 */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/task.h"
#include "base/text.h"
#include "repo/repo.h"

/* Of an event's manifest: its JSON in quotes, and the rest. */
#define EVENT_MAX_BYTES (4 * MR_EVENT_MAX_BYTES)

struct packs {
	struct mreg *m;
	struct mr_store *s;
	const char *const *tags; /* sorted */
	struct mr_doc *docs;
	size_t n;
	size_t *carriers; /* owned; indexes of events that may carry one */
	size_t carrier_count;
	struct mr_buf blobs[MR_LOOKUP_JOBS]; /* of those being read */
	size_t first;                        /* carrier of blobs[0] */
};

static void packs_release(struct packs *p)
{
	size_t i;

	mr_release(p->carriers);
	for (i = 0; i < MR_LOOKUP_JOBS; i++)
		mr_buf_release(&p->blobs[i]);
}

static int find_carriers(struct packs *p, struct mreg_error *err)
{
	uint64_t seq;
	size_t i;

	p->carriers = mr_array(p->n + 1, sizeof(*p->carriers));
	if (!p->carriers)
		return mr_fail_nomem(err);
	for (i = 0; i < p->n; i++)
		if (mr_log_tag(p->tags[i], &seq) && seq % MR_PACK_EVERY == 0)
			p->carriers[p->carrier_count++] = i;
	return 0;
}

/* Whatever is wrong with a pack, its events can be had one by one; only who
 * gave up and lack of memory end it here. */
static int forgive(struct packs *p, const char *tag, int rc,
		   const struct mreg_error *why, struct mreg_error *err)
{
	if (rc == MREG_ECANCELED || rc == MREG_ENOMEM) {
		if (err)
			*err = *why;
		return rc;
	}
	mr_log(&p->m->env, MREG_LOG_DEBUG, "no pack from '%s': %s", tag,
	       why->msg);
	return 0;
}

static int load(struct packs *p, size_t index, struct mr_buf *out,
		struct mreg_error *err)
{
	MR_AUTO(mr_manifest_freep) struct mr_manifest *m = NULL;
	struct mr_doc *doc = &p->docs[index];
	bool found = true;
	int rc = 0;

	if (!doc->bytes.len)
		rc = mr_store_get(p->s, p->tags[index], doc, &found, err);
	if (rc >= 0 && !found) {
		mr_buf_clear(&doc->bytes);
		return 0;
	}
	if (rc >= 0)
		rc = mr_manifest_parse(doc->bytes.data, doc->bytes.len, NULL,
				       &m, err);
	if (rc < 0 || m->is_index || m->layer_count != 1 ||
	    strcmp(m->layers[0].desc.media_type, MR_PACK_MEDIA) != 0)
		return rc;
	return mr_store_load(p->s, &m->layers[0].desc, out, err);
}

static int load_one(void *ctx, size_t k, struct mreg_error *err)
{
	struct packs *p = ctx;
	size_t index = p->carriers[p->first + k];
	struct mreg_error why = MREG_ERROR_INIT;
	int rc;

	mr_buf_clear(&p->blobs[k]);
	rc = load(p, index, &p->blobs[k], &why);
	/* No event is that large, and anybody who may push can have many that
	 * look like carriers: they are had again one by one. */
	if (p->docs[index].bytes.len > EVENT_MAX_BYTES)
		mr_buf_release(&p->docs[index].bytes);
	if (rc >= 0)
		return 0;
	mr_buf_clear(&p->blobs[k]);
	return forgive(p, p->tags[index], rc, &why, err);
}

static int compare_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* What goes by this tag; NULL: nobody asked for it. */
static struct mr_doc *doc_of(struct packs *p, const char *tag)
{
	const char *const *at =
		bsearch(&tag, p->tags, p->n, sizeof(*p->tags), compare_text);

	return at ? &p->docs[at - p->tags] : NULL;
}

/* The place of an event in a linear log, if the one after it says that it is
 * there; else NULL. */
static int find_linear(struct packs *p, const struct mr_event_doc *doc,
		       struct mr_doc **out, struct mreg_error *err)
{
	char tag[MR_LOG_TAG_TEXT];
	struct mr_doc *later;
	uint64_t seq = 0;
	bool names = false;
	int rc = 0;

	*out = NULL;
	if (!mr_log_tag(doc->tag, &seq))
		return 0;
	later = doc_of(p, mr_log_tag_linear(seq + 1, tag));
	if (later && later->bytes.len)
		rc = mr_log_names(later, &doc->desc.digest, &names, err);
	if (rc >= 0 && names)
		*out = doc_of(p, mr_log_tag_linear(seq, tag));
	return rc;
}

static int take_line(struct packs *p, const char *line, size_t n,
		     struct mreg_error *err)
{
	MR_AUTO(mr_event_doc_release)
	struct mr_event_doc doc = { .bytes = MR_BUF_INIT(
					    MR_MANIFEST_MAX_BYTES) };
	struct mreg_error why = MREG_ERROR_INIT;
	struct mr_doc *to;
	int rc = mr_event_unpack(line, n, &doc, &why);

	if (rc < 0)
		return forgive(p, "one of its lines", rc, &why, err);
	to = doc_of(p, doc.tag);
	if (!to)
		rc = find_linear(p, &doc, &to, err);
	if (rc < 0 || !to || to->bytes.len)
		return rc;
	to->desc = doc.desc;
	mr_buf_add(&to->bytes, doc.bytes.data, doc.bytes.len);
	return mr_buf_check(&to->bytes, "event", err);
}

static int take_lines(struct packs *p, const struct mr_buf *pack,
		      struct mreg_error *err)
{
	const char *text = pack->data;
	size_t end = pack->len;
	int rc = 0;

	while (rc >= 0 && end > 0) {
		size_t at = --end; /* past the line's end */

		while (at > 0 && text[at - 1] != '\n')
			at--;
		rc = take_line(p, text + at, end - at, err);
		end = at;
	}
	return rc;
}

int mr_log_unpack(struct mreg *m, struct mr_store *s, const char *const *tags,
		  struct mr_doc *docs, size_t n, struct mreg_error *err)
{
	MR_AUTO(packs_release)
	struct packs p = { .m = m, .s = s, .tags = tags, .docs = docs, .n = n };
	int rc = find_carriers(&p, err);
	size_t i;

	for (i = 0; i < MR_LOOKUP_JOBS; i++)
		mr_buf_init(&p.blobs[i], MR_PACK_MAX_BYTES);
	while (rc >= 0 && p.first < p.carrier_count) {
		size_t now = p.carrier_count - p.first;

		if (now > MR_LOOKUP_JOBS)
			now = MR_LOOKUP_JOBS;
		rc = mr_task_run(&m->env, MR_LOOKUP_JOBS, now, load_one, &p,
				 err);
		for (i = 0; rc >= 0 && i < now; i++)
			rc = take_lines(&p, &p.blobs[i], err);
		p.first += now;
	}
	return rc;
}
