/* Where data is: a volume lives on one node, and a service that has it runs there and nowhere else; on
 * another it would come up empty, and healthy. The node has a label named by the volume, and the service asks
 * for that label.
 *
 * On a swarm of one node there is no choice. On several the node is the one that has the label, the one that
 * the command line names (--place), or this engine's where that has the volume; else nobody guesses. */
#include "deploy/internal.h"

#include "base/mem.h"
#include "base/pick.h"

#include <stdlib.h>
#include <string.h>

/* A volume of a service that changes. */
struct held {
    const struct deployment_service *service;
    const struct deployment_mount *mount;
    char *volume, *label;
};

static void held_free(struct held *held)
{
    free(held->volume);
    free(held->label);
}

/* Fills *held from number *next on; false: there is no more. */
static bool next_held(const struct swarm *swarm, const struct swarm_change *change, size_t *next,
                      struct held *held)
{
    const struct deployment_service *service = change->service;
    if (!service || service->placement || change->verb == DEPLOY_KEEP)
        return false;
    while (*next < service->mount_count) {
        const struct deployment_mount *mount = &service->mounts[(*next)++];
        if (!mount->is_volume)
            continue;
        *held = (struct held){.service = service, .mount = mount};
        held->volume = swarm_volume_name(swarm->d, mount->source);
        held->label = swarm_volume_label(held->volume);
        return true;
    }
    return false;
}

static bool has_label(const cJSON *node, const char *label)
{
    return str_eq(swarm_label(node, label), "true");
}

static const cJSON *labelled_node(const cJSON *nodes, const char *label)
{
    const cJSON *node;
    cJSON_ArrayForEach(node, nodes)
    {
        if (has_label(node, label))
            return node;
    }
    return NULL;
}

static const char *host_name(const cJSON *node)
{
    return json_string(json_get(node, "Description"), "Hostname", "");
}

/* "cache=worker-1", by the service's or the volume's name. */
static const char *asked_place(const struct swarm *swarm, const struct held *held)
{
    const struct strlist *places = swarm->wish->places;
    if (!places)
        return NULL;
    const char *place = strlist_getenv(places, held->service->name);
    if (place)
        return place;
    return strlist_getenv(places, held->mount->source);
}

static int no_such_node(const struct held *held, const char *place, const cJSON *nodes, struct error *err)
{
    cleanup_strbuf struct strbuf names = {0};
    const cJSON *node;
    cJSON_ArrayForEach(node, nodes)
    {
        strbuf_addf(&names, "%s%s", text_if(names.length > 0, ", "), host_name(node));
    }
    error_set(err, ERROR_USAGE, "--place %s=%s: the swarm has no node of that name", held->service->name,
              place);
    error_hint(err, "its nodes: %s", strbuf_text(&names));
    return -1;
}

static int find_asked(const struct held *held, const char *place, const cJSON *nodes, const cJSON **found,
                      struct error *err)
{
    const cJSON *node;
    cJSON_ArrayForEach(node, nodes)
    {
        if (str_eq(host_name(node), place) || str_eq(json_string(node, "ID", ""), place)) {
            *found = node;
            return 0;
        }
    }
    return no_such_node(held, place, nodes, err);
}

/* This engine's node, when the volume is here. */
static int find_here(struct swarm *swarm, const struct held *held, const cJSON **found, struct error *err)
{
    cleanup_error struct error trouble = {0};
    engine_volume_inspect(swarm->once->engine, held->volume, engine_once_done, swarm->once);
    if (engine_once_wait(swarm->once, &trouble)) {
        if (trouble.code == ERROR_GONE)
            return 0;
        error_move(err, &trouble);
        return -1;
    }
    engine_info(swarm->once->engine, engine_once_done, swarm->once);
    if (engine_once_wait(swarm->once, err))
        return -1;
    const char *id = json_string(json_get(swarm->once->json, "Swarm"), "NodeID", "");
    *found = swarm_find(swarm->nodes, "ID", id);
    return 0;
}

static int refuse(const struct held *held, int count, struct error *err)
{
    error_set(err, ERROR_MANIFEST, "%s keeps data, and the swarm has %d nodes: on which of them shall it be?",
              held->service->name, count);
    error_at(err, held->mount->pos.file, held->mount->pos.line, held->mount->pos.column);
    error_hint(err, "--place %s=NODE says it once, or `publish: {placement: NODE}` in the manifest",
               held->service->name);
    return -1;
}

static int choose(struct swarm *swarm, const struct held *held, const cJSON **found, struct error *err)
{
    const char *asked = asked_place(swarm, held);
    *found = NULL;
    if (asked)
        return find_asked(held, asked, swarm->nodes, found, err);
    *found = labelled_node(swarm->nodes, held->label);
    if (*found)
        return 0;
    int count = json_count(swarm->nodes);
    if (count == 1)
        *found = swarm->nodes->child;
    else if (find_here(swarm, held, found, err))
        return -1;
    if (*found)
        return 0;
    return refuse(held, count, err);
}

static int read_nodes(struct swarm *swarm, struct error *err)
{
    return swarm_read(swarm, ENGINE_NODES, true, &swarm->nodes, err);
}

int swarm_check_places(struct swarm *swarm, const struct swarm_changes *changes, struct error *err)
{
    for (size_t i = 0; i < changes->count; i++) {
        struct held held;
        const cJSON *node;
        for (size_t next = 0; next_held(swarm, &changes->items[i], &next, &held);) {
            int failed = 0;
            if (!swarm->nodes)
                failed = read_nodes(swarm, err);
            if (!failed)
                failed = choose(swarm, &held, &node, err);
            held_free(&held);
            if (failed)
                return -1;
        }
    }
    return 0;
}

/* ---- labels ---- */

static int update_node(struct swarm *swarm, const cJSON *node, const char *label, bool is_on,
                       struct error *err)
{
    cleanup_json cJSON *spec = cJSON_Duplicate(json_get(node, "Spec"), true);
    cJSON *labels = json_get(spec, "Labels");
    if (!cJSON_IsObject(labels)) {
        cJSON_DeleteItemFromObjectCaseSensitive(spec, "Labels");
        labels = json_add_object(spec, "Labels");
    }
    cJSON_DeleteItemFromObjectCaseSensitive(labels, label);
    if (is_on)
        json_add_string(labels, label, "true");
    cleanup_free char *id = xstrdup(json_string(node, "ID", ""));
    engine_node_update(swarm->once->engine, id, swarm_version(node), spec, engine_once_done, swarm->once);
    if (engine_once_wait(swarm->once, err))
        return -1;
    return read_nodes(swarm, err);
}

/* The node that has the label and is not the one wanted; NULL: none. */
static const cJSON *wrong_node(const cJSON *nodes, const char *label, const char *wanted)
{
    const cJSON *node;
    cJSON_ArrayForEach(node, nodes)
    {
        if (has_label(node, label) && !str_eq(json_string(node, "ID", ""), wanted))
            return node;
    }
    return NULL;
}

int swarm_forget_places(struct swarm *swarm, const char *volume, struct error *err)
{
    cleanup_free char *label = swarm_volume_label(volume);
    if (!swarm->nodes && read_nodes(swarm, err))
        return -1;
    for (const cJSON *node; (node = labelled_node(swarm->nodes, label));)
        if (update_node(swarm, node, label, false, err))
            return -1;
    return 0;
}

static int place_held(struct swarm *swarm, const struct held *held, struct error *err)
{
    const cJSON *node;
    if (choose(swarm, held, &node, err))
        return -1;
    cleanup_free char *id = xstrdup(json_string(node, "ID", ""));
    for (const cJSON *wrong; (wrong = wrong_node(swarm->nodes, held->label, id));)
        if (update_node(swarm, wrong, held->label, false, err))
            return -1;
    node = swarm_find(swarm->nodes, "ID", id);
    if (!node || has_label(node, held->label))
        return 0;
    cleanup_free char *where = xasprintf("%s on %s", held->volume, host_name(node));
    if (update_node(swarm, node, held->label, true, err))
        return -1;
    swarm_tell(swarm, &(struct deploy_news){.verb = DEPLOY_UPDATE, .kind = "node", .name = where});
    return 0;
}

int swarm_place(struct swarm *swarm, const struct swarm_changes *changes, struct error *err)
{
    for (size_t i = 0; i < changes->count; i++) {
        struct held held;
        for (size_t next = 0; next_held(swarm, &changes->items[i], &next, &held);) {
            int failed = place_held(swarm, &held, err);
            held_free(&held);
            if (failed)
                return -1;
        }
    }
    return 0;
}
