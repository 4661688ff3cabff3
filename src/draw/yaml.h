/*
 * draw/yaml.h - lines of YAML, as its readers in clusters understand them.
 */
#ifndef MR_DRAW_YAML_H
#define MR_DRAW_YAML_H

#include "base/buf.h"

struct mr_yaml {
	struct mr_buf *b;   /* borrowed; checked by who owns it */
	unsigned int depth; /* of the lines that follow, two spaces each */
};

/* A line "# ..."; a text of many lines is many of them. */
void mr_yaml_note(struct mr_yaml *y, const char *text);
/* The same of what was built in a buffer; where that failed, all of it has. */
void mr_yaml_note_built(struct mr_yaml *y, const struct mr_buf *text);
/* "key:", and what follows is one deeper, until mr_yaml_up; keys are ours and
 * plain, as are values of mr_yaml_own. */
void mr_yaml_map(struct mr_yaml *y, const char *key);
void mr_yaml_up(struct mr_yaml *y, unsigned int steps);
/* "- key: value": an entry of a list begins; its other members are one deeper
 * than the lines so far. */
void mr_yaml_item(struct mr_yaml *y, const char *key, const char *value);
/* "- " of words of ours alone. */
void mr_yaml_own_item(struct mr_yaml *y, const char *words);
void mr_yaml_own(struct mr_yaml *y, const char *key, const char *value);
/* Any text: in double quotes, with escapes (YAML 1.2, 5.7), so that it is one
 * string to every reader. */
void mr_yaml_text(struct mr_yaml *y, const char *key, const char *value);
/* "key: |-": lines follow, one deeper, that are a document of their own. */
void mr_yaml_block(struct mr_yaml *y, const char *key);

#endif
