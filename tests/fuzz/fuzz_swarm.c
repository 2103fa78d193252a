/* room: deploy */
/* Any JSON as the services and tasks that a swarm says it has ({"services", "tasks"}): no crash, no leak, and
 * every service has a state. */
#include "deploy/internal.h"
#include "base/mem.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void judge(const cJSON *service, const struct deploy_seen *seen)
{
    struct swarm_change change = {.seen = service, .digest = "0123456789abcdef"};
    struct swarm_judgement judgement = swarm_judge(&change, service, seen->tasks);
    if (judgement.task && !swarm_task_words(judgement.task))
        abort();
    swarm_note_past(&change, seen->tasks);
    swarm_is_settled(service, seen->tasks);
    if (!swarm_kind(&change) || !swarm_change_name(&change))
        abort();
    swarm_version(service);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cleanup_json cJSON *document = json_parse((const char *)data, size, NULL);
    const cJSON *service;
    struct deploy_seen seen = {json_get(document, "services"), json_get(document, "tasks")};
    cleanup_error struct error error = {0};
    cJSON_ArrayForEach(service, seen.services)
    {
        judge(service, &seen);
    }
    swarm_check_key(&seen, "a key", &error);
    swarm_find_service(seen.services, "cache");

    cleanup_services struct deploy_services services = {0};
    deploy_status(&seen, &services);
    for (size_t i = 0; i < services.count; i++)
        if (!services.items[i].state)
            abort();
    return 0;
}
