/*
 * run_files.c - the files below an MLflow run's folder
 * (mlflow/store/tracking/file_store.py).
 */
#include "document/run.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/mem.h"
#include "document/fields.h"

/* Of one folder; a manifest could not hold more anyway. */
#define FILES_MAX 10000
/* MLflow's own limit for names (MAX_ENTITY_KEY_LENGTH), and more folders than
 * they make. */
#define NAME_MAX_BYTES 250
#define DEPTH_MAX 16
/* A million steps. */
#define HISTORY_MAX_BYTES (64u << 20)
/* Of a line that counts: two 64-bit numbers, a float, a data set's name (500)
 * and digest. */
#define LINE_MAX_BYTES 1024
#define PIECE_BYTES 16384

/* -- opening ----------------------------------------------------------------
 */

/* openat(2) component by component, for O_NOFOLLOW is about the last one only;
 * -1 when there is no such thing. */
static int open_below(int dir, const char *path, int flags)
{
	MR_AUTO(mr_fd_close) int at = -1;
	char name[NAME_MAX_BYTES + 1];
	size_t n;
	int fd;

	for (;;) {
		n = strcspn(path, "/");
		if (n == 0 || n >= sizeof(name) ||
		    (n <= 2 && strncmp(path, "..", n) == 0))
			return -1;
		memcpy(name, path, n);
		name[n] = '\0';
		fd = openat(at < 0 ? dir : at, name,
			    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY |
				    O_CLOEXEC |
				    (path[n] ? O_DIRECTORY : flags));
		if (fd < 0 || !path[n])
			return fd;
		mr_fd_close(&at);
		at = fd;
		path += n + 1;
	}
}

/* -1: no regular file of at most `max` bytes. */
static int open_file(int dir, const char *path, uint64_t max)
{
	struct stat st;
	int fd = open_below(dir, path, 0);

	if (fd >= 0 && (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) ||
			(uint64_t)st.st_size > max))
		mr_fd_close(&fd);
	return fd;
}

/* Up to `n` bytes; 0 at the end, and where reading fails: such a file is left
 * out or cut short like one that is being written. */
static size_t read_some(int fd, char *out, size_t n)
{
	ssize_t got;

	do {
		got = read(fd, out, n);
	} while (got < 0 && errno == EINTR);
	return got > 0 ? (size_t)got : 0;
}

int mr_run_load(int dir, const char *path, struct mr_buf *out, bool *found,
		struct mreg_error *err)
{
	MR_AUTO(mr_fd_close) int fd = open_file(dir, path, out->max);
	char piece[PIECE_BYTES];
	size_t got;

	*found = false;
	if (fd < 0)
		return 0;
	while (!out->failed && (got = read_some(fd, piece, sizeof(piece))) > 0)
		mr_buf_add(out, piece, got);
	if (out->failed == MREG_ENOMEM)
		return mr_fail_nomem(err);
	*found = !out->failed; /* it may have grown since */
	return 0;
}

/* -- names ------------------------------------------------------------------
 */

struct names {
	struct mr_list *out; /* borrowed */
	const char *folder;  /* for messages */
	size_t seen;         /* entries, also those that are left out */
};

static int list_folder(struct names *l, int fd, const char *prefix,
		       unsigned int depth, struct mreg_error *err);

static int list_entry(struct names *l, int dir, const char *prefix,
		      const char *name, unsigned int depth,
		      struct mreg_error *err)
{
	char path[NAME_MAX_BYTES + 1];
	size_t lead = strlen(prefix);
	size_t n = strlen(name);
	struct stat st;
	int fd;

	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return 0;
	if (++l->seen > FILES_MAX)
		return mr_fail(err, MREG_ELIMIT,
			       "more than %d files in '%s' of the run",
			       FILES_MAX, l->folder);
	if (name[0] == '.' || lead + n + 2 > sizeof(path) ||
	    !mr_fields_is_clean(name, n, false))
		return 0;
	memcpy(path, prefix, lead);
	memcpy(path + lead, name, n + 1);
	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return 0; /* gone since */
	if (S_ISREG(st.st_mode))
		return mr_list_add(l->out, path, err);
	if (!S_ISDIR(st.st_mode) || depth == DEPTH_MAX)
		return 0;
	fd = open_below(dir, name, O_DIRECTORY);
	if (fd < 0)
		return 0;
	memcpy(path + lead + n, "/", 2);
	return list_folder(l, fd, path, depth + 1, err);
}

/* Takes `fd`. */
static int list_folder(struct names *l, int fd, const char *prefix,
		       unsigned int depth, struct mreg_error *err)
{
	DIR *entries = fdopendir(fd);
	const struct dirent *e;
	int rc = 0;

	if (!entries) {
		mr_fd_close(&fd);
		return mr_fail_nomem(err); /* the one reason for a folder */
	}
	while (rc == 0 && (e = readdir(entries)))
		rc = list_entry(l, dirfd(entries), prefix, e->d_name, depth,
				err);
	(void)closedir(entries); /* nothing was written */
	return rc;
}

int mr_run_names(int dir, const char *folder, struct mr_list *out,
		 struct mreg_error *err)
{
	struct names l = { .out = out, .folder = folder };
	int fd = open_below(dir, folder, O_DIRECTORY);
	int rc = 0;

	if (fd >= 0)
		rc = list_folder(&l, fd, "", 0, err);
	mr_list_sort(out);
	return rc;
}

/* -- metrics ----------------------------------------------------------------
 */

struct point {
	long long step, time;
	double number;
	char text[MR_RUN_NUMBER_BYTES]; /* of the number, as written */
};

struct history {
	struct point last;
	bool any;
	char line[LINE_MAX_BYTES]; /* so far */
	size_t len;
	bool skip; /* the rest of a line that is too long */
};

/* The next of `*at`'s fields, cut off it; NULL: there is none. */
static char *next_field(char **at)
{
	return *at ? strsep(at, " ") : NULL;
}

/* "TIME VALUE [STEP [DATASET DIGEST]]"; false: no line of a history. */
static bool read_point(char *line, struct point *p)
{
	const char *when = next_field(&line);
	const char *value = next_field(&line);
	const char *step = next_field(&line);
	char *end;

	if (!when || !value || strlen(value) >= sizeof(p->text))
		return false;
	p->time = strtoll(when, &end, 10);
	if (end == when || *end)
		return false;
	p->number = strtod(value, &end);
	if (end == value || *end)
		return false;
	p->step = step ? strtoll(step, &end, 10) : 0;
	if (step && (end == step || *end))
		return false;
	memcpy(p->text, value, strlen(value) + 1);
	return true;
}

/* MLflow shows the largest value at the largest time of the largest step. */
static bool is_later(const struct point *a, const struct point *b)
{
	if (a->step != b->step)
		return a->step > b->step;
	if (a->time != b->time)
		return a->time > b->time;
	return a->number > b->number;
}

static void end_line(struct history *h)
{
	struct point p;

	while (h->len > 0 && memchr(" \t\r", h->line[h->len - 1], 3))
		h->len--;
	h->line[h->len] = '\0';
	if (!h->skip && read_point(h->line, &p) &&
	    (!h->any || is_later(&p, &h->last))) {
		h->last = p;
		h->any = true;
	}
	h->len = 0;
	h->skip = false;
}

static void add_piece(struct history *h, const char *piece, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (piece[i] == '\n')
			end_line(h);
		else if (h->len + 1 < sizeof(h->line))
			h->line[h->len++] = piece[i];
		else
			h->skip = true;
	}
}

int mr_run_metric(int dir, const char *path, char value[MR_RUN_NUMBER_BYTES],
		  bool *found, struct mreg_error *err)
{
	MR_AUTO(mr_fd_close) int fd = open_file(dir, path, HISTORY_MAX_BYTES);
	MR_AUTO(mr_free) struct history *h = mr_zalloc(sizeof(*h));
	char piece[PIECE_BYTES];
	uint64_t left = HISTORY_MAX_BYTES; /* it may grow meanwhile */
	size_t got;

	*found = false;
	if (!h)
		return mr_fail_nomem(err);
	while (fd >= 0 && left > 0 &&
	       (got = read_some(fd, piece, sizeof(piece))) > 0) {
		add_piece(h, piece, got);
		left -= got < left ? got : left;
	}
	if (h->len > 0)
		end_line(h);
	if (!h->any || !isfinite(h->last.number) ||
	    !mr_json_is_number(h->last.text))
		return 0;
	memcpy(value, h->last.text, sizeof(h->last.text));
	*found = true;
	return 0;
}
