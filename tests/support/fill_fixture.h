/*
 * tests/support/fill_fixture.h - metadata to be filled from what files and runs
 * say, and what came of it; for the tests of that.
 */
#ifndef TESTS_SUPPORT_FILL_FIXTURE_H
#define TESTS_SUPPORT_FILL_FIXTURE_H

#include "model/model.h"

struct rig {
	struct mr_meta *m;
	struct mr_list filled, notes;
};

/* Setup and teardown of a test whose state it is. */
int rig_fresh(void **state);
int rig_gone(void **state);
/* They succeed. */
void rig_fills(struct rig *r, const struct mr_said *said);
void rig_fills_run(struct rig *r, const struct mr_run *run);
/* As the user does. */
void rig_gives(struct rig *r, const char *key, const char *value);
/* NULL: there is none. */
const char *rig_tag(const struct mr_meta *m, const char *name);

struct mr_words rig_words(const char **items, size_t n);
struct mr_summary rig_weight(const char *path, uint64_t size,
			     enum mr_format format, uint64_t parameters);
struct mr_summary_main rig_chosen(const struct mr_summary *w, size_t n);

#endif
