/*
 * svg.c - a graph as SVG, by graphviz's dot where it is installed.
 */
#include "base/error.h"
#include "base/mem.h"
#include "base/process.h"
#include "draw/graph.h"

/* dot is not linear in the size of a graph: a picture that takes longer is one
 * that nobody can read. */
#define TIMEOUT_MS 60000

/* That it could not be run, or ended badly. */
static int fail(int rc, struct mreg_error *err)
{
	if (rc == MREG_ENOTFOUND) {
		(void)mr_fail(err, MREG_EUNSUPPORTED,
			      "a picture needs graphviz's 'dot', which is not "
			      "here");
		return mr_hint(err, "install graphviz, or draw as mermaid or "
				    "dot");
	}
	if (rc < 0)
		return rc;
	(void)mr_fail(err, MREG_EUNSUPPORTED,
		      "graphviz's 'dot' made no picture of the graph");
	return mr_hint(err, "'dot -Tsvg' says why, given what --format dot "
			    "prints");
}

int mr_draw_svg(struct mr_env *env, const struct mr_drawn *d, struct mr_buf *b,
		struct mreg_error *err)
{
	MR_AUTO(mr_buf_release)
	struct mr_buf dot = MR_BUF_INIT(MR_PICTURE_MAX_BYTES);
	MR_AUTO(mr_buf_release)
	struct mr_buf svg = MR_BUF_INIT(MR_PICTURE_MAX_BYTES);
	static const char *const argv[] = { "dot", "-Tsvg", NULL };
	struct mr_process p = { .argv = argv, .timeout_ms = TIMEOUT_MS };
	bool ok;
	int rc;

	mr_draw_dot(d, &dot);
	rc = mr_buf_check(&dot, "a picture", err);
	if (rc < 0)
		return rc;
	p.input = dot.data;
	p.input_len = dot.len;
	rc = mr_process_run(env, &p, &svg, &ok, err);
	if (rc < 0 || !ok)
		return fail(rc, err);
	return mr_svg_clean(mr_buf_text(&svg), b, err);
}
