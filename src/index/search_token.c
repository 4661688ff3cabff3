/*
 * search_token.c - where a page ended, as a text that people hand back.
 *
 * Base64url of: a version, the hash of what was asked, and the order's values
 * of the last row, each with its type.  The hash keeps a token of another
 * search from giving nonsense; it is no secret and proves nothing.
 */
#include "index/search_inside.h"

#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/text.h"

#define TOKEN_VERSION 1
/* Texts of an index are at most MR_INDEX_VALUE_MAX_BYTES, names of models a
 * little more than that. */
#define TOKEN_MAX_BYTES (256u << 10)

/* -- what was asked ---------------------------------------------------------
 */

/* FNV-1a of 64 bits. */
static void add_bytes(uint64_t *h, const void *data, size_t n)
{
	const unsigned char *p = data;
	size_t i;

	for (i = 0; i < n; i++)
		*h = (*h ^ p[i]) * 0x100000001b3u;
}

static void add_number(uint64_t *h, uint64_t n)
{
	unsigned int i;

	for (i = 0; i < 8; i++)
		add_bytes(h, &(unsigned char){ (unsigned char)(n >> 8 * i) },
			  1);
}

static void add_text(uint64_t *h, const char *text)
{
	add_number(h, text ? strlen(text) + 1 : 0);
	if (text)
		add_bytes(h, text, strlen(text));
}

/* Values as they were written: an age means another time by the second page. */
static void add_term(uint64_t *h, const struct mr_term *t)
{
	size_t i;

	add_number(h, t->kind);
	if (t->kind == MR_TERM_COMPARE) {
		add_number(h, t->attr);
		add_number(h, t->cmp);
		add_text(h, t->key);
	}
	if (t->kind == MR_TERM_PREDICATE)
		add_number(h, t->predicate);
	add_number(h, t->value_count);
	for (i = 0; i < t->value_count; i++)
		add_text(h, t->values[i].text);
	add_number(h, t->child_count);
	for (i = 0; i < t->child_count; i++)
		add_term(h, t->children[i]);
}

void mr_ix_search_hash(struct mr_ix_search *s)
{
	const struct mr_query *q = s->ask->query;
	uint64_t h = 0xcbf29ce484222325u;
	size_t i;

	add_number(&h, q->of);
	add_text(&h, s->prefix);
	add_term(&h, q->root);
	for (i = 0; i < q->order_count; i++) {
		add_number(&h, q->order[i].attr);
		add_text(&h, q->order[i].key);
		add_number(&h, q->order[i].descending);
	}
	s->hash = h;
}

/* -- base64url, without padding: RFC 4648, section 5 ------------------------
 */

static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
			      "abcdefghijklmnopqrstuvwxyz0123456789-_";

static char *encode(struct mr_arena *arena, const unsigned char *in, size_t n)
{
	char *out = mr_arena_alloc(arena, n / 3 * 4 + 5);
	uint32_t bits = 0;
	unsigned int have = 0;
	size_t i, at = 0;

	for (i = 0; out && i < n; i++) {
		bits = bits << 8 | in[i];
		for (have += 8; have >= 6; have -= 6)
			out[at++] = letters[bits >> (have - 6) & 63];
	}
	if (out && have)
		out[at] = letters[bits << (6 - have) & 63];
	return out;
}

static bool decode(const char *in, struct mr_buf *out)
{
	uint32_t bits = 0;
	unsigned int have = 0;
	const char *at;

	for (; *in; in++) {
		at = strchr(letters, *in);
		if (!at)
			return false;
		bits = bits << 6 | (uint32_t)(at - letters);
		have += 6;
		if (have >= 8) {
			have -= 8;
			mr_buf_putc(out, (char)(bits >> have & 255));
		}
	}
	/* What is written one way is read no other way. */
	return out->failed == MREG_OK && have < 6 &&
	       (bits & ((UINT32_C(1) << have) - 1)) == 0;
}

/* -- tokens -----------------------------------------------------------------
 */

static void put_number(struct mr_buf *b, uint64_t n)
{
	unsigned int i;

	for (i = 0; i < 8; i++)
		mr_buf_putc(b, (char)(n >> 8 * i & 255));
}

int mr_ix_token_text(struct mr_ix_search *s, const struct mr_ix_key *keys,
		     struct mr_arena *arena, const char **out,
		     struct mreg_error *err)
{
	MR_AUTO(mr_buf_release) struct mr_buf b = MR_BUF_INIT(TOKEN_MAX_BYTES);
	uint64_t bits;
	size_t i;
	int rc;

	mr_buf_putc(&b, TOKEN_VERSION);
	put_number(&b, s->hash);
	for (i = 0; i < s->rank_count; i++) {
		mr_buf_putc(&b, (char)keys[i].type);
		if (keys[i].type == MR_COLUMN_INT) {
			put_number(&b, (uint64_t)keys[i].i);
		} else if (keys[i].type == MR_COLUMN_REAL) {
			memcpy(&bits, &keys[i].r, sizeof(bits));
			put_number(&b, bits);
		} else if (keys[i].type == MR_COLUMN_TEXT) {
			put_number(&b, strlen(keys[i].text));
			mr_buf_puts(&b, keys[i].text);
		}
	}
	rc = mr_buf_check(&b, "the token of a page", err);
	if (rc < 0)
		return rc;
	*out = encode(arena, (const unsigned char *)b.data, b.len);
	return *out ? 0 : mr_fail_nomem(err);
}

struct reader {
	const unsigned char *p;
	size_t left;
	bool bad;
};

static const unsigned char *take(struct reader *r, size_t n)
{
	const unsigned char *p = r->p;

	if (r->bad || n > r->left) {
		r->bad = true;
		return NULL;
	}
	r->p += n;
	r->left -= n;
	return p;
}

static uint64_t take_number(struct reader *r)
{
	const unsigned char *p = take(r, 8);
	uint64_t n = 0;
	unsigned int i;

	for (i = 8; p && i-- > 0;)
		n = n << 8 | p[i];
	return n;
}

/* A value that a row of this order can have, or the token is not of it. */
static void take_key(struct mr_ix_search *s, struct reader *r, size_t i)
{
	const unsigned char *type = take(r, 1);
	const unsigned char *text;
	struct mr_ix_key *k = &s->from[i];
	uint64_t bits;
	char *copy;

	k->type = type ? (enum mr_column) * type : MR_COLUMN_NULL;
	if (k->type == MR_COLUMN_NULL) {
		r->bad |= !s->ranks[i].nullable;
		return;
	}
	bits = take_number(r);
	if (k->type == MR_COLUMN_INT) {
		k->i = (int64_t)bits;
	} else if (k->type == MR_COLUMN_REAL) {
		memcpy(&k->r, &bits, sizeof(k->r));
	} else if (k->type == MR_COLUMN_TEXT && bits <= r->left) {
		text = take(r, (size_t)bits);
		copy = text ? mr_arena_strndup(s->arena, (const char *)text,
					       (size_t)bits)
			    : NULL;
		k->text = copy;
		r->bad |= !copy || !mr_utf8_valid(copy) || strlen(copy) != bits;
	} else {
		r->bad = true;
	}
	r->bad |= k->type != mr_ix_rank_type(&s->ranks[i]);
}

int mr_ix_token_parse(struct mr_ix_search *s, struct mreg_error *err)
{
	MR_AUTO(mr_buf_release) struct mr_buf b = MR_BUF_INIT(TOKEN_MAX_BYTES);
	struct reader r = { 0 };
	const unsigned char *version;
	size_t i;

	if (!s->ask->token)
		return 0;
	s->from = mr_arena_alloc(s->arena, s->rank_count * sizeof(*s->from));
	if (!s->from)
		return mr_fail_nomem(err);
	r.bad = !decode(s->ask->token, &b);
	r.p = (const unsigned char *)mr_buf_text(&b);
	r.left = b.len;
	version = take(&r, 1);
	r.bad |= !version || *version != TOKEN_VERSION;
	r.bad |= take_number(&r) != s->hash;
	for (i = 0; i < s->rank_count && !r.bad; i++)
		take_key(s, &r, i);
	/* Without memory it cannot be told whose it is. */
	if (mr_arena_failed(s->arena) ||
	    mr_buf_check(&b, "a token", NULL) == MREG_ENOMEM)
		return mr_fail_nomem(err);
	if (r.bad || r.left) {
		(void)mr_fail(err, MREG_EUSAGE,
			      "this page is none of this search");
		return mr_hint(err, "give the filter, the order and the kind "
				    "of the search that named it");
	}
	s->paged = true;
	return 0;
}
