/*
 * platforms.c - the platforms of an image.
 */
#include "profile/platforms.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/text.h"
#include "profile/base.h"
#include "profile/shell.h"

#define SHOWN 96
/* Of an os, an architecture, a variant. */
#define WORD_MAX_BYTES 32
#define OS "linux"

int mr_image_user(struct mr_profile *p, const char **out,
		  struct mreg_error *err)
{
	const char *user = p->o->user;
	char shown[SHOWN];
	char part[16];
	uint64_t id;
	size_t n;

	*out = NULL;
	if (!user)
		return 0;
	n = strcspn(user, ":");
	if (n < sizeof(part)) {
		memcpy(part, user, n);
		part[n] = '\0';
		if (mr_text_u64(part, UINT32_MAX - 1, &id) == 0 &&
		    (!user[n] ||
		     mr_text_u64(user + n + 1, UINT32_MAX - 1, &id) == 0)) {
			*out = user;
			return 0;
		}
	}
	(void)mr_fail(err, MREG_EUSAGE, "'%s' is no user of an image",
		      mr_text_safe(user, shown, sizeof(shown)));
	return mr_hint(err, "a number, or two: 1010, or 1010:0; the image has "
			    "no list of names");
}

/* -- what was asked for -------------------------------------------------------
 */

bool mr_image_is_word(const char *s, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (!strchr("abcdefghijklmnopqrstuvwxyz0123456789_.-", s[i]))
			return false;
	return n > 0 && n <= WORD_MAX_BYTES;
}

static int fail_platform(const char *text, struct mreg_error *err)
{
	char shown[SHOWN];

	(void)mr_fail(err, MREG_EUSAGE, "'%s' is no platform of an image",
		      mr_text_safe(text, shown, sizeof(shown)));
	return mr_hint(err, "write " OS "/amd64 or " OS "/arm64");
}

/* "linux/arm64" or "linux/arm64/v8". */
static int parse(struct mr_profile *p, const char *text,
		 struct mr_image_platform *out, struct mreg_error *err)
{
	size_t os = strcspn(text, "/");
	const char *arch = text + os + (text[os] ? 1 : 0);
	size_t n = strcspn(arch, "/");
	const char *variant = arch[n] ? arch + n + 1 : NULL;

	if (os != strlen(OS) || strncmp(text, OS, os) != 0 ||
	    !mr_image_is_word(arch, n) ||
	    (variant && !mr_image_is_word(variant, strlen(variant))))
		return fail_platform(text, err);
	out->os = OS;
	out->architecture = mr_arena_strndup(p->arena, arch, n);
	out->variant = variant ? mr_arena_strdup(p->arena, variant) : NULL;
	return mr_result_check(p->arena, err);
}

int mr_image_platform_compare(const void *a, const void *b)
{
	const struct mr_image_platform *x = a;
	const struct mr_image_platform *y = b;
	int order = strcmp(x->architecture, y->architecture);

	return order ? order
		     : strcmp(x->variant ? x->variant : "",
			      y->variant ? y->variant : "");
}

const char *mr_image_platform_text(const struct mr_image_platform *at,
				   char out[MR_IMAGE_PLATFORM_TEXT])
{
	(void)snprintf(out, MR_IMAGE_PLATFORM_TEXT, "%s/%s%s%s", at->os,
		       at->architecture, at->variant ? "/" : "",
		       at->variant ? at->variant : "");
	return out;
}

/* -- shells -------------------------------------------------------------------
 */

static const struct mr_profile_shell *find_shell(const char *architecture)
{
	const struct mr_profile_shell *all;
	size_t n;
	size_t i;

	all = mr_profile_shells(&n);
	for (i = 0; i < n; i++)
		if (strcmp(all[i].architecture, architecture) == 0)
			return &all[i];
	return NULL;
}

static int fail_shell(const struct mr_image_platform *at,
		      struct mreg_error *err)
{
	char text[MR_IMAGE_PLATFORM_TEXT];

	(void)mr_fail(err, MREG_EUNSUPPORTED, "there is no /bin/sh for %s",
		      mr_image_platform_text(at, text));
	return mr_hint(err, "take one from an image with --base, or do "
			    "without: --no-shell");
}

static int add_shell(struct mr_profile *p, struct mr_image_platform *at,
		     struct mreg_error *err)
{
	const struct mr_profile_shell *shell = find_shell(at->architecture);

	if (!shell)
		return fail_shell(at, err);
	at->shell = mr_arena_alloc(p->arena, sizeof(*at->shell));
	if (!at->shell)
		return mr_fail_nomem(err);
	return mr_image_lay_shell(shell->data, shell->size, p->arena, at->shell,
				  err);
}

static struct mr_image_platform *new_platform(struct mr_profile *p)
{
	struct mr_image_platform *at = &p->platforms[p->platform_count++];

	mr_image_platform_init(at);
	return at;
}

static int take_asked(struct mr_profile *p, struct mreg_error *err)
{
	char text[MR_IMAGE_PLATFORM_TEXT];
	size_t i;
	int rc = 0;

	for (i = 0; rc >= 0 && i < p->o->platform_count; i++)
		rc = parse(p, p->o->platforms[i], new_platform(p), err);
	if (rc < 0)
		return rc;
	qsort(p->platforms, p->platform_count, sizeof(*p->platforms),
	      mr_image_platform_compare);
	for (i = 1; i < p->platform_count; i++)
		if (mr_image_platform_compare(&p->platforms[i - 1],
					      &p->platforms[i]) == 0)
			return mr_fail(
				err, MREG_EUSAGE,
				"platform %s is asked for twice",
				mr_image_platform_text(&p->platforms[i], text));
	return 0;
}

static void take_all(struct mr_profile *p)
{
	const struct mr_profile_shell *all;
	size_t n;
	size_t i;

	all = mr_profile_shells(&n);
	for (i = 0; i < n; i++) {
		struct mr_image_platform *at = new_platform(p);

		at->os = OS;
		at->architecture = all[i].architecture;
	}
}

/* The base decides which there are. */
static int take_base(struct mr_profile *p, struct mreg_error *err)
{
	const struct mr_image_platform *asked = p->platforms;
	size_t n = p->platform_count;

	p->platforms = NULL;
	p->platform_count = 0;
	return mr_image_base_take(p, asked, n, err);
}

int mr_image_platforms(struct mr_profile *p, struct mreg_error *err)
{
	size_t most;
	size_t i;
	int rc = 0;

	if (p->o->base && p->o->no_shell) {
		(void)mr_fail(err, MREG_EUSAGE,
			      "--base and --no-shell exclude each other");
		return mr_hint(err, "a base brings its own shell, or has none: "
				    "leave out --no-shell");
	}
	(void)mr_profile_shells(&most);
	if (p->o->platform_count)
		most = p->o->platform_count;
	p->platforms =
		mr_arena_alloc(p->arena, (most + 1) * sizeof(*p->platforms));
	if (!p->platforms)
		return mr_fail_nomem(err);
	if (p->o->platform_count)
		rc = take_asked(p, err);
	else if (!p->o->base)
		take_all(p);
	if (rc >= 0 && p->o->base)
		return take_base(p, err);
	for (i = 0; rc >= 0 && !p->o->no_shell && i < p->platform_count; i++)
		rc = add_shell(p, &p->platforms[i], err);
	return rc;
}
