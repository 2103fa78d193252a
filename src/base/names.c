/* See names.h. */
#include "base/names.h"

#include <string.h>

const char *names_text(const struct enum_names *names, size_t value)
{
    return value < names->count ? names->texts[value] : "unknown";
}

int names_find(const struct enum_names *names, const char *text)
{
    for (size_t i = 0; text && i < names->count; i++)
        if (strcmp(names->texts[i], text) == 0)
            return (int)i;
    return -1;
}
