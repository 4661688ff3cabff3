/*
 * json.c - JSON from outside under limits, and getters that name the field.
 */
#include "base/json.h"

#include <inttypes.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/mem.h"

#define DIGITS "0123456789"

/* 2^62: far above any size, and its double still fits an int64_t. */
#define INT_MAX_JSON (INT64_C(1) << 62)

/*
 * Deepest nesting of brackets outside of strings.  jansson stops only at
 * 2048, compiled in, and what walks its values recurses; a scan costs less
 * than the parse.  On text that is no JSON the result is meaningless but the
 * parse, which comes next, says so.
 */
static size_t depth_of(const char *p, size_t n)
{
	size_t depth = 0;
	size_t most = 0;
	bool string = false;
	size_t i;

	for (i = 0; i < n; i++) {
		switch (p[i]) {
		case '"':
			string = !string;
			break;
		case '\\':
			if (string)
				i++;
			break;
		case '{':
		case '[':
			if (!string && ++depth > most)
				most = depth;
			break;
		case '}':
		case ']':
			if (!string && depth > 0)
				depth--;
			break;
		default:
			break;
		}
	}
	return most;
}

/*
 * jansson 2.14 does not look whether a byte of a token found room (load.c,
 * lex_save).  When memory is refused there, it reads and writes past the end
 * of a string, and of a number an assertion ends the process.  So it never
 * learns of it: watch_alloc() leaves the parse, and what that held is
 * released from the list kept of it.  Until the parse has ended nothing is
 * released, so no address is used twice and nothing has to be looked for.  One
 * per thread, and only while mr_json_parse runs.
 */
struct list {
	void **items; /* owned */
	size_t n, cap;
};

struct parse {
	struct list held; /* all that jansson allocated */
	struct list gone; /* what it released of that */
	jmp_buf refused;
};

static _Thread_local struct parse *running;
static pthread_once_t watched = PTHREAD_ONCE_INIT;
/* A program that gave jansson an allocator of its own keeps it. */
static json_malloc_t allocate = mr_alloc;
static json_free_t release = mr_release;

static void add(struct parse *p, struct list *l, void *mem)
{
	if (mr_grow((void **)&l->items, &l->cap, l->n + 1, sizeof(*l->items)) <
	    0)
		longjmp(p->refused, 1);
	l->items[l->n++] = mem;
}

static void *watch_alloc(size_t size)
{
	struct parse *p = running;
	void *mem;

	if (!p)
		return allocate(size);
	add(p, &p->held, NULL);
	mem = allocate(size);
	if (!mem)
		longjmp(p->refused, 1);
	p->held.items[p->held.n - 1] = mem;
	return mem;
}

static void watch_release(void *mem)
{
	struct parse *p = running;

	if (!p)
		release(mem);
	else if (mem)
		add(p, &p->gone, mem);
}

static void watch(void)
{
	json_malloc_t take = NULL;
	json_free_t give = NULL;

	json_get_alloc_funcs(&take, &give);
	if (take != malloc || give != free) {
		allocate = take;
		release = give;
	}
	json_set_alloc_funcs(watch_alloc, watch_release);
}

/* Nothing of its own may change between the two returns of setjmp(). */
static int load(struct parse *p, const void *bytes, size_t n, size_t flags,
		json_t **out, json_error_t *why)
{
	if (setjmp(p->refused) != 0)
		return MREG_ENOMEM;
	*out = json_loadb(bytes, n, flags, why);
	return 0;
}

static int load_or_nothing(const void *bytes, size_t n, size_t flags,
			   json_t **out, json_error_t *why)
{
	struct parse p = { .held = { .n = 0 } };
	const struct list *over;
	size_t i;
	int rc;

	(void)pthread_once(&watched, watch);
	running = &p;
	rc = load(&p, bytes, n, flags, out, why);
	running = NULL;
	over = rc < 0 ? &p.held : &p.gone;
	for (i = 0; i < over->n; i++)
		if (over->items[i])
			release(over->items[i]);
	mr_release(p.held.items);
	mr_release(p.gone.items);
	return rc;
}

static int parse(const void *bytes, size_t n, size_t max, size_t flags,
		 const char *what, json_t **out, struct mreg_error *err)
{
	json_error_t why;
	json_t *j;

	if (n > max)
		return mr_fail(err, MREG_ELIMIT, "%s is larger than %zu bytes",
			       what, max);
	if (n == 0)
		return mr_fail(err, MREG_EFORMAT, "%s is empty, not JSON",
			       what);
	if (depth_of(bytes, n) > MR_JSON_DEPTH_MAX)
		return mr_fail(err, MREG_ELIMIT,
			       "%s is nested deeper than %d levels", what,
			       MR_JSON_DEPTH_MAX);
	if (load_or_nothing(bytes, n, JSON_REJECT_DUPLICATES | flags, &j,
			    &why) < 0)
		return mr_fail_nomem(err);
	if (!j)
		return mr_fail(err, MREG_EFORMAT,
			       "%s is no valid JSON: %s (line %d, column %d)",
			       what, why.text, why.line, why.column);
	*out = j;
	return 0;
}

int mr_json_parse(const void *bytes, size_t n, size_t max, const char *what,
		  json_t **out, struct mreg_error *err)
{
	return parse(bytes, n, max, 0, what, out, err);
}

int mr_json_parse_reals(const void *bytes, size_t n, size_t max,
			const char *what, json_t **out, struct mreg_error *err)
{
	return parse(bytes, n, max, JSON_DECODE_INT_AS_REAL, what, out, err);
}

int mr_json_parse_nuls(const void *bytes, size_t n, size_t max,
		       const char *what, json_t **out, struct mreg_error *err)
{
	return parse(bytes, n, max, JSON_DECODE_INT_AS_REAL | JSON_ALLOW_NUL,
		     what, out, err);
}

json_t *mr_json_own(const char *text)
{
	json_t *out = NULL;

	return text && parse(text, strlen(text), SIZE_MAX, JSON_ALLOW_NUL,
			     "a document", &out, NULL) == 0
		       ? out
		       : NULL;
}

void mr_json_freep(json_t **j)
{
	json_decref(*j);
	*j = NULL;
}

static const char *type_name(const json_t *j)
{
	switch (json_typeof(j)) {
	case JSON_OBJECT:
		return "an object";
	case JSON_ARRAY:
		return "an array";
	case JSON_STRING:
		return "a string";
	case JSON_INTEGER:
		return "a whole number";
	case JSON_REAL:
		return "a fraction";
	case JSON_TRUE:
	case JSON_FALSE:
		return "a boolean";
	default:
		return "null";
	}
}

static int wrong_type(const json_t *j, const char *key, const char *what,
		      const char *wanted, struct mreg_error *err)
{
	return mr_fail(err, MREG_EFORMAT, "field '%s' of %s is %s, not %s", key,
		       what, type_name(j), wanted);
}

/* The value of `key`, NULL where it is optional and absent or null. */
static int find(const json_t *obj, const char *key, const char *what, bool need,
		json_t **out, struct mreg_error *err)
{
	json_t *j;

	if (!json_is_object(obj))
		return mr_fail(err, MREG_EFORMAT, "%s is no JSON object", what);
	j = json_object_get(obj, key);
	if (!j && need)
		return mr_fail(err, MREG_EFORMAT, "field '%s' of %s is missing",
			       key, what);
	*out = !need && json_is_null(j) ? NULL : j;
	return 0;
}

static int get_str(const json_t *obj, const char *key, const char *what,
		   bool need, const char **out, struct mreg_error *err)
{
	json_t *j = NULL;
	int rc = find(obj, key, what, need, &j, err);

	if (rc < 0 || !j)
		return rc;
	if (!json_is_string(j))
		return wrong_type(j, key, what, "a string", err);
	*out = json_string_value(j);
	return 0;
}

static int get_u64(const json_t *obj, const char *key, const char *what,
		   bool need, uint64_t *out, struct mreg_error *err)
{
	json_t *j = NULL;
	json_int_t value;
	int rc = find(obj, key, what, need, &j, err);

	if (rc < 0 || !j)
		return rc;
	if (!json_is_integer(j))
		return wrong_type(j, key, what, "a whole number", err);
	value = json_integer_value(j);
	if (value < 0 || value > INT_MAX_JSON)
		return mr_fail(err, MREG_EFORMAT,
			       "field '%s' of %s is %" JSON_INTEGER_FORMAT
			       ", not a number from 0 to 2^62",
			       key, what, value);
	*out = (uint64_t)value;
	return 0;
}

static int get_array(const json_t *obj, const char *key, const char *what,
		     bool need, json_t **out, struct mreg_error *err)
{
	json_t *j = NULL;
	int rc = find(obj, key, what, need, &j, err);

	if (rc < 0 || !j)
		return rc;
	if (!json_is_array(j))
		return wrong_type(j, key, what, "an array", err);
	*out = j;
	return 0;
}

int mr_json_need_str(const json_t *obj, const char *key, const char *what,
		     const char **out, struct mreg_error *err)
{
	return get_str(obj, key, what, true, out, err);
}

int mr_json_opt_str(const json_t *obj, const char *key, const char *what,
		    const char **out, struct mreg_error *err)
{
	return get_str(obj, key, what, false, out, err);
}

int mr_json_need_u64(const json_t *obj, const char *key, const char *what,
		     uint64_t *out, struct mreg_error *err)
{
	return get_u64(obj, key, what, true, out, err);
}

int mr_json_opt_u64(const json_t *obj, const char *key, const char *what,
		    uint64_t *out, struct mreg_error *err)
{
	return get_u64(obj, key, what, false, out, err);
}

int mr_json_opt_bool(const json_t *obj, const char *key, const char *what,
		     bool *out, struct mreg_error *err)
{
	json_t *j = NULL;
	int rc = find(obj, key, what, false, &j, err);

	if (rc < 0 || !j)
		return rc;
	if (!json_is_boolean(j))
		return wrong_type(j, key, what, "a boolean", err);
	*out = json_is_true(j);
	return 0;
}

int mr_json_need_array(const json_t *obj, const char *key, const char *what,
		       json_t **out, struct mreg_error *err)
{
	return get_array(obj, key, what, true, out, err);
}

int mr_json_opt_array(const json_t *obj, const char *key, const char *what,
		      json_t **out, struct mreg_error *err)
{
	return get_array(obj, key, what, false, out, err);
}

int mr_json_opt_object(const json_t *obj, const char *key, const char *what,
		       json_t **out, struct mreg_error *err)
{
	json_t *j = NULL;
	int rc = find(obj, key, what, false, &j, err);

	if (rc < 0 || !j)
		return rc;
	if (!json_is_object(j))
		return wrong_type(j, key, what, "an object", err);
	*out = j;
	return 0;
}

bool mr_json_is_number(const char *text)
{
	size_t n;

	text += *text == '-';
	n = strspn(text, DIGITS);
	if (n == 0 || (n > 1 && text[0] == '0'))
		return false;
	text += n;
	if (*text == '.') {
		n = strspn(text + 1, DIGITS);
		if (n == 0)
			return false;
		text += 1 + n;
	}
	if (*text == 'e' || *text == 'E') {
		text++;
		text += *text == '-' || *text == '+';
		n = strspn(text, DIGITS);
		if (n == 0)
			return false;
		text += n;
	}
	return *text == '\0';
}
