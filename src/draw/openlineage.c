/*
 * openlineage.c - a graph as events of OpenLineage 2 (openlineage.io/spec), a
 * line of JSON each: for every version the run that made it, complete, with
 * what it came from as inputs and the version as its output.
 *
 * A version is a dataset whose name is the model's and whose version is the
 * digest; a run has an id made of that digest, so that the same graph tells the
 * same runs again.  Deployments and the like are no data and are left out.
 */
#include "draw/graph.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/text.h"

#define SPEC "https://openlineage.io/spec/"
#define EVENT_SCHEMA SPEC "2-0-2/OpenLineage.json#/$defs/RunEvent"
#define VERSION_SCHEMA                                                         \
	SPEC "facets/1-0-1/DatasetVersionDatasetFacet.json"                    \
	     "#/$defs/DatasetVersionDatasetFacet"
#define KIND_SCHEMA                                                            \
	SPEC "facets/1-0-0/DatasetTypeDatasetFacet.json"                       \
	     "#/$defs/DatasetTypeDatasetFacet"
#define SAYS_SCHEMA                                                            \
	SPEC "facets/1-0-1/DocumentationJobFacet.json"                         \
	     "#/$defs/DocumentationJobFacet"
/* Who writes these events: a URI that is the same wherever mreg was got. */
#define PRODUCER "urn:mreg:lineage:1"
#define NAMESPACE "mreg" /* of what has no place of its own */

/* Where a thing is, and what it is called there. */
struct address {
	char place[MREG_REF_TEXT];
	char name[MREG_REF_TEXT];
};

/* "oci:DIR//REPOSITORY", "HOST/REPOSITORY", "SCHEME://HOST/PATH". */
static void split(const char *text, struct address *out)
{
	const char *cut = strstr(text, "://");
	const char *scheme = "";

	if (mr_text_starts(text, "oci:")) {
		cut = strstr(text, "//");
	} else if (cut) {
		cut = strchr(cut + 3, '/');
	} else {
		cut = strchr(text, '/');
		if (cut && memchr(text, '.', (size_t)(cut - text)) == NULL &&
		    memchr(text, ':', (size_t)(cut - text)) == NULL)
			cut = NULL; /* a path, no host */
		scheme = "oci://";
	}
	if (!cut || !cut[1 + strspn(cut + 1, "/")]) {
		(void)snprintf(out->place, sizeof(out->place), NAMESPACE);
		(void)snprintf(out->name, sizeof(out->name), "%s", text);
		return;
	}
	(void)snprintf(out->place, sizeof(out->place), "%s%.*s", scheme,
		       (int)(cut - text), text);
	(void)snprintf(out->name, sizeof(out->name), "%s",
		       cut + strspn(cut, "/"));
}

static void address_of(const struct mreg_lineage_node *n, struct address *out)
{
	if (n->version_count)
		split(n->versions[0].model, out);
	else if (mr_node_is(n, "uri"))
		split(n->id, out);
	else {
		(void)snprintf(out->place, sizeof(out->place), NAMESPACE);
		(void)snprintf(out->name, sizeof(out->name), "%s", n->id);
	}
}

static bool is_data(const struct mreg_lineage_node *n)
{
	static const char *const kinds[] = { "version", "document", "gap",
					     "uri", "input" };
	size_t i;

	for (i = 0; i < MR_COUNT(kinds); i++)
		if (mr_node_is(n, kinds[i]))
			return true;
	return false;
}

static json_t *facet(const char *schema, const char *key, const char *value)
{
	json_t *out = json_object();

	mr_draw_put(&out, "_producer", json_string(PRODUCER));
	mr_draw_put(&out, "_schemaURL", json_string(schema));
	mr_draw_put(&out, key, mr_draw_text(value));
	return out;
}

static json_t *facets_of(const struct mreg_lineage_node *n)
{
	json_t *out = json_object();
	json_t *kind = facet(KIND_SCHEMA, "datasetType",
			     n->version_count ? "MODEL" : "FILE");

	mr_draw_put(&kind, "subType", mr_draw_text(n->kind));
	mr_draw_put(&out, "datasetType", kind);
	if (mr_text_starts(n->id, "sha"))
		mr_draw_put(&out, "version",
			    facet(VERSION_SCHEMA, "datasetVersion", n->id));
	return out;
}

static json_t *dataset(const struct mreg_lineage_node *n)
{
	json_t *out = json_object();
	struct address at;

	address_of(n, &at);
	mr_draw_put(&out, "namespace", mr_draw_text(at.place));
	mr_draw_put(&out, "name", mr_draw_text(at.name));
	mr_draw_put(&out, "facets", facets_of(n));
	return out;
}

/* RFC 9562, section 5.8 and appendix B.2: made of a SHA-256. */
static int run_id(const char *id, char out[37], struct mreg_error *err)
{
	char hex[129];
	int rc = mr_draw_hash(NAMESPACE ":run:", id, hex, err);

	if (rc < 0)
		return rc;
	(void)snprintf(out, 37, "%.8s-%.4s-8%.3s-%c%.3s-%.12s", hex, hex + 8,
		       hex + 13, "89ab"[hex[16] % 4], hex + 17, hex + 20);
	return 0;
}

static json_t *inputs_of(const struct mr_drawn *d, size_t node)
{
	json_t *out = json_array();
	size_t child, parent, i;
	size_t last = d->count;

	for (i = 0; out && i < d->r->edge_count; i++) {
		const struct mreg_lineage_edge *e = &d->r->edges[i];

		/* Edges of one child stand together, and of two relations to
		 * one parent beside each other. */
		if (!mr_drawn_edge(d, e, &child, &parent) || child != node ||
		    parent == last || !is_data(mr_drawn_node(d, parent)))
			continue;
		last = parent;
		if (json_array_append_new(
			    out, dataset(mr_drawn_node(d, parent))) < 0) {
			json_decref(out);
			out = NULL;
		}
	}
	return out;
}

/* `left`: what the picture leaves out is told. */
static json_t *job_of(const struct mr_drawn *d,
		      const struct mreg_lineage_node *n, bool left)
{
	MR_AUTO(mr_buf_release) struct mr_buf text = MR_BUF_INIT(100);
	json_t *out = json_object();
	struct address at;
	json_t *facets;

	address_of(n, &at);
	mr_draw_put(&out, "namespace", mr_draw_text(at.place));
	mr_draw_put(&out, "name", mr_draw_text(at.name));
	if (!left)
		return out;
	mr_put_left(&text, d);
	facets = json_object();
	mr_draw_put(&facets, "documentation",
		    facet(SAYS_SCHEMA, "description", mr_buf_text(&text)));
	mr_draw_put(&out, "facets", facets);
	return out;
}

static json_t *run_of(const char *id)
{
	json_t *out = json_object();

	mr_draw_put(&out, "runId", json_string(id));
	return out;
}

static int put_event(const struct mr_drawn *d, size_t i, bool first,
		     struct mr_buf *b, struct mreg_error *err)
{
	const struct mreg_lineage_node *n = mr_drawn_node(d, i);
	json_t *event, *outputs;
	char id[37];
	int rc = run_id(n->id, id, err);

	if (rc < 0)
		return rc;
	event = json_object();
	outputs = json_array();
	if (outputs && json_array_append_new(outputs, dataset(n)) < 0) {
		json_decref(outputs);
		outputs = NULL;
	}
	mr_draw_put(&event, "eventType", json_string("COMPLETE"));
	mr_draw_put(&event, "eventTime",
		    mr_draw_time(n->versions[0].registered_s));
	mr_draw_put(&event, "run", run_of(id));
	mr_draw_put(&event, "job", job_of(d, n, first && d->left));
	mr_draw_put(&event, "inputs", inputs_of(d, i));
	mr_draw_put(&event, "outputs", outputs);
	mr_draw_put(&event, "producer", json_string(PRODUCER));
	mr_draw_put(&event, "schemaURL", json_string(EVENT_SCHEMA));
	return mr_draw_dump(event, JSON_COMPACT, b, err);
}

int mr_draw_openlineage(const struct mr_drawn *d, struct mr_buf *b,
			struct mreg_error *err)
{
	bool first = true;
	size_t i;
	int rc = 0;

	for (i = 0; rc >= 0 && i < d->count; i++) {
		if (!mr_drawn_node(d, i)->version_count)
			continue;
		rc = put_event(d, i, first, b, err);
		first = false;
	}
	return rc;
}
