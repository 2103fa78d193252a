/* What is so of a node, asked of its kind and its facts. Pure. */
#include "orchestrator/internal.h"

#include <string.h>

enum { OBJECT_LIMIT_MS = 120000 };

bool engine_is_listed(const struct orchestrator *o)
{
    return o->engine && o->engine->facts.listed;
}

bool node_needs_engine(const struct node *node)
{
    return node->kind->is_engines && !native_folder(node);
}

bool node_is_server(const struct node *node)
{
    const struct plan_resource *resource = node_resource(node);
    return resource && model_is_server(resource->kind) && str_eq(resource->node, node->id);
}

bool node_is_alive(const struct node *node)
{
    return node->kind->is_alive && node->kind->is_alive(node);
}

bool node_is_gone(const struct node *node)
{
    return !node->kind->is_gone || node->kind->is_gone(node);
}

bool node_succeeded(const struct node *node)
{
    const struct plan_run *run = NULL;
    if (node->spec)
        run = &node->spec->run;
    if (node->facts.exit_signal)
        return false;
    if (!run || !run->success_count)
        return node->facts.exit_code == 0;
    for (size_t i = 0; i < run->success_count; i++) {
        if (run->success_codes[i] == node->facts.exit_code)
            return true;
    }
    return false;
}

bool node_is_over(const struct node *node)
{
    const struct facts *facts = &node->facts;
    return facts->over && !node_is_alive(node) && node->spec &&
           str_eq(facts->spec_hash, node->spec->spec_hash) && facts->generation == node->generation;
}

/* What is not known is not gone. */
bool node_is_absent(const struct node *node)
{
    return node->facts.seen == SEEN_ABSENT;
}

bool node_is_current(const struct node *node)
{
    return node->spec && (!node->kind->is_current || node->kind->is_current(node));
}

bool node_is_going_down(const struct node *node)
{
    if (node == node->o->engine)
        return false;
    if (node->want == WANT_UP)
        return !node_is_current(node);
    return node->want != WANT_KEEP;
}

bool node_stops_only(const struct node *node)
{
    return node->kind->stops_only && node->kind->stops_only(node);
}

bool native_is_server(const struct node *node)
{
    return node->kind->is_child && node->spec && node->spec->run.input.count;
}

const char *native_folder(const struct node *node)
{
    if (!node->kind->holds_data)
        return NULL;
    if (node->spec)
        return node->spec->folder;
    if (!node->name || node->name[0] != '/') /* no engine's volume has such a name */
        return NULL;
    return node->name;
}

bool native_is_scratch(const struct node *node)
{
    return native_folder(node) && node->spec && !node->spec->run.persistent;
}

bool node_is_ready_by_running(const struct node *node)
{
    bool lasts = node->spec && !node->spec->run.task;
    return lasts && node->kind->settles && node->kind->settles(node);
}

int64_t node_settled_ms(const struct node *node)
{
    bool settles = node_now(node) < node->facts.settled_ms && node_is_ready_by_running(node);
    if (!settles || !node_is_alive(node))
        return 0;
    return node->facts.settled_ms;
}

struct limit goal_forever(const struct node *node)
{
    (void)node;
    return FOREVER;
}

struct limit goal_object_limit(const struct node *node)
{
    return limit_or(node->o->services.ready_timeout_ms, LIMIT_MS(OBJECT_LIMIT_MS));
}

struct limit goal_ready_limit(const struct node *node)
{
    return limit_or(node_probe(node)->timeout_ms, goal_object_limit(node));
}

struct limit goal_task_limit(const struct node *node)
{
    if (node->spec->run.task)
        return FOREVER;
    /* `timeout` bounds probes; running on for a while is none. */
    if (node_settled_ms(node))
        return goal_object_limit(node);
    return goal_ready_limit(node);
}
