/*
 * kube_object.c - the references in one object of a cluster.
 *
 * Kinds differ in where they have them, and more kinds come: so every text of
 * `spec` and every annotation that is a URI of one of the schemes counts, and
 * every `image`, wherever it is.
 */
#include "document/kube_object.h"

#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/text.h"

#define WHAT "object"
#define SHOWN_BYTES 100
#define LOOKED_BACK 32     /* references; a pod has fewer */
#define NAME_MAX_BYTES 253 /* of a DNS subdomain, which names are */
#define NAME_CHARACTERS                                                        \
	"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.:_"
#define ISVC_LABEL "serving.kserve.io/inferenceservice"
#define HASH_LABEL "pod-template-hash"

static const char *const schemes[] = { "oci", "oci+native", "oci+fetch",
				       "oci+modelcar", "mreg" };

struct object {
	const json_t *spec, *status, *metadata;
	const char *space, *kind, *name; /* of what made it */
	bool pod;
	struct mr_kube_refs *to;
	struct mreg_error *err;
};

/* NULL: no text, or one with NUL in it.  Whoever annotates one object with
 * that must not hide all others. */
static const char *text_at(const json_t *value)
{
	const char *text = json_string_value(value);

	return text && strlen(text) == json_string_length(value) ? text : NULL;
}

static const char *text_of(const json_t *object, const char *key)
{
	return text_at(json_object_get(object, key));
}

/* -- references ------------------------------------------------------------ */

static bool same(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

/* Replicas stand side by side, and say all the same. */
static bool was_added(const struct object *o, const char *scheme,
		      const char *reference, size_t n, const char *digest)
{
	const struct mr_kube_refs *to = o->to;
	size_t i;

	for (i = to->count; i-- > 0 && to->count - i <= LOOKED_BACK;) {
		const struct mr_kube_ref *r = &to->items[i];

		if (r->scheme == scheme && same(r->digest, digest) &&
		    strncmp(r->reference, reference, n) == 0 &&
		    !r->reference[n] && same(r->name, o->name) &&
		    same(r->kind, o->kind) && same(r->space, o->space))
			return true;
	}
	return false;
}

static int add(struct object *o, const char *scheme, const char *reference,
	       size_t n, const char *digest)
{
	struct mr_kube_refs *to = o->to;
	struct mr_arena *a = to->arena;
	void *items = to->items;

	if (was_added(o, scheme, reference, n, digest))
		return 0;
	if (to->count == MR_KUBE_REFS_MAX)
		return mr_fail(o->err, MREG_ELIMIT,
			       "more than %d references in one cluster",
			       MR_KUBE_REFS_MAX);
	if (mr_grow(&items, &to->cap, to->count + 1, sizeof(*to->items)) < 0)
		return mr_fail_nomem(o->err);
	to->items = items;
	to->items[to->count++] = (struct mr_kube_ref){
		.space = mr_arena_strdup(a, o->space),
		.kind = mr_arena_strdup(a, o->kind),
		.name = mr_arena_strdup(a, o->name),
		.reference = mr_arena_strndup(a, reference, n),
		.scheme = scheme,
		.digest = digest ? mr_arena_strdup(a, digest) : NULL,
	};
	return mr_arena_failed(a) ? mr_fail_nomem(o->err) : 0;
}

/* A text that may be a URI; what is behind '?' is for who fetches it. */
static int take_text(struct object *o, const char *text)
{
	const char *colon = strstr(text, "://");
	size_t i;

	for (i = 0; colon && i < MR_COUNT(schemes); i++) {
		size_t n = strlen(schemes[i]);

		if ((size_t)(colon - text) == n &&
		    strncmp(text, schemes[i], n) == 0)
			return add(o, schemes[i], colon + 3,
				   strcspn(colon + 3, "?"), NULL);
	}
	return 0;
}

/* The digest in "docker-pullable://HOST/REPOSITORY@sha256:.."; a digest alone
 * is that of the image's config, which says nothing. */
static const char *digest_of(const char *image_id)
{
	const char *at = image_id ? strrchr(image_id, '@') : NULL;

	return at && at != image_id ? at + 1 : NULL;
}

/* What the pod says of the container `name`; NULL: nothing. */
static const char *running(const struct object *o, const char *name)
{
	static const char *const lists[] = { "containerStatuses",
					     "initContainerStatuses",
					     "ephemeralContainerStatuses" };
	size_t i, k;

	for (i = 0; name && o->pod && i < MR_COUNT(lists); i++) {
		const json_t *list = json_object_get(o->status, lists[i]);

		for (k = 0; k < json_array_size(list); k++) {
			const json_t *one = json_array_get(list, k);
			const char *is = text_of(one, "name");
			const char *digest = digest_of(text_of(one, "imageID"));

			if (is && digest && strcmp(is, name) == 0)
				return digest;
		}
	}
	return NULL;
}

/* `object` may be a container, or a volume. */
static int take_image(struct object *o, const json_t *object)
{
	const json_t *image = json_object_get(object, "image");
	const char *text = json_is_object(image) ? text_of(image, "reference")
						 : text_at(image);

	if (!text || !text[0])
		return 0;
	return add(o, NULL, text, strlen(text),
		   json_is_object(image) ? NULL
					 : running(o, text_of(object, "name")));
}

/* Depth is bounded by the parser (MR_JSON_DEPTH_MAX). */
static int walk(struct object *o, const json_t *value)
{
	const char *key;
	json_t *item;
	size_t i;
	int rc = 0;

	if (json_is_string(value))
		return text_at(value) ? take_text(o, text_at(value)) : 0;
	if (json_is_array(value)) {
		for (i = 0; rc >= 0 && i < json_array_size(value); i++)
			rc = walk(o, json_array_get(value, i));
		return rc;
	}
	if (!json_is_object(value))
		return 0;
	rc = take_image(o, value);
	json_object_foreach((json_t *)value, key, item)
	{
		if (rc >= 0)
			rc = walk(o, item);
	}
	return rc;
}

/* -- whose it is ----------------------------------------------------------- */

static int check_name(const char *name, struct mreg_error *err)
{
	char shown[SHOWN_BYTES];
	size_t n = strlen(name);

	if (n && n <= NAME_MAX_BYTES && strspn(name, NAME_CHARACTERS) == n)
		return 0;
	return mr_fail(err, MREG_EFORMAT,
		       "'%s' is no name of a Kubernetes object",
		       mr_text_safe(name, shown, sizeof(shown)));
}

static const json_t *controller_of(const struct object *o)
{
	const json_t *owners = json_object_get(o->metadata, "ownerReferences");
	size_t i;

	for (i = 0; i < json_array_size(owners); i++) {
		const json_t *one = json_array_get(owners, i);

		if (json_is_true(json_object_get(one, "controller")))
			return one;
	}
	return json_array_get(owners, 0);
}

/* The Deployment that made a ReplicaSet: its name without "-HASH". */
static const char *deployment_of(const struct object *o, const char *set)
{
	const char *hash =
		text_of(json_object_get(o->metadata, "labels"), HASH_LABEL);
	size_t n = strlen(set);
	size_t tail = hash ? strlen(hash) + 1 : 0;

	if (!hash || !hash[0] || n <= tail || set[n - tail] != '-' ||
	    strcmp(set + n - tail + 1, hash) != 0)
		return NULL;
	return mr_arena_strndup(o->to->arena, set, n - tail);
}

static void find_maker(struct object *o)
{
	const char *isvc =
		text_of(json_object_get(o->metadata, "labels"), ISVC_LABEL);
	const json_t *owner = controller_of(o);
	const char *kind = text_of(owner, "kind");
	const char *name = text_of(owner, "name");
	const char *deployment;

	if (isvc) {
		o->kind = "inferenceservice";
		o->name = isvc;
		return;
	}
	if (!kind || !name)
		return;
	o->kind = kind;
	o->name = name;
	deployment =
		strcmp(kind, "ReplicaSet") == 0 ? deployment_of(o, name) : NULL;
	if (deployment) {
		o->kind = "deployment";
		o->name = deployment;
	}
}

static const char *small_letters(struct mr_arena *a, const char *text)
{
	char *copy = mr_arena_strdup(a, text);
	char *c;

	for (c = copy; c && *c; c++)
		if (*c >= 'A' && *c <= 'Z')
			*c = (char)(*c - 'A' + 'a');
	return copy;
}

static bool is_done(const struct object *o)
{
	const char *phase = text_of(o->status, "phase");

	return o->pod && phase &&
	       (strcmp(phase, "Succeeded") == 0 ||
		strcmp(phase, "Failed") == 0);
}

int mr_kube_object(const json_t *object, struct mr_kube_refs *to,
		   struct mreg_error *err)
{
	struct object o = {
		.spec = json_object_get(object, "spec"),
		.status = json_object_get(object, "status"),
		.metadata = json_object_get(object, "metadata"),
		.kind = text_of(object, "kind"),
		.to = to,
		.err = err,
	};
	int rc;

	o.space = text_of(o.metadata, "namespace");
	o.name = text_of(o.metadata, "name");
	if (!o.kind || !o.name)
		return mr_fail(err, MREG_EFORMAT,
			       "an object has no kind, or no name");
	o.pod = strcmp(o.kind, "Pod") == 0;
	if (!o.space || is_done(&o))
		return 0;
	if (o.pod)
		find_maker(&o);
	rc = check_name(o.space, err);
	if (rc >= 0)
		rc = check_name(o.kind, err);
	if (rc >= 0)
		rc = check_name(o.name, err);
	if (rc < 0)
		return rc;
	o.kind = small_letters(to->arena, o.kind);
	if (!o.kind)
		return mr_fail_nomem(err);
	rc = walk(&o, o.spec);
	return rc < 0 ? rc
		      : walk(&o, json_object_get(o.metadata, "annotations"));
}
