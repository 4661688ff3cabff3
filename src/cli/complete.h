/*
 * cli/complete.h - what the three completion scripts share; private to
 * src/cli.
 */
#ifndef MR_CLI_COMPLETE_H
#define MR_CLI_COMPLETE_H

/*
 * Shell text that prints the models there are, one a line, and the aliases of
 * the model in $name.  A registry that does not answer costs two seconds and
 * no message.  Only names that no shell gives a meaning to come through:
 * whoever made them is not trusted.
 */
#define CLI_SHELL_MODELS                                                       \
	"timeout 2 mreg ls --jsonl -q 2>/dev/null |\n"                         \
	"\t\tsed -n 's|.*\"model\": *\"\\([A-Za-z0-9._:/@-]*\\)\".*|\\1|p'"
#define CLI_SHELL_ALIASES                                                      \
	"timeout 2 mreg alias ls \"$name\" --jsonl -q 2>/dev/null |\n"         \
	"\t\tsed -n 's|.*\"alias\": *\"\\([A-Za-z0-9._-]*\\)\".*|\\1|p'"

#endif
