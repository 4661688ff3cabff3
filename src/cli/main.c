/*
 * main.c - from argv to one command and its exit status.
 */
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/text.h"
#include "cli/cli.h"
#include "mreg/config.h"

/* What a signal handler may reach: the session, and that it came too early
 * for one. */
static struct mreg *volatile running;
static volatile sig_atomic_t early;

const struct cli_opt cli_global_opts[] = {
	CLI_STR(0, "registry", "PREFIX", struct cli_globals, registry,
		"where short names are: HOST[/PATH] or oci:DIR"),
	CLI_STR(0, "store", "DIR", struct cli_globals, store,
		"folder of the local store"),
	CLI_STR(0, "db", "DB", struct cli_globals, db,
		"the index: a file, or postgresql://..."),
	CLI_STR(0, "as", "NAME", struct cli_globals, actor,
		"who the log says did it, where no login does; never trusted "
		"as proof"),
	CLI_STR(0, "ca-file", "FILE", struct cli_globals, ca_file,
		"trust these PEM certificates too"),
	CLI_BOOL(0, "plain-http", struct cli_globals, plain_http,
		 "plain HTTP, also for hosts that are not this machine"),
	CLI_STR(0, "limit-rate", "SIZE", struct cli_globals, limit_rate,
		"bytes a second, up and down together: 20MB; 0: no limit"),
	CLI_BOOL(0, "json", struct cli_globals, json,
		 "print the result as one JSON document"),
	CLI_BOOL(0, "jsonl", struct cli_globals, jsonl,
		 "print a list as one JSON object a line"),
	CLI_STR(0, "progress", "auto|bar|plain|json|none", struct cli_globals,
		progress, "what a transfer shows on stderr"),
	CLI_BOOL(0, "no-progress", struct cli_globals, no_progress,
		 "the same as --progress=none"),
	CLI_STR(0, "color", "auto|always|never", struct cli_globals, color,
		"colours on stdout and stderr"),
	CLI_BOOL('q', "quiet", struct cli_globals, quiet, "errors only"),
	CLI_COUNT('v', "verbose", struct cli_globals, verbose,
		  "say more; twice: every request"),
	CLI_BOOL('h', "help", struct cli_globals, help, "show this help"),
	CLI_BOOL('V', "version", struct cli_globals, version,
		 "show the version"),
	CLI_END,
};

static void on_signal(int sig)
{
	/* The second one ends the program at once. */
	(void)signal(sig, SIG_DFL);
	if (running)
		mreg_cancel(running);
	else
		early = 1;
}

static void watch_signals(void)
{
	struct sigaction sa = { .sa_handler = on_signal };

	(void)sigaction(SIGINT, &sa, NULL);
	(void)sigaction(SIGTERM, &sa, NULL);
	(void)sigaction(SIGHUP, &sa, NULL);
	/* A closed pipe, or a file that may not get so large, is an error of
	 * write(2), told like any other. */
	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGXFSZ, SIG_IGN);
}

static bool wants_color(const char *mode, int fd)
{
	const char *no = getenv("NO_COLOR");
	const char *term = getenv("TERM");

	if (mode && strcmp(mode, "always") == 0)
		return true;
	if (mode && strcmp(mode, "never") == 0)
		return false;
	if ((no && no[0]) || (term && strcmp(term, "dumb") == 0))
		return false;
	return isatty(fd);
}

static void on_log(void *ctx, enum mreg_log_level level, const char *text)
{
	static const char *const names[] = { "error", "warning", "info",
					     "debug" };
	struct cli *cli = ctx;

	/* Of what fails there is one document, which has the reasons. */
	if (cli->globals.json && level == MREG_LOG_ERROR)
		return;
	cli_progress_clear(cli->progress);
	(void)fprintf(stderr, "%s: %s\n", names[level], text);
}

static void on_progress(void *ctx, const struct mreg_progress *p)
{
	struct cli *cli = ctx;

	cli_progress_event(cli->progress, p);
}

static const char *setting(struct cli *cli, const char *key)
{
	const struct mreg_setting *s;
	struct mreg_error ignored = MREG_ERROR_INIT;

	return mreg_setting_get(cli->mreg, key, &s, &ignored) < 0 ? ""
								  : s->value;
}

/* Flags; without one the session's settings say how much is logged. */
static enum mreg_log_level wanted_level(const struct cli_globals *g)
{
	if (g->quiet)
		return MREG_LOG_ERROR;
	if (g->verbose > 1)
		return MREG_LOG_DEBUG;
	return g->verbose ? MREG_LOG_INFO : MREG_LOG_WARN;
}

/* Into the option, where 0 means the settings. */
static int take_rate(const char *text, uint64_t *out, struct mreg_error *err)
{
	char safe[128];

	if (!text)
		return 0;
	if (mr_text_size_parse(text, out) < 0) {
		(void)mr_fail(err, MREG_EUSAGE,
			      "--limit-rate needs a size, not '%s'",
			      mr_text_safe(text, safe, sizeof(safe)));
		return mr_hint(err, "bytes a second, such as 20MB or 500KiB");
	}
	if (*out == 0)
		*out = UINT64_MAX;
	return 0;
}

static int open_session(struct cli *cli, struct mreg_error *err)
{
	struct cli_globals *g = &cli->globals;
	struct mreg_opts o = MREG_OPTS_INIT;
	const char *mode;
	int rc;

	o.registry = g->registry;
	o.store = g->store;
	o.actor = g->actor;
	o.ca_file = g->ca_file;
	o.index = g->db;
	o.plain_http = g->plain_http;
	o.log_level = wanted_level(g);
	o.log = on_log;
	o.progress = on_progress;
	o.ctx = cli;
	rc = take_rate(g->limit_rate, &o.limit_rate, err);
	if (rc >= 0)
		rc = mreg_open(&o, &cli->mreg, err);
	if (rc < 0)
		return rc;
	running = cli->mreg;
	if (early)
		mreg_cancel(cli->mreg);
	if (!g->color) {
		cli->color_out = wants_color(setting(cli, "color"), 1);
		cli->color_err = wants_color(setting(cli, "color"), 2);
	}
	mode = g->no_progress ? "none" : g->progress;
	return cli_progress_new(mode ? mode : setting(cli, "progress"),
				g->quiet, g->json, &cli->progress, err);
}

static int run_command(struct cli *cli, const struct cli_command *c, int argc,
		       char **argv, int first, struct mreg_error *err)
{
	MR_AUTO(cli_parse_release) struct cli_parse owned = { .n = 0 };
	MR_AUTO(mr_free) void *args = mr_zalloc(c->args_size);
	int rc;

	if (!args)
		return mr_fail_nomem(err);
	rc = cli_parse(c, argc, argv, first, args, &cli->globals, &owned, err);
	if (rc < 0)
		return rc;
	if (cli->globals.help) {
		cli_help_command(stdout, c);
		return 0;
	}
	if (cli->globals.jsonl && !c->lists)
		return mr_fail(err, MREG_EUSAGE,
			       "'mreg %s' prints no list: use --json", c->name);
	if (cli->globals.jsonl)
		cli->globals.json = true;
	cli->color_out = wants_color(cli->globals.color, 1);
	cli->color_err = wants_color(cli->globals.color, 2);
	rc = c->alone ? 0 : open_session(cli, err);
	return rc < 0 ? rc : c->run(cli, args, err);
}

/* --json anywhere, so that even a wrong command line is answered in it. */
static bool asks_json(int argc, char **argv)
{
	int i;

	for (i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
		if (strcmp(argv[i], "--json") == 0 ||
		    strcmp(argv[i], "--jsonl") == 0)
			return true;
	return false;
}

static bool is_group(const char *word)
{
	size_t len = strlen(word);
	size_t i;

	for (i = 0; cli_commands[i]; i++)
		if (strncmp(cli_commands[i]->name, word, len) == 0 &&
		    cli_commands[i]->name[len] == ' ')
			return true;
	return false;
}

/* What 'mreg help' tells of that is no command. */
static bool is_topic(const char *word)
{
	return strcmp(word, "options") == 0;
}

/* What is asked for without a command: help, the version, "alias" alone. */
static bool answer_words(const struct cli *cli, int argc, char **argv, int at)
{
	bool help = at < argc && strcmp(argv[at], "help") == 0;
	bool alone;

	at += help;
	alone = at + 1 >= argc || argv[at + 1][0] == '-';
	if (at < argc && alone && is_group(argv[at]))
		cli_help_group(stdout, argv[at]);
	else if (help && at < argc && alone && is_topic(argv[at]))
		cli_help_options(stdout);
	else if (at >= argc && (help || cli->globals.help))
		cli_help_all(stdout);
	else if (at >= argc && cli->globals.version)
		(void)printf("mreg %s\n", mreg_version());
	else
		return false;
	return true;
}

static int dispatch(struct cli *cli, int argc, char **argv,
		    struct mreg_error *err)
{
	const struct cli_command *c;
	int taken = 1;

	if (argc < 2) {
		cli_help_all(stdout);
		return 0;
	}
	if (strcmp(argv[1], "help") == 0 && argc > 2 &&
	    !(argc == 3 && (is_group(argv[2]) || is_topic(argv[2])))) {
		cli->globals.help = true; /* "help push" is "push --help" */
		argv++;
		argc--;
	}
	c = cli_find(argc, argv, &taken, &cli->globals, err);
	cli->command = c;
	if (c)
		return run_command(cli, c, argc, argv, taken, err);
	return answer_words(cli, argc, argv, taken) ? 0 : (int)err->code;
}

/* A version of many archives has each of them open, and may have more than the
 * 1,024 files that most systems begin with. */
static void raise_files(void)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) < 0)
		return;
	files.rlim_cur = files.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &files); /* then it stays */
}

int main(int argc, char **argv)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct cli cli = { .exit_code = 0 };
	int rc;

	watch_signals();
	raise_files();
	cli.globals.json = asks_json(argc, argv);
	cli.color_err = wants_color(NULL, 2);
	rc = dispatch(&cli, argc, argv, &err);
	/* Help, for one, is not written by cli_report. */
	if (rc >= 0)
		rc = cli_flush(&err);
	cli_progress_free(cli.progress);
	/* The status still tells that the result did not arrive whole. */
	if (rc < 0 && !cli_is_unread(&err)) {
		cli_advise(cli.command, &err);
		cli_error(&cli, &err);
	}
	running = NULL;
	mreg_close(cli.mreg);
	return rc < 0 ? mreg_code_exit(err.code) : cli.exit_code;
}
