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
	static const struct {
		const char *name;
		void (*print)(FILE *out);
	} shells[] = {
		{ "bash", cli_complete_bash },
		{ "zsh", cli_complete_zsh },
		{ "fish", cli_complete_fish },
		{ "man", cli_man },
	};
	const struct args *a = p;
	size_t i;

	for (i = 0; i < MR_COUNT(shells); i++) {
		if (strcmp(shells[i].name, a->shell) != 0)
			continue;
		if (cli->globals.json)
			return mr_fail(err, MREG_EUSAGE,
				       "a completion script has no JSON form");
		shells[i].print(stdout);
		return 0;
	}
	(void)mr_fail(err, MREG_EUSAGE, "no completion for '%.40s'", a->shell);
	return mr_hint(err, "bash, zsh, fish or man");
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
