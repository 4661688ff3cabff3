/*
 * text_size.c - sizes as people write them, to bytes.
 */
#include "base/text.h"

#include <string.h>
#include <strings.h>

#include "base/mem.h"

/* JSON and off_t count up to here. */
#define SIZE_LARGEST ((uint64_t)INT64_MAX)

struct unit {
	const char *name;
	uint64_t bytes;
};

/* K, M, G and T alone are powers of 1024, as curl, wget and rsync take them;
 * with a B behind they are those of 1000 (IEC 80000-13). */
static const struct unit units[] = {
	{ "", 1 },
	{ "B", 1 },
	{ "K", 1024 },
	{ "KB", 1000 },
	{ "KiB", 1024 },
	{ "M", 1u << 20 },
	{ "MB", 1000000 },
	{ "MiB", 1u << 20 },
	{ "G", 1u << 30 },
	{ "GB", 1000000000 },
	{ "GiB", 1u << 30 },
	{ "T", UINT64_C(1) << 40 },
	{ "TB", UINT64_C(1000000000000) },
	{ "TiB", UINT64_C(1) << 40 },
};

static const struct unit *find_unit(const char *name)
{
	size_t i;

	for (i = 0; i < MR_COUNT(units); i++)
		if (strcasecmp(units[i].name, name) == 0)
			return &units[i];
	return NULL;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

int mr_text_size_parse(const char *text, uint64_t *bytes)
{
	const struct unit *unit;
	const char *p = text;
	uint64_t scale = 1;
	uint64_t part = 0;
	uint64_t n = 0;

	if (!is_digit(*p))
		return -1;
	for (; is_digit(*p); p++) {
		n = n * 10 + (uint64_t)(*p - '0');
		if (n > SIZE_LARGEST / 10)
			return -1;
	}
	if (*p == '.') {
		if (!is_digit(p[1]))
			return -1;
		/* Three places are more than anybody means. */
		for (p++; is_digit(*p); p++)
			if (scale < 1000) {
				scale *= 10;
				part = part * 10 + (uint64_t)(*p - '0');
			}
	}
	if (*p == ' ' && p[1])
		p++;
	unit = find_unit(p);
	if (!unit || n > SIZE_LARGEST / unit->bytes)
		return -1;
	n *= unit->bytes;
	part = unit->bytes * part / scale;
	if (part > SIZE_LARGEST - n)
		return -1;
	*bytes = n + part;
	return 0;
}
