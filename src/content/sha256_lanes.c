/*
 * sha256_lanes.c - the block function of SHA-256 (FIPS 180-4, section 6.2.2)
 * for one to four streams at once, by the processor's own instructions.
 *
 * What the instructions do is in Intel's manual, volume 2, at SHA256RNDS2,
 * SHA256MSG1 and SHA256MSG2: two rounds on a state kept as the words A B E F
 * and C D G H, and the two halves of the message schedule for four words.
 * Each round waits for the one before; rounds of other streams fill the wait.
 *
 * Everything is written out by inlining with constants, without loops over
 * lanes or rounds: only so do all of them stay in registers.
 */
#include "content/sha256.h"

#if defined(__x86_64__) || defined(__i386__)

#include <cpuid.h>
#include <immintrin.h>
#include <stdatomic.h>

#define TARGET __attribute__((target("sha,sse4.1")))
#define INLINE __attribute__((target("sha,sse4.1"), always_inline)) inline

/* FIPS 180-4, section 4.2.2. */
static const uint32_t constants[64] __attribute__((aligned(16))) = {
	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1,
	0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3,
	0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786,
	0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
	0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147,
	0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13,
	0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
	0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
	0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a,
	0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208,
	0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

/* One stream in registers. */
struct regs {
	__m128i abef, cdgh; /* the state, as SHA256RNDS2 wants it */
	__m128i w[4];       /* the last sixteen words of the schedule */
	__m128i abef_before, cdgh_before; /* of this block */
	const uint8_t *p;                 /* this block */
};

/* The words D C B A and H G F E, as they lie in memory, to F E B A and
 * H G D C, and back. */
static INLINE void load(struct regs *r, const struct mr_sha256_lane *lane)
{
	const __m128i *state = (const __m128i *)lane->state;
	__m128i cdab = _mm_shuffle_epi32(_mm_loadu_si128(state), 0xb1);
	__m128i efgh = _mm_shuffle_epi32(_mm_loadu_si128(state + 1), 0x1b);

	r->abef = _mm_alignr_epi8(cdab, efgh, 8);
	r->cdgh = _mm_blend_epi16(efgh, cdab, 0xf0);
	r->p = lane->data;
}

static INLINE void store(const struct regs *r, struct mr_sha256_lane *lane,
			 size_t blocks)
{
	__m128i *state = (__m128i *)lane->state;
	__m128i feba = _mm_shuffle_epi32(r->abef, 0x1b);
	__m128i dchg = _mm_shuffle_epi32(r->cdgh, 0xb1);

	_mm_storeu_si128(state, _mm_blend_epi16(feba, dchg, 0xf0));
	_mm_storeu_si128(state + 1, _mm_alignr_epi8(dchg, feba, 8));
	lane->data = r->p;
	lane->blocks -= blocks;
}

static INLINE void begin(struct regs *r)
{
	r->abef_before = r->abef;
	r->cdgh_before = r->cdgh;
}

static INLINE void end(struct regs *r)
{
	r->abef = _mm_add_epi32(r->abef, r->abef_before);
	r->cdgh = _mm_add_epi32(r->cdgh, r->cdgh_before);
	r->p += MR_SHA256_BLOCK_BYTES;
}

/* Four rounds, number 4 * i and those behind it. */
static INLINE void four_rounds(struct regs *r, size_t i)
{
	/* The message is big-endian. */
	const __m128i swap =
		_mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
	__m128i w, k;

	if (i < 4) {
		w = _mm_loadu_si128((const __m128i *)(r->p + 16 * i));
		w = _mm_shuffle_epi8(w, swap);
	} else {
		w = _mm_sha256msg1_epu32(r->w[i & 3], r->w[(i + 1) & 3]);
		w = _mm_add_epi32(w, _mm_alignr_epi8(r->w[(i + 3) & 3],
						     r->w[(i + 2) & 3], 4));
		w = _mm_sha256msg2_epu32(w, r->w[(i + 3) & 3]);
	}
	r->w[i & 3] = w;
	k = _mm_load_si128((const __m128i *)(constants + 4 * i));
	k = _mm_add_epi32(w, k);
	r->cdgh = _mm_sha256rnds2_epu32(r->cdgh, r->abef, k);
	r->abef = _mm_sha256rnds2_epu32(r->abef, r->cdgh,
					_mm_shuffle_epi32(k, 0x0e));
}

static INLINE void each(struct regs *r, size_t n, size_t i)
{
	four_rounds(&r[0], i);
	if (n > 1)
		four_rounds(&r[1], i);
	if (n > 2)
		four_rounds(&r[2], i);
	if (n > 3)
		four_rounds(&r[3], i);
}

static INLINE void all_rounds(struct regs *r, size_t n)
{
	each(r, n, 0);
	each(r, n, 1);
	each(r, n, 2);
	each(r, n, 3);
	each(r, n, 4);
	each(r, n, 5);
	each(r, n, 6);
	each(r, n, 7);
	each(r, n, 8);
	each(r, n, 9);
	each(r, n, 10);
	each(r, n, 11);
	each(r, n, 12);
	each(r, n, 13);
	each(r, n, 14);
	each(r, n, 15);
}

/* `n` is a constant at every call. */
static INLINE void run(struct mr_sha256_lane *const *lanes, size_t n,
		       size_t blocks)
{
	struct regs r[MR_SHA256_LANES_MAX];
	size_t i, b;

#pragma GCC unroll 4
	for (i = 0; i < n; i++)
		load(&r[i], lanes[i]);
	for (b = 0; b < blocks; b++) {
#pragma GCC unroll 4
		for (i = 0; i < n; i++)
			begin(&r[i]);
		all_rounds(r, n);
#pragma GCC unroll 4
		for (i = 0; i < n; i++)
			end(&r[i]);
	}
#pragma GCC unroll 4
	for (i = 0; i < n; i++)
		store(&r[i], lanes[i], blocks);
}

TARGET void mr_sha256_lanes(struct mr_sha256_lane *const *lanes, size_t n,
			    size_t blocks)
{
	switch (n) {
	case 1:
		run(lanes, 1, blocks);
		break;
	case 2:
		run(lanes, 2, blocks);
		break;
	case 3:
		run(lanes, 3, blocks);
		break;
	default:
		run(lanes, 4, blocks);
		break;
	}
}

static bool ask(void)
{
	unsigned int a, b, c, d;

	if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_SSSE3) ||
	    !(c & bit_SSE4_1))
		return false;
	return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & bit_SHA);
}

bool mr_sha256_fast(void)
{
	/* CPUID leaves a virtual machine, which takes longer than hashing a
	 * small document.  Who asks twice at once gets the same answer. */
	static atomic_int known; /* 1: no, 2: yes */
	int answer = atomic_load_explicit(&known, memory_order_relaxed);

	if (answer == 0) {
		answer = ask() ? 2 : 1;
		atomic_store_explicit(&known, answer, memory_order_relaxed);
	}
	return answer == 2;
}

#else

bool mr_sha256_fast(void)
{
	return false;
}

/* Nobody calls it where the above is false. */
void mr_sha256_lanes(struct mr_sha256_lane *const *lanes, size_t n,
		     size_t blocks)
{
	(void)lanes;
	(void)n;
	(void)blocks;
}

#endif
