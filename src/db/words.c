/*
 * words.c - SQL of two databases out of one text.
 *
 * Literals, quoted names and comments are copied as they are.  A word that is
 * not known is a mistake of who wrote the SQL, and is told as one.
 */
#include "db/driver.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

static int unknown(const char *word, size_t n, struct mreg_error *err)
{
	return mr_fail(err, MREG_EINTERNAL, "no word '{%.*s}' for SQL", (int)n,
		       word);
}

/* Behind what begins at `p` and holds no words: a literal, a quoted name, a
 * comment; `p` itself where there is none of them. */
static const char *behind_quoted(const char *p)
{
	const char *end;

	if (*p == '\'' || *p == '"') {
		/* A doubled quote reads as two literals, which is the same
		 * here. */
		end = strchr(p + 1, *p);
		return end ? end + 1 : p + strlen(p);
	}
	if (p[0] == '-' && p[1] == '-')
		return p + strcspn(p, "\n");
	if (p[0] == '/' && p[1] == '*') {
		end = strstr(p + 2, "*/");
		return end ? end + 2 : p + strlen(p);
	}
	return p;
}

/* There is a byte behind the last one: SQL ends in NUL, arguments in a brace.
 */
static void add_marked(const struct mr_db_words *words, const char *p, size_t n,
		       struct mr_buf *out)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (p[i] == '$' && isdigit((unsigned char)p[i + 1]))
			mr_buf_puts(out, words->mark);
		else
			mr_buf_putc(out, p[i]);
	}
}

/* @A and @P of a template. */
static void fill(const struct mr_db_words *words, const char *form,
		 const char *a, size_t a_len, const char *p, size_t p_len,
		 struct mr_buf *out)
{
	for (; *form; form++) {
		if (form[0] == '@' && form[1] == 'A')
			add_marked(words, a, a_len, out);
		else if (form[0] == '@' && form[1] == 'P')
			add_marked(words, p, p_len, out);
		else
			mr_buf_putc(out, *form);
		form += form[0] == '@';
	}
}

/* {like A $1}: the last word is the pattern, whatever A is. */
static int add_like(const struct mr_db_words *words, const char *form,
		    const char *args, size_t n, struct mr_buf *out,
		    struct mreg_error *err)
{
	size_t cut = n;

	while (cut > 0 && args[cut - 1] != ' ')
		cut--;
	if (cut < 2 || args[cut] != '$')
		return unknown(args, n, err);
	fill(words, form, args, cut - 1, args + cut, n - cut, out);
	return 0;
}

/* Doubled parentheses would make one value of the set. */
static void add_ids(const struct mr_db_words *words, const char *p, size_t n,
		    struct mr_buf *out)
{
	bool open = out->len > 0 && out->data[out->len - 1] == '(';

	mr_buf_puts(out, open ? "" : "(");
	fill(words, words->ids, "", 0, p, n, out);
	mr_buf_puts(out, open ? "" : ")");
}

static bool is_word(const char *p, size_t n, const char *word)
{
	return n == strlen(word) && memcmp(p, word, n) == 0;
}

/* `p` points behind the brace, `n` bytes up to the other one. */
static int add_word(const struct mr_db_words *words, const char *p, size_t n,
		    struct mr_buf *out, struct mreg_error *err)
{
	const struct {
		const char *word, *means;
	} plain[] = {
		{ "key", words->key },   { "int", words->integer },
		{ "real", words->real }, { "text", words->text },
		{ "blob", words->blob }, { "rowless", words->rowless },
	};
	size_t i;

	for (i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
		if (is_word(p, n, plain[i].word)) {
			mr_buf_puts(out, plain[i].means);
			return 0;
		}
	if (n > 4 && memcmp(p, "ids ", 4) == 0 && p[4] == '$') {
		add_ids(words, p + 4, n - 4, out);
		return 0;
	}
	if (n > 5 && memcmp(p, "like ", 5) == 0)
		return add_like(words, words->like, p + 5, n - 5, out, err);
	if (n > 6 && memcmp(p, "ilike ", 6) == 0)
		return add_like(words, words->like_folded, p + 6, n - 6, out,
				err);
	if (n > 7 && memcmp(p, "digest ", 7) == 0) {
		fill(words, words->digest, p + 7, n - 7, "", 0, out);
		return 0;
	}
	if (n > 5 && memcmp(p, "time ", 5) == 0) {
		fill(words, words->time, p + 5, n - 5, "", 0, out);
		return 0;
	}
	return unknown(p, n, err);
}

int mr_db_expand(const struct mr_db_words *words, const char *sql,
		 struct mr_buf *out, struct mreg_error *err)
{
	const char *p = sql;
	const char *end;
	int rc;

	while (*p) {
		end = behind_quoted(p);
		if (end > p) {
			mr_buf_add(out, p, (size_t)(end - p));
			p = end;
		} else if (*p == '{') {
			end = strchr(p, '}');
			if (!end)
				return unknown(p + 1, strlen(p + 1), err);
			rc = add_word(words, p + 1, (size_t)(end - p - 1), out,
				      err);
			if (rc < 0)
				return rc;
			p = end + 1;
		} else {
			add_marked(words, p, 1, out);
			p++;
		}
	}
	return mr_buf_check(out, "SQL", err);
}

int mr_db_params(const char *sql)
{
	const char *p = sql;
	const char *end;
	long highest = 0;
	long n;

	for (; *p; p = end > p ? end : p + 1) {
		end = behind_quoted(p);
		if (*p != '$' || !isdigit((unsigned char)p[1]))
			continue;
		n = strtol(p + 1, NULL, 10);
		if (n > highest && n <= MR_SQL_PARAMS_MAX)
			highest = n;
	}
	return (int)highest;
}
