/* The table of kinds of nodes. What is forgotten here does not compile; what is forgotten in a kind fails a
 * test that names it. */
#include "orchestrator/internal.h"

const struct node_kind *const node_kinds[NODE_KIND_COUNT] = {
    [PLAN_IMAGE] = &image_kind,         [PLAN_NETWORK] = &network_kind, [PLAN_VOLUME] = &volume_kind,
    [PLAN_CONTAINER] = &container_kind, [PLAN_PROCESS] = &process_kind, [PLAN_VALUE] = &value_kind,
    [NODE_ENGINE] = &engine_kind,
};
