/*
 * fill_run.c - what a training run says of the model it made, where its user
 * said nothing: spec/model.md, "What is read from a run".
 */
#include "model/fillers.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/text.h"

#define NAME_CHARACTERS                                                        \
	"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-/"
#define RUN "the run"

const char *mr_fill_spell(struct mr_filler *f, const char *name)
{
	char *out = mr_arena_strdup(f->m->arena, name);
	char *p;

	for (p = out; p && *p; p++)
		if (!strchr(NAME_CHARACTERS, *p) ||
		    (p == out && strchr(".-/", *p)))
			*p = '_';
	return out;
}

static int note_name(struct mr_filler *f, const char *noun, const char *name,
		     const char *spelled, bool taken)
{
	char shown[MR_SHOWN_BYTES];
	char line[512];

	(void)mr_text_safe(name, shown, sizeof(shown));
	if (taken)
		(void)snprintf(line, sizeof(line),
			       "%s '%s' of the run is left out: there is a "
			       "'%.130s' already",
			       noun, shown, spelled);
	else
		(void)snprintf(line, sizeof(line),
			       "%s '%s' of the run is called '%.130s' here",
			       noun, shown, spelled);
	return mr_list_add(f->notes, line, f->err);
}

static int fill_pairs(struct mr_filler *f, const char *map, const char *noun,
		      const struct mreg_pair *pairs, size_t n)
{
	size_t i;
	int rc = 0;

	for (i = 0; rc >= 0 && i < n; i++) {
		const char *name = mr_fill_spell(f, pairs[i].name);
		bool other;

		if (!name)
			return mr_fail_nomem(f->err);
		other = strcmp(name, pairs[i].name) != 0;
		rc = mr_fill_entry(f, map, name, pairs[i].value, RUN);
		if ((rc == 0 || rc == 1) && other)
			rc = note_name(f, noun, pairs[i].name, name, rc == 0);
	}
	return rc;
}

/* The words that MLflow's users write as context. */
static const char *role_of(const char *context)
{
	static const struct mreg_pair roles[] = {
		{ "train", "train" },         { "training", "train" },
		{ "val", "validate" },        { "valid", "validate" },
		{ "validate", "validate" },   { "validation", "validate" },
		{ "eval", "validate" },       { "evaluate", "validate" },
		{ "evaluation", "validate" }, { "test", "test" },
		{ "testing", "test" },
	};
	size_t i;

	for (i = 0; context && i < MR_COUNT(roles); i++)
		if (strcmp(context, roles[i].name) == 0)
			return roles[i].value;
	return "data";
}

/* A digest that only MLflow can look up says so.  Where a file lay on the
 * disk of whoever trained it is nobody's business. */
static int fill_input(struct mr_filler *f, const struct mr_run_input *given)
{
	struct mr_input in = { .role = role_of(given->context),
			       .name = given->name };

	if (given->uri && mr_meta_is_outside(given->uri) &&
	    !mr_text_starts(given->uri, "file:"))
		in.uri = given->uri;
	if (given->digest && given->digest[0]) {
		in.digest = strchr(given->digest, ':')
				    ? given->digest
				    : mr_arena_printf(f->m->arena, "mlflow:%s",
						      given->digest);
		if (!in.digest)
			return mr_fail_nomem(f->err);
	}
	return mr_fill_input(f, &in, RUN);
}

/* Of the tree that the revision is of: a commit beside another's address would
 * name neither. */
static int fill_source(struct mr_filler *f, const struct mr_run *run)
{
	const char *source = run->source;
	bool other = f->m->revision != NULL;
	int rc = mr_fill_field(f, "revision", run->revision, RUN);

	if (rc < 0 || other || f->m->source)
		return rc;
	rc = mr_fill_bare(f, source, RUN, &source);
	return rc < 0 ? rc : mr_fill_field(f, "source", source, RUN);
}

static int note_lost(struct mr_filler *f, const struct mr_words *lost)
{
	char shown[MR_SHOWN_BYTES];
	char line[512];
	size_t i;
	int rc = 0;

	for (i = 0; rc >= 0 && i < lost->n; i++) {
		(void)snprintf(
			line, sizeof(line),
			"metric '%s' of the run is left out: its last "
			"value is no finite number",
			mr_text_safe(lost->items[i], shown, sizeof(shown)));
		rc = mr_list_add(f->notes, line, f->err);
	}
	return rc;
}

int mr_meta_fill_run(struct mr_meta *m, const struct mr_run *run,
		     struct mr_list *filled, struct mr_list *notes,
		     struct mreg_error *err)
{
	struct mr_filler f = {
		.m = m,
		.filled = filled,
		.notes = notes,
		.err = err,
		.told = m->input_count,
	};
	size_t i;
	int rc = mr_fill_field(&f, "runId", run->id, RUN);

	if (rc >= 0 && run->deleted)
		rc = mr_list_add(notes,
				 "the run was deleted in MLflow, and is "
				 "taken all the same",
				 err);
	if (rc >= 0)
		rc = mr_fill_field(&f, "description", run->description, RUN);
	if (rc >= 0)
		rc = fill_source(&f, run);
	if (rc >= 0)
		rc = note_lost(&f, &run->lost);
	if (rc >= 0)
		rc = fill_pairs(&f, "metrics", "metric", run->metrics,
				run->metric_count);
	if (rc >= 0)
		rc = fill_pairs(&f, "params", "param", run->params,
				run->param_count);
	if (rc >= 0)
		rc = fill_pairs(&f, "tags", "tag", run->tags, run->tag_count);
	for (i = 0; rc >= 0 && i < run->input_count; i++)
		rc = fill_input(&f, &run->inputs[i]);
	return rc;
}
