/*
 * format/pickle.h - what pickles would import, told by their opcodes alone;
 * private to the folder.
 */
#ifndef MR_FORMAT_PICKLE_H
#define MR_FORMAT_PICKLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "format/read.h"

#define MR_PICKLE_PROTOCOL_MAX 5

/* -- walking: pickle.c ---------------------------------------------------- */

struct mr_pickles {
	bool own; /* in: classes below "__torch__" are the archive's own */
	/* "MODULE NAME" as struct mr_facts has them, in the arena, in the order
	 * of the file; with trouble those before it. */
	struct mr_words globals, unsafe;
	bool torch;    /* what torch.save wrote before it wrote archives */
	bool called;   /* an import has been called, or changed */
	bool limited;  /* the trouble is ours: there is more than we look at */
	uint64_t rest; /* bytes behind the last one */
};

/*
 * Walk the pickles that follow each other from where `c` is to its limit: the
 * first must be whole, what comes behind may be data.  Nothing is executed
 * (security.md H67).
 */
void mr_pickle_walk(struct mr_cursor *c, struct mr_pickles *p);
/* The same, told in `out`; false, without trouble, if it is no pickle. */
bool mr_pickle_take(struct mr_cursor *c, struct mr_facts *out);

/* -- opcodes: pickle_ops.c ------------------------------------------------ */

enum mr_pickle_act {
	MR_PICKLE_SIMPLE, /* takes `pops` values, leaves `pushes` of its own */
	MR_PICKLE_TEXT,   /* leaves its argument */
	MR_PICKLE_LONG,   /* leaves a number */
	MR_PICKLE_MARK,
	MR_PICKLE_POP_MARK,
	MR_PICKLE_POP,
	MR_PICKLE_DUP,
	MR_PICKLE_FOLD,   /* takes all down to a mark, leaves one */
	MR_PICKLE_EXTEND, /* takes all down to a mark, changes the one below */
	MR_PICKLE_GET,
	MR_PICKLE_PUT,
	MR_PICKLE_MEMOIZE,
	MR_PICKLE_GLOBAL,
	MR_PICKLE_STACK_GLOBAL,
	MR_PICKLE_EXTENSION,
	MR_PICKLE_INSTANCE, /* MR_PICKLE_GLOBAL and MR_PICKLE_FOLD */
	MR_PICKLE_KEYWORDS, /* a call with arguments by name */
	MR_PICKLE_PROTOCOL,
	MR_PICKLE_FRAME,
	MR_PICKLE_STOP,
};

/* What the line of an opcode of protocol 0 must look like. */
enum mr_pickle_line {
	MR_PICKLE_ANY,
	MR_PICKLE_INTEGER,
	MR_PICKLE_REAL,
	MR_PICKLE_QUOTED,
};

struct mr_pickle_op {
	const char *name; /* NULL: no opcode */
	enum mr_pickle_act act;
	/* Its argument: a number of so many bytes, or so many bytes of a
	 * length and then as many bytes, or so many lines. */
	unsigned char number, counted, lines;
	unsigned char pops, pushes; /* of MR_PICKLE_SIMPLE */
	enum mr_pickle_line line;
	bool calls; /* may run what was imported, or change it */
};

const struct mr_pickle_op *mr_pickle_op(unsigned char code);

/* -- the machine: pickle_machine.c ---------------------------------------- */

/*
 * A value, on the stack or in the memo: MR_PICKLE_NOTHING (only in the memo),
 * something, a text that can be no name, the number that torch.save begins
 * with, or (told by its two lowest bits, MR_PICKLE_AT) where a text stands.
 */
#define MR_PICKLE_NOTHING UINT64_C(0)
#define MR_PICKLE_SOMETHING UINT64_C(1)
#define MR_PICKLE_OPAQUE UINT64_C(2)
#define MR_PICKLE_TORCH UINT64_C(4)
#define MR_PICKLE_AT UINT64_C(3)

/* Opcodes, bytes of lines and the like: about a second. */
#define MR_PICKLE_WORK_MAX (UINT64_C(1) << 27)

struct mr_pickle_machine {
	struct mr_cursor *c;  /* borrowed */
	struct mr_pickles *p; /* borrowed */
	uint64_t *stack;      /* owned */
	size_t depth, stack_cap;
	size_t *marks; /* owned; depths */
	size_t mark_count, mark_cap;
	uint64_t *memo; /* owned */
	size_t memo_cap;
	size_t memo_used, memo_end; /* entries; one behind the last */
	/* Something was put where the memo has no room: the pickle cannot be
	 * told to be harmless.  The walk goes on, for to call such a thing a
	 * pickle at all takes more when it has no magic. */
	bool overflow;
	uint64_t work;
};

/* What a pickler would never write is trouble of the cursor, and `limited`. */
void mr_pickle_limit(struct mr_pickle_machine *m, const char *what);
void mr_pickle_work(struct mr_pickle_machine *m, uint64_t n);

void mr_pickle_clear(struct mr_pickle_machine *m); /* for the next pickle */
void mr_pickle_release(struct mr_pickle_machine *m);

/* Whether so many values are above the last mark; trouble if not. */
bool mr_pickle_need(struct mr_pickle_machine *m, size_t n);
void mr_pickle_push(struct mr_pickle_machine *m, uint64_t value);
uint64_t mr_pickle_pop(struct mr_pickle_machine *m);
/* Take `pops`, leave `pushes` times something. */
void mr_pickle_replace(struct mr_pickle_machine *m, size_t pops, size_t pushes);
/* POP: a mark, when that is what is on top. */
void mr_pickle_drop(struct mr_pickle_machine *m);
void mr_pickle_mark(struct mr_pickle_machine *m);
/* Take all down to the last mark; how many. */
size_t mr_pickle_pop_mark(struct mr_pickle_machine *m);
void mr_pickle_put(struct mr_pickle_machine *m, uint64_t key);
void mr_pickle_get(struct mr_pickle_machine *m, uint64_t key);

/* -- names: pickle_names.c, pickle_allow.c -------------------------------- */

/* Of a module's or a class's name. */
#define MR_PICKLE_NAME_MAX_BYTES 400

struct mr_pickle_name {
	char text[MR_PICKLE_NAME_MAX_BYTES + 1]; /* NUL behind it */
	size_t n;
	bool cut; /* there was more */
};

/* Different names: honest files have hundreds. */
#define MR_PICKLE_NAMES_MAX 4096

struct mr_pickle_names {
	bool own; /* as in struct mr_pickles */
	/* 1 + an index in `globals`; 0: free. */
	unsigned short slots[2 * MR_PICKLE_NAMES_MAX];
};

/* No module and no class has a name with blanks or controls in it. */
bool mr_pickle_is_name(const struct mr_pickle_name *name);
/* An import, or "(computed)" when one of the two is no name. */
void mr_pickle_note(struct mr_pickle_machine *m, struct mr_pickle_names *names,
		    const struct mr_pickle_name *module,
		    const struct mr_pickle_name *name);
/* What has no name of its own: "(extension)". */
void mr_pickle_note_unsafe(struct mr_pickle_machine *m,
			   struct mr_pickle_names *names, const char *what);

/* Whether importing and calling "MODULE NAME" only builds data. */
bool mr_pickle_is_allowed(const char *text, size_t n);

#endif
