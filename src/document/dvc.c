/*
 * dvc.c - what DVC remembers of files: NAME.dvc and dvc.lock
 * (dvc.org/doc/user-guide/project-structure).
 */
#include "document/document.h"

#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "document/fields.h"

#define MD5_DIGITS 32
/* Of one file; with the longest working directory before each path it stays
 * small. */
#define ITEMS_MAX 10000

struct dvc {
	struct mr_arena *arena; /* borrowed */
	struct mr_dvc *out;
	size_t room; /* for items */
};

/* An MD5, ".dir" behind it when it is of a folder's listing. */
static bool is_md5(const char *text)
{
	return strspn(text, "0123456789abcdefABCDEF") == MD5_DIGITS &&
	       (text[MD5_DIGITS] == '\0' ||
		strcmp(text + MD5_DIGITS, ".dir") == 0);
}

/* An HTTP entity tag's own text: DVC keeps the header's value, whose quotes and
 * mark of weakness are no part of it (RFC 9110, section 8.8.3). */
static const char *read_etag(struct dvc *d, const char *value)
{
	const char *text = mr_text_starts(value, "W/") ? value + 2 : value;
	size_t n = strlen(text);

	if (n < 2 || text[0] != '"' || text[n - 1] != '"')
		return value;
	return mr_arena_strndup(d->arena, text + 1, n - 2);
}

/* "md5:..".  The field "hash" only repeats which of these there is. */
static const char *read_hash(struct dvc *d, const struct mr_node *item)
{
	static const char *const kinds[] = { "md5", "sha256", "etag",
					     "checksum" };
	const char *value;
	size_t i;

	for (i = 0; i < MR_COUNT(kinds); i++) {
		value = mr_fields_text(d->arena, item, kinds[i]);
		if (value && strcmp(kinds[i], "etag") == 0)
			value = read_etag(d, value);
		if (value && value[0] &&
		    (strcmp(kinds[i], "md5") != 0 || is_md5(value)))
			return mr_arena_printf(d->arena, "%s:%s", kinds[i],
					       value);
	}
	return NULL;
}

/* Relative to the file's own folder, unless it is an address or absolute. */
static const char *read_path(struct dvc *d, const struct mr_node *item,
			     const char *wdir)
{
	const char *path = mr_fields_text(d->arena, item, "path");

	if (!path || !wdir || strcmp(wdir, ".") == 0 || path[0] == '/' ||
	    strstr(path, "://"))
		return path;
	if (strlen(wdir) > MR_PATH_MAX_BYTES)
		return NULL;
	return mr_arena_printf(d->arena, "%s%s%s", wdir,
			       mr_text_ends(wdir, "/") ? "" : "/", path);
}

/* `root` is a .dvc file or one stage of a lock. */
static void read_list(struct dvc *d, const struct mr_node *root,
		      const char *key, const char *stage)
{
	const struct mr_node *list = mr_node_get(root, key);
	const char *wdir = mr_fields_text(d->arena, root, "wdir");
	const struct mr_node *item;
	const struct mr_node *repo;
	struct mr_dvc_item one;
	size_t i;

	for (i = 0; (item = mr_fields_item(list, i)) && d->out->count < d->room;
	     i++) {
		repo = mr_node_get(item, "repo");
		one = (struct mr_dvc_item){
			.hash = read_hash(d, item),
			.stage = stage,
			.output = strcmp(key, "outs") == 0,
			.repo = mr_fields_text(d->arena, repo, "url"),
			.revision = mr_fields_text(d->arena, repo, "rev_lock"),
		};
		/* What is imported has its path in the other repository. */
		one.path = read_path(d, item, one.repo ? NULL : wdir);
		if (one.path)
			d->out->items[d->out->count++] = one;
	}
}

static size_t count_items(const struct mr_node *root)
{
	static const char *const keys[] = { "deps", "outs" };
	const struct mr_node *list;
	size_t n = 0;
	size_t i;

	for (i = 0; i < MR_COUNT(keys); i++) {
		list = mr_node_get(root, keys[i]);
		if (list && list->kind == MR_NODE_LIST)
			n += list->count;
	}
	return n;
}

/* A lock of DVC 2 has its stages below a key; that of DVC 1 was the map of
 * stages itself.  NULL: no lock. */
static const struct mr_node *find_stages(const struct mr_node *root)
{
	const struct mr_node *stages = mr_node_get(root, "stages");
	size_t i;

	if (stages)
		return stages->kind == MR_NODE_MAP ? stages : NULL;
	for (i = 0; i < root->count; i++)
		if (!mr_node_get(root->items[i], "cmd"))
			return NULL;
	return root;
}

static void read_root(struct dvc *d, const struct mr_node *root)
{
	const struct mr_node *stages = find_stages(root);
	const struct mr_node *stage;
	const char *name;
	size_t i;

	d->room = count_items(root);
	for (i = 0; stages && i < stages->count; i++)
		d->room += count_items(stages->items[i]);
	if (d->room > ITEMS_MAX)
		d->room = ITEMS_MAX;
	d->out->items =
		mr_arena_alloc(d->arena, d->room * sizeof(*d->out->items));
	if (!d->out->items)
		return;
	read_list(d, root, "deps", NULL);
	read_list(d, root, "outs", NULL);
	for (i = 0; stages && i < stages->count; i++) {
		stage = stages->items[i];
		name = mr_fields_line(d->arena, stage->key);
		if (!name)
			continue;
		read_list(d, stage, "deps", name);
		read_list(d, stage, "outs", name);
	}
}

int mr_dvc_read(const char *bytes, size_t n, struct mr_arena *a,
		struct mr_dvc *out, struct mreg_error *err)
{
	MR_AUTO(mr_arena_freep)
	struct mr_arena *tree = mr_arena_new(MR_YAML_ARENA_BYTES);
	struct dvc d = { .arena = a, .out = out };
	const struct mr_node *root = NULL;
	int rc;

	memset(out, 0, sizeof(*out));
	if (!tree)
		return mr_fail_nomem(err);
	rc = mr_fields_open(bytes, n, "DVC file", tree, a, &root, &out->trouble,
			    err);
	if (rc < 0 || out->trouble)
		return rc;
	if (root)
		read_root(&d, root);
	return mr_fields_end(a, err);
}
