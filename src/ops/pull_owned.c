/*
 * pull_owned.c - a directory that holds one version after another: what
 * earlier pulls put there, and removing what the version does not have.
 *
 * A file of ours in the directory lists what was put there, for whoever pulls
 * next may share nothing else with us (an init container).  Invariants:
 * 1. A file is listed before it gets its final name, so that nothing of a run
 *    that was killed is forgotten.  A path may be listed with several digests.
 * 2. What was there before, with the right bytes, is listed as kept: it is not
 *    ours to remove.
 * 3. Only what was put there is removed, only while it has the bytes that are
 *    listed, and not what a list in a folder below has too: that folder is
 *    another pull's directory.
 * 4. It is removed before anything is looked for: a folder may have to make
 *    room for a file, and two versions may be more than there is room for.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/text.h"
#include "content/digest.h"
#include "ops/pull_owned.h"

#define LIST_NAME MR_PART_PREFIX "owned"
#define NEW_NAME MR_PART_PREFIX "owned.new"
/* A version of a hundred thousand files with long names. */
#define LIST_MAX_BYTES (64u << 20)
#define READ_BYTES (1u << 17)

struct owned {
	const char *path;
	struct mreg_desc desc; /* digest and size */
	bool kept;
};

struct list {
	struct mr_buf text;  /* what `files` point into */
	struct owned *files; /* owned; sorted by path */
	size_t n;
};

struct mr_owned {
	struct list was;
	bool *ours; /* owned; one per file of the version */
	/* The list of a folder below that was asked last. */
	char below[MR_PATH_MAX_BYTES];
	struct list other;
};

static void list_release(struct list *l)
{
	mr_buf_release(&l->text);
	mr_release(l->files);
	memset(l, 0, sizeof(*l));
}

void mr_owned_free(struct mr_owned *o)
{
	if (!o)
		return;
	list_release(&o->was);
	list_release(&o->other);
	mr_release(o->ours);
	mr_release(o);
}

/* -- the list -------------------------------------------------------------- */

static int compare_path(const void *a, const void *b)
{
	const struct owned *x = a;
	const struct owned *y = b;

	return strcmp(x->path, y->path);
}

/* "put|kept DIGEST SIZE PATH": a path has no control bytes (mr_path_check). */
static bool parse_line(char *line, struct owned *out)
{
	struct mreg_error ignored = MREG_ERROR_INIT;
	char *size;
	char *end;

	out->kept = mr_text_starts(line, "kept ");
	if (!out->kept && !mr_text_starts(line, "put "))
		return false;
	line = strchr(line, ' ') + 1;
	size = strchr(line, ' ');
	if (!size || size[1] < '0' || size[1] > '9')
		return false;
	*size++ = '\0';
	errno = 0;
	out->desc.size = strtoull(size, &end, 10);
	if (errno || *end != ' ')
		return false;
	out->path = end + 1;
	return mreg_digest_parse(line, &out->desc.digest, &ignored) >= 0 &&
	       mr_path_check(out->path, &ignored) >= 0;
}

static int fail_list(const struct pull *p, const char *name,
		     struct mreg_error *err)
{
	char safe[100];

	(void)mr_fail(err, MREG_EFORMAT,
		      "'%s' in '%s' does not list what was put there",
		      mr_text_safe(name, safe, sizeof(safe)), p->output);
	return mr_hint(err, "something else wrote to it: empty the directory");
}

static int parse(const struct pull *p, const char *name, struct list *l,
		 struct mreg_error *err)
{
	char *at = l->text.data;
	char *end = at + l->text.len;
	size_t lines = 0;
	char *to;

	for (to = at; to < end; to++)
		lines += *to == '\n';
	l->files = mr_array(lines + 1, sizeof(*l->files));
	if (!l->files)
		return mr_fail_nomem(err);
	for (; at < end; at = to + 1) {
		to = memchr(at, '\n', (size_t)(end - at));
		if (!to)
			return fail_list(p, name, err);
		*to = '\0';
		if (strlen(at) != (size_t)(to - at) ||
		    !parse_line(at, &l->files[l->n]))
			return fail_list(p, name, err);
		l->n++;
	}
	qsort(l->files, l->n, sizeof(*l->files), compare_path);
	return 0;
}

/* None is an empty one. */
static int load(const struct pull *p, const char *name, struct list *l,
		struct mreg_error *err)
{
	MR_AUTO(mr_stream_closep) struct mr_stream *s = NULL;
	MR_AUTO(mr_fd_close) int fd = -1;
	struct mreg_error why = MREG_ERROR_INIT;
	struct stat st;
	int rc = mr_tree_openat(p->tree, name,
				O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0, &fd,
				&why);

	if (rc == MREG_ENOTFOUND)
		return 0;
	if (rc < 0) {
		if (err)
			*err = why;
		return rc;
	}
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return fail_list(p, name, err);
	mr_buf_init(&l->text, LIST_MAX_BYTES);
	rc = mr_stream_file(fd, 0, (uint64_t)st.st_size, name, &s, err);
	fd = -1;
	if (rc >= 0)
		rc = mr_stream_load(s, &l->text, err);
	return rc < 0 || !l->text.len ? rc : parse(p, name, l, err);
}

/* The first of those with this path; `*n`: how many there are. */
static const struct owned *find(const struct list *l, const char *path,
				size_t *n)
{
	const struct owned key = { .path = path };
	const struct owned *end = l->files + l->n;
	const struct owned *at =
		l->n ? bsearch(&key, l->files, l->n, sizeof(key), compare_path)
		     : NULL;

	*n = 0;
	if (!at)
		return NULL;
	while (at > l->files && strcmp(at[-1].path, path) == 0)
		at--;
	while (at + *n < end && strcmp(at[*n].path, path) == 0)
		++*n;
	return at;
}

/* Whether this was put there, with these bytes; NULL: with any. */
static bool was_put(const struct list *l, const char *path,
		    const struct mreg_desc *d)
{
	size_t n;
	const struct owned *f = find(l, path, &n);

	for (; n > 0; n--, f++)
		if (!f->kept &&
		    (!d || mreg_digest_equal(&f->desc.digest, &d->digest)))
			return true;
	return false;
}

static void put(struct mr_buf *b, bool kept, const char *path,
		const struct mreg_desc *d)
{
	char text[MREG_DIGEST_TEXT];

	mr_buf_printf(b, "%s %s %" PRIu64 " ", kept ? "kept" : "put",
		      mreg_digest_text(&d->digest, text), d->size);
	mr_buf_puts(b, path);
	mr_buf_putc(b, '\n');
}

static int write_list(struct pull *p, const struct mr_buf *b,
		      struct mreg_error *err)
{
	MR_AUTO(mr_fd_close) int fd = -1;
	int rc = mr_tree_openat(p->tree, NEW_NAME,
				O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0644,
				&fd, err);

	if (rc >= 0)
		rc = mr_file_write(fd, b->data, b->len, NEW_NAME, err);
	if (rc >= 0 && fsync(fd) < 0)
		rc = mr_fail_sys(err, errno, "cannot sync '%s'", NEW_NAME);
	return rc < 0 ? rc : mr_tree_place(p->tree, NEW_NAME, LIST_NAME, err);
}

/* `earlier`: what was put there before, too. */
static int save(struct pull *p, bool earlier, struct mreg_error *err)
{
	MR_AUTO(mr_buf_release) struct mr_buf b = MR_BUF_INIT(LIST_MAX_BYTES);
	const struct mr_owned *o = p->owned;
	size_t i;
	int rc;

	for (i = 0; earlier && i < o->was.n; i++)
		if (!o->was.files[i].kept)
			put(&b, false, o->was.files[i].path,
			    &o->was.files[i].desc);
	for (i = 0; i < p->count; i++) {
		const struct mr_model_layer *f = &p->layers[i];

		if (!earlier || !was_put(&o->was, f->path, &f->desc))
			put(&b, !o->ours[i], f->path, &f->desc);
	}
	rc = mr_buf_check(&b, LIST_NAME, err);
	if (rc >= 0)
		rc = write_list(p, &b, err);
	return rc < 0 ? mr_wrap(err, "cannot note what is put into '%s'",
				p->output)
		      : 0;
}

/* -- removing -------------------------------------------------------------- */

/* Whether the folder below, in which `path` is `name`, has a list of its own
 * that has it too. */
static int is_of_folder(struct pull *p, const char *path, const char *name,
			bool *is, struct mreg_error *err)
{
	struct mr_owned *o = p->owned;
	char file[MR_PATH_MAX_BYTES + sizeof(LIST_NAME)];
	struct mreg_error why = MREG_ERROR_INIT;
	size_t n = 0;
	int rc = 0;

	(void)snprintf(file, sizeof(file), "%.*s" LIST_NAME, (int)(name - path),
		       path);
	if (strlen(file) >= sizeof(o->below))
		return 0;
	if (strcmp(file, o->below) != 0) {
		list_release(&o->other);
		memcpy(o->below, file, strlen(file) + 1);
		rc = load(p, file, &o->other, &why);
	}
	/* It is no folder any more. */
	if (rc == MREG_ECONFLICT)
		return 0;
	if (rc < 0 && err)
		*err = why;
	*is = rc >= 0 && find(&o->other, name, &n);
	return rc;
}

static int is_of_another(struct pull *p, const char *path, bool *is,
			 struct mreg_error *err)
{
	const char *slash = path;
	int rc = 0;

	*is = false;
	while (rc >= 0 && !*is && (slash = strchr(slash, '/')))
		rc = is_of_folder(p, path, ++slash, is, err);
	return rc;
}

/* Whether it still has the bytes that were put there. */
static int has_bytes(struct pull *p, const struct owned *f, int fd, bool *has,
		     struct mreg_error *err)
{
	MR_AUTO(mr_stream_closep) struct mr_stream *proven = NULL;
	MR_AUTO(mr_free) char *buf = mr_alloc(READ_BYTES);
	struct mreg_error why = MREG_ERROR_INIT;
	struct mr_stream *raw = NULL;
	ssize_t n = 1;
	int rc = mr_stream_file(fd, 0, f->desc.size, f->path, &raw, err);

	if (rc >= 0)
		rc = mr_stream_verify(raw, &f->desc, &proven, err);
	if (rc >= 0 && !buf)
		rc = mr_fail_nomem(err);
	while (rc >= 0 && n > 0) {
		rc = mr_check_cancel(&p->m->env, err);
		if (rc >= 0)
			n = mr_stream_read(proven, buf, READ_BYTES, &why);
	}
	*has = rc >= 0 && n == 0;
	return rc;
}

/* `*e` is what was opened; false: it is not what was put there. */
static int is_unchanged(struct pull *p, const struct owned *f,
			struct mr_entry *e, bool *is, struct mreg_error *err)
{
	MR_AUTO(mr_fd_close) int fd = -1;
	struct stat st;
	int own;

	*is = false;
	e->path = f->path;
	if (mr_tree_openat(p->tree, f->path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK,
			   0, &fd, NULL) < 0 ||
	    fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) ||
	    (uint64_t)st.st_size != f->desc.size)
		return 0;
	mr_file_id(&st, &e->id);
	e->links = (uint64_t)st.st_nlink;
	own = fd;
	fd = -1;
	return has_bytes(p, f, own, is, err);
}

/* Folders that are empty now. */
static void prune(struct pull *p, const char *path)
{
	char folder[MR_PATH_MAX_BYTES + 1];
	char *slash;

	(void)snprintf(folder, sizeof(folder), "%s", path);
	while ((slash = strrchr(folder, '/'))) {
		*slash = '\0';
		mr_tree_prune(p->tree, folder);
	}
}

/* `*left`: it is there, and not what was put there. */
static int remove_one(struct pull *p, const struct mr_owns *now,
		      const struct owned *f, bool *left, struct mreg_error *err)
{
	struct mr_entry e = { .path = f->path };
	bool other = false;
	bool same = false;
	bool gone = false;
	int rc = is_of_another(p, f->path, &other, err);

	*left = false;
	if (rc < 0 || other)
		return rc;
	rc = is_unchanged(p, f, &e, &same, err);
	*left = !same;
	if (rc < 0 || !same || mr_owns_have(p, now, &e))
		return rc;
	rc = mr_tree_remove(p->tree, &e, &gone, err);
	*left = !gone;
	if (gone)
		prune(p, f->path);
	return rc;
}

static void warn_left(struct pull *p, const char *path)
{
	MR_AUTO(mr_fd_close) int fd = -1;
	char safe[100];

	if (mr_tree_openat(p->tree, path, O_PATH | O_NOFOLLOW, 0, &fd, NULL) <
	    0)
		return;
	mr_log(&p->m->env, MREG_LOG_WARN,
	       "'%s' in '%s' is of an earlier version, but was changed since: "
	       "it stays",
	       mr_text_safe(path, safe, sizeof(safe)), p->output);
}

/* A path, with each of the bytes that were put there. */
static int remove_path(struct pull *p, const struct mr_owns *now,
		       const char *path, struct mreg_error *err)
{
	size_t n;
	const struct owned *f = find(&p->owned->was, path, &n);
	bool left = true;
	int rc = 0;

	for (; rc >= 0 && left && n > 0; n--, f++)
		if (!f->kept)
			rc = remove_one(p, now, f, &left, err);
	if (rc >= 0 && left)
		warn_left(p, path);
	return rc;
}

static int remove_all(struct pull *p, struct mreg_error *err)
{
	MR_AUTO(mr_owns_release) struct mr_owns now = { .n = 0 };
	const struct list *was = &p->owned->was;
	const char *before = "";
	size_t i;
	int rc = mr_owns_find(p, &now, err);

	for (i = 0; rc >= 0 && i < was->n; i++) {
		const char *path = was->files[i].path;

		if (strcmp(path, before) != 0 && was_put(was, path, NULL) &&
		    !mr_owns_path(p, &now, path))
			rc = remove_path(p, &now, path, err);
		before = path;
	}
	return rc < 0 ? mr_wrap(err, "cannot remove what '%s' had before",
				p->output)
		      : 0;
}

/* -- the door -------------------------------------------------------------- */

int mr_owned_begin(struct pull *p, struct mreg_error *err)
{
	struct mr_owned *o = mr_zalloc(sizeof(*o));
	size_t i;
	int rc;

	if (!o)
		return mr_fail_nomem(err);
	p->owned = o;
	o->ours = mr_array(p->count + 1, sizeof(*o->ours));
	if (!o->ours)
		return mr_fail_nomem(err);
	rc = load(p, LIST_NAME, &o->was, err);
	if (rc < 0)
		return rc;
	for (i = 0; i < p->count; i++)
		o->ours[i] = was_put(&o->was, p->layers[i].path, NULL);
	return o->was.n ? remove_all(p, err) : 0;
}

int mr_owned_claim(struct pull *p, struct mreg_error *err)
{
	bool more = false;
	size_t i;

	for (i = 0; p->owned && i < p->count; i++) {
		if (p->plan.items[i].step == MR_STEP_REUSE)
			continue;
		p->owned->ours[i] = true;
		more = true;
	}
	return more ? save(p, true, err) : 0;
}

int mr_owned_end(struct pull *p, struct mreg_error *err)
{
	return p->owned ? save(p, false, err) : 0;
}
