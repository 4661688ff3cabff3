/*
 * cmd_login.c - mreg login and logout.
 */
#include "cli/commands.h"

#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/error.h"
#include "base/mem.h"
#include "mreg/json.h"
#include "mreg/login.h"

#define LINE_BYTES 8192

struct args {
	const char *host, *username;
	bool password_stdin, dry_run;
};

static const struct cli_opt login_opts[] = {
	CLI_ARG(struct args, host, "HOST", "ghcr.io, localhost:5000, ..."),
	CLI_STR('u', "username", "NAME", struct args, username,
		"user; asked for on a terminal"),
	CLI_BOOL(0, "password-stdin", struct args, password_stdin,
		 "read the password or token from standard input"),
	CLI_BOOL('n', "dry-run", struct args, dry_run,
		 "try the credentials, keep nothing"),
	CLI_END,
};

static const struct cli_opt logout_opts[] = {
	CLI_ARG(struct args, host, "HOST", "ghcr.io, localhost:5000, ..."),
	CLI_BOOL('n', "dry-run", struct args, dry_run,
		 "tell whether there is a login, keep it"),
	CLI_END,
};

static const char *const login_examples[] = {
	"mreg login ghcr.io -u ada --password-stdin < token.txt",
	NULL,
};

/* One line without its end; the prompt goes to stderr. */
static int ask(const char *prompt, bool hide, char line[LINE_BYTES],
	       struct mreg_error *err)
{
	struct termios old;
	bool hidden = false;
	bool got;

	if (prompt)
		(void)fputs(prompt, stderr);
	if (hide && tcgetattr(STDIN_FILENO, &old) == 0) {
		struct termios quiet = old;

		quiet.c_lflag &= ~(tcflag_t)ECHO;
		hidden = tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet) == 0;
	}
	got = fgets(line, LINE_BYTES, stdin) != NULL;
	if (hidden) {
		(void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &old);
		(void)fputc('\n', stderr);
	}
	if (!got)
		return mr_fail(err, MREG_EUSAGE, "no answer was given");
	if (!strchr(line, '\n') && !feof(stdin))
		return mr_fail(err, MREG_EUSAGE, "the answer is too long");
	line[strcspn(line, "\r\n")] = '\0';
	return 0;
}

static int ask_username(const struct args *a, char line[LINE_BYTES],
			struct mreg_error *err)
{
	if (a->username) {
		(void)snprintf(line, LINE_BYTES, "%s", a->username);
		return 0;
	}
	if (!isatty(STDIN_FILENO) || a->password_stdin) {
		(void)mr_fail(err, MREG_EUSAGE, "no user name was given");
		return mr_hint(err, "add --username NAME");
	}
	return ask("User name: ", false, line, err);
}

static int ask_password(const struct args *a, char line[LINE_BYTES],
			struct mreg_error *err)
{
	int rc;

	if (!a->password_stdin && !isatty(STDIN_FILENO)) {
		(void)mr_fail(err, MREG_EUSAGE, "no password was given");
		return mr_hint(err, "pipe it in with --password-stdin; it is "
				    "never taken from the command line");
	}
	rc = ask(a->password_stdin ? NULL : "Password: ", !a->password_stdin,
		 line, err);
	if (rc >= 0 && !line[0])
		return mr_fail(err, MREG_EUSAGE, "the password is empty");
	return rc;
}

static void put_shadow(struct mr_buf *b, const struct mreg_login_result *r)
{
	if (r->shadow)
		mr_buf_printf(b,
			      "but %s has a login for it, which comes first\n",
			      r->shadow);
}

static int show_login(struct cli *cli, const struct mreg_login_result *r,
		      struct mreg_error *err)
{
	MR_AUTO(mr_buf_release) struct mr_buf b = MR_BUF_INIT(1u << 16);
	int rc = cli_json(
		cli, cli->globals.json ? mreg_login_result_json(r) : NULL, err);

	if (rc != 0)
		return rc < 0 ? rc : 0;
	mr_buf_puts(&b, r->dry_run ? "accepted by " : "logged in to ");
	cli_put(&b, r->host);
	mr_buf_puts(&b, " as ");
	cli_put(&b, r->username);
	mr_buf_puts(&b, r->dry_run ? "; kept nowhere" : "; kept in ");
	cli_put(&b, r->where);
	mr_buf_putc(&b, '\n');
	put_shadow(&b, r);
	return cli_report(cli, &b, err);
}

static int run_login(struct cli *cli, const void *p, struct mreg_error *err)
{
	const struct args *a = p;
	struct mreg_login_result res;
	char username[LINE_BYTES];
	char password[LINE_BYTES];
	int rc = ask_username(a, username, err);

	if (rc >= 0)
		rc = ask_password(a, password, err);
	if (rc >= 0)
		rc = mreg_login(cli->mreg, a->host, username, password,
				a->dry_run, &res, err);
	mr_wipe(password, sizeof(password));
	if (rc < 0)
		return rc;
	rc = show_login(cli, &res, err);
	mreg_login_result_release(&res);
	return rc;
}

static int run_logout(struct cli *cli, const void *p, struct mreg_error *err)
{
	MR_AUTO(mr_buf_release) struct mr_buf b = MR_BUF_INIT(1u << 16);
	const struct args *a = p;
	struct mreg_login_result res;
	int rc = mreg_logout(cli->mreg, a->host, a->dry_run, &res, err);

	if (rc < 0)
		return rc;
	rc = cli_json(cli,
		      cli->globals.json ? mreg_login_result_json(&res) : NULL,
		      err);
	if (rc == 0) {
		mr_buf_puts(&b, !res.removed  ? "there was no login for "
				: res.dry_run ? "would log out of "
					      : "logged out of ");
		cli_put(&b, a->host);
		mr_buf_putc(&b, '\n');
		put_shadow(&b, &res);
		rc = cli_report(cli, &b, err);
	}
	mreg_login_result_release(&res);
	return rc < 0 ? rc : 0;
}

const struct cli_command cli_cmd_login = {
	.name = "login",
	.summary = "keep credentials for a registry, where docker does",
	.opts = login_opts,
	.args_size = sizeof(struct args),
	.run = run_login,
	.examples = login_examples,
	.notes = "The credentials are tried first and kept only if the "
		 "registry accepts them: with the credential helper that "
		 "docker's config names, else in ~/.docker/config.json. What "
		 "'docker login' or 'podman login' kept is used as it is.\n\n"
		 "Looked into, in this order, for whatever names a registry: "
		 "MREG_DOCKER_CONFIG_JSON and DOCKER_AUTH_CONFIG (variables, "
		 "each with the text of a docker config.json), the file "
		 "REGISTRY_AUTH_FILE, podman's auth.json, docker's "
		 "config.json; the first that has the host counts, with the "
		 "credential helpers it names.",
};

const struct cli_command cli_cmd_logout = {
	.name = "logout",
	.summary = "forget the credentials of a registry",
	.opts = logout_opts,
	.args_size = sizeof(struct args),
	.run = run_logout,
};
