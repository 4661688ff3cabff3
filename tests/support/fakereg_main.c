/*
 * tests/support/fakereg_main.c - the fake registry as a program, for tests
 * that are none in C.
 *
 * usage: fakereg [OPTION[=VALUE]]...
 *
 * Prints "HOST:PORT" and, on a second line, the other origin's; runs until
 * its standard input ends or it gets SIGTERM.  Options are the fields of
 * struct fakereg_opts: --username=U --password=P --bearer --tag_delete ...
 * `POST /_fake/fault` adds a fault (a JSON object with the fields of struct
 * fakereg_fault), `POST /_fake/clear` removes all and forgets what was seen,
 * `GET /_fake/seen` lists it.
 */
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/fakereg.h"

struct flag {
	const char *name;
	size_t offset;
	enum {
		TEXT,
		YES,
		NUMBER,
		SIZE
	} kind;
};

static const struct flag flags[] = {
	{ "username", offsetof(struct fakereg_opts, username), TEXT },
	{ "password", offsetof(struct fakereg_opts, password), TEXT },
	{ "realm", offsetof(struct fakereg_opts, realm), TEXT },
	{ "bearer", offsetof(struct fakereg_opts, bearer), YES },
	{ "anonymous_pull", offsetof(struct fakereg_opts, anonymous_pull),
	  YES },
	{ "read_only", offsetof(struct fakereg_opts, read_only), YES },
	{ "no_delete_scope", offsetof(struct fakereg_opts, no_delete_scope),
	  YES },
	{ "tag_delete", offsetof(struct fakereg_opts, tag_delete), YES },
	{ "no_catalog", offsetof(struct fakereg_opts, no_catalog), YES },
	{ "immutable_tags", offsetof(struct fakereg_opts, immutable_tags),
	  YES },
	{ "mounts", offsetof(struct fakereg_opts, mounts), YES },
	{ "redirect_blobs", offsetof(struct fakereg_opts, redirect_blobs),
	  YES },
	{ "upload_elsewhere", offsetof(struct fakereg_opts, upload_elsewhere),
	  YES },
	{ "strict_state", offsetof(struct fakereg_opts, strict_state), YES },
	{ "no_digest_header", offsetof(struct fakereg_opts, no_digest_header),
	  YES },
	{ "port", offsetof(struct fakereg_opts, port), NUMBER },
	{ "token_uses", offsetof(struct fakereg_opts, token_uses), NUMBER },
	{ "page", offsetof(struct fakereg_opts, page), NUMBER },
	{ "manifest_max", offsetof(struct fakereg_opts, manifest_max), SIZE },
};

static int set_flag(struct fakereg_opts *o, const char *word)
{
	const char *value = strchr(word, '=');
	size_t n = value ? (size_t)(value - word) : strlen(word);
	char *field;
	size_t i;
	int number;

	value = value ? value + 1 : "";
	for (i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		if (strlen(flags[i].name) != n ||
		    memcmp(flags[i].name, word, n) != 0)
			continue;
		field = (char *)o + flags[i].offset;
		switch (flags[i].kind) {
		case TEXT:
			memcpy(field, &value, sizeof(value));
			break;
		case YES:
			*(bool *)field = true;
			break;
		case NUMBER:
			number = atoi(value);
			memcpy(field, &number, sizeof(number));
			break;
		case SIZE:
			*(size_t *)(void *)field = strtoul(value, NULL, 10);
			break;
		}
		return 0;
	}
	return -1;
}

int main(int argc, char **argv)
{
	struct fakereg_opts o = { .port = 0 };
	struct fakereg *f;
	char sink[256];
	int i;

	for (i = 1; i < argc; i++) {
		if (strncmp(argv[i], "--", 2) != 0 ||
		    set_flag(&o, argv[i] + 2) < 0) {
			fprintf(stderr, "fakereg: unknown option '%s'\n",
				argv[i]);
			return 2;
		}
	}
	(void)signal(SIGPIPE, SIG_IGN);
	f = fakereg_start(&o);
	if (!f) {
		fprintf(stderr, "fakereg: cannot listen\n");
		return 1;
	}
	printf("%s\n%s\n", fakereg_host(f), fakereg_elsewhere(f));
	(void)fflush(stdout);
	while (read(STDIN_FILENO, sink, sizeof(sink)) > 0)
		;
	fakereg_stop(f);
	return 0;
}
