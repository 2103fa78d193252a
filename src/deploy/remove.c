/* Taking a deployment away. The engine answers at once, while containers run on for their time to stop: the
 * end is waited for as far as this engine can see it. Volumes stay unless they are asked for, and those of
 * other nodes are out of reach: they are named. */
#include "deploy/internal.h"

#include "base/mem.h"
#include "base/ours.h"
#include "base/pick.h"

#include <stdlib.h>
#include <string.h>

enum { GONE_MS = 120000, STEP_MS = 200 };

static void tell_removed(struct swarm *swarm, const char *kind, const char *name)
{
    swarm_tell(swarm, &(struct deploy_news){.verb = DEPLOY_REMOVE, .kind = kind, .name = name});
}

static int remove_services(struct swarm *swarm, struct error *err)
{
    const cJSON *service;
    cJSON_ArrayForEach(service, swarm->seen.services)
    {
        tell_removed(swarm, "service", swarm_resource(service));
        engine_service_remove(swarm->once->engine, json_string(service, "ID", ""), engine_once_done,
                              swarm->once);
        if (engine_once_wait(swarm->once, err))
            return -1;
    }
    return 0;
}

/* ---- until nothing runs ---- */

static int list_containers(struct swarm *swarm, cJSON **list, struct error *err)
{
    cleanup_free char *label = swarm_filter(swarm->project);
    const char *labels[] = {label, NULL};
    engine_container_list(swarm->once->engine, labels, engine_once_done, swarm->once);
    if (engine_once_wait(swarm->once, err))
        return -1;
    *list = take_ptr(&swarm->once->json);
    return 0;
}

/* A task that is over leaves its container behind when its service goes: nobody else removes that one. */
static int remove_ended(struct swarm *swarm, const cJSON *list, struct error *err)
{
    const cJSON *container;
    cJSON_ArrayForEach(container, list)
    {
        if (!str_eq(json_string(container, "state", ""), "exited"))
            continue;
        engine_container_remove(swarm->once->engine, json_string(container, "id", ""), false,
                                engine_once_done, swarm->once);
        if (engine_once_wait(swarm->once, err))
            return -1;
    }
    return 0;
}

static int count_containers(struct swarm *swarm, int *count, struct error *err)
{
    cleanup_json cJSON *list = NULL;
    if (list_containers(swarm, &list, err))
        return -1;
    *count = json_count(list);
    return remove_ended(swarm, list, err);
}

static int wait_gone(struct swarm *swarm, struct error *err)
{
    int64_t limit_ms = GONE_MS, begun_ms = loop_now_ms(&swarm->once->loop);
    if (swarm->wish->wait_ms)
        limit_ms = swarm->wish->wait_ms;
    for (;;) {
        int count = 0;
        if (count_containers(swarm, &count, err))
            return -1;
        if (!count)
            return 0;
        if (loop_now_ms(&swarm->once->loop) - begun_ms >= limit_ms)
            return error_set(err, ERROR_TIMEOUT, "%d container%s of %s still run%s on this node", count,
                             plural_s(count), swarm->project, text_if(count == 1, "s"));
        if (swarm_pause(swarm, STEP_MS, err))
            return -1;
    }
}

/* ---- the rest ---- */

static int remove_network(struct swarm *swarm, struct error *err)
{
    const cJSON *network;
    if (swarm_read(swarm, ENGINE_OVERLAYS, false, &swarm->networks, err))
        return -1;
    cJSON_ArrayForEach(network, swarm->networks)
    {
        engine_network_remove(swarm->once->engine, json_string(network, "Id", ""), engine_once_done,
                              swarm->once);
        if (engine_once_wait(swarm->once, err))
            return -1;
        tell_removed(swarm, "network", json_string(network, "Name", ""));
    }
    return 0;
}

static int list_volumes(struct swarm *swarm, cJSON **volumes, struct error *err)
{
    cleanup_free char *label = swarm_filter(swarm->project);
    const char *labels[] = {label, NULL};
    engine_volume_list(swarm->once->engine, labels, engine_once_done, swarm->once);
    if (engine_once_wait(swarm->once, err))
        return -1;
    *volumes = take_ptr(&swarm->once->json);
    return 0;
}

static int remove_volume(struct swarm *swarm, const char *name, struct error *err)
{
    engine_volume_remove(swarm->once->engine, name, engine_once_done, swarm->once);
    if (engine_once_wait(swarm->once, err) || swarm_forget_places(swarm, name, err))
        return -1;
    tell_removed(swarm, "volume", name);
    return 0;
}

static int settle_volumes(struct swarm *swarm, bool goes, struct error *err)
{
    cleanup_json cJSON *volumes = NULL;
    if (list_volumes(swarm, &volumes, err))
        return -1;
    const cJSON *volume;
    cJSON_ArrayForEach(volume, volumes)
    {
        const char *name = json_string(volume, "Name", "");
        if (goes && remove_volume(swarm, name, err))
            return -1;
        if (!goes)
            swarm_say(swarm, name, "the volume stays, with its data; --volumes removes it");
    }
    return 0;
}

/* Labels of nodes with volumes that this engine has not got: their data is on other nodes. */
static int tell_elsewhere(struct swarm *swarm, struct error *err)
{
    cleanup_free char *front = xasprintf(LABEL_VOLUME "%s_", swarm->project);
    const cJSON *node, *label;
    if (!swarm->nodes && swarm_read(swarm, ENGINE_NODES, true, &swarm->nodes, err))
        return -1;
    cJSON_ArrayForEach(node, swarm->nodes)
    {
        cJSON_ArrayForEach(label, json_path(node, "Spec.Labels"))
        {
            if (str_starts(label->string, front))
                swarm_say(swarm, label->string + strlen(LABEL_VOLUME),
                          "the volume is on node %s, out of reach from here: remove it there",
                          json_string(json_get(node, "Description"), "Hostname", "?"));
        }
    }
    return 0;
}

static int remove_all(struct swarm *swarm, bool with_volumes, struct error *err)
{
    if (remove_services(swarm, err) || swarm_read_again(swarm, err) || wait_gone(swarm, err) ||
        swarm_clean_secrets(swarm, err) || remove_network(swarm, err) ||
        settle_volumes(swarm, with_volumes, err))
        return -1;
    if (with_volumes && tell_elsewhere(swarm, err))
        return -1;
    return swarm_remember(swarm, false, err);
}

int deploy_swarm_remove(struct engine_once *once, const char *project, bool with_volumes,
                        const struct deploy_wish *wish, struct error *err)
{
    struct swarm swarm = {.once = once, .project = project, .wish = wish};
    int failed = deploy_look(once, project, &swarm.seen, err);
    if (!failed)
        failed = swarm_ask(&swarm, json_count(swarm.seen.services), err);
    if (!failed)
        failed = remove_all(&swarm, with_volumes, err);
    swarm_fini(&swarm);
    return failed;
}
