/*
 * layout.c - the folder of a layout: its making, its lock, its table.
 */
#include "store/layout.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/mem.h"
#include "oci/oci.h"

struct mr_layout *mr_layout_of(struct mr_store *s)
{
	return mr_container_of(s, struct mr_layout, base);
}

int mr_layout_path(const struct mr_layout *l, const char *name,
		   char out[PATH_MAX], struct mreg_error *err)
{
	return mr_path_join(out, PATH_MAX, l->base.name, name, err);
}

int mr_layout_advise(int rc, struct mreg_error *err)
{
	if (rc == MREG_EIO && err && err->sys == ENOTDIR)
		(void)mr_hint(err, "a file stands where the folder should be; "
				   "move it away or choose another store");
	return rc;
}

/* Under l->lock: take the flock on the file that has the name now. */
static int take_flock(struct mr_layout *l, struct mreg_error *err)
{
	char path[PATH_MAX];
	struct stat named, held;
	int rc;

	rc = mr_layout_path(l, "mreg.lock", path, err);
	if (rc < 0)
		return rc;
	for (;;) {
		if (l->lock_fd < 0)
			l->lock_fd = open(
				path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW,
				0644);
		if (l->lock_fd < 0)
			return mr_fail_sys(err, errno, "cannot open '%s'",
					   path);
		rc = mr_file_lock(l->lock_fd, true, l->base.env, path, err);
		if (rc < 0)
			return rc;
		if (fstat(l->lock_fd, &held) == 0 && stat(path, &named) == 0 &&
		    held.st_dev == named.st_dev && held.st_ino == named.st_ino)
			return 0;
		mr_fd_close(&l->lock_fd); /* the folder was made anew */
	}
}

int mr_layout_enter(struct mr_layout *l, struct mreg_error *err)
{
	int rc = 0;

	(void)pthread_mutex_lock(&l->lock);
	if (l->depth == 0)
		rc = take_flock(l, err);
	if (rc == 0)
		l->depth++;
	(void)pthread_mutex_unlock(&l->lock);
	return rc;
}

void mr_layout_leave(struct mr_layout *l)
{
	(void)pthread_mutex_lock(&l->lock);
	if (--l->depth == 0)
		(void)flock(l->lock_fd, LOCK_UN); /* cannot fail: it is ours */
	(void)pthread_mutex_unlock(&l->lock);
}

static int make_file(struct mr_layout *l, const char *name, const char *text,
		     struct mreg_error *err)
{
	char path[PATH_MAX];
	struct stat st;
	int rc;

	rc = mr_layout_path(l, name, path, err);
	if (rc < 0 || stat(path, &st) == 0)
		return rc;
	return mr_file_save(AT_FDCWD, path, text, strlen(text), 0644, err);
}

/* Folders that were just made survive a power cut only when the ones above
 * them were synced; a mount point above was there before. */
static int sync_folders(struct mr_layout *l, struct mreg_error *err)
{
	char path[PATH_MAX];
	size_t least = strlen(l->root);
	struct stat inner, st;
	char *slash;
	int rc;

	rc = mr_layout_path(l, "blobs", path, err);
	if (rc == 0 && stat(path, &inner) < 0)
		return mr_fail_sys(err, errno, "cannot read '%s'", path);
	while (rc == 0 && stat(path, &st) == 0 && st.st_dev == inner.st_dev) {
		/* Above the store's root a folder may not be ours to open. */
		if (strlen(path) >= least || access(path, R_OK) == 0)
			rc = mr_dir_sync(AT_FDCWD, path, err);
		slash = strrchr(path, '/');
		if (!slash || slash == path)
			break;
		*slash = '\0';
	}
	return rc;
}

static int make_folders(struct mr_layout *l, struct mreg_error *err)
{
	char path[PATH_MAX];
	int rc;

	rc = mr_layout_path(l, "blobs/sha256", path, err);
	if (rc < 0)
		return rc;
	return mr_layout_advise(mr_dir_make(path, err), err);
}

int mr_layout_make(struct mr_layout *l, struct mreg_error *err)
{
	int rc;

	if (atomic_load(&l->made))
		return 0;
	rc = make_folders(l, err);
	if (rc < 0)
		return rc;
	rc = mr_layout_enter(l, err);
	if (rc < 0)
		return rc;
	/* The flock is this process's; another thread of it may be a step ahead
	 * and have put a tag into the index already. */
	(void)pthread_mutex_lock(&l->change);
	rc = make_file(l, "index.json", MR_LAYOUT_EMPTY, err);
	if (rc == 0)
		rc = make_file(l, "oci-layout", MR_LAYOUT_VERSION, err);
	if (rc == 0)
		rc = sync_folders(l, err);
	(void)pthread_mutex_unlock(&l->change);
	mr_layout_leave(l);
	if (rc < 0)
		return rc;
	if (!atomic_exchange(&l->made, true))
		mr_layout_sweep(l);
	return 0;
}

static int layout_lock(struct mr_store *s, struct mreg_error *err)
{
	struct mr_layout *l = mr_layout_of(s);
	int rc;

	(void)pthread_mutex_lock(&l->claim);
	rc = mr_layout_make(l, err);
	if (rc == 0)
		rc = mr_layout_enter(l, err);
	if (rc < 0)
		(void)pthread_mutex_unlock(&l->claim);
	return rc;
}

static void layout_unlock(struct mr_store *s)
{
	struct mr_layout *l = mr_layout_of(s);

	mr_layout_leave(l);
	(void)pthread_mutex_unlock(&l->claim);
}

/* A manifest as the file has it; store.c proves it. */
static int layout_get(struct mr_store *s, const char *reference,
		      struct mr_doc *out, bool *found, struct mreg_error *err)
{
	struct mr_layout *l = mr_layout_of(s);
	struct mreg_digest digest;
	bool tagged = false;
	int rc;

	if (mreg_digest_parse(reference, &digest, NULL) == 0)
		return mr_layout_load(l, &digest, &out->bytes, found, err);
	rc = mr_layout_find(l, reference, &out->desc, &tagged, err);
	if (rc < 0 || !tagged)
		return rc;
	rc = mr_layout_load(l, &out->desc.digest, &out->bytes, found, err);
	if (rc < 0 || *found)
		return rc;
	return mr_store_fail_tag(reference, &out->desc, "layout store", s->name,
				 "push it again, or move the tag", err);
}

static int layout_set(struct mr_store *s, const char *reference,
		      const struct mreg_desc *d, const void *bytes,
		      struct mr_list *missing, struct mreg_error *err)
{
	MR_AUTO(mr_manifest_freep) struct mr_manifest *m = NULL;
	struct mr_layout *l = mr_layout_of(s);
	bool here = false;
	int rc;

	rc = mr_store_keep_manifest(s, d, bytes, &m, missing, err);
	/* Else nobody would find who refers to whom, once no tag names it. */
	if (rc == 0 && m->has_subject)
		rc = mr_layout_list(l, d, m->artifact_type, err);
	if (rc < 0 || mr_tag_kind(reference) == MR_TAG_INVALID)
		return rc;
	return mr_layout_change(l, reference, d, m->artifact_type, &here, err);
}

static int layout_untag(struct mr_store *s, const char *tag,
			struct mreg_error *err)
{
	bool found = false;
	int rc;

	/* Nothing is made only to find that there was no tag. */
	rc = mr_layout_find(mr_layout_of(s), tag, &(struct mreg_desc){ 0 },
			    &found, err);
	if (rc == 0 && found)
		rc = mr_layout_change(mr_layout_of(s), tag, NULL, NULL, &found,
				      err);
	if (rc == 0 && !found)
		rc = mr_fail(err, MREG_ENOTFOUND,
			     "no tag '%s' in layout store '%s'", tag, s->name);
	return rc;
}

static int layout_tags(struct mr_store *s, struct mr_list *out, bool *found,
		       struct mreg_error *err)
{
	MR_AUTO(mr_json_freep) json_t *index = NULL;
	int rc;

	rc = mr_layout_index(mr_layout_of(s), &index, found, err);
	if (rc < 0 || !*found)
		return rc;
	return mr_entries_tags(index, out, err);
}

static int layout_referrers(struct mr_store *s,
			    const struct mreg_digest *subject,
			    const char *artifact_type, struct mr_referrers *out,
			    struct mreg_error *err)
{
	MR_AUTO(mr_json_freep) json_t *index = NULL;
	struct mr_layout *l = mr_layout_of(s);
	bool found = false;
	int rc;

	rc = mr_layout_index(l, &index, &found, err);
	if (rc < 0 || !found)
		return rc;
	return mr_entries_referrers(s, index, &l->subjects, subject,
				    artifact_type, out, err);
}

static void layout_free(struct mr_store *s)
{
	struct mr_layout *l = mr_layout_of(s);

	mr_layout_forget_index(l);
	mr_fd_close(&l->lock_fd);
	(void)pthread_mutex_destroy(&l->lock);
	(void)pthread_mutex_destroy(&l->change);
	(void)pthread_mutex_destroy(&l->claim);
	(void)pthread_mutex_destroy(&l->cache);
	mr_subjects_release(&l->subjects);
	mr_release(l->root);
	mr_release(l->base.name);
	mr_release(l);
}

static const struct mr_store_ops layout_ops = {
	.kind = "layout",
	.has = mr_layout_has,
	.open = mr_layout_open_blob,
	.free = layout_free,
	.begin = mr_layout_begin,
	.put_stream = mr_layout_put_stream,
	.mount = mr_layout_mount,
	.get = layout_get,
	.set = layout_set,
	.untag = layout_untag,
	.remove = mr_layout_unlist,
	.sweep = mr_layout_sweep_blobs,
	.tags = layout_tags,
	.referrers = layout_referrers,
	.file = mr_layout_file,
	.lock = layout_lock,
	.unlock = layout_unlock,
	.damaged = mr_layout_damaged,
};

int mr_layout_open(struct mr_env *env, const char *root, const char *repository,
		   struct mr_store **out, struct mreg_error *err)
{
	struct mr_layout *l;
	char path[PATH_MAX];
	int rc;

	if (!mr_repository_valid(repository))
		return mr_fail(err, MREG_EUSAGE, "'%s' is no repository name",
			       repository);
	rc = mr_path_join(path, sizeof(path), root, repository, err);
	if (rc < 0)
		return rc;
	l = mr_zalloc(sizeof(*l));
	if (!l)
		return mr_fail_nomem(err);
	l->base.ops = &layout_ops;
	l->base.env = env;
	l->lock_fd = -1;
	l->index_fd = -1;
	/* Cannot fail on Linux. */
	(void)pthread_mutex_init(&l->lock, NULL);
	(void)pthread_mutex_init(&l->change, NULL);
	(void)pthread_mutex_init(&l->claim, NULL);
	(void)pthread_mutex_init(&l->cache, NULL);
	mr_subjects_init(&l->subjects);
	l->base.name = mr_strdup(path);
	l->root = mr_strdup(root);
	if (!l->base.name || !l->root) {
		layout_free(&l->base);
		return mr_fail_nomem(err);
	}
	*out = &l->base;
	return 0;
}
