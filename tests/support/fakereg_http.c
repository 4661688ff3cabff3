/*
 * tests/support/fakereg_http.c - the fake registry's HTTP/1.1: just what
 * curl, skopeo and the like say, a thread per connection.
 */
#include "tests/support/fakereg_http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

/* A body nobody wants is read over up to this much, as Go's server does. */
#define DRAIN_BYTES (256u << 10)
/* What the gate counts as sent is no further from what the peer has got than
 * the buffers of one connection. */
#define SEND_BUFFER (256 << 10)

struct fake_conn {
	struct fake_conn *next;
	struct fake_http *http; /* borrowed */
	pthread_t thread;
	int fd;
	bool elsewhere;
	atomic_bool ended;
	char head[FAKE_HEAD_MAX + 1]; /* request line and headers */
	size_t head_len;
	char in[FAKE_HEAD_MAX];
	size_t at, have; /* unread part of `in` */
};

struct listener {
	struct fake_http *http;
	pthread_t thread;
	int fd;
	int port;
	bool elsewhere;
};

struct fake_http {
	fake_handler *fn;
	fake_pace *pace;
	void *ctx;
	struct listener listeners[2];
	atomic_bool stopping;
	atomic_uint busy; /* requests for blobs that are being answered */
	pthread_mutex_t lock;
	struct fake_conn *conns;
};

/* -- requests ---------------------------------------------------------------
 */

static bool fill(struct fake_conn *c)
{
	ssize_t got;

	if (c->at < c->have)
		return true;
	do
		got = recv(c->fd, c->in, sizeof(c->in), 0);
	while (got < 0 && errno == EINTR);
	c->at = 0;
	c->have = got > 0 ? (size_t)got : 0;
	return got > 0;
}

/* Up to and with the empty line. */
static bool read_head(struct fake_conn *c)
{
	c->head_len = 0;
	for (;;) {
		if (!fill(c) || c->head_len == FAKE_HEAD_MAX)
			return false;
		c->head[c->head_len++] = c->in[c->at++];
		c->head[c->head_len] = '\0';
		/* A TLS handshake: somebody tries https first. */
		if (c->head_len == 1 && c->head[0] == 0x16) {
			(void)fake_send_all(
				c->fd, "HTTP/1.0 400 Bad Request\r\n\r\n", 28);
			return false;
		}
		if (c->head_len >= 4 &&
		    memcmp(c->head + c->head_len - 4, "\r\n\r\n", 4) == 0)
			return true;
	}
}

/* Terminate the lines, so that header values are strings. */
static void split_head(struct fake_conn *c)
{
	size_t i;

	for (i = 0; i < c->head_len; i++)
		if (c->head[i] == '\r')
			c->head[i] = '\0';
}

const char *fake_header(struct fake_conn *c, const char *name)
{
	size_t n = strlen(name);
	const char *p = c->head;
	const char *end = c->head + c->head_len;

	while (p < end) {
		if (strncasecmp(p, name, n) == 0 && p[n] == ':') {
			p += n + 1;
			return p + strspn(p, " ");
		}
		p += strlen(p) + 2; /* over NUL and '\n' */
	}
	return "";
}

static int hex(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *at = c ? strchr(digits, c | 0x20) : NULL;

	return at ? (int)(at - digits) : -1;
}

const char *fake_param(const char *source, const char *name, size_t index,
		       char *out, size_t cap)
{
	size_t n = strlen(name);
	const char *p = source;
	size_t len = 0;

	out[0] = '\0';
	for (; p; p = strchr(p, '&') ? strchr(p, '&') + 1 : NULL)
		if (strncmp(p, name, n) == 0 && p[n] == '=' && index-- == 0)
			break;
	if (!p)
		return out;
	for (p += n + 1; *p && *p != '&' && len + 1 < cap; p++) {
		if (*p == '%' && hex(p[1]) >= 0 && hex(p[2]) >= 0) {
			out[len++] = (char)(hex(p[1]) * 16 + hex(p[2]));
			p += 2;
		} else {
			out[len++] = *p == '+' ? ' ' : *p;
		}
	}
	out[len] = '\0';
	return out;
}

static bool parse_head(struct fake_conn *c, struct fake_request *rq)
{
	char *space = strchr(c->head, ' ');
	char *end = space ? strchr(space + 1, ' ') : NULL;
	const char *length;

	memset(rq, 0, sizeof(*rq));
	if (!end || (size_t)(space - c->head) >= sizeof(rq->method))
		return false;
	memcpy(rq->method, c->head, (size_t)(space - c->head));
	*end = '\0';
	rq->target = space + 1;
	rq->path = strndup(rq->target, strcspn(rq->target, "?"));
	rq->query = strchr(rq->target, '?');
	rq->query = rq->query ? rq->query + 1 : "";
	rq->elsewhere = c->elsewhere;
	/* The rest of the line would hide the first header. */
	memset(end, '\0', 1);
	length = fake_header(c, "Content-Length");
	rq->body_left = strtoull(length, NULL, 10);
	rq->chunked =
		strcasecmp(fake_header(c, "Transfer-Encoding"), "chunked") == 0;
	rq->has_body = rq->chunked || rq->body_left > 0;
	rq->counts = rq->path && strstr(rq->path, "/blobs/");
	rq->expect = strcasecmp(fake_header(c, "Expect"), "100-continue") == 0;
	return rq->path != NULL;
}

static bool take(struct fake_conn *c, struct fake_request *rq, uint64_t n,
		 uint64_t stop_at, struct fake_bytes *out)
{
	size_t step;

	while (n > 0) {
		if (rq->body_seen >= stop_at || !fill(c))
			return false;
		step = c->have - c->at;
		if (step > n)
			step = (size_t)n;
		if (step > stop_at - rq->body_seen)
			step = (size_t)(stop_at - rq->body_seen);
		if (rq->stall && rq->stall_at <= rq->body_seen) {
			rq->stall = false;
			fake_pause_ms(rq->stall_ms);
		}
		if (rq->counts && c->http->pace)
			c->http->pace(c->http->ctx, true, step);
		if (out)
			fake_add(out, c->in + c->at, step);
		c->at += step;
		n -= step;
		rq->body_seen += step;
	}
	return true;
}

static bool read_line(struct fake_conn *c, char *out, size_t cap)
{
	size_t n = 0;

	while (n + 1 < cap) {
		if (!fill(c))
			return false;
		out[n] = c->in[c->at++];
		if (out[n] == '\n') {
			out[n] = '\0';
			return true;
		}
		n++;
	}
	return false;
}

bool fake_read_body(struct fake_conn *c, struct fake_request *rq,
		    uint64_t stop_at, struct fake_bytes *out)
{
	char line[64];
	uint64_t n;
	bool ok;

	if (!rq->has_body)
		return true;
	if (rq->expect &&
	    !fake_send_all(c->fd, "HTTP/1.1 100 Continue\r\n\r\n", 25))
		return false;
	rq->expect = false;
	rq->has_body = false;
	if (!rq->chunked && out && rq->body_left < (4ull << 30))
		fake_reserve(out, (size_t)rq->body_left);
	if (!rq->chunked)
		return take(c, rq, rq->body_left, stop_at, out);
	do {
		if (!read_line(c, line, sizeof(line)))
			return false;
		n = strtoull(line, NULL, 16);
		ok = take(c, rq, n, stop_at, out) &&
		     read_line(c, line, sizeof(line));
	} while (ok && n > 0);
	return ok;
}

/* -- connections ------------------------------------------------------------
 */

/* Let the peer read our answer before the unread rest of its request makes
 * the kernel reset the connection. */
static void linger(struct fake_conn *c)
{
	struct pollfd p = { .fd = c->fd, .events = POLLIN };
	char sink[4096];
	int rounds = 0;

	(void)shutdown(c->fd, SHUT_WR);
	while (rounds++ < 4096 && poll(&p, 1, 200) > 0)
		if (recv(c->fd, sink, sizeof(sink), 0) <= 0)
			return;
}

static bool serve_one(struct fake_conn *c)
{
	struct fake_request rq;
	struct fake_answer a = { .status = 0 };
	struct fake_wire w;
	bool keep = false;

	if (!read_head(c))
		return false;
	split_head(c);
	if (!parse_head(c, &rq)) {
		free(rq.path);
		return false;
	}
	if (rq.counts)
		(void)atomic_fetch_add(&c->http->busy, 1);
	if (c->http->fn(c->http->ctx, c, &rq, &a)) {
		/* What the handler did not want. */
		keep = !rq.has_body ||
		       (!rq.expect && !rq.chunked &&
			rq.body_left <= DRAIN_BYTES &&
			fake_read_body(c, &rq, UINT64_MAX, NULL));
		w.fd = c->fd;
		w.pace = c->http->pace;
		w.ctx = c->http->ctx;
		if (!fake_answer_send(&w, &rq, &a, keep))
			keep = false;
		if (rq.has_body)
			linger(c);
	}
	if (rq.counts)
		(void)atomic_fetch_sub(&c->http->busy, 1);
	fake_answer_release(&a);
	free(rq.path);
	return keep;
}

static void *serve(void *arg)
{
	struct fake_conn *c = arg;

	while (!atomic_load(&c->http->stopping) && serve_one(c))
		;
	/* Closed at once: with bytes unread that resets the connection, while
	 * shutdown would leave a peer that sends waiting for room. */
	(void)pthread_mutex_lock(&c->http->lock);
	(void)close(c->fd);
	c->fd = -1;
	(void)pthread_mutex_unlock(&c->http->lock);
	atomic_store(&c->ended, true);
	return NULL;
}

/* Join those that ended; called with the lock, which they no longer want. */
static void reap(struct fake_http *h)
{
	struct fake_conn **at = &h->conns;
	struct fake_conn *c;

	while ((c = *at) != NULL) {
		if (!atomic_load(&c->ended)) {
			at = &c->next;
			continue;
		}
		*at = c->next;
		(void)pthread_join(c->thread, NULL);
		free(c);
	}
}

/* End every connection; nobody accepts any more. */
static void hang_up(struct fake_http *h)
{
	struct fake_conn *c;

	(void)pthread_mutex_lock(&h->lock);
	for (c = h->conns; c; c = c->next)
		if (c->fd >= 0)
			(void)shutdown(c->fd, SHUT_RDWR);
	(void)pthread_mutex_unlock(&h->lock);
	while ((c = h->conns) != NULL) {
		h->conns = c->next;
		(void)pthread_join(c->thread, NULL);
		free(c);
	}
}

static void accept_one(struct listener *l)
{
	struct fake_http *h = l->http;
	struct fake_conn *c;
	int fd = accept4(l->fd, NULL, NULL, SOCK_CLOEXEC);
	int one = 1, buffer = SEND_BUFFER;

	if (fd < 0)
		return;
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof(buffer));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	c = calloc(1, sizeof(*c));
	if (!c)
		abort();
	c->http = h;
	c->fd = fd;
	c->elsewhere = l->elsewhere;
	(void)pthread_mutex_lock(&h->lock);
	reap(h);
	if (pthread_create(&c->thread, NULL, serve, c) != 0)
		abort();
	c->next = h->conns;
	h->conns = c;
	(void)pthread_mutex_unlock(&h->lock);
}

static void *listen_on(void *arg)
{
	struct listener *l = arg;
	struct pollfd p = { .fd = l->fd, .events = POLLIN };

	while (!atomic_load(&l->http->stopping))
		if (poll(&p, 1, 50) > 0)
			accept_one(l);
	return NULL;
}

static bool open_listener(struct fake_http *h, struct listener *l, int port,
			  bool elsewhere)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	socklen_t len = sizeof(a);
	int one = 1;

	l->http = h;
	l->elsewhere = elsewhere;
	l->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	a.sin_port = htons((uint16_t)port);
	(void)setsockopt(l->fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (l->fd < 0 || bind(l->fd, (struct sockaddr *)&a, sizeof(a)) < 0 ||
	    listen(l->fd, 128) < 0 ||
	    getsockname(l->fd, (struct sockaddr *)&a, &len) < 0)
		return false;
	l->port = ntohs(a.sin_port);
	return true;
}

struct fake_http *fake_http_start(fake_handler *fn, fake_pace *pace, void *ctx,
				  int port)
{
	struct fake_http *h = calloc(1, sizeof(*h));
	size_t i;

	if (!h)
		return NULL;
	h->fn = fn;
	h->pace = pace;
	h->ctx = ctx;
	(void)pthread_mutex_init(&h->lock, NULL);
	if (!open_listener(h, &h->listeners[0], port, false) ||
	    !open_listener(h, &h->listeners[1], 0, true)) {
		free(h); /* a test that cannot listen ends */
		return NULL;
	}
	for (i = 0; i < 2; i++)
		if (pthread_create(&h->listeners[i].thread, NULL, listen_on,
				   &h->listeners[i]) != 0)
			abort();
	return h;
}

void fake_http_stop(struct fake_http *h)
{
	size_t i;

	atomic_store(&h->stopping, true);
	for (i = 0; i < 2; i++) {
		(void)pthread_join(h->listeners[i].thread, NULL);
		(void)close(h->listeners[i].fd);
	}
	hang_up(h);
	(void)pthread_mutex_destroy(&h->lock);
	free(h);
}

int fake_http_port(const struct fake_http *h, bool elsewhere)
{
	return h->listeners[elsewhere].port;
}

unsigned int fake_http_busy(struct fake_http *h)
{
	return atomic_load(&h->busy);
}

unsigned int fake_http_connections(struct fake_http *h)
{
	struct fake_conn *c;
	unsigned int n = 0;

	(void)pthread_mutex_lock(&h->lock);
	for (c = h->conns; c; c = c->next)
		n += c->fd >= 0;
	(void)pthread_mutex_unlock(&h->lock);
	return n;
}
