/*
 * model/meta.h - what the files that fill and write metadata share: the table
 * of single fields, the checks, and arrays in the arena.
 */
#ifndef MR_MODEL_META_H
#define MR_MODEL_META_H

#include <stdbool.h>
#include <stddef.h>

#include "model/model.h"

#define MR_OCI_PREFIX "org.opencontainers.image."
#define MR_MREG_PREFIX "org.mreg."
#define MR_PARAM_PREFIX "org.mreg.param."
#define MR_TAG_PREFIX "org.mreg.tag."
#define MR_ANNOTATION_AUTHORS "org.opencontainers.image.authors"
#define MR_ANNOTATION_BASE_NAME "org.opencontainers.image.base.name"
#define MR_ANNOTATION_BASE_DIGEST "org.opencontainers.image.base.digest"
#define MR_ANNOTATION_FILESET "org.mreg.fileset.digest"
#define MR_ANNOTATION_INPUTS "org.mreg.inputs"
#define MR_ANNOTATION_PARENTS "org.mreg.parents"
#define MR_ANNOTATION_SCHEMA "org.mreg.schema"

/* createdAt when nobody gave one: a clock would make two pushes differ. */
#define MR_CREATED_NEVER "1970-01-01T00:00:00Z"
#define MR_ARCHITECTURE_UNKNOWN "unknown"
/* Between names in the authors annotation. */
#define MR_AUTHOR_SEPARATOR ", "

/* Of one value: 64 KiB hold any honest description; signatures of wide tables
 * are longer. */
#define MR_VALUE_MAX_BYTES (64u << 10)
#define MR_SIGNATURE_MAX_BYTES (1u << 20)
/* Of one map or list: a manifest could not hold more anyway. */
#define MR_ENTRIES_MAX 10000

/* Names in messages. */
#define MR_SHOWN_BYTES 96

/* -- single fields: fields.c ------------------------------------------------
 */

enum mr_field_check {
	MR_FIELD_LINE, /* text without line breaks */
	MR_FIELD_TEXT, /* text with line breaks */
	MR_FIELD_TIME, /* RFC 3339 */
	MR_FIELD_DIGEST,
	MR_FIELD_JSON, /* object or array, kept in canonical form */
	MR_FIELD_KIND,
	MR_FIELD_COUNT, /* a whole number in decimal */
};

struct mr_field {
	const char *key;        /* in a metadata file */
	size_t offset;          /* of the const char * in struct mr_meta */
	const char *annotation; /* NULL: in the config only */
	enum mr_field_check check;
};

extern const struct mr_field mr_fields[];
extern const size_t mr_field_count;
const struct mr_field *mr_field_by_key(const char *key); /* or NULL */
const struct mr_field *mr_field_by_annotation(
	const char *annotation); /* or NULL */
const char **mr_field_at(struct mr_meta *m, const struct mr_field *f);
const char *mr_field_get(const struct mr_meta *m, const struct mr_field *f);

/* One of the maps. */
struct mr_map {
	const char *key;          /* "metrics" */
	const char *noun;         /* "metric" */
	const char *prefix;       /* of its annotations; "" for free ones */
	size_t items, count, cap; /* offsets in struct mr_meta */
};
extern const struct mr_map mr_maps[];
extern const size_t mr_map_count;
const struct mr_map *mr_map_by_key(const char *key); /* or NULL */
const struct mreg_pair *mr_map_get(const struct mr_meta *m,
				   const struct mr_map *map, size_t *count);

/* -- checks: check.c; all MREG_EUSAGE ---------------------------------------
 */

int mr_check_time(const char *what, const char *value, struct mreg_error *err);
int mr_check_count(const char *what, const char *value, struct mreg_error *err);
int mr_check_digest(const char *what, const char *value,
		    struct mreg_error *err);
/* A key for a free annotation: grammar, and none that mreg writes. */
int mr_check_annotation(const char *key, struct mreg_error *err);

/* -- filling: meta.c, edge.c ------------------------------------------------
 */

/* Copy into the arena. */
int mr_meta_keep(struct mr_meta *m, const char *s, const char **out,
		 struct mreg_error *err);
/* Room for one more element of `each` bytes in an array of the arena. */
int mr_meta_room(struct mr_meta *m, void *items, size_t count, size_t *cap,
		 size_t each, struct mreg_error *err);
/* One entry of a map, checked; replaces what the name had. */
int mr_map_put(struct mr_meta *m, const struct mr_map *map, const char *name,
	       const char *value, struct mreg_error *err);
/* The same, unchecked, for a name that is not there yet. */
int mr_map_append(struct mr_meta *m, const struct mr_map *map, const char *name,
		  const char *value, struct mreg_error *err);
int mr_meta_add_author(struct mr_meta *m, const char *author,
		       struct mreg_error *err);
/* Checked copies; "@DIGEST" behind `ref` or `uri` is split off. */
int mr_meta_put_parent(struct mr_meta *m, const struct mr_parent *p,
		       struct mreg_error *err);
int mr_meta_put_input(struct mr_meta *m, const struct mr_input *in,
		      struct mreg_error *err);
/* Name and digest of `in` to those of the first `n` inputs that are the same,
 * by their uri, or by their names where neither has one, and lack them.  0:
 * there is no such input; 1: there is. */
int mr_meta_join_input(struct mr_meta *m, size_t n, const struct mr_input *in,
		       struct mreg_error *err);
/* Unchecked. */
int mr_meta_append_parent(struct mr_meta *m, const struct mr_parent *p,
			  struct mreg_error *err);
int mr_meta_append_input(struct mr_meta *m, const struct mr_input *in,
			 struct mreg_error *err);

/* -- files: fileset.c --------------------------------------------------------
 */

struct mr_fileset_item {
	const char *path;                 /* borrowed */
	const struct mreg_digest *digest; /* borrowed */
};
/* SHA-256 over what sha256sum prints for the files, sorted bytewise by path:
 * the files' own identity.  Sorts `items`. */
int mr_fileset_digest(struct mr_fileset_item *items, size_t n,
		      struct mreg_digest *out, struct mreg_error *err);

#endif
