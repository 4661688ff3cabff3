/*
 * prov.c - a graph as W3C PROV in JSON (w3.org/submissions/prov-json): versions
 * and data are entities, what made a version is an activity, who registered it
 * an agent.
 *
 * Names of things are made of hashes and digests, so that no text of others can
 * be more than a value.
 */
#include "draw/graph.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/text.h"

#define PREFIX "mreg"
#define NAME_MAX_BYTES 160

/* Sections of the document, by name; a relation is named by its number. */
struct prov {
	const struct mr_drawn *d;
	char (*names)[NAME_MAX_BYTES]; /* of the nodes drawn; owned */
	json_t *entities, *activities, *agents;
	json_t *generated, *used, *derived, *attributed, *influenced;
	size_t relations;
};

static void prov_release(struct prov *p)
{
	mr_release(p->names);
	json_decref(p->entities);
	json_decref(p->activities);
	json_decref(p->agents);
	json_decref(p->generated);
	json_decref(p->used);
	json_decref(p->derived);
	json_decref(p->attributed);
	json_decref(p->influenced);
}

static bool is_activity(const struct mreg_lineage_node *n)
{
	return mr_node_is(n, "run") || mr_node_is(n, "deployment");
}

/* A name within the prefix: "mreg:version-<hex>". */
static int name_of(const char *kind, const char *id, char out[NAME_MAX_BYTES],
		   struct mreg_error *err)
{
	char hex[129];
	int rc;

	if (mr_text_starts(id, "sha256:") && strlen(id) == 71) {
		(void)snprintf(out, NAME_MAX_BYTES, PREFIX ":sha256-%s",
			       id + 7);
		return 0;
	}
	rc = mr_draw_hash(kind, id, hex, err);
	if (rc >= 0)
		(void)snprintf(out, NAME_MAX_BYTES, PREFIX ":%s-%.32s", kind,
			       hex);
	return rc;
}

/* {"$": "mreg:finetune", "type": "prov:QUALIFIED_NAME"} */
static json_t *type_of(const char *name)
{
	json_t *out = json_object();
	char text[64];

	(void)snprintf(text, sizeof(text), PREFIX ":%s", name);
	mr_draw_put(&out, "$", mr_draw_text(text));
	mr_draw_put(&out, "type", json_string("prov:QUALIFIED_NAME"));
	return out;
}

static json_t *described(const struct mreg_lineage_node *n)
{
	json_t *out = json_object();

	mr_draw_put(&out, "prov:type", type_of(n->kind));
	mr_draw_put(&out, "prov:label", mr_draw_text(n->label));
	mr_draw_put(&out, PREFIX ":id", mr_draw_text(n->id));
	if (n->version_count && n->versions[0].license)
		mr_draw_put(&out, PREFIX ":license",
			    mr_draw_text(n->versions[0].license));
	return out;
}

/* A relation between two names; `kind` NULL: of no kind of its own. */
static void relate(struct prov *p, json_t **section, const char *from_key,
		   const char *from, const char *to_key, const char *to,
		   const char *kind)
{
	json_t *r = json_object();
	char id[32];

	mr_draw_put(&r, from_key, json_string(from));
	mr_draw_put(&r, to_key, json_string(to));
	if (kind)
		mr_draw_put(&r, "prov:type", type_of(kind));
	(void)snprintf(id, sizeof(id), "_:r%zu", p->relations++);
	mr_draw_put(section, id, r);
}

/* -- who, and by what ------------------------------------------------------ */

static int put_agent(struct prov *p, const char *version, const char *actor,
		     struct mreg_error *err)
{
	char name[NAME_MAX_BYTES];
	json_t *agent;
	int rc = name_of("agent", actor, name, err);

	if (rc < 0)
		return rc;
	agent = json_object();
	mr_draw_put(&agent, "prov:label", mr_draw_text(actor));
	mr_draw_put(&p->agents, name, agent);
	relate(p, &p->attributed, "prov:entity", version, "prov:agent", name,
	       NULL);
	return 0;
}

/* Its digest names the version already. */
static int making_of(const struct mreg_lineage_node *n,
		     char out[NAME_MAX_BYTES], struct mreg_error *err)
{
	char id[NAME_MAX_BYTES];

	(void)snprintf(id, sizeof(id), "of %s", n->id);
	return name_of("making", id, out, err);
}

/* What made a version: one activity, which ended when it was registered. */
static int put_making(struct prov *p, size_t i, struct mreg_error *err)
{
	const struct mreg_lineage_node *n = mr_drawn_node(p->d, i);
	char name[NAME_MAX_BYTES];
	json_t *made;
	int rc = making_of(n, name, err);

	if (rc < 0)
		return rc;
	made = json_object();
	mr_draw_put(&made, "prov:type", type_of("making"));
	if (n->versions[0].registered_s)
		mr_draw_put(&made, "prov:endTime",
			    mr_draw_time(n->versions[0].registered_s));
	mr_draw_put(&p->activities, name, made);
	relate(p, &p->generated, "prov:entity", p->names[i], "prov:activity",
	       name, NULL);
	return 0;
}

static int put_node(struct prov *p, size_t i, struct mreg_error *err)
{
	const struct mreg_lineage_node *n = mr_drawn_node(p->d, i);
	const char *actor = n->version_count ? n->versions[0].actor : NULL;
	int rc = 0;

	mr_draw_put(is_activity(n) ? &p->activities : &p->entities, p->names[i],
		    described(n));
	if (n->version_count)
		rc = put_making(p, i, err);
	if (rc >= 0 && actor && actor[0])
		rc = put_agent(p, p->names[i], actor, err);
	return rc;
}

/* -- edges ----------------------------------------------------------------- */

static int put_edge(struct prov *p, const struct mreg_lineage_edge *e,
		    struct mreg_error *err)
{
	const struct mreg_lineage_node *child, *parent;
	char made[NAME_MAX_BYTES];
	size_t c, a;
	size_t acts;
	int rc = 0;

	if (!mr_drawn_edge(p->d, e, &c, &a))
		return 0;
	child = mr_drawn_node(p->d, c);
	parent = mr_drawn_node(p->d, a);
	acts = (size_t)is_activity(child) + (size_t)is_activity(parent);
	if (acts == 2 ||
	    (acts == 0 && (mr_node_is(parent, "event") ||
			   strcmp(e->relation, "successor") == 0))) {
		relate(p, &p->influenced, "prov:influencee", p->names[c],
		       "prov:influencer", p->names[a], e->relation);
	} else if (is_activity(child)) {
		relate(p, &p->used, "prov:activity", p->names[c], "prov:entity",
		       p->names[a], e->relation);
	} else if (is_activity(parent)) {
		relate(p, &p->generated, "prov:entity", p->names[c],
		       "prov:activity", p->names[a], NULL);
	} else {
		relate(p, &p->derived, "prov:generatedEntity", p->names[c],
		       "prov:usedEntity", p->names[a], e->relation);
		if (!child->version_count)
			return 0;
		rc = making_of(child, made, err);
		if (rc >= 0)
			relate(p, &p->used, "prov:activity", made,
			       "prov:entity", p->names[a], e->relation);
	}
	return rc;
}

/* -- all of it ------------------------------------------------------------- */

/* An entity that stands for what was left out. */
static int put_left(struct prov *p, struct mreg_error *err)
{
	MR_AUTO(mr_buf_release) struct mr_buf text = MR_BUF_INIT(100);
	json_t *left = json_object();
	int rc;

	mr_put_left(&text, p->d);
	rc = mr_buf_check(&text, "a picture", err);
	mr_draw_put(&left, "prov:label", mr_draw_text(mr_buf_text(&text)));
	mr_draw_put(&p->entities, PREFIX ":more", left);
	return rc;
}

static int begin(struct prov *p, struct mreg_error *err)
{
	size_t i;
	int rc = 0;

	p->names = mr_array(p->d->count + 1, sizeof(*p->names));
	if (!p->names)
		return mr_fail_nomem(err);
	p->entities = json_object();
	p->activities = json_object();
	p->agents = json_object();
	p->generated = json_object();
	p->used = json_object();
	p->derived = json_object();
	p->attributed = json_object();
	p->influenced = json_object();
	for (i = 0; rc >= 0 && i < p->d->count; i++) {
		const struct mreg_lineage_node *n = mr_drawn_node(p->d, i);

		rc = name_of(n->kind, n->id, p->names[i], err);
	}
	return rc;
}

static void put_section(json_t **doc, const char *key, json_t **section)
{
	/* Schemas of PROV-JSON want no empty ones. */
	if (*section && json_object_size(*section) == 0)
		return;
	mr_draw_put(doc, key, *section);
	*section = NULL;
}

static json_t *document(struct prov *p)
{
	json_t *doc = json_object();
	json_t *prefix = json_object();

	mr_draw_put(&prefix, PREFIX, json_string("urn:mreg:lineage:1:"));
	mr_draw_put(&doc, "prefix", prefix);
	put_section(&doc, "entity", &p->entities);
	put_section(&doc, "activity", &p->activities);
	put_section(&doc, "agent", &p->agents);
	put_section(&doc, "wasGeneratedBy", &p->generated);
	put_section(&doc, "used", &p->used);
	put_section(&doc, "wasDerivedFrom", &p->derived);
	put_section(&doc, "wasAttributedTo", &p->attributed);
	put_section(&doc, "wasInfluencedBy", &p->influenced);
	return doc;
}

int mr_draw_prov(const struct mr_drawn *d, struct mr_buf *b,
		 struct mreg_error *err)
{
	MR_AUTO(prov_release) struct prov p = { .d = d };
	size_t i;
	int rc = begin(&p, err);

	for (i = 0; rc >= 0 && i < d->count; i++)
		rc = put_node(&p, i, err);
	for (i = 0; rc >= 0 && i < d->r->edge_count; i++)
		rc = put_edge(&p, &d->r->edges[i], err);
	if (rc >= 0 && d->left)
		rc = put_left(&p, err);
	return rc < 0 ? rc : mr_draw_dump(document(&p), JSON_INDENT(2), b, err);
}
