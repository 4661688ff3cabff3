/*
 * fuzz_card.c - any bytes as a README.md: what comes out is text that can be
 * shown and written, or one reason why nothing does.
 */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "document/document.h"

#define ARENA_BYTES (32u << 20)
#define DESCRIPTION_MAX_BYTES 500

/* One line of valid UTF-8, or nothing. */
static void check_text(const char *text)
{
	const char *p;

	if (!text)
		return;
	assert(text[0] && mr_utf8_valid(text));
	for (p = text; *p; p++)
		assert((unsigned char)*p >= 0x20 && *p != 0x7f);
}

static void check_words(const struct mr_words *words)
{
	size_t i;

	for (i = 0; i < words->n; i++) {
		assert(words->items[i]);
		check_text(words->items[i]);
	}
}

static void check_card(const struct mr_card *c)
{
	size_t i;

	check_text(c->license);
	check_words(&c->base_models);
	check_words(&c->datasets);
	check_words(&c->languages);
	check_words(&c->tags);
	check_text(c->pipeline);
	check_text(c->library);
	check_text(c->description);
	assert(!c->description ||
	       strlen(c->description) <= DESCRIPTION_MAX_BYTES);
	for (i = 0; i < c->metric_count; i++) {
		check_text(c->metrics[i].dataset);
		check_text(c->metrics[i].name);
		assert(c->metrics[i].name &&
		       mr_json_is_number(c->metrics[i].value));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	MR_AUTO(mr_arena_freep) struct mr_arena *a = mr_arena_new(ARENA_BYTES);
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_card c;

	if (!a || mr_card_read((const char *)data, size, a, &c, &err) < 0)
		return 0; /* out of memory */
	if (c.trouble) {
		check_text(c.trouble);
		assert(!c.license && !c.description && c.tags.n == 0 &&
		       c.metric_count == 0);
		return 0;
	}
	check_card(&c);
	return 0;
}
