/*
 * ledger/ledger.h - a model's events: text to value and back, the hash graph
 * they form, and the fold that every reader computes alike.
 *
 * An event is an OCI artifact (product.md 3.3): its canonical JSON is the
 * annotation org.mreg.event of a manifest with the empty config and one
 * empty-JSON layer.  The digest of that manifest is the event's identity;
 * `prev` names the digests of all heads its writer saw.  No input or output,
 * no clock.
 *
 * Fold order: ancestors first, then by seq, then by digest; never by time.
 *
 * Claims (product.md 3.2; exhaustively modelled with crashes).  A number N
 * belongs to the claim that no later event replaces; while two stand, to the
 * digest that the tag v<N> has.  Rules the functions below keep:
 * 1. A new claim's number is above every number any event names.
 * 2. A claim that meets another digest on its number, replaced or not, is
 *    abandoned: its writer's next event names it in `replaces`.
 * 3. `replaces` counts only from a claim of the same version under a higher
 *    number: nobody takes back what is another's.
 */
#ifndef MR_LEDGER_LEDGER_H
#define MR_LEDGER_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "ledger/event.h"
#include "ledger/standing.h"
#include "mreg/types.h"

struct mr_ledger;
int mr_ledger_new(struct mr_ledger **out, struct mreg_error *err);
void mr_ledger_free(struct mr_ledger *l);
void mr_ledger_freep(struct mr_ledger **l); /* for MR_AUTO */

/*
 * Add an event from its manifest's bytes; copies.  Adding one twice does
 * nothing.  Order does not matter.  What is no event, or one that breaks the
 * format, is MREG_EFORMAT and changes nothing.  An event whose seq is not 1 +
 * the largest of those of its `prev` that are here, is kept and counted in
 * mr_ledger_flaws.
 */
int mr_ledger_add(struct mr_ledger *l, const void *bytes, size_t n,
		  struct mreg_error *err);

size_t mr_ledger_count(const struct mr_ledger *l);
size_t mr_ledger_flaws(const struct mr_ledger *l);
/* Event `i` in fold order; borrowed. */
const struct mr_event *mr_ledger_event(struct mr_ledger *l, size_t i);
/* The event with this digest, in constant time; NULL: it is not here. */
const struct mr_event *mr_ledger_find(const struct mr_ledger *l,
				      const struct mreg_digest *d);
/* Whether the writer of `later` had seen `earlier`, both events of `l`; an
 * event follows itself. */
bool mr_ledger_follows(struct mr_ledger *l, const struct mr_event *later,
		       const struct mr_event *earlier);
/* Digests that no event here names in `prev`, sorted; borrowed until the next
 * add. */
int mr_ledger_heads(struct mr_ledger *l, const struct mreg_digest **out,
		    size_t *count, struct mreg_error *err);
/* What the next event names in `prev`: the heads; of more than MR_PREV_MAX
 * those with the largest seq, and later events take up the others, so that many
 * heads do not make an event too large to be written.  As above. */
#define MR_PREV_MAX 256
int mr_ledger_prev(struct mr_ledger *l, const struct mreg_digest **out,
		   size_t *count, struct mreg_error *err);
/* Digests that events here name in `prev` but that are not here, sorted: a
 * listing that is not whole.  Borrowed until the next add. */
int mr_ledger_missing(struct mr_ledger *l, const struct mreg_digest **out,
		      size_t *count, struct mreg_error *err);
/* The first event in fold order that names `d` in `prev`; NULL: none. */
const struct mr_event *mr_ledger_first_after(struct mr_ledger *l,
					     const struct mreg_digest *d);
/* Whether the event's seq is 1 + the largest of those of its `prev`, as far as
 * they are here. */
bool mr_ledger_placed(const struct mr_ledger *l, const struct mr_event *e);
uint64_t mr_ledger_next_seq(const struct mr_ledger *l);

/* The highest number that any event names, replaced or not; 0: none. */
uint64_t mr_ledger_highest(const struct mr_ledger *l);
/* Whether any event, replaced or not, names `number` with another digest. */
bool mr_ledger_contested(const struct mr_ledger *l, uint64_t number,
			 const struct mreg_digest *version);
/* How many such other digests there are (for the random step), counted up to
 * MR_RIVALS_MAX. */
#define MR_RIVALS_MAX 64
size_t mr_ledger_rivals(const struct mr_ledger *l, uint64_t number,
			const struct mreg_digest *version);
/* The standing (not replaced) claim with the lowest number for `version`, so
 * that everybody who pushes the same bytes at once settles on one; of equals
 * the first in fold order.  NULL: none. */
const struct mr_event *mr_ledger_claim_of(struct mr_ledger *l,
					  const struct mreg_digest *version);
/*
 * To whom `number` belongs.  One standing digest: that event.  Several: the
 * one whose version is `tagged` (what v<N> has; may be NULL).  Else NULL.  Of
 * several events with the same digest the first in fold order.
 */
const struct mr_event *mr_ledger_owner(struct mr_ledger *l, uint64_t number,
				       const struct mreg_digest *tagged);
/* Numbers that have a standing claim, ascending, each once; owned by the
 * caller (mr_release). */
int mr_ledger_numbers(struct mr_ledger *l, uint64_t **out, size_t *count,
		      struct mreg_error *err);

/* The lines of the events of `l` whose seq is below that of the next event and
 * not below the last that had to carry a pack; none that carries one.
 * MREG_ELIMIT: too large. */
int mr_ledger_pack(struct mr_ledger *l, struct mr_buf *out,
		   struct mreg_error *err);
/* The last *policy changed* event in fold order; NULL: none. */
const struct mr_event *mr_ledger_policy(struct mr_ledger *l);

#endif
