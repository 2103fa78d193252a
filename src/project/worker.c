/* See worker.h. */
#include "project/worker.h"

#include "base/image.h"
#include "base/mem.h"

#include <string.h>

static void isolate_server(struct model_redis *redis)
{
    redis->host_port = 0;
    redis->insight.host_port = redis->commander.host_port = 0;
    redis->insight.data = redis->commander.data = NULL;
    if (redis->data && !redis->data->read_only)
        redis->data = NULL;
}

void worker_isolate(struct model *model)
{
    for (size_t i = 0; i < model->resource_count; i++) {
        struct model_resource *resource = &model->resources[i];
        resource->lifetime = MODEL_SESSION;
        if (model_is_server(resource->kind))
            isolate_server(&resource->redis);
        for (size_t e = 0; e < resource->endpoint_count; e++) {
            /* A process that is not told its port listens where it always does. */
            if (resource->kind == MODEL_CONTAINER || resource->endpoints[e].env)
                resource->endpoints[e].port = 0;
        }
    }
}

/* "ghcr.io/acme/valkey-bundle:8.1" is a Valkey. */
static enum model_kind kind_of_image(const char *image, enum model_kind otherwise)
{
    static const enum model_kind kinds[] = {MODEL_VALKEY, MODEL_GARNET, MODEL_REDIS};
    struct image_reference reference = {0};
    if (image_reference_parse(image, &reference, NULL))
        return otherwise;
    enum model_kind found = otherwise;
    const char *slash = strrchr(reference.path, '/');
    const char *name = slash ? slash + 1 : reference.path;
    for (size_t i = sizeof kinds / sizeof *kinds; i-- > 0;)
        if (strstr(name, model_kind_name(kinds[i])))
            found = kinds[i];

    image_reference_free(&reference);
    return found;
}

void worker_use_image(struct model *model, const char *image)
{
    for (size_t i = 0; i < model->resource_count; i++) {
        struct model_resource *resource = &model->resources[i];
        if (!model_is_server(resource->kind))
            continue;
        resource->kind = kind_of_image(image, resource->kind);
        resource->image = image;
    }
}
