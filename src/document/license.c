/*
 * license.c - Hugging Face's names of licences as SPDX identifiers.
 */
#include "document/document.h"

#include <strings.h>

#include "base/mem.h"
#include "mreg/types.h"

/*
 * The list of the Hub (hub-docs, docs/hub/repositories-licenses.md) as far as
 * the SPDX License List has the licence.  Families without a version (bsd, cc,
 * gfdl, gpl, lgpl), the OpenRAIL kind, and what a company wrote for its own
 * models (llama3, gemma, apple-amlr, ...) have no identifier there.  A GNU
 * licence by its number alone is "-only": so SPDX itself reads the identifiers
 * "GPL-2.0" and the like that it replaced.
 */
static const struct mreg_pair listed[] = {
	{ "afl-3.0", "AFL-3.0" },
	{ "agpl-3.0", "AGPL-3.0-only" },
	{ "apache-2.0", "Apache-2.0" },
	{ "artistic-2.0", "Artistic-2.0" },
	{ "bsd-2-clause", "BSD-2-Clause" },
	{ "bsd-3-clause", "BSD-3-Clause" },
	{ "bsd-3-clause-clear", "BSD-3-Clause-Clear" },
	{ "bsl-1.0", "BSL-1.0" },
	{ "c-uda", "C-UDA-1.0" },
	{ "cc-by-2.0", "CC-BY-2.0" },
	{ "cc-by-2.5", "CC-BY-2.5" },
	{ "cc-by-3.0", "CC-BY-3.0" },
	{ "cc-by-4.0", "CC-BY-4.0" },
	{ "cc-by-nc-2.0", "CC-BY-NC-2.0" },
	{ "cc-by-nc-3.0", "CC-BY-NC-3.0" },
	{ "cc-by-nc-4.0", "CC-BY-NC-4.0" },
	{ "cc-by-nc-nd-3.0", "CC-BY-NC-ND-3.0" },
	{ "cc-by-nc-nd-4.0", "CC-BY-NC-ND-4.0" },
	{ "cc-by-nc-sa-2.0", "CC-BY-NC-SA-2.0" },
	{ "cc-by-nc-sa-3.0", "CC-BY-NC-SA-3.0" },
	{ "cc-by-nc-sa-4.0", "CC-BY-NC-SA-4.0" },
	{ "cc-by-nd-4.0", "CC-BY-ND-4.0" },
	{ "cc-by-sa-3.0", "CC-BY-SA-3.0" },
	{ "cc-by-sa-4.0", "CC-BY-SA-4.0" },
	{ "cc0-1.0", "CC0-1.0" },
	{ "cdla-permissive-1.0", "CDLA-Permissive-1.0" },
	{ "cdla-permissive-2.0", "CDLA-Permissive-2.0" },
	{ "cdla-sharing-1.0", "CDLA-Sharing-1.0" },
	{ "ecl-2.0", "ECL-2.0" },
	{ "epl-1.0", "EPL-1.0" },
	{ "epl-2.0", "EPL-2.0" },
	{ "etalab-2.0", "etalab-2.0" },
	{ "eupl-1.1", "EUPL-1.1" },
	{ "eupl-1.2", "EUPL-1.2" },
	{ "gpl-2.0", "GPL-2.0-only" },
	{ "gpl-3.0", "GPL-3.0-only" },
	{ "isc", "ISC" },
	{ "lgpl-2.1", "LGPL-2.1-only" },
	{ "lgpl-3.0", "LGPL-3.0-only" },
	{ "lgpl-lr", "LGPLLR" },
	{ "lppl-1.3c", "LPPL-1.3c" },
	{ "mit", "MIT" },
	{ "mpl-2.0", "MPL-2.0" },
	{ "ms-pl", "MS-PL" },
	{ "ncsa", "NCSA" },
	{ "odbl", "ODbL-1.0" },
	{ "odc-by", "ODC-By-1.0" },
	{ "ofl-1.1", "OFL-1.1" },
	{ "osl-3.0", "OSL-3.0" },
	{ "pddl", "PDDL-1.0" },
	{ "postgresql", "PostgreSQL" },
	{ "unlicense", "Unlicense" },
	{ "wtfpl", "WTFPL" },
	{ "zlib", "Zlib" },
	/* SPDX identifiers that are not on the Hub's list, but in cards. */
	{ "0bsd", "0BSD" },
	{ "agpl-3.0-only", "AGPL-3.0-only" },
	{ "agpl-3.0-or-later", "AGPL-3.0-or-later" },
	{ "busl-1.1", "BUSL-1.1" },
	{ "c-uda-1.0", "C-UDA-1.0" },
	{ "cc-by-nd-3.0", "CC-BY-ND-3.0" },
	{ "cc-by-sa-2.0", "CC-BY-SA-2.0" },
	{ "gpl-2.0-only", "GPL-2.0-only" },
	{ "gpl-2.0-or-later", "GPL-2.0-or-later" },
	{ "gpl-3.0-only", "GPL-3.0-only" },
	{ "gpl-3.0-or-later", "GPL-3.0-or-later" },
	{ "lgpl-2.1-only", "LGPL-2.1-only" },
	{ "lgpl-2.1-or-later", "LGPL-2.1-or-later" },
	{ "lgpl-3.0-only", "LGPL-3.0-only" },
	{ "lgpl-3.0-or-later", "LGPL-3.0-or-later" },
	{ "mit-0", "MIT-0" },
	{ "mulanpsl-2.0", "MulanPSL-2.0" },
	{ "odbl-1.0", "ODbL-1.0" },
	{ "odc-by-1.0", "ODC-By-1.0" },
	{ "pddl-1.0", "PDDL-1.0" },
	{ "psf-2.0", "PSF-2.0" },
};

const char *mr_license_spdx(const char *huggingface)
{
	size_t i;

	for (i = 0; i < MR_COUNT(listed); i++)
		if (strcasecmp(listed[i].name, huggingface) == 0)
			return listed[i].value;
	return NULL;
}
