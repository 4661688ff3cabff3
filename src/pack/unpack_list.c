/*
 * unpack_list.c - an archive comes to a list of its files, or is refused as a
 * whole.
 *
 * Everything is decided here, before a byte of the archive is written anywhere:
 * names, kinds, limits.  What the text of a name cannot show, links that lie
 * in the target for one, the tree guards against when files are written
 * (security.md 5.3).
 */
#include "pack/pack.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "content/digest.h"

/* Ten times the files that a manifest can name itself, and names six times as
 * long as people write: with what a pull keeps of each below 256 MiB. */
#define MEMBERS_MAX 100000u
#define NAMES_MAX_BYTES (64u << 20)
#define ARENA_MAX_BYTES (160u << 20) /* beyond the above: alignment, blocks */
#define SHOWN 160
/* How layers hide what is below them: OCI image-spec, layer.md, "Whiteouts". */
#define WHITEOUT ".wh."
#define WHITEOUT_OPAQUE ".wh..wh..opq"

struct lister {
	struct mr_env *env;
	struct mr_unpack *from; /* borrowed */
	const char *name;       /* borrowed; of the archive */
	struct mr_members *to;  /* borrowed */
	char *buf;              /* owned; MR_CHUNK_BYTES */
	bool image;
};

/* -- the list -------------------------------------------------------------- */

int mr_members_new(struct mr_members **out, struct mreg_error *err)
{
	struct mr_members *m = mr_zalloc(sizeof(*m));

	if (m)
		m->arena = mr_arena_new(ARENA_MAX_BYTES);
	if (!m || !m->arena) {
		mr_release(m);
		return mr_fail_nomem(err);
	}
	*out = m;
	return 0;
}

void mr_members_free(struct mr_members *m)
{
	if (!m)
		return;
	mr_arena_free(m->arena);
	mr_release(m->items);
	mr_release(m);
}

void mr_members_freep(struct mr_members **m)
{
	mr_members_free(*m);
	*m = NULL;
}

/* Never back: who goes beyond it fails as a whole. */
static int check_sum(struct mr_members *m, const struct mr_member *given,
		     struct mreg_error *err)
{
	size_t bytes = strlen(given->path) +
		       (given->target ? strlen(given->target) : 0);
	size_t count = m->count;

	if (m->sum) {
		count = atomic_fetch_add(&m->sum->count, 1);
		bytes += atomic_fetch_add(&m->sum->bytes, bytes);
	}
	if (count >= MEMBERS_MAX)
		return mr_fail(err, MREG_ELIMIT, "more than %u files",
			       MEMBERS_MAX);
	if (bytes > NAMES_MAX_BYTES)
		return mr_fail(err, MREG_ELIMIT,
			       "names of files of more than %u MiB",
			       NAMES_MAX_BYTES >> 20);
	return 0;
}

int mr_members_add(struct mr_members *m, const struct mr_member *given,
		   struct mreg_error *err)
{
	void *items = m->items;
	struct mr_member copy = *given;
	int rc = check_sum(m, given, err);

	if (rc < 0)
		return rc;
	copy.path = mr_arena_strdup(m->arena, given->path);
	if (given->target)
		copy.target = mr_arena_strdup(m->arena, given->target);
	if (mr_arena_failed(m->arena) ||
	    mr_grow(&items, &m->cap, m->count + 1, sizeof(*m->items)) < 0)
		return mr_fail_nomem(err);
	m->items = items;
	m->items[m->count++] = copy;
	return 0;
}

/* -- names ----------------------------------------------------------------- */

/* tar writes "./" before what lies in the folder it was called in. */
static const char *drop_dot(const char *path)
{
	while (mr_text_starts(path, "./"))
		path += 2;
	return strcmp(path, ".") == 0 ? "" : path;
}

/* A folder's name without what there is of '/' behind it; what is too long to
 * be one stays too long. */
static const char *folder_name(const char *path,
			       char out[MR_PATH_MAX_BYTES + 2])
{
	size_t n;

	(void)snprintf(out, MR_PATH_MAX_BYTES + 2, "%s", path);
	n = strlen(out);
	while (n > 1 && out[n - 1] == '/')
		out[--n] = '\0';
	return out;
}

/* Whether it leads out of where it is unpacked, whatever else it is. */
static bool leads_out(const char *path)
{
	const char *p = path;

	if (path[0] == '/' || path[0] == '\\')
		return true;
	while (p) {
		if (strncmp(p, "..", 2) == 0 && (p[2] == '/' || !p[2]))
			return true;
		p = strchr(p, '/');
		if (p)
			p++;
	}
	return false;
}

bool mr_members_taken(const char *path)
{
	return mr_text_starts(path, "models/") ||
	       mr_text_starts(path, "model/");
}

/* One message: of several a terminal shows the first and the last, and which
 * archive it is matters as much as which path. */
static int check_name(const struct lister *l, const char *path,
		      struct mreg_error *err)
{
	struct mreg_error why = MREG_ERROR_INIT;
	char shown[SHOWN / 2];

	if (mr_path_check(path, &why) == 0)
		return 0;
	return mr_fail(err, MREG_EINTEGRITY, "'%s' holds an %s",
		       mr_text_safe(l->name, shown, sizeof(shown)), why.msg);
}

/* -- one entry ------------------------------------------------------------- */

static int refuse_kind(const struct lister *l, const char *path,
		       const struct mr_unpack_entry *e, struct mreg_error *err)
{
	const char *what = "a device, a sparse file or the like";
	char shown[SHOWN];

	if (e->kind == MR_TAR_LINK)
		what = e->symbolic ? "a symbolic link" : "a hard link";
	(void)mr_fail(err, MREG_EUNSUPPORTED, "'%s' in '%s' is %s",
		      mr_text_safe(path, shown, sizeof(shown)), l->name, what);
	return mr_hint(err, "only files and folders are unpacked; ask who made "
			    "it to pack the files themselves");
}

/* The digest of the stream's rest, and how much it was. */
static int measure(struct mr_env *env, struct mr_stream *in, char *buf,
		   struct mr_member *m, struct mreg_error *err)
{
	MR_AUTO(mr_hash_freep) struct mr_hash *hash = NULL;
	ssize_t got = 1;
	int rc = mr_hash_new(MREG_SHA256, &hash, err);

	m->size = 0;
	while (rc == 0 && got > 0) {
		rc = mr_check_cancel(env, err);
		if (rc == 0)
			got = mr_stream_read(in, buf, MR_CHUNK_BYTES, err);
		if (got < 0)
			rc = (int)got;
		if (rc == 0 && got > 0) {
			mr_hash_add(hash, buf, (size_t)got);
			m->size += (uint64_t)got;
		}
	}
	if (rc == 0)
		mr_hash_end(hash, &m->digest);
	return rc;
}

static int add_file(struct lister *l, const char *path, size_t index,
		    const struct mr_unpack_entry *e, struct mreg_error *err)
{
	struct mr_member m = { .path = path,
			       .kind = MR_MEMBER_FILE,
			       .executable = e->executable,
			       .entry = index };
	int rc = check_name(l, path, err);

	if (rc == 0)
		rc = measure(l->env, mr_unpack_bytes(l->from), l->buf, &m, err);
	return rc < 0 ? rc : mr_members_add(l->to, &m, err);
}

static int take_entry(struct lister *l, size_t index,
		      const struct mr_unpack_entry *e, struct mreg_error *err)
{
	char folder[MR_PATH_MAX_BYTES + 2];
	const char *path = drop_dot(e->path);

	switch (e->kind) {
	case MR_TAR_FILE:
		return add_file(l, path, index, e, err);
	case MR_TAR_FOLDER:
		folder_name(path, folder);
		return path[0] ? check_name(l, folder, err) : 0;
	case MR_TAR_LINK:
	case MR_TAR_OTHER:
		break;
	}
	return refuse_kind(l, path, e, err);
}

/* -- one entry of an image's layer ----------------------------------------- */

/* Where a link in `path`'s folder leads, as a path of the image; NULL: to
 * nothing that is taken. */
static const char *follow(const char *path, const char *target,
			  char out[MR_PATH_MAX_BYTES + 1])
{
	const char *slash = strrchr(path, '/');
	size_t len = 0;

	out[0] = '\0';
	if (target[0] != '/' && slash) {
		len = (size_t)(slash - path);
		memcpy(out, path, len);
	}
	while (*target) {
		size_t n = strcspn(target, "/");

		if (n == 2 && target[0] == '.' && target[1] == '.') {
			while (len > 0 && out[--len] != '/')
				;
		} else if (n > 0 && !(n == 1 && target[0] == '.')) {
			if (len + n + 2 > MR_PATH_MAX_BYTES)
				return NULL;
			if (len > 0)
				out[len++] = '/';
			memcpy(out + len, target, n);
			len += n;
		}
		target += n + (target[n] == '/');
	}
	out[len] = '\0';
	return mr_members_taken(out) && mr_path_check(out, NULL) == 0 ? out
								      : NULL;
}

static int add_link(struct lister *l, const char *path, size_t index,
		    const struct mr_unpack_entry *e, struct mreg_error *err)
{
	char target[MR_PATH_MAX_BYTES + 1];
	struct mr_member m = { .path = path,
			       .kind = MR_MEMBER_LINK,
			       .entry = index };
	int rc = check_name(l, path, err);

	if (rc < 0)
		return rc;
	m.target = follow(path, e->target ? e->target : "", target);
	return mr_members_add(l->to, &m, err);
}

/* `base`: where ".wh." stands in `path`. */
static int add_whiteout(struct lister *l, const char *path, const char *base,
			size_t index, struct mreg_error *err)
{
	struct mr_member m = { .kind = MR_MEMBER_GONE, .entry = index };
	char hidden[MR_PATH_MAX_BYTES + 1];
	size_t folder = (size_t)(base - path);
	int rc;

	if (strlen(path) > MR_PATH_MAX_BYTES)
		return check_name(l, path, err);
	if (strcmp(base, WHITEOUT_OPAQUE) == 0) {
		m.kind = MR_MEMBER_OPAQUE;
		(void)snprintf(hidden, sizeof(hidden), "%.*s",
			       (int)(folder ? folder - 1 : 0), path);
	} else {
		(void)snprintf(hidden, sizeof(hidden), "%.*s%s", (int)folder,
			       path, base + strlen(WHITEOUT));
	}
	m.path = hidden;
	/* Of the whole image: "" is its root. */
	rc = hidden[0] ? mr_path_check(hidden, NULL) : 0;
	if (rc < 0 && mr_members_taken(path))
		return check_name(l, hidden, err);
	if (rc < 0) /* it hides nothing that is taken */
		return 0;
	return mr_members_add(l->to, &m, err);
}

static bool concerns(const char *path, const char *base)
{
	/* Whiteouts of the two folders themselves, and of all there is. */
	static const char *const roots[] = { ".wh.models", ".wh.model",
					     WHITEOUT_OPAQUE };
	size_t i;

	for (i = 0; i < MR_COUNT(roots); i++)
		if (strcmp(path, roots[i]) == 0)
			return true;
	return mr_members_taken(path) && base[0];
}

static int take_image_entry(struct lister *l, size_t index,
			    const struct mr_unpack_entry *e,
			    struct mreg_error *err)
{
	const char *path = drop_dot(e->path);
	const char *slash = strrchr(path, '/');
	const char *base = slash ? slash + 1 : path;

	if (leads_out(path))
		return check_name(l, path, err);
	if (!concerns(path, base) || e->kind == MR_TAR_FOLDER)
		return 0;
	if (mr_text_starts(base, WHITEOUT))
		return add_whiteout(l, path, base, index, err);
	if (e->kind == MR_TAR_FILE)
		return add_file(l, path, index, e, err);
	if (e->kind == MR_TAR_LINK && e->symbolic)
		return add_link(l, path, index, e, err);
	return refuse_kind(l, path, e, err);
}

/* -- the door -------------------------------------------------------------- */

static int list_all(struct lister *l, struct mreg_error *err)
{
	struct mr_unpack_entry e;
	bool found = true;
	size_t index = 0;
	int rc = 0;

	while (rc == 0) {
		rc = mr_check_cancel(l->env, err);
		if (rc == 0)
			rc = mr_unpack_next(l->from, &e, &found, err);
		if (rc < 0 || !found)
			break;
		rc = l->image ? take_image_entry(l, index, &e, err)
			      : take_entry(l, index, &e, err);
		index++;
	}
	return rc;
}

int mr_members_list(struct mr_env *env, struct mr_stream *bytes,
		    const char *name, bool image, struct mr_members_sum *sum,
		    struct mr_members **out, struct mreg_error *err)
{
	MR_AUTO(mr_members_freep) struct mr_members *m = NULL;
	MR_AUTO(mr_unpack_closep) struct mr_unpack *u = NULL;
	MR_AUTO(mr_free) char *buf = NULL;
	struct lister l = { .env = env, .name = name, .image = image };
	int rc = mr_unpack_open(env, bytes, name, &u, err);

	if (rc == 0)
		rc = mr_members_new(&m, err);
	if (rc < 0)
		return rc;
	buf = mr_alloc(MR_CHUNK_BYTES);
	if (!buf)
		return mr_fail_nomem(err);
	l.from = u;
	l.to = m;
	l.buf = buf;
	m->sum = sum;
	rc = list_all(&l, err);
	m->sum = NULL;
	if (rc == 0)
		*out = mr_steal(&m);
	return rc;
}

int mr_members_single(struct mr_env *env, struct mr_stream *bytes,
		      const char *path, struct mr_members **out,
		      struct mreg_error *err)
{
	MR_AUTO(mr_stream_closep) struct mr_stream *in = bytes;
	MR_AUTO(mr_members_freep) struct mr_members *m = NULL;
	struct mr_member one = { .path = path, .kind = MR_MEMBER_FILE };
	MR_AUTO(mr_free) char *buf = mr_alloc(MR_CHUNK_BYTES);
	int rc;

	if (!buf)
		return mr_fail_nomem(err);
	rc = mr_members_new(&m, err);
	if (rc == 0)
		rc = measure(env, in, buf, &one, err);
	if (rc == 0)
		rc = mr_members_add(m, &one, err);
	if (rc == 0)
		*out = mr_steal(&m);
	return rc;
}
