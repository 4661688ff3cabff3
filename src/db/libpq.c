/*
 * libpq.c - find libpq and its functions when they are needed.
 */
#include "db/libpq.h"

#include <dlfcn.h>
#include <stddef.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/text.h"

/* The name that it has had since PostgreSQL 8.2. */
#define LIBPQ_SO "libpq.so.5"

struct symbol {
	const char *name;
	size_t offset; /* in struct mr_libpq */
};

static const struct symbol symbols[] = {
	{ "PQconnectdbParams", offsetof(struct mr_libpq, PQconnectdbParams) },
	{ "PQfinish", offsetof(struct mr_libpq, PQfinish) },
	{ "PQreset", offsetof(struct mr_libpq, PQreset) },
	{ "PQstatus", offsetof(struct mr_libpq, PQstatus) },
	{ "PQtransactionStatus",
	  offsetof(struct mr_libpq, PQtransactionStatus) },
	{ "PQerrorMessage", offsetof(struct mr_libpq, PQerrorMessage) },
	{ "PQconnectionNeedsPassword",
	  offsetof(struct mr_libpq, PQconnectionNeedsPassword) },
	{ "PQserverVersion", offsetof(struct mr_libpq, PQserverVersion) },
	{ "PQsocket", offsetof(struct mr_libpq, PQsocket) },
	{ "PQsetNoticeProcessor",
	  offsetof(struct mr_libpq, PQsetNoticeProcessor) },
	{ "PQconninfoParse", offsetof(struct mr_libpq, PQconninfoParse) },
	{ "PQconninfoFree", offsetof(struct mr_libpq, PQconninfoFree) },
	{ "PQfreemem", offsetof(struct mr_libpq, PQfreemem) },
	{ "PQsendQuery", offsetof(struct mr_libpq, PQsendQuery) },
	{ "PQsendQueryParams", offsetof(struct mr_libpq, PQsendQueryParams) },
	{ "PQsendPrepare", offsetof(struct mr_libpq, PQsendPrepare) },
	{ "PQsendQueryPrepared",
	  offsetof(struct mr_libpq, PQsendQueryPrepared) },
	{ "PQsetSingleRowMode", offsetof(struct mr_libpq, PQsetSingleRowMode) },
	{ "PQenterPipelineMode",
	  offsetof(struct mr_libpq, PQenterPipelineMode) },
	{ "PQexitPipelineMode", offsetof(struct mr_libpq, PQexitPipelineMode) },
	{ "PQpipelineSync", offsetof(struct mr_libpq, PQpipelineSync) },
	{ "PQconsumeInput", offsetof(struct mr_libpq, PQconsumeInput) },
	{ "PQisBusy", offsetof(struct mr_libpq, PQisBusy) },
	{ "PQflush", offsetof(struct mr_libpq, PQflush) },
	{ "PQgetResult", offsetof(struct mr_libpq, PQgetResult) },
	{ "PQgetCancel", offsetof(struct mr_libpq, PQgetCancel) },
	{ "PQcancel", offsetof(struct mr_libpq, PQcancel) },
	{ "PQfreeCancel", offsetof(struct mr_libpq, PQfreeCancel) },
	{ "PQresultStatus", offsetof(struct mr_libpq, PQresultStatus) },
	{ "PQresultErrorField", offsetof(struct mr_libpq, PQresultErrorField) },
	{ "PQclear", offsetof(struct mr_libpq, PQclear) },
	{ "PQcopyResult", offsetof(struct mr_libpq, PQcopyResult) },
	{ "PQnfields", offsetof(struct mr_libpq, PQnfields) },
	{ "PQfname", offsetof(struct mr_libpq, PQfname) },
	{ "PQftype", offsetof(struct mr_libpq, PQftype) },
	{ "PQgetvalue", offsetof(struct mr_libpq, PQgetvalue) },
	{ "PQgetlength", offsetof(struct mr_libpq, PQgetlength) },
	{ "PQgetisnull", offsetof(struct mr_libpq, PQgetisnull) },
};

/* A member without its row would be called as NULL. */
_Static_assert(MR_COUNT(symbols) * sizeof(void (*)(void)) ==
		       sizeof(struct mr_libpq),
	       "one symbol for each member");

int mr_libpq_load(struct mr_libpq *out, struct mreg_error *err)
{
	void *library =
		dlopen(LIBPQ_SO, RTLD_LAZY | RTLD_LOCAL | RTLD_NODELETE);
	const char *said;
	char why[256];
	size_t i;

	for (i = 0; library && i < MR_COUNT(symbols); i++) {
		void *found = dlsym(library, symbols[i].name);

		if (!found)
			library = NULL;
		/* As POSIX has it for functions (dlsym, "Rationale"). */
		memcpy((char *)out + symbols[i].offset, &found, sizeof(found));
	}
	if (library)
		return 0;
	said = dlerror();
	(void)mr_fail(err, MREG_EUNSUPPORTED,
		      "cannot load '" LIBPQ_SO "', which PostgreSQL needs");
	(void)mr_hint(err, "install libpq of PostgreSQL 14 or later (Debian: "
			   "libpq5)");
	return mr_cause(err, "%s",
			said ? mr_text_safe(said, why, sizeof(why))
			     : "no reason was given");
}
