/* Requests that change wants as a whole: apply (up) and down.
 *
 * Apply selects: all that is not manual, or what was named and what it needs, which may be nothing. What is
 * selected gets the new specification; the rest keeps what it has, so that `up RES` touches nothing else. A
 * plan that replaces sends away what it no longer has. Down wants everything removed, found leftovers
 * included, except what is persistent and what that needs. */
#include "orchestrator/internal.h"

#include <string.h>

void node_want_up(struct node *node)
{
    bool was_up = node->want == WANT_UP && !node->failed;
    want_as(node, WANT_UP);
    want_end_by(node, 0);
    want_along(node, false);
    want_decided(node, NULL, NULL);
    want_since(node, node_now(node));
    node->timing_count = 0;
    node_clear_failure(node);
    if (!was_up && node->kind->on_wanted)
        node->kind->on_wanted(node);
    if (!was_up && !node_is_alive(node))
        facts_run_again(node);
    node_wake(node);
}

/* ---- selection over the plan ---- */

struct selection {
    const struct plan *plan;
    bool *chosen;
};

static bool is_named(const struct plan_node *node, const char *name)
{
    return str_eq(node->resource, name) || str_eq(node->run.replica_of, name);
}

static int choose_named(struct selection *selection, const struct strlist *names, struct error *err)
{
    const struct plan *plan = selection->plan;
    for (size_t n = 0; n < names->count; n++) {
        bool found = false;
        for (size_t i = 0; i < plan->node_count; i++) {
            if (!plan_is_main(&plan->nodes[i]) || !is_named(&plan->nodes[i], names->items[n]))
                continue;
            plan_closure(selection->plan, &plan->nodes[i], selection->chosen);
            found = true;
        }
        if (!found)
            return error_set(err, ERROR_NOT_RUNNING, "no such resource: %s", names->items[n]);
    }
    return 0;
}

static int select_nodes(struct selection *selection, const struct orchestrator_apply *apply,
                        struct error *err)
{
    const struct plan *plan = selection->plan;
    if (apply->resources.count || apply->only)
        return choose_named(selection, &apply->resources, err);
    for (size_t i = 0; i < plan->node_count; i++) {
        const struct plan_node *node = &plan->nodes[i];
        bool meant = !node->manual;
        if (apply->defaults_only)
            meant = node->is_default;
        if (plan_is_main(node) && meant)
            plan_closure(selection->plan, node, selection->chosen);
    }
    return 0;
}

/* ---- apply ---- */

static void take_nodes(struct orchestrator *o, struct plan_ref *ref, const struct selection *selection,
                       bool recreate)
{
    const struct plan *plan = ref->plan;
    for (size_t i = 0; i < plan->node_count; i++) {
        const struct plan_node *spec = &plan->nodes[i];
        struct node *node = node_find(o, spec->id);
        if (!node)
            node = node_new(o, spec->id, (int)spec->kind);
        if (selection->chosen[i] || node->want != WANT_UP)
            node_set_spec(node, ref, spec);
        if (!selection->chosen[i])
            continue;
        node_want_up(node);
        if (recreate && node->kind->on_recreate)
            node->kind->on_recreate(node);
    }
}

/* What the plan no longer has. Volumes stay until somebody asks for their end. */
static void send_away(struct orchestrator *o, const struct plan *plan)
{
    o->leftovers = WANT_REMOVED;
    for (struct node *node = o->nodes; node; node = node->hh.next) {
        bool stays = node == o->engine || plan_find(plan, node->id);
        if (stays || node->kind->holds_data)
            continue;
        node_clear_failure(node);
        want_as(node, node->facts.persistent ? WANT_STOPPED : WANT_REMOVED);
        decide_to_send_away(node);
    }
}

static void add_targets(struct request *request, const struct selection *selection)
{
    struct orchestrator *o = request->o;
    const struct plan *plan = selection->plan;
    for (size_t i = 0; i < plan->node_count; i++) {
        const struct plan_node *spec = &plan->nodes[i];
        if (selection->chosen[i])
            request->needs_engine = request->needs_engine || node_needs_engine(node_find(o, spec->id));
        if (selection->chosen[i] && plan_is_main(spec) && !spec->sidecar)
            request_target(request, node_find(o, spec->id));
    }
    for (struct node *node = o->nodes; node; node = node->hh.next) {
        if (node->want == WANT_REMOVED || node->want == WANT_STOPPED)
            request_target(request, node);
    }
}

static void converge(struct request *request, struct plan_ref *ref, const struct orchestrator_apply *apply,
                     const struct selection *selection)
{
    struct orchestrator *o = request->o;
    persist_flush(o); /* what runs now is explained by what it was made of */
    plan_ref_drop(o->plan);
    o->plan = ref;
    ref->refs++;
    o->busy = true;
    o->applied_once = o->applied_once || !apply->names_only;
    o->going_down = o->hurry = o->kill = o->leftover_persistent = false;
    changes_whole(o);

    secrets_take(o, ref->plan);
    take_nodes(o, ref, selection, apply->force_recreate);
    if (apply->replace)
        send_away(o, ref->plan);
    nodes_link(o);
    nodes_settle_wants(o);
    add_targets(request, selection);

    /* Leftovers of an earlier manifest may need the engine even when this one does not. */
    if (request->needs_engine || apply->replace)
        engine_need(o);
    values_settle(o);
    orchestrator_wake_all(o);
}

static bool has_engine_nodes(const struct orchestrator *o, const struct selection *selection)
{
    for (size_t i = 0; i < selection->plan->node_count; i++) {
        const struct plan_node *node = &selection->plan->nodes[i];
        if (selection->chosen[i] && o->kinds[node->kind]->is_engines && !node->folder)
            return true;
    }
    return false;
}

orchestrator_request orchestrator_apply(struct orchestrator *o, struct orchestrator_apply *apply,
                                        orchestrator_done_cb *done, void *data)
{
    struct request *request = request_new(o, REQUEST_APPLY, done, data);
    struct plan_ref *ref = xcalloc(1, sizeof *ref);
    ref->plan = apply->plan;
    ref->refs = 1;
    apply->plan = NULL;
    struct selection selection = {ref->plan, xcalloc(ref->plan->node_count + 1, sizeof(bool))};

    native_survey(o);
    int rc = select_nodes(&selection, apply, &request->error);
    if (rc == 0 && !o->engine && has_engine_nodes(o, &selection))
        rc = error_set(&request->error, ERROR_ENGINE, "containers are wanted, but there is no engine");
    if (apply->wait_only_started)
        request->until = PLAN_STARTED;

    if (rc == 0 && apply->dry_run) {
        request->dry_plan = ref;
        ref->refs++;
        request->needs_engine = has_engine_nodes(o, &selection);
        if (!o->plan) { /* the listing needs to know the project */
            o->plan = ref;
            ref->refs++;
        }
        if (request->needs_engine)
            engine_need(o);
    } else if (rc == 0)
        converge(request, ref, apply, &selection);

    plan_ref_drop(ref);
    free(selection.chosen);
    return request_start(request, apply->timeout_ms);
}

/* ---- down ---- */

static enum want want_of_down(const struct node *node, const struct orchestrator_down *down)
{
    bool is_persistent = node->kind->is_persistent && node->kind->is_persistent(node);
    if (is_persistent && !down->persistent && !node->facts.unborn)
        return WANT_KEEP;
    if (native_is_scratch(node))
        return WANT_REMOVED;
    bool is_others = node->spec && node->spec->external;
    if (node->kind->holds_data && (!down->volumes || is_others))
        return WANT_KEEP;
    if (node->kind->is_fetched)
        return WANT_KEEP;
    return WANT_REMOVED;
}

/* A session that never reached its engine left nothing there; somebody who only cleans up has to know. */
static bool must_see_engine(const struct orchestrator *o)
{
    switch (o->services.left) {
    case LEFT_UNKNOWN:
        return o->connected_once || !o->applied_once;
    case LEFT_NOTHING:
        return o->connected_once;
    case LEFT_SOMETHING:
        return true;
    }
    return true;
}

orchestrator_request orchestrator_down(struct orchestrator *o, const struct orchestrator_down *down,
                                       orchestrator_done_cb *done, void *data)
{
    struct request *request = request_new(o, REQUEST_DOWN, done, data);
    /* Without nodes of its own the request is for what an earlier session left. */
    bool cleans = !o->applied_once || !o->plan->plan->node_count;
    bool has_engine = cleans || o->services.left == LEFT_SOMETHING;

    o->busy = o->going_down = true;
    o->leftovers = WANT_REMOVED;
    o->leftover_persistent = down->persistent;
    o->kill = o->kill || down->kill;
    native_survey(o);
    if (down->volumes)
        native_find_folders(o);

    for (struct node *node = o->nodes; node; node = node->hh.next) {
        if (node == o->engine)
            continue;
        has_engine = has_engine || node_needs_engine(node);
        node_clear_failure(node);
        want_since(node, node_now(node));
        want_as(node, want_of_down(node, down));
    }

    nodes_link(o);
    nodes_settle_wants(o);
    if (o->engine && has_engine) {
        o->survey_networks = true;
        o->survey_volumes = down->volumes;
        facts_survey(o->engine, false);
        engine_need(o);
    }

    request->needs_engine = o->engine && has_engine && must_see_engine(o);
    orchestrator_wake_all(o);
    return request_start(request, int64_or(down->timeout_ms, -1));
}
