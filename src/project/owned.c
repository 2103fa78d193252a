/* Reading what the engine's objects say about whose they are. See owned.h. */
#include "project/owned.h"

#include "base/mem.h"
#include "base/ours.h"
#include "base/pick.h"
#include "machine/self.h"

#include <unistd.h>

/* A volume of the engine's list; or a container of engine_once's. */
static const cJSON *labels_of(const cJSON *object)
{
    const cJSON *labels = json_get(object, "Labels");
    if (labels)
        return labels;
    return json_get(object, "labels");
}

struct owned owned_of(const cJSON *object)
{
    const cJSON *labels = labels_of(object);
    const char *lifetime = json_string(labels, LABEL_LIFETIME, NULL);

    struct owned owned = {
        .name = json_string(object, "Name", json_string(object, "name", "")),
        .state = json_string(object, "state", ""),
        .project = json_string(labels, LABEL_PROJECT, ""),
        .hash = json_string(labels, LABEL_PROJECT_HASH, ""),
        .manifest = json_string(labels, LABEL_MANIFEST, ""),
        .manifest_outside = json_string(labels, LABEL_MANIFEST_OUTSIDE, ""),
        .container = json_string(labels, LABEL_CONTAINER, ""),
        .owner = json_string(labels, LABEL_OWNER, ""),
        .uid = -1,
        .is_persistent = str_eq(lifetime, "persistent"),
        .is_session = str_eq(lifetime, "session"),
    };

    str_to_int64(json_string(labels, LABEL_UID, ""), 0, UINT32_MAX, &owned.uid);
    return owned;
}

bool owned_is_mine(const struct owned *owned)
{
    return owned->uid == (int64_t)getuid();
}

bool owned_is_from_here(const struct owned *owned)
{
    cleanup_free char *container = machine_container_id();
    return str_eq(owned->container, text_or_empty(container));
}
