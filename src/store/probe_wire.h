/*
 * store/probe_wire.h - what the files of the probes share.  Private to store.
 */
#ifndef MR_STORE_PROBE_WIRE_H
#define MR_STORE_PROBE_WIRE_H

#include "store/remote.h"

/* Fill the answer. */
void mr_probe_say(struct mr_probe *out, enum mr_can can, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* Send; whatever goes wrong becomes the answer and leaves `*resp` NULL, but
 * for what ends the questions (MREG_ECANCELED, MREG_ENOMEM). */
int mr_probe_send(struct mr_net *net, const struct mr_call *c,
		  struct mr_probe *out, struct mr_response **resp,
		  struct mreg_error *err);
/* 0 when `rc` is only an answer, which is then put into `out`. */
int mr_probe_forgive(int rc, const struct mreg_error *why, struct mr_probe *out,
		     struct mreg_error *err);
/* "answers 404", with the registry's own code when it names one. */
void mr_probe_refused(struct mr_response *resp, enum mr_can can,
		      const char *what, struct mr_probe *out);

/* Bytes that nobody has, and their digest. */
#define MR_PROBE_BODY_BYTES 64
int mr_probe_body(struct mr_store *s, char body[MR_PROBE_BODY_BYTES],
		  struct mreg_desc *d, struct mreg_error *err);
/* Note that it was written. */
int mr_probe_keep(struct mr_list *list, const struct mreg_digest *d,
		  struct mreg_error *err);
bool mr_probe_taken(const struct mr_response *resp); /* 2xx */

#endif
