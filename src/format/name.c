/*
 * name.c - what a file's name, or its first bytes, tell.
 */
#include "format/format.h"

#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/text.h"

/* A pointer is smaller than that (git-lfs, docs/spec.md). */
#define LFS_MAX_BYTES 1024

struct extension {
	const char *text;
	const char *format;
};

/*
 * The specification leaves `format` open (model-spec, docs/config.md), and
 * modctl writes what it is told.  Names are those that Docker Model Runner and
 * Hugging Face use; extensions are the weights of modctl's table
 * (pkg/modelfile/constants.go) whose format the extension settles.
 */
static const struct extension extensions[] = {
	{ "safetensors", "safetensors" },
	{ "gguf", "gguf" },
	{ "onnx", "onnx" },
	{ "pt", "pytorch" },
	{ "pth", "pytorch" },
	{ "bin", "pytorch" },
	{ "ckpt", "pytorch" },
	{ "jit", "pytorch" },
	{ "h5", "keras" },
	{ "hdf5", "keras" },
	{ "keras", "keras" },
	{ "tflite", "tflite" },
	{ "pb", "tensorflow" },
	{ "msgpack", "flax" },
	{ "npz", "numpy" },
	{ "npy", "numpy" },
	{ "pkl", "pickle" },
	{ "pickle", "pickle" },
	{ "joblib", "pickle" },
	{ "mlmodel", "coreml" },
	{ "engine", "tensorrt" },
	{ "trt", "tensorrt" },
};

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

const char *mr_format_by_name(const char *path)
{
	const char *dot = strrchr(base_name(path), '.');
	size_t i;

	if (!dot)
		return NULL;
	for (i = 0; i < MR_COUNT(extensions); i++)
		if (strcasecmp(dot + 1, extensions[i].text) == 0)
			return extensions[i].format;
	return NULL;
}

/* A line "KEY VALUE" where VALUE is `min` to `max` characters of `set`. */
static bool has_line(const char *text, const char *key, const char *set,
		     size_t min, size_t max)
{
	const char *line = strstr(text, key);
	size_t n;

	if (!line)
		return false;
	line += strlen(key);
	n = strspn(line, set);
	return n >= min && n <= max && (line[n] == '\n' || line[n] == '\0');
}

bool mr_format_is_lfs_pointer(const void *head, size_t n)
{
	char text[LFS_MAX_BYTES];

	if (n >= sizeof(text) || memchr(head, 0, n))
		return false;
	memcpy(text, head, n);
	text[n] = '\0';
	/* The second name is that of the years before the first. */
	if (!mr_text_starts(text, "version https://git-lfs.github.com/spec/") &&
	    !mr_text_starts(text, "version https://hawser.github.com/spec/"))
		return false;
	return has_line(text, "\noid sha256:", "0123456789abcdef", 64, 64) &&
	       has_line(text, "\nsize ", "0123456789", 1, 20);
}

/*
 * NAME.EXTENSION.index[.VARIANT].json, as transformers and diffusers name
 * them: model.safetensors.index.json, model.safetensors.index.fp16.json,
 * pytorch_model.bin.index.json, tf_model.h5.index.json,
 * flax_model.msgpack.index.json.
 */
bool mr_format_is_shard_index(const char *path)
{
	static const char *const inner[] = { ".safetensors.index.",
					     ".bin.index.", ".h5.index.",
					     ".msgpack.index." };
	const char *name = base_name(path);
	const char *rest;
	size_t i;

	for (i = 0; i < MR_COUNT(inner); i++) {
		rest = strstr(name, inner[i]);
		if (!rest || rest == name)
			continue;
		rest += strlen(inner[i]);
		if (strcmp(rest, "json") == 0)
			return true;
		rest = strchr(rest, '.');
		if (rest && strcmp(rest, ".json") == 0)
			return true;
	}
	return false;
}
