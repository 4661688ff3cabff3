/*
 * warning.c - what a registry wants its users to know (P-92): "Warning: 299 -
 * "text"", told once a session, and never acted on.
 */
#include "net/wire.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"

/* A registry with more to say than that has something else in mind. */
#define TOLD_MAX 16
#define TEXT_BYTES 512

/* The quoted text of a value with code 299; false for any other. */
static bool read_text(const char *value, char out[TEXT_BYTES])
{
	static const char begin[] = "299 - \"";
	const char *p = value + sizeof(begin) - 1;
	size_t n = 0;

	if (strncmp(value, begin, sizeof(begin) - 1) != 0)
		return false;
	for (; *p && *p != '"' && n < TEXT_BYTES - 1; p++) {
		if (*p == '\\' && p[1])
			p++;
		out[n++] = *p;
	}
	out[n] = '\0';
	return n > 0;
}

/* Whether it is news. */
static bool note(struct mr_net *n, const char *line)
{
	struct mreg_error ignored = MREG_ERROR_INIT;
	bool news;

	pthread_mutex_lock(&n->lock);
	/* Out of memory it is told again, which does no harm. */
	news = n->told.n < TOLD_MAX && !mr_list_has(&n->told, line);
	if (news)
		(void)mr_list_add(&n->told, line, &ignored);
	pthread_mutex_unlock(&n->lock);
	return news;
}

void mr_warning_tell(struct mr_net *n, const char *host,
		     const struct mr_response *r)
{
	char line[TEXT_BYTES + 320];
	char text[TEXT_BYTES];
	const char *value;
	size_t i;

	for (i = 0; (value = mr_response_header_at(r, "Warning", i)); i++) {
		if (!read_text(value, text))
			continue;
		(void)snprintf(line, sizeof(line), "'%s' says: %s", host,
			       text); /* fits */
		if (note(n, line))
			mr_log(n->env, MREG_LOG_WARN, "%s", line);
	}
}
