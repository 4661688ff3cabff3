/*
 * docker.c - a version in Docker's model format: a manifest and a config beside
 * its own, which name the same blobs (spec/docker.md).
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "profile/inside.h"

#define DOCKER "application/vnd.docker.ai."
#define SHOWN 160

enum weights {
	NO_WEIGHTS,
	GGUF,
	SAFETENSORS
};

static const char *const formats[] = { "", "gguf", "safetensors" };

static const char *base_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static enum weights weights_of(const struct mr_image_file *f)
{
	if (mr_text_ends(f->path, ".gguf"))
		return GGUF;
	return mr_text_ends(f->path, ".safetensors") ? SAFETENSORS : NO_WEIGHTS;
}

static bool is_license(const char *name)
{
	static const char *const names[] = { "LICENSE", "LICENSE.md",
					     "LICENSE.txt" };
	size_t i;

	for (i = 0; i < MR_COUNT(names); i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return false;
}

/* A projector is GGUF too, but not what is run. */
static bool is_projector(const struct mr_image_file *f)
{
	return weights_of(f) == GGUF &&
	       mr_text_starts(base_of(f->path), "mmproj");
}

static const char *type_of(const struct mr_image_file *f)
{
	if (is_projector(f))
		return DOCKER "mmproj";
	if (weights_of(f) == GGUF)
		return DOCKER "gguf.v3";
	if (weights_of(f) == SAFETENSORS)
		return DOCKER "safetensors";
	if (mr_text_ends(f->path, ".jinja"))
		return DOCKER "chat.template.jinja";
	return is_license(base_of(f->path)) ? DOCKER "license"
					    : DOCKER "model.file";
}

/* -- what can be held ---------------------------------------------------------
 */

static int fail_weights(const struct mr_image_file *f, struct mreg_error *err)
{
	char shown[SHOWN];

	(void)mr_fail(err, MREG_EUNSUPPORTED,
		      "Docker's format cannot hold '%s', which is neither GGUF "
		      "nor safetensors",
		      mr_text_safe(f->path, shown, sizeof(shown)));
	return mr_hint(err, "Docker runs those two alone: push a version whose "
			    "weights are one of them");
}

/* One format, and no weights beside it. */
static int find_format(const struct mr_profile *p, enum weights *out,
		       struct mreg_error *err)
{
	enum weights found = NO_WEIGHTS;
	size_t i;

	for (i = 0; i < p->file_count; i++) {
		const struct mr_image_file *f = &p->files[i];
		enum weights of = weights_of(f);

		if (of == NO_WEIGHTS && strcmp(f->role, "weight") == 0)
			return fail_weights(f, err);
		if (of == NO_WEIGHTS || is_projector(f))
			continue;
		if (found != NO_WEIGHTS && found != of) {
			(void)mr_fail(err, MREG_EUNSUPPORTED,
				      "Docker's format cannot hold both GGUF "
				      "and safetensors");
			return mr_hint(err, "push a version that has one of "
					    "them");
		}
		found = of;
	}
	*out = found;
	if (found != NO_WEIGHTS)
		return 0;
	(void)mr_fail(err, MREG_EUNSUPPORTED,
		      "Docker's format holds weights in GGUF or safetensors, "
		      "and there are none");
	return mr_hint(err, "'mreg inspect' lists the files");
}

/* -- documents
 * ----------------------------------------------------------------- */

/* What Docker calls architecture is what others call a family: "llama". */
static const char *architecture_of(const struct mr_profile *p)
{
	if (!p->meta)
		return NULL;
	return p->meta->family ? p->meta->family : p->meta->architecture;
}

static int write_config(struct mr_profile *p, enum weights format,
			struct mreg_error *err)
{
	const char *architecture = architecture_of(p);
	struct mr_buf *b = &p->config;
	char text[MREG_DIGEST_TEXT];
	uint64_t size = 0;
	size_t i;

	for (i = 0; i < p->file_count; i++)
		size += p->files[i].size;
	mr_buf_puts(b, "{\"config\":{\"format\":");
	mr_json_quote(b, formats[format]);
	if (architecture) {
		mr_buf_puts(b, ",\"architecture\":");
		mr_json_quote(b, architecture);
	}
	mr_buf_printf(b, ",\"size\":\"%" PRIu64 "\"},", size);
	mr_buf_puts(b, "\"descriptor\":{\"created\":");
	mr_json_quote(b, mr_profile_created(p));
	mr_buf_puts(b, "},\"rootfs\":{\"type\":\"rootfs\",\"diff_ids\":[");
	for (i = 0; i < p->file_count; i++)
		mr_buf_printf(b, "%s\"%s\"", i ? "," : "",
			      mreg_digest_text(&p->files[i].digest, text));
	mr_buf_puts(b, "]}}");
	return mr_image_describe(DOCKER "model.config.v0.2+json", b,
				 &p->config_desc, err);
}

static int describe(struct mr_profile *p, const struct mr_image_file *f,
		    struct mr_descriptor *out, struct mreg_error *err)
{
	struct mreg_pair *pairs = mr_arena_alloc(p->arena, 2 * sizeof(*pairs));

	if (!pairs)
		return mr_fail_nomem(err);
	pairs[0].name = MR_ANNOTATION_FILEPATH;
	pairs[0].value = f->path;
	pairs[1].name = MR_ANNOTATION_TITLE;
	pairs[1].value = f->path;
	out->annotations.items = pairs;
	out->annotations.n = 2;
	(void)snprintf(out->desc.media_type, sizeof(out->desc.media_type), "%s",
		       type_of(f));
	out->desc.digest = f->digest;
	out->desc.size = f->size;
	return 0;
}

static int write_manifest(struct mr_profile *p, struct mreg_error *err)
{
	MR_AUTO(mr_free)
	struct mr_descriptor *layers = mr_array(p->file_count, sizeof(*layers));
	char text[MREG_DIGEST_TEXT];
	struct mreg_pair derived = {
		.name = MR_ANNOTATION_DERIVED,
		.value = mreg_digest_text(&p->version->desc.digest, text),
	};
	struct mr_manifest_draft d = {
		.layers = layers,
		.layer_count = p->file_count,
		.annotations = { .items = &derived, .n = 1 },
	};
	size_t i;
	int rc = layers ? 0 : mr_fail_nomem(err);

	for (i = 0; rc >= 0 && i < p->file_count; i++)
		rc = describe(p, &p->files[i], &layers[i], err);
	if (rc < 0)
		return rc;
	d.config.desc = p->config_desc;
	rc = mr_manifest_write(&d, &p->top, err);
	return rc < 0 ? rc
		      : mr_image_describe(MR_MEDIA_MANIFEST, &p->top,
					  &p->top_desc, err);
}

/* -- the profile
 * ---------------------------------------------------------------- */

static int docker_open(struct mr_profile *p, struct mreg_error *err)
{
	enum weights format;
	int rc;

	if (p->o->platform_count || p->o->no_shell || p->o->user ||
	    p->o->base) {
		(void)mr_fail(err, MREG_EUSAGE,
			      "Docker's model format has no platforms, users, "
			      "shells or bases");
		return mr_hint(err, "leave out --platform, --user, "
				    "--no-shell and --base");
	}
	rc = find_format(p, &format, err);
	if (rc >= 0)
		rc = write_config(p, format, err);
	return rc < 0 ? rc : write_manifest(p, err);
}

/* Every digest is the version's own. */
static int docker_adopt(struct mr_profile *p, const struct mr_manifest *was,
			struct mreg_error *err)
{
	(void)p;
	(void)was;
	(void)err;
	return 0;
}

static int docker_look(struct mr_profile *p, struct mreg_error *err)
{
	(void)p;
	(void)err;
	return 0;
}

static int docker_send(struct mr_profile *p, struct mreg_error *err)
{
	int rc = mr_profile_put(p, &p->config_desc, &p->config, err);

	return rc < 0 ? rc : mr_profile_set(p, &p->top_desc, &p->top, err);
}

const struct mr_profile_kind mr_profile_docker = {
	.name = "docker",
	.suffix = MR_SUFFIX_DOCKER,
	.open = docker_open,
	.adopt = docker_adopt,
	.look = docker_look,
	.send = docker_send,
};
