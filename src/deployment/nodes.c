/* The nodes of a topology. compose and Swarm have a service for each; Kubernetes has one StatefulSet with as
 * many replicas, each of which takes the file with its own number.
 *
 * Nobody of ours is there to form it: the first node is the primary, the others have its name in their
 * configuration, and each asks again until somebody answers. So a node that comes back finds its place by
 * itself; that the primary is away, nobody but its engine puts right. Ready is who is the primary, or once
 * had all of its data: a replica that has lost its primary goes on serving what it has. */
#include "deployment/internal.h"
#include "base/pick.h"
#include "redis/redis.h"

#include <string.h>

/* Memory of the container: one that starts anew has to get the data again. */
#define MARK "/dev/shm/apphost-linked"

const char *lowering_node_check(struct lowering *l, const char *answers, const char *client)
{
    return arena_printf(l->arena,
                        "%s && { [ -e " MARK " ] || case \"$(%s info replication)\" in "
                        "*role:master*|*master_link_status:up*) : >" MARK ";; *) false;; esac; }",
                        answers, client);
}

/* ---- what cannot be ---- */

static void check_exposed(struct lowering *l, const struct model_resource *server)
{
    const char *target = names_text(&deployment_target_names, l->options->target);
    if (!server->publish.expose)
        return;
    if (l->options->target == DEPLOYMENT_KUBERNETES)
        lowering_problem(l, &server->publish.pos, "leave `expose` out",
                         "one address of %s would be that of all nodes of \"%s\", and one alone takes writes",
                         target, server->name);
    else if (!server->redis.host_port)
        lowering_problem(l, &server->publish.pos,
                         "`host_port` says the first one's; the others have the next",
                         "the nodes of \"%s\" cannot all be published at port %d", server->name, REDIS_PORT);
}

void lowering_check_nodes(struct lowering *l, const struct model_resource *server)
{
    const struct model_redis *redis = &server->redis;
    check_exposed(l, server);
    if (server->publish.replicas > 1)
        lowering_problem(l, &server->publish.replicas_pos, "leave `replicas` of `publish` out",
                         "`%s` says how many nodes \"%s\" has",
                         names_text(&model_topology_names, redis->topology.kind), server->name);
    if (redis->tls.on)
        lowering_problem(l, &redis->tls.pos, "leave `tls` out for this by an override file",
                         "the nodes of \"%s\" would not trust each other's certificates there", server->name);
    if (!redis_is_persistent(redis))
        lowering_note(
            l, &redis->topology.pos,
            "\"%s\" saves nothing: when its primary starts anew it is empty, and its replicas with it",
            server->name);
}

/* ---- Kubernetes: all of them as one ---- */

static const char *set_of(const struct lowering *l, const char *service)
{
    const struct plan *plan = l->d->plan;
    for (size_t i = 0; i < plan->node_count; i++)
        if (plan->nodes[i].kind == PLAN_CONTAINER && str_eq(plan->nodes[i].resource, service))
            return plan->nodes[i].run.replica_of;
    return NULL;
}

static void drop_volume(struct deployment *d, const char *name)
{
    size_t kept = 0;
    for (size_t i = 0; i < d->volume_count; i++)
        if (strcmp(d->volumes[i].name, name) != 0)
            d->volumes[kept++] = d->volumes[i];
    d->volume_count = kept;
}

/* Each replica has its own, by the set's template. */
static void share_volume(struct lowering *l, struct deployment_service *set)
{
    const struct model_resource *server = model_find(l->model, set->name);
    const struct model_mount *data = server->redis.data;
    if (!set->mount_count || !data)
        return;
    const char *name = data->source;
    if (!name)
        name = arena_printf(l->arena, "%s-data", server->name);
    for (size_t i = 0; i < l->d->volume_count; i++)
        if (strcmp(l->d->volumes[i].name, set->mounts->source) == 0)
            l->d->volumes[i].name = name;
    set->mounts->source = name;
}

/* The number is the end of the pod's name, and counts from 0. */
static void launch(struct lowering *l, struct deployment_service *set)
{
    const char *server = redis_server_name(set->kind);
    set->entrypoint = arena_alloc(l->arena, 2 * sizeof *set->entrypoint);
    set->entrypoint[0] = lowering_literal(l, "/bin/sh");
    set->entrypoint[1] = lowering_literal(l, "-c");
    set->entrypoint_count = 2;
    set->command = arena_alloc(l->arena, sizeof *set->command);
    set->command[0] = lowering_literal(l, arena_printf(l->arena,
                                                       "conf=%s/%s-$((${HOSTNAME##*-} + 1)).conf\n"
                                                       "command -v docker-entrypoint.sh >/dev/null 2>&1 && "
                                                       "exec docker-entrypoint.sh %s \"$conf\"\n"
                                                       "exec %s \"$conf\"",
                                                       lowering_folder(l), set->name, server, server));
    set->command_count = 1;
}

static void begin_set(struct lowering *l, struct deployment_service *first)
{
    first->name = first->node_of;
    first->node_of = NULL;
    first->is_set = true;
    share_volume(l, first);
    launch(l, first);
}

/* The password is everybody's: one file of it is enough. */
static void join_set(struct lowering *l, struct deployment_service *set,
                     const struct deployment_service *node)
{
    size_t count = set->file_count;
    set->replicas++;
    set->files = arena_grow(l->arena, set->files, count, count + node->file_count, sizeof *set->files);
    for (size_t i = 0; i < node->file_count; i++)
        if (!node->files[i].is_check_only)
            set->files[set->file_count++] = node->files[i];
    for (size_t i = 0; i < node->mount_count; i++)
        drop_volume(l->d, node->mounts[i].source);
}

static void follow_needs(struct lowering *l, struct deployment_service *service)
{
    size_t kept = 0;
    for (size_t i = 0; i < service->need_count; i++) {
        struct deployment_need need = service->needs[i];
        bool is_known = false;
        need.service = text_or(set_of(l, need.service), need.service);
        for (size_t k = 0; k < kept; k++)
            is_known |= strcmp(service->needs[k].service, need.service) == 0;
        if (!is_known)
            service->needs[kept++] = need;
    }
    service->need_count = kept;
}

void lowering_gather_nodes(struct lowering *l)
{
    struct deployment *d = l->d;
    size_t kept = 0;
    if (l->options->target != DEPLOYMENT_KUBERNETES)
        return;
    for (size_t i = 0; i < d->service_count; i++) {
        struct deployment_service *service = &d->services[i], *last = &d->services[kept];
        bool is_next = service->node_of && kept && str_eq(last[-1].name, service->node_of);
        if (is_next) {
            join_set(l, last - 1, service);
            continue;
        }
        *last = *service;
        if (last->node_of)
            begin_set(l, last);
        kept++;
    }

    d->service_count = kept;
    for (size_t i = 0; i < kept; i++)
        follow_needs(l, &d->services[i]);
}
