/*
 * mreg/changelog.h - what changed about an alias between two positions: the
 * versions it came past, and how the two ends differ.
 */
#ifndef MREG_CHANGELOG_H
#define MREG_CHANGELOG_H

#include "mreg/diff.h"
#include "mreg/split.h"

#ifdef __cplusplus
extern "C" {
#endif

struct mreg_changelog_opts {
	size_t size; /* sizeof this struct; set by MREG_CHANGELOG_OPTS_INIT */
	/*
	 * Positions: a version by tag or digest ("v3"), or a time, RFC 3339 or
	 * a date (its end, UTC): what the alias had then.  `to` NULL: what it
	 * has now; `from` NULL: what it had before it was moved there.
	 */
	const char *from, *to;
};
#define MREG_CHANGELOG_OPTS_INIT                                               \
	{                                                                      \
		.size = sizeof(struct mreg_changelog_opts)                     \
	}

/* One of the two ends. */
struct mreg_changelog_end {
	struct mreg_digest digest;
	uint64_t number; /* 0: not known */
	/* When the alias was moved there; 0: it never had it. */
	int64_t since_s;
};

/* A move of the alias behind the first end, up to the second. */
struct mreg_changelog_move {
	struct mreg_digest event;
	struct mreg_digest digest; /* NONE: it was removed */
	uint64_t number;           /* 0: not known */
	int64_t time_s;
	const char *actor;  /* "" when not told */
	const char *by;     /* "promote", ...; NULL: adopted */
	const char *reason; /* NULL: none */
};

/* A version between the ends: of those above the lower number, up to the
 * higher. */
struct mreg_changelog_version {
	struct mreg_digest digest;
	uint64_t number;
	int64_t time_s; /* when it was registered */
	const char *actor;
	const char *run; /* experiment run id; NULL: none */
	bool had;        /* the alias had it, between the two ends */
	bool removed;    /* it is not there any more */
};

struct mreg_changelog_result {
	const char *name;
	const char *alias;
	struct mreg_changelog_end from, to;
	bool back; /* the second has the lower number */
	const struct mreg_changelog_move *moves; /* in fold order */
	size_t move_count;
	/* How its traffic was shared from one end to the other. */
	const struct mreg_split_row *splits;
	size_t split_count;
	const struct mreg_changelog_version *versions; /* by number */
	size_t version_count;
	/* How the ends differ; not known when one of them was removed. */
	bool compared;
	/* Of metrics, inputs, parents, and of the licence; as of mreg_diff. */
	const struct mreg_diff_field *fields;
	size_t field_count;
	uint64_t files_added, files_removed, files_changed, files_moved,
		files_same;
	void *owner;
};

/*
 * The alias `ref` (NAME:ALIAS), by the log; its tag may have something else.
 * MREG_ENOTFOUND: it has no such position, or nothing before.
 */
MREG_API int mreg_changelog(struct mreg *m, const char *ref,
			    const struct mreg_changelog_opts *o,
			    struct mreg_changelog_result *out,
			    struct mreg_error *err);
MREG_API void mreg_changelog_result_release(struct mreg_changelog_result *r);

#ifdef __cplusplus
}
#endif

#endif
