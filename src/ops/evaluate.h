/*
 * ops/evaluate.h - the parts of evaluating; private to the folder.
 */
#ifndef MR_OPS_EVALUATE_H
#define MR_OPS_EVALUATE_H

#include "model/model.h"
#include "mreg/evaluate.h"
#include "ops/attach.h"

/* Write the *evaluated* event of `document`, which is attached, unless the log
 * has it; `event` is its digest. */
int mr_evaluate_tell(struct attach *a, const struct mr_evaluation *e,
		     const struct mreg_digest *document,
		     struct mreg_digest *event, struct mreg_error *err);

#endif
