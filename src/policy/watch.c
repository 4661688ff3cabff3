/*
 * watch.c - what monitoring may not see: "drift > 0.2 for 3 windows in prod".
 */
#include "policy/value.h"

#include <string.h>

#include "base/mem.h"
#include "base/text.h"

#define BLANKS " \t"
#define SIGNS "<>="
/* As many in a row as anybody waits for. */
#define WINDOWS_MAX 9999

/* A word of the text. */
struct word {
	const char *s;
	size_t n; /* 0: there is no more */
};

static struct word next_word(const char **at)
{
	struct word w = { .s = *at + strspn(*at, BLANKS) };

	w.n = strcspn(w.s, BLANKS);
	*at = w.s + w.n;
	return w;
}

static bool is_word(struct word w, const char *text)
{
	return w.n == strlen(text) && strncmp(w.s, text, w.n) == 0;
}

/* "3 windows", "1 window". */
static int parse_windows(const char **at, struct mr_arena *a,
			 struct mr_watch *out)
{
	struct word number = next_word(at);
	struct word unit = next_word(at);
	const char *text = mr_arena_strndup(a, number.s, number.n);
	uint64_t n = 0;

	if (!text || text[0] == '0' || mr_text_u64(text, WINDOWS_MAX, &n) < 0 ||
	    !(is_word(unit, "windows") || is_word(unit, "window")))
		return -1;
	out->windows = (uint32_t)n;
	return 0;
}

/* What is behind the number. */
static int parse_rest(const char *at, struct mr_arena *a, struct mr_watch *out)
{
	struct word w = next_word(&at);

	if (is_word(w, "for")) {
		if (parse_windows(&at, a, out) < 0)
			return -1;
		w = next_word(&at);
	}
	if (is_word(w, "in")) {
		w = next_word(&at);
		if (w.n == 0)
			return -1;
		out->environment = mr_arena_strndup(a, w.s, w.n);
		w = next_word(&at);
	}
	return w.n == 0 ? 0 : -1;
}

int mr_watch_parse(const char *text, struct mr_arena *a, struct mr_watch *out)
{
	const char *begin = text + strspn(text, BLANKS);
	const char *sign = strpbrk(begin, SIGNS);
	size_t len = sign ? (size_t)(sign - begin) : 0;
	struct mr_threshold *bound = mr_arena_alloc(a, sizeof(*bound));
	const char *at;
	struct word number;
	char *copy;

	while (len > 0 && strchr(BLANKS, begin[len - 1]))
		len--;
	if (len == 0 || !bound)
		return -1;
	at = sign + strspn(sign, SIGNS);
	number = next_word(&at);
	copy = mr_arena_printf(a, "%.*s %.*s", (int)strspn(sign, SIGNS), sign,
			       (int)number.n, number.s);
	/* What an alias has is no matter of monitoring. */
	if (!copy || mr_threshold_parse(copy, a, bound) < 0 || bound->alias)
		return -1;
	*out = (struct mr_watch){
		.metric = mr_arena_strndup(a, begin, len),
		.windows = 1,
		.bound = bound,
	};
	copy = mr_arena_strdup(a, begin);
	for (len = copy ? strlen(copy) : 0;
	     len > 0 && strchr(BLANKS, copy[len - 1]); len--)
		copy[len - 1] = '\0';
	out->text = copy;
	return parse_rest(at, a, out);
}

bool mr_watch_holds(const struct mr_watch *w, const char *value)
{
	return mr_threshold_holds(w->bound, value, NULL) > 0;
}
