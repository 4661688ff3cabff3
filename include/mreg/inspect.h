/*
 * mreg/inspect.h - one version in full.
 */
#ifndef MREG_INSPECT_H
#define MREG_INSPECT_H

#include "mreg/push.h"

#ifdef __cplusplus
extern "C" {
#endif

struct mreg_parent {
	const char *relation, *ref;
	const char *digest; /* NULL: outside OCI */
};

struct mreg_input {
	/* NULL where not given. */
	const char *role, *name, *uri, *digest, *license, *classification,
		*consent;
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
	uint64_t bytes; /* in all files */
	void *owner;
};

/* Reads manifest and config, no weights. */
MREG_API int mreg_inspect(struct mreg *m, const char *ref,
			  struct mreg_inspect_result *out,
			  struct mreg_error *err);
MREG_API void mreg_inspect_result_release(struct mreg_inspect_result *r);

#ifdef __cplusplus
}
#endif

#endif
