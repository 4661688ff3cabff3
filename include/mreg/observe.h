/*
 * mreg/observe.h - what monitoring saw of a version, and what follows of it.
 *
 * Each value is an event of the model's log (spec/events.md).  The policy's
 * `observe` rules are looked at afterwards; one that holds writes one
 * *retrain due* event.
 */
#ifndef MREG_OBSERVE_H
#define MREG_OBSERVE_H

#include "mreg/push.h"

#ifdef __cplusplus
extern "C" {
#endif

struct mreg_observe_opts {
	size_t size; /* sizeof this struct; set by MREG_OBSERVE_OPTS_INIT */
	/* Each NAME=NUMBER, finite decimals, kept as written. */
	struct mreg_texts metrics;
	/* Of all of `metrics`; NULL: not told. */
	const char *window;   /* what was looked at: "2026-W47"; values of one
			       * window replace each other */
	const char *baseline; /* the number it is compared with */
	const char *environment; /* "prod" */
	const char *at;          /* when it was seen: RFC 3339, or a date */
	/* A file with a JSON object in each line: metric, value and, each of
	 * them may be missing, window, baseline, environment, observedAt; what
	 * is missing is as above.  NULL: none. */
	const char *from;
	bool dry_run;
};
#define MREG_OBSERVE_OPTS_INIT                                                 \
	{                                                                      \
		.size = sizeof(struct mreg_observe_opts)                       \
	}

/* One value. */
struct mreg_observation {
	const char *metric, *value;
	/* NULL: not told. */
	const char *window, *baseline, *environment;
	const char *observed_at;  /* RFC 3339; NULL: not told */
	struct mreg_digest event; /* NONE in a dry run */
};

/* A rule of the policy that holds now. */
struct mreg_retrain_due {
	const char *rule;         /* "drift > 0.2 for 3 windows" */
	const char *environment;  /* NULL: not told */
	bool said_now;            /* else by an earlier call */
	struct mreg_digest event; /* for `push --because`; NONE in a dry run */
	const struct mreg_digest *observations; /* events it rests on */
	size_t observation_count;
};

struct mreg_observe_result {
	const char *name;
	struct mreg_digest digest; /* of the version */
	uint64_t number;           /* 0: not known */
	struct mreg_observation *rows;
	size_t count;
	struct mreg_retrain_due *dues;
	size_t due_count;
	bool dry_run;
	void *owner;
};

/*
 * Record what was seen of the version `ref`.  Everything given is looked at
 * before anything is written: MREG_EUSAGE, MREG_EFORMAT naming the line.  A
 * policy that cannot be read is an error before that, too.
 */
MREG_API int mreg_observe(struct mreg *m, const char *ref,
			  const struct mreg_observe_opts *o,
			  struct mreg_observe_result *out,
			  struct mreg_error *err);
MREG_API void mreg_observe_result_release(struct mreg_observe_result *r);

#ifdef __cplusplus
}
#endif

#endif
