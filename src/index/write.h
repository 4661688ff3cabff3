/*
 * index/write.h - opening an index and writing into it; a part of the door
 * index/index.h, which includes it.
 */
#ifndef MR_INDEX_WRITE_H
#define MR_INDEX_WRITE_H

#include <stddef.h>
#include <stdint.h>

#include "base/env.h"
#include "db/db.h"
#include "index/record.h"
#include "ledger/ledger.h"

struct mr_index;

/* As mr_db_open; brings the schema up to date unless it only reads. */
int mr_index_open(struct mr_env *env, const char *where, enum mr_db_mode mode,
		  struct mr_index **out, struct mreg_error *err);
void mr_index_close(struct mr_index *ix);
void mr_index_closep(struct mr_index **ix); /* for MR_AUTO */
/* Borrowed, for the folders that read with SQL of their own: none but index. */
struct mr_db *mr_index_db(struct mr_index *ix);
/* How many steps of src/index/schema the database has. */
uint64_t mr_index_schema(const struct mr_index *ix);

/* -- writing --------------------------------------------------------------- */

/*
 * One model, in one transaction.  begin locks the index until commit or abort,
 * which have to come from the same thread, with no other call on the index in
 * between; nothing that was written is seen by others before.  Errors of the
 * calls in between end in abort; a commit that fails has done so.
 *
 * What is not written again stays: put_* replaces what has the same key, the
 * `replace_*` calls the whole list.
 */
struct mr_index_writer;
int mr_index_begin(struct mr_index *ix, const struct mr_ix_model *model,
		   struct mr_index_writer **out, struct mreg_error *err);
/* A version's manifest: metadata, edges, blobs, card; replaces all that was
 * known of that number, what the log said too: put its life behind it. */
int mr_index_put_version(struct mr_index_writer *w,
			 const struct mr_ix_version *v, struct mreg_error *err);
/* Remove the versions whose numbers are not among the sorted `numbers`. */
int mr_index_keep_versions(struct mr_index_writer *w, const uint64_t *numbers,
			   size_t n, struct mreg_error *err);
/* Of a version that was put, now or before; owner, description and tags are all
 * there are, the manifest's too.  MREG_ENOTFOUND: there is no such number. */
int mr_index_put_life(struct mr_index_writer *w, const struct mr_ix_life *l,
		      struct mreg_error *err);
int mr_index_replace_names(struct mr_index_writer *w,
			   const struct mr_ix_name *items, size_t n,
			   struct mreg_error *err);
/* All events of the log, in fold order; those that are there already cost
 * little. */
int mr_index_replace_events(struct mr_index_writer *w, struct mr_ledger *l,
			    struct mreg_error *err);
/* Documents of one subject. */
int mr_index_replace_documents(struct mr_index_writer *w,
			       const struct mreg_digest *subject,
			       const struct mr_ix_document *items, size_t n,
			       struct mreg_error *err);
int mr_index_replace_deployments(struct mr_index_writer *w,
				 const struct mr_ix_deployment *items, size_t n,
				 struct mreg_error *err);
int mr_index_replace_approvals(struct mr_index_writer *w,
			       const struct mr_ix_approval *items, size_t n,
			       struct mreg_error *err);
int mr_index_replace_incidents(struct mr_index_writer *w,
			       const struct mr_ix_incident *items, size_t n,
			       struct mreg_error *err);
/*
 * What could not be indexed as it is: `subject` "v3", "v3 card", "log"; one
 * note each (the last).  Apart from these the calls above make notes of their
 * own, of what they cut or left out, and forget them where they write it again.
 */
int mr_index_note(struct mr_index_writer *w, const char *subject,
		  const char *note, struct mreg_error *err);
/* Forget notes that mr_index_note made about `subject`, and those of which it
 * is the first words; NULL: all that it made. */
int mr_index_forget_notes(struct mr_index_writer *w, const char *subject,
			  struct mreg_error *err);
int mr_index_commit(struct mr_index_writer *w, struct mreg_error *err);
void mr_index_abort(struct mr_index_writer *w); /* NULL does nothing */

/* A model that is not there any more; not being indexed is no error. */
int mr_index_remove_model(struct mr_index *ix, const char *name,
			  struct mreg_error *err);

/* After syncs: statistics, and the lineage graph's file (index/graph.h). */
int mr_index_settle(struct mr_index *ix, struct mreg_error *err);

#endif
