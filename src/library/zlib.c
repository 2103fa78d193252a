/* See zlib.h. */
#include "library/zlib.h"

#include <assert.h>

static struct zlib_functions zlib_functions;

ZLIB_FUNCTIONS(LIBRARY_LINKED)
static const char *const zlib_names[] = {ZLIB_FUNCTIONS(LIBRARY_NAME)};
static_assert(sizeof zlib_functions == sizeof zlib_names, "a pointer for each name");

static const char *libz_version(void)
{
    return zlibVersion();
}

const struct library libz_library = {
    .file = "libz.so.1",
    .package = "zlib1g",
    .what_for = "packed telemetry is read with it",
    .names = zlib_names,
    .count = sizeof zlib_names / sizeof *zlib_names,
    .functions = &zlib_functions,
    .within = LIBRARY_ADDRESSES(ZLIB_FUNCTIONS),
    .version = libz_version,
};

int libz_open(struct error *err)
{
    return library_open(&libz_library, err);
}

const struct zlib_functions *libz(void)
{
    return &zlib_functions;
}
