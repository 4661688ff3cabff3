/*
 * document/kube.h - what a cluster runs, out of what `kubectl get -o json`
 * prints: references to models and images, by what made the pods.
 *
 * A part of the door document/document.h, which includes it.  The text comes in
 * pieces, for the list of a cluster may be hundreds of megabytes: one object
 * is held at a time.
 */
#ifndef MR_DOCUMENT_KUBE_H
#define MR_DOCUMENT_KUBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "mreg/error.h"

/* Kubernetes keeps objects in etcd, which takes 1.5 MiB. */
#define MR_KUBE_OBJECT_MAX_BYTES (4u << 20)
/* Kubernetes supports 150,000 pods; replicas that say the same are one. */
#define MR_KUBE_REFS_MAX 200000
#define MR_KUBE_ARENA_BYTES (256u << 20)

/* A reference, and whose it is.  Texts are in the arena; names are
 * Kubernetes' (letters, digits, '-', '.', ':'), references anything. */
struct mr_kube_ref {
	const char *space; /* namespace */
	const char *kind;  /* in small letters: "inferenceservice" */
	const char *name;
	const char *reference; /* without scheme: "ghcr.io/acme/churn:v3" */
	const char *scheme;    /* "oci", "mreg", ...; NULL: an image */
	/* What a pod says that it runs, "sha256:.."; NULL: it does not. */
	const char *digest;
};

struct mr_kube {
	struct mr_kube_ref *refs; /* in the order found */
	size_t count;
	uint64_t objects; /* looked at */
};

struct mr_kube_reader;
/* `a` outlives it. */
int mr_kube_open(struct mr_arena *a, struct mr_kube_reader **out,
		 struct mreg_error *err);
void mr_kube_closep(struct mr_kube_reader **r); /* for MR_AUTO */
/* The next piece.  MREG_EFORMAT, MREG_ELIMIT. */
int mr_kube_add(struct mr_kube_reader *r, const char *bytes, size_t n,
		struct mreg_error *err);
/*
 * All pieces were added: a List, or one object.  MREG_EFORMAT: it ends in the
 * middle, or is one page of several.
 *
 * A pod counts for what made it: the InferenceService that its label names,
 * its Deployment, its other owner, else itself; one that is done
 * (Succeeded, Failed) does not count.  What belongs to no namespace runs
 * nothing.
 */
int mr_kube_end(struct mr_kube_reader *r, struct mr_kube *out,
		struct mreg_error *err);

#endif
