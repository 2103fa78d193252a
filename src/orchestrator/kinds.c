/* The table of kinds of nodes: one that is missing, or twice, does not compile. What is forgotten in a kind
 * fails a test that names it. */
#include "orchestrator/internal.h"

#include "base/names.h"

#define ROWS                                                                                                 \
    [PLAN_IMAGE] = &image_kind, [PLAN_NETWORK] = &network_kind, [PLAN_VOLUME] = &volume_kind,                \
    [PLAN_CONTAINER] = &container_kind, [PLAN_PROCESS] = &process_kind, [PLAN_VALUE] = &value_kind,          \
    [NODE_ENGINE] = &engine_kind
static_assert(NAMES_GIVEN(ROWS) == NODE_KIND_COUNT, "one row for each kind of node");

const struct node_kind *const node_kinds[NODE_KIND_COUNT] = {ROWS};
