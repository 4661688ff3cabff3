/*
 * src/profile/shell.h - the programs that stand in for /bin/sh in images.
 *
 * A container of KServe's "modelcar" kind starts two small shell scripts in the
 * image that holds the model.  A static program of a few KB that understands
 * them (src/profile/shell/) does what a base image would be needed for
 * otherwise.  Digests of images rest on its bytes: they change with a release
 * of mreg at most.
 */
#ifndef PROFILE_SHELL_H
#define PROFILE_SHELL_H

#include <stddef.h>

struct mr_profile_shell {
	const char *architecture;  /* as in images: "amd64" */
	const unsigned char *data; /* a static ELF program for Linux */
	size_t size;               /* bytes */
};

/* All there are, `*n` of them, sorted by architecture; they live as long as the
 * process. */
const struct mr_profile_shell *mr_profile_shells(size_t *n);

#endif
