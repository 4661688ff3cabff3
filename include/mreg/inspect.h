/*
 * mreg/inspect.h - one version in full.
 */
#ifndef MREG_INSPECT_H
#define MREG_INSPECT_H

#include "mreg/push.h"
#include "mreg/retire.h"
#include "mreg/weights.h"

#ifdef __cplusplus
extern "C" {
#endif

struct mreg_inspect_opts {
	size_t size;  /* sizeof this struct; set by MREG_INSPECT_OPTS_INIT */
	bool tensors; /* what the weight files say, read by ranges */
	bool config;  /* the config blob's bytes */
	bool raw;     /* the manifest's bytes */
	bool brief;   /* nothing but those two and what they are of: any
		       * manifest or index will do */
};
#define MREG_INSPECT_OPTS_INIT                                                 \
	{                                                                      \
		.size = sizeof(struct mreg_inspect_opts)                       \
	}

struct mreg_parent {
	const char *relation, *ref;
	const char *digest; /* NULL: outside OCI */
};

struct mreg_input {
	/* NULL where not given. */
	const char *role, *name, *uri, *digest, *license, *classification,
		*consent;
};

/* A document attached to the version. */
struct mreg_attached {
	struct mreg_digest digest; /* of its manifest */
	const char *type;    /* artifact type, a media type; "" if untold */
	const char *kind;    /* "evaluation", ...; NULL: none of ours */
	const char *title;   /* NULL: not told */
	const char *suite;   /* of an evaluation; NULL: not told */
	bool judged, passed; /* of an evaluation; `passed` if `judged` */
	const struct mreg_pair *metrics; /* of an evaluation, the first */
	size_t metric_count;
	int64_t created_s;       /* seconds since 1970; 0: not told */
	struct mreg_texts files; /* their names */
	uint64_t bytes;          /* in its files */
	/* Of an evaluation: the data it was run on; NULL: not told. */
	const char *dataset, *dataset_digest;
	/* Of an experiment its name, and the digest of what the version was
	 * compared with, or of what was tried against it; NULL: not told. */
	const char *experiment, *baseline, *candidate;
};

/* The version in another profile, under a tag beside its own (`mreg image`).
 * Who may push may give that tag to anything: only the tag was looked at. */
struct mreg_sibling {
	const char *profile; /* "image", "docker" */
	const char *tag;     /* "v3-image" */
	struct mreg_digest digest;
	uint64_t size; /* of its manifest, in bytes; 0: not told */
};

/* One of the manifests that an image index lists. */
struct mreg_child {
	struct mreg_desc desc;
	/* What tells it from the others, as `--select` of pull takes it:
	 * "KEY=VALUE"; of the first 200. */
	struct mreg_texts labels;
};

/* A value that was given after the fact (`mreg edit`) and counts instead of
 * the manifest's. */
struct mreg_edited {
	const char *key;   /* "description", "owner", "tags.team" */
	const char *value; /* in force */
	const char *was;   /* the manifest's; NULL: it has none */
	int64_t time_s;
	const char *actor; /* "" when not told */
};

/* Where a version runs. */
struct mreg_place {
	const char *environment, *workload; /* workload "": not told */
	int64_t since_s;
	const char *actor; /* "" when not told */
};

/* A split by which a version gets traffic of an alias. */
struct mreg_share {
	const char *alias;
	unsigned int weight; /* per cent */
	bool stable;         /* the alias has this version */
};

struct mreg_inspect_result {
	const char *name;
	const char *reference; /* name@digest */
	const char *tag;       /* as asked for; NULL when by digest */
	uint64_t number;       /* 0: not known */
	struct mreg_desc desc;
	const char *artifact_type; /* "" when there is none */
	const char *fileset;       /* org.mreg.fileset.digest; NULL: not ours */
	int64_t registered_s;      /* 0: the log does not say */
	const char *actor;         /* "" */
	const char *const *tags;   /* every tag of this digest; sorted */
	size_t tag_count;
	/* Metadata by its key in spec/metadata.md, in that order: "license",
	 * "architecture", ...; only what is there. */
	const struct mreg_pair *fields;
	size_t field_count;
	const struct mreg_pair *metrics, *params, *labels, *annotations;
	size_t metric_count, param_count, label_count, annotation_count;
	const struct mreg_parent *parents;
	size_t parent_count;
	const struct mreg_input *inputs;
	size_t input_count;
	const struct mreg_item *items; /* `action` has no meaning here */
	size_t item_count;
	uint64_t bytes;                       /* in all files */
	const struct mreg_attached *attached; /* by kind, then digest */
	size_t attached_count;
	size_t attached_unread; /* listed, but they could not be read */
	/* Of what has a number; by profile, image first. */
	const struct mreg_sibling *siblings;
	size_t sibling_count;
	size_t sibling_unread; /* it is not known whether they are there */
	/* Of an image index, which has no files of its own. */
	const struct mreg_child *children;
	size_t child_count;
	bool is_index;
	/* By `tensors`: one for each weight file; what is one by its content
	 * too, where the name says nothing. */
	const struct mreg_weight_file *weights;
	size_t weight_count;
	bool weights_read;             /* it was asked for */
	uint64_t weight_bytes;         /* in those files */
	uint64_t bytes_read, requests; /* what looking took */
	const char *config, *raw;      /* NULL: not asked for */
	size_t config_len, raw_len;    /* bytes */
	const char *config_type;       /* media type; "" */
	/* What it is when it is attached to a version itself, and to which. */
	const struct mreg_attached *document; /* NULL: it is not */
	struct mreg_digest subject;           /* when `document` */
	uint64_t subject_number;              /* 0: not known, or no version */
	/* By the log; nothing of it when that could not be read. */
	const char *actor_source; /* "registry", "as", ...; NULL: not told */
	/* "experimental", "staging", ..., "archived": computed
	 * (spec/events.md); NULL: it is no version. */
	const char *stage;
	const struct mreg_deprecation *deprecated; /* NULL: it is not */
	const struct mreg_archival *archived;      /* NULL: it is not */
	const char *const *releases; /* those of `tags` that never move */
	size_t release_count;
	const struct mreg_place *places; /* that were told; by name */
	size_t place_count;
	const struct mreg_share *shares; /* by name of the alias */
	size_t share_count;
	uint64_t incidents; /* open ones, about this version */
	/* `fields` and `labels` have these values. */
	const struct mreg_edited *edited; /* by key */
	size_t edited_count;
	const struct mreg_pair *record; /* of the model as a whole; by key */
	size_t record_count;
	const char *answerable; /* its owner, else the model's; NULL: none */
	/* When the policy asks for a review of what an alias has; 0: never. */
	int64_t review_s;
	bool review_over; /* that is past */
	int64_t synced_s; /* tags, siblings and log are from the index; when
			   * they were read; 0: just now */
	void *owner;
};

/*
 * Reads manifest and config, no weights but what `tensors` asks for: their
 * headers.  `o` NULL: no options.  Of an image index it lists the manifests;
 * MREG_EUNSUPPORTED with `tensors` or `config`, which it does not have.
 *
 * A weight file whose header breaks its format's rules, of which the registry
 * sends no part, or that takes too much to be looked at there, has `trouble`;
 * when that goes for all that are in a known format, it is MREG_EFORMAT,
 * MREG_EUNSUPPORTED or MREG_ELIMIT, naming the first.  What hangs on the
 * version, its siblings or its log cannot be had: a warning.
 */
MREG_API int mreg_inspect(struct mreg *m, const char *ref,
			  const struct mreg_inspect_opts *o,
			  struct mreg_inspect_result *out,
			  struct mreg_error *err);
MREG_API void mreg_inspect_result_release(struct mreg_inspect_result *r);

#ifdef __cplusplus
}
#endif

#endif
