/*
 * pull_exact.c - files of the output that the version does not have, and
 * removing them once everything is in place.
 *
 * What is removed is what a push of the directory would take along: .git and
 * the like, and what .mregignore names, stay.  Only what was listed before the
 * first byte was fetched is removed, and only if it still is that file; so a
 * file that somebody saves there meanwhile stays too.
 *
 * A directory that holds more of other people's files than the version has is
 * probably not the model's: it is refused, unless a model was pulled there
 * before.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/text.h"
#include "ops/pull_owned.h"

#define PULLED_SCOPE "pulled"

void mr_owns_release(struct mr_owns *o)
{
	mr_release(o->files);
	mr_release(o->paths);
}

static int compare_own(const void *a, const void *b)
{
	const struct mr_own *x = a;
	const struct mr_own *y = b;

	if (x->id.dev != y->id.dev)
		return x->id.dev < y->id.dev ? -1 : 1;
	return (x->id.ino > y->id.ino) - (x->id.ino < y->id.ino);
}

static int compare_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

int mr_owns_find(struct pull *p, struct mr_owns *o, struct mreg_error *err)
{
	size_t i;

	o->files = mr_array(p->count + 1, sizeof(*o->files));
	o->paths = mr_array(p->count + 1, sizeof(*o->paths));
	if (!o->files || !o->paths)
		return mr_fail_nomem(err);
	for (i = 0; i < p->count; i++) {
		MR_AUTO(mr_fd_close) int fd = -1;
		struct stat st;

		o->paths[i] = p->layers[i].path;
		if (mr_tree_openat(p->tree, o->paths[i], O_PATH | O_NOFOLLOW, 0,
				   &fd, NULL) < 0 ||
		    fstat(fd, &st) < 0)
			continue;
		mr_file_id(&st, &o->files[o->n].id);
		o->files[o->n++].path = o->paths[i];
	}
	qsort(o->files, o->n, sizeof(*o->files), compare_own);
	qsort(o->paths, p->count, sizeof(*o->paths), compare_text);
	return 0;
}

bool mr_owns_path(const struct pull *p, const struct mr_owns *o,
		  const char *path)
{
	return o->paths && bsearch(&path, o->paths, p->count, sizeof(*o->paths),
				   compare_text);
}

/*
 * Where names fold, the version's 'model.bin' may be listed as 'Model.BIN': the
 * same file, with one name.  A second hard link to it is another file's name.
 */
bool mr_owns_have(const struct pull *p, const struct mr_owns *o,
		  const struct mr_entry *e)
{
	char a[MR_PATH_MAX_BYTES + 1];
	char b[MR_PATH_MAX_BYTES + 1];
	struct mr_own key = { .id = e->id };
	const struct mr_own *same;

	if (mr_owns_path(p, o, e->path))
		return true;
	same = o->n ? bsearch(&key, o->files, o->n, sizeof(*o->files),
			      compare_own)
		    : NULL;
	if (!same || e->is_link)
		return false;
	return e->links == 1 ||
	       strcmp(mr_text_fold(e->path, a, sizeof(a)),
		      mr_text_fold(same->path, b, sizeof(b))) == 0;
}

/* -- what looks like a mistake ----------------------------------------- */

/* What says which directory it is, also after a reboot, and that an inode was
 * not given to a new one meanwhile.  False: this file system does not tell. */
static bool directory_key(const struct mr_tree *t, char out[96])
{
	struct statx st;

	if (statx(mr_tree_fd(t), "", AT_EMPTY_PATH, STATX_INO | STATX_BTIME,
		  &st) < 0 ||
	    !(st.stx_mask & STATX_BTIME))
		return false;
	(void)snprintf(out, 96, "%u:%u:%" PRIu64 ":%" PRId64 ".%u",
		       st.stx_dev_major, st.stx_dev_minor, (uint64_t)st.stx_ino,
		       (int64_t)st.stx_btime.tv_sec, st.stx_btime.tv_nsec);
	return true;
}

/* With its digest, and from wherever it is read. */
static bool full_reference(const struct pull *p, char out[MREG_REF_TEXT])
{
	struct mreg_ref r = p->ref;

	r.digest = p->manifest->desc.digest;
	if (r.dir[0] && r.dir[0] != '/') {
		char real[PATH_MAX];

		if (!realpath(r.dir, real) || strlen(real) >= sizeof(r.dir))
			return false;
		memcpy(r.dir, real, strlen(real) + 1);
	}
	(void)mr_ref_text(&r, out);
	return true;
}

void mr_pull_remember(struct pull *p)
{
	char known[MREG_REF_TEXT];
	char now[MREG_REF_TEXT];
	char key[96];

	if (!directory_key(p->tree, key))
		return;
	if (!full_reference(p, now))
		(void)snprintf(now, sizeof(now), "yes");
	if (!mr_state_fact_get(p->m->state, PULLED_SCOPE, key, known,
			       sizeof(known)) ||
	    strcmp(known, now) != 0)
		mr_state_fact_put(p->m->state, PULLED_SCOPE, key, now);
}

bool mr_pull_recall(struct mreg *m, const struct mr_tree *t,
		    char out[MREG_REF_TEXT])
{
	char key[96];

	return directory_key(t, key) &&
	       mr_state_fact_get(m->state, PULLED_SCOPE, key, out,
				 MREG_REF_TEXT);
}

static bool was_pulled(const struct pull *p)
{
	char known[MREG_REF_TEXT];

	return mr_pull_recall(p->m, p->tree, known);
}

static bool is_directory(const struct pull *p, const char *path)
{
	struct stat a, b;

	return path && path[0] && stat(path, &a) == 0 &&
	       fstat(mr_tree_fd(p->tree), &b) == 0 && a.st_dev == b.st_dev &&
	       a.st_ino == b.st_ino;
}

int mr_pull_check_exact(const struct pull *p, struct mreg_error *err)
{
	bool home = is_directory(p, getenv("HOME"));

	if (!home && !is_directory(p, "/"))
		return 0;
	(void)mr_fail(err, MREG_EUSAGE, "'%s' is %s, not a model's directory",
		      p->output, home ? "your home" : "the root directory");
	return mr_hint(err, "choose another directory with --output");
}

/* That the state knows a file says nothing: it may have been pushed from
 * there, or read as a seed. */
static int refuse_other(const struct pull *p, struct mreg_error *err)
{
	size_t n = p->strangers->count;
	char safe[100];
	char key[96];

	if (n <= p->count || was_pulled(p))
		return 0;
	(void)mr_fail(
		err, MREG_ECONFLICT,
		"'%s' holds %zu files that are not the model's, such as "
		"'%s'",
		p->output, n,
		mr_text_safe(p->strangers->files[0].path, safe, sizeof(safe)));
	if (!directory_key(p->tree, key))
		return mr_hint(err, "--exact would remove them all, and that a "
				    "model was pulled there before cannot be "
				    "remembered: remove them yourself");
	return mr_hint(err, "--exact would remove them all: is it the right "
			    "directory? if so, pull once without --exact");
}

/* Before anything is fetched, so that it need not stop half-way. */
static int check_removable(struct pull *p, struct mreg_error *err)
{
	const struct mr_listing *l = p->strangers;
	size_t i;
	int rc = 0;

	for (i = 0; i < l->count && rc == 0; i++)
		rc = mr_tree_removable(p->tree, &l->files[i], err);
	return rc;
}

/* -- the door ---------------------------------------------------------- */

int mr_pull_find_strangers(struct pull *p, struct mreg_error *err)
{
	MR_AUTO(mr_owns_release) struct mr_owns o = { .n = 0 };
	struct mr_listing *l;
	size_t n = 0;
	size_t i;
	int rc;

	if (!p->tree) /* a dry run, and no directory yet */
		return 0;
	rc = mr_pull_check_exact(p, err);
	if (rc == 0)
		rc = mr_tree_list(p->tree, &p->m->env, &p->strangers, err);
	if (rc == 0)
		rc = mr_owns_find(p, &o, err);
	if (rc < 0)
		return rc;
	l = p->strangers;
	for (i = 0; i < l->count; i++)
		if (!mr_owns_have(p, &o, &l->files[i]))
			l->files[n++] = l->files[i];
	l->count = n;
	rc = refuse_other(p, err);
	return rc < 0 ? rc : check_removable(p, err);
}

static int note(struct pull *p, const struct mr_entry *e,
		struct mreg_error *err)
{
	return mr_list_add(&p->removed, e->path, err);
}

static int remove_one(struct pull *p, const struct mr_owns *o,
		      const struct mr_entry *e, struct mreg_error *err)
{
	bool gone = false;
	int rc;

	if (mr_owns_have(p, o, e))
		return 0; /* it has been put in place under another name */
	rc = mr_tree_remove(p->tree, e, &gone, err);
	if (rc == 0 && gone)
		return note(p, e, err);
	if (rc == 0)
		mr_log(&p->m->env, MREG_LOG_INFO,
		       "'%s' changed meanwhile and was left", e->path);
	return rc;
}

int mr_pull_remove_strangers(struct pull *p, struct mreg_error *err)
{
	MR_AUTO(mr_owns_release) struct mr_owns o = { .n = 0 };
	const struct mr_listing *l = p->strangers;
	size_t i;
	int rc = 0;

	if (!l)
		return 0;
	if (p->o->dry_run) {
		for (i = 0; i < l->count && rc == 0; i++)
			rc = note(p, &l->files[i], err);
		return rc;
	}
	rc = mr_owns_find(p, &o, err);
	for (i = 0; i < l->count && rc == 0; i++) {
		rc = mr_check_cancel(&p->m->env, err);
		if (rc == 0)
			rc = remove_one(p, &o, &l->files[i], err);
	}
	if (rc < 0)
		return mr_wrap(err, "the files are in place, but others could "
				    "not be removed");
	/* The deepest first. */
	for (i = l->folder_count; i > 0; i--)
		mr_tree_prune(p->tree, l->folders[i - 1]);
	if (l->strange)
		mr_log(&p->m->env, MREG_LOG_WARN,
		       "%" PRIu64 " entr%s of '%s' that %s no file stayed",
		       l->strange, l->strange == 1 ? "y" : "ies", p->output,
		       l->strange == 1 ? "is" : "are");
	return 0;
}
