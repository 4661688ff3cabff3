/*
 * digest_map.c - from digests to places in an array.
 */
#include "content/digest_map.h"

#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "content/digest.h"

struct mr_digest_slot {
	struct mreg_digest digest; /* NONE: free */
	size_t index;
};

/* Digests are random already. */
static size_t place_of(const struct mr_digest_map *m,
		       const struct mreg_digest *d)
{
	size_t at;

	memcpy(&at, d->bytes, sizeof(at));
	at &= m->cap - 1;
	while (mr_digest_known(&m->slots[at].digest) &&
	       !mreg_digest_equal(&m->slots[at].digest, d))
		at = (at + 1) & (m->cap - 1);
	return at;
}

size_t mr_digest_map_get(const struct mr_digest_map *m,
			 const struct mreg_digest *d)
{
	const struct mr_digest_slot *s;

	if (!m->n)
		return MR_DIGEST_NO_INDEX;
	s = &m->slots[place_of(m, d)];
	return mr_digest_known(&s->digest) ? s->index : MR_DIGEST_NO_INDEX;
}

static int map_grow(struct mr_digest_map *m, struct mreg_error *err)
{
	struct mr_digest_map bigger = { .cap = m->cap ? 2 * m->cap : 64 };
	size_t i;

	bigger.slots = mr_array(bigger.cap, sizeof(*bigger.slots));
	if (!bigger.slots)
		return mr_fail_nomem(err);
	for (i = 0; i < m->cap; i++)
		if (mr_digest_known(&m->slots[i].digest))
			bigger.slots[place_of(&bigger, &m->slots[i].digest)] =
				m->slots[i];
	bigger.n = m->n;
	mr_release(m->slots);
	*m = bigger;
	return 0;
}

int mr_digest_map_put(struct mr_digest_map *m, const struct mreg_digest *d,
		      size_t index, struct mreg_error *err)
{
	struct mr_digest_slot *s;
	int rc = 2 * (m->n + 1) > m->cap ? map_grow(m, err) : 0;

	if (rc < 0)
		return rc;
	s = &m->slots[place_of(m, d)];
	if (!mr_digest_known(&s->digest))
		m->n++;
	s->digest = *d;
	s->index = index;
	return 0;
}

void mr_digest_map_release(struct mr_digest_map *m)
{
	mr_release(m->slots);
	memset(m, 0, sizeof(*m));
}
