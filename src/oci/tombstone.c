/*
 * tombstone.c - the manifest that stands for "no such tag" where tags cannot
 * be deleted (product.md 4).
 *
 * Its bytes never change: every client must know it by its digest, and a tag
 * pointed at it twice must not move.
 */
#include "oci/oci.h"

#include <string.h>

#define EMPTY_DIGEST                                                           \
	"sha256:"                                                              \
	"44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
#define EMPTY_DESC                                                             \
	"\"mediaType\":\"" MR_MEDIA_EMPTY "\","                                \
	"\"digest\":\"" EMPTY_DIGEST "\",\"size\":2"

static const char tombstone[] = "{\"schemaVersion\":2,"
				"\"mediaType\":\"" MR_MEDIA_MANIFEST "\","
				"\"artifactType\":\"" MR_MEDIA_REMOVED "\","
				"\"config\":{" EMPTY_DESC ",\"data\":\"e30=\"},"
				"\"layers\":[{" EMPTY_DESC "}]}";

/* Computed once; test_tombstone.c computes it again. */
static const struct mreg_digest tombstone_digest = {
	.algorithm = MREG_SHA256,
	.bytes = {
		0xfa, 0xbe, 0xf6, 0xe7, 0xc9, 0xd4, 0xd9, 0xa1,
		0xe6, 0xad, 0x3f, 0xb6, 0x7c, 0x90, 0xe2, 0x59,
		0x17, 0x94, 0xd3, 0xe6, 0x6e, 0x54, 0x29, 0x03,
		0xe7, 0xc5, 0xfc, 0xa3, 0xdd, 0x70, 0x55, 0x58,
	},
};

const char *mr_tombstone(struct mreg_desc *desc, size_t *len)
{
	if (desc) {
		*desc = (struct mreg_desc){ .media_type = MR_MEDIA_MANIFEST };
		desc->digest = tombstone_digest;
		desc->size = sizeof(tombstone) - 1;
	}
	if (len)
		*len = sizeof(tombstone) - 1;
	return tombstone;
}

bool mr_manifest_removed(const struct mr_manifest *m)
{
	return !m->is_index && m->artifact_type &&
	       strcmp(m->artifact_type, MR_MEDIA_REMOVED) == 0;
}
