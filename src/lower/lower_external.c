/* Services that others run: a node that nothing is started for, and that is asked where somebody says how. */
#include "lower/internal.h"

void lower_external(struct lower *l, const struct model_resource *resource)
{
    static const enum plan_probe_kind kinds[MODEL_READY_COUNT] = {
        /* not all: it has no output, and runs nothing */
        [MODEL_READY_DEFAULT] = PLAN_PROBE_NONE,
        [MODEL_READY_HTTP] = PLAN_PROBE_HTTP,
        [MODEL_READY_TCP] = PLAN_PROBE_TCP,
    };
    const struct model_ready *ready = &resource->ready;
    struct plan_node *node = lower_add_node(l, PLAN_VALUE, resource->name, resource->name);
    struct consumer c = {.resource = resource, .node = node};

    node->pos = resource->pos;
    node->is_default = true;
    node->value = lower_text(l, &c, &resource->external.url);
    node->check = (struct plan_probe){
        .kind = kinds[ready->kind],
        .http_path = ready->http_path,
        .http_status = ready->http_status,
        .interval_ms = ready->interval_ms,
        .timeout_ms = ready->timeout_ms,
    };
    lower_wait_for_parts(l, node, &resource->external.url);
}
