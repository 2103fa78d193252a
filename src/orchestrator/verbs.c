/* Requests about single resources: start, stop, restart, kill, wait.
 *
 * They change wants and generations and leave the rest to the step. Stop takes along what depends on the
 * resource, in order (a single replica takes nothing along, the last one does), and start brings that back.
 * Restart raises the generation; its request ends when the resource and everything that depends on it is
 * ready again. Kill touches the resource alone, at once: what depends on it sees its server die, which is
 * what one kills a server for. A signal other than KILL is delivered and changes no want. Cut takes a
 * container off the project's network and lets it run; heal puts it back. */
#include "orchestrator/internal.h"

#include "base/log.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

static bool is_named(const struct node *node, const char *name)
{
    return node->kind->is_main && node_is_named(node, name);
}

/* Runs act on every node of every name. False, with the request's error, when a name is unknown. */
static bool for_each_named(struct request *request, const struct strlist *names,
                           void (*act)(struct request *request, struct node *node))
{
    for (size_t i = 0; i < names->count; i++) {
        bool found = false;
        for (struct node *node = request->o->nodes; node; node = node->hh.next) {
            if (!is_named(node, names->items[i]))
                continue;
            found = true;
            act(request, node);
        }
        if (!found) {
            error_set(&request->error, ERROR_NOT_RUNNING, "no such resource: %s", names->items[i]);
            error_resource(&request->error, names->items[i]);
            return false;
        }
    }
    return true;
}

/* ---- start, restart ---- */

static void want_with_needs(struct request *request, struct node *node)
{
    for (size_t i = 0; i < node->link_count; i++) {
        struct node *to = node->links[i].to;
        bool is_replaced = to->want == WANT_STOPPED && node_has_stand_in(to);
        bool asleep = to->spec && !is_replaced && (to->want != WANT_UP || to->failed);
        if (asleep && node->links[i].until != PLAN_GONE) {
            node_want_up(to);
            want_with_needs(request, to);
        }
    }
}

static void target_dependants(struct request *request, struct node *node)
{
    for (size_t i = 0; i < node->dependant_count; i++) {
        struct node *dependant = node->dependants[i];
        size_t before = request->target_count;
        if (dependant->want != WANT_UP || !dependant->kind->is_main)
            continue;
        node_clear_failure(dependant);
        node_wake(dependant);
        request_target(request, dependant);
        if (request->target_count > before)
            target_dependants(request, dependant);
    }
}

static bool depends_on(const struct node *dependant, const struct node *node)
{
    for (size_t i = 0; i < dependant->link_count; i++) {
        const struct link *link = &dependant->links[i];
        if (link->to == node && link->required && link->until != PLAN_GONE)
            return true;
    }
    return false;
}

/* What `stop` had taken along. */
static void bring_back(struct node *node)
{
    for (size_t i = 0; i < node->dependant_count; i++) {
        struct node *dependant = node->dependants[i];
        if (!dependant->taken_along || dependant->want != WANT_STOPPED)
            continue;
        node_want_up(dependant);
        bring_back(dependant);
    }
}

static void start(struct request *request, struct node *node)
{
    if (!node->spec)
        return;
    bring_back(node);
    bool over = node->facts.exited || node->facts.completed;
    if (over && !node_is_alive(node))
        want_run_again(node);
    node_want_up(node);
    want_with_needs(request, node);
    request_target(request, node);
    target_dependants(request, node);
}

static void restart(struct request *request, struct node *node)
{
    if (!node->spec)
        return;
    want_run_again(node);
    node_want_up(node);
    facts_was_ready(node, false); /* a restart that does not come up has failed */
    want_with_needs(request, node);
    request_target(request, node);
    target_dependants(request, node);
}

/* ---- stop, kill ---- */

static void want_stopped(struct request *request, struct node *node)
{
    node_clear_failure(node);
    want_as(node, WANT_STOPPED);
    want_end_by(node, 0);
    want_along(node, false);
    node_wake(node);
    request_target(request, node);
}

static void stop(struct request *request, struct node *node)
{
    want_stopped(request, node);
    for (size_t i = 0; i < node->dependant_count && !node_has_stand_in(node); i++) {
        struct node *dependant = node->dependants[i];
        if (dependant->want != WANT_UP || !dependant->kind->is_main || !depends_on(dependant, node))
            continue;
        stop(request, dependant);
        want_along(dependant, true);
    }
}

static void kill_it(struct request *request, struct node *node)
{
    want_stopped(request, node);
    want_end_by(node, SIGKILL);
    if (node->kind->hurry)
        node->kind->hurry(node);
}

/* ---- cut, heal ---- */

static void set_apart(struct node *node, bool is_apart)
{
    want_apart(node, is_apart);
    node_wake(node);
}

static void cut(struct request *request, struct node *node)
{
    if (node->kind->at_engine && node->spec && node->spec->run.on_network) {
        set_apart(node, true);
        return;
    }
    error_set(&request->error, ERROR_USAGE,
              "%s is on no network of the project's that it could be cut off from", node->resource);
    error_hint(&request->error, "apphost kill %s ends it", node->resource);
}

static void heal(struct request *request, struct node *node)
{
    if (!node->is_apart)
        return;
    set_apart(node, false);
    request_target(request, node);
}

/* ---- signals ---- */

static void on_signalled(const struct engine_result *result, const struct error *err, void *data)
{
    (void)result;
    struct node *node = data;
    node_op_end(node);
    if (err)
        log_warn("%s: %s", node->id, err->text);
}

static const char *signal_name(int number, char *out, size_t size)
{
    const char *abbreviation = sigabbrev_np(number);
    snprintf(out, size, "SIG%s", text_or(abbreviation, "TERM"));
    return out;
}

static void send_signal(struct request *request, struct node *node, int number)
{
    struct orchestrator *o = request->o;
    char name[32];
    if (!node_is_alive(node)) {
        error_set(&request->error, ERROR_NOT_RUNNING, "%s is not running", node->resource);
        return;
    }
    if (node->process)
        o->hooks.signal(node->process, number, &request->error);
    else if (!node->doing)
        node_op_begin(node, OP_SIGNAL,
                      engine_container_kill(o->services.engine, node->facts.object,
                                            signal_name(number, name, sizeof name), on_signalled, node));
}

static void signal_all(struct request *request, const struct strlist *names, int number)
{
    for (size_t i = 0; i < names->count; i++) {
        bool found = false;
        for (struct node *node = request->o->nodes; node; node = node->hh.next) {
            if (!is_named(node, names->items[i]))
                continue;
            found = true;
            send_signal(request, node, number);
        }
        if (!found)
            error_set(&request->error, ERROR_NOT_RUNNING, "no such resource: %s", names->items[i]);
    }
}

orchestrator_request orchestrator_control(struct orchestrator *o, const struct orchestrator_control *control,
                                          orchestrator_done_cb *done, void *data)
{
    static void (*const acts[])(struct request *, struct node *) = {
        [ORCHESTRATOR_START] = start,  [ORCHESTRATOR_STOP] = stop, [ORCHESTRATOR_RESTART] = restart,
        [ORCHESTRATOR_KILL] = kill_it, [ORCHESTRATOR_CUT] = cut,   [ORCHESTRATOR_HEAL] = heal,
    };
    struct request *request = request_new(o, REQUEST_CONTROL, done, data);
    bool only_signal = control->verb == ORCHESTRATOR_KILL && control->signal && control->signal != SIGKILL;
    if (only_signal)
        signal_all(request, control->resources, control->signal);
    else if (for_each_named(request, control->resources, acts[control->verb]) && request->needs_engine)
        engine_need(o);
    o->busy = true;
    values_settle(o);
    return request_start(request, int64_or(control->timeout_ms, -1));
}

/* ---- wait ---- */

/* What nobody wants up will not come by waiting. */
static void watch(struct request *request, struct node *node)
{
    bool is_manual = node->state == STATE_MANUAL;
    request_target(request, node);
    if (node->want == WANT_UP || error_is_set(&request->error))
        return;
    error_set(&request->error, ERROR_NOT_RUNNING, "%s %s, and nobody will start it", node->resource,
              text_pick(is_manual, "is started by hand only", "is not meant to run"));
    error_resource(&request->error, node->resource);
    error_hint(&request->error, "apphost start %s", node->resource);
}

orchestrator_request orchestrator_wait(struct orchestrator *o, const struct orchestrator_wait *wait,
                                       orchestrator_done_cb *done, void *data)
{
    struct request *request = request_new(o, REQUEST_WAIT, done, data);
    request->until = wait->until;
    request->waits_for_all = !wait->resources || !wait->resources->count;
    if (!request->waits_for_all)
        for_each_named(request, wait->resources, watch);
    else if (o->applied_once)
        request_target_all(request);
    return request_start(request, wait->timeout_ms);
}
