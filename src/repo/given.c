/*
 * given.c - small files that a user names to say something with: a policy, an
 * evaluation, metadata; and times.
 */
#include "repo/given.h"

#include <fcntl.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/text.h"

#define SHOWN_BYTES 80

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

int mr_given_time(const char *text, int64_t *out_s, struct mreg_error *err)
{
	char shown[SHOWN_BYTES];

	if (mr_text_moment_parse(text, out_s) == 0)
		return 0;
	(void)mr_fail(err, MREG_EUSAGE, "'%s' is no time",
		      mr_text_safe(text, shown, sizeof(shown)));
	return mr_hint(err, "write 2027-01-31 or 2027-01-31T12:00:00Z");
}
