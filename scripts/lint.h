/*
 * scripts/lint.h - told to clang's analyzer, which sees one file at a time:
 * what raises or wraps an error returns a negative code.  Included before
 * each file that lint reads, never by the build.
 */
#include "base/error.h"

#define mr_fail(err, code, ...) (mr_fail((err), (code), __VA_ARGS__), (code))
#define mr_fail_sys(...) (mr_fail_sys(__VA_ARGS__), (int)MREG_EIO)
#define mr_fail_nomem(err) (mr_fail_nomem(err), (int)MREG_ENOMEM)
#define mr_wrap(...) (mr_wrap(__VA_ARGS__), (int)MREG_EIO)
#define mr_hint(...) (mr_hint(__VA_ARGS__), (int)MREG_EIO)
#define mr_cause(...) (mr_cause(__VA_ARGS__), (int)MREG_EIO)
