/*
 * rate.c - the limit on the bytes a second of all bodies of a session.
 *
 * One clock for all: whoever moved bytes pushes it on by the time they cost,
 * and waits until it has come to pass before moving more.  Whoever comes next
 * waits behind, so transfers take turns, and an idle session saves up no more
 * than a moment.
 */
#include "net/internal.h"

/* A piece is this part of a second: sixteen steps look even on a bar. */
#define PIECES_A_SECOND 16
/* curl's smallest buffer (its READBUFFER_MIN). */
#define PIECE_MIN_BYTES 1024
/* What may be made up for after a wait that took too long. */
#define CREDIT_NS INT64_C(100000000)
#define MS_NS INT64_C(1000000)

size_t mr_rate_piece(const struct mr_net *n, size_t max)
{
	uint64_t piece = n->rate / PIECES_A_SECOND;

	if (!n->rate || piece >= max)
		return max;
	return piece > PIECE_MIN_BYTES ? (size_t)piece : PIECE_MIN_BYTES;
}

int64_t mr_rate_spend(struct mr_net *n, size_t bytes)
{
	int64_t now_ns;
	int64_t free_ns;

	if (!n->rate)
		return 0;
	now_ns = mr_mono_ms(n->env) * MS_NS;
	pthread_mutex_lock(&n->lock);
	if (n->rate_free_ns < now_ns - CREDIT_NS)
		n->rate_free_ns = now_ns - CREDIT_NS;
	/* Of at most some MiB, so it does not overflow. */
	n->rate_free_ns += (int64_t)((double)bytes * 1e9 / (double)n->rate);
	free_ns = n->rate_free_ns;
	pthread_mutex_unlock(&n->lock);
	return (free_ns + MS_NS - 1) / MS_NS;
}
