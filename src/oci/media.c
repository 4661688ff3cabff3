/*
 * media.c - media types: their grammar and the ones manifests have.
 */
#include "oci/oci.h"

#include <string.h>
#include <strings.h>

#include "oci/media.h"

#define PART_MAX_BYTES 127 /* RFC 6838, section 4.2 */

const char mr_manifest_accept[] =
	MR_MEDIA_MANIFEST ", " MR_MEDIA_INDEX ", " MR_MEDIA_DOCKER_MANIFEST
			  ", " MR_MEDIA_DOCKER_LIST;

static const struct mr_manifest_type types[] = {
	{ MR_MEDIA_MANIFEST, false },
	{ MR_MEDIA_INDEX, true },
	{ MR_MEDIA_DOCKER_MANIFEST, false },
	{ MR_MEDIA_DOCKER_LIST, true },
};

const struct mr_manifest_type *mr_manifest_type_get(const char *media_type,
						    size_t n)
{
	size_t i;

	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (strlen(types[i].name) == n &&
		    strncasecmp(types[i].name, media_type, n) == 0)
			return &types[i];
	return NULL;
}

/* Past one half of a media type: RFC 6838, section 4.2's restricted-name; NULL
 * if there is none. */
static const char *skip_part(const char *s)
{
	static const char alnum[] = "abcdefghijklmnopqrstuvwxyz"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
	static const char chars[] = "abcdefghijklmnopqrstuvwxyz"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				    "!#$&-^_.+";
	size_t n = strspn(s, chars);

	if (n == 0 || n > PART_MAX_BYTES || !strchr(alnum, s[0]))
		return NULL;
	return s + n;
}

bool mr_media_type_valid(const char *media_type)
{
	const char *s = skip_part(media_type);

	if (!s || *s != '/')
		return false;
	s = skip_part(s + 1);
	return s && !*s;
}
