/*
 * test_notice.c - what registries send, read as hints.
 */
#include "crawl/notice.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "tests/support/test.h"

#define EVENT(action, more)                                                    \
	"{\"id\":\"e1\",\"action\":\"" action                                  \
	"\",\"target\":{\"repository\":\"acme/churn\"" more "},"               \
	"\"request\":{\"host\":\"reg.example.com:5000\"}}"
#define MANIFEST ",\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\""
#define BLOB ",\"mediaType\":\"application/octet-stream\""
#define HARBOR(type)                                                           \
	"{\"type\":\"" type "\",\"occur_at\":1586922308,\"operator\":"         \
	"\"admin\",\"event_data\":{\"resources\":[{\"digest\":\"sha256:8a\","  \
	"\"tag\":\"v3\",\"resource_url\":\"hub.example.com/acme/churn:v3\"}]," \
	"\"repository\":{\"name\":\"churn\",\"namespace\":\"acme\","           \
	"\"repo_full_name\":\"acme/churn\",\"repo_type\":\"private\"}}}"
#define CLOUD(source, type, data)                                              \
	"{\"specversion\":\"1.0\",\"id\":\"c1\",\"source\":\"" source          \
	"\",\"type\":\"" type "\",\"data\":" data "}"

static struct mr_notices read_ok(const char *text, const char *source)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_notices n;

	assert_ok(mr_notices_read(text, strlen(text), source, &n, &err), err);
	return n;
}

/* `text` is one notice of `source`. */
static void assert_one(const char *text, const char *source, const char *host,
		       const char *repository, const char *id, bool idle)
{
	MR_AUTO(mr_notices_release)
	struct mr_notices n = read_ok(text, NULL);

	assert_int_equal(n.count, 1);
	assert_int_equal(n.unknown, 0);
	assert_string_equal(n.items[0].source, source);
	assert_string_equal(n.items[0].repository, repository);
	assert_int_equal(n.items[0].idle, idle);
	assert_int_equal(!n.items[0].host, !host);
	if (host)
		assert_string_equal(n.items[0].host, host);
	assert_int_equal(!n.items[0].id, !id);
	if (id)
		assert_string_equal(n.items[0].id, id);
}

static void assert_counts(const char *text, const char *source, size_t count,
			  size_t unknown)
{
	MR_AUTO(mr_notices_release)
	struct mr_notices n = read_ok(text, source);

	assert_int_equal(n.count, count);
	assert_int_equal(n.unknown, unknown);
}

static void knows_what_distribution_sends(void **state)
{
	const char *host = "reg.example.com:5000";

	(void)state;
	assert_one("{\"events\":[" EVENT("push", MANIFEST) "]}", "distribution",
		   host, "acme/churn", "e1", false);
	/* ACR's has no envelope. */
	assert_one(EVENT("delete", ",\"digest\":\"sha256:8a\""), "distribution",
		   host, "acme/churn", "e1", false);
	assert_one("{\"action\":\"push\",\"target\":{\"repository\":\"a\","
		   "\"url\":\"http://r.example.com/v2/a/manifests/x\"}}",
		   "distribution", "r.example.com", "a", NULL, false);
}

static void blobs_and_pulls_are_no_reason_to_look(void **state)
{
	const char *host = "reg.example.com:5000";

	(void)state;
	assert_one(EVENT("push", BLOB), "distribution", host, "acme/churn",
		   "e1", true);
	assert_one(EVENT("pull", MANIFEST), "distribution", host, "acme/churn",
		   "e1", true);
	assert_one(EVENT("mount", BLOB), "distribution", host, "acme/churn",
		   "e1", true);
	assert_one(HARBOR("PULL_ARTIFACT"), "harbor", "hub.example.com",
		   "acme/churn", NULL, true);
}

static void knows_both_forms_of_harbor(void **state)
{
	(void)state;
	assert_one(HARBOR("PUSH_ARTIFACT"), "harbor", "hub.example.com",
		   "acme/churn", NULL, false);
	assert_one(HARBOR("DELETE_ARTIFACT"), "harbor", "hub.example.com",
		   "acme/churn", NULL, false);
	assert_one(CLOUD("/projects/2/webhook/policies/8",
			 "harbor.artifact.pushed",
			 "{\"resources\":[{\"resource_url\":"
			 "\"hub.example.com/acme/churn:v3\"}],\"repository\":{"
			 "\"repo_full_name\":\"acme/churn\"}}"),
		   "harbor", "hub.example.com", "acme/churn", "c1", false);
}

static void knows_zot_which_names_no_host(void **state)
{
	(void)state;
	assert_one(CLOUD("zotregistry.dev", "zotregistry.image.updated",
			 "{\"name\":\"acme/churn\",\"reference\":\"v3\"}"),
		   "zot", NULL, "acme/churn", "c1", false);
	assert_one(CLOUD("zotregistry.dev", "zotregistry.image.scanned",
			 "{\"name\":\"acme/churn\"}"),
		   "zot", NULL, "acme/churn", "c1", true);
}

static void knows_quay_docker_hub_and_github(void **state)
{
	(void)state;
	assert_one("{\"repository\":\"acme/churn\",\"namespace\":\"acme\","
		   "\"name\":\"churn\",\"docker_url\":\"quay.io/acme/churn\","
		   "\"homepage\":\"https://quay.io/repository/acme/churn\","
		   "\"updated_tags\":[\"v3\"]}",
		   "quay", "quay.io", "acme/churn", NULL, false);
	assert_one("{\"callback_url\":\"https://registry.hub.docker.com/u/x\","
		   "\"push_data\":{\"pushed_at\":1417566161,\"tag\":\"v3\"},"
		   "\"repository\":{\"repo_name\":\"acme/churn\"}}",
		   "dockerhub", "docker.io", "acme/churn", NULL, false);
	assert_one("{\"action\":\"published\",\"registry_package\":{\"name\":"
		   "\"Churn\",\"namespace\":\"Acme\",\"package_type\":"
		   "\"CONTAINER\"}}",
		   "ghcr", "ghcr.io", "acme/churn", NULL, false);
	assert_one("{\"action\":\"published\",\"package\":{\"name\":\"x\","
		   "\"owner\":{\"login\":\"acme\"},\"package_type\":\"npm\"}}",
		   "ghcr", "ghcr.io", "acme/x", NULL, true);
}

#define ECR(region, result)                                                    \
	"{\"version\":\"0\",\"id\":\"13cde686\",\"detail-type\":"              \
	"\"ECR Image Action\",\"source\":\"aws.ecr\",\"account\":"             \
	"\"123456789012\",\"region\":\"" region "\",\"detail\":{\"result\":"   \
	"\"" result "\",\"repository-name\":\"acme/churn\","                   \
	"\"action-type\":\"PUSH\",\"image-tag\":\"v3\"}}"

static void knows_the_host_of_ecr(void **state)
{
	(void)state;
	assert_one(ECR("us-west-2", "SUCCESS"), "ecr",
		   "123456789012.dkr.ecr.us-west-2.amazonaws.com", "acme/churn",
		   "13cde686", false);
	assert_one(ECR("cn-north-1", "SUCCESS"), "ecr",
		   "123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn",
		   "acme/churn", "13cde686", false);
	assert_one(ECR("us-west-2", "FAILURE"), "ecr",
		   "123456789012.dkr.ecr.us-west-2.amazonaws.com", "acme/churn",
		   "13cde686", true);
	/* What is no part of a host's name makes no host. */
	assert_one(ECR("x/../y@evil.example.com", "SUCCESS"), "ecr", NULL,
		   "acme/churn", "13cde686", false);
}

static void many_come_in_an_array_an_envelope_or_lines(void **state)
{
	const char *one = EVENT("push", MANIFEST);

	(void)state;
	assert_counts("[" EVENT("push", "") "," HARBOR("PUSH_ARTIFACT") "]",
		      NULL, 2, 0);
	assert_counts(
		"{\"events\":[" EVENT("push", "") "," EVENT("pull", "") "]}",
		NULL, 2, 0);
	assert_counts("[{\"events\":[" EVENT("push", "") "]},{\"events\":[]}]",
		      NULL, 1, 0);
	assert_counts(
		EVENT("push", "") "\n\r\n  \n" HARBOR(
			"PUSH_ARTIFACT") "\n{\"events\":[" EVENT("push",
								 "") "]}\n",
		NULL, 3, 0);
	assert_counts(one, NULL, 1, 0);
	assert_counts("{\"events\":[]}", NULL, 0, 0);
}

static void what_is_not_known_is_counted_and_hides_nothing(void **state)
{
	MR_AUTO(mr_notices_release)
	struct mr_notices n = read_ok(
		EVENT("push", "") "\n{\"action\":1}\n"
				  "no JSON\n[[" EVENT("push", "") "]]\n" HARBOR(
					  "PUSH_ARTIFACT"),
		NULL);

	(void)state;
	assert_int_equal(n.count, 2);
	assert_int_equal(n.unknown, 3);
	assert_int_equal(n.unknown_at, 2);
	assert_counts("{}", NULL, 0, 1);
	assert_counts("[42,null]", NULL, 0, 2);
	assert_counts("{\"events\":{}}", NULL, 0, 1);
	assert_counts("{\"action\":\"push\",\"target\":{\"repository\":\"\"}}",
		      NULL, 0, 1);
}

static void a_source_that_was_named_is_the_only_one(void **state)
{
	(void)state;
	assert_counts(HARBOR("PUSH_ARTIFACT"), "harbor", 1, 0);
	assert_counts(HARBOR("PUSH_ARTIFACT"), "quay", 0, 1);
	assert_true(mr_notice_is_source("ecr"));
	assert_false(mr_notice_is_source("nexus"));
	assert_false(mr_notice_is_source(""));
}

static void an_id_that_is_too_long_is_none(void **state)
{
	char text[1024];
	char id[MR_NOTICE_ID_MAX_BYTES + 2];

	(void)state;
	memset(id, 'x', sizeof(id) - 1);
	id[sizeof(id) - 1] = '\0';
	snprintf(text, sizeof(text),
		 "{\"id\":\"%s\",\"action\":\"push\",\"target\":{"
		 "\"repository\":\"a\"}}",
		 id);
	assert_one(text, "distribution", NULL, "a", NULL, false);
	id[sizeof(id) - 2] = '\0';
	snprintf(text, sizeof(text),
		 "{\"id\":\"%s\",\"action\":\"push\",\"target\":{"
		 "\"repository\":\"a\"}}",
		 id);
	assert_one(text, "distribution", NULL, "a", id, false);
}

static void what_is_no_json_at_all_is_refused(void **state)
{
	static const char *const bad[] = { "",  "\n\n", "<html>",
					   "{", "a\nb", "42" };
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_notices n;
	size_t i;

	(void)state;
	for (i = 0; i < MR_COUNT(bad); i++) {
		assert_code(
			MREG_EFORMAT,
			mr_notices_read(bad[i], strlen(bad[i]), NULL, &n, &err),
			err);
		assert_has(err.msg, "no JSON");
	}
}

static void more_than_4_mib_are_refused(void **state)
{
	size_t n = MR_NOTICES_MAX_BYTES + 1;
	struct mreg_error err = MREG_ERROR_INIT;
	char *text = malloc(n);
	struct mr_notices out;

	(void)state;
	assert_non_null(text);
	memset(text, ' ', n);
	assert_code(MREG_ELIMIT, mr_notices_read(text, n, NULL, &out, &err),
		    err);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(knows_what_distribution_sends),
		cmocka_unit_test(blobs_and_pulls_are_no_reason_to_look),
		cmocka_unit_test(knows_both_forms_of_harbor),
		cmocka_unit_test(knows_zot_which_names_no_host),
		cmocka_unit_test(knows_quay_docker_hub_and_github),
		cmocka_unit_test(knows_the_host_of_ecr),
		cmocka_unit_test(many_come_in_an_array_an_envelope_or_lines),
		cmocka_unit_test(
			what_is_not_known_is_counted_and_hides_nothing),
		cmocka_unit_test(a_source_that_was_named_is_the_only_one),
		cmocka_unit_test(an_id_that_is_too_long_is_none),
		cmocka_unit_test(what_is_no_json_at_all_is_refused),
		cmocka_unit_test(more_than_4_mib_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
