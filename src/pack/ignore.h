/*
 * pack/ignore.h - patterns in gitignore's language; private to the folder.
 *
 * gitignore(5), "PATTERN FORMAT": the last pattern that matches decides; a
 * pattern with a '/' before its end counts from the folder of its file, one
 * without counts at any depth; "!" takes back, a final "/" means folders.
 */
#ifndef MR_PACK_IGNORE_H
#define MR_PACK_IGNORE_H

#include <stdbool.h>
#include <stddef.h>

#include "mreg/error.h"

struct mr_ignore;

enum mr_verdict {
	MR_VERDICT_NONE, /* no pattern matches */
	MR_VERDICT_IGNORE,
	MR_VERDICT_KEEP, /* a "!" pattern */
};

/* The lines of a file, copied. */
int mr_ignore_parse(const char *text, size_t n, struct mr_ignore **out,
		    struct mreg_error *err);
/* Patterns from a command line: no comments, no trailing blanks to strip. */
int mr_ignore_list(const char *const *patterns, size_t n,
		   struct mr_ignore **out, struct mreg_error *err);
void mr_ignore_free(struct mr_ignore *ig);
void mr_ignore_freep(struct mr_ignore **ig); /* for MR_AUTO */

/* `path` is relative to the folder of the patterns.  `ig` may be NULL. */
enum mr_verdict mr_ignore_match(const struct mr_ignore *ig, const char *path,
				bool is_dir);

/* Whether one component of a path matches: '*', '?', sets with ranges, '!' or
 * '^' and POSIX classes, backslash quotes. */
bool mr_ignore_component(const char *pattern, size_t pattern_len,
			 const char *name, size_t name_len);

#endif
