/*
 * base/json.h - JSON from outside, read under limits, with getters that say
 * which field of which document was wrong.
 *
 * Every parse in mreg goes through mr_json_parse*: duplicate keys are refused
 * (two readers would see two documents), depth is at most MR_JSON_DEPTH_MAX,
 * size at most what the caller says, trailing data is an error.
 */
#ifndef MR_BASE_JSON_H
#define MR_BASE_JSON_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "mreg/error.h"

/* `what` names the document in messages ("manifest 'sha256:..'"): MREG_EFORMAT
 * if it is no JSON, MREG_ELIMIT if larger than `max`.  `*out` is the caller's
 * (mr_json_decref). */
int mr_json_parse(const void *bytes, size_t n, size_t max, const char *what,
		  json_t **out, struct mreg_error *err);

/* The same, but an integer is a real too: of any length below 1e308, where
 * mr_json_parse refuses one beyond 64 bits.  For who takes numbers from the
 * text, digit by digit. */
int mr_json_parse_reals(const void *bytes, size_t n, size_t max,
			const char *what, json_t **out, struct mreg_error *err);

/* The same, and texts may hold NUL, where a C string ends before its
 * json_string_length: for who passes over such a text, and reads on. */
int mr_json_parse_nuls(const void *bytes, size_t n, size_t max,
		       const char *what, json_t **out, struct mreg_error *err);

/* A document that this program wrote, read back; NULL: out of memory. */
json_t *mr_json_own(const char *text);

void mr_json_freep(json_t **j); /* json_decref; for MR_AUTO */

/*
 * Getters: `obj` must be an object, else MREG_EFORMAT.  `what` as above.
 * mr_json_need_*: the key must be there.  mr_json_opt_*: a missing key or
 * null leaves *out untouched and returns 0.  A wrong type is MREG_EFORMAT.
 * Strings are borrowed from `obj`, valid UTF-8 and without NUL.
 */
int mr_json_need_str(const json_t *obj, const char *key, const char *what,
		     const char **out, struct mreg_error *err);
int mr_json_opt_str(const json_t *obj, const char *key, const char *what,
		    const char **out, struct mreg_error *err);
/* Integers only, 0 .. 2^62: negative or larger is MREG_EFORMAT. */
int mr_json_need_u64(const json_t *obj, const char *key, const char *what,
		     uint64_t *out, struct mreg_error *err);
int mr_json_opt_u64(const json_t *obj, const char *key, const char *what,
		    uint64_t *out, struct mreg_error *err);
int mr_json_opt_bool(const json_t *obj, const char *key, const char *what,
		     bool *out, struct mreg_error *err);
int mr_json_need_array(const json_t *obj, const char *key, const char *what,
		       json_t **out, struct mreg_error *err);
int mr_json_opt_array(const json_t *obj, const char *key, const char *what,
		      json_t **out, struct mreg_error *err);
int mr_json_opt_object(const json_t *obj, const char *key, const char *what,
		       json_t **out, struct mreg_error *err);

/* Whether `text` is a number by the grammar of RFC 8259, section 6. */
bool mr_json_is_number(const char *text);

/* Append `s` as a JSON string with quotes.  Escapes only what RFC 8259,
 * section 7 demands: ", \, controls (\n \t \b \f \r or \u00XX); everything
 * else, '/' and non-ASCII too, as it is.  The one writer of strings in
 * documents whose bytes are hashed. */
void mr_json_quote(struct mr_buf *b, const char *s);

/* A value as text by jansson's `flags`, the caller's to free(); NULL: out of
 * memory.  Not json_dumps: jansson 2.14 goes on when a key found no room
 * (dump.c, do_dump), and what it made would lack it. */
char *mr_json_dump(const json_t *j, size_t flags);

/* Append a parsed value in canonical form: no white space, keys sorted
 * bytewise, integers in decimal, strings as mr_json_quote.  Reals are refused
 * with MREG_EFORMAT (none of our canonical documents has one). */
int mr_json_canonical(const json_t *j, struct mr_buf *b,
		      struct mreg_error *err);

#endif
