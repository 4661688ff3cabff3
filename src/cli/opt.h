/*
 * cli/opt.h - the rows that a command is a table of; a part of cli/cli.h, which
 * includes it.
 */
#ifndef MR_CLI_OPT_H
#define MR_CLI_OPT_H

#include <stdbool.h>
#include <stddef.h>

enum cli_type {
	CLI_TYPE_END = 0,
	CLI_TYPE_ARG,   /* a word that must be there: const char * */
	CLI_TYPE_MAY,   /* a word that may be there: const char * */
	CLI_TYPE_MANY,  /* one or more words: struct cli_words */
	CLI_TYPE_SOME,  /* none or more words: struct cli_words */
	CLI_TYPE_STR,   /* --name VALUE: const char * */
	CLI_TYPE_ONCE,  /* the same; given twice it is an error */
	CLI_TYPE_LIST,  /* --name VALUE, again and again: struct cli_words */
	CLI_TYPE_UINT,  /* --name N: unsigned int, from 1 */
	CLI_TYPE_BOOL,  /* --name: bool */
	CLI_TYPE_COUNT, /* -v -v: unsigned int */
};

struct cli_words {
	const char **items; /* owned by the parse; each from argv */
	size_t n;
};

struct cli_opt {
	enum cli_type type;
	char letter;       /* 0: none */
	const char *name;  /* "dry-run"; of an argument: "DIR" */
	const char *value; /* "N", "NAME", "a|b|c" (the only ones allowed) */
	size_t offset;
	const char *help;
};

#define CLI_ARG(s, field, name, help)                                          \
	{                                                                      \
		CLI_TYPE_ARG, 0, name, NULL, offsetof(s, field), help          \
	}
#define CLI_MAY(s, field, name, help)                                          \
	{                                                                      \
		CLI_TYPE_MAY, 0, name, NULL, offsetof(s, field), help          \
	}
#define CLI_MANY(s, field, name, help)                                         \
	{                                                                      \
		CLI_TYPE_MANY, 0, name, NULL, offsetof(s, field), help         \
	}
#define CLI_SOME(s, field, name, help)                                         \
	{                                                                      \
		CLI_TYPE_SOME, 0, name, NULL, offsetof(s, field), help         \
	}
#define CLI_STR(letter, name, value, s, field, help)                           \
	{                                                                      \
		CLI_TYPE_STR, letter, name, value, offsetof(s, field), help    \
	}
#define CLI_ONCE(letter, name, value, s, field, help)                          \
	{                                                                      \
		CLI_TYPE_ONCE, letter, name, value, offsetof(s, field), help   \
	}
#define CLI_LIST(letter, name, value, s, field, help)                          \
	{                                                                      \
		CLI_TYPE_LIST, letter, name, value, offsetof(s, field), help   \
	}
#define CLI_UINT(letter, name, value, s, field, help)                          \
	{                                                                      \
		CLI_TYPE_UINT, letter, name, value, offsetof(s, field), help   \
	}
#define CLI_BOOL(letter, name, s, field, help)                                 \
	{                                                                      \
		CLI_TYPE_BOOL, letter, name, NULL, offsetof(s, field), help    \
	}
#define CLI_COUNT(letter, name, s, field, help)                                \
	{                                                                      \
		CLI_TYPE_COUNT, letter, name, NULL, offsetof(s, field), help   \
	}
#define CLI_END                                                                \
	{                                                                      \
		CLI_TYPE_END, 0, NULL, NULL, 0, NULL                           \
	}

#endif
