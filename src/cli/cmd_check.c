/*
 * cmd_check.c - mreg check.
 */
#include "cli/commands.h"

#include <inttypes.h>

#include "base/mem.h"
#include "base/text.h"
#include "mreg/check.h"
#include "mreg/json.h"

struct args {
	const char *dir, *ref;
	unsigned int jobs;
	bool verify_files, exact;
};

static const struct cli_opt opts[] = {
	CLI_ARG(struct args, dir, "DIR", "directory that holds the files"),
	CLI_MAY(struct args, ref, "REF",
		"the version (what was last pulled there)"),
	CLI_BOOL(0, "exact", struct args, exact,
		 "files that the version does not have count too"),
	CLI_BOOL(0, "verify-files", struct args, verify_files,
		 "read all files instead of trusting what is remembered"),
	CLI_UINT('j', "jobs", "N", struct args, jobs, "files read at once (4)"),
	CLI_END,
};

static const char *const examples[] = {
	"mreg check /models/churn",
	"mreg check /models/churn churn:production --exact",
	NULL,
};

static const char *word_of(enum mreg_check_state state)
{
	switch (state) {
	case MREG_CHECK_MISSING:
		return "missing";
	case MREG_CHECK_CHANGED:
		return "changed";
	case MREG_CHECK_MODE:
		return "mode";
	case MREG_CHECK_OTHER:
		return "no file";
	case MREG_CHECK_EXTRA:
		return "extra";
	case MREG_CHECK_PACKED:
		return "packed";
	case MREG_CHECK_RIGHT:
		break;
	}
	return "right";
}

/* All that was compared is right, and some could not be. */
static bool is_open(const struct mreg_check_result *r)
{
	return r->packed && !r->missing && !r->changed && !r->mode && !r->other;
}

static void put_head(struct cli *cli, struct mr_buf *b,
		     const struct mreg_check_result *r)
{
	char digest[MREG_DIGEST_TEXT];

	cli_put_bold(cli, b, r->directory);
	mr_buf_puts(b, r->same      ? " is "
		       : is_open(r) ? " was not compared as a whole with "
				    : " differs from ");
	cli_put_bold(cli, b, r->name);
	if (!r->tag && r->number) {
		mr_buf_printf(b, ":v%" PRIu64, r->number);
	} else if (r->tag) {
		mr_buf_putc(b, ':');
		cli_put_bold(cli, b, r->tag);
	}
	if (r->tag && r->number)
		mr_buf_printf(b, " (v%" PRIu64 ")", r->number);
	mr_buf_printf(b, "\n  %s\n", mreg_digest_text(&r->digest, digest));
}

static void put_files(struct mr_buf *b, const struct mreg_check_result *r)
{
	size_t i;

	for (i = 0; i < r->file_count; i++) {
		const struct mreg_check_file *f = &r->files[i];

		mr_buf_printf(b, "  %-8s ", word_of(f->state));
		cli_put(b, f->path);
		if (f->state == MREG_CHECK_MODE)
			mr_buf_puts(b, f->executable
					       ? " (should be executable)"
					       : " (should not be executable)");
		mr_buf_putc(b, '\n');
	}
}

static void put_count(struct mr_buf *b, uint64_t n, const char *what)
{
	if (n)
		mr_buf_printf(b, ", %" PRIu64 " %s", n, what);
}

static void put_sums(struct mr_buf *b, const struct mreg_check_result *r)
{
	char text[32];

	mr_buf_printf(b, "  %" PRIu64 " right", r->right);
	put_count(b, r->missing, "missing");
	put_count(b, r->changed, "changed");
	put_count(b, r->mode, "with the wrong mode");
	put_count(b, r->other, "in the way");
	put_count(b, r->extra, "extra");
	put_count(b, r->packed, "packed, not compared");
	mr_buf_printf(b, "; %s read", mr_text_size(r->bytes_hashed, text));
	mr_buf_puts(b, r->files_known
			       ? ", the rest has not changed since it was "
				 "read\n"
			       : "\n");
	if (r->packed)
		mr_buf_puts(b, "  what comes in archives is compared by 'mreg "
			       "pull --verify-files', which mends it too\n");
}

static int show(struct cli *cli, const struct mreg_check_result *r,
		struct mreg_error *err)
{
	MR_AUTO(mr_buf_release) struct mr_buf b = MR_BUF_INIT(1u << 28);
	int rc = cli_json(
		cli, cli->globals.json ? mreg_check_result_json(r) : NULL, err);

	if (rc != 0)
		return rc < 0 ? rc : 0;
	put_head(cli, &b, r);
	put_files(&b, r);
	put_sums(&b, r);
	return cli_report(cli, &b, err);
}

static int run(struct cli *cli, const void *p, struct mreg_error *err)
{
	const struct args *a = p;
	struct mreg_check_opts o = MREG_CHECK_OPTS_INIT;
	struct mreg_check_result res;
	int rc;

	o.jobs = a->jobs;
	o.verify_files = a->verify_files;
	o.exact = a->exact;
	rc = mreg_check(cli->mreg, a->dir, a->ref, &o, &res, err);
	if (rc < 0)
		return rc;
	rc = show(cli, &res, err);
	if (!res.same)
		cli->exit_code = mreg_code_exit(
			is_open(&res) ? MREG_EUNSUPPORTED : MREG_EINTEGRITY);
	mreg_check_result_release(&res);
	return rc;
}

const struct cli_command cli_cmd_check = {
	.name = "check",
	.summary = "compare a directory with a version",
	.opts = opts,
	.args_size = sizeof(struct args),
	.run = run,
	.examples = examples,
	.notes = "Exit status 6 when a file is missing, has other bytes, is no "
		 "file or has the wrong executable bit. Other files are listed "
		 "and count with --exact; what a push would leave out, such as "
		 ".git, is none of them. Files that come in an archive "
		 "are not compared, and others not looked for beside them: "
		 "where all else is right, the exit status is 9. Nothing is "
		 "written, and nothing but the manifest is fetched.\n\n"
		 "A file that has not changed since it was last read is not "
		 "read again: --verify-files does. Without REF the directory "
		 "is compared with what was last pulled whole into it, by "
		 "digest, if this machine remembers.",
};
