/*
 * ops/doctor.h - findings being collected, shared by its files.
 */
#ifndef MR_OPS_DOCTOR_H
#define MR_OPS_DOCTOR_H

#include "mreg/doctor.h"
#include "repo/repo.h"

struct doctor {
	struct mreg *m;
	struct mreg_doctor_result *out; /* its arena has the texts */
};

/* Add a finding; strings are copied.  `means` may be "". */
int mr_doctor_add(struct doctor *d, const char *topic,
		  enum mreg_verdict verdict, const char *found,
		  const char *means, struct mreg_error *err);
/* What was asked of a registry, with what it means by verdict; NULL: "". */
int mr_doctor_probe(struct doctor *d, const char *topic,
		    const struct mr_probe *p, const char *yes, const char *no,
		    struct mreg_error *err);

/* doctor_remote.c */
int mr_doctor_remote(struct doctor *d, const char *host, const char *repository,
		     struct mreg_error *err);
/* doctor_local.c: the store at `dir`, and one model in it unless "". */
int mr_doctor_local(struct doctor *d, const char *dir, const char *repository,
		    struct mreg_error *err);

#endif
