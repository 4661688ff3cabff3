/*
 * render_values.c - what others' templates and builds take: values of Helm, a
 * line of a Dockerfile.
 */
#include "draw/render.h"

#include <stdio.h>

static void put_image(const struct mr_render *d, struct mr_yaml *y)
{
	char tag[MR_RENDER_TAG_BYTES + 8];

	mr_yaml_map(y, "image");
	mr_yaml_text(y, "repository", d->r->name);
	(void)snprintf(tag, sizeof(tag), "%s-image", d->version);
	/* An image that was named itself may have any tag, or none. */
	if (d->version[0] &&
	    !mreg_digest_equal(&d->s->image, &d->r->desc.digest))
		mr_yaml_text(y, "tag", tag);
	mr_yaml_text(y, "digest", d->image);
	mr_yaml_text(y, "reference", d->reference);
	mr_yaml_own(y, "pullPolicy", "IfNotPresent");
	mr_yaml_own(y, "subPath", "models");
	mr_yaml_up(y, 1);
}

/* For whoever routes requests. */
static void put_split(const struct mr_render *d, struct mr_yaml *y)
{
	char weight[16];
	size_t i;

	mr_yaml_map(y, "split");
	for (i = 0; i < d->share_count; i++) {
		const struct mr_render *s = &d->shares[i];

		mr_yaml_item(y, "digest", s->digest);
		if (s->version[0])
			mr_yaml_text(y, "version", s->version);
		mr_yaml_text(y, "uri", s->uri);
		if (s->image[0])
			mr_yaml_text(y, "reference", s->reference);
		(void)snprintf(weight, sizeof(weight), "%u", s->weight);
		mr_yaml_own(y, "weight", weight);
		mr_yaml_up(y, 1);
	}
	mr_yaml_up(y, 1);
}

void mr_render_helm(const struct mr_render *d, struct mr_buf *b)
{
	struct mreg_error ignored = MREG_ERROR_INIT;
	struct mr_yaml y = { .b = b };
	const char *format;
	const char *note;

	mr_render_head(d, &y);
	mr_yaml_map(&y, "model");
	mr_yaml_text(&y, "name", d->name);
	mr_yaml_text(&y, "repository", d->r->name);
	if (d->version[0])
		mr_yaml_text(&y, "version", d->version);
	mr_yaml_text(&y, "digest", d->digest);
	mr_yaml_text(&y, "uri", d->uri);
	/* A chart that is not KServe's does without. */
	if (mr_render_format(d, &format, &note, &ignored) >= 0)
		mr_yaml_text(&y, "format", format);
	if (d->image[0])
		put_image(d, &y);
	if (d->share_count)
		put_split(d, &y);
}

/* No --link: buildah does not know it. */
void mr_render_dockerfile(const struct mr_render *d, struct mr_buf *b)
{
	struct mr_yaml y = { .b = b };

	mr_render_head(d, &y); /* comments are the same */
	mr_render_shares(d, &y);
	mr_buf_printf(b, "COPY --from=%s /models /models\n", d->reference);
}
