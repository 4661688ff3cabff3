/*
 * look/look.h - reading what a repository holds: one version opened, what its
 * files say, what is attached to it, what stands beside it.  The door: its
 * leaves are the parts.
 */
#ifndef MR_LOOK_LOOK_H
#define MR_LOOK_LOOK_H

#include "look/attached.h"
#include "look/facts.h"
#include "look/life.h"
#include "look/siblings.h"

#endif
