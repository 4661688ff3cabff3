/*
 * tests/support/catalogue_fixture.c - models with versions, made up.
 */
#include "tests/support/catalogue_fixture.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "tests/support/test.h"

const char *const catalogue_keys[CATALOGUE_SEVERAL] = { "auc", "team", "a key",
							"x.y" };

size_t catalogue_random(struct catalogue *c, size_t below)
{
	/* Marsaglia's xorshift of 64 bits. */
	c->seed ^= c->seed << 13;
	c->seed ^= c->seed >> 7;
	c->seed ^= c->seed << 17;
	return (size_t)(c->seed >> 11) % below;
}

static bool once_in(struct catalogue *c, size_t n)
{
	return catalogue_random(c, n) == 0;
}

const char *catalogue_text(struct catalogue *c)
{
	static const char *const texts[] = {
		"a",   "b",   "ab",       "aB",       "A",    "x%y",
		"x_y", "xzy", "\xc3\xbc", "\xc3\x9c", "it's", "10",
		"9.5", "-3",  "1e3",      "$1",
	};

	return texts[catalogue_random(c, MR_COUNT(texts))];
}

static const char *maybe(struct catalogue *c)
{
	return once_in(c, 3) ? NULL : catalogue_text(c);
}

static const char *license(struct catalogue *c)
{
	static const char *const texts[] = { "MIT", "Apache-2.0",
					     "GPL-3.0 OR MIT", "GPL-3.0-only",
					     "(gpl-3.0)" };

	return once_in(c, 3) ? NULL
			     : texts[catalogue_random(c, MR_COUNT(texts))];
}

static struct mreg_digest digest(const char *kind, size_t n)
{
	struct mreg_digest d = { .algorithm = MREG_SHA256 };

	(void)snprintf((char *)d.bytes, 32, "%s%zu", kind, n);
	if (n % 7 == 6) {
		d.algorithm = MREG_SHA512;
		d.bytes[40] = 1;
	}
	return d;
}

/* Few seconds, so that ties are common; now and then none, or one before
 * 1970. */
static int64_t moment(struct catalogue *c)
{
	return once_in(c, 9) ? 0 : (int64_t)catalogue_random(c, 12) - 2;
}

static size_t pairs(struct catalogue *c, struct mreg_pair *out, bool numbers)
{
	static const char *const values[] = { "0.5", "0.25", "-0.0", "1",
					      "1.0", "3",    "1e-3", "0.75" };
	size_t i, n = 0;

	for (i = 0; i < CATALOGUE_SEVERAL; i++) {
		if (once_in(c, 2))
			continue;
		out[n].name = catalogue_keys[i];
		out[n++].value =
			numbers ? values[catalogue_random(c, MR_COUNT(values))]
				: catalogue_text(c);
	}
	return n;
}

static const char *words(struct catalogue *c)
{
	static const char *const texts[] = {
		"Alpha, beta.", "beta-gamma", "ALPHA \xc3\xbc\x62\x65r",
		"it's 42",      "gamma",      "!?",
	};

	return once_in(c, 4) ? NULL
			     : texts[catalogue_random(c, MR_COUNT(texts))];
}

static void make_manifest(struct catalogue *c, size_t at)
{
	static const enum mr_attr attrs[] = {
		MR_ATTR_KIND,   MR_ATTR_FORMAT,    MR_ATTR_ARCHITECTURE,
		MR_ATTR_FAMILY, MR_ATTR_PRECISION, MR_ATTR_QUANTIZATION,
		MR_ATTR_SOURCE, MR_ATTR_REVISION,  MR_ATTR_RUN,
	};
	struct catalogue_manifest *m = &c->manifests[at];
	size_t i;

	m->digest = digest("m", at);
	if (!once_in(c, 4))
		m->fileset = digest("f", catalogue_random(c, 20));
	for (i = 0; i < MR_COUNT(attrs); i++)
		m->text[attrs[i]] = maybe(c);
	m->text[MR_ATTR_LICENSE] = license(c);
	m->author[0] = maybe(c);
	m->author[1] = m->author[0] ? maybe(c) : NULL;
	m->number[MR_ATTR_PARAMETERS] = (int64_t)catalogue_random(c, 5);
	m->number[MR_ATTR_BYTES] = (int64_t)catalogue_random(c, 5);
	m->number[MR_ATTR_FILES] = (int64_t)catalogue_random(c, 5);
	m->number[MR_ATTR_CREATED] = moment(c);
	m->param_count = pairs(c, m->params, false);
	m->metric_count = pairs(c, m->metrics, true);
	m->parent_count = catalogue_random(c, 3);
	for (i = 0; i < m->parent_count; i++)
		/* Mostly older ones; cycles and itself too. */
		m->parents[i] =
			once_in(c, 12) || at == 0
				? catalogue_random(c, CATALOGUE_MANIFESTS)
				: catalogue_random(c, at);
	m->uri = once_in(c, 10) ? "s3://bucket/data" : NULL;
	m->uri_license = m->uri ? license(c) : NULL;
	m->card = words(c);
}

static void make_version(struct catalogue *c, size_t at)
{
	struct catalogue_version *v = &c->versions[at];
	const struct catalogue_manifest *m;

	v->model = at % CATALOGUE_MODELS;
	v->number = 1 + at / CATALOGUE_MODELS +
		    (v->model == 2 ? 1000000000000u : 0);
	v->manifest = catalogue_random(c, CATALOGUE_MANIFESTS);
	m = &c->manifests[v->manifest];
	v->text[MR_ATTR_OWNER] = maybe(c);
	v->text[MR_ATTR_ACTOR] = maybe(c);
	v->text[MR_ATTR_STAGE] = maybe(c);
	v->text[MR_ATTR_RELEASE] = maybe(c);
	v->text[MR_ATTR_DESCRIPTION] = words(c);
	v->text[MR_ATTR_RUN] = m->text[MR_ATTR_RUN];
	v->time[MR_ATTR_REGISTERED] = moment(c);
	v->time[MR_ATTR_UPDATED] = moment(c);
	v->archived_s = once_in(c, 5);
	v->deprecated_s = once_in(c, 5);
	v->tag_count = pairs(c, v->tags, false);
}

/* A version's manifest of the model. */
static const struct mreg_digest *any_of(struct catalogue *c, size_t model)
{
	size_t at = catalogue_random(c, c->version_count / CATALOGUE_MODELS) *
			    CATALOGUE_MODELS +
		    model;

	return &c->manifests[c->versions[at].manifest].digest;
}

static void make_names(struct catalogue *c, size_t at)
{
	static const char *const tags[CATALOGUE_SEVERAL] = { "a", "b", "latest",
							     "1.0" };
	static const enum mr_ix_tag kinds[CATALOGUE_SEVERAL] = {
		MR_IX_ALIAS, MR_IX_ALIAS, MR_IX_LATEST, MR_IX_RELEASE
	};
	struct catalogue_model *m = &c->models[at];
	size_t i;

	for (i = 0; i < CATALOGUE_SEVERAL; i++) {
		if (once_in(c, 4))
			continue;
		m->names[m->name_count++] = (struct mr_ix_name){
			.tag = tags[i],
			.kind = kinds[i],
			.tagged = once_in(c, 6) ? (struct mreg_digest){ 0 }
						: *any_of(c, at),
			.logged = *any_of(c, at),
		};
	}
	for (i = 0; i < CATALOGUE_SEVERAL; i++) {
		if (once_in(c, 2))
			m->places[m->place_count++] = (struct mr_ix_deployment){
				.environment = i % 2 ? "a" : "b",
				.workload = i > 1 ? "w" : "",
				.version = *any_of(c, at),
				.since_s = 1,
			};
		if (once_in(c, 2))
			m->documents[m->document_count++] =
				(struct mr_ix_document){
					.subject = *any_of(c, at),
					.desc = { .digest = digest(
							  "d", 10 * at + i) },
					.suite = catalogue_keys[i % 2],
					.verdict = i > 1 ? "passed" : "failed",
				};
	}
}

static void make_model(struct catalogue *c, size_t at)
{
	static const char *const names[CATALOGUE_MODELS][2] = {
		{ "reg.example", "acme/a" },     { "reg.example", "acme/b" },
		{ "reg.example", "other/a" },    { "reg.example", "acme" },
		{ "reg.example", "acme/ab/c" },  { "other.example", "acme/a" },
		{ "reg.example", "acme-b/x_y" },
	};
	struct catalogue_model *m = &c->models[at];

	m->place = names[at][0];
	m->repository = names[at][1];
	m->name = mr_arena_printf(c->arena, "%s/%s", m->place, m->repository);
	m->owner = maybe(c);
	m->description = words(c);
	m->recorded_s = moment(c);
	m->tag_count = pairs(c, m->tags, false);
	make_names(c, at);
}

void catalogue_make(struct catalogue *c, uint64_t seed)
{
	size_t i;

	memset(c, 0, sizeof(*c));
	c->seed = seed * 0x9e3779b97f4a7c15u + 1;
	c->arena = mr_arena_new(1u << 30);
	assert_non_null(c->arena);
	c->version_count = CATALOGUE_VERSIONS;
	for (i = 0; i < CATALOGUE_MANIFESTS; i++)
		make_manifest(c, i);
	for (i = 0; i < c->version_count; i++)
		make_version(c, i);
	for (i = 0; i < CATALOGUE_MODELS; i++)
		make_model(c, i);
}

void catalogue_release(struct catalogue *c)
{
	mr_arena_free(c->arena);
	c->arena = NULL;
}

/* -- writing ----------------------------------------------------------------
 */

static void write_manifest(struct catalogue *c,
			   const struct catalogue_manifest *m, uint64_t number,
			   struct mr_index_writer *w)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_manifest empty = { 0 };
	struct mr_input input = { .role = "train",
				  .uri = m->uri,
				  .license = m->uri_license };
	struct mr_parent parents[CATALOGUE_SEVERAL];
	char text[CATALOGUE_SEVERAL][MREG_DIGEST_TEXT];
	char created[32], count[32];
	struct mr_meta meta = {
		.kind = m->text[MR_ATTR_KIND],
		.format = m->text[MR_ATTR_FORMAT],
		.architecture = m->text[MR_ATTR_ARCHITECTURE],
		.family = m->text[MR_ATTR_FAMILY],
		.precision = m->text[MR_ATTR_PRECISION],
		.quantization = m->text[MR_ATTR_QUANTIZATION],
		.source = m->text[MR_ATTR_SOURCE],
		.revision = m->text[MR_ATTR_REVISION],
		.run_id = m->text[MR_ATTR_RUN],
		.licenses = m->text[MR_ATTR_LICENSE],
		.params = (struct mreg_pair *)m->params,
		.param_count = m->param_count,
		.metrics = (struct mreg_pair *)m->metrics,
		.metric_count = m->metric_count,
		.parents = parents,
		.parent_count = m->parent_count,
		.inputs = &input,
		.input_count = m->uri ? 1 : 0,
	};
	struct mr_ix_version v = {
		.number = number,
		.desc = { .digest = m->digest, .size = 1 },
		.meta = &meta,
		.manifest = &empty,
		.fileset = m->fileset,
		.bytes = (uint64_t)m->number[MR_ATTR_BYTES],
		.files = (uint64_t)m->number[MR_ATTR_FILES],
		.card = m->card,
	};
	size_t i;

	(void)c;
	if (m->number[MR_ATTR_CREATED])
		meta.created =
			mr_text_time(m->number[MR_ATTR_CREATED], created);
	(void)snprintf(count, sizeof(count), "%lld",
		       (long long)m->number[MR_ATTR_PARAMETERS]);
	meta.parameters = m->number[MR_ATTR_PARAMETERS] ? count : NULL;
	for (i = 0; i < m->parent_count; i++)
		parents[i] = (struct mr_parent){
			.relation = i ? "merge" : "finetune",
			.ref = "reg.example/x",
			.digest = mreg_digest_text(
				&c->manifests[m->parents[i]].digest, text[i]),
		};
	for (i = 0; i < 2 && m->author[i]; i++)
		assert_ok(mr_list_add(&meta.authors, m->author[i], &err), err);
	assert_ok(mr_index_put_version(w, &v, &err), err);
	mr_list_release(&meta.authors);
}

static void write_life(const struct catalogue_version *v,
		       struct mr_index_writer *w)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_ix_life l = {
		.number = v->number,
		.registered_s = v->time[MR_ATTR_REGISTERED],
		.updated_s = v->time[MR_ATTR_UPDATED],
		.actor = v->text[MR_ATTR_ACTOR],
		.owner = v->text[MR_ATTR_OWNER],
		.description = v->text[MR_ATTR_DESCRIPTION],
		.stage = v->text[MR_ATTR_STAGE],
		.release = v->text[MR_ATTR_RELEASE],
		.archived_s = v->archived_s,
		.deprecated_s = v->deprecated_s,
		.tags = v->tags,
		.tag_count = v->tag_count,
	};

	assert_ok(mr_index_put_life(w, &l, &err), err);
}

static void write_documents(const struct catalogue_model *m,
			    struct mr_index_writer *w)
{
	struct mr_ix_document same[CATALOGUE_SEVERAL];
	struct mreg_error err = MREG_ERROR_INIT;
	size_t i, k, n;

	for (i = 0; i < m->document_count; i++) {
		for (n = 0, k = 0; k < m->document_count; k++)
			if (mreg_digest_equal(&m->documents[k].subject,
					      &m->documents[i].subject))
				same[n++] = m->documents[k];
		assert_ok(mr_index_replace_documents(
				  w, &m->documents[i].subject, same, n, &err),
			  err);
	}
}

/* Ids, and what the index counts of a model. */
static void read_ids(struct catalogue *c, struct mr_index *ix)
{
	struct mreg_error err = MREG_ERROR_INIT;
	MR_AUTO(mr_stmt_freep) struct mr_stmt *s = NULL;
	size_t i, model;
	int rc;

	for (i = 0; i < c->version_count; i++)
		c->versions[i].id = 0;
	for (i = 0; i < CATALOGUE_MODELS; i++)
		c->models[i].id = 0;
	assert_ok(mr_stmt_new(mr_index_db(ix),
			      "SELECT m.id, m.name, m.updated_s, v.id, "
			      "v.number FROM ix_models m "
			      "JOIN ix_versions v ON v.model = m.id",
			      &s, &err),
		  err);
	while ((rc = mr_stmt_step(s, &err)) > 0) {
		for (model = 0;
		     strcmp(c->models[model].name, mr_stmt_text(s, 1)) != 0;
		     model++)
			;
		c->models[model].id = mr_stmt_int(s, 0);
		c->models[model].updated_s = mr_stmt_int(s, 2);
		for (i = 0; i < c->version_count; i++)
			if (c->versions[i].model == model &&
			    (int64_t)c->versions[i].number == mr_stmt_int(s, 4))
				c->versions[i].id = mr_stmt_int(s, 3);
	}
	assert_ok(rc, err);
}

/* What is kept twice (index/write_posts.c) is the same. */
static void check_posts(struct mr_index *ix)
{
	struct mreg_error err = MREG_ERROR_INIT;
	MR_AUTO(mr_stmt_freep) struct mr_stmt *s = NULL;

	if (mr_db_kind(mr_index_db(ix)) != MR_DB_SQLITE)
		return;
	assert_ok(mr_stmt_new(mr_index_db(ix),
			      "SELECT (SELECT count(*) FROM ix_posts), "
			      "(SELECT count(*) FROM ix_properties), "
			      "(SELECT count(*) FROM ix_properties p "
			      "JOIN ix_versions v ON v.id = p.version "
			      "JOIN ix_posts x ON x.pair = p.pair "
			      "AND x.updated_s = v.updated_s "
			      "AND x.version = v.id)",
			      &s, &err),
		  err);
	assert_ok(mr_stmt_step(s, &err), err);
	assert_int_equal(mr_stmt_int(s, 0), mr_stmt_int(s, 1));
	assert_int_equal(mr_stmt_int(s, 0), mr_stmt_int(s, 2));
}

void catalogue_write(struct catalogue *c, struct mr_index *ix, size_t from,
		     size_t to)
{
	struct mreg_error err = MREG_ERROR_INIT;
	size_t i, k;

	for (i = from; i < to; i++) {
		struct catalogue_model *m = &c->models[i];
		struct mr_ix_model model = {
			.place = m->place,
			.repository = m->repository,
			.name = m->name,
			.owner = m->owner,
			.description = m->description,
			.recorded_s = m->recorded_s,
			.tags = m->tags,
			.tag_count = m->tag_count,
		};
		struct mr_index_writer *w;

		assert_ok(mr_index_begin(ix, &model, &w, &err), err);
		for (k = 0; k < c->version_count; k++) {
			const struct catalogue_version *v = &c->versions[k];

			if (v->model != i)
				continue;
			write_manifest(c, &c->manifests[v->manifest], v->number,
				       w);
			write_life(v, w);
		}
		assert_ok(mr_index_replace_names(w, m->names, m->name_count,
						 &err),
			  err);
		assert_ok(mr_index_replace_deployments(w, m->places,
						       m->place_count, &err),
			  err);
		write_documents(m, w);
		assert_ok(mr_index_commit(w, &err), err);
	}
	read_ids(c, ix);
	check_posts(ix);
}
