/*
 * files_clone.c - a target's blobs out of files that are here already, by
 * sharing their blocks (FICLONE, ioctl_ficlone(2)): no byte is copied and no
 * room is taken, but every byte is read once for the proof.
 */
#include "store/files.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/mem.h"

/* Fewer are copied sooner than their clone is synced. */
#define CLONE_MIN_BYTES (1u << 20)

/* Whether files of this device were found not to share with ours. */
static bool is_unshared(struct mr_target *t, dev_t dev)
{
	bool is;

	(void)pthread_mutex_lock(&t->lock);
	is = t->unshared_known && t->unshared == dev;
	(void)pthread_mutex_unlock(&t->lock);
	return is;
}

static void note_unshared(struct mr_target *t, dev_t dev)
{
	(void)pthread_mutex_lock(&t->lock);
	t->unshared_known = true;
	t->unshared = dev;
	(void)pthread_mutex_unlock(&t->lock);
}

bool mr_target_shares(struct mr_target *t, int from)
{
	MR_AUTO(mr_fd_close) int fd = -1;
	struct stat st;

	if (fstat(from, &st) < 0 || is_unshared(t, st.st_dev))
		return false;
	/* Gone with its descriptor. */
	fd = openat(mr_tree_fd(t->tree), ".", O_TMPFILE | O_RDWR | O_CLOEXEC,
		    0600);
	if (fd >= 0 && ioctl(fd, FICLONE, from) == 0)
		return true;
	/* Others (EMFILE, ENOSPC, ETXTBSY...) are of the moment. */
	if (errno == EOPNOTSUPP || errno == EXDEV || errno == ENOTTY ||
	    errno == EINVAL)
		note_unshared(t, st.st_dev);
	return false;
}

bool mr_files_clonable(struct mr_store *s, const struct mreg_desc *d,
		       struct mr_store *from)
{
	MR_AUTO(mr_fd_close) int fd = -1;

	return d->size >= CLONE_MIN_BYTES &&
	       mr_store_file(from, d, &fd, NULL) == 0 && fd >= 0 &&
	       mr_target_shares(mr_target_of(s), fd);
}

/* The flocked part becomes a clone of `from`, if that has the right bytes;
 * else it is empty, or as it was where the file systems cannot share. */
static int fill(struct mr_target *t, struct mr_goal *g, int part, int from,
		bool *done, struct mreg_error *err)
{
	const char *path = g->spots->place->path;
	int rc;

	/* A part that could be resumed is given up only for a clone. */
	if (!mr_target_shares(t, from) || ioctl(part, FICLONE, from) < 0)
		return 0;
	mr_part_record(t, g, part, NULL);
	/* A longer part keeps its end. */
	if (ftruncate(part, (off_t)g->desc->size) < 0 || fdatasync(part) < 0)
		return mr_fail_sys(err, errno, "cannot write '%s'", path);
	rc = mr_part_prove(t, g, part, done, err);
	if (rc == 0 && !*done && ftruncate(part, 0) < 0)
		rc = mr_fail_sys(err, errno, "cannot write '%s'", path);
	return rc;
}

int mr_files_clone(struct mr_store *s, const struct mreg_desc *d,
		   struct mr_store *from, bool *done, struct mreg_error *err)
{
	struct mr_target *t = mr_target_of(s);
	struct mr_goal *g = mr_target_goal(t, &d->digest);
	MR_AUTO(mr_fd_close) int part = -1;
	MR_AUTO(mr_fd_close) int fd = -1;
	char name[MR_PART_NAME];
	int rc;

	*done = false;
	if (!g || g->desc->size != d->size || d->size < CLONE_MIN_BYTES)
		return 0;
	rc = mr_store_file(from, d, &fd, err);
	if (rc < 0 || fd < 0)
		return rc;
	rc = mr_part_lock(t, g, mr_part_name(g, MR_PART_OWN, name), true, true,
			  &part, err);
	if (rc == 0)
		rc = mr_goal_look(t, g, done, err);
	if (rc == 0 && !*done)
		rc = mr_part_prove(t, g, part, done, err);
	if (rc < 0 || *done)
		return rc;
	return fill(t, g, part, fd, done, err);
}
