/*
 * idle.c - statements that nobody has, kept for who wants one of the same text.
 *
 * A search's SQL is written anew each time and is one of a few shapes; making
 * a statement of it takes as long as running it.  Two who want the same at once
 * have one each.
 */
#include "db/driver.h"

#include <string.h>

#include "base/mem.h"

/* Some KiB each when they are made. */
#define TEXT_MAX_BYTES 8192

/* Eight bytes at once: texts have hundreds, and each question some of them. */
uint64_t mr_db_hash(const char *sql)
{
	size_t n = strlen(sql);
	uint64_t hash = n;
	uint64_t word;

	while (n > 0) {
		size_t part = n < sizeof(word) ? n : sizeof(word);

		word = 0;
		memcpy(&word, sql, part);
		hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
		hash ^= hash >> 32;
		sql += part;
		n -= part;
	}
	return hash;
}

struct mr_stmt *mr_db_take_idle(struct mr_db *db, const char *sql,
				uint64_t hash)
{
	struct mr_stmt **at = &db->idle;
	struct mr_stmt *s;

	while (*at && ((*at)->hash != hash || strcmp((*at)->sql, sql) != 0))
		at = &(*at)->next;
	s = *at;
	if (!s)
		return NULL;
	*at = s->next;
	s->next = NULL;
	db->idle_count--;
	return s;
}

void mr_db_keep_idle(struct mr_stmt *s, const char *sql, uint64_t hash)
{
	if (s->db->ops->idle_most == 0 ||
	    strnlen(sql, TEXT_MAX_BYTES) == TEXT_MAX_BYTES)
		return;
	/* Without memory it is made anew the next time. */
	s->sql = mr_strdup(sql);
	s->hash = hash;
}

static void free_one(struct mr_stmt *s)
{
	mr_release(s->sql);
	s->db->ops->free(s);
}

/* The one that was not wanted for longest. */
static void drop_last(struct mr_db *db)
{
	struct mr_stmt **at = &db->idle;

	while ((*at)->next)
		at = &(*at)->next;
	free_one(*at);
	*at = NULL;
	db->idle_count--;
}

bool mr_db_give_idle(struct mr_stmt *s)
{
	struct mr_db *db = s->db;

	if (!s->sql)
		return false;
	db->ops->reset(s);
	s->next = db->idle;
	db->idle = s;
	if (++db->idle_count > db->ops->idle_most)
		drop_last(db);
	return true;
}

void mr_db_forget_idle(struct mr_db *db)
{
	struct mr_stmt *s;

	while ((s = db->idle)) {
		db->idle = s->next;
		free_one(s);
	}
	db->idle_count = 0;
}
