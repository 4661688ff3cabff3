/*
 * tests/unit/net/test_plain.c - loopback ports that spoke no TLS: remembered,
 * checked, and asked again.
 */
#include "tests/support/test.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "net/net.h"
#include "tests/support/httpd.h"

#define OK "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}"
#define DAY_MS (86400 * INT64_C(1000))

/* A port that answers a TLS hello with an error page, as nginx and Go do, and
 * anything else with `says`; one connection, one answer. */
struct port {
	pthread_t thread;
	int listener;
	const char *_Atomic says;
	atomic_uint hellos, requests, credentials;
};

struct fix {
	struct test_env t;
	char *dir;
	struct mr_state *state;
	struct port port;
	char host[64];
	char http[80]; /* its origin */
	struct mreg_error err;
};

/* -- the port ---------------------------------------------------------------
 */

static void answer(struct port *p, int fd)
{
	static const char page[] = "HTTP/1.1 400 Bad Request\r\n\r\n";
	char in[8192];
	ssize_t n = recv(fd, in, sizeof(in) - 1, 0);
	const char *out = p->says;

	if (n <= 0)
		return;
	in[n] = '\0';
	if (in[0] == 0x16) { /* a handshake (RFC 8446, section 5.1) */
		atomic_fetch_add(&p->hellos, 1);
		out = page;
	} else {
		atomic_fetch_add(&p->requests, 1);
		if (strstr(in, "Authorization:"))
			atomic_fetch_add(&p->credentials, 1);
	}
	(void)send(fd, out, strlen(out), MSG_NOSIGNAL);
}

static void *serve_port(void *ctx)
{
	struct port *p = ctx;
	int fd;

	while ((fd = accept(p->listener, NULL, NULL)) >= 0) {
		answer(p, fd);
		close(fd);
	}
	return NULL;
}

static void open_port(struct fix *f)
{
	struct sockaddr_in at = { .sin_family = AF_INET };
	socklen_t len = sizeof(at);
	struct port *p = &f->port;

	p->listener = socket(AF_INET, SOCK_STREAM, 0);
	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(0,
			 bind(p->listener, (struct sockaddr *)&at, sizeof(at)));
	assert_int_equal(0, listen(p->listener, 8));
	assert_int_equal(
		0, getsockname(p->listener, (struct sockaddr *)&at, &len));
	(void)snprintf(f->host, sizeof(f->host), "127.0.0.1:%u",
		       ntohs(at.sin_port));
	(void)snprintf(f->http, sizeof(f->http), "http://%s", f->host);
	p->says = OK;
	assert_int_equal(0, pthread_create(&p->thread, NULL, serve_port, p));
}

static void close_port(struct fix *f)
{
	if (f->port.listener < 0)
		return;
	shutdown(f->port.listener, SHUT_RDWR);
	pthread_join(f->port.thread, NULL);
	close(f->port.listener);
	f->port.listener = -1;
}

/* -- sessions ---------------------------------------------------------------
 */

static int setup(void **state)
{
	struct fix *f = calloc(1, sizeof(*f));
	char path[4096];

	assert_non_null(f);
	test_env_init(&f->t);
	f->dir = test_tmpdir_new();
	setenv("DOCKER_CONFIG", f->dir, 1);
	(void)snprintf(path, sizeof(path), "%s/state.db", f->dir);
	f->state = mr_state_open(path, &f->t.env);
	open_port(f);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fix *f = *state;

	close_port(f);
	mr_state_close(f->state);
	test_env_release(&f->t);
	test_tmpdir_free(f->dir);
	free(f);
	return 0;
}

static struct mr_net *session(struct fix *f)
{
	struct mr_net_opts o = { .env = &f->t.env,
				 .state = f->state,
				 .user_agent = "mreg/test",
				 .username = "mia",
				 .password = "s3cret" };
	struct mr_net *n;

	assert_ok(mr_net_open(&o, &n, &f->err), f->err);
	return n;
}

/* What a process of its own finds out. */
static int find(struct fix *f, const char *host, char origin[300])
{
	struct mr_net *n = session(f);
	int rc = mr_net_origin(n, host, origin, 300, &f->err);

	mr_net_close(n);
	return rc;
}

static void assert_http(struct fix *f, const char *host)
{
	char origin[300];

	assert_ok(find(f, host, origin), f->err);
	assert_has(origin, "http://");
}

/* -- tests ------------------------------------------------------------------
 */

static void a_port_without_tls_is_remembered(void **state)
{
	struct fix *f = *state;

	assert_http(f, f->host);
	assert_int_equal(1, atomic_load(&f->port.hellos));
	assert_int_equal(0, atomic_load(&f->port.requests));
	assert_http(f, f->host);
	assert_http(f, f->host);
	assert_int_equal(1, atomic_load(&f->port.hellos));
	assert_int_equal(2, atomic_load(&f->port.requests));
}

static void without_state_https_comes_first(void **state)
{
	struct fix *f = *state;

	mr_state_close(f->state);
	f->state = NULL;
	assert_http(f, f->host);
	assert_http(f, f->host);
	assert_int_equal(2, atomic_load(&f->port.hellos));
	assert_int_equal(0, atomic_load(&f->port.requests));
}

static void the_check_shows_no_credentials(void **state)
{
	struct fix *f = *state;

	f->port.says = "HTTP/1.1 401 Unauthorized\r\n"
		       "WWW-Authenticate: Basic realm=\"x\"\r\n"
		       "Connection: close\r\nContent-Length: 0\r\n\r\n";
	assert_http(f, f->host);
	assert_http(f, f->host);
	assert_int_equal(1, atomic_load(&f->port.hellos));
	assert_int_equal(1, atomic_load(&f->port.requests));
	assert_int_equal(0, atomic_load(&f->port.credentials));
}

static void a_record_holds_for_a_day(void **state)
{
	struct fix *f = *state;

	assert_http(f, f->host);
	f->t.now_ms += DAY_MS - 1000;
	assert_http(f, f->host);
	assert_int_equal(1, atomic_load(&f->port.hellos));
	f->t.now_ms += 1000;
	assert_http(f, f->host);
	assert_int_equal(2, atomic_load(&f->port.hellos));
	/* And begins anew; but not in the future. */
	assert_http(f, f->host);
	assert_int_equal(2, atomic_load(&f->port.hellos));
	f->t.now_ms -= DAY_MS;
	assert_http(f, f->host);
	assert_int_equal(3, atomic_load(&f->port.hellos));
}

static void a_record_that_is_none_is_ignored(void **state)
{
	static const char *const bad[] = {
		"", "x", "-1", "1e9", " 1", "99999999999999999999"
	};
	struct fix *f = *state;
	unsigned int i;

	for (i = 0; i < MR_COUNT(bad); i++) {
		mr_state_fact_put(f->state, f->http, "plain", bad[i]);
		assert_http(f, f->host);
		assert_int_equal(i + 1, atomic_load(&f->port.hellos));
	}
}

static void other_answers_ask_for_https_again(void **state)
{
	static const char *const says[] = {
		"HTTP/1.0 400 Bad Request\r\n\r\n"
		"Client sent an HTTP request to an HTTPS server.\n",
		"HTTP/1.1 301 Moved Permanently\r\nContent-Length: 0\r\n"
		"Location: https://127.0.0.1/v2/\r\n\r\n",
		"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 503 Slow Down\r\nContent-Length: 0\r\n\r\n",
		"\x15\x03\x01\x02\x02\x46", /* an alert: no TLS record */
		"",
	};
	struct fix *f = *state;
	unsigned int i;

	assert_http(f, f->host);
	for (i = 0; i < MR_COUNT(says); i++) {
		f->port.says = says[i];
		assert_http(f, f->host);
		assert_int_equal(i + 2, atomic_load(&f->port.hellos));
		assert_int_equal(i + 1, atomic_load(&f->port.requests));
	}
	assert_int_equal(0, atomic_load(&f->port.credentials));
}

static void a_dead_port_is_told(void **state)
{
	struct fix *f = *state;
	char origin[300];
	char fact[32];

	assert_http(f, f->host);
	close_port(f);
	assert_code(MREG_ENETWORK, find(f, f->host, origin), f->err);
	assert_has(f->err.msg, "cannot reach '127.0.0.1:");
	assert_has(f->err.msg, ": connection refused");
	assert_has(f->err.hint, "is the registry running?");
	assert_false(mr_state_fact_get(f->state, f->http, "plain", fact,
				       sizeof(fact)));
}

static void a_login_asks_for_https_again(void **state)
{
	struct fix *f = *state;
	struct mr_credentials c = { .username = (char *)"mia" };
	struct mr_net *n;

	assert_http(f, f->host);
	assert_int_equal(0, mr_secret_set(&c.password, "s3cret", 6));
	n = session(f);
	assert_ok(mr_net_login(n, f->host, &c, &f->err), f->err);
	mr_net_close(n);
	mr_secret_release(&c.password);
	assert_int_equal(2, atomic_load(&f->port.hellos));
}

static void other_names_have_records_of_their_own(void **state)
{
	struct fix *f = *state;
	char other[64];

	assert_http(f, f->host);
	(void)snprintf(other, sizeof(other), "localhost%s",
		       strchr(f->host, ':'));
	assert_http(f, other);
	assert_int_equal(2, atomic_load(&f->port.hellos));
}

/* -- over one connection ----------------------------------------------------
 */

static void serve(struct httpd_conn *c, const struct httpd_request *rq,
		  void *ctx)
{
	(void)rq;
	(void)ctx;
	httpd_answer(c, 200, "", "{}");
}

static void the_check_leaves_its_connection(void **state)
{
	struct fix *f = *state;
	struct httpd *h = httpd_start(serve, f);
	struct mr_request rq = { .method = "GET" };
	struct mr_response *r;
	char origin[300];
	char now[32];
	char url[400];
	struct mr_net *n;

	httpd_host(h, f->host, sizeof(f->host));
	httpd_url(h, "", f->http, sizeof(f->http));
	(void)snprintf(now, sizeof(now), "%lld",
		       (long long)(f->t.now_ms / 1000));
	mr_state_fact_put(f->state, f->http, "plain", now);
	n = session(f);
	assert_ok(mr_net_origin(n, f->host, origin, sizeof(origin), &f->err),
		  f->err);
	assert_string_equal(f->http, origin);
	rq.origin = origin;
	rq.url = httpd_url(h, "/v2/a/tags/list", url, sizeof(url));
	assert_ok(mr_net_send(n, &rq, &r, &f->err), f->err);
	assert_int_equal(200, r->status);
	mr_response_free(r);
	mr_net_close(n);
	assert_int_equal(2, httpd_count(h));
	assert_int_equal(1, httpd_connections(h));
	httpd_stop(h);
}

#define CASE(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_port_without_tls_is_remembered),
		CASE(without_state_https_comes_first),
		CASE(the_check_shows_no_credentials),
		CASE(a_record_holds_for_a_day),
		CASE(a_record_that_is_none_is_ignored),
		CASE(other_answers_ask_for_https_again),
		CASE(a_dead_port_is_told),
		CASE(a_login_asks_for_https_again),
		CASE(other_names_have_records_of_their_own),
		CASE(the_check_leaves_its_connection),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
