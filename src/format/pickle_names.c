/*
 * pickle_names.c - the names that a pickle imports, each once.
 */
#include "format/pickle.h"

#include <string.h>

#include "base/mem.h"
#include "base/text.h"

bool mr_pickle_is_name(const struct mr_pickle_name *name)
{
	size_t i;

	for (i = 0; i < name->n; i++)
		if ((unsigned char)name->text[i] <= ' ' ||
		    name->text[i] == 0x7f)
			return false;
	return name->n > 0 && !name->cut;
}

/* FNV-1a of 32 bits; who makes them collide pays with work. */
static size_t hash(const char *text)
{
	uint32_t h = 0x811c9dc5;

	for (; *text; text++)
		h = (h ^ (unsigned char)*text) * 0x01000193;
	return h;
}

/* `text` is safe to show. */
static void add(struct mr_pickle_machine *m, struct mr_pickle_names *names,
		const char *text, bool allowed)
{
	struct mr_words *globals = &m->p->globals;
	size_t slot = hash(text) % MR_COUNT(names->slots);
	const char *kept;

	while (names->slots[slot]) {
		if (strcmp(globals->items[names->slots[slot] - 1], text) == 0)
			return;
		slot = (slot + 1) % MR_COUNT(names->slots);
		mr_pickle_work(m, 1);
	}
	if (globals->n == MR_PICKLE_NAMES_MAX)
		mr_pickle_limit(m, "it imports more than is looked at");
	kept = mr_keep_text(m->c, text, strlen(text));
	mr_keep_word(m->c, globals, kept);
	if (!allowed)
		mr_keep_word(m->c, &m->p->unsafe, kept);
	if (!mr_cursor_over(m->c))
		names->slots[slot] = (unsigned short)globals->n;
}

/* TorchScript's classes are in the archive, and its interpreter takes no
 * others of that name. */
static bool is_own(const struct mr_pickle_name *module)
{
	static const char top[] = "__torch__";
	size_t n = sizeof(top) - 1;

	return module->n >= n && memcmp(module->text, top, n) == 0 &&
	       (module->n == n || module->text[n] == '.');
}

void mr_pickle_note(struct mr_pickle_machine *m, struct mr_pickle_names *names,
		    const struct mr_pickle_name *module,
		    const struct mr_pickle_name *name)
{
	char text[2 * MR_PICKLE_NAME_MAX_BYTES + 2];
	char safe[4 * sizeof(text)]; /* escaped, a byte takes up to four */
	size_t n = module->n + 1 + name->n;

	if (!mr_pickle_is_name(module) || !mr_pickle_is_name(name)) {
		mr_pickle_note_unsafe(m, names, "(computed)");
		return;
	}
	memcpy(text, module->text, module->n);
	text[module->n] = ' ';
	memcpy(text + module->n + 1, name->text, name->n);
	add(m, names, mr_text_safe_n(text, n, safe, sizeof(safe)),
	    mr_pickle_is_allowed(text, n) || (names->own && is_own(module)));
}

void mr_pickle_note_unsafe(struct mr_pickle_machine *m,
			   struct mr_pickle_names *names, const char *what)
{
	add(m, names, what, false);
}
