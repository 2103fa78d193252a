/* The front door: life of the orchestrator, and the small requests (forget, hurry). */
#include "orchestrator/internal.h"

#include "base/digest.h"
#include "machine/port.h"

#include <string.h>

static void fill_hooks(struct orchestrator_hooks *hooks)
{
    static const struct orchestrator_hooks real = {
        .spawn = process_spawn,
        .pid = process_pid,
        .stop = process_stop,
        .signal = process_signal,
        .free = process_free,
        .adopt = process_adopt,
        .release = process_release,
        .probe = probe_start,
        .probe_error = probe_last_error,
        .probe_free = probe_free,
        .port_is_free = machine_port_is_free,
        .lacks_address = machine_lacks_address,
        .watch = watch_new,
        .watch_free = watch_free,
    };

    if (!hooks->spawn) {
        hooks->spawn = real.spawn;
        hooks->pid = real.pid;
        hooks->stop = real.stop;
        hooks->signal = real.signal;
        hooks->free = real.free;
    }

    if (!hooks->adopt) {
        hooks->adopt = real.adopt;
        hooks->release = real.release;
    }

    if (!hooks->probe) {
        hooks->probe = real.probe;
        hooks->probe_error = real.probe_error;
        hooks->probe_free = real.probe_free;
    }

    if (!hooks->watch) {
        hooks->watch = real.watch;
        hooks->watch_free = real.watch_free;
    }
    if (!hooks->port_is_free)
        hooks->port_is_free = real.port_is_free;
    if (!hooks->lacks_address)
        hooks->lacks_address = real.lacks_address;
}

struct orchestrator *orchestrator_new(const struct orchestrator_services *services)
{
    struct orchestrator *o = xcalloc(1, sizeof *o);
    o->services = *services;
    o->kinds = node_kinds;
    o->step = node_step;
    o->on_removed = requests_note_removed;
    o->session = xstrdup(services->session);
    o->logs_folder = xstrdup_null(services->logs_folder);
    o->services.session = o->session;
    o->services.logs_folder = o->logs_folder;

    if (services->hooks)
        o->hooks = *services->hooks;
    fill_hooks(&o->hooks);

    o->lost_ms = -1;
    o->values_serial = 1;
    o->random = 0x9E3779B97F4A7C15u ^ digest_fnv1a(services->session);
    o->leftovers = WANT_KEEP;
    turn_init(&o->settle, requests_settle, o);
    timer_init(services->loop, &o->saver, persist_flush, o);

    if (services->engine) {
        o->engine = node_new(o, "engine", NODE_ENGINE);
        o->engine->name = xstrdup("engine");
    }
    return o;
}

static void release_node(struct node *node)
{
    struct orchestrator *o = node->o;
    if (node->op)
        engine_cancel(o->services.engine, node->op);
    if (node->glance)
        engine_cancel(o->services.engine, node->glance);
    node->op = node->glance = NULL;
    node->doing = OP_NONE;
    if (node->kind->on_close)
        node->kind->on_close(node);
    node->pins = 0;
    node_free(node);
}

static void on_closed(void *data)
{
    struct orchestrator *o = data;
    loop_cb *closed = o->on_closed;
    void *closed_data = o->closed_data;
    cJSON_Delete(o->mounts);
    free(o->session);
    free(o->logs_folder);
    free(o);
    if (closed)
        closed(closed_data);
}

void orchestrator_close(struct orchestrator *o, loop_cb *closed, void *data)
{
    persist_flush(o);
    o->closing = true;
    o->on_closed = closed;
    o->closed_data = data;
    if (o->events)
        engine_cancel(o->services.engine, o->events);

    struct request *request, *next_request;
    DL_FOREACH_SAFE(o->requests, request, next_request)
    {
        DL_DELETE(o->requests, request);
        request_free(request);
    }

    struct node *node, *next;
    HASH_ITER(hh, o->nodes, node, next)
    release_node(node);

    plan_ref_drop(o->plan);
    secrets_free(o);
    changes_free(o);
    timer_stop(&o->saver);
    loop_unpost(o->services.loop, &o->settle);
    turn_init(&o->closed, on_closed, o);
    loop_post(o->services.loop, &o->closed);
}

void orchestrator_forget(struct orchestrator *o, orchestrator_request id)
{
    struct request *request, *next;
    DL_FOREACH_SAFE(o->requests, request, next)
    {
        if (request->id != id)
            continue;
        DL_DELETE(o->requests, request);
        request_free(request);
        requests_changed(o);
    }
}

void orchestrator_hurry(struct orchestrator *o, bool kill)
{
    o->hurry = true;
    o->kill = o->kill || kill;
    for (struct node *node = o->nodes; node; node = node->hh.next) {
        if (node->kind->hurry)
            node->kind->hurry(node);
    }
    orchestrator_wake_all(o);
}
