/*
 * inspect_weights.c - the weight files of a version that is inspected.
 */
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/text.h"
#include "look/inspect.h"

#define SHOWN 100

static bool all_of_them(const void *ctx, const struct mr_model_layer *file)
{
	(void)ctx;
	(void)file;
	return true;
}

static struct mreg_texts texts_of(const struct mr_words *w)
{
	struct mreg_texts t = { .items = w->items, .n = w->n };

	return t;
}

static void take_file(const struct mr_weight *w, struct mr_arena *a,
		      struct mreg_weight_file *to)
{
	const struct mr_facts *f = &w->facts;

	to->path = mr_arena_strdup(a, w->file->path);
	to->size = w->file->desc.size;
	to->digest = w->file->desc.digest;
	to->format = mr_format_name(f->format);
	to->trouble = f->trouble;
	to->limited = f->limited;
	to->globals = texts_of(&f->globals);
	to->unsafe = texts_of(&f->unsafe);
	if (f->trouble)
		return;
	to->architecture = f->architecture;
	to->name = f->name;
	to->license = f->license;
	to->producer = f->producer;
	to->tokenizer = f->tokenizer;
	to->base_model = f->base_model;
	to->precision = f->precision;
	to->quantization = f->quantization;
	to->parameters = f->parameters;
	to->context_length = f->context_length;
	to->opset = f->opset;
	to->tensors = mr_weight_tensors(a, f);
	to->tensor_count = f->tensor_count;
	to->inputs = mr_weight_ports(a, f->inputs, f->input_count);
	to->input_count = f->input_count;
	to->outputs = mr_weight_ports(a, f->outputs, f->output_count);
	to->output_count = f->output_count;
	to->metadata = f->metadata;
	to->metadata_count = f->metadata_count;
	to->warnings = texts_of(&f->warnings);
}

/* The tensors were asked for; where there are none to be had, that is no
 * answer. */
static int check_readable(const struct mr_weights *w, struct mreg_error *err)
{
	const struct mr_weight *bad = NULL;
	char shown[SHOWN];
	size_t i;

	for (i = 0; i < w->count; i++) {
		const struct mr_facts *f = &w->items[i].facts;

		if (f->trouble) {
			/* What its name does not tell to be weights may be
			 * none. */
			if (!bad && mr_weight_is(w->items[i].file))
				bad = &w->items[i];
		} else if (f->format != MR_FORMAT_UNKNOWN) {
			return 0;
		}
	}
	if (!bad)
		return 0;
	if (bad->why) {
		if (err)
			*err = *bad->why;
		return mr_wrap(
			err, "cannot read the header of '%s'",
			mr_text_safe(bad->file->path, shown, sizeof(shown)));
	}
	(void)mr_fail(err, bad->facts.limited ? MREG_ELIMIT : MREG_EFORMAT,
		      "'%s' cannot be read: %s",
		      mr_text_safe(bad->file->path, shown, sizeof(shown)),
		      bad->facts.trouble);
	if (bad->facts.limited)
		return mr_hint(err, "it may be right, but mreg does not look "
				    "at all of it");
	return mr_hint(err, "push a whole file in its place; 'mreg inspect' "
			    "without --tensors shows the rest");
}

int mr_inspect_weights(struct mr_look *l, struct mr_weights *w,
		       struct mr_arena *a, struct mreg_inspect_result *out,
		       struct mreg_error *err)
{
	struct mreg_weight_file *to;
	size_t i;
	int rc = mr_weights_read(l, all_of_them, NULL, w, err);

	if (rc >= 0)
		rc = check_readable(w, err);
	if (rc < 0)
		return rc;
	to = mr_arena_alloc(a, (w->count + 1) * sizeof(*to));
	for (i = 0; to && i < w->count; i++) {
		take_file(&w->items[i], a, &to[i]);
		out->weight_bytes += to[i].size;
	}
	out->weights = to;
	out->weight_count = w->count;
	out->weights_read = true;
	out->bytes_read = w->cost.bytes;
	out->requests = w->cost.requests;
	return 0;
}
