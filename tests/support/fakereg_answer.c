/*
 * tests/support/fakereg_answer.c - how the fake registry's answers get out:
 * whole, or as its script wants it.
 */
#include "tests/support/fakereg_http.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>

/* What somebody who counts is told of at once. */
#define STEP_BYTES (64u << 10)

/* -- bytes ------------------------------------------------------------------
 */

void fake_add(struct fake_bytes *b, const void *data, size_t n)
{
	if (b->len + n + 1 > b->cap) {
		b->cap = (b->len + n + 1) * 2;
		b->data = realloc(b->data, b->cap);
		if (!b->data)
			abort();
	}
	if (n > 0)
		memcpy(b->data + b->len, data, n);
	b->len += n;
	b->data[b->len] = '\0';
}

void fake_printf(struct fake_bytes *b, const char *fmt, ...)
{
	char *text = NULL;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n < 0)
		abort();
	fake_add(b, text, (size_t)n);
	free(text);
}

void fake_reserve(struct fake_bytes *b, size_t n)
{
	if (b->len + n + 1 <= b->cap)
		return;
	b->cap = b->len + n + 1;
	b->data = realloc(b->data, b->cap);
	if (!b->data)
		abort();
}

void fake_release(struct fake_bytes *b)
{
	free(b->data);
	memset(b, 0, sizeof(*b));
}

/* -- answers ----------------------------------------------------------------
 */

void fake_unset(struct fake_answer *a, const char *name)
{
	size_t i;

	for (i = 0; i < a->header_count; i++) {
		if (strcasecmp(a->headers[i].name, name) != 0)
			continue;
		free(a->headers[i].value);
		a->headers[i] = a->headers[--a->header_count];
		return;
	}
}

void fake_also(struct fake_answer *a, const char *name, const char *value)
{
	size_t i = a->header_count;

	if (i == FAKE_HEADERS_MAX)
		abort();
	(void)snprintf(a->headers[i].name, sizeof(a->headers[i].name), "%s",
		       name);
	a->headers[i].value = strdup(value);
	if (!a->headers[i].value)
		abort();
	a->header_count++;
}

void fake_own_body(struct fake_answer *a)
{
	if (!a->bytes)
		return;
	a->body.len = 0;
	fake_add(&a->body, a->bytes, a->bytes_len);
	a->bytes = NULL;
}

void fake_set(struct fake_answer *a, const char *name, const char *fmt, ...)
{
	va_list ap;
	size_t i;

	fake_unset(a, name);
	i = a->header_count;
	if (i == FAKE_HEADERS_MAX)
		abort();
	(void)snprintf(a->headers[i].name, sizeof(a->headers[i].name), "%s",
		       name);
	va_start(ap, fmt);
	if (vasprintf(&a->headers[i].value, fmt, ap) < 0)
		abort();
	va_end(ap);
	a->header_count++;
}

void fake_answer_release(struct fake_answer *a)
{
	while (a->header_count > 0)
		free(a->headers[--a->header_count].value);
	fake_release(&a->body);
}

void fake_pause_ms(unsigned int ms)
{
	struct timespec t = { .tv_sec = ms / 1000,
			      .tv_nsec = (long)(ms % 1000) * 1000000 };

	(void)nanosleep(&t, NULL);
}

bool fake_send_all(int fd, const char *data, size_t n)
{
	ssize_t sent;

	while (n > 0) {
		sent = send(fd, data, n, MSG_NOSIGNAL);
		if (sent < 0 && errno == EINTR)
			continue;
		if (sent <= 0)
			return false;
		data += sent;
		n -= (size_t)sent;
	}
	return true;
}

static bool send_chunk_size(int fd, size_t n)
{
	char line[32];
	int len = snprintf(line, sizeof(line), "%zx\r\n", n);

	return fake_send_all(fd, line, (size_t)len);
}

/* One byte too many or too few in all that counts: body and length. */
static void lengthen(struct fake_answer *a)
{
	if (a->lengthen == 0)
		return;
	fake_own_body(a);
	for (; a->lengthen > 0; a->lengthen--)
		fake_add(&a->body, "x", 1);
	if (a->lengthen < 0)
		a->body.len -= (size_t)-a->lengthen < a->body.len
				       ? (size_t)-a->lengthen
				       : a->body.len;
}

static bool send_head(const struct fake_wire *w, const struct fake_answer *a,
		      size_t n, bool no_body, bool keep)
{
	struct fake_bytes head = { .data = NULL };
	size_t i;
	bool ok;

	fake_printf(&head, "HTTP/1.1 %d Fake\r\n", a->status);
	for (i = 0; i < a->header_count; i++)
		fake_printf(&head, "%s: %s\r\n", a->headers[i].name,
			    a->headers[i].value);
	if (a->chunked && !no_body)
		fake_printf(&head, "Transfer-Encoding: chunked\r\n");
	else if (a->status != 204 && !a->no_length)
		fake_printf(&head, "Content-Length: %zu\r\n", n);
	fake_printf(&head, "%s\r\n", keep ? "" : "Connection: close\r\n");
	ok = fake_send_all(w->fd, head.data, head.len);
	fake_release(&head);
	return ok;
}

/* The body, in steps when somebody counts them or a pause is due. */
static bool send_body(const struct fake_wire *w, const struct fake_answer *a,
		      const char *data, size_t n, bool counts)
{
	size_t step, at;

	for (at = 0; at < n; at += step) {
		step = n - at < STEP_BYTES ? n - at : STEP_BYTES;
		if (a->stall && a->stall_at > at && a->stall_at - at < step)
			step = (size_t)(a->stall_at - at);
		if (a->stall && a->stall_at == at)
			fake_pause_ms(a->stall_ms);
		if (counts && w->pace)
			w->pace(w->ctx, false, step);
		if (!fake_send_all(w->fd, data + at, step))
			return false;
	}
	return true;
}

/* False: close, also when all went as planned. */
bool fake_answer_send(const struct fake_wire *w, const struct fake_request *rq,
		      struct fake_answer *a, bool keep)
{
	bool no_body = strcmp(rq->method, "HEAD") == 0 || a->status == 204;
	bool counts = rq->counts && a->status / 100 == 2;
	const char *data;
	size_t n;

	lengthen(a);
	data = a->bytes ? a->bytes : a->body.data;
	n = a->bytes ? a->bytes_len : a->body.len;
	if (!send_head(w, a, n, no_body, keep) || no_body)
		return no_body && keep;
	if (a->cut && (a->cut_at < n || a->chunked)) {
		if (a->chunked)
			(void)send_chunk_size(w->fd, n);
		(void)send_body(w, a, data,
				a->cut_at < n ? (size_t)a->cut_at : n, counts);
		return false;
	}
	if (a->chunked)
		return (n == 0 || (send_chunk_size(w->fd, n) &&
				   send_body(w, a, data, n, counts) &&
				   fake_send_all(w->fd, "\r\n", 2))) &&
		       fake_send_all(w->fd, "0\r\n\r\n", 5) && keep;
	return send_body(w, a, data, n, counts) && keep;
}
