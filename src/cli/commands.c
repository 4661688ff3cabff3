/*
 * commands.c - every command, in the order of --help, and its headings.
 */
#include "cli/commands.h"
#include "cli/rows.h"

const struct cli_command *const cli_commands[] = {
	/* files in and out */
	&cli_cmd_push,
	&cli_cmd_pull,
	&cli_cmd_check,
	&cli_cmd_attach,
	&cli_cmd_evaluate,
	&cli_cmd_image,
	&cli_cmd_copy,
	&cli_cmd_export,
	&cli_cmd_import,
	&cli_cmd_initialize,
	/* what is there */
	&cli_cmd_resolve,
	&cli_cmd_ls,
	&cli_cmd_inspect,
	&cli_cmd_card,
	&cli_cmd_diff,
	/* names and history */
	&cli_cmd_alias_set,
	&cli_cmd_alias_rm,
	&cli_cmd_alias_ls,
	&cli_cmd_alias_repair,
	&cli_cmd_promote,
	&cli_cmd_rollback,
	&cli_cmd_split,
	&cli_cmd_release,
	&cli_cmd_wait,
	&cli_cmd_log,
	&cli_cmd_changelog,
	&cli_cmd_create,
	&cli_cmd_edit,
	/* across models */
	&cli_cmd_index_sync,
	&cli_cmd_index_rebuild,
	&cli_cmd_index_status,
	&cli_cmd_index_ingest,
	&cli_cmd_search,
	&cli_cmd_lineage,
	&cli_cmd_report,
	&cli_cmd_query,
	/* rules and approvals */
	&cli_cmd_policy_show,
	&cli_cmd_policy_set,
	&cli_cmd_policy_check,
	&cli_cmd_request,
	&cli_cmd_approve,
	&cli_cmd_reject,
	&cli_cmd_approvals,
	/* in use */
	&cli_cmd_deployed,
	&cli_cmd_where,
	&cli_cmd_what,
	&cli_cmd_observe,
	&cli_cmd_incident,
	&cli_cmd_incidents,
	/* out of use */
	&cli_cmd_deprecate,
	&cli_cmd_archive,
	&cli_cmd_restore,
	&cli_cmd_gc,
	&cli_cmd_du,
	/* settings and help */
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

const struct cli_heading cli_headings[] = {
	{ &cli_cmd_push, "files in and out" },
	{ &cli_cmd_resolve, "what is there" },
	{ &cli_cmd_alias_set, "names and history" },
	{ &cli_cmd_index_sync, "across models" },
	{ &cli_cmd_policy_show, "rules and approvals" },
	{ &cli_cmd_deployed, "in use" },
	{ &cli_cmd_deprecate, "out of use" },
	{ &cli_cmd_login, "settings and help" },
	{ NULL, NULL },
};

const struct cli_group cli_groups[] = {
	{ "alias", "names that point at a version" },
	{ "index", "what registries hold, remembered to be searched" },
	{ "policy", "what a version has to show" },
	{ "config", "settings" },
	{ NULL, NULL },
};
