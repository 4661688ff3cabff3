/*
 * tests/support/fakereg_auth.c - the fake registry's users: Basic, or tokens
 * from an endpoint of its own, by the rules of the distribution project's
 * token specification.
 */
#include "tests/support/fakereg_inside.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

bool fake_auth_basic(const struct fakereg *f, struct fake_conn *c)
{
	const char *authorization = fake_header(c, "Authorization");
	unsigned char plain[2048];
	char *secret;
	int n;

	if (strncasecmp(authorization, "Basic ", 6) != 0 ||
	    strlen(authorization + 6) > sizeof(plain))
		return false;
	n = EVP_DecodeBlock(plain, (const unsigned char *)authorization + 6,
			    (int)strlen(authorization + 6));
	if (n < 0 || (size_t)n >= sizeof(plain))
		return false;
	plain[n] = '\0';
	secret = strchr((char *)plain, ':');
	if (!secret)
		return false;
	*secret++ = '\0';
	/* A refresh token goes with whatever name (ACR: zeros). */
	if (f->o.identity && strcmp(secret, f->o.identity) == 0)
		return true;
	return strcmp((char *)plain, f->o.username) == 0 &&
	       strcmp(secret, f->o.password ? f->o.password : "") == 0;
}

/* "TYPE:NAME:" with `action` among its actions, somewhere in `scopes`. */
static bool grants(const char *scopes, const char *type, const char *name,
		   const char *action)
{
	char prefix[512];
	const char *p = scopes;
	const char *list;
	size_t n, len;

	(void)snprintf(prefix, sizeof(prefix), "%s:%s:", type, name);
	len = strlen(prefix);
	for (; *p; p += strcspn(p, " "), p += strspn(p, " ")) {
		if (strncmp(p, prefix, len) != 0)
			continue;
		for (list = p + len; *list && *list != ' ';
		     list += n + (list[n] == ',')) {
			n = strcspn(list, ", ");
			if (n == strlen(action) &&
			    strncmp(list, action, n) == 0)
				return true;
		}
	}
	return false;
}

static struct fake_token *token_of(struct fakereg *f, struct fake_conn *c)
{
	const char *authorization = fake_header(c, "Authorization");
	struct fake_token *t = f->tokens;

	if (strncasecmp(authorization, "Bearer ", 7) != 0)
		return NULL;
	while (t && strcmp(t->text, authorization + 7) != 0)
		t = t->next;
	return t && (t->until_ms == 0 || fake_now_ms() < t->until_ms) ? t
								      : NULL;
}

bool fake_auth_covers(struct fakereg *f, struct fake_conn *c, const char *name,
		      const char *action)
{
	struct fake_token *t;

	if (!f->o.username || !f->o.bearer ||
	    (f->o.basic_too && fake_auth_basic(f, c)))
		return true;
	t = token_of(f, c);
	return t && grants(t->scopes, "repository", name, action);
}

void fake_auth_challenge_basic(struct fake_answer *a)
{
	fake_error(a, 401, "UNAUTHORIZED", "authentication required", NULL);
	fake_set(a, "WWW-Authenticate", "Basic realm=\"fake, registry\"");
}

static void challenge(struct fakereg *f, const char *type, const char *name,
		      const char *action, const char *error,
		      struct fake_answer *a)
{
	fake_auth_challenge_basic(a);
	if (!f->o.bearer)
		return;
	fake_set(a, "WWW-Authenticate",
		 "Bearer realm=\"%s%s%s\",service=\"fake\"%s%s%s%s%s%s%s%s%s",
		 f->o.realm ? f->o.realm : "http://", f->o.realm ? "" : f->host,
		 f->o.realm ? "" : "/_fake/token", type ? ",scope=\"" : "",
		 type ? type : "", type ? ":" : "", type ? name : "",
		 type ? ":" : "",
		 type ? (strcmp(action, "push") == 0 ? "pull,push" : action)
		      : "",
		 type ? "\"" : "", error,
		 f->o.basic_too == 1 ? ", Basic realm=\"harbor\"" : "");
	if (f->o.basic_too == 2)
		fake_also(a, "WWW-Authenticate", "Basic");
}

bool fake_auth_check(struct fakereg *f, struct fake_conn *c,
		     const char *scope_type, const char *name,
		     const char *action, struct fake_answer *a)
{
	struct fake_token *t;
	bool writes = strcmp(action, "pull") != 0;

	if (f->o.username && !f->o.bearer) {
		if (!fake_auth_basic(f, c)) {
			challenge(f, NULL, NULL, NULL, "", a);
			return false;
		}
	} else if (f->o.username &&
		   !(f->o.basic_too && fake_auth_basic(f, c))) {
		t = token_of(f, c);
		if (!t || (f->o.token_uses && t->uses >= f->o.token_uses)) {
			challenge(f, scope_type, name, action, "", a);
			return false;
		}
		t->uses++;
		if (scope_type &&
		    !grants(t->scopes, scope_type, name, action)) {
			challenge(f, scope_type, name, action,
				  ",error=\"insufficient_scope\"", a);
			return false;
		}
	}
	if (f->o.read_only && writes && scope_type &&
	    strcmp(scope_type, "repository") == 0) {
		fake_error(a, 403, "DENIED", "requested access is denied",
			   NULL);
		return false;
	}
	return true;
}

/* What an anonymous token may hold. */
static void only_pull(char *scopes)
{
	char *p;

	for (p = strstr(scopes, ":pull,"); p; p = strstr(p + 1, ":pull,"))
		memset(p + 5, ' ', strcspn(p + 5, " "));
	for (p = strstr(scopes, ":delete,pull"); p;
	     p = strstr(p + 1, ":delete,pull"))
		memcpy(p, ":pull              ", strcspn(p, " "));
}

/* Whether whoever asks for a token is the user. */
static bool is_known(struct fakereg *f, struct fake_conn *c, const char *form)
{
	char value[2048];

	if (!f->o.username)
		return true;
	if (!form)
		return fake_auth_basic(f, c);
	(void)fake_param(form, "refresh_token", 0, value, sizeof(value));
	if (value[0])
		return f->o.identity && strcmp(value, f->o.identity) == 0;
	(void)fake_param(form, "username", 0, value, sizeof(value));
	if (strcmp(value, f->o.username) != 0)
		return false;
	(void)fake_param(form, "password", 0, value, sizeof(value));
	return strcmp(value, f->o.password ? f->o.password : "") == 0;
}

/* A new one that grants `scopes`, which it takes over. */
static void grant(struct fakereg *f, char *scopes, struct fake_answer *a)
{
	struct fake_token *t = calloc(1, sizeof(*t));

	if (!t)
		abort();
	(void)snprintf(t->text, sizeof(t->text), "t%u", ++f->counter);
	t->scopes = scopes;
	if (f->o.token_life_s)
		t->until_ms = fake_now_ms() + 1000 * (int64_t)f->o.token_life_s;
	t->next = f->tokens;
	f->tokens = t;
	a->status = 200;
	fake_set(a, "Content-Type", "application/json");
	fake_printf(&a->body, "{\"token\":\"%s\"", t->text);
	if (!f->o.bare_token)
		fake_printf(&a->body, ",\"expires_in\":%u",
			    f->o.token_life_s ? f->o.token_life_s : 300);
	fake_printf(&a->body, "}");
}

void fake_auth_token(struct fakereg *f, struct fake_conn *c,
		     const struct fake_request *rq, const char *form,
		     struct fake_answer *a)
{
	const char *source = form ? form : rq->query;
	struct fake_bytes scopes = { .data = NULL };
	char value[2048];
	bool known;
	size_t i;

	if (form && f->o.post_token) {
		fake_error(a, (int)f->o.post_token, "UNSUPPORTED",
			   "no tokens this way", NULL);
		return;
	}
	known = is_known(f, c, form);
	if (!known && (!f->o.anonymous_pull ||
		       fake_header(c, "Authorization")[0] || form)) {
		fake_error(a, 401, "UNAUTHORIZED", "wrong user or password",
			   NULL);
		return;
	}
	for (i = 0; fake_param(source, "scope", i, value, sizeof(value))[0];
	     i++)
		fake_printf(&scopes, "%s%s", i ? " " : "", value);
	fake_add(&scopes, "", 0);
	if (f->o.no_delete_scope && strstr(scopes.data, "delete")) {
		fake_error(a, 400, "INVALID_SCOPE", "unknown scope", NULL);
		fake_release(&scopes);
		return;
	}
	if (!known)
		only_pull(scopes.data);
	grant(f, scopes.data, a);
}

void fake_auth_free(struct fakereg *f)
{
	struct fake_token *t;

	while ((t = f->tokens) != NULL) {
		f->tokens = t->next;
		free(t->scopes);
		free(t);
	}
}
