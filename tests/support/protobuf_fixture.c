/*
 * tests/support/protobuf_fixture.c - a tiny writer of protobuf messages, and
 * what a reader of weight files makes of them.
 */
#include "tests/support/protobuf_fixture.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/text.h"

/* -- writing --------------------------------------------------------------- */

void pb_begin(struct pb *p)
{
	p->n = 0;
	p->hole_count = 0;
}

static uint64_t holes_from(const struct pb *p, size_t at)
{
	uint64_t sum = 0;
	size_t i;

	for (i = 0; i < p->hole_count; i++)
		if (p->holes[i].at >= at)
			sum += p->holes[i].size;
	return sum;
}

uint64_t pb_size(const struct pb *p)
{
	return p->n + holes_from(p, 0);
}

void pb_raw(struct pb *p, const void *bytes, size_t n)
{
	assert(n <= PB_MAX - p->n);
	if (n)
		memcpy(p->bytes + p->n, bytes, n);
	p->n += n;
}

static size_t varint(uint64_t value, unsigned char out[10])
{
	size_t n = 0;

	do {
		out[n++] = (unsigned char)((value & 0x7f) |
					   (value > 0x7f ? 0x80 : 0));
		value >>= 7;
	} while (value);
	return n;
}

void pb_varint(struct pb *p, uint64_t value)
{
	unsigned char bytes[10];

	pb_raw(p, bytes, varint(value, bytes));
}

void pb_tag(struct pb *p, uint32_t number, unsigned int wire)
{
	pb_varint(p, (uint64_t)number << 3 | wire);
}

void pb_number(struct pb *p, uint32_t number, uint64_t value)
{
	pb_tag(p, number, 0);
	pb_varint(p, value);
}

void pb_bytes(struct pb *p, uint32_t number, const void *bytes, size_t n)
{
	pb_tag(p, number, 2);
	pb_varint(p, n);
	pb_raw(p, bytes, n);
}

void pb_text(struct pb *p, uint32_t number, const char *text)
{
	pb_bytes(p, number, text, strlen(text));
}

static void add_hole(struct pb *p, uint64_t size, const void *fill, size_t n)
{
	assert(p->hole_count < PB_HOLES);
	p->holes[p->hole_count].at = p->n;
	p->holes[p->hole_count].size = size;
	p->holes[p->hole_count].fill = fill;
	p->holes[p->hole_count++].fill_len = n;
}

void pb_hole(struct pb *p, uint32_t number, uint64_t size)
{
	pb_tag(p, number, 2);
	pb_varint(p, size);
	add_hole(p, size, NULL, 0);
}

void pb_repeat(struct pb *p, const void *bytes, size_t n, uint64_t times)
{
	add_hole(p, n * times, bytes, n);
}

size_t pb_open(struct pb *p, uint32_t number)
{
	pb_tag(p, number, 2);
	return p->n;
}

/* The length goes in front of what was written since. */
void pb_close(struct pb *p, size_t opened)
{
	unsigned char len[10];
	size_t n = varint(p->n - opened + holes_from(p, opened), len);
	size_t i;

	assert(n <= PB_MAX - p->n);
	memmove(p->bytes + opened + n, p->bytes + opened, p->n - opened);
	memcpy(p->bytes + opened, len, n);
	p->n += n;
	for (i = 0; i < p->hole_count; i++)
		if (p->holes[i].at >= opened)
			p->holes[i].at += n;
}

/* -- reading --------------------------------------------------------------- */

static unsigned char byte_at(const struct pb_reader *r, uint64_t at)
{
	size_t i;

	for (i = 0; r->p && i < r->p->hole_count; i++) {
		const struct pb_stretch *h = &r->p->holes[i];

		if (at < h->at)
			break;
		at -= h->at;
		if (at < h->size)
			return h->fill ? h->fill[at % h->fill_len] : 0;
		at = at - h->size + h->at;
	}
	return r->bytes[at];
}

static ssize_t reader_read(struct mr_reader *base, void *buf, size_t n,
			   uint64_t offset, struct mreg_error *err)
{
	struct pb_reader *r = mr_container_of(base, struct pb_reader, base);
	size_t i;

	if (++r->requests == r->fail_at)
		return mr_fail(err, MREG_ENETWORK, "connection reset");
	if (r->at_most && n > r->at_most)
		n = r->at_most;
	for (i = 0; i < n; i++)
		((unsigned char *)buf)[i] = byte_at(r, offset + i);
	r->asked += n;
	return (ssize_t)n;
}

static void reader_close(struct mr_reader *r)
{
	(void)r;
}

static const struct mr_reader_ops reader_ops = {
	.read_at = reader_read,
	.close = reader_close,
};

void pb_reader_init(struct pb_reader *r, const struct pb *p)
{
	r->base.ops = &reader_ops;
	r->base.size = pb_size(p);
	r->bytes = p->bytes;
	r->p = p;
}

static void look(pb_read_fn read, enum mr_format format, struct pb_seen *s)
{
	s->arena = mr_arena_new(MR_FACTS_ARENA_BYTES);
	assert(s->arena);
	memset(&s->facts, 0, sizeof(s->facts));
	memset(&s->err, 0, sizeof(s->err));
	s->facts.format = format;
	s->rc = read(&s->reader.base, s->arena, &s->facts, &s->err);
}

void pb_look(pb_read_fn read, enum mr_format format, const struct pb *p,
	     struct pb_seen *out)
{
	pb_reader_init(&out->reader, p);
	look(read, format, out);
}

void pb_seen_release(struct pb_seen *s)
{
	mr_arena_freep(&s->arena);
}

static void put(struct mr_buf *out, const char *name, const char *value)
{
	if (value)
		mr_buf_printf(out, "%s %s\n", name, value);
}

static void put_ports(struct mr_buf *out, const char *what,
		      const struct mr_port *ports, size_t n)
{
	size_t i;
	size_t k;

	for (i = 0; i < n; i++) {
		mr_buf_printf(out, "%s %s %s", what, ports[i].name,
			      ports[i].dtype);
		for (k = 0; k < ports[i].dims.n; k++)
			mr_buf_printf(out, "%c%s", k ? ',' : ' ',
				      ports[i].dims.items[k]);
		mr_buf_puts(out, ports[i].ranked ? "\n" : " unranked\n");
	}
}

void pb_facts_text(const struct mr_facts *f, struct mr_buf *out)
{
	size_t i;
	size_t k;

	put(out, "format", mr_format_name(f->format));
	put(out, "trouble", f->trouble);
	put(out, "name", f->name);
	put(out, "license", f->license);
	put(out, "producer", f->producer);
	put(out, "precision", f->precision);
	mr_buf_printf(out, "parameters %" PRIu64 "\nopset %" PRIu64 "\n",
		      f->parameters, f->opset);
	for (i = 0; i < f->tensor_count; i++) {
		const struct mr_tensor *t = &f->tensors[i];

		mr_buf_printf(out, "tensor %s %s", t->name, t->dtype);
		for (k = 0; k < t->rank; k++)
			mr_buf_printf(out, "%c%" PRIu64, k ? ',' : ' ',
				      t->dims[k]);
		mr_buf_printf(out, " = %" PRIu64 ", %" PRIu64 " bytes\n",
			      t->elements, t->bytes);
	}
	put_ports(out, "input", f->inputs, f->input_count);
	put_ports(out, "output", f->outputs, f->output_count);
	for (i = 0; i < f->metadata_count; i++)
		mr_buf_printf(out, "metadata %s=%s\n", f->metadata[i].name,
			      f->metadata[i].value);
	for (i = 0; i < f->warnings.n; i++)
		put(out, "warning", f->warnings.items[i]);
}

/* -- fuzzing --------------------------------------------------------------- */

/* Room for all that facts may hold; what is read is bounded by files of a few
 * kilobytes. */
#define TEXT_MAX (64u << 20)

static void check(const struct pb_seen *s)
{
	const struct mr_facts *f = &s->facts;
	char safe[2048];

	assert(s->rc == 0); /* memory is enough, and reading never fails */
	assert(f->bytes_read == s->reader.asked);
	if (f->trouble) {
		assert(f->trouble[0]);
		assert(strlen(f->trouble) < sizeof(safe));
		assert(strcmp(mr_text_safe(f->trouble, safe, sizeof(safe)),
			      f->trouble) == 0);
	}
	if (f->trouble || f->format == MR_FORMAT_UNKNOWN)
		assert(!f->tensor_count && !f->input_count &&
		       !f->output_count && !f->metadata_count &&
		       !f->warnings.n && !f->parameters && !f->producer);
}

static void fuzz_reader(struct pb_reader *r, const uint8_t *data, size_t size)
{
	r->base.ops = &reader_ops;
	r->base.size = size;
	r->bytes = data;
}

void pb_fuzz(pb_read_fn read, enum mr_format format, const uint8_t *data,
	     size_t size, struct pb_seen *out)
{
	struct mr_buf at_once = MR_BUF_INIT(TEXT_MAX);
	struct mr_buf slowly = MR_BUF_INIT(TEXT_MAX);
	struct pb_seen other = { .reader.at_most = 3 };

	memset(out, 0, sizeof(*out));
	fuzz_reader(&out->reader, data, size);
	fuzz_reader(&other.reader, data, size);
	look(read, format, out);
	look(read, format, &other);
	check(out);
	check(&other);
	pb_facts_text(&out->facts, &at_once);
	pb_facts_text(&other.facts, &slowly);
	assert(strcmp(mr_buf_text(&at_once), mr_buf_text(&slowly)) == 0);
	assert(mr_utf8_valid(mr_buf_text(&at_once)));
	mr_buf_release(&at_once);
	mr_buf_release(&slowly);
	pb_seen_release(&other);
}
