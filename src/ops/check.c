/*
 * check.c - a directory on disk against a version.
 *
 *   which version -> its files in the directory -> what else is there
 *
 * A file is right when its bytes are: known from the state by its identity,
 * else because it was read.  Unlike pull, links to files are followed: a
 * directory that was pushed is made of them often, and nothing is written.
 */
#include "mreg/check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/task.h"
#include "base/text.h"
#include "look/look.h"
#include "ops/pull.h"

#define SHOWN 120

/* One file of the version, as it is on disk. */
struct spot {
	const struct mr_model_layer *file; /* borrowed */
	enum mreg_check_state state;
	bool known;    /* the state told, so it was not read */
	bool remember; /* right, and the state does not know it */
	int64_t looked_ns;
	struct mr_file_id id;
};

struct check {
	struct mreg *m;
	const struct mreg_check_opts *o;
	const char *dir;
	struct mr_look look;        /* owned */
	struct mr_tree *tree;       /* owned */
	struct spot *spots;         /* owned; sorted by path */
	struct mr_listing *listing; /* owned */
	_Atomic uint64_t hashed;    /* bytes */
	bool packed;                /* some come in an archive */
	bool remembered;
};

static void check_release(struct check *c)
{
	mr_listing_free(c->listing);
	mr_release(c->spots);
	mr_tree_close(c->tree);
	mr_look_release(&c->look);
}

/* -- which version --------------------------------------------------------- */

/* What was pulled into the directory, as far as it is remembered. */
static bool pulled(const struct check *c, struct mreg_ref *out)
{
	struct mreg_error ignored = MREG_ERROR_INIT;
	char text[MREG_REF_TEXT];

	return mr_pull_recall(c->m, c->tree, text) &&
	       mr_target_parse(c->m, text, out, &ignored) >= 0 &&
	       out->digest.algorithm != MREG_DIGEST_NONE;
}

static int recall(struct check *c, struct mreg_error *err)
{
	struct mreg_ref ref;
	char shown[SHOWN];

	c->remembered = true;
	if (pulled(c, &ref))
		return mr_look_open_ref(c->m, &ref, &c->look, err);
	(void)mr_text_safe(c->dir, shown, sizeof(shown));
	(void)mr_fail(err, MREG_ENOTFOUND,
		      "which version was pulled to '%s' is not known", shown);
	return mr_hint(err, "say which: mreg check %.80s REF", shown);
}

/* Of an index, the manifest that was pulled; or the only one. */
static int open_named(struct check *c, const char *text, struct mreg_error *err)
{
	int rc = mr_look_open(c->m, text, &c->look, err);
	const struct mr_manifest *index = c->look.manifest;
	struct mreg_ref ref;
	bool known;
	size_t i;

	if (rc < 0 || !index->is_index)
		return rc;
	known = pulled(c, &ref);
	for (i = 0; i < index->child_count; i++)
		if (index->child_count == 1 ||
		    (known && mreg_digest_equal(&index->children[i].desc.digest,
						&ref.digest)))
			break;
	if (i == index->child_count)
		return 0; /* its files will be asked for in vain */
	return mr_look_child(&c->look, &index->children[i].desc.digest, err);
}

static int by_path(const void *a, const void *b)
{
	const struct spot *x = a;
	const struct spot *y = b;

	return strcmp(x->file->path, y->file->path);
}

static int take_files(struct check *c, struct mreg_error *err)
{
	struct mr_look *l = &c->look;
	MR_AUTO(mr_free) const char **paths = NULL;
	size_t n = 0;
	size_t i;
	int rc = mr_look_files(l, err);

	if (rc < 0)
		return rc;
	paths = mr_array(l->count + 1, sizeof(*paths));
	c->spots = mr_array(l->count + 1, sizeof(*c->spots));
	if (!paths || !c->spots)
		return mr_fail_nomem(err);
	for (i = 0; i < l->count; i++) {
		c->spots[i].file = &l->files[i];
		c->packed = c->packed || l->files[i].archive;
		if (!l->files[i].archive)
			paths[n++] = l->files[i].path;
	}
	if (l->count && n == 0) {
		(void)mr_fail(err, MREG_EUNSUPPORTED,
			      "the files of '%s' come in archives",
			      l->s->label);
		return mr_hint(err, "'mreg pull --verify-files' compares them, "
				    "and mends what differs");
	}
	rc = mr_paths_check(paths, n, false, err);
	if (rc < 0)
		return mr_wrap(err, "'%s' holds a file that cannot be on disk",
			       l->s->label);
	qsort(c->spots, l->count, sizeof(*c->spots), by_path);
	return 0;
}

/* -- its files ------------------------------------------------------------- */

static int fail_look(const struct spot *s, struct mreg_error *err)
{
	char shown[SHOWN];

	return mr_fail_sys(err, errno, "cannot read '%s'",
			   mr_text_safe(s->file->path, shown, sizeof(shown)));
}

/* `*fd` -1: it is nothing to read, and `state` says so. */
static int open_spot(struct check *c, struct spot *s, int *fd, struct stat *st,
		     struct mreg_error *err)
{
	int at = mr_tree_fd(c->tree);

	*fd = -1;
	s->state = MREG_CHECK_MISSING;
	/* Looked at before it is opened: opening a device may do something. */
	if (fstatat(at, s->file->path, st, 0) < 0) {
		if (errno == ENOENT || errno == ENOTDIR)
			return 0;
		s->state = MREG_CHECK_OTHER;
		return errno == ELOOP ? 0 : fail_look(s, err);
	}
	s->state = MREG_CHECK_OTHER;
	if (!S_ISREG(st->st_mode))
		return 0;
	s->state = MREG_CHECK_CHANGED;
	if ((uint64_t)st->st_size != s->file->desc.size)
		return 0;
	s->looked_ns = mr_clock_ns();
	*fd = openat(at, s->file->path,
		     O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (*fd < 0 || fstat(*fd, st) < 0)
		return fail_look(s, err);
	return 0;
}

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

/* Whether the file, taken, has the right bytes. */
static int hash(struct check *c, const struct spot *s, int fd, bool *right,
		struct mreg_error *err)
{
	MR_AUTO(mr_stream_closep) struct mr_stream *in = NULL;
	const struct mreg_desc *d = &s->file->desc;
	struct mreg_error why = MREG_ERROR_INIT;
	struct mreg_progress p = { .kind = MREG_PROGRESS_PHASE,
				   .label = s->file->path,
				   .total = d->size };
	struct mr_stream *raw;
	int rc;

	rc = mr_stream_file(fd, 0, d->size, s->file->path, &raw, err);
	if (rc == 0)
		rc = mr_stream_verify(raw, d, &in, err);
	if (rc < 0)
		return rc;
	mr_progress(&c->m->env, &p);
	rc = drain(&c->m->env, in, &why);
	(void)atomic_fetch_add(&c->hashed, d->size);
	*right = rc == 0;
	/* Other bytes, or fewer by now, are an answer. */
	if (rc == 0 || rc == MREG_EINTEGRITY || rc == MREG_ECONFLICT)
		return 0;
	if (err)
		*err = why;
	return rc;
}

/* `*known`: whether the state can tell; it knows SHA-256 alone. */
static bool ask_state(struct check *c, const struct spot *s, bool *right)
{
	const struct mreg_digest *d = &s->file->desc.digest;
	char text[MREG_DIGEST_TEXT];
	struct mr_state_file f;

	if (c->o->verify_files || d->algorithm != MREG_SHA256 ||
	    !mr_state_file_get(c->m->state, &s->id, &f))
		return false;
	*right = strcmp(f.digest, mreg_digest_text(d, text)) == 0;
	return true;
}

static int check_one(void *ctx, size_t index, struct mreg_error *err)
{
	struct check *c = ctx;
	struct spot *s = &c->spots[index];
	MR_AUTO(mr_fd_close) int fd = -1;
	struct stat st = { .st_mode = 0 };
	bool right = false;
	int rc;

	if (s->file->archive) {
		s->state = MREG_CHECK_PACKED;
		return 0;
	}
	rc = open_spot(c, s, &fd, &st, err);
	if (rc < 0 || fd < 0)
		return rc;
	mr_file_id(&st, &s->id);
	s->known = ask_state(c, s, &right);
	if (!s->known) {
		int own = fcntl(fd, F_DUPFD_CLOEXEC, 0);

		if (own < 0)
			return fail_look(s, err);
		rc = hash(c, s, own, &right, err);
		if (rc < 0)
			return rc;
	}
	s->state = right ? MREG_CHECK_RIGHT : MREG_CHECK_CHANGED;
	if (right && !s->known && fstat(fd, &st) == 0) {
		struct mr_file_id now;

		mr_file_id(&st, &now);
		s->remember = mr_file_id_equal(&now, &s->id);
	}
	if (right && !(st.st_mode & S_IXUSR) != !s->file->executable)
		s->state = MREG_CHECK_MODE;
	return 0;
}

/* What was read need not be read again. */
static void remember(struct check *c)
{
	char text[MREG_DIGEST_TEXT];
	size_t i;

	mr_state_begin(c->m->state);
	for (i = 0; i < c->look.count; i++) {
		const struct spot *s = &c->spots[i];
		struct mr_state_file f = { .judged = false };
		struct mr_state_file before;

		if (!s->remember ||
		    s->file->desc.digest.algorithm != MREG_SHA256 ||
		    mr_state_file_get(c->m->state, &s->id, &before))
			continue;
		(void)snprintf(f.digest, sizeof(f.digest), "%s",
			       mreg_digest_text(&s->file->desc.digest, text));
		mr_state_file_put(c->m->state, &s->id, s->looked_ns, &f);
	}
	mr_state_end(c->m->state);
}

/* -- what else is there ---------------------------------------------------- */

static int compare_key(const void *key, const void *item)
{
	const struct spot *s = item;

	return strcmp(key, s->file->path);
}

/* Whether the version has this path; or, of a link to a folder, something
 * below it. */
static bool is_own(const struct check *c, const struct mr_entry *e)
{
	size_t n = strlen(e->path);
	size_t i;

	if (c->look.count && bsearch(e->path, c->spots, c->look.count,
				     sizeof(*c->spots), compare_key))
		return true;
	for (i = 0; e->is_link && i < c->look.count; i++)
		if (strncmp(c->spots[i].file->path, e->path, n) == 0 &&
		    c->spots[i].file->path[n] == '/')
			return true;
	return false;
}

/* An archive's files are not known by name: then nothing is extra. */
static int find_extra(struct check *c, struct mreg_error *err)
{
	struct mr_listing *l;
	size_t n = 0;
	size_t i;
	int rc;

	if (c->packed)
		return 0;
	rc = mr_tree_list(c->tree, &c->m->env, &c->listing, err);
	if (rc < 0)
		return rc;
	l = c->listing;
	for (i = 0; i < l->count; i++)
		if (!is_own(c, &l->files[i]))
			l->files[n++] = l->files[i];
	l->count = n;
	return 0;
}

/* -- the result ------------------------------------------------------------ */

static uint64_t *counter(struct mreg_check_result *r,
			 enum mreg_check_state state)
{
	switch (state) {
	case MREG_CHECK_MISSING:
		return &r->missing;
	case MREG_CHECK_CHANGED:
		return &r->changed;
	case MREG_CHECK_MODE:
		return &r->mode;
	case MREG_CHECK_OTHER:
		return &r->other;
	case MREG_CHECK_EXTRA:
		return &r->extra;
	case MREG_CHECK_PACKED:
		return &r->packed;
	case MREG_CHECK_RIGHT:
		break;
	}
	return &r->right;
}

static int compare_rows(const void *a, const void *b)
{
	const struct mreg_check_file *x = a;
	const struct mreg_check_file *y = b;

	return strcmp(x->path, y->path);
}

static void take_rows(struct check *c, struct mreg_check_result *out)
{
	size_t extra = c->listing ? c->listing->count : 0;
	struct mr_arena *a = out->owner;
	struct mreg_check_file *rows;
	size_t n = 0;
	size_t i;

	rows = mr_arena_alloc(a, (c->look.count + extra + 1) * sizeof(*rows));
	for (i = 0; rows && i < c->look.count; i++) {
		const struct spot *s = &c->spots[i];

		++*counter(out, s->state);
		out->files_known += s->known;
		if (s->state == MREG_CHECK_RIGHT)
			continue;
		rows[n].path = mr_arena_strdup(a, s->file->path);
		rows[n].state = s->state;
		rows[n].size = s->file->desc.size;
		rows[n].digest = s->file->desc.digest;
		rows[n++].executable = s->file->executable;
	}
	for (i = 0; rows && i < extra; i++) {
		rows[n].path = mr_arena_strdup(a, c->listing->files[i].path);
		rows[n++].state = MREG_CHECK_EXTRA;
	}
	out->extra = extra;
	out->files = rows;
	out->file_count = n;
	if (rows && !mr_arena_failed(a))
		qsort(rows, n, sizeof(*rows), compare_rows);
}

static int take_result(struct check *c, struct mreg_check_result *out,
		       struct mreg_error *err)
{
	struct mr_arena *a = out->owner;
	struct mr_identity id;

	mr_look_identity(&c->look, a, &id);
	out->directory = mr_arena_strdup(a, c->dir);
	out->name = id.name;
	out->reference = id.reference;
	out->tag = id.tag;
	out->number = id.number;
	out->digest = c->look.manifest->desc.digest;
	out->remembered = c->remembered;
	out->bytes_hashed = atomic_load(&c->hashed);
	take_rows(c, out);
	out->same = !out->missing && !out->changed && !out->mode &&
		    !out->other && !(c->o->exact && out->extra) && !out->packed;
	return mr_result_check(a, err);
}

/* -- the door -------------------------------------------------------------- */

static int run(struct check *c, const char *ref, struct mreg_check_result *out,
	       struct mreg_error *err)
{
	int rc = mr_tree_open(c->dir, false, &c->tree, err);

	if (rc == MREG_EUSAGE)
		return mr_hint(err, "name the directory that holds the files");
	if (rc >= 0)
		rc = ref ? open_named(c, ref, err) : recall(c, err);
	if (rc >= 0)
		rc = take_files(c, err);
	if (rc >= 0)
		rc = mr_task_run(&c->m->env, mr_session_jobs(c->m, c->o->jobs),
				 c->look.count, check_one, c, err);
	if (rc >= 0)
		rc = find_extra(c, err);
	if (rc < 0)
		return rc;
	remember(c);
	return take_result(c, out, err);
}

int mreg_check(struct mreg *m, const char *dir, const char *ref,
	       const struct mreg_check_opts *given,
	       struct mreg_check_result *out, struct mreg_error *err)
{
	struct mreg_progress end = { .kind = MREG_PROGRESS_END, .label = "" };
	struct mreg_check_opts o = MREG_CHECK_OPTS_INIT;
	struct check c = { .m = m, .o = &o, .dir = dir };
	struct mr_arena *arena;
	int rc;

	memset(out, 0, sizeof(*out));
	atomic_init(&c.hashed, 0);
	if (given)
		mr_opts_take(&o, sizeof(o), given, given->size);
	rc = mr_result_arena(&arena, err);
	if (rc < 0)
		return rc;
	out->owner = arena;
	rc = run(&c, ref, out, err);
	mr_progress(&m->env, &end);
	check_release(&c);
	if (rc < 0)
		mreg_check_result_release(out);
	return rc;
}

void mreg_check_result_release(struct mreg_check_result *r)
{
	mr_arena_free(r->owner);
	memset(r, 0, sizeof(*r));
}
