/*
 * tests/support/auth_fixture.h - a registry that wants credentials, a token
 * server and a third server, and a session; for the tests of who we are.
 */
#ifndef TESTS_SUPPORT_AUTH_FIXTURE_H
#define TESTS_SUPPORT_AUTH_FIXTURE_H

#include "tests/support/test.h"

#include "net/net.h"
#include "tests/support/httpd.h"

#define BASIC_MIA "Basic bWlhOnMzY3JldA==" /* mia:s3cret */
/* What docker keeps of it. */
#define LOGIN_MIA "{\"auth\":\"bWlhOnMzY3JldA==\"}"

struct ax {
	struct test_env t;
	struct mr_state *state;
	struct mr_net *net;
	struct httpd *registry, *tokens, *other;
	char *dir;
	char origin[64];
	char url[2048];
	struct mreg_error err;
	/* the registry: */
	char challenge[1024]; /* header lines sent with a 401 */
	char good[256];       /* Authorization that is accepted; "": none */
	char location[256];   /* of /go */
	/* the token server: */
	char answer[1024]; /* its JSON; "%u" becomes the count */
	int token_status;
	const char *need; /* Authorization it wants, or NULL */
	int get_status;   /* to GET; 0: token_status */
	int post_status;
};

/* As setup and teardown. */
int ax_setup(void **state);
int ax_teardown(void **state);
/* Another session, which has learned nothing but what is in the state. */
void ax_open_net(struct ax *f);
/* The registry names its token server, with `more` in the challenge. */
void ax_bearer(struct ax *f, const char *more);
/* What docker login would have left behind for the registry. */
void ax_log_in(struct ax *f, const char *entry);
/* GET from the registry: the status, or a code; f->err says more. */
int ax_get(struct ax *f, const char *path, const char *scope);
/* Authorization of the `index`-th request; valid until the next call. */
const char *ax_sent(struct httpd *h, size_t index);

#define AX(name) cmocka_unit_test_setup_teardown(name, ax_setup, ax_teardown)

#endif
