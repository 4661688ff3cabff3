/*
 * card_prose.c - the first paragraph of a README as plain text.
 *
 * Not a Markdown parser: it knows what stands above the first paragraph of
 * model cards (headings, badges, tables, comments, code) well enough to pass
 * it by, and takes out the marks inside a paragraph.  What it misjudges costs a
 * poorer description.  One pass over the lines; a paragraph is bounded.
 */
#include "document/fields.h"

#include <ctype.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/mem.h"
#include "base/text.h"
#include "mreg/types.h"

#define DESCRIPTION_MAX_BYTES 500
/* Far more than is kept, for links are longer than what they show. */
#define PARAGRAPH_MAX_BYTES 4096
/* This far in, a line is code. */
#define CODE_INDENT 4

/* Blocks that hold no prose, and what ends them. */
static const struct mreg_pair blocks[] = {
	{ "```", "```" },         { "~~~", "~~~" },
	{ "$$", "$$" },           { "<!--", "-->" },
	{ "<h1", "</h1>" },       { "<h2", "</h2>" },
	{ "<h3", "</h3>" },       { "<h4", "</h4>" },
	{ "<pre", "</pre>" },     { "<script", "</script>" },
	{ "<style", "</style>" }, { "<summary", "</summary>" },
	{ "<svg", "</svg>" },     { "<table", "</table>" },
};

struct line {
	const char *text; /* borrowed; white space around it cut */
	size_t len;
	size_t indent;
};

struct prose {
	const char *at, *end;
	const char *until; /* ends the block that is passed by; NULL: none */
	bool in_list;
	struct mr_buf text; /* of the paragraph, lines joined by spaces */
};

enum kind {
	KIND_TEXT,
	KIND_BREAK,     /* ends a paragraph and holds none */
	KIND_UNDERLINE, /* the paragraph above was a heading */
};

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static void trim(struct line *l)
{
	while (l->len > 0 && is_space(l->text[0])) {
		l->indent += l->text[0] == '\t' ? CODE_INDENT : 1;
		l->text++;
		l->len--;
	}
	while (l->len > 0 && is_space(l->text[l->len - 1]))
		l->len--;
}

static bool next_line(struct prose *p, struct line *l)
{
	const char *lf;

	if (p->at == p->end)
		return false;
	lf = memchr(p->at, '\n', (size_t)(p->end - p->at));
	*l = (struct line){ .text = p->at };
	l->len = (size_t)((lf ? lf : p->end) - p->at);
	p->at = lf ? lf + 1 : p->end;
	trim(l);
	return true;
}

/* Where the line goes on behind `what`; NULL: it is not in it. */
static const char *behind(const struct line *l, const char *what)
{
	size_t n = strlen(what);
	size_t i;

	for (i = 0; i + n <= l->len; i++)
		if (strncasecmp(l->text + i, what, n) == 0)
			return l->text + i + n;
	return NULL;
}

static void cut_before(struct line *l, const char *rest)
{
	l->len -= (size_t)(rest - l->text);
	l->text = rest;
	trim(l);
}

static const struct mreg_pair *block_at(const struct line *l)
{
	size_t i;
	size_t n;

	for (i = 0; i < MR_COUNT(blocks); i++) {
		n = strlen(blocks[i].name);
		if (l->len >= n &&
		    strncasecmp(l->text, blocks[i].name, n) == 0 &&
		    (!isalpha((unsigned char)blocks[i].name[n - 1]) ||
		     l->len == n || !isalnum((unsigned char)l->text[n])))
			return &blocks[i];
	}
	return NULL;
}

/* Take what belongs to blocks from the line's beginning; whether anything
 * did. */
static bool pass_blocks(struct prose *p, struct line *l)
{
	const struct mreg_pair *block;
	const char *rest;
	bool any = p->until != NULL;

	for (;;) {
		if (p->until) {
			rest = behind(l, p->until);
			if (!rest) {
				l->len = 0;
				return true;
			}
			p->until = NULL;
			cut_before(l, rest);
		}
		block = block_at(l);
		if (!block)
			return any;
		any = true;
		cut_before(l, l->text + strlen(block->name));
		p->until = block->value;
	}
}

/* Nothing but `marks`, all alike, and spaces. */
static bool is_made_of(const struct line *l, const char *marks)
{
	size_t i;

	if (!memchr(marks, l->text[0], strlen(marks)))
		return false;
	for (i = 1; i < l->len; i++)
		if (l->text[i] != l->text[0] && !is_space(l->text[i]))
			return false;
	return true;
}

static bool is_list_item(const struct line *l)
{
	size_t i = 0;

	while (i < l->len && isdigit((unsigned char)l->text[i]))
		i++;
	if (i > 0)
		return i + 1 < l->len &&
		       (l->text[i] == '.' || l->text[i] == ')') &&
		       l->text[i + 1] == ' ';
	return l->len > 1 && memchr("-*+", l->text[0], 3) &&
	       is_space(l->text[1]);
}

/* `l` is not empty. */
static enum kind kind_of(struct prose *p, const struct line *l)
{
	bool first = p->text.len == 0;

	if (p->in_list && l->indent > 0)
		return KIND_BREAK;
	p->in_list = false;
	if (!first && is_made_of(l, "=-"))
		return KIND_UNDERLINE;
	if (memchr("#>|", l->text[0], 3) || is_made_of(l, "-*_="))
		return KIND_BREAK;
	if (is_list_item(l)) {
		p->in_list = true;
		return KIND_BREAK;
	}
	if (first && (l->indent >= CODE_INDENT ||
		      (l->text[0] == '[' && behind(l, "]: "))))
		return KIND_BREAK; /* code, or where links lead to */
	return KIND_TEXT;
}

static void add_line(struct prose *p, const struct line *l)
{
	size_t room = PARAGRAPH_MAX_BYTES - p->text.len;
	size_t n = l->len;

	if (room < 2)
		return;
	if (n > room - 1) /* at a character */
		for (n = room - 1; n > 0 && (l->text[n] & 0xc0) == 0x80;)
			n--;
	mr_buf_putc(&p->text, ' ');
	mr_buf_add(&p->text, l->text, n);
}

/* -- what comes out ----------------------------------------------------------
 */

static bool is_blank(uint32_t c)
{
	return c <= 0x20 || (c >= 0x7f && c <= 0xa0) || c == 0x2028 ||
	       c == 0x2029;
}

/* Of any script; arrows, boxes and emoji are none. */
static bool is_letter(uint32_t c)
{
	return (c < 0x80 && isalpha((int)c)) || (c >= 0xc0 && c < 0x2000) ||
	       (c >= 0x3040 && c < 0xfb00);
}

/* Shorten to DESCRIPTION_MAX_BYTES, if possible behind a word; `text` has room
 * for three more bytes. */
static void shorten(char *text, size_t len)
{
	size_t most = DESCRIPTION_MAX_BYTES - strlen("...");
	size_t n = most;

	if (len <= DESCRIPTION_MAX_BYTES)
		return;
	while (n > 0 && text[n] != ' ')
		n--;
	if (n < most / 2)
		for (n = most; n > 0 && (text[n] & 0xc0) == 0x80;)
			n--;
	memcpy(text + n, "...", sizeof("..."));
}

/* One line with single spaces; false: no UTF-8, or no letter in it. */
static bool tidy(const struct mr_buf *plain, char *text)
{
	bool letters = false;
	bool gap = false;
	size_t len = 0;
	size_t step;
	uint32_t c;
	size_t i;

	for (i = 0; i < plain->len; i += step) {
		step = mr_utf8_next(plain->data + i, plain->len - i, &c);
		if (step == 0)
			return false;
		if (is_blank(c)) {
			gap = len > 0;
			continue;
		}
		if (gap)
			text[len++] = ' ';
		gap = false;
		memcpy(text + len, plain->data + i, step);
		len += step;
		letters = letters || is_letter(c);
	}
	text[len] = '\0';
	shorten(text, len);
	return letters;
}

/* The paragraph so far, if it says anything, to `*out`; the next one begins
 * empty. */
static int finish(struct prose *p, struct mr_arena *a, const char **out,
		  struct mreg_error *err)
{
	MR_AUTO(mr_buf_release)
	struct mr_buf plain = MR_BUF_INIT(PARAGRAPH_MAX_BYTES);
	char text[PARAGRAPH_MAX_BYTES + sizeof("...")];
	int rc;

	if (p->text.len > 0)
		mr_card_plain(p->text.data, p->text.len, &plain);
	rc = mr_buf_check(&plain, "description", err);
	if (rc == 0)
		rc = mr_buf_check(&p->text, "description", err);
	mr_buf_clear(&p->text);
	if (rc < 0 || !tidy(&plain, text))
		return rc;
	*out = mr_arena_strdup(a, text);
	return *out ? 0 : mr_fail_nomem(err);
}

int mr_card_prose(const char *bytes, size_t n, struct mr_arena *a,
		  const char **out, struct mreg_error *err)
{
	struct prose p = { .at = bytes,
			   .end = bytes + n,
			   .text = MR_BUF_INIT(PARAGRAPH_MAX_BYTES) };
	enum kind kind;
	struct line l;
	int rc = 0;

	*out = NULL;
	while (rc == 0 && !*out && next_line(&p, &l)) {
		if (pass_blocks(&p, &l))
			rc = finish(&p, a, out, err);
		if (rc < 0 || *out)
			break;
		kind = l.len > 0 ? kind_of(&p, &l) : KIND_BREAK;
		if (kind == KIND_TEXT)
			add_line(&p, &l);
		else if (kind == KIND_UNDERLINE)
			mr_buf_clear(&p.text);
		else
			rc = finish(&p, a, out, err);
	}
	if (rc == 0 && !*out)
		rc = finish(&p, a, out, err);
	mr_buf_release(&p.text);
	return rc;
}
