/*
 * tests/unit/net/test_url.c - origins, private addresses, references.
 */
#include "tests/support/test.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "net/internal.h"

static void equal_origins_need_scheme_host_and_port(void **state)
{
	(void)state;
	assert_true(mr_url_same_origin("https://a.example/x",
				       "https://A.example:443/y?z"));
	assert_true(
		mr_url_same_origin("http://a.example:80", "http://a.example/"));
	assert_false(
		mr_url_same_origin("https://a.example", "http://a.example"));
	assert_false(mr_url_same_origin("https://a.example",
					"https://a.example:8443"));
	assert_false(
		mr_url_same_origin("https://a.example", "https://b.a.example"));
	assert_false(mr_url_same_origin("https://a.example", "nonsense"));
	assert_false(mr_url_same_origin("nonsense", "nonsense"));
}

static void origin_leaves_out_default_port_and_path(void **state)
{
	char out[300];

	(void)state;
	assert_int_equal(0, mr_url_origin("HTTPS://Ghcr.IO:443/v2/?a=b", out,
					  sizeof(out)));
	assert_string_equal("https://ghcr.io", out);
	assert_int_equal(0,
			 mr_url_origin("http://[::1]:5000/", out, sizeof(out)));
	assert_string_equal("http://[::1]:5000", out);
	assert_int_equal(-1, mr_url_origin("https://ghcr.io", out, 5));
}

static void refuses_what_is_no_web_address(void **state)
{
	static const char *const bad[] = {
		"",
		"ghcr.io",
		"ftp://ghcr.io/",
		"file:///etc/passwd",
		"gopher://x/",
		"https://user@ghcr.io/",
		"https://user:pw@ghcr.io/",
		"https://",
		"https://a b/",
		"https://a\\@b/",
		"https://a\n.example/",
		"https://b\xc3\xbc"
		"cher.example/",
		"https://a:99999/",
	};
	char out[300];
	size_t i;

	(void)state;
	for (i = 0; i < MR_COUNT(bad); i++) {
		if (mr_url_origin(bad[i], out, sizeof(out)) == 0)
			fail_msg("'%s' was taken for '%s'", bad[i], out);
		assert_true(mr_url_is_private(bad[i]));
	}
}

static void knows_private_addresses_in_every_spelling(void **state)
{
	static const char *const private[] = {
		"http://127.0.0.1/",
		"http://127.1/",
		"http://0x7f.1/",
		"http://2130706433/",
		"http://017700000001/",
		"http://0.0.0.0/",
		"http://10.1.2.3/",
		"http://172.16.0.1/",
		"http://172.31.255.255/",
		"http://192.168.1.1:5000/",
		"http://169.254.169.254/",
		"http://100.64.0.1/",
		"http://[::1]/",
		"http://[::]/",
		"http://[fe80::1]/",
		"http://[fd00::1]/",
		"http://[::ffff:10.0.0.1]/",
		"http://[64:ff9b::7f00:1]/",
		"http://[2002:7f00:1::]/",
		"http://localhost/",
		"http://LOCALHOST:5000/",
		"http://localhost./",
		"http://a.localhost/",
	};
	static const char *const public[] = {
		"https://ghcr.io/",      "https://8.8.8.8/",
		"https://172.32.0.1/",   "https://192.169.0.1/",
		"https://100.128.0.1/",  "https://[2606:4700::1]/",
		"https://notlocalhost/", "https://localhost.example/",
		"https://10.example/",
	};
	size_t i;

	(void)state;
	for (i = 0; i < MR_COUNT(private); i++)
		if (!mr_url_is_private(private[i]))
			fail_msg("'%s' is private", private[i]);
	for (i = 0; i < MR_COUNT(public); i++)
		if (mr_url_is_private(public[i]))
			fail_msg("'%s' is not private", public[i]);
}

static void loopback_is_less_than_private(void **state)
{
	(void)state;
	assert_true(mr_url_is_loopback("https://localhost:5000"));
	assert_true(mr_url_is_loopback("https://127.9.9.9"));
	assert_true(mr_url_is_loopback("https://[::1]:5000"));
	assert_false(mr_url_is_loopback("https://192.168.1.1"));
	assert_false(mr_url_is_loopback("https://ghcr.io"));
}

static void resolves_as(const char *base, const char *ref, const char *want)
{
	struct mreg_error err = MREG_ERROR_INIT;
	char *got = NULL;

	assert_int_equal(0, mr_url_resolve(base, ref, &got, &err));
	if (!want) {
		if (got)
			fail_msg("'%s' resolved to '%s'", ref, got);
		return;
	}
	assert_non_null(got);
	assert_string_equal(want, got);
	mr_release(got);
}

static void resolves_against_the_final_url(void **state)
{
	const char *base = "https://r.example:8443/v2/a/blobs/uploads/";

	(void)state;
	resolves_as(base, "/v2/x?_state=a%2Bb/+~==&b",
		    "https://r.example:8443/v2/x?_state=a%2Bb/+~==&b");
	resolves_as(base, "uuid?x=1",
		    "https://r.example:8443/v2/a/blobs/uploads/uuid?x=1");
	resolves_as(base, "https://s3.example/b?X-Amz-Signature=a%2fb#frag",
		    "https://s3.example/b?X-Amz-Signature=a%2fb");
	resolves_as(base, "//other.example/x", "https://other.example/x");
	resolves_as(base, "r.example:8443/v2/up",
		    "https://r.example:8443/v2/up");
	resolves_as(base, "/v2/../x//y", "https://r.example:8443/v2/../x//y");
}

static void refuses_references_that_lead_nowhere(void **state)
{
	const char *base = "https://r.example/v2/";
	char *lengthy = malloc((1u << 20) + 1);

	(void)state;
	assert_non_null(lengthy);
	memset(lengthy, 'a', 1u << 20);
	lengthy[0] = '/';
	lengthy[1u << 20] = '\0';
	resolves_as(base, "", NULL);
	resolves_as(base, "/a b", NULL);
	resolves_as(base, "/a\r\nX: y", NULL);
	resolves_as(base, "https://u:p@r.example/", NULL);
	resolves_as(base, "//u@r.example/", NULL);
	resolves_as(base, "file:///etc/passwd", NULL);
	resolves_as(base, lengthy, NULL);
	free(lengthy);
}

static void escapes_all_but_unreserved(void **state)
{
	char *out = mr_url_escape("a-._~Z9/:+ =&%\xc3\xbc");

	(void)state;
	assert_non_null(out);
	assert_string_equal("a-._~Z9%2F%3A%2B%20%3D%26%25%C3%BC", out);
	mr_release(out);
}

static void hides_signatures_in_logs(void **state)
{
	struct mr_buf out = MR_BUF_INIT(4096);

	(void)state;
	mr_url_redact("https://s3.example/b?X-Amz-Signature=s3cret&n=100&k&"
		      "_state=s3cret",
		      &out);
	assert_string_equal("https://s3.example/b?X-Amz-Signature=***&n=100&k&"
			    "_state=***",
			    mr_buf_text(&out));
	mr_buf_clear(&out);
	mr_url_redact("https://r.example/v2/", &out);
	assert_string_equal("https://r.example/v2/", mr_buf_text(&out));
	mr_buf_release(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(equal_origins_need_scheme_host_and_port),
		cmocka_unit_test(origin_leaves_out_default_port_and_path),
		cmocka_unit_test(refuses_what_is_no_web_address),
		cmocka_unit_test(knows_private_addresses_in_every_spelling),
		cmocka_unit_test(loopback_is_less_than_private),
		cmocka_unit_test(resolves_against_the_final_url),
		cmocka_unit_test(refuses_references_that_lead_nowhere),
		cmocka_unit_test(escapes_all_but_unreserved),
		cmocka_unit_test(hides_signatures_in_logs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
