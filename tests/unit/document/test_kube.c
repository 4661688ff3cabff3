/*
 * test_kube.c - what a cluster runs, out of kubectl's JSON in pieces.
 */
#include "document/document.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "tests/support/test.h"

#define A64 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

struct fixture {
	struct mr_arena *arena;
	struct mr_kube found;
	struct mreg_error err;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->arena = mr_arena_new(MR_KUBE_ARENA_BYTES);
	assert_non_null(f->arena);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	mr_arena_free(f->arena);
	free(f);
	return 0;
}

/* In pieces of `each` bytes. */
static int read_in(struct fixture *f, const char *text, size_t each)
{
	MR_AUTO(mr_kube_closep) struct mr_kube_reader *r = NULL;
	size_t n = strlen(text);
	size_t at;
	int rc;

	memset(&f->found, 0, sizeof(f->found));
	memset(&f->err, 0, sizeof(f->err));
	rc = mr_kube_open(f->arena, &r, &f->err);
	for (at = 0; rc >= 0 && at < n; at += each)
		rc = mr_kube_add(r, text + at, n - at < each ? n - at : each,
				 &f->err);
	return rc < 0 ? rc : mr_kube_end(r, &f->found, &f->err);
}

static void read_ok(struct fixture *f, const char *text)
{
	assert_ok(read_in(f, text, 4096), f->err);
}

/* "SCHEME SPACE/KIND/NAME REFERENCE DIGEST" of reference `i`. */
static void is_ref(const struct fixture *f, size_t i, const char *expected)
{
	const struct mr_kube_ref *r = &f->found.refs[i];
	char text[512];

	assert_true(i < f->found.count);
	(void)snprintf(text, sizeof(text), "%s %s/%s/%s %s%s%s",
		       r->scheme ? r->scheme : "image", r->space, r->kind,
		       r->name, r->reference, r->digest ? " " : "",
		       r->digest ? r->digest : "");
	assert_string_equal(text, expected);
}

static void a_uri_is_found_wherever_it_is(void **state)
{
	struct fixture *f = *state;

	read_ok(f, "{\"apiVersion\":\"v1\",\"items\":[{\"kind\":"
		   "\"InferenceService\",\"metadata\":{\"name\":\"churn\","
		   "\"namespace\":\"prod\",\"annotations\":{\"a\":"
		   "\"oci+native://h:5/x@sha256:" A64 "\",\"b\":\"http://h\"}}"
		   ",\"spec\":{\"predictor\":{\"model\":{\"storageUri\":"
		   "\"oci://h.io/m/churn:v1\"},\"args\":[\"see oci://no\","
		   "\"mreg://churn:v2?path=a\"]}},\"status\":{\"u\":"
		   "\"oci://status/is:not\"}}],\"kind\":\"List\"}");
	assert_int_equal(f->found.objects, 1);
	assert_int_equal(f->found.count, 3);
	is_ref(f, 0, "oci prod/inferenceservice/churn h.io/m/churn:v1");
	is_ref(f, 1, "mreg prod/inferenceservice/churn churn:v2");
	is_ref(f, 2,
	       "oci+native prod/inferenceservice/churn h:5/x@sha256:" A64);
}

#define POD(meta, spec, status)                                                \
	"{\"kind\":\"Pod\",\"metadata\":{\"namespace\":\"n\",\"name\":"        \
	"\"p-1-x\"" meta "},\"spec\":{" spec "},\"status\":{" status "}}"

static void a_pod_says_what_its_images_are(void **state)
{
	struct fixture *f = *state;

	read_ok(f,
		POD("",
		    "\"containers\":[{\"name\":\"a\",\"image\":\"h.io/a:1\"},"
		    "{\"name\":\"b\",\"image\":\"h.io/b:1\"}],\"volumes\":[{"
		    "\"name\":\"a\",\"image\":{\"reference\":\"h.io/c:1\"}}]",
		    "\"phase\":\"Running\",\"containerStatuses\":[{\"name\":"
		    "\"a\",\"imageID\":\"docker-pullable://mirror/a@sha256:" A64
		    "\"},{\"name\":\"b\",\"imageID\":\"sha256:" A64 "\"}]"));
	assert_int_equal(f->found.count, 3);
	is_ref(f, 0, "image n/pod/p-1-x h.io/a:1 sha256:" A64);
	is_ref(f, 1, "image n/pod/p-1-x h.io/b:1");
	is_ref(f, 2, "image n/pod/p-1-x h.io/c:1");
}

#define IMAGE "\"containers\":[{\"name\":\"c\",\"image\":\"h.io/a:1\"}]"
#define OWNER(kind, name)                                                      \
	",\"ownerReferences\":[{\"kind\":\"Node\",\"name\":\"no\"},{\"kind\":" \
	"\"" kind "\",\"name\":\"" name "\",\"controller\":true}]"

static void a_pod_counts_for_what_made_it(void **state)
{
	struct fixture *f = *state;

	read_ok(f, POD(",\"labels\":{\"pod-template-hash\":\"5d\"}" OWNER(
			       "ReplicaSet", "web-5d"),
		       IMAGE, ""));
	is_ref(f, 0, "image n/deployment/web h.io/a:1");
	read_ok(f, POD(OWNER("ReplicaSet", "web-5d"), IMAGE, ""));
	is_ref(f, 0, "image n/replicaset/web-5d h.io/a:1");
	read_ok(f, POD(OWNER("StatefulSet", "db"), IMAGE, ""));
	is_ref(f, 0, "image n/statefulset/db h.io/a:1");
	read_ok(f, POD(",\"labels\":{\"serving.kserve.io/inferenceservice\":"
		       "\"churn\"}" OWNER("ReplicaSet", "web-5d"),
		       IMAGE, ""));
	is_ref(f, 0, "image n/inferenceservice/churn h.io/a:1");
}

static void replicas_that_say_the_same_are_one(void **state)
{
	struct fixture *f = *state;

	read_ok(f, "{\"kind\":\"List\",\"items\":[" POD(
			   OWNER("StatefulSet", "db"), IMAGE,
			   "") "," POD(OWNER("StatefulSet", "db"), IMAGE,
				       "") "," POD(OWNER("StatefulSet", "db2"),
						   IMAGE, "") "]}");
	assert_int_equal(f->found.objects, 3);
	assert_int_equal(f->found.count, 2);
	is_ref(f, 1, "image n/statefulset/db2 h.io/a:1");
}

static void what_is_done_or_nowhere_runs_nothing(void **state)
{
	struct fixture *f = *state;

	read_ok(f, POD("", IMAGE, "\"phase\":\"Succeeded\""));
	assert_int_equal(f->found.count, 0);
	assert_int_equal(f->found.objects, 1);
	read_ok(f, "{\"kind\":\"List\",\"items\":[{\"kind\":\"Node\","
		   "\"metadata\":{\"name\":\"n1\"},\"spec\":{\"x\":"
		   "\"oci://h.io/x:1\"}}]}");
	assert_int_equal(f->found.count, 0);
	read_ok(f, "{\"kind\":\"List\",\"items\":[]}");
	assert_int_equal(f->found.objects, 0);
}

static void any_pieces_give_the_same(void **state)
{
	static const char text[] =
		" {\"a\\\"items\":[{\"items\":[1]}],\"kind\":\"PodList\","
		"\"it\":\"items\", \"items\" : [ " POD(
			"", "\"e\":\"mreg://x]}[{\\\"\"",
			"") " ,\n" POD("", "\"e\":\"mreg://y\"", "") "] } \n";
	struct fixture *f = *state;
	size_t each;

	for (each = 1; each < sizeof(text); each++) {
		assert_ok(read_in(f, text, each), f->err);
		assert_int_equal(f->found.objects, 2);
		is_ref(f, 0, "mreg n/pod/p-1-x x]}[{\"");
		is_ref(f, 1, "mreg n/pod/p-1-x y");
	}
	/* Known by what it says, not by how it is written. */
	read_ok(f, "{\"kind\":\"List\",\"it\\u0065ms\":[" POD(
			   "", "\"e\":\"mreg://y\"", "") "]}");
	assert_int_equal(f->found.count, 1);
}

static void what_is_cut_off_is_refused_wherever(void **state)
{
	static const char text[] =
		"{\"kind\":\"List\",\"items\":[" POD("", IMAGE, "") "]}";
	struct fixture *f = *state;
	char part[sizeof(text)];
	size_t n;

	for (n = 0; n + 1 < sizeof(text); n++) {
		(void)snprintf(part, n + 1, "%s", text);
		assert_code(MREG_EFORMAT, read_in(f, part, 7), f->err);
	}
}

static void refused(struct fixture *f, const char *text, const char *why)
{
	assert_code(MREG_EFORMAT, read_in(f, text, 4096), f->err);
	assert_has(f->err.msg, why);
}

static void what_is_no_list_is_refused(void **state)
{
	struct fixture *f = *state;

	refused(f, "[]", "no list");
	refused(f, "NAME READY\n", "no list");
	refused(f, "{}", "no list");
	refused(f, "{\"kind\":\"List\",\"items\":[3]}", "no list");
	refused(f, "{\"kind\":\"List\",\"items\":[{} {}]}", "no kind");
	refused(f, "{\"kind\":\"List\",\"items\":[,{}]}", "no list");
	refused(f, "{\"kind\":\"List\",\"items\":[" POD("", IMAGE, "") ",]}",
		"no list");
	refused(f, "{\"kind\":\"List\",\"items\":[]}{}", "no list");
	refused(f, "{\"kind\":\"List\",\"items\":[],\"items\":[]}", "items");
	refused(f, "{\"kind\":\"List\",\"items\":[{\"kind\":\"Pod\",]}]}",
		"no valid JSON");
	refused(f,
		"{\"kind\":\"PodList\",\"items\":[],\"metadata\":{\"continue\":"
		"\"abc\"}}",
		"several pages");
	refused(f,
		"{\"kind\":\"Pod\",\"metadata\":{\"namespace\":\"a/b\","
		"\"name\":\"x\"}}",
		"'a/b' is no name");
}

/* Anybody may annotate their own object with it. */
static void a_text_with_nul_hides_no_other(void **state)
{
	struct fixture *f = *state;

	read_ok(f,
		"{\"kind\":\"List\",\"items\":[{\"kind\":\"InferenceService\","
		"\"metadata\":{\"name\":\"x\",\"namespace\":\"n\","
		"\"annotations\":{\"a\":\"oci://h.io/a\\u0000b\",\"c\":"
		"\"mreg://churn:v1\"}},\"spec\":{\"image\":\"h\\u0000\"}}]}");
	assert_int_equal(f->found.count, 1);
	is_ref(f, 0, "mreg n/inferenceservice/x churn:v1");
	refused(f,
		"{\"kind\":\"Pod\",\"metadata\":{\"namespace\":\"n\","
		"\"name\":\"x\\u0000\"}}",
		"no name");
}

static void an_object_beyond_all_limits_is_refused(void **state)
{
	struct fixture *f = *state;
	MR_AUTO(mr_kube_closep) struct mr_kube_reader *r = NULL;
	struct mreg_error err = MREG_ERROR_INIT;
	static const char begin[] = "{\"items\":[{\"kind\":\"";
	char piece[4096];
	size_t i;
	int rc;

	memset(piece, 'x', sizeof(piece));
	assert_ok(mr_kube_open(f->arena, &r, &err), err);
	rc = mr_kube_add(r, begin, strlen(begin), &err);
	for (i = 0; rc >= 0 && i <= MR_KUBE_OBJECT_MAX_BYTES / sizeof(piece);
	     i++)
		rc = mr_kube_add(r, piece, sizeof(piece), &err);
	assert_code(MREG_ELIMIT, rc, err);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_uri_is_found_wherever_it_is,
						setup, teardown),
		cmocka_unit_test_setup_teardown(a_pod_says_what_its_images_are,
						setup, teardown),
		cmocka_unit_test_setup_teardown(a_pod_counts_for_what_made_it,
						setup, teardown),
		cmocka_unit_test_setup_teardown(
			replicas_that_say_the_same_are_one, setup, teardown),
		cmocka_unit_test_setup_teardown(
			what_is_done_or_nowhere_runs_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(any_pieces_give_the_same, setup,
						teardown),
		cmocka_unit_test_setup_teardown(
			what_is_cut_off_is_refused_wherever, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_no_list_is_refused,
						setup, teardown),
		cmocka_unit_test_setup_teardown(a_text_with_nul_hides_no_other,
						setup, teardown),
		cmocka_unit_test_setup_teardown(
			an_object_beyond_all_limits_is_refused, setup,
			teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
