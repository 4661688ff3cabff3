/*
 * pull_archive.c - layers that hold files: their bytes lie in the output, under
 * a name of our own, while what they hold is looked at and taken out.
 *
 * A layer arrives like any file of a model, as .mreg-part-<hex>, resumable and
 * proven; its final name is .mreg-part-layer-<hex>, which no push, no --exact
 * and no model takes for a file.  Of a local store its own file is read.
 *
 * Invariants
 * 1. Who uses it holds a shared flock on it, and has seen after taking it that
 *    the name still means that file.
 * 2. It is removed only under an exclusive one, by the last of those who may
 *    want it (pull_users.c), or by a later pull after all of them were killed.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "content/digest.h"
#include "ops/pull.h"

#define LAYER_PREFIX MR_PART_PREFIX "layer-"
#define NAME_MAX_BYTES 176 /* the prefix, and 128 hex digits */
/* What unpacks to more is a bomb: weights hardly shrink at all, text ten times;
 * but a few files alone come with whole blocks of zeros around them. */
#define RATIO_MAX 200
#define RATIO_FREE_BYTES (UINT64_C(16) << 20)

static const char *name_of(const struct pull_archive *a,
			   char out[NAME_MAX_BYTES])
{
	char hex[129];

	(void)snprintf(out, NAME_MAX_BYTES, LAYER_PREFIX "%s",
		       mr_digest_hex(&a->layer.desc.digest, hex));
	return out;
}

/* -- fetching -------------------------------------------------------------- */

/* Those that are to be fetched now. */
struct fetch {
	struct pull *p;
	size_t *index; /* owned; of p->archives */
	size_t n;
	struct mr_place *places;       /* owned */
	char (*names)[NAME_MAX_BYTES]; /* owned */
	struct mr_store *to;           /* owned */
	struct mr_plan plan;           /* owned */
};

static void fetch_release(struct fetch *f)
{
	mr_plan_release(&f->plan);
	mr_store_closep(&f->to);
	mr_release(f->places);
	mr_release(f->names);
	mr_release(f->index);
}

/* Two layers may be one blob. */
static bool is_in(const struct fetch *f, size_t index)
{
	const struct pull_archive *a = f->p->archives;
	size_t i;

	for (i = 0; i < f->n; i++)
		if (mreg_digest_equal(&a[f->index[i]].layer.desc.digest,
				      &a[index].layer.desc.digest))
			return true;
	return false;
}

static int fill_fetch(struct fetch *f, const bool *wanted,
		      struct mreg_error *err)
{
	struct pull *p = f->p;
	size_t i;

	f->index = mr_array(p->archive_count + 1, sizeof(*f->index));
	f->places = mr_array(p->archive_count + 1, sizeof(*f->places));
	f->names = mr_array(p->archive_count + 1, sizeof(*f->names));
	if (!f->index || !f->places || !f->names)
		return mr_fail_nomem(err);
	for (i = 0; i < p->archive_count; i++) {
		if (!wanted[i] || p->archives[i].fd >= 0 || is_in(f, i))
			continue;
		f->index[f->n] = i;
		f->places[f->n].path = name_of(&p->archives[i], f->names[f->n]);
		f->places[f->n].desc = p->archives[i].layer.desc;
		f->n++;
	}
	return 0;
}

static int plan_fetch(struct fetch *f, struct mreg_error *err)
{
	struct mr_files_opts o = { .verify = f->p->o->verify_files,
				   .partial = true };
	struct pull *p = f->p;
	size_t i;
	int rc;

	rc = mr_files_target(&p->m->env, p->m->state, p->tree, f->places, f->n,
			     &f->to, err);
	if (rc < 0)
		return rc;
	mr_files_configure(f->to, &o);
	rc = mr_plan_init(&f->plan, f->n, err);
	if (rc < 0)
		return rc;
	f->plan.limited = p->ref.host[0] && mr_session_limited(p->m);
	for (i = 0; i < f->n; i++) {
		f->plan.items[i].desc = f->places[i].desc;
		f->plan.items[i].label = p->archives[f->index[i]].layer.path;
		f->plan.items[i].step = MR_STEP_COPY;
	}
	return 0;
}

/* Whether the output has nothing yet that could be one of the files. */
static bool is_bare(const struct pull *p)
{
	bool bare = true;
	struct dirent *e;
	DIR *root;
	int fd = openat(mr_tree_fd(p->tree), ".",
			O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	root = fd < 0 ? NULL : fdopendir(fd);
	if (!root) {
		mr_fd_close(&fd);
		return false;
	}
	while (bare && (e = readdir(root)))
		bare = strcmp(e->d_name, ".") == 0 ||
		       strcmp(e->d_name, "..") == 0 ||
		       mr_text_starts(e->d_name, MR_PART_PREFIX);
	(void)closedir(root);
	return bare;
}

/*
 * The archives, and what is known of their files' need, for both are there in
 * the end: the sizes where they are known, for then they were counted before
 * (mr_pull_check_room); else at least as much again, unless some files may be
 * there already or not be wanted.
 */
static int check_room(struct fetch *f, struct mreg_error *err)
{
	struct pull *p = f->p;
	bool again = !p->to && !mr_pull_is_partial(p) && is_bare(p);
	uint64_t need = 0;
	size_t i;
	int rc = mr_files_need(f->to, NULL, NULL, &need, err);

	for (i = 0; i < f->n && again; i++) {
		const struct mr_model_layer *layer =
			&p->archives[f->index[i]].layer;

		/* Of an image most is no model's. */
		if (f->plan.items[i].step != MR_STEP_REUSE &&
		    layer->form != MR_FORM_IMAGE &&
		    __builtin_add_overflow(need, layer->desc.size, &need))
			need = UINT64_MAX;
	}
	return rc < 0 ? rc : mr_room_at(p->output, need, err);
}

static int run_fetch(struct fetch *f, struct mreg_error *err)
{
	struct mr_published done;
	struct pull *p = f->p;
	int rc = mr_plan_look(&f->plan, f->to, NULL, 0, p->jobs, err);

	if (rc == 0)
		rc = check_room(f, err);
	if (rc == 0)
		rc = mr_plan_run(&f->plan, p->from, f->to, p->jobs, err);
	if (rc < 0)
		return rc;
	p->fetched += mr_plan_bytes_moving(&f->plan);
	return mr_files_publish(f->to, &done, err);
}

/* Open what was fetched, if nobody has taken it away since. */
static int open_archive(struct pull *p, struct pull_archive *a,
			struct mreg_error *err)
{
	MR_AUTO(mr_fd_close) int fd = -1;
	struct mreg_error why = MREG_ERROR_INIT;
	char name[NAME_MAX_BYTES];
	int rc = mr_tree_openat(p->tree, name_of(a, name),
				O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0, &fd,
				&why);

	if (rc == MREG_ENOTFOUND)
		return 0;
	if (rc == 0)
		rc = mr_file_lock(fd, false, &p->m->env, a->layer.path, &why);
	if (rc < 0) {
		*err = why;
		return rc;
	}
	if (mr_pull_is_named(p, name, fd)) {
		a->fd = fd;
		fd = -1;
	}
	return 0;
}

static int fetch_round(struct pull *p, const bool *wanted, bool *again,
		       struct mreg_error *err)
{
	MR_AUTO(fetch_release) struct fetch f = { .p = p };
	size_t i;
	int rc = fill_fetch(&f, wanted, err);

	*again = false;
	if (rc < 0 || f.n == 0)
		return rc;
	rc = plan_fetch(&f, err);
	if (rc == 0)
		rc = run_fetch(&f, err);
	for (i = 0; i < p->archive_count && rc == 0; i++) {
		struct pull_archive *a = &p->archives[i];

		if (!wanted[i])
			continue;
		if (a->fd < 0)
			rc = open_archive(p, a, err);
		*again = *again || a->fd < 0;
	}
	return rc;
}

/* In a local store they are files already, which need no copy. */
static int open_own(struct pull *p, const bool *wanted, struct mreg_error *err)
{
	size_t i;
	int rc = 0;

	for (i = 0; i < p->archive_count && rc == 0 && p->ref.dir[0]; i++) {
		struct pull_archive *a = &p->archives[i];

		if (!wanted[i] || a->fd >= 0)
			continue;
		rc = mr_store_file(p->from, &a->layer.desc, &a->fd, err);
		if (rc == 0 && a->fd >= 0)
			p->fetched += a->layer.desc.size;
	}
	return rc;
}

/* Those of a local store are read where they are. */
int mr_pull_archives_need(struct pull *p, const bool *wanted, uint64_t *sum,
			  struct mreg_error *err)
{
	MR_AUTO(fetch_release) struct fetch f = { .p = p };
	int rc;

	if (p->ref.dir[0])
		return 0;
	rc = fill_fetch(&f, wanted, err);
	if (rc == 0)
		rc = plan_fetch(&f, err);
	return rc < 0 ? rc : mr_files_need(f.to, NULL, NULL, sum, err);
}

int mr_pull_fetch_archives(struct pull *p, const bool *wanted,
			   struct mreg_error *err)
{
	unsigned int round;
	bool again = true;
	int rc = mr_pull_open_tree(p, err);

	if (rc == 0)
		rc = open_own(p, wanted, err);
	for (round = 0; round <= MR_REPAIRS_MAX && rc == 0 && again; round++)
		rc = fetch_round(p, wanted, &again, err);
	if (rc < 0 || !again)
		return rc;
	(void)mr_fail(err, MREG_ECONFLICT,
		      "another process keeps removing files in '%s'",
		      p->output);
	return mr_hint(err, "let it finish, then run this again");
}

/* -- reading --------------------------------------------------------------- */

/* The suffix says, the first bytes confirm (peers.md 6.5). */
static int find_coding(const struct pull_archive *a, enum mr_coding *out,
		       struct mreg_error *err)
{
	char first[MR_CODING_MAGIC_BYTES];
	ssize_t n = pread(a->fd, first, sizeof(first), 0);

	if (n < 0)
		return mr_fail_sys(err, errno, "cannot read layer '%s'",
				   a->layer.path);
	*out = mr_coding_of(first, (size_t)n);
	if (!a->layer.coded || *out == a->layer.coding)
		return 0;
	(void)mr_fail(err, MREG_EFORMAT,
		      "layer '%s' says that it is compressed with %s, and its "
		      "bytes are with %s",
		      a->layer.path, mr_coding_name(a->layer.coding),
		      mr_coding_name(*out));
	return mr_hint(err, "the tool that made it gave it a wrong media type");
}

static uint64_t bytes_max(uint64_t size)
{
	uint64_t max;

	if (__builtin_mul_overflow(size, (uint64_t)RATIO_MAX, &max) ||
	    __builtin_add_overflow(max, RATIO_FREE_BYTES, &max))
		return INT64_MAX;
	return max;
}

/* zstd's window is the sender's choice, up to 128 MiB each: then one at a
 * time (security.md 3.7). */
unsigned int mr_pull_archive_jobs(const struct pull *p)
{
	char first[MR_CODING_MAGIC_BYTES];
	size_t i;

	for (i = 0; i < p->archive_count; i++) {
		ssize_t n = p->archives[i].fd < 0
				    ? 0
				    : pread(p->archives[i].fd, first,
					    sizeof(first), 0);

		if (n > 0 && mr_coding_of(first, (size_t)n) == MR_CODING_ZSTD)
			return 1;
	}
	return p->jobs;
}

/* The bytes of an archive on their way to who reads it: there may be minutes of
 * them, in which somebody wants to see something, or to stop. */
struct watched {
	struct mr_stream base;
	struct mr_stream *src; /* owned */
	struct mr_env *env;    /* borrowed */
	uint64_t size;         /* of `src` */
	bool told;             /* what it comes to, by `label` */
	char label[MR_PATH_MAX_BYTES + 16];
};

static void tell(const struct watched *w, enum mreg_progress_kind kind)
{
	struct mreg_progress e = {
		.kind = kind, .label = w->label, .total = w->size, .count = 1
	};

	if (w->told)
		mr_progress(w->env, &e);
}

static ssize_t watched_read(struct mr_stream *s, void *buf, size_t n,
			    struct mreg_error *err)
{
	struct watched *w = mr_container_of(s, struct watched, base);
	ssize_t got = mr_check_cancel(w->env, err);

	if (got == 0)
		got = mr_stream_read(w->src, buf, n, err);
	if (got > 0 && w->told)
		mr_progress_bytes(w->env, w->label, (uint64_t)got);
	else if (got == 0)
		tell(w, MREG_PROGRESS_DONE);
	if (got == 0)
		w->told = false;
	return got;
}

static void watched_close(struct mr_stream *s)
{
	struct watched *w = mr_container_of(s, struct watched, base);

	mr_stream_close(w->src);
	mr_release(w);
}

static const struct mr_stream_ops watched_ops = {
	.read = watched_read,
	.close = watched_close,
};

/* Takes `*in`, even on failure, and puts itself there. */
static int watch(struct pull *p, const struct pull_archive *a, bool told,
		 struct mr_stream **in, struct mreg_error *err)
{
	struct watched *w = mr_zalloc(sizeof(*w));

	if (!w) {
		mr_stream_closep(in);
		return mr_fail_nomem(err);
	}
	w->base.ops = &watched_ops;
	w->src = *in;
	w->env = &p->m->env;
	w->size = a->layer.desc.size;
	w->told = told;
	(void)snprintf(w->label, sizeof(w->label), "reading %s", a->layer.path);
	tell(w, MREG_PROGRESS_START);
	*in = &w->base;
	return 0;
}

int mr_pull_archive_stream(struct pull *p, const struct pull_archive *a,
			   bool proven, struct mr_stream **out,
			   struct mreg_error *err)
{
	const struct mreg_desc *d = &a->layer.desc;
	struct mr_stream *in = NULL;
	enum mr_coding coding = MR_CODING_NONE;
	int fd = fcntl(a->fd, F_DUPFD_CLOEXEC, 0);
	int rc;

	if (fd < 0)
		return mr_fail_sys(err, errno, "cannot read layer '%s'",
				   a->layer.path);
	rc = mr_stream_file(fd, 0, d->size, a->layer.path, &in, err);
	if (rc == 0)
		rc = watch(p, a, proven, &in, err);
	if (rc == 0 && proven)
		rc = mr_stream_verify(in, d, &in, err);
	if (rc < 0)
		return rc;
	rc = find_coding(a, &coding, err);
	if (rc < 0) {
		mr_stream_close(in);
		return rc;
	}
	return mr_stream_decode(in, coding, bytes_max(d->size), a->layer.path,
				out, err);
}

/* -- removing -------------------------------------------------------------- */

void mr_pull_close_archives(struct pull *p)
{
	size_t i;

	for (i = 0; i < p->archive_count; i++) {
		struct pull_archive *a = &p->archives[i];

		a->was_here = a->was_here || a->fd >= 0;
		mr_fd_close(&a->fd); /* and give up the flock */
	}
}

/* Unless somebody uses it. */
static void sweep_one(struct pull *p, const char *name)
{
	MR_AUTO(mr_fd_close) int fd = -1;

	/* To be written: NFS takes no exclusive lock on it otherwise. */
	if (mr_tree_openat(p->tree, name, O_RDWR | O_NOFOLLOW | O_NONBLOCK, 0,
			   &fd, NULL) < 0)
		return;
	if (flock(fd, LOCK_EX | LOCK_NB) == 0 && mr_pull_is_named(p, name, fd))
		(void)mr_tree_unlink(p->tree, name, NULL);
}

/* Whether there is anything of those who pull archives: most have none, and
 * write no file to find that out. */
static bool has_left(DIR *root)
{
	const struct dirent *e;

	while ((e = readdir(root)))
		if (mr_text_starts(e->d_name, LAYER_PREFIX) ||
		    mr_pull_is_left(e->d_name))
			return true;
	return false;
}

/* What goes wrong here costs space and is tried again by the next pull. */
void mr_pull_drop_archives(struct pull *p)
{
	const struct dirent *e;
	DIR *root;
	int fd;

	mr_pull_close_archives(p);
	fd = openat(mr_tree_fd(p->tree), ".",
		    O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	root = fd < 0 ? NULL : fdopendir(fd);
	if (!root) {
		mr_fd_close(&fd);
		return;
	}
	if ((p->is_user || has_left(root)) && mr_pull_is_last(p)) {
		rewinddir(root);
		while ((e = readdir(root)))
			if (mr_text_starts(e->d_name, LAYER_PREFIX))
				sweep_one(p, e->d_name);
		mr_pull_leave(p);
	}
	(void)closedir(root);
}
