/*
 * pack/path.h - what is wrong with a path; private to the folder.
 */
#ifndef MR_PACK_PATH_H
#define MR_PACK_PATH_H

#include <stdbool.h>

/* Why no file of a model or target may be called so, or NULL.  Our own
 * partial files are fine here: the tree opens them too. */
const char *mr_path_fault(const char *path);

/* Whether any component is the name of one of our partial files. */
bool mr_path_has_part(const char *path);

#endif
