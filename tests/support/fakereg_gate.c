/*
 * tests/support/fakereg_gate.c - how many bytes of blobs passed the fake
 * registry, and where they stop: so that a test can kill a client after a
 * certain byte instead of after a certain time.
 */
#include "tests/support/fakereg_inside.h"

void fake_gate_init(struct fakereg *f)
{
	(void)pthread_mutex_init(&f->gate_lock, NULL);
	(void)pthread_cond_init(&f->gate_open, NULL);
	f->gate = UINT64_MAX;
}

void fake_gate_release(struct fakereg *f)
{
	(void)pthread_cond_destroy(&f->gate_open);
	(void)pthread_mutex_destroy(&f->gate_lock);
}

void fake_gate_pass(void *ctx, bool in, size_t n)
{
	struct fakereg *f = ctx;

	(void)pthread_mutex_lock(&f->gate_lock);
	f->moved.waiting++;
	while (f->moved.in + f->moved.out >= f->gate)
		(void)pthread_cond_wait(&f->gate_open, &f->gate_lock);
	f->moved.waiting--;
	if (in)
		f->moved.in += n;
	else
		f->moved.out += n;
	(void)pthread_mutex_unlock(&f->gate_lock);
}

void fakereg_gate(struct fakereg *f, uint64_t at)
{
	(void)pthread_mutex_lock(&f->gate_lock);
	if (at != UINT64_MAX) {
		f->moved.in = 0;
		f->moved.out = 0;
	}
	f->gate = at;
	(void)pthread_cond_broadcast(&f->gate_open);
	(void)pthread_mutex_unlock(&f->gate_lock);
}

struct fakereg_moved fakereg_moved(struct fakereg *f)
{
	struct fakereg_moved out;

	(void)pthread_mutex_lock(&f->gate_lock);
	out = f->moved;
	(void)pthread_mutex_unlock(&f->gate_lock);
	out.busy = fake_http_busy(f->http);
	out.connections = fake_http_connections(f->http);
	return out;
}

void fake_moved_json(struct fakereg *f, struct fake_bytes *out)
{
	struct fakereg_moved m = fakereg_moved(f);

	fake_printf(out,
		    "{\"in\":%llu,\"out\":%llu,\"waiting\":%u,\"busy\":%u,"
		    "\"connections\":%u}",
		    (unsigned long long)m.in, (unsigned long long)m.out,
		    m.waiting, m.busy, m.connections);
}
