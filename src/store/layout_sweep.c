/*
 * layout_sweep.c - the blobs of a layout that nothing names any more.
 *
 * What index.json has an entry for stays, and what that names: config, layers,
 * the manifests of an index, a subject.  Where it cannot be told what something
 * names nothing is removed at all.
 *
 * Invariants
 * 1. Nobody names a blob while it is looked at: index.json changes under the
 *    flock alone, which the caller holds, and a manifest that gets an entry is
 *    looked at under it for whether its blobs are there (layout_set).
 * 2. A blob that was just brought and that nothing names yet is kept: it is
 *    younger than `older_s`, by the time of its last change of status, which a
 *    link or rename is as well.
 */
#include "store/layout.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/json.h"
#include "base/mem.h"
#include "content/digest.h"
#include "content/digest_map.h"

struct sweep {
	struct mr_layout *l;
	struct mr_sweep *o;
	struct mr_digest_map named; /* owned */
	/* Manifests that are still to be looked into. */
	struct mreg_digest *queue; /* owned */
	size_t n, cap;
};

static void sweep_release(struct sweep *w)
{
	mr_digest_map_release(&w->named);
	mr_release(w->queue);
}

/* -- what is named --------------------------------------------------------- */

/* How something is named. */
enum {
	AS_BLOB,
	AS_MANIFEST, /* it was, or will be, looked into */
};

static int name(struct sweep *w, const struct mreg_digest *d,
		struct mreg_error *err)
{
	if (mr_digest_map_get(&w->named, d) != MR_DIGEST_NO_INDEX)
		return 0;
	return mr_digest_map_put(&w->named, d, AS_BLOB, err);
}

static int name_manifest(struct sweep *w, const struct mreg_digest *d,
			 struct mreg_error *err)
{
	void *items = w->queue;

	if (mr_digest_map_get(&w->named, d) == AS_MANIFEST)
		return 0;
	if (mr_grow(&items, &w->cap, w->n + 1, sizeof(*w->queue)) < 0)
		return mr_fail_nomem(err);
	w->queue = items;
	w->queue[w->n++] = *d;
	return mr_digest_map_put(&w->named, d, AS_MANIFEST, err);
}

static int name_members(struct sweep *w, const struct mr_manifest *m,
			struct mreg_error *err)
{
	size_t i;
	int rc = m->is_index ? 0 : name(w, &m->config.desc.digest, err);

	for (i = 0; rc == 0 && i < m->layer_count; i++)
		rc = name(w, &m->layers[i].desc.digest, err);
	for (i = 0; rc == 0 && i < m->child_count; i++)
		rc = name_manifest(w, &m->children[i].desc.digest, err);
	if (rc == 0 && m->has_subject)
		rc = name_manifest(w, &m->subject.desc.digest, err);
	return rc;
}

static int look_into(struct sweep *w, const struct mreg_digest *d,
		     struct mreg_error *err)
{
	MR_AUTO(mr_buf_release)
	struct mr_buf bytes = MR_BUF_INIT(MR_MANIFEST_MAX_BYTES);
	MR_AUTO(mr_manifest_freep) struct mr_manifest *m = NULL;
	struct mreg_error why = MREG_ERROR_INIT;
	char text[MREG_DIGEST_TEXT];
	bool found = false;
	char path[PATH_MAX];
	int rc = mr_layout_load(w->l, d, &bytes, &found, err);

	if (rc == 0)
		rc = mr_layout_blob_path(w->l, d, path, err);
	if (rc < 0 || (!found && access(path, F_OK) < 0))
		return rc;
	rc = !found ? mr_fail(&why, MREG_ELIMIT, "it is too large")
		    : mr_manifest_parse(mr_buf_text(&bytes), bytes.len, NULL,
					&m, &why);
	if (rc == MREG_ENOMEM)
		return mr_fail_nomem(err);
	if (rc == 0)
		return name_members(w, m, err);
	(void)mr_fail(err, MREG_EUNSUPPORTED,
		      "no blob of '%s' is removed: what '%s' names cannot be "
		      "told",
		      w->l->base.name, mreg_digest_text(d, text));
	(void)mr_cause(err, "%s", why.msg);
	return mr_hint(err, "another program put it into index.json; remove "
			    "the entry if it is not needed");
}

/* An entry may be of anything; only manifests name others. */
static bool is_manifest(const char *type)
{
	return !type || strcmp(type, MR_MEDIA_MANIFEST) == 0 ||
	       strcmp(type, MR_MEDIA_INDEX) == 0 ||
	       strcmp(type, MR_MEDIA_DOCKER_MANIFEST) == 0 ||
	       strcmp(type, MR_MEDIA_DOCKER_LIST) == 0;
}

static int name_entries(struct sweep *w, const json_t *index,
			struct mreg_error *err)
{
	json_t *entry;
	size_t i;
	int rc = 0;

	json_array_foreach(json_object_get(index, "manifests"), i, entry)
	{
		const char *text =
			json_string_value(json_object_get(entry, "digest"));
		const char *type =
			json_string_value(json_object_get(entry, "mediaType"));
		struct mreg_digest d;

		if (rc < 0 || !text || mreg_digest_parse(text, &d, NULL) < 0)
			continue;
		rc = is_manifest(type) ? name_manifest(w, &d, err)
				       : name(w, &d, err);
	}
	while (rc == 0 && w->n > 0) {
		rc = mr_check_cancel(w->l->base.env, err);
		if (rc == 0) {
			struct mreg_digest d = w->queue[--w->n];

			rc = look_into(w, &d, err);
		}
	}
	return rc;
}

/* -- what is not ----------------------------------------------------------- */

static bool may_go(const struct sweep *w, const struct mreg_digest *d,
		   const struct stat *st)
{
	if (!S_ISREG(st->st_mode) ||
	    mr_digest_map_get(&w->named, d) != MR_DIGEST_NO_INDEX)
		return false;
	if (w->o->sure &&
	    mr_digest_map_get(w->o->sure, d) != MR_DIGEST_NO_INDEX)
		return true;
	return mr_now_s(w->l->base.env) - st->st_ctim.tv_sec >= w->o->older_s;
}

static int sweep_one(struct sweep *w, int folder, const char *algorithm,
		     const char *hex, struct mreg_error *err)
{
	char text[MREG_DIGEST_TEXT];
	struct mreg_digest d;
	struct stat st;

	if (snprintf(text, sizeof(text), "%s:%s", algorithm, hex) >=
		    (int)sizeof(text) ||
	    mreg_digest_parse(text, &d, NULL) < 0)
		return 0; /* a part, or somebody else's */
	if (fstatat(folder, hex, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
	    !may_go(w, &d, &st))
		return 0;
	if (!w->o->dry_run && unlinkat(folder, hex, 0) < 0)
		return mr_fail_sys(err, errno, "cannot remove '%s' of '%s'",
				   text, w->l->base.name);
	w->o->count++;
	w->o->bytes += (uint64_t)st.st_size;
	return 0;
}

static void close_folder(DIR **d)
{
	if (*d)
		(void)closedir(*d); /* only read from */
}

static int sweep_folder(struct sweep *w, const char *algorithm,
			struct mreg_error *err)
{
	MR_AUTO(close_folder) DIR *folder = NULL;
	char path[PATH_MAX], part[32];
	struct dirent *e;
	int rc;

	(void)snprintf(part, sizeof(part), "blobs/%s", algorithm);
	rc = mr_layout_path(w->l, part, path, err);
	if (rc < 0)
		return rc;
	folder = opendir(path);
	if (!folder)
		return errno == ENOENT
			       ? 0
			       : mr_fail_sys(err, errno,
					     "cannot open folder '%s'", path);
	while (rc == 0 && (e = readdir(folder)))
		rc = sweep_one(w, dirfd(folder), algorithm, e->d_name, err);
	return rc;
}

int mr_layout_sweep_blobs(struct mr_store *s, struct mr_sweep *o,
			  struct mreg_error *err)
{
	MR_AUTO(sweep_release)
	struct sweep w = { .l = mr_layout_of(s), .o = o };
	MR_AUTO(mr_json_freep) json_t *index = NULL;
	bool found = false;
	int rc = mr_layout_index(w.l, &index, &found, err);

	if (rc < 0 || !found)
		return rc;
	rc = name_entries(&w, index, err);
	if (rc == 0)
		rc = sweep_folder(&w, "sha256", err);
	if (rc == 0)
		rc = sweep_folder(&w, "sha512", err);
	return rc;
}
