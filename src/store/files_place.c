/*
 * files_place.c - what is in the places of a target now.
 *
 * A file is right when its bytes are: known from the state by its identity
 * (device, inode, size, both times), else because it was read.  Nothing that
 * a file says of itself counts (security.md H14).
 */
#include "store/files.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/mem.h"

/* Read to the end; what the stream proves on the way is its own business. */
static int drain(struct mr_env *env, struct mr_stream *in,
		 struct mreg_error *err)
{
	MR_AUTO(mr_free) char *chunk = mr_alloc(MR_CHUNK_BYTES);
	ssize_t got;
	int rc;

	if (!chunk)
		return mr_fail_nomem(err);
	do {
		rc = mr_check_cancel(env, err);
		if (rc < 0)
			return rc;
		got = mr_stream_read(in, chunk, MR_CHUNK_BYTES, err);
	} while (got > 0);
	return (int)got;
}

int mr_target_hash(struct mr_target *t, int fd, const struct mreg_desc *d,
		   const char *name, bool *right, struct mreg_error *err)
{
	MR_AUTO(mr_stream_closep) struct mr_stream *in = NULL;
	struct mreg_error why = MREG_ERROR_INIT;
	struct mr_stream *raw;
	int own, rc;

	own = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (own < 0)
		return mr_fail_sys(err, errno, "cannot read '%s'", name);
	rc = mr_stream_file(own, 0, d->size, name, &raw, err);
	if (rc == 0)
		rc = mr_stream_verify(raw, d, &in, err);
	if (rc < 0)
		return rc;
	rc = drain(t->base.env, in, &why);
	*right = rc == 0;
	/* Other bytes, or fewer by now, are an answer. */
	if (rc == 0 || rc == MREG_EINTEGRITY || rc == MREG_ECONFLICT)
		return 0;
	if (err)
		*err = why;
	return rc;
}

static int in_the_way(const struct mr_target *t, const struct mr_spot *p,
		      const struct stat *st, struct mreg_error *err)
{
	(void)mr_fail(err, MREG_ECONFLICT, "'%s' in '%s' is %s", p->place->path,
		      t->base.name,
		      S_ISDIR(st->st_mode) ? "a directory" : "not a file");
	(void)mr_hint(err, "move it away, or choose another directory");
	return MREG_ECONFLICT;
}

/* Open what is in the place; `*fd` -1: nothing. */
static int open_spot(struct mr_target *t, const struct mr_spot *p, int *fd,
		     struct stat *st, struct mreg_error *err)
{
	struct mreg_error why = MREG_ERROR_INIT;
	int rc;

	rc = mr_tree_openat(t->tree, p->place->path,
			    O_RDONLY | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW, 0,
			    fd, &why);
	/* What may not be read cannot be right, and renaming over it takes no
	 * more than the right to the folder. */
	if (rc == MREG_ENOTFOUND || (rc < 0 && why.sys == EACCES)) {
		*fd = -1;
		return 0;
	}
	if (rc < 0) {
		if (err)
			*err = why;
		return rc;
	}
	if (fstat(*fd, st) < 0)
		return mr_fail_sys(err, errno, "cannot look at '%s'",
				   p->place->path);
	return S_ISREG(st->st_mode) ? 0 : in_the_way(t, p, st, err);
}

/* Whether this very file was looked at before. */
static bool known(struct mr_target *t, const struct mr_spot *p,
		  const struct mr_file_id *id, bool *right)
{
	bool known;

	(void)pthread_mutex_lock(&t->lock);
	known = p->seen != MR_SEEN_NOT && mr_file_id_equal(&p->id, id);
	*right = p->seen == MR_SEEN_RIGHT;
	(void)pthread_mutex_unlock(&t->lock);
	return known;
}

static void note(struct mr_target *t, struct mr_spot *p,
		 const struct mr_file_id *id, bool right, bool remember)
{
	(void)pthread_mutex_lock(&t->lock);
	p->id = *id;
	p->seen = right ? MR_SEEN_RIGHT : MR_SEEN_WRONG;
	p->remember = right && remember;
	(void)pthread_mutex_unlock(&t->lock);
}

/* A file of the right size that was not looked at before. */
static int judge(struct mr_target *t, struct mr_spot *p, int fd,
		 const struct mr_file_id *id, bool *right,
		 struct mreg_error *err)
{
	const struct mreg_desc *d = &p->place->desc;
	struct mr_state_file known_file;
	char text[MREG_DIGEST_TEXT];
	struct mr_file_id after;
	struct stat st;
	int rc;

	if (!t->o.verify && mr_state_file_get(t->state, id, &known_file)) {
		*right = strcmp(known_file.digest,
				mreg_digest_text(&d->digest, text)) == 0;
		note(t, p, id, *right, false);
		return 0;
	}
	rc = mr_target_hash(t, fd, d, p->place->path, right, err);
	if (rc < 0)
		return rc;
	if (fstat(fd, &st) < 0)
		return mr_fail_sys(err, errno, "cannot look at '%s'",
				   p->place->path);
	mr_file_id(&st, &after);
	if (mr_file_id_equal(id, &after))
		note(t, p, id, *right, true);
	else
		*right = false; /* somebody writes to it */
	return 0;
}

int mr_spot_look(struct mr_target *t, struct mr_spot *p, bool *right,
		 struct mreg_error *err)
{
	MR_AUTO(mr_fd_close) int fd = -1;
	struct mr_file_id id;
	struct stat st;
	int rc;

	*right = false;
	rc = open_spot(t, p, &fd, &st, err);
	if (rc < 0 || fd < 0)
		return rc;
	mr_file_id(&st, &id);
	if (id.size != p->place->desc.size || known(t, p, &id, right))
		return 0;
	return judge(t, p, fd, &id, right, err);
}

int mr_goal_look(struct mr_target *t, struct mr_goal *g, bool *right,
		 struct mreg_error *err)
{
	bool one = true;
	size_t i;
	int rc = 0;

	*right = true;
	for (i = 0; i < g->count && rc == 0; i++) {
		rc = mr_spot_look(t, &g->spots[i], &one, err);
		*right = *right && one;
	}
	return rc;
}

mode_t mr_spot_mode(mode_t mode, bool executable)
{
	mode_t read = mode & 0444;

	/* Who may read may run; no setuid, setgid or sticky bit. */
	return (mode & 0666) | (executable ? read >> 2 : 0);
}

int mr_spot_mend(struct mr_target *t, struct mr_spot *p, struct mreg_error *err)
{
	bool executable = p->place->executable;
	MR_AUTO(mr_fd_close) int fd = -1;
	struct mr_file_id id;
	struct stat st;
	int rc;

	rc = open_spot(t, p, &fd, &st, err);
	if (rc < 0 || fd < 0)
		return rc;
	/* What else the user changed about it stays. */
	if (!(st.st_mode & 07000) && !(st.st_mode & 0100) == !executable)
		return 0;
	if (fchmod(fd, mr_spot_mode(st.st_mode, executable)) < 0 ||
	    fstat(fd, &st) < 0)
		return mr_fail_sys(err, errno, "cannot change the mode of '%s'",
				   p->place->path);
	mr_file_id(&st, &id);
	if (id.ino == p->id.ino && id.size == p->id.size &&
	    id.mtime_ns == p->id.mtime_ns)
		note(t, p, &id, true, true); /* only the mode has changed */
	return 0;
}

void mr_files_configure(struct mr_store *s, const struct mr_files_opts *o)
{
	mr_target_of(s)->o = *o;
}

int mr_files_differing(struct mr_store *s, struct mr_list *out,
		       struct mreg_error *err)
{
	struct mr_target *t = mr_target_of(s);
	size_t i;
	int rc = 0;

	for (i = 0; i < t->spot_count && rc == 0; i++) {
		struct mr_spot *p = &t->spots[i];
		MR_AUTO(mr_fd_close) int fd = -1;
		bool right = false;
		struct mreg_error why = MREG_ERROR_INIT;

		rc = mr_tree_openat(t->tree, p->place->path,
				    O_PATH | O_NOFOLLOW, 0, &fd, &why);
		if (rc == MREG_ENOTFOUND) {
			rc = 0;
			continue;
		}
		if (rc < 0 && err)
			*err = why;
		if (rc == 0)
			rc = mr_spot_look(t, p, &right, err);
		if (rc == 0 && !right)
			rc = mr_list_add(out, p->place->path, err);
	}
	mr_list_sort(out);
	return rc;
}
