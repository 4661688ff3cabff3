/*
 * layout.c - files into layers, members into places.
 *
 * Order: what is large changes least, and a layer that changes makes clients
 * unpack all behind it anew; so the largest first, the small files last
 * (consumers.md 5.5).
 */
#include "profile/layout.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "content/digest.h"
#include "oci/oci.h"
#include "profile/tar.h"

#define LAYER_TYPE "application/vnd.oci.image.layer.v1.tar"
/* Changes whenever the bytes of a layer do, for the same files. */
#define RECIPE "mreg image layer 1\n"
/* A file of this name, in an image, takes another one away. */
#define WHITEOUT ".wh."
#define SHOWN 160

/* -- one layer ---------------------------------------------------------------
 */

static struct mr_ustar_entry entry_of(const struct mr_image_member *m)
{
	struct mr_ustar_entry e = {
		.path = m->path,
		.size = m->folder ? 0 : m->desc.size,
		.executable = m->executable,
		.paged = m->paged,
	};

	return e;
}

static void put_type(struct mreg_desc *d)
{
	(void)snprintf(d->media_type, sizeof(d->media_type), "%s", LAYER_TYPE);
}

/* Give the members their places, and the layer its size. */
static void settle(struct mr_image_layer *l)
{
	uint64_t at = 0;
	size_t i;

	l->only = NULL;
	l->files = 0;
	for (i = 0; i < l->count; i++) {
		struct mr_image_member *m = &l->members[i];
		struct mr_ustar_entry e = entry_of(m);

		m->at = at;
		m->begin = at + mr_ustar_header_size(&e, at);
		at = m->begin + e.size + mr_ustar_padding(e.size);
		if (m->folder)
			continue;
		l->only = l->files++ ? NULL : m;
	}
	l->desc.size = at + MR_USTAR_END_BYTES;
	put_type(&l->desc);
}

/* How much of both paths are the same folders, with the last one's '/'. */
static size_t shared_folders(const char *a, const char *b)
{
	size_t n = 0;
	size_t i;

	for (i = 0; a[i] && a[i] == b[i]; i++)
		if (a[i] == '/')
			n = i + 1;
	return n;
}

/* The folders of `path` that are not those of `before`, which came before it.
 * Paths come sorted, so no folder is left and entered again. */
static size_t add_folders(struct mr_image_member *out, const char *path,
			  const char *before, struct mr_arena *a)
{
	const char *p = path + shared_folders(path, before);
	size_t n = 0;

	while ((p = strchr(p, '/')) != NULL) {
		p++;
		if (out) {
			out[n].folder = true;
			out[n].path =
				mr_arena_strndup(a, path, (size_t)(p - path));
		}
		n++;
	}
	return n;
}

/* A layer of the files, sorted by path, with their folders before them. */
static int fill(struct mr_image_layer *l,
		const struct mr_image_file *const *files, size_t count,
		struct mr_arena *a, struct mreg_error *err)
{
	const char **paths = mr_arena_alloc(a, count * sizeof(*paths));
	const char *before = "";
	size_t folders = 0;
	size_t n = 0;
	size_t i;

	for (i = 0; paths && i < count; i++) {
		paths[i] = mr_arena_printf(a, MR_IMAGE_FOLDER "%s",
					   files[i]->path);
		if (!paths[i])
			return mr_fail_nomem(err);
		folders += add_folders(NULL, paths[i], before, a);
		before = paths[i];
	}
	l->members = mr_arena_alloc(a, (folders + count) * sizeof(*l->members));
	if (!paths || !l->members)
		return mr_fail_nomem(err);
	before = "";
	for (i = 0; i < count; i++) {
		struct mr_image_member *m;

		n += add_folders(&l->members[n], paths[i], before, a);
		m = &l->members[n++];
		m->path = paths[i];
		m->desc.digest = files[i]->digest;
		m->desc.size = files[i]->size;
		m->executable = files[i]->executable;
		m->paged = files[i]->size >= MR_IMAGE_LARGE_BYTES;
		before = paths[i];
	}
	if (mr_arena_failed(a))
		return mr_fail_nomem(err);
	l->count = n;
	settle(l);
	return 0;
}

int mr_image_lay_shell(const void *bytes, size_t size, struct mr_arena *a,
		       struct mr_image_layer *out, struct mreg_error *err)
{
	struct mr_image_member *m = mr_arena_alloc(a, 2 * sizeof(*m));

	if (!m)
		return mr_fail_nomem(err);
	memset(out, 0, sizeof(*out));
	m[0].path = "bin/";
	m[0].folder = true;
	m[1].path = "bin/sh";
	m[1].bytes = bytes;
	m[1].desc.size = size;
	m[1].executable = true;
	out->part = MR_IMAGE_SHELL;
	out->label = "/bin/sh";
	out->members = m;
	out->count = 2;
	settle(out);
	return mr_digest_of(bytes, size, &m[1].desc.digest, err);
}

/* -- which layer -------------------------------------------------------------
 */

static int by_path(const void *a, const void *b)
{
	const struct mr_image_file *const *x = a;
	const struct mr_image_file *const *y = b;

	return strcmp((*x)->path, (*y)->path);
}

static int by_size(const void *a, const void *b)
{
	const struct mr_image_file *const *x = a;
	const struct mr_image_file *const *y = b;

	if ((*x)->size != (*y)->size)
		return (*x)->size < (*y)->size ? 1 : -1;
	return by_path(a, b);
}

/* Files of one layer, while they are put together. */
struct bin {
	const struct mr_image_file **files; /* in the arena */
	size_t count, cap;
	uint64_t bytes;
};

static int bin_add(struct bin *b, const struct mr_image_file *f,
		   struct mr_arena *a, struct mreg_error *err)
{
	if (b->count == b->cap) {
		size_t cap = b->cap ? 2 * b->cap : 2;
		const struct mr_image_file **more =
			mr_arena_alloc(a, cap * sizeof(*more));

		if (!more)
			return mr_fail_nomem(err);
		if (b->count)
			memcpy(more, b->files, b->count * sizeof(*more));
		b->files = more;
		b->cap = cap;
	}
	b->files[b->count++] = f;
	b->bytes += f->size;
	return 0;
}

static struct bin *lightest(struct bin *bins, size_t n)
{
	struct bin *best = bins;
	size_t i;

	for (i = 1; i < n; i++)
		if (bins[i].bytes < best->bytes)
			best = &bins[i];
	return best;
}

static int by_bytes(const void *a, const void *b)
{
	const struct bin *x = a;
	const struct bin *y = b;

	if (x->bytes != y->bytes)
		return x->bytes < y->bytes ? 1 : -1;
	return strcmp(x->files[0]->path, y->files[0]->path);
}

/* `files`, largest first, one to a bin; what finds none goes where least is
 * (largest first: no bin gets much heavier than any other). */
static int make_bins(const struct mr_image_file **files, size_t count,
		     size_t most, struct mr_arena *a, struct bin **out,
		     size_t *bin_count, struct mreg_error *err)
{
	size_t n = count < most ? count : most;
	struct bin *bins = mr_arena_alloc(a, (n + 1) * sizeof(*bins));
	size_t i;
	int rc = 0;

	if (!bins)
		return mr_fail_nomem(err);
	for (i = 0; rc >= 0 && i < count; i++)
		rc = bin_add(i < n ? &bins[i] : lightest(bins, n), files[i], a,
			     err);
	if (rc < 0)
		return rc;
	for (i = 0; i < n; i++)
		qsort(bins[i].files, bins[i].count, sizeof(*bins[i].files),
		      by_path);
	qsort(bins, n, sizeof(*bins), by_bytes);
	*out = bins;
	*bin_count = n;
	return 0;
}

static const char *label_of(const struct bin *b, struct mr_arena *a)
{
	if (b->count == 1)
		return b->files[0]->path;
	return mr_arena_printf(a, "%zu files from %s", b->count,
			       b->files[0]->path);
}

static const char *find_whiteout(const char *path)
{
	while (path) {
		if (mr_text_starts(path, WHITEOUT))
			return path;
		path = strchr(path, '/');
		if (path)
			path++;
	}
	return NULL;
}

static int check(const struct mr_image_file *files, size_t count,
		 struct mreg_error *err)
{
	char shown[SHOWN];
	size_t i;

	for (i = 0; i < count; i++) {
		if (!find_whiteout(files[i].path))
			continue;
		(void)mr_fail(
			err, MREG_EUNSUPPORTED, "an image cannot hold '%s'",
			mr_text_safe(files[i].path, shown, sizeof(shown)));
		return mr_hint(err, "names that begin with '.wh.' take other "
				    "files away there: rename it");
	}
	return 0;
}

int mr_image_lay_out(const struct mr_image_file *files, size_t count,
		     size_t most, struct mr_arena *a,
		     struct mr_image_layout *out, struct mreg_error *err)
{
	const struct mr_image_file **large =
		mr_arena_alloc(a, (count + 1) * sizeof(*large));
	struct bin small = { .count = 0 };
	struct bin *bins;
	size_t large_count = 0;
	size_t bin_count;
	size_t i;
	int rc;

	if (!large)
		return mr_fail_nomem(err);
	rc = check(files, count, err);
	for (i = 0; rc >= 0 && i < count; i++) {
		if (files[i].size >= MR_IMAGE_LARGE_BYTES)
			large[large_count++] = &files[i];
		else
			rc = bin_add(&small, &files[i], a, err);
	}
	if (rc < 0)
		return rc;
	qsort(large, large_count, sizeof(*large), by_size);
	if (small.count)
		qsort(small.files, small.count, sizeof(*small.files), by_path);
	rc = make_bins(large, large_count, most - (small.count ? 1 : 0), a,
		       &bins, &bin_count, err);
	if (rc < 0)
		return rc;
	out->layers = mr_arena_alloc(a, (bin_count + 1) * sizeof(*out->layers));
	if (!out->layers)
		return mr_fail_nomem(err);
	if (small.count)
		bins[bin_count++] = small;
	for (i = 0; rc >= 0 && i < bin_count; i++) {
		struct mr_image_layer *l = &out->layers[i];

		l->part = small.count && i + 1 == bin_count ? MR_IMAGE_SMALL
							    : MR_IMAGE_WEIGHTS;
		l->label = label_of(&bins[i], a);
		rc = fill(l, bins[i].files, bins[i].count, a, err);
	}
	out->count = bin_count;
	return rc;
}

int mr_image_recipe(const struct mr_image_layer *l, struct mreg_digest *out,
		    struct mreg_error *err)
{
	MR_AUTO(mr_buf_release) struct mr_buf line = MR_BUF_INIT(1u << 16);
	MR_AUTO(mr_hash_freep) struct mr_hash *hash = NULL;
	char digest[MREG_DIGEST_TEXT];
	size_t i;
	int rc = mr_hash_new(MREG_SHA256, &hash, err);

	if (rc < 0)
		return rc;
	mr_hash_add(hash, RECIPE, sizeof(RECIPE) - 1);
	for (i = 0; i < l->count; i++) {
		const struct mr_image_member *m = &l->members[i];

		mr_buf_clear(&line);
		mr_buf_printf(
			&line, "%c%c%c %" PRIu64 " %" PRIu64 " %s ",
			m->folder ? 'd' : 'f', m->executable ? 'x' : '-',
			m->paged ? 'p' : '-', m->at, m->desc.size,
			m->folder ? "-"
				  : mreg_digest_text(&m->desc.digest, digest));
		mr_buf_puts(&line, m->path);
		mr_buf_putc(&line, '\n');
		rc = mr_buf_check(&line, "a layer's recipe", err);
		if (rc < 0)
			return rc;
		mr_hash_add(hash, line.data, line.len);
	}
	mr_hash_end(hash, out);
	return 0;
}
