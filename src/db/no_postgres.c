/*
 * no_postgres.c - PostgreSQL, where it was not built in (WITH_PG=no).
 */
#include "db/driver.h"

#include "base/error.h"

int mr_postgres_open(struct mr_env *env, const char *uri, enum mr_db_mode mode,
		     struct mr_db **out, struct mreg_error *err)
{
	(void)env;
	(void)uri;
	(void)mode;
	(void)out;
	(void)mr_fail(err, MREG_EUNSUPPORTED,
		      "this mreg was built without PostgreSQL");
	return mr_hint(err, "name a file, or build it where libpq's headers "
			    "are");
}
