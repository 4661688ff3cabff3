/*
 * pickle_ops.c - the opcodes of pickle's protocols 0 to 5: their arguments and
 * what they do to the stack.
 *
 * After CPython's Lib/pickletools.py and Modules/_pickle.c (3.11).
 */
#include "format/pickle.h"

static const struct mr_pickle_op ops[256] = {
	/* Protocol 0: arguments are lines. */
	['('] = { "MARK", .act = MR_PICKLE_MARK },
	['.'] = { "STOP", .act = MR_PICKLE_STOP },
	['0'] = { "POP", .act = MR_PICKLE_POP },
	['1'] = { "POP_MARK", .act = MR_PICKLE_POP_MARK },
	['2'] = { "DUP", .act = MR_PICKLE_DUP },
	['F'] = { "FLOAT", .lines = 1, .pushes = 1, .line = MR_PICKLE_REAL },
	['I'] = { "INT", .lines = 1, .pushes = 1, .line = MR_PICKLE_INTEGER },
	['L'] = { "LONG", .lines = 1, .pushes = 1, .line = MR_PICKLE_INTEGER },
	['N'] = { "NONE", .pushes = 1 },
	['P'] = { "PERSID", .lines = 1, .pushes = 1 },
	['R'] = { "REDUCE", .pops = 2, .pushes = 1, .calls = true },
	['S'] = { "STRING", .act = MR_PICKLE_TEXT, .lines = 1,
		  .line = MR_PICKLE_QUOTED },
	['V'] = { "UNICODE", .act = MR_PICKLE_TEXT, .lines = 1 },
	['a'] = { "APPEND", .pops = 2, .pushes = 1, .calls = true },
	['b'] = { "BUILD", .pops = 2, .pushes = 1, .calls = true },
	['c'] = { "GLOBAL", .act = MR_PICKLE_GLOBAL, .lines = 2 },
	['d'] = { "DICT", .act = MR_PICKLE_FOLD },
	['g'] = { "GET", .act = MR_PICKLE_GET, .lines = 1,
		  .line = MR_PICKLE_INTEGER },
	['i'] = { "INST", .act = MR_PICKLE_INSTANCE, .lines = 2,
		  .calls = true },
	['l'] = { "LIST", .act = MR_PICKLE_FOLD },
	['p'] = { "PUT", .act = MR_PICKLE_PUT, .lines = 1,
		  .line = MR_PICKLE_INTEGER },
	['s'] = { "SETITEM", .pops = 3, .pushes = 1, .calls = true },
	['t'] = { "TUPLE", .act = MR_PICKLE_FOLD },
	/* Protocol 1. */
	[')'] = { "EMPTY_TUPLE", .pushes = 1 },
	['B'] = { "BINBYTES", .counted = 4, .pushes = 1 },
	['C'] = { "SHORT_BINBYTES", .counted = 1, .pushes = 1 },
	['G'] = { "BINFLOAT", .number = 8, .pushes = 1 },
	['J'] = { "BININT", .number = 4, .pushes = 1 },
	['K'] = { "BININT1", .number = 1, .pushes = 1 },
	['M'] = { "BININT2", .number = 2, .pushes = 1 },
	['Q'] = { "BINPERSID", .pops = 1, .pushes = 1 },
	['T'] = { "BINSTRING", .act = MR_PICKLE_TEXT, .counted = 4 },
	['U'] = { "SHORT_BINSTRING", .act = MR_PICKLE_TEXT, .counted = 1 },
	['X'] = { "BINUNICODE", .act = MR_PICKLE_TEXT, .counted = 4 },
	[']'] = { "EMPTY_LIST", .pushes = 1 },
	['e'] = { "APPENDS", .act = MR_PICKLE_EXTEND, .calls = true },
	['h'] = { "BINGET", .act = MR_PICKLE_GET, .number = 1 },
	['j'] = { "LONG_BINGET", .act = MR_PICKLE_GET, .number = 4 },
	['o'] = { "OBJ", .act = MR_PICKLE_FOLD, .calls = true },
	['q'] = { "BINPUT", .act = MR_PICKLE_PUT, .number = 1 },
	['r'] = { "LONG_BINPUT", .act = MR_PICKLE_PUT, .number = 4 },
	['u'] = { "SETITEMS", .act = MR_PICKLE_EXTEND, .calls = true },
	['}'] = { "EMPTY_DICT", .pushes = 1 },
	/* Protocol 2. */
	[0x80] = { "PROTO", .act = MR_PICKLE_PROTOCOL, .number = 1 },
	[0x81] = { "NEWOBJ", .pops = 2, .pushes = 1, .calls = true },
	[0x82] = { "EXT1", .act = MR_PICKLE_EXTENSION, .number = 1 },
	[0x83] = { "EXT2", .act = MR_PICKLE_EXTENSION, .number = 2 },
	[0x84] = { "EXT4", .act = MR_PICKLE_EXTENSION, .number = 4 },
	[0x85] = { "TUPLE1", .pops = 1, .pushes = 1 },
	[0x86] = { "TUPLE2", .pops = 2, .pushes = 1 },
	[0x87] = { "TUPLE3", .pops = 3, .pushes = 1 },
	[0x88] = { "NEWTRUE", .pushes = 1 },
	[0x89] = { "NEWFALSE", .pushes = 1 },
	[0x8a] = { "LONG1", .act = MR_PICKLE_LONG, .counted = 1 },
	[0x8b] = { "LONG4", .act = MR_PICKLE_LONG, .counted = 4 },
	/* Protocol 4. */
	[0x8c] = { "SHORT_BINUNICODE", .act = MR_PICKLE_TEXT, .counted = 1 },
	[0x8d] = { "BINUNICODE8", .act = MR_PICKLE_TEXT, .counted = 8 },
	[0x8e] = { "BINBYTES8", .counted = 8, .pushes = 1 },
	[0x8f] = { "EMPTY_SET", .pushes = 1 },
	[0x90] = { "ADDITEMS", .act = MR_PICKLE_EXTEND, .calls = true },
	[0x91] = { "FROZENSET", .act = MR_PICKLE_FOLD },
	[0x92] = { "NEWOBJ_EX", .act = MR_PICKLE_KEYWORDS, .calls = true },
	[0x93] = { "STACK_GLOBAL", .act = MR_PICKLE_STACK_GLOBAL },
	[0x94] = { "MEMOIZE", .act = MR_PICKLE_MEMOIZE },
	[0x95] = { "FRAME", .act = MR_PICKLE_FRAME, .number = 8 },
	/* Protocol 5. */
	[0x96] = { "BYTEARRAY8", .counted = 8, .pushes = 1 },
	[0x97] = { "NEXT_BUFFER", .pushes = 1 },
	[0x98] = { "READONLY_BUFFER", .pops = 1, .pushes = 1 },
};

const struct mr_pickle_op *mr_pickle_op(unsigned char code)
{
	return &ops[code];
}
