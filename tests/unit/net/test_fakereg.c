/*
 * tests/unit/net/test_fakereg.c - that the fake registry has the quirks it is
 * said to have: what passes on it says nothing otherwise.
 *
 * Spoken to over a plain socket, byte for byte.
 */
#include "tests/support/test.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "tests/support/fakereg.h"

#define INDEX "application/vnd.oci.image.index.v1+json"
#define MANIFEST "application/vnd.oci.image.manifest.v1+json"
/* Of "weights". */
#define WEIGHTS                                                                \
	"sha256:"                                                              \
	"9a129038d9a00aed0cf6a7ea059ca50a813449061ab87848cf1a13eafdf33b2c"
#define A64 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

struct fix {
	struct fakereg *f;
	char said[65536]; /* the last answer, all of it */
	char next[1024];  /* the last Location */
};

static void begin(struct fix *x, const struct fakereg_opts *o)
{
	memset(x, 0, sizeof(*x));
	x->f = fakereg_start(o);
	assert_non_null(x->f);
}

static void begin_as(struct fix *x, const char *profile)
{
	struct fakereg_opts o;

	assert_true(fakereg_profile(profile, &o));
	/* Who may is another matter. */
	o.username = NULL;
	begin(x, &o);
}

static void end(struct fix *x)
{
	fakereg_stop(x->f);
}

static int reach(int port)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	a.sin_port = htons((uint16_t)port);
	assert_int_equal(0, connect(fd, (struct sockaddr *)&a, sizeof(a)));
	return fd;
}

static void keep_location(struct fix *x)
{
	const char *at = strstr(x->said, "\r\nLocation: ");

	if (at)
		(void)sscanf(at + 12, "%1023[^\r]", x->next);
}

/* One request on a connection of its own; the status, 0 for none. */
static int say_at(struct fix *x, int port, const char *method,
		  const char *target, const char *headers, const char *body)
{
	char request[8192];
	int fd = reach(port);
	int status = 0;
	size_t len = 0;
	ssize_t got;
	int n;

	n = snprintf(request, sizeof(request),
		     "%s %s HTTP/1.1\r\nHost: fake\r\nConnection: close\r\n%s"
		     "Content-Length: %zu\r\n\r\n%s",
		     method, target, headers, strlen(body), body);
	assert_int_equal(n, send(fd, request, (size_t)n, MSG_NOSIGNAL));
	(void)shutdown(fd, SHUT_WR);
	while ((got = recv(fd, x->said + len, sizeof(x->said) - 1 - len, 0)) >
	       0)
		len += (size_t)got;
	x->said[len] = '\0';
	(void)close(fd);
	(void)sscanf(x->said, "HTTP/1.1 %d", &status);
	keep_location(x);
	return status;
}

static int say(struct fix *x, const char *method, const char *target,
	       const char *headers, const char *body)
{
	return say_at(x, fakereg_port(x->f), method, target, headers, body);
}

/* Open a session: its address is in x->next. */
static void open_upload(struct fix *x)
{
	assert_int_equal(202, say(x, "POST", "/v2/m/blobs/uploads/", "", ""));
	assert_true(x->next[0]);
}

static int patch(struct fix *x, const char *range, const char *body)
{
	char headers[128] = "", target[1024];

	if (range)
		(void)snprintf(headers, sizeof(headers),
			       "Content-Range: %s\r\n", range);
	(void)snprintf(target, sizeof(target), "%s", x->next);
	return say(x, "PATCH", target, headers, body);
}

static int put(struct fix *x, const char *body)
{
	char target[1200];

	(void)snprintf(target, sizeof(target), "%s&digest=" WEIGHTS, x->next);
	return say(x, "PUT", target, "", body);
}

/* -- uploads ----------------------------------------------------------------
 */

static void takes_chunks_in_order_only(void **state)
{
	struct fix x;

	(void)state;
	begin(&x, NULL);
	open_upload(&x);
	assert_has(x.said, "\r\nRange: 0-0\r\n");
	assert_int_equal(202, patch(&x, "0-2", "wei"));
	assert_has(x.said, "\r\nRange: 0-2\r\n");
	assert_int_equal(416, patch(&x, "5-6", "ts"));
	assert_has(x.said, "\r\nRange: 0-2\r\n");
	assert_int_equal(400, patch(&x, "bytes 3-6/7", "ghts"));
	end(&x);
}

static void goes_on_after_chunks(void **state)
{
	struct fix x;

	(void)state;
	begin(&x, NULL);
	open_upload(&x);
	assert_int_equal(202, patch(&x, "0-2", "wei"));
	assert_int_equal(202, patch(&x, "3-6", "ghts"));
	assert_int_equal(201, put(&x, ""));
	assert_int_equal(200, say(&x, "GET", "/v2/m/blobs/" WEIGHTS, "", ""));
	assert_has(x.said, "\r\n\r\nweights");
	end(&x);
}

static void tells_and_ends_a_session(void **state)
{
	char at[1024];
	struct fix x;

	(void)state;
	begin(&x, NULL);
	open_upload(&x);
	assert_int_equal(202, patch(&x, NULL, "weig"));
	(void)snprintf(at, sizeof(at), "%s", x.next);
	assert_int_equal(204, say(&x, "GET", at, "", ""));
	assert_has(x.said, "\r\nRange: 0-3\r\n");
	assert_int_equal(204, say(&x, "DELETE", at, "", ""));
	assert_int_equal(404, say(&x, "GET", at, "", ""));
	end(&x);
}

static void a_broken_body_ends_a_session_or_stays(void **state)
{
	const struct fakereg_fault cut = { .method = "PATCH",
					   .cut_request = true,
					   .cut_request_at = 4 };
	struct fakereg_opts o = { .port = 0 };
	char at[1024];
	struct fix x;

	(void)state;
	for (int keeps = 0; keeps < 2; keeps++) {
		o.keeps_partial = keeps;
		begin(&x, &o);
		open_upload(&x);
		(void)snprintf(at, sizeof(at), "%s", x.next);
		fakereg_fault(x.f, &cut);
		assert_int_equal(0, patch(&x, NULL, "weights"));
		assert_int_equal(keeps ? 204 : 404, say(&x, "GET", at, "", ""));
		if (keeps)
			assert_has(x.said, "\r\nRange: 0-3\r\n");
		end(&x);
	}
}

static void ecr_answers_201_and_an_old_range(void **state)
{
	struct fix x;

	(void)state;
	begin_as(&x, "ecr");
	open_upload(&x);
	assert_int_equal(201, patch(&x, "0-2", "wei"));
	assert_int_equal(201, patch(&x, "3-6", "ghts"));
	assert_has(x.said, "\r\nRange: 0-2\r\n");
	assert_int_equal(500, put(&x, ""));
	end(&x);
}

static void quay_counts_one_too_many(void **state)
{
	char at[1024];
	struct fix x;

	(void)state;
	begin_as(&x, "quay");
	open_upload(&x);
	assert_has(x.said, "\r\nRange: bytes=0--1\r\n");
	assert_int_equal(202, patch(&x, "0-2", "wei"));
	assert_has(x.said, "\r\nRange: 0-2\r\n");
	(void)snprintf(at, sizeof(at), "%s", x.next);
	assert_int_equal(204, say(&x, "GET", at, "", ""));
	assert_has(x.said, "\r\nRange: bytes=0-3\r\n");
	assert_has_not(x.said, "Location");
	(void)snprintf(x.next, sizeof(x.next), "%s", at);
	assert_int_equal(202, patch(&x, "2-6", "ights")); /* overlaps */
	assert_int_equal(201, put(&x, ""));
	end(&x);
}

static void refuses_as_makers_do(void **state)
{
	struct fakereg_opts o = { .chunk_max = 3 };
	char at[1024];
	struct fix x;

	(void)state;
	begin(&x, &o); /* ghcr, on another scale */
	open_upload(&x);
	assert_int_equal(416, patch(&x, "0-3", "weig"));
	assert_int_equal(202, patch(&x, NULL, "weights"));
	end(&x);
	begin_as(&x, "gar");
	open_upload(&x);
	assert_int_equal(400, patch(&x, "0-2", "wei"));
	end(&x);
	begin_as(&x, "gitea");
	open_upload(&x);
	assert_int_equal(202, patch(&x, NULL, "wei"));
	assert_int_equal(400, patch(&x, NULL, "ghts"));
	end(&x);
	begin_as(&x, "dist28");
	open_upload(&x);
	(void)snprintf(at, sizeof(at), "%s", x.next);
	assert_int_equal(202, patch(&x, NULL, "wei"));
	assert_int_equal(416, say(&x, "GET", at, "", "")); /* B-26 */
	assert_int_equal(404, say(&x, "GET", x.next, "", ""));
	end(&x);
	o = (struct fakereg_opts){ .request_max = 6 };
	begin(&x, &o);
	open_upload(&x);
	assert_int_equal(413, put(&x, "weights"));
	assert_has(x.said, "text/html");
	end(&x);
}

static void locations_come_in_four_forms(void **state)
{
	struct fakereg_opts o = { .location = "absolute" };
	char want[64];
	struct fix x;

	(void)state;
	begin(&x, &o);
	open_upload(&x);
	(void)snprintf(want, sizeof(want), "http://%s/v2/m/",
		       fakereg_host(x.f));
	assert_has(x.next, want);
	end(&x);
	o.location = "bare";
	begin(&x, &o);
	open_upload(&x);
	(void)snprintf(want, sizeof(want), "%s/v2/m/", fakereg_host(x.f));
	assert_int_equal(0, strncmp(x.next, want, strlen(want)));
	end(&x);
	o.location = "relative";
	begin(&x, &o);
	open_upload(&x);
	assert_int_equal(0, strncmp(x.next, "u1?_state=", 10));
	end(&x);
	begin(&x, NULL);
	open_upload(&x);
	assert_int_equal(0, strncmp(x.next, "/v2/m/blobs/uploads/u1?", 23));
	end(&x);
}

/* -- blobs ------------------------------------------------------------------
 */

static void signed_addresses_fit_one_method_and_wear_out(void **state)
{
	const struct fakereg_opts o = { .redirect_blobs = true,
					.redirect_hops = 1,
					.sign_uses = 1 };
	const char *path;
	char at[1024];
	struct fix x;
	int port;

	(void)state;
	begin(&x, &o);
	fakereg_put_blob(x.f, "m", NULL, "weights", 7);
	port = atoi(strchr(fakereg_elsewhere(x.f), ':') + 1);
	assert_int_equal(307, say(&x, "GET", "/v2/m/blobs/" WEIGHTS, "", ""));
	(void)snprintf(at, sizeof(at), "%s", x.next);
	path = strstr(at, "/v2/");
	assert_int_equal(403, say_at(&x, port, "HEAD", path, "", ""));
	assert_int_equal(307, say_at(&x, port, "GET", path, "", ""));
	(void)snprintf(at, sizeof(at), "%s", x.next);
	path = strstr(at, "/v2/");
	assert_int_equal(400, say_at(&x, port, "GET", path,
				     "Authorization: Basic eDp5\r\n", ""));
	assert_int_equal(
		206, say_at(&x, port, "GET", path, "Range: bytes=2-4\r\n", ""));
	assert_has(x.said, "\r\n\r\nigh");
	assert_int_equal(403, say_at(&x, port, "GET", path, "", ""));
	end(&x);
}

/* -- manifests, tags, referrers ---------------------------------------------
 */

static void put_document(struct fix *x, const char *reference, const char *text,
			 int status)
{
	char target[256];

	(void)snprintf(target, sizeof(target), "/v2/m/manifests/%s", reference);
	assert_int_equal(status, say(x, "PUT", target,
				     "Content-Type: " MANIFEST "\r\n", text));
}

static void refuses_to_move_a_tag_in_three_ways(void **state)
{
	static const struct {
		const char *profile;
		int status;
	} all[] = {
		{ "immutable", 409 },
		{ "immutable-412", 412 },
		{ "immutable-400", 400 },
	};
	struct fix x;

	(void)state;
	for (size_t i = 0; i < MR_COUNT(all); i++) {
		begin_as(&x, all[i].profile);
		put_document(&x, "v1", "{}", 201);
		put_document(&x, "v1", "{}", 201);
		put_document(&x, "v1", "{ }", all[i].status);
		end(&x);
	}
}

static void keeps_versions_and_records_alone(void **state)
{
	static const char *const kept[] = { "v1", "mreg.seq.00000001" };
	struct fix x;

	(void)state;
	begin_as(&x, "records");
	for (size_t i = 0; i < MR_COUNT(kept); i++) {
		char target[128];

		put_document(&x, kept[i], "{}", 201);
		put_document(&x, kept[i], "{ }", 412);
		(void)snprintf(target, sizeof(target), "/v2/m/manifests/%s",
			       kept[i]);
		assert_int_equal(412, say(&x, "DELETE", target, "", ""));
	}
	put_document(&x, "latest", "{}", 201);
	put_document(&x, "latest", "{ }", 201);
	assert_int_equal(202,
			 say(&x, "DELETE", "/v2/m/manifests/latest", "", ""));
	end(&x);
}

static void lists_as_makers_do(void **state)
{
	struct fix x;

	(void)state;
	begin_as(&x, "listing-drops");
	put_document(&x, "v1", "{}", 201);
	put_document(&x, "v10", "{}", 201);
	put_document(&x, "v2", "{}", 201);
	assert_int_equal(200, say(&x, "GET", "/v2/m/tags/list", "", ""));
	assert_has(x.said, "[\"v1\",\"v2\"]");
	end(&x);
	begin_as(&x, "ghcr");
	fakereg_put_manifest(x.f, "m", "v1", MANIFEST, "{}");
	assert_int_equal(200,
			 say(&x, "GET", "/v2/m/tags/list?last=v1", "", ""));
	assert_has(x.said, "\"tags\":null");
	end(&x);
	begin_as(&x, "ecr");
	fakereg_put_manifest(x.f, "m", "v1", MANIFEST, "{}");
	assert_int_equal(400, say(&x, "GET", "/v2/m/tags/list?n=1001", "", ""));
	end(&x);
}

static void lists_referrers_in_pages_and_by_type(void **state)
{
	const struct fakereg_opts o = { .referrers = true, .page = 1 };
	struct fix x;

	(void)state;
	begin(&x, &o);
	put_document(&x, "one",
		     "{\"artifactType\":\"a/b\",\"subject\":{\"digest\":"
		     "\"sha256:" A64 "\"}}",
		     201);
	assert_has(x.said, "OCI-Subject: sha256:" A64);
	put_document(&x, "two",
		     "{\"artifactType\":\"c/d\",\"subject\":{\"digest\":"
		     "\"sha256:" A64 "\"}}",
		     201);
	assert_int_equal(200,
			 say(&x, "GET", "/v2/m/referrers/sha256:" A64, "", ""));
	assert_has(x.said, "Content-Type: " INDEX);
	assert_has(x.said, "; rel=\"next\"");
	assert_int_equal(200,
			 say(&x, "GET",
			     "/v2/m/referrers/sha256:" A64 "?artifactType=c/d",
			     "", ""));
	assert_has(x.said, "OCI-Filters-Applied: artifactType");
	assert_has(x.said, "\"artifactType\":\"c/d\"");
	assert_has_not(x.said, "\"artifactType\":\"a/b\"");
	end(&x);
	begin_as(&x, "quay");
	put_document(&x, "one", "{\"subject\":{\"digest\":\"sha256:" A64 "\"}}",
		     201);
	assert_has_not(x.said, "OCI-Subject");
	end(&x);
	begin_as(&x, "ghcr");
	assert_int_equal(404,
			 say(&x, "GET", "/v2/m/referrers/sha256:" A64, "", ""));
	end(&x);
}

static void a_rival_writes_between_or_after(void **state)
{
	struct fakereg_fault rival = { .method = "PUT",
				       .times = 1,
				       .rival = "{\"theirs\":1}",
				       .late = true };
	char before[144], after[144];
	struct fix x;

	(void)state;
	begin(&x, NULL);
	fakereg_fault(x.f, &rival);
	put_document(&x, "t", "{\"ours\":1}", 201);
	(void)fakereg_tag(x.f, "m", "t", after); /* theirs won */
	put_document(&x, "t", "{\"ours\":1}", 201);
	(void)fakereg_tag(x.f, "m", "t", before);
	assert_string_not_equal(before, after);
	end(&x);
}

static void knows_its_fields_by_name(void **state)
{
	static const char good[] = "{\"method\":\"PUT\",\"times\":1,"
				   "\"cut_at\":7,\"flip\":true}";
	static const char bad[] = "{\"metod\":\"PUT\"}";
	struct fakereg_opts o = { .port = 0 };
	const char *name;
	struct fix x;
	size_t i;

	(void)state;
	assert_true(fakereg_opt(&o, "chunk_max", "4194304"));
	assert_int_equal(4194304, o.chunk_max);
	assert_true(fakereg_opt(&o, "bearer", ""));
	assert_true(o.bearer);
	assert_false(fakereg_opt(&o, "page", "many"));
	assert_false(fakereg_opt(&o, "nonsense", ""));
	for (i = 0; (name = fakereg_profile_name(i)) != NULL; i++)
		assert_true(fakereg_profile(name, &o));
	assert_true(i > 15);
	assert_false(fakereg_profile("nobody", &o));
	begin(&x, NULL);
	assert_true(fakereg_fault_json(x.f, good, sizeof(good) - 1));
	assert_false(fakereg_fault_json(x.f, bad, sizeof(bad) - 1));
	end(&x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_chunks_in_order_only),
		cmocka_unit_test(goes_on_after_chunks),
		cmocka_unit_test(tells_and_ends_a_session),
		cmocka_unit_test(a_broken_body_ends_a_session_or_stays),
		cmocka_unit_test(ecr_answers_201_and_an_old_range),
		cmocka_unit_test(quay_counts_one_too_many),
		cmocka_unit_test(refuses_as_makers_do),
		cmocka_unit_test(locations_come_in_four_forms),
		cmocka_unit_test(signed_addresses_fit_one_method_and_wear_out),
		cmocka_unit_test(refuses_to_move_a_tag_in_three_ways),
		cmocka_unit_test(keeps_versions_and_records_alone),
		cmocka_unit_test(lists_as_makers_do),
		cmocka_unit_test(lists_referrers_in_pages_and_by_type),
		cmocka_unit_test(a_rival_writes_between_or_after),
		cmocka_unit_test(knows_its_fields_by_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
