/* See worker.h. */
#include "project/worker.h"

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
