/*
 * cmd_report.c - mreg report.
 */
#include "cli/commands.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "mreg/figures.h"
#include "mreg/json.h"
#include "mreg/report.h"

#define RESULT_MAX_BYTES (1u << 28)
#define EXIT_FLAWED 6 /* as of `log --verify` */

struct args {
	const char *ref, *since, *format, *output;
	bool all;
};

static const struct cli_opt opts[] = {
	CLI_MAY(struct args, ref, "NAME|REF", "a model, or one version of it"),
	CLI_BOOL('a', "all", struct args, all,
		 "the figures of all models in the index"),
	CLI_STR(0, "since", "TIME", struct args, since,
		"of histories only what came later: 2026-01-31"),
	CLI_STR('f', "format", "md|html|json", struct args, format,
		"else by the end of FILE's name, else md"),
	CLI_ONCE('o', "output", "FILE", struct args, output,
		 "write it there; else to standard output"),
	CLI_END,
};

static const char *const examples[] = {
	"mreg report churn",
	"mreg report churn:production --since 2026-01-01 -o audit.html",
	"mreg report --all --since 2026-01-01",
	NULL,
};

/* -- what is asked for ------------------------------------------------------
 */

static const char *format_of(const struct cli *cli, const struct args *a)
{
	if (cli->globals.json)
		return "json";
	if (a->format)
		return a->format;
	if (a->output && mr_text_ends(a->output, ".html"))
		return "html";
	if (a->output && mr_text_ends(a->output, ".json"))
		return "json";
	return "md";
}

static int check(const struct cli *cli, const struct args *a,
		 struct mreg_error *err)
{
	if (!a->ref && !a->all) {
		(void)mr_fail(err, MREG_EUSAGE, "no model is named");
		return mr_hint(err, "give a name, or --all for the figures of "
				    "all models");
	}
	if (a->ref && a->all)
		return mr_fail(err, MREG_EUSAGE,
			       "--all is of all models, not of '%.100s'",
			       a->ref);
	if (cli->globals.json && a->format && strcmp(a->format, "json") != 0)
		return mr_fail(err, MREG_EUSAGE,
			       "--json and --format %s are two formats",
			       a->format);
	return 0;
}

/* -- the document ------------------------------------------------------------
 */

/* A text of malloc'd memory as a result, or in the file. */
static int deliver(struct cli *cli, const struct args *a, char *text,
		   struct mreg_error *err)
{
	MR_AUTO(mr_buf_release)
	struct mr_buf b = MR_BUF_INIT(RESULT_MAX_BYTES);
	MR_AUTO(mr_buf_release) struct mr_buf said = MR_BUF_INIT(8192);
	size_t n;

	if (!text)
		return mr_fail_nomem(err);
	mr_buf_puts(&b, text);
	free(text);
	n = b.len;
	if (n && b.data[n - 1] != '\n')
		mr_buf_putc(&b, '\n');
	if (!a->output || strcmp(a->output, "-") == 0)
		return cli_print(&b, err);
	if (mr_buf_check(&b, "a report", err) < 0 ||
	    mr_file_save(AT_FDCWD, a->output, b.data, b.len, 0644, err) < 0)
		return (int)err->code;
	mr_buf_puts(&said, "written to ");
	cli_put(&said, a->output);
	mr_buf_putc(&said, '\n');
	return cli->globals.json ? 0 : cli_report(cli, &said, err);
}

static enum mreg_report_form form_of(const char *format)
{
	return strcmp(format, "html") == 0 ? MREG_REPORT_HTML
					   : MREG_REPORT_MARKDOWN;
}

static int report(struct cli *cli, const struct args *a, const char *format,
		  const struct mreg_report_opts *o, struct mreg_error *err)
{
	struct mreg_report_result r;
	char *text = NULL;
	int rc = mreg_report(cli->mreg, a->ref, o, &r, err);

	if (rc < 0)
		return rc;
	if (r.live && !r.log->verified)
		cli->exit_code = EXIT_FLAWED;
	if (strcmp(format, "json") == 0)
		text = mreg_report_result_json(&r);
	else
		rc = mreg_report_page(cli->mreg, &r, form_of(format), &text,
				      err);
	mreg_report_result_release(&r);
	return rc < 0 ? rc : deliver(cli, a, text, err);
}

static int figures(struct cli *cli, const struct args *a, const char *format,
		   const struct mreg_report_opts *o, struct mreg_error *err)
{
	struct mreg_figures_result r;
	char *text = NULL;
	int rc = mreg_figures(cli->mreg, o, &r, err);

	if (rc < 0)
		return rc;
	if (strcmp(format, "json") == 0)
		text = mreg_figures_result_json(&r);
	else
		rc = mreg_figures_page(cli->mreg, &r, form_of(format), &text,
				       err);
	mreg_figures_result_release(&r);
	return rc < 0 ? rc : deliver(cli, a, text, err);
}

static int run(struct cli *cli, const void *p, struct mreg_error *err)
{
	const struct args *a = p;
	struct mreg_report_opts o = MREG_REPORT_OPTS_INIT;
	const char *format = format_of(cli, a);
	int rc = check(cli, a, err);

	if (rc < 0)
		return rc;
	o.since = a->since;
	return a->all ? figures(cli, a, format, &o, err)
		      : report(cli, a, format, &o, err);
}

const struct cli_command cli_cmd_report = {
	.name = "report",
	.summary = "a model for an auditor, or the figures of all",
	.opts = opts,
	.args_size = sizeof(struct args),
	.run = run,
	.examples = examples,
	.notes = "Of a model it reads the whole log anew and says whether it "
		 "is whole; where it is not, it ends with status 6. A registry "
		 "that cannot be reached is reported by what the index "
		 "remembers, as not verified. What could not be read is named. "
		 "What each figure counts is in spec/report.md.",
};
