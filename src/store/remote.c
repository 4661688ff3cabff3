/*
 * remote.c - a repository in a registry that speaks the OCI distribution
 * protocol: requests to it, their errors, and the table.
 */
#include "store/remote_upload.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "oci/oci.h"

/* Room for "/v2/", a repository, a digest and the names between them. */
#define PATH_MAX_BYTES 2048

struct mr_remote *mr_remote_of(struct mr_store *s)
{
	return mr_container_of(s, struct mr_remote, base);
}

bool mr_store_is_remote(const struct mr_store *s)
{
	return strcmp(s->ops->kind, "remote") == 0;
}

/* -- requests ---------------------------------------------------------------
 */

void mr_call_release(struct mr_call *c)
{
	mr_release(c->url);
	mr_release(c->scope);
	memset(c, 0, sizeof(*c));
}

/*
 * Quay's token service knows no `delete` and others sort the actions, so
 * they are asked for in this order and, where that is refused, without
 * `delete` (remote_manifest.c).
 */
static const char *actions(struct mr_remote *r, enum mr_remote_right right)
{
	if (right != MR_REMOTE_PULL)
		atomic_store(&r->writes, true);
	if (right == MR_REMOTE_DELETE)
		return "delete,pull,push";
	return atomic_load(&r->writes) ? "pull,push" : "pull";
}

int mr_remote_call(struct mr_remote *r, struct mr_call *c,
		   enum mr_remote_right right, const char *method,
		   struct mreg_error *err, const char *path, ...)
{
	MR_AUTO(mr_buf_release) struct mr_buf b = MR_BUF_INIT(PATH_MAX_BYTES);
	char tail[PATH_MAX_BYTES];
	va_list ap;
	int rc;

	rc = mr_net_origin(r->net, r->host, c->origin, sizeof(c->origin), err);
	if (rc < 0)
		return rc;
	va_start(ap, path);
	(void)vsnprintf(tail, sizeof(tail), path, ap);
	va_end(ap);
	mr_buf_printf(&b, "%s/v2/%s/%s", c->origin, r->repository, tail);
	rc = mr_buf_check(&b, "a request's address", err);
	if (rc < 0)
		return rc;
	c->url = mr_buf_take(&b);
	mr_buf_init(&b, PATH_MAX_BYTES);
	mr_buf_printf(&b, "repository:%s:%s", r->repository, actions(r, right));
	rc = mr_buf_check(&b, "a request's scope", err);
	if (rc < 0)
		return rc;
	c->scope = mr_buf_take(&b);
	c->rq.method = method;
	c->rq.origin = c->origin;
	c->rq.url = c->url;
	c->rq.scope = c->scope;
	return 0;
}

bool mr_remote_transient(int status)
{
	switch (status) {
	case 408:
	case 425:
	case 429:
	case 499:
	case 500:
	case 502:
	case 503:
	case 504:
	case 522:
		return true;
	default:
		return false;
	}
}

/* UNKNOWN is not among them: some answer so to what they will never take.  An
 * upload is tried once more then. */
bool mr_remote_passing(int status, const char *code)
{
	if (mr_remote_transient(status))
		return true;
	/* Above 504: what stands in front of it does not reach it, often. */
	return (status == 400 || status > 504) &&
	       (strcmp(code, "TOOMANYREQUESTS") == 0 ||
		strcmp(code, "UNAVAILABLE") == 0);
}

/* What the user can do where net could not know. */
static void add_hint(const char *host, struct mreg_error *err)
{
	if (strcasestr(err->cause, "quota"))
		(void)mr_hint(err, "the registry's storage quota is used up: "
				   "free space there or have it raised");
	else if (err->code == MREG_EAUTH && !err->hint[0])
		(void)mr_hint(err, "run: mreg login %s", host);
}

void mr_remote_explain(const char *host, const char *what,
		       struct mreg_error *err)
{
	struct mreg_error old;

	if (!err || err->code == MREG_ECANCELED || err->code == MREG_ENOMEM)
		return;
	if (strlen(what) + 2 + strlen(err->msg) < sizeof(err->msg)) {
		old = *err;
		(void)mr_fail(err, old.code, "%s: %s", what, old.msg);
		err->sys = old.sys;
		memcpy(err->hint, old.hint, sizeof(err->hint));
		memcpy(err->cause, old.cause, sizeof(err->cause));
	} else {
		(void)mr_wrap(err, "%s", what);
	}
	add_hint(host, err);
}

int mr_remote_send(struct mr_remote *r, const struct mr_call *c,
		   const char *what, struct mr_response **out,
		   struct mreg_error *err)
{
	int rc = mr_net_send(r->net, &c->rq, out, err);

	if (rc < 0)
		mr_remote_explain(r->host, what, err);
	return rc;
}

int mr_remote_refused(const char *host, struct mr_response *resp,
		      const char *what, char *code, struct mreg_error *err)
{
	int rc = mr_response_fail(resp, what, code, err);

	if (err)
		add_hint(host, err);
	return rc;
}

int mr_remote_refused_body(const char *host, struct mr_response *resp,
			   const char *what, char *code, struct mr_buf *body,
			   struct mreg_error *err)
{
	MR_AUTO(mr_stream_closep) struct mr_stream *again = NULL;
	struct mr_stream *own = resp->body;
	int rc;

	/* Without its body the refusal is still one. */
	(void)mr_stream_load(own, body, NULL);
	rc = mr_stream_memory(mr_buf_text(body), strlen(mr_buf_text(body)),
			      &again, err);
	if (rc < 0)
		return rc;
	resp->body = again;
	rc = mr_remote_refused(host, resp, what, code, err);
	resp->body = own;
	return rc;
}

int mr_remote_fetch(struct mr_net *net, struct mr_env *env, const char *host,
		    const struct mr_call *c, const char *what,
		    struct mr_buf *out, struct mr_response **resp,
		    struct mreg_error *err)
{
	MR_AUTO(mr_response_freep) struct mr_response *got = NULL;
	unsigned int attempt;
	int rc;

	for (attempt = 1;; attempt++) {
		mr_buf_clear(out);
		mr_response_freep(&got);
		got = NULL;
		rc = mr_net_send(net, &c->rq, &got, err);
		if (rc < 0)
			break; /* net has tried often enough */
		if (got->status == 200)
			rc = mr_stream_load(got->body, out, err);
		if (rc >= 0) {
			*resp = mr_steal(&got);
			return 0;
		}
		if (rc != MREG_ENETWORK || attempt > MR_RETRY_MAX)
			break;
		rc = mr_sleep_ms(env,
				 mr_retry_delay_ms(attempt, 0, mr_random(env)),
				 err);
		if (rc < 0)
			break;
	}
	mr_remote_explain(host, what, err);
	return rc;
}

bool mr_remote_announced(const struct mr_response *resp,
			 struct mreg_digest *out)
{
	const char *text = mr_response_header(resp, "Docker-Content-Digest");

	return text && mreg_digest_parse(text, out, NULL) == 0;
}

void mr_remote_type(const struct mr_response *resp, char out[256])
{
	const char *text = mr_response_header(resp, "Content-Type");
	size_t n = text ? strcspn(text, "; \t") : 0;

	if (n > 255)
		n = 0;
	if (n > 0)
		memcpy(out, text, n);
	out[n] = '\0';
	if (!mr_media_type_valid(out))
		out[0] = '\0';
}

/* -- the table --------------------------------------------------------------
 */

/* What was seen here may be mounted elsewhere. */
static int has(struct mr_store *s, const struct mreg_desc *d, bool *found,
	       struct mreg_error *err)
{
	int rc = mr_remote_has(s, d, found, err);

	if (rc >= 0 && *found)
		mr_remote_note(mr_remote_of(s), d);
	return rc;
}

static int open_blob(struct mr_store *s, const struct mreg_desc *d,
		     uint64_t offset, uint64_t length, struct mr_stream **out,
		     struct mreg_error *err)
{
	int rc = mr_remote_open_blob(s, d, offset, length, out, err);

	if (rc >= 0 && offset == 0)
		mr_remote_note(mr_remote_of(s), d);
	return rc;
}

static void remote_free(struct mr_store *s)
{
	struct mr_remote *r = mr_remote_of(s);
	size_t i;

	while (r->spare_count)
		mr_release(r->spares[--r->spare_count]);
	for (i = 0; i < MR_LISTS; i++)
		json_decref(r->seen.lists[i].entries);
	(void)pthread_mutex_destroy(&r->lock);
	mr_redirects_release(&r->redirects);
	mr_release(r->base.name);
	mr_release(r->host);
	mr_release(r->repository);
	mr_release(r);
}

static const struct mr_store_ops remote_ops = {
	.kind = "remote",
	.has = has,
	.open = open_blob,
	.ranges = mr_remote_ranges,
	.free = remote_free,
	.put = mr_remote_put,
	.put_stream = mr_remote_put_stream,
	.mount = mr_remote_mount,
	.resolve = mr_remote_resolve,
	.still = mr_remote_still,
	.get = mr_remote_get,
	.set = mr_remote_set,
	.untag = mr_remote_untag,
	.remove = mr_remote_remove,
	.tags = mr_remote_tags,
	.referrers = mr_remote_referrers,
};

/* For registries that should get a blob in one PUT whose digest is known
 * (struct mr_profile). */
static const struct mr_store_ops whole_ops = {
	.kind = "remote",
	.has = has,
	.open = open_blob,
	.ranges = mr_remote_ranges,
	.free = remote_free,
	.put = mr_remote_put,
	.mount = mr_remote_mount,
	.resolve = mr_remote_resolve,
	.still = mr_remote_still,
	.get = mr_remote_get,
	.set = mr_remote_set,
	.untag = mr_remote_untag,
	.remove = mr_remote_remove,
	.tags = mr_remote_tags,
	.referrers = mr_remote_referrers,
};

int mr_remote_open(struct mr_env *env, struct mr_net *net, const char *host,
		   const char *repository, struct mr_store **out,
		   struct mreg_error *err)
{
	MR_AUTO(mr_buf_release) struct mr_buf name = MR_BUF_INIT(1024);
	struct mr_remote *r;

	if (!mr_host_valid(host))
		return mr_fail(err, MREG_EUSAGE, "'%s' is no host name", host);
	if (!mr_repository_valid(repository))
		return mr_fail(err, MREG_EUSAGE, "'%s' is no repository name",
			       repository);
	r = mr_zalloc(sizeof(*r));
	if (!r)
		return mr_fail_nomem(err);
	mr_buf_printf(&name, "%s/%s", host, repository);
	(void)pthread_mutex_init(&r->lock, NULL); /* cannot fail on Linux */
	mr_redirects_init(&r->redirects);
	r->profile = *mr_profile_of(host);
	r->resume_min = MR_UPLOAD_RESUME_MIN_BYTES;
	r->piece = MR_UPLOAD_PIECE_BYTES;
	r->base.ops = r->profile.streams ? &remote_ops : &whole_ops;
	r->base.env = env;
	r->base.name = mr_buf_take(&name);
	r->net = net;
	r->host = mr_strdup(host);
	r->repository = mr_strdup(repository);
	atomic_init(&r->writes, false);
	atomic_init(&r->has_referrers, false);
	atomic_init(&r->is_registry, false);
	atomic_init(&r->seen.passed, 0);
	atomic_init(&r->seen.odd_blobs, 0);
	if (!r->base.name || !r->host || !r->repository) {
		remote_free(&r->base);
		return mr_fail_nomem(err);
	}
	*out = &r->base;
	return 0;
}
