/*
 * test_page.c - documents for people: texts of others stay texts in Markdown
 * and in HTML.
 */
#include "draw/page.h"

#include <string.h>

#include "base/mem.h"
#include "tests/support/test.h"

#define HOSTILE                                                                \
	"a|b `tick` [x](http://evil) <script>\"&\n@you https://evil \xef\xbf"  \
	"\xbf"

static const char *const heads[] = { "What", "Who" };

static void write_all(enum mr_page_form form, struct mr_buf *b)
{
	struct mr_page p = { .form = form, .b = b };

	mr_page_begin(&p, "Report on", HOSTILE);
	mr_page_heading(&p, 2, "The model", NULL);
	mr_page_fact(&p, "Owner", HOSTILE);
	mr_page_fact(&p, "Licence", NULL);
	mr_page_quote(&p, "one\n\n# " HOSTILE);
	mr_page_table(&p, heads, MR_COUNT(heads));
	mr_page_cell(&p, HOSTILE);
	mr_page_own(&p, "ours");
	mr_page_cell(&p, NULL);
	mr_page_cell(&p, "`");
	mr_page_table_end(&p);
	mr_page_picture(&p, "flowchart LR\n");
	mr_page_end(&p);
}

static void html_has_no_markup_of_others(void **state)
{
	MR_AUTO(mr_buf_release) struct mr_buf b = MR_BUF_INIT(1u << 20);

	(void)state;
	write_all(MR_PAGE_HTML, &b);
	assert_int_equal(b.failed, 0);
	assert_has(b.data, "&lt;script&gt;&quot;&amp;\\x0a@you");
	assert_has_not(b.data, "<script");
	assert_has_not(b.data, "\xef\xbf\xbf");
	assert_has(b.data, "Content-Security-Policy");
	assert_has(b.data, "<tr><td></td><td>`</td></tr>\n</tbody>");
	assert_has(b.data, "<b>Licence</b>: not told</p>");
	assert_has(b.data, "</body>\n</html>\n");
}

/* Rows of a table have as many bars as it has columns, and one: whatever is in
 * them. */
static void markdown_keeps_its_tables(void **state)
{
	MR_AUTO(mr_buf_release) struct mr_buf b = MR_BUF_INIT(1u << 20);
	const char *line;
	size_t rows = 0;

	(void)state;
	write_all(MR_PAGE_MARKDOWN, &b);
	assert_int_equal(b.failed, 0);
	for (line = b.data; line; line = strchr(line, '\n')) {
		size_t bars = 0;
		size_t i;

		line += *line == '\n';
		for (i = 0; line[i] && line[i] != '\n'; i++)
			bars += line[i] == '|';
		if (line[0] == '|') {
			assert_int_equal(bars, 3);
			rows++;
		} else {
			assert_int_equal(bars, 0);
		}
	}
	assert_int_equal(rows, 4);
}

/* What stands outside of code spans is ours. */
static void markdown_has_others_in_code_spans(void **state)
{
	MR_AUTO(mr_buf_release) struct mr_buf b = MR_BUF_INIT(1u << 20);

	(void)state;
	write_all(MR_PAGE_MARKDOWN, &b);
	assert_has(b.data,
		   "- **Owner**: `a`&#124;``b `tick` [x](http://evil) "
		   "<script>\"&\\x0a@you https://evil \xef\xbf\xbd``\n");
	assert_has(b.data, "> `one`  \n>\n> `# a`&#124;``b `tick` [x]");
	assert_has(b.data, "|  | `` ` `` |\n");
	assert_has(b.data, "\n```mermaid\nflowchart LR\n```\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(html_has_no_markup_of_others),
		cmocka_unit_test(markdown_keeps_its_tables),
		cmocka_unit_test(markdown_has_others_in_code_spans),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
