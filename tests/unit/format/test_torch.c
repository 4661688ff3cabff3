/*
 * test_torch.c - the pickles in PyTorch's archives are all looked at, whatever
 * their names (security.md H65 to H67).
 */
#include "tests/support/test.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "tests/support/pickle_fixture.h"
#include "tests/support/zip_fixture.h"

#define PLAIN "\200\002ccollections\nOrderedDict\n)R."
#define HOSTILE "\200\002cposix\nsystem\nU\002id\205R."
#define SCRIPT "\200\002c__torch__.m\nNet\n)\201}b."

static void check(const struct zip *z, enum mr_format format,
		  const char *globals, const char *unsafe)
{
	struct looked l;
	char out[4096];

	facts_look(&l, z->bytes, z->n, z->n, "model.bin");
	if (l.f.trouble)
		fail_msg("%s", l.f.trouble);
	assert_int_equal(l.f.format, format);
	assert_string_equal(pickle_join(&l.f.globals, out), globals);
	assert_string_equal(pickle_join(&l.f.unsafe, out), unsafe);
	facts_release(&l);
}

static void check_trouble(const struct zip *z, enum mr_format format,
			  const char *trouble)
{
	struct looked l;

	facts_look(&l, z->bytes, z->n, z->n, "model.bin");
	assert_int_equal(l.f.format, format);
	assert_non_null(l.f.trouble);
	assert_has(l.f.trouble, trouble);
	facts_release(&l);
}

static void a_saved_model_is_pytorch(void **state)
{
	struct zip z = { .descriptor = true, .flags = 0x0800, .zip64 = true };

	(void)state;
	zip_text(&z, "net/data.pkl", PLAIN);
	zip_text(&z, "net/byteorder", "little");
	zip_text(&z, "net/data/0", "0123456789abcdef");
	zip_text(&z, "net/version", "3\n");
	zip_text(&z, "net/.data/serialization_id", "0998");
	zip_end(&z);
	check(&z, MR_FORMAT_TORCH, "collections OrderedDict", "");
}

static void code_makes_it_torchscript(void **state)
{
	struct zip z = { 0 };

	(void)state;
	zip_text(&z, "net/data.pkl", SCRIPT);
	zip_text(&z, "net/code/__torch__/m.py", "class Net(Module):\n");
	zip_text(&z, "net/code/__torch__/m.py.debug_pkl", "\377");
	zip_end(&z);
	check(&z, MR_FORMAT_TORCHSCRIPT, "__torch__.m Net", "");
	memset(&z, 0, sizeof(z));
	zip_text(&z, "net/data.pkl", SCRIPT);
	zip_text(&z, "net/constants.pkl",
		 "\200\002ctorch._utils\n_rebuild_tensor_v2\n.");
	zip_end(&z);
	check(&z, MR_FORMAT_TORCHSCRIPT,
	      "__torch__.m Net|torch._utils _rebuild_tensor_v2", "");
	/* Without code there are no classes of its own. */
	memset(&z, 0, sizeof(z));
	zip_text(&z, "net/data.pkl", SCRIPT);
	zip_end(&z);
	check(&z, MR_FORMAT_TORCH, "__torch__.m Net", "__torch__.m Net");
	memset(&z, 0, sizeof(z));
	zip_text(&z, "net/data.pkl", "\200\002c__torch__2.m\nNet\n.");
	zip_text(&z, "net/constants.pkl", "\200\002N.");
	zip_end(&z);
	check(&z, MR_FORMAT_TORCHSCRIPT, "__torch__2.m Net",
	      "__torch__2.m Net");
}

static void torchscript_is_told_to_run_code(void **state)
{
	struct zip z = { 0 };
	struct weights many = { 0 };
	struct looked l;
	char name[200];
	int i;

	(void)state;
	zip_text(&z, "net/data.pkl", SCRIPT);
	zip_text(&z, "net/constants.pkl", "\200\002ctorch\nSize\n.");
	zip_end(&z);
	facts_look(&l, z.bytes, z.n, z.n, "model.pt");
	assert_int_equal(l.f.warnings.n, 1);
	assert_string_equal(l.f.warnings.items[0],
			    "TorchScript runs code of its own; it imports "
			    "'__torch__.m Net', 'torch Size'");
	facts_release(&l);
	memset(&z, 0, sizeof(z));
	weights_add(&many, "\200\002(", 3);
	for (i = 0; i < 12; i++) {
		snprintf(name, sizeof(name), "c__torch__.m%0100d\nA\n", i);
		weights_add(&many, name, strlen(name));
	}
	weights_add(&many, "t.", 2);
	zip_add(&z, "net/constants.pkl", many.bytes, many.n);
	zip_end(&z);
	facts_look(&l, z.bytes, z.n, z.n, "model.pt");
	assert_int_equal(l.f.globals.n, 12);
	assert_int_equal(l.f.warnings.n, 1);
	assert_has(l.f.warnings.items[0],
		   "2 A' and 9 more (mreg inspect --tensors "
		   "--json lists all)");
	facts_release(&l);
}

static void every_pickle_counts(void **state)
{
	static const char *const names[] = {
		"net/extra/x.pkl", "other/data.pkl",    "data.pkl",
		"net/Data.PKL",    "net/constants.pkl", "a/b/c/d.Pickle",
	};
	struct zip z;
	size_t i;

	(void)state;
	for (i = 0; i < MR_COUNT(names); i++) {
		memset(&z, 0, sizeof(z));
		z.deflate = i % 2;
		zip_text(&z, "net/data.pkl", PLAIN);
		zip_text(&z, names[i], HOSTILE);
		zip_end(&z);
		check(&z, i == 4 ? MR_FORMAT_TORCHSCRIPT : MR_FORMAT_TORCH,
		      "collections OrderedDict|posix system", "posix system");
	}
	/* In an archive that is no model of PyTorch's too. */
	memset(&z, 0, sizeof(z));
	zip_text(&z, "readme.txt", "");
	zip_text(&z, "forest.pkl", HOSTILE);
	zip_end(&z);
	check(&z, MR_FORMAT_PICKLE, "posix system", "posix system");
}

static void the_wrong_member_is_named(void **state)
{
	struct zip z = { 0 };

	(void)state;
	zip_text(&z, "net/data.pkl", "\200\002cos\nsystem\n)R\377");
	zip_end(&z);
	check_trouble(&z, MR_FORMAT_TORCH,
		      "member 'net/data.pkl': cannot be inspected: 0xff at "
		      "byte 15 is no opcode of pickle; before that it imports "
		      "'os system'");
	memset(&z, 0, sizeof(z));
	zip_text(&z, "net/data.pkl", "no pickle");
	zip_end(&z);
	check_trouble(&z, MR_FORMAT_TORCH, "member 'net/data.pkl': ");
	/* The bytes that PyTorch reads, though their checksum is wrong. */
	memset(&z, 0, sizeof(z));
	zip_text(&z, "net/data.pkl", PLAIN);
	zip_end(&z);
	memcpy(z.bytes + z.entries[0].content, HOSTILE, 20);
	check_trouble(&z, MR_FORMAT_TORCH,
		      "member 'net/data.pkl' has not the checksum");
}

static void data_behind_a_pickle_is_told(void **state)
{
	struct zip z = { 0 };
	struct looked l;

	(void)state;
	zip_text(&z, "net/data.pkl", PLAIN "\377more");
	zip_text(&z, "net/x.pkl", PLAIN "\377");
	zip_end(&z);
	facts_look(&l, z.bytes, z.n, z.n, "model.bin");
	assert_null(l.f.trouble);
	assert_int_equal(l.f.warnings.n, 1);
	assert_string_equal(l.f.warnings.items[0],
			    "6 bytes behind the pickles in it are no pickles "
			    "and were not looked at");
	assert_int_equal(l.f.unsafe.n, 1);
	assert_string_equal(l.f.unsafe.items[0], MR_UNSAFE_REST);
	facts_release(&l);
}

static void the_number_of_pickles_is_bounded(void **state)
{
	struct zip z = { 0 };
	char name[32];
	int i;

	(void)state;
	for (i = 0; i < 17; i++) {
		snprintf(name, sizeof(name), "net/%d.pkl", i);
		zip_text(&z, name, PLAIN);
	}
	zip_end(&z);
	check_trouble(&z, MR_FORMAT_PICKLE,
		      "'net/16.pkl' is one pickle more than is looked at");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_saved_model_is_pytorch),
		cmocka_unit_test(code_makes_it_torchscript),
		cmocka_unit_test(torchscript_is_told_to_run_code),
		cmocka_unit_test(every_pickle_counts),
		cmocka_unit_test(the_wrong_member_is_named),
		cmocka_unit_test(data_behind_a_pickle_is_told),
		cmocka_unit_test(the_number_of_pickles_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
