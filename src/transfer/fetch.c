/*
 * fetch.c - a large blob comes over one or several connections.
 *
 * States of a leg: range taken -> stream open -> receiving -> ended (its range
 * is whole) or broken (the rest is given back).  A broken leg costs its own
 * range (product.md 5.5), unless it was the only one.
 */
#include "transfer/internal.h"

#include <inttypes.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"

/* How often a leg's speed is measured. */
#define WINDOW_MS 500
/* How often a worker with nothing to do looks for something. */
#define LOOK_MS 100

static void measure(struct mr_flight *f, struct mr_leg *leg, size_t got,
		    bool *slow)
{
	struct mr_crew *c = f->crew;
	int64_t now_ms = mr_mono_ms(c->env);
	int64_t spent_ms = now_ms - leg->window_ms - leg->waited_ms;

	leg->window_bytes += got;
	if (now_ms - leg->window_ms < WINDOW_MS)
		return;
	mr_lock_enter(&c->lock);
	leg->rate = leg->window_bytes * 1000 /
		    (uint64_t)(spent_ms > 0 ? spent_ms : 1);
	leg->known = true;
	leg->seen_ms = now_ms;
	*slow = mr_ranges_is_slow(f, leg, now_ms);
	mr_lock_leave(&c->lock);
	leg->window_ms = now_ms;
	leg->waited_ms = 0;
	leg->window_bytes = 0;
}

/* Claim the next piece of the range: how many bytes; 0 at its end. */
static size_t claim(struct mr_flight *f, struct mr_leg *leg)
{
	uint64_t n = MR_PIECE_BYTES - leg->at % MR_PIECE_BYTES;

	mr_lock_enter(&f->crew->lock);
	if (f->rc < 0)
		n = 0;
	else if (n > leg->end - leg->at)
		n = leg->end - leg->at;
	leg->claimed = leg->at + n;
	mr_lock_leave(&f->crew->lock);
	return (size_t)n;
}

static bool has_failed(struct mr_flight *f)
{
	bool failed;

	mr_lock_enter(&f->crew->lock);
	failed = f->rc < 0;
	mr_lock_leave(&f->crew->lock);
	return failed;
}

/* Receive `n` bytes, or as many as come. */
static int receive(struct mr_flight *f, struct mr_leg *leg,
		   struct mr_stream *in, struct mr_piece *p, size_t n,
		   bool *slow, struct mreg_error *err)
{
	ssize_t got;
	int rc;

	while (p->n < n && !*slow) {
		rc = mr_check_cancel(f->crew->env, err);
		if (rc < 0 || has_failed(f))
			return rc;
		got = mr_stream_read(in, p->data + p->n, n - p->n, err);
		if (got < 0)
			return (int)got;
		if (got == 0)
			return mr_fail(err, MREG_EINTEGRITY,
				       "'%s' ends after %" PRIu64 "/%" PRIu64
				       " bytes",
				       f->item->label, leg->at + p->n,
				       f->item->desc.size);
		p->n += (size_t)got;
		mr_progress_bytes(f->crew->env, f->item->label, (uint64_t)got);
		measure(f, leg, (size_t)got, slow);
	}
	return 0;
}

static int receive_piece(struct mr_flight *f, struct mr_leg *leg,
			 struct mr_stream *in, size_t n, bool *slow,
			 struct mreg_error *err)
{
	int64_t began_ms = mr_mono_ms(f->crew->env);
	struct mr_piece *p = mr_piece_take(f);
	int rc;

	if (!p)
		return 0; /* the flight says why */
	leg->waited_ms += mr_mono_ms(f->crew->env) - began_ms;
	p->n = 0;
	p->offset = leg->at;
	rc = receive(f, leg, in, p, n, slow, err);
	leg->at += p->n;
	/* Also what came before a failure: it has been told as moved. */
	if (p->n > 0)
		mr_piece_give(f, p);
	else
		mr_piece_return(f, p);
	return rc;
}

/* Nothing may follow the last byte of a blob that was asked for as a whole. */
static int check_end(struct mr_flight *f, struct mr_stream *in,
		     struct mreg_error *err)
{
	ssize_t got;
	bool ignored;
	char one;

	got = mr_stream_read(in, &one, 1, err);
	if (got <= 0)
		return (int)got;
	return mr_sink_enter(f->sink, 1, f->item->desc.size, &ignored, err);
}

/* Fetch the leg's range, as far as it goes. */
static int run_leg(struct mr_flight *f, struct mr_leg *leg, bool helps,
		   struct mreg_error *err)
{
	MR_AUTO(mr_stream_closep) struct mr_stream *in = NULL;
	struct mr_crew *c = f->crew;
	uint64_t size = f->item->desc.size;
	bool whole = leg->at == 0 && leg->open_end == size;
	bool slow = false;
	size_t n;
	int rc;

	rc = mr_store_open_range(c->from, &f->item->desc, leg->at,
				 leg->open_end - leg->at, &in, err);
	if (rc < 0)
		return rc;
	/* Found out by asking: the answer is not what was asked for. */
	if (helps && !mr_store_ranges(c->from))
		return 0;
	while (rc >= 0 && !slow && (n = claim(f, leg)) > 0)
		rc = receive_piece(f, leg, in, n, &slow, err);
	if (slow)
		mr_log(c->env, MREG_LOG_INFO,
		       "'%s': a connection is slower than the others; asking "
		       "again from byte %" PRIu64,
		       f->item->label, leg->at);
	if (rc >= 0 && whole && leg->at == size && !has_failed(f))
		rc = check_end(f, in, err);
	return rc;
}

/* Under the lock: a leg got to the end of its range. */
static void praise_leg(struct mr_flight *f)
{
	if (f->leg_max == MR_LEGS_MAX || ++f->legs_well < f->leg_max)
		return;
	f->legs_well = 0;
	f->leg_max++;
}

/* Under the lock: a leg broke off.  A helper's range is fetched by the others,
 * or by the one who began the flight, who stays to the end; its own failure is
 * the blob's when nobody else is under way. */
static void judge_leg(struct mr_flight *f, bool helps, int rc,
		      const struct mreg_error *why)
{
	bool ours = rc == MREG_ECANCELED || rc == MREG_ENOMEM || rc == MREG_EIO;

	if (f->rc < 0)
		return; /* it was stopped */
	if (!ours && (helps || f->leg_count > 0)) {
		mr_log(f->crew->env, MREG_LOG_INFO,
		       "'%s': a connection broke off (%s); %u go on",
		       f->item->label, why->msg, f->leg_count);
		f->leg_max = f->leg_count > 0 ? f->leg_count : 1;
		f->legs_well = 0;
	} else {
		mr_flight_broke(f, rc, why);
	}
}

/* Under the lock, given up meanwhile: take a range and fetch it; false: there
 * was none. */
static bool fly(struct mr_flight *f, struct mr_leg *leg, bool helps, bool steal)
{
	struct mreg_error why = MREG_ERROR_INIT;
	struct mr_crew *c = f->crew;
	int rc;

	if (!mr_ranges_take(f, leg, steal))
		return false;
	leg->began_ms = leg->window_ms = leg->seen_ms = mr_mono_ms(c->env);
	leg->known = false;
	leg->waited_ms = 0;
	leg->window_bytes = 0;
	mr_lock_leave(&c->lock);
	rc = run_leg(f, leg, helps, &why);
	mr_lock_enter(&c->lock);
	if (rc == 0 && leg->at == leg->end)
		praise_leg(f);
	mr_ranges_give_back(f, leg);
	if (rc < 0)
		judge_leg(f, helps, rc, &why);
	return true;
}

bool mr_fetch_help(struct mr_crew *c)
{
	struct mr_leg leg = { .at = 0 };
	int64_t now_ms = mr_mono_ms(c->env);
	unsigned int most = c->jobs;
	struct mr_flight *f;

	/* The last one may have more, unless one was asked for. */
	if (c->flights && !c->flights->next && !c->more)
		most = c->most;
	if (c->legs >= most)
		return false;
	for (f = c->flights; f; f = f->next)
		if (mr_ranges_want_help(f, now_ms))
			break;
	if (!f || !fly(f, &leg, true, true))
		return false;
	/* The flight is there as long as we have not given the lock up. */
	while (c->legs < most && mr_ranges_want_help(f, mr_mono_ms(c->env)))
		if (!fly(f, &leg, true, true))
			break;
	return true;
}

/* The worker that began the flight stays until nothing is left of it. */
static void fly_on(struct mr_flight *f)
{
	struct mr_crew *c = f->crew;
	struct mr_leg leg = { .at = 0 };
	bool done = false;

	mr_lock_enter(&c->lock);
	while (!done) {
		bool steal = mr_ranges_want_help(f, mr_mono_ms(c->env));

		if (fly(f, &leg, f->leg_count > 0, steal))
			continue;
		done = f->leg_count == 0;
		if (!done)
			mr_signal_wait_ms(&c->changed, &c->lock, LOOK_MS);
	}
	mr_lock_leave(&c->lock);
}

static void join_crew(struct mr_crew *c, struct mr_flight *f)
{
	mr_lock_enter(&c->lock);
	mr_crew_ground(c, f);
	f->next = c->flights;
	c->flights = f;
	mr_signal_all(&c->changed);
	mr_lock_leave(&c->lock);
}

static void leave_crew(struct mr_crew *c, struct mr_flight *f)
{
	struct mr_flight **at = &c->flights;

	mr_lock_enter(&c->lock);
	while (*at != f)
		at = &(*at)->next;
	*at = f->next;
	mr_signal_all(&c->changed);
	mr_lock_leave(&c->lock);
}

static int list_holes(struct mr_flight *f, struct mreg_error *err)
{
	struct mr_span hole = { .end = 0 };
	int rc = 0;

	while (rc == 0 && mr_sink_hole(f->sink, hole.end, &hole))
		rc = mr_spans_add(&f->todo, hole.start, hole.end, err);
	return rc;
}

/* The flight's sink is used up, whatever happens. */
static int fly_all(struct mr_flight *f, bool *disproved, struct mreg_error *err)
{
	struct mr_crew *c = f->crew;
	struct mreg_error why = MREG_ERROR_INIT;
	int rc = list_holes(f, &why);

	if (rc == 0)
		rc = mr_flight_start(f, &why);
	if (rc == 0) {
		join_crew(c, f);
		fly_on(f);
		leave_crew(c, f);
	}
	mr_flight_stop(f);
	mr_spans_release(&f->todo);
	if (rc == 0 && f->rc < 0) {
		rc = f->rc;
		why = f->err;
	}
	if (rc == 0) {
		rc = mr_store_finish(c->to, &f->item->desc, c->from, f->sink,
				     err);
		*disproved = rc == MREG_EINTEGRITY;
		return rc;
	}
	mr_sink_give_up(f->sink, &why);
	if (err)
		*err = why;
	return rc;
}

/* `*fetched`: it was not there.  `*disproved`: all bytes were there, and were
 * wrong; nothing of them is left. */
static int fetch_once(struct mr_crew *c, struct mr_item *it, bool *fetched,
		      bool *disproved, struct mreg_error *err)
{
	struct mr_flight f = {
		.crew = c,
		.item = it,
		.leg_most = MR_LEGS_MAX,
		.leg_max = MR_LEGS_MAX,
	};
	int rc;

	it->resumed = 0;
	*disproved = false;
	rc = mr_store_begin(c->to, &it->desc, &f.sink, err);
	*fetched = rc == 0 && f.sink;
	if (!*fetched)
		return rc;
	it->resumed = mr_sink_resumed(f.sink);
	if (it->resumed > 0)
		mr_log(c->env, MREG_LOG_INFO,
		       "'%s': going on with %" PRIu64 " of %" PRIu64
		       " bytes that an interrupted run left",
		       it->label, it->resumed, it->desc.size);
	return fly_all(&f, disproved, err);
}

int mr_fetch(struct mr_crew *c, struct mr_item *it, bool *fetched,
	     struct mreg_error *err)
{
	struct mreg_error why = MREG_ERROR_INIT;
	bool disproved;
	int rc = fetch_once(c, it, fetched, &disproved, &why);

	if (disproved && it->resumed > 0) {
		/* Its sink has thrown all of it away. */
		mr_log(c->env, MREG_LOG_WARN,
		       "'%s': what an interrupted run left is not right (%s); "
		       "fetching all of it",
		       it->label, why.msg);
		rc = fetch_once(c, it, fetched, &disproved, &why);
	}
	if (rc < 0 && err)
		*err = why;
	return rc;
}
