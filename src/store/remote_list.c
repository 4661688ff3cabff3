/*
 * remote_list.c - listings of a registry: tags of a repository, repositories
 * of a host.
 *
 * A listing comes in pages.  Invariants:
 * 1. The next page is where Link says, on the same origin only (H34), or,
 *    when a full page came without Link, after its last entry (P-80).
 * 2. No page ends with what an earlier one ended with.  A registry that goes
 *    round in circles is an error, not a short list, for the log is read by
 *    listing.
 */
#include "store/remote.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/error.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "oci/oci.h"

#define WHAT_BYTES 768
/* What every registry takes: more is an error in ECR and for catalogs. */
#define PAGE_ENTRIES 1000
/* distribution 2.8 ignores `n` and sends all tags at once; a log of
 * MR_EVENTS_MAX events has tags of 53 bytes. */
#define PAGE_MAX_BYTES (64u << 20)
#define ENTRIES_MAX (2u * MR_EVENTS_MAX)
#define URL_MAX_BYTES (MR_HEADER_MAX_BYTES + 1024)

struct listing {
	struct mr_env *env;
	struct mr_net *net;
	struct mr_remote *r; /* NULL: of a host, not of a repository */
	const char *host;
	const char *what; /* for errors */
	const char *key;  /* "tags", "repositories" */
	bool (*keep)(const struct listing *l, const char *name);
	const char *prefix; /* of repositories */
	struct mr_list *out;
	char *last; /* owned; of the latest page */
	char *mark; /* owned; `last` of an earlier page */
	unsigned int pages;
	bool guessed; /* the page now asked for may not be there */
};

static void listing_release(struct listing *l)
{
	mr_release(l->last);
	mr_release(l->mark);
}

/* -- pages ------------------------------------------------------------------
 */

/* The target of rel="next" among the links of RFC 8288, section 3; a copy. */
static char *next_link(const char *value)
{
	const char *p = value;
	const char *begin, *end, *params;
	size_t n;

	while ((begin = strchr(p, '<')) != NULL) {
		end = strchr(begin, '>');
		if (!end)
			return NULL;
		params = end + 1;
		n = strcspn(params, "<"); /* up to the next link */
		p = params + n;
		if (memmem(params, n, "rel=\"next\"", 10) ||
		    memmem(params, n, "rel=next", 8))
			return mr_strndup(begin + 1, (size_t)(end - begin - 1));
	}
	return NULL;
}

/*
 * Go on to the page that ends with `name`; sets `*n` 0 where it is no new one,
 * because the registry knows no pages.  Marks are set after 1, 2, 4, 8...
 * pages, so that a circle of any length is noticed (Brent).
 */
static int advance(struct listing *l, const char *name, size_t *n,
		   struct mreg_error *err)
{
	if (l->last && l->guessed && strcmp(l->last, name) == 0) {
		*n = 0;
		return 0;
	}
	if (l->mark && strcmp(l->mark, name) == 0)
		return mr_fail(err, MREG_EREMOTE,
			       "%s: the registry sends the same page again",
			       l->what);
	l->pages++;
	mr_release(l->last);
	l->last = mr_strdup(name);
	if (l->last && (l->pages & (l->pages - 1)) == 0) {
		mr_release(l->mark);
		l->mark = mr_strdup(name);
	}
	return l->last && l->mark ? 0 : mr_fail_nomem(err);
}

/* What is no listing was not sent by a registry: not to be mended here. */
static int no_listing(const struct listing *l, const char *text,
		      struct mreg_error *err)
{
	char why[sizeof(err->msg)];
	bool page = text[strspn(text, " \t\r\n")] == '<';

	(void)snprintf(why, sizeof(why), "%s", err->msg);
	(void)mr_fail(err, MREG_EREMOTE, "%s: the answer is %s", l->what,
		      page ? "a web page" : "no listing");
	if (!page)
		(void)mr_cause(err, "%s", why);
	return mr_hint(err, "check the host: is it a registry, or is a proxy "
			    "or login page in between?");
}

/* Add the page's entries; `*n` is how many it had, kept or not. */
static int add_page(struct listing *l, const struct mr_buf *body, size_t *n,
		    struct mreg_error *err)
{
	MR_AUTO(mr_json_freep) json_t *doc = NULL;
	json_t *names = NULL;
	const char *name = NULL;
	size_t i;
	int rc;

	*n = 0;
	rc = mr_json_parse(mr_buf_text(body), body->len, PAGE_MAX_BYTES,
			   "the registry's listing", &doc, err);
	if (rc == 0) /* null past the end: B-19 */
		rc = mr_json_opt_array(doc, l->key, "the registry's listing",
				       &names, err);
	if (rc == MREG_EFORMAT)
		return no_listing(l, mr_buf_text(body), err);
	if (rc < 0) {
		mr_remote_explain(l->host, l->what, err);
		return rc;
	}
	*n = json_array_size(names);
	for (i = 0; i < *n; i++) {
		name = json_string_value(json_array_get(names, i));
		if (!name)
			return mr_fail(err, MREG_EREMOTE,
				       "%s: an entry is no string", l->what);
		if (l->out->n >= ENTRIES_MAX)
			return mr_fail(err, MREG_ELIMIT,
				       "%s: more than %u entries", l->what,
				       ENTRIES_MAX);
		/* What is no name can become no request either. */
		if (!l->keep(l, name))
			continue;
		rc = mr_list_add(l->out, name, err);
		if (rc < 0)
			return rc;
	}
	return *n ? advance(l, name, n, err) : 0;
}

int mr_remote_next(const char *host, const struct mr_response *resp,
		   const char *what, struct mr_call *c, bool *more,
		   struct mreg_error *err)
{
	const char *value = mr_response_header(resp, "Link");
	MR_AUTO(mr_free) char *link = value ? next_link(value) : NULL;
	char *next;
	int rc;

	*more = false;
	if (!link)
		return 0;
	rc = mr_response_resolve(resp, link, &next, err);
	if (rc < 0) {
		mr_remote_explain(host, what, err);
		return rc;
	}
	if (!mr_url_same_origin(next, c->origin)) {
		mr_release(next);
		return mr_fail(err, MREG_EREMOTE,
			       "%s: its next page is on another host", what);
	}
	mr_release(c->url);
	c->url = next;
	c->rq.url = next;
	*more = true;
	return 0;
}

/* "?n=1000&last=LAST" behind the path of the first page. */
static int ask_after(struct mr_call *c, const char *last,
		     struct mreg_error *err)
{
	MR_AUTO(mr_buf_release) struct mr_buf b = MR_BUF_INIT(URL_MAX_BYTES);
	MR_AUTO(mr_free) char *escaped = mr_url_escape(last);
	int rc;

	if (!escaped)
		return mr_fail_nomem(err);
	mr_buf_printf(&b, "%.*s?n=%d&last=%s", (int)strcspn(c->url, "?"),
		      c->url, PAGE_ENTRIES, escaped);
	rc = mr_buf_check(&b, "a request's address", err);
	if (rc < 0)
		return rc;
	mr_release(c->url);
	c->url = mr_buf_take(&b);
	c->rq.url = c->url;
	return 0;
}

/* One page; `*more`: `c` has the address of the next.  `*status` is the
 * registry's when it is not 200, with the error about it. */
static int read_page(struct listing *l, struct mr_call *c, bool *more,
		     int *status, struct mreg_error *err)
{
	MR_AUTO(mr_buf_release)
	struct mr_buf body = MR_BUF_INIT(PAGE_MAX_BYTES);
	MR_AUTO(mr_response_freep) struct mr_response *resp = NULL;
	size_t n;
	int rc;

	*more = false;
	*status = 0;
	rc = mr_remote_fetch(l->net, l->env, l->host, c, l->what, &body, &resp,
			     err);
	if (rc < 0)
		return rc;
	*status = resp->status;
	if (resp->status == 404 && mr_response_is_page(resp)) {
		rc = l->r ? mr_remote_doubt(l->r, resp, l->what, err)
			  : mr_net_check_registry(l->net, l->host, err);
		if (rc < 0)
			*status = 0; /* no word of a registry */
		if (rc < 0)
			return rc;
	}
	if (resp->status != 200)
		return mr_remote_refused(l->host, resp, l->what, NULL, err);
	rc = add_page(l, &body, &n, err);
	if (rc < 0)
		return rc;
	if (n > 0)
		rc = mr_remote_next(l->host, resp, l->what, c, more, err);
	l->guessed = !*more;
	if (rc < 0 || *more || n != PAGE_ENTRIES)
		return rc;
	*more = true;
	return ask_after(c, l->last, err);
}

static void unique(struct mr_list *l)
{
	size_t i, kept = 0;

	mr_list_sort(l);
	for (i = 0; i < l->n; i++) {
		if (kept > 0 && strcmp(l->items[kept - 1], l->items[i]) == 0)
			mr_release(l->items[i]);
		else
			l->items[kept++] = l->items[i];
	}
	l->n = kept;
}

/* All pages.  `*status` as in read_page, when it was the first that failed. */
static int read_all(struct listing *l, struct mr_call *c, int *status,
		    struct mreg_error *err)
{
	bool more = true;
	int rc;

	while (more) {
		if (l->pages >= MR_PAGES_MAX)
			return mr_fail(err, MREG_ELIMIT,
				       "%s: more than %d pages", l->what,
				       MR_PAGES_MAX);
		rc = read_page(l, c, &more, status, err);
		if (rc < 0) {
			if (l->pages > 0)
				*status = 0;
			return rc;
		}
	}
	unique(l->out);
	return 0;
}

/* -- tags -------------------------------------------------------------------
 */

static bool keep_tag(const struct listing *l, const char *name)
{
	(void)l;
	return mr_tag_kind(name) != MR_TAG_INVALID;
}

int mr_remote_tags(struct mr_store *s, struct mr_list *out, bool *found,
		   struct mreg_error *err)
{
	MR_AUTO(mr_call_release) struct mr_call c = MR_CALL_INIT;
	struct mr_remote *r = mr_remote_of(s);
	struct mreg_error why = MREG_ERROR_INIT;
	char what[WHAT_BYTES];
	MR_AUTO(listing_release)
	struct listing l = {
		.env = s->env,
		.net = r->net,
		.r = r,
		.host = r->host,
		.what = what,
		.key = "tags",
		.keep = keep_tag,
		.out = out,
	};
	int status = 0;
	int rc;

	*found = false;
	(void)snprintf(what, sizeof(what), "cannot list the tags of '%s'",
		       s->name);
	rc = mr_remote_call(r, &c, MR_REMOTE_PULL, "GET", &why,
			    "tags/list?n=%d", PAGE_ENTRIES);
	if (rc == 0)
		rc = read_all(&l, &c, &status, &why);
	*found = rc == 0;
	if (rc == 0 || status == 404)
		return 0;
	if (err)
		*err = why;
	return rc;
}

/* -- repositories ------------------------------------------------------------
 */

static bool keep_repository(const struct listing *l, const char *name)
{
	size_t n = strlen(l->prefix);

	if (!mr_repository_valid(name))
		return false;
	return n == 0 || (strncmp(name, l->prefix, n) == 0 && name[n] == '/');
}

static int prepare_catalog(struct mr_net *net, const char *host,
			   struct mr_call *c, struct mreg_error *err)
{
	MR_AUTO(mr_buf_release) struct mr_buf url = MR_BUF_INIT(URL_MAX_BYTES);
	int rc;

	rc = mr_net_origin(net, host, c->origin, sizeof(c->origin), err);
	if (rc < 0)
		return rc;
	mr_buf_printf(&url, "%s/v2/_catalog?n=%d", c->origin, PAGE_ENTRIES);
	rc = mr_buf_check(&url, "a request's address", err);
	if (rc < 0)
		return rc;
	c->url = mr_buf_take(&url);
	c->rq.method = "GET";
	c->rq.origin = c->origin;
	c->rq.url = c->url;
	c->rq.scope = "registry:catalog:*";
	return 0;
}

int mr_remote_repositories(struct mr_env *env, struct mr_net *net,
			   const char *host, const char *prefix,
			   struct mr_list *out, struct mreg_error *err)
{
	MR_AUTO(mr_call_release) struct mr_call c = MR_CALL_INIT;
	struct mreg_error why = MREG_ERROR_INIT;
	char what[WHAT_BYTES];
	MR_AUTO(listing_release)
	struct listing l = {
		.env = env,
		.net = net,
		.host = host,
		.what = what,
		.key = "repositories",
		.keep = keep_repository,
		.prefix = prefix,
		.out = out,
	};
	int status = 0;
	int rc;

	if (!mr_host_valid(host))
		return mr_fail(err, MREG_EUSAGE, "'%s' is no host name", host);
	(void)snprintf(what, sizeof(what),
		       "cannot list the repositories of "
		       "'%s'",
		       host);
	rc = prepare_catalog(net, host, &c, &why);
	if (rc == 0)
		rc = read_all(&l, &c, &status, &why);
	if (rc == 0)
		return 0;
	/* P-81: many have none, under several statuses. */
	if (status == 400 || status == 404 || status == 405 || status == 501) {
		rc = mr_fail(&why, MREG_EUNSUPPORTED,
			     "%s: the registry has no catalog", what);
		(void)mr_hint(&why, "name the repositories");
	}
	if (err)
		*err = why;
	return rc;
}
