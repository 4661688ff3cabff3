/*
 * fuzz_hf_config.c - any bytes as a config.json.
 */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "document/document.h"

#define ARENA_BYTES (1u << 20)

static void check_text(const char *text)
{
	const char *p;

	if (!text)
		return;
	assert(text[0] && mr_utf8_valid(text));
	for (p = text; *p; p++)
		assert((unsigned char)*p >= 0x20 && *p != 0x7f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	MR_AUTO(mr_arena_freep) struct mr_arena *a = mr_arena_new(ARENA_BYTES);
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_hf_config c;

	if (!a || mr_hf_config_read((const char *)data, size, a, &c, &err) < 0)
		return 0; /* out of memory */
	check_text(c.trouble);
	check_text(c.architecture);
	check_text(c.precision);
	check_text(c.quantization);
	if (c.trouble)
		assert(!c.architecture && !c.precision && !c.quantization &&
		       c.context_length == 0 && !c.remote_code);
	return 0;
}
