/*
 * mark.c - when this machine last wrote to a repository, noted in the state:
 * what was seen of it before is older than what is there.
 */
#include <inttypes.h>
#include <stdio.h>

#include "base/text.h"
#include "store/internal.h"

#define WRITTEN "written"
/* Of the last note: where nobody looks for notes none are made. */
#define UNWANTED (-1)

void mr_store_mark(struct mr_store *s, struct mr_state *state)
{
	s->marks = state;
	atomic_store(&s->marked_s, 0);
}

/* Once a second is enough: nobody asks for more.  From several threads. */
void mr_store_note(struct mr_store *s)
{
	int64_t last_s = atomic_load(&s->marked_s);
	int64_t now_s;
	char text[32];

	if (!s->marks || last_s == UNWANTED)
		return;
	if (!last_s && !mr_state_fact_get(s->marks, MR_MARKS_SCOPE,
					  MR_MARKS_SINCE, text, sizeof(text))) {
		atomic_store(&s->marked_s, UNWANTED);
		return;
	}
	now_s = mr_now_s(s->env);
	if (atomic_exchange(&s->marked_s, now_s) == now_s)
		return;
	(void)snprintf(text, sizeof(text), "%" PRId64, now_s);
	mr_state_fact_put(s->marks, s->name, WRITTEN, text);
}

int64_t mr_store_marked(const struct mr_store *s, struct mr_state *state)
{
	uint64_t then_s = 0;
	char text[32];

	if (!mr_state_fact_get(state, s->name, WRITTEN, text, sizeof(text)) ||
	    mr_text_u64(text, INT64_MAX, &then_s) < 0)
		return 0;
	return (int64_t)then_s;
}
