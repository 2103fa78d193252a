/* zlib, opened by whoever is sent something packed. See library.h. */
#ifndef LIBRARY_ZLIB_H
#define LIBRARY_ZLIB_H

#include "library/library.h"

#include <zlib.h>

/* clang-format off */
#define ZLIB_FUNCTIONS(X) X(inflateInit2_) X(inflate) X(inflateEnd) X(zlibVersion)
/* clang-format on */
struct zlib_functions {
    ZLIB_FUNCTIONS(LIBRARY_MEMBER)
};

extern const struct library libz_library;
/* 0, or -1. */
int libz_open(struct error *err);
/* Its functions; NULL members before it was opened. */
const struct zlib_functions *libz(void);

#define inflateInit2_ (libz()->inflateInit2_)
#define inflate (libz()->inflate)
#define inflateEnd (libz()->inflateEnd)
#define zlibVersion (libz()->zlibVersion)

#endif
