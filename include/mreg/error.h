/*
 * mreg/error.h - what went wrong, in a form that needs no free.
 *
 * A function that can fail returns int: >= 0 is success, < 0 is one enum
 * mreg_code, and then *err is complete.  On success *err is untouched, so one
 * struct serves a chain of calls.
 */
#ifndef MREG_ERROR_H
#define MREG_ERROR_H

#ifdef __cplusplus
extern "C" {
#endif

#define MREG_API __attribute__((visibility("default")))

/* Only ever appended to; the numbers are part of the ABI. */
enum mreg_code {
	MREG_OK = 0,
	MREG_EUSAGE = -1,        /* an argument that can never work */
	MREG_ENOTFOUND = -2,     /* no such repository, tag, blob, file */
	MREG_ECONFLICT = -3,     /* exists, moved, or changed meanwhile */
	MREG_EAUTH = -4,         /* who are you */
	MREG_EDENIED = -5,       /* you may not */
	MREG_EINTEGRITY = -6,    /* bytes or signature do not match */
	MREG_EPOLICY = -7,       /* a rule refused; reasons in cause */
	MREG_ENETWORK = -8,      /* unreachable; worth another try */
	MREG_EREMOTE = -9,       /* answered outside the rules */
	MREG_EUNSUPPORTED = -10, /* this store or registry cannot */
	MREG_EFORMAT = -11,      /* malformed document */
	MREG_ELIMIT = -12,       /* larger than allowed */
	MREG_EIO = -13,          /* local trouble with files */
	MREG_EDB = -14,          /* local trouble with a database */
	MREG_ENOMEM = -15,       /* out of memory */
	MREG_EINTERNAL = -16,    /* a bug in mreg */
	MREG_ECANCELED = -17,    /* interrupted */
};

/* Fixed size and self-contained: lives on the caller's stack, needs no free,
 * and can report running out of memory. */
struct mreg_error {
	enum mreg_code code;
	int sys;         /* errno or HTTP status behind it; 0 if none */
	char msg[256];   /* what failed, with its subject; one line */
	char hint[160];  /* what the user can do; may be empty */
	char cause[512]; /* what lower floors said, outermost first */
};

#define MREG_ERROR_INIT                                                        \
	{                                                                      \
		.code = MREG_OK                                                \
	}

/* "not_found" and the like: the name used in JSON.  Never NULL. */
MREG_API const char *mreg_code_name(enum mreg_code code);

/* The exit status of a command that failed with `code`; 0 for MREG_OK. */
MREG_API int mreg_code_exit(enum mreg_code code);

/* Whether the same call may succeed later with nothing changed here. */
MREG_API int mreg_code_retry(enum mreg_code code);

#ifdef __cplusplus
}
#endif

#endif
