/* What the top of a manifest says, apart from parameters and resources. Internal to the room. */
#ifndef MANIFEST_ROOT_H
#define MANIFEST_ROOT_H

#include "manifest/field.h"

struct manifest_root {
    const char *name, *engine, *otlp_endpoint;
    const char **profiles;
    size_t profile_count;
    bool dashboard;
};

#endif
