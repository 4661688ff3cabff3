/*
 * files_publish.c - proven parts get their final names.
 *
 * Each step leaves a state from which the next run can go on: a part is
 * complete before it is renamed, the last place of a digest takes the part
 * itself, so the part is there as long as a place is missing.
 */
#include "store/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/list.h"
#include "base/mem.h"

#define NS_PER_S INT64_C(1000000000)
#define NS_PER_MS INT64_C(1000000)
/* Above the tick of state/state.h, below which an identity says nothing. */
#define SETTLE_MS 60
/* Beyond this one sync of the file system is cheaper than one per folder. */
#define FOLDERS_SYNCED_MAX 64

struct publish {
	struct mr_target *target; /* borrowed */
	struct mr_published *out; /* borrowed */
	struct mr_list folders;   /* changed ones; "" is the root */
};

static int64_t wall_ns(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_REALTIME, &now); /* cannot fail */
	return now.tv_sec * NS_PER_S + now.tv_nsec;
}

/* -- folders ----------------------------------------------------------- */

/* The folder of `path` and those above it: each may be new. */
static int note_folders(struct publish *p, const char *path,
			struct mreg_error *err)
{
	char folder[MR_PATH_MAX_BYTES + 1];
	char *slash;
	int rc = 0;

	(void)snprintf(folder, sizeof(folder), "%s", path);
	do {
		slash = strrchr(folder, '/');
		*(slash ? slash : folder) = '\0';
		/* Mostly that of the file before, so near the end; and no more
		 * are kept than are synced one by one. */
		if (p->folders.n > FOLDERS_SYNCED_MAX ||
		    mr_list_has(&p->folders, folder))
			return 0;
		rc = mr_list_add(&p->folders, folder, err);
	} while (rc == 0 && folder[0]);
	return rc;
}

static int sync_folder(struct mr_target *t, const char *folder,
		       struct mreg_error *err)
{
	MR_AUTO(mr_fd_close) int fd = -1;
	int rc;

	if (!folder[0])
		return mr_dir_sync(mr_tree_fd(t->tree), ".", err);
	rc = mr_tree_openat(t->tree, folder, O_RDONLY | O_DIRECTORY, 0, &fd,
			    err);
	if (rc < 0)
		return rc;
	return mr_dir_sync(fd, ".", err);
}

static int sync_folders(struct publish *p, struct mreg_error *err)
{
	struct mr_target *t = p->target;
	size_t i;
	int rc = 0;

	if (p->folders.n > FOLDERS_SYNCED_MAX) {
		if (syncfs(mr_tree_fd(t->tree)) < 0)
			return mr_fail_sys(err, errno, "cannot sync '%s'",
					   t->base.name);
		return 0;
	}
	for (i = 0; i < p->folders.n && rc == 0; i++)
		rc = sync_folder(t, p->folders.items[i], err);
	return rc;
}

/* -- places ------------------------------------------------------------ */

/* A second name, then one less: for file systems without RENAME_NOREPLACE. */
static int link_new(int root, const char *name, int folder, const char *to)
{
	struct stat st;

	if (linkat(root, name, folder, to, 0) == 0)
		return unlinkat(root, name, 0);
	if (errno == EEXIST)
		return -1;
	/* No links either (FAT, some of FUSE): as near as one can get. */
	if (fstatat(folder, to, &st, AT_SYMLINK_NOFOLLOW) == 0) {
		errno = EEXIST;
		return -1;
	}
	return errno == ENOENT ? renameat(root, name, folder, to) : -1;
}

static int rename_new(int root, const char *name, int folder, const char *to)
{
	if (renameat2(root, name, folder, to, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -1;
	return link_new(root, name, folder, to);
}

/* As mr_tree_place, where nothing may be replaced. */
static int place_new(struct mr_target *t, const char *name, const char *path,
		     struct mreg_error *err)
{
	char folder[MR_PATH_MAX_BYTES + 1];
	MR_AUTO(mr_fd_close) int fd = -1;
	const char *slash = strrchr(path, '/');
	int rc;

	if (slash) {
		(void)snprintf(folder, sizeof(folder), "%.*s",
			       (int)(slash - path), path);
		rc = mr_tree_openat(t->tree, folder, O_PATH | O_DIRECTORY, 0,
				    &fd, err);
		if (rc < 0)
			return rc;
	}
	if (rename_new(mr_tree_fd(t->tree), name,
		       slash ? fd : mr_tree_fd(t->tree),
		       slash ? slash + 1 : path) == 0)
		return 0;
	if (errno == EEXIST) {
		(void)mr_fail(err, MREG_ECONFLICT,
			      "'%s' in '%s' has other bytes", path,
			      t->base.name);
		return mr_hint(err, "move it away, or pull without --keep");
	}
	return mr_fail_sys(err, errno, "cannot give '%s' its final name", path);
}

/* Rename the flocked part `name` into its place. */
static int place(struct publish *p, struct mr_spot *spot, const char *name,
		 int fd, struct mreg_error *err)
{
	const struct mr_place *to = spot->place;
	struct mr_target *t = p->target;
	struct stat st;
	mode_t mode;
	int rc;

	if (fstat(fd, &st) < 0)
		return mr_fail_sys(err, errno, "cannot look at '%s'", to->path);
	mode = mr_spot_mode(st.st_mode, to->executable);
	if (mode != (st.st_mode & 07777) && fchmod(fd, mode) < 0)
		return mr_fail_sys(err, errno, "cannot set the mode of '%s'",
				   to->path);
	rc = mr_tree_make_parents(t->tree, to->path, err);
	if (rc == 0)
		rc = note_folders(p, to->path, err);
	if (rc == 0)
		rc = t->o.keep ? place_new(t, name, to->path, err)
			       : mr_tree_place(t->tree, name, to->path, err);
	if (rc < 0)
		return rc;
	if (fstat(fd, &st) < 0) /* with the time of the renaming */
		return mr_fail_sys(err, errno, "cannot look at '%s'", to->path);
	(void)pthread_mutex_lock(&t->lock);
	mr_file_id(&st, &spot->id);
	spot->seen = MR_SEEN_RIGHT;
	spot->remember = true;
	(void)pthread_mutex_unlock(&t->lock);
	p->out->placed++;
	return 0;
}

static int place_copy(struct publish *p, struct mr_goal *g,
		      struct mr_spot *spot, int from, struct mreg_error *err)
{
	MR_AUTO(mr_fd_close) int fd = -1;
	struct mr_target *t = p->target;
	char name[MR_PART_NAME];
	int rc;

	mr_part_name(g, (size_t)(spot - g->spots), name);
	rc = mr_part_copy(t, g, from, name, &fd, err);
	if (rc < 0)
		return rc;
	rc = place(p, spot, name, fd, err);
	if (rc < 0)
		(void)mr_tree_unlink(t->tree, name, NULL); /* swept, else */
	return rc;
}

/* Fill the places that `missing` says, with the flocked and proven part. */
static int fill(struct publish *p, struct mr_goal *g, struct mr_spot **missing,
		size_t n, int fd, struct mreg_error *err)
{
	char name[MR_PART_NAME];
	size_t i;
	int rc = 0;

	mr_part_name(g, MR_PART_OWN, name);
	if (n == 0) {
		(void)mr_tree_unlink(p->target->tree, name, NULL);
		return 0; /* others were faster; swept if not gone */
	}
	for (i = 0; i + 1 < n && rc == 0; i++)
		rc = place_copy(p, g, missing[i], fd, err);
	return rc < 0 ? rc : place(p, missing[n - 1], name, fd, err);
}

/* Which places of the goal are not right; the others are kept, and get the
 * mode they should have. */
static int find_missing(struct publish *p, struct mr_goal *g,
			struct mr_spot **missing, size_t *n,
			struct mreg_error *err)
{
	struct mr_target *t = p->target;
	bool right = false;
	size_t i;
	int rc;

	*n = 0;
	for (i = 0; i < g->count; i++) {
		rc = mr_spot_look(t, &g->spots[i], &right, err);
		if (rc == 0 && right)
			rc = mr_spot_mend(t, &g->spots[i], err);
		if (rc < 0)
			return rc;
		if (right)
			p->out->kept++;
		else
			missing[(*n)++] = &g->spots[i];
	}
	return 0;
}

static int publish_goal(struct publish *p, struct mr_goal *g,
			struct mreg_error *err)
{
	MR_AUTO(mr_free) struct mr_spot **missing = NULL;
	struct mr_target *t = p->target;
	MR_AUTO(mr_fd_close) int fd = -1;
	char name[MR_PART_NAME];
	bool proven = false;
	size_t n = 0;
	int rc;

	missing = mr_array(g->count, sizeof(struct mr_spot *));
	if (!missing)
		return mr_fail_nomem(err);
	/* The lock first: who holds it is alone with these places, so what is
	 * seen then stays. */
	rc = mr_part_lock(t, g, mr_part_name(g, MR_PART_OWN, name), false, true,
			  &fd, err);
	if (rc == 0)
		rc = find_missing(p, g, missing, &n, err);
	if (rc == 0 && fd >= 0 && n > 0)
		rc = mr_part_prove(t, g, fd, &proven, err);
	if (rc == 0 && proven)
		rc = mr_part_sync(t, g, fd, err);
	if (rc < 0)
		return rc;
	if (n > 0 && !proven) {
		p->out->again = true;
		return 0;
	}
	return fd < 0 ? 0 : fill(p, g, missing, n, fd, err);
}

/* -- remembering ------------------------------------------------------- */

static void remember(struct mr_target *t, struct mr_spot *spot)
{
	struct mr_state_file f = { .judged = false };
	MR_AUTO(mr_fd_close) int fd = -1;
	char text[MREG_DIGEST_TEXT];
	struct mr_file_id id;
	int64_t now_ns;
	struct stat st;

	if (mr_tree_openat(t->tree, spot->place->path, O_PATH | O_NOFOLLOW, 0,
			   &fd, NULL) < 0)
		return;
	now_ns = wall_ns();
	if (fstat(fd, &st) < 0)
		return;
	mr_file_id(&st, &id);
	if (!mr_file_id_equal(&id, &spot->id))
		return; /* changed since it was proven */
	(void)snprintf(f.digest, sizeof(f.digest), "%s",
		       mreg_digest_text(&spot->place->desc.digest, text));
	mr_state_file_put(t->state, &id, now_ns, &f);
}

/*
 * An identity younger than a tick is not remembered, and all are young here:
 * wait once until the last one is old enough.  Nothing depends on it, so no
 * trouble is told.
 */
static void remember_all(struct mr_target *t)
{
	int64_t newest = 0;
	int64_t wait_ms;
	size_t i;

	for (i = 0; i < t->spot_count; i++)
		if (t->spots[i].remember && t->spots[i].id.ctime_ns > newest)
			newest = t->spots[i].id.ctime_ns;
	if (!t->state || newest == 0)
		return;
	wait_ms = (newest - wall_ns()) / NS_PER_MS + SETTLE_MS;
	if (wait_ms > SETTLE_MS)
		wait_ms = SETTLE_MS; /* the file system's clock is ahead */
	if (wait_ms > 0 && mr_sleep_ms(t->base.env, wait_ms, NULL) < 0)
		return;
	mr_state_begin(t->state);
	for (i = 0; i < t->spot_count; i++)
		if (t->spots[i].remember)
			remember(t, &t->spots[i]);
	mr_state_end(t->state);
}

int mr_files_publish(struct mr_store *s, struct mr_published *out,
		     struct mreg_error *err)
{
	struct mr_target *t = mr_target_of(s);
	struct publish p = { .target = t, .out = out };
	size_t i;
	int rc = mr_part_sync_many(t, err);

	*out = (struct mr_published){ .placed = 0 };
	for (i = 0; i < t->goal_count && rc == 0; i++) {
		rc = mr_check_cancel(t->base.env, err);
		if (rc == 0)
			rc = publish_goal(&p, &t->goals[i], err);
	}
	if (rc == 0 && out->placed > 0)
		rc = sync_folders(&p, err);
	mr_list_release(&p.folders);
	if (rc < 0)
		return rc;
	mr_part_sweep(t, !out->again);
	remember_all(t);
	return 0;
}
