/*
 * recall.c - layers whose digest is known from an earlier run, so that nothing
 * is read to find it out again.
 *
 * Kept by the layer's recipe, which has everything that its bytes follow from;
 * so it is never out of date, and may be lost.  It is believed as far as state
 * is, which reads no file that somebody else may write; a digest whose blob is
 * not there yet is proven when that is sent.
 */
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "content/digest.h"
#include "profile/inside.h"

#define KEY_BYTES (MREG_DIGEST_TEXT + 32)

static bool make_key(const struct mr_image_layer *l, char key[KEY_BYTES])
{
	struct mreg_error ignored = MREG_ERROR_INIT;
	struct mreg_digest recipe;
	char text[MREG_DIGEST_TEXT];

	if (mr_image_recipe(l, &recipe, &ignored) < 0)
		return false;
	(void)snprintf(key, KEY_BYTES, "image-layer:%s",
		       mreg_digest_text(&recipe, text));
	return true;
}

void mr_image_recall(struct mr_profile *p)
{
	size_t i;

	for (i = 0; i < p->made_count; i++) {
		MR_AUTO(mr_buf_release)
		struct mr_buf text = MR_BUF_INIT(MREG_DIGEST_TEXT);
		struct mreg_digest d;
		char key[KEY_BYTES];

		if (mr_digest_known(&p->made[i]->desc.digest) ||
		    !make_key(p->made[i], key) ||
		    !mr_state_doc_get(p->m->state, key, &text) ||
		    mreg_digest_parse(mr_buf_text(&text), &d, NULL) < 0)
			continue;
		p->made[i]->desc.digest = d;
	}
}

void mr_image_remember(struct mr_profile *p)
{
	size_t i;

	mr_state_begin(p->m->state);
	for (i = 0; i < p->made_count; i++) {
		const struct mreg_digest *d = &p->made[i]->desc.digest;
		char text[MREG_DIGEST_TEXT];
		char key[KEY_BYTES];

		if (!mr_digest_known(d) || !make_key(p->made[i], key))
			continue;
		(void)mreg_digest_text(d, text);
		mr_state_doc_put(p->m->state, key, text, strlen(text));
	}
	mr_state_end(p->m->state);
}
