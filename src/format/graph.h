/*
 * format/graph.h - what the formats that hold graphs, ONNX and SavedModel,
 * share: inputs and outputs, and lists as one text; private to the folder.
 */
#ifndef MR_FORMAT_GRAPH_H
#define MR_FORMAT_GRAPH_H

#include <stddef.h>
#include <stdint.h>

#include "format/read.h"

/* Of one shape; no framework goes beyond. */
#define MR_GRAPH_DIMS_MAX 64

/* One more, zeroed; NULL when over. */
struct mr_port *mr_port_add(struct mr_cursor *c, struct mr_port **items,
			    size_t *count);
/* One more dimension: its size, its name where the size is negative (not
 * known), "?" where there is no name either.  `name` is kept already. */
void mr_port_dim(struct mr_cursor *c, struct mr_port *port, int64_t size,
		 const char *name);

/* The words in one kept text, `between` them; those that do not fit into
 * MR_FACT_TEXT_MAX_BYTES are left out.  NULL when there is none. */
const char *mr_words_join(struct mr_cursor *c, const struct mr_words *words,
			  const char *between);

#endif
