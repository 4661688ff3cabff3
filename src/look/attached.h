/*
 * look/attached.h - documents attached to a version: which there are, and what
 * the evaluations among them say.  For inspect and policy.
 */
#ifndef MR_LOOK_ATTACHED_H
#define MR_LOOK_ATTACHED_H

#include "repo/repo.h"

/* A document's file: one layer. */
struct mr_attached_file {
	const char *title; /* its name; "" when there is none */
	struct mreg_desc desc;
};

struct mr_attached {
	struct mreg_desc desc; /* of its manifest */
	const char *type;      /* artifact type, a media type; "" if untold */
	const char *kind;      /* the type's short name in spec/attachments.md,
				* "evaluation"; NULL when it has none */
	const char *title;     /* NULL when not told */
	const char *created;   /* RFC 3339; NULL when not told */
	struct mr_annotations annotations; /* all of the manifest's */
	struct mr_attached_file *files;
	size_t file_count;
};

struct mr_attached_rows {
	struct mr_arena *arena;    /* owned; NULL while empty */
	struct mr_attached *items; /* sorted by kind or type, then digest */
	size_t count;
	size_t unread;   /* listed, but gone, malformed or of another version */
	const char *why; /* what was wrong with one of those; NULL */
};
#define MR_ATTACHED_INIT                                                       \
	{                                                                      \
		.arena = NULL                                                  \
	}
void mr_attached_release(struct mr_attached_rows *r); /* for MR_AUTO too */

/*
 * Documents whose subject is `version`; `type` a short name or a media type,
 * NULL: all.  A registry's listing is not believed: each manifest is fetched
 * (or remembered) and must name the subject itself.  One listing and one GET
 * per document not seen before.  Fails when the listing cannot be had;
 * documents that cannot be read are counted.
 */
int mr_attached_list(struct mreg *m, struct mr_store *s,
		     const struct mreg_digest *version, const char *type,
		     struct mr_attached_rows *out, struct mreg_error *err);

/* One row of a document's manifest; its texts are copied into the arena, which
 * has failed if there is no room. */
void mr_attached_take(const struct mr_manifest *m, struct mr_arena *a,
		      struct mr_attached *out);

/* The newest model card among them that is text; NULL: none. */
const struct mr_attached *mr_attached_card(const struct mr_attached_rows *rows);

/* What an evaluation's annotations say, "so that a listing tells them"
 * (spec/attachments.md); its file is not fetched.  In the arena; all zero for
 * other documents. */
struct mr_verdict_told {
	const char *suite, *dataset, *dataset_digest; /* NULL: not told */
	/* Of an experiment, and the version at the other end of it. */
	const char *experiment, *baseline, *candidate;
	bool judged; /* a verdict is given: */
	bool passed;
	const struct mreg_pair *metrics;
	size_t metric_count;
};
void mr_attached_verdict(const struct mr_attached *row, struct mr_arena *a,
			 struct mr_verdict_told *out);

/*
 * What an evaluation document says (model/attach.h); `out` is filled from zero,
 * all in the arena.  Its bytes are verified.  MREG_EFORMAT: no such document.
 */
int mr_attached_evaluation(struct mr_store *s, const struct mr_attached *row,
			   struct mr_arena *a, struct mr_evaluation *out,
			   struct mreg_error *err);

#endif
