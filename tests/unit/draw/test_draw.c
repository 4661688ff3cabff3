/*
 * test_draw.c - graphs as pictures: what is in them, and that texts of others
 * stay data in each format.
 */
#include "mreg/lineage.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/process.h"
#include "draw/graph.h"
#include "repo/repo.h"
#include "tests/support/test.h"

#define A                                                                      \
	"sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B                                                                      \
	"sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define C                                                                      \
	"sha256:cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"
#define HOSTILE                                                                \
	"\"]; x -> y <script>alert(1)</script> &lt; `|` %%{init: {}}%% "       \
	"\xe2\x80\xae\n\\"

static const char *const aliases[] = { "production", "staging" };
static const struct mreg_lineage_version versions[] = {
	{ .model = "ghcr.io/acme/churn",
	  .number = 3,
	  .stage = "production",
	  .aliases = aliases,
	  .alias_count = 2,
	  .license = "MIT",
	  .registered_s = 1767225600,
	  .actor = "Ada" },
	{ .model = "oci:/srv/models//base", .number = 1, .stage = "none" },
};
static struct mreg_lineage_node nodes[] = {
	{ .kind = "version",
	  .id = A,
	  .label = "churn:v3",
	  .versions = &versions[0],
	  .version_count = 1 },
	{ .kind = "version",
	  .id = B,
	  .label = "base:v1",
	  .depth = 1,
	  .versions = &versions[1],
	  .version_count = 1 },
	{ .kind = "gap", .id = C, .label = HOSTILE, .depth = 2 },
	{ .kind = "uri",
	  .id = "s3://bucket/train.csv",
	  .label = "train.csv",
	  .depth = 1 },
	{ .kind = "run", .id = "run-7", .label = "run-7", .depth = 1 },
	{ .kind = "deployment",
	  .id = "prod/api",
	  .label = "prod/api",
	  .depth = -1 },
};
static struct mreg_lineage_edge edges[] = {
	{ 0, 1, "finetune" },  { 0, 3, "input" },    { 0, 4, "run" },
	{ 1, 2, "quantized" }, { 5, 0, "deployed" },
};
static const struct mreg_lineage_result graph = {
	.root = "ghcr.io/acme/churn@" A,
	.nodes = nodes,
	.count = MR_COUNT(nodes),
	.edges = edges,
	.edge_count = MR_COUNT(edges),
};

static char *draw(enum mreg_picture as, size_t most)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mreg m = { .arena = NULL };
	char *out = NULL;

	mr_env_init(&m.env);
	assert_ok(mreg_lineage_draw(&m, &graph, as, most, &out, &err), err);
	mr_env_release(&m.env);
	return out;
}

static void a_picture_has_nodes_and_edges(void **state)
{
	char *dot = draw(MREG_PICTURE_DOT, 0);
	char *mermaid = draw(MREG_PICTURE_MERMAID, 0);

	(void)state;
	assert_has(dot, "n0 [label=\"churn:v3\\nproduction, staging\\n"
			"sha256:aaaaaaaaaaaa\", shape=box, "
			"style=\"rounded,bold\"];");
	/* Nearest first: the data beside the parent, then what is behind. */
	assert_has(dot, "n2 [label=\"train.csv\", shape=cylinder");
	assert_has(dot, "n1 -> n0 [label=\"finetune\"];");
	assert_has(dot, "n0 -> n4 [label=\"deployed\"];");
	assert_has(dot, "n5 -> n1 [label=\"quantized\", style=dashed];");
	assert_has(mermaid, "flowchart LR\n    n0(\"churn:v3<br/>production, "
			    "staging<br/>sha256:aaaaaaaaaaaa\")\n");
	assert_has(mermaid, "    n1 -->|\"finetune\"| n0\n");
	assert_has(mermaid, "    n5 -.->|\"quantized\"| n1\n");
	free(dot);
	free(mermaid);
}

static void what_does_not_fit_is_counted(void **state)
{
	char *dot = draw(MREG_PICTURE_DOT, 2);
	char *mermaid = draw(MREG_PICTURE_MERMAID, 2);
	char *prov = draw(MREG_PICTURE_PROV, 2);
	char *lines = draw(MREG_PICTURE_OPENLINEAGE, 2);

	(void)state;
	assert_has(dot, "more [label=\"and 4 more\"");
	assert_has_not(dot, "train.csv");
	assert_has(mermaid, "more[\"and 4 more\"]");
	assert_has(prov, "and 4 more");
	assert_has(lines, "and 4 more");
	free(dot);
	free(mermaid);
	free(prov);
	free(lines);
}

static void texts_of_others_end_nothing_in_mermaid(void **state)
{
	char *mermaid = draw(MREG_PICTURE_MERMAID, 0);
	const char *line = strstr(mermaid, "    n5[\"");
	size_t n;

	(void)state;
	assert_non_null(line);
	line += strlen("    n5[\"");
	n = strcspn(line, "\"\n");
	assert_true(strncmp(line + n, "\"]\n", 3) == 0);
	/* No sign that Mermaid, Markdown or HTML know, but line breaks of
	 * ours. */
	assert_has_not(mermaid, "<script");
	assert_has_not(mermaid, "%%");
	assert_has_not(mermaid, "`");
	assert_has_not(mermaid, "\xe2\x80\xae");
	assert_has(line, "#34;#93;#59;");
	free(mermaid);
}

/* graphviz reads what we wrote as the graph that was meant. */
static void texts_of_others_end_nothing_in_dot(void **state)
{
	static const char *const argv[] = { "dot", "-Tplain", NULL };
	MR_AUTO(mr_buf_release) struct mr_buf out = MR_BUF_INIT(1u << 20);
	struct mreg_error err = MREG_ERROR_INIT;
	char *dot = draw(MREG_PICTURE_DOT, 0);
	struct mr_process p = { .argv = argv,
				.input = dot,
				.input_len = strlen(dot),
				.timeout_ms = 60000 };
	struct mr_env env;
	const char *at;
	size_t n = 0;
	bool ok;

	(void)state;
	mr_env_init(&env);
	assert_ok(mr_process_run(&env, &p, &out, &ok, &err), err);
	assert_true(ok);
	for (at = strstr(out.data, "\nnode "); at;
	     at = strstr(at + 1, "\nnode "))
		n++;
	assert_int_equal(n, graph.count);
	for (at = strstr(out.data, "\nedge "), n = 0; at;
	     at = strstr(at + 1, "\nedge "))
		n++;
	assert_int_equal(n, graph.edge_count);
	mr_env_release(&env);
	free(dot);
}

static void svg_has_shapes_and_texts_alone(void **state)
{
	char *svg = draw(MREG_PICTURE_SVG, 0);

	(void)state;
	assert_true(strncmp(svg, "<svg ", 5) == 0);
	assert_has(svg, "</svg>\n");
	assert_has(svg, "churn:v3");
	assert_has(svg, "&lt;script&gt;");
	assert_has_not(svg, "<script");
	assert_has_not(svg, "<!");
	assert_has_not(svg, "xlink");
	assert_has_not(svg, " id=");
	free(svg);
}

static void an_svg_with_anything_else_is_refused(void **state)
{
	static const char *const bad[] = {
		"<svg><script>alert(1)</script></svg>",
		"<svg><image/></svg>",
		"<svg><a><g/></a></svg>",
		"<svg><g onload=x/></svg>",
		"<svg><!-- <g></svg>",
		"<svg><g>",
		"<svg",
		"",
		"Error: no",
	};
	struct mreg_error err = MREG_ERROR_INIT;
	size_t i;

	(void)state;
	for (i = 0; i < MR_COUNT(bad); i++) {
		struct mr_buf out = MR_BUF_INIT(1000);

		assert_code(MREG_EFORMAT, mr_svg_clean(bad[i], &out, &err),
			    err);
		mr_buf_release(&out);
	}
}

static void attributes_that_do_not_draw_are_left_out(void **state)
{
	MR_AUTO(mr_buf_release) struct mr_buf out = MR_BUF_INIT(1000);
	struct mreg_error err = MREG_ERROR_INIT;

	(void)state;
	assert_ok(mr_svg_clean("<?xml?><svg xmlns=\"http://evil/\" "
			       "onload=\"x\" width=\"1\"><g id=\"n\" "
			       "fill=\"url(#a)\"><path d=\"M0 0\" "
			       "xlink:href=\"javascript:x\"/></g></svg>junk",
			       &out, &err),
		  err);
	assert_string_equal(out.data, "<svg width=\"1\"><g>"
				      "<path d=\"M0 0\"/></g></svg>\n");
}

static void openlineage_tells_the_run_of_each_version(void **state)
{
	char *lines = draw(MREG_PICTURE_OPENLINEAGE, 0);
	char *again = draw(MREG_PICTURE_OPENLINEAGE, 0);
	json_t *event = json_loads(lines, JSON_DISABLE_EOF_CHECK, NULL);
	json_t *input;

	(void)state;
	assert_string_equal(lines, again);
	assert_non_null(event);
	assert_string_equal(
		json_string_value(json_object_get(event, "eventTime")),
		"2026-01-01T00:00:00Z");
	assert_int_equal(json_array_size(json_object_get(event, "inputs")), 2);
	input = json_array_get(json_object_get(event, "inputs"), 0);
	assert_string_equal(
		json_string_value(json_object_get(input, "namespace")),
		"oci:/srv/models");
	assert_string_equal(json_string_value(json_object_get(input, "name")),
			    "base");
	input = json_array_get(json_object_get(event, "inputs"), 1);
	assert_string_equal(
		json_string_value(json_object_get(input, "namespace")),
		"s3://bucket");
	json_decref(event);
	free(lines);
	free(again);
}

static void prov_relates_versions_runs_and_people(void **state)
{
	char *text = draw(MREG_PICTURE_PROV, 0);
	json_t *doc = json_loads(text, JSON_REJECT_DUPLICATES, NULL);

	(void)state;
	assert_non_null(doc);
	assert_int_equal(json_object_size(json_object_get(doc, "entity")), 4);
	/* The makings of two versions, the run and the deployment. */
	assert_int_equal(json_object_size(json_object_get(doc, "activity")), 4);
	assert_int_equal(json_object_size(json_object_get(doc, "agent")), 1);
	assert_int_equal(
		json_object_size(json_object_get(doc, "wasDerivedFrom")), 3);
	json_decref(doc);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_picture_has_nodes_and_edges),
		cmocka_unit_test(what_does_not_fit_is_counted),
		cmocka_unit_test(texts_of_others_end_nothing_in_mermaid),
		cmocka_unit_test(texts_of_others_end_nothing_in_dot),
		cmocka_unit_test(svg_has_shapes_and_texts_alone),
		cmocka_unit_test(an_svg_with_anything_else_is_refused),
		cmocka_unit_test(attributes_that_do_not_draw_are_left_out),
		cmocka_unit_test(openlineage_tells_the_run_of_each_version),
		cmocka_unit_test(prov_relates_versions_runs_and_people),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
