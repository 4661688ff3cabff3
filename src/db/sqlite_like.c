/*
 * sqlite_like.c - LIKE as PostgreSQL has it: by characters, cases told apart
 * or those of ASCII letters not, and no character that quotes others.
 *
 * SQLite's own LIKE knows one of the two for a whole connection, and takes a
 * pattern of 50,000 bytes apart in quadratic time, which this does too, but
 * a deadline and a user's ^C reach it: the patterns are a user's, bounded by
 * MR_QUERY_MAX_BYTES.
 */
#include "db/sqlite.h"

#include <string.h>

#include "base/mem.h"

static unsigned char fold(unsigned char c, bool folded)
{
	return folded && c >= 'A' && c <= 'Z' ? (unsigned char)(c + 32) : c;
}

/* Bytes of the character at `p`, at most `n`. */
static size_t step(const unsigned char *p, size_t n)
{
	size_t i = 1;

	while (i < n && (p[i] & 0xc0) == 0x80)
		i++;
	return i;
}

/* Only the last `%` has to be tried again: what an earlier one takes makes
 * nothing possible that a later one does not. */
static bool matches(const unsigned char *p, size_t p_len,
		    const unsigned char *t, size_t t_len, bool folded)
{
	size_t again_p = 0, again_t = 0;
	size_t i = 0, j = 0;
	bool any = false;

	while (j < t_len) {
		if (i < p_len && p[i] == '%') {
			any = true;
			again_p = ++i;
			again_t = j;
		} else if (i < p_len && p[i] == '_') {
			i++;
			j += step(t + j, t_len - j);
		} else if (i < p_len &&
			   fold(p[i], folded) == fold(t[j], folded)) {
			i++;
			j++;
		} else if (any) {
			again_t += step(t + again_t, t_len - again_t);
			i = again_p;
			j = again_t;
		} else {
			return false;
		}
	}
	while (i < p_len && p[i] == '%')
		i++;
	return i == p_len;
}

/* (pattern, text); user data: not NULL for folded. */
static void like(sqlite3_context *ctx, int n, sqlite3_value **args)
{
	const unsigned char *p, *t;

	(void)n;
	if (sqlite3_value_type(args[0]) == SQLITE_NULL ||
	    sqlite3_value_type(args[1]) == SQLITE_NULL)
		return;
	p = sqlite3_value_text(args[0]);
	t = sqlite3_value_text(args[1]);
	if (!p || !t) {
		sqlite3_result_error_nomem(ctx);
		return;
	}
	sqlite3_result_int(ctx, matches(p, (size_t)sqlite3_value_bytes(args[0]),
					t, (size_t)sqlite3_value_bytes(args[1]),
					sqlite3_user_data(ctx) != NULL));
}

int mr_sqlite_functions(sqlite3 *handle)
{
	static const char folded[] = "folded";
	const int flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS;
	int rc = sqlite3_create_function_v2(handle, "mr_like", 2, flags, NULL,
					    like, NULL, NULL, NULL);

	if (rc == SQLITE_OK)
		rc = sqlite3_create_function_v2(handle, "mr_ilike", 2, flags,
						(void *)(uintptr_t)folded, like,
						NULL, NULL, NULL);
	return rc;
}
