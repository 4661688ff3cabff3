/*
 * fill_edges.c - what the files of a model say that it comes from: parents and
 * inputs.
 */
#include "model/fillers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/text.h"

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

/* Inputs and parents that files may add: cards name tens. */
#define EDGES_MAX 1000
#define HUB "https://huggingface.co/"
#define REPOSITORY_MAX_BYTES 200

/* A repository of the hub: NAME or ORG/NAME. */
static bool is_repository(const char *id)
{
	const char *slash = strchr(id, '/');

	return strlen(id) <= REPOSITORY_MAX_BYTES &&
	       strspn(id, LETTERS DIGITS "._-/") == strlen(id) &&
	       strchr(LETTERS DIGITS "_", id[0]) && id[0] &&
	       (!slash || (slash[1] && !strchr(slash + 1, '/')));
}

/* One line of its own, told once. */
static int note_bare(struct mr_filler *f, const char *from, const char *what)
{
	char shown[MR_SHOWN_BYTES];
	char line[512];

	(void)snprintf(line, sizeof(line), "an address in '%s' has %s",
		       mr_text_safe(from, shown, sizeof(shown)), what);
	return mr_list_has(f->notes, line)
		       ? 0
		       : mr_list_add(f->notes, line, f->err);
}

/* Where it begins behind user and password, which end at the last '@' before
 * the path (RFC 3986, section 3.2). */
static const char *host_of(const char *authority)
{
	const char *end;

	for (end = authority + strcspn(authority, "/?#"); end > authority;
	     end--)
		if (end[-1] == '@')
			break;
	return end;
}

/*
 * Whether a parameter of this name lets in whoever knows its value: signed
 * addresses of S3, Google Cloud and CloudFront (X-Amz-Signature,
 * X-Goog-Credential, Signature), Azure's shared access (sig), tokens and keys
 * of anybody's.
 */
static bool is_secret(const char *name, size_t n)
{
	static const char *const whole[] = { "sig", "key", "auth", "pwd" };
	static const char *const part[] = {
		"signature", "token",   "secret",  "passw",     "credential",
		"apikey",    "api_key", "api-key", "accesskey", "access_key"
	};
	char lower[64];
	size_t i;

	/* The longest of these is shorter; what is behind does not matter. */
	n = n < sizeof(lower) ? n : sizeof(lower) - 1;
	for (i = 0; i < n; i++)
		lower[i] = name[i] >= 'A' && name[i] <= 'Z'
				   ? (char)(name[i] + ('a' - 'A'))
				   : name[i];
	lower[n] = '\0';
	for (i = 0; i < MR_COUNT(whole); i++)
		if (strcmp(lower, whole[i]) == 0)
			return true;
	for (i = 0; i < MR_COUNT(part); i++)
		if (strstr(lower, part[i]))
			return true;
	return false;
}

/* The query of an address, with its '?', when there is a secret in it; else
 * NULL. */
static const char *secret_query(const char *host, size_t *len)
{
	const char *query = host + strcspn(host, "?#");
	const char *end;
	const char *at;

	if (*query != '?')
		return NULL;
	end = query + strcspn(query, "#");
	*len = (size_t)(end - query);
	for (at = query + 1; at < end; at += strcspn(at, "&;#") + 1)
		if (is_secret(at, strcspn(at, "=&;#")))
			return query;
	return NULL;
}

int mr_fill_bare(struct mr_filler *f, const char *text, const char *from,
		 const char **bare)
{
	const char *authority = text ? strstr(text, "://") : NULL;
	const char *query;
	const char *host;
	size_t len = 0;
	int rc = 0;

	*bare = text;
	if (!authority)
		return 0;
	authority += strlen("://");
	host = host_of(authority);
	query = secret_query(host, &len);
	if (host == authority && !query)
		return 0;
	*bare = mr_arena_printf(
		f->m->arena, "%.*s%.*s%s", (int)(authority - text), text,
		(int)(query ? (size_t)(query - host) : strlen(host)), host,
		query ? query + len : "");
	if (!*bare)
		return mr_fail_nomem(f->err);
	if (host != authority)
		rc = note_bare(f, from,
			       "a user or a password in it: they are left "
			       "out");
	return rc < 0 || !query ? rc
				: note_bare(f, from,
					    "a signature or a secret in its "
					    "query: that is left out");
}

static int fill_parent(struct mr_filler *f, const char *id,
		       const char *relation, const char *from)
{
	struct mreg_error why = MREG_ERROR_INIT;
	struct mr_parent parent = { .relation = relation };
	int rc = mr_fill_bare(f, id, from, &id);

	if (rc < 0)
		return rc;
	if (mr_text_starts(id, HUB))
		id += strlen(HUB);
	if (is_repository(id))
		parent.ref = mr_arena_printf(f->m->arena, "hf://%s", id);
	else if (mr_meta_is_outside(id))
		parent.ref = id;
	else
		/* A folder of its maker's: nothing anybody could follow. */
		return 0;
	if (!parent.ref)
		return mr_fail_nomem(f->err);
	if (mr_meta_put_parent(f->m, &parent, &why) < 0)
		return mr_fill_note(f, "parents", from, &why);
	return mr_fill_done(f, "parents");
}

int mr_fill_parents(struct mr_filler *f, const struct mr_said *said,
		    const struct mr_summary_main *w)
{
	const struct mr_card *card = said->card;
	size_t i;
	int rc = 0;

	if (f->m->parent_count)
		return 0;
	for (i = 0; card && rc >= 0 && i < card->base_models.n && i < EDGES_MAX;
	     i++)
		rc = fill_parent(f, card->base_models.items[i], card->relation,
				 f->card);
	if (rc >= 0 && !f->m->parent_count && w->base_model)
		rc = fill_parent(f, w->base_model, NULL, w->first->path);
	return rc;
}

/* Once, for it may be thousands. */
static int note_full(struct mr_filler *f, const char *from)
{
	char shown[MR_SHOWN_BYTES];
	char line[512];

	if (f->full)
		return 0;
	f->full = true;
	(void)snprintf(line, sizeof(line),
		       "inputs of '%s' are left out: there are %d already",
		       mr_text_safe(from, shown, sizeof(shown)), EDGES_MAX);
	return mr_list_add(f->notes, line, f->err);
}

static int note_digest(struct mr_filler *f, const struct mr_input *in,
		       const char *from, const struct mreg_error *why)
{
	char names[2][MR_SHOWN_BYTES];
	char line[768];

	(void)snprintf(line, sizeof(line),
		       "input '%s' of '%s' is taken without its digest: %s",
		       mr_text_safe(in->name ? in->name : in->uri, names[0],
				    sizeof(names[0])),
		       mr_text_safe(from, names[1], sizeof(names[1])),
		       why->msg);
	return mr_list_add(f->notes, line, f->err);
}

/* Joined with those that were told, else one more.  0: neither, for there are
 * too many. */
static int take_input(struct mr_filler *f, const struct mr_input *in,
		      struct mreg_error *why)
{
	int rc = mr_meta_join_input(f->m, f->told, in, why);

	if (rc != 0)
		return rc;
	if (f->m->input_count >= EDGES_MAX)
		return 0;
	rc = mr_meta_put_input(f->m, in, why);
	return rc < 0 ? rc : 1;
}

int mr_fill_input(struct mr_filler *f, const struct mr_input *given,
		  const char *from)
{
	struct mreg_error why = MREG_ERROR_INIT;
	struct mreg_error again = MREG_ERROR_INIT;
	struct mr_input in = *given;
	int rc = mr_fill_bare(f, given->name, from, &in.name);

	if (rc >= 0)
		rc = mr_fill_bare(f, given->uri, from, &in.uri);
	if (rc < 0)
		return rc;
	rc = take_input(f, &in, &why);
	if (rc < 0 && (!in.digest || why.code == MREG_ENOMEM))
		return mr_fill_note(f, "inputs", from, &why);
	if (rc < 0) {
		in.digest = NULL;
		rc = take_input(f, &in, &again);
		if (rc < 0)
			return mr_fill_note(f, "inputs", from, &again);
		if (rc > 0 && note_digest(f, &in, from, &why) < 0)
			return f->err->code;
	}
	return rc == 0 ? note_full(f, from) : mr_fill_done(f, "inputs");
}

static int fill_datasets(struct mr_filler *f, const struct mr_card *card)
{
	size_t i;
	int rc = 0;

	for (i = 0; rc >= 0 && i < card->datasets.n; i++) {
		struct mr_input in = { .role = "train",
				       .name = card->datasets.items[i] };

		if (is_repository(in.name)) {
			in.uri = mr_arena_printf(f->m->arena,
						 "hf://datasets/%s", in.name);
			if (!in.uri)
				return mr_fail_nomem(f->err);
		}
		rc = mr_fill_input(f, &in, f->card);
	}
	return rc;
}

static int compare_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool is_lock(const struct mr_dvc_file *file)
{
	return strcmp(file->path, "dvc.lock") == 0 ||
	       mr_text_ends(file->path, "/dvc.lock");
}

/* One of DVC's items as an input; `path` is where it would be in the version.
 */
static int fill_dvc_item(struct mr_filler *f, const struct mr_dvc_item *item,
			 const char *role, const char *path, const char *from)
{
	struct mr_input in = { .role = role,
			       .name = item->path,
			       .digest = item->hash };

	if (item->repo) {
		if (mr_meta_is_outside(item->repo))
			in.uri = item->repo;
		if (!in.digest && item->revision)
			in.digest = mr_arena_printf(f->m->arena, "git:%s",
						    item->revision);
	} else if (mr_meta_is_outside(item->path)) {
		in.uri = item->path;
	} else {
		in.uri = mr_arena_printf(f->m->arena, "dvc:%s", path);
	}
	if (mr_arena_failed(f->m->arena))
		return mr_fail_nomem(f->err);
	return mr_fill_input(f, &in, from);
}

/* "a/./b/../c" is "a/c": DVC writes paths as they were typed.  In place; what
 * leads out of the version keeps its "..". */
static void simplify(char *path)
{
	const char *from = path;
	char *to = path; /* behind what stays, never beyond `from` */

	while (*from) {
		size_t n = strcspn(from, "/");
		const char *next = from + n + (from[n] == '/');
		char *last = to;

		while (last > path && last[-1] != '/')
			last--;
		if (n == 2 && strncmp(from, "..", 2) == 0 && to > path &&
		    (to - last != 2 || strncmp(last, "..", 2) != 0)) {
			to = last > path ? last - 1 : path;
		} else if (n > 0 && (n != 1 || from[0] != '.')) {
			if (to > path)
				*to++ = '/';
			memmove(to, from, n);
			to += n;
		}
		from = next;
	}
	if (to == path && from > path)
		*to++ = '.';
	*to = '\0';
}

/* Where it would be in the version; NULL: out of memory. */
static const char *path_of(struct mr_filler *f, const struct mr_dvc_file *file,
			   const struct mr_dvc_item *item)
{
	const char *slash = strrchr(file->path, '/');
	int dir = slash ? (int)(slash - file->path + 1) : 0;
	char *path = mr_arena_printf(f->m->arena, "%.*s%s", dir, file->path,
				     item->path);

	if (path)
		simplify(path);
	return path;
}

/* What a document of DVC tracks or depends on, but for what is in the version
 * itself, or made by a stage of the same document; `paths` and `made` have
 * room for all its items. */
static int fill_dvc(struct mr_filler *f, const struct mr_said *said,
		    const struct mr_dvc_file *file, const char **paths,
		    const char **made)
{
	bool lock = is_lock(file);
	size_t n = 0;
	size_t i;
	int rc = 0;

	for (i = 0; i < file->dvc.count; i++) {
		const struct mr_dvc_item *item = &file->dvc.items[i];

		if (!item->path)
			continue;
		paths[i] = path_of(f, file, item);
		if (!paths[i])
			return mr_fail_nomem(f->err);
		if (lock && item->output)
			made[n++] = paths[i];
	}
	if (n > 1)
		qsort(made, n, sizeof(*made), compare_text);
	for (i = 0; rc >= 0 && i < file->dvc.count; i++) {
		const struct mr_dvc_item *item = &file->dvc.items[i];

		if (!item->path || item->path[0] == '/' ||
		    (lock && item->output) ||
		    (n && bsearch(&paths[i], made, n, sizeof(*made),
				  compare_text)) ||
		    (!item->repo && mr_said_has(said, paths[i])))
			continue;
		rc = fill_dvc_item(f, item, lock ? "pipeline" : "data",
				   paths[i], file->path);
	}
	return rc;
}

int mr_fill_inputs(struct mr_filler *f, const struct mr_said *said)
{
	size_t i;
	int rc = 0;

	f->told = f->m->input_count;
	if (said->card)
		rc = fill_datasets(f, said->card);
	for (i = 0; rc >= 0 && i < said->dvc_count; i++) {
		const struct mr_dvc_file *file = &said->dvc[i];
		MR_AUTO(mr_free) const char **paths = NULL;
		MR_AUTO(mr_free) const char **made = NULL;

		paths = mr_array(file->dvc.count, sizeof(*paths));
		made = mr_array(file->dvc.count, sizeof(*made));
		rc = paths && made ? fill_dvc(f, said, file, paths, made)
				   : mr_fail_nomem(f->err);
	}
	return rc;
}
