/*
 * pickle_machine.c - an unpickler's stack, marks and memo, with nothing in
 * them but which values are texts.
 *
 * As CPython's (3.11: Modules/_pickle.c, Lib/pickle.py), whose two unpicklers
 * agree on all of this.  Everything is bounded (security.md H67).
 */
#include "format/pickle.h"

#include <inttypes.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"

/* Picklers write at most 1,000 values between marks, but tuples as a whole. */
#define STACK_MAX (1u << 22)
/* CPython's own pickler gives up at a depth of some thousands. */
#define MARKS_MAX 100000
/* One for each object; a vocabulary of millions of words fits. */
#define MEMO_MAX (1u << 23)

void mr_pickle_limit(struct mr_pickle_machine *m, const char *what)
{
	if (mr_cursor_over(m->c))
		return;
	m->p->limited = true;
	mr_cursor_limit(m->c, "cannot be inspected: %s", what);
}

void mr_pickle_work(struct mr_pickle_machine *m, uint64_t n)
{
	m->work += n;
	if (m->work > MR_PICKLE_WORK_MAX)
		mr_pickle_limit(m, "it is longer than what is looked at");
}

void mr_pickle_clear(struct mr_pickle_machine *m)
{
	if (m->memo_end)
		memset(m->memo, 0, m->memo_end * sizeof(*m->memo));
	mr_pickle_work(m, m->memo_end / 8);
	m->memo_end = 0;
	m->memo_used = 0;
	m->depth = 0;
	m->mark_count = 0;
}

void mr_pickle_release(struct mr_pickle_machine *m)
{
	mr_release(m->stack);
	mr_release(m->marks);
	mr_release(m->memo);
}

/* -- stack ----------------------------------------------------------------- */

/* `items`: the address of a pointer. */
static bool grow(struct mr_pickle_machine *m, void *items, size_t *cap,
		 size_t need, size_t each)
{
	if (!mr_cursor_over(m->c) && mr_grow(items, cap, need, each) < 0)
		m->c->rc = mr_fail_nomem(m->c->err);
	return !mr_cursor_over(m->c);
}

static size_t fence(const struct mr_pickle_machine *m)
{
	return m->mark_count ? m->marks[m->mark_count - 1] : 0;
}

static void miss(struct mr_pickle_machine *m, const char *what)
{
	mr_cursor_fail(m->c,
		       "cannot be inspected: the opcode before byte %" PRIu64
		       " finds no %s",
		       m->c->at, what);
}

bool mr_pickle_need(struct mr_pickle_machine *m, size_t n)
{
	if (m->depth - fence(m) < n)
		miss(m, "value on the stack");
	return !mr_cursor_over(m->c);
}

void mr_pickle_push(struct mr_pickle_machine *m, uint64_t value)
{
	if (m->depth == STACK_MAX)
		mr_pickle_limit(m, "there are more values on its stack than "
				   "a pickler leaves");
	if (grow(m, &m->stack, &m->stack_cap, m->depth + 1, sizeof(*m->stack)))
		m->stack[m->depth++] = value;
}

uint64_t mr_pickle_pop(struct mr_pickle_machine *m)
{
	return mr_pickle_need(m, 1) ? m->stack[--m->depth] : MR_PICKLE_NOTHING;
}

void mr_pickle_replace(struct mr_pickle_machine *m, size_t pops, size_t pushes)
{
	if (mr_pickle_need(m, pops))
		m->depth -= pops;
	while (pushes-- > 0)
		mr_pickle_push(m, MR_PICKLE_SOMETHING);
}

void mr_pickle_drop(struct mr_pickle_machine *m)
{
	if (m->mark_count && m->depth == fence(m))
		m->mark_count--;
	else if (mr_pickle_need(m, 1))
		m->depth--;
}

void mr_pickle_mark(struct mr_pickle_machine *m)
{
	if (m->mark_count == MARKS_MAX)
		mr_pickle_limit(m, "there are more marks on its stack than a "
				   "pickler leaves");
	if (grow(m, &m->marks, &m->mark_cap, m->mark_count + 1,
		 sizeof(*m->marks)))
		m->marks[m->mark_count++] = m->depth;
}

size_t mr_pickle_pop_mark(struct mr_pickle_machine *m)
{
	size_t n;

	if (!m->mark_count)
		miss(m, "mark");
	if (mr_cursor_over(m->c))
		return 0;
	n = m->depth - fence(m);
	m->depth = m->marks[--m->mark_count];
	return n;
}

/* -- memo ------------------------------------------------------------------ */

void mr_pickle_put(struct mr_pickle_machine *m, uint64_t key)
{
	size_t old = m->memo_cap;

	if (!mr_pickle_need(m, 1))
		return;
	m->overflow |= key >= MEMO_MAX;
	if (key >= MEMO_MAX ||
	    !grow(m, &m->memo, &m->memo_cap, (size_t)key + 1, sizeof(*m->memo)))
		return;
	if (m->memo_cap > old)
		memset(m->memo + old, 0,
		       (m->memo_cap - old) * sizeof(*m->memo));
	/* MEMOIZE counts entries. */
	if (m->memo[key] == MR_PICKLE_NOTHING)
		m->memo_used++;
	if (key >= m->memo_end)
		m->memo_end = (size_t)key + 1;
	m->memo[key] = m->stack[m->depth - 1];
}

void mr_pickle_get(struct mr_pickle_machine *m, uint64_t key)
{
	if (key < m->memo_end && m->memo[key] != MR_PICKLE_NOTHING)
		mr_pickle_push(m, m->memo[key]);
	else if (m->overflow)
		mr_pickle_push(m, MR_PICKLE_SOMETHING);
	else
		miss(m, "such entry in the memo");
}
