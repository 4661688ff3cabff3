/*
 * tests/support/files_fixture.h - a model's files, a store that has them and a
 * directory that they arrive in; for the tests of the files target.
 */
#ifndef TESTS_SUPPORT_FILES_FIXTURE_H
#define TESTS_SUPPORT_FILES_FIXTURE_H

#include "tests/support/test.h"

#include <limits.h>
#include <sys/types.h>

#include "pack/pack.h"
#include "state/state.h"
#include "store/store.h"

#define FF_FILES 6

struct ff {
	struct mr_env env; /* the real one: processes wait for each other */
	struct mreg_error err;
	char *dir;
	char out[PATH_MAX]; /* the target */
	struct mr_store *from;
	struct mr_tree *tree;
	struct mr_store *to;
	struct mr_published done;
	size_t fetched; /* blobs that the last pull had to fetch */
	struct mr_place places[FF_FILES];
	char *texts[FF_FILES]; /* owned */
};

/* Two share a digest with another one, one is empty, one larger than a
 * chunk. */
struct ff_file {
	const char *path, *text;
	size_t noise;
	bool executable;
};
extern const struct ff_file ff_files[FF_FILES];

int ff_setup(void **state);
int ff_teardown(void **state);

/* -- pulling; no asserts, for other processes do it too ---------------------
 */

void ff_close(struct ff *f);
int ff_open(struct ff *f, struct mr_state *state, struct mreg_error *err);
/* Fetch what is missing. */
int ff_fetch(struct ff *f, struct mreg_error *err);
/* Open, fetch, publish; as often as that takes. */
int ff_pull(struct ff *f, struct mr_state *state, struct mreg_error *err);
void ff_nap_ms(long ms);

/* -- looking ----------------------------------------------------------------
 */

void ff_pull_ok(struct ff *f);
/* Whether the file is right, absent (`absent_too`), or neither. */
bool ff_is_right(struct ff *f, size_t i, bool absent_too);
void ff_assert_all_right(struct ff *f);
const char *ff_path(struct ff *f, const char *name, char path[PATH_MAX]);
mode_t ff_mode(struct ff *f, const char *name);
ino_t ff_inode(struct ff *f, const char *name);
/* The name of the part of file `i`. */
const char *ff_part(struct ff *f, size_t i, char name[200]);

#endif
