/*
 * tests/support/body_fixture.c - a server that gives and takes bodies as a
 * test wants it.
 */
#include "tests/support/body_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static void send_large(struct httpd_conn *c, unsigned int mib)
{
	char *chunk = malloc(MIB);
	unsigned int i;

	if (!chunk)
		return;
	memset(chunk, 'L', MIB);
	(void)snprintf(chunk, 100,
		       "HTTP/1.1 200 OK\r\nContent-Length: %u\r\n\r\n",
		       mib * MIB);
	httpd_puts(c, chunk);
	memset(chunk, 'L', MIB);
	for (i = 0; i < mib; i++)
		if (!httpd_send(c, chunk, MIB))
			break;
	free(chunk);
}

static void send_flood(struct httpd_conn *c)
{
	int i;

	httpd_puts(c, "HTTP/1.1 200 OK\r\n");
	for (i = 0; i < 10000; i++)
		if (!httpd_puts(c, "X-Flood: 0123456789abcdef\r\n"))
			break;
	httpd_close(c);
}

static void serve(struct httpd_conn *c, const struct httpd_request *rq,
		  void *ctx)
{
	struct bx *f = ctx;
	const char *raw;
	bool dead;

	pthread_mutex_lock(&f->t.lock);
	raw = f->raw;
	dead = f->dead;
	pthread_mutex_unlock(&f->t.lock);
	if (dead) {
		httpd_close(c);
	} else if (f->stop) {
		atomic_store(&f->t.cancel, true);
		httpd_hold(c);
	} else if (f->slow) {
		pthread_mutex_lock(&f->t.lock);
		f->t.now_ms += 61000;
		pthread_mutex_unlock(&f->t.lock);
		if (!strcmp(rq->method, "GET"))
			httpd_hold(c);
		else
			httpd_answer(c, 201, "", "");
	} else if (raw) {
		httpd_puts(c, raw);
		httpd_close(c);
	} else if (!strcmp(rq->target, "/large")) {
		send_large(c, 64);
	} else if (!strcmp(rq->target, "/flood")) {
		send_flood(c);
	} else {
		httpd_answer(c, 201, "", "thanks");
	}
}

static void early(struct httpd_conn *c, const struct httpd_request *rq,
		  void *ctx)
{
	struct bx *f = ctx;
	char value[64];

	httpd_header(rq, "Expect", value, sizeof(value));
	if (f->expects && value[0]) {
		f->expects--;
		httpd_answer(c, 417, "", "");
		httpd_hold(c);
		return;
	}
	if (!f->early)
		return;
	httpd_answer(c, f->early, f->early_headers, "too early");
	if (f->hold)
		httpd_hold(c);
}

void bx_answer(struct bx *f, const char *raw)
{
	pthread_mutex_lock(&f->t.lock);
	f->raw = raw;
	f->dead = raw && !raw[0];
	pthread_mutex_unlock(&f->t.lock);
}

void bx_open_net(struct bx *f, uint64_t limit_rate)
{
	struct mr_net_opts o = { .env = &f->t.env,
				 .user_agent = "mreg/test",
				 .plain_http = true,
				 .limit_rate = limit_rate };

	mr_net_close(f->net);
	f->net = NULL;
	assert_ok(mr_net_open(&o, &f->net, &f->err), f->err);
}

int bx_setup(void **state)
{
	struct bx *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	test_env_init(&f->t);
	bx_open_net(f, 0);
	f->server = httpd_start(serve, f);
	httpd_early(f->server, early);
	httpd_url(f->server, "", f->origin, sizeof(f->origin));
	f->early_headers = "";
	setenv("DOCKER_CONFIG", "/nonexistent", 1);
	*state = f;
	return 0;
}

int bx_teardown(void **state)
{
	struct bx *f = *state;

	mr_net_close(f->net);
	httpd_stop(f->server);
	test_env_release(&f->t);
	free(f);
	return 0;
}

struct mr_request bx_request(struct bx *f, const char *method, const char *path)
{
	struct mr_request rq = { .method = method,
				 .origin = f->origin,
				 .once = true };

	httpd_url(f->server, path, f->url, sizeof(f->url));
	rq.url = f->url;
	return rq;
}

int64_t bx_read_all(struct bx *f, struct mr_response *r, size_t piece)
{
	char *buf = malloc(piece);
	int64_t total = 0;
	ssize_t n;

	assert_non_null(buf);
	while ((n = mr_stream_read(r->body, buf, piece, &f->err)) > 0) {
		assert_true((size_t)n <= piece);
		total += n;
	}
	free(buf);
	return n < 0 ? n : total;
}

int64_t bx_fetch(struct bx *f, const struct mr_request *rq, int *status)
{
	struct mr_response *r;
	int64_t n;
	int rc = mr_net_send(f->net, rq, &r, &f->err);

	if (rc < 0)
		return rc;
	if (status)
		*status = r->status;
	n = bx_read_all(f, r, 4096);
	mr_response_free(r);
	return n;
}

static ssize_t source_read(struct mr_stream *s, void *buf, size_t n,
			   struct mreg_error *err)
{
	struct bx_source *src = mr_container_of(s, struct bx_source, base);

	if (n > src->left)
		n = (size_t)src->left;
	if (n == 0 && src->fails) {
		err->code = (enum mreg_code)src->fails;
		(void)snprintf(err->msg, sizeof(err->msg), "source broke");
		return src->fails;
	}
	memset(buf, 'S', n);
	src->left -= n;
	src->taken += n;
	return (ssize_t)n;
}

static const struct mr_stream_ops source_ops = { .read = source_read };

struct mr_request bx_upload(struct bx *f, struct bx_source *src, uint64_t size)
{
	struct mr_request rq = bx_request(f, "PUT", "/up");

	memset(src, 0, sizeof(*src));
	src->base.ops = &source_ops;
	src->left = size;
	rq.stream = &src->base;
	rq.stream_size = size;
	return rq;
}
