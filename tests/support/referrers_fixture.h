/*
 * tests/support/referrers_fixture.h - documents attached to a manifest in the
 * fake registry, and the list under its fallback tag.
 */
#ifndef TESTS_SUPPORT_REFERRERS_FIXTURE_H
#define TESTS_SUPPORT_REFERRERS_FIXTURE_H

#include "tests/support/remote_fixture.h"

#include <jansson.h>

#define RF_TYPE "application/vnd.test.v1"
#define RF_API "*/referrers/*"
#define RF_INDEX                                                               \
	"{\"schemaVersion\":2,\"mediaType\":\"" MR_MEDIA_INDEX                 \
	"\",\"manifests\":["
#define RF_ENTRY                                                               \
	"{\"mediaType\":\"" MR_MEDIA_MANIFEST "\",\"digest\":\"sha256:"        \
	"00000000000000000000000000000000000000000000000000000000000000%02u"   \
	"\",\"size\":7}"

/* A manifest of type `type` about `subject` (NULL: about nothing), put by its
 * digest. */
int rf_attach(struct fx *x, const char *text, const char *type,
	      const struct mreg_desc *subject, struct mreg_desc *out);
/* The same of RF_TYPE, which must succeed. */
struct mreg_desc rf_push(struct fx *x, const char *text,
			 const struct mreg_desc *subject);

/* How many refer to `subject`; `out` is the caller's. */
size_t rf_list(struct fx *x, const struct mreg_desc *subject, const char *type,
	       struct mr_referrers *out);
size_t rf_count(struct fx *x, const struct mreg_desc *subject);

const char *rf_fallback(const struct mreg_desc *subject);
bool rf_has_tag(struct fx *x, const struct mreg_desc *subject);
/* What the fallback tag lists; NULL: there is no such tag. */
json_t *rf_read_tag(struct fx *x, const struct mreg_desc *subject);
/* The entry of `d` in an index; NULL: none. */
json_t *rf_entry_of(json_t *index, const struct mreg_desc *d);
/* An index that lists it, and nothing more than that it is there. */
const char *rf_bare_index(const struct mreg_desc *d);

/* Another registry, with a referrers API. */
void rf_with_api(struct fx *x, struct fakereg_opts o);

#endif
