/*
 * net/answer.h - the inside of a struct mr_response, shared by those who
 * bring it (transfer.c) and those who read it (body.c, response.c).
 */
#ifndef MR_NET_ANSWER_H
#define MR_NET_ANSWER_H

#include "net/wire.h"

/* What curl receives at once, for each connection.  Eight of these with as much
 * to spill into are 2 MiB of the 32 that a transfer may have; larger ones cost
 * as much CPU and time (8 x 256 MiB, 64 KiB to 512 KiB). */
#define MR_RECEIVE_BYTES (128u << 10)
/* The same, of manifests and listings. */
#define MR_DOCUMENT_BYTES (16u << 10)
/* What curl may deliver beyond what the reader asked for: one receive buffer,
 * so that curl seldom has to keep (and copy) a rest. */
#define MR_SPILL_BYTES MR_RECEIVE_BYTES

struct mr_answer {
	struct mr_response pub;
	struct mr_stream body; /* pub.body is this */
	struct mr_net *net;
	struct mr_handle *handle; /* owned; NULL once given back */
	struct curl_slist *sent_headers;
	char *url;  /* owned; pub.url */
	char *home; /* owned; the origin it was asked for */
	char user[128];
	char said[CURL_ERROR_SIZE];
	bool done; /* curl is finished; `result` counts */
	CURLcode result;
	int failed; /* 0, or what every further read says again */
	struct mreg_error error;
	struct mr_outcome *oc; /* borrowed; only until the headers are there */
	struct mr_slot slot;   /* held until the body is done with */
	struct mr_lane *lane;  /* of it, also before it is ours; NULL: none */
	int64_t free_ms;       /* nothing more moves before (rate.c) */
	size_t piece;          /* bytes received since that was waited for */
	bool slowed;           /* curl holds what comes until then */

	/* the answer's headers: "Name: value" lines, each NUL-terminated */
	struct mr_buf headers;
	size_t header_bytes; /* of interim answers too */
	bool headers_done;
	bool flooded;

	/* our body; borrowed only until the headers are there */
	struct mr_stream *src;
	const char *memory;
	uint64_t src_left;
	uint64_t upload_size; /* of either kind of body */
	bool answer_may_take_long;
	bool src_failed;
	bool expect;

	/* their body */
	char *dst; /* borrowed; the reader's, while it reads */
	size_t dst_cap, dst_len;
	size_t spill_at, spill_len; /* of the handle's spill */
	bool paused;
	bool discard;
	uint64_t received;

	/* A window of time in which enough bytes have to move. */
	int64_t window_ms;     /* when it began, less the time we were away */
	uint64_t window_moved; /* bytes moved until then */
	int64_t left_ms;
};

extern const struct mr_stream_ops mr_answer_body_ops;

/* Let curl work; wait a moment when there was nothing to do. */
int mr_answer_step(struct mr_answer *a, struct mreg_error *err);
/* Time between leave and enter is ours, not the network's. */
void mr_answer_enter(struct mr_answer *a);
void mr_answer_leave(struct mr_answer *a);
void mr_answer_host(const struct mr_answer *a, char out[300]);

#endif
