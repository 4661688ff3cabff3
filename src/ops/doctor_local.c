/*
 * doctor_local.c - a folder as a store: is it there, can it be written and
 * locked, is there room.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "ops/doctor.h"

/* Less room than this is told. */
#define ROOM_BYTES (UINT64_C(1) << 30)

/* The file systems that people keep models on, by the magic numbers of
 * statfs(2), and what they mean for a store. */
static const struct kind {
	unsigned long magic;
	const char *name;
	const char *means;
} kinds[] = {
	{ 0xef53, "ext4", "" },
	{ 0x58465342, "xfs", "pull can share blocks instead of copying" },
	{ 0x9123683e, "btrfs", "pull can share blocks instead of copying" },
	{ 0x2fc12fc1, "zfs", "" },
	{ 0x794c7630, "overlay",
	  "gone with its container, unless that keeps it" },
	{ 0x01021994, "tmpfs", "in memory: gone after the next start" },
	{ 0x6969, "nfs", "locks hold between machines from NFS version 4 on" },
	{ 0xff534d42, "cifs", "do not push from several machines at once" },
	{ 0xfe534d42, "smb", "do not push from several machines at once" },
	{ 0x65735546, "fuse",
	  "whether locks hold between machines is up to what is behind it" },
	{ 0x01021997, "9p", "do not push from several machines at once" },
};

static int tell_kind(struct doctor *d, const char *dir, struct mreg_error *err)
{
	struct statfs fs;
	char text[64];
	size_t i;

	if (statfs(dir, &fs) < 0)
		return mr_doctor_add(d, "file system", MREG_VERDICT_UNKNOWN,
				     strerror(errno), "", err);
	for (i = 0; i < MR_COUNT(kinds); i++)
		if (kinds[i].magic == ((unsigned long)fs.f_type & 0xffffffffu))
			return mr_doctor_add(d, "file system", MREG_VERDICT_YES,
					     kinds[i].name, kinds[i].means,
					     err);
	(void)snprintf(text, sizeof(text), "of an unknown kind (0x%lx)",
		       (unsigned long)fs.f_type & 0xffffffffu);
	return mr_doctor_add(d, "file system", MREG_VERDICT_UNKNOWN, text, "",
			     err);
}

static int tell_room(struct doctor *d, const char *dir, struct mreg_error *err)
{
	struct statvfs fs;
	uint64_t room;
	char size[32];
	char text[64];

	if (statvfs(dir, &fs) < 0)
		return mr_doctor_add(d, "room", MREG_VERDICT_UNKNOWN,
				     strerror(errno), "", err);
	room = (uint64_t)fs.f_bavail * fs.f_frsize;
	(void)snprintf(text, sizeof(text), "%s free", mr_text_size(room, size));
	return mr_doctor_add(d, "room",
			     room >= ROOM_BYTES ? MREG_VERDICT_YES
			     : room             ? MREG_VERDICT_PARTLY
						: MREG_VERDICT_NO,
			     text,
			     room >= ROOM_BYTES
				     ? ""
				     : "a push that does not fit leaves "
				       "nothing wrong behind, but fails",
			     err);
}

static int add_errno(struct doctor *d, const char *topic, int sys,
		     const char *means, struct mreg_error *err)
{
	return mr_doctor_add(d, topic, MREG_VERDICT_NO, strerror(sys), means,
			     err);
}

/* A folder can be locked without being written to. */
static int tell_lock(struct doctor *d, const char *dir, struct mreg_error *err)
{
	MR_AUTO(mr_fd_close)
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return add_errno(d, "lock", errno, "", err);
	if (flock(fd, LOCK_SH | LOCK_NB) == 0 || errno == EWOULDBLOCK)
		return mr_doctor_add(d, "lock", MREG_VERDICT_YES, "flock works",
				     "", err);
	return add_errno(d, "lock", errno,
			 "two pushes at once could take the same number", err);
}

/* Without --write, and above a store that is not there yet, only what the
 * permissions say. */
static int tell_writable(struct doctor *d, const char *dir, bool there,
			 struct mreg_error *err)
{
	static const char means[] = "models here can be read, not changed";
	char *path;
	int sys;
	int fd;

	if (!d->out->write || !there)
		return access(dir, W_OK | X_OK) < 0
			       ? add_errno(d, "write", errno, means, err)
			       : mr_doctor_add(d, "write", MREG_VERDICT_YES,
					       "you may write", "", err);
	path = mr_arena_printf(d->out->owner, "%s/.mreg-doctor-XXXXXX", dir);
	if (!path)
		return mr_fail_nomem(err);
	fd = mkostemp(path, O_CLOEXEC);
	if (fd < 0)
		return add_errno(d, "write", errno, means, err);
	sys = write(fd, "mreg\n", 5) != 5 || fsync(fd) < 0 ? errno : 0;
	mr_fd_close(&fd);
	if (unlink(path) < 0 && !sys)
		return mr_doctor_add(d, "write", MREG_VERDICT_PARTLY, path,
				     "was written and cannot be removed", err);
	if (sys)
		return add_errno(d, "write", sys, means, err);
	return mr_doctor_add(d, "write", MREG_VERDICT_YES,
			     "a file was written, synced and removed", "", err);
}

/* The nearest folder above that is there: what is made in it. */
static const char *climb(char *dir)
{
	struct stat st;
	char *slash;

	while (stat(dir, &st) < 0 && (slash = strrchr(dir, '/')) != NULL &&
	       slash != dir)
		*slash = '\0';
	if (stat(dir, &st) == 0)
		return dir;
	return dir[0] == '/' ? "/" : ".";
}

static int tell_models(struct doctor *d, const char *dir,
		       const char *repository, struct mreg_error *err)
{
	MR_AUTO(mr_list_release) struct mr_list names = { .n = 0 };
	struct mreg_error why = MREG_ERROR_INIT;
	char text[64];
	int rc = mr_layout_repositories(&d->m->env, dir, &names, &why);

	if (rc == MREG_ENOMEM || rc == MREG_ECANCELED) {
		*err = why;
		return rc;
	}
	if (rc < 0)
		return mr_doctor_add(d, "models", MREG_VERDICT_UNKNOWN, why.msg,
				     why.hint, err);
	if (repository[0] && !mr_list_has(&names, repository))
		return mr_doctor_add(d, "models", MREG_VERDICT_NO,
				     "this model is not here yet",
				     "the first push makes it", err);
	(void)snprintf(text, sizeof(text), "%zu model%s", names.n,
		       names.n == 1 ? "" : "s");
	return mr_doctor_add(d, "models", MREG_VERDICT_YES, text, "", err);
}

int mr_doctor_local(struct doctor *d, const char *dir, const char *repository,
		    struct mreg_error *err)
{
	char *above = mr_arena_strdup(d->out->owner, dir);
	const char *near;
	struct stat st;
	bool there;
	int rc;

	if (!above)
		return mr_fail_nomem(err);
	there = stat(dir, &st) == 0;
	if (there && !S_ISDIR(st.st_mode))
		return mr_fail(err, MREG_EUSAGE, "'%.200s' is no folder", dir);
	if (!there && errno != ENOENT && errno != ENOTDIR)
		return mr_fail_sys(err, errno, "cannot look at '%.200s'", dir);
	near = climb(above);
	rc = mr_doctor_add(d, "store",
			   there ? MREG_VERDICT_YES : MREG_VERDICT_NO,
			   there ? "is there" : "is not there yet",
			   there ? "" : "the first push makes it", err);
	if (rc >= 0 && there)
		rc = tell_models(d, dir, repository, err);
	if (rc >= 0)
		rc = tell_writable(d, near, there, err);
	if (rc >= 0)
		rc = tell_lock(d, near, err);
	if (rc >= 0)
		rc = tell_room(d, near, err);
	return rc < 0 ? rc : tell_kind(d, near, err);
}
