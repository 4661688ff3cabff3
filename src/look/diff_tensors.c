/*
 * diff_tensors.c - tensors by name, type and shape, as the headers of weight
 * files have them.
 *
 * A name stands for one tensor of a file, or of all shards of a model, however
 * these are cut.  So tensors are compared within a group: a file that both
 * versions have under one path; else all files of one format together.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/text.h"
#include "look/diff.h"

#define SHOWN 100

struct named {
	const char *group;
	const char *path;
	const struct mreg_tensor *tensor;
};

struct list {
	struct named *items; /* owned */
	size_t n;
};

static void list_release(struct list *l)
{
	mr_release(l->items);
}

static size_t digits(const char *s)
{
	size_t n = 0;

	while (isdigit((unsigned char)s[n]))
		n++;
	return n;
}

/* "model-00001-of-00003.safetensors" */
static bool is_shard(const char *path)
{
	const char *of;

	for (of = strstr(path, "-of-"); of; of = strstr(of + 1, "-of-"))
		if (digits(of + 4) && of > path &&
		    isdigit((unsigned char)of[-1]))
			return true;
	return false;
}

static bool has_path(const struct mr_weights *w, const char *path)
{
	size_t i;

	for (i = 0; i < w->count; i++)
		if (strcmp(w->items[i].file->path, path) == 0)
			return true;
	return false;
}

static bool any_file(const void *ctx, const struct mr_model_layer *file)
{
	(void)ctx;
	(void)file;
	return true;
}

static int fail_of(const struct diff *d, int side, const struct mr_weight *w,
		   struct mreg_error *err)
{
	char shown[SHOWN];

	mr_text_safe(w->file->path, shown, sizeof(shown));
	if (w->why) {
		if (err)
			*err = *w->why;
		return mr_wrap(err, "cannot read the header of '%s' of '%s'",
			       shown, d->look[side].s->label);
	}
	(void)mr_fail(err, w->facts.limited ? MREG_ELIMIT : MREG_EFORMAT,
		      "'%s' of '%s' cannot be read: %s", shown,
		      d->look[side].s->label, w->facts.trouble);
	if (w->facts.limited)
		return mr_hint(err, "compare without --tensors; it may be "
				    "right, but mreg does not look at all of "
				    "it");
	return mr_hint(err, "compare without --tensors, or ask who made it");
}

static int check_trouble(const struct diff *d, int side, struct mreg_error *err)
{
	const struct mr_weights *w = &d->weights[side];
	size_t i;

	for (i = 0; i < w->count; i++)
		if (w->items[i].facts.trouble && mr_weight_is(w->items[i].file))
			return fail_of(d, side, &w->items[i], err);
	return 0;
}

static int compare(const void *a, const void *b)
{
	const struct named *x = a;
	const struct named *y = b;
	int order = strcmp(x->group, y->group);

	return order ? order : strcmp(x->tensor->name, y->tensor->name);
}

/* Where several files have one name, in an order that is always the same. */
static int by_place(const void *a, const void *b)
{
	const struct named *x = a;
	const struct named *y = b;
	int order = compare(x, y);

	return order ? order : strcmp(x->path, y->path);
}

static int collect(struct diff *d, int side, struct list *out,
		   struct mreg_error *err)
{
	const struct mr_weights *w = &d->weights[side];
	size_t total = 0;
	size_t i, k;

	for (i = 0; i < w->count; i++)
		total += w->items[i].facts.tensor_count;
	out->items = mr_array(total + 1, sizeof(*out->items));
	if (!out->items)
		return mr_fail_nomem(err);
	for (i = 0; i < w->count; i++) {
		const struct mr_facts *f = &w->items[i].facts;
		const char *path =
			mr_arena_strdup(d->arena, w->items[i].file->path);
		const struct mreg_tensor *t = mr_weight_tensors(d->arena, f);
		bool alone;

		if (!path || !t)
			return mr_fail_nomem(err);
		alone = !is_shard(path) && has_path(&d->weights[!side], path);
		for (k = 0; k < f->tensor_count; k++) {
			struct named *to = &out->items[out->n++];

			to->group = alone ? path : mr_format_name(f->format);
			to->path = path;
			to->tensor = &t[k];
		}
	}
	qsort(out->items, out->n, sizeof(*out->items), by_place);
	return 0;
}

/* Whether a name says which tensor is meant. */
static bool is_clear(const struct list *l)
{
	size_t i;

	for (i = 1; i < l->n; i++)
		if (strcmp(l->items[i - 1].group, l->items[i].group) != 0 ||
		    compare(&l->items[i - 1], &l->items[i]) == 0)
			return false;
	return true;
}

static bool same(const struct mreg_tensor *a, const struct mreg_tensor *b)
{
	return strcmp(a->dtype, b->dtype) == 0 && a->rank == b->rank &&
	       (a->rank == 0 ||
		memcmp(a->dims, b->dims, a->rank * sizeof(*a->dims)) == 0);
}

static void add_row(struct diff *d, struct mreg_diff_tensor *rows,
		    const struct named *a, const struct named *b)
{
	const struct named *there = b ? b : a;
	struct mreg_diff_tensor *row;

	if (!there)
		return;
	if (a && b && same(a->tensor, b->tensor)) {
		d->out->tensors_same++;
		return;
	}
	row = &rows[d->out->tensor_count++];
	row->a = a ? a->tensor : NULL;
	row->b = b ? b->tensor : NULL;
	row->name = there->tensor->name;
	row->path = there->path;
	row->change = !a   ? MREG_CHANGE_ADDED
		      : !b ? MREG_CHANGE_REMOVED
			   : MREG_CHANGE_CHANGED;
}

static int merge(struct diff *d, struct mreg_error *err)
{
	MR_AUTO(list_release) struct list a = { .n = 0 };
	MR_AUTO(list_release) struct list b = { .n = 0 };
	struct mreg_diff_tensor *rows;
	size_t i = 0;
	size_t k = 0;
	int rc = collect(d, 0, &a, err);

	if (rc >= 0)
		rc = collect(d, 1, &b, err);
	if (rc < 0)
		return rc;
	rows = mr_arena_alloc(d->arena, (a.n + b.n + 1) * sizeof(*rows));
	if (!rows)
		return mr_fail_nomem(err);
	while (i < a.n || k < b.n) {
		int order = i == a.n   ? 1
			    : k == b.n ? -1
				       : compare(&a.items[i], &b.items[k]);

		add_row(d, rows, order <= 0 ? &a.items[i] : NULL,
			order >= 0 ? &b.items[k] : NULL);
		i += order <= 0;
		k += order >= 0;
	}
	d->out->tensors = rows;
	d->out->tensors_by_file = !is_clear(&a) || !is_clear(&b);
	return 0;
}

/* Files that list no tensors say nothing about them. */
static int take_untold(struct diff *d, struct mreg_error *err)
{
	MR_AUTO(mr_list_release) struct mr_list paths = { .n = 0 };
	const char **items;
	size_t i;
	int side;
	int rc = 0;

	for (side = 0; side < 2; side++)
		for (i = 0; rc >= 0 && i < d->weights[side].count; i++) {
			const struct mr_weight *w = &d->weights[side].items[i];

			if (w->facts.tensor_count == 0 &&
			    !mr_list_has(&paths, w->file->path))
				rc = mr_list_add(&paths, w->file->path, err);
		}
	if (rc < 0)
		return rc;
	mr_list_sort(&paths);
	items = mr_arena_alloc(d->arena, (paths.n + 1) * sizeof(*items));
	if (!items)
		return mr_fail_nomem(err);
	for (i = 0; i < paths.n; i++)
		items[i] = mr_arena_strdup(d->arena, paths.items[i]);
	d->out->untold.items = items;
	d->out->untold.n = paths.n;
	return 0;
}

int mr_diff_tensors(struct diff *d, struct mreg_error *err)
{
	int rc = 0;
	int i;

	for (i = 0; i < 2 && rc >= 0; i++) {
		rc = mr_weights_read(&d->look[i], any_file, NULL,
				     &d->weights[i], err);
		if (rc >= 0)
			rc = check_trouble(d, i, err);
		d->out->bytes_read += d->weights[i].cost.bytes;
		d->out->requests += d->weights[i].cost.requests;
	}
	if (rc < 0)
		return rc;
	d->out->tensors_read = true;
	rc = take_untold(d, err);
	return rc < 0 ? rc : merge(d, err);
}
