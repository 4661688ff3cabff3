/*
 * tests/support/layers_fixture.h - a manifest as another tool writes it, and
 * what its layers are found to be; for the tests of that.
 */
#ifndef TESTS_SUPPORT_LAYERS_FIXTURE_H
#define TESTS_SUPPORT_LAYERS_FIXTURE_H

#include "base/buf.h"
#include "model/model.h"

/* Of the layer or file whose number is the last digit. */
#define HEX "000000000000000000000000000000000000000000000000000000000000000"
#define DIGEST(n) "sha256:" HEX n
#define TITLE "'org.opencontainers.image.title'"

/* A layer to be: its other members as JSON with ' for ". */
struct layer_given {
	const char *type, *more;
};

struct layers_fixture {
	struct mr_buf text;
	struct mr_manifest *m;
	struct mr_model_layer *items;
	size_t n;
	struct mreg_error err;
};

/* Of a test whose state it is. */
int layers_setup(void **state);
int layers_teardown(void **state);

/* Append to the text, ' for ". */
void layers_put(struct layers_fixture *f, const char *text);
/* A manifest that begins with `head`; layer i has digest ...i, from 0. */
void layers_parse(struct layers_fixture *f, const char *head,
		  const char *config, const struct layer_given *given,
		  size_t n);
/* The same, and its layers are read. */
void layers_read(struct layers_fixture *f, const char *head, const char *config,
		 const struct layer_given *given, size_t n);
/* Read them once more with the text of the config, ' for ". */
int layers_named(struct layers_fixture *f, const char *config);
/* Layer `i` is a file. */
void layers_are(const struct layers_fixture *f, size_t i, const char *path,
		const char *role);

#endif
