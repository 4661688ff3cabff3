/*
 * url.c - URLs taken apart: origins, which addresses are private, references
 * resolved, secrets kept out of logs.
 *
 * Only curl's own parser is used, so what is judged here is what curl would
 * go to: it also turns the many spellings of an IPv4 address ("0x7f.1") into
 * one.
 */
#include "net/internal.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/text.h"

/* Signed URLs of object stores reach 5 KiB; more is no address. */
#define URL_MAX_BYTES (16u << 10)

struct place {
	char scheme[8];
	char host[256]; /* lower case; brackets around IPv6 */
	char port[8];
	bool zone; /* an IPv6 zone was given: link-local */
};

static void url_freep(CURLU **u)
{
	curl_url_cleanup(*u);
	*u = NULL;
}

static void text_freep(char **text)
{
	curl_free(*text);
	*text = NULL;
}

/* Bytes that RFC 3986 has no place for; parsers disagree about them, and
 * disagreement is how a check is passed by. */
static bool has_stray_bytes(const char *s)
{
	const unsigned char *p;

	for (p = (const unsigned char *)s; *p; p++)
		if (*p <= 0x20 || *p >= 0x7f || *p == '\\')
			return true;
	return false;
}

static CURLU *parse(const char *url)
{
	MR_AUTO(url_freep) CURLU *u = NULL;

	if (strlen(url) > URL_MAX_BYTES || has_stray_bytes(url))
		return NULL;
	if (!strstr(url, "://"))
		return NULL;
	u = curl_url();
	if (!u || curl_url_set(u, CURLUPART_URL, url,
			       CURLU_PATH_AS_IS | CURLU_DISALLOW_USER))
		return NULL;
	return mr_steal(&u);
}

static bool get_part(CURLU *u, CURLUPart part, char *out, size_t cap)
{
	MR_AUTO(text_freep) char *text = NULL;
	size_t i;

	if (curl_url_get(u, part, &text, CURLU_DEFAULT_PORT))
		return false;
	if (strlen(text) >= cap)
		return false;
	for (i = 0; text[i]; i++)
		out[i] = text[i] >= 'A' && text[i] <= 'Z'
				 ? (char)(text[i] - 'A' + 'a')
				 : text[i];
	out[i] = '\0';
	return true;
}

static bool locate(CURLU *u, struct place *out)
{
	char zone[8];

	if (!get_part(u, CURLUPART_SCHEME, out->scheme, sizeof(out->scheme)) ||
	    !get_part(u, CURLUPART_HOST, out->host, sizeof(out->host)) ||
	    !get_part(u, CURLUPART_PORT, out->port, sizeof(out->port)))
		return false;
	out->zone = get_part(u, CURLUPART_ZONEID, zone, sizeof(zone));
	return !strcmp(out->scheme, "http") || !strcmp(out->scheme, "https");
}

static bool place_of(const char *url, struct place *out)
{
	MR_AUTO(url_freep) CURLU *u = parse(url);

	return u && locate(u, out);
}

static bool is_default_port(const struct place *p)
{
	return !strcmp(p->port, !strcmp(p->scheme, "https") ? "443" : "80");
}

int mr_url_origin(const char *url, char *out, size_t cap)
{
	struct place p;
	int n;

	if (!place_of(url, &p))
		return -1;
	n = snprintf(out, cap, "%s://%s%s%s", p.scheme, p.host,
		     is_default_port(&p) ? "" : ":",
		     is_default_port(&p) ? "" : p.port);
	return n < 0 || (size_t)n >= cap ? -1 : 0;
}

int mr_url_host(const char *url, char *out, size_t cap)
{
	char origin[300];
	const char *host;

	if (mr_url_origin(url, origin, sizeof(origin)) < 0)
		return -1;
	host = strstr(origin, "://") + 3;
	if (strlen(host) >= cap)
		return -1;
	memcpy(out, host, strlen(host) + 1);
	return 0;
}

bool mr_url_is_https(const char *url)
{
	struct place p;

	return place_of(url, &p) && !strcmp(p.scheme, "https");
}

bool mr_url_same_origin(const char *a, const char *b)
{
	char one[300];
	char two[300];

	return mr_url_origin(a, one, sizeof(one)) == 0 &&
	       mr_url_origin(b, two, sizeof(two)) == 0 && !strcmp(one, two);
}

static bool in_net(uint32_t ip, uint32_t net, unsigned int bits)
{
	return bits == 0 || (ip ^ net) >> (32 - bits) == 0;
}

/* IANA's registry of special-purpose IPv4 addresses (RFC 6890), as far as
 * they lead to this machine, this link or this site. */
static bool is_private_v4(uint32_t ip)
{
	return in_net(ip, 0x00000000, 8) ||  /* 0.0.0.0/8, this host */
	       in_net(ip, 0x0a000000, 8) ||  /* 10/8 */
	       in_net(ip, 0x64400000, 10) || /* 100.64/10, RFC 6598 */
	       in_net(ip, 0x7f000000, 8) ||  /* 127/8 */
	       in_net(ip, 0xa9fe0000, 16) || /* 169.254/16, link-local */
	       in_net(ip, 0xac100000, 12) || /* 172.16/12 */
	       in_net(ip, 0xc0a80000, 16) || /* 192.168/16 */
	       in_net(ip, 0xe0000000, 3);    /* multicast and reserved */
}

static uint32_t load_be32(const unsigned char *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
	       (uint32_t)p[2] << 8 | p[3];
}

/* The IPv4 address inside an IPv6 one: mapped and compatible (RFC 4291,
 * 2.5.5), NAT64 (RFC 6052), 6to4 (RFC 3056). */
static bool embedded_v4(const unsigned char *a, uint32_t *out)
{
	static const unsigned char zero[12];
	static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff };
	static const unsigned char nat64[12] = { 0, 0x64, 0xff, 0x9b };

	*out = load_be32(a + 12);
	if (!memcmp(a, zero, 12) || !memcmp(a, mapped, 12) ||
	    !memcmp(a, nat64, 12))
		return true;
	*out = load_be32(a + 2);
	return a[0] == 0x20 && a[1] == 0x02;
}

static bool is_private_v6(const unsigned char *a)
{
	uint32_t v4;

	if (embedded_v4(a, &v4)) /* :: and ::1 too: 0.0.0.0 and 0.0.0.1 */
		return is_private_v4(v4);
	return (a[0] & 0xfe) == 0xfc ||                /* fc00::/7 */
	       (a[0] == 0xfe && (a[1] & 0x80) != 0) || /* fe80::, fec0:: */
	       a[0] == 0xff;                           /* multicast */
}

/* "localhost", "a.localhost" (RFC 6761), with or without the final dot. */
static bool is_localhost_name(const char *host)
{
	size_t n = strlen(host);

	if (n && host[n - 1] == '.')
		n--;
	if (n < 9 || memcmp(host + n - 9, "localhost", 9))
		return false;
	return n == 9 || host[n - 10] == '.';
}

/* 4 or 6 with the address in `out` (network order), 0 for a name. */
static int literal(const char *host, unsigned char out[16])
{
	char bare[64];
	size_t n = strlen(host);

	if (host[0] != '[')
		return inet_pton(AF_INET, host, out) == 1 ? 4 : 0;
	if (n < 3 || n - 2 >= sizeof(bare))
		return 0;
	memcpy(bare, host + 1, n - 2);
	bare[n - 2] = '\0';
	return inet_pton(AF_INET6, bare, out) == 1 ? 6 : 0;
}

bool mr_url_is_private(const char *url)
{
	unsigned char address[16];
	struct place p;

	if (!place_of(url, &p))
		return true; /* nowhere we would want to go */
	switch (literal(p.host, address)) {
	case 4:
		return is_private_v4(load_be32(address));
	case 6:
		return p.zone || is_private_v6(address);
	default:
		return is_localhost_name(p.host);
	}
}

bool mr_url_is_loopback(const char *url)
{
	static const unsigned char one[16] = { [15] = 1 };
	unsigned char address[16];
	struct place p;

	if (!place_of(url, &p))
		return false;
	switch (literal(p.host, address)) {
	case 4:
		return address[0] == 127;
	case 6:
		return !memcmp(address, one, 16);
	default:
		return is_localhost_name(p.host);
	}
}

/*
 * Old registries answer "HOST/v2/..." without a scheme (P-32).  Only our own
 * host is taken for one; anything else is a relative path, as RFC 3986 says.
 */
static char *complete(const char *base, const char *ref)
{
	char origin[300];
	char *out;
	const char *host;
	size_t n;

	if (mr_url_origin(base, origin, sizeof(origin)) < 0)
		return mr_strdup(ref);
	host = strstr(origin, "://") + 3;
	n = strlen(host);
	if (strncasecmp(ref, host, n) || ref[n] != '/')
		return mr_strdup(ref);
	n = strlen(origin) + strlen(ref) + 1;
	out = mr_alloc(n);
	if (out)
		(void)snprintf(out, n, "%.*s%s", (int)(host - origin), origin,
			       ref); /* sized above */
	return out;
}

int mr_url_resolve(const char *base, const char *ref, char **out,
		   struct mreg_error *err)
{
	MR_AUTO(url_freep) CURLU *u = NULL;
	MR_AUTO(text_freep) char *text = NULL;
	MR_AUTO(mr_free) char *full = NULL;
	struct place p;

	*out = NULL;
	if (!ref[0] || strlen(ref) > URL_MAX_BYTES || has_stray_bytes(ref))
		return 0;
	u = parse(base);
	if (!u)
		return 0;
	full = complete(base, ref);
	if (!full)
		return mr_fail_nomem(err);
	if (curl_url_set(u, CURLUPART_URL, full,
			 CURLU_PATH_AS_IS | CURLU_DISALLOW_USER) ||
	    curl_url_set(u, CURLUPART_FRAGMENT, NULL, 0) ||
	    curl_url_get(u, CURLUPART_URL, &text, 0) || !place_of(text, &p))
		return 0;
	*out = mr_strdup(text);
	return *out ? 0 : mr_fail_nomem(err);
}

char *mr_url_escape(const char *text)
{
	static const char hex[] = "0123456789ABCDEF";
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "abcdefghijklmnopqrstuvwxyz"
				    "0123456789-._~";
	char *out = mr_array(strlen(text) + 1, 3);
	char *to = out;

	if (!out)
		return NULL;
	for (; *text; text++) {
		if (strchr(plain, *text)) {
			*to++ = *text;
			continue;
		}
		*to++ = '%';
		*to++ = hex[(unsigned char)*text >> 4];
		*to++ = hex[*text & 15];
	}
	*to = '\0';
	return out;
}

/* Parameters whose values help to read a log and open no door.  Presigned
 * URLs are passwords, so everything else is hidden. */
static bool is_shown(const char *name, size_t n)
{
	static const char *const shown[] = { "n",     "last",         "digest",
					     "mount", "from",         "service",
					     "scope", "artifactType", NULL };
	size_t i;

	for (i = 0; shown[i]; i++)
		if (strlen(shown[i]) == n && !memcmp(shown[i], name, n))
			return true;
	return false;
}

void mr_url_redact(const char *url, struct mr_buf *out)
{
	const char *at = strchr(url, '?');
	size_t n;
	size_t name;

	if (!at) {
		mr_buf_puts(out, url);
		return;
	}
	mr_buf_add(out, url, (size_t)(at - url));
	do {
		mr_buf_putc(out, *at++);
		n = strcspn(at, "&");
		name = strcspn(at, "=&");
		if (name < n && !is_shown(at, name)) {
			mr_buf_add(out, at, name);
			mr_buf_puts(out, "=***");
		} else {
			mr_buf_add(out, at, n);
		}
		at += n;
	} while (*at);
}
