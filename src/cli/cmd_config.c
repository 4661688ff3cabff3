/*
 * cmd_config.c - mreg config show, get, set, unset.
 */
#include "cli/commands.h"

#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "mreg/config.h"
#include "mreg/json.h"

struct args {
	const char *key, *value;
	bool origin, project, dry_run;
};

static const struct cli_opt show_opts[] = {
	CLI_BOOL(0, "origin", struct args, origin,
		 "tell where each value comes from"),
	CLI_END,
};

static const struct cli_opt get_opts[] = {
	CLI_ARG(struct args, key, "KEY", "such as registry or log.level"),
	CLI_END,
};

static const struct cli_opt set_opts[] = {
	CLI_ARG(struct args, key, "KEY", "such as registry or log.level"),
	CLI_ARG(struct args, value, "VALUE", "its new value"),
	CLI_BOOL(0, "project", struct args, project,
		 "in this project's .mreg.json, not in your own file"),
	CLI_BOOL('n', "dry-run", struct args, dry_run,
		 "check it, write nothing"),
	CLI_END,
};

static const struct cli_opt unset_opts[] = {
	CLI_ARG(struct args, key, "KEY", "such as registry or log.level"),
	CLI_BOOL(0, "project", struct args, project,
		 "in this project's .mreg.json, not in your own file"),
	CLI_BOOL('n', "dry-run", struct args, dry_run,
		 "check it, write nothing"),
	CLI_END,
};

static const char *const set_examples[] = {
	"mreg config set registry ghcr.io/acme/models",
	"mreg config set registry localhost:5000/models --project",
	NULL,
};

static int run_show(struct cli *cli, const void *p, struct mreg_error *err)
{
	MR_AUTO(mr_buf_release) struct mr_buf b = MR_BUF_INIT(1u << 20);
	const struct args *a = p;
	const struct mreg_setting *s;
	size_t n = mreg_settings(cli->mreg, &s);
	static const char *const heads[] = { "KEY", "VALUE", "FROM" };
	struct cli_table *t;
	size_t i;
	int rc = cli_json(
		cli, cli->globals.json ? mreg_settings_json(s, n) : NULL, err);

	if (rc != 0)
		return rc < 0 ? rc : 0;
	t = cli_table_new(heads, a->origin ? 3 : 2);
	if (!t)
		return mr_fail_nomem(err);
	for (i = 0; i < n; i++) {
		cli_table_cell(t, "%s", s[i].key);
		cli_table_cell(t, "%s", s[i].value[0] ? s[i].value : "-");
		if (a->origin)
			cli_table_cell(t, "%s", s[i].origin);
	}
	rc = cli_table_print(cli, t, &b, err);
	return rc < 0 ? rc : cli_print(&b, err);
}

static int run_get(struct cli *cli, const void *p, struct mreg_error *err)
{
	MR_AUTO(mr_buf_release) struct mr_buf b = MR_BUF_INIT(1u << 20);
	const struct args *a = p;
	const struct mreg_setting *s;
	int rc = mreg_setting_get(cli->mreg, a->key, &s, err);

	if (rc < 0)
		return rc;
	rc = cli_json(cli, cli->globals.json ? mreg_settings_json(s, 1) : NULL,
		      err);
	if (rc != 0)
		return rc < 0 ? rc : 0;
	cli_put(&b, s->value);
	mr_buf_putc(&b, '\n');
	return cli_print(&b, err);
}

static int change(struct cli *cli, const struct args *a, const char *value,
		  struct mreg_error *err)
{
	MR_AUTO(mr_buf_release) struct mr_buf b = MR_BUF_INIT(1u << 20);
	struct mreg_setting now = { .key = a->key,
				    .value = value ? value : "" };
	const char *path;
	bool changed;
	int rc = mreg_setting_set(
		cli->mreg, a->project ? MREG_CONFIG_PROJECT : MREG_CONFIG_USER,
		a->key, value, a->dry_run, &path, err);

	if (rc < 0)
		return rc;
	changed = rc > 0;
	now.origin = path;
	rc = cli_json(cli,
		      cli->globals.json ? mreg_settings_json(&now, 1) : NULL,
		      err);
	if (rc != 0)
		return rc < 0 ? rc : 0;
	if (a->dry_run)
		mr_buf_puts(&b, "would write: ");
	cli_put(&b, a->key);
	if (value) {
		mr_buf_puts(&b, " = ");
		cli_put(&b, value);
		mr_buf_puts(&b, " in ");
	} else {
		mr_buf_puts(&b,
			    changed ? " removed from " : " was not set in ");
	}
	cli_put(&b, path);
	mr_buf_putc(&b, '\n');
	return cli_report(cli, &b, err);
}

static int run_set(struct cli *cli, const void *p, struct mreg_error *err)
{
	const struct args *a = p;

	return change(cli, a, a->value, err);
}

static int run_unset(struct cli *cli, const void *p, struct mreg_error *err)
{
	return change(cli, p, NULL, err);
}

const struct cli_command cli_cmd_config_show = {
	.name = "config show",
	.summary = "list all settings",
	.opts = show_opts,
	.args_size = sizeof(struct args),
	.run = run_show,
	.notes = "Order: flag, MREG_* in the environment, .mreg.json here or "
		 "in a parent folder, your own config file, default.",
};

const struct cli_command cli_cmd_config_get = {
	.name = "config get",
	.summary = "print one setting",
	.opts = get_opts,
	.args_size = sizeof(struct args),
	.run = run_get,
};

const struct cli_command cli_cmd_config_set = {
	.name = "config set",
	.summary = "write one setting",
	.opts = set_opts,
	.args_size = sizeof(struct args),
	.run = run_set,
	.examples = set_examples,
};

const struct cli_command cli_cmd_config_unset = {
	.name = "config unset",
	.summary = "remove one setting from a file",
	.opts = unset_opts,
	.args_size = sizeof(struct args),
	.run = run_unset,
};
