/*
 * commands.c - every command, in the order of --help.
 */
#include "cli/cli.h"
#include "cli/commands.h"

const struct cli_command *const cli_commands[] = {
	&cli_cmd_push,
	&cli_cmd_pull,
	&cli_cmd_resolve,
	&cli_cmd_ls,
	&cli_cmd_inspect,
	&cli_cmd_card,
	&cli_cmd_diff,
	&cli_cmd_check,
	&cli_cmd_attach,
	&cli_cmd_evaluate,
	&cli_cmd_log,
	&cli_cmd_alias_set,
	&cli_cmd_alias_rm,
	&cli_cmd_alias_ls,
	&cli_cmd_alias_repair,
	&cli_cmd_rollback,
	&cli_cmd_release,
	&cli_cmd_wait,
	&cli_cmd_create,
	&cli_cmd_edit,
	&cli_cmd_policy_show,
	&cli_cmd_policy_set,
	&cli_cmd_policy_check,
	&cli_cmd_copy,
	&cli_cmd_export,
	&cli_cmd_import,
	&cli_cmd_login,
	&cli_cmd_logout,
	&cli_cmd_doctor,
	&cli_cmd_config_show,
	&cli_cmd_config_get,
	&cli_cmd_config_set,
	&cli_cmd_config_unset,
	&cli_cmd_completion,
	&cli_cmd_version,
	NULL,
};
