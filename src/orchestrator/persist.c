/* Specifications of what was created, kept for --explain: written late and together, because they are only
 * for people. Losing the last ones with a crash costs an explanation, nothing else. */
#include "orchestrator/internal.h"

#include "base/log.h"

enum { SAVE_DELAY_MS = 200 };

void persist_spec(struct node *node)
{
    node->spec_unsaved = true;
    if (!timer_is_armed(&node->o->saver))
        timer_start(&node->o->saver, SAVE_DELAY_MS);
}

void persist_flush(void *orchestrator)
{
    struct orchestrator *o = orchestrator;
    cleanup_error struct error err = {0};
    bool begun = false;
    for (struct node *node = o->nodes; node; node = node->hh.next) {
        if (!node->spec_unsaved || !node->spec)
            continue;
        node->spec_unsaved = false;
        if (!begun)
            state_begin(o->services.state);
        begun = true;
        cleanup_json cJSON *spec = plan_node_spec(node->spec);
        state_spec_set(o->services.state, node->id, spec, NULL);
    }
    if (begun && state_commit(o->services.state, &err) < 0)
        log_warn("%s", err.text);
}
