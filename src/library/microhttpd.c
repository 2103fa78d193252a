/* See microhttpd.h. */
#include "library/microhttpd.h"

#include <assert.h>

static struct mhd_functions microhttpd_functions;

MHD_FUNCTIONS(LIBRARY_LINKED)
static const char *const microhttpd_names[] = {MHD_FUNCTIONS(LIBRARY_NAME)};
static_assert(sizeof microhttpd_functions == sizeof microhttpd_names, "a pointer for each name");

static const char *microhttpd_version(void)
{
    return MHD_get_version();
}

const struct library libmicrohttpd_library = {
    .file = "libmicrohttpd.so.12",
    .package = "libmicrohttpd12",
    .what_for = "the dashboard is served with it",
    .names = microhttpd_names,
    .count = sizeof microhttpd_names / sizeof *microhttpd_names,
    .functions = &microhttpd_functions,
    .within = LIBRARY_ADDRESSES(MHD_FUNCTIONS),
    .version = microhttpd_version,
};

int libmicrohttpd_open(struct error *err)
{
    return library_open(&libmicrohttpd_library, err);
}

const struct mhd_functions *libmicrohttpd(void)
{
    return &microhttpd_functions;
}
