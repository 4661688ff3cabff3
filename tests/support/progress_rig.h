/*
 * support/progress_rig.h - progress on a screen and a clock of ours.
 */
#ifndef MR_TESTS_PROGRESS_RIG_H
#define MR_TESTS_PROGRESS_RIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "cli/progress.h"
#include "mreg/types.h"

#define MIB (1024u * 1024u)

struct rig {
	struct cli_progress *progress;
	int64_t at_ms;
	size_t width;
	bool foreground;
	char *text; /* what was written so far */
	size_t len;
	FILE *out;
};

/* Setup and teardown. */
int rig_new(void **state);
int rig_free(void **state);

int rig_try_begin(struct rig *r, const char *mode, bool quiet, bool json,
		  struct mreg_error *err);
void rig_begin(struct rig *r, const char *mode, bool quiet, bool json);

/* One event each. */
void rig_tell(struct rig *r, enum mreg_progress_kind kind, const char *label,
	      uint64_t bytes, uint64_t total, uint64_t count);
void rig_plan(struct rig *r, uint64_t total, uint64_t count);
void rig_start(struct rig *r, const char *label, uint64_t total);
void rig_bytes(struct rig *r, const char *label, uint64_t n);
void rig_done(struct rig *r, const char *label, uint64_t total);
void rig_reused(struct rig *r, const char *label, uint64_t total);
void rig_end(struct rig *r);

/* All that was written; and what was since the last call. */
const char *rig_shown(struct rig *r);
const char *rig_since(struct rig *r, size_t *from);
size_t rig_times(const char *text, const char *needle);

#endif
