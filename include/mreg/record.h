/*
 * mreg/record.h - what is told of a model after the fact: its record, values
 * that were changed, release names.
 *
 * Manifests never change: each of these is an event in the log
 * (spec/events.md), and the folded value is what inspect and policies use.
 */
#ifndef MREG_RECORD_H
#define MREG_RECORD_H

#include "mreg/push.h"

#ifdef __cplusplus
extern "C" {
#endif

struct mreg_record_opts {
	size_t size; /* sizeof this struct; set by MREG_RECORD_OPTS_INIT */
	/* NULL: left as it is. */
	const char *display_name;
	const char *owner;
	const char *description;
	struct mreg_texts tags; /* KEY=VALUE; set, also when unset as well */
	/* Taken away: "owner", "description", "displayName", "tags.KEY". */
	struct mreg_texts unset;
	bool dry_run;
	/* mreg_create: from now on one event after the other, which takes a
	 * registry that never lets an mreg.* tag be written twice.  That is
	 * tried out by writing one (mreg.seq.probe) twice, but for a dry run.
	 */
	bool linear;
};
#define MREG_RECORD_OPTS_INIT                                                  \
	{                                                                      \
		.size = sizeof(struct mreg_record_opts)                        \
	}

/* A value as it is now. */
struct mreg_record_value {
	const char *key; /* "owner", "tags.team" */
	const char *value;
	int64_t time_s;    /* when it was given */
	const char *actor; /* by whom; "" when not told */
};

struct mreg_record_result {
	const char *name;
	struct mreg_digest version;       /* NONE: the model as a whole */
	uint64_t number;                  /* 0: not known, or the model */
	bool created;                     /* it had no record */
	bool changed;                     /* false: it was so already */
	struct mreg_record_value *values; /* all there are now; by key */
	size_t value_count;
	struct mreg_digest event; /* NONE: none was needed */
	bool dry_run;
	bool linear; /* the log is, or in a dry run was to be */
	void *owner;
};

/* Write the record of the model `name`, which may have no version yet.
 * MREG_ECONFLICT when it has one, unless it is only to become linear;
 * MREG_EUNSUPPORTED where a log cannot be linear. */
MREG_API int mreg_create(struct mreg *m, const char *name,
			 const struct mreg_record_opts *o,
			 struct mreg_record_result *out,
			 struct mreg_error *err);
/* Change values of a model (NAME) or of one version (REF). */
MREG_API int mreg_edit(struct mreg *m, const char *ref,
		       const struct mreg_record_opts *o,
		       struct mreg_record_result *out, struct mreg_error *err);
MREG_API void mreg_record_result_release(struct mreg_record_result *r);

#ifdef __cplusplus
}
#endif

#endif
