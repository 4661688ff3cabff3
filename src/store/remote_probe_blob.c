/*
 * remote_probe_blob.c - the ways in which a registry takes a blob, tried.
 *
 * Everything written is new, small and random, so that nothing that was there
 * is touched or answered for.
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

/* -- blobs ------------------------------------------------------------------
 */

/* Bytes that nobody has. */
int mr_probe_body(struct mr_store *s, char body[MR_PROBE_BODY_BYTES],
		  struct mreg_desc *d, struct mreg_error *err)
{
	(void)snprintf(body, MR_PROBE_BODY_BYTES,
		       "mreg doctor %08" PRIx32 "%08" PRIx32 "%08" PRIx32 "\n",
		       mr_random(s->env), mr_random(s->env), mr_random(s->env));
	*d = (struct mreg_desc){ .media_type = MR_MEDIA_OCTETS,
				 .size = strlen(body) };
	return mr_digest_of(body, strlen(body), &d->digest, err);
}

int mr_probe_keep(struct mr_list *list, const struct mreg_digest *d,
		  struct mreg_error *err)
{
	char text[MREG_DIGEST_TEXT];

	return mr_list_add(list, mreg_digest_text(d, text), err);
}

/* The body of one request: bytes `at` .. `at + len - 1` of the blob. */
struct piece {
	const char *data; /* borrowed */
	size_t at, len;
	bool ranged; /* say so */
};

static const struct piece nothing = { .data = "" };

/* One request of an upload; `url` NULL: to where uploads begin. */
static int step(struct mr_remote *r, const char *method, const char *url,
		const char *query, const struct piece *p, struct mr_probe *out,
		struct mr_response **resp, struct mreg_error *err)
{
	MR_AUTO(mr_call_release) struct mr_call c = MR_CALL_INIT;
	int rc = mr_remote_call(r, &c, MR_REMOTE_PUSH, method, err,
				"blobs/uploads/%s", query);

	*resp = NULL;
	if (rc < 0)
		return rc;
	if (url)
		c.rq.url = url;
	c.rq.content_type = p->len ? MR_MEDIA_OCTETS : NULL;
	c.rq.body = p->data;
	c.rq.body_len = p->len;
	c.rq.once = true; /* what it says to this, not to the seventh */
	c.rq.ranged = p->ranged;
	c.rq.first = p->at;
	c.rq.last = p->at + p->len - 1;
	return mr_probe_send(r->net, &c, out, resp, err);
}

/* Where the upload goes on; NULL with an answer. */
static int locate(const struct mr_response *resp, const char *query, char **url,
		  struct mr_probe *out, struct mreg_error *err)
{
	MR_AUTO(mr_buf_release)
	struct mr_buf b = MR_BUF_INIT(2 * MR_HEADER_MAX_BYTES);
	MR_AUTO(mr_free) char *to = NULL;
	struct mreg_error why = MREG_ERROR_INIT;
	const char *location = mr_response_header(resp, "Location");
	int rc;

	*url = NULL;
	if (!location) {
		mr_probe_say(out, MR_CAN_NO,
			     "opens an upload without saying where");
		return 0;
	}
	rc = mr_response_resolve(resp, location, &to, &why);
	if (rc < 0)
		return mr_probe_forgive(rc, &why, out, err);
	mr_buf_puts(&b, to);
	if (query)
		mr_buf_printf(&b, "%c%s", strchr(to, '?') ? '&' : '?', query);
	rc = mr_buf_check(&b, "an upload's address", err);
	if (rc >= 0)
		*url = mr_buf_take(&b);
	return rc;
}

bool mr_probe_taken(const struct mr_response *resp)
{
	return resp->status >= 200 && resp->status < 300;
}

/* PATCH; `*url` becomes where the next request goes, NULL with an answer. */
static int patch(struct mr_remote *r, const struct piece *p, const char *query,
		 char **url, struct mr_probe *out, struct mreg_error *err)
{
	MR_AUTO(mr_response_freep) struct mr_response *resp = NULL;
	char *next = NULL;
	int rc = step(r, "PATCH", *url, "", p, out, &resp, err);

	if (rc >= 0 && resp && !mr_probe_taken(resp))
		mr_probe_refused(resp, MR_CAN_NO,
				 p->at       ? "the second part"
				 : p->ranged ? "a part of a blob"
					     : "PATCH",
				 out);
	else if (rc >= 0 && resp)
		rc = locate(resp, query, &next, out, err);
	mr_release(*url);
	*url = next;
	return rc;
}

/* The bytes in one PATCH, or in two that say which part they are (P-45). */
static int patch_all(struct mr_remote *r, const char *body, bool parts,
		     const char *query, char **url, struct mr_probe *out,
		     struct mreg_error *err)
{
	size_t n = strlen(body);
	struct piece p = { body, 0, parts ? n / 2 : n, parts };
	int rc = patch(r, &p, parts ? NULL : query, url, out, err);

	if (rc < 0 || !*url || !parts)
		return rc;
	p = (struct piece){ body + n / 2, n / 2, n - n / 2, true };
	return patch(r, &p, query, url, out, err);
}

/* Was it taken?  Looked at, not believed. */
static int confirm(struct mr_store *s, const struct mreg_desc *d,
		   struct mr_response *resp, const char *how,
		   struct mr_litter *l, struct mr_probe *out,
		   struct mreg_error *err)
{
	struct mreg_error why = MREG_ERROR_INIT;
	bool found = false;
	int rc;

	if (!mr_probe_taken(resp)) {
		mr_probe_refused(resp, MR_CAN_NO, how, out);
		return 0;
	}
	rc = mr_store_has(s, d, &found, &why);
	if (rc < 0)
		return mr_probe_forgive(rc, &why, out, err);
	if (found && mr_probe_keep(&l->blobs, &d->digest, err) < 0)
		return MREG_ENOMEM;
	mr_probe_say(out, found ? MR_CAN_YES : MR_CAN_NO,
		     found ? "%s: answers %d"
			   : "%s: answers %d, but does not have it",
		     how, resp->status);
	return 0;
}

static int upload_single(struct mr_store *s, const char *body,
			 const struct mreg_desc *d, const char *query,
			 struct mr_litter *l, struct mr_probe *out,
			 struct mreg_error *err)
{
	MR_AUTO(mr_response_freep) struct mr_response *resp = NULL;
	struct piece p = { body, 0, (size_t)d->size, false };
	char full[MREG_DIGEST_TEXT + 16];
	int rc;

	(void)snprintf(full, sizeof(full), "?%s", query);
	rc = step(mr_remote_of(s), "POST", NULL, full, &p, out, &resp, err);
	if (rc < 0 || !resp)
		return rc;
	if (resp->status == 202) {
		mr_probe_say(out, MR_CAN_NO,
			     "POST with the bytes: answers 202, it only opens "
			     "an upload");
		return 0;
	}
	return confirm(s, d, resp, "POST with the bytes", l, out, err);
}

int mr_probe_upload(struct mr_store *s, enum mr_probe_how how,
		    struct mr_litter *l, struct mr_probe *out,
		    struct mreg_error *err)
{
	static const char *const names[] = {
		[MR_PROBE_WHOLE] = "POST, PUT",
		[MR_PROBE_STREAM] = "POST, PATCH, PUT",
		[MR_PROBE_CHUNKS] = "POST, two PATCH with ranges, PUT",
	};
	MR_AUTO(mr_response_freep) struct mr_response *start = NULL;
	MR_AUTO(mr_response_freep) struct mr_response *end = NULL;
	MR_AUTO(mr_free) char *url = NULL;
	struct mr_remote *r = mr_remote_of(s);
	bool whole = how == MR_PROBE_WHOLE;
	char query[MREG_DIGEST_TEXT + 16];
	char text[MREG_DIGEST_TEXT];
	char body[MR_PROBE_BODY_BYTES];
	struct piece all = { .data = body };
	struct mreg_desc d;
	int rc = mr_probe_body(s, body, &d, err);

	if (rc < 0)
		return rc;
	all.len = (size_t)d.size;
	(void)snprintf(query, sizeof(query), "digest=%s",
		       mreg_digest_text(&d.digest, text));
	if (how == MR_PROBE_SINGLE)
		return upload_single(s, body, &d, query, l, out, err);
	rc = step(r, "POST", NULL, "", &nothing, out, &start, err);
	if (rc < 0 || !start)
		return rc;
	if (!mr_probe_taken(start)) {
		mr_probe_refused(start, MR_CAN_NO, "POST of an upload", out);
		return 0;
	}
	rc = locate(start, whole ? query : NULL, &url, out, err);
	if (rc >= 0 && url && !whole)
		rc = patch_all(r, body, how == MR_PROBE_CHUNKS, query, &url,
			       out, err);
	if (rc < 0 || !url)
		return rc;
	rc = step(r, "PUT", url, "", whole ? &all : &nothing, out, &end, err);
	if (rc < 0 || !end)
		return rc;
	return confirm(s, &d, end, names[how], l, out, err);
}

/* From the repository into itself: no other one is touched. */
int mr_probe_mount(struct mr_store *s, struct mr_litter *l,
		   struct mr_probe *out, struct mreg_error *err)
{
	struct mreg_error why = MREG_ERROR_INIT;
	char body[MR_PROBE_BODY_BYTES];
	struct mreg_desc d;
	bool done = false;
	int rc = mr_probe_body(s, body, &d, err);

	if (rc < 0)
		return rc;
	rc = mr_store_put_bytes(s, &d, body, &why);
	if (rc >= 0 && mr_probe_keep(&l->blobs, &d.digest, err) < 0)
		return MREG_ENOMEM;
	if (rc >= 0)
		rc = mr_store_mount(s, &d, mr_remote_of(s)->repository, &done,
				    &why);
	if (rc < 0)
		return mr_probe_forgive(rc, &why, out, err);
	mr_probe_say(out, done ? MR_CAN_YES : MR_CAN_NO,
		     done ? "takes a blob over by its digest"
			  : "wants the bytes of a blob that it has");
	return 0;
}
