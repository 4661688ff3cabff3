/*
 * version.c - which mreg this is, and what it runs on.
 */
#include "mreg/session.h"

#ifndef MREG_VERSION
#error "MREG_VERSION comes from the Makefile"
#endif

const char *mreg_version(void)
{
	return MREG_VERSION;
}
