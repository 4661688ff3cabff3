/*
 * fill.c - what the files of a model say, where its user said nothing:
 * spec/model.md, "What is read from the files".
 *
 * Invariants
 * 1. What is set already stays as it is; parents and metrics that the user
 *    began are not added to.
 * 2. The outcome follows from the arguments alone.
 * 3. Whatever a file says, filling never fails for it: what metadata cannot
 *    hold becomes a note.
 */
#include "model/fillers.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/text.h"

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

/* Of one tag that lists words: languages of the most multilingual cards. */
#define WORDS_MAX_BYTES 2048

/* -- what fillers share -------------------------------------------------- */

int mr_fill_note(struct mr_filler *f, const char *what, const char *from,
		 const struct mreg_error *why)
{
	char shown[MR_SHOWN_BYTES];
	char line[640];

	if (why->code == MREG_ENOMEM)
		return mr_fail_nomem(f->err);
	(void)snprintf(line, sizeof(line), "'%s' of '%s' is left out: %s", what,
		       mr_text_safe(from, shown, sizeof(shown)), why->msg);
	return mr_list_add(f->notes, line, f->err);
}

int mr_fill_done(struct mr_filler *f, const char *key)
{
	return mr_list_has(f->filled, key)
		       ? 0
		       : mr_list_add(f->filled, key, f->err);
}

int mr_fill_field(struct mr_filler *f, const char *key, const char *value,
		  const char *from)
{
	const struct mr_field *field = mr_field_by_key(key);
	struct mreg_error why = MREG_ERROR_INIT;

	if (!value || !value[0] || mr_field_get(f->m, field))
		return 0;
	if (mr_meta_set(f->m, key, value, &why) < 0)
		return mr_fill_note(f, key, from, &why);
	return mr_fill_done(f, key);
}

int mr_fill_entry(struct mr_filler *f, const char *map, const char *name,
		  const char *value, const char *from)
{
	const struct mr_map *to = mr_map_by_key(map);
	struct mreg_error why = MREG_ERROR_INIT;
	const struct mreg_pair *pairs;
	char key[MR_SHOWN_BYTES];
	char shown[MR_SHOWN_BYTES];
	size_t count;
	size_t i;
	int rc;

	pairs = mr_map_get(f->m, to, &count);
	for (i = 0; i < count; i++)
		if (strcmp(pairs[i].name, name) == 0)
			return 0;
	(void)snprintf(key, sizeof(key), "%s.%.64s", map, name);
	if (mr_map_put(f->m, to, name, value, &why) < 0) {
		rc = mr_fill_note(f, mr_text_safe(key, shown, sizeof(shown)),
				  from, &why);
		return rc < 0 ? rc : 2;
	}
	rc = mr_fill_done(f, map);
	return rc < 0 ? rc : 1;
}

/* -- single values ------------------------------------------------------- */

static const char CONFIG[] = "config.json";
static const char MLMODEL[] = "MLmodel";

/* The words, as many as fit, joined by commas, as a tag; a word with a comma in
 * it could not be told from two, but no language or tag has one. */
static int fill_words(struct mr_filler *f, const char *tag,
		      const struct mr_words *words, const char *from)
{
	MR_AUTO(mr_buf_release) struct mr_buf b = MR_BUF_INIT(WORDS_MAX_BYTES);
	size_t i;

	for (i = 0; i < words->n; i++) {
		if (b.len + strlen(words->items[i]) + 2 > WORDS_MAX_BYTES)
			break;
		if (b.len > 0)
			mr_buf_putc(&b, ',');
		mr_buf_puts(&b, words->items[i]);
	}
	if (b.failed)
		return mr_buf_check(&b, tag, f->err);
	return b.len ? mr_fill_entry(f, "tags", tag, mr_buf_text(&b), from) : 0;
}

static int fill_card(struct mr_filler *f, const struct mr_card *card)
{
	int rc = mr_fill_field(f, "license", card->license, f->card);

	if (rc >= 0)
		rc = mr_fill_field(f, "description", card->description,
				   f->card);
	if (rc >= 0 && card->pipeline)
		rc = mr_fill_entry(f, "tags", "pipeline", card->pipeline,
				   f->card);
	if (rc >= 0 && card->library)
		rc = mr_fill_entry(f, "tags", "library", card->library,
				   f->card);
	if (rc >= 0)
		rc = fill_words(f, "language", &card->languages, f->card);
	if (rc >= 0)
		rc = fill_words(f, "keywords", &card->tags, f->card);
	return rc < 0 ? rc : mr_fill_metrics(f, card);
}

static int fill_context(struct mr_filler *f, uint64_t length, const char *from)
{
	char text[32];

	if (!length)
		return 0;
	(void)snprintf(text, sizeof(text), "%" PRIu64, length);
	return mr_fill_entry(f, "tags", "context-length", text, from);
}

/* `rest`: what the weights themselves know better comes after them. */
static int fill_config(struct mr_filler *f, const struct mr_hf_config *config,
		       bool rest)
{
	int rc;

	if (rest) {
		rc = mr_fill_field(f, "precision", config->precision, CONFIG);
		return rc < 0 ? rc
			      : mr_fill_field(f, "quantization",
					      config->quantization, CONFIG);
	}
	rc = mr_fill_field(f, "architecture", config->architecture, CONFIG);
	if (rc >= 0)
		rc = mr_fill_field(f, "family", config->architecture, CONFIG);
	return rc < 0 ? rc : fill_context(f, config->context_length, CONFIG);
}

bool mr_said_has(const struct mr_said *said, const char *path)
{
	size_t low = 0;
	size_t high = said->path_count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		int order = strcmp(path, said->paths[mid]);

		if (order == 0)
			return true;
		if (order < 0)
			high = mid;
		else
			low = mid + 1;
	}
	return false;
}

static int fill_mlmodel(struct mr_filler *f, const struct mr_said *said)
{
	const struct mr_mlmodel *mlmodel = said->mlmodel;
	int rc = mr_fill_field(f, "signature", mlmodel->signature, MLMODEL);

	if (rc >= 0)
		rc = mr_fill_field(f, "runId", mlmodel->run_id, MLMODEL);
	if (rc >= 0 && mlmodel->environment &&
	    mr_said_has(said, mlmodel->environment))
		rc = mr_fill_field(f, "environment", mlmodel->environment,
				   MLMODEL);
	return rc < 0 ? rc
		      : fill_words(f, "flavors", &mlmodel->flavors, MLMODEL);
}

static int fill_environment(struct mr_filler *f, const struct mr_said *said)
{
	static const char *const usual[] = {
		"conda.yaml",       "conda.yml",       "environment.yml",
		"environment.yaml", "python_env.yaml", "requirements.txt",
	};
	size_t i;

	for (i = 0; i < MR_COUNT(usual); i++)
		if (mr_said_has(said, usual[i]))
			return mr_fill_field(f, "environment", usual[i],
					     usual[i]);
	return 0;
}

/* GGUF files have what their maker wrote: an SPDX identifier, Hugging Face's,
 * or words. */
static const char *license_of(struct mr_filler *f, const char *text)
{
	char *lower = mr_arena_strdup(f->m->arena, text);
	const char *spdx;
	char *p;

	if (!lower)
		return NULL;
	for (p = lower; *p; p++)
		if (*p >= 'A' && *p <= 'Z')
			*p = (char)(*p + ('a' - 'A'));
	spdx = mr_license_spdx(lower);
	if (spdx)
		return spdx;
	for (p = lower; *p; p++)
		if (!strchr(LETTERS DIGITS ".-", *p))
			*p = '-';
	return mr_arena_printf(f->m->arena, "LicenseRef-%.100s", lower);
}

static int fill_license(struct mr_filler *f, const struct mr_summary_main *w)
{
	const char *spdx;

	if (!w->license || f->m->licenses)
		return 0;
	spdx = license_of(f, w->license);
	if (!spdx)
		return mr_fail_nomem(f->err);
	return mr_fill_field(f, "license", spdx, w->first->path);
}

static int fill_counts(struct mr_filler *f, const struct mr_summary_main *w)
{
	uint64_t count = 0;
	char text[32];
	int rc = 0;

	/* One fact in two fields: who gave one has given both. */
	if (w->parameters && !f->m->param_size) {
		(void)snprintf(text, sizeof(text), "%" PRIu64, w->parameters);
		rc = mr_fill_field(f, "parameters", text, w->first->path);
	}
	/* From the exact count, also when that is the user's. */
	if (rc < 0 || f->m->param_size || !f->m->parameters ||
	    mr_text_u64(f->m->parameters, INT64_MAX, &count) < 0)
		return rc;
	(void)mr_param_size_text(count, text);
	return mr_fill_field(f, "paramSize", text, "parameters");
}

static int fill_weights(struct mr_filler *f, const struct mr_summary_main *w)
{
	const char *from = w->first ? w->first->path : "";
	int rc = fill_counts(f, w);

	if (rc < 0 || !w->first)
		return rc;
	rc = mr_fill_field(f, "format", mr_format_name(w->first->format), from);
	if (rc >= 0)
		rc = mr_fill_field(f, "architecture", w->architecture, from);
	if (rc >= 0 && w->first->format == MR_FORMAT_GGUF)
		rc = mr_fill_field(f, "family", w->architecture, from);
	if (rc >= 0)
		rc = mr_fill_field(f, "precision", w->precision, from);
	if (rc >= 0)
		rc = mr_fill_field(f, "quantization", w->quantization, from);
	if (rc >= 0)
		rc = mr_fill_field(f, "signature", w->signature, from);
	if (rc >= 0)
		rc = fill_license(f, w);
	return rc < 0 ? rc : fill_context(f, w->context_length, from);
}

/* -- in order ------------------------------------------------------------ */

int mr_meta_fill(struct mr_meta *m, const struct mr_said *said,
		 struct mr_list *filled, struct mr_list *notes,
		 struct mreg_error *err)
{
	struct mr_filler f = { .m = m,
			       .filled = filled,
			       .notes = notes,
			       .err = err,
			       .card = said->card_path };
	struct mr_summary_main w;
	int rc = mr_summary_choose(said->weights, said->weight_count, &w, err);

	if (rc >= 0 && said->card)
		rc = fill_card(&f, said->card);
	if (rc >= 0 && said->mlmodel)
		rc = fill_mlmodel(&f, said);
	if (rc >= 0)
		rc = fill_environment(&f, said);
	if (rc >= 0 && said->config)
		rc = fill_config(&f, said->config, false);
	if (rc >= 0)
		rc = fill_weights(&f, &w);
	if (rc >= 0 && said->config)
		rc = fill_config(&f, said->config, true);
	if (rc >= 0)
		rc = mr_fill_parents(&f, said, &w);
	return rc < 0 ? rc : mr_fill_inputs(&f, said);
}
