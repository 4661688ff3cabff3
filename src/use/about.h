/*
 * use/about.h - a model and maybe one version of it, opened to read or write
 * events about it; private to the folder.
 */
#ifndef MR_USE_ABOUT_H
#define MR_USE_ABOUT_H

#include "history/history.h"

/* Of a text that an event holds: names, and what people say. */
#define MR_EVENT_NAME_MAX_BYTES 512
#define MR_EVENT_SAYS_MAX_BYTES 4096

struct mr_about {
	struct mreg *m;
	struct mr_store *s; /* owned */
	struct mreg_ref ref;
	struct mr_history h;
	struct mr_standing now;   /* of what `h` has */
	struct mreg_desc version; /* digest NONE: the model as a whole */
	bool locked;
	int64_t synced_s; /* by mr_about_recall; 0: not from the index */
};
void mr_about_release(struct mr_about *a); /* for MR_AUTO too */

enum mr_about_what {
	MR_ABOUT_ANY,     /* NAME, or REF of a version */
	MR_ABOUT_MODEL,   /* NAME; MREG_EUSAGE for one version */
	MR_ABOUT_VERSION, /* REF; NAME alone is its latest */
};

/* Open what `text` names, and resolve the version; the log is not read yet. */
int mr_about_open(struct mreg *m, const char *text, enum mr_about_what what,
		  struct mr_about *out, struct mreg_error *err);
/* The same to look only, from the index where that may be (repo/recall.h); the
 * log is read. */
int mr_about_recall(struct mreg *m, const char *text, enum mr_about_what what,
		    struct mr_about *out, struct mreg_error *err);
/* Read the log and fold it; with `lock`, under mr_store_lock until released.
 * MREG_ENOTFOUND: there is no such model. */
int mr_about_read(struct mr_about *a, bool lock, struct mreg_error *err);
/* Write an event on top of all that was read, and read again; `now` is not
 * good any more.  `rehearse`: in memory alone, so that what follows of it can
 * be told. */
int mr_about_write(struct mr_about *a, const struct mr_event *e, bool rehearse,
		   struct mreg_digest *written, struct mreg_error *err);
/* Make `now` what the log says as far as read. */
int mr_about_fold(struct mr_about *a, struct mreg_error *err);

/* The number that the log has for a version; 0: not known. */
uint64_t mr_about_number(const struct mr_about *a, const struct mreg_digest *d);
/* The model's name, in the arena. */
const char *mr_about_name(const struct mr_about *a, struct mr_arena *arena);

/* Add a field unless its text is NULL. */
void mr_event_put(struct mr_event *e, struct mr_event_field *fields,
		  const char *key, const char *text);
/* Whether what was given is a text of one line with at most `max` bytes; NULL
 * is.  MREG_EUSAGE naming `what`. */
int mr_event_check(const char *what, const char *text, size_t max,
		   struct mreg_error *err);

#endif
