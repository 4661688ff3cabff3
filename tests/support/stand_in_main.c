/*
 * tests/support/stand_in_main.c - the stand-in for /bin/sh as a program of this
 * build, so that sanitizers watch it.
 * usage: stand_in -c SCRIPT, or -s to read a script from stdin that is too
 *        large for an argument
 */
#include "src/profile/shell/sh.h"

#include <stdio.h>
#include <string.h>

static char script[(8 << 20) + 1];

int main(int argc, char **argv)
{
	char *from_stdin[] = { argv[0], "-c", script, NULL };

	if (argc == 2 && strcmp(argv[1], "-s") == 0) {
		script[fread(script, 1, sizeof(script) - 1, stdin)] = '\0';
		return sh_main(3, from_stdin);
	}
	return sh_main(argc, argv);
}
