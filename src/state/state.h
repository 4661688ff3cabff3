/*
 * state/state.h - what makes the next run faster or safer and may be lost at
 * any time.
 *
 * One SQLite file below $XDG_CACHE_HOME.  Absent, read-only, locked, corrupt
 * or written by a newer mreg is never an error: reads then find nothing,
 * writes do nothing, and the first trouble is logged once at info level (a
 * corrupt file is replaced).  No result may depend on what is here: digests
 * of events are checked again on use, digests of files hold only for the
 * exact file identity.  A file or folder that others may write to is not used
 * either, and that is a warning (security.md H104).
 *
 * All functions may be called from any thread, and with state NULL.
 */
#ifndef MR_STATE_STATE_H
#define MR_STATE_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/env.h"
#include "base/file.h"

struct mr_state;

/* `path` NULL: remember nothing.  Returns NULL only when out of memory (which
 * callers may treat like no state).  Parent folders are made, mode 0700. */
struct mr_state *mr_state_open(const char *path, struct mr_env *env);
void mr_state_close(struct mr_state *s);

/* What the pass that hashed a file found (product.md 3.1). */
struct mr_state_file {
	char digest[80]; /* "sha256:<hex>" */
	bool judged;     /* whether `tested` was decided */
	bool tested;     /* valid safetensors or GGUF header, or all UTF-8 */
};

bool mr_state_file_get(struct mr_state *s, const struct mr_file_id *id,
		       struct mr_state_file *out);

/*
 * Remember a file's digest.  `now_ns` is the wall clock, nanoseconds since
 * 1970, when the identity was taken: an identity whose mtime or ctime is
 * younger than the clock's tick (50 ms; 2 s where the file system keeps whole
 * seconds) is not remembered, because a later write could leave it unchanged
 * ("racily clean", as git calls it).
 */
void mr_state_file_put(struct mr_state *s, const struct mr_file_id *id,
		       int64_t now_ns, const struct mr_state_file *f);

/* Immutable documents by digest text (events, manifests), or by a name before
 * it ("tar-members:sha256:...", what was found in a blob): bytes as they were;
 * the caller hashes them, or reads them as anybody's.  `out` is cleared first;
 * what is larger than its maximum is not found.  Above MR_MANIFEST_MAX_BYTES
 * nothing is kept.  Other processes see it later, at the latest after close. */
bool mr_state_doc_get(struct mr_state *s, const char *digest,
		      struct mr_buf *out);
void mr_state_doc_put(struct mr_state *s, const char *digest, const void *bytes,
		      size_t n);

/* Small facts: (`scope`, `key`) -> text.  Scopes in use: an origin
 * ("https://ghcr.io"; keys "realm", "expect", "plain", ...), a repository
 * ("ghcr.io/acme/churn"; keys "number:<digest>", "written").  A value that does
 * not fit into `cap` bytes with its NUL is not found; above 4 KiB none is kept.
 */
bool mr_state_fact_get(struct mr_state *s, const char *scope, const char *key,
		       char *out, size_t cap);
void mr_state_fact_put(struct mr_state *s, const char *scope, const char *key,
		       const char *value); /* NULL forgets */

/* Put `now` where `was` is, and say whether it was there: of several that try
 * (threads, processes) one succeeds. */
bool mr_state_fact_replace(struct mr_state *s, const char *scope,
			   const char *key, const char *was, const char *now);

/* Group many puts into one transaction; nestable; end always after begin.
 * From the first put on, writes of other processes wait (and soon give up):
 * nothing slow in between. */
void mr_state_begin(struct mr_state *s);
void mr_state_end(struct mr_state *s);

#endif
