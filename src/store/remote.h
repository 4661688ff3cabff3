/*
 * store/remote.h - what the files of the remote store share: a repository in
 * a registry, and requests to it.
 *
 * Retrying one request, challenges and redirects are net's; resuming a blob
 * and sending one again is decided here, because only a store can open its
 * source again.
 */
#ifndef MR_STORE_REMOTE_H
#define MR_STORE_REMOTE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "base/buf.h"
#include "store/remote_profile.h"
#include "store/remote_redirect.h"
#include "store/remote_seen.h"
#include "store/store.h"

#define MR_SPARES_MAX 8

struct mr_lesson_value {
	bool known;
	uint64_t value;
};

struct mr_remote {
	struct mr_store base;
	struct mr_net *net; /* borrowed */
	char *host;         /* owned */
	char *repository;   /* owned */
	/* Once something was written every request asks for pull and push, so
	 * that one token serves the whole push. */
	atomic_bool writes;
	/* It has answered as a registry with a referrers API. */
	atomic_bool has_referrers;
	/* It said that it is one when a 404 was in doubt. */
	atomic_bool is_registry;
	/* remote_profile.c: of the host, and as configured (0: not). */
	struct mr_profile profile;
	uint64_t layer_limit, request_limit; /* bytes */
	const char *locks;   /* borrowed; folder of lock files; NULL: none */
	uint64_t resume_min; /* bytes from which a broken upload is taken up */
	uint64_t piece;      /* bytes of one ranged PATCH, if nothing forbids */
	pthread_mutex_t lock; /* of all below */
	bool recalled;        /* the state file was asked for lessons */
	bool trying_single;   /* one worker finds out for all */
	struct mr_lesson_value lessons[MR_LESSONS];
	/* Upload sessions that a mount opened instead (P-50): owned. */
	char *spares[MR_SPARES_MAX];
	size_t spare_count;
	struct mr_redirects redirects;
	struct mr_seen seen;
};

struct mr_remote *mr_remote_of(struct mr_store *s);
bool mr_store_is_remote(const struct mr_store *s);

/* What a request needs leave for (protocol.md P-40). */
enum mr_remote_right {
	MR_REMOTE_PULL,
	MR_REMOTE_PUSH,   /* and pull */
	MR_REMOTE_DELETE, /* and both */
};

/* A request being put together; `rq` points into the rest, so it must not
 * move. */
struct mr_call {
	struct mr_request rq;
	char origin[512];
	char *url;   /* owned */
	char *scope; /* owned; NULL: none */
};
#define MR_CALL_INIT                                                           \
	{                                                                      \
		.rq = {.method = NULL }                                        \
	}
void mr_call_release(struct mr_call *c); /* for MR_AUTO too */

/* A request to the repository; `path` follows "/v2/REPOSITORY/". */
int mr_remote_call(struct mr_remote *r, struct mr_call *c,
		   enum mr_remote_right right, const char *method,
		   struct mreg_error *err, const char *path, ...)
	__attribute__((format(printf, 6, 7)));

/*
 * Send it.  `what` ("cannot read manifest 'v3' of 'ghcr.io/acme/churn'") goes
 * in front of what went wrong, and the error gets a hint.
 */
int mr_remote_send(struct mr_remote *r, const struct mr_call *c,
		   const char *what, struct mr_response **out,
		   struct mreg_error *err);

/* An answer that is a refusal, as an error with a hint.  `code` (64 bytes)
 * may be NULL (net/net.h). */
int mr_remote_refused(const char *host, struct mr_response *resp,
		      const char *what, char *code, struct mreg_error *err);
/* The same for who looks into its body, which is read into `body` first. */
int mr_remote_refused_body(const char *host, struct mr_response *resp,
			   const char *what, char *code, struct mr_buf *body,
			   struct mreg_error *err);

/* Put `what` in front of the message and add the hint that `host`'s user
 * needs. */
void mr_remote_explain(const char *host, const char *what,
		       struct mreg_error *err);

/* Send, and read the whole body of a 200 into `out`, again from the start
 * when it breaks off.  Any other status: `out` stays empty. */
int mr_remote_fetch(struct mr_net *net, struct mr_env *env, const char *host,
		    const struct mr_call *c, const char *what,
		    struct mr_buf *out, struct mr_response **resp,
		    struct mreg_error *err);

/* Statuses that a later attempt may not see (P-94). */
bool mr_remote_transient(int status);
/* The same: by status first (P-90), by code where that says nothing. */
bool mr_remote_passing(int status, const char *code);

/* The registry's Docker-Content-Digest; false when absent or not one. */
bool mr_remote_announced(const struct mr_response *resp,
			 struct mreg_digest *out);
/* Content-Type without parameters, "" when absent or none. */
void mr_remote_type(const struct mr_response *resp, char out[256]);

/* -- the table, file by file ------------------------------------------------
 */

/* remote_blob.c */
int mr_remote_has(struct mr_store *s, const struct mreg_desc *d, bool *found,
		  struct mreg_error *err);
int mr_remote_open_blob(struct mr_store *s, const struct mreg_desc *d,
			uint64_t offset, uint64_t length,
			struct mr_stream **out, struct mreg_error *err);
/* False once it has answered a range with something else (P-22). */
bool mr_remote_ranges(struct mr_store *s);

/* remote_upload.c, remote_upload_stream.c, remote_upload_mount.c */
int mr_remote_put(struct mr_store *s, const struct mreg_desc *d,
		  struct mr_store *from, const char *label,
		  struct mreg_error *err);
int mr_remote_put_stream(struct mr_store *s, struct mr_stream *src,
			 uint64_t size, const struct mr_measure *m,
			 struct mreg_error *err);
int mr_remote_mount(struct mr_store *s, const struct mreg_desc *d,
		    const char *from_repository, bool *done,
		    struct mreg_error *err);

/* remote_delete.c */
int mr_remote_remove(struct mr_store *s, const struct mreg_digest *digest,
		     struct mreg_error *err);
int mr_remote_untag(struct mr_store *s, const char *tag,
		    struct mreg_error *err);
/* remote_referrers.c */
int mr_remote_referrers(struct mr_store *s, const struct mreg_digest *subject,
			const char *artifact_type, struct mr_referrers *out,
			struct mreg_error *err);
/* Add what the referrers API lists; `*there` false: there is none. */
int mr_remote_ask_api(struct mr_remote *r, const struct mreg_digest *subject,
		      const char *artifact_type, struct mr_referrers *out,
		      bool *there, struct mreg_error *err);

/* remote_fallback.c: a manifest with a subject was written, and the registry
 * did not say that it lists it: see to it that it is found (P-70 to P-72). */
int mr_remote_refer(struct mr_remote *r, const struct mr_manifest *m,
		    struct mreg_error *err);

/* remote_doubt.c: a 404 with a web page is believed when the host is a registry
 * otherwise; MREG_EREMOTE: it is none.  Anything else is believed unasked. */
int mr_remote_doubt(struct mr_remote *r, const struct mr_response *resp,
		    const char *what, struct mreg_error *err);

/* remote_list.c */
int mr_remote_tags(struct mr_store *s, struct mr_list *out, bool *found,
		   struct mreg_error *err);
/* Let `c` ask for what the answer's Link names as the next page, on the same
 * origin only (H34); `*more` false: there is none. */
int mr_remote_next(const char *host, const struct mr_response *resp,
		   const char *what, struct mr_call *c, bool *more,
		   struct mreg_error *err);

#include "store/remote_manifest.h"

#endif
