/*
 * tests/support/fakereg_main.c - the fake registry as a program, for tests
 * that are none in C.
 *
 * usage: fakereg [--profile=NAME] [--OPTION[=VALUE]]...
 *
 * Prints "HOST:PORT", on a second line the other origin's, on a third the
 * user and on a fourth the password ("" each: none needed); runs until its
 * standard input ends or it gets SIGTERM.  Options are the fields of struct
 * fakereg_opts (--bearer --page=3), and what is given later counts.
 *
 *   POST /_fake/fault   add a fault: JSON, the fields of struct fakereg_fault
 *   POST /_fake/clear   remove all and forget what was seen
 *   GET  /_fake/seen    what was seen
 *   GET  /_fake/content what it holds
 *   POST /_fake/gate    {"at": N}, or {} to open it (fakereg_gate)
 *   GET  /_fake/moved   struct fakereg_moved as JSON
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/fakereg.h"

/* "--NAME[=VALUE]"; `word` is cut in two. */
static bool set_flag(struct fakereg_opts *o, char *word)
{
	char *value = strchr(word, '=');

	if (strncmp(word, "--", 2) != 0)
		return false;
	if (value)
		*value++ = '\0';
	if (strcmp(word, "--profile") == 0)
		return value && fakereg_profile(value, o);
	return fakereg_opt(o, word + 2, value ? value : "");
}

int main(int argc, char **argv)
{
	struct fakereg_opts o = { .port = 0 };
	struct fakereg *f;
	char sink[256];
	int i;

	for (i = 1; i < argc; i++) {
		if (!set_flag(&o, argv[i])) {
			fprintf(stderr, "fakereg: cannot use '%s'\n", argv[i]);
			return 2;
		}
	}
	(void)signal(SIGPIPE, SIG_IGN);
	f = fakereg_start(&o);
	if (!f) {
		fprintf(stderr, "fakereg: cannot listen\n");
		return 1;
	}
	printf("%s\n%s\n%s\n%s\n", fakereg_host(f), fakereg_elsewhere(f),
	       o.username ? o.username : "", o.password ? o.password : "");
	(void)fflush(stdout);
	while (read(STDIN_FILENO, sink, sizeof(sink)) > 0)
		;
	fakereg_stop(f);
	return 0;
}
