/*
 * view/image.h - what image and push show alike.
 */
#ifndef MR_VIEW_IMAGE_H
#define MR_VIEW_IMAGE_H

#include "mreg/image.h"
#include "view/view.h"

/* All but `schema`. */
void mr_view_image(struct mr_view *v, const struct mreg_image_result *r);

#endif
