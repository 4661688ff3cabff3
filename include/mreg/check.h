/*
 * mreg/check.h - a directory on disk against a version.
 */
#ifndef MREG_CHECK_H
#define MREG_CHECK_H

#include "mreg/session.h"

#ifdef __cplusplus
extern "C" {
#endif

struct mreg_check_opts {
	size_t size;       /* sizeof this struct; set by MREG_CHECK_OPTS_INIT */
	unsigned int jobs; /* files hashed at once; 0: the session's */
	bool verify_files; /* hash all, whatever is remembered */
	bool exact;        /* files that the version does not have count */
};
#define MREG_CHECK_OPTS_INIT                                                   \
	{                                                                      \
		.size = sizeof(struct mreg_check_opts)                         \
	}

enum mreg_check_state {
	MREG_CHECK_RIGHT,
	MREG_CHECK_MISSING,
	MREG_CHECK_CHANGED, /* other bytes */
	MREG_CHECK_MODE,    /* the right bytes, but for the executable bit */
	MREG_CHECK_OTHER,   /* something in its place that is no file */
	MREG_CHECK_EXTRA,   /* a file the version does not have */
	MREG_CHECK_PACKED,  /* comes in an archive: not compared */
};

struct mreg_check_file {
	const char *path;
	enum mreg_check_state state;
	uint64_t size;             /* by the version; 0 of an extra one */
	struct mreg_digest digest; /* by the version; none of an extra one */
	bool executable;           /* by the version */
};

struct mreg_check_result {
	const char *directory;
	const char *name;
	const char *reference; /* name@digest */
	const char *tag;       /* as asked for; NULL when by digest */
	uint64_t number;       /* 0: not known */
	struct mreg_digest digest;
	bool remembered; /* no reference was given */
	bool same;       /* nothing missing, changed, in the way or of the wrong
			  * mode; with `exact` nothing extra; and nothing packed,
			  * which cannot be told */
	const struct mreg_check_file *files; /* by path; all but the right */
	size_t file_count;
	uint64_t right, missing, changed, mode, other, extra, packed;
	uint64_t bytes_hashed; /* read to find out */
	uint64_t files_known;  /* not read: unchanged since they were */
	void *owner;
};

/*
 * Compare the files below `dir` with those of `ref`; NULL: what was last
 * pulled whole into it, MREG_ENOTFOUND if that is not known.  MREG_EUNSUPPORTED
 * for a version all of whose files come in archives; where some do, `packed`
 * counts them and `extra` is not looked for.  Links to files
 * are followed, as push does.  Nothing is written, and nothing fetched but the
 * manifest.  `o` NULL: no options.
 */
MREG_API int mreg_check(struct mreg *m, const char *dir, const char *ref,
			const struct mreg_check_opts *o,
			struct mreg_check_result *out, struct mreg_error *err);
MREG_API void mreg_check_result_release(struct mreg_check_result *r);

#ifdef __cplusplus
}
#endif

#endif
