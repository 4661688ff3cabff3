/*
 * draw/graph.h - what every picture of a graph begins with: which nodes are in
 * it, and what they are called.
 */
#ifndef MR_DRAW_GRAPH_H
#define MR_DRAW_GRAPH_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/env.h"
#include "mreg/lineage.h"

#define MR_PICTURE_NODES 500             /* where nobody says how many */
#define MR_PICTURE_MAX_BYTES (64u << 20) /* of 10,000 nodes, with room */
#define MR_LABEL_MAX_BYTES 80            /* of a line, with its NUL */

/* The part of a graph that is drawn. */
struct mr_drawn {
	const struct mreg_lineage_result *r; /* borrowed */
	size_t *nodes; /* owned; numbers of r's, nearest to the root first */
	size_t count;
	size_t *places; /* owned; of each of r's nodes: 1 + where it is in
			 * `nodes`; 0: left out */
	uint64_t left;  /* nodes that are left out */
	bool least;     /* at least so many */
};
int mr_drawn_init(const struct mreg_lineage_result *r, size_t most,
		  struct mr_drawn *out, struct mreg_error *err);
void mr_drawn_release(struct mr_drawn *d); /* for MR_AUTO too */

/* Replace U+FFFE and U+FFFF, which XML 1.0, section 2.2, has no place for. */
void mr_drawn_chars(char *text);

/* Node `i` of the picture. */
const struct mreg_lineage_node *mr_drawn_node(const struct mr_drawn *d,
					      size_t i);
/* Whether an edge is in it, and between which nodes of the picture. */
bool mr_drawn_edge(const struct mr_drawn *d, const struct mreg_lineage_edge *e,
		   size_t *child, size_t *parent);
bool mr_node_is(const struct mreg_lineage_node *n, const char *kind);

/* Appends a text, as its format wants it. */
typedef void mr_put_fn(struct mr_buf *b, const char *text);
/* A text fit for a picture: short, of one line, of characters that XML may
 * have.  Returns `out`. */
const char *mr_label(const char *in, char out[MR_LABEL_MAX_BYTES]);
/* What a node is called, in lines with `sep` between them: its label, the
 * aliases that point at it, the digest. */
void mr_put_label(struct mr_buf *b, const struct mreg_lineage_node *n,
		  mr_put_fn *put, const char *sep);
/* "and 12 more". */
void mr_put_left(struct mr_buf *b, const struct mr_drawn *d);

/* One format each, appended. */
void mr_draw_dot(const struct mr_drawn *d, struct mr_buf *b);
void mr_draw_mermaid(const struct mr_drawn *d, struct mr_buf *b);
int mr_draw_openlineage(const struct mr_drawn *d, struct mr_buf *b,
			struct mreg_error *err);
int mr_draw_prov(const struct mr_drawn *d, struct mr_buf *b,
		 struct mreg_error *err);
/* By graphviz; MREG_EUNSUPPORTED where it is not. */
int mr_draw_svg(struct mr_env *env, const struct mr_drawn *d, struct mr_buf *b,
		struct mreg_error *err);

/* svg_clean.c: of what graphviz wrote the shapes and texts, so that nothing
 * else can come along; from <svg> to </svg>.  MREG_EFORMAT: it has something
 * that is neither. */
int mr_svg_clean(const char *svg, struct mr_buf *out, struct mreg_error *err);

/* -- json.c: values that may fail ------------------------------------------ */

/* A text, or null; what is no UTF-8 is made safe.  NULL: out of memory. */
json_t *mr_draw_text(const char *s);
/* "2026-01-01T00:00:00Z". */
json_t *mr_draw_time(int64_t unix_s);
/* Add a member, which is taken; NULL on either side makes `*obj` NULL. */
void mr_draw_put(json_t **obj, const char *key, json_t *value);
/* `out` (129 bytes) is the hex of the sha256 of `prefix` and `text`: a name
 * for what nobody may choose a name for. */
int mr_draw_hash(const char *prefix, const char *text, char out[129],
		 struct mreg_error *err);
/* Append the document and free it; MREG_ENOMEM when it is NULL. */
int mr_draw_dump(json_t *doc, size_t flags, struct mr_buf *b,
		 struct mreg_error *err);

#endif
