/*
 * life/changelog.h - the two positions of an alias that a changelog is about;
 * private to the folder.
 */
#ifndef MR_LIFE_CHANGELOG_H
#define MR_LIFE_CHANGELOG_H

#include <stddef.h>
#include <stdint.h>

#include "history/history.h"
#include "mreg/changelog.h"

#define MR_NOWHERE SIZE_MAX

/* A version, and which of the alias's moves led there. */
struct mr_position {
	struct mreg_digest version;
	size_t move; /* among `moves`; MR_NOWHERE: none did */
};

struct mr_changes {
	struct mreg *m;
	struct mr_store *s;  /* owned */
	struct mreg_ref ref; /* its tag is the alias */
	struct mr_history h;
	struct mr_standing now;
	const struct mreg_changelog_opts *o;
	struct mr_arena *arena;        /* borrowed; of the result */
	const struct mr_event **moves; /* of the alias, in fold order */
	size_t move_count;
	struct mr_position from, to;
	struct mreg_changelog_result *out;
};

/* changelog_find.c: `moves` and the two positions, by the log and what is
 * standing. */
int mr_changes_find(struct mr_changes *c, struct mreg_error *err);

#endif
