/*
 * base/limits.h - every number that several places need, once, with its
 * reason.
 */
#ifndef MR_BASE_LIMITS_H
#define MR_BASE_LIMITS_H

/* Registries refuse manifests above 4 MiB (protocol.md P-64), so no document
 * of ours or theirs may be larger. */
#define MR_MANIFEST_MAX_BYTES (4u << 20)
/* A shard index of a model with a hundred thousand tensors. */
#define MR_SHARD_INDEX_MAX_BYTES (16u << 20)
/* The header of a safetensors file: some 100 bytes a tensor, and ten times as
 * much memory while it is parsed. */
#define MR_FORMAT_HEADER_MAX_BYTES (4u << 20)
/* The other files that are parsed whole (product.md 3.1). */
#define MR_PARSED_FILE_MAX_BYTES (1u << 20)
/* A text that a file says of itself; a longer one is for nobody to read. */
#define MR_FACT_TEXT_MAX_BYTES 4096
/* Deeper documents have no honest use and cost stack. */
#define MR_JSON_DEPTH_MAX 64
/* 4 MiB of manifest hold about 7,000 layers; this bounds what we read. */
#define MR_LAYERS_MAX 10000
#define MR_REFERRERS_MAX 10000
/* An event is one annotation (product.md 3.3). */
#define MR_EVENT_MAX_BYTES (64u << 10)
/* Events of one log; a log of 1 << 20 events is 128 years at one an hour. */
#define MR_EVENTS_MAX (1u << 20)

/* Paths inside a model (security.md 5.3, H10). */
#define MR_PATH_MAX_BYTES 1024
#define MR_PATH_COMPONENT_MAX_BYTES 255
#define MR_PATH_DEPTH_MAX 64

/* net */
#define MR_REDIRECT_MAX 5
#define MR_RETRY_MAX 6
#define MR_RETRY_AFTER_MAX_S 300
#define MR_HEADER_MAX_BYTES (64u << 10)
#define MR_TOKEN_MAX_BYTES (1u << 20)
/* How much of a server's error body is kept (house.md 3). */
#define MR_ERROR_BODY_MAX_BYTES (8u << 10)
#define MR_CONNECT_TIMEOUT_MS 30000
/* Stalled: fewer than 1 KiB/s for a minute (protocol.md D-03). */
#define MR_STALL_BYTES_S 1024
#define MR_STALL_S 60
#define MR_HELPER_TIMEOUT_MS 30000
#define MR_PAGES_MAX 10000 /* pages of a listing */

/* transfer */
#define MR_JOBS_DEFAULT 4
#define MR_JOBS_MAX 64
/* Up to here a blob costs its requests more than its bytes: it is hashed and
 * sent from memory. */
#define MR_SMALL_BLOB_BYTES (1u << 20)
#define MR_REPAIRS_MAX 3 /* of a manifest's missing blobs */
/* The unit bytes are read, hashed and written in: larger ones pull cold
 * memory (performance.md 1). */
#define MR_CHUNK_BYTES (1u << 20)

/* claims: product.md 3.2 always ends, but a broken registry may not */
#define MR_CLAIM_ROUNDS_MAX 64

/* 2^63 as a double, the first whole number that int64_t lacks. */
#define MR_INT64_END 9223372036854775808.0

#define MR_CONFIG_MAX_BYTES (1u << 20)

#endif
