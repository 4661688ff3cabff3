/*
 * mreg/render.h - a version written into the files of those that serve it:
 * KServe, Kubernetes, a Dockerfile, Kustomize, Helm.
 */
#ifndef MREG_RENDER_H
#define MREG_RENDER_H

#include "mreg/resolve.h"
#include "mreg/split.h"

#ifdef __cplusplus
extern "C" {
#endif

enum mreg_render_as {
	MREG_RENDER_KSERVE,     /* an InferenceService */
	MREG_RENDER_K8S,        /* a Deployment with an image volume */
	MREG_RENDER_DOCKERFILE, /* a line to copy its files */
	MREG_RENDER_KUSTOMIZE,  /* a Component: images and patches */
	MREG_RENDER_HELM,       /* values */
};

/* How a storageUri begins. */
enum mreg_render_scheme {
	MREG_SCHEME_OCI,        /* as the cluster is configured */
	MREG_SCHEME_OCI_NATIVE, /* an image volume */
	MREG_SCHEME_OCI_FETCH,  /* KServe's own storage initializer */
	MREG_SCHEME_MREG,       /* mreg's (mreg storage-initializer) */
};

struct mreg_render_opts {
	size_t size; /* sizeof this struct; set by MREG_RENDER_OPTS_INIT */
	enum mreg_render_as as;
	enum mreg_render_scheme scheme; /* not of K8S and DOCKERFILE */
	/* Of the object, a DNS label; NULL: the name's last component. */
	const char *name;
	const char *model_format; /* of KServe; NULL: by what is known of the
				   * version */
	const char *server;       /* image of the program that serves it, for
				   * K8S; NULL: one to be replaced */
};
#define MREG_RENDER_OPTS_INIT                                                  \
	{                                                                      \
		.size = sizeof(struct mreg_render_opts)                        \
	}

/* "kserve": what `--format` calls it; NULL: there is no such one. */
MREG_API const char *mreg_render_word(enum mreg_render_as as);

/* What can be said before anything is resolved: MREG_EUSAGE, options that do
 * not go together, or names that are none. */
MREG_API int mreg_render_check(const struct mreg_render_opts *o,
			       struct mreg_error *err);

/* Whether it needs the version's image (mreg_resolve_opts); mreg:// does not,
 * nor does what has nothing but a storageUri. */
MREG_API bool mreg_render_needs_image(const struct mreg_render_opts *o);

/*
 * An alias that is split: KServe's file is the canary's, with its percentage,
 * where two versions share, and asks for Knative, without which there is none;
 * k8s has an object for each; values of Helm have a list; everywhere else, and
 * of more than two, the alias's own version is written, and the shares are told
 * in comments.
 *
 * The text, every reference in it by digest; `*out` is to be freed with free().
 * `r` was resolved with `serve`, and with `image` where that is needed.
 * MREG_EUSAGE: as mreg_render_check, or nothing tells KServe's model format.
 */
MREG_API int mreg_render(const struct mreg_resolve_result *r,
			 const struct mreg_render_opts *o, char **out,
			 struct mreg_error *err);

#ifdef __cplusplus
}
#endif

#endif
