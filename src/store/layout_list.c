/*
 * layout_list.c - which repositories there are below a local store's root.
 */
#include "store/layout.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/list.h"
#include "base/mem.h"
#include "oci/oci.h"

static void close_folder(DIR **d)
{
	if (*d)
		(void)closedir(*d); /* only read from */
}

/* Whether `name` in the open folder is a folder itself; links are not. */
static bool is_folder(int folder, const char *name)
{
	struct stat st;

	return fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       S_ISDIR(st.st_mode);
}

static bool is_layout(int folder)
{
	struct stat st;

	return fstatat(folder, "index.json", &st, 0) == 0 &&
	       S_ISREG(st.st_mode);
}

/* Look into the folder of `repository` ("" is the root): tell whether it is a
 * layout, and add the folders in it that may be or hold others to `more`. */
static int look(struct mr_env *env, const char *root, const char *repository,
		struct mr_list *more, bool *layout, struct mreg_error *err)
{
	MR_AUTO(close_folder) DIR *d = NULL;
	char path[PATH_MAX], name[PATH_MAX];
	struct dirent *e;
	int rc;

	rc = mr_path_join(path, sizeof(path), root, repository, err);
	if (rc < 0)
		return rc;
	d = opendir(path);
	if (!d && (errno == ENOENT || errno == EACCES) && repository[0]) {
		mr_log(env, MREG_LOG_WARN, "left out '%s': %s", path,
		       strerror(errno));
		return 0;
	}
	if (!d && errno == ENOENT)
		return 0;
	if (!d)
		return mr_fail_sys(err, errno, "cannot open folder '%s'", path);
	*layout = repository[0] && is_layout(dirfd(d));
	while ((e = readdir(d))) {
		if (snprintf(name, sizeof(name), "%s%s%s", repository,
			     repository[0] ? "/" : "",
			     e->d_name) >= (int)sizeof(name))
			continue;
		/* No repository has a component "blobs": product.md 2. */
		if (!mr_repository_valid(name) ||
		    strcmp(e->d_name, "blobs") == 0 ||
		    !is_folder(dirfd(d), e->d_name))
			continue;
		rc = mr_list_add(more, name, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

int mr_layout_repositories(struct mr_env *env, const char *root,
			   struct mr_list *out, struct mreg_error *err)
{
	MR_AUTO(mr_list_release) struct mr_list queue = { .items = NULL };
	bool layout = false;
	size_t i;
	int rc;

	rc = mr_list_add(&queue, "", err);
	for (i = 0; rc == 0 && i < queue.n; i++) {
		layout = false;
		/* Strings stay where they are when the list grows. */
		rc = look(env, root, queue.items[i], &queue, &layout, err);
		if (rc == 0 && layout)
			rc = mr_list_add(out, queue.items[i], err);
	}
	mr_list_sort(out);
	return rc;
}
