/*
 * rules.c - what is left out of a folder: git's and tools' own files, and what
 * .mregignore names.
 */
#include "pack/rules.h"

#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "pack/scan.h"

#define IGNORE_FILE ".mregignore"

/* "!*" is meant to take back files of the model, not the history of a
 * repository. */
static const char *const left_out_always[] = {
	".git",      "**/.cache/huggingface/", "__pycache__/", ".DS_Store",
	IGNORE_FILE,
};

int mr_rules_defaults(struct mr_ignore **out, struct mreg_error *err)
{
	return mr_ignore_list(left_out_always, MR_COUNT(left_out_always), out,
			      err);
}

int mr_rules_load(int dirfd, const char *source, struct mr_ignore **out,
		  struct mreg_error *err)
{
	MR_AUTO(mr_buf_release)
	struct mr_buf text = MR_BUF_INIT(MR_PARSED_FILE_MAX_BYTES);
	char shown[MR_SCAN_SHOWN];
	struct stat st;
	int rc;

	*out = NULL;
	if (fstatat(dirfd, IGNORE_FILE, &st, 0) < 0 || !S_ISREG(st.st_mode))
		return 0;
	rc = mr_file_load(dirfd, IGNORE_FILE, &text, err);
	if (rc < 0)
		return mr_wrap(err, "cannot read the patterns of '%s'",
			       mr_text_safe(source, shown, sizeof(shown)));
	return mr_ignore_parse(mr_buf_text(&text), text.len, out, err);
}

bool mr_rules_ignore(const struct mr_ignore *defaults,
		     const struct mr_ignore *exclude, const struct mr_rules *in,
		     const char *path, bool is_dir)
{
	enum mr_verdict v;

	if (mr_ignore_match(defaults, path, is_dir) == MR_VERDICT_IGNORE)
		return true;
	v = mr_ignore_match(exclude, path, is_dir);
	for (; v == MR_VERDICT_NONE && in; in = in->up) {
		size_t n = strlen(in->path);

		v = mr_ignore_match(in->own, path + n + (n ? 1 : 0), is_dir);
	}
	return v == MR_VERDICT_IGNORE;
}
