/*
 * trouble.c - what curl's failures mean to the user.
 *
 * These texts are what users read first, so each says what happened and what
 * to look at; curl's own words go into the cause.
 */
#include "net/wire.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"

/* From openssl/x509_vfy.h, which curl hands through and which has not changed
 * them since SSLeay; this folder does not include OpenSSL. */
enum verify_result {
	CERT_NOT_YET_VALID = 9,
	CERT_EXPIRED = 10,
	CERT_SELF_SIGNED = 18,
	CERT_SELF_SIGNED_IN_CHAIN = 19,
	CERT_NO_ISSUER = 20,
	CERT_UNVERIFIED_LEAF = 21,
	CERT_WRONG_HOST = 62,
};

static int fail_verify(CURL *easy, const char *said, const char *host,
		       struct mreg_error *err)
{
	long result = 0;

	(void)curl_easy_getinfo(easy, CURLINFO_SSL_VERIFYRESULT, &result);
	switch (result) {
	case CERT_EXPIRED:
		mr_fail(err, MREG_ENETWORK,
			"the certificate of '%s' has expired", host);
		return mr_hint(err, "its operator must renew it; also check "
				    "this machine's clock");
	case CERT_NOT_YET_VALID:
		mr_fail(err, MREG_ENETWORK,
			"the certificate of '%s' is not valid yet", host);
		return mr_hint(err, "check this machine's clock");
	case CERT_SELF_SIGNED:
	case CERT_SELF_SIGNED_IN_CHAIN:
	case CERT_NO_ISSUER:
	case CERT_UNVERIFIED_LEAF:
		mr_fail(err, MREG_ENETWORK,
			"the certificate of '%s' is signed by an unknown "
			"authority",
			host);
		return mr_hint(err, "give the authority's certificate with "
				    "--ca-file FILE");
	default:
		break;
	}
	if (result == CERT_WRONG_HOST || strstr(said, "match")) {
		mr_fail(err, MREG_ENETWORK,
			"the certificate of '%s' is for another name", host);
		return mr_hint(err, "use the registry's name as its "
				    "certificate has it");
	}
	mr_fail(err, MREG_ENETWORK, "cannot verify the certificate of '%s'",
		host);
	return mr_hint(err, "give its authority's certificate with --ca-file "
			    "FILE");
}

/* HOST:PORT of a proxy as it is configured; never its user or password. */
static bool read_proxy(const char *value, char host[300], char port[16])
{
	CURLU *u = curl_url();
	char *name = NULL;
	char *number = NULL;
	bool ok;

	ok = u &&
	     !curl_url_set(u, CURLUPART_URL, value,
			   CURLU_GUESS_SCHEME | CURLU_NON_SUPPORT_SCHEME) &&
	     !curl_url_get(u, CURLUPART_HOST, &name, 0);
	/* curl's own default, but for a proxy that speaks TLS. */
	if (ok && curl_url_get(u, CURLUPART_PORT, &number, 0))
		number = NULL;
	if (ok) {
		(void)snprintf(host, 300, "%s", name); /* shown only */
		(void)snprintf(port, 16, "%s",
			       number                           ? number
			       : !strncmp(value, "https://", 8) ? "443"
								: "1080");
	}
	curl_free(name);
	curl_free(number);
	curl_url_cleanup(u);
	return ok;
}

/* The proxy that curl did not get to: one that is configured, and that its
 * words name, since NO_PROXY may have kept it out. */
static bool find_proxy(const char *said, char out[320])
{
	static const char *const names[] = { "https_proxy", "HTTPS_PROXY",
					     "http_proxy",  "HTTP_PROXY",
					     "all_proxy",   "ALL_PROXY" };
	const char *value;
	char words[330];
	char later[330]; /* how newer versions of curl put it */
	char host[300];
	char port[16];
	size_t i;

	for (i = 0; i < MR_COUNT(names); i++) {
		value = getenv(names[i]);
		if (!value || !value[0] || !read_proxy(value, host, port))
			continue;
		(void)snprintf(out, 320, "%s:%s", host, port);
		(void)snprintf(words, sizeof(words), " %s port %s ", host,
			       port);
		(void)snprintf(later, sizeof(later), " %s ", out);
		if (strstr(said, words) || strstr(said, later))
			return true;
	}
	return false;
}

static int fail_proxy_connect(const char *host, const char *proxy,
			      const char *why, int sys, struct mreg_error *err)
{
	mr_fail(err, MREG_ENETWORK,
		"cannot reach '%s' through the proxy '%s': %s", host, proxy,
		why);
	if (err)
		err->sys = sys;
	return mr_hint(err, "check HTTPS_PROXY, HTTP_PROXY and NO_PROXY; is "
			    "the proxy running?");
}

static int fail_connect(CURL *easy, const char *said, const char *host,
			struct mr_outcome *oc, struct mreg_error *err)
{
	const char *why = "connection refused";
	char proxy[320];
	long sys = 0;

	oc->unreached = true;
	(void)curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, &sys);
	if (sys != ECONNREFUSED && sys != 0)
		why = strerror((int)sys);
	if (find_proxy(said, proxy))
		return fail_proxy_connect(host, proxy, why, (int)sys, err);
	mr_fail(err, MREG_ENETWORK, "cannot reach '%s': %s", host, why);
	if (err)
		err->sys = (int)sys;
	if (sys == ENETUNREACH || sys == EHOSTUNREACH)
		return mr_hint(err, "check the network and the proxy settings");
	return mr_hint(err, "check the host and port; is the registry "
			    "running?");
}

static int fail_tls(const char *said, const char *host, struct mr_outcome *oc,
		    struct mreg_error *err)
{
	/* OpenSSL's words for bytes that are no TLS record. */
	oc->not_tls = true;
	if (strstr(said, "wrong version number") ||
	    strstr(said, "packet length too long") ||
	    strstr(said, "record layer failure") ||
	    strstr(said, "http request")) {
		mr_fail(err, MREG_ENETWORK,
			"'%s' does not speak https on this port", host);
		return mr_hint(err, "if it speaks plain http and you trust "
				    "the network, use --plain-http");
	}
	oc->retry = true; /* a reset in the middle, for one */
	mr_fail(err, MREG_ENETWORK, "cannot agree on TLS with '%s'", host);
	return mr_hint(err, "check the port; mreg needs TLS 1.2 or newer, the "
			    "server perhaps a client certificate");
}

static int fail_timeout(const char *said, const char *host,
			struct mr_outcome *oc, struct mreg_error *err)
{
	/* Of curl's limits only that of connecting ends here, and that of a
	 * whole exchange where origin.c asks; transfer.c sees stalls. */
	oc->unreached = true;
	/* TCP came about, TLS did not: it may wait for a line of text. */
	oc->not_tls = strstr(said, "SSL") != NULL;
	mr_fail(err, MREG_ENETWORK, "cannot reach '%s': no answer in time",
		host);
	return mr_hint(err, "check the host, the port, and whether a firewall "
			    "or proxy is in the way");
}

static int fail_proxy(const char *said, struct mr_outcome *oc,
		      struct mreg_error *err)
{
	oc->unreached = true;
	mr_fail(err, MREG_ENETWORK, "cannot use the proxy: %s", said);
	return mr_hint(err, "check HTTPS_PROXY, HTTP_PROXY and NO_PROXY");
}

/* A server that wants to see a certificate of ours: TLS 1.3 has an alert of
 * its own (RFC 8446, section 6.2), and ours may not be what it knows. */
static bool wants_certificate(const char *said)
{
	return strstr(said, "certificate required") ||
	       strstr(said, "alert bad certificate") ||
	       strstr(said, "alert unknown ca");
}

static int fail_client_certificate(const char *host, struct mreg_error *err)
{
	mr_fail(err, MREG_ENETWORK,
		"'%s' wants a client certificate, or another one", host);
	return mr_hint(err,
		       "put NAME.cert and NAME.key into "
		       "~/.config/containers/certs.d/%.60s",
		       host);
}

/* The proxy answered to CONNECT with something else than 200. */
static int fail_tunnel(CURL *easy, const char *host, struct mr_outcome *oc,
		       struct mreg_error *err)
{
	long status = 0;

	(void)curl_easy_getinfo(easy, CURLINFO_HTTP_CONNECTCODE, &status);
	oc->retry = status >= 500;
	oc->unreached = true;
	mr_fail(err, MREG_ENETWORK,
		"the proxy does not connect to '%s' (HTTP %ld)", host, status);
	if (status == 407)
		return mr_hint(err, "it wants credentials: "
				    "HTTPS_PROXY=http://USER:PASSWORD@HOST");
	return mr_hint(err, "check HTTPS_PROXY and NO_PROXY, and what the "
			    "proxy allows");
}

static int fail_by_code(CURL *easy, CURLcode code, const char *said,
			const char *host, struct mr_outcome *oc,
			struct mreg_error *err)
{
	switch (code) {
	case CURLE_OUT_OF_MEMORY:
		return mr_fail_nomem(err);
	case CURLE_COULDNT_RESOLVE_HOST:
		oc->unreached = true;
		mr_fail(err, MREG_ENETWORK, "cannot reach '%s': unknown host",
			host);
		return mr_hint(err, "check the spelling of the host, and the "
				    "network");
	case CURLE_COULDNT_RESOLVE_PROXY:
	case CURLE_PROXY:
		return fail_proxy(said, oc, err);
	case CURLE_COULDNT_CONNECT:
		return fail_connect(easy, said, host, oc, err);
	case CURLE_OPERATION_TIMEDOUT:
		return fail_timeout(said, host, oc, err);
	case CURLE_PEER_FAILED_VERIFICATION:
		return fail_verify(easy, said, host, err);
	case CURLE_SSL_CERTPROBLEM:
		mr_fail(err, MREG_EUSAGE,
			"cannot use the client certificate for '%s'", host);
		return mr_hint(err, "check its .cert and .key in certs.d: PEM, "
				    "of the same pair, without a passphrase");
	case CURLE_SSL_CONNECT_ERROR:
		if (wants_certificate(said))
			return fail_client_certificate(host, err);
		return fail_tls(said, host, oc, err);
	case CURLE_SSL_CACERT_BADFILE:
		mr_fail(err, MREG_EUSAGE, "cannot use the CA certificates");
		return mr_hint(err, "check --ca-file and SSL_CERT_FILE");
	case CURLE_UNSUPPORTED_PROTOCOL: /* HTTP/0.9, so curl says */
	case CURLE_WEIRD_SERVER_REPLY:
		mr_fail(err, MREG_EREMOTE, "'%s' does not speak http", host);
		return mr_hint(err, "check the port");
	case CURLE_GOT_NOTHING:
		oc->not_tls = true;
		return mr_fail(err, MREG_ENETWORK,
			       "'%s' closed the connection without an answer",
			       host);
	case CURLE_SEND_FAIL_REWIND:
		return mr_fail(err, MREG_ENETWORK,
			       "'%s' closed the connection while we were "
			       "sending",
			       host);
	case CURLE_SEND_ERROR:
	case CURLE_RECV_ERROR:
		if (strstr(said, "CONNECT tunnel failed"))
			return fail_tunnel(easy, host, oc, err);
		if (wants_certificate(said)) {
			oc->retry = false;
			return fail_client_certificate(host, err);
		}
		oc->not_tls = true;
		return mr_fail(err, MREG_ENETWORK,
			       "the connection to '%s' broke", host);
	case CURLE_PARTIAL_FILE:
		return mr_fail(err, MREG_ENETWORK,
			       "'%s' closed the connection in the middle of "
			       "its answer",
			       host);
	default:
		return mr_fail(err, MREG_ENETWORK, "request to '%s' failed",
			       host);
	}
}

/* A certificate does not get better by asking again; nor does a wrong port. */
static bool is_passing(CURLcode code)
{
	switch (code) {
	case CURLE_OUT_OF_MEMORY:
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_UNSUPPORTED_PROTOCOL:
	case CURLE_WEIRD_SERVER_REPLY:
	case CURLE_URL_MALFORMAT:
		return false;
	default:
		return true;
	}
}

int mr_trouble(CURL *easy, CURLcode code, const char *said, const char *url,
	       struct mr_outcome *oc, struct mreg_error *err)
{
	curl_off_t agreed = 0;
	char host[300];
	int rc;

	if (!said[0])
		said = curl_easy_strerror(code);
	if (mr_url_host(url, host, sizeof(host)) < 0)
		memcpy(host, "?", 2);
	oc->retry = is_passing(code);
	rc = fail_by_code(easy, code, said, host, oc, err);
	(void)curl_easy_getinfo(easy, CURLINFO_APPCONNECT_TIME_T, &agreed);
	if (agreed > 0)
		oc->not_tls = false; /* it broke later */
	if (rc != MREG_ENOMEM)
		mr_cause(err, "%s", said);
	return rc;
}
