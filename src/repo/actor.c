/*
 * actor.c - who the log names: product.md 3.3 and spec/events.md.
 *
 * A name is for people; nobody proves it, so where it was taken from is told
 * with it.
 */
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/process.h"
#include "base/text.h"
#include "repo/repo.h"

#define GIT_TIMEOUT_MS 5000
#define BLANKS " \t\r\n"

/* Logins that say how somebody came in, not who (protocol.md 2.3): ECR, GAR and
 * GCR, ACR, identity tokens, GitHub's and GitLab's jobs. */
static bool is_mechanism(const char *user)
{
	static const char *const names[] = {
		"AWS",
		"oauth2accesstoken",
		"00000000-0000-0000-0000-000000000000",
		"<token>",
		"x-access-token",
		"gitlab-ci-token",
	};
	size_t i;

	for (i = 0; i < MR_COUNT(names); i++)
		if (strcmp(user, names[i]) == 0)
			return true;
	/* Google's keys; Harbor's robots, and Quay's. */
	return mr_text_starts(user, "_json_key") ||
	       mr_text_starts(user, "robot$") || strchr(user, '+') != NULL;
}

static void cut(struct mr_actor *a)
{
	a->name[strlen(a->name) - 1] = '\0';
}

/* Blanks around a name would make a second person of one, who may approve what
 * the first has pushed. */
static bool take(struct mr_actor *a, const char *name, const char *source)
{
	if (!name)
		name = "";
	(void)snprintf(a->name, sizeof(a->name), "%s",
		       name + strspn(name, BLANKS));
	a->name[strcspn(a->name, "\r\n")] = '\0';
	/* A name that was cut may end inside a letter. */
	while (a->name[0] && !mr_utf8_valid(a->name))
		cut(a);
	while (a->name[0] && strchr(BLANKS, a->name[strlen(a->name) - 1]))
		cut(a);
	a->source = a->name[0] ? source : NULL;
	return a->source != NULL;
}

static bool take_login(struct mreg *m, const struct mreg_ref *ref,
		       struct mr_actor *a)
{
	struct mreg_error ignored = MREG_ERROR_INIT;
	char user[sizeof(a->name)] = "";
	struct mr_net *net;

	if (!ref->host[0] || mr_session_net(m, &net, &ignored) < 0 ||
	    mr_net_user(net, ref->host, user, sizeof(user), &ignored) < 0)
		return false;
	return user[0] && !is_mechanism(user) && take(a, user, "registry");
}

/* Whoever has no git, or is not known to it, is named otherwise. */
static bool take_git(struct mreg *m, struct mr_actor *a)
{
	static const char *const argv[] = { "git", "config", "--get",
					    "user.email", NULL };
	MR_AUTO(mr_buf_release) struct mr_buf b = MR_BUF_INIT(sizeof(a->name));
	struct mr_process run = { .argv = argv, .timeout_ms = GIT_TIMEOUT_MS };
	struct mreg_error ignored = MREG_ERROR_INIT;
	bool ok = false;

	if (mr_process_run(&m->env, &run, &b, &ok, &ignored) < 0 || !ok)
		return false;
	return take(a, mr_buf_text(&b), "git");
}

static void take_account(struct mr_actor *a)
{
	struct passwd account;
	struct passwd *pw = NULL;
	char names[4096];

	(void)getpwuid_r(geteuid(), &account, names, sizeof(names), &pw);
	(void)take(a, pw ? pw->pw_name : "", "account");
}

const struct mr_actor *mr_actor(struct mreg *m, const struct mreg_ref *ref)
{
	struct mr_actor *a = &m->actor;

	if (take_login(m, ref, a))
		return a;
	if (take(a, mr_setting(m, "actor"), "as"))
		return a;
	if (take(a, getenv("MREG_AUTHOR"), "author"))
		return a;
	if (m->git_asked)
		(void)take(a, m->git_user.name, m->git_user.source);
	else if (take_git(m, a))
		m->git_user = *a;
	m->git_asked = true;
	if (!a->source)
		take_account(a);
	return a;
}
