/*
 * helper.c - docker-credential-SUFFIX: programs that keep secrets.
 *
 * One run per question: the host, or a JSON document, goes to its stdin; the
 * answer, or its complaint, comes on stdout.  It gets 30 s and 64 KiB.
 */
#include "net/auth.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/process.h"

#define OUTPUT_MAX_BYTES (64u << 10)
#define NAME_BYTES 128

static int name_helper(const char *suffix, char out[NAME_BYTES],
		       struct mreg_error *err)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789._-";

	if (!suffix[0] || strlen(suffix) > 64 || suffix[0] == '-' ||
	    suffix[0] == '.' || strspn(suffix, allowed) != strlen(suffix)) {
		mr_fail(err, MREG_EAUTH,
			"'%s' is not the name of a credential helper", suffix);
		return mr_hint(err, "check credsStore and credHelpers in "
				    "docker's config.json");
	}
	(void)snprintf(out, NAME_BYTES, "docker-credential-%s", suffix);
	return 0;
}

/* A helper that is named and does not work is about credentials, whatever
 * went wrong: nobody goes on without them (H37). */
static int explain(int rc, const char *name, struct mreg_error *err)
{
	switch (rc) {
	case MREG_ENOTFOUND:
		mr_fail(err, MREG_EAUTH,
			"credential helper '%s' is not installed", name);
		return mr_hint(err, "install it, or remove it from docker's "
				    "config.json");
	case MREG_ELIMIT:
		return mr_fail(err, MREG_EAUTH,
			       "credential helper '%s' said more than %u bytes",
			       name, OUTPUT_MAX_BYTES);
	case MREG_EIO:
		(void)mr_wrap(err, "credential helper '%s' does not work",
			      name);
		if (err)
			err->code = MREG_EAUTH;
		return mr_hint(err, "run it by hand to see what it waits for");
	default:
		return rc;
	}
}

/* Run `action` with `input`; what it said is in `out`, and `*ok` is whether
 * it ended with 0. */
static int run(struct mr_env *env, const char *suffix, const char *action,
	       const char *input, size_t n, struct mr_buf *out, bool *ok,
	       char name[NAME_BYTES], struct mreg_error *err)
{
	const char *argv[] = { name, action, NULL };
	const struct mr_process p = { .argv = argv,
				      .input = input,
				      .input_len = n,
				      .timeout_ms = MR_HELPER_TIMEOUT_MS };
	int rc;

	*ok = false;
	rc = name_helper(suffix, name, err);
	if (rc < 0)
		return rc;
	rc = mr_process_run(env, &p, out, ok, err);
	return rc < 0 ? explain(rc, name, err) : 0;
}

static void wipe_buf(struct mr_buf *b)
{
	if (b->data)
		mr_wipe(b->data, b->cap);
	mr_buf_release(b);
}

/* The only complaint that is no failure; it comes on stdout. */
static bool is_not_found(const struct mr_buf *said)
{
	return strstr(mr_buf_text(said), "credentials not found") != NULL;
}

static int fail_helper(const char *name, const char *what, const char *host,
		       const struct mr_buf *said, struct mreg_error *err)
{
	mr_fail(err, MREG_EAUTH,
		"credential helper '%s' cannot %s credentials for '%s'", name,
		what, host);
	if (said->len)
		mr_cause(err, "it says: %.200s", mr_buf_text(said));
	return mr_hint(err, "make it work, or remove it from docker's "
			    "config.json");
}

static int read_answer(const struct mr_buf *said, const char *name,
		       struct mr_credentials *out, struct mreg_error *err)
{
	MR_AUTO(mr_json_freep) json_t *root = NULL;
	const char *user = NULL;
	const char *secret = NULL;
	int rc;

	rc = mr_json_parse(mr_buf_text(said), said->len, OUTPUT_MAX_BYTES,
			   "its answer", &root, err);
	rc = rc < 0 ? rc
		    : mr_json_need_str(root, "Username", "its answer", &user,
				       err);
	rc = rc < 0 ? rc
		    : mr_json_need_str(root, "Secret", "its answer", &secret,
				       err);
	if (rc == MREG_ENOMEM)
		return rc;
	if (rc < 0) {
		/* The parser may have quoted a secret. */
		mr_fail(err, MREG_EAUTH,
			"credential helper '%s' gave a malformed answer", name);
		return mr_hint(err, "make it work, or remove it from docker's "
				    "config.json");
	}
	if (!secret[0])
		return 0;
	return mr_credentials_set(out, user, secret, strlen(secret),
				  !strcmp(user, "<token>") || !user[0], err);
}

int mr_helper_get(struct mr_env *env, const char *suffix, const char *host,
		  struct mr_credentials *out, struct mreg_error *err)
{
	struct mr_buf said = MR_BUF_INIT(OUTPUT_MAX_BYTES);
	const char *key = mr_host_key(host);
	char name[NAME_BYTES];
	bool ok;
	int rc;

	rc = run(env, suffix, "get", key, strlen(key), &said, &ok, name, err);
	if (rc >= 0 && ok)
		rc = read_answer(&said, name, out, err);
	else if (rc >= 0 && !is_not_found(&said))
		rc = fail_helper(name, "get", host, &said, err);
	wipe_buf(&said);
	return rc;
}

int mr_helper_store(struct mr_env *env, const char *suffix, const char *host,
		    const struct mr_credentials *c, struct mreg_error *err)
{
	struct mr_buf said = MR_BUF_INIT(OUTPUT_MAX_BYTES);
	struct mr_buf input = MR_BUF_INIT(OUTPUT_MAX_BYTES);
	char name[NAME_BYTES];
	bool ok = false;
	int rc;

	mr_buf_puts(&input, "{\"ServerURL\":");
	mr_json_quote(&input, mr_host_key(host));
	mr_buf_puts(&input, ",\"Username\":");
	mr_json_quote(&input, c->identity_token ? "<token>" : c->username);
	mr_buf_puts(&input, ",\"Secret\":");
	mr_json_quote(&input, c->password.bytes ? c->password.bytes : "");
	mr_buf_puts(&input, "}");
	rc = mr_buf_check(&input, "credentials", err);
	if (rc >= 0)
		rc = run(env, suffix, "store", input.data, input.len, &said,
			 &ok, name, err);
	if (rc >= 0 && !ok)
		rc = fail_helper(name, "store", host, &said, err);
	wipe_buf(&input);
	wipe_buf(&said);
	return rc;
}

int mr_helper_erase(struct mr_env *env, const char *suffix, const char *host,
		    bool *found, struct mreg_error *err)
{
	struct mr_credentials before = { .username = NULL };
	struct mr_buf said = MR_BUF_INIT(OUTPUT_MAX_BYTES);
	const char *key = mr_host_key(host);
	char name[NAME_BYTES];
	bool ok = false;
	int rc;

	/* Most helpers erase what is not there without a word. */
	rc = mr_helper_get(env, suffix, host, &before, err);
	*found = rc >= 0 && before.username;
	mr_credentials_release(&before);
	if (rc < 0 || !*found)
		return rc;
	rc = run(env, suffix, "erase", key, strlen(key), &said, &ok, name, err);
	if (rc >= 0 && !ok && !is_not_found(&said))
		rc = fail_helper(name, "erase", host, &said, err);
	wipe_buf(&said);
	return rc;
}
