/* Decisions in words: why a resource was created, reused or recreated (--explain, --dry-run).
 *
 * The words follow the same facts that the step decides on and are noted at the first step after a request at
 * which they are known. The differences come from the specification that was saved when the object was
 * created. */
#include "orchestrator/internal.h"

#include <string.h>

static char *explain_change(struct orchestrator *o, const struct node *node, const struct plan_node *spec)
{
    const cJSON *old = state_spec_get(o->services.state, node->id);
    if (str_eq(node->facts.spec_hash, spec->spec_hash))
        return xstrdup(node->facts.spoiled ? "it could not be started as it was"
                                           : "values that it was started with have changed");
    if (!old)
        return xstrdup("its specification has changed");
    cleanup_json cJSON *new = plan_node_spec(spec);
    return plan_explain(old, new);
}

static const char *decide_container(struct node *node, char **explain)
{
    const struct facts *facts = &node->facts;
    if (facts->seen == SEEN_UNKNOWN)
        return NULL;
    if (facts->seen == SEEN_ABSENT)
        return "created";
    if (!node_is_current(node)) {
        if (node_stops_only(node))
            return "restarted";
        *explain = explain_change(node->o, node, node->spec);
        return "recreated";
    }
    return facts->running ? "reused" : "started";
}

/* A second `up` with more replicas than before. */
static bool is_one_more(const struct node *node)
{
    for (const struct node *other = node->o->nodes; other && node_replica_of(node); other = other->hh.next) {
        bool was_there = other->process && other->facts.started_ms < node->asked_ms;
        if (was_there && str_eq(node_replica_of(other), node_replica_of(node)))
            return true;
    }
    return false;
}

static const char *decide_process(struct node *node, char **explain)
{
    if (!node->process) {
        if (is_one_more(node) && !node->facts.spec_hash)
            *explain = xasprintf("one more replica of %s", node_replica_of(node));
        return node->facts.completed ? "reused" : "created";
    }
    if (node_is_current(node))
        return "reused";
    bool asked =
        str_eq(node->facts.spec_hash, node->spec->spec_hash) && node->facts.generation != node->generation;
    if (!asked)
        *explain = explain_change(node->o, node, node->spec);
    return asked ? "restarted" : "recreated";
}

void node_decide(struct node *node)
{
    if (node->decision || node->want != WANT_UP || !node->spec)
        return;
    free(node->explain);
    node->explain = NULL;
    if (node->kind == PLAN_CONTAINER)
        node->decision = decide_container(node, &node->explain);
    else if (node->kind == PLAN_PROCESS)
        node->decision = decide_process(node, &node->explain);
    else if (node->facts.seen != SEEN_UNKNOWN)
        node->decision = node->facts.seen == SEEN_PRESENT ? "reused" : "created";
}

void decide_to_send_away(struct node *node)
{
    const char *replica_of = node_replica_of(node);
    free(node->explain);
    node->explain = NULL;
    node->decision = NULL;
    if (node_is_gone(node))
        return;
    node->decision = node->want == WANT_STOPPED ? "stopped" : "removed";
    node->explain =
        replica_of ? xasprintf("one replica of %s less", replica_of) : xstrdup("no longer in the manifest");
}

const char *decision_of(struct orchestrator *o, const struct plan_node *spec, char **explain)
{
    const struct node *node = node_find(o, spec->id);
    bool is_there = node && !node_is_gone(node);
    if (spec->kind == PLAN_IMAGE || spec->kind == PLAN_VALUE)
        return "used";
    if (!is_there)
        return "created";
    bool has_hash = spec->kind == PLAN_CONTAINER || spec->kind == PLAN_PROCESS;
    if (!has_hash || str_eq(node->facts.spec_hash, spec->spec_hash))
        return node->facts.running || node->process || !has_hash ? "reused" : "started";
    *explain = explain_change(o, node, spec);
    return "recreated";
}
