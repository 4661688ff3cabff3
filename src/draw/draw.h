/*
 * draw/draw.h - pictures of a graph, pages for people, and files of those that
 * serve a model, made of results alone: text out of values, nothing asked and
 * nothing looked up.  The door; mreg_lineage_draw (mreg/lineage.h) is in
 * draw.c, mreg_render (mreg/render.h) in render.c.
 *
 * Whatever a result has may be hostile: in each format it stays data.
 */
#ifndef MR_DRAW_DRAW_H
#define MR_DRAW_DRAW_H

#include "draw/page.h"

#endif
