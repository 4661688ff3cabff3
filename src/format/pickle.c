/*
 * pickle.c - what a pickle would import, by walking its opcodes.
 *
 * An unpickler is a machine with a stack and a memo.  Ours (pickle_machine.c)
 * knows of each value only whether it is a text and where in the file that
 * stands: STACK_GLOBAL takes its names from there.  Where unpicklers differ
 * (CPython's two, Python 2's, PyTorch's) the walk goes on when one of them
 * would.
 *
 * Invariants (security.md H65 to H67)
 * 1. Nothing is imported, called or built.
 * 2. A name that is not written in the file as it is, or that no module can
 *    have, is "(computed)": never taken for an allowed one.
 * 3. Stack, memo, names and work are bounded, whatever the file says; what is
 *    beyond that is in trouble, which is not the same as harmless.
 */
#include "format/pickle.h"

#include <inttypes.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/text.h"

#define CANNOT "cannot be inspected: "
#define SHOWN_BYTES 256 /* of a name, in words about the file */

/* Of the file; long arguments are skipped. */
#define READ_MAX_BYTES (UINT64_C(1) << 30)
/* Of a text that may be a name; and of its length and kind in a value. */
#define TEXT_MAX_BYTES 255
#define TEXT_BITS 10

/* torch/serialization.py: MAGIC_NUMBER, as pickle writes numbers. */
static const unsigned char torch_number[] = { 0x6c, 0xfc, 0x9c, 0x46, 0xf9,
					      0x20, 0x6a, 0xa8, 0x50, 0x19 };
/* That, a version, the machine, the object, the keys of its storages. */
#define TORCH_PICKLES 5

struct arg {
	uint64_t number; /* or the length of what is counted */
	uint64_t at;     /* of what is counted, or of the line */
	uint64_t line_len;
};

struct walk {
	struct mr_pickle_machine m;
	struct mr_pickle_names names;
	struct mr_pickle_name line, second; /* of the last opcode with lines */
	uint64_t frame;                     /* the last one ends here */
};

/* -- arguments ------------------------------------------------------------- */

/* A line, its first bytes in `out`; the newline is passed. */
static void take_line(struct walk *w, struct mr_pickle_name *out)
{
	uint8_t byte;

	out->n = 0;
	out->cut = false;
	for (;;) {
		byte = mr_cursor_u8(w->m.c);
		mr_pickle_work(&w->m, 1);
		if (mr_cursor_over(w->m.c) || byte == '\n')
			break;
		if (out->n < MR_PICKLE_NAME_MAX_BYTES)
			out->text[out->n++] = (char)byte;
		else
			out->cut = true;
	}
	out->text[out->n] = '\0';
}

/* Whether some unpickler takes `line` for what its opcode wants: they pass
 * over white space, and CPython's ends at a NUL. */
static bool is_line(enum mr_pickle_line kind, const char *line)
{
	const char *p = line + strspn(line, " \t\v\f\r");

	switch (kind) {
	case MR_PICKLE_INTEGER:
		return *p && strchr("+-0123456789", *p);
	case MR_PICKLE_REAL:
		return *p && strchr("+-.0123456789iInN", *p);
	case MR_PICKLE_QUOTED:
		return *line == '\'' || *line == '"';
	case MR_PICKLE_ANY:
		break;
	}
	return true;
}

static void take_arg(struct walk *w, const struct mr_pickle_op *op,
		     struct arg *out)
{
	struct mr_cursor *c = w->m.c;

	*out = (struct arg){ 0 };
	if (op->number)
		out->number = mr_cursor_number(c, op->number);
	if (op->counted)
		out->number = mr_cursor_number(c, op->counted);
	out->at = c->at;
	if (op->counted)
		mr_cursor_skip(c, out->number);
	if (op->lines) {
		take_line(w, &w->line);
		out->line_len = c->at - out->at - 1;
		if (!mr_cursor_over(c) && !is_line(op->line, w->line.text))
			mr_cursor_fail(c,
				       CANNOT "byte %" PRIu64
					      " begins no line of %s",
				       out->at, op->name);
	}
	if (op->lines > 1)
		take_line(w, &w->second);
}

/* The key of GET and PUT as a line: int() of Python allows all this.  False
 * for what is none; UINT32_MAX for a large one. */
static bool parse_key(const char *line, uint64_t *out)
{
	const char *p = line + strspn(line, " \t\v\f\r");
	bool negative = *p == '-';
	uint64_t key = 0;

	if (*p == '+' || *p == '-')
		p++;
	for (; (*p >= '0' && *p <= '9') || *p == '_'; p++) {
		if (*p != '_')
			key = key * 10 + (uint64_t)(*p - '0');
		if (key > UINT32_MAX)
			key = UINT32_MAX;
	}
	*out = key;
	p += strspn(p, " \t\v\f\r");
	return !*p && !(negative && key);
}

static uint64_t key_of(struct walk *w, const struct mr_pickle_op *op,
		       const struct arg *a)
{
	uint64_t key = a->number;

	if (op->lines && (!parse_key(w->line.text, &key) || w->line.cut))
		mr_cursor_fail(w->m.c,
			       CANNOT "byte %" PRIu64 " begins no key of %s",
			       a->at, op->name);
	return key;
}

/* -- texts ----------------------------------------------------------------- */

static uint64_t text_value(uint64_t at, uint64_t len)
{
	if (len > TEXT_MAX_BYTES || at >> (64 - TEXT_BITS))
		return MR_PICKLE_OPAQUE;
	return at << TEXT_BITS | len << 2 | MR_PICKLE_AT;
}

static uint64_t text_of(const struct walk *w, const struct mr_pickle_op *op,
			const struct arg *a)
{
	const char *line = w->line.text;
	size_t n = w->line.n;

	if (!op->lines)
		return text_value(a->at, a->number);
	/* What escapes say is not looked at. */
	if (w->line.cut || memchr(line, '\\', n))
		return MR_PICKLE_OPAQUE;
	if (op->line != MR_PICKLE_QUOTED)
		return text_value(a->at, a->line_len);
	if (n < 2 || line[n - 1] != line[0])
		return MR_PICKLE_OPAQUE;
	return text_value(a->at + 1, a->line_len - 2);
}

/* The text that a value stands for; false if that is not known. */
static bool resolve(struct walk *w, uint64_t value, struct mr_pickle_name *out)
{
	struct mr_cursor *c = w->m.c;
	uint64_t back = c->at;

	if ((value & 3) != MR_PICKLE_AT)
		return false;
	out->n = (size_t)(value >> 2 & TEXT_MAX_BYTES);
	out->cut = false;
	mr_cursor_seek(c, value >> TEXT_BITS);
	mr_cursor_get(c, out->text, out->n);
	mr_cursor_seek(c, back);
	out->text[out->n] = '\0';
	return !mr_cursor_over(c);
}

/* -- opcodes --------------------------------------------------------------- */

static void run_long(struct walk *w, const struct arg *a)
{
	unsigned char bytes[sizeof(torch_number)];
	bool is_torch = false;

	if (a->number == sizeof(bytes)) {
		mr_cursor_seek(w->m.c, a->at);
		mr_cursor_get(w->m.c, bytes, sizeof(bytes));
		is_torch = memcmp(bytes, torch_number, sizeof(bytes)) == 0;
	}
	mr_pickle_push(&w->m, is_torch ? MR_PICKLE_TORCH : MR_PICKLE_SOMETHING);
}

/* A module of such a name cannot be found: here an unpickler stops. */
static void run_global(struct walk *w, const struct mr_pickle_op *op,
		       const struct arg *a)
{
	if (!w->line.cut && !w->second.cut &&
	    (!mr_pickle_is_name(&w->line) || !mr_pickle_is_name(&w->second)))
		mr_cursor_fail(w->m.c,
			       CANNOT "%s at byte %" PRIu64
				      " names no module and class",
			       op->name, a->at - 1);
	if (mr_cursor_over(w->m.c))
		return;
	mr_pickle_note(&w->m, &w->names, &w->line, &w->second);
	if (op->act == MR_PICKLE_INSTANCE)
		(void)mr_pickle_pop_mark(&w->m); /* any number will do */
	mr_pickle_push(&w->m, MR_PICKLE_SOMETHING);
}

static void run_stack_global(struct walk *w)
{
	uint64_t name = mr_pickle_pop(&w->m);
	uint64_t module = mr_pickle_pop(&w->m);

	if (mr_cursor_over(w->m.c))
		return;
	if (resolve(w, module, &w->line) && resolve(w, name, &w->second))
		mr_pickle_note(&w->m, &w->names, &w->line, &w->second);
	else
		mr_pickle_note_unsafe(&w->m, &w->names, "(computed)");
	mr_pickle_push(&w->m, MR_PICKLE_SOMETHING);
}

static void run_fold(struct walk *w, const struct mr_pickle_op *op)
{
	/* OBJ wants its class at least. */
	if (mr_pickle_pop_mark(&w->m) == 0 && op->calls)
		mr_cursor_fail(w->m.c,
			       CANNOT "%s before byte %" PRIu64
				      " is without a class",
			       op->name, w->m.c->at);
	mr_pickle_push(&w->m, MR_PICKLE_SOMETHING);
}

static void check_protocol(struct walk *w, uint64_t protocol)
{
	if (protocol > MR_PICKLE_PROTOCOL_MAX)
		mr_cursor_fail(w->m.c,
			       CANNOT "protocol %" PRIu64 " of pickle "
				      "is not known",
			       protocol);
}

/*
 * A frame's bytes are read at once, and those before its end that an opcode
 * leaves are lost to CPython's unpickler when it then reads over the end: it
 * goes on somewhere else than who reads byte by byte.  Picklers end frames
 * where opcodes end (PEP 3154).
 */
static void begin_frame(struct walk *w, uint64_t size)
{
	struct mr_cursor *c = w->m.c;

	if (c->at < w->frame)
		mr_pickle_limit(&w->m, "it has a frame inside a frame");
	/* One that is longer than the file is not left before STOP. */
	w->frame = size > UINT64_MAX - c->at ? UINT64_MAX : c->at + size;
}

static void check_frame(struct walk *w, uint64_t start)
{
	if (start < w->frame && w->m.c->at > w->frame)
		mr_pickle_limit(&w->m, "an opcode goes over the end of its "
				       "frame");
}

static void run(struct walk *w, const struct mr_pickle_op *op,
		const struct arg *a)
{
	struct mr_pickle_machine *m = &w->m;

	switch (op->act) {
	case MR_PICKLE_SIMPLE:
		mr_pickle_replace(m, op->pops, op->pushes);
		break;
	case MR_PICKLE_TEXT:
		mr_pickle_push(m, text_of(w, op, a));
		break;
	case MR_PICKLE_LONG:
		run_long(w, a);
		break;
	case MR_PICKLE_MARK:
		mr_pickle_mark(m);
		break;
	case MR_PICKLE_POP_MARK:
		(void)mr_pickle_pop_mark(m); /* any number will do */
		break;
	case MR_PICKLE_POP:
		mr_pickle_drop(m);
		break;
	case MR_PICKLE_DUP:
		if (mr_pickle_need(m, 1))
			mr_pickle_push(m, m->stack[m->depth - 1]);
		break;
	case MR_PICKLE_FOLD:
		run_fold(w, op);
		break;
	case MR_PICKLE_EXTEND:
		(void)mr_pickle_pop_mark(m); /* any number will do */
		(void)mr_pickle_need(m, 1);  /* trouble if not */
		break;
	case MR_PICKLE_GET:
		mr_pickle_get(m, key_of(w, op, a));
		break;
	case MR_PICKLE_PUT:
		mr_pickle_put(m, key_of(w, op, a));
		break;
	case MR_PICKLE_MEMOIZE:
		mr_pickle_put(m, m->memo_used);
		break;
	case MR_PICKLE_GLOBAL:
	case MR_PICKLE_INSTANCE:
		run_global(w, op, a);
		break;
	case MR_PICKLE_STACK_GLOBAL:
		run_stack_global(w);
		break;
	case MR_PICKLE_EXTENSION:
		/* Of a registry that only the program knows. */
		mr_pickle_note_unsafe(m, &w->names, "(extension)");
		mr_pickle_push(m, MR_PICKLE_SOMETHING);
		break;
	case MR_PICKLE_KEYWORDS:
		/* No allowed class needs it, and torch's storages take an
		 * address in memory that way. */
		mr_pickle_note_unsafe(m, &w->names, "(keyword arguments)");
		mr_pickle_replace(m, 3, 1);
		break;
	case MR_PICKLE_PROTOCOL:
		check_protocol(w, a->number);
		break;
	case MR_PICKLE_FRAME:
		begin_frame(w, a->number);
		break;
	case MR_PICKLE_STOP:
		(void)mr_pickle_need(m, 1); /* trouble if not */
		if (m->c->at < w->frame)
			mr_pickle_limit(m, "it stops inside a frame");
		break;
	}
}

/* -- pickles --------------------------------------------------------------- */

/* One pickle, up to STOP; the value that STOP finds. */
static uint64_t walk_one(struct walk *w)
{
	struct mr_cursor *c = w->m.c;
	const struct mr_pickle_op *op;
	struct arg a;
	uint64_t start;
	uint8_t code;

	mr_pickle_clear(&w->m);
	w->frame = 0;
	do {
		start = c->at;
		code = mr_cursor_u8(c);
		op = mr_pickle_op(code);
		mr_pickle_work(&w->m, 1);
		if (c->bytes_read > READ_MAX_BYTES)
			mr_pickle_limit(&w->m, "more of it would have to be "
					       "read than 1 GiB");
		if (!mr_cursor_over(c) && !op->name)
			mr_cursor_fail(c,
				       CANNOT "0x%02x at byte %" PRIu64
					      " is no opcode of pickle",
				       (unsigned int)code, c->at - 1);
		if (mr_cursor_over(c))
			return MR_PICKLE_NOTHING;
		take_arg(w, op, &a);
		check_frame(w, start);
		if (!mr_cursor_over(c))
			run(w, op, &a);
		if (op->calls && w->m.p->globals.n && !mr_cursor_over(c))
			w->m.p->called = true;
	} while (op->act != MR_PICKLE_STOP && !mr_cursor_over(c));
	if (w->m.overflow)
		mr_pickle_limit(&w->m, "its memo is larger than a pickler's");
	return mr_cursor_over(c) ? MR_PICKLE_NOTHING
				 : w->m.stack[w->m.depth - 1];
}

static bool begins(const unsigned char *head)
{
	return head[0] == 0x80 && head[1] <= MR_PICKLE_PROTOCOL_MAX;
}

/* The next two bytes, zeroes where there are none. */
static void peek(struct mr_cursor *c, unsigned char head[2])
{
	uint64_t at = c->at;
	uint64_t left = c->limit - at;

	memset(head, 0, 2);
	mr_cursor_get(c, head, left < 2 ? (size_t)left : 2);
	mr_cursor_seek(c, at);
}

/*
 * Pickles one behind the other, which a program may load in turn.  What only
 * looks like one, and calls nothing before it breaks, is data; nothing is
 * noted of that, and nothing behind it is looked at.
 */
static void walk_more(struct walk *w)
{
	struct mr_cursor *c = w->m.c;
	struct mr_pickles *p = w->m.p;
	bool called = p->called;

	while (c->at < c->limit && !mr_cursor_over(c)) {
		struct mr_words globals = p->globals;
		struct mr_words unsafe = p->unsafe;
		unsigned char head[2];
		uint64_t at = c->at;

		peek(c, head);
		p->called = false;
		(void)walk_one(w); /* whatever it was */
		called |= p->called;
		if (c->rc < 0 || !c->trouble || p->called || p->limited ||
		    begins(head))
			continue;
		c->trouble = NULL;
		c->at = c->limit;
		p->globals = globals;
		p->unsafe = unsafe;
		p->rest = c->limit - at;
	}
	p->called = called;
}

static void walk_all(struct walk *w)
{
	struct mr_pickles *p = w->m.p;
	size_t i;

	p->torch = walk_one(w) == MR_PICKLE_TORCH;
	if (!p->torch)
		walk_more(w);
	/* Behind the last one are the storages' bytes. */
	for (i = 1; p->torch && i < TORCH_PICKLES; i++)
		(void)walk_one(w); /* trouble if it is not there */
}

/* joblib writes an array's bytes between two opcodes (numpy_pickle.py), so
 * that no other unpickler can read on. */
static bool is_joblib(const struct mr_pickles *p)
{
	size_t i;

	for (i = 0; i < p->globals.n; i++)
		if (strcmp(p->globals.items[i],
			   "joblib.numpy_pickle NumpyArrayWrapper") == 0)
			return true;
	return false;
}

/* By the time a pickle breaks it has run. */
static void tell_imports(struct mr_cursor *c, const struct mr_pickles *p)
{
	char shown[SHOWN_BYTES];
	char *text;

	if (!c->trouble || !p->unsafe.n)
		return;
	if (is_joblib(p)) {
		c->trouble = CANNOT "joblib keeps arrays inside the pickle";
		c->limited = true;
	}
	text = mr_arena_printf(
		c->arena, "%s; before that it imports '%s'", c->trouble,
		mr_text_safe(p->unsafe.items[0], shown, sizeof(shown)));
	if (text)
		c->trouble = text;
}

void mr_pickle_walk(struct mr_cursor *c, struct mr_pickles *p)
{
	MR_AUTO(mr_free) struct walk *w = NULL;

	if (mr_cursor_over(c))
		return;
	w = mr_zalloc(sizeof(*w));
	if (!w) {
		c->rc = mr_fail_nomem(c->err);
		return;
	}
	w->m.c = c;
	w->m.p = p;
	w->names.own = p->own;
	walk_all(w);
	tell_imports(c, p);
	mr_pickle_release(&w->m);
}

/* Protocols 0 and 1 have no magic, and texts may begin like them. */
static bool is_pickle(const struct mr_cursor *c, const struct mr_pickles *p,
		      const unsigned char *head)
{
	if (begins(head) || p->called)
		return true;
	return c->trouble ? p->limited : !p->rest;
}

bool mr_pickle_take(struct mr_cursor *c, struct mr_facts *out)
{
	struct mr_pickles p = { 0 };
	unsigned char head[2];

	peek(c, head);
	mr_pickle_walk(c, &p);
	if (c->rc == 0 && !is_pickle(c, &p, head)) {
		c->trouble = NULL;
		return false;
	}
	if (p.rest) {
		mr_keep_warning(c, out,
				"%" PRIu64 " bytes behind its last pickle are "
				"no pickle and were not looked at",
				p.rest);
		mr_keep_word(c, &p.unsafe, MR_UNSAFE_REST);
	}
	if (p.torch)
		out->producer = "PyTorch";
	mr_words_sort(&p.globals);
	mr_words_sort(&p.unsafe);
	out->globals = p.globals;
	out->unsafe = p.unsafe;
	return true;
}

int mr_pickle_read(struct mr_reader *r, struct mr_arena *a,
		   struct mr_facts *out, struct mreg_error *err)
{
	MR_AUTO(mr_cursor_freep) struct mr_cursor *c = NULL;
	int rc = mr_cursor_new(r, a, &c, err);

	if (rc < 0)
		return rc;
	if (!mr_pickle_take(c, out))
		out->format = MR_FORMAT_UNKNOWN;
	return mr_cursor_end(c, out);
}
