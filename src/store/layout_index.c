/*
 * layout_index.c - index.json of a layout, read when it has changed, and
 * replaced.
 *
 * The document in memory is read only; a change is made on a copy, and the
 * file replaced.
 */
#include "store/layout.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"
#include "base/json.h"
#include "base/mem.h"
#include "content/digest.h"
#include "oci/oci.h"

/* Two changes in place within one tick of the file system's clock look the
 * same; Linux ticks at least every 10 ms. */
#define SETTLED_NS INT64_C(100000000)
#define NS_PER_S INT64_C(1000000000)

static int index_path(const struct mr_layout *l, char out[PATH_MAX],
		      struct mreg_error *err)
{
	return mr_layout_path(l, "index.json", out, err);
}

/* Read the open file. */
static int parse(int fd, uint64_t size, const char *path, json_t **out,
		 struct mreg_error *err)
{
	MR_AUTO(mr_buf_release)
	struct mr_buf bytes = MR_BUF_INIT(MR_LAYOUT_INDEX_MAX_BYTES);
	MR_AUTO(mr_stream_closep) struct mr_stream *in = NULL;
	int own, rc;

	if (size > MR_LAYOUT_INDEX_MAX_BYTES)
		return mr_fail(err, MREG_ELIMIT, "'%s' is larger than %u bytes",
			       path, MR_LAYOUT_INDEX_MAX_BYTES);
	own = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (own < 0)
		return mr_fail_sys(err, errno, "cannot read '%s'", path);
	rc = mr_stream_file(own, 0, size, path, &in, err);
	if (rc == 0)
		rc = mr_stream_load(in, &bytes, err);
	if (rc == 0)
		rc = mr_entries_parse(mr_buf_text(&bytes), bytes.len, path, out,
				      err);
	if (rc == MREG_EFORMAT)
		(void)mr_hint(err, "another program may have damaged it; "
				   "restore it, or move the folder away");
	return rc;
}

/* Open and read; `*fd` -1: there is none. */
static int load(struct mr_layout *l, int *fd, struct mr_file_id *id,
		json_t **out, struct mreg_error *err)
{
	char path[PATH_MAX];
	struct stat st;
	int rc;

	rc = index_path(l, path, err);
	if (rc < 0)
		return rc;
	*fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (*fd < 0 && errno == ENOENT)
		return 0;
	if (*fd < 0) {
		rc = mr_fail_sys(err, errno, "cannot open '%s'", path);
		return mr_layout_advise(rc, err);
	}
	if (fstat(*fd, &st) < 0)
		return mr_fail_sys(err, errno, "cannot look at '%s'", path);
	if (!S_ISREG(st.st_mode))
		return mr_fail(err, MREG_EFORMAT, "'%s' is no file", path);
	mr_file_id(&st, id);
	return parse(*fd, id->size, path, out, err);
}

static bool settled(const struct mr_file_id *id)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_REALTIME, &now); /* cannot fail */
	return now.tv_sec * NS_PER_S + now.tv_nsec - id->ctime_ns > SETTLED_NS;
}

/* Under l->cache: whether the file is still what was read.  The descriptor is
 * kept open, so a file with the same inode number is the same file. */
static bool is_current(const struct mr_layout *l)
{
	char path[PATH_MAX];
	struct mr_file_id id;
	struct stat st;

	if (!l->index || index_path(l, path, NULL) < 0 || stat(path, &st) < 0)
		return false;
	mr_file_id(&st, &id);
	return mr_file_id_equal(&id, &l->index_id);
}

/* Under l->cache. */
static void drop(struct mr_layout *l)
{
	json_decref(l->index);
	json_decref(l->tags);
	l->index = NULL;
	l->tags = NULL;
	mr_fd_close(&l->index_fd);
}

void mr_layout_forget_index(struct mr_layout *l)
{
	(void)pthread_mutex_lock(&l->cache);
	drop(l);
	(void)pthread_mutex_unlock(&l->cache);
}

/* Under l->cache. */
static int refresh(struct mr_layout *l, json_t **out, struct mreg_error *err)
{
	MR_AUTO(mr_json_freep) json_t *json = NULL;
	MR_AUTO(mr_fd_close) int fd = -1;
	struct mr_file_id id;
	int rc;

	drop(l);
	rc = load(l, &fd, &id, &json, err);
	if (rc < 0 || fd < 0)
		return rc;
	*out = json_incref(json);
	if (settled(&id)) {
		l->index = mr_steal(&json);
		l->index_id = id;
		l->index_fd = fd;
		fd = -1;
	}
	return 0;
}

/* Under l->cache: the file as it is now; NULL: there is none. */
static int current(struct mr_layout *l, json_t **out, struct mreg_error *err)
{
	*out = NULL;
	if (!is_current(l))
		return refresh(l, out, err);
	*out = json_incref(l->index);
	return 0;
}

int mr_layout_index(struct mr_layout *l, json_t **out, bool *found,
		    struct mreg_error *err)
{
	int rc;

	(void)pthread_mutex_lock(&l->cache);
	rc = current(l, out, err);
	(void)pthread_mutex_unlock(&l->cache);
	*found = *out != NULL;
	return rc;
}

/* Under l->cache: look the tag up in the map of the index that is kept, for a
 * log has as many tags as events. */
static int look_up(struct mr_layout *l, const char *tag, json_t **entry,
		   struct mreg_error *err)
{
	int rc = 0;

	if (!l->tags)
		rc = mr_entries_map(l->index, &l->tags, err);
	if (rc == 0)
		*entry = json_incref(json_object_get(l->tags, tag));
	return rc;
}

int mr_layout_find(struct mr_layout *l, const char *tag, struct mreg_desc *out,
		   bool *found, struct mreg_error *err)
{
	MR_AUTO(mr_json_freep) json_t *index = NULL;
	MR_AUTO(mr_json_freep) json_t *entry = NULL;
	char path[PATH_MAX];
	bool kept = false;
	int rc;

	*found = false;
	rc = index_path(l, path, err);
	if (rc < 0)
		return rc;
	(void)pthread_mutex_lock(&l->cache);
	rc = current(l, &index, err);
	kept = index && index == l->index;
	if (rc == 0 && kept)
		rc = look_up(l, tag, &entry, err);
	(void)pthread_mutex_unlock(&l->cache);
	if (rc < 0 || !index)
		return rc;
	if (!kept)
		return mr_entries_find(index, path, tag, out, found, err);
	*found = entry != NULL;
	return entry ? mr_entries_read(entry, path, tag, out, err) : 0;
}

static int save(struct mr_layout *l, const json_t *index,
		struct mreg_error *err)
{
	MR_AUTO(mr_buf_release)
	struct mr_buf bytes = MR_BUF_INIT(MR_LAYOUT_INDEX_MAX_BYTES);
	char path[PATH_MAX], blobs[PATH_MAX];
	int rc;

	rc = mr_entries_write(index, "index.json", &bytes, err);
	if (rc == 0)
		rc = mr_layout_path(l, "blobs/sha256", blobs, err);
	if (rc == 0)
		rc = mr_dir_sync(AT_FDCWD, blobs, err);
	if (rc == 0)
		rc = mr_layout_path(l, "blobs/sha512", blobs, err);
	if (rc == 0 && access(blobs, F_OK) == 0)
		rc = mr_dir_sync(AT_FDCWD, blobs, err);
	if (rc == 0)
		rc = index_path(l, path, err);
	if (rc == 0)
		rc = mr_file_save(AT_FDCWD, path, bytes.data, bytes.len, 0644,
				  err);
	return rc;
}

/* What the index is to say of a manifest. */
struct change {
	const char *tag;                /* NULL: that it is there */
	const struct mreg_desc *d;      /* NULL: nothing any more */
	const struct mreg_digest *gone; /* not without a tag any more; NULL */
	const char *artifact_type;
	bool found; /* the tag was there */
};

/* Under the flock and l->change. */
static int apply(struct mr_layout *l, struct change *c, struct mreg_error *err)
{
	MR_AUTO(mr_json_freep) json_t *index = NULL;
	MR_AUTO(mr_fd_close) int fd = -1;
	struct mr_file_id id;
	bool changed = false;
	int rc;

	rc = load(l, &fd, &id, &index, err);
	if (rc < 0)
		return rc;
	if (fd < 0)
		return mr_fail(err, MREG_ECONFLICT,
			       "'%s/index.json' was removed meanwhile",
			       l->base.name);
	if (c->gone)
		mr_entries_unlist(index, c->gone, &changed);
	else if (c->tag)
		rc = mr_entries_point(index, c->tag, c->d, c->artifact_type,
				      &c->found, &changed, err);
	else
		rc = mr_entries_list(index, c->d, c->artifact_type, &changed,
				     err);
	return rc == 0 && changed ? save(l, index, err) : rc;
}

static int change(struct mr_layout *l, struct change *c, struct mreg_error *err)
{
	int rc;

	rc = mr_layout_make(l, err);
	if (rc == 0)
		rc = mr_layout_enter(l, err);
	if (rc < 0)
		return rc;
	(void)pthread_mutex_lock(&l->change);
	rc = apply(l, c, err);
	(void)pthread_mutex_unlock(&l->change);
	mr_layout_leave(l);
	return rc;
}

int mr_layout_change(struct mr_layout *l, const char *tag,
		     const struct mreg_desc *d, const char *artifact_type,
		     bool *found, struct mreg_error *err)
{
	struct change c = { .tag = tag,
			    .d = d,
			    .artifact_type = artifact_type };
	int rc = change(l, &c, err);

	*found = c.found;
	return rc;
}

int mr_layout_list(struct mr_layout *l, const struct mreg_desc *d,
		   const char *artifact_type, struct mreg_error *err)
{
	struct change c = { .d = d, .artifact_type = artifact_type };

	return change(l, &c, err);
}

int mr_layout_unlist(struct mr_store *s, const struct mreg_digest *digest,
		     struct mreg_error *err)
{
	struct change c = { .gone = digest };

	return change(mr_layout_of(s), &c, err);
}
