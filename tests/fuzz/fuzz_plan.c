/* room: plan */
/* A plan arrives over the control socket: whatever bytes come, reading it ends in a plan or an error, and
 * what was read can be written, hashed and explained. */
#include "plan/plan.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cJSON *json = json_parse((const char *)data, size, NULL);
    struct plan *plan = json ? plan_from_json(json, NULL) : NULL;
    for (size_t i = 0; plan && i < plan->node_count; i++) {
        cJSON *spec = plan_node_spec(&plan->nodes[i]);
        free(plan_explain(spec, json));
        cJSON_Delete(spec);
    }
    for (size_t i = 0; plan && i < plan->resource_count; i++)
        free(plan_mask(&plan->resources[i].display, NULL));
    if (plan)
        cJSON_Delete(plan_to_json(plan, true));
    plan_free(plan);
    cJSON_Delete(json);
    return 0;
}
