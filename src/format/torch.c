/*
 * torch.c - PyTorch's archives: what the pickles in them import.
 *
 * torch.save writes NAME/data.pkl, NAME/data/0 ... and NAME/version; a
 * TorchScript archive has NAME/constants.pkl and NAME/code/ besides
 * (caffe2/serialize/inline_container.cc, torch/csrc/jit/serialization).  Which
 * of them is looked at does not depend on NAME, nor on capitals, for PyTorch's
 * reader finds names without.
 */
#include "format/zip.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/mem.h"
#include "format/pickle.h"

#define PICKLE_MAX_BYTES (64u << 20)
#define PICKLES_MAX 16
#define TOLD_BYTES 400 /* of names in a warning */

bool mr_torch_is_pickle(const struct mr_zip_member *m)
{
	return mr_zip_ends(m, ".pkl") || mr_zip_ends(m, ".pickle");
}

static void read_pickle(struct mr_zip *z, const struct mr_zip_member *m,
			struct mr_pickles *p)
{
	MR_AUTO(mr_zip_part_release) struct mr_zip_part part = { .c = NULL };

	mr_zip_part(z, m, PICKLE_MAX_BYTES, &part);
	if (!part.c)
		return;
	mr_pickle_walk(part.c, p);
	mr_zip_take_trouble(z, part.c, m);
}

/* TorchScript is a program: that it imports only what is known says nothing of
 * what it does. */
static void tell_code(struct mr_cursor *c, struct mr_facts *out)
{
	char text[TOLD_BYTES];
	size_t len = 0;
	size_t i;
	int n;

	for (i = 0; i < out->globals.n; i++) {
		n = snprintf(text + len, sizeof(text) - len, "%s'%s'",
			     i ? ", " : "", out->globals.items[i]);
		if (n < 0 || (size_t)n >= sizeof(text) - len)
			break;
		len += (size_t)n;
	}
	text[len] = '\0';
	if (i < out->globals.n)
		mr_keep_warning(c, out,
				"TorchScript runs code of its own; it imports "
				"%s%s%zu more (mreg inspect "
				"--tensors --json lists all)",
				text, len ? " and " : "", out->globals.n - i);
	else
		mr_keep_warning(c, out,
				"TorchScript runs code of its own; it imports "
				"%s",
				len ? text : "nothing");
}

void mr_torch_read(struct mr_zip *z, struct mr_facts *out)
{
	struct mr_pickles p = { .own = out->format == MR_FORMAT_TORCHSCRIPT };
	uint64_t rest = 0;
	size_t n = 0;
	size_t i;

	for (i = 0; i < z->count && !mr_cursor_over(z->c); i++) {
		if (!mr_torch_is_pickle(&z->members[i]))
			continue;
		if (++n > PICKLES_MAX)
			mr_zip_limit(z, &z->members[i],
				     "is one pickle more than is looked at");
		p.rest = 0;
		read_pickle(z, &z->members[i], &p);
		rest += p.rest;
	}
	if (rest) {
		mr_keep_warning(z->c, out,
				"%" PRIu64 " bytes behind the pickles in it "
				"are no pickles and were not looked at",
				rest);
		mr_keep_word(z->c, &p.unsafe, MR_UNSAFE_REST);
	}
	mr_words_sort(&p.globals);
	mr_words_sort(&p.unsafe);
	out->globals = p.globals;
	out->unsafe = p.unsafe;
	if (p.own)
		tell_code(z->c, out);
}
