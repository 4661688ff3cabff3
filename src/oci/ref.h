/*
 * oci/ref.h - the parts of references that parsing and completing share.
 * Private to oci.
 */
#ifndef MR_OCI_REF_H
#define MR_OCI_REF_H

#include <stdbool.h>

#include "mreg/types.h"

#define MR_REF_LOCAL "oci:" /* what a local reference begins with */

/* Bytes of outside text shown in a message, with NUL. */
#define MR_REF_SHOWN 96

/* A first part that can only be a host (P-05): dot, colon, or localhost. */
bool mr_ref_is_host(const char *part);

/* Set `r->repository`; MREG_EUSAGE, with the lower-case form as a hint. */
int mr_ref_set_repository(struct mreg_ref *r, const char *repository,
			  struct mreg_error *err);

/*
 * Set `r->dir` so that "//" stands nowhere in it and no slash ends it: else
 * the text of the reference would be split elsewhere.  The root is "/.".
 */
int mr_ref_set_dir(struct mreg_ref *r, const char *dir, struct mreg_error *err);

/* MREG_EUSAGE when a component would collide with what a store keeps in a
 * repository's folder (product.md 2). */
int mr_ref_check_local(const char *repository, struct mreg_error *err);

#endif
