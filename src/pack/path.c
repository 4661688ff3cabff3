/*
 * path.c - which paths a model may hold.
 *
 * Everything is decided on the text, before anything is opened or made
 * (security.md 5.3); the tree then guards against what the text cannot show.
 */
#include "pack/path.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "pack/pack.h"

/* The longest fold is no longer than the path in code points; no letter that
 * mr_text_fold changes grows beyond twice its bytes. */
#define FOLD_MAX_BYTES (2 * MR_PATH_MAX_BYTES + 1)
/* How much of a path a message shows. */
#define SHOWN 160

static const char *component_fault(const char *name, size_t n)
{
	if (n == 0)
		return "it has an empty component";
	if (n == 1 && name[0] == '.')
		return "it has a '.' component";
	if (n == 2 && name[0] == '.' && name[1] == '.')
		return "it has a '..' component";
	if (n > MR_PATH_COMPONENT_MAX_BYTES)
		return "a component is longer than 255 bytes";
	return NULL;
}

const char *mr_path_fault(const char *path)
{
	size_t len = strnlen(path, MR_PATH_MAX_BYTES + 1);
	const char *p = path;
	const char *fault;
	unsigned int depth = 0;
	size_t i;

	if (len == 0)
		return "it is empty";
	if (len > MR_PATH_MAX_BYTES)
		return "it is longer than 1024 bytes";
	if (path[0] == '/')
		return "it is absolute";
	for (i = 0; i < len; i++) {
		if ((unsigned char)path[i] < 0x20 || path[i] == 0x7f)
			return "it has a control character";
		if (path[i] == '\\')
			return "it has a backslash";
	}
	if (!mr_utf8_valid(path))
		return "it is not valid UTF-8";
	for (;;) {
		size_t n = strcspn(p, "/");

		fault = component_fault(p, n);
		if (fault)
			return fault;
		if (++depth > MR_PATH_DEPTH_MAX)
			return "it is deeper than 64 folders";
		if (!p[n])
			return NULL;
		p += n + 1;
	}
}

bool mr_path_has_part(const char *path)
{
	const char *p = path;

	while (p) {
		if (mr_text_starts(p, MR_PART_PREFIX))
			return true;
		p = strchr(p, '/');
		if (p)
			p++;
	}
	return false;
}

int mr_path_check(const char *path, struct mreg_error *err)
{
	const char *fault = mr_path_fault(path);
	char shown[SHOWN];

	if (!fault && mr_path_has_part(path))
		fault = "it is the name of a partial download";
	if (!fault)
		return 0;
	return mr_fail(err, MREG_EINTEGRITY, "unsafe path '%s': %s",
		       mr_text_safe(path, shown, sizeof(shown)), fault);
}

/* -- whole sets ------------------------------------------------------------ */

/* A path as it is compared, and as it was given. */
struct entry {
	const char *key;
	const char *path;
};

static int by_key(const void *a, const void *b)
{
	const struct entry *x = a;
	const struct entry *y = b;

	return strcmp(x->key, y->key);
}

static const struct entry *find(const struct entry *entries, size_t n,
				const char *key, size_t len)
{
	size_t low = 0;
	size_t high = n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		int order = strncmp(entries[mid].key, key, len);

		if (order == 0)
			order = entries[mid].key[len] ? 1 : 0;
		if (order == 0)
			return &entries[mid];
		if (order < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return NULL;
}

static int same(const struct entry *a, const struct entry *b,
		struct mreg_error *err)
{
	char first[SHOWN / 2];
	char second[SHOWN / 2];

	if (strcmp(a->path, b->path) == 0)
		return mr_fail(err, MREG_EINTEGRITY, "path '%s' is there twice",
			       mr_text_safe(a->path, first, sizeof(first)));
	(void)mr_fail(err, MREG_EINTEGRITY,
		      "'%s' and '%s' would be one file here",
		      mr_text_safe(a->path, first, sizeof(first)),
		      mr_text_safe(b->path, second, sizeof(second)));
	return mr_hint(err, "use a target whose file system tells upper from "
			    "lower case");
}

/* `entries` are sorted. */
static int check_entries(const struct entry *entries, size_t n,
			 struct mreg_error *err)
{
	const struct entry *other;
	char first[SHOWN / 2];
	char second[SHOWN / 2];
	const char *slash;
	size_t i;

	for (i = 1; i < n; i++)
		if (strcmp(entries[i - 1].key, entries[i].key) == 0)
			return same(&entries[i - 1], &entries[i], err);
	for (i = 0; i < n; i++) {
		const char *key = entries[i].key;

		for (slash = strchr(key, '/'); slash;
		     slash = strchr(slash + 1, '/')) {
			other = find(entries, n, key, (size_t)(slash - key));
			if (!other)
				continue;
			return mr_fail(
				err, MREG_EINTEGRITY,
				"'%s' is a file, and a folder in '%s'",
				mr_text_safe(other->path, first, sizeof(first)),
				mr_text_safe(entries[i].path, second,
					     sizeof(second)));
		}
	}
	return 0;
}

static int check_folded(struct entry *entries, size_t n, struct mreg_error *err)
{
	MR_AUTO(mr_free) char *fold = mr_alloc(FOLD_MAX_BYTES);
	size_t done = 0;
	size_t i;
	int rc = 0;

	if (!fold)
		return mr_fail_nomem(err);
	for (; done < n && rc == 0; done++) {
		(void)mr_text_fold(entries[done].path, fold, FOLD_MAX_BYTES);
		entries[done].key = mr_strdup(fold);
		if (!entries[done].key)
			rc = mr_fail_nomem(err);
	}
	if (rc == 0) {
		qsort(entries, n, sizeof(*entries), by_key);
		rc = check_entries(entries, n, err);
	}
	for (i = 0; i < done; i++)
		mr_release((char *)entries[i].key);
	return rc;
}

int mr_paths_check(const char *const *paths, size_t n, bool folds,
		   struct mreg_error *err)
{
	MR_AUTO(mr_free) struct entry *entries = NULL;
	size_t i;
	int rc;

	for (i = 0; i < n; i++) {
		rc = mr_path_check(paths[i], err);
		if (rc < 0)
			return rc;
	}
	entries = mr_array(n, sizeof(*entries));
	if (!entries)
		return mr_fail_nomem(err);
	for (i = 0; i < n; i++) {
		entries[i].key = paths[i];
		entries[i].path = paths[i];
	}
	qsort(entries, n, sizeof(*entries), by_key);
	rc = check_entries(entries, n, err);
	if (rc < 0 || !folds)
		return rc;
	return check_folded(entries, n, err);
}
