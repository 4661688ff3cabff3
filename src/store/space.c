/*
 * space.c - whether a target's file system has room for what will arrive, so
 * that a disk does not fill up half-way.
 *
 * Only what the file system says of itself can be seen: a quota shows when it
 * is hit.
 */
#include "store/files.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/text.h"

#define BLOCK_BYTES                                                            \
	512 /* of st_blocks (POSIX leaves it open, Linux does not) */
/* What the file system needs to keep account of the bytes: extents, folders,
 * journal. */
#define RESERVE_BYTES (1u << 20)
#define RESERVE_SHARE 256

static void add(uint64_t *sum, uint64_t n)
{
	*sum = *sum > UINT64_MAX - n ? UINT64_MAX : *sum + n;
}

/* Bytes that the part of a goal has on disk: they are written again where they
 * are, or taken over. */
static uint64_t held(const struct mr_target *t, const struct mr_goal *g)
{
	char name[MR_PART_NAME];
	struct stat st;

	if (fstatat(mr_tree_fd(t->tree), mr_part_name(g, MR_PART_OWN, name),
		    &st, AT_SYMLINK_NOFOLLOW) < 0 ||
	    !S_ISREG(st.st_mode))
		return 0;
	return (uint64_t)st.st_blocks * BLOCK_BYTES;
}

static int count_missing(struct mr_target *t, struct mr_goal *g, size_t *n,
			 struct mreg_error *err)
{
	bool right = false;
	size_t i;
	int rc = 0;

	*n = 0;
	for (i = 0; i < g->count && rc == 0; i++) {
		rc = mr_spot_look(t, &g->spots[i], &right, err);
		*n += !right;
	}
	return rc;
}

/* Whether files of this folder can share blocks with each other. */
static bool clones_itself(struct mr_target *t)
{
	MR_AUTO(mr_fd_close) int fd = -1;
	char byte = 0;

	fd = openat(mr_tree_fd(t->tree), ".", O_TMPFILE | O_RDWR | O_CLOEXEC,
		    0600);
	return fd >= 0 && pwrite(fd, &byte, 1, 0) == 1 &&
	       mr_target_shares(t, fd);
}

int mr_files_need(struct mr_store *s,
		  bool (*shared)(void *ctx, const struct mreg_digest *d),
		  void *ctx, uint64_t *sum, struct mreg_error *err)
{
	struct mr_target *t = mr_target_of(s);
	uint64_t copies = 0;
	size_t i;

	for (i = 0; i < t->goal_count; i++) {
		struct mr_goal *g = &t->goals[i];
		uint64_t size = g->desc->size;
		uint64_t part;
		size_t n;
		int rc = count_missing(t, g, &n, err);

		if (rc < 0)
			return rc;
		for (; n > 1; n--)
			add(&copies, size);
		if (n == 0 || (shared && shared(ctx, &g->desc->digest)))
			continue;
		part = held(t, g);
		add(sum, size > part ? size - part : 0);
	}
	if (copies && !clones_itself(t))
		add(sum, copies);
	return 0;
}

/* UINT64_MAX: it does not say. */
static uint64_t free_bytes(int fd)
{
	struct statvfs fs;
	uint64_t blocks;

	if (fstatvfs(fd, &fs) < 0 || fs.f_blocks == 0 || fs.f_frsize == 0)
		return UINT64_MAX;
	blocks = fs.f_bavail;
	if (blocks > UINT64_MAX / fs.f_frsize)
		return UINT64_MAX;
	return blocks * fs.f_frsize;
}

/* Whether `need` bytes and what they bring with them fit into what is free
 * where `fd` is. */
static int check(int fd, uint64_t need, const char *name,
		 struct mreg_error *err)
{
	uint64_t have = free_bytes(fd);
	char need_text[32];
	char have_text[32];

	if (need == 0)
		return 0;
	add(&need, need / RESERVE_SHARE);
	add(&need, RESERVE_BYTES);
	if (need <= have)
		return 0;
	return mr_fail_sys(err, ENOSPC, "%s needed in '%s', %s free",
			   mr_text_size(need, need_text), name,
			   mr_text_size(have, have_text));
}

int mr_room_at(const char *path, uint64_t need, struct mreg_error *err)
{
	MR_AUTO(mr_free) char *folder = mr_strdup(path);
	MR_AUTO(mr_fd_close) int fd = -1;
	char *slash;

	if (!folder)
		return mr_fail_nomem(err);
	/* What is not there yet will be where the nearest folder is. */
	for (;;) {
		fd = open(folder[0] ? folder : ".", O_PATH | O_CLOEXEC);
		if (fd >= 0 || !folder[0])
			break;
		slash = strrchr(folder, '/');
		if (slash == folder && slash[1])
			slash[1] = '\0';
		else if (slash && slash != folder)
			*slash = '\0';
		else
			folder[0] = '\0';
	}
	/* Whoever writes there says better what is wrong. */
	return fd < 0 ? 0 : check(fd, need, path, err);
}

int mr_files_room(struct mr_store *s,
		  bool (*shared)(void *ctx, const struct mreg_digest *d),
		  void *ctx, struct mreg_error *err)
{
	struct mr_target *t = mr_target_of(s);
	uint64_t need = 0;
	int rc = mr_files_need(s, shared, ctx, &need, err);

	return rc < 0 ? rc
		      : check(mr_tree_fd(t->tree), need, t->base.name, err);
}
