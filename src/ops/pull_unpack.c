/*
 * pull_unpack.c - files are taken out of archives into the output's parts.
 *
 * An open archive is a store whose blobs are its files: whatever the target
 * does with bytes that arrive, parts, proof and resuming, it does with these.
 * An archive can only be read from its beginning, so files are asked for in
 * the order they lie in; who goes back begins anew.
 */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/task.h"
#include "content/digest.h"
#include "ops/pull.h"

struct source {
	struct mr_store base;
	struct pull *p;
	const struct pull_archive *archive;
	struct mr_unpack *tar;   /* owned; NULL: not open, or no tar */
	struct mr_stream *plain; /* owned; of a packed file */
	char *chunk;             /* owned; MR_CHUNK_BYTES */
	size_t next;             /* the entry that `tar` gives next */
	size_t entry;            /* the one that is asked for now */
	bool inside;             /* ... and is open: */
	uint64_t at;             /* bytes of it that were read */
};

/* -- a file of the archive as a stream ------------------------------------- */

struct piece {
	struct mr_stream base;
	struct source *source; /* borrowed */
	uint64_t left;
};

static struct mr_stream *bytes_of(const struct source *s)
{
	return s->tar ? mr_unpack_bytes(s->tar) : s->plain;
}

static ssize_t read_some(struct source *s, void *buf, size_t n,
			 struct mreg_error *err)
{
	ssize_t got = mr_stream_read(bytes_of(s), buf, n, err);

	if (got == 0)
		return mr_fail(err, MREG_EINTEGRITY,
			       "a file of '%s' is shorter than it was",
			       s->base.name);
	if (got > 0)
		s->at += (uint64_t)got;
	return got;
}

static ssize_t piece_read(struct mr_stream *s, void *buf, size_t n,
			  struct mreg_error *err)
{
	struct piece *piece = mr_container_of(s, struct piece, base);
	ssize_t got;

	if (n > piece->left)
		n = (size_t)piece->left;
	if (n == 0)
		return 0;
	got = read_some(piece->source, buf, n, err);
	if (got > 0)
		piece->left -= (uint64_t)got;
	return got;
}

static void piece_close(struct mr_stream *s)
{
	mr_release(mr_container_of(s, struct piece, base));
}

static const struct mr_stream_ops piece_ops = {
	.read = piece_read,
	.close = piece_close,
};

/* -- an archive as a store ------------------------------------------------- */

static void shut(struct source *s)
{
	mr_unpack_closep(&s->tar);
	mr_stream_closep(&s->plain);
	s->inside = false;
	s->next = 0;
}

static void source_release(struct source *s)
{
	shut(s);
	mr_release(s->base.name);
	mr_release(s->chunk);
}

/* From the archive's beginning. */
static int begin(struct source *s, struct mreg_error *err)
{
	struct mr_stream *in = NULL;
	int rc;

	shut(s);
	rc = mr_pull_archive_stream(s->p, s->archive, false, &in, err);
	if (rc < 0)
		return rc;
	if (s->archive->layer.form == MR_FORM_PACKED) {
		s->plain = in;
		return 0;
	}
	return mr_unpack_open(&s->p->m->env, in, s->base.name, &s->tar, err);
}

/* To the entry that is asked for. */
static int enter(struct source *s, struct mreg_error *err)
{
	struct mr_unpack_entry e;
	bool found = true;
	int rc = 0;

	if ((!s->tar && !s->plain) || s->plain || s->next > s->entry)
		rc = begin(s, err);
	while (rc == 0 && s->tar && s->next <= s->entry && found) {
		rc = mr_check_cancel(&s->p->m->env, err);
		if (rc == 0)
			rc = mr_unpack_next(s->tar, &e, &found, err);
		s->next++;
	}
	if (rc < 0)
		return rc;
	if (!found)
		return mr_fail(err, MREG_EINTEGRITY,
			       "'%s' has fewer files than it had",
			       s->base.name);
	s->inside = true;
	s->at = 0;
	return 0;
}

static int pass(struct source *s, uint64_t offset, struct mreg_error *err)
{
	ssize_t got = 0;

	while (s->at < offset && got >= 0)
		got = read_some(s, s->chunk,
				offset - s->at < MR_CHUNK_BYTES
					? (size_t)(offset - s->at)
					: MR_CHUNK_BYTES,
				err);
	return got < 0 ? (int)got : 0;
}

static int source_open(struct mr_store *store, const struct mreg_desc *d,
		       uint64_t offset, uint64_t length, struct mr_stream **out,
		       struct mreg_error *err)
{
	struct source *s = mr_container_of(store, struct source, base);
	struct piece *piece;
	int rc = 0;

	(void)d; /* `entry` says which */
	if (!s->inside || s->at > offset)
		rc = enter(s, err);
	if (rc == 0)
		rc = pass(s, offset, err);
	if (rc < 0)
		return rc;
	piece = mr_zalloc(sizeof(*piece));
	if (!piece)
		return mr_fail_nomem(err);
	piece->base.ops = &piece_ops;
	piece->source = s;
	piece->left = length;
	*out = &piece->base;
	return 0;
}

static int source_has(struct mr_store *store, const struct mreg_desc *d,
		      bool *found, struct mreg_error *err)
{
	(void)store;
	(void)d;
	(void)err;
	*found = true; /* nobody asks for what was not listed */
	return 0;
}

static void source_free(struct mr_store *store)
{
	(void)store; /* on its user's stack */
}

static const struct mr_store_ops source_ops = {
	.kind = "archive",
	.has = source_has,
	.open = source_open,
	.free = source_free,
};

/* -- taking files out ------------------------------------------------------ */

/* A file to take, by where it lies. */
struct want {
	size_t entry;
	size_t item;
};

static int by_entry(const void *a, const void *b)
{
	const struct want *x = a;
	const struct want *y = b;

	return (x->entry > y->entry) - (x->entry < y->entry);
}

static bool is_due(const struct pull *p, size_t item, size_t archive)
{
	return p->origins[item].archive == archive &&
	       p->plan.items[item].step != MR_STEP_REUSE;
}

static void tell(struct pull *p, enum mreg_progress_kind kind,
		 const struct mr_item *it)
{
	struct mreg_progress e = { .kind = kind,
				   .label = it->label,
				   .total = it->desc.size,
				   .count = 1 };

	mr_progress(&p->m->env, &e);
}

static int take(struct source *s, const struct want *w, struct mreg_error *err)
{
	struct pull *p = s->p;
	struct mr_item *it = &p->plan.items[w->item];
	int rc;

	tell(p, MREG_PROGRESS_START, it);
	s->entry = w->entry;
	s->inside = false;
	rc = mr_store_put(p->to, &it->desc, &s->base, it->label, err);
	if (rc < 0)
		return mr_wrap(err, "cannot unpack '%s'", it->label);
	tell(p, MREG_PROGRESS_DONE, it);
	/* Not asked again: another process may hold it by now. */
	it->step = MR_STEP_REUSE;
	p->source[w->item] = MR_SEED_ARCHIVE;
	return 0;
}

/* What an image linked to: the target puts one digest wherever it belongs. */
static void take_again(struct pull *p, size_t item)
{
	p->plan.items[item].step = MR_STEP_REUSE;
	p->source[item] = MR_SEED_ARCHIVE;
}

static int unpack_one(void *ctx, size_t index, struct mreg_error *err)
{
	MR_AUTO(source_release) struct source s = { .p = ctx };
	MR_AUTO(mr_free) struct want *wants = NULL;
	struct pull *p = ctx;
	size_t n = 0;
	size_t i;
	int rc = 0;

	wants = mr_array(p->count + 1, sizeof(*wants));
	if (!wants)
		return mr_fail_nomem(err);
	for (i = 0; i < p->count; i++)
		if (is_due(p, i, index))
			wants[n++] = (struct want){ p->origins[i].entry, i };
	if (n == 0)
		return 0;
	qsort(wants, n, sizeof(*wants), by_entry);
	s.archive = &p->archives[index];
	s.base.ops = &source_ops;
	s.base.env = &p->m->env;
	s.base.name = mr_strdup(s.archive->layer.path);
	s.base.label = s.base.name;
	s.chunk = mr_alloc(MR_CHUNK_BYTES);
	if (!s.base.name || !s.chunk)
		return mr_fail_nomem(err);
	for (i = 0; i < n && rc == 0; i++)
		if (i > 0 && wants[i].entry == wants[i - 1].entry)
			take_again(p, wants[i].item);
		else
			rc = take(&s, &wants[i], err);
	return rc;
}

/* Which archives have what is due, and how much that is. */
static void count_due(const struct pull *p, bool *wanted,
		      struct mreg_progress *e)
{
	size_t i;

	e->total = e->count = 0;
	memset(wanted, 0, p->archive_count * sizeof(*wanted));
	for (i = 0; i < p->count; i++) {
		size_t archive = p->origins[i].archive;

		if (archive == PULL_LAYER || !is_due(p, i, archive))
			continue;
		wanted[archive] = true;
		e->total += p->plan.items[i].desc.size;
		e->count++;
	}
}

int mr_pull_unpack(struct pull *p, struct mreg_error *err)
{
	struct mreg_progress e = { .kind = MREG_PROGRESS_PLAN, .label = "" };
	MR_AUTO(mr_free) bool *wanted = NULL;
	bool entered = false;
	int rc = 0;

	wanted = mr_array(p->archive_count + 1, sizeof(*wanted));
	if (!wanted)
		return mr_fail_nomem(err);
	count_due(p, wanted, &e);
	if (e.count > 0)
		rc = mr_pull_enter(p, &entered, err);
	if (rc == 0 && entered) {
		rc = mr_plan_look(&p->plan, p->to, NULL, 0, p->jobs, err);
		count_due(p, wanted, &e);
	}
	if (rc < 0 || e.count == 0)
		return rc;
	rc = mr_pull_fetch_archives(p, wanted, err);
	if (rc == 0)
		rc = mr_pull_confirm(p, err);
	if (rc < 0)
		return rc;
	mr_progress(&p->m->env, &e);
	return mr_task_run(&p->m->env, mr_pull_archive_jobs(p),
			   p->archive_count, unpack_one, p, err);
}
