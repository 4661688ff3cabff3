/*
 * draw.c - a graph in the format that is asked for.
 */
#include "base/error.h"
#include "base/mem.h"
#include "draw/draw.h"
#include "draw/graph.h"
#include "mreg/lineage.h"
#include "repo/repo.h"

static int draw(struct mreg *m, const struct mr_drawn *d, enum mreg_picture as,
		struct mr_buf *b, struct mreg_error *err)
{
	switch (as) {
	case MREG_PICTURE_DOT:
		mr_draw_dot(d, b);
		return 0;
	case MREG_PICTURE_SVG:
		return mr_draw_svg(&m->env, d, b, err);
	case MREG_PICTURE_MERMAID:
		mr_draw_mermaid(d, b);
		return 0;
	case MREG_PICTURE_OPENLINEAGE:
		return mr_draw_openlineage(d, b, err);
	case MREG_PICTURE_PROV:
		return mr_draw_prov(d, b, err);
	}
	return mr_fail(err, MREG_EUSAGE, "there is no such picture");
}

int mreg_lineage_draw(struct mreg *m, const struct mreg_lineage_result *r,
		      enum mreg_picture as, size_t most, char **out,
		      struct mreg_error *err)
{
	MR_AUTO(mr_drawn_release) struct mr_drawn d = { .r = r };
	MR_AUTO(mr_buf_release)
	struct mr_buf b = MR_BUF_INIT(MR_PICTURE_MAX_BYTES);
	int rc = mr_drawn_init(r, most, &d, err);

	if (rc >= 0)
		rc = draw(m, &d, as, &b, err);
	if (rc >= 0)
		rc = mr_buf_check(&b, "a picture", err);
	if (rc < 0)
		return rc;
	*out = mr_buf_take(&b);
	return *out ? 0 : mr_fail_nomem(err);
}
