/*
 * writer.c - the bytes of a part on their way to the disk: past the page cache
 * where that works, else with write-back begun early.
 */
#include "store/writer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"

/* Below, the page cache is faster than waiting for the disk. */
#define LARGE_BYTES (UINT64_C(64) << 20)
/* Offsets, lengths and addresses that every device takes. */
#define DIRECT_ALIGN 4096u
/* Enough for the disk to be busy with, little enough to wait for at the end. */
#define UNSENT_MAX_BYTES (UINT64_C(8) << 20)

void mr_writer_init(struct mr_writer *w, int fd, uint64_t size,
		    const char *name)
{
	w->fd = fd;
	w->name = name;
	w->large = size >= LARGE_BYTES;
	(void)pthread_mutex_init(&w->lock, NULL); /* cannot fail on Linux */
	w->direct = -1;
	w->refused = false;
	w->unsent = 0;
}

void mr_writer_release(struct mr_writer *w)
{
	mr_fd_close(&w->direct);
	(void)pthread_mutex_destroy(&w->lock);
}

/* Files that begin to be written now are on the disk sooner; that is all. */
static void send_early(struct mr_writer *w, size_t n)
{
	bool now;

	(void)pthread_mutex_lock(&w->lock);
	w->unsent += n;
	now = w->unsent >= UNSENT_MAX_BYTES;
	if (now)
		w->unsent = 0;
	(void)pthread_mutex_unlock(&w->lock);
	if (now)
		(void)sync_file_range(w->fd, 0, 0, SYNC_FILE_RANGE_WRITE);
}

int mr_writer_put(struct mr_writer *w, const void *buf, size_t n,
		  uint64_t offset, struct mreg_error *err)
{
	int rc = mr_file_write_at(w->fd, buf, n, offset, w->name, err);

	if (rc == 0 && w->large)
		send_early(w, n);
	return rc;
}

/* The same file once more, for O_DIRECT is a property of an open file; -1:
 * not here (tmpfs, some overlays, no /proc). */
static int direct_file(struct mr_writer *w)
{
	char path[64];
	int fd;

	(void)pthread_mutex_lock(&w->lock);
	if (w->direct < 0 && !w->refused) {
		(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", w->fd);
		w->direct = open(path, O_WRONLY | O_DIRECT | O_CLOEXEC);
		w->refused = w->direct < 0;
	}
	fd = w->refused ? -1 : w->direct;
	(void)pthread_mutex_unlock(&w->lock);
	return fd;
}

/* How many of the bytes went past the cache; the rest is for the caller. */
static size_t put_direct(struct mr_writer *w, int fd, const char *buf, size_t n,
			 uint64_t offset)
{
	size_t done = 0;
	ssize_t got;

	while (done < n) {
		got = pwrite(fd, buf + done, n - done, (off_t)(offset + done));
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0 && errno == EINVAL) {
			(void)pthread_mutex_lock(&w->lock);
			w->refused = true;
			(void)pthread_mutex_unlock(&w->lock);
		}
		/* Other trouble (no space, ...) comes again below, and is told
		 * there. */
		if (got <= 0 || got % DIRECT_ALIGN)
			return done;
		done += (size_t)got;
	}
	return done;
}

int mr_writer_put_through(struct mr_writer *w, const void *buf, size_t n,
			  uint64_t offset, struct mreg_error *err)
{
	bool fits = n % DIRECT_ALIGN == 0 && offset % DIRECT_ALIGN == 0 &&
		    (uintptr_t)buf % DIRECT_ALIGN == 0;
	size_t done = 0;
	int fd = w->large && fits ? direct_file(w) : -1;

	if (fd >= 0)
		done = put_direct(w, fd, buf, n, offset);
	if (done == n)
		return 0;
	return mr_writer_put(w, (const char *)buf + done, n - done,
			     offset + done, err);
}
