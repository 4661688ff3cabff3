/*
 * scan_item.c - one file or link of a scan: what it is, whether it can be
 * read, and if not, an error that names it.
 */
#include "pack/scan.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "pack/path.h"

int mr_item_fail(const struct mr_item *it, enum mreg_code code,
		 const char *what, struct mreg_error *err)
{
	char shown[MR_SCAN_SHOWN];

	(void)mr_fail(err, code, "cannot take '%s': %s",
		      mr_text_safe(it->source, shown, sizeof(shown)), what);
	return mr_hint(err, "remove it, or leave it out with --exclude");
}

int mr_item_fail_sys(const struct mr_item *it, int sys, struct mreg_error *err)
{
	char shown[MR_SCAN_SHOWN];

	return mr_fail_sys(err, sys, "cannot read '%s'",
			   mr_text_safe(it->source, shown, sizeof(shown)));
}

static const char *kind_of(mode_t mode)
{
	if (S_ISFIFO(mode))
		return "it is a named pipe";
	if (S_ISSOCK(mode))
		return "it is a socket";
	if (S_ISCHR(mode) || S_ISBLK(mode))
		return "it is a device";
	return "it is neither file nor folder";
}

int mr_item_fail_kind(const struct mr_item *it, struct mreg_error *err)
{
	return mr_item_fail(it, MREG_EUSAGE, kind_of(it->st.st_mode), err);
}

/* Open it, so that what cannot be read is known before a byte is sent, and
 * take its identity from what was opened. */
static int probe(struct mr_item *it, struct mreg_error *err)
{
	MR_AUTO(mr_fd_close) int fd = -1;
	struct stat st;

	/* O_NONBLOCK: it may have become a pipe since it was looked at. */
	fd = openat(it->dirfd, it->name,
		    O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return mr_item_fail_sys(it, errno, err);
	it->st = st;
	return S_ISREG(st.st_mode) ? 0 : mr_item_fail_kind(it, err);
}

int mr_item_add(struct mr_walk *w, struct mr_item *it, struct mreg_error *err)
{
	struct mr_scan *scan = w->scan;
	const char *fault = mr_path_fault(it->path);
	struct mr_file *f;
	char *source;
	int rc;

	if (!fault && mr_path_has_part(it->path))
		fault = "it is a partial download";
	if (fault)
		return mr_item_fail(it, MREG_EUSAGE, fault, err);
	rc = probe(it, err);
	if (rc < 0)
		return rc;
	if (scan->count == MR_LAYERS_MAX) {
		(void)mr_fail(err, MREG_ELIMIT, "more than %d files",
			      MR_LAYERS_MAX);
		return mr_hint(err, "leave some out with --exclude, or pack "
				    "small ones into an archive");
	}
	source = mr_arena_strdup(scan->arena, it->source);
	if (!source || mr_grow((void **)&scan->files, &w->cap, scan->count + 1,
			       sizeof(*f)) < 0)
		return mr_fail_nomem(err);
	f = &scan->files[scan->count++];
	memset(f, 0, sizeof(*f));
	f->path = source + (it->path - it->source);
	f->source = source;
	f->size = (uint64_t)it->st.st_size;
	f->executable = (it->st.st_mode & S_IXUSR) != 0;
	f->via_link = it->via_link;
	mr_file_id(&it->st, &f->id);
	scan->bytes += f->size;
	return 0;
}

/* `it` is a symbolic link: look behind it. */
int mr_item_follow(struct mr_walk *w, struct mr_item *it,
		   struct mreg_error *err)
{
	char target[PATH_MAX];
	char shown[MR_SCAN_SHOWN / 2];
	char source[MR_SCAN_SHOWN / 2];
	ssize_t n = readlinkat(it->dirfd, it->name, target, sizeof(target));

	if (n < 0)
		return mr_item_fail_sys(it, errno, err);
	(void)mr_text_safe_n(target, (size_t)n, shown, sizeof(shown));
	(void)mr_text_safe(it->source, source, sizeof(source));
	it->via_link = true;
	if (fstatat(it->dirfd, it->name, &it->st, 0) == 0) {
		w->scan->links++;
		mr_log(w->env, MREG_LOG_INFO, "following link '%s' to '%s'",
		       source, shown);
		return 0;
	}
	if (errno == ELOOP)
		return mr_item_fail(it, MREG_EUSAGE, "it is a loop of links",
				    err);
	if (errno != ENOENT && errno != ENOTDIR)
		return mr_item_fail_sys(it, errno, err);
	(void)mr_fail(err, MREG_ENOTFOUND,
		      "link '%s' leads to '%s', which does not exist", source,
		      shown);
	return mr_hint(err, "remove it, or leave it out with --exclude");
}
