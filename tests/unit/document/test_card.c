/*
 * test_card.c - README.md: Hugging Face's metadata and the first paragraph.
 */
#include "tests/support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "document/document.h"

#define ARENA_BYTES (8u << 20)

static struct mr_card read_n(struct mr_arena *a, const char *text, size_t n)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_card c;

	memset(&c, 0xff, sizeof(c));
	assert_ok(mr_card_read(text, n, a, &c, &err), err);
	return c;
}

static struct mr_card read_card(struct mr_arena *a, const char *text)
{
	return read_n(a, text, strlen(text));
}

/* A card whose front matter is `fields`. */
static struct mr_card with(struct mr_arena *a, const char *fields)
{
	char text[4096];

	snprintf(text, sizeof(text), "---\n%s---\n", fields);
	return read_card(a, text);
}

static int arena(void **state)
{
	*state = mr_arena_new(ARENA_BYTES);
	return *state ? 0 : -1;
}

static int arena_end(void **state)
{
	mr_arena_free(*state);
	return 0;
}

static void assert_words(const struct mr_words *words, const char *joined)
{
	char text[1024] = "";
	size_t i;

	for (i = 0; i < words->n; i++) {
		strcat(text, i > 0 ? "|" : "");
		strcat(text, words->items[i]);
	}
	assert_string_equal(text, joined);
}

/* -- metadata ----------------------------------------------------------------
 */

static void reads_the_card_of_a_sentence_encoder(void **state)
{
	struct mr_card c = read_card(
		*state,
		"---\n"
		"language: en\n"
		"license: apache-2.0\n"
		"library_name: sentence-transformers\n"
		"tags:\n"
		"- sentence-transformers\n"
		"- feature-extraction\n"
		"- sentence-similarity\n"
		"datasets:\n"
		"- s2orc\n"
		"- flax-sentence-embeddings/stackexchange_xml\n"
		"- ms_marco\n"
		"- code_search_net\n"
		"pipeline_tag: sentence-similarity\n"
		"---\n"
		"\n"
		"\n"
		"# all-MiniLM-L6-v2\n"
		"This is a [sentence-transformers](https://www.SBERT.net) "
		"model: It maps sentences & paragraphs to a 384 dimensional "
		"dense vector space and can be used for tasks like "
		"clustering or semantic search.\n"
		"\n"
		"## Usage (Sentence-Transformers)\n"
		"Using this model becomes easy\n");

	assert_null(c.trouble);
	assert_string_equal(c.license, "Apache-2.0");
	assert_words(&c.languages, "en");
	assert_words(&c.tags, "sentence-transformers|feature-extraction|"
			      "sentence-similarity");
	assert_words(&c.datasets,
		     "s2orc|flax-sentence-embeddings/stackexchange_xml|"
		     "ms_marco|code_search_net");
	assert_string_equal(c.pipeline, "sentence-similarity");
	assert_string_equal(c.library, "sentence-transformers");
	assert_int_equal(c.base_models.n, 0);
	assert_null(c.relation);
	assert_int_equal(c.metric_count, 0);
	assert_string_equal(
		c.description,
		"This is a sentence-transformers model: It maps sentences & "
		"paragraphs to a 384 dimensional dense vector space and can "
		"be used for tasks like clustering or semantic search.");
}

static void finds_front_matter_in_its_spellings(void **state)
{
	static const char *const texts[] = {
		"---\nlicense: mit\n---\n",
		"---\nlicense: mit\n---",
		"---\r\nlicense: mit\r\n---\r\ntext\r\n",
		"\xef\xbb\xbf---\nlicense: mit\n---\n",
		"\n  \n---\nlicense: mit\n---\n",
		"--- \nlicense: mit\n---\t\n",
		"---\n{license: mit}\n---\n",
		"---\n{\"license\": \"mit\"}\n---\n",
		"---\nlicense: |\n  mit\n---\n",
		"---\n# a comment\nlicense:\n- 'mit'\n---\n",
	};
	size_t i;

	for (i = 0; i < MR_COUNT(texts); i++) {
		struct mr_card c = read_card(*state, texts[i]);

		assert_null(c.trouble);
		assert_non_null(c.license);
		assert_string_equal(c.license, "MIT");
	}
}

static void a_text_without_front_matter_is_all_prose(void **state)
{
	static const char *const texts[] = {
		"license: mit\n---\n",
		"text\n---\nlicense: mit\n---\n",
		"---\nlicense: mit\n",
		"----\nlicense: mit\n----\n",
		" ---x\nlicense: mit\n---\n",
		"",
		"---",
		"---\n---\n",
	};
	size_t i;

	for (i = 0; i < MR_COUNT(texts); i++) {
		struct mr_card c = read_card(*state, texts[i]);

		assert_null(c.trouble);
		assert_null(c.license);
	}
	assert_string_equal(
		read_card(*state, "# A\n\nSome words.\n").description,
		"Some words.");
}

static void names_licences_by_spdx(void **state)
{
	struct mr_card c;

	assert_string_equal(with(*state, "license: cc-by-4.0\n").license,
			    "CC-BY-4.0");
	assert_string_equal(with(*state, "license: llama3.1\n").license,
			    "LicenseRef-llama3.1");
	assert_string_equal(with(*state, "license: openrail++\n").license,
			    "LicenseRef-openrail-plus-plus");
	c = with(*state, "license: other\n"
			 "license_name: Tongyi  Qianwen (v2)!\n"
			 "license_link: https://a.b/LICENSE\n");
	assert_string_equal(c.license, "LicenseRef-Tongyi-Qianwen-v2");
	assert_string_equal(
		with(*state, "license: other\nlicense_name: mit\n").license,
		"MIT");
}

static void names_no_licence_where_it_cannot_say_which(void **state)
{
	char name[400] = "license: other\nlicense_name: ";

	assert_null(with(*state, "license: other\n").license);
	assert_null(with(*state, "license: unknown\n").license);
	assert_null(with(*state, "license: [mit, apache-2.0]\n").license);
	assert_null(with(*state, "license: mit OR apache-2.0\n").license);
	assert_null(with(*state, "license: {a: mit}\n").license);
	assert_null(
		with(*state, "license: other\nlicense_name: \"!!\"\n").license);
	memset(name + strlen(name), 'x', 200);
	strcat(name, "\n");
	assert_null(with(*state, name).license);
}

static void reads_base_models_and_how_they_relate(void **state)
{
	struct mr_card c = with(*state, "base_model: google-bert/bert-base\n"
					"base_model_relation: quantized\n");

	assert_words(&c.base_models, "google-bert/bert-base");
	assert_string_equal(c.relation, "quantized");
	c = with(*state, "base_model:\n- a/b\n- gpt2\n- a/b\n"
			 "- https://huggingface.co/c/d\n");
	assert_words(&c.base_models, "a/b|gpt2|c/d");
	assert_string_equal(c.relation, "merge");
	c = with(*state, "base_model: [a/b, c/d]\n"
			 "base_model_relation: finetune\n");
	assert_string_equal(c.relation, "finetune");
	c = with(*state, "base_model: [a/b, a/b]\n");
	assert_null(c.relation);
	c = with(*state, "base_model: a/b\nbase_model_relation: sibling\n");
	assert_null(c.relation);
	c = with(*state, "base_model: a/b\nlibrary_name: peft\n");
	assert_string_equal(c.relation, "adapter");
	c = with(*state, "base_model: a/b\nlibrary_name: peft\n"
			 "base_model_relation: finetune\n");
	assert_string_equal(c.relation, "finetune");
	assert_null(with(*state, "library_name: peft\n").relation);
}

static void leaves_out_base_models_that_are_paths(void **state)
{
	struct mr_card c = with(
		*state, "base_model: [./run/7, /home/u/m, a/b/c, 'a b',\n"
			"  ../x, 'https://example.com/m', a/, '', a/.b]\n");

	assert_int_equal(c.base_models.n, 0);
}

static void reads_one_word_or_several(void **state)
{
	struct mr_card c = with(
		*state,
		"datasets: squad\nlanguage:\n- en\n- no\n- en\ntags: a tag\n");

	assert_words(&c.datasets, "squad");
	assert_words(&c.languages, "en|no");
	assert_words(&c.tags, "a tag");
	c = with(*state,
		 "datasets:\n- https://huggingface.co/datasets/a/b\n- [x]\n"
		 "- {y: z}\n- ~\n- \"a\\e[2Jb\"\nlanguages: [de]\n");
	assert_words(&c.datasets, "a/b");
	assert_words(&c.languages, "de");
}

/* An address and the id behind it are one. */
static void names_each_data_set_and_base_once(void **state)
{
	struct mr_card c = with(
		*state,
		"datasets: [https://huggingface.co/datasets/squad, b, squad]\n"
		"base_model: [c/d, https://huggingface.co/c/d, gpt2]\n");

	assert_words(&c.datasets, "squad|b");
	assert_words(&c.base_models, "c/d|gpt2");
}

static void keeps_what_is_no_licences_id(void **state)
{
	struct mr_card c = with(*state, "license: Apache 2.0\n");

	assert_null(c.license);
	assert_string_equal(c.license_odd, "Apache 2.0");
	c = with(*state, "license: [mit, apache-2.0]\n");
	assert_null(c.license);
	assert_string_equal(c.license_odd, "mit, apache-2.0");
	assert_null(with(*state, "license: mit\n").license_odd);
	assert_null(with(*state, "license: other\n").license_odd);
	assert_null(with(*state, "license: unknown\n").license_odd);
	assert_null(with(*state, "tags: [a]\n").license_odd);
}

static void reads_measured_values_as_written(void **state)
{
	struct mr_card c =
		with(*state, "model-index:\n"
			     "- name: my-model\n"
			     "  results:\n"
			     "  - task:\n"
			     "      type: automatic-speech-recognition\n"
			     "      name: Speech Recognition\n"
			     "    dataset:\n"
			     "      name: Common Voice (French)\n"
			     "      type: common_voice\n"
			     "      args: {language: fr}\n"
			     "    metrics:\n"
			     "    - type: wer\n"
			     "      value: 20.90\n"
			     "      name: Test WER\n"
			     "    - name: Cosine\n"
			     "      value: '1e-3'\n"
			     "    - {type: bleu, value: 20.0 \xc2\xb1 1.2}\n"
			     "    - {type: f1, value: .nan}\n"
			     "    - {type: f1, value: [1]}\n"
			     "    - {value: 1}\n"
			     "  - metrics: [{type: acc, value: 1}]\n"
			     "  - nothing\n"
			     "- metrics: [{type: acc, value: 1}]\n");

	assert_int_equal(c.metric_count, 3);
	assert_string_equal(c.metrics[0].dataset, "common_voice");
	assert_string_equal(c.metrics[0].name, "wer");
	assert_string_equal(c.metrics[0].value, "20.90");
	assert_string_equal(c.metrics[1].name, "Cosine");
	assert_string_equal(c.metrics[1].value, "1e-3");
	assert_null(c.metrics[2].dataset);
	assert_string_equal(c.metrics[2].value, "1");
	c = with(*state, "model-index: []\n");
	assert_int_equal(c.metric_count, 0);
}

static void says_why_it_cannot_read_front_matter(void **state)
{
	struct mr_card c =
		read_card(*state, "\n---\nlicense: mit\na: &x b\n---\ntext\n");

	assert_string_equal(c.trouble,
			    "an anchor ('&') in 'README.md', line 4");
	assert_null(c.license);
	assert_null(c.description);
	assert_has(with(*state, "a: b: c\n").trouble, "line 2");
	assert_has(with(*state, "a: !!python/object/apply:os.system [x]\n")
			   .trouble,
		   "a tag ('!')");
	assert_string_equal(with(*state, "- a\n").trouble,
			    "no map of fields in 'README.md'");
	assert_has(with(*state, "a: \xff\n").trouble, "UTF-8");
	assert_has(with(*state, "a: \x1b[2J\n").trouble, "README.md");
}

/* H69: each level ten times the one before. */
static void does_not_unfold_laughs(void **state)
{
	char text[2000] = "a0: &a0 lol\n";
	size_t n = strlen(text);
	unsigned int i;

	for (i = 1; i < 10; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n,
				      "a%u: &a%u [*a%u,*a%u,*a%u,*a%u,*a%u,"
				      "*a%u,*a%u,*a%u,*a%u,*a%u]\n",
				      i, i, i - 1, i - 1, i - 1, i - 1, i - 1,
				      i - 1, i - 1, i - 1, i - 1, i - 1);
	assert_has(with(*state, text).trouble, "an anchor");
}

static void is_bounded_in_what_it_takes(void **state)
{
	size_t size = 300000;
	char *text = malloc(size);
	struct mr_card c;
	size_t n;
	int i;

	assert_non_null(text);
	n = (size_t)snprintf(text, size, "---\ntags:\n");
	for (i = 0; i < 20000; i++)
		n += (size_t)snprintf(text + n, size - n, "- t%d\n", i);
	(void)snprintf(text + n, size - n, "license: mit\n---\n");
	c = read_card(*state, text);
	assert_null(c.trouble);
	assert_int_equal(c.tags.n, 1000);
	assert_string_equal(c.tags.items[999], "t999");
	assert_string_equal(c.license, "MIT");
	/* One text longer than any honest value. */
	n = (size_t)snprintf(text, size, "---\npipeline_tag: ");
	memset(text + n, 'x', 5000);
	(void)snprintf(text + n + 5000, size - n - 5000, "\nlicense: mit\n---");
	c = read_card(*state, text);
	assert_null(c.pipeline);
	assert_string_equal(c.license, "MIT");
	free(text);
}

static void reports_lack_of_memory(void **state)
{
	MR_AUTO(mr_arena_freep) struct mr_arena *small = mr_arena_new(32);
	static const char text[] = "---\npipeline_tag: fill-mask\n"
				   "library_name: transformers\n---\nText.\n";
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_card c;

	(void)state;
	assert_code(MREG_ENOMEM,
		    mr_card_read(text, strlen(text), small, &c, &err), err);
}

/* -- the first paragraph -----------------------------------------------------
 */

static void assert_prose(struct mr_arena *a, const char *text,
			 const char *wanted)
{
	struct mr_card c = read_card(a, text);

	if (!wanted) {
		assert_null(c.description);
		return;
	}
	assert_non_null(c.description);
	assert_string_equal(c.description, wanted);
}

static void passes_by_what_stands_above_the_first_paragraph(void **state)
{
	static const char *const above[] = {
		"# Title\n",
		"Title\n=====\n",
		"A title\nof two lines\n---\n",
		"<h1 align=\"center\">Title</h1>\n",
		"<h1>\nTitle\n</h1>\n",
		"<!-- a comment -->\n",
		"<!--\na comment\n\nof paragraphs\n-->\n",
		"![logo](a.png)\n\n",
		"[![badge](a.svg)](https://a.b) [![c](d)](e)\n\n",
		"<p align=\"center\">\n<img src=\"x.png\"/>\n</p>\n\n",
		"| a | b |\n|---|---|\n| c | d |\n\n",
		"```python\nimport x\n\nprint(1)\n```\n",
		"~~~\ncode\n~~~\n",
		"    code, four in\n\n",
		"\tcode behind a tab\n\n",
		"> [!NOTE]\n> A note.\n\n",
		"- a list\n- of items\n  going on\n\n  in paragraphs\n\n",
		"1. first\n2) second\n\n",
		"***\n",
		"[1]: https://a.b\n",
		"$$\nx^2\n$$\n",
		"<style>\np { color: red }\n</style>\n",
		"<table><tr><td>a</td></tr></table>\n",
		"\xf0\x9f\x9a\x80 \xe2\x86\x92\n\n",
		"***!!!***\n\n",
		"&nbsp;\n\n",
	};
	char text[400];
	size_t i;

	for (i = 0; i < MR_COUNT(above); i++) {
		snprintf(text, sizeof(text), "%sThe prose.\n\nMore.\n",
			 above[i]);
		assert_prose(*state, text, "The prose.");
	}
}

static void takes_out_marks(void **state)
{
	static const struct mreg_pair cases[] = {
		{ "**Bold**, *it*, __b__, _i_ and ~~no~~.",
		  "Bold, it, b, i and no." },
		{ "snake_case_name and 2 * 3", "snake_case_name and 2 * 3" },
		{ "`__init__` and ``a ` b``", "__init__ and a ` b" },
		{ "an [inner ![x](y) *link*](z) end", "an inner link end" },
		{ "[a][b] and [CLS] and [x](y (z)) .", "a and [CLS] and x ." },
		{ "a<br>b <b class='x'>c</b> <3 <https://a.b>",
		  "a b c <3 https://a.b" },
		{ "R&amp;D &lt;tag&gt; AT&T", "R&D <tag> AT&T" },
		{ "\\*kept\\* and \\[so\\]", "*kept* and [so]" },
		{ "one\n  two\t\tthree  \nfour", "one two three four" },
		{ "a [broken link](", "a [broken link](" },
		{ "an `open tick", "an open tick" },
		{ "Modell f\xc3\xbcr \xe4\xb8\xad\xe6\x96\x87",
		  "Modell f\xc3\xbcr \xe4\xb8\xad\xe6\x96\x87" },
		{ "a\x01"
		  "b\x7f"
		  "c\xe2\x80\xa8"
		  "d",
		  "a b c d" },
	};
	size_t i;

	for (i = 0; i < MR_COUNT(cases); i++)
		assert_prose(*state, cases[i].name, cases[i].value);
}

static void ends_the_paragraph_where_something_else_begins(void **state)
{
	static const char *const below[] = {
		"\nmore",         "\n# Title",  "- an item",
		"1. an item",     "> quote",    "| a |",
		"```\ncode\n```", "<!-- c -->", "# Title",
	};
	char text[200];
	size_t i;

	for (i = 0; i < MR_COUNT(below); i++) {
		snprintf(text, sizeof(text), "The prose.\n%s\n", below[i]);
		assert_prose(*state, text, "The prose.");
	}
	/* An underline makes it a heading. */
	assert_prose(*state, "A heading\n---\nThe prose.\n", "The prose.");
}

static void finds_nothing_where_there_is_no_prose(void **state)
{
	assert_prose(*state, "# Title\n\n- a\n- b\n", NULL);
	assert_prose(*state, "<!-- never closed\n\ntext\n", NULL);
	assert_prose(*state, "```\nnever closed\n", NULL);
	assert_prose(*state, "not \xff text\n", NULL);
}

static void shortens_at_a_word(void **state)
{
	char text[6000] = "";
	struct mr_card c;
	size_t i;

	for (i = 0; i < 100; i++)
		strcat(text, "f\xc3\xbcnf ");
	c = read_card(*state, text);
	assert_int_equal(strlen(c.description), 497 + 3);
	assert_has(c.description, "f\xc3\xbcnf...");
	assert_true(mr_utf8_valid(c.description));
	/* No word ends: at a character. */
	memset(text, 0, sizeof(text));
	for (i = 0; i + 2 < sizeof(text); i += 2)
		memcpy(text + i, "\xc3\xbc", 2);
	c = read_card(*state, text);
	assert_int_equal(strlen(c.description), 496 + 3);
	assert_true(mr_utf8_valid(c.description));
}

static void many_brackets_take_no_long_time(void **state)
{
	size_t size = 1u << 20;
	char *text = malloc(size);

	assert_non_null(text);
	memset(text, '[', size);
	assert_null(read_n(*state, text, size).description);
	memset(text, '<', size);
	assert_null(read_n(*state, text, size).description);
	memset(text, '`', size);
	(void)read_n(*state, text, size);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			reads_the_card_of_a_sentence_encoder, arena, arena_end),
		cmocka_unit_test_setup_teardown(
			finds_front_matter_in_its_spellings, arena, arena_end),
		cmocka_unit_test_setup_teardown(
			a_text_without_front_matter_is_all_prose, arena,
			arena_end),
		cmocka_unit_test_setup_teardown(names_licences_by_spdx, arena,
						arena_end),
		cmocka_unit_test_setup_teardown(
			names_no_licence_where_it_cannot_say_which, arena,
			arena_end),
		cmocka_unit_test_setup_teardown(
			reads_base_models_and_how_they_relate, arena,
			arena_end),
		cmocka_unit_test_setup_teardown(
			leaves_out_base_models_that_are_paths, arena,
			arena_end),
		cmocka_unit_test_setup_teardown(reads_one_word_or_several,
						arena, arena_end),
		cmocka_unit_test_setup_teardown(
			names_each_data_set_and_base_once, arena, arena_end),
		cmocka_unit_test_setup_teardown(keeps_what_is_no_licences_id,
						arena, arena_end),
		cmocka_unit_test_setup_teardown(
			reads_measured_values_as_written, arena, arena_end),
		cmocka_unit_test_setup_teardown(
			says_why_it_cannot_read_front_matter, arena, arena_end),
		cmocka_unit_test_setup_teardown(does_not_unfold_laughs, arena,
						arena_end),
		cmocka_unit_test_setup_teardown(is_bounded_in_what_it_takes,
						arena, arena_end),
		cmocka_unit_test(reports_lack_of_memory),
		cmocka_unit_test_setup_teardown(
			passes_by_what_stands_above_the_first_paragraph, arena,
			arena_end),
		cmocka_unit_test_setup_teardown(takes_out_marks, arena,
						arena_end),
		cmocka_unit_test_setup_teardown(
			ends_the_paragraph_where_something_else_begins, arena,
			arena_end),
		cmocka_unit_test_setup_teardown(
			finds_nothing_where_there_is_no_prose, arena,
			arena_end),
		cmocka_unit_test_setup_teardown(shortens_at_a_word, arena,
						arena_end),
		cmocka_unit_test_setup_teardown(many_brackets_take_no_long_time,
						arena, arena_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
