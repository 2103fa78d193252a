/* See installed.h. Alone in its file, which is compiled anew when INSTALLED is another. */
#include "base/installed.h"

#ifndef APPHOST_INSTALLED
#define APPHOST_INSTALLED "source"
#endif

const char *installed_as(void)
{
    return APPHOST_INSTALLED;
}
