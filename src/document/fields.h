/*
 * document/fields.h - what the readers of small documents share: a tree or what
 * is wrong with it, and values that are fit to be handed out; private to the
 * folder.
 *
 * A fit text is valid UTF-8 of one line without control characters or white
 * space around it, at most MR_FACT_TEXT_MAX_BYTES long; what is not fit is
 * left out.  Lack of memory is not reported where it happens: an arena stays
 * failed, so a reader asks once, at its end (mr_fields_end).
 */
#ifndef MR_DOCUMENT_FIELDS_H
#define MR_DOCUMENT_FIELDS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/buf.h"
#include "document/document.h"
#include "document/node.h"

/*
 * A YAML document's map of fields, in `tree`; NULL for an empty document.  One
 * that cannot be read, or is no map, sets `*trouble` (in `a`) instead.  The
 * error is MREG_ENOMEM.
 */
int mr_fields_open(const char *bytes, size_t n, const char *name,
		   struct mr_arena *tree, struct mr_arena *a,
		   const struct mr_node **root, const char **trouble,
		   struct mreg_error *err);
/* 0, or MREG_ENOMEM if an allocation in `a` was refused. */
int mr_fields_end(const struct mr_arena *a, struct mreg_error *err);

/* Valid UTF-8 without control characters; `lines`: line feeds and tabs may be
 * in it. */
bool mr_fields_is_clean(const char *text, size_t n, bool lines);
/* A fit copy, or NULL; `text` may be NULL. */
const char *mr_fields_line(struct mr_arena *a, const char *text);
/* The same of a field's scalar. */
const char *mr_fields_text(struct mr_arena *a, const struct mr_node *map,
			   const char *key);
/* A list's scalars, or one scalar alone; each once, the first WORDS_MAX
 * (fields.c).  `node` may be NULL; `*out` is zeroed. */
void mr_fields_words(struct mr_arena *a, const struct mr_node *node,
		     struct mr_words *out);
/* A list's item; NULL behind its end, or where there is no list. */
const struct mr_node *mr_fields_item(const struct mr_node *list, size_t i);

/* card_prose.c: the first paragraph of a Markdown text, markup left out, at
 * most 500 bytes; NULL if there is none. */
int mr_card_prose(const char *bytes, size_t n, struct mr_arena *a,
		  const char **out, struct mreg_error *err);
/* card_marks.c: the text of one paragraph, its marks left out; never longer
 * than it was. */
void mr_card_plain(const char *text, size_t n, struct mr_buf *out);

#endif
