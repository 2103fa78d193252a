/* The soft limit alone is moved, so that it can be given back without privileges. To one byte, not to none: a
 * core file is larger, and for a program that takes cores the kernel heeds no other limit than this. */
#include "base/coredump.h"

#include <stdbool.h>
#include <sys/resource.h>

static struct rlimit before;
static bool is_known;

enum { NO_CORE = 1 };

static void set_soft(rlim_t soft)
{
    struct rlimit limit = {.rlim_cur = soft, .rlim_max = before.rlim_max};
    if (is_known && limit.rlim_cur <= limit.rlim_max)
        setrlimit(RLIMIT_CORE, &limit);
}

void coredump_forbid(void)
{
    is_known = getrlimit(RLIMIT_CORE, &before) == 0;
    set_soft(NO_CORE);
}

void coredump_give_back(void)
{
    set_soft(before.rlim_cur);
}

void coredump_forbid_again(void)
{
    set_soft(NO_CORE);
}
