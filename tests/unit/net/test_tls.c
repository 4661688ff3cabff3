/*
 * tests/unit/net/test_tls.c - certificates that hold and that do not, against
 * a server of `openssl s_server`.
 */
#include "tests/support/test.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "net/net.h"
#include "tests/support/httpd.h"

#define DAY_S 86400L

struct fix {
	struct test_env t;
	char *dir;
	pid_t server;
	unsigned int port;
	char host[64];
	struct mr_state *state; /* NULL but where a test opens it */
	struct mreg_error err;
};

/* -- certificates
 * ------------------------------------------------------------------------ */

static void extend(X509 *cert, int nid, const char *value)
{
	X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

	assert_non_null(e);
	assert_int_equal(1, X509_add_ext(cert, e, -1));
	X509_EXTENSION_free(e);
}

static X509 *certify(EVP_PKEY *key, const char *name, const char *alt,
		     long begin_s, long end_s, X509 *issuer, EVP_PKEY *with)
{
	static long serial = 1;
	X509 *cert = X509_new();
	X509_NAME *subject;

	assert_non_null(cert);
	subject = X509_get_subject_name(cert);
	X509_set_version(cert, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(cert), serial++);
	X509_gmtime_adj(X509_getm_notBefore(cert), begin_s);
	X509_gmtime_adj(X509_getm_notAfter(cert), end_s);
	X509_set_pubkey(cert, key);
	X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
				   (const unsigned char *)name, -1, -1, 0);
	X509_set_issuer_name(cert,
			     issuer ? X509_get_subject_name(issuer) : subject);
	extend(cert, NID_basic_constraints, alt ? "CA:FALSE" : "CA:TRUE");
	if (alt)
		extend(cert, NID_subject_alt_name, alt);
	assert_true(X509_sign(cert, with, EVP_sha256()) > 0);
	return cert;
}

static void save(struct fix *f, const char *name, X509 *cert, EVP_PKEY *key)
{
	char path[4096];
	FILE *out;

	(void)snprintf(path, sizeof(path), "%s/%s", f->dir, name);
	out = fopen(path, "w");
	assert_non_null(out);
	if (cert)
		assert_int_equal(1, PEM_write_X509(out, cert));
	if (key)
		assert_int_equal(1, PEM_write_PrivateKey(out, key, NULL, NULL,
							 0, NULL, NULL));
	assert_int_equal(0, fclose(out));
}

static void make_certificates(struct fix *f)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *ca;
	X509 *cert;

	assert_non_null(key);
	ca = certify(key, "test CA", NULL, -DAY_S, DAY_S, NULL, key);
	save(f, "ca.pem", ca, NULL);
	cert = certify(key, "x", "IP:127.0.0.1,DNS:localhost", -DAY_S, DAY_S,
		       ca, key);
	save(f, "good.pem", cert, key);
	X509_free(cert);
	cert = certify(key, "x", "IP:127.0.0.1", -2 * DAY_S, -DAY_S, ca, key);
	save(f, "expired.pem", cert, key);
	X509_free(cert);
	cert = certify(key, "x", "DNS:other.example", -DAY_S, DAY_S, ca, key);
	save(f, "other.pem", cert, key);
	X509_free(cert);
	X509_free(ca);
	EVP_PKEY_free(key);
}

/* -- server
 * ------------------------------------------------------------------------------
 */

static bool is_listening(unsigned int port)
{
	struct sockaddr_in at = { .sin_family = AF_INET };
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	bool is;

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	at.sin_port = htons((uint16_t)port);
	is = connect(fd, (struct sockaddr *)&at, sizeof(at)) == 0;
	close(fd);
	return is;
}

static unsigned int free_port(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET };
	socklen_t len = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(0, bind(fd, (struct sockaddr *)&at, sizeof(at)));
	assert_int_equal(0, getsockname(fd, (struct sockaddr *)&at, &len));
	close(fd);
	return ntohs(at.sin_port);
}

static void start(struct fix *f, const char *certificate)
{
	struct timespec moment = { .tv_nsec = 20000000 };
	char path[4096];
	char accept[64];
	int tries;

	f->port = free_port();
	(void)snprintf(f->host, sizeof(f->host), "127.0.0.1:%u", f->port);
	(void)snprintf(accept, sizeof(accept), "%s", f->host);
	(void)snprintf(path, sizeof(path), "%s/%s", f->dir, certificate);
	f->server = fork();
	if (f->server == 0) {
		execlp("openssl", "openssl", "s_server", "-quiet", "-www",
		       "-accept", accept, "-cert", path, "-key", path,
		       (char *)NULL);
		_exit(127);
	}
	for (tries = 0; tries < 250 && !is_listening(f->port); tries++) {
		if (waitpid(f->server, NULL, WNOHANG) != 0) {
			f->server = 0;
			skip(); /* no openssl program here */
		}
		nanosleep(&moment, NULL);
	}
}

static void stop(struct fix *f)
{
	if (f->server <= 0)
		return;
	kill(f->server, SIGKILL);
	waitpid(f->server, NULL, 0);
	f->server = 0;
}

static int setup(void **state)
{
	struct fix *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	test_env_init(&f->t);
	f->dir = test_tmpdir_new();
	setenv("DOCKER_CONFIG", f->dir, 1);
	unsetenv("SSL_CERT_FILE");
	make_certificates(f);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fix *f = *state;

	stop(f);
	mr_state_close(f->state);
	test_env_release(&f->t);
	test_tmpdir_free(f->dir);
	free(f);
	return 0;
}

static int try_get(struct fix *f, bool with_ca, char origin[300])
{
	struct mr_net_opts o = { .env = &f->t.env,
				 .state = f->state,
				 .user_agent = "mreg/test" };
	struct mr_request rq = { .method = "GET", .origin = origin };
	struct mr_response *r;
	struct mr_net *n;
	char ca[4096];
	char url[400];
	int rc;

	(void)snprintf(ca, sizeof(ca), "%s/ca.pem", f->dir);
	o.ca_file = with_ca ? ca : NULL;
	assert_ok(mr_net_open(&o, &n, &f->err), f->err);
	rc = mr_net_origin(n, f->host, origin, 300, &f->err);
	if (rc >= 0) {
		(void)snprintf(url, sizeof(url), "%s/v2/", origin);
		rq.url = url;
		rc = mr_net_send(n, &rq, &r, &f->err);
	}
	if (rc >= 0) {
		rc = r->status;
		mr_response_free(r);
	}
	mr_net_close(n);
	return rc;
}

/* -- tests
 * -------------------------------------------------------------------------------
 */

static void a_given_authority_is_trusted(void **state)
{
	struct fix *f = *state;
	char origin[300];
	char want[300];
	char ca[4096];

	start(f, "good.pem");
	assert_int_equal(200, try_get(f, true, origin));
	(void)snprintf(want, sizeof(want), "https://%s", f->host);
	assert_string_equal(want, origin);
	(void)snprintf(ca, sizeof(ca), "%s/ca.pem", f->dir);
	setenv("SSL_CERT_FILE", ca, 1);
	assert_int_equal(200, try_get(f, false, origin));
}

static void an_unknown_authority_is_told(void **state)
{
	struct fix *f = *state;
	char origin[300];

	start(f, "good.pem");
	assert_code(MREG_ENETWORK, try_get(f, false, origin), f->err);
	assert_has(f->err.msg, "signed by an unknown authority");
	assert_has(f->err.msg, f->host);
	assert_has(f->err.hint, "--ca-file FILE");
	assert_int_equal(0, f->t.slept_ms); /* waiting would not help */
}

static void an_expired_certificate_is_told(void **state)
{
	struct fix *f = *state;
	char origin[300];

	start(f, "expired.pem");
	assert_code(MREG_ENETWORK, try_get(f, true, origin), f->err);
	assert_has(f->err.msg, "has expired");
	/* That is no reason to speak http. */
	assert_has(origin, "https://");
}

static void a_wrong_name_is_told(void **state)
{
	struct fix *f = *state;
	char origin[300];

	start(f, "other.pem");
	assert_code(MREG_ENETWORK, try_get(f, true, origin), f->err);
	assert_has(f->err.msg, "is for another name");
}

static void what_spoke_no_tls_may_begin_to(void **state)
{
	struct fix *f = *state;
	char origin[300];
	char http[80];
	char path[4096];
	char now[32];
	char fact[32];

	(void)snprintf(path, sizeof(path), "%s/state.db", f->dir);
	f->state = mr_state_open(path, &f->t.env);
	start(f, "good.pem");
	(void)snprintf(http, sizeof(http), "http://%s", f->host);
	(void)snprintf(now, sizeof(now), "%lld",
		       (long long)(f->t.now_ms / 1000));
	mr_state_fact_put(f->state, http, "plain", now);
	assert_int_equal(200, try_get(f, true, origin));
	assert_has(origin, "https://");
	assert_false(
		mr_state_fact_get(f->state, http, "plain", fact, sizeof(fact)));
}

static void serve_http(struct httpd_conn *c, const struct httpd_request *rq,
		       void *ctx)
{
	(void)rq;
	(void)ctx;
	httpd_answer(c, 200, "", "plain");
}

static void http_on_an_https_port_is_told(void **state)
{
	struct fix *f = *state;
	struct mr_net_opts o = { .env = &f->t.env, .user_agent = "mreg/test" };
	struct mr_request rq = { .method = "GET" };
	struct mr_response *r;
	struct sockaddr_in at = { .sin_family = AF_INET };
	struct mr_net *n;
	char url[400];
	int listener = socket(AF_INET, SOCK_STREAM, 0);
	int fd;

	/* nginx, Go and others answer a TLS hello with an error page. */
	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	f->port = free_port();
	at.sin_port = htons((uint16_t)f->port);
	assert_int_equal(0, bind(listener, (struct sockaddr *)&at, sizeof(at)));
	assert_int_equal(0, listen(listener, 8));
	f->server = fork();
	if (f->server == 0) {
		static const char page[] = "HTTP/1.1 400 Bad Request\r\n\r\n";
		char hello[4096];

		while ((fd = accept(listener, NULL, NULL)) >= 0) {
			if (read(fd, hello, sizeof(hello)) <= 0 ||
			    write(fd, page, sizeof(page) - 1) < 0)
				_exit(1);
			close(fd);
		}
		_exit(0);
	}
	close(listener);
	(void)snprintf(url, sizeof(url), "https://127.0.0.1:%u/v2/", f->port);
	rq.origin = rq.url = url;
	assert_ok(mr_net_open(&o, &n, &f->err), f->err);
	assert_code(MREG_ENETWORK, mr_net_send(n, &rq, &r, &f->err), f->err);
	assert_has(f->err.msg, "does not speak https");
	assert_has(f->err.hint, "--plain-http");
	/* But where http is fine, it is found. */
	(void)snprintf(f->host, sizeof(f->host), "localhost:%u", f->port);
	assert_ok(mr_net_origin(n, f->host, url, sizeof(url), &f->err), f->err);
	assert_has(url, "http://localhost:");
	mr_net_close(n);
}

static void a_server_that_waits_for_a_line_speaks_http(void **state)
{
	struct fix *f = *state;
	struct httpd *h = httpd_start(serve_http, f);
	char origin[300];

	(void)httpd_host(h, f->host, sizeof(f->host));
	assert_int_equal(200, try_get(f, false, origin));
	assert_has(origin, "http://127.0.0.1:");
	httpd_stop(h);
}

static void a_ca_file_holds_certificates(void **state)
{
	struct fix *f = *state;
	struct mr_net_opts o = { .env = &f->t.env, .user_agent = "mreg/test" };
	struct mr_net *n;
	char path[4096];

	(void)snprintf(path, sizeof(path), "%s/none.pem", f->dir);
	o.ca_file = path;
	assert_code(MREG_ENOTFOUND, mr_net_open(&o, &n, &f->err), f->err);
	assert_has(f->err.msg, "cannot read the CA file '");
	test_write_text(f->dir, "none.pem", "no certificate");
	assert_code(MREG_EUSAGE, mr_net_open(&o, &n, &f->err), f->err);
	assert_has(f->err.msg, "no certificate in CA file '");
}

#define CASE(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_given_authority_is_trusted),
		CASE(an_unknown_authority_is_told),
		CASE(an_expired_certificate_is_told),
		CASE(a_wrong_name_is_told),
		CASE(what_spoke_no_tls_may_begin_to),
		CASE(http_on_an_https_port_is_told),
		CASE(a_server_that_waits_for_a_line_speaks_http),
		CASE(a_ca_file_holds_certificates),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
