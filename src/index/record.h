/*
 * index/record.h - what one repository holds, as who crawls it tells the index;
 * a part of the door index/index.h, which includes it.
 *
 * Everything is borrowed until the call that takes it returns.
 */
#ifndef MR_INDEX_RECORD_H
#define MR_INDEX_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/model.h"
#include "mreg/types.h"
#include "oci/oci.h"

/* Values longer than this are cut (between characters), and a note says so. */
#define MR_INDEX_VALUE_MAX_BYTES 2000
/* Of the text that is searched, of one version. */
#define MR_INDEX_CARD_MAX_BYTES (256u << 10)

struct mr_ix_model {
	const char *place;      /* "ghcr.io", "oci:/srv/models" */
	const char *repository; /* "acme/churn" */
	const char *name;       /* both, as a reference: mr_ref_name */
	/* The model's record, folded; NULL: not told. */
	const char *owner, *display_name, *description;
	const struct mreg_pair *tags; /* of the model as a whole */
	size_t tag_count;
	int64_t recorded_s; /* when the record was written; 0: never */
};

/* What a version's manifest says; never changes. */
struct mr_ix_version {
	uint64_t number; /* N of v<N> */
	struct mreg_desc desc;
	const char *artifact_type;          /* NULL: none */
	const struct mr_meta *meta;         /* of manifest and config */
	const struct mr_manifest *manifest; /* for base.*, layers, subject,
					     * children */
	struct mreg_digest fileset;         /* NONE: not told */
	uint64_t bytes, files;              /* of what it holds */
	const struct mreg_digest *weights;  /* blobs in the role of weights */
	size_t weight_count;
	const char *card; /* its README or model card; NULL: none */
};

/* What the log makes of it. */
struct mr_ix_life {
	uint64_t number;
	bool moved;           /* v<N> has another digest than the log gave N */
	int64_t registered_s; /* 0: the log does not say */
	int64_t updated_s;    /* of the last event about it; 0: none */
	const char *actor, *run, *copied_from; /* NULL: not told */
	struct mreg_digest because;            /* event; NONE: not told */
	const char *owner, *description;       /* folded; NULL: not told */
	const struct mreg_pair *tags;          /* folded: manifest and events */
	size_t tag_count;
	const char *stage;   /* "none", "production", "archived"... */
	const char *release; /* last release name; NULL */
	int64_t archived_s, deprecated_s;                /* 0: it is not */
	const char *archived_reason, *deprecated_reason; /* NULL */
	struct mreg_digest successor; /* of the deprecation; NONE */
	int64_t review_s;             /* a review is due then; 0: never */
};

enum mr_ix_tag {
	MR_IX_ALIAS,
	MR_IX_RELEASE,
	MR_IX_LATEST,
};
struct mr_ix_name {
	const char *tag;
	enum mr_ix_tag kind;
	struct mreg_digest tagged; /* what the tag has; NONE: nothing */
	struct mreg_digest logged; /* what the log says; NONE: nothing */
	/* As `alias ls` says it: NULL, "foreign", "unfinished", "unrecorded".
	 */
	const char *differs;
	int64_t moved_s;   /* last event about it; 0 */
	const char *actor; /* of that; NULL */
};

/* Something that names a version as its subject, hangs beside it under a
 * sibling tag, or is a child of it. */
enum mr_ix_hangs {
	MR_IX_ATTACHED,
	MR_IX_SIBLING, /* TAG-image, TAG-docker */
};
struct mr_ix_document {
	enum mr_ix_hangs how;
	struct mreg_digest subject;
	struct mreg_desc desc;
	const char *artifact_type; /* NULL: none */
	const char *title, *tag;   /* NULL: none; tag of a sibling */
	int64_t created_s;         /* 0: not told */
	/* Of an evaluation; suite NULL: it is none. */
	const char *suite, *dataset, *verdict; /* "passed", "failed" */
	const struct mreg_pair *metrics;
	size_t metric_count;
};

struct mr_ix_deployment {
	const char *environment, *workload; /* "": not told */
	struct mreg_digest version;
	int64_t since_s;
	const char *actor;
};
struct mr_ix_approval {
	const char *alias;
	struct mreg_digest event, version;
	int64_t asked_s, until_s;
	const char *by;
	const char *state;  /* mr_approval_state but for "overdue", which
			     * depends on the time of who asks: "open" */
	int64_t answered_s; /* last grant that counts, or refusal; 0 */
	int64_t moved_s;    /* the move it was for; 0 */
	uint64_t grants;    /* that count */
};
struct mr_ix_incident {
	struct mreg_digest event, version; /* version NONE: of the model */
	const char *title, *severity, *environment, *url; /* NULL */
	int64_t opened_s, closed_s;                       /* 0: open */
	const char *actor;
};

#endif
