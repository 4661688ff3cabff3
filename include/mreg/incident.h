/*
 * mreg/incident.h - what went wrong with a model, kept in its log until it is
 * over.
 */
#ifndef MREG_INCIDENT_H
#define MREG_INCIDENT_H

#include "mreg/session.h"

#ifdef __cplusplus
extern "C" {
#endif

struct mreg_incident_opts {
	size_t size; /* sizeof this struct; set by MREG_INCIDENT_OPTS_INIT */
	/* Of a new one: what happened.  The others may be NULL. */
	const char *title;
	const char *severity, *url, *environment;
	/* Of one that is over: its event, by digest or the beginning of it
	 * (8 hex digits); then of the above nothing but `reason` counts. */
	const char *close;
	const char *reason; /* why it is over, or how it came; NULL */
	bool dry_run;
};
#define MREG_INCIDENT_OPTS_INIT                                                \
	{                                                                      \
		.size = sizeof(struct mreg_incident_opts)                      \
	}

struct mreg_incident_row {
	struct mreg_digest event;   /* NONE: of a dry run */
	struct mreg_digest version; /* NONE: of the model as a whole */
	uint64_t number;            /* of that version; 0: not known */
	const char *title;
	/* NULL: not told. */
	const char *severity, *url, *environment, *reason;
	int64_t time_s; /* by its writer's clock */
	const char *actor;
	/* The event that says it is over; NONE: it is open. */
	struct mreg_digest closed;
	int64_t closed_s;
	const char *closed_by;
	const char *outcome; /* what was said then; NULL */
};

struct mreg_incidents_result {
	const char *name;
	struct mreg_incident_row *rows; /* in fold order, the newest last */
	size_t count;
	bool changed; /* an event was written, or would be; false: the one
		       * that was to be closed is over already */
	bool dry_run;
	void *owner;
};

/* Write an incident of `ref` (a model, or one version), or close one: the
 * result has that one row.  MREG_ENOTFOUND: no incident is `close`. */
MREG_API int mreg_incident(struct mreg *m, const char *ref,
			   const struct mreg_incident_opts *o,
			   struct mreg_incidents_result *out,
			   struct mreg_error *err);
/* The open ones of a model, or with `all` every one; of one version those that
 * are about it. */
MREG_API int mreg_incidents(struct mreg *m, const char *ref, bool all,
			    struct mreg_incidents_result *out,
			    struct mreg_error *err);
MREG_API void mreg_incidents_result_release(struct mreg_incidents_result *r);

#ifdef __cplusplus
}
#endif

#endif
