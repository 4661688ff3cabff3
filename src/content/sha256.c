/*
 * sha256.c - a SHA-256 message in pieces: what lies between whole blocks, and
 * the padding (FIPS 180-4, section 5.1.1).
 */
#include "content/sha256.h"

#include <string.h>

/*
 * From here on a piece is worth meeting others for.  128 KiB take 65 us; a
 * thread that sleeps and is woken costs about 10.
 */
#define MEET_BYTES (128u << 10)

/* FIPS 180-4, section 5.3.3. */
static const uint32_t initial[8] = {
	0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
	0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
};

static void alone(struct mr_sha256_lane *lane)
{
	if (lane->blocks > 0)
		mr_sha256_lanes(&lane, 1, lane->blocks);
}

void mr_sha256_init(struct mr_sha256 *s)
{
	memset(s, 0, sizeof(*s));
	memcpy(s->state, initial, sizeof(s->state));
}

void mr_sha256_split(struct mr_sha256 *s, const void *data, size_t n,
		     struct mr_sha256_lane *lane)
{
	size_t used = (size_t)(s->size % MR_SHA256_BLOCK_BYTES);
	struct mr_sha256_lane rest = { s->state, s->rest, 1 };
	const uint8_t *p = data;

	*lane = (struct mr_sha256_lane){ .state = s->state, .data = p };
	if (n == 0)
		return; /* and `data` may be NULL */
	s->size += n;
	if (used > 0) {
		size_t head = MR_SHA256_BLOCK_BYTES - used;

		head = n < head ? n : head;
		memcpy(s->rest + used, p, head);
		if (used + head < MR_SHA256_BLOCK_BYTES)
			return;
		alone(&rest);
		p += head;
		n -= head;
	}
	lane->data = p;
	lane->blocks = n / MR_SHA256_BLOCK_BYTES;
	memcpy(s->rest, p + lane->blocks * MR_SHA256_BLOCK_BYTES,
	       n % MR_SHA256_BLOCK_BYTES);
}

void mr_sha256_add(struct mr_sha256 *s, const void *data, size_t n)
{
	struct mr_sha256_lane lane;

	mr_sha256_split(s, data, n, &lane);
	if (lane.blocks >= MEET_BYTES / MR_SHA256_BLOCK_BYTES)
		mr_sha256_meet(&lane);
	else
		alone(&lane);
}

static void big_endian(uint8_t *out, uint64_t value, size_t n)
{
	while (n > 0) {
		out[--n] = (uint8_t)value;
		value >>= 8;
	}
}

void mr_sha256_end(struct mr_sha256 *s, uint8_t out[32])
{
	/* 0x80, zeros up to eight bytes before a block's end, the length. */
	uint8_t pad[2 * MR_SHA256_BLOCK_BYTES] = { 0x80 };
	size_t used = (size_t)(s->size % MR_SHA256_BLOCK_BYTES);
	size_t n = (used < 56 ? 56 : 120) - used;
	size_t i;

	big_endian(pad + n, s->size * 8, 8);
	mr_sha256_add(s, pad, n + 8);
	for (i = 0; i < 8; i++)
		big_endian(out + 4 * i, s->state[i], 4);
}
