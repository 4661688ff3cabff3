/*
 * test_unpack_merge.c - of an image's layers only the model is listed, and they
 * come to what is left of them.
 */
#include "tests/support/tar_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "content/digest.h"

static void of_an_image_only_its_model_is_taken(void **state)
{
	struct tar_fixture *f = *state;

	tar_header(f, "etc/", '5', 0755, 0, "");
	tar_add(f, "etc/passwd", "root");
	tar_header(f, "bin", '2', 0777, 0, "usr/bin");
	tar_header(f, "dev/null", '3', 0666, 0, "");
	tar_add(f, "sys/dev-disk\\x2d.unit", "systemd writes such names");
	tar_add(f, "modelsx/a", "no");
	tar_header(f, "models/", '5', 0755, 0, "");
	tar_add(f, "models/a", "yes");
	tar_add(f, "./model/sub/b", "too");
	assert_ok(tar_list(f, true), f->err);
	assert_int_equal(f->members->count, 2);
	tar_assert_content(tar_find(f->members, "models/a"), "yes");
	tar_assert_content(tar_find(f->members, "model/sub/b"), "too");
}

static void of_an_image_ways_out_are_refused(void **state)
{
	static const char *const paths[] = { "../etc/x",    "etc/../../x",
					     "/etc/x",      "models/../x",
					     "models/a\\b", "models//a" };
	struct tar_fixture *f = *state;
	size_t i;

	for (i = 0; i < MR_COUNT(paths); i++) {
		tar_add(f, paths[i], "x");
		assert_code(MREG_EINTEGRITY, tar_list(f, true), f->err);
	}
	tar_header(f, "models/h", '1', 0644, 0, "etc/passwd");
	assert_code(MREG_EUNSUPPORTED, tar_list(f, true), f->err);
	tar_header(f, "models/d", '3', 0644, 0, "");
	assert_code(MREG_EUNSUPPORTED, tar_list(f, true), f->err);
}

/* -- laid over each other ----------------------------------------------------
 */

/* What was made is the next layer of the image. */
static void tar_layer(struct tar_fixture *f)
{
	assert_ok(tar_list(f, true), f->err);
	f->layers[f->layer_count++] = mr_steal(&f->members);
}

static int tar_merge(struct tar_fixture *f)
{
	mr_members_free(f->members);
	f->members = NULL;
	return mr_members_merge((const struct mr_members *const *)f->layers,
				f->layer_count, &f->members, &f->err);
}

static void higher_layers_win(void **state)
{
	struct tar_fixture *f = *state;

	tar_add(f, "models/a", "low");
	tar_add(f, "models/b", "stays");
	tar_layer(f);
	tar_add(f, "models/a", "high");
	tar_add(f, "models/a", "highest");
	tar_layer(f);
	assert_ok(tar_merge(f), f->err);
	assert_int_equal(f->members->count, 2);
	tar_assert_content(tar_find(f->members, "a"), "highest");
	assert_int_equal(tar_find(f->members, "a")->source, 1);
	assert_int_equal(tar_find(f->members, "a")->entry, 1);
	tar_assert_content(tar_find(f->members, "b"), "stays");
	assert_int_equal(tar_find(f->members, "b")->source, 0);
}

static void whiteouts_hide_what_is_below(void **state)
{
	struct tar_fixture *f = *state;

	tar_add(f, "models/gone", "x");
	tar_add(f, "models/dir/one", "x");
	tar_add(f, "models/dir/two", "x");
	tar_add(f, "models/opaque/old", "x");
	tar_add(f, "models/again", "old");
	tar_layer(f);
	tar_add(f, "models/.wh.gone", "");
	tar_add(f, "models/.wh.dir", "");
	tar_add(f, "models/opaque/new", "y");
	tar_add(f, "models/opaque/.wh..wh..opq", "");
	tar_add(f, "models/.wh.again", "");
	tar_layer(f);
	tar_add(f, "models/again", "new");
	tar_layer(f);
	assert_ok(tar_merge(f), f->err);
	assert_int_equal(f->members->count, 2);
	tar_assert_content(tar_find(f->members, "opaque/new"), "y");
	tar_assert_content(tar_find(f->members, "again"), "new");
}

static void whiteouts_hide_nothing_of_their_own_layer(void **state)
{
	struct tar_fixture *f = *state;

	tar_add(f, "models/a", "old");
	tar_layer(f);
	tar_add(f, "models/a", "mine");
	tar_add(f, "models/.wh.a", "");
	tar_layer(f);
	assert_ok(tar_merge(f), f->err);
	tar_assert_content(tar_find(f->members, "a"), "mine");
}

static void the_whole_folder_can_be_hidden(void **state)
{
	static const char *const whiteouts[] = { ".wh.models", ".wh..wh..opq" };
	struct tar_fixture *f = *state;
	size_t i;

	for (i = 0; i < MR_COUNT(whiteouts); i++) {
		tar_add(f, "models/a", "x");
		tar_layer(f);
		tar_add(f, whiteouts[i], "");
		tar_layer(f);
		assert_ok(tar_merge(f), f->err);
		assert_int_equal(f->members->count, 0);
		while (f->layer_count > 0) {
			mr_members_free(f->layers[--f->layer_count]);
			f->layers[f->layer_count] = NULL;
		}
	}
}

static void a_file_hides_the_folder_it_replaces(void **state)
{
	struct tar_fixture *f = *state;

	tar_add(f, "models/a/b", "x");
	tar_layer(f);
	tar_add(f, "models/a", "now a file");
	tar_layer(f);
	assert_ok(tar_merge(f), f->err);
	assert_int_equal(f->members->count, 1);
	tar_assert_content(tar_find(f->members, "a"), "now a file");
}

/* As RamaLama's images have one. */
static void links_to_files_of_the_model_become_files(void **state)
{
	struct tar_fixture *f = *state;

	static const char *const paths[] = { "m/toy.gguf",      "model.file",
					     "absolute",        "m/up",
					     "folder/toy.gguf", "folder/up" };
	size_t i;

	tar_add(f, "models/m/toy.gguf", "x");
	tar_header(f, "models/model.file", '2', 0777, 0, "m/toy.gguf");
	tar_header(f, "models/absolute", '2', 0777, 0, "/models/m/toy.gguf");
	tar_header(f, "models/m/up", '2', 0777, 0, "../model.file");
	tar_header(f, "models/folder", '2', 0777, 0, "./m/");
	tar_layer(f);
	assert_ok(tar_merge(f), f->err);
	assert_int_equal(f->members->count, 6);
	for (i = 0; i < MR_COUNT(paths); i++) {
		tar_assert_content(tar_find(f->members, paths[i]), "x");
		assert_int_equal(tar_find(f->members, paths[i])->entry, 0);
	}
}

/* What huggingface_hub keeps: names are links to bytes in another folder. */
static void a_hugging_face_cache_keeps_its_names(void **state)
{
	struct tar_fixture *f = *state;

	tar_add(f, "models/blobs/aa", "{}");
	tar_layer(f);
	tar_header(f, "models/snapshots/1/config.json", '2', 0777, 0,
		   "../../blobs/aa");
	tar_header(f, "models/current", '2', 0777, 0, "snapshots/1");
	tar_layer(f);
	assert_ok(tar_merge(f), f->err);
	assert_int_equal(f->members->count, 3);
	tar_assert_content(tar_find(f->members, "snapshots/1/config.json"),
			   "{}");
	assert_int_equal(
		tar_find(f->members, "snapshots/1/config.json")->source, 0);
	/* A folder of links is one only once they are files. */
	tar_assert_content(tar_find(f->members, "current/config.json"), "{}");
}

static void a_link_that_is_a_folder_too_is_refused(void **state)
{
	struct tar_fixture *f = *state;

	tar_add(f, "models/real/x", "x");
	tar_header(f, "models/a", '2', 0777, 0, "real");
	tar_layer(f);
	tar_add(f, "models/a/y", "y");
	tar_layer(f);
	assert_code(MREG_EUNSUPPORTED, tar_merge(f), f->err);
	assert_has(f->err.msg,
		   "'models/a' of the image is a link and a folder");
}

static void folders_of_links_to_folders_are_refused(void **state)
{
	struct tar_fixture *f = *state;

	tar_add(f, "models/real/x", "x");
	tar_add(f, "models/both/y", "y");
	tar_header(f, "models/both/more", '2', 0777, 0, "../real");
	tar_header(f, "models/a", '2', 0777, 0, "both");
	tar_layer(f);
	assert_code(MREG_EUNSUPPORTED, tar_merge(f), f->err);
	assert_has(f->err.msg, "a folder that has others in it");
}

static void links_to_elsewhere_are_refused(void **state)
{
	static const char *const targets[] = { "/etc/passwd", "../etc/passwd",
					       "gone",        "loop",
					       "..",          "" };
	struct tar_fixture *f = *state;
	size_t i;

	for (i = 0; i < MR_COUNT(targets); i++) {
		tar_add(f, "models/a", "x");
		tar_header(f, "models/loop", '2', 0777, 0, targets[i]);
		tar_layer(f);
		assert_code(MREG_EUNSUPPORTED, tar_merge(f), f->err);
		assert_has(f->err.msg, "'models/loop' of the image is a link");
		mr_members_free(f->layers[--f->layer_count]);
		f->layers[0] = NULL;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TAR_TEST(of_an_image_only_its_model_is_taken),
		TAR_TEST(of_an_image_ways_out_are_refused),
		TAR_TEST(higher_layers_win),
		TAR_TEST(whiteouts_hide_what_is_below),
		TAR_TEST(whiteouts_hide_nothing_of_their_own_layer),
		TAR_TEST(the_whole_folder_can_be_hidden),
		TAR_TEST(a_file_hides_the_folder_it_replaces),
		TAR_TEST(links_to_files_of_the_model_become_files),
		TAR_TEST(a_hugging_face_cache_keeps_its_names),
		TAR_TEST(a_link_that_is_a_folder_too_is_refused),
		TAR_TEST(folders_of_links_to_folders_are_refused),
		TAR_TEST(links_to_elsewhere_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
