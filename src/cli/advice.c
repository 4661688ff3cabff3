/*
 * advice.c - what to do about an error that came without a hint.
 *
 * Where an error is raised more is known, and said; this is the last resort,
 * so that no error leaves its reader without a next step.
 */
#include "cli/cli.h"

#include <errno.h>

#include "base/error.h"

static const char *advice_of(const struct mreg_error *err)
{
	switch (err->code) {
	case MREG_ENOTFOUND:
		if (err->sys == ENOENT || err->sys == ENOTDIR)
			return "check the spelling of the path";
		return "check the spelling; 'mreg ls' lists models, 'mreg ls "
		       "NAME' versions and aliases";
	case MREG_ECONFLICT:
		return "look what is there now, then run the command again";
	case MREG_EAUTH:
		return "log in with 'mreg login HOST'";
	case MREG_EDENIED:
		return "ask its owner for access, or log in as somebody else";
	case MREG_EINTEGRITY:
		return "nothing of it was used; push it again from where it "
		       "was made, or ask who pushed it";
	case MREG_EPOLICY:
		return "mend what the causes name, then run the command again";
	case MREG_ENETWORK:
		return "check the network, then run the command again: what "
		       "arrived whole is kept";
	case MREG_EREMOTE:
		return "run the command again; if it stays so, ask those who "
		       "run the registry";
	case MREG_EUNSUPPORTED:
		return "use another version or registry; 'mreg doctor' tells "
		       "what one can";
	case MREG_EFORMAT:
		return "mend what is named, or ask who made it";
	case MREG_ELIMIT:
		return "make what is named smaller, or ask who made it";
	case MREG_EIO:
		return "check the path, its permissions and the space left, "
		       "then run the command again";
	case MREG_EDB:
		return "run the command again; what is below ~/.cache/mreg may "
		       "be removed, and an index made anew: 'mreg index "
		       "rebuild'";
	case MREG_ENOMEM:
		return "free some memory or use fewer --jobs, then run the "
		       "command again";
	case MREG_ECANCELED:
		return "run the command again: what arrived whole is kept";
	case MREG_EINTERNAL:
		return "this is a bug in mreg: please report it, with what "
		       "-vv tells";
	case MREG_EUSAGE: /* names the command */
	case MREG_OK:
		break;
	}
	return NULL;
}

void cli_advise(const struct cli_command *c, struct mreg_error *err)
{
	const char *advice = err->hint[0] ? NULL : advice_of(err);

	if (err->code == MREG_EUSAGE && !err->hint[0])
		(void)mr_hint(err, "see 'mreg %s%s--help'", c ? c->name : "",
			      c ? " " : "");
	else if (advice)
		(void)mr_hint(err, "%s", advice);
}
