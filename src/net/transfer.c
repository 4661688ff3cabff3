/*
 * transfer.c - one exchange: curl driven by whoever waits for it.
 *
 * Nothing runs in the background.  mr_exchange drives curl until the headers
 * are there, reading the body (body.c) until there is something to hand out;
 * between two reads the connection waits, and the server with it.  The states
 * are in wire.h.
 */
#include "net/answer.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"

/* -- what curl calls --------------------------------------------------------
 */

/* False: curl is to end the exchange here. */
static bool end_of_headers(struct mr_answer *a)
{
	long status = 0;

	(void)curl_easy_getinfo(a->handle->easy, CURLINFO_RESPONSE_CODE,
				&status);
	a->headers_done = status >= 200; /* before: interim */
	/* Left alone, curl would ask again, with the same Expect. */
	a->oc->expect_refused = status == 417 && a->expect;
	return !a->oc->expect_refused;
}

static size_t on_header(char *line, size_t size, size_t n, void *ctx)
{
	struct mr_answer *a = ctx;
	size_t len = size * n;
	size_t text = len;

	a->header_bytes += len;
	if (a->header_bytes > MR_HEADER_MAX_BYTES) {
		a->flooded = true;
		return 0; /* curl ends the exchange */
	}
	if (a->headers_done)
		return len; /* trailers: nothing of ours is in them */
	while (text && (line[text - 1] == '\n' || line[text - 1] == '\r'))
		text--;
	if (text == 0) {
		return end_of_headers(a) ? len : 0;
	}
	if (text >= 5 && !memcmp(line, "HTTP/", 5)) {
		mr_buf_clear(&a->headers);
		return len;
	}
	/* A continued line (obs-fold) or NUL is nothing we want to read. */
	if (line[0] == ' ' || line[0] == '\t' || memchr(line, '\0', text))
		return len;
	mr_buf_add(&a->headers, line, text);
	mr_buf_putc(&a->headers, '\0');
	return len;
}

static bool have_spill(struct mr_answer *a)
{
	if (!a->handle->spill)
		a->handle->spill = mr_alloc(MR_SPILL_BYTES);
	return a->handle->spill != NULL;
}

/* curl reads on as long as there is something to read; a limited session
 * takes a piece, and the next one later. */
static bool is_enough(const struct mr_answer *a)
{
	return a->net->rate && a->piece >= mr_rate_piece(a->net, SIZE_MAX) &&
	       a->free_ms > mr_mono_ms(a->net->env);
}

static size_t on_body(char *data, size_t size, size_t n, void *ctx)
{
	struct mr_answer *a = ctx;
	size_t len = size * n;
	size_t room = a->dst ? a->dst_cap - a->dst_len : 0;
	size_t first;

	if (is_enough(a)) {
		a->slowed = true;
		return CURL_WRITEFUNC_PAUSE;
	}
	if (a->discard) {
		a->received += len;
		a->piece += len;
		a->free_ms = mr_rate_spend(a->net, len);
		return len;
	}
	if (a->spill_at == a->spill_len)
		a->spill_at = a->spill_len = 0;
	else
		room = 0; /* what came earlier is read earlier */
	if (len > room + (MR_SPILL_BYTES - a->spill_len)) {
		a->paused = true;
		return CURL_WRITEFUNC_PAUSE;
	}
	first = len < room ? len : room;
	if (first < len && !have_spill(a))
		return 0;
	if (first) {
		memcpy(a->dst + a->dst_len, data, first);
		a->dst_len += first;
	}
	if (first < len) {
		memcpy(a->handle->spill + a->spill_len, data + first,
		       len - first);
		a->spill_len += len - first;
	}
	a->received += len;
	a->piece += len;
	a->free_ms = mr_rate_spend(a->net, len);
	return len;
}

static size_t on_read(char *out, size_t size, size_t n, void *ctx)
{
	struct mr_answer *a = ctx;
	size_t want = size * n;
	int64_t began_ms;
	ssize_t got;

	want = mr_rate_piece(a->net, want);
	if (want > a->src_left)
		want = (size_t)a->src_left;
	/* Answered early: nothing more is sent, or borrowed. */
	if (want == 0 || (!a->src && !a->memory))
		return 0;
	if (a->memory) {
		memcpy(out, a->memory + (a->upload_size - a->src_left), want);
		a->src_left -= want;
		a->free_ms = mr_rate_spend(a->net, want);
		return want;
	}
	began_ms = mr_mono_ms(a->net->env);
	got = mr_stream_read(a->src, out, want, &a->error);
	/* A slow source is not a stalled network. */
	a->window_ms += mr_mono_ms(a->net->env) - began_ms;
	if (got == 0)
		got = mr_fail(&a->error, MREG_ECONFLICT,
			      "source ended %" PRIu64 " bytes early",
			      a->src_left);
	if (got < 0) {
		a->src_failed = true;
		a->failed = (int)got;
		return CURL_READFUNC_ABORT;
	}
	a->oc->consumed = true;
	a->src_left -= (uint64_t)got;
	a->free_ms = mr_rate_spend(a->net, (size_t)got);
	return (size_t)got;
}

/* curl wants to begin again, because a connection kept alive turned out to be
 * closed: a stream can, as long as nothing was read. */
static int on_seek(void *ctx, curl_off_t offset, int origin)
{
	struct mr_answer *a = ctx;

	if (origin != SEEK_SET || offset != 0)
		return CURL_SEEKFUNC_FAIL;
	if (!a->memory && a->src_left != a->upload_size)
		return CURL_SEEKFUNC_FAIL;
	a->src_left = a->upload_size;
	return CURL_SEEKFUNC_OK;
}

/* -- driving curl ------------------------------------------------------------
 */

static uint64_t sent_bytes(struct mr_answer *a)
{
	curl_off_t n = 0;

	(void)curl_easy_getinfo(a->handle->easy, CURLINFO_SIZE_UPLOAD_T, &n);
	return n > 0 ? (uint64_t)n : 0;
}

static uint64_t moved_bytes(struct mr_answer *a)
{
	return a->received + a->header_bytes + sent_bytes(a);
}

static void window_begin(struct mr_answer *a)
{
	a->window_ms = mr_mono_ms(a->net->env);
	a->window_moved = moved_bytes(a);
}

void mr_answer_leave(struct mr_answer *a)
{
	a->left_ms = mr_mono_ms(a->net->env);
}

void mr_answer_enter(struct mr_answer *a)
{
	a->window_ms += mr_mono_ms(a->net->env) - a->left_ms;
}

void mr_answer_host(const struct mr_answer *a, char out[300])
{
	if (mr_url_host(a->url, out, 300) < 0)
		memcpy(out, "?", 2); /* was checked before sending */
}

static int check_stall(struct mr_answer *a, struct mreg_error *err)
{
	int64_t now_ms = mr_mono_ms(a->net->env);
	uint64_t moved = moved_bytes(a);
	char host[300];

	/* A registry may hash and copy for minutes before it answers to an
	 * upload (P-53); keepalive probes tell whether it is still there. */
	if (a->answer_may_take_long && !a->headers_done &&
	    sent_bytes(a) >= a->upload_size) {
		window_begin(a);
		return 0;
	}
	if (now_ms - a->window_ms < MR_STALL_S * 1000)
		return 0;
	if (moved - a->window_moved >= MR_STALL_BYTES_S * MR_STALL_S) {
		window_begin(a);
		return 0;
	}
	mr_answer_host(a, host);
	mr_fail(err, MREG_ENETWORK,
		"stalled: '%s' moved %" PRIu64 " bytes in %d s", host,
		moved - a->window_moved, MR_STALL_S);
	if (a->oc) {
		a->oc->retry = true;
		a->oc->silent = !a->upload_size && !a->header_bytes;
	}
	return mr_hint(err, "check the network and run the command again");
}

static void collect(struct mr_answer *a)
{
	CURLMsg *m;
	int left;

	while ((m = curl_multi_info_read(a->handle->multi, &left)) != NULL) {
		if (m->msg != CURLMSG_DONE)
			continue;
		a->done = true;
		a->result = m->data.result;
	}
}

/* One header line of more than 100 KiB: curl 7.88 calls that out of memory
 * (lib/http.c, Curl_dyn_addn), and gives us nothing of the line. */
static bool is_flood(const struct mr_answer *a)
{
	curl_off_t began_us = 0;

	if (a->flooded || a->result != CURLE_OUT_OF_MEMORY || a->headers_done)
		return a->flooded;
	return curl_easy_getinfo(a->handle->easy, CURLINFO_STARTTRANSFER_TIME_T,
				 &began_us) == CURLE_OK &&
	       began_us > 0;
}

/* curl is finished: with what? */
static int judge(struct mr_answer *a, struct mreg_error *err)
{
	struct mr_outcome ignored = { .retry = false };
	char host[300];

	if (a->result == CURLE_OK)
		return 0;
	if (a->src_failed) {
		*err = a->error;
		return a->failed;
	}
	mr_answer_host(a, host);
	if (is_flood(a))
		return mr_fail(err, MREG_EREMOTE,
			       "'%s' sent more than %u bytes of headers", host,
			       MR_HEADER_MAX_BYTES);
	if (a->result == CURLE_WRITE_ERROR)
		return mr_fail_nomem(err); /* for the spill */
	return mr_trouble(a->handle->easy, a->result, a->said, a->url,
			  a->oc ? a->oc : &ignored, err);
}

/* Until the session's limit lets more move.  Our own doing is no stall. */
static int wait_rate(struct mr_answer *a, struct mreg_error *err)
{
	int64_t began_ms = mr_mono_ms(a->net->env);
	int rc;

	a->piece = 0;
	if (a->free_ms <= began_ms)
		return mr_check_cancel(a->net->env, err);
	rc = mr_sleep_ms(a->net->env, a->free_ms - began_ms, err);
	a->window_ms += mr_mono_ms(a->net->env) - began_ms;
	return rc;
}

int mr_answer_step(struct mr_answer *a, struct mreg_error *err)
{
	uint64_t before = moved_bytes(a);
	CURLMcode mc = CURLM_OK;
	int running;
	int rc;

	rc = wait_rate(a, err);
	if (rc < 0) {
		/* Or removing the handle would wait for the resolver. */
		(void)curl_easy_setopt(a->handle->easy, CURLOPT_QUICK_EXIT, 1L);
		return rc;
	}
	if (a->paused || a->slowed) {
		a->paused = a->slowed = false;
		(void)curl_easy_pause(a->handle->easy, CURLPAUSE_CONT);
	}
	mc = curl_multi_perform(a->handle->multi, &running);
	if (mc == CURLM_OUT_OF_MEMORY)
		return mr_fail_nomem(err);
	if (mc)
		return mr_fail(err, MREG_EINTERNAL, "curl: %s",
			       curl_multi_strerror(mc));
	collect(a);
	if (moved_bytes(a) != before)
		mr_lane_moved(a->net, a->lane);
	if (a->done)
		return judge(a, err);
	if (moved_bytes(a) != before || a->paused || a->slowed)
		return 0;
	rc = check_stall(a, err);
	if (rc < 0)
		return rc;
	(void)curl_multi_poll(a->handle->multi, NULL, 0, MR_NET_POLL_MS,
			      NULL); /* early or late is both fine */
	return 0;
}

static int remember(struct mr_answer *a, int rc, const struct mreg_error *err)
{
	a->failed = rc;
	if (err && err != &a->error)
		a->error = *err;
	return rc;
}

/* -- sending ----------------------------------------------------------------
 */

static int attach(struct mr_answer *a, const struct mr_wire *w,
		  struct mreg_error *err)
{
	CURL *easy = a->handle->easy;
	CURLcode rc;
	int failed;

	failed = mr_handle_prepare(a->net, easy, w, &a->sent_headers, err);
	if (failed < 0)
		return failed;
	rc = curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, a->said);
	rc = rc ? rc : curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, w->whole_ms);
	rc = rc ? rc
		: curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
	rc = rc ? rc : curl_easy_setopt(easy, CURLOPT_HEADERDATA, a);
	rc = rc ? rc : curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
	rc = rc ? rc : curl_easy_setopt(easy, CURLOPT_WRITEDATA, a);
	if (a->src || a->memory) {
		rc = rc ? rc
			: curl_easy_setopt(easy, CURLOPT_READFUNCTION, on_read);
		rc = rc ? rc : curl_easy_setopt(easy, CURLOPT_READDATA, a);
		rc = rc ? rc
			: curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, on_seek);
		rc = rc ? rc : curl_easy_setopt(easy, CURLOPT_SEEKDATA, a);
	}
	if (rc || curl_multi_add_handle(a->handle->multi, easy))
		return mr_fail_nomem(err);
	return 0;
}

static int answer_new(struct mr_net *n, const struct mr_wire *w,
		      struct mr_outcome *oc, struct mr_answer **out,
		      struct mreg_error *err)
{
	struct mr_answer *a = mr_zalloc(sizeof(*a));
	int rc;

	if (!a)
		return mr_fail_nomem(err);
	a->net = n;
	a->oc = oc;
	a->body.ops = &mr_answer_body_ops;
	mr_buf_init(&a->headers, 2 * MR_HEADER_MAX_BYTES);
	a->expect = w->expect;
	a->lane = w->lane;
	a->src = w->stream_size ? w->stream : NULL;
	a->memory = mr_wire_is_long(w) ? w->body : NULL;
	a->upload_size = a->src ? w->stream_size : w->body_len;
	a->src_left = a->upload_size;
	/* curl takes a short one at once, without asking for it. */
	if (!a->src && !a->memory && w->body_len)
		a->free_ms = mr_rate_spend(n, w->body_len);
	a->answer_may_take_long = strcmp(w->method, "PUT") == 0 ||
				  strcmp(w->method, "PATCH") == 0;
	a->url = mr_strdup(w->url);
	a->home = mr_strdup(w->home);
	rc = a->url && a->home ? mr_handle_take(n, w->home, &a->handle, err)
			       : mr_fail_nomem(err);
	if (rc >= 0)
		rc = attach(a, w, err);
	if (rc < 0) {
		mr_response_free(&a->pub);
		return rc;
	}
	*out = a;
	return 0;
}

static int publish(struct mr_answer *a, struct mreg_error *err)
{
	const char *value;
	char host[300];
	long status = 0;

	(void)curl_easy_getinfo(a->handle->easy, CURLINFO_RESPONSE_CODE,
				&status);
	a->pub.status = (int)status;
	a->pub.url = a->url;
	a->pub.body = &a->body;
	value = mr_response_header(&a->pub, "Content-Length");
	a->pub.has_length =
		value && mr_text_u64(value, INT64_MAX, &a->pub.length) == 0;
	value = mr_response_header(&a->pub, "Content-Encoding");
	/* An error's page may be coded by a proxy; its status still counts. */
	if (status < 400 && value && strcasecmp(value, "identity") != 0) {
		mr_answer_host(a, host);
		return mr_fail(err, MREG_EREMOTE,
			       "'%s' sent a body coded as '%.32s', which was "
			       "not asked for",
			       host, value);
	}
	return mr_buf_check(&a->headers, "headers", err);
}

/* Whether our body is no longer needed.  Above 299 curl stops sending by
 * itself: an early 401 or 413 ends an upload. */
static bool is_answered(struct mr_answer *a)
{
	if (!a->headers_done)
		return false;
	return a->done || a->pub.status >= 300 ||
	       sent_bytes(a) >= a->upload_size;
}

static int await_headers(struct mr_answer *a, struct mreg_error *err)
{
	long status = 0;
	int rc = 0;

	window_begin(a);
	while (rc >= 0 && !a->done && !is_answered(a)) {
		rc = mr_answer_step(a, err);
		(void)curl_easy_getinfo(a->handle->easy, CURLINFO_RESPONSE_CODE,
					&status);
		a->pub.status = (int)status;
		if (a->paused && a->headers_done && !is_answered(a))
			rc = mr_fail(err, MREG_EREMOTE,
				     "a long answer came before the request "
				     "was complete");
	}
	mr_answer_leave(a);
	/* The server still waits for the rest: no place for another request. */
	if (sent_bytes(a) < a->upload_size)
		(void)curl_easy_setopt(a->handle->easy, CURLOPT_FORBID_REUSE,
				       1L);
	if (rc < 0 && (!a->headers_done || a->src_failed))
		return rc;
	if (rc < 0)
		(void)remember(a, rc, err); /* the body says so when read */
	if (!a->headers_done)
		return mr_fail(err, MREG_EREMOTE, "an answer without headers");
	return 0;
}

static void log_exchange(struct mr_net *n, const struct mr_wire *w,
			 const struct mr_answer *a, int64_t began_ms)
{
	struct mr_buf url = MR_BUF_INIT(32u << 10);

	if (n->env->level < MREG_LOG_DEBUG)
		return;
	mr_url_redact(w->url, &url);
	mr_log(n->env, MREG_LOG_DEBUG, "%s %s: %d, %" PRId64 " ms%s", w->method,
	       mr_buf_text(&url), a->pub.status, mr_mono_ms(n->env) - began_ms,
	       w->authorization ? ", with credentials" : "");
	mr_buf_release(&url);
}

int mr_exchange(struct mr_net *n, const struct mr_wire *w,
		struct mr_outcome *oc, struct mr_response **out,
		struct mreg_error *err)
{
	int64_t began_ms = mr_mono_ms(n->env);
	struct mreg_error own = MREG_ERROR_INIT;
	struct mr_answer *a = NULL;
	int rc;

	memset(oc, 0, sizeof(*oc));
	atomic_fetch_add(&n->sent, 1);
	if (w->asked)
		atomic_fetch_add(&n->asked, 1);
	rc = answer_new(n, w, oc, &a, &own);
	if (rc >= 0) {
		rc = await_headers(a, &own);
		log_exchange(n, w, a, began_ms);
		if (rc >= 0)
			rc = publish(a, &own);
		a->src = NULL;
		a->memory = NULL;
		a->oc = NULL;
		if (rc < 0) {
			a->failed = rc; /* nothing to drain */
			mr_response_free(&a->pub);
		}
	}
	if (rc < 0) {
		if (err)
			*err = own;
		return rc;
	}
	*out = &a->pub;
	return 0;
}
