/*
 * unpack_merge.c - the layers of an image laid over each other, on paper: what
 * files are left, and which layer each is from.
 *
 * A member is hidden by what a higher layer has, or hides, in its place or in
 * the place of a folder above it (OCI image-spec, layer.md).  A folder in the
 * place of a lower layer's file is not seen here: then the two paths clash, and
 * mr_paths_check refuses them.
 */
#include "pack/pack.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"

/* Links to links; the kernel follows as many (path_resolution(7)). */
#define HOPS_MAX 40
/* A model folder of a Hugging Face cache has one for each file; each hop looks
 * through all of them. */
#define LINKS_MAX 1000u
#define SHOWN 160

/* Something in a place, for those below it. */
struct cover {
	const char *path; /* borrowed */
	size_t layer;
	size_t rank; /* in the layer; 0: hides nothing of its own layer */
};

struct covers {
	struct cover *items; /* owned; sorted */
	size_t n;
};

struct merge {
	struct covers selves;     /* hide their own path */
	struct covers above;      /* hide what is below their path */
	struct mr_members *links; /* owned; those that nothing hides */
	struct mr_members *to;    /* owned */
	struct cover *files;      /* owned; of `to`, sorted by path */
};

static void merge_release(struct merge *m)
{
	mr_release(m->selves.items);
	mr_release(m->above.items);
	mr_release(m->files);
	mr_members_free(m->links);
	mr_members_free(m->to);
}

static int compare(const void *a, const void *b)
{
	const struct cover *x = a;
	const struct cover *y = b;
	int order = strcmp(x->path, y->path);

	if (order)
		return order;
	if (x->layer != y->layer)
		return x->layer < y->layer ? -1 : 1;
	return (x->rank > y->rank) - (x->rank < y->rank);
}

/* How many of the sorted items come before `path`, or, with `over`, also how
 * many have it. */
static size_t count_before(const struct cover *items, size_t n,
			   const char *path, bool over)
{
	size_t low = 0;
	size_t high = n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		int order = strcmp(items[mid].path, path);

		if (order < 0 || (over && order == 0))
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/* The highest one with this path, or NULL. */
static const struct cover *top(const struct covers *c, const char *path)
{
	size_t n = count_before(c->items, c->n, path, true);

	if (n == 0 || strcmp(c->items[n - 1].path, path) != 0)
		return NULL;
	return &c->items[n - 1];
}

static bool is_hidden(const struct merge *m, const char *path, size_t layer,
		      size_t rank)
{
	char folder[MR_PATH_MAX_BYTES + 1];
	const struct cover *c = top(&m->selves, path);
	char *slash;

	if (c && (c->layer > layer || (c->layer == layer && c->rank > rank)))
		return true;
	(void)snprintf(folder, sizeof(folder), "%s", path);
	do {
		slash = strrchr(folder, '/');
		*(slash ? slash : folder) = '\0';
		c = top(&m->above, folder);
		if (c && c->layer > layer)
			return true;
	} while (folder[0]);
	return false;
}

static int collect(struct merge *m, const struct mr_members *const *layers,
		   size_t count, struct mreg_error *err)
{
	size_t total = 0;
	size_t i, k;

	for (i = 0; i < count; i++)
		total += layers[i]->count;
	m->selves.items = mr_array(total + 1, sizeof(struct cover));
	m->above.items = mr_array(total + 1, sizeof(struct cover));
	if (!m->selves.items || !m->above.items)
		return mr_fail_nomem(err);
	for (i = 0; i < count; i++)
		for (k = 0; k < layers[i]->count; k++) {
			const struct mr_member *one = &layers[i]->items[k];
			bool holds = one->kind == MR_MEMBER_FILE ||
				     one->kind == MR_MEMBER_LINK;
			struct cover c = { one->path, i, holds ? k + 1 : 0 };

			m->above.items[m->above.n++] = c;
			if (one->kind != MR_MEMBER_OPAQUE)
				m->selves.items[m->selves.n++] = c;
		}
	qsort(m->selves.items, m->selves.n, sizeof(struct cover), compare);
	qsort(m->above.items, m->above.n, sizeof(struct cover), compare);
	return 0;
}

/* What nothing hides; still by its path in the image. */
static int lay(struct merge *m, const struct mr_members *const *layers,
	       size_t count, struct mreg_error *err)
{
	size_t i, k;
	int rc = 0;

	for (i = 0; i < count; i++)
		for (k = 0; k < layers[i]->count && rc == 0; k++) {
			struct mr_member one = layers[i]->items[k];

			if (one.kind == MR_MEMBER_GONE ||
			    one.kind == MR_MEMBER_OPAQUE ||
			    is_hidden(m, one.path, i, k + 1))
				continue;
			one.source = i;
			rc = mr_members_add(
				one.kind == MR_MEMBER_LINK ? m->links : m->to,
				&one, err);
		}
	return rc;
}

/* -- links ----------------------------------------------------------------- */

static int sort_files(struct merge *m, struct mreg_error *err)
{
	size_t i;

	m->files = mr_array(m->to->count + 1, sizeof(struct cover));
	if (!m->files)
		return mr_fail_nomem(err);
	for (i = 0; i < m->to->count; i++)
		m->files[i].path = m->to->items[i].path;
	qsort(m->files, m->to->count, sizeof(struct cover), compare);
	return 0;
}

/* A file, or a folder with files in it. */
static bool is_there(const struct merge *m, const char *path)
{
	char below[MR_PATH_MAX_BYTES + 2];
	size_t n = m->to->count;
	size_t at = count_before(m->files, n, path, false);

	if (at < n && strcmp(m->files[at].path, path) == 0)
		return true;
	(void)snprintf(below, sizeof(below), "%s/", path);
	at = count_before(m->files, n, below, false);
	return at < n && mr_text_starts(m->files[at].path, below);
}

static const struct mr_member *find_link(const struct merge *m,
					 const char *path)
{
	size_t i;

	for (i = 0; i < m->links->count; i++)
		if (strcmp(m->links->items[i].path, path) == 0)
			return &m->links->items[i];
	return NULL;
}

static int check_link(const struct merge *m, const struct mr_member *link,
		      struct mr_list *left_out, struct mreg_error *err)
{
	const struct mr_member *at = link;
	char shown[SHOWN];
	unsigned int hops;

	for (hops = 0; at && at->target && hops < HOPS_MAX; hops++) {
		if (is_there(m, at->target))
			return mr_list_add(left_out, link->path, err);
		at = find_link(m, at->target);
	}
	(void)mr_fail(err, MREG_EUNSUPPORTED,
		      "'%s' of the image is a link to what is not in its "
		      "model folder",
		      mr_text_safe(link->path, shown, sizeof(shown)));
	return mr_hint(err, "mreg writes no links; ask who made the image to "
			    "put the file itself there");
}

static int check_links(const struct merge *m, struct mr_list *left_out,
		       struct mreg_error *err)
{
	size_t i;
	int rc = 0;

	if (m->links->count > LINKS_MAX)
		return mr_fail(err, MREG_ELIMIT,
			       "the image has more than %u links in its model "
			       "folder",
			       LINKS_MAX);
	for (i = 0; i < m->links->count && rc == 0; i++)
		rc = check_link(m, &m->links->items[i], left_out, err);
	return rc;
}

int mr_members_merge(const struct mr_members *const *layers, size_t count,
		     struct mr_members **out, struct mr_list *left_out,
		     struct mreg_error *err)
{
	MR_AUTO(merge_release) struct merge m = { .files = NULL };
	size_t i;
	int rc = mr_members_new(&m.to, err);

	if (rc == 0)
		rc = mr_members_new(&m.links, err);
	if (rc == 0)
		rc = collect(&m, layers, count, err);
	if (rc == 0)
		rc = lay(&m, layers, count, err);
	if (rc == 0)
		rc = sort_files(&m, err);
	if (rc == 0)
		rc = check_links(&m, left_out, err);
	if (rc < 0)
		return rc;
	/* "models/a/b": its first folder is the image's, not the model's. */
	for (i = 0; i < m.to->count; i++)
		m.to->items[i].path = strchr(m.to->items[i].path, '/') + 1;
	*out = mr_steal(&m.to);
	return 0;
}
