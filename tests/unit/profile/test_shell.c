/*
 * test_shell.c - the stand-ins for /bin/sh are whole, static, and those whose
 * bytes the digests of images rest on.
 */
#include "tests/support/test.h"

#include <elf.h>
#include <string.h>

#include "base/mem.h"
#include "content/digest.h"
#include "profile/shell.h"

extern const size_t mr_embed_sh_amd64_len, mr_embed_sh_arm64_len;

static const struct mr_profile_shell *shell_of(const char *architecture)
{
	const struct mr_profile_shell *shells;
	size_t n, i;

	shells = mr_profile_shells(&n);
	for (i = 0; i < n; i++)
		if (strcmp(shells[i].architecture, architecture) == 0)
			return &shells[i];
	fail_msg("no stand-in for %s", architecture);
	return NULL;
}

static void are_sorted_by_architecture(void **state)
{
	const struct mr_profile_shell *shells;
	size_t n, i;

	(void)state;
	shells = mr_profile_shells(&n);
	assert_int_equal(n, 2);
	for (i = 1; i < n; i++)
		assert_true(strcmp(shells[i - 1].architecture,
				   shells[i].architecture) < 0);
}

static void are_embedded_whole(void **state)
{
	(void)state;
	assert_int_equal(shell_of("amd64")->size, mr_embed_sh_amd64_len);
	assert_int_equal(shell_of("arm64")->size, mr_embed_sh_arm64_len);
}

/* A segment's flags and kind: nothing to load a library by, nothing that is
 * both written and executed. */
static void check_segment(const Elf64_Phdr *segment, size_t size)
{
	assert_int_not_equal(segment->p_type, PT_INTERP);
	assert_int_not_equal(segment->p_type, PT_DYNAMIC);
	assert_true(segment->p_offset + segment->p_filesz <= size);
	assert_false((segment->p_flags & PF_W) && (segment->p_flags & PF_X));
}

static void check_program(const char *architecture, Elf64_Half machine)
{
	const struct mr_profile_shell *shell = shell_of(architecture);
	Elf64_Ehdr header;
	Elf64_Phdr segment;
	Elf64_Half i;
	bool entered = false;

	/* A few KB is what was promised. */
	assert_in_range(shell->size, 1024, 12 * 1024);
	memcpy(&header, shell->data, sizeof(header));
	assert_memory_equal(header.e_ident, ELFMAG, SELFMAG);
	assert_int_equal(header.e_ident[EI_CLASS], ELFCLASS64);
	assert_int_equal(header.e_ident[EI_DATA], ELFDATA2LSB);
	assert_int_equal(header.e_machine, machine);
	assert_int_equal(header.e_type, ET_EXEC);
	assert_int_equal(header.e_phentsize, sizeof(segment));
	assert_true(header.e_phoff + header.e_phnum * sizeof(segment) <=
		    shell->size);
	for (i = 0; i < header.e_phnum; i++) {
		memcpy(&segment,
		       shell->data + header.e_phoff + i * sizeof(segment),
		       sizeof(segment));
		check_segment(&segment, shell->size);
		if (segment.p_type == PT_LOAD && (segment.p_flags & PF_X) &&
		    header.e_entry >= segment.p_vaddr &&
		    header.e_entry < segment.p_vaddr + segment.p_filesz)
			entered = true;
	}
	assert_true(entered);
}

static void are_static_programs_of_their_machine(void **state)
{
	(void)state;
	check_program("amd64", EM_X86_64);
	check_program("arm64", EM_AARCH64);
}

/* Another digest here is another digest for everybody's images. */
static void are_the_bytes_that_images_hold(void **state)
{
	static const struct {
		const char *architecture, *digest;
	} held[] = {
		{ "amd64",
		  "sha256:c146bde18b173c88bfc019ddf2bf323b293c1eb01f773e2e6a19825a8cec55bd" },
		{ "arm64",
		  "sha256:289ea0e197b41657485879ec8f725640d7d65f88b71e5a5e931e1b12240f1966" },
	};
	struct mreg_error err = MREG_ERROR_INIT;
	char text[MREG_DIGEST_TEXT];
	struct mreg_digest digest;
	size_t i;

	(void)state;
	for (i = 0; i < MR_COUNT(held); i++) {
		const struct mr_profile_shell *shell =
			shell_of(held[i].architecture);

		assert_ok(mr_digest_of(shell->data, shell->size, &digest, &err),
			  err);
		assert_string_equal(mreg_digest_text(&digest, text),
				    held[i].digest);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(are_sorted_by_architecture),
		cmocka_unit_test(are_embedded_whole),
		cmocka_unit_test(are_static_programs_of_their_machine),
		cmocka_unit_test(are_the_bytes_that_images_hold),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
