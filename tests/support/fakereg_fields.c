/*
 * tests/support/fakereg_fields.c - the fake registry's options and faults by
 * the names of their fields, from text and from JSON.
 */
#include "tests/support/fakereg_inside.h"

#include <stdlib.h>
#include <string.h>

struct field {
	const char *name;
	size_t offset;
	enum {
		TEXT,
		YES,
		NUMBER, /* int or unsigned int */
		SIZE,   /* of 64 bits, with a sign or without */
	} kind;
};

_Static_assert(sizeof(size_t) == sizeof(uint64_t), "SIZE is one kind");

static const struct field opts[] = {
	{ "port", offsetof(struct fakereg_opts, port), NUMBER },
	{ "username", offsetof(struct fakereg_opts, username), TEXT },
	{ "password", offsetof(struct fakereg_opts, password), TEXT },
	{ "identity", offsetof(struct fakereg_opts, identity), TEXT },
	{ "bearer", offsetof(struct fakereg_opts, bearer), YES },
	{ "basic_too", offsetof(struct fakereg_opts, basic_too), NUMBER },
	{ "basic_catalog", offsetof(struct fakereg_opts, basic_catalog), YES },
	{ "anonymous_pull", offsetof(struct fakereg_opts, anonymous_pull),
	  YES },
	{ "read_only", offsetof(struct fakereg_opts, read_only), YES },
	{ "no_delete_scope", offsetof(struct fakereg_opts, no_delete_scope),
	  YES },
	{ "token_uses", offsetof(struct fakereg_opts, token_uses), NUMBER },
	{ "token_life_s", offsetof(struct fakereg_opts, token_life_s), NUMBER },
	{ "bare_token", offsetof(struct fakereg_opts, bare_token), YES },
	{ "post_token", offsetof(struct fakereg_opts, post_token), NUMBER },
	{ "realm", offsetof(struct fakereg_opts, realm), TEXT },
	{ "redirect_blobs", offsetof(struct fakereg_opts, redirect_blobs),
	  YES },
	{ "redirect_unranged", offsetof(struct fakereg_opts, redirect_unranged),
	  YES },
	{ "redirect_status", offsetof(struct fakereg_opts, redirect_status),
	  NUMBER },
	{ "redirect_hops", offsetof(struct fakereg_opts, redirect_hops),
	  NUMBER },
	{ "sign_uses", offsetof(struct fakereg_opts, sign_uses), NUMBER },
	{ "sign_ms", offsetof(struct fakereg_opts, sign_ms), NUMBER },
	{ "no_range", offsetof(struct fakereg_opts, no_range), YES },
	{ "no_digest_header", offsetof(struct fakereg_opts, no_digest_header),
	  YES },
	{ "mounts", offsetof(struct fakereg_opts, mounts), YES },
	{ "single_post", offsetof(struct fakereg_opts, single_post), YES },
	{ "upload_elsewhere", offsetof(struct fakereg_opts, upload_elsewhere),
	  YES },
	{ "location", offsetof(struct fakereg_opts, location), TEXT },
	{ "strict_state", offsetof(struct fakereg_opts, strict_state), YES },
	{ "stale_cancels", offsetof(struct fakereg_opts, stale_cancels), YES },
	{ "keeps_partial", offsetof(struct fakereg_opts, keeps_partial), YES },
	{ "no_status", offsetof(struct fakereg_opts, no_status), YES },
	{ "patch_status", offsetof(struct fakereg_opts, patch_status), NUMBER },
	{ "stale_range", offsetof(struct fakereg_opts, stale_range), YES },
	{ "no_empty_put", offsetof(struct fakereg_opts, no_empty_put), YES },
	{ "no_chunks", offsetof(struct fakereg_opts, no_chunks), YES },
	{ "chunk_max", offsetof(struct fakereg_opts, chunk_max), SIZE },
	{ "chunk_min", offsetof(struct fakereg_opts, chunk_min), SIZE },
	{ "plain_chunks", offsetof(struct fakereg_opts, plain_chunks), YES },
	{ "one_patch", offsetof(struct fakereg_opts, one_patch), YES },
	{ "quay_ranges", offsetof(struct fakereg_opts, quay_ranges), YES },
	{ "request_max", offsetof(struct fakereg_opts, request_max), SIZE },
	{ "commit_ms", offsetof(struct fakereg_opts, commit_ms), NUMBER },
	{ "manifest_max", offsetof(struct fakereg_opts, manifest_max), SIZE },
	{ "no_manifest_location",
	  offsetof(struct fakereg_opts, no_manifest_location), YES },
	{ "late_blobs", offsetof(struct fakereg_opts, late_blobs), YES },
	{ "untagged_uses", offsetof(struct fakereg_opts, untagged_uses),
	  NUMBER },
	{ "missing_head", offsetof(struct fakereg_opts, missing_head), NUMBER },
	{ "busy_every", offsetof(struct fakereg_opts, busy_every), NUMBER },
	{ "etags", offsetof(struct fakereg_opts, etags), YES },
	{ "tag_delete", offsetof(struct fakereg_opts, tag_delete), YES },
	{ "delete_status", offsetof(struct fakereg_opts, delete_status),
	  NUMBER },
	{ "immutable_tags", offsetof(struct fakereg_opts, immutable_tags),
	  YES },
	{ "immutable", offsetof(struct fakereg_opts, immutable), TEXT },
	{ "immutable_status", offsetof(struct fakereg_opts, immutable_status),
	  NUMBER },
	{ "page", offsetof(struct fakereg_opts, page), NUMBER },
	{ "page_max", offsetof(struct fakereg_opts, page_max), SIZE },
	{ "no_pages", offsetof(struct fakereg_opts, no_pages), YES },
	{ "null_tags", offsetof(struct fakereg_opts, null_tags), YES },
	{ "drop_tags", offsetof(struct fakereg_opts, drop_tags), YES },
	{ "no_catalog", offsetof(struct fakereg_opts, no_catalog), YES },
	{ "referrers", offsetof(struct fakereg_opts, referrers), YES },
	{ "no_subject_header", offsetof(struct fakereg_opts, no_subject_header),
	  YES },
	{ "no_filters", offsetof(struct fakereg_opts, no_filters), YES },
	{ "absent_404", offsetof(struct fakereg_opts, absent_404), YES },
	{ "absent_code", offsetof(struct fakereg_opts, absent_code), TEXT },
};

static const struct field faults[] = {
	{ "method", offsetof(struct fakereg_fault, method), TEXT },
	{ "path", offsetof(struct fakereg_fault, path), TEXT },
	{ "where", offsetof(struct fakereg_fault, where), TEXT },
	{ "skip", offsetof(struct fakereg_fault, skip), NUMBER },
	{ "times", offsetof(struct fakereg_fault, times), NUMBER },
	{ "status", offsetof(struct fakereg_fault, status), NUMBER },
	{ "late", offsetof(struct fakereg_fault, late), YES },
	{ "code", offsetof(struct fakereg_fault, code), TEXT },
	{ "message", offsetof(struct fakereg_fault, message), TEXT },
	{ "detail", offsetof(struct fakereg_fault, detail), TEXT },
	{ "type", offsetof(struct fakereg_fault, type), TEXT },
	{ "body", offsetof(struct fakereg_fault, body), TEXT },
	{ "set", offsetof(struct fakereg_fault, set), TEXT },
	{ "value", offsetof(struct fakereg_fault, value), TEXT },
	{ "headers", offsetof(struct fakereg_fault, headers), TEXT },
	{ "drop", offsetof(struct fakereg_fault, drop), YES },
	{ "cut", offsetof(struct fakereg_fault, cut), YES },
	{ "cut_at", offsetof(struct fakereg_fault, cut_at), SIZE },
	{ "cut_request", offsetof(struct fakereg_fault, cut_request), YES },
	{ "cut_request_at", offsetof(struct fakereg_fault, cut_request_at),
	  SIZE },
	{ "stall", offsetof(struct fakereg_fault, stall), YES },
	{ "stall_at", offsetof(struct fakereg_fault, stall_at), SIZE },
	{ "stall_request", offsetof(struct fakereg_fault, stall_request), YES },
	{ "stall_request_at", offsetof(struct fakereg_fault, stall_request_at),
	  SIZE },
	{ "stall_ms", offsetof(struct fakereg_fault, stall_ms), NUMBER },
	{ "lengthen", offsetof(struct fakereg_fault, lengthen), SIZE },
	{ "chunked", offsetof(struct fakereg_fault, chunked), YES },
	{ "gzip", offsetof(struct fakereg_fault, gzip), YES },
	{ "flip", offsetof(struct fakereg_fault, flip), YES },
	{ "ignore_range", offsetof(struct fakereg_fault, ignore_range), YES },
	{ "delay_ms", offsetof(struct fakereg_fault, delay_ms), NUMBER },
	{ "hide", offsetof(struct fakereg_fault, hide), YES },
	{ "forget", offsetof(struct fakereg_fault, forget), YES },
	{ "rival", offsetof(struct fakereg_fault, rival), TEXT },
	{ "rival_type", offsetof(struct fakereg_fault, rival_type), TEXT },

};

static const struct field *find(const struct field *list, size_t n,
				const char *name)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (strcmp(list[i].name, name) == 0)
			return &list[i];
	return NULL;
}

static void set_number(const struct field *f, void *base, int64_t n)
{
	char *at = (char *)base + f->offset;
	int narrow = (int)n;

	if (f->kind == SIZE)
		memcpy(at, &n, sizeof(n));
	else
		memcpy(at, &narrow, sizeof(narrow));
}

bool fakereg_opt(struct fakereg_opts *o, const char *name, const char *value)
{
	const struct field *f =
		find(opts, sizeof(opts) / sizeof(opts[0]), name);
	char *end = NULL;
	long long n;

	if (!f)
		return false;
	switch (f->kind) {
	case TEXT:
		memcpy((char *)o + f->offset, &value, sizeof(value));
		return true;
	case YES:
		*(bool *)((char *)o + f->offset) = strcmp(value, "0") != 0;
		return true;
	case NUMBER:
	case SIZE:
		n = strtoll(value, &end, 10);
		set_number(f, o, n);
		return *value && !*end;
	}
	return false;
}

bool fake_fault_field(struct fakereg_fault *x, const char *name, json_t *value)
{
	const struct field *f =
		find(faults, sizeof(faults) / sizeof(faults[0]), name);
	const char *text = json_string_value(value);

	if (!f)
		return false;
	switch (f->kind) {
	case TEXT:
		memcpy((char *)x + f->offset, &text, sizeof(text));
		return text || json_is_null(value);
	case YES:
		*(bool *)((char *)x + f->offset) = json_is_true(value);
		return json_is_boolean(value);
	case NUMBER:
	case SIZE:
		set_number(f, x, json_integer_value(value));
		return json_is_integer(value);
	}
	return false;
}
