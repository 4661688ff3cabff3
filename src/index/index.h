/*
 * index/index.h - what registries hold, remembered so that it can be searched:
 * schema, records, and the questions asked of them.  No network: who crawls
 * writes records, and whoever asks reads rows.
 *
 * Invariants
 * 1. Every row of the model data belongs to one model (a repository of a place)
 *    and is a function of what that repository holds: the index is the union of
 *    its models.  So writing a model anew, in any order, gives the same
 * content.
 * 2. Ids of texts and nodes are names without meaning; what nothing refers to
 *    any more answers no question.
 * 3. Tables cache_* hold what makes the next sync cheap.  They answer no
 *    question about models.
 * 4. Values are data: whatever a manifest says is bound, never spliced.
 *
 * Thread rule: an index may be shared by threads; each call locks it.
 */
#ifndef MR_INDEX_INDEX_H
#define MR_INDEX_INDEX_H

#include "index/cache.h"
#include "index/figures.h"
#include "index/graph.h"
#include "index/read.h"
#include "index/record.h"
#include "index/search.h"
#include "index/write.h"

#endif
