/*
 * given.c - small files that a user names to say something with: a policy, an
 * evaluation, metadata.
 */
#include "repo/given.h"

#include <fcntl.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"

int mr_given_load(const char *path, const char *what, struct mr_buf *out,
		  struct mreg_error *err)
{
	int rc = mr_file_load(AT_FDCWD, path, out, err);

	if (rc == 0)
		return 0;
	(void)mr_wrap(err, "cannot read %s '%s'", what, path);
	/* As many programs name it. */
	if (rc == MREG_ENOTFOUND && strcmp(path, "-") == 0)
		(void)mr_hint(err, "'-' is a file like any other; for standard "
				   "input write /dev/stdin");
	return rc;
}
