/*
 * report/page.h - what the pages of reports share; private to this folder.
 */
#ifndef MR_REPORT_PAGE_H
#define MR_REPORT_PAGE_H

#include "draw/draw.h"
#include "report/report.h"

/* A page while it is written. */
struct mr_sheet {
	struct mr_page page;
	struct mreg *m;
	int64_t now_s; /* of the report */
	bool indexed;  /* the registry was away */
	int failed;    /* what a picture failed with; 0 */
	struct mreg_error err;
};

void mr_sheet_begin(struct mr_sheet *s, struct mreg *m,
		    enum mreg_report_form form, int64_t now_s,
		    struct mr_buf *b);
/* The document; MREG_ENOMEM, MREG_ELIMIT. */
int mr_sheet_end(struct mr_sheet *s, char **out, struct mreg_error *err);

/* Cells. */
void mr_tell_time(struct mr_sheet *s, int64_t time_s); /* 0: empty */
void mr_tell_digest(struct mr_sheet *s, const struct mreg_digest *d);
void mr_tell_version(struct mr_sheet *s, uint64_t number);
void mr_tell_number(struct mr_sheet *s, uint64_t n);
void mr_tell_span(struct mr_sheet *s, int64_t span_s); /* below 0: empty */
void mr_tell_flag(struct mr_sheet *s, bool flag, const char *yes,
		  const char *no);
void mr_tell_printf(struct mr_sheet *s, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* "a, b, c". */
void mr_tell_texts(struct mr_sheet *s, const char *const *items, size_t n);
void mr_tell_pairs(struct mr_sheet *s, const struct mreg_pair *items, size_t n);
/* Lines. */
void mr_fact_printf(struct mr_sheet *s, const char *words, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* The same of numbers and words of ours. */
void mr_fact_own(struct mr_sheet *s, const char *words, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void mr_fact_time(struct mr_sheet *s, const char *words, int64_t time_s);

/* What a result could not read, as a section. */
void mr_sheet_unread(struct mr_sheet *s, const struct mreg_pair *items,
		     size_t n);

/* page_version.c: a version in full. */
void mr_sheet_version(struct mr_sheet *s, const struct mreg_report_version *v);
/* page_lineage.c: its lineage, as a table and a picture. */
void mr_sheet_lineage(struct mr_sheet *s, const struct mreg_lineage_result *l);
/* page_log.c: what happened. */
void mr_sheet_history(struct mr_sheet *s, const struct mreg_report_result *r);

#endif
