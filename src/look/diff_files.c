/*
 * diff_files.c - which files were added, removed, changed or moved: by path,
 * then by digest.
 */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "content/digest.h"
#include "look/diff.h"

struct rows {
	struct mreg_diff_file *items; /* in the arena */
	size_t n;
};

static int by_path(const void *a, const void *b)
{
	const struct mr_model_layer *const *x = a;
	const struct mr_model_layer *const *y = b;

	return strcmp((*x)->path, (*y)->path);
}

/* The files of one side in the order of their paths; the caller's. */
static const struct mr_model_layer **sorted(const struct mr_look *l)
{
	const struct mr_model_layer **files;
	size_t i;

	files = mr_array(l->count + 1, sizeof(*files));
	for (i = 0; files && i < l->count; i++)
		files[i] = &l->files[i];
	if (files)
		qsort(files, l->count, sizeof(*files), by_path);
	return files;
}

static void put_side(struct mreg_diff_file *row, int side,
		     const struct mr_model_layer *f)
{
	row->digest[side] = f->desc.digest;
	row->size[side] = f->desc.size;
	row->executable[side] = f->executable;
	row->packed[side] = f->archive;
}

/* `a` or `b` may be NULL. */
static void add_row(struct diff *d, struct rows *rows,
		    const struct mr_model_layer *a,
		    const struct mr_model_layer *b)
{
	const struct mr_model_layer *there = b ? b : a;
	struct mreg_diff_file *row;

	if (!there)
		return;
	row = &rows->items[rows->n++];
	row->path = mr_arena_strdup(d->arena, there->path);
	if (a)
		put_side(row, 0, a);
	if (b)
		put_side(row, 1, b);
	if (!a)
		row->change = MREG_CHANGE_ADDED;
	else if (!b)
		row->change = MREG_CHANGE_REMOVED;
	else if (mreg_digest_equal(&a->desc.digest, &b->desc.digest) &&
		 a->executable == b->executable)
		row->change = MREG_CHANGE_SAME;
	else
		row->change = MREG_CHANGE_CHANGED;
}

/* -- moves ----------------------------------------------------------------- */

static int by_digest(const void *a, const void *b)
{
	const struct mreg_diff_file *const *x = a;
	const struct mreg_diff_file *const *y = b;
	int i = (*x)->change == MREG_CHANGE_REMOVED ? 0 : 1;
	int k = (*y)->change == MREG_CHANGE_REMOVED ? 0 : 1;

	return mr_digest_compare(&(*x)->digest[i], &(*y)->digest[k]);
}

/* Those of one kind with something in them, by digest; the caller's. */
static struct mreg_diff_file **select_rows(const struct rows *rows,
					   enum mreg_change change,
					   size_t *count)
{
	struct mreg_diff_file **out = mr_array(rows->n + 1, sizeof(*out));
	size_t n = 0;
	size_t i;

	for (i = 0; out && i < rows->n; i++)
		if (rows->items[i].change == change &&
		    rows->items[i].size[0] + rows->items[i].size[1] > 0)
			out[n++] = &rows->items[i];
	if (out)
		qsort(out, n, sizeof(*out), by_digest);
	*count = n;
	return out;
}

/* What was removed here and added there is the same file under another
 * name. */
static int find_moves(struct rows *rows, struct mreg_error *err)
{
	MR_AUTO(mr_free) struct mreg_diff_file **gone = NULL;
	MR_AUTO(mr_free) struct mreg_diff_file **come = NULL;
	size_t gone_count, come_count;
	size_t i = 0;
	size_t k = 0;
	size_t n = 0;

	gone = select_rows(rows, MREG_CHANGE_REMOVED, &gone_count);
	come = select_rows(rows, MREG_CHANGE_ADDED, &come_count);
	if (!gone || !come)
		return mr_fail_nomem(err);
	while (i < gone_count && k < come_count) {
		int order = mr_digest_compare(&gone[i]->digest[0],
					      &come[k]->digest[1]);

		if (order == 0) {
			come[k]->was = gone[i]->path;
			come[k]->digest[0] = gone[i]->digest[0];
			come[k]->size[0] = gone[i]->size[0];
			come[k]->executable[0] = gone[i]->executable[0];
			come[k]->packed[0] = gone[i]->packed[0];
			gone[i]->path = NULL; /* told with the other */
		}
		i += order <= 0;
		k += order >= 0;
	}
	/* Only now: the order above goes by it. */
	for (i = 0; i < come_count; i++)
		if (come[i]->was)
			come[i]->change = MREG_CHANGE_MOVED;
	for (i = 0; i < rows->n; i++)
		if (rows->items[i].path)
			rows->items[n++] = rows->items[i];
	rows->n = n;
	return 0;
}

int mr_diff_files(struct diff *d, struct mreg_error *err)
{
	MR_AUTO(mr_free) const struct mr_model_layer **a = NULL;
	MR_AUTO(mr_free) const struct mr_model_layer **b = NULL;
	size_t na = d->look[0].count;
	size_t nb = d->look[1].count;
	struct rows rows = { .n = 0 };
	size_t i = 0;
	size_t k = 0;
	int rc;

	a = sorted(&d->look[0]);
	b = sorted(&d->look[1]);
	rows.items =
		mr_arena_alloc(d->arena, (na + nb + 1) * sizeof(*rows.items));
	if (!a || !b || !rows.items)
		return mr_fail_nomem(err);
	while (i < na || k < nb) {
		int order = i == na   ? 1
			    : k == nb ? -1
				      : strcmp(a[i]->path, b[k]->path);

		add_row(d, &rows, order <= 0 ? a[i] : NULL,
			order >= 0 ? b[k] : NULL);
		i += order <= 0;
		k += order >= 0;
	}
	rc = mr_result_check(d->arena, err); /* a path may be missing */
	if (rc >= 0)
		rc = find_moves(&rows, err);
	d->out->files = rows.items;
	d->out->file_count = rows.n;
	return rc;
}
