/* See microhttpd.h. */
#include "library/microhttpd.h"

#include <assert.h>

static struct mhd_functions microhttpd_functions;

int libmicrohttpd_open(struct error *err)
{
    static const char *const names[] = {MHD_FUNCTIONS(LIBRARY_NAME)};
    static const struct library library = {
        .file = "libmicrohttpd.so.12",
        .package = "libmicrohttpd12",
        .what_for = "the dashboard is served with it",
        .names = names,
        .count = sizeof names / sizeof *names,
        .functions = &microhttpd_functions,
    };
    static_assert(sizeof microhttpd_functions == sizeof names, "a pointer for each name");
    return library_open(&library, err);
}

const struct mhd_functions *libmicrohttpd(void)
{
    return &microhttpd_functions;
}
