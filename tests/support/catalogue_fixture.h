/*
 * tests/support/catalogue_fixture.h - models with versions, made up from a
 * seed: written into an index, and asked here without one, by looking at all.
 */
#ifndef TESTS_SUPPORT_CATALOGUE_FIXTURE_H
#define TESTS_SUPPORT_CATALOGUE_FIXTURE_H

#include "index/index.h"

#define CATALOGUE_MODELS 7
#define CATALOGUE_VERSIONS 160
#define CATALOGUE_MANIFESTS 120
#define CATALOGUE_SEVERAL 4 /* values of a map, names of a version, parents */
#define CATALOGUE_PREFIX "reg.example/acme"

/* A text by attribute: NULL where it is not told. */
struct catalogue_manifest {
	struct mreg_digest digest, fileset;
	const char *text[MR_ATTR_COUNT];
	const char *author[2];
	int64_t number[MR_ATTR_COUNT]; /* 0: not told, where that may be */
	struct mreg_pair params[CATALOGUE_SEVERAL], metrics[CATALOGUE_SEVERAL];
	size_t param_count, metric_count, parent_count;
	size_t parents[CATALOGUE_SEVERAL]; /* manifests, itself too */
	const char *uri;                   /* of an input; NULL */
	const char *uri_license;           /* NULL */
	const char *card;                  /* NULL */
};

struct catalogue_version {
	int64_t id; /* by the index */
	size_t model, manifest;
	uint64_t number;
	const char *text[MR_ATTR_COUNT]; /* of the log */
	int64_t time[MR_ATTR_COUNT];
	int64_t archived_s, deprecated_s;
	struct mreg_pair tags[CATALOGUE_SEVERAL];
	size_t tag_count;
};

struct catalogue_model {
	const char *name, *place, *repository;
	const char *owner, *description;
	int64_t recorded_s, updated_s, id;
	struct mreg_pair tags[CATALOGUE_SEVERAL];
	size_t tag_count;
	struct mr_ix_name names[CATALOGUE_SEVERAL];
	size_t name_count;
	struct mr_ix_deployment places[CATALOGUE_SEVERAL];
	size_t place_count;
	struct mr_ix_document documents[CATALOGUE_SEVERAL];
	size_t document_count;
};

struct catalogue {
	uint64_t seed;
	struct mr_arena *arena; /* owned */
	struct catalogue_model models[CATALOGUE_MODELS];
	struct catalogue_manifest manifests[CATALOGUE_MANIFESTS];
	struct catalogue_version versions[CATALOGUE_VERSIONS];
	size_t version_count;
};

/* A number below `below`; the same sequence for the same seed. */
size_t catalogue_random(struct catalogue *c, size_t below);
/* One of few texts, so that they meet; "it's", "x%y" and their like. */
const char *catalogue_text(struct catalogue *c);
extern const char *const catalogue_keys[CATALOGUE_SEVERAL];

void catalogue_make(struct catalogue *c, uint64_t seed);
void catalogue_release(struct catalogue *c);
/* Models from `from` to before `to`, with the ids that they got. */
void catalogue_write(struct catalogue *c, struct mr_index *ix, size_t from,
		     size_t to);

/* -- asked by looking at all: catalogue_ask.c -------------------------------
 */

/* A query of the grammar, in the arena; its predicates have no references but
 * manifests, as text "0".."119", and the one URI. */
const struct mr_query *catalogue_query(struct catalogue *c,
				       enum mr_query_of of);
/* For messages. */
const char *catalogue_says(struct catalogue *c, const struct mr_query *q);
/* Ids of what is in the index, in order; returns how many. */
size_t catalogue_answer(struct catalogue *c, const struct mr_query *q,
			const char *prefix, int64_t *out);

#endif
