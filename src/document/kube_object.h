/*
 * document/kube_object.h - one object of a cluster; private to the folder.
 */
#ifndef MR_DOCUMENT_KUBE_OBJECT_H
#define MR_DOCUMENT_KUBE_OBJECT_H

#include <jansson.h>

#include "document/kube.h"

struct mr_kube_refs {
	struct mr_arena *arena;    /* borrowed */
	struct mr_kube_ref *items; /* owned */
	size_t count, cap;
};
/* Add the references that an object has. */
int mr_kube_object(const json_t *object, struct mr_kube_refs *to,
		   struct mreg_error *err);

#endif
