/*
 * src/profile/shell/sh.h - what the two halves of the stand-in share.
 */
#ifndef PROFILE_SHELL_SH_H
#define PROFILE_SHELL_SH_H

#include <stdbool.h>
#include <stddef.h>

enum {
	SH_MAX_BYTES = 4 << 20,
	SH_MAX_WORDS = 64,
	SH_MAX_DEPTH = 16,
	SH_MAX_SHOWN = 64, /* bytes of a word in a message */

	SH_STATUS_MISTAKE = 2,
	SH_STATUS_UNKNOWN = 127,
};

struct sh {
	const char *at; /* next byte of the script */
	bool leaving;   /* exit was met: to the end of ( ) or the script */
	bool taking;    /* inside "$( )": output goes to sh_taken */
	int status;     /* of the last command */
	unsigned depth;
	size_t words_used, taken_used;
};

/* The whole program but for how the kernel starts it: the exit status. */
int sh_main(int argc, char **argv);

extern char sh_words[SH_MAX_BYTES];
extern char sh_taken[SH_MAX_BYTES];

/* The signals that end the program, as the kernel's set. */
extern const unsigned long sh_ending;

struct sh_command {
	const char *name;
	int (*run)(struct sh *s, int argc, char **argv); /* exit status */
};

/* NULL when there is none of that name. */
const struct sh_command *sh_command_find(const char *name);

size_t sh_length(const char *text);
bool sh_same(const char *a, const char *b);

/* A number as text, somewhere in `buf`. */
const char *sh_digits(long n, char buf[24]);

void sh_say(const char *text); /* on stderr */
_Noreturn void sh_leave(int status);
/* The end, for a word that is not known, and for a mistake of grammar. */
_Noreturn void sh_refuse(const char *word, size_t n);
_Noreturn void sh_mistake(const char *what);

/* Waits for a signal that ends the program: `s` seconds, for ever if negative;
 * 0 only looks. */
void sh_end_if_told(long s);

#endif
