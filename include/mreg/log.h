/*
 * mreg/log.h - what happened to a model, by whom, when; whether its history is
 * whole; and what was so at a moment in the past.
 *
 * The log is in the registry (spec/events.md).  Actors are what their writers
 * said: a record, not a proof.
 */
#ifndef MREG_LOG_H
#define MREG_LOG_H

#include "mreg/session.h"

#ifdef __cplusplus
extern "C" {
#endif

struct mreg_log_opts {
	size_t size; /* sizeof this struct; set by MREG_LOG_OPTS_INIT */
	/* Only events on this alias, or on the version it names by tag or
	 * digest (a reference without its name: "production", "v3"); NULL: all.
	 */
	const char *about;
	const char *kind; /* only of this kind: "alias_moved"; NULL: all */
	/* RFC 3339, or a date (its end, UTC): what was so then.  NULL: now. */
	const char *at;
	uint64_t limit; /* rows, the newest; 0: all */
	/* Read every event anew, from the store alone, and look whether the
	 * history is whole. */
	bool verify;
	/* An event that has to be in it (a head that was remembered); NULL. */
	const char *against;
	/* Write an event for each alias that was moved without mreg. */
	bool adopt;
	bool dry_run; /* of adopt */
};
#define MREG_LOG_OPTS_INIT                                                     \
	{                                                                      \
		.size = sizeof(struct mreg_log_opts)                           \
	}

/* An event. */
struct mreg_log_row {
	struct mreg_digest digest; /* of its manifest: its identity */
	const char *tag;           /* it is kept under */
	const char *kind;          /* "alias_moved"; others' kinds too */
	uint64_t seq;
	int64_t time_s;             /* by its writer's clock */
	const char *actor;          /* "" when not told */
	const char *actor_source;   /* "registry", "as", ...; NULL: not told */
	struct mreg_digest version; /* it is about; NONE: none */
	uint64_t number;            /* of that version; 0: not known */
	const char *says; /* in a line, without who and when: "production: v3,
			   * was v2" */
	const char *document; /* the event's JSON, as written */
};

/* Where an alias was at the moment that was asked for. */
struct mreg_log_alias {
	const char *alias;
	struct mreg_digest digest; /* NONE: it was removed */
	uint64_t number;           /* 0: not known */
	int64_t since_s;           /* when it was moved there */
	const char *actor;
	/* What the tag has now is another: "unfinished", "foreign" or
	 * "unrecorded"; NULL: it agrees, or a past moment was asked for. */
	const char *differs;
};

/* What is wrong with a log, the first in fold order first. */
struct mreg_log_flaw {
	const char *what; /* "changed", "removed", "misplaced", "unreadable" */
	uint64_t seq;     /* 0: not known */
	struct mreg_digest digest; /* of the event; NONE: not known */
	const char *problem;       /* in words, with the tag or digest */
};

struct mreg_log_result {
	const char *name;
	struct mreg_log_row *rows; /* in fold order, the newest last */
	size_t count;
	uint64_t events;                /* in the log, shown or not */
	struct mreg_log_alias *aliases; /* sorted by name */
	size_t alias_count;
	const struct mreg_digest *heads; /* to be remembered for `against` */
	size_t head_count;
	bool verified; /* asked for, and no flaw was found */
	struct mreg_log_flaw *flaws;
	size_t flaw_count;
	const char *const *adopted; /* aliases */
	size_t adopted_count;
	bool dry_run;
	void *owner;
};

/*
 * The log of `name`, a model.  What `verify` and `against` find is a flaw in
 * the result, no error; the command says exit 6.  MREG_ENOTFOUND: there is no
 * such model.
 */
MREG_API int mreg_log(struct mreg *m, const char *name,
		      const struct mreg_log_opts *o,
		      struct mreg_log_result *out, struct mreg_error *err);
MREG_API void mreg_log_result_release(struct mreg_log_result *r);

#ifdef __cplusplus
}
#endif

#endif
