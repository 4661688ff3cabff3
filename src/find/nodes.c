/*
 * nodes.c - what a user's words mean in the index.
 */
#include "find/nodes.h"

#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "content/digest.h"

/* What may stand before the name of something outside, in the order in which a
 * name alone is looked for. */
static const struct outside {
	const char *word;
	enum mr_graph_kind kind;
} outsides[] = {
	{ "input:", MR_GRAPH_NAME },
	{ "uri:", MR_GRAPH_URI },
	{ "environment:", MR_GRAPH_ENVIRONMENT },
	{ "run:", MR_GRAPH_RUN },
	{ "commit:", MR_GRAPH_COMMIT },
	{ "deployment:", MR_GRAPH_DEPLOYMENT },
};

static void add(int64_t out[MR_FIND_MAX], size_t *n, int64_t node)
{
	size_t i;

	for (i = 0; i < *n; i++)
		if (out[i] == node)
			return;
	if (node && *n < MR_FIND_MAX)
		out[(*n)++] = node;
}

static int add_digest(struct mr_index *ix, const struct mreg_digest *d,
		      int64_t out[MR_FIND_MAX], size_t *n,
		      struct mreg_error *err)
{
	int64_t node = 0;
	int rc = mr_index_node(ix, d, &node, err);

	add(out, n, node);
	return rc;
}

static int add_outside(struct mr_index *ix, enum mr_graph_kind kind,
		       const char *name, int64_t out[MR_FIND_MAX], size_t *n,
		       struct mreg_error *err)
{
	int64_t node = 0;
	int rc = mr_index_outside(ix, kind, name, &node, err);

	add(out, n, node);
	return rc;
}

static const struct outside *outside_of(const char *text)
{
	size_t i;

	for (i = 0; i < MR_COUNT(outsides); i++)
		if (mr_text_starts(text, outsides[i].word))
			return &outsides[i];
	return NULL;
}

bool mr_find_is_outside(const char *text)
{
	const struct outside *o = outside_of(text);

	return o && text[strlen(o->word)];
}

/* "run:4711", without the word before it. */
static int add_told(struct mr_index *ix, const char *text,
		    int64_t out[MR_FIND_MAX], size_t *n, struct mreg_error *err)
{
	const struct outside *o = outside_of(text);

	return o ? add_outside(ix, o->kind, text + strlen(o->word), out, n, err)
		 : 0;
}

/* The same of a name of any kind. */
static int add_named(struct mr_index *ix, const char *text,
		     int64_t out[MR_FIND_MAX], size_t *n,
		     struct mreg_error *err)
{
	size_t i;
	int rc = 0;

	for (i = 0; i < MR_COUNT(outsides) && rc >= 0; i++)
		rc = add_outside(ix, outsides[i].kind, text, out, n, err);
	return rc;
}

/* What is no reference means none. */
static int add_reference(struct mreg *m, struct mr_index *ix, const char *text,
			 int64_t out[MR_FIND_MAX], size_t *n,
			 struct mreg_error *err)
{
	struct mreg_error none = MREG_ERROR_INIT;
	char name[MREG_REF_TEXT];
	struct mreg_digest d;
	struct mreg_ref ref;
	bool found;
	int rc;

	if (mr_target_parse(m, text, &ref, &none) < 0)
		return 0;
	if (mr_digest_known(&ref.digest))
		return add_digest(ix, &ref.digest, out, n, err);
	rc = mr_index_resolve(ix, mr_ref_name(&ref, name),
			      ref.tag[0] ? ref.tag : "latest", &d, &found, err);
	return rc < 0 || !found ? rc : add_digest(ix, &d, out, n, err);
}

int mr_find_nodes(struct mreg *m, struct mr_index *ix, const char *text,
		  int64_t out[MR_FIND_MAX], size_t *n, struct mreg_error *err)
{
	struct mreg_digest d;
	int rc;

	*n = 0;
	if (mreg_digest_parse(text, &d, NULL) >= 0)
		return add_digest(ix, &d, out, n, err);
	/* "run:v3" is a model's version, too: what is outside comes first, and
	 * a model is meant where there is no such thing. */
	rc = add_told(ix, text, out, n, err);
	if (rc >= 0)
		rc = add_reference(m, ix, text, out, n, err);
	return rc < 0 ? rc : add_named(ix, text, out, n, err);
}

int mr_find_prefix(struct mreg *m, char out[MREG_REF_TEXT],
		   struct mreg_error *err)
{
	/* Any name: what is above it is asked for. */
	static const char below[] = "/x";
	struct mreg_ref ref;
	int rc = mr_target_parse(m, below + 1, &ref, err);

	if (rc < 0)
		return rc;
	(void)mr_ref_name(&ref, out);
	out[strlen(out) - strlen(below)] = '\0';
	return 0;
}

const char *mr_find_shown(const char *prefix, const char *name)
{
	size_t n = strlen(prefix);

	return strncmp(name, prefix, n) == 0 && name[n] == '/' ? name + n + 1
							       : name;
}
