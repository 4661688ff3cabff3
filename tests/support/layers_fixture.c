/*
 * layers_fixture.c - a manifest as another tool writes it.
 */
#include "tests/support/layers_fixture.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "tests/support/test.h"

int layers_setup(void **state)
{
	struct layers_fixture *f = mr_zalloc(sizeof(*f));

	mr_buf_init(&f->text, 1 << 16);
	*state = f;
	return 0;
}

int layers_teardown(void **state)
{
	struct layers_fixture *f = *state;

	mr_release(f->items);
	mr_manifest_free(f->m);
	mr_buf_release(&f->text);
	mr_release(f);
	return 0;
}

void layers_put(struct layers_fixture *f, const char *text)
{
	for (; *text; text++)
		mr_buf_putc(&f->text, *text == '\'' ? '"' : *text);
}

void layers_parse(struct layers_fixture *f, const char *head,
		  const char *config, const struct layer_given *given, size_t n)
{
	size_t i;

	mr_release(f->items);
	mr_manifest_free(f->m);
	f->items = NULL;
	f->m = NULL;
	mr_buf_clear(&f->text);
	layers_put(f,
		   "{'schemaVersion':2,'mediaType':'" MR_MEDIA_MANIFEST "',");
	layers_put(f, head);
	layers_put(f, "'config':{'mediaType':'");
	layers_put(f, config);
	layers_put(f, "','digest':'" DIGEST("c") "','size':2},'layers':[");
	for (i = 0; i < n; i++) {
		mr_buf_printf(&f->text,
			      "%s{\"mediaType\":\"%s\",\"digest\":\"sha256:" HEX
			      "%zx\",\"size\":7",
			      i ? "," : "", given[i].type, i);
		layers_put(f, given[i].more);
		layers_put(f, "}");
	}
	layers_put(f, "]}");
	assert_ok(mr_manifest_parse(f->text.data, f->text.len, NULL, &f->m,
				    &f->err),
		  f->err);
}

void layers_read(struct layers_fixture *f, const char *head, const char *config,
		 const struct layer_given *given, size_t n)
{
	layers_parse(f, head, config, given, n);
	assert_ok(mr_model_layers(f->m, &f->items, &f->n, &f->err), f->err);
	assert_int_equal(f->n, n);
}

int layers_named(struct layers_fixture *f, const char *config)
{
	char text[2048];
	size_t i;

	mr_release(f->items);
	f->items = NULL;
	snprintf(text, sizeof(text), "%s", config);
	for (i = 0; text[i]; i++)
		if (text[i] == '\'')
			text[i] = '"';
	return mr_model_layers_named(f->m, text, strlen(text), &f->items, &f->n,
				     &f->err);
}

void layers_are(const struct layers_fixture *f, size_t i, const char *path,
		const char *role)
{
	assert_string_equal(f->items[i].path, path);
	assert_string_equal(f->items[i].role, role);
	assert_int_equal(f->items[i].form, MR_FORM_FILE);
	assert_false(f->items[i].archive);
}
