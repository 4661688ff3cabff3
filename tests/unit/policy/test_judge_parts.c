/*
 * test_judge_parts.c - rules about licences, inputs and files.
 */
#include "tests/support/test.h"

#include <string.h>

#include "tests/support/verdict_fixture.h"

#define D(c) "sha256:" c c c c c c c c
#define D1 D("11111111")

static void judges_licences_of_ancestors_and_inputs(void **state)
{
	static const char policy[] =
		"policy: 1\nlicenses: {allow: MIT, deny: AGPL-3.0-only, "
		"ancestors: true, inputs: true}\n";
	VERDICT;

	(void)state;
	judge(policy,
	      FACTS(",\"fields\":{\"license\":\"MIT OR AGPL-3.0-only\"},"
		    "\"ancestors\":["
		    "{\"of\":\"parent\",\"ref\":\"a:v1\",\"license\":\"MIT\"},"
		    "{\"of\":\"parent\",\"ref\":\"b:v1\","
		    "\"license\":\"AGPL-3.0-only\"},"
		    "{\"of\":\"parent\",\"ref\":\"hf://x\"},"
		    "{\"of\":\"parent\",\"ref\":\"c:v1\","
		    "\"unreadable\":\"gone\"},"
		    "{\"of\":\"input\",\"ref\":\"d:v1\","
		    "\"license\":\"free, sort of\"}]"),
	      &v);
	assert_int_equal(v.v.count, 2);
	assert_has(v.text,
		   "licenses.ancestors: licence of ancestors: that of 'b:v1' "
		   "is 'AGPL-3.0-only', and 'AGPL-3.0-only' is denied, that of "
		   "'hf://x' is not told, that of 'c:v1' cannot be read (gone)"
		   "; the policy allows one of MIT; not AGPL-3.0-only");
	assert_has(v.text, "licenses.inputs: licence of inputs: that of "
			   "'d:v1' is 'free, sort of', no SPDX expression");
	assert_has(v.v.items[0].mend, "; ask again when all can be read");
	assert_has(v.v.items[1].mend, "ROLE=REF,license=SPDX");
	assert_null(strstr(v.v.items[1].mend, "ask again"));
	/* What was told hides nothing, and is no less asked. */
	judge(policy,
	      FACTS(",\"fields\":{\"license\":\"MIT\"},\"ancestors\":["
		    "{\"of\":\"input\",\"ref\":\"d:v1\",\"told\":\"MIT\","
		    "\"license\":\"GPL-3.0-only\"},"
		    "{\"of\":\"input\",\"ref\":\"e:v1\",\"license\":\"MIT\","
		    "\"told\":\"ISC\"}]"),
	      &v);
	assert_int_equal(v.v.count, 1);
	assert_has(v.text, "that of 'd:v1' is 'GPL-3.0-only', and "
			   "'GPL-3.0-only' is not allowed, that of 'e:v1' is "
			   "'ISC', and 'ISC' is not allowed");
	judge(policy, FACTS(",\"fields\":{\"license\":\"MIT\"}"), &v);
	assert_int_equal(v.v.count, 2);
	assert_has(v.text, "what it comes from could not be read: the facts "
			   "do not have it");
	judge(policy,
	      FACTS(",\"fields\":{\"license\":\"MIT\"},\"ancestors\":[],"
		    "\"unread\":{\"ancestors\":\"too many\"}"),
	      &v);
	assert_has(v.text, "could not be read: too many");
}

static void missing_licences_may_be_allowed(void **state)
{
	static const char policy[] =
		"policy: 1\nlicenses: {deny: AGPL-3.0-only, missing: allow, "
		"ancestors: true}\n";
	VERDICT;

	(void)state;
	assert_string_equal(judge(policy,
				  FACTS(",\"ancestors\":[{\"of\":\"parent\","
					"\"ref\":\"hf://x\"}]"),
				  &v),
			    "");
	judge(policy,
	      FACTS(",\"ancestors\":[{\"of\":\"parent\",\"ref\":\"a:v1\","
		    "\"unreadable\":\"gone\"}]"),
	      &v);
	assert_int_equal(v.v.count, 1);
}

static void judges_inputs(void **state)
{
	static const char policy[] =
		"policy: 1\ninputs: {roles: train, digest: true, "
		"classification: [public, internal], consent: [granted]}\n";
	VERDICT;

	(void)state;
	judge(policy,
	      FACTS(",\"inputs\":["
		    "{\"role\":\"train\",\"uri\":\"a\",\"classification\":"
		    "\"secret\",\"consent\":\"withdrawn\"},"
		    "{\"role\":\"train\",\"name\":\"b\",\"digest\":\"" D1 "\"},"
		    "{\"role\":\"test\",\"name\":\"c\"}]"),
	      &v);
	assert_string_equal(
		v.text,
		"inputs.digest: input 'a' has no digest; it has to be given -> "
		"push with --input ROLE=REF,digest=SHA256\n"
		"inputs.classification: input 'a' has classification 'secret', "
		"'b' has no classification; it may be one of public, internal "
		"-> push with --input ROLE=REF,classification=WORD\n"
		"inputs.consent: input 'a' has consent 'withdrawn', 'b' has no "
		"consent; it may be one of granted -> push with --input "
		"ROLE=REF,consent=WORD\n");
	assert_string_equal(judge("policy: 1\ninputs: {consent: true}\n",
				  FACTS(",\"inputs\":[{\"role\":\"train\","
					"\"consent\":\"yes\"}]"),
				  &v),
			    "");
}

#define PICKLE                                                                 \
	",\"files\":["                                                         \
	"{\"path\":\"a.bin\",\"role\":\"weight\",\"size\":1,\"format\":"       \
	"\"pickle\",\"unsafe\":[\"os system\",\"posix popen\"]},"              \
	"{\"path\":\"b.pt\",\"role\":\"weight\",\"size\":1,\"format\":"        \
	"\"torchscript\",\"trouble\":\"truncated\"},"                          \
	"{\"path\":\"c.dat\",\"role\":\"weight\",\"size\":1,\"format\":\"\"}," \
	"{\"path\":\"d.md\",\"role\":\"doc\",\"size\":1,\"format\":\"\"},"     \
	"{\"path\":\"e.keras\",\"role\":\"code\",\"size\":1,\"format\":"       \
	"\"keras\",\"unsafe\":[\"Lambda\"]}]"

#define LIMITED                                                                \
	",\"files\":[{\"path\":\"a.safetensors\",\"format\":\"safetensors\","  \
	"\"trouble\":\"has a large header\",\"limited\":true}"

static void judges_files_by_what_they_are(void **state)
{
	VERDICT;

	(void)state;
	judge("policy: 1\nformats: {pickle: deny}\n", FACTS(PICKLE), &v);
	assert_has(v.text, "file 'a.bin' is pickle, 'b.pt' is torchscript;");
	judge("policy: 1\nformats: {unsafe: deny}\n", FACTS(PICKLE), &v);
	assert_has(v.text,
		   "file 'a.bin' uses os system, posix popen, 'b.pt' cannot be "
		   "looked into (truncated), 'e.keras' uses Lambda;");
	judge("policy: 1\nformats: {trouble: deny}\n", FACTS(PICKLE), &v);
	assert_has(v.text, "file 'b.pt' truncated;");
	judge("policy: 1\nformats: {allow: keras}\n", FACTS(PICKLE), &v);
	assert_has(v.text, "file 'a.bin' is pickle, 'b.pt' is torchscript, "
			   "'c.dat' is of no known format; one of keras");
	judge("policy: 1\nformats: {deny: keras}\n", FACTS(PICKLE), &v);
	assert_has(v.text, "file 'e.keras' is keras; not keras");
	judge("policy: 1\nformats: {deny: keras}\n",
	      FACTS(",\"files\":[],\"unread\":{\"files\":\"no ranges\"}"), &v);
	assert_has(v.text, "formats of its files could not be read: no ranges");
}

/* A file that nobody looked at is not called broken. */
static void what_is_not_looked_at_is_told_apart(void **state)
{
	static const char rule[] = "policy: 1\nformats: {trouble: deny}\n";
	VERDICT;

	(void)state;
	judge(rule, FACTS(LIMITED "]"), &v);
	assert_has(v.text, "file 'a.safetensors' has a large header;");
	assert_has(v.text, "it may be right, but mreg does not look at all");
	judge(rule, FACTS(LIMITED ",{\"path\":\"b\",\"trouble\":\"ends\"}]"),
	      &v);
	assert_has(v.text, "has a large header, 'b' ends;");
	assert_has(v.text, "write those that are broken again, and leave out");
	judge(rule, FACTS(PICKLE), &v);
	assert_has(v.text, "write the file again; it is not what its format");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(judges_licences_of_ancestors_and_inputs),
		cmocka_unit_test(missing_licences_may_be_allowed),
		cmocka_unit_test(judges_inputs),
		cmocka_unit_test(judges_files_by_what_they_are),
		cmocka_unit_test(what_is_not_looked_at_is_told_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
