/*
 * ops/attach.h - the steps of attaching a document, shared by attach and
 * evaluate.
 */
#ifndef MR_OPS_ATTACH_H
#define MR_OPS_ATTACH_H

#include "mreg/attach.h"
#include "repo/repo.h"
#include "transfer/transfer.h"

struct attach {
	struct mreg *m;
	unsigned int jobs;
	bool dry_run;
	struct mreg_ref ref;
	struct mr_store *s;          /* owned */
	struct mr_manifest *subject; /* owned */
	struct mr_meta *meta;        /* owned; annotations and created */
	/* A document made here, the first layer; NULL: none. */
	const char *body;
	const char *body_title;
	struct mreg_desc body_desc;
	/* The user's file, the next one. */
	struct mr_scan *scan;     /* owned; NULL: none */
	struct mr_store *from;    /* owned; its source */
	struct mr_plan plan;      /* owned; one item */
	struct mr_attach_doc doc; /* owned */
	struct mr_attach_layer layers[2];
	size_t layer_count;
};
void mr_attach_release(struct attach *a);

/* The version, and annotations from their texts; `created` NULL: from
 * SOURCE_DATE_EPOCH, if that is set. */
int mr_attach_open(struct attach *a, const char *ref,
		   const struct mreg_texts *annotations, const char *created,
		   struct mreg_error *err);
/* Take a file along. */
int mr_attach_file(struct attach *a, const char *path, struct mreg_error *err);
/*
 * The manifest into `doc`, with `more` annotations before the user's; `title`
 * NULL: none.
 */
int mr_attach_make(struct attach *a, const char *type, const char *title,
		   const struct mr_annotations *more, struct mreg_error *err);
/*
 * Make it, send what is missing, then the manifest; fill `out`, whose arena is
 * there.
 */
int mr_attach_run(struct attach *a, const char *type, const char *title,
		  const struct mr_annotations *more,
		  struct mreg_attach_result *out, struct mreg_error *err);

#endif
