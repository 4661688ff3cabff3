/*
 * standing_fixture.h - a log that is written one event after the other, and
 * what it comes to.
 */
#ifndef TESTS_SUPPORT_STANDING_FIXTURE_H
#define TESTS_SUPPORT_STANDING_FIXTURE_H

#include <stdint.h>

#include "ledger/ledger.h"

#define T2026 1767225600 /* 2026-01-01T00:00:00Z */
#define EVENTS_MAX 32

/* A log that is written one event after the other. */
struct standing_fixture {
	struct mr_ledger *l;
	struct mr_standing s;
	struct mr_arena *arena;
	struct mr_event_doc docs[EVENTS_MAX];
	size_t count;
};

int standing_setup(void **state);
int standing_teardown(void **state);
struct mreg_digest log_digest(unsigned int n);
/* Write `e` on top of all heads; its digest.  An event is a second after the
 * one before. */
struct mreg_digest log_say(struct standing_fixture *f, struct mr_event e);
/* A log of those events alone whose bits are set, that of the first one is 1.
 */
struct mr_ledger *log_read(const struct standing_fixture *f, uint32_t seen);
/* The same by somebody who has read just those. */
struct mreg_digest log_fork(struct standing_fixture *f, uint32_t seen,
			    struct mr_event e, const char *actor);
struct mreg_digest log_move(struct standing_fixture *f, const char *alias,
			    unsigned int version, const char *by);
struct mreg_digest log_answer(struct standing_fixture *f,
			      enum mr_event_kind kind,
			      const struct mreg_digest *request,
			      const char *alias, unsigned int version);
struct mreg_digest log_ask(struct standing_fixture *f, const char *alias,
			   unsigned int version);
void log_simple(struct standing_fixture *f, enum mr_event_kind kind,
		unsigned int version, const char *key, const char *text);
void log_claim(struct standing_fixture *f, uint64_t number,
	       unsigned int version);
/* `set` and `unset`: one each; NULL: none. */
void log_change(struct standing_fixture *f, enum mr_event_kind kind,
		unsigned int version, const char *key, const char *value);
void log_fold(struct standing_fixture *f);
const struct mr_version_standing *log_version(struct standing_fixture *f,
					      unsigned int n);
/* What `alias` has by the fold: 0, nothing. */
unsigned int log_at(struct standing_fixture *f, const char *alias);

#endif
