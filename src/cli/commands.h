/*
 * cli/commands.h - the rows that commands.c puts in order.
 */
#ifndef MR_CLI_COMMANDS_H
#define MR_CLI_COMMANDS_H

#include "cli/cli.h"

extern const struct cli_command cli_cmd_push;
extern const struct cli_command cli_cmd_pull;
extern const struct cli_command cli_cmd_resolve;
extern const struct cli_command cli_cmd_ls;
extern const struct cli_command cli_cmd_inspect;
extern const struct cli_command cli_cmd_card;
extern const struct cli_command cli_cmd_diff;
extern const struct cli_command cli_cmd_check;
extern const struct cli_command cli_cmd_attach;
extern const struct cli_command cli_cmd_image;
extern const struct cli_command cli_cmd_evaluate;
extern const struct cli_command cli_cmd_log;
extern const struct cli_command cli_cmd_changelog;
extern const struct cli_command cli_cmd_alias_set;
extern const struct cli_command cli_cmd_alias_rm;
extern const struct cli_command cli_cmd_alias_ls;
extern const struct cli_command cli_cmd_alias_repair;
extern const struct cli_command cli_cmd_promote;
extern const struct cli_command cli_cmd_rollback;
extern const struct cli_command cli_cmd_split;
extern const struct cli_command cli_cmd_request;
extern const struct cli_command cli_cmd_approve;
extern const struct cli_command cli_cmd_reject;
extern const struct cli_command cli_cmd_approvals;
extern const struct cli_command cli_cmd_query;
extern const struct cli_command cli_cmd_search;
extern const struct cli_command cli_cmd_release;
extern const struct cli_command cli_cmd_report;
extern const struct cli_command cli_cmd_wait;
extern const struct cli_command cli_cmd_create;
extern const struct cli_command cli_cmd_edit;
extern const struct cli_command cli_cmd_deprecate;
extern const struct cli_command cli_cmd_archive;
extern const struct cli_command cli_cmd_restore;
extern const struct cli_command cli_cmd_deployed;
extern const struct cli_command cli_cmd_where;
extern const struct cli_command cli_cmd_what;
extern const struct cli_command cli_cmd_observe;
extern const struct cli_command cli_cmd_incident;
extern const struct cli_command cli_cmd_incidents;
extern const struct cli_command cli_cmd_gc;
extern const struct cli_command cli_cmd_du;
extern const struct cli_command cli_cmd_index_sync;
extern const struct cli_command cli_cmd_index_rebuild;
extern const struct cli_command cli_cmd_index_status;
extern const struct cli_command cli_cmd_index_ingest;
extern const struct cli_command cli_cmd_lineage;
extern const struct cli_command cli_cmd_policy_show;
extern const struct cli_command cli_cmd_policy_set;
extern const struct cli_command cli_cmd_policy_check;
extern const struct cli_command cli_cmd_copy;
extern const struct cli_command cli_cmd_export;
extern const struct cli_command cli_cmd_import;
extern const struct cli_command cli_cmd_initialize;
extern const struct cli_command cli_cmd_login;
extern const struct cli_command cli_cmd_logout;
extern const struct cli_command cli_cmd_doctor;
extern const struct cli_command cli_cmd_config_show;
extern const struct cli_command cli_cmd_config_get;
extern const struct cli_command cli_cmd_config_set;
extern const struct cli_command cli_cmd_config_unset;
extern const struct cli_command cli_cmd_completion;
extern const struct cli_command cli_cmd_version;

#endif
