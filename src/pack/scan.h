/*
 * pack/scan.h - one entry of a folder while it is looked at; private to the
 * folder.
 */
#ifndef MR_PACK_SCAN_H
#define MR_PACK_SCAN_H

#include <sys/stat.h>

#include "pack/ignore.h"
#include "pack/pack.h"

/* How much of a path a message shows. */
#define MR_SCAN_SHOWN 160

struct mr_walk {
	struct mr_env *env;
	const struct mr_scan_opts *o;
	struct mr_scan *scan;
	size_t cap;                 /* of scan->files */
	struct mr_ignore *exclude;  /* owned; the options' */
	struct mr_ignore *defaults; /* owned */
	size_t folders;             /* entered so far */
};

/* An entry of a folder, or a file that was named.  All borrowed. */
struct mr_item {
	const char *source; /* from the working directory */
	const char *path;   /* in the model: the end of source */
	int dirfd;          /* `name` is below it */
	const char *name;
	bool via_link;
	struct stat st; /* of what a link leads to */
};

int mr_item_fail(const struct mr_item *it, enum mreg_code code,
		 const char *what, struct mreg_error *err);
int mr_item_fail_sys(const struct mr_item *it, int sys, struct mreg_error *err);
/* Neither file nor folder. */
int mr_item_fail_kind(const struct mr_item *it, struct mreg_error *err);

/* `it` is a symbolic link: look behind it, and say so in the log. */
int mr_item_follow(struct mr_walk *w, struct mr_item *it,
		   struct mreg_error *err);

/* Add a regular file to the scan. */
int mr_item_add(struct mr_walk *w, struct mr_item *it, struct mreg_error *err);

#endif
