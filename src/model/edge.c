/*
 * edge.c - what a version was made from: parents and inputs.
 */
#include "model/meta.h"

#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/text.h"

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define LETTERS LOWER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"
#define ROLE_MAX_BYTES 64

static const char *const relations[] = {
	"finetune", "quantized", "adapter", "merge",
	"distill",  "convert",   "retrain", NULL,
};

bool mr_meta_is_outside(const char *ref)
{
	/* Without a slash they could be a repository and its tag, but nobody
	 * calls a repository so. */
	static const char *const bare[] = { "dvc:", "doi:", "urn:", NULL };
	size_t n = strspn(ref, LETTERS DIGITS "+.-");
	size_t i;

	if (mr_text_starts(ref, "oci:"))
		return false; /* a local store: oci:DIR//REPOSITORY */
	for (i = 0; bare[i]; i++)
		if (mr_text_starts(ref, bare[i]))
			return true;
	/* No tag begins with a slash, no port either. */
	return n > 0 && strchr(LETTERS, ref[0]) && ref[n] == ':' &&
	       ref[n + 1] == '/';
}

static int check_relation(const char *relation, struct mreg_error *err)
{
	char shown[MR_SHOWN_BYTES];
	const char *near;
	size_t i;

	for (i = 0; relations[i]; i++)
		if (strcmp(relations[i], relation) == 0)
			return 0;
	near = mr_text_nearest(relation, relations);
	(void)mr_fail(err, MREG_EUSAGE, "unknown relation '%s' of a parent",
		      mr_text_safe(relation, shown, sizeof(shown)));
	if (near)
		return mr_hint(err, "did you mean '%s'?", near);
	return mr_hint(
		err,
		"one of: finetune, quantized, adapter, merge, distill, convert, retrain");
}

/* A reference is one that can be resolved, or lies outside OCI and says so. */
static int check_ref(const char *what, const char *ref, struct mreg_error *err)
{
	char shown[MR_SHOWN_BYTES];
	struct mreg_ref parsed;
	const char *name;
	int rc;

	rc = mr_check_text(what, ref, MR_VALUE_MAX_BYTES, false, err);
	if (rc < 0)
		return rc;
	if (mr_text_starts(ref, "oci://") || mr_text_starts(ref, "docker://")) {
		name = strchr(ref, ':') + 3;
		(void)mr_fail(err, MREG_EUSAGE, "'%s' is no reference",
			      mr_text_safe(ref, shown, sizeof(shown)));
		return mr_hint(err, "write it as '%s'",
			       mr_text_safe(name, shown, sizeof(shown)));
	}
	if (mr_meta_is_outside(ref))
		return 0;
	rc = mr_ref_parse(ref, &parsed, err);
	if (rc < 0)
		return mr_hint(
			err,
			"HOST/REPOSITORY:TAG, or with a scheme what lies outside OCI: hf://ORG/NAME");
	return 0;
}

/* An artifact's digest can be looked up, so it must be one of ours; what lies
 * outside is known by whatever its system calls a digest: "md5:...". */
static int check_edge_digest(const char *what, const char *digest, bool outside,
			     struct mreg_error *err)
{
	size_t n = strspn(digest, LOWER DIGITS "+._-");

	if (outside && n > 0 && digest[n] == ':' && digest[n + 1] &&
	    !mr_text_starts(digest, "sha256:") &&
	    strspn(digest + n + 1, LETTERS DIGITS "=_.-") ==
		    strlen(digest + n + 1))
		return 0;
	return mr_check_digest(what, digest, err);
}

/* Split "REF@DIGEST"; `*digest` stays as it is when `text` has none.  Outside
 * OCI what follows '@' may be a revision. */
static int split(struct mr_meta *m, const char *text, const char **ref,
		 const char **digest, struct mreg_error *err)
{
	const char *at = strrchr(text, '@');
	const char *head;

	if (!at || (!mr_text_starts(at, "@sha256:") &&
		    !mr_text_starts(at, "@sha512:"))) {
		*ref = text;
		return 0;
	}
	head = mr_arena_strndup(m->arena, text, (size_t)(at - text));
	if (!head)
		return mr_fail_nomem(err);
	if (*digest && strcmp(*digest, at + 1) != 0)
		return mr_fail(err, MREG_EUSAGE,
			       "two digests for one reference: '%s' and '%s'",
			       at + 1, *digest);
	*ref = head;
	*digest = at + 1;
	return mr_check_digest("digest", *digest, err);
}

static int keep_opt(struct mr_meta *m, const char *s, const char **out,
		    struct mreg_error *err)
{
	*out = NULL;
	return s ? mr_meta_keep(m, s, out, err) : 0;
}

/* -- parents ------------------------------------------------------------------
 */

int mr_meta_append_parent(struct mr_meta *m, const struct mr_parent *p,
			  struct mreg_error *err)
{
	struct mr_parent kept;
	int rc;

	rc = mr_meta_room(m, &m->parents, m->parent_count, &m->parent_cap,
			  sizeof(*m->parents), err);
	if (rc == 0)
		rc = mr_meta_keep(m, p->relation, &kept.relation, err);
	if (rc == 0)
		rc = mr_meta_keep(m, p->ref, &kept.ref, err);
	if (rc == 0)
		rc = keep_opt(m, p->digest, &kept.digest, err);
	if (rc < 0)
		return rc;
	m->parents[m->parent_count++] = kept;
	return 0;
}

int mr_meta_put_parent(struct mr_meta *m, const struct mr_parent *p,
		       struct mreg_error *err)
{
	struct mr_parent parent = *p;
	int rc;

	if (!parent.relation)
		parent.relation = relations[0];
	rc = check_relation(parent.relation, err);
	if (rc == 0 && !parent.ref)
		rc = mr_fail(err, MREG_EUSAGE, "a parent without 'ref'");
	if (rc == 0)
		rc = split(m, parent.ref, &parent.ref, &parent.digest, err);
	if (rc == 0)
		rc = check_ref("ref", parent.ref, err);
	if (rc == 0 && parent.digest)
		rc = mr_check_digest("digest", parent.digest, err);
	if (rc < 0)
		return rc;
	return mr_meta_append_parent(m, &parent, err);
}

int mr_meta_add_parent(struct mr_meta *m, const char *text,
		       struct mreg_error *err)
{
	struct mr_parent parent = { .ref = text };
	size_t n = strspn(text, LETTERS DIGITS "_-");
	MR_AUTO(mr_free) char *relation = NULL;

	/* An '=' further on belongs to the reference: s3://b/k=v. */
	if (n > 0 && text[n] == '=') {
		relation = mr_strndup(text, n);
		if (!relation)
			return mr_fail_nomem(err);
		parent.relation = relation;
		parent.ref = text + n + 1;
	}
	return mr_meta_put_parent(m, &parent, err);
}

int mr_meta_parent_digest(struct mr_meta *m, size_t i, const char *ref,
			  const char *digest, struct mreg_error *err)
{
	int rc;

	rc = mr_check_digest("digest", digest, err);
	if (rc == 0)
		rc = mr_meta_keep(m, ref, &m->parents[i].ref, err);
	if (rc == 0)
		rc = mr_meta_keep(m, digest, &m->parents[i].digest, err);
	return rc;
}

/* -- inputs -------------------------------------------------------------------
 */

static int check_role(const char *role, struct mreg_error *err)
{
	char shown[MR_SHOWN_BYTES];
	size_t n = strlen(role);

	if (n > 0 && n <= ROLE_MAX_BYTES && strchr(LOWER, role[0]) &&
	    strspn(role, LOWER DIGITS "-") == n)
		return 0;
	(void)mr_fail(err, MREG_EUSAGE, "'%s' is no role of an input",
		      mr_text_safe(role, shown, sizeof(shown)));
	return mr_hint(
		err,
		"as train, validate, test, feature-view, pipeline, prompt: lower case");
}

int mr_meta_append_input(struct mr_meta *m, const struct mr_input *in,
			 struct mreg_error *err)
{
	struct mr_input kept;
	int rc;

	rc = mr_meta_room(m, &m->inputs, m->input_count, &m->input_cap,
			  sizeof(*m->inputs), err);
	if (rc == 0)
		rc = mr_meta_keep(m, in->role, &kept.role, err);
	if (rc == 0)
		rc = keep_opt(m, in->name, &kept.name, err);
	if (rc == 0)
		rc = keep_opt(m, in->uri, &kept.uri, err);
	if (rc == 0)
		rc = keep_opt(m, in->digest, &kept.digest, err);
	if (rc == 0)
		rc = keep_opt(m, in->license, &kept.license, err);
	if (rc == 0)
		rc = keep_opt(m, in->classification, &kept.classification, err);
	if (rc == 0)
		rc = keep_opt(m, in->consent, &kept.consent, err);
	if (rc < 0)
		return rc;
	m->inputs[m->input_count++] = kept;
	return 0;
}

static int check_words(const struct mr_input *in, struct mreg_error *err)
{
	const struct mreg_pair words[] = {
		{ "name", in->name },
		{ "license", in->license },
		{ "classification", in->classification },
		{ "consent", in->consent },
	};
	size_t i;
	int rc = 0;

	for (i = 0; i < MR_COUNT(words) && rc == 0; i++)
		if (words[i].value)
			rc = mr_check_text(words[i].name, words[i].value,
					   MR_VALUE_MAX_BYTES, false, err);
	return rc;
}

/* Split and checked, but not kept. */
static int check_input(struct mr_meta *m, struct mr_input *input,
		       struct mreg_error *err)
{
	int rc;

	if (!input->role)
		return mr_fail(err, MREG_EUSAGE, "an input without 'role'");
	rc = check_role(input->role, err);
	if (rc == 0 && !input->uri && !input->name)
		rc = mr_fail(err, MREG_EUSAGE,
			     "input '%s' has neither 'uri' nor 'name'",
			     input->role);
	if (rc == 0 && input->uri) {
		rc = split(m, input->uri, &input->uri, &input->digest, err);
		if (rc == 0)
			rc = check_ref("uri", input->uri, err);
	}
	if (rc == 0 && input->digest)
		rc = check_edge_digest(
			"digest", input->digest,
			!input->uri || mr_meta_is_outside(input->uri), err);
	if (rc == 0)
		rc = check_words(input, err);
	return rc;
}

int mr_meta_put_input(struct mr_meta *m, const struct mr_input *in,
		      struct mreg_error *err)
{
	struct mr_input input = *in;
	int rc = check_input(m, &input, err);

	return rc < 0 ? rc : mr_meta_append_input(m, &input, err);
}

static bool is_same_input(const struct mr_input *a, const struct mr_input *b)
{
	if (a->uri || b->uri)
		return a->uri && b->uri && strcmp(a->uri, b->uri) == 0;
	return a->name && b->name && strcmp(a->name, b->name) == 0;
}

int mr_meta_join_input(struct mr_meta *m, size_t n, const struct mr_input *in,
		       struct mreg_error *err)
{
	struct mr_input input = *in;
	int found = 0;
	size_t i;
	int rc = check_input(m, &input, err);

	for (i = 0; rc == 0 && i < n; i++) {
		struct mr_input *to = &m->inputs[i];

		if (!is_same_input(to, &input))
			continue;
		found = 1;
		if (!to->name)
			rc = keep_opt(m, input.name, &to->name, err);
		if (rc == 0 && !to->digest)
			rc = keep_opt(m, input.digest, &to->digest, err);
	}
	return rc < 0 ? rc : found;
}

/* Where the next ",KEY=" of the known keys begins, or the end; `*which` is
 * the key's number then. */
static char *next_part(char *text, const char *const *keys, size_t *which)
{
	size_t n;
	char *p;

	for (p = strchr(text, ','); p; p = strchr(p + 1, ','))
		for (*which = 0; keys[*which]; (*which)++) {
			n = strlen(keys[*which]);
			if (strncmp(p + 1, keys[*which], n) == 0 &&
			    p[1 + n] == '=')
				return p;
		}
	return NULL;
}

int mr_meta_add_input(struct mr_meta *m, const char *text,
		      struct mreg_error *err)
{
	static const char *const keys[] = { "name",    "digest",
					    "license", "classification",
					    "consent", NULL };
	struct mr_input in = { 0 };
	const char **values[] = { &in.name, &in.digest, &in.license,
				  &in.classification, &in.consent };
	MR_AUTO(mr_free) char *copy = mr_strdup(text);
	char shown[MR_SHOWN_BYTES];
	size_t which;
	char *p;

	if (!copy)
		return mr_fail_nomem(err);
	p = strchr(copy, '=');
	if (!p) {
		(void)mr_fail(err, MREG_EUSAGE, "input '%s' has no role",
			      mr_text_safe(text, shown, sizeof(shown)));
		return mr_hint(err, "write it as ROLE=REFERENCE-or-URI");
	}
	*p = '\0';
	in.role = copy;
	in.uri = ++p;
	while ((p = next_part(p, keys, &which)) != NULL) {
		*p = '\0';
		p += strlen(keys[which]) + 2;
		if (*values[which])
			return mr_fail(err, MREG_EUSAGE,
				       "'%s' twice in one input", keys[which]);
		*values[which] = p;
	}
	return mr_meta_put_input(m, &in, err);
}

int mr_meta_input_digest(struct mr_meta *m, size_t i, const char *uri,
			 const char *digest, struct mreg_error *err)
{
	int rc;

	rc = mr_check_digest("digest", digest, err);
	if (rc == 0)
		rc = mr_meta_keep(m, uri, &m->inputs[i].uri, err);
	if (rc == 0)
		rc = mr_meta_keep(m, digest, &m->inputs[i].digest, err);
	return rc;
}
