/*
 * weights.c - what weight files say, for people.
 */
#include "cli/inspect.h"

#include <inttypes.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

static void put_fact(struct mr_buf *b, const char *name, const char *value)
{
	if (!value || !value[0])
		return;
	mr_buf_printf(b, "  %-14s ", name);
	cli_put(b, value);
	mr_buf_putc(b, '\n');
}

/* A chat template has pages: so much of a value shows which one it is, and
 * --json has all of it (security.md H63). */
#define VALUE_SHOWN_BYTES 200

static void put_value(struct mr_buf *b, const char *value)
{
	char part[VALUE_SHOWN_BYTES + 1];
	size_t n = strlen(value);
	size_t len = 0;
	size_t step;
	uint32_t point;

	if (n <= VALUE_SHOWN_BYTES) {
		cli_put(b, value);
		return;
	}
	for (;;) {
		step = mr_utf8_next(value + len, n - len, &point);
		if (!step || len + step > VALUE_SHOWN_BYTES)
			break;
		len += step;
	}
	memcpy(part, value, len);
	part[len] = '\0';
	cli_put(b, part);
	mr_buf_printf(b, "... (%zu bytes; --json shows more)", n);
}

static void put_number(struct mr_buf *b, const char *name, uint64_t value)
{
	if (value)
		mr_buf_printf(b, "  %-14s %" PRIu64 "\n", name, value);
}

static void put_texts(struct mr_buf *b, const char *name,
		      const struct mreg_texts *t)
{
	size_t i;

	for (i = 0; i < t->n; i++)
		put_fact(b, i ? "" : name, t->items[i]);
}

static void put_port(struct mr_buf *b, const char *name,
		     const struct mreg_port *p)
{
	size_t i;

	mr_buf_printf(b, "  %-14s ", name);
	cli_put(b, p->name);
	mr_buf_putc(b, ' ');
	cli_put(b, p->dtype[0] ? p->dtype : "?");
	if (p->ranked)
		mr_buf_puts(b, " [");
	for (i = 0; p->ranked && i < p->rank; i++) {
		mr_buf_puts(b, i ? ", " : "");
		cli_put(b, p->dims[i]);
	}
	mr_buf_puts(b, p->ranked ? "]\n" : "\n");
}

void cli_put_tensor(struct mr_buf *b, const struct mreg_tensor *t)
{
	size_t i;

	cli_put(b, t->dtype);
	mr_buf_puts(b, " [");
	for (i = 0; i < t->rank; i++)
		mr_buf_printf(b, "%s%" PRIu64, i ? ", " : "", t->dims[i]);
	mr_buf_putc(b, ']');
}

static void put_tensors(struct mr_buf *b, const struct mreg_weight_file *w)
{
	MR_AUTO(mr_buf_release) struct mr_buf type = MR_BUF_INIT(1u << 20);
	size_t i;

	for (i = 0; i < w->tensor_count; i++) {
		mr_buf_clear(&type);
		cli_put_tensor(&type, &w->tensors[i]);
		mr_buf_printf(b, "    %-24s ", mr_buf_text(&type));
		cli_put(b, w->tensors[i].name);
		mr_buf_putc(b, '\n');
	}
	if (type.failed)
		b->failed = type.failed;
}

static void put_pickle(struct mr_buf *b, const struct mreg_weight_file *w)
{
	if (!w->unsafe.n)
		return;
	mr_buf_printf(b, "  %-14s loading it may run code: it imports\n",
		      "unsafe");
	put_texts(b, "", &w->unsafe);
}

static void put_facts(struct mr_buf *b, const struct mreg_weight_file *w)
{
	size_t i;

	put_fact(b, "name", w->name);
	put_fact(b, "architecture", w->architecture);
	put_number(b, "parameters", w->parameters);
	put_fact(b, "precision", w->precision);
	put_fact(b, "quantization", w->quantization);
	put_number(b, "context", w->context_length);
	put_fact(b, "tokenizer", w->tokenizer);
	put_fact(b, "license", w->license);
	put_fact(b, "base model", w->base_model);
	put_fact(b, "producer", w->producer);
	put_number(b, "opset", w->opset);
	for (i = 0; i < w->input_count; i++)
		put_port(b, i ? "" : "inputs", &w->inputs[i]);
	for (i = 0; i < w->output_count; i++)
		put_port(b, i ? "" : "outputs", &w->outputs[i]);
	for (i = 0; i < w->metadata_count; i++) {
		mr_buf_printf(b, "  %-14s ", i ? "" : "metadata");
		cli_put(b, w->metadata[i].name);
		mr_buf_puts(b, " = ");
		put_value(b, w->metadata[i].value);
		mr_buf_putc(b, '\n');
	}
	put_pickle(b, w);
	put_texts(b, "warning", &w->warnings);
	if (w->tensor_count)
		mr_buf_printf(b, "  %-14s %zu\n", "tensors", w->tensor_count);
	put_tensors(b, w);
}

static void put_file(struct cli *cli, struct mr_buf *b,
		     const struct mreg_weight_file *w)
{
	char size[32];

	cli_put_bold(cli, b, w->path);
	mr_buf_printf(b, "  %s, %s\n",
		      w->format[0] ? w->format : "a format that is not read",
		      mr_text_size(w->size, size));
	put_fact(b, w->limited ? "not looked at" : "cannot be read",
		 w->trouble);
	put_facts(b, w);
}

void cli_put_cost(struct mr_buf *b, uint64_t bytes, uint64_t requests)
{
	char text[32];

	mr_buf_printf(b, "read %s in %" PRIu64 " request%s; not verified\n",
		      mr_text_size(bytes, text), requests,
		      requests == 1 ? "" : "s");
}

size_t cli_packed(const struct mreg_inspect_result *r)
{
	size_t n = 0;
	size_t i;

	for (i = 0; i < r->item_count; i++)
		n += r->items[i].packed;
	return n;
}

void cli_put_weights(struct cli *cli, struct mr_buf *b,
		     const struct mreg_inspect_result *r)
{
	char size[32];
	size_t i;

	for (i = 0; i < r->weight_count; i++) {
		put_file(cli, b, &r->weights[i]);
		mr_buf_putc(b, '\n');
	}
	if (cli_packed(r))
		mr_buf_puts(b, "files come in archives, which are not looked "
			       "into: 'mreg pull' unpacks them\n");
	else if (!r->weight_count)
		mr_buf_puts(b, "no weight files\n");
	if (!r->weight_count)
		return;
	mr_buf_printf(b, "%zu weight file%s, %s: ", r->weight_count,
		      r->weight_count == 1 ? "" : "s",
		      mr_text_size(r->weight_bytes, size));
	cli_put_cost(b, r->bytes_read, r->requests);
}
