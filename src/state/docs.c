/*
 * docs.c - documents by their digest, written many at once.
 *
 * A sync meets thousands, and a transaction of its own for each would cost as
 * much as the request that brought it.  So they wait for others, or for the
 * end: who is killed before has to ask for them again.
 */
#include "state/state.h"

#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "state/db.h"

/* Of those that wait; a larger one does not. */
#define LATER_BYTES (256u << 10)

static int bind_digest(sqlite3_stmt *st, const char *digest)
{
	return sqlite3_bind_text(st, 1, digest, -1, SQLITE_STATIC);
}

static int bind_bytes(sqlite3_stmt *st, const void *bytes, size_t n)
{
	/* A NULL pointer would be bound as SQL's NULL. */
	return sqlite3_bind_blob64(st, 2, n ? bytes : "", n, SQLITE_STATIC);
}

static void write_doc(struct mr_state *s, const char *digest, const void *bytes,
		      size_t n)
{
	sqlite3_stmt *st = mr_state_db_stmt(s, SQL_DOC_PUT);
	int rc;

	if (!st)
		return;
	rc = bind_digest(st, digest);
	if (rc == SQLITE_OK)
		rc = bind_bytes(st, bytes, n);
	(void)mr_state_db_step(s, st, rc); /* has no row */
}

void mr_state_docs_write(struct mr_state *s)
{
	size_t i;

	if (!s->later_count)
		return;
	s->depth++;
	for (i = 0; i < s->later_count; i++) {
		struct mr_state_doc *d = &s->later[i];

		write_doc(s, d->digest, d->bytes, d->n);
		mr_release(d->digest);
		mr_release(d->bytes);
	}
	s->later_count = s->later_bytes = 0;
	if (--s->depth == 0)
		mr_state_db_commit(s);
}

/* False: it has to be written now. */
static bool put_later(struct mr_state *s, const char *digest, const void *bytes,
		      size_t n)
{
	struct mr_state_doc *d = &s->later[s->later_count];

	if (s->depth || n > LATER_BYTES)
		return false;
	d->digest = mr_strdup(digest);
	d->bytes = mr_alloc(n + 1);
	if (!d->digest || !d->bytes) {
		mr_free(&d->digest);
		mr_free(&d->bytes);
		return false;
	}
	if (n)
		memcpy(d->bytes, bytes, n);
	d->n = n;
	s->later_bytes += n;
	if (++s->later_count == MR_STATE_DOCS_LATER ||
	    s->later_bytes > LATER_BYTES)
		mr_state_docs_write(s);
	return true;
}

/* The newest of that name among those that wait; NULL: none. */
static const struct mr_state_doc *find_later(const struct mr_state *s,
					     const char *digest)
{
	size_t i;

	for (i = s->later_count; i; i--)
		if (strcmp(s->later[i - 1].digest, digest) == 0)
			return &s->later[i - 1];
	return NULL;
}

static bool copy_bytes(const void *bytes, size_t n, struct mr_buf *out)
{
	if (n > out->max)
		return false;
	mr_buf_add(out, n ? bytes : "", n);
	return out->failed == MREG_OK;
}

static bool read_doc(struct mr_state *s, const char *digest, struct mr_buf *out)
{
	sqlite3_stmt *st = mr_state_db_stmt(s, SQL_DOC_GET);
	bool found;

	if (!st || !mr_state_db_step(s, st, bind_digest(st, digest)))
		return false;
	found = copy_bytes(sqlite3_column_blob(st, 0),
			   (size_t)sqlite3_column_bytes(st, 0), out);
	mr_state_db_done(st);
	return found;
}

bool mr_state_doc_get(struct mr_state *s, const char *digest,
		      struct mr_buf *out)
{
	const struct mr_state_doc *d;
	bool found;

	mr_buf_clear(out);
	if (!s)
		return false;
	pthread_mutex_lock(&s->lock);
	d = find_later(s, digest);
	found = d ? copy_bytes(d->bytes, d->n, out) : read_doc(s, digest, out);
	pthread_mutex_unlock(&s->lock);
	return found;
}

void mr_state_doc_put(struct mr_state *s, const char *digest, const void *bytes,
		      size_t n)
{
	if (!s || n > MR_MANIFEST_MAX_BYTES)
		return;
	pthread_mutex_lock(&s->lock);
	if (s->db && !s->writes_off && !put_later(s, digest, bytes, n)) {
		/* What was put before must not replace it. */
		mr_state_docs_write(s);
		write_doc(s, digest, bytes, n);
	}
	pthread_mutex_unlock(&s->lock);
}
