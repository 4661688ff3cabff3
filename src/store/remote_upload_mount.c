/*
 * remote_upload_mount.c - blobs that another repository of the registry has:
 * which one is remembered in the state file, and a mount is asked for
 * (protocol.md P-50).
 */
#include "store/remote_upload.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "oci/oci.h"

/* Smaller ones are sent as quickly, and would fill the state file. */
#define NOTED_MIN_BYTES (UINT64_C(1) << 20)

static void scope_of(const char *host, char out[300])
{
	(void)snprintf(out, 300, "blob %s", host);
}

void mr_remote_note_blob(struct mr_state *state, const char *host,
			 const char *repository, const struct mreg_desc *d)
{
	char text[MREG_DIGEST_TEXT];
	char scope[300];
	char known[256];

	if (!state || d->size < NOTED_MIN_BYTES)
		return;
	scope_of(host, scope);
	(void)mreg_digest_text(&d->digest, text);
	/* Most are known, and looking does not wait for other processes. */
	if (!mr_state_fact_get(state, scope, text, known, sizeof(known)) ||
	    strcmp(known, repository) != 0)
		mr_state_fact_put(state, scope, text, repository);
}

void mr_remote_note(struct mr_remote *r, const struct mreg_desc *d)
{
	mr_remote_note_blob(mr_net_state(r->net), r->host, r->repository, d);
}

/* The repository that is remembered to have it; false: none, or ours. */
static bool recall(struct mr_remote *r, const char *digest, char out[256])
{
	char scope[300];

	scope_of(r->host, scope);
	return mr_state_fact_get(mr_net_state(r->net), scope, digest, out,
				 256) &&
	       mr_repository_valid(out) && strcmp(out, r->repository) != 0;
}

/* The session that a registry opened instead serves any blob. */
static void keep_spare(struct mr_remote *r, const struct mr_response *resp)
{
	const char *to = mr_response_header(resp, "Location");
	struct mreg_error ignored = MREG_ERROR_INIT;
	char *url = NULL;

	if (!to || mr_response_resolve(resp, to, &url, &ignored) < 0)
		return;
	(void)pthread_mutex_lock(&r->lock);
	if (r->spare_count < MR_SPARES_MAX) {
		r->spares[r->spare_count++] = url;
		url = NULL;
	}
	(void)pthread_mutex_unlock(&r->lock);
	mr_release(url);
}

static int ask(struct mr_remote *r, const char *digest, const char *from,
	       struct mr_response **resp, struct mreg_error *err)
{
	MR_AUTO(mr_call_release) struct mr_call c = MR_CALL_INIT;
	MR_AUTO(mr_buf_release) struct mr_buf scope = MR_BUF_INIT(2048);
	MR_AUTO(mr_free) char *escaped = mr_url_escape(from);
	int rc;

	if (!escaped)
		return mr_fail_nomem(err);
	rc = mr_remote_call(r, &c, MR_REMOTE_PUSH, "POST", err,
			    "blobs/uploads/?mount=%s&from=%s", digest, escaped);
	if (rc < 0)
		return rc;
	/* One token for both repositories. */
	mr_buf_printf(&scope, "%s repository:%s:pull", c.scope, from);
	rc = mr_buf_check(&scope, "a request's scope", err);
	if (rc < 0)
		return rc;
	c.rq.scope = mr_buf_text(&scope);
	c.rq.body = "";
	/* Sending it is the way out; trying often would only delay that. */
	c.rq.once = true;
	return mr_net_send(r->net, &c.rq, resp, err);
}

int mr_remote_mount(struct mr_store *s, const struct mreg_desc *d,
		    const char *from_repository, bool *done,
		    struct mreg_error *err)
{
	MR_AUTO(mr_response_freep) struct mr_response *resp = NULL;
	struct mr_remote *r = mr_remote_of(s);
	struct mreg_error why = MREG_ERROR_INIT;
	char text[MREG_DIGEST_TEXT];
	int rc;

	*done = false;
	(void)mreg_digest_text(&d->digest, text);
	rc = ask(r, text, from_repository, &resp, &why);
	if (rc == MREG_ECANCELED || rc == MREG_ENOMEM) {
		if (err)
			*err = why;
		return rc;
	}
	/* Any other answer means no. */
	*done = rc == 0 && resp->status == 201;
	if (*done) {
		mr_remote_note(r, d);
		return 0;
	}
	if (rc == 0 && resp->status == 202)
		keep_spare(r, resp);
	mr_log(s->env, MREG_LOG_DEBUG, "%s: no mount from '%s'", s->name,
	       from_repository);
	return 0;
}

int mr_remote_mount_noted(struct mr_store *s, const struct mreg_desc *d,
			  bool *done, struct mreg_error *err)
{
	struct mr_remote *r;
	char text[MREG_DIGEST_TEXT];
	char from[256];
	char scope[300];
	int rc;

	*done = false;
	if (!mr_store_is_remote(s))
		return 0;
	r = mr_remote_of(s);
	if (!recall(r, mreg_digest_text(&d->digest, text), from))
		return 0;
	rc = mr_store_mount(s, d, from, done, err);
	/* It is not there any more, or not for us. */
	scope_of(r->host, scope);
	if (rc >= 0 && !*done)
		mr_state_fact_put(mr_net_state(r->net), scope, text, NULL);
	return rc;
}
