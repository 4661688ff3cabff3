/*
 * mreg/gc.h - what of a model may be removed for good, and its removal.
 *
 * Everything else only goes out of sight (mreg/retire.h).  What is kept, and
 * why, is spec/gc.md.
 */
#ifndef MREG_GC_H
#define MREG_GC_H

#include "mreg/push.h"

#ifdef __cplusplus
extern "C" {
#endif

enum mreg_gc_action {
	MREG_GC_KEEP,
	MREG_GC_ARCHIVE, /* the policy wants it out of sight */
	MREG_GC_REMOVE,
};

struct mreg_gc_opts {
	size_t size; /* sizeof this struct; set by MREG_GC_OPTS_INIT */
	/* Carry the plan out; else it is only made. */
	bool apply;
	/* What is archived, registered or left by an alias less than this many
	 * seconds ago is kept; counts where it is more than the policy's
	 * retention.  0: not told. */
	int64_t older_s;
	const char *reason; /* kept in the log; NULL: none */
	/* Versions that are not to be taken, by digest or number ("v3"): other
	 * repositories may refer to them. */
	struct mreg_texts keep;
	/* Take nothing but these, by digest: a plan that was shown before.
	 * NULL items: all. */
	struct mreg_texts only;
	/* Files with further rules; none of the model's is taken away. */
	struct mreg_texts policies;
	/* Remove also where entries of the log are missing or were replaced:
	 * they may have told of a use, or of a policy that holds something. */
	bool incomplete_log;
};
#define MREG_GC_OPTS_INIT                                                      \
	{                                                                      \
		.size = sizeof(struct mreg_gc_opts)                            \
	}

/* A version, or a push that was not finished. */
struct mreg_gc_row {
	struct mreg_digest digest;
	uint64_t number; /* 0: not known */
	enum mreg_gc_action action;
	const char *reason; /* the first, in a word: "aliased", "archived" */
	const char *why;    /* and in words: "alias 'production' has it" */
	uint64_t bytes;     /* it names, attached documents too, each once */
	uint64_t freed;     /* of them nothing else in the model names */
	const char *const *tags; /* that go with it */
	size_t tag_count;
	struct mreg_digest event; /* that was written; NONE: none */
	bool done;                /* it was carried out */
};

struct mreg_gc_result {
	const char *name;
	struct mreg_gc_row *rows; /* the highest number first */
	size_t count;
	uint64_t freed; /* by what is removed, or would be */
	/* In a local store: blobs that nothing names, older than a day; when
	 * it was applied those that were removed, what was freed too. */
	uint64_t loose, loose_bytes;
	/* Bytes are freed at once; else when the registry collects what is not
	 * named any more. */
	bool at_once;
	int64_t retention_s;
	struct mreg_digest policy; /* in force; NONE: none */
	bool applied;
	uint64_t archived, removed; /* carried out */
	void *owner;
};

/*
 * Plan, and with `apply` archive and remove, what the model `name` does not
 * need any more.  Each removal is written into the log before.  One that was
 * interrupted is completed by the next call.  References from other
 * repositories are not known here.  Nothing was removed: MREG_EUNSUPPORTED, the
 * registry deletes nothing; MREG_EINTEGRITY, the log is not whole.
 */
MREG_API int mreg_gc(struct mreg *m, const char *name,
		     const struct mreg_gc_opts *o, struct mreg_gc_result *out,
		     struct mreg_error *err);
MREG_API void mreg_gc_result_release(struct mreg_gc_result *r);

#ifdef __cplusplus
}
#endif

#endif
