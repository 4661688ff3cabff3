/*
 * decimal.c - numbers as they are written, compared and added without
 * rounding: 0.1 + 0.2 is 0.3, and a bound of 0.8 is met by 0.80.
 *
 * Fixed point.  A metric is below 1e308 (spec/metadata.md), so that many digits
 * before the point hold every one of them, and the sum of two.
 */
#include "policy/value.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"

#define DIGITS (MR_DECIMAL_WHOLE + MR_DECIMAL_FRACTION)
/* Of a number in text. */
#define TEXT_MAX_BYTES 400
/* Of an exponent; nothing in range has more. */
#define EXPONENT_MAX_DIGITS 4

/* The exponent at `s`, "e" included; `*huge`: it has more digits than any
 * that counts. */
static long exponent_of(const char *s, bool *huge)
{
	const char *digits = s + 1;

	*huge = false;
	if (*s != 'e' && *s != 'E')
		return 0;
	if (*digits == '+' || *digits == '-')
		digits++;
	digits += strspn(digits, "0");
	*huge = strlen(digits) > EXPONENT_MAX_DIGITS;
	return *huge ? (s[1] == '-' ? -1 : 1) : strtol(s + 1, NULL, 10);
}

static bool is_zero(const struct mr_decimal *d)
{
	size_t i;

	for (i = 0; i < DIGITS; i++)
		if (d->digits[i])
			return false;
	return true;
}

/* Digit `c` of weight 10^`power`; false: too large for us. */
static bool place(struct mr_decimal *d, char c, long power)
{
	long at = MR_DECIMAL_WHOLE - 1 - power;

	if (c == '0' || at >= DIGITS)
		return true;
	/* The first place is kept free for a carry. */
	if (at < 1)
		return false;
	d->digits[at] = (unsigned char)(c - '0');
	return true;
}

int mr_decimal_parse(const char *text, struct mr_decimal *out)
{
	const char *number = text + (text[0] == '+');
	const char *end;
	const char *s;
	bool huge;
	long power;

	memset(out, 0, sizeof(*out));
	if (strlen(text) > TEXT_MAX_BYTES || !mr_json_is_number(number))
		return -1;
	s = number + (number[0] == '-');
	end = s + strcspn(s, "eE");
	power = exponent_of(end, &huge);
	if (huge) {
		/* Nothing but zeros stays in range. */
		if (power > 0 && strspn(s, "0.") != (size_t)(end - s))
			return -1;
		return 0;
	}
	power += (long)strspn(s, "0123456789") - 1;
	for (; s < end; s++) {
		if (*s == '.')
			continue;
		if (!place(out, *s, power--))
			return -1;
	}
	out->negative = number[0] == '-' && !is_zero(out);
	return 0;
}

static int compare_size(const struct mr_decimal *a, const struct mr_decimal *b)
{
	return memcmp(a->digits, b->digits, DIGITS);
}

int mr_decimal_compare(const struct mr_decimal *a, const struct mr_decimal *b)
{
	int order = compare_size(a, b);

	if (a->negative != b->negative)
		return a->negative ? -1 : 1;
	order = (order > 0) - (order < 0);
	return a->negative ? -order : order;
}

static void add_size(const struct mr_decimal *a, const struct mr_decimal *b,
		     struct mr_decimal *out)
{
	unsigned int carry = 0;
	size_t i;

	for (i = DIGITS; i-- > 0;) {
		unsigned int sum = a->digits[i] + b->digits[i] + carry;

		out->digits[i] = (unsigned char)(sum % 10);
		carry = sum / 10;
	}
}

/* `a` is not smaller. */
static void subtract_size(const struct mr_decimal *a,
			  const struct mr_decimal *b, struct mr_decimal *out)
{
	unsigned int borrow = 0;
	size_t i;

	for (i = DIGITS; i-- > 0;) {
		unsigned int take = b->digits[i] + borrow;

		borrow = a->digits[i] < take;
		out->digits[i] =
			(unsigned char)(a->digits[i] + 10 * borrow - take);
	}
}

void mr_decimal_add(const struct mr_decimal *a, const struct mr_decimal *b,
		    struct mr_decimal *out)
{
	if (a->negative == b->negative) {
		add_size(a, b, out);
		out->negative = a->negative;
	} else if (compare_size(a, b) >= 0) {
		subtract_size(a, b, out);
		out->negative = a->negative && !is_zero(out);
	} else {
		subtract_size(b, a, out);
		out->negative = b->negative;
	}
}
