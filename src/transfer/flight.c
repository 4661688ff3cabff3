/*
 * flight.c - pieces on their way from the legs to the sink.
 *
 *	taken -> filled -> entered -> hashed and written -> idle
 *
 * Invariants
 * 1. A piece is entered and queued in one go under the lock, so the hasher
 *    gets those that are in order in that order.
 * 2. Whoever has the lock may take the sink's own, never the other way.
 * 3. The hasher and the writer only wait for pieces, never for legs: pieces
 *    come back whatever the legs do.
 *
 * For each piece, whoever waits for it is woken after the lock is left: woken
 * under it, it would only wait for the lock next.
 */
#include "transfer/internal.h"

#include <stdint.h>

#include "base/error.h"
#include "base/mem.h"

/* What O_DIRECT wants of an address. */
#define ALIGN 4096u

/* -- failing --------------------------------------------------------------- */

void mr_crew_ground(struct mr_crew *c, struct mr_flight *f)
{
	if (c->rc < 0 && f->rc == 0)
		f->rc = mr_fail(&f->err, MREG_ECANCELED,
				"given up, because the run has failed");
}

void mr_crew_fail(struct mr_crew *c, const char *label, int rc,
		  const struct mreg_error *err)
{
	struct mr_flight *f;

	if (c->rc < 0)
		return;
	c->rc = rc;
	c->err = *err;
	if (rc != MREG_ECANCELED)
		(void)mr_wrap(&c->err, "cannot transfer '%s'", label);
	/* Flights stop at their next read; an upload ends its blob. */
	if (rc != MREG_ECANCELED && c->running > 1)
		mr_log(c->env, MREG_LOG_WARN, "'%s' failed (%s); %s", label,
		       err->msg,
		       mr_store_sinks(c->to) ? "stopping the others"
					     : "waiting for those under way");
	for (f = c->flights; f; f = f->next)
		mr_crew_ground(c, f);
	mr_signal_all(&c->changed);
	mr_signal_all(&c->piece_idle);
}

void mr_flight_broke(struct mr_flight *f, int rc, const struct mreg_error *err)
{
	if (f->rc < 0)
		return;
	f->rc = rc;
	f->err = *err;
	mr_crew_fail(f->crew, f->item->label, rc, err);
}

void mr_flight_fail(struct mr_flight *f, int rc, const struct mreg_error *err)
{
	mr_lock_enter(&f->crew->lock);
	mr_flight_broke(f, rc, err);
	mr_lock_leave(&f->crew->lock);
}

/* -- pieces -------------------------------------------------------------- */

static struct mr_piece *piece_new(void)
{
	struct mr_piece *p = mr_zalloc(sizeof(*p));

	if (!p)
		return NULL;
	p->memory = mr_alloc(MR_PIECE_BYTES + ALIGN);
	if (!p->memory) {
		mr_release(p);
		return NULL;
	}
	p->data = p->memory + (ALIGN - (uintptr_t)p->memory % ALIGN) % ALIGN;
	return p;
}

/* Under the lock; piece_idle is to be told. */
static void put_idle(struct mr_crew *c, struct mr_piece *p)
{
	p->to_hash = c->idle;
	c->idle = p;
}

static void done_with(struct mr_crew *c, struct mr_piece *p)
{
	bool idle;

	mr_lock_enter(&c->lock);
	idle = --p->users == 0;
	if (idle)
		put_idle(c, p);
	mr_lock_leave(&c->lock);
	if (idle)
		mr_signal_one(&c->piece_idle);
}

/* Under the lock: one that is there, or may be made. */
static bool may_take(const struct mr_crew *c)
{
	return c->idle || c->pieces < c->pieces_max;
}

struct mr_piece *mr_piece_take(struct mr_flight *f)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_crew *c = f->crew;
	struct mr_piece *p;
	bool failed;

	mr_lock_enter(&c->lock);
	while (f->rc == 0 && !may_take(c))
		mr_signal_wait(&c->piece_idle, &c->lock);
	failed = f->rc < 0;
	if (failed)
		mr_signal_one(&c->piece_idle); /* meant for somebody else */
	p = failed ? NULL : c->idle;
	if (p)
		c->idle = p->to_hash;
	else if (!failed)
		c->pieces++;
	mr_lock_leave(&c->lock);
	if (p || failed)
		return p;
	p = piece_new();
	if (!p) {
		mr_lock_enter(&c->lock);
		c->pieces--;
		mr_lock_leave(&c->lock);
		mr_flight_fail(f, mr_fail_nomem(&err), &err);
	}
	return p;
}

void mr_piece_return(struct mr_flight *f, struct mr_piece *p)
{
	p->users = 1;
	done_with(f->crew, p);
}

void mr_crew_init(struct mr_crew *c)
{
	mr_lock_init(&c->lock);
	mr_signal_init(&c->changed);
	mr_signal_init(&c->piece_idle);
}

void mr_crew_release(struct mr_crew *c)
{
	struct mr_piece *p;

	while ((p = c->idle) != NULL) {
		c->idle = p->to_hash;
		mr_release(p->memory);
		mr_release(p);
	}
	mr_signal_release(&c->piece_idle);
	mr_signal_release(&c->changed);
	mr_lock_release(&c->lock);
}

/* -- queues; under the lock ------------------------------------------------ */

static void queue_hash(struct mr_flight *f, struct mr_piece *p)
{
	p->to_hash = NULL;
	if (f->hash_last)
		f->hash_last->to_hash = p;
	else
		f->hash_first = p;
	f->hash_last = p;
	p->users++;
}

static void queue_write(struct mr_flight *f, struct mr_piece *p)
{
	p->to_write = NULL;
	if (f->write_last)
		f->write_last->to_write = p;
	else
		f->write_first = p;
	f->write_last = p;
	p->users++;
}

static struct mr_piece *next_hash(struct mr_flight *f)
{
	struct mr_piece *p = f->hash_first;

	if (p)
		f->hash_first = p->to_hash;
	if (!f->hash_first)
		f->hash_last = NULL;
	return p;
}

static struct mr_piece *next_write(struct mr_flight *f)
{
	struct mr_piece *p = f->write_first;

	if (p)
		f->write_first = p->to_write;
	if (!f->write_first)
		f->write_last = NULL;
	return p;
}

/* -- the two threads ------------------------------------------------------- */

/* What the hasher does next: a piece, or (NULL) catching up; false: the
 * end. */
static bool hash_work(struct mr_flight *f, struct mr_piece **p)
{
	struct mr_crew *c = f->crew;
	bool work;

	mr_lock_enter(&c->lock);
	while (!f->hash_first && !f->stored && !f->written)
		mr_signal_wait(&f->to_hash, &c->lock);
	*p = next_hash(f);
	work = *p || f->stored;
	if (!*p)
		f->stored = false;
	mr_lock_leave(&c->lock);
	return work;
}

static int hash_all(void *ctx, size_t index, struct mreg_error *err)
{
	struct mreg_error why = MREG_ERROR_INIT;
	struct mr_flight *f = ctx;
	struct mr_piece *p;
	int rc = 0;

	(void)index;
	(void)err;
	while (hash_work(f, &p)) {
		/* After a failure pieces are only passed on. */
		if (rc == 0)
			rc = p ? mr_sink_prove(f->sink, p->data, p->n,
					       p->offset, &why)
			       : mr_sink_catch_up(f->sink, &why);
		if (rc < 0)
			mr_flight_fail(f, rc, &why);
		if (p)
			done_with(f->crew, p);
	}
	return 0;
}

static bool write_work(struct mr_flight *f, struct mr_piece **p)
{
	struct mr_crew *c = f->crew;

	mr_lock_enter(&c->lock);
	while (!f->write_first && !f->closing)
		mr_signal_wait(&f->to_write, &c->lock);
	*p = next_write(f);
	mr_lock_leave(&c->lock);
	return *p != NULL;
}

/* There is something to be read back. */
static void tell_stored(struct mr_flight *f)
{
	mr_lock_enter(&f->crew->lock);
	f->stored = true;
	mr_lock_leave(&f->crew->lock);
	mr_signal_one(&f->to_hash);
}

static int write_all(void *ctx, size_t index, struct mreg_error *err)
{
	struct mreg_error why = MREG_ERROR_INIT;
	struct mr_flight *f = ctx;
	struct mr_piece *p;
	int rc = 0;

	(void)index;
	(void)err;
	while (write_work(f, &p)) {
		if (rc == 0)
			rc = mr_sink_store(f->sink, p->data, p->n, p->offset,
					   p->in_order, &why);
		if (rc < 0)
			mr_flight_fail(f, rc, &why);
		if (!p->in_order)
			tell_stored(f);
		done_with(f->crew, p);
	}
	return 0;
}

void mr_piece_give(struct mr_flight *f, struct mr_piece *p)
{
	struct mreg_error why = MREG_ERROR_INIT;
	struct mr_crew *c = f->crew;
	bool in_order = false;
	int rc;

	if (!f->threads) {
		rc = mr_sink_write_at(f->sink, p->data, p->n, p->offset, &why);
		if (rc < 0)
			mr_flight_fail(f, rc, &why);
		mr_piece_return(f, p);
		return;
	}
	mr_lock_enter(&c->lock);
	rc = mr_sink_enter(f->sink, p->n, p->offset, &in_order, &why);
	if (rc == 0) {
		p->in_order = in_order;
		p->users = 0;
		if (in_order)
			queue_hash(f, p);
		queue_write(f, p);
	}
	mr_lock_leave(&c->lock);
	if (rc < 0) {
		mr_piece_return(f, p);
		mr_flight_fail(f, rc, &why);
		return;
	}
	/* The piece is theirs now.  The flight stays as long as this leg. */
	if (in_order)
		mr_signal_one(&f->to_hash);
	mr_signal_one(&f->to_write);
}

int mr_flight_start(struct mr_flight *f, struct mreg_error *err)
{
	int rc;

	mr_signal_init(&f->to_hash);
	mr_signal_init(&f->to_write);
	f->stored = mr_sink_resumed(f->sink) > 0; /* to be read back */
	rc = mr_side_start(hash_all, f, &f->hasher, err);
	if (rc == 0)
		rc = mr_side_start(write_all, f, &f->writer, err);
	f->threads =
		rc == 0 && mr_side_runs(f->hasher) && mr_side_runs(f->writer);
	return rc;
}

void mr_flight_stop(struct mr_flight *f)
{
	struct mr_crew *c = f->crew;

	/* The writer first: the hasher may have to read what it stores. */
	mr_lock_enter(&c->lock);
	if (f->rc < 0)
		mr_sink_stop(f->sink);
	f->closing = true;
	mr_signal_one(&f->to_write);
	mr_lock_leave(&c->lock);
	if (f->writer)
		(void)mr_side_join(f->writer, NULL); /* says 0 */
	mr_lock_enter(&c->lock);
	f->written = true;
	mr_signal_one(&f->to_hash);
	mr_lock_leave(&c->lock);
	if (f->hasher)
		(void)mr_side_join(f->hasher, NULL);
	mr_signal_release(&f->to_hash);
	mr_signal_release(&f->to_write);
}
