/*
 * profile/inside.h - one profile of one version while it is made.  Private to
 * the folder.
 */
#ifndef MR_PROFILE_INSIDE_H
#define MR_PROFILE_INSIDE_H

#include "base/arena.h"
#include "model/model.h"
#include "profile/document.h"
#include "profile/layout.h"
#include "profile/profile.h"
#include "transfer/transfer.h"

struct mr_image_base;
struct mr_profile_kind;

struct mr_profile {
	const struct mr_profile_kind *kind;
	struct mreg *m;
	const struct mreg_ref *ref;
	const struct mr_manifest *version;
	const struct mr_meta *meta; /* NULL: not known */
	struct mr_store *from, *to; /* borrowed */
	const struct mreg_image_opts *o;
	struct mr_arena *arena; /* owned; all texts and layers */
	const char *suffix;     /* "-image" */
	const char *name;       /* "image" */
	unsigned int jobs;
	struct mr_image_file *files; /* in the arena */
	size_t file_count;
	/* Of an image. */
	struct mr_image_facts facts;
	struct mr_image_layout layout;
	struct mr_image_platform *platforms; /* in the arena; contents owned */
	size_t platform_count;
	struct mr_image_base *base; /* owned; NULL: none */
	/* What is made here: shells, then the layout's; in the arena. */
	struct mr_image_layer **made;
	size_t made_count;
	struct mr_store *source; /* owned; of them */
	struct mr_plan plan;     /* owned; one item for each, same order */
	struct mr_plan below;    /* owned; the base's layers */
	/* The document that tags name, and config of Docker's. */
	struct mr_buf top; /* owned; empty: not all digests are known */
	struct mreg_desc top_desc;
	struct mr_buf config; /* owned */
	struct mreg_desc config_desc;
	uint64_t number; /* 0: not known */
	bool identical;  /* the sibling was there */
	bool sent;
	struct mr_list names; /* owned; siblings that point there */
};

/* Of the profile's table. */
struct mr_profile_kind {
	const char *name, *suffix;
	int (*open)(struct mr_profile *p, struct mreg_error *err);
	/* Take over digests from what is there, as `was`, to see whether it is
	 * what we would make. */
	int (*adopt)(struct mr_profile *p, const struct mr_manifest *was,
		     struct mreg_error *err);
	/* NULL, or read what those digests were taken on trust for, and write
	 * the documents anew with what it is. */
	int (*prove)(struct mr_profile *p, struct mreg_error *err);
	int (*look)(struct mr_profile *p, struct mreg_error *err);
	int (*send)(struct mr_profile *p, struct mreg_error *err);
};
extern const struct mr_profile_kind mr_profile_image, mr_profile_docker;

/* What both say: annotations of the version that any reader knows, and what
 * it is derived from; in the arena. */
int mr_profile_annotations(struct mr_profile *p, struct mreg_pair **out,
			   size_t *count, struct mreg_error *err);
/* An annotation of the version; NULL: it has none. */
const char *mr_profile_says(const struct mr_profile *p, const char *key);
/* When it was made, as far as it says so: RFC 3339. */
const char *mr_profile_created(const struct mr_profile *p);
/* The model's name. */
const char *mr_profile_title(const struct mr_profile *p);

/* The sibling of `number` has another document, `has`: made of this version
 * otherwise, or not of it at all. */
int mr_profile_conflict(const struct mr_profile *p, uint64_t number,
			const struct mreg_digest *has, struct mreg_error *err);

/* By architecture, then variant; for qsort. */
int mr_image_platform_compare(const void *a, const void *b);

/* recall.c: digests of layers that were made before, out of state; and into
 * it. */
void mr_image_recall(struct mr_profile *p);
void mr_image_remember(struct mr_profile *p);

/* put.c: a document, unless it is there; and a manifest by its digest, whose
 * missing blobs are sent again. */
int mr_profile_put(struct mr_profile *p, const struct mreg_desc *d,
		   const struct mr_buf *bytes, struct mreg_error *err);
int mr_profile_set(struct mr_profile *p, const struct mreg_desc *d,
		   const struct mr_buf *bytes, struct mreg_error *err);

#endif
