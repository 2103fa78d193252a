/* `usage`: see control/usage.h. A container's first process is asked of the engine once for each of its runs;
 * the question is the supervisor's, and whoever waits for usage is answered when none is open any more. */
#include "supervisor/internal.h"
#include "control/usage.h"
#include "usage/usage.h"

#include "base/mem.h"
#include "base/pick.h"

#include <stdlib.h>
#include <utlist.h>

/* The first process of a container's run. */
struct first {
    struct supervisor *s;
    char *container;
    int64_t started_at; /* the run's */
    pid_t pid;          /* 0: not known */
    struct engine_op *op;
    struct first *prev, *next;
};

static struct first *find(struct supervisor *s, const char *container)
{
    struct first *first;
    DL_FOREACH(s->firsts, first)
    {
        if (str_eq(first->container, container))
            return first;
    }
    return NULL;
}

static void forget(struct first *first)
{
    if (first->op)
        engine_cancel(first->s->engine, first->op);
    DL_DELETE(first->s->firsts, first);
    free(first->container);
    free(first);
}

void supervisor_forget_usage(struct supervisor *s)
{
    while (s->firsts)
        forget(s->firsts);
}

static bool is_asking(const struct supervisor *s)
{
    const struct first *first;
    DL_FOREACH(s->firsts, first)
    {
        if (first->op)
            return true;
    }
    return false;
}

/* ---- the answer ---- */

static pid_t pid_of(struct supervisor *s, const struct view_resource *resource)
{
    const struct first *first = NULL;
    if (resource->container_id)
        first = find(s, resource->container_id);
    if (first)
        return first->pid;
    return (pid_t)resource->pid;
}

static struct record_maybe maybe(bool is_known, int64_t value)
{
    return (struct record_maybe){is_known, value};
}

static void tell(const struct view_resource *resource, pid_t pid, const struct usage *usage,
                 struct view_usages *told)
{
    told->resources[told->resource_count++] = (struct view_usage){
        .name = resource->name,
        .replica_of = resource->replica_of,
        .node = resource->node,
        .pid = pid,
        .cpu_us = usage->cpu_us,
        .memory_bytes = usage->memory_bytes,
        .processes = usage->processes,
        .read_bytes = maybe(usage->has_disk, usage->read_bytes),
        .written_bytes = maybe(usage->has_disk, usage->written_bytes),
    };
}

static cJSON *usage_now(struct supervisor *s)
{
    struct view *view = orchestrator_snapshot(s->orchestrator);
    size_t count = view->resource_count;
    struct view_usages told = {
        .time_ms = loop_wall_ns(&s->loop) / 1000000,
        .resources = arena_alloc(&view->arena, (count + 1) * sizeof *told.resources),
    };
    pid_t *roots = arena_alloc(&view->arena, (count + 1) * sizeof *roots);
    struct usage *usages = arena_alloc(&view->arena, (count + 1) * sizeof *usages);

    for (size_t i = 0; i < count; i++)
        roots[i] = pid_of(s, &view->resources[i]);
    usage_look(roots, usages, count);
    told.clock_ms = loop_clock_ms();
    for (size_t i = 0; i < count; i++)
        if (usages[i].processes)
            tell(&view->resources[i], roots[i], &usages[i], &told);

    cJSON *json = view_usages_to_json(&told);
    view_free(view);
    return json;
}

/* Everybody who waits for it. */
static void answer_all(struct supervisor *s)
{
    struct verb_request *request, *next;
    cJSON *usage = NULL;
    if (is_asking(s))
        return;
    DL_FOREACH_SAFE(s->requests, request, next)
    {
        if (request->verb->act != supervisor_tell_usage)
            continue;
        if (!usage)
            usage = usage_now(s);
        control_send_done(request->client, request->id, NULL, cJSON_Duplicate(usage, true));
        supervisor_forget(request);
    }
    cJSON_Delete(usage);
}

/* ---- the engine ---- */

static void on_inspected(const struct engine_result *result, const struct error *err, void *data)
{
    struct first *first = data;
    struct supervisor *s = first->s;
    first->op = NULL;
    if (err) /* asked again the next time */
        forget(first);
    else
        first->pid = (pid_t)json_int(json_get(result->container->raw, "State"), "Pid", 0);
    answer_all(s);
}

static void ask(struct supervisor *s, const struct view_resource *resource)
{
    struct first *first = find(s, resource->container_id);
    if (first && (first->op || first->started_at == resource->started_at))
        return;
    if (first)
        forget(first);
    first = xcalloc(1, sizeof *first);
    *first = (struct first){
        .s = s, .container = xstrdup(resource->container_id), .started_at = resource->started_at};
    DL_APPEND(s->firsts, first);
    first->op = engine_container_inspect(s->engine, first->container, on_inspected, first);
}

/* Containers that run no more are forgotten. */
static void ask_all(struct supervisor *s)
{
    struct view *view = orchestrator_snapshot(s->orchestrator);
    struct first *first, *next;
    DL_FOREACH_SAFE(s->firsts, first, next)
    {
        bool is_there = false;
        for (size_t i = 0; i < view->resource_count; i++)
            is_there = is_there || str_eq(view->resources[i].container_id, first->container);
        if (!is_there)
            forget(first);
    }

    for (size_t i = 0; i < view->resource_count; i++)
        if (view->resources[i].container_id && view->resources[i].started_at)
            ask(s, &view->resources[i]);
    view_free(view);
}

void supervisor_tell_usage(const struct call *call)
{
    supervisor_begin(call);
    if (call->s->engine)
        ask_all(call->s);
    answer_all(call->s);
}
