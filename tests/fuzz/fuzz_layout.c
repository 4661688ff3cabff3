/*
 * fuzz_layout.c - index.json of a layout from arbitrary bytes: what others
 * may have written is read or refused with a reason, survives a change, and
 * the change is what is read afterwards.
 */
#include <assert.h>
#include <fcntl.h>
#include <limits.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "oci/oci.h"
#include "store/store.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char root[64];

static void remove_root(void)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf '%s'", root);
	if (system(command) != 0)
		perror(root);
}

/* In memory where there is such a place: each input is written and synced
 * several times. */
static void make_root(void)
{
	snprintf(root, sizeof(root), "%s/mreg-fuzz-XXXXXX",
		 access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	if (!mkdtemp(root))
		abort();
	(void)atexit(remove_root);
}

static json_t *load(const char *path)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_buf bytes = MR_BUF_INIT(8 << 20);
	json_t *j = NULL;

	if (mr_file_load(AT_FDCWD, path, &bytes, &err) < 0 ||
	    mr_json_parse(bytes.data, bytes.len, 8 << 20, "it", &j, &err) < 0)
		abort();
	mr_buf_release(&bytes);
	return j;
}

/* Every entry but those of the tag is there as it was, in the same order. */
static void check_kept(const json_t *before, const json_t *after,
		       const char *tag)
{
	size_t i, k = 0;
	json_t *entry;

	json_array_foreach(json_object_get(before, "manifests"), i, entry)
	{
		const json_t *name =
			json_object_get(json_object_get(entry, "annotations"),
					"org.opencontainers.image.ref.name");

		if (name && json_is_string(name) &&
		    strcmp(json_string_value(name), tag) == 0)
			continue;
		while (!json_equal(
			entry,
			json_array_get(json_object_get(after, "manifests"),
				       k))) {
			k++;
			assert(k < json_array_size(json_object_get(
					   after, "manifests")));
		}
		k++;
	}
}

static void change(struct mr_store *s, const char *path, const char *tag)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mreg_desc d, got;
	bool found = false;
	const char *bytes;
	json_t *before, *after;
	size_t n;

	bytes = mr_tombstone(&d, &n);
	before = load(path);
	if (mr_store_set(s, tag, &d, bytes, NULL, &err) < 0) {
		fprintf(stderr, "%s\n", err.msg);
		abort(); /* what could be read can be changed */
	}
	after = load(path);
	check_kept(before, after, tag);
	json_decref(before);
	json_decref(after);
	if (mr_store_resolve(s, tag, &got, &found, &err) < 0)
		abort();
	assert(found && mreg_digest_equal(&got.digest, &d.digest));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_list tags = { .items = NULL };
	struct mr_doc doc = MR_DOC_INIT;
	struct mr_store *s = NULL;
	struct mr_env env;
	char path[128];
	bool found = false;
	size_t i;

	if (!root[0])
		make_root();
	mr_env_init(&env);
	snprintf(path, sizeof(path), "%s/model", root);
	if (mr_layout_open(&env, root, "model", &s, &err) < 0 ||
	    mr_dir_make(path, &err) < 0)
		abort();
	snprintf(path, sizeof(path), "%s/model/index.json", root);
	if (mr_store_put_bytes(s, &mr_empty_desc, "{}", &err) < 0 ||
	    mr_file_save(AT_FDCWD, path, data, size, 0644, &err) < 0)
		abort();

	if (mr_store_tags(s, &tags, &found, &err) < 0) {
		assert(err.msg[0]); /* failing without a reason is a bug */
	} else {
		assert(found);
		for (i = 0; i < tags.n; i++) {
			err.msg[0] = '\0';
			if (mr_store_get(s, tags.items[i], &doc, &found, &err) <
			    0)
				assert(err.msg[0]);
			else
				assert(found); /* it was listed */
		}
		change(s, path, tags.n ? tags.items[0] : "v1");
		change(s, path, "another");
	}
	mr_list_release(&tags);
	mr_doc_release(&doc);
	mr_store_close(s);
	mr_env_release(&env);
	return 0;
}
