/*
 * net/wire.h - one exchange: a request out, an answer in; no redirect, no
 * retry, no credentials of its own.
 *
 * States of an exchange: sending -> headers (the final ones; interim 1xx are
 * passed over) -> body -> done.  An early answer skips the rest of sending.
 * 1. After mr_exchange returned, nothing borrowed by struct mr_wire is read.
 * 2. At most one buffer of the body is in memory: a full one pauses curl.
 * 3. Whoever holds an answer holds its handle; no handle has two answers.
 */
#ifndef MR_NET_WIRE_H
#define MR_NET_WIRE_H

#include <curl/curl.h>

#include "net/internal.h"

/* One request as it goes out; all borrowed until its answer is there. */
struct mr_wire {
	const char *method, *url;
	const char *home;          /* origin it is done for: picks a handle */
	const char *authorization; /* NULL: none */
	const char *accept, *content_type, *unless;
	bool asked; /* counts as a request of whoever uses the session */
	bool ranged;
	uint64_t first, last;
	const void *body;
	size_t body_len;
	struct mr_stream *stream;
	uint64_t stream_size;
	struct mr_lane *lane; /* of its place; NULL: none */
	bool expect;          /* wait for 100 before the body */
	long connect_ms;      /* 0: the usual */
	long whole_ms;        /* of the exchange, at most; 0: no such limit */
	bool probe; /* only whether TLS is spoken: no certificate is trusted,
		     * so none is loaded, which takes 25 ms */
};

/* What is worth knowing beside the error, or the answer. */
struct mr_outcome {
	bool consumed;       /* bytes of the stream are gone */
	bool retry;          /* the same may go well a moment later */
	bool unreached;      /* no connection came about */
	bool not_tls;        /* something else than TLS listens there */
	bool expect_refused; /* 417 */
	bool silent;         /* nothing was sent but headers, nothing came */
	unsigned int retry_after_s;
	struct mr_origin *shut; /* whose gate is shut: nothing was sent there */
};

struct mr_handle {
	struct mr_handle *next;
	CURL *easy;
	CURLM *multi;
	char *home;  /* owned; whose connections it likely has */
	char *spill; /* owned; MR_SPILL_BYTES of the answer that has the
		      * handle; NULL: none needed it yet */
};

/* Whether the body in memory is sent piece by piece; a shorter one goes out
 * together with the headers, and curl copies it. */
bool mr_wire_is_long(const struct mr_wire *w);
/* curl's options for `w`; `headers` is the caller's to free after use. */
int mr_handle_prepare(struct mr_net *n, CURL *easy, const struct mr_wire *w,
		      struct curl_slist **headers, struct mreg_error *err);
void mr_handle_wipe_headers(struct curl_slist *headers); /* and free */
int mr_handle_take(struct mr_net *n, const char *home, struct mr_handle **out,
		   struct mreg_error *err);
void mr_handle_give(struct mr_net *n, struct mr_handle *h);
void mr_handle_free(struct mr_handle *h);

/* What curl's failure means to the user; fills `oc` too. */
int mr_trouble(CURL *easy, CURLcode code, const char *said, const char *url,
	       struct mr_outcome *oc, struct mreg_error *err);

/* Send and wait for the headers: no redirect, no retry.  `oc` is complete
 * either way. */
int mr_exchange(struct mr_net *n, const struct mr_wire *w,
		struct mr_outcome *oc, struct mr_response **out,
		struct mreg_error *err);

/* Every value of a header: the `index`-th, or NULL. */
const char *mr_response_header_at(const struct mr_response *r, const char *name,
				  size_t index);
/* What mr_response_user tells. */
void mr_response_set_user(struct mr_response *r, const char *user);
/* Hold `s` (which is emptied) until the body was read or is let go. */
void mr_response_set_slot(struct mr_response *r, struct mr_slot *s);

/* Its warnings that were not told yet go into the log. */
void mr_warning_tell(struct mr_net *n, const char *host,
		     const struct mr_response *r);

/* Exchange and follow redirects (GET and HEAD only); `w->authorization` goes
 * no further than `w->home`.  Stops before a gate that is shut: `oc->shut`. */
int mr_net_follow(struct mr_net *n, const struct mr_wire *w,
		  struct mr_outcome *oc, struct mr_response **out,
		  struct mreg_error *err);

#endif
