/* Decisions in words: why a resource was created, reused or recreated (--explain, --dry-run).
 *
 * The words follow the same facts that the step decides on and are noted at the first step after a request at
 * which they are known. The differences come from the specification that was saved when the object was
 * created. */
#include "orchestrator/internal.h"

#include <string.h>

char *decide_explain(struct orchestrator *o, const struct node *node, const struct plan_node *spec)
{
    const cJSON *old = state_spec_get(o->services.state, node->id);
    if (str_eq(node->facts.spec_hash, spec->spec_hash))
        return xstrdup(text_pick(node->facts.spoiled, "it could not be started as it was",
                                 "values that it was started with have changed"));
    if (!old)
        return xstrdup("its specification has changed");
    cleanup_json cJSON *new = plan_node_spec(spec);
    return plan_explain(old, new);
}

void node_decide(struct node *node)
{
    if (node->decision || node->want != WANT_UP || !node->spec)
        return;
    const char *decision = NULL;
    char *explain = NULL;
    if (node->kind->decide)
        decision = node->kind->decide(node, &explain);
    else if (node->facts.seen != SEEN_UNKNOWN)
        decision = text_pick(node->facts.seen == SEEN_PRESENT, "reused", "created");
    want_decided(node, decision, explain);
}

void decide_to_send_away(struct node *node)
{
    const char *replica_of = node_replica_of(node);
    want_decided(node, NULL, NULL);
    if (node_is_gone(node))
        return;
    char *explain = NULL;
    if (replica_of)
        explain = xasprintf("one replica of %s less", replica_of);
    else
        explain = xstrdup("no longer in the manifest");
    want_decided(node, text_pick(node->want == WANT_STOPPED, "stopped", "removed"), explain);
}

const char *decision_of(struct orchestrator *o, const struct plan_node *spec, char **explain)
{
    const struct node *node = node_find(o, spec->id);
    bool is_there = node && !node_is_gone(node);
    const struct node_kind *kind = o->kinds[spec->kind];
    if (!kind->runs && !kind->is_shared)
        return "used";
    if (!is_there)
        return "created";
    if (!kind->runs || str_eq(node->facts.spec_hash, spec->spec_hash))
        return text_pick(node->facts.running || node->process || !kind->runs, "reused", "started");
    *explain = decide_explain(o, node, spec);
    return "recreated";
}
