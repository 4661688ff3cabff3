/*
 * push_facts.c - what the files of a model say about it, into its metadata;
 * and what their user should know about them (spec/model.md).
 *
 * Read on every push, for a version is a function of its files: a header and
 * a few small documents, whose cost does not grow with the weights.
 */
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "document/document.h"
#include "format/format.h"
#include "ops/push.h"

/* Documents as trees, and what is kept of every weight file. */
#define FACTS_MAX_BYTES (2u * MR_YAML_ARENA_BYTES + MR_FACTS_ARENA_BYTES)
/* Of all documents of DVC together, in text: thousands of them. */
#define DVC_MAX_BYTES (2u << 20)
/* Globals that a warning names. */
#define SHOWN_GLOBALS 10
#define SHOWN_BYTES 200

void mr_push_facts_release(struct push_facts *f)
{
	mr_list_release(&f->filled);
	mr_arena_free(f->arena);
	memset(f, 0, sizeof(*f));
}

static void warn(struct push *p, const char *path, const char *text)
{
	char shown[SHOWN_BYTES];

	mr_log(&p->m->env, MREG_LOG_WARN, "'%s' %s",
	       mr_text_safe(path, shown, sizeof(shown)), text);
}

/* -- small documents ----------------------------------------------------- */

static const struct mr_file *find(const struct push *p, const char *path)
{
	const struct mr_scan *s = p->scan;
	size_t low = 0;
	size_t high = s->count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		int order = strcmp(path, s->files[mid].path);

		if (order == 0)
			return &s->files[mid];
		if (order < 0)
			high = mid;
		else
			low = mid + 1;
	}
	return NULL;
}

/* A document's text; `*there` false when there is none, or a warning says why
 * it is not read. */
static int load(struct push *p, const char *path, struct mr_buf *out,
		bool *there, struct mreg_error *err)
{
	MR_AUTO(mr_stream_closep) struct mr_stream *in = NULL;
	const struct mr_file *f = find(p, path);
	int rc;

	*there = f && f->size <= MR_PARSED_FILE_MAX_BYTES;
	if (f && !*there)
		warn(p, path, "is not read: it is larger than 1 MiB");
	if (!*there)
		return 0;
	rc = mr_file_stream(f, &in, err);
	if (rc >= 0)
		rc = mr_stream_load(in, out, err);
	return rc < 0 ? mr_wrap(err, "cannot read '%s'", f->source) : 0;
}

static bool is_well(struct push *p, const char *path, const char *trouble)
{
	char text[SHOWN_BYTES + 32];

	if (!trouble)
		return true;
	(void)snprintf(text, sizeof(text), "is not read: %.*s", SHOWN_BYTES,
		       trouble);
	warn(p, path, text);
	return false;
}

static void warn_license(struct push *p, const char *path,
			 const struct mr_card *card)
{
	char shown[SHOWN_BYTES];
	char text[2 * SHOWN_BYTES];

	if (!card->license_odd || p->meta->licenses)
		return;
	(void)snprintf(text, sizeof(text),
		       "has the licence '%s', which is no SPDX identifier and "
		       "is not taken: give --license",
		       mr_text_safe(card->license_odd, shown, sizeof(shown)));
	warn(p, path, text);
}

/* The one that `mreg card` will show; NULL: none. */
static const char *find_card(const struct mr_scan *s)
{
	const char *best = NULL;
	size_t i;

	for (i = 0; i < s->count; i++)
		if (s->files[i].size > 0 &&
		    mr_role_is_card(s->files[i].path, best))
			best = s->files[i].path;
	return best;
}

static int read_card(struct push *p, struct mreg_error *err)
{
	const char *path = find_card(p->scan);
	MR_AUTO(mr_buf_release)
	struct mr_buf b = MR_BUF_INIT(MR_PARSED_FILE_MAX_BYTES);
	struct mr_card *card = mr_arena_alloc(p->facts.arena, sizeof(*card));
	bool there = false;
	int rc = card ? 0 : mr_fail_nomem(err);

	if (rc >= 0 && path)
		rc = load(p, path, &b, &there, err);
	if (rc >= 0 && there)
		rc = mr_card_read(mr_buf_text(&b), b.len, p->facts.arena, card,
				  err);
	if (rc >= 0 && there && is_well(p, path, card->trouble)) {
		p->facts.card = card;
		p->facts.card_path = path;
		warn_license(p, path, card);
	}
	return rc;
}

static int read_config(struct push *p, struct mreg_error *err)
{
	static const char path[] = "config.json";
	MR_AUTO(mr_buf_release)
	struct mr_buf b = MR_BUF_INIT(MR_PARSED_FILE_MAX_BYTES);
	struct mr_hf_config *config =
		mr_arena_alloc(p->facts.arena, sizeof(*config));
	bool there = false;
	int rc = config ? load(p, path, &b, &there, err) : mr_fail_nomem(err);

	if (rc >= 0 && there)
		rc = mr_hf_config_read(mr_buf_text(&b), b.len, p->facts.arena,
				       config, err);
	if (rc < 0 || !there || !is_well(p, path, config->trouble))
		return rc;
	p->facts.config = config;
	if (config->remote_code)
		warn(p, path,
		     "names code of the model's own (auto_map): loading it "
		     "with trust_remote_code runs that code");
	return 0;
}

static int read_mlmodel(struct push *p, struct mreg_error *err)
{
	static const char path[] = "MLmodel";
	MR_AUTO(mr_buf_release)
	struct mr_buf b = MR_BUF_INIT(MR_PARSED_FILE_MAX_BYTES);
	struct mr_mlmodel *mlmodel =
		mr_arena_alloc(p->facts.arena, sizeof(*mlmodel));
	bool there = false;
	int rc = mlmodel ? load(p, path, &b, &there, err) : mr_fail_nomem(err);

	if (rc >= 0 && there)
		rc = mr_mlmodel_read(mr_buf_text(&b), b.len, p->facts.arena,
				     mlmodel, err);
	if (rc >= 0 && there && is_well(p, path, mlmodel->trouble))
		p->facts.mlmodel = mlmodel;
	return rc;
}

static bool is_dvc(const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;

	return strcmp(name, "dvc.lock") == 0 ||
	       (name[0] != '.' && mr_text_ends(name, ".dvc"));
}

static int read_dvc(struct push *p, struct mreg_error *err)
{
	struct push_facts *facts = &p->facts;
	size_t bytes = 0;
	size_t n = 0;
	size_t i;

	for (i = 0; i < p->scan->count; i++)
		n += is_dvc(p->scan->files[i].path);
	facts->dvc =
		mr_arena_alloc(facts->arena, (n + 1) * sizeof(*facts->dvc));
	if (!facts->dvc)
		return mr_fail_nomem(err);
	for (i = 0; n && i < p->scan->count; i++) {
		MR_AUTO(mr_buf_release)
		struct mr_buf b = MR_BUF_INIT(MR_PARSED_FILE_MAX_BYTES);
		struct mr_dvc_file *to = &facts->dvc[facts->dvc_count];
		bool there = false;
		int rc;

		to->path = p->scan->files[i].path;
		if (!is_dvc(to->path))
			continue;
		if (bytes > DVC_MAX_BYTES) {
			warn(p, to->path,
			     "is not read, nor are those of DVC "
			     "after it: there are too many");
			return 0;
		}
		rc = load(p, to->path, &b, &there, err);
		bytes += b.len;
		if (rc >= 0 && there)
			rc = mr_dvc_read(mr_buf_text(&b), b.len, facts->arena,
					 &to->dvc, err);
		if (rc < 0)
			return rc;
		if (there && is_well(p, to->path, to->dvc.trouble))
			facts->dvc_count++;
	}
	return 0;
}

/* -- weights ------------------------------------------------------------- */

static void warn_globals(struct push *p, const struct mr_summary *w)
{
	MR_AUTO(mr_buf_release) struct mr_buf b = MR_BUF_INIT(4096);
	char shown[96];
	size_t i;

	mr_buf_puts(&b, "can run code when it is loaded: it would import");
	for (i = 0; i < w->unsafe.n && i < SHOWN_GLOBALS; i++)
		mr_buf_printf(
			&b, "%s%s", i ? ", " : " ",
			mr_text_safe(w->unsafe.items[i], shown, sizeof(shown)));
	if (w->unsafe_count > i)
		mr_buf_printf(
			&b,
			" and %zu more (mreg inspect --tensors --json lists "
			"all)",
			w->unsafe_count - i);
	warn(p, w->path, mr_buf_text(&b));
}

static bool is_pickle(enum mr_format format)
{
	return format == MR_FORMAT_PICKLE || format == MR_FORMAT_TORCH ||
	       format == MR_FORMAT_TORCHSCRIPT;
}

/* As the formats' names are spoken. */
static const char *article(const char *format)
{
	return strcmp(format, "onnx") == 0 || strcmp(format, "hdf5") == 0 ? "an"
									  : "a";
}

/* Of which a warning tells. */
static bool is_rest_alone(const struct mr_summary *w)
{
	return w->unsafe_count == 1 &&
	       strcmp(w->unsafe.items[0], MR_UNSAFE_REST) == 0;
}

/* What whoever loads the file should know before. */
static void warn_weights(struct push *p, const struct mr_summary *w)
{
	const char *format = mr_format_name(w->format);
	char text[2 * SHOWN_BYTES];
	char shown[SHOWN_BYTES];
	size_t i;

	if (w->trouble) {
		(void)snprintf(text, sizeof(text), "%s %s %s file: %.*s",
			       w->limited ? "is not looked into as"
					  : "cannot be read as",
			       article(format), format[0] ? format : "weight",
			       SHOWN_BYTES, w->trouble);
		warn(p, w->path, text);
		return;
	}
	/* Of other formats the warnings tell them. */
	if (w->unsafe_count && is_pickle(w->format) && !is_rest_alone(w))
		warn_globals(p, w);
	(void)mr_text_safe(w->path, shown, sizeof(shown));
	for (i = 0; i < w->warnings.n; i++)
		mr_log(&p->m->env, MREG_LOG_WARN, "'%s': %s", shown,
		       w->warnings.items[i]);
}

static int read_weight(const struct mr_file *f, struct mr_arena *to,
		       struct mr_summary *out, struct mreg_error *err)
{
	MR_AUTO(mr_arena_freep)
	struct mr_arena *a = mr_arena_new(MR_FACTS_ARENA_BYTES);
	MR_AUTO(mr_reader_closep) struct mr_reader *r = NULL;
	struct mr_facts facts;
	int rc;

	if (!a)
		return mr_fail_nomem(err);
	rc = mr_file_reader(f, &r, err);
	if (rc >= 0)
		rc = mr_facts_read(r, f->path, a, &facts, err);
	if (rc >= 0)
		rc = mr_summary_take(&facts, f->path, f->size, to, out, err);
	return rc < 0 ? mr_wrap(err, "cannot read '%s'", f->source) : 0;
}

/* Files that play the role of weights, and what is called as weights are. */
static bool is_weight(const struct mr_roles *roles, const struct mr_file *f)
{
	enum mr_role role = mr_role_of(roles, f->path, f->size, NULL);

	return role == MR_ROLE_WEIGHT ||
	       (role != MR_ROLE_DOC && mr_format_by_name(f->path));
}

/* What is called or sized otherwise may be code all the same: a program loads
 * what it is told to (security.md H65). */
static int look_at_other(struct push *p, const struct mr_file *f,
			 struct mreg_error *err)
{
	MR_AUTO(mr_arena_freep)
	struct mr_arena *a = mr_arena_new(MR_FACTS_ARENA_BYTES);
	struct mr_summary w = { .path = NULL };
	int rc = a ? read_weight(f, a, &w, err) : mr_fail_nomem(err);

	if (rc >= 0 && (is_pickle(w.format) || w.format == MR_FORMAT_KERAS ||
			w.format == MR_FORMAT_HDF5))
		warn_weights(p, &w);
	return rc;
}

static int read_weights(struct push *p, struct mreg_error *err)
{
	MR_AUTO(mr_roles_freep) struct mr_roles *roles = NULL;
	struct push_facts *facts = &p->facts;
	const struct mr_file *files = p->scan->files;
	size_t n = 0;
	size_t i;
	int rc = mr_roles_new(&roles, err);

	if (rc < 0)
		return rc;
	for (i = 0; i < p->scan->count; i++)
		n += is_weight(roles, &files[i]);
	facts->weights =
		mr_arena_alloc(facts->arena, (n + 1) * sizeof(*facts->weights));
	if (!facts->weights)
		return mr_fail_nomem(err);
	for (i = 0; rc >= 0 && i < p->scan->count; i++) {
		struct mr_summary *w = &facts->weights[facts->weight_count];
		bool weight = is_weight(roles, &files[i]);

		rc = mr_check_cancel(&p->m->env, err);
		if (rc >= 0 && weight)
			rc = read_weight(&files[i], facts->arena, w, err);
		else if (rc >= 0)
			rc = look_at_other(p, &files[i], err);
		if (rc < 0)
			return rc;
		if (!weight)
			continue;
		facts->weight_count++;
		warn_weights(p, w);
	}
	return 0;
}

/* -- into the metadata --------------------------------------------------- */

static int fill(struct push *p, struct mreg_error *err)
{
	MR_AUTO(mr_list_release) struct mr_list notes = { .n = 0 };
	MR_AUTO(mr_free) const char **paths = NULL;
	const struct push_facts *facts = &p->facts;
	struct mr_said said = {
		.card = facts->card,
		.card_path = facts->card_path,
		.config = facts->config,
		.mlmodel = facts->mlmodel,
		.weights = facts->weights,
		.weight_count = facts->weight_count,
		.dvc = facts->dvc,
		.dvc_count = facts->dvc_count,
		.path_count = p->scan->count,
	};
	size_t i;
	int rc;

	paths = mr_array(p->scan->count, sizeof(*paths));
	if (!paths)
		return mr_fail_nomem(err);
	for (i = 0; i < p->scan->count; i++)
		paths[i] = p->scan->files[i].path;
	said.paths = paths;
	rc = mr_meta_fill(p->meta, &said, &p->facts.filled, &notes, err);
	for (i = 0; i < notes.n; i++)
		mr_log(&p->m->env, MREG_LOG_WARN, "%s", notes.items[i]);
	return rc;
}

int mr_push_facts(struct push *p, struct mreg_error *err)
{
	int rc;

	/* A dataset's README is about data, and its files are no weights. */
	if (p->meta->kind)
		return 0;
	p->facts.arena = mr_arena_new(FACTS_MAX_BYTES);
	if (!p->facts.arena)
		return mr_fail_nomem(err);
	rc = read_card(p, err);
	if (rc >= 0)
		rc = read_config(p, err);
	if (rc >= 0)
		rc = read_mlmodel(p, err);
	if (rc >= 0)
		rc = read_dvc(p, err);
	if (rc >= 0)
		rc = read_weights(p, err);
	if (rc >= 0)
		rc = mr_push_shards(p, err);
	return rc < 0 ? rc : fill(p, err);
}

int mr_push_run(struct push *p, struct mreg_error *err)
{
	MR_AUTO(mr_arena_freep)
	struct mr_arena *a = mr_arena_new(FACTS_MAX_BYTES);
	MR_AUTO(mr_list_release) struct mr_list notes = { .n = 0 };
	struct mr_run run = { .id = NULL };
	size_t i;
	int rc;

	if (!a)
		return mr_fail_nomem(err);
	rc = mr_run_read(p->o->from_run, a, &run, err);
	if (rc >= 0)
		rc = mr_meta_fill_run(p->meta, &run, &p->facts.filled, &notes,
				      err);
	for (i = 0; i < notes.n; i++)
		mr_log(&p->m->env, MREG_LOG_WARN, "%s", notes.items[i]);
	return rc;
}
