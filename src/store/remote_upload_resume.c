/*
 * remote_upload_resume.c - sessions that broke off, for a later try or run to
 * take up (protocol.md 6.4).
 *
 * One record for each large blob under way, in the state file under the
 * repository: when, by which process, how many bytes were acknowledged, of
 * which digest if that was known, and where the session goes on.  The address
 * is as good as a credential, so it is never logged; the file is 0600.
 *
 * 1. The key is made of size and first bytes, for a stream's digest is known
 *    only at its end.  Two blobs with one key cost each other the record and
 *    nothing else: the registry checks the digest.
 * 2. A session belongs to one process.  Another takes it up only when that one
 *    is gone for certain: same machine, same boot, same process ids.
 * 3. Older than half an hour a session may be gone, and is left alone.
 */
#include "store/remote_upload.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/process.h"
#include "base/text.h"

#define SESSION_MAX_S 1800
/* So that a long body does not look old. */
#define NOTE_EVERY_MS 60000
/* What the state file keeps of one fact. */
#define RECORD_MAX_BYTES 4096
#define OWNER_BYTES 160

/* Of a record. */
struct record {
	uint64_t then_s, offset;
	bool parked;
	char owner[OWNER_BYTES]; /* "BOOT/PIDS/PID" */
	char digest[MREG_DIGEST_TEXT];
	const char *url; /* in the text it was read from */
};

/* This process's kin: no space in it, "" when that cannot be told. */
static void kin(char out[OWNER_BYTES])
{
	MR_AUTO(mr_buf_release) struct mr_buf boot = MR_BUF_INIT(128);
	struct mreg_error ignored = MREG_ERROR_INIT;
	char pids[64];
	ssize_t n = readlink("/proc/self/ns/pid", pids, sizeof(pids) - 1);

	out[0] = '\0';
	if (n <= 0 || mr_file_load(AT_FDCWD, "/proc/sys/kernel/random/boot_id",
				   &boot, &ignored) < 0)
		return;
	pids[n] = '\0';
	(void)snprintf(out, OWNER_BYTES, "%.*s/%s/",
		       (int)strcspn(mr_buf_text(&boot), " \n"),
		       mr_buf_text(&boot), pids);
}

/* Whether nobody works on the session. */
static bool is_free(const struct record *rec)
{
	char ours[OWNER_BYTES];
	uint64_t pid;
	size_t n;

	kin(ours);
	n = strlen(ours);
	if (!n || strncmp(rec->owner, ours, n) != 0 ||
	    mr_text_u64(rec->owner + n, INT32_MAX, &pid) < 0 || pid == 0)
		return false;
	if ((pid_t)pid == getpid())
		return rec->parked;
	return rec->parked || mr_process_is_gone((pid_t)pid);
}

static bool scope_of(struct mr_upload *u, struct mr_buf *out)
{
	struct mreg_error ignored = MREG_ERROR_INIT;
	struct mr_remote *r = u->r;
	char origin[512];

	if (!u->key[0] || !mr_net_state(r->net) ||
	    mr_net_origin(r->net, r->host, origin, sizeof(origin), &ignored) <
		    0)
		return false;
	mr_buf_printf(out, "upload %s/%s", origin, r->repository);
	return mr_buf_check(out, "a scope", &ignored) >= 0;
}

void mr_upload_key(struct mr_upload *u, const void *head, size_t n)
{
	struct mreg_error ignored = MREG_ERROR_INIT;
	struct mreg_digest d;
	char hex[129];

	u->key[0] = '\0';
	if (u->size < u->r->resume_min || !u->r->profile.status ||
	    mr_digest_of(head, n, &d, &ignored) < 0)
		return;
	(void)snprintf(u->key, sizeof(u->key), "%" PRIu64 "-%.32s", u->size,
		       mr_digest_hex(&d, hex));
}

/* -- records ----------------------------------------------------------------
 */

/* Of the upload as it is; false: none can be made.  A longer address is not
 * kept; the blob is sent from its start then. */
static bool make_record(struct mr_upload *u, bool parked, struct mr_buf *out)
{
	struct mr_env *env = u->r->base.env;
	char owner[OWNER_BYTES];
	char text[MREG_DIGEST_TEXT] = "-";

	kin(owner);
	if (!u->url || !owner[0])
		return false;
	if (mr_digest_known(&u->digest))
		(void)mreg_digest_text(&u->digest, text);
	mr_buf_printf(out, "%" PRId64 " %s %s%ld %" PRIu64 " %s %s",
		      mr_now_s(env), parked ? "parked" : "busy", owner,
		      (long)getpid(), u->offset, text, u->url);
	return out->failed == MREG_OK;
}

static void write_record(struct mr_upload *u, bool parked)
{
	MR_AUTO(mr_buf_release) struct mr_buf scope = MR_BUF_INIT(1024);
	MR_AUTO(mr_buf_release) struct mr_buf b = MR_BUF_INIT(RECORD_MAX_BYTES);

	if (!u->url || !scope_of(u, &scope))
		return;
	u->noted_ms = mr_mono_ms(u->r->base.env);
	if (make_record(u, parked, &b))
		mr_state_fact_put(mr_net_state(u->r->net), mr_buf_text(&scope),
				  u->key, mr_buf_text(&b));
}

void mr_upload_note(struct mr_upload *u)
{
	write_record(u, false);
}

void mr_upload_park(struct mr_upload *u)
{
	struct mr_remote *r = u->r;
	struct mr_parked *p;

	write_record(u, true);
	(void)pthread_mutex_lock(&r->lock);
	p = &r->seen.parked[r->seen.parked_count++ % MR_PARKED_MAX];
	memcpy(p->key, u->key, sizeof(p->key));
	p->passed = u->passed;
	(void)pthread_mutex_unlock(&r->lock);
}

/* How many bytes of what is taken up were not sent by this store. */
static uint64_t passed(struct mr_upload *u)
{
	struct mr_remote *r = u->r;
	uint64_t n = u->offset;
	size_t i;

	(void)pthread_mutex_lock(&r->lock);
	for (i = 0; i < MR_PARKED_MAX && i < r->seen.parked_count; i++) {
		/* The newest first. */
		const struct mr_parked *p =
			&r->seen.parked[(r->seen.parked_count - 1 - i) %
					MR_PARKED_MAX];

		if (strcmp(p->key, u->key) != 0)
			continue;
		n = p->passed;
		break;
	}
	(void)pthread_mutex_unlock(&r->lock);
	return n;
}

void mr_upload_keep(struct mr_upload *u)
{
	if (u->key[0] &&
	    mr_mono_ms(u->r->base.env) - u->noted_ms >= NOTE_EVERY_MS)
		write_record(u, false);
}

void mr_upload_forget(struct mr_upload *u)
{
	MR_AUTO(mr_buf_release) struct mr_buf scope = MR_BUF_INIT(1024);

	if (scope_of(u, &scope))
		mr_state_fact_put(mr_net_state(u->r->net), mr_buf_text(&scope),
				  u->key, NULL);
}

/* Cut the next word off `*p`. */
static char *word(char **p)
{
	char *from = *p;
	char *space = from ? strchr(from, ' ') : NULL;

	if (!space)
		return NULL;
	*space = '\0';
	*p = space + 1;
	return from;
}

static bool parse(char *text, struct record *rec)
{
	const char *then = word(&text);
	const char *how = word(&text);
	const char *owner = word(&text);
	const char *offset = word(&text);
	const char *digest = word(&text);

	if (!digest || !text[0] || strlen(owner) >= sizeof(rec->owner) ||
	    strlen(digest) >= sizeof(rec->digest))
		return false;
	rec->parked = strcmp(how, "parked") == 0;
	memcpy(rec->owner, owner, strlen(owner) + 1);
	memcpy(rec->digest, digest, strlen(digest) + 1);
	rec->url = text;
	return mr_text_u64(then, INT64_MAX, &rec->then_s) == 0 &&
	       mr_text_u64(offset, INT64_MAX, &rec->offset) == 0;
}

/* Of this blob, as far as both know which it is. */
static bool same_blob(const struct mr_upload *u, const struct record *rec)
{
	char text[MREG_DIGEST_TEXT];

	return strcmp(rec->digest, "-") == 0 || !mr_digest_known(&u->digest) ||
	       strcmp(rec->digest, mreg_digest_text(&u->digest, text)) == 0;
}

/*
 * Take what `was` records, if it still does: of several that look at once one
 * has it.  Without an answer it is given back as it was, for whoever comes
 * when the registry answers again.
 */
static bool take(struct mr_upload *u, const char *scope, const char *was)
{
	MR_AUTO(mr_buf_release) struct mr_buf b = MR_BUF_INIT(RECORD_MAX_BYTES);
	struct mr_state *s = mr_net_state(u->r->net);

	if (!make_record(u, false, &b) ||
	    !mr_state_fact_replace(s, scope, u->key, was, mr_buf_text(&b)))
		return false;
	if (mr_upload_ask(u, false)) {
		mr_upload_note(u);
		return true;
	}
	if (u->unsure)
		(void)mr_state_fact_replace(s, scope, u->key, mr_buf_text(&b),
					    was);
	else
		mr_upload_forget(u);
	return false;
}

/* A stream's record has a digest once it is being closed: the session may be
 * gone because that went well. */
static void find_closed(struct mr_upload *u, const struct record *rec)
{
	struct mreg_error ignored = MREG_ERROR_INIT;
	const struct mreg_digest none = { .algorithm = MREG_DIGEST_NONE };

	if (u->unsure || mr_digest_known(&u->digest) ||
	    mreg_digest_parse(rec->digest, &u->digest, &ignored) < 0)
		return;
	if (!mr_upload_is_there(u))
		u->digest = none;
}

bool mr_upload_recall(struct mr_upload *u)
{
	MR_AUTO(mr_buf_release) struct mr_buf scope = MR_BUF_INIT(1024);
	char text[RECORD_MAX_BYTES + 1];
	char was[RECORD_MAX_BYTES + 1];
	uint64_t now = (uint64_t)mr_now_s(u->r->base.env);
	struct record rec;

	if (!scope_of(u, &scope) ||
	    !mr_state_fact_get(mr_net_state(u->r->net), mr_buf_text(&scope),
			       u->key, text, sizeof(text)))
		return false;
	memcpy(was, text, strlen(text) + 1);
	if (!parse(text, &rec))
		return false;
	if (rec.then_s > now || now - rec.then_s >= SESSION_MAX_S ||
	    rec.offset > u->size || !same_blob(u, &rec) || !is_free(&rec))
		return false;
	mr_upload_drop(u);
	u->url = mr_strdup(rec.url);
	u->offset = rec.offset;
	if (take(u, mr_buf_text(&scope), was)) {
		u->passed = passed(u);
		return true;
	}
	mr_upload_drop(u);
	find_closed(u, &rec);
	return false;
}
