/*
 * transfer/ask.h - asking the target what it has.  Private to transfer.
 */
#ifndef MR_TRANSFER_ASK_H
#define MR_TRANSFER_ASK_H

#include "transfer/transfer.h"

/* Pointers to all items, largest first; the caller's (mr_release); NULL when
 * out of memory. */
struct mr_item **mr_plan_order(struct mr_plan *p);
/* Ask whether `to` has an item of known digest, unless the plan is fresh and
 * that is not worth a request: COPY or REUSE. */
int mr_plan_ask(struct mr_plan *p, struct mr_store *to, struct mr_item *it,
		struct mreg_error *err);
/* The same for all items that are to be looked for. */
int mr_plan_ask_all(struct mr_plan *p, struct mr_store *to, unsigned int jobs,
		    struct mreg_error *err);
/* Whether hashing it before it is sent costs less than streaming it. */
bool mr_plan_hash_first(const struct mr_plan *p, const struct mr_item *it);
/* Let `to` take it over from where it is known to be (P-50); `*done` false:
 * its bytes have to be sent. */
int mr_plan_mount(struct mr_store *to, const struct mr_item *it, bool *done,
		  struct mreg_error *err);

#endif
