/*
 * files_seed.c - seeds: files and local stores that may have the bytes that a
 * target wants, as one store to copy from.
 */
#include "store/seed.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/mem.h"
#include "content/digest.h"

#define ARENA_MAX_BYTES (256u << 20)
#define NS_PER_S INT64_C(1000000000)

static const struct mr_store_ops seeds_ops;

struct mr_seeds *mr_seeds_of(struct mr_store *s)
{
	assert(s->ops == &seeds_ops);
	return mr_container_of(s, struct mr_seeds, base);
}

/* -- finding ----------------------------------------------------------- */

/* By size; then the same file together, what is known of it first. */
static int compare_seed(const void *a, const void *b)
{
	const struct mr_seed_file *x = a;
	const struct mr_seed_file *y = b;

	if (x->id.size != y->id.size)
		return x->id.size < y->id.size ? -1 : 1;
	if (x->id.dev != y->id.dev)
		return x->id.dev < y->id.dev ? -1 : 1;
	if (x->id.ino != y->id.ino)
		return x->id.ino < y->id.ino ? -1 : 1;
	return (x->fact != MR_FACT_KNOWN) - (y->fact != MR_FACT_KNOWN);
}

/* Sort, and let one name stand for each file. */
static void sort(struct mr_seeds *s)
{
	size_t n = 0;
	size_t i;

	s->sorted = true;
	if (!s->count)
		return;
	qsort(s->files, s->count, sizeof(*s->files), compare_seed);
	for (i = 0; i < s->count; i++)
		if (n == 0 || s->files[n - 1].id.dev != s->files[i].id.dev ||
		    s->files[n - 1].id.ino != s->files[i].id.ino)
			s->files[n++] = s->files[i];
	s->count = n;
}

static int open_seed(const struct mr_seed_file *f, int *fd)
{
	int flags = O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
	struct mr_file_id id;
	struct stat st;

	if (f->tree) {
		if (mr_tree_openat(f->tree, f->path, flags | O_NOFOLLOW, 0, fd,
				   NULL) < 0)
			return -1;
	} else {
		*fd = open(f->path, flags);
	}
	if (*fd < 0 || fstat(*fd, &st) < 0)
		return -1;
	mr_file_id(&st, &id);
	return S_ISREG(st.st_mode) && mr_file_id_equal(&id, &f->id) ? 0 : -1;
}

static void remember(struct mr_seeds *s, const struct mr_seed_file *f, int fd,
		     const struct mreg_digest *digest)
{
	struct mr_state_file found = { .judged = false };
	char text[MREG_DIGEST_TEXT];
	struct timespec now;
	struct mr_file_id id;
	struct stat st;

	(void)clock_gettime(CLOCK_REALTIME, &now); /* cannot fail */
	if (fstat(fd, &st) < 0)
		return;
	mr_file_id(&st, &id);
	if (!mr_file_id_equal(&id, &f->id))
		return; /* changed while it was read */
	(void)snprintf(found.digest, sizeof(found.digest), "%s",
		       mreg_digest_text(digest, text));
	mr_state_file_put(s->state, &id, now.tv_sec * NS_PER_S + now.tv_nsec,
			  &found);
}

/* Read a seed for its digest; only being interrupted is an error. */
static int hash_seed(struct mr_seeds *s, const struct mr_seed_file *f,
		     struct mreg_digest *out, bool *known,
		     struct mreg_error *err)
{
	struct mreg_progress p = { .kind = MREG_PROGRESS_PHASE,
				   .label = f->path };
	MR_AUTO(mr_stream_closep) struct mr_stream *in = NULL;
	MR_AUTO(mr_free) char *chunk = mr_alloc(MR_CHUNK_BYTES);
	struct mr_measure m = { .size = 0 };
	MR_AUTO(mr_fd_close) int fd = -1;
	struct mr_stream *raw;
	ssize_t got;
	int own;

	*known = false;
	if (!chunk || open_seed(f, &fd) < 0)
		return 0;
	mr_progress(s->base.env, &p);
	own = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (own < 0 ||
	    mr_stream_file(own, 0, f->id.size, f->path, &raw, NULL) < 0 ||
	    mr_stream_measure(raw, &m, &in, NULL) < 0)
		return 0;
	do {
		int rc = mr_check_cancel(s->base.env, err);

		if (rc < 0)
			return rc;
		got = mr_stream_read(in, chunk, MR_CHUNK_BYTES, NULL);
	} while (got > 0);
	*known = m.complete && got == 0;
	if (!*known)
		return 0;
	*out = m.digest;
	remember(s, f, fd, out);
	return 0;
}

/* The first file of the size. */
static size_t first_of(const struct mr_seeds *s, uint64_t size)
{
	size_t low = 0;
	size_t high = s->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (s->files[middle].id.size < size)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Under the lock: a file with the digest, one that is not known yet, or one
 * that somebody is about to know. */
static struct mr_seed_file *pick(struct mr_seeds *s, const struct mreg_desc *d,
				 enum mr_fact fact)
{
	size_t i;

	for (i = first_of(s, d->size);
	     i < s->count && s->files[i].id.size == d->size; i++)
		if (s->files[i].fact == fact &&
		    (fact != MR_FACT_KNOWN ||
		     mreg_digest_equal(&s->files[i].digest, &d->digest)))
			return &s->files[i];
	return NULL;
}

/* `*out` NULL: no file has it.  Files stay where they are once sorted. */
static int find_file(struct mr_seeds *s, const struct mreg_desc *d,
		     struct mr_seed_file **out, struct mreg_error *err)
{
	/* Files are measured with sha256. */
	bool hash = d->digest.algorithm == MREG_SHA256;
	int rc = 0;

	(void)pthread_mutex_lock(&s->lock);
	if (!s->sorted)
		sort(s);
	while (rc == 0) {
		struct mreg_digest digest;
		struct mr_seed_file *f;
		bool known;

		*out = pick(s, d, MR_FACT_KNOWN);
		if (*out || !hash)
			break;
		f = pick(s, d, MR_FACT_RAW);
		if (!f && pick(s, d, MR_FACT_BUSY)) {
			(void)pthread_cond_wait(&s->told, &s->lock);
			continue;
		}
		if (!f)
			break;
		f->fact = MR_FACT_BUSY;
		(void)pthread_mutex_unlock(&s->lock);
		rc = hash_seed(s, f, &digest, &known, err);
		(void)pthread_mutex_lock(&s->lock);
		f->fact = rc == 0 && known ? MR_FACT_KNOWN : MR_FACT_NONE;
		if (f->fact == MR_FACT_KNOWN)
			f->digest = digest;
		(void)pthread_cond_broadcast(&s->told);
	}
	(void)pthread_mutex_unlock(&s->lock);
	return rc;
}

static struct mr_store *find_store(struct mr_seeds *s,
				   const struct mreg_desc *d)
{
	bool found;
	size_t i;

	for (i = 0; i < s->store_count; i++)
		if (mr_store_has(s->stores[i], d, &found, NULL) == 0 && found)
			return s->stores[i];
	return NULL;
}

/* -- the table --------------------------------------------------------- */

static int seeds_has(struct mr_store *store, const struct mreg_desc *d,
		     bool *found, struct mreg_error *err)
{
	struct mr_seeds *s = mr_seeds_of(store);
	struct mr_seed_file *f = NULL;
	int rc = 0;

	*found = find_store(s, d) != NULL;
	if (!*found)
		rc = find_file(s, d, &f, err);
	*found = *found || f;
	return rc;
}

static int seeds_file(struct mr_store *store, const struct mreg_desc *d,
		      int *fd, struct mreg_error *err)
{
	struct mr_seeds *s = mr_seeds_of(store);
	struct mr_store *other = find_store(s, d);
	struct mr_seed_file *f = NULL;
	int rc;

	*fd = -1;
	if (other)
		rc = mr_store_file(other, d, fd, err);
	else
		rc = find_file(s, d, &f, err);
	if (rc < 0)
		return rc;
	if (other ? *fd < 0 : !f)
		return mr_fail(err, MREG_ENOTFOUND, "no seed has this digest");
	if (other)
		return 0;
	if (open_seed(f, fd) == 0)
		return 0;
	mr_fd_close(fd);
	return mr_fail(err, MREG_ENOTFOUND, "seed '%s' has changed", f->path);
}

static int seeds_open(struct mr_store *store, const struct mreg_desc *d,
		      uint64_t offset, uint64_t length, struct mr_stream **out,
		      struct mreg_error *err)
{
	struct mr_seeds *s = mr_seeds_of(store);
	struct mr_store *other = find_store(s, d);
	int fd, rc;

	if (other)
		return mr_store_open_range(other, d, offset, length, out, err);
	rc = seeds_file(store, d, &fd, err);
	if (rc < 0)
		return rc;
	return mr_stream_file(fd, offset, length, "seed", out, err);
}

static void seeds_free(struct mr_store *store)
{
	struct mr_seeds *s = mr_seeds_of(store);
	size_t i;

	for (i = 0; i < s->store_count; i++)
		mr_store_close(s->stores[i]);
	mr_release(s->stores);
	mr_release(s->files);
	mr_release(s->sizes);
	mr_arena_free(s->arena);
	(void)pthread_cond_destroy(&s->told);
	(void)pthread_mutex_destroy(&s->lock);
	mr_release(s->base.name);
	mr_release(s);
}

static const struct mr_store_ops seeds_ops = {
	.kind = "seeds",
	.has = seeds_has,
	.open = seeds_open,
	.free = seeds_free,
	.file = seeds_file,
};

int mr_seeds_open(struct mr_env *env, struct mr_state *state,
		  const uint64_t *sizes, size_t size_count,
		  struct mr_store **out, struct mreg_error *err)
{
	struct mr_seeds *s = mr_zalloc(sizeof(*s));

	if (!s)
		return mr_fail_nomem(err);
	s->base.ops = &seeds_ops;
	s->base.env = env;
	s->state = state;
	(void)pthread_mutex_init(&s->lock, NULL); /* cannot fail on Linux */
	(void)pthread_cond_init(&s->told, NULL);
	s->base.name = mr_strdup("seeds");
	s->arena = mr_arena_new(ARENA_MAX_BYTES);
	s->sizes = mr_array(size_count + 1, sizeof(*s->sizes));
	if (!s->base.name || !s->arena || !s->sizes) {
		seeds_free(&s->base);
		return mr_fail_nomem(err);
	}
	if (size_count)
		memcpy(s->sizes, sizes, size_count * sizeof(*sizes));
	s->size_count = size_count;
	qsort(s->sizes, size_count, sizeof(*s->sizes), mr_seeds_compare_size);
	*out = &s->base;
	return 0;
}
