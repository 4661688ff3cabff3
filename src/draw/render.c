/*
 * render.c - a version written into the file of what serves it: which names and
 * references it has there, and the one of render_*.c that writes it.
 */
#include "draw/render.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/text.h"
#include "repo/repo.h"

#define RENDER_MAX_BYTES (1u << 20)
#define LETTERS "abcdefghijklmnopqrstuvwxyz"
#define LETTERS_LARGE "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"
#define SHOWN_BYTES 96
/* Before a name that begins with a digit. */
#define NAME_PREFIX "model-"

static const char *const words[] = { "kserve", "k8s", "dockerfile", "kustomize",
				     "helm" };
static const char *const schemes[] = { "oci", "oci+native", "oci+fetch",
				       "mreg" };

static bool has_uri(const struct mreg_render_opts *o)
{
	return o->as != MREG_RENDER_K8S && o->as != MREG_RENDER_DOCKERFILE;
}

const char *mreg_render_word(enum mreg_render_as as)
{
	return (size_t)as < MR_COUNT(words) ? words[as] : NULL;
}

bool mreg_render_needs_image(const struct mreg_render_opts *o)
{
	return !has_uri(o) || o->scheme != MREG_SCHEME_MREG;
}

/* -- names ----------------------------------------------------------------- */

static bool is_label(const char *name)
{
	size_t n = strlen(name);

	return n > 0 && n < MR_RENDER_NAME_BYTES && strchr(LETTERS, name[0]) &&
	       strspn(name, LETTERS DIGITS "-") == n && name[n - 1] != '-';
}

/* The last component of a repository, of which other signs are made '-'. */
static void make_name(const char *repository, char out[MR_RENDER_NAME_BYTES])
{
	const char *slash = strrchr(repository, '/');
	const char *from = slash ? slash + 1 : repository;
	size_t n;
	char *p;

	(void)snprintf(out, MR_RENDER_NAME_BYTES, "%s%s",
		       strchr(LETTERS, from[0]) ? "" : NAME_PREFIX, from);
	for (p = out; *p; p++)
		if (*p == '.' || *p == '_')
			*p = '-';
	for (n = strlen(out); n > 0 && out[n - 1] == '-';)
		out[--n] = '\0';
}

static void set_name(struct mr_render *d)
{
	if (d->o->name)
		(void)snprintf(d->name, sizeof(d->name), "%s", d->o->name);
	else
		make_name(d->r->name, d->name);
}

/* -- references ------------------------------------------------------------ */

static int set_references(struct mr_render *d, struct mreg_error *err)
{
	const struct mreg_served *s = d->s;
	const char *scheme = schemes[d->o->scheme];

	if (s->number)
		(void)snprintf(d->version, sizeof(d->version), "v%" PRIu64,
			       s->number);
	(void)mreg_digest_text(&s->digest, d->digest);
	(void)mreg_digest_text(&s->image, d->image);
	if (mreg_render_needs_image(d->o)) {
		if (!d->image[0])
			return mr_fail(err, MREG_EUSAGE,
				       "the image of '%s' was not resolved",
				       d->r->name);
		(void)snprintf(d->reference, sizeof(d->reference), "%s@%s",
			       d->r->name, d->image);
		(void)snprintf(d->uri, sizeof(d->uri), "%s://%s", scheme,
			       d->reference);
	} else {
		(void)snprintf(d->uri, sizeof(d->uri), "%s://%s@%s", scheme,
			       d->r->name, d->digest);
	}
	return 0;
}

/* Each as it would be written alone. */
static int set_shares(struct mr_render *d, struct mr_render *shares,
		      struct mreg_error *err)
{
	size_t i;
	int rc = 0;

	if (d->r->share_count > MREG_SPLIT_PARTS_MAX)
		return mr_fail(err, MREG_EUSAGE, "'%s' has too many shares",
			       d->r->name);
	for (i = 0; rc >= 0 && i < d->r->share_count; i++) {
		shares[i] = (struct mr_render){
			.r = d->r,
			.o = d->o,
			.s = &d->r->shares[i].served,
			.weight = d->r->shares[i].weight,
		};
		(void)snprintf(shares[i].name, sizeof(shares[i].name), "%s",
			       d->name);
		rc = set_references(&shares[i], err);
	}
	d->shares = shares;
	d->share_count = d->r->share_count;
	if (d->share_count)
		d->weight = shares[0].weight;
	return rc;
}

/* -- options --------------------------------------------------------------- */

static int check_name(const char *name, struct mreg_error *err)
{
	char safe[SHOWN_BYTES];

	if (!name || is_label(name))
		return 0;
	(void)mr_fail(err, MREG_EUSAGE,
		      "'%s' is no name of an object in a cluster",
		      mr_text_safe(name, safe, sizeof(safe)));
	return mr_hint(err, "a-z, 0-9 and '-', at most 63 of them, the first a "
			    "letter");
}

static int check_format(const char *format, struct mreg_error *err)
{
	char safe[SHOWN_BYTES];

	if (!format || mr_render_is_format(format))
		return 0;
	(void)mr_fail(err, MREG_EUSAGE, "'%s' is no name of a model format",
		      mr_text_safe(format, safe, sizeof(safe)));
	return mr_hint(err, "letters, digits, '-', '.' and '_'");
}

static int check_server(const char *server, struct mreg_error *err)
{
	char safe[SHOWN_BYTES];

	if (!server || (server[0] && strlen(server) < MREG_REF_TEXT &&
			strspn(server, LETTERS LETTERS_LARGE DIGITS "./:@_-") ==
				strlen(server)))
		return 0;
	(void)mr_fail(err, MREG_EUSAGE, "'%s' is no name of an image",
		      mr_text_safe(server, safe, sizeof(safe)));
	return mr_hint(err, "HOST/NAME:TAG, or HOST/NAME@DIGEST");
}

/* An option that the file has no place for. */
static int check_places(const struct mreg_render_opts *o,
			struct mreg_error *err)
{
	bool kserve = o->as == MREG_RENDER_KSERVE;

	if (o->scheme && !has_uri(o)) {
		(void)mr_fail(err, MREG_EUSAGE,
			      "there is no storageUri in %s, so no scheme",
			      words[o->as]);
		return mr_hint(err, "--scheme goes with kserve, kustomize and "
				    "helm");
	}
	if (o->server && o->as != MREG_RENDER_K8S)
		return mr_fail(err, MREG_EUSAGE, "--server goes with k8s");
	if (o->model_format && !kserve && o->as != MREG_RENDER_HELM)
		return mr_fail(err, MREG_EUSAGE,
			       "--model-format goes with kserve and helm");
	if (o->name && o->as == MREG_RENDER_DOCKERFILE)
		return mr_fail(err, MREG_EUSAGE,
			       "a line of a Dockerfile has no --name");
	return 0;
}

static int check(const struct mreg_render_opts *o, struct mreg_error *err)
{
	int rc;

	if (!mreg_render_word(o->as) || (size_t)o->scheme >= MR_COUNT(schemes))
		return mr_fail(err, MREG_EUSAGE, "there is no such format");
	rc = check_places(o, err);
	if (rc >= 0)
		rc = check_name(o->name, err);
	if (rc >= 0)
		rc = check_format(o->model_format, err);
	return rc < 0 ? rc : check_server(o->server, err);
}

int mreg_render_check(const struct mreg_render_opts *given,
		      struct mreg_error *err)
{
	struct mreg_render_opts o;

	mr_opts_take(&o, sizeof(o), given, given->size);
	return check(&o, err);
}

/* -- what all have --------------------------------------------------------- */

static void put_option(struct mr_buf *b, const char *name, const char *value)
{
	if (value)
		mr_buf_printf(b, " --%s %s", name, value);
}

/* With all that was given; those were checked to be names. */
static void put_command(const struct mr_render *d, struct mr_buf *b)
{
	const struct mreg_render_opts *o = d->o;

	mr_buf_printf(b, "mreg resolve %s", d->r->name);
	mr_buf_printf(b, d->r->tag ? ":%s" : "@%s",
		      d->r->tag ? d->r->tag : d->digest);
	put_option(b, "format", words[o->as]);
	if (o->scheme)
		put_option(b, "scheme", schemes[o->scheme]);
	put_option(b, "name", o->name);
	put_option(b, "model-format", o->model_format);
	put_option(b, "server", o->server);
}

/* References and tags are of harmless signs by their grammar. */
void mr_render_head(const struct mr_render *d, struct mr_yaml *y)
{
	MR_AUTO(mr_buf_release) struct mr_buf b = MR_BUF_INIT(1u << 13);
	const char *version = d->version[0] ? d->version : d->digest;

	mr_buf_printf(&b, "%s of %s", version, d->r->name);
	if (d->r->tag && strcmp(d->r->tag, version) != 0)
		mr_buf_printf(&b, ", which '%s' was when this was written",
			      d->r->tag);
	mr_buf_puts(&b, "\nby: ");
	put_command(d, &b);
	mr_yaml_note_built(y, &b);
}

void mr_render_shares(const struct mr_render *d, struct mr_yaml *y)
{
	MR_AUTO(mr_buf_release) struct mr_buf b = MR_BUF_INIT(1u << 16);
	size_t i;

	if (!d->share_count)
		return;
	mr_buf_printf(&b, "'%s' is split ('mreg split'):", d->r->tag);
	for (i = 0; i < d->share_count; i++) {
		const struct mr_render *s = &d->shares[i];

		mr_buf_printf(&b, "\n  %2u %%  %s  %s", s->weight,
			      s->version[0] ? s->version : "-",
			      has_uri(d->o) ? s->uri : s->reference);
	}
	mr_yaml_note_built(y, &b);
}

void mr_render_annotated(const struct mr_render *d, struct mr_yaml *y)
{
	mr_yaml_text(y, "org.mreg.model", d->r->name);
	if (d->version[0])
		mr_yaml_text(y, "org.mreg.version", d->version);
	mr_yaml_text(y, "org.mreg.digest", d->digest);
}

void mr_render_annotations(const struct mr_render *d, struct mr_yaml *y)
{
	mr_yaml_map(y, "annotations");
	mr_render_annotated(d, y);
	mr_yaml_up(y, 1);
}

static int render(const struct mr_render *d, struct mr_buf *b,
		  struct mreg_error *err)
{
	switch (d->o->as) {
	case MREG_RENDER_KSERVE:
		return mr_render_kserve(d, b, err);
	case MREG_RENDER_K8S:
		mr_render_k8s(d, b);
		return 0;
	case MREG_RENDER_DOCKERFILE:
		mr_render_dockerfile(d, b);
		return 0;
	case MREG_RENDER_KUSTOMIZE:
		mr_render_kustomize(d, b);
		return 0;
	case MREG_RENDER_HELM:
		mr_render_helm(d, b);
		return 0;
	}
	return mr_fail(err, MREG_EUSAGE, "there is no such format");
}

int mreg_render(const struct mreg_resolve_result *r,
		const struct mreg_render_opts *given, char **out,
		struct mreg_error *err)
{
	MR_AUTO(mr_buf_release) struct mr_buf b = MR_BUF_INIT(RENDER_MAX_BYTES);
	struct mr_render d = { .r = r, .s = &r->served };
	struct mr_render shares[MREG_SPLIT_PARTS_MAX];
	struct mreg_render_opts o;
	int rc;

	mr_opts_take(&o, sizeof(o), given, given->size);
	d.o = &o;
	rc = check(&o, err);
	if (rc < 0)
		return rc;
	if (!r->is_served)
		return mr_fail(err, MREG_EUSAGE,
			       "'%s' was not resolved to be served", r->name);
	set_name(&d);
	rc = set_references(&d, err);
	if (rc >= 0)
		rc = set_shares(&d, shares, err);
	if (rc >= 0)
		rc = render(&d, &b, err);
	if (rc >= 0)
		rc = mr_buf_check(&b, "the text", err);
	if (rc < 0)
		return rc;
	*out = mr_buf_take(&b);
	return *out ? 0 : mr_fail_nomem(err);
}
