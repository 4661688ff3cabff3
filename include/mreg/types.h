/*
 * mreg/types.h - the values every part of mreg speaks in: digest, descriptor,
 * reference, and what is told while something runs.
 *
 * All structs are plain values: copy them freely, nothing to release.
 */
#ifndef MREG_TYPES_H
#define MREG_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mreg/error.h"

#ifdef __cplusplus
extern "C" {
#endif

enum mreg_algorithm {
	MREG_DIGEST_NONE = 0, /* a zeroed digest: not known yet */
	MREG_SHA256 = 1,      /* the only one mreg writes */
	MREG_SHA512 = 2,      /* read, and verified, when others wrote it */
};

struct mreg_digest {
	enum mreg_algorithm algorithm;
	uint8_t bytes[64]; /* 32 used by sha256, the rest zero */
};

/* "sha512:" + 128 hex digits + NUL, rounded up. */
#define MREG_DIGEST_TEXT 144

/* Write "sha256:<hex>" ("" for MREG_DIGEST_NONE) to `out`; returns `out`. */
MREG_API const char *mreg_digest_text(const struct mreg_digest *d,
				      char out[MREG_DIGEST_TEXT]);

/* Parse exactly one digest: lower-case hex of the right length after
 * "sha256:" or "sha512:".  MREG_EUSAGE otherwise. */
MREG_API int mreg_digest_parse(const char *text, struct mreg_digest *out,
			       struct mreg_error *err);

MREG_API bool mreg_digest_equal(const struct mreg_digest *a,
				const struct mreg_digest *b);

/* OCI content descriptor: what, which bytes, how many. */
struct mreg_desc {
	char media_type[256]; /* RFC 6838: at most 255 */
	struct mreg_digest digest;
	uint64_t size; /* bytes */
};

/*
 * A model reference, [oci:DIR//|HOST[:PORT]/]REPOSITORY[:TAG][@DIGEST], as
 * written or as completed from the configured prefix.  Exactly one of `dir`
 * and `host` is set in a completed reference.
 */
struct mreg_ref {
	char dir[1024];       /* local store; "" when in a registry */
	char host[256];       /* "ghcr.io", "localhost:5000"; "" when local */
	char repository[256]; /* "acme/models/churn" */
	char tag[129];        /* "" when none was given */
	struct mreg_digest digest; /* MREG_DIGEST_NONE when none was given */
};

/* Room for any reference in text. */
#define MREG_REF_TEXT 1856

/* One `name=value` given by the user; both borrowed. */
struct mreg_pair {
	const char *name;
	const char *value;
};

enum mreg_log_level {
	MREG_LOG_ERROR = 0,
	MREG_LOG_WARN = 1,
	MREG_LOG_INFO = 2,  /* shown with -v */
	MREG_LOG_DEBUG = 3, /* shown with -vv: requests, never secrets */
};

enum mreg_progress_kind {
	MREG_PROGRESS_PLAN,   /* `total` bytes in `count` blobs will move */
	MREG_PROGRESS_START,  /* `label` begins, `total` bytes */
	MREG_PROGRESS_BYTES,  /* `bytes` more of `label` have moved */
	MREG_PROGRESS_DONE,   /* `label` is complete */
	MREG_PROGRESS_REUSED, /* `label` was already there, nothing moved */
	MREG_PROGRESS_PHASE,  /* `label` names what happens now: "hashing" */
	MREG_PROGRESS_END,    /* nothing more will come */
};

/* One thing that happened during a transfer.  May arrive from any thread, one
 * call at a time.  Strings are borrowed for the length of the call. */
struct mreg_progress {
	enum mreg_progress_kind kind;
	const char *label; /* a file's path, a blob's digest, or what is done
			    * to one: "reading w.tar" */
	uint64_t bytes;
	uint64_t total;
	uint64_t count;
};

#ifdef __cplusplus
}
#endif

#endif
