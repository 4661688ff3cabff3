/*
 * tests/support/fakereg.h - a registry in memory, with the quirks of real
 * ones and a script of misbehaviours.
 *
 * Plain HTTP on 127.0.0.1, a thread per connection.  Two ports with one
 * content: the registry, and "elsewhere", another origin that holds storage
 * (redirected blobs, uploads) and, like storage behind signed addresses,
 * answers 400 to whoever shows credentials there.
 *
 * Speaks: blobs with ranges, upload sessions (one PUT, or PATCHes and a PUT,
 * their state, their end; one POST), mounts, manifests that must not lack a
 * blob, tags with paging, referrers, catalog, Basic and Bearer with a token
 * endpoint of its own.  Upload addresses carry a `_state` that is another one
 * after each request.
 */
#ifndef TESTS_SUPPORT_FAKEREG_H
#define TESTS_SUPPORT_FAKEREG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/support/fakereg_opts.h"

struct fakereg;

/*
 * What goes wrong, for the requests that match.  All zero: nothing.  Several
 * faults may be set; the first that matches is used, so that one with `times`
 * gives way to the next when it is used up.
 */
struct fakereg_fault {
	const char *method; /* NULL: any */
	const char *path;   /* fnmatch(3) of path?query; NULL: any */
	const char *where;  /* "registry" or "elsewhere"; NULL: both */
	unsigned int skip;  /* matching requests that go well first */
	unsigned int times; /* 0: for ever */

	int status;       /* answer so instead of doing what was asked */
	bool late;        /* do it, then answer with `status` */
	const char *code; /* of the error document that goes with it */
	const char *message;
	const char *detail;
	const char *type;    /* Content-Type, with `body` */
	const char *body;    /* instead of any other */
	const char *set;     /* a header to put ... */
	const char *value;   /* ... with this value; NULL: leave it out */
	const char *headers; /* more of them, lines "NAME: VALUE" */
	bool drop; /* close instead of answering (`late`: after doing) */
	bool cut;  /* close after `cut_at` bytes of the answer's body */
	uint64_t cut_at;
	bool cut_request; /* close after `cut_request_at` of the request's */
	uint64_t cut_request_at;
	bool stall; /* rest for `stall_ms` there in the answer's body */
	uint64_t stall_at;
	bool stall_request; /* and there in the request's */
	uint64_t stall_request_at;
	unsigned int stall_ms;
	int64_t lengthen;  /* bytes of the body too many, or (< 0) too few */
	bool chunked;      /* no Content-Length */
	bool gzip;         /* Content-Encoding, truly (B-33) */
	bool flip;         /* one bit of the body */
	bool ignore_range; /* 200 with everything */
	unsigned int delay_ms;
	bool hide;         /* a part of this manifest that is there (B-20) */
	bool forget;       /* the blobs that this manifest names (B-22) */
	const char *rival; /* an index that somebody else puts under the tag
			      of this PUT, before or (`late`) after (P-72) */
	const char *rival_type; /* its media type; NULL: an OCI index */
};

/* A request as it came. */
struct fakereg_seen {
	char method[16];
	char path[1024]; /* with the query */
	char range[64];
	char content_range[64];
	char accept[512];
	char unless[160];        /* If-None-Match */
	char content_length[32]; /* "" when there was none */
	char expect[16];
	char scheme[16]; /* of Authorization: "Basic", "Bearer"; "" none */
	bool elsewhere;
	int status;    /* of our answer; 0: none was given */
	uint64_t body; /* bytes of it that we read */
};

/* Bytes of blobs that came and went so far. */
struct fakereg_moved {
	uint64_t in, out;
	unsigned int waiting;     /* connections at the gate */
	unsigned int busy;        /* requests for blobs under way */
	unsigned int connections; /* open ones */
};

/* `o` may be NULL.  NULL when it cannot listen. */
struct fakereg *fakereg_start(const struct fakereg_opts *o);
void fakereg_stop(struct fakereg *f); /* NULL does nothing */

const char *fakereg_host(const struct fakereg *f);      /* "127.0.0.1:PORT" */
const char *fakereg_elsewhere(const struct fakereg *f); /* the other */
int fakereg_port(const struct fakereg *f);

/* Strings are copied. */
void fakereg_fault(struct fakereg *f, const struct fakereg_fault *fault);
/* Faults from a JSON object with the names above; false: not understood. */
bool fakereg_fault_json(struct fakereg *f, const char *text, size_t n);
void fakereg_clear(struct fakereg *f); /* faults and what was seen */

/* How many requests matched; NULL: any.  Token requests count too. */
size_t fakereg_count(struct fakereg *f, const char *method, const char *path);
/* The `index`-th of them. */
bool fakereg_get(struct fakereg *f, const char *method, const char *path,
		 size_t index, struct fakereg_seen *out);

/*
 * A gate in front of the bytes of blobs, counted both ways together from now
 * on: after `at` of them every connection waits until the gate is open again
 * (UINT64_MAX), however long that takes.
 */
void fakereg_gate(struct fakereg *f, uint64_t at);
struct fakereg_moved fakereg_moved(struct fakereg *f);

/* Content by hand; `digest` may be NULL (computed), or a lie. */
void fakereg_put_blob(struct fakereg *f, const char *repository,
		      const char *digest, const void *data, size_t n);
void fakereg_put_manifest(struct fakereg *f, const char *repository,
			  const char *tag, const char *type, const char *text);
/* A copy for free(3), NUL-terminated; NULL when absent. */
char *fakereg_blob(struct fakereg *f, const char *repository,
		   const char *digest, size_t *n);
void fakereg_forget_blob(struct fakereg *f, const char *repository,
			 const char *digest);
/* The digest a tag points at; "" when absent.  `out` has 144 bytes. */
const char *fakereg_tag(struct fakereg *f, const char *repository,
			const char *tag, char out[144]);

#endif
