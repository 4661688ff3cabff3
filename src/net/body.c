/*
 * body.c - what an exchange brought: its headers, and its body as a stream.
 */
#include "net/answer.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/error.h"
#include "base/mem.h"

/* Reading the rest of a short answer costs less than a new connection. */
#define DRAIN_BYTES (64u << 10)
#define DRAIN_WAITS 10

static struct mr_answer *answer_of(struct mr_stream *s)
{
	return mr_container_of(s, struct mr_answer, body);
}

static size_t from_spill(struct mr_answer *a, void *buf, size_t n)
{
	size_t have = a->spill_len - a->spill_at;

	if (n > have)
		n = have;
	if (n)
		memcpy(buf, a->handle->spill + a->spill_at, n);
	a->spill_at += n;
	return n;
}

static ssize_t body_read(struct mr_stream *s, void *buf, size_t n,
			 struct mreg_error *err)
{
	struct mr_answer *a = answer_of(s);
	int rc = 0;

	if (a->spill_at < a->spill_len)
		return (ssize_t)from_spill(a, buf, n);
	if (a->failed) {
		if (err)
			*err = a->error;
		return a->failed;
	}
	a->dst = buf;
	a->dst_cap = n;
	a->dst_len = 0;
	mr_answer_enter(a);
	while (!a->done && a->dst_len == 0 && rc >= 0)
		rc = mr_answer_step(a, &a->error);
	mr_answer_leave(a);
	a->dst = NULL;
	if (rc < 0)
		a->failed = rc;
	if (a->dst_len)
		return (ssize_t)a->dst_len;
	if (rc < 0 && err)
		*err = a->error;
	return rc;
}

/* Read the rest of a short answer, so that its connection can be used again;
 * a long one is cut off. */
static void drain(struct mr_answer *a)
{
	struct mreg_error ignored = MREG_ERROR_INIT;
	/* A moment's worth, where the session's speed is limited. */
	uint64_t until = a->received + mr_rate_piece(a->net, DRAIN_BYTES);
	uint64_t before;
	int waits = 0;

	if (a->pub.has_length && a->pub.length > until)
		return;
	a->discard = true;
	while (!a->done && a->received < until && waits < DRAIN_WAITS) {
		before = a->received;
		if (mr_answer_step(a, &ignored) < 0)
			return;
		waits += a->received == before;
	}
}

/* What the host has shown by this answer. */
static enum mr_slot_end slot_end(const struct mr_answer *a)
{
	if (a->pub.status == 429 || a->pub.status == 503 ||
	    a->failed == MREG_ENETWORK)
		return MR_SLOT_TROUBLE;
	return a->done && !a->failed && a->pub.status < 400 ? MR_SLOT_GOOD
							    : MR_SLOT_UNKNOWN;
}

static void let_go(struct mr_answer *a)
{
	mr_slot_give(&a->slot, slot_end(a));
	if (!a->handle)
		return;
	if (a->headers_done && !a->done && !a->failed)
		drain(a);
	(void)curl_multi_remove_handle(a->handle->multi, a->handle->easy);
	mr_handle_give(a->net, a->handle);
	a->handle = NULL;
	mr_handle_wipe_headers(a->sent_headers);
	a->sent_headers = NULL;
	a->spill_at = a->spill_len = 0;
}

static void body_close(struct mr_stream *s)
{
	struct mr_answer *a = answer_of(s);

	let_go(a);
	a->pub.body = NULL;
}

const struct mr_stream_ops mr_answer_body_ops = {
	.read = body_read,
	.close = body_close,
};

void mr_response_free(struct mr_response *r)
{
	struct mr_answer *a;

	if (!r)
		return;
	a = mr_container_of(r, struct mr_answer, pub);
	let_go(a);
	mr_buf_release(&a->headers);
	mr_release(a->url);
	mr_release(a->home);
	mr_release(a);
}

void mr_response_freep(struct mr_response **r)
{
	mr_response_free(*r);
	*r = NULL;
}

/* -- headers ----------------------------------------------------------------
 */

const char *mr_response_header_at(const struct mr_response *r, const char *name,
				  size_t index)
{
	const struct mr_answer *a =
		mr_container_of(r, const struct mr_answer, pub);
	size_t n = strlen(name);
	const char *line = a->headers.data;
	const char *end = line ? line + a->headers.len : NULL;

	for (; line < end; line += strlen(line) + 1) {
		if (strncasecmp(line, name, n) || line[n] != ':')
			continue;
		if (index-- == 0)
			return line + n + 1 + strspn(line + n + 1, " \t");
	}
	return NULL;
}

void mr_response_set_user(struct mr_response *r, const char *user)
{
	struct mr_answer *a = mr_container_of(r, struct mr_answer, pub);

	(void)snprintf(a->user, sizeof(a->user), "%s", user); /* shown only */
}

const char *mr_response_user(const struct mr_response *r)
{
	return mr_container_of(r, const struct mr_answer, pub)->user;
}

void mr_response_set_slot(struct mr_response *r, struct mr_slot *s)
{
	mr_container_of(r, struct mr_answer, pub)->slot = *s;
	s->lane = NULL;
}
