/*
 * document.c - an image's documents, key by key in a fixed order.
 */
#include "profile/document.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/mem.h"
#include "content/digest.h"

#define USUAL_PATH                                                             \
	"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#define LAYER_PAIRS 5

void mr_image_platform_init(struct mr_image_platform *p)
{
	memset(p, 0, sizeof(*p));
	mr_buf_init(&p->config, MR_MANIFEST_MAX_BYTES);
	mr_buf_init(&p->manifest, MR_MANIFEST_MAX_BYTES);
}

void mr_image_platform_release(struct mr_image_platform *p)
{
	mr_buf_release(&p->config);
	mr_buf_release(&p->manifest);
}

int mr_image_describe(const char *type, const struct mr_buf *b,
		      struct mreg_desc *out, struct mreg_error *err)
{
	int rc = mr_buf_check(b, "a document of the image", err);

	if (rc < 0)
		return rc;
	memset(out, 0, sizeof(*out));
	(void)snprintf(out->media_type, sizeof(out->media_type), "%s", type);
	out->size = b->len;
	return mr_digest_of(b->data, b->len, &out->digest, err);
}

/* -- config ------------------------------------------------------------------
 */

static void put_texts(struct mr_buf *b, const char *key,
		      const char *const *items, size_t n)
{
	size_t i;

	mr_buf_printf(b, "\"%s\":[", key);
	for (i = 0; i < n; i++) {
		if (i > 0)
			mr_buf_putc(b, ',');
		mr_json_quote(b, items[i]);
	}
	mr_buf_putc(b, ']');
}

static void put_labels(struct mr_buf *b, const struct mr_image_facts *f)
{
	size_t i;

	mr_buf_puts(b, "\"Labels\":{");
	for (i = 0; i < f->label_count; i++) {
		if (i > 0)
			mr_buf_putc(b, ',');
		mr_json_quote(b, f->labels[i].name);
		mr_buf_putc(b, ':');
		mr_json_quote(b, f->labels[i].value);
	}
	mr_buf_putc(b, '}');
}

/* No entry point: whoever starts such an image names the program. */
static void put_config(struct mr_buf *b, const struct mr_image_facts *f,
		       const struct mr_image_platform *p)
{
	static const char *const usual[] = { USUAL_PATH };
	static const char *const shell[] = { "sh" };

	mr_buf_puts(b, "\"config\":{");
	if (f->user) {
		mr_buf_puts(b, "\"User\":");
		mr_json_quote(b, f->user);
		mr_buf_putc(b, ',');
	}
	if (p->env_count)
		put_texts(b, "Env", p->env, p->env_count);
	else
		put_texts(b, "Env", usual, 1);
	mr_buf_putc(b, ',');
	if (p->shell || p->cmd_count) {
		put_texts(b, "Cmd", p->shell ? shell : p->cmd,
			  p->shell ? 1 : p->cmd_count);
		mr_buf_putc(b, ',');
	}
	mr_buf_puts(b, "\"WorkingDir\":\"/\",");
	put_labels(b, f);
	mr_buf_putc(b, '}');
}

static void put_diff(struct mr_buf *b, const struct mreg_digest *d, bool first)
{
	char text[MREG_DIGEST_TEXT];

	mr_buf_printf(b, "%s\"%s\"", first ? "" : ",",
		      mreg_digest_text(d, text));
}

/* A layer that is not compressed is its own diff. */
static void put_rootfs(struct mr_buf *b, const struct mr_image_layout *layout,
		       const struct mr_image_platform *p)
{
	bool first = true;
	size_t i;

	mr_buf_puts(b, "\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[");
	for (i = 0; i < p->base_count; i++, first = false)
		put_diff(b, &p->diffs[i], first);
	if (p->shell) {
		put_diff(b, &p->shell->desc.digest, first);
		first = false;
	}
	for (i = 0; i < layout->count; i++, first = false)
		put_diff(b, &layout->layers[i].desc.digest, first);
	mr_buf_puts(b, "]}");
}

static void put_past(struct mr_buf *b, const struct mr_image_facts *f,
		     const char *by, bool first)
{
	mr_buf_puts(b, first ? "{\"created\":" : ",{\"created\":");
	mr_json_quote(b, f->created);
	mr_buf_puts(b, ",\"created_by\":");
	mr_json_quote(b, by);
	mr_buf_putc(b, '}');
}

static int put_history(struct mr_buf *b, const struct mr_image_facts *f,
		       const struct mr_image_layout *layout,
		       const struct mr_image_platform *p,
		       struct mreg_error *err)
{
	MR_AUTO(mr_buf_release) struct mr_buf by = MR_BUF_INIT(1u << 14);
	bool first = true;
	size_t i;

	mr_buf_puts(b, "\"history\":[");
	for (i = 0; i < p->base_count; i++, first = false)
		put_past(b, f, "base", first);
	if (p->shell) {
		put_past(b, f, "mreg: /bin/sh", first);
		first = false;
	}
	for (i = 0; i < layout->count; i++, first = false) {
		mr_buf_clear(&by);
		mr_buf_printf(&by, "mreg: %s", layout->layers[i].label);
		put_past(b, f, mr_buf_text(&by), first);
	}
	mr_buf_putc(b, ']');
	return mr_buf_check(&by, "a layer's history", err);
}

static int write_config(const struct mr_image_facts *f,
			const struct mr_image_layout *layout,
			struct mr_image_platform *p, struct mreg_error *err)
{
	struct mr_buf *b = &p->config;
	int rc;

	mr_buf_clear(b);
	mr_buf_puts(b, "{\"created\":");
	mr_json_quote(b, f->created);
	mr_buf_puts(b, ",\"architecture\":");
	mr_json_quote(b, p->architecture);
	if (p->variant) {
		mr_buf_puts(b, ",\"variant\":");
		mr_json_quote(b, p->variant);
	}
	mr_buf_puts(b, ",\"os\":");
	mr_json_quote(b, p->os);
	mr_buf_putc(b, ',');
	put_config(b, f, p);
	mr_buf_putc(b, ',');
	put_rootfs(b, layout, p);
	mr_buf_putc(b, ',');
	rc = put_history(b, f, layout, p, err);
	mr_buf_putc(b, '}');
	if (rc < 0)
		return rc;
	return mr_image_describe(MR_IMAGE_CONFIG, b, &p->config_desc, err);
}

/* -- manifest ----------------------------------------------------------------
 */

/* Where the one file of a layer is; nothing of a layer that has several. */
static void describe_content(const struct mr_image_layer *l, struct mr_arena *a,
			     struct mr_annotations *out)
{
	const struct mr_image_member *m = l->only;
	struct mreg_pair *pairs;
	char digest[MREG_DIGEST_TEXT];
	const char *name;

	if (!m || l->part == MR_IMAGE_SHELL)
		return;
	pairs = mr_arena_alloc(a, LAYER_PAIRS * sizeof(*pairs));
	if (!pairs)
		return;
	name = strrchr(m->path, '/');
	pairs[0].name = MR_ANNOTATION_CONTENT;
	pairs[0].value =
		mr_arena_strdup(a, mreg_digest_text(&m->desc.digest, digest));
	pairs[1].name = "olot.layer.content.type";
	pairs[1].value = "file";
	pairs[2].name = "olot.layer.content.inlayerpath";
	pairs[2].value = mr_arena_printf(a, "/%s", m->path);
	pairs[3].name = "olot.layer.content.name";
	pairs[3].value = name ? name + 1 : m->path;
	pairs[4].name = MR_ANNOTATION_OFFSET;
	pairs[4].value = mr_arena_printf(a, "%" PRIu64, m->begin);
	out->items = pairs;
	out->n = LAYER_PAIRS;
}

static int write_manifest(const struct mr_image_facts *f,
			  const struct mr_image_layout *layout,
			  struct mr_image_platform *p, struct mr_arena *a,
			  struct mreg_error *err)
{
	size_t most = p->base_count + 1 + layout->count;
	struct mr_descriptor *layers =
		mr_arena_alloc(a, most * sizeof(*layers));
	struct mr_manifest_draft d = { .layers = layers };
	size_t n = 0;
	size_t i;
	int rc;

	if (!layers)
		return mr_fail_nomem(err);
	for (i = 0; i < p->base_count; i++)
		layers[n++].desc = p->base[i].desc;
	if (p->shell)
		layers[n++].desc = p->shell->desc;
	for (i = 0; i < layout->count; i++) {
		layers[n].desc = layout->layers[i].desc;
		describe_content(&layout->layers[i], a,
				 &layers[n++].annotations);
	}
	if (mr_arena_failed(a))
		return mr_fail_nomem(err);
	d.config.desc = p->config_desc;
	d.layer_count = n;
	d.annotations.items = f->annotations;
	d.annotations.n = f->annotation_count;
	mr_buf_clear(&p->manifest);
	rc = mr_manifest_write(&d, &p->manifest, err);
	if (rc < 0)
		return rc;
	return mr_image_describe(MR_MEDIA_MANIFEST, &p->manifest,
				 &p->manifest_desc, err);
}

int mr_image_write(const struct mr_image_facts *f,
		   const struct mr_image_layout *layout,
		   struct mr_image_platform *p, struct mreg_error *err)
{
	MR_AUTO(mr_arena_freep)
	struct mr_arena *a = mr_arena_new(2 * MR_MANIFEST_MAX_BYTES);
	int rc;

	if (!a)
		return mr_fail_nomem(err);
	rc = write_config(f, layout, p, err);
	return rc < 0 ? rc : write_manifest(f, layout, p, a, err);
}

/* -- index -------------------------------------------------------------------
 */

int mr_image_write_index(const struct mr_image_facts *f,
			 const struct mr_image_platform *platforms,
			 size_t count, struct mr_buf *out,
			 struct mreg_desc *desc, struct mreg_error *err)
{
	MR_AUTO(mr_free)
	struct mr_descriptor *children = mr_array(count, sizeof(*children));
	struct mr_index_draft d = {
		.children = children,
		.child_count = count,
		.annotations = { .items = f->annotations,
				 .n = f->annotation_count },
	};
	size_t i;
	int rc;

	if (!children)
		return mr_fail_nomem(err);
	for (i = 0; i < count; i++) {
		children[i].desc = platforms[i].manifest_desc;
		children[i].os = platforms[i].os;
		children[i].architecture = platforms[i].architecture;
		children[i].variant = platforms[i].variant;
	}
	mr_buf_clear(out);
	rc = mr_index_write(&d, out, err);
	return rc < 0 ? rc : mr_image_describe(MR_MEDIA_INDEX, out, desc, err);
}
