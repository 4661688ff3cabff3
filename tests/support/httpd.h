/*
 * tests/support/httpd.h - an HTTP/1.1 server in a thread that does exactly
 * what a test tells it, also what no server should do.
 *
 * One thread serves all connections: a handler gets each request when it is
 * complete and sends whatever bytes it likes.  Handlers run in the server's
 * thread: no asserts there; look at the record afterwards.
 */
#ifndef TESTS_SUPPORT_HTTPD_H
#define TESTS_SUPPORT_HTTPD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct httpd;
struct httpd_conn;

struct httpd_request {
	char method[16];
	char target[2048];
	char *head;       /* request line and headers, CRLF and all */
	char *body;       /* the first bytes of it; NUL-terminated */
	size_t body_kept; /* how many of them */
	uint64_t body_len;
	unsigned int connection; /* 1, 2, ... in order of accept */
};

typedef void httpd_fn(struct httpd_conn *c, const struct httpd_request *rq,
		      void *ctx);

/* Listens on a free port of 127.0.0.1.  Fails the test when it cannot. */
struct httpd *httpd_start(httpd_fn *fn, void *ctx);
/* Waits for the thread; the record goes too. */
void httpd_stop(struct httpd *h);

/* Called when the headers are there and the body is not; when it sends
 * something, that is the answer.  Else "100 Continue" is sent if asked for.
 * Set before the first request. */
void httpd_early(struct httpd *h, httpd_fn *fn);
/* After an early answer: stop reading, but keep the connection open. */
void httpd_hold(struct httpd_conn *c);

unsigned int httpd_port(const struct httpd *h);
/* "http://127.0.0.1:PORT" + path, in `out`, which is returned. */
const char *httpd_url(const struct httpd *h, const char *path, char *out,
		      size_t cap);
/* "127.0.0.1:PORT" */
const char *httpd_host(const struct httpd *h, char *out, size_t cap);

/* For handlers.  False: the other end is gone. */
bool httpd_send(struct httpd_conn *c, const void *data, size_t n);
bool httpd_puts(struct httpd_conn *c, const char *text);
/* A whole answer; `headers` are lines with CRLF, may be "". */
bool httpd_answer(struct httpd_conn *c, int status, const char *headers,
		  const char *body);
void httpd_close(struct httpd_conn *c); /* after the handler */
void httpd_reset(struct httpd_conn *c); /* at once, with RST */

/* A header's value in `head`, "" when absent; in a buffer of the caller. */
const char *httpd_header(const struct httpd_request *rq, const char *name,
			 char *out, size_t cap);

/* What came, oldest first; valid until httpd_stop. */
size_t httpd_count(struct httpd *h);
const struct httpd_request *httpd_seen(struct httpd *h, size_t index);
unsigned int httpd_connections(struct httpd *h);

#endif
