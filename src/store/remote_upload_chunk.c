/*
 * remote_upload_chunk.c - PATCHes, in one piece or several, and how far the
 * registry says that it came (protocol.md P-44 to P-48).
 *
 * What it says is believed where it can be true: the digest in the closing PUT
 * is the arbiter (P-46).
 */
#include "store/remote_upload.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/text.h"
#include "oci/oci.h"

/* What a registry may force on us (B-54; regclient's cap). */
#define CHUNK_MIN_MAX_BYTES (UINT64_C(1) << 30)

static uint64_t smaller(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* As large as this registry, and we, allow. */
static uint64_t full_piece(struct mr_remote *r)
{
	return smaller(smaller(r->piece, mr_remote_request_max(r)),
		       mr_remote_chunk_max(r));
}

uint64_t mr_upload_piece(struct mr_upload *u)
{
	struct mr_remote *r = u->r;
	uint64_t most = mr_remote_request_max(r);
	uint64_t least = u->chunk_min;
	uint64_t piece;

	/* Whatever was set: pieces would be refused, or stored wrongly. */
	if (r->profile.chunks == MR_CHUNKS_NEVER)
		return UINT64_MAX;
	if (u->chunk_max)
		most = smaller(most, u->chunk_max);
	if (u->offset == 0 && u->size <= most &&
	    (r->profile.chunks != MR_CHUNKS_LIKED ||
	     u->size < u->r->resume_min))
		return UINT64_MAX;
	piece = smaller(full_piece(r), most);
	if (least > piece && least <= CHUNK_MIN_MAX_BYTES)
		piece = least;
	return piece;
}

/* -- Range ------------------------------------------------------------------
 */

int mr_upload_parse_range(const char *text, bool count, uint64_t *n)
{
	uint64_t last;

	if (strncasecmp(text, "bytes", 5) == 0) {
		text += 5;
		if (*text != '=' && *text != ' ')
			return -1;
		text++;
	}
	if (text[0] != '0' || text[1] != '-')
		return -1;
	text += 2;
	if (strcmp(text, "-1") == 0) { /* Quay, of nothing */
		*n = 0;
		return 0;
	}
	if (mr_text_u64(text, INT64_MAX - 1, &last) < 0)
		return -1;
	*n = count ? last : last + 1;
	return 0;
}

/* The answer to a piece that ended before `end`: did all of it arrive? */
static int check_range(struct mr_upload *u, const struct mr_response *resp,
		       uint64_t end, struct mreg_error *err)
{
	const char *text = mr_response_header(resp, "Range");
	uint64_t n;

	if (!text || u->r->profile.stale_range ||
	    mr_upload_parse_range(text, false, &n) < 0)
		n = end;
	/* One more: who counts instead of naming the last byte (P-47). */
	if (n == end || n == end + 1) {
		u->offset = end;
		return 0;
	}
	/* "0-0" is nothing, or one byte. */
	if (n > 1 && n > u->offset && n < end) {
		u->offset = n;
		return 0;
	}
	/* Nothing of what was accepted just now: as ECR tells of its first
	 * piece for ever (B-14). */
	if (n > 1 && n <= u->offset) {
		u->offset = end;
		return 0;
	}
	u->again = MR_AGAIN_ONCE;
	return mr_fail(err, MREG_EREMOTE,
		       "%s: sent up to byte %" PRIu64
		       ", the registry says that it has '%.40s'",
		       u->what, end, text);
}

int mr_upload_patch(struct mr_upload *u, struct mr_body *b, bool ranged,
		    struct mreg_error *err)
{
	MR_AUTO(mr_call_release) struct mr_call c = MR_CALL_INIT;
	MR_AUTO(mr_response_freep) struct mr_response *resp = NULL;
	uint64_t end = b->end;
	uint64_t n = b->end - b->at;
	int rc;

	rc = mr_upload_call(u, &c, "PATCH", err);
	if (rc < 0)
		return rc;
	c.rq.content_type = MR_MEDIA_OCTETS;
	c.rq.stream = &b->base;
	c.rq.stream_size = n; /* said also beside a range: B-23 */
	c.rq.ranged = ranged;
	c.rq.first = b->at;
	c.rq.last = b->end - 1;
	rc = mr_upload_send(u, &c, &resp, err);
	if (rc < 0) {
		u->broken = rc == MREG_ENETWORK || rc == MREG_ECANCELED;
		return rc;
	}
	if (resp->status != 200 && resp->status != 201 && resp->status != 202 &&
	    resp->status != 204) /* B-13 */
		return mr_upload_refused(u, resp, n, ranged, err);
	/* The session moves with every request (P-44); who does not say so
	 * stays where it was. */
	if (mr_response_header(resp, "Location")) {
		rc = mr_upload_locate(u, resp, err);
		if (rc < 0)
			return rc;
	}
	if (ranged)
		rc = check_range(u, resp, end, err);
	else
		u->offset = end;
	if (rc < 0)
		return rc;
	if (ranged && n >= full_piece(u->r))
		mr_remote_confirm(u->r);
	mr_upload_note(u);
	return 0;
}

/* -- asking -----------------------------------------------------------------
 */

/*
 * What a status answer says.  "bytes=0-N" is Quay's, whose N is a count there
 * (B-28); it takes what overlaps, so that too little does no harm.
 */
static bool take_status(struct mr_upload *u, const struct mr_response *resp)
{
	const char *text = mr_response_header(resp, "Range");
	struct mreg_error ignored = MREG_ERROR_INIT;
	uint64_t n;

	if (resp->status != 200 && resp->status != 202 && resp->status != 204)
		return false;
	if (!text || mr_upload_parse_range(
			     text, strncasecmp(text, "bytes", 5) == 0, &n) < 0)
		return false;
	/* Nothing, or perhaps one byte: not worth a session (P-47).  More than
	 * the blob has, or less than was acknowledged: not this blob's. */
	if (n <= 1 || n > u->size || n < u->offset)
		return false;
	if (mr_response_header(resp, "Location") &&
	    mr_upload_locate(u, resp, &ignored) < 0)
		return false;
	u->offset = n;
	if (u->passed > n)
		u->passed = n;
	u->picked_up = true;
	return true;
}

/* distribution 2.8 and zot end a session whose body broke off (B-26, B-29). */
static bool is_gone(const struct mr_response *resp)
{
	return resp->status == 400 || resp->status == 404 ||
	       resp->status == 405 || resp->status == 416;
}

/* Whether the registry itself says so, and not what stands in front of it. */
static bool says_gone(struct mr_upload *u, struct mr_response *resp)
{
	struct mreg_error ignored = MREG_ERROR_INIT;
	char code[64];

	if (!is_gone(resp))
		return false;
	(void)mr_remote_refused(u->r->host, resp, u->what, code, &ignored);
	return strcmp(code, "BLOB_UPLOAD_UNKNOWN") == 0 ||
	       strcmp(code, "BLOB_UPLOAD_INVALID") == 0 ||
	       strcmp(code, "UNSUPPORTED") == 0;
}

bool mr_upload_ask(struct mr_upload *u, bool fresh)
{
	MR_AUTO(mr_call_release) struct mr_call c = MR_CALL_INIT;
	MR_AUTO(mr_response_freep) struct mr_response *resp = NULL;
	struct mreg_error why = MREG_ERROR_INIT;
	struct mr_remote *r = u->r;
	uint64_t works;
	bool on = false;

	u->broken = false;
	u->unsure = false;
	if (!r->profile.status || u->restarted ||
	    (mr_remote_lesson(r, MR_LESSON_STATUS, &works) && !works)) {
		mr_upload_drop(u);
		return false;
	}
	if (mr_upload_call(u, &c, "GET", &why) >= 0 &&
	    mr_net_send(r->net, &c.rq, &resp, &why) >= 0)
		on = take_status(u, resp);
	if (on)
		mr_log(r->base.env, MREG_LOG_INFO,
		       "'%s' has the first %" PRIu64 " of %" PRIu64
		       " bytes; going on from there",
		       r->base.name, u->offset, u->size);
	else
		mr_upload_drop(u);
	u->unsure = !resp || (resp->status >= 300 && !is_gone(resp));
	if (!on && fresh && resp && r->profile.chunks != MR_CHUNKS_LIKED &&
	    says_gone(u, resp))
		mr_remote_learn(r, MR_LESSON_STATUS, 0);
	return on;
}
