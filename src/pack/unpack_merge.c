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
	struct cover *files;      /* owned; of `to`, sorted by path; `rank`
				   * is where it stands there */
	size_t file_count;
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

	mr_release(m->files);
	m->files = mr_array(m->to->count + 1, sizeof(struct cover));
	if (!m->files)
		return mr_fail_nomem(err);
	for (i = 0; i < m->to->count; i++) {
		m->files[i].path = m->to->items[i].path;
		m->files[i].rank = i;
	}
	m->file_count = m->to->count;
	qsort(m->files, m->file_count, sizeof(struct cover), compare);
	return 0;
}

/* The file with this path, or NULL. */
static const struct cover *find_file(const struct merge *m, const char *path)
{
	size_t at = count_before(m->files, m->file_count, path, false);

	if (at < m->file_count && strcmp(m->files[at].path, path) == 0)
		return &m->files[at];
	return NULL;
}

/* The first file in the folder `path`, or NULL. */
static const struct cover *find_below(const struct merge *m, const char *path)
{
	char below[MR_PATH_MAX_BYTES + 2];
	size_t at;

	(void)snprintf(below, sizeof(below), "%s/", path);
	at = count_before(m->files, m->file_count, below, false);
	if (at < m->file_count && mr_text_starts(m->files[at].path, below))
		return &m->files[at];
	return NULL;
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

/* Where it leads in the end; NULL: to nothing of the result. */
static const char *resolve(const struct merge *m, const struct mr_member *link)
{
	unsigned int hops;

	for (hops = 0; link && link->target && hops < HOPS_MAX; hops++) {
		if (find_file(m, link->target) || find_below(m, link->target))
			return link->target;
		link = find_link(m, link->target);
	}
	return NULL;
}

static int refuse_link(const struct mr_member *link, const char *why,
		       struct mreg_error *err)
{
	char shown[SHOWN];

	(void)mr_fail(err, MREG_EUNSUPPORTED, "'%s' of the image is a link %s",
		      mr_text_safe(link->path, shown, sizeof(shown)), why);
	return mr_hint(err, "mreg writes no links; ask who made the image to "
			    "put the file itself there");
}

/* A file again, under another name. */
static int add_again(struct merge *m, const struct cover *file,
		     const char *path, struct mreg_error *err)
{
	struct mr_member one = m->to->items[file->rank];
	int rc = mr_path_check(path, err);

	one.path = path;
	return rc < 0 ? rc : mr_members_add(m->to, &one, err);
}

/* A link below `path` that is no file by now leads to a folder. */
static bool has_link_below(const struct merge *m, const char *path)
{
	size_t n = strlen(path);
	size_t i;

	for (i = 0; i < m->links->count; i++)
		if (strncmp(m->links->items[i].path, path, n) == 0 &&
		    m->links->items[i].path[n] == '/' &&
		    !find_file(m, m->links->items[i].path))
			return true;
	return false;
}

static int add_folder(struct merge *m, const struct mr_member *link,
		      const char *target, struct mreg_error *err)
{
	const struct cover *file = find_below(m, target);
	const struct cover *end = m->files + m->file_count;
	size_t n = strlen(target);
	char path[2 * MR_PATH_MAX_BYTES + 2];
	int rc = 0;

	if (has_link_below(m, target))
		return refuse_link(link, "to a folder that has others in it",
				   err);
	for (; rc == 0 && file < end && strncmp(file->path, target, n) == 0 &&
	       file->path[n] == '/';
	     file++) {
		(void)snprintf(path, sizeof(path), "%s%s", link->path,
			       file->path + n);
		rc = add_again(m, file, path, err);
	}
	return rc;
}

static int take_link(struct merge *m, const struct mr_member *link,
		     bool folders, struct mreg_error *err)
{
	const char *target = resolve(m, link);
	const struct cover *file = target ? find_file(m, target) : NULL;

	if (!folders)
		return file ? add_again(m, file, link->path, err) : 0;
	if (find_file(m, link->path))
		return 0; /* the round before */
	if (!target)
		return refuse_link(link, "to what is not in its model folder",
				   err);
	return add_folder(m, link, target, err);
}

/* Files first, then folders, which may have got some of those. */
static int take_links(struct merge *m, struct mreg_error *err)
{
	unsigned int round;
	size_t i;
	int rc = 0;

	if (m->links->count > LINKS_MAX)
		return mr_fail(err, MREG_ELIMIT,
			       "the image has more than %u links in its model "
			       "folder",
			       LINKS_MAX);
	for (i = 0; i < m->links->count; i++)
		if (find_below(m, m->links->items[i].path))
			return refuse_link(&m->links->items[i],
					   "and a folder with files", err);
	for (round = 0; round < 2 && rc == 0; round++) {
		for (i = 0; i < m->links->count && rc == 0; i++)
			rc = take_link(m, &m->links->items[i], round == 1, err);
		if (rc == 0)
			rc = sort_files(m, err);
	}
	return rc;
}

int mr_members_merge(const struct mr_members *const *layers, size_t count,
		     struct mr_members **out, struct mreg_error *err)
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
		rc = take_links(&m, err);
	if (rc < 0)
		return rc;
	/* "models/a/b": its first folder is the image's, not the model's. */
	for (i = 0; i < m.to->count; i++)
		m.to->items[i].path = strchr(m.to->items[i].path, '/') + 1;
	*out = mr_steal(&m.to);
	return 0;
}
