/* Read in front of every source by scripts/analyse: what an analyser cannot see from one file alone. Whatever makes an
 * error returns -1, so what follows a success has all that the success promises. Not for the files that define them. */
#include "base/error.h"
#include "client_base/fail.h"

static inline int analysed_failure(int rc)
{
    (void)rc;
    return -1;
}

#define error_set(...) analysed_failure(error_set(__VA_ARGS__))
#define error_wrap(...) analysed_failure(error_wrap(__VA_ARGS__))
#define fail_set(...) analysed_failure(fail_set(__VA_ARGS__))
#define fail_memory(...) analysed_failure(fail_memory(__VA_ARGS__))
#define fail_argument(...) analysed_failure(fail_argument(__VA_ARGS__))
#define fail_null(...) analysed_failure(fail_null(__VA_ARGS__))
