/*
 * collect_spool.c - versions that were read and wait to be written, in a file
 * without a name: the index is not locked while requests are made, and a model
 * may have more versions than fit into memory.
 *
 * A record is its length, then fields one behind the other; who wrote it reads
 * it, once.
 */
#include "crawl/collect_spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/mem.h"
#include "content/digest.h"

/* Larger than all that one version can lead to. */
#define RECORD_MAX_BYTES (512u << 20)
/* Kept where large things may be, not in memory as /tmp often is. */
#define FOLDER "/var/tmp"

/* -- fields ---------------------------------------------------------------- */

static void add_bytes(struct mr_buf *b, const void *bytes, uint64_t n)
{
	mr_buf_add(b, &n, sizeof(n));
	if (n)
		mr_buf_add(b, bytes, n);
}

/* NULL has no bytes, "" has one. */
static void add_text(struct mr_buf *b, const char *text)
{
	add_bytes(b, text, text ? strlen(text) + 1 : 0);
}

struct fields {
	const char *at, *end;
	bool bad;
};

static void take(struct fields *f, void *out, size_t n)
{
	if (n > (size_t)(f->end - f->at)) {
		f->bad = true;
		memset(out, 0, n);
		return;
	}
	memcpy(out, f->at, n);
	f->at += n;
}

/* Borrowed; NULL: none. */
static const char *take_bytes(struct fields *f, size_t *n)
{
	const char *bytes = NULL;
	uint64_t len;

	take(f, &len, sizeof(len));
	if (len > (uint64_t)(f->end - f->at)) {
		f->bad = true;
		len = 0;
	}
	if (len)
		bytes = f->at;
	f->at += len;
	*n = len;
	return bytes;
}

static const char *take_text(struct fields *f)
{
	size_t n;

	return take_bytes(f, &n);
}

static const char *copy_text(struct fields *f, struct mr_arena *a)
{
	const char *text = take_text(f);

	return text ? mr_arena_strdup(a, text) : NULL;
}

static void add_manifest(struct mr_buf *b, const struct mr_manifest *m)
{
	add_text(b, m ? m->desc.media_type : NULL);
	add_bytes(b, m ? m->raw : NULL, m ? m->raw_len : 0);
}

static int take_manifest(struct fields *f, struct mr_manifest **out,
			 struct mreg_error *err)
{
	const char *type = take_text(f);
	size_t n;
	const char *raw = take_bytes(f, &n);

	return raw ? mr_manifest_parse(raw, n, type, out, err) : 0;
}

/* -- what hangs on it ------------------------------------------------------ */

/* Its files were needed for a card, which was read. */
static void add_attached(struct mr_buf *b, const struct mr_attached *row)
{
	size_t i;

	mr_buf_add(b, row, sizeof(*row));
	add_text(b, row->type);
	add_text(b, row->title);
	add_text(b, row->created);
	for (i = 0; i < row->annotations.n; i++) {
		add_text(b, row->annotations.items[i].name);
		add_text(b, row->annotations.items[i].value);
	}
}

static void take_attached(struct fields *f, struct mr_arena *a,
			  struct mr_attached *row)
{
	struct mreg_pair *items;
	size_t i;

	take(f, row, sizeof(*row)); /* `kind` is a constant */
	row->files = NULL;
	row->file_count = 0;
	row->type = copy_text(f, a);
	row->title = copy_text(f, a);
	row->created = copy_text(f, a);
	items = mr_arena_alloc(a, (row->annotations.n + 1) * sizeof(*items));
	for (i = 0; items && i < row->annotations.n; i++) {
		items[i].name = copy_text(f, a);
		items[i].value = copy_text(f, a);
	}
	row->annotations.items = items;
}

static int take_all_attached(struct fields *f, struct mr_attached_rows *rows,
			     struct mreg_error *err)
{
	size_t i;
	int rc;

	take(f, &rows->count, sizeof(rows->count));
	if (!rows->count)
		return 0;
	rc = mr_result_arena(&rows->arena, err);
	if (rc < 0)
		return rc;
	rows->items =
		mr_arena_alloc(rows->arena, rows->count * sizeof(*rows->items));
	for (i = 0; rows->items && !f->bad && i < rows->count; i++)
		take_attached(f, rows->arena, &rows->items[i]);
	return mr_result_check(rows->arena, err);
}

/* -- a version ------------------------------------------------------------- */

/* What is the same in memory and there. */
struct fixed {
	struct mr_numbered *of;
	bool put, looked, configured, filed;
	char note[MR_COLLECT_NOTE];
	char note_hang[MR_COLLECT_NOTE];
};

static void add_version(struct mr_buf *b, const struct mr_read_version *v)
{
	struct fixed is;
	size_t i;

	memset(&is, 0, sizeof(is));
	is.of = v->of;
	is.put = v->put;
	is.looked = v->looked;
	is.configured = v->configured;
	is.filed = v->look.files != NULL;
	memcpy(is.note, v->note, sizeof(is.note));
	memcpy(is.note_hang, v->note_hang, sizeof(is.note_hang));
	mr_buf_add(b, &is, sizeof(is));
	add_manifest(b, v->looked ? v->look.manifest : NULL);
	add_bytes(b, v->look.config.data, v->looked ? v->look.config.len : 0);
	add_text(b, v->card);
	mr_buf_add(b, &v->attached.count, sizeof(v->attached.count));
	for (i = 0; i < v->attached.count; i++)
		add_attached(b, &v->attached.items[i]);
	for (i = 0; i < MR_SIBLING_KINDS; i++)
		add_manifest(b, v->siblings[i]);
}

static int take_version(struct mr_collect *c, struct fields *f,
			struct mr_read_version *v, struct mreg_error *err)
{
	struct mr_manifest *doc = NULL;
	const char *config, *card;
	struct fixed is;
	size_t i, n;
	int rc;

	take(f, &is, sizeof(is));
	v->of = is.of;
	v->put = is.put;
	v->configured = is.configured;
	memcpy(v->note, is.note, sizeof(is.note));
	memcpy(v->note_hang, is.note_hang, sizeof(is.note_hang));
	rc = take_manifest(f, &doc, err);
	config = take_bytes(f, &n);
	if (rc >= 0 && doc)
		rc = mr_collect_again(c, v, doc, config, n, is.filed, err);
	card = take_text(f);
	v->card = card ? mr_strdup(card) : NULL;
	if (rc >= 0 && card && !v->card)
		rc = mr_fail_nomem(err);
	if (rc >= 0)
		rc = take_all_attached(f, &v->attached, err);
	for (i = 0; rc >= 0 && i < MR_SIBLING_KINDS; i++)
		rc = take_manifest(f, &v->siblings[i], err);
	if (rc >= 0 && f->bad)
		return mr_fail(err, MREG_EINTERNAL,
			       "what was kept of a version is not whole");
	return rc;
}

/* -- the file -------------------------------------------------------------- */

static const char *folder_of(void)
{
	const char *folder = getenv("TMPDIR");

	return folder && folder[0] ? folder : FOLDER;
}

static int fail_file(const char *what, struct mreg_error *err)
{
	(void)mr_fail_sys(err, errno, "cannot %s a temporary file in '%.100s'",
			  what, folder_of());
	err->code = MREG_EIO; /* a missing folder is not a missing model */
	(void)mr_hint(err, "TMPDIR names a folder with room");
	return MREG_EIO;
}

static int open_file(struct mr_spool *s, struct mreg_error *err)
{
	char path[4096];

	if (s->open)
		return 0;
	(void)snprintf(path, sizeof(path), "%s/mreg-sync-XXXXXX", folder_of());
	s->fd = mkostemp(path, O_CLOEXEC);
	if (s->fd < 0)
		return fail_file("make", err);
	(void)unlink(path); /* one that stays is empty, or nearly */
	s->open = true;
	return 0;
}

int mr_spool_put(struct mr_spool *s, const struct mr_read_version *v,
		 struct mreg_error *err)
{
	MR_AUTO(mr_buf_release)
	struct mr_buf b = MR_BUF_INIT(RECORD_MAX_BYTES);
	uint64_t n = 0;
	int rc = open_file(s, err);

	if (rc < 0)
		return rc;
	mr_buf_add(&b, &n, sizeof(n));
	add_version(&b, v);
	rc = mr_buf_check(&b, "what was read of a version", err);
	if (rc < 0)
		return rc;
	n = b.len - sizeof(n);
	memcpy(b.data, &n, sizeof(n));
	rc = mr_file_write_at(s->fd, b.data, b.len, s->end, "a temporary file",
			      err);
	s->end += b.len;
	return rc;
}

static int read_at(struct mr_spool *s, void *out, size_t n,
		   struct mreg_error *err)
{
	size_t done = 0;
	ssize_t got;

	while (done < n) {
		got = pread(s->fd, (char *)out + done, n - done,
			    (off_t)(s->at + done));
		if (got < 0 && errno == EINTR)
			continue;
		if (got == 0)
			errno = EIO;
		if (got <= 0)
			return fail_file("read", err);
		done += (size_t)got;
	}
	s->at += n;
	return 0;
}

int mr_spool_next(struct mr_spool *s, struct mr_collect *c,
		  struct mr_read_version *v, bool *more, struct mreg_error *err)
{
	MR_AUTO(mr_free) char *bytes = NULL;
	struct fields f;
	uint64_t n;
	int rc;

	memset(v, 0, sizeof(*v));
	v->attached = (struct mr_attached_rows)MR_ATTACHED_INIT;
	*more = s->at < s->end;
	if (!*more)
		return 0;
	rc = read_at(s, &n, sizeof(n), err);
	if (rc < 0)
		return rc;
	bytes = mr_alloc(n);
	if (!bytes)
		return mr_fail_nomem(err);
	rc = read_at(s, bytes, n, err);
	if (rc < 0)
		return rc;
	f = (struct fields){ .at = bytes, .end = bytes + n };
	return take_version(c, &f, v, err);
}

void mr_spool_release(struct mr_spool *s)
{
	if (s->open)
		(void)close(s->fd); /* it is not needed any more */
	s->open = false;
}
