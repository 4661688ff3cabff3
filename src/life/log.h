/*
 * life/log.h - events in words; private to the folder.
 */
#ifndef MR_LIFE_LOG_H
#define MR_LIFE_LOG_H

#include "base/arena.h"
#include "ledger/ledger.h"

/* What an event says, in one line, without who said it when: "production: v3,
 * was v2".  Numbers are those of `s`.  In the arena, made safe for terminals;
 * NULL: out of memory. */
const char *mr_event_says(const struct mr_event *e, const struct mr_standing *s,
			  struct mr_arena *a);

#endif
