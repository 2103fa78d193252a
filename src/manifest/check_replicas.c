/* Replicas: `api` with `replicas: 3` is api-1, api-2 and api-3. Nothing else of the project can be called so,
 * and all of a project are bounded, so that a short file cannot ask for a million processes. */
#include "manifest/loader.h"
#include "base/mem.h"
#include "base/str.h"

#include <string.h>
#include <strings.h>

enum { MOST_REPLICAS = 1000 };

static struct declared *find_folded(struct loader *l, const char *name)
{
    struct declared *found = NULL;
    cleanup_free char *folded = str_lower(name);
    HASH_FIND(hh_folded, l->resources_folded, folded, strlen(folded), found);
    return found;
}

static void report(struct loader *l, const struct yaml_node *at, const struct model_resource *resource,
                   const char *name)
{
    manifest_problem(l, at, "`%s` is the name of a replica of `%s` already", name, resource->name);
    cleanup_free char *last = model_replica_name(resource, model_replica_count(resource));
    manifest_hint(l, "see line %d: its replicas are `%s-1` to `%s`", resource->pos.line, resource->name,
                  last);
}

static void check_name(struct loader *l, const struct model_resource *resource, const char *name)
{
    const struct declared *other = find_folded(l, name);
    if (other && !l->model->resources[other->index].inactive)
        report(l, other->key, resource, other->name);
    for (size_t i = 0; i < SIDECAR_KINDS; i++) {
        const struct sidecar_claim *sidecar = &l->sidecars[i];
        if (sidecar->name && sidecar->name_at && strcasecmp(sidecar->name, name) == 0)
            report(l, sidecar->name_at, resource, sidecar->name);
    }
}

/* `cache-sentinel` with replicas of its own, beside `cache` with sentinels. */
static void check_sentinels(struct loader *l, const struct model_resource *resource)
{
    const struct model_topology *topology = model_topology(resource);
    cleanup_free char *stem = xasprintf("%s-sentinel", resource->name);
    const struct declared *other = find_folded(l, stem);
    if (topology && topology->sentinels && other && model_replica_count(&l->model->resources[other->index]))
        manifest_problem(l, other->key, "the replicas of `%s` would be called like the sentinels of `%s`",
                         other->name, resource->name);
}

/* Where it says how many there are. */
static struct model_pos position(const struct yaml_node *map, const struct model_resource *resource)
{
    const struct model_topology *topology = model_topology(resource);
    if (topology)
        return topology->pos;
    return manifest_get(map, "replicas")->pos;
}

void manifest_check_replicas(struct loader *l)
{
    int64_t all = 0;
    for (struct declared *entry = l->resources; entry; entry = entry->hh.next) {
        const struct model_resource *resource = &l->model->resources[entry->index];
        int count = model_replica_count(resource);
        if (resource->inactive || !count)
            continue;
        for (int i = 1; i <= count; i++) {
            cleanup_free char *name = model_replica_name(resource, i);
            check_name(l, resource, name);
        }
        check_sentinels(l, resource);

        bool was_bounded = all <= MOST_REPLICAS;
        all += count;
        if (was_bounded && all > MOST_REPLICAS)
            manifest_problem_at(l, position(entry->value, resource), 1,
                                "a project has at most %d replicas, all resources together", MOST_REPLICAS);
    }
}
