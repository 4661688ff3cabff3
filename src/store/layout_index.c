/*
 * layout_index.c - index.json of a layout: which tag names what.
 *
 * What others wrote there is kept: entries without a tag or with tags of
 * their kind, unknown keys, other annotations.  The document in memory is
 * read only; a change is made on a copy, and the file replaced.
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

#define REF_NAME "org.opencontainers.image.ref.name"
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
	MR_AUTO(mr_json_freep) json_t *json = NULL;
	char what[PATH_MAX + 2];
	json_t *entries = NULL;
	int own, rc;

	(void)snprintf(what, sizeof(what), "'%s'", path);
	if (size > MR_LAYOUT_INDEX_MAX_BYTES)
		return mr_fail(err, MREG_ELIMIT, "%s is larger than %u bytes",
			       what, MR_LAYOUT_INDEX_MAX_BYTES);
	own = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (own < 0)
		return mr_fail_sys(err, errno, "cannot read %s", what);
	rc = mr_stream_file(own, 0, size, path, &in, err);
	if (rc == 0)
		rc = mr_stream_load(in, &bytes, err);
	if (rc == 0)
		rc = mr_json_parse(mr_buf_text(&bytes), bytes.len,
				   MR_LAYOUT_INDEX_MAX_BYTES, what, &json, err);
	if (rc == 0)
		rc = mr_json_need_array(json, "manifests", what, &entries, err);
	if (rc == MREG_EFORMAT)
		(void)mr_hint(err, "another program may have damaged it; "
				   "restore it, or move the folder away");
	if (rc < 0)
		return rc;
	*out = mr_steal(&json);
	return 0;
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
	l->index = NULL;
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

int mr_layout_index(struct mr_layout *l, json_t **out, bool *found,
		    struct mreg_error *err)
{
	int rc = 0;

	*out = NULL;
	(void)pthread_mutex_lock(&l->cache);
	if (is_current(l))
		*out = json_incref(l->index);
	else
		rc = refresh(l, out, err);
	(void)pthread_mutex_unlock(&l->cache);
	*found = *out != NULL;
	return rc;
}

static const char *ref_name(const json_t *entry)
{
	return json_string_value(json_object_get(
		json_object_get(entry, "annotations"), REF_NAME));
}

static bool has_tag(const json_t *entry, const char *tag)
{
	const char *name = ref_name(entry);

	return name && strcmp(name, tag) == 0;
}

const char *mr_layout_entry_tag(const json_t *entry)
{
	const char *name = ref_name(entry);

	return name && mr_tag_kind(name) != MR_TAG_INVALID ? name : NULL;
}

static int read_entry(const struct mr_layout *l, const json_t *entry,
		      const char *tag, struct mreg_desc *out,
		      struct mreg_error *err)
{
	char what[PATH_MAX + 200];
	const char *type = NULL;
	const char *digest = NULL;
	int rc;

	(void)snprintf(what, sizeof(what),
		       "entry of tag '%s' in '%s/index.json'", tag,
		       l->base.name);
	rc = mr_json_need_str(entry, "mediaType", what, &type, err);
	if (rc == 0)
		rc = mr_json_need_str(entry, "digest", what, &digest, err);
	if (rc == 0)
		rc = mr_json_need_u64(entry, "size", what, &out->size, err);
	if (rc < 0)
		return rc;
	if (strlen(type) >= sizeof(out->media_type) ||
	    !mr_media_type_valid(type))
		return mr_fail(err, MREG_EFORMAT, "%s has no valid media type",
			       what);
	if (mreg_digest_parse(digest, &out->digest, NULL) < 0)
		return mr_fail(err, MREG_EFORMAT, "%s has no valid digest",
			       what);
	(void)snprintf(out->media_type, sizeof(out->media_type), "%s", type);
	return 0;
}

int mr_layout_find(struct mr_layout *l, const char *tag, struct mreg_desc *out,
		   bool *found, struct mreg_error *err)
{
	MR_AUTO(mr_json_freep) json_t *index = NULL;
	const json_t *last = NULL;
	json_t *entry;
	size_t i;
	int rc;

	rc = mr_layout_index(l, &index, found, err);
	if (rc < 0 || !*found)
		return rc;
	/* Where others wrote a name twice the last one counts, as in oras. */
	json_array_foreach(json_object_get(index, "manifests"), i, entry)
	{
		if (has_tag(entry, tag))
			last = entry;
	}
	*found = last != NULL;
	return last ? read_entry(l, last, tag, out, err) : 0;
}

static json_t *new_entry(const char *tag, const struct mreg_desc *d,
			 const char *artifact_type)
{
	char text[MREG_DIGEST_TEXT];

	return json_pack("{s:s, s:s, s:I, s:s*, s:{s:s}}", "mediaType",
			 d->media_type, "digest",
			 mreg_digest_text(&d->digest, text), "size",
			 (json_int_t)d->size, "artifactType", artifact_type,
			 "annotations", REF_NAME, tag);
}

/* Whether the entry names exactly `d`. */
static bool names(const json_t *entry, const struct mreg_desc *d)
{
	char text[MREG_DIGEST_TEXT];
	const char *type, *digest;

	type = json_string_value(json_object_get(entry, "mediaType"));
	digest = json_string_value(json_object_get(entry, "digest"));
	return type && strcmp(type, d->media_type) == 0 && digest &&
	       strcmp(digest, mreg_digest_text(&d->digest, text)) == 0 &&
	       json_integer_value(json_object_get(entry, "size")) ==
		       (json_int_t)d->size;
}

/* Put `entry` (taken; NULL: nothing) in the place of what has the tag. */
static int replace(json_t *entries, const char *tag, json_t *entry, bool *found,
		   struct mreg_error *err)
{
	size_t i = 0;

	*found = false;
	while (i < json_array_size(entries)) {
		if (!has_tag(json_array_get(entries, i), tag)) {
			i++;
			continue;
		}
		*found = true;
		if (!entry) {
			(void)json_array_remove(entries, i); /* i is in range */
			continue;
		}
		if (json_array_set_new(entries, i, entry) < 0)
			return mr_fail_nomem(err);
		entry = NULL;
		i++;
	}
	if (entry && json_array_append_new(entries, entry) < 0)
		return mr_fail_nomem(err);
	return 0;
}

static int add_text(const char *text, size_t n, void *buf)
{
	mr_buf_add(buf, text, n);
	return 0;
}

static int save(struct mr_layout *l, const json_t *index,
		struct mreg_error *err)
{
	MR_AUTO(mr_buf_release)
	struct mr_buf bytes = MR_BUF_INIT(MR_LAYOUT_INDEX_MAX_BYTES);
	char path[PATH_MAX], blobs[PATH_MAX];
	int rc;

	if (json_dump_callback(index, add_text, &bytes, JSON_COMPACT) < 0)
		return mr_fail_nomem(err);
	rc = mr_buf_check(&bytes, "index.json", err);
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

/* Under the flock and l->change. */
static int change(struct mr_layout *l, const char *tag,
		  const struct mreg_desc *d, const char *artifact_type,
		  bool *found, struct mreg_error *err)
{
	MR_AUTO(mr_json_freep) json_t *index = NULL;
	MR_AUTO(mr_fd_close) int fd = -1;
	struct mr_file_id id;
	json_t *entries, *entry = NULL;
	size_t i, same = 0, tagged = 0;
	int rc;

	rc = load(l, &fd, &id, &index, err);
	if (rc < 0)
		return rc;
	if (fd < 0)
		return mr_fail(err, MREG_ECONFLICT,
			       "'%s/index.json' was removed meanwhile",
			       l->base.name);
	entries = json_object_get(index, "manifests");
	json_array_foreach(entries, i, entry)
	{
		tagged += has_tag(entry, tag);
		same += d && has_tag(entry, tag) && names(entry, d);
	}
	*found = tagged > 0;
	if (d ? tagged == 1 && same == 1 : tagged == 0)
		return 0; /* as it should be */
	entry = d ? new_entry(tag, d, artifact_type) : NULL;
	if (d && !entry)
		return mr_fail_nomem(err);
	rc = replace(entries, tag, entry, found, err);
	return rc < 0 ? rc : save(l, index, err);
}

int mr_layout_change(struct mr_layout *l, const char *tag,
		     const struct mreg_desc *d, const char *artifact_type,
		     bool *found, struct mreg_error *err)
{
	int rc;

	rc = mr_layout_make(l, err);
	if (rc == 0)
		rc = mr_layout_enter(l, err);
	if (rc < 0)
		return rc;
	(void)pthread_mutex_lock(&l->change);
	rc = change(l, tag, d, artifact_type, found, err);
	(void)pthread_mutex_unlock(&l->change);
	mr_layout_leave(l);
	return rc;
}
