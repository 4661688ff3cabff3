/*
 * pull_index.c - which manifest of an index is meant: the one that --select
 * names; else by platform, then by being a model's; else the user is asked.
 */
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/text.h"
#include "content/digest.h"
#include "ops/pull.h"

/* An index in an index in an index (security.md H40). */
#define DEPTH_MAX 3
#define SHOWN 160
/* Of one index; the variants of a model and the platforms of an image are
 * dozens.  Each is looked at. */
#define CHILDREN_MAX 200
/* Choices that are told. */
#define TOLD_MAX 20
/* Labels of one among which its own is looked for: models have a dozen, and
 * each is compared with all of the others. */
#define OWN_MAX 64
/* Of them in an error, which has little more room. */
#define CAUSE_MAX_BYTES 480
/* BuildKit's notes about an image, of no use without it. */
#define ATTESTATION_KEY "vnd.docker.reference.type"

static bool is_candidate(const struct mr_descriptor *d)
{
	return !mr_annotation(&d->annotations, ATTESTATION_KEY);
}

static bool is_index(const struct mr_descriptor *d)
{
	return strcmp(d->desc.media_type, MR_MEDIA_INDEX) == 0 ||
	       strcmp(d->desc.media_type, MR_MEDIA_DOCKER_LIST) == 0;
}

/* -- by --select ----------------------------------------------------------- */

static int fits(const struct mr_manifest *index, size_t i, const struct pull *p,
		bool *out, struct mreg_error *err)
{
	MR_AUTO(mr_list_release) struct mr_list labels = { .n = 0 };
	char text[MREG_DIGEST_TEXT];
	size_t k;
	int rc = mr_model_labels(index, i, &labels, err);

	*out = true;
	mreg_digest_text(&index->children[i].desc.digest, text);
	for (k = 0; k < p->o->select_count && rc == 0 && *out; k++)
		*out = strcmp(p->o->select[k], text) == 0 ||
		       mr_list_has(&labels, p->o->select[k]);
	return rc;
}

/* -- without --------------------------------------------------------------- */

/* As Go names them, and so every image. */
static const char *our_architecture(struct utsname *u)
{
	static const struct {
		const char *kernel, *image;
	} rows[] = {
		{ "x86_64", "amd64" },
		{ "aarch64", "arm64" },
		{ "armv7l", "arm" },
		{ "armv6l", "arm" },
		{ "i686", "386" },
		{ "i386", "386" },
		{ "loongarch64", "loong64" },
	};
	size_t i;

	if (uname(u) < 0)
		return "";
	for (i = 0; i < MR_COUNT(rows); i++)
		if (strcmp(u->machine, rows[i].kernel) == 0)
			return rows[i].image;
	return u->machine; /* riscv64, ppc64le, s390x */
}

static bool is_ours(const struct mr_descriptor *d)
{
	struct utsname u;

	return d->os && d->architecture && strcmp(d->os, "linux") == 0 &&
	       strcmp(d->architecture, our_architecture(&u)) == 0;
}

static bool is_model(const struct mr_descriptor *d)
{
	return mr_model_is_artifact(d->artifact_type);
}

/* A file does not mind for which machine it was packed. */
static bool has_platform(const struct mr_descriptor *d)
{
	return d->os && strcmp(d->os, "unknown") != 0;
}

static bool is_any(const struct mr_descriptor *d)
{
	(void)d;
	return true;
}

/* The only candidate for which `is` says so; false: there is none, or there
 * are several. */
static bool find_only(const struct mr_manifest *index,
		      bool (*is)(const struct mr_descriptor *d), size_t *out)
{
	size_t n = 0;
	size_t i;

	for (i = 0; i < index->child_count; i++) {
		const struct mr_descriptor *d = &index->children[i];

		if (!is_candidate(d) || !is(d))
			continue;
		n++;
		*out = i;
	}
	return n == 1;
}

/* -- asking ---------------------------------------------------------------- */

struct choice {
	size_t child;
	struct mr_list labels; /* owned */
};

/* The first label that no other has; NULL: there is none. */
static const char *own_label(const struct choice *all, size_t n, size_t i)
{
	size_t k, other;

	for (k = 0; k < all[i].labels.n && k < OWN_MAX; k++) {
		const char *label = all[i].labels.items[k];

		for (other = 0; other < n; other++)
			if (other != i &&
			    mr_list_has(&all[other].labels, label))
				break;
		if (other == n)
			return label;
	}
	return NULL;
}

/* What it says under a key that was asked for; NULL: nothing. */
static const char *asked_label(const struct pull *p, const struct choice *one)
{
	size_t i, k;

	for (k = 0; k < p->o->select_count; k++) {
		const char *word = p->o->select[k];
		const size_t n = strcspn(word, "=");

		for (i = 0; word[n] && i < one->labels.n; i++)
			if (strncmp(one->labels.items[i], word, n + 1) == 0)
				return one->labels.items[i];
	}
	return NULL;
}

/* Each into `cause`; into `hint` the words to choose with, of which one of
 * several is enough; both as far as they fit. */
static int tell(const struct pull *p, const struct choice *all, size_t n,
		struct mr_buf *cause, struct mr_list *hint,
		struct mreg_error *err)
{
	char text[MREG_DIGEST_TEXT];
	char shown[SHOWN];
	size_t told = 0;
	size_t i;
	int rc = 0;

	for (i = 0; i < n && i < TOLD_MAX && rc >= 0; i++) {
		const char *label = asked_label(p, &all[i]);

		if (!label)
			label = own_label(all, n, i);
		mreg_digest_text(
			&p->manifest->children[all[i].child].desc.digest, text);
		mr_text_safe(label ? label : "", shown, sizeof(shown));
		if (cause->len + strlen(text) + strlen(shown) + 5 <=
		    CAUSE_MAX_BYTES) {
			mr_buf_printf(cause, "%s%s%s%s", i ? ", " : "it lists ",
				      text, label ? " " : "", shown);
			told++;
		}
		if (label && !mr_list_has(hint, shown))
			rc = mr_list_add(hint, shown, err);
	}
	if (told < n)
		mr_buf_printf(cause, " and %zu more", n - told);
	return rc < 0 ? rc : mr_buf_check(cause, "what can be chosen", err);
}

/* "a=1 or a=2"; empty when they do not fit. */
static void join(const struct mr_list *words, struct mr_buf *out)
{
	size_t i;

	for (i = 0; i < words->n; i++)
		mr_buf_printf(out, "%s%s", i ? " or " : "", words->items[i]);
	if (out->failed != MREG_OK)
		mr_buf_clear(out);
}

static int ask(struct pull *p, const char *problem, enum mreg_code code,
	       struct mreg_error *err)
{
	const struct mr_manifest *index = p->manifest;
	MR_AUTO(mr_buf_release)
	struct mr_buf cause = MR_BUF_INIT(CAUSE_MAX_BYTES + SHOWN);
	MR_AUTO(mr_buf_release) struct mr_buf hint = MR_BUF_INIT(SHOWN - 40);
	MR_AUTO(mr_list_release) struct mr_list words = { .n = 0 };
	struct choice all[CHILDREN_MAX]; /* each may be like one of the told */
	size_t n = 0;
	size_t i;
	int rc = 0;

	memset(all, 0, sizeof(all));
	for (i = 0; i < index->child_count && rc == 0; i++)
		if (is_candidate(&index->children[i])) {
			all[n].child = i;
			rc = mr_model_labels(index, i, &all[n++].labels, err);
		}
	if (rc == 0)
		rc = tell(p, all, n, &cause, &words, err);
	for (i = 0; i < n; i++)
		mr_list_release(&all[i].labels);
	if (rc < 0)
		return rc;
	(void)mr_fail(err, code, "'%s' is an index of %zu manifests, and %s",
		      p->from->label, index->child_count, problem);
	(void)mr_cause(err, "%s", mr_buf_text(&cause));
	join(&words, &hint);
	if (hint.len == 0)
		return mr_hint(err, "choose one with --select KEY=VALUE or "
				    "--select DIGEST; 'mreg inspect' lists "
				    "them");
	return mr_hint(err, "choose one with --select %s", mr_buf_text(&hint));
}

/* Without --select. */
static bool choose_usual(const struct mr_manifest *index, size_t *out)
{
	static bool (*const ways[])(const struct mr_descriptor *d) = {
		is_any, is_ours, is_model, has_platform
	};
	size_t i;

	for (i = 0; i < MR_COUNT(ways); i++)
		if (find_only(index, ways[i], out))
			return true;
	return false;
}

/* `*chosen`: it was chosen already by what leads here; what is below it goes by
 * --select where that fits there too.  An index that has nothing but an index
 * is passed through. */
static int choose_selected(struct pull *p, size_t *out, bool *chosen,
			   struct mreg_error *err)
{
	const struct mr_manifest *index = p->manifest;
	size_t n = 0;
	size_t i;
	bool fit;
	int rc;

	for (i = 0; i < index->child_count; i++) {
		rc = fits(index, i, p, &fit, err);
		if (rc < 0)
			return rc;
		if (!fit)
			continue;
		n++;
		*out = i;
	}
	if (n == 1) {
		*chosen = true;
		return 0;
	}
	if (n == 0 && *chosen && choose_usual(index, out))
		return 0;
	if (n == 0 && find_only(index, is_any, out) &&
	    is_index(&index->children[*out]))
		return 0;
	if (n == 0 && *chosen)
		return ask(p, "nothing says which is meant", MREG_EUSAGE, err);
	return ask(p,
		   n ? "several are as --select says"
		     : "none is as --select says",
		   n ? MREG_EUSAGE : MREG_ENOTFOUND, err);
}

static int choose(struct pull *p, size_t *out, bool *chosen,
		  struct mreg_error *err)
{
	if (p->o->select_count)
		return choose_selected(p, out, chosen, err);
	if (choose_usual(p->manifest, out))
		return 0;
	return ask(p, "nothing says which is meant", MREG_EUSAGE, err);
}

static int enter(struct pull *p, size_t child, struct mreg_error *err)
{
	const struct mreg_digest digest =
		p->manifest->children[child].desc.digest;
	struct mr_manifest *next = NULL;
	int rc = mr_manifest_fetch(p->m, p->from, &digest, &next, err);

	if (rc < 0)
		return mr_wrap(err, "cannot follow the index '%s'",
			       p->from->label);
	if (!p->chosen_of)
		p->chosen_of = p->manifest->child_count;
	mr_manifest_free(p->manifest);
	p->manifest = next;
	return 0;
}

/* Each is KEY=VALUE or a digest. */
static int check_words(const struct pull *p, struct mreg_error *err)
{
	struct mreg_digest ignored;
	char shown[SHOWN];
	size_t k;

	for (k = 0; k < p->o->select_count; k++) {
		const char *word = p->o->select[k];

		if (strchr(word, '=') && word[0] != '=')
			continue;
		if (mreg_digest_parse(word, &ignored, NULL) >= 0)
			continue;
		(void)mr_fail(err, MREG_EUSAGE,
			      "'%s' is neither KEY=VALUE nor a digest",
			      mr_text_safe(word, shown, sizeof(shown)));
		return mr_hint(err, "such as --select quantization=q4_0");
	}
	return 0;
}

int mr_pull_follow(struct pull *p, struct mreg_error *err)
{
	unsigned int depth;
	bool chosen = false;
	size_t child = 0;
	int rc = check_words(p, err);

	if (rc < 0)
		return rc;
	if (p->o->select_count && !p->manifest->is_index) {
		(void)mr_fail(err, MREG_EUSAGE,
			      "'%s' is no index: there is nothing to select",
			      p->from->label);
		return mr_hint(err, "leave out --select; --include chooses "
				    "files");
	}
	for (depth = 0; p->manifest->is_index && rc == 0; depth++) {
		if (p->manifest->child_count > CHILDREN_MAX)
			return mr_fail(err, MREG_ELIMIT,
				       "'%s' is an index of more than %d "
				       "manifests",
				       p->from->label, CHILDREN_MAX);
		if (depth == DEPTH_MAX)
			return mr_fail(err, MREG_ELIMIT,
				       "'%s' is an index of indexes, more than "
				       "%d deep",
				       p->from->label, DEPTH_MAX);
		rc = choose(p, &child, &chosen, err);
		if (rc == 0)
			rc = enter(p, child, err);
	}
	return rc;
}
