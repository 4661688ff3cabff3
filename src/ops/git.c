/*
 * git.c - revision, source and author from the checkout a model lies in; only
 * when asked with --git, and only what the user did not give.
 */
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/process.h"
#include "base/text.h"
#include "ops/push.h"

#define ANSWER_MAX_BYTES 4096
#define TIMEOUT_MS 10000

/* One line from git, run in the folder of `path`; "" when git has nothing to
 * say. */
static int ask(struct push *p, const char *dir, const char *const *words,
	       char line[ANSWER_MAX_BYTES], struct mreg_error *err)
{
	MR_AUTO(mr_buf_release) struct mr_buf b = MR_BUF_INIT(ANSWER_MAX_BYTES);
	const char *argv[12] = { "git", "-C", dir };
	struct mr_process run = { .argv = argv, .timeout_ms = TIMEOUT_MS };
	size_t n = 3;
	bool ok;
	int rc;

	while (*words && n + 1 < MR_COUNT(argv))
		argv[n++] = *words++;
	argv[n] = NULL;
	line[0] = '\0';
	rc = mr_process_run(&p->m->env, &run, &b, &ok, err);
	if (rc == MREG_ENOTFOUND)
		return mr_hint(err, "--git needs git; or give --revision, "
				    "--source and --author");
	if (rc < 0 || !ok)
		return rc;
	(void)snprintf(line, ANSWER_MAX_BYTES, "%s", mr_buf_text(&b));
	line[strcspn(line, "\r\n")] = '\0';
	return 0;
}

/* Credentials in a remote's URL must not become part of the model. */
static void drop_userinfo(char *url)
{
	char *host = strstr(url, "://");
	char *at;

	if (!host)
		return;
	host += 3;
	at = host + strcspn(host, "@/");
	if (*at == '@')
		memmove(host, at + 1, strlen(at + 1) + 1);
}

static int take_author(struct push *p, const char *dir, struct mreg_error *err)
{
	static const char *const words[] = { "config", "user.name", NULL };
	char line[ANSWER_MAX_BYTES];
	int rc;

	if (p->meta->authors.n)
		return 0;
	rc = ask(p, dir, words, line, err);
	return rc < 0 || !line[0] ? rc
				  : mr_meta_add(p->meta, "authors", line, err);
}

int mr_git_describe(struct push *p, const char *path, struct mreg_error *err)
{
	/* The commit, with "-dirty" behind it when files differ from it. */
	static const char *const head[] = { "describe",    "--always",
					    "--dirty",     "--abbrev=40",
					    "--exclude=*", NULL };
	static const char *const remote[] = { "config", "remote.origin.url",
					      NULL };
	char line[ANSWER_MAX_BYTES];
	MR_AUTO(mr_free) char *dir = mr_strdup(path);
	struct stat st;
	char *slash;
	int rc;

	if (!dir)
		return mr_fail_nomem(err);
	slash = strrchr(dir, '/');
	if (stat(path, &st) == 0 && !S_ISDIR(st.st_mode)) {
		if (slash)
			*slash = '\0';
		else
			(void)snprintf(dir, strlen(dir) + 1, ".");
	}
	rc = ask(p, dir, head, line, err);
	if (rc >= 0 && !line[0]) {
		(void)mr_fail(err, MREG_EUSAGE,
			      "'%s' is in no git checkout with a commit", path);
		return mr_hint(err, "leave out --git, or give --revision");
	}
	if (rc >= 0 && !p->meta->revision)
		rc = mr_meta_set(p->meta, "revision", line, err);
	if (rc >= 0)
		rc = ask(p, dir, remote, line, err);
	drop_userinfo(line);
	if (rc >= 0 && line[0] && !p->meta->source)
		rc = mr_meta_set(p->meta, "source", line, err);
	return rc < 0 ? rc : take_author(p, dir, err);
}
