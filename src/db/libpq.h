/*
 * db/libpq.h - libpq, loaded when the first PostgreSQL is named; private to the
 * folder.
 *
 * It brings Kerberos, LDAP and SASL with it, which nobody should load who has
 * a file.
 */
#ifndef MR_DB_LIBPQ_H
#define MR_DB_LIBPQ_H

#include <libpq-fe.h>

#include "mreg/error.h"

/* Its functions by their own names; <libpq-fe.h> gives the types, so calls are
 * checked as ever. */
struct mr_libpq {
	__typeof__(PQconnectdbParams) *PQconnectdbParams;
	__typeof__(PQfinish) *PQfinish;
	__typeof__(PQreset) *PQreset;
	__typeof__(PQstatus) *PQstatus;
	__typeof__(PQtransactionStatus) *PQtransactionStatus;
	__typeof__(PQerrorMessage) *PQerrorMessage;
	__typeof__(PQconnectionNeedsPassword) *PQconnectionNeedsPassword;
	__typeof__(PQserverVersion) *PQserverVersion;
	__typeof__(PQsocket) *PQsocket;
	__typeof__(PQsetNoticeProcessor) *PQsetNoticeProcessor;
	__typeof__(PQconninfoParse) *PQconninfoParse;
	__typeof__(PQconninfoFree) *PQconninfoFree;
	__typeof__(PQfreemem) *PQfreemem;

	__typeof__(PQsendQuery) *PQsendQuery;
	__typeof__(PQsendQueryParams) *PQsendQueryParams;
	__typeof__(PQsendPrepare) *PQsendPrepare;
	__typeof__(PQsendQueryPrepared) *PQsendQueryPrepared;
	__typeof__(PQsetSingleRowMode) *PQsetSingleRowMode;
	__typeof__(PQenterPipelineMode) *PQenterPipelineMode;
	__typeof__(PQexitPipelineMode) *PQexitPipelineMode;
	__typeof__(PQpipelineSync) *PQpipelineSync;
	__typeof__(PQconsumeInput) *PQconsumeInput;
	__typeof__(PQisBusy) *PQisBusy;
	__typeof__(PQflush) *PQflush;
	__typeof__(PQgetResult) *PQgetResult;
	__typeof__(PQgetCancel) *PQgetCancel;
	__typeof__(PQcancel) *PQcancel;
	__typeof__(PQfreeCancel) *PQfreeCancel;

	__typeof__(PQresultStatus) *PQresultStatus;
	__typeof__(PQresultErrorField) *PQresultErrorField;
	__typeof__(PQclear) *PQclear;
	__typeof__(PQcopyResult) *PQcopyResult;
	__typeof__(PQnfields) *PQnfields;
	__typeof__(PQfname) *PQfname;
	__typeof__(PQftype) *PQftype;
	__typeof__(PQgetvalue) *PQgetvalue;
	__typeof__(PQgetlength) *PQgetlength;
	__typeof__(PQgetisnull) *PQgetisnull;
};

/* MREG_EUNSUPPORTED: it is not installed, or older than 14.  It stays loaded.
 */
int mr_libpq_load(struct mr_libpq *out, struct mreg_error *err);

#endif
