/*
 * view/attach.h - what attach and evaluate show alike.
 */
#ifndef MR_VIEW_ATTACH_H
#define MR_VIEW_ATTACH_H

#include "mreg/attach.h"
#include "view/view.h"

/* All but `schema`. */
void mr_view_attach(struct mr_view *v, const struct mreg_attach_result *r);

#endif
