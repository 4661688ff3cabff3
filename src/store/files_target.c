/*
 * files_target.c - a directory that a model's files arrive in: parts are
 * written here, and get their final names in files_publish.c.
 */
#include "store/files.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/mem.h"
#include "content/digest.h"
#include "store/writer.h"

/* How often a part's progress is remembered.  A killed process loses this much
 * and what was under way to it: less than product.md 5.2's 16 MiB. */
#define RECORD_BYTES (UINT64_C(4) << 20)
/* Less is fetched again sooner than its remembering is worth. */
#define KEEP_MIN_BYTES (UINT64_C(1) << 20)
/* Smaller parts are not synced one by one but together, before publishing. */
#define SYNC_NOW_BYTES (UINT64_C(4) << 20)

struct part {
	struct mr_sink base;
	struct mr_target *target; /* borrowed */
	struct mr_goal *goal;     /* borrowed */
	int fd;                   /* owned, flocked */
	struct mr_writer writer;
	struct mr_spans left; /* owned; written by the one before */
	pthread_mutex_t lock; /* of what follows */
	struct mr_spans done; /* owned; written by now */
	uint64_t unrecorded;  /* bytes of `done` since it was remembered */
};

static const struct mr_store_ops target_ops;

struct mr_target *mr_target_of(struct mr_store *s)
{
	assert(s->ops == &target_ops);
	return mr_container_of(s, struct mr_target, base);
}

static int compare_goal(const void *key, const void *item)
{
	const struct mr_goal *g = item;

	return mr_digest_compare(key, &g->desc->digest);
}

struct mr_goal *mr_target_goal(const struct mr_target *t,
			       const struct mreg_digest *digest)
{
	return bsearch(digest, t->goals, t->goal_count, sizeof(*t->goals),
		       compare_goal);
}

/* -- a part as a sink -------------------------------------------------- */

/* Written: one day the process is killed. */
static int note_written(struct part *p, int rc, size_t n, uint64_t offset)
{
	if (rc < 0)
		return rc;
	(void)pthread_mutex_lock(&p->lock);
	/* Only a hint: what there is no memory for is fetched again. */
	(void)mr_spans_add(&p->done, offset, offset + n, NULL);
	p->unrecorded += n;
	if (p->unrecorded >= RECORD_BYTES) {
		mr_part_record(p->target, p->goal, p->fd, &p->done);
		p->unrecorded = 0;
	}
	(void)pthread_mutex_unlock(&p->lock);
	return 0;
}

static int part_write_at(struct mr_sink *s, const void *buf, size_t n,
			 uint64_t offset, struct mreg_error *err)
{
	struct part *p = mr_container_of(s, struct part, base);

	return note_written(p, mr_writer_put(&p->writer, buf, n, offset, err),
			    n, offset);
}

static int part_write_through(struct mr_sink *s, const void *buf, size_t n,
			      uint64_t offset, struct mreg_error *err)
{
	struct part *p = mr_container_of(s, struct part, base);

	return note_written(
		p, mr_writer_put_through(&p->writer, buf, n, offset, err), n,
		offset);
}

static ssize_t part_read_at(struct mr_sink *s, void *buf, size_t n,
			    uint64_t offset, struct mreg_error *err)
{
	struct part *p = mr_container_of(s, struct part, base);

	return mr_part_read(p->fd, buf, n, offset, p->goal->spots->place->path,
			    err);
}

static const struct mr_spans *part_left(struct mr_sink *s)
{
	return &mr_container_of(s, struct part, base)->left;
}

static void part_free(struct part *p)
{
	mr_writer_release(&p->writer);
	mr_fd_close(&p->fd); /* and give up the flock */
	mr_spans_release(&p->left);
	mr_spans_release(&p->done);
	(void)pthread_mutex_destroy(&p->lock);
	mr_release(p);
}

static void part_abort(struct mr_sink *s)
{
	struct part *p = mr_container_of(s, struct part, base);
	char name[MR_PART_NAME];

	if (p->done.n > 0)
		mr_part_record(p->target, p->goal, p->fd, NULL);
	/* Else it is hashed, or swept away, by the next pull. */
	(void)mr_tree_unlink(p->target->tree,
			     mr_part_name(p->goal, MR_PART_OWN, name), NULL);
	part_free(p);
}

/* Bytes that nobody will remember only take space. */
static void part_keep(struct mr_sink *s)
{
	struct part *p = mr_container_of(s, struct part, base);
	MR_AUTO(mr_spans_release) struct mr_spans seen = { .n = 0 };

	if (mr_spans_sum(&p->done) >= KEEP_MIN_BYTES) {
		mr_part_record(p->target, p->goal, p->fd, &p->done);
		mr_part_recall(p->target, p->goal, p->fd, &seen);
	}
	if (seen.n > 0)
		part_free(p);
	else
		part_abort(s);
}

/* What the verified sink has proven stays, complete; synced when it is
 * published, unless it is worth beginning now. */
static int part_commit(struct mr_sink *s, struct mreg_error *err)
{
	struct part *p = mr_container_of(s, struct part, base);
	bool now = p->goal->desc->size >= SYNC_NOW_BYTES;
	struct mr_target *t = p->target;
	struct stat st;

	if ((now && fdatasync(p->fd) < 0) || fstat(p->fd, &st) < 0) {
		int rc = mr_fail_sys(err, errno, "cannot write '%s'",
				     p->goal->spots->place->path);

		part_abort(s);
		return rc;
	}
	if (p->goal->desc->size >= RECORD_BYTES || p->left.n > 0)
		mr_part_record(t, p->goal, p->fd, NULL);
	(void)pthread_mutex_lock(&t->lock);
	p->goal->ready = true;
	p->goal->synced = now;
	mr_file_id(&st, &p->goal->part);
	(void)pthread_mutex_unlock(&t->lock);
	part_free(p);
	return 0;
}

static const struct mr_sink_ops part_ops = {
	.write_at = part_write_at,
	.write_through = part_write_through,
	.read_at = part_read_at,
	.commit = part_commit,
	.abort = part_abort,
	.keep = part_keep,
	.left = part_left,
};

/* -- the table --------------------------------------------------------- */

static int target_has(struct mr_store *s, const struct mreg_desc *d,
		      bool *found, struct mreg_error *err)
{
	struct mr_target *t = mr_target_of(s);
	struct mr_goal *g = mr_target_goal(t, &d->digest);
	MR_AUTO(mr_fd_close) int fd = -1;
	char name[MR_PART_NAME];
	int rc;

	if (!g || g->desc->size != d->size)
		return 0;
	rc = mr_goal_look(t, g, found, err);
	if (rc < 0 || *found)
		return rc;
	/* Who holds the part is not done with it. */
	rc = mr_part_lock(t, g, mr_part_name(g, MR_PART_OWN, name), false,
			  false, &fd, err);
	if (rc < 0 || fd < 0)
		return rc;
	return mr_part_prove(t, g, fd, found, err);
}

/* Only what is in its place already: parts belong to who fetches them. */
static int target_open(struct mr_store *s, const struct mreg_desc *d,
		       uint64_t offset, uint64_t length, struct mr_stream **out,
		       struct mreg_error *err)
{
	struct mr_target *t = mr_target_of(s);
	struct mr_goal *g = mr_target_goal(t, &d->digest);
	bool right = false;
	size_t i;
	int fd, rc;

	for (i = 0; g && i < g->count; i++) {
		const char *path = g->spots[i].place->path;

		rc = mr_spot_look(t, &g->spots[i], &right, err);
		if (rc == 0 && right)
			rc = mr_tree_openat(t->tree, path,
					    O_RDONLY | O_NOFOLLOW, 0, &fd, err);
		if (rc < 0)
			return rc;
		if (right)
			return mr_stream_file(fd, offset, length, path, out,
					      err);
	}
	return mr_fail(err, MREG_ENOTFOUND, "no file here has this digest");
}

/* Flocked: whether there is nothing left to write, and if so, clean up. */
static int settle(struct mr_target *t, struct mr_goal *g, const char *name,
		  int fd, bool *settled, struct mreg_error *err)
{
	int rc;

	rc = mr_goal_look(t, g, settled, err);
	if (rc == 0 && *settled) {
		(void)mr_tree_unlink(t->tree, name, NULL); /* swept, else */
		return 0;
	}
	if (rc == 0)
		rc = mr_part_prove(t, g, fd, settled, err);
	return rc;
}

/* A sink for the flocked part, which it takes: what is known to be written is
 * kept, else it is begun anew. */
static int part_new(struct mr_target *t, struct mr_goal *g, int *fd,
		    struct mr_sink **out, struct mreg_error *err)
{
	const char *path = g->spots->place->path;
	struct part *p = mr_zalloc(sizeof(*p));
	size_t i;
	int rc = 0;

	if (!p)
		return mr_fail_nomem(err);
	p->base.ops = &part_ops;
	p->target = t;
	p->goal = g;
	p->fd = *fd;
	*fd = -1;
	(void)pthread_mutex_init(&p->lock, NULL); /* cannot fail on Linux */
	mr_writer_init(&p->writer, p->fd, g->desc->size, path);
	mr_part_recall(t, g, p->fd, &p->left);
	for (i = 0; i < p->left.n && rc == 0; i++)
		rc = mr_spans_add(&p->done, p->left.items[i].start,
				  p->left.items[i].end, err);
	if (rc == 0 && p->left.n == 0 && ftruncate(p->fd, 0) < 0)
		rc = mr_fail_sys(err, errno, "cannot write '%s'", path);
	if (rc < 0) {
		part_free(p);
		return rc;
	}
	*out = &p->base;
	return 0;
}

static int target_begin(struct mr_store *s, const struct mreg_desc *d,
			struct mr_sink **out, struct mreg_error *err)
{
	struct mr_target *t = mr_target_of(s);
	struct mr_goal *g = mr_target_goal(t, &d->digest);
	MR_AUTO(mr_fd_close) int fd = -1;
	char name[MR_PART_NAME];
	bool settled = false;
	int rc;

	if (!g || g->desc->size != d->size)
		return mr_fail(err, MREG_EUSAGE,
			       "no file here has this digest "
			       "and size");
	mr_part_name(g, MR_PART_OWN, name);
	rc = mr_part_lock(t, g, name, true, true, &fd, err);
	if (rc == 0)
		rc = settle(t, g, name, fd, &settled, err);
	return rc < 0 || settled ? rc : part_new(t, g, &fd, out, err);
}

static void target_free(struct mr_store *s)
{
	struct mr_target *t = mr_target_of(s);

	(void)pthread_mutex_destroy(&t->lock);
	mr_release(t->spots);
	mr_release(t->goals);
	mr_release(t->base.name);
	mr_release(t);
}

static const struct mr_store_ops target_ops = {
	.kind = "files",
	.has = target_has,
	.open = target_open,
	.free = target_free,
	.begin = target_begin,
};

static int compare_spot(const void *a, const void *b)
{
	const struct mr_spot *x = a;
	const struct mr_spot *y = b;
	int order = mr_digest_compare(&x->place->desc.digest,
				      &y->place->desc.digest);

	/* In the order given where the digest is the same. */
	return order ? order : (x->place > y->place) - (x->place < y->place);
}

/* Sort the places by digest and make a goal of each digest. */
static int make_goals(struct mr_target *t, const struct mr_place *places,
		      size_t count, struct mreg_error *err)
{
	struct mr_goal *g = NULL;
	size_t i;

	for (i = 0; i < count; i++)
		t->spots[i].place = &places[i];
	t->spot_count = count;
	qsort(t->spots, count, sizeof(*t->spots), compare_spot);
	for (i = 0; i < count; i++) {
		const struct mreg_desc *d = &t->spots[i].place->desc;

		if (!g || !mreg_digest_equal(&g->desc->digest, &d->digest)) {
			g = &t->goals[t->goal_count++];
			g->desc = d;
			g->spots = &t->spots[i];
		}
		if (g->desc->size != d->size)
			return mr_fail(err, MREG_EINTEGRITY,
				       "'%s' and '%s' have one digest but "
				       "different sizes",
				       g->spots->place->path,
				       t->spots[i].place->path);
		g->count++;
	}
	return 0;
}

int mr_files_target(struct mr_env *env, struct mr_state *state,
		    struct mr_tree *tree, const struct mr_place *places,
		    size_t count, struct mr_store **out, struct mreg_error *err)
{
	struct mr_target *t = mr_zalloc(sizeof(*t));
	int rc;

	if (!t)
		return mr_fail_nomem(err);
	t->base.ops = &target_ops;
	t->base.env = env;
	t->state = state;
	t->tree = tree;
	(void)pthread_mutex_init(&t->lock, NULL); /* cannot fail on Linux */
	t->base.name = mr_strdup(mr_tree_dir(tree));
	t->spots = mr_array(count, sizeof(*t->spots));
	t->goals = mr_array(count, sizeof(*t->goals));
	if (t->base.name && t->spots && t->goals)
		rc = make_goals(t, places, count, err);
	else
		rc = mr_fail_nomem(err);
	if (rc < 0) {
		target_free(&t->base);
		return rc;
	}
	*out = &t->base;
	return 0;
}
