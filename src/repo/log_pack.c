/*
 * log_pack.c - many events with a few requests: those that other events carry
 * (spec/events.md, "Packs").
 *
 * Nothing in a pack is believed: a line is an event of the log when the digest
 * of the manifest that it makes is in the name of a tag that was listed.  Tags
 * of a linear log have no digest, so their events are never taken from here.
 */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/task.h"
#include "base/text.h"
#include "repo/repo.h"

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
	if (rc >= 0)
		return 0;
	mr_buf_clear(&p->blobs[k]);
	return forgive(p, p->tags[index], rc, &why, err);
}

static int compare_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int take_line(struct packs *p, const char *line, size_t n,
		     struct mreg_error *err)
{
	MR_AUTO(mr_event_doc_release)
	struct mr_event_doc doc = { .bytes = MR_BUF_INIT(
					    MR_MANIFEST_MAX_BYTES) };
	struct mreg_error why = MREG_ERROR_INIT;
	const char *tag = doc.tag;
	const char *const *at;
	struct mr_doc *to;
	int rc = mr_event_unpack(line, n, &doc, &why);

	if (rc < 0)
		return forgive(p, "one of its lines", rc, &why, err);
	at = bsearch(&tag, p->tags, p->n, sizeof(*p->tags), compare_text);
	to = at ? &p->docs[at - p->tags] : NULL;
	if (!to || to->bytes.len)
		return 0;
	to->desc = doc.desc;
	mr_buf_add(&to->bytes, doc.bytes.data, doc.bytes.len);
	return mr_buf_check(&to->bytes, "event", err);
}

static int take_lines(struct packs *p, const struct mr_buf *pack,
		      struct mreg_error *err)
{
	const char *at = pack->data;
	const char *end = pack->len ? at + pack->len : at;
	int rc = 0;

	while (rc >= 0 && at < end) {
		const char *stop = memchr(at, '\n', (size_t)(end - at));

		if (!stop)
			stop = end;
		rc = take_line(p, at, (size_t)(stop - at), err);
		at = stop + 1;
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
