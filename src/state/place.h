/*
 * state/place.h - where the state file lies, and whether it may be trusted;
 * private to the folder.
 */
#ifndef MR_STATE_PLACE_H
#define MR_STATE_PLACE_H

#include <stdbool.h>

/*
 * Have a file of ours at `path`, 0600, its folders made with 0700.  NULL, or
 * why it cannot be used, as text that lives as long as the process or until
 * the next error of this thread; `*warn` if the user should look at it: who
 * else may write there could put words in our mouth (security.md H104).
 */
const char *mr_state_place_prepare(const char *path, bool *warn);

/* The database and its helpers. */
void mr_state_place_remove(const char *path);

#endif
