/*
 * cmd_version.c - mreg version and completion.
 */
#include "cli/commands.h"

#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "mreg/json.h"

struct args {
	const char *shell;
};

static const struct cli_opt version_opts[] = { CLI_END };

static const struct cli_opt completion_opts[] = {
	CLI_ARG(struct args, shell, "bash|zsh|fish|man",
		"a shell's completion script, or the man page"),
	CLI_END,
};

static const char *const completion_examples[] = {
	"mreg completion bash > /etc/bash_completion.d/mreg",
	"mreg completion man | man -l -",
	NULL,
};

static int run_version(struct cli *cli, const void *p, struct mreg_error *err)
{
	MR_AUTO(mr_buf_release) struct mr_buf b = MR_BUF_INIT(1u << 16);
	int rc = cli_json(cli, cli->globals.json ? mreg_version_json() : NULL,
			  err);

	(void)p;
	if (rc != 0)
		return rc < 0 ? rc : 0;
	mr_buf_printf(&b, "mreg %s\n", mreg_version());
	return cli_print(&b, err);
}

static int run_completion(struct cli *cli, const void *p,
			  struct mreg_error *err)
{
	const struct args *a = p;

	if (cli->globals.json)
		return mr_fail(err, MREG_EUSAGE,
			       "a completion script has no JSON form");
	if (strcmp(a->shell, "bash") == 0)
		cli_complete_bash(stdout);
	else if (strcmp(a->shell, "zsh") == 0)
		cli_complete_zsh(stdout);
	else if (strcmp(a->shell, "fish") == 0)
		cli_complete_fish(stdout);
	else if (strcmp(a->shell, "man") == 0)
		cli_man(stdout);
	else
		return mr_fail(err, MREG_EUSAGE, "no completion for '%.40s'",
			       a->shell);
	return 0;
}

const struct cli_command cli_cmd_version = {
	.name = "version",
	.summary = "print the version",
	.opts = version_opts,
	.args_size = sizeof(struct args),
	.run = run_version,
	.alone = true,
};

const struct cli_command cli_cmd_completion = {
	.name = "completion",
	.summary = "print a shell completion script or the man page",
	.opts = completion_opts,
	.args_size = sizeof(struct args),
	.run = run_completion,
	.examples = completion_examples,
	.alone = true,
};
