/*
 * tests/support/httpd.c - an HTTP/1.1 server in a thread that does exactly
 * what a test tells it.
 */
#include "tests/support/httpd.h"

#include "tests/support/test.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONNS_MAX 64
#define SEEN_MAX 4096
#define HEAD_MAX (256u << 10)
#define BODY_KEPT_MAX (1u << 20)

struct httpd_conn {
	struct httpd *server;
	int fd; /* -1: free */
	unsigned int number;
	char *in; /* HEAD_MAX bytes */
	size_t in_len;
	struct httpd_request *now; /* its body is coming; NULL: head */
	uint64_t body_left;
	bool answered; /* something was sent to `now` */
	bool closing;
	bool held;
};

struct httpd {
	httpd_fn *fn;
	httpd_fn *early;
	void *ctx;
	int listener;
	int wake[2]; /* pipe; a byte ends the thread */
	unsigned int port;
	pthread_t thread;
	pthread_mutex_t lock; /* what follows */
	struct httpd_request *seen[SEEN_MAX];
	size_t count;
	unsigned int accepted;
	struct httpd_conn conns[CONNS_MAX];
};

/* -- for handlers -------------------------------------------------------------
 */

bool httpd_send(struct httpd_conn *c, const void *data, size_t n)
{
	const char *p = data;
	ssize_t sent;

	c->answered = true;
	while (n && c->fd >= 0) {
		sent = send(c->fd, p, n, MSG_NOSIGNAL);
		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0) {
			c->closing = true;
			return false;
		}
		p += sent;
		n -= (size_t)sent;
	}
	return n == 0;
}

bool httpd_puts(struct httpd_conn *c, const char *text)
{
	return httpd_send(c, text, strlen(text));
}

bool httpd_answer(struct httpd_conn *c, int status, const char *headers,
		  const char *body)
{
	size_t cap = strlen(headers) + strlen(body) + 128;
	char *text = malloc(cap);
	bool ok;
	int n;

	if (!text)
		return false;
	n = snprintf(text, cap,
		     "HTTP/1.1 %d Answer\r\nContent-Length: %zu\r\n%s\r\n%s",
		     status, strlen(body), headers, body);
	ok = n > 0 && httpd_send(c, text, (size_t)n);
	free(text);
	return ok;
}

void httpd_close(struct httpd_conn *c)
{
	c->answered = true;
	c->closing = true;
}

void httpd_hold(struct httpd_conn *c)
{
	c->held = true;
}

void httpd_reset(struct httpd_conn *c)
{
	struct linger now = { .l_onoff = 1, .l_linger = 0 };

	(void)setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	httpd_close(c);
}

const char *httpd_header(const struct httpd_request *rq, const char *name,
			 char *out, size_t cap)
{
	size_t n = strlen(name);
	const char *line = rq->head;
	size_t len;

	out[0] = '\0';
	while ((line = strstr(line, "\r\n")) != NULL) {
		line += 2;
		if (strncasecmp(line, name, n) || line[n] != ':')
			continue;
		line += n + 1;
		line += strspn(line, " ");
		len = strcspn(line, "\r\n");
		if (len >= cap)
			len = cap - 1;
		memcpy(out, line, len);
		out[len] = '\0';
		break;
	}
	return out;
}

/* -- the thread ---------------------------------------------------------------
 */

static void conn_close(struct httpd_conn *c)
{
	if (c->fd >= 0)
		close(c->fd);
	free(c->in);
	memset(c, 0, sizeof(*c));
	c->fd = -1;
}

static void conn_accept(struct httpd *h)
{
	int one = 1;
	int fd = accept(h->listener, NULL, NULL);
	size_t i;

	for (i = 0; fd >= 0 && i < CONNS_MAX; i++) {
		struct httpd_conn *c = &h->conns[i];

		if (c->fd >= 0)
			continue;
		c->in = malloc(HEAD_MAX + 1);
		if (!c->in)
			break;
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one,
				 sizeof(one));
		c->server = h;
		c->fd = fd;
		pthread_mutex_lock(&h->lock);
		c->number = ++h->accepted;
		pthread_mutex_unlock(&h->lock);
		return;
	}
	if (fd >= 0)
		close(fd);
}

static void request_free(struct httpd_request *rq)
{
	if (!rq)
		return;
	free(rq->head);
	free(rq->body);
	free(rq);
}

static struct httpd_request *request_new(const char *head, size_t n,
					 unsigned int connection)
{
	struct httpd_request *rq = calloc(1, sizeof(*rq));

	if (!rq)
		return NULL;
	rq->head = strndup(head, n);
	rq->body = calloc(1, 1);
	rq->connection = connection;
	if (!rq->head || !rq->body ||
	    sscanf(rq->head, "%15s %2047s", rq->method, rq->target) != 2) {
		request_free(rq);
		return NULL;
	}
	return rq;
}

static void record(struct httpd *h, struct httpd_request *rq)
{
	pthread_mutex_lock(&h->lock);
	if (h->count < SEEN_MAX)
		h->seen[h->count++] = rq;
	pthread_mutex_unlock(&h->lock);
}

static void keep_body(struct httpd_request *rq, const char *data, size_t n)
{
	char *more;

	rq->body_len += n;
	if (n > BODY_KEPT_MAX - rq->body_kept)
		n = BODY_KEPT_MAX - rq->body_kept;
	more = n ? realloc(rq->body, rq->body_kept + n + 1) : NULL;
	if (!more)
		return;
	memcpy(more + rq->body_kept, data, n);
	rq->body = more;
	rq->body_kept += n;
	rq->body[rq->body_kept] = '\0';
}

static void conn_dispatch(struct httpd_conn *c)
{
	struct httpd *h = c->server;

	if (!c->answered)
		h->fn(c, c->now, h->ctx);
	c->now = NULL;
	c->answered = false;
}

/* The head is complete: what comes next? */
static void conn_head(struct httpd_conn *c, size_t n)
{
	struct httpd *h = c->server;
	char value[64];

	c->now = request_new(c->in, n, c->number);
	memmove(c->in, c->in + n, c->in_len - n);
	c->in_len -= n;
	c->answered = false;
	if (!c->now) {
		c->closing = true;
		return;
	}
	record(h, c->now);
	httpd_header(c->now, "Content-Length", value, sizeof(value));
	c->body_left = strtoull(value, NULL, 10);
	if (!c->body_left)
		return;
	if (h->early)
		h->early(c, c->now, h->ctx);
	httpd_header(c->now, "Expect", value, sizeof(value));
	if (!c->answered && !strcasecmp(value, "100-continue")) {
		(void)httpd_puts(c, "HTTP/1.1 100 Continue\r\n\r\n");
		c->answered = false;
	}
}

static bool conn_advance(struct httpd_conn *c)
{
	size_t n;
	char *end;

	if (!c->now) {
		c->in[c->in_len] = '\0';
		end = strstr(c->in, "\r\n\r\n");
		if (!end)
			return false;
		conn_head(c, (size_t)(end + 4 - c->in));
		return !c->closing;
	}
	n = c->in_len < c->body_left ? c->in_len : (size_t)c->body_left;
	keep_body(c->now, c->in, n);
	memmove(c->in, c->in + n, c->in_len - n);
	c->in_len -= n;
	c->body_left -= n;
	if (c->body_left)
		return false;
	conn_dispatch(c);
	return !c->closing;
}

static void conn_read(struct httpd_conn *c)
{
	ssize_t got = recv(c->fd, c->in + c->in_len, HEAD_MAX - c->in_len, 0);

	if (got <= 0) {
		conn_close(c);
		return;
	}
	c->in_len += (size_t)got;
	while (conn_advance(c))
		;
	if (c->closing)
		conn_close(c);
}

static void *serve(void *arg)
{
	struct httpd *h = arg;
	struct pollfd p[CONNS_MAX + 2];
	size_t i;

	for (;;) {
		p[0] = (struct pollfd){ .fd = h->wake[0], .events = POLLIN };
		p[1] = (struct pollfd){ .fd = h->listener, .events = POLLIN };
		for (i = 0; i < CONNS_MAX; i++) {
			p[i + 2].fd = h->conns[i].held ? -1 : h->conns[i].fd;
			p[i + 2].events = POLLIN;
			p[i + 2].revents = 0;
		}
		if (poll(p, CONNS_MAX + 2, -1) < 0)
			continue;
		if (p[0].revents)
			break;
		for (i = 0; i < CONNS_MAX; i++)
			if (p[i + 2].revents)
				conn_read(&h->conns[i]);
		if (p[1].revents)
			conn_accept(h);
	}
	for (i = 0; i < CONNS_MAX; i++)
		conn_close(&h->conns[i]);
	return NULL;
}

/* -- for tests
 * ------------------------------------------------------------------ */

static void listen_on(struct httpd *h)
{
	struct sockaddr_in at = { .sin_family = AF_INET };
	socklen_t len = sizeof(at);

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	h->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (h->listener < 0 ||
	    bind(h->listener, (struct sockaddr *)&at, sizeof(at)) < 0 ||
	    listen(h->listener, CONNS_MAX) < 0 ||
	    getsockname(h->listener, (struct sockaddr *)&at, &len) < 0 ||
	    pipe(h->wake) < 0)
		fail_msg("cannot listen: %s", strerror(errno));
	h->port = ntohs(at.sin_port);
}

struct httpd *httpd_start(httpd_fn *fn, void *ctx)
{
	struct httpd *h = calloc(1, sizeof(*h));
	size_t i;

	assert_non_null(h);
	h->fn = fn;
	h->ctx = ctx;
	for (i = 0; i < CONNS_MAX; i++)
		h->conns[i].fd = -1;
	pthread_mutex_init(&h->lock, NULL);
	listen_on(h);
	if (pthread_create(&h->thread, NULL, serve, h))
		fail_msg("cannot start a thread");
	return h;
}

void httpd_stop(struct httpd *h)
{
	size_t i;

	if (!h)
		return;
	if (write(h->wake[1], "x", 1) != 1)
		fail_msg("cannot stop the server");
	pthread_join(h->thread, NULL);
	close(h->wake[0]);
	close(h->wake[1]);
	close(h->listener);
	for (i = 0; i < h->count; i++)
		request_free(h->seen[i]);
	pthread_mutex_destroy(&h->lock);
	free(h);
}

void httpd_early(struct httpd *h, httpd_fn *fn)
{
	h->early = fn;
}

unsigned int httpd_port(const struct httpd *h)
{
	return h->port;
}

const char *httpd_url(const struct httpd *h, const char *path, char *out,
		      size_t cap)
{
	(void)snprintf(out, cap, "http://127.0.0.1:%u%s", h->port, path);
	return out;
}

const char *httpd_host(const struct httpd *h, char *out, size_t cap)
{
	(void)snprintf(out, cap, "127.0.0.1:%u", h->port);
	return out;
}

size_t httpd_count(struct httpd *h)
{
	size_t n;

	pthread_mutex_lock(&h->lock);
	n = h->count;
	pthread_mutex_unlock(&h->lock);
	return n;
}

const struct httpd_request *httpd_seen(struct httpd *h, size_t index)
{
	const struct httpd_request *rq = NULL;

	pthread_mutex_lock(&h->lock);
	if (index < h->count)
		rq = h->seen[index];
	pthread_mutex_unlock(&h->lock);
	if (!rq)
		fail_msg("request %zu did not come", index);
	return rq;
}

unsigned int httpd_connections(struct httpd *h)
{
	unsigned int n;

	pthread_mutex_lock(&h->lock);
	n = h->accepted;
	pthread_mutex_unlock(&h->lock);
	return n;
}
