/*
 * render_kube.c - plain Kubernetes: a Deployment with the model as an image
 * volume, and a Component of Kustomize that puts it into others' objects.
 */
#include "draw/render.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"

/* Names of the container and of the volume. */
#define SERVER "server"
#define VOLUME "model"
/* Where KServe puts models, and what its runtimes look into. */
#define MOUNT_PATH "/mnt/models"
#define NO_SERVER "example.com/server:1"
#define NAME_LABEL "app.kubernetes.io/name"
/* On all objects of a file, whoever has a share: what is pruned by. */
#define PART_LABEL "app.kubernetes.io/part-of"
#define MADE_LABEL "app.kubernetes.io/managed-by"
#define MADE_BY "mreg"

/* By digest nothing newer can be there to be pulled. */
static void put_source(const struct mr_render *d, struct mr_yaml *y)
{
	mr_yaml_map(y, "image");
	mr_yaml_text(y, "reference", d->reference);
	mr_yaml_own(y, "pullPolicy", "IfNotPresent");
	mr_yaml_up(y, 1);
}

static void put_volumes(const struct mr_render *d, struct mr_yaml *y)
{
	mr_yaml_map(y, "volumes");
	mr_yaml_item(y, "name", VOLUME);
	put_source(d, y);
	mr_yaml_up(y, 2);
}

static void put_labels(const struct mr_render *d, struct mr_yaml *y,
		       const char *key)
{
	mr_yaml_map(y, key);
	mr_yaml_text(y, NAME_LABEL, d->name);
	mr_yaml_up(y, 1);
}

/* Of the object itself; those above select its pods, and never change. */
static void put_object_labels(const struct mr_render *d, const char *part_of,
			      struct mr_yaml *y)
{
	mr_yaml_map(y, "labels");
	mr_yaml_text(y, NAME_LABEL, d->name);
	mr_yaml_text(y, PART_LABEL, part_of);
	mr_yaml_text(y, MADE_LABEL, MADE_BY);
	mr_yaml_up(y, 1);
}

static void put_container(const struct mr_render *d, struct mr_yaml *y)
{
	mr_yaml_map(y, "containers");
	mr_yaml_item(y, "name", SERVER);
	if (!d->o->server)
		mr_yaml_note(y, "in its place the image of what serves the "
				"model (--server)");
	mr_yaml_text(y, "image", d->o->server ? d->o->server : NO_SERVER);
	mr_yaml_map(y, "volumeMounts");
	mr_yaml_item(y, "name", VOLUME);
	mr_yaml_own(y, "mountPath", MOUNT_PATH);
	mr_yaml_own(y, "subPath", "models");
	mr_yaml_own(y, "readOnly", "true");
	mr_yaml_up(y, 4);
}

static void put_deployment(const struct mr_render *d, const char *part_of,
			   struct mr_yaml *y)
{
	mr_yaml_own(y, "apiVersion", "apps/v1");
	mr_yaml_own(y, "kind", "Deployment");
	mr_yaml_map(y, "metadata");
	mr_yaml_text(y, "name", d->name);
	put_object_labels(d, part_of, y);
	mr_render_annotations(d, y);
	mr_yaml_up(y, 1);
	mr_yaml_map(y, "spec");
	mr_yaml_map(y, "selector");
	put_labels(d, y, "matchLabels");
	mr_yaml_up(y, 1);
	mr_yaml_map(y, "template");
	mr_yaml_map(y, "metadata");
	put_labels(d, y, "labels");
	mr_render_annotations(d, y);
	mr_yaml_up(y, 1);
	mr_yaml_map(y, "spec");
	put_container(d, y);
	put_volumes(d, y);
}

/* "churn-v8": another object, which selects pods of its own. */
static struct mr_render beside(const struct mr_render *share)
{
	struct mr_render d = *share;
	const char *word = d.version[0] ? d.version : strchr(d.digest, ':') + 1;
	int n = (int)strnlen(word, 12);

	(void)snprintf(d.name, sizeof(d.name), "%.*s-%.*s",
		       MR_RENDER_NAME_BYTES - 2 - n, share->name, n, word);
	return d;
}

static void put_split_notes(const struct mr_render *d, struct mr_yaml *y)
{
	MR_AUTO(mr_buf_release) struct mr_buf b = MR_BUF_INIT(1u << 12);

	mr_yaml_note(y, "a Deployment has no share of requests: these are for "
			"what routes to them,\nas the weights of an "
			"HTTPRoute's backendRefs");
	mr_buf_printf(&b,
		      "a version that leaves the split goes on running, unless "
		      "later files are applied with\n"
		      "  kubectl apply --namespace ... --prune "
		      "--prune-allowlist apps/v1/Deployment \\\n"
		      "    --selector " PART_LABEL "=%s," MADE_LABEL
		      "=" MADE_BY,
		      d->name);
	mr_yaml_note(y, mr_buf_text(&b));
}

void mr_render_k8s(const struct mr_render *d, struct mr_buf *b)
{
	struct mr_yaml y = { .b = b };
	size_t i;

	mr_render_head(d, &y);
	mr_yaml_note(&y, "needs Kubernetes 1.33 and containerd 2.2 or CRI-O "
			 "1.33, for image volumes with a subPath");
	mr_render_shares(d, &y);
	if (d->share_count)
		put_split_notes(d, &y);
	put_deployment(d, d->name, &y);
	for (i = 1; i < d->share_count; i++) {
		struct mr_render other = beside(&d->shares[i]);

		mr_buf_puts(b, "---\n");
		y.depth = 0;
		put_deployment(&other, d->name, &y);
	}
}

/* -- Kustomize ------------------------------------------------------------- */

/* A patch goes to the object with this kind and name, if there is one. */
static void begin_patch(const struct mr_render *d, struct mr_yaml *y,
			const char *group, const char *version,
			const char *kind)
{
	char api[64];

	(void)snprintf(api, sizeof(api), "%s/%s", group, version);
	mr_yaml_own_item(y, "target:");
	y->depth += 2;
	mr_yaml_own(y, "group", group);
	mr_yaml_own(y, "kind", kind);
	mr_yaml_text(y, "name", d->name);
	mr_yaml_up(y, 1);
	mr_yaml_block(y, "patch");
	mr_yaml_own(y, "apiVersion", api);
	mr_yaml_own(y, "kind", kind);
	mr_yaml_map(y, "metadata");
	mr_yaml_text(y, "name", d->name);
	mr_render_annotations(d, y);
	mr_yaml_up(y, 1);
	mr_yaml_map(y, "spec");
}

static void put_images(const struct mr_render *d, struct mr_yaml *y)
{
	mr_yaml_note(y, "wherever an image volume names it (Kustomize 5.8)");
	mr_yaml_map(y, "images");
	mr_yaml_item(y, "name", d->r->name);
	mr_yaml_text(y, "digest", d->image);
	mr_yaml_up(y, 2);
}

void mr_render_kustomize(const struct mr_render *d, struct mr_buf *b)
{
	struct mr_yaml y = { .b = b };

	mr_render_head(d, &y);
	mr_yaml_note(&y, "a kustomization.yaml for 'components:' of another");
	mr_render_shares(d, &y);
	mr_yaml_own(&y, "apiVersion", "kustomize.config.k8s.io/v1alpha1");
	mr_yaml_own(&y, "kind", "Component");
	if (d->image[0])
		put_images(d, &y);
	mr_yaml_map(&y, "patches");
	begin_patch(d, &y, "serving.kserve.io", "v1beta1", "InferenceService");
	mr_yaml_map(&y, "predictor");
	mr_yaml_map(&y, "model");
	mr_yaml_text(&y, "storageUri", d->uri);
	y.depth = 1;
	if (!d->image[0])
		return;
	begin_patch(d, &y, "apps", "v1", "Deployment");
	mr_yaml_map(&y, "template");
	mr_yaml_map(&y, "spec");
	put_volumes(d, &y);
}
