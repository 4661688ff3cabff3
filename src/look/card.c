/*
 * card.c - a version for people to read: its README, a model card attached to
 * it, or what its metadata says, in Markdown.
 */
#include "mreg/card.h"

#include <inttypes.h>
#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "look/attached.h"
#include "look/facts.h"

/* Each wrong byte of a README becomes three. */
#define TEXT_MAX_BYTES (4 * MR_PARSED_FILE_MAX_BYTES)
#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */
#define BOM "\xef\xbb\xbf"
#define FENCE "---"

/* -- a file ---------------------------------------------------------------- */

const struct mr_model_layer *mr_look_readme(const struct mr_look *l)
{
	const struct mr_model_layer *best = NULL;
	size_t i;

	for (i = 0; i < l->count; i++) {
		const struct mr_model_layer *f = &l->files[i];

		if (!f->archive && f->desc.size > 0 &&
		    mr_role_is_card(f->path, best ? best->path : NULL))
			best = f;
	}
	return best;
}

void mr_look_text(struct mr_buf *b, const char *bytes, size_t n)
{
	uint32_t point;
	size_t used, i;

	if (n >= 3 && memcmp(bytes, BOM, 3) == 0) {
		bytes += 3;
		n -= 3;
	}
	for (i = 0; i < n; i += used) {
		used = mr_utf8_next(bytes + i, n - i, &point);
		if (used == 0 || point == 0) {
			mr_buf_puts(b, REPLACEMENT);
			used = 1;
		} else if (point != '\r' || i + 1 == n ||
			   bytes[i + 1] != '\n') {
			mr_buf_add(b, bytes + i, used);
		}
	}
	if (b->len && b->data[b->len - 1] != '\n')
		mr_buf_putc(b, '\n');
}

/* Behind the line that begins at `at`. */
static const char *next_line(const char *at)
{
	const char *end = strchr(at, '\n');

	return end ? end + 1 : at + strlen(at);
}

static bool is_fence(const char *line)
{
	size_t n = strlen(FENCE);

	if (strncmp(line, FENCE, n) != 0)
		return false;
	n += strspn(line + n, " \t");
	return line[n] == '\n' || line[n] == '\0';
}

/* Metadata between two fences at the very beginning, as Hugging Face has it,
 * is for programs. */
static void split(const char *text, struct mr_arena *a,
		  struct mreg_card_result *out)
{
	const char *first, *at;

	out->text = text;
	if (!text || !is_fence(text))
		return;
	first = next_line(text);
	for (at = first; *at && !is_fence(at); at = next_line(at))
		;
	if (!*at)
		return; /* a rule, and no end of anything */
	out->front_matter = mr_arena_strndup(a, first, (size_t)(at - first));
	at = next_line(at);
	out->text = at + strspn(at, "\n");
}

static int take_text(struct mr_look *l, const struct mreg_desc *d,
		     const char *path, struct mr_arena *a,
		     struct mreg_card_result *out, struct mreg_error *err)
{
	MR_AUTO(mr_buf_release)
	struct mr_buf raw = MR_BUF_INIT(MR_PARSED_FILE_MAX_BYTES);
	MR_AUTO(mr_buf_release)
	struct mr_buf text = MR_BUF_INIT(TEXT_MAX_BYTES);
	char *bytes;
	int rc = mr_store_load(l->s, d, &raw, err);

	if (rc == MREG_ELIMIT && !out->attached) {
		(void)mr_wrap(err, "cannot show '%s'", path);
		return mr_hint(err, "mreg pull %.60s --include %.60s",
			       out->reference, path);
	}
	if (rc < 0)
		return mr_wrap(err, "cannot read '%s'", path);
	mr_look_text(&text, raw.data, raw.len);
	rc = mr_buf_check(&text, "the card", err);
	if (rc < 0)
		return rc;
	bytes = mr_arena_alloc(a, raw.len + 1);
	if (bytes)
		memcpy(bytes, raw.data, raw.len);
	out->bytes = bytes;
	out->len = raw.len;
	out->path = mr_arena_strdup(a, path);
	out->file = d->digest;
	split(mr_arena_strdup(a, mr_buf_text(&text)), a, out);
	return 0;
}

/* `out->path` stays NULL when there is none. */
static int take_attached(struct mr_look *l, struct mr_arena *a,
			 struct mreg_card_result *out, struct mreg_error *err)
{
	MR_AUTO(mr_attached_release)
	struct mr_attached_rows rows = MR_ATTACHED_INIT;
	struct mreg_error why = MREG_ERROR_INIT;
	const struct mr_attached *row;
	int rc = mr_attached_list(l->m, l->s, &l->manifest->desc.digest,
				  "model-card", &rows, &why);

	if (rc == MREG_ENOMEM || rc == MREG_ECANCELED) {
		if (err)
			*err = why;
		return rc;
	}
	if (rc < 0) {
		mr_log(&l->m->env, MREG_LOG_WARN,
		       "what is attached cannot be told: %s", why.msg);
		return 0;
	}
	row = mr_attached_card(&rows);
	if (!row)
		return 0;
	out->attached = true;
	return take_text(l, &row->files[0].desc, row->files[0].title, a, out,
			 err);
}

/* -- without one ----------------------------------------------------------- */

/* In a table's cell. */
static void put_cell(struct mr_buf *b, const char *s)
{
	for (; *s; s++) {
		if (*s == '|' || *s == '\\')
			mr_buf_putc(b, '\\');
		mr_buf_putc(b, *s == '\n' ? ' ' : *s);
	}
}

static void put_row(struct mr_buf *b, const char *name, const char *value)
{
	mr_buf_puts(b, "| ");
	put_cell(b, name);
	mr_buf_puts(b, " | ");
	put_cell(b, value);
	mr_buf_puts(b, " |\n");
}

static void put_table(struct mr_buf *b, const char *title, const char *noun,
		      const struct mreg_pair *items, size_t n)
{
	size_t i;

	if (!n)
		return;
	mr_buf_printf(b, "\n## %s\n\n| %s | value |\n|---|---|\n", title, noun);
	for (i = 0; i < n; i++)
		put_row(b, items[i].name, items[i].value);
}

/* Behind what an edge names, where it is told. */
static void put_more(struct mr_buf *b, const char *before, const char *value)
{
	if (!value)
		return;
	mr_buf_puts(b, before);
	put_cell(b, value);
}

static void put_edge(struct mr_buf *b, const char *what, const char *of,
		     const char *digest)
{
	mr_buf_puts(b, "- ");
	put_cell(b, what);
	mr_buf_puts(b, ": ");
	put_cell(b, of);
	if (digest) {
		mr_buf_puts(b, " (");
		put_cell(b, digest);
		mr_buf_putc(b, ')');
	}
}

static void put_lineage(struct mr_buf *b, const struct mr_meta *m)
{
	size_t i;

	if (m->parent_count)
		mr_buf_puts(b, "\n## Made from\n\n");
	for (i = 0; i < m->parent_count; i++) {
		put_edge(b, m->parents[i].relation, m->parents[i].ref,
			 m->parents[i].digest);
		mr_buf_putc(b, '\n');
	}
	if (m->input_count)
		mr_buf_puts(b, "\n## Data\n\n");
	for (i = 0; i < m->input_count; i++) {
		const struct mr_input *in = &m->inputs[i];

		put_edge(b, in->role,
			 in->uri    ? in->uri
			 : in->name ? in->name
				    : "-",
			 in->digest);
		put_more(b, ", ", in->license);
		put_more(b, ", ", in->classification);
		put_more(b, ", consent ", in->consent);
		mr_buf_putc(b, '\n');
	}
}

static bool is_prose(const char *field)
{
	return strcmp(field, "description") == 0 ||
	       strcmp(field, "signature") == 0;
}

static void put_fields(struct mr_buf *b, const struct mr_look *l,
		       struct mr_arena *a, const struct mreg_card_result *r)
{
	char digest[MREG_DIGEST_TEXT];
	const struct mreg_pair *fields;
	size_t n, i;

	mr_buf_puts(b, "\n| field | value |\n|---|---|\n");
	if (r->number)
		mr_buf_printf(b, "| version | v%" PRIu64 " |\n", r->number);
	put_row(b, "digest", mreg_digest_text(&r->digest, digest));
	mr_look_fields(l->meta, a, &fields, &n);
	for (i = 0; !mr_arena_failed(a) && i < n; i++)
		if (!is_prose(fields[i].name))
			put_row(b, fields[i].name, fields[i].value);
}

static void put_files(struct mr_buf *b, const struct mr_look *l)
{
	char size[32];
	size_t i;

	mr_buf_puts(b, "\n## Files\n\n");
	for (i = 0; i < l->count; i++) {
		mr_buf_puts(b, "- ");
		put_cell(b, l->files[i].path);
		mr_buf_printf(b, ", %s%s\n",
			      mr_text_size(l->files[i].desc.size, size),
			      l->files[i].archive ? ", archive" : "");
	}
}

static int make_card(struct mr_look *l, struct mr_arena *a,
		     struct mreg_card_result *out, struct mreg_error *err)
{
	MR_AUTO(mr_buf_release)
	struct mr_buf b = MR_BUF_INIT(4 * MR_MANIFEST_MAX_BYTES);
	const char *slash = strrchr(l->ref.repository, '/');
	const struct mr_meta *m;
	int rc = mr_look_meta(l, err);

	if (rc < 0)
		return rc;
	m = l->meta;
	mr_buf_printf(&b, "# %s\n", slash ? slash + 1 : l->ref.repository);
	if (m->description)
		mr_buf_printf(&b, "\n%s\n", m->description);
	put_fields(&b, l, a, out);
	put_table(&b, "Metrics", "metric", m->metrics, m->metric_count);
	put_table(&b, "Parameters", "parameter", m->params, m->param_count);
	put_table(&b, "Labels", "label", m->tags, m->tag_count);
	put_lineage(&b, m);
	if (m->signature)
		mr_buf_printf(&b, "\n## Signature\n\n```json\n%s\n```\n",
			      m->signature);
	put_files(&b, l);
	rc = mr_buf_check(&b, "the card", err);
	if (rc < 0)
		return rc;
	out->text = mr_arena_strdup(a, b.data);
	out->bytes = out->text;
	out->len = b.len;
	return 0;
}

/* -- the door -------------------------------------------------------------- */

static int run(struct mreg *m, const char *ref, struct mreg_card_result *out,
	       struct mreg_error *err)
{
	MR_AUTO(mr_look_release) struct mr_look l = { .m = m };
	const struct mr_model_layer *readme;
	struct mr_arena *a = out->owner;
	struct mr_identity id;
	int rc = mr_look_open(m, ref, &l, err);

	if (rc >= 0)
		rc = mr_look_files(&l, err);
	if (rc < 0)
		return rc;
	mr_look_identity(&l, a, &id);
	rc = mr_result_check(a, err);
	if (rc < 0)
		return rc;
	out->name = id.name;
	out->reference = id.reference;
	out->tag = id.tag;
	out->number = id.number;
	out->digest = l.manifest->desc.digest;
	readme = mr_look_readme(&l);
	rc = readme ? take_text(&l, &readme->desc, readme->path, a, out, err)
		    : take_attached(&l, a, out, err);
	if (rc >= 0 && !out->path)
		rc = make_card(&l, a, out, err);
	return rc < 0 ? rc : mr_result_check(a, err);
}

int mreg_card(struct mreg *m, const char *ref, struct mreg_card_result *out,
	      struct mreg_error *err)
{
	struct mr_arena *arena;
	int rc;

	memset(out, 0, sizeof(*out));
	rc = mr_result_arena(&arena, err);
	if (rc < 0)
		return rc;
	out->owner = arena;
	rc = run(m, ref, out, err);
	if (rc < 0)
		mreg_card_result_release(out);
	return rc;
}

void mreg_card_result_release(struct mreg_card_result *r)
{
	mr_arena_free(r->owner);
	memset(r, 0, sizeof(*r));
}
