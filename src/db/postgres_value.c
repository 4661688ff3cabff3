/*
 * postgres_value.c - values as PostgreSQL sends them.
 *
 * The binary forms are those of the types' send functions (src/backend/utils
 * /adt); numbers are big-endian.
 */
#include "db/postgres.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

void mr_pg_put64(uint64_t value, void *out)
{
	unsigned char *p = out;
	int i;

	for (i = 7; i >= 0; i--) {
		p[i] = (unsigned char)(value & 0xff);
		value >>= 8;
	}
}

void mr_pg_put32(uint32_t value, void *out)
{
	unsigned char *p = out;
	int i;

	for (i = 3; i >= 0; i--) {
		p[i] = (unsigned char)(value & 0xff);
		value >>= 8;
	}
}

static uint64_t get(const void *in, size_t n)
{
	const unsigned char *p = in;
	uint64_t value = 0;
	size_t i;

	for (i = 0; i < n; i++)
		value = value << 8 | p[i];
	return value;
}

uint64_t mr_pg_get64(const void *in)
{
	return get(in, 8);
}

/* -- arrays ---------------------------------------------------------------- */

enum mr_pg_type mr_pg_type_of(enum mr_column type)
{
	return type == MR_COLUMN_INT    ? MR_PG_INT8
	       : type == MR_COLUMN_REAL ? MR_PG_FLOAT8
	       : type == MR_COLUMN_BLOB ? MR_PG_BYTEA
					: MR_PG_TEXT;
}

Oid mr_pg_array_type(enum mr_pg_type element)
{
	return element == MR_PG_INT8     ? MR_PG_INT8_ARRAY
	       : element == MR_PG_FLOAT8 ? MR_PG_FLOAT8_ARRAY
	       : element == MR_PG_BYTEA  ? MR_PG_BYTEA_ARRAY
					 : MR_PG_TEXT_ARRAY;
}

/* array_recv: dimensions, whether there may be NULLs, type; length and first
 * index, where there are any. */
void mr_pg_put_head(enum mr_pg_type element, size_t n, char *out)
{
	mr_pg_put32(n ? 1 : 0, out);
	mr_pg_put32(1, out + 4);
	mr_pg_put32(element, out + 8);
	mr_pg_put32((uint32_t)n, out + 12);
	mr_pg_put32(1, out + 16);
}

/* Its size, -1 for NULL, and its bytes. */
void mr_pg_put_item(struct mr_buf *out, const struct mr_db_value *v)
{
	char bytes[8];
	uint64_t bits = (uint64_t)v->i;
	bool fixed = v->type == MR_COLUMN_INT || v->type == MR_COLUMN_REAL;
	uint32_t n = v->type == MR_COLUMN_NULL ? UINT32_MAX
		     : fixed                   ? 8
					       : (uint32_t)v->n;

	mr_pg_put32(n, bytes);
	mr_buf_add(out, bytes, 4);
	if (v->type == MR_COLUMN_REAL)
		memcpy(&bits, &v->r, sizeof(bits));
	mr_pg_put64(bits, bytes);
	if (fixed)
		mr_buf_add(out, bytes, 8);
	else if (v->type != MR_COLUMN_NULL)
		mr_buf_add(out, v->bytes, v->n);
}

/* -- values ---------------------------------------------------------------- */

static void set_int(struct mr_db_value *out, int64_t value)
{
	out->type = MR_COLUMN_INT;
	out->i = value;
}

static void set_real(struct mr_db_value *out, double value)
{
	out->type = MR_COLUMN_REAL;
	out->r = value;
}

static void set_bytes(struct mr_db_value *out, enum mr_column type,
		      const char *bytes, size_t n)
{
	out->type = type;
	out->bytes = bytes;
	out->n = n;
}

/* numeric_send: how many digits to base 10000, weight of the first, sign,
 * digits behind the point that are shown; digits.  What sums of int8 are. */
static void decode_numeric(const char *in, size_t n, struct mr_db_value *out)
{
	size_t count = n >= 8 ? (size_t)get(in, 2) : 0;
	int weight = n >= 8 ? (int16_t)get(in + 2, 2) : 0;
	unsigned int sign = n >= 8 ? (unsigned int)get(in + 4, 2) : 0xc000;
	double real = 0;
	uint64_t whole = 0;
	int shift;
	size_t i;

	if (sign >= 0xc000 || n < 8 + 2 * count) {
		set_real(out, sign == 0xd000   ? INFINITY
			      : sign == 0xf000 ? -INFINITY
					       : NAN);
		return;
	}
	for (i = 0; i < count; i++)
		real = real * 10000 + (double)get(in + 8 + 2 * i, 2);
	for (shift = weight + 1 - (int)count; shift > 0; shift--)
		real *= 10000;
	for (; shift < 0; shift++)
		real /= 10000;
	/* 18 digits always fit. */
	if (get(in + 6, 2) > 0 || real >= 1e18) {
		set_real(out, sign ? -real : real);
		return;
	}
	for (i = 0; (int)i <= weight; i++)
		whole = whole * 10000 +
			(i < count ? get(in + 8 + 2 * i, 2) : 0);
	set_int(out, sign ? -(int64_t)whole : (int64_t)whole);
}

static void decode_binary(Oid type, const char *in, size_t n,
			  struct mr_db_value *out)
{
	uint64_t bits;
	uint32_t half;
	double real;
	float small;

	switch (type) {
	case MR_PG_BOOL:
		set_int(out, n == 1 && in[0]);
		return;
	case MR_PG_INT2:
		set_int(out, (int16_t)get(in, n < 2 ? n : 2));
		return;
	case MR_PG_INT4:
		set_int(out, (int32_t)get(in, n < 4 ? n : 4));
		return;
	case MR_PG_OID:
		set_int(out, (int64_t)get(in, n < 4 ? n : 4));
		return;
	case MR_PG_INT8:
		set_int(out, (int64_t)get(in, n < 8 ? n : 8));
		return;
	case MR_PG_FLOAT4:
		half = (uint32_t)get(in, n < 4 ? n : 4);
		memcpy(&small, &half, sizeof(small));
		set_real(out, (double)small);
		return;
	case MR_PG_FLOAT8:
		bits = get(in, n < 8 ? n : 8);
		memcpy(&real, &bits, sizeof(real));
		set_real(out, real);
		return;
	case MR_PG_NUMERIC:
		decode_numeric(in, n, out);
		return;
	case MR_PG_BYTEA:
		set_bytes(out, MR_COLUMN_BLOB, in, n);
		return;
	default:
		set_bytes(out, MR_COLUMN_TEXT, in, n);
		return;
	}
}

static int nibble(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : 0;
}

/* "\x" and hexadecimal digits: bytea_output is set so. */
static void decode_hex(const char *in, size_t n, char **scratch,
		       struct mr_db_value *out)
{
	size_t count = n >= 2 ? (n - 2) / 2 : 0;
	char *bytes = mr_alloc(count + 1);
	size_t i;

	mr_release(*scratch);
	*scratch = bytes;
	if (!bytes)
		return;
	for (i = 0; i < count; i++)
		bytes[i] = (char)(nibble(in[2 + 2 * i]) << 4 |
				  nibble(in[3 + 2 * i]));
	set_bytes(out, MR_COLUMN_BLOB, bytes, count);
}

static void decode_text(Oid type, const char *in, size_t n, char **scratch,
			struct mr_db_value *out)
{
	long long whole;

	switch (type) {
	case MR_PG_BOOL:
		set_int(out, in[0] == 't');
		return;
	case MR_PG_INT2:
	case MR_PG_INT4:
	case MR_PG_OID:
	case MR_PG_INT8:
		set_int(out, strtoll(in, NULL, 10));
		return;
	case MR_PG_NUMERIC:
		errno = 0;
		whole = strtoll(in, NULL, 10);
		if (errno == 0 && strspn(in, "-0123456789") == n)
			set_int(out, whole);
		else
			set_real(out, strtod(in, NULL));
		return;
	case MR_PG_FLOAT4:
	case MR_PG_FLOAT8:
		set_real(out, strtod(in, NULL));
		return;
	case MR_PG_BYTEA:
		decode_hex(in, n, scratch, out);
		return;
	default:
		set_bytes(out, MR_COLUMN_TEXT, in, n);
		return;
	}
}

void mr_pg_decode(Oid type, bool text, const char *in, size_t n, char **scratch,
		  struct mr_db_value *out)
{
	if (text)
		decode_text(type, in, n, scratch, out);
	else
		decode_binary(type, in, n, out);
}
