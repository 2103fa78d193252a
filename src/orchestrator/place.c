/* Where this machine reaches what the engine publishes, for all resources of the engine at once.
 *
 * Happy path: row `located` asks the engine's room, before anything is listed; one candidate, and texts,
 * probes and the addresses that containers are published on go by it. Where there are two, everything is
 * published on both, and each probe tries them in turn. The first PING that is answered with our password
 * proves one. Any other answer may be a stranger's: it is believed until then, and whoever got ready by it
 * elsewhere is asked anew after the proof.
 *
 * Failure modes: nothing published can be reached from here: a container with ports fails at once, with the
 * reason. The engine published nothing (it runs without a bridge), or not in our network, which nobody could
 * tell before: seen by looking, when the first tries fail. */
#include "orchestrator/internal.h"

#include "base/pick.h"
#include "machine/neighbour.h"

#include <string.h>

enum { LOOKS = 2 }; /* until it is believed that nobody listens */

/* ---- the row ---- */

bool place_is_met(const struct node *root)
{
    return root->facts.located;
}

static bool is_same(const struct engine_where *a, const struct engine_where *b)
{
    bool same = a->count == b->count && !strcmp(a->how, b->how);
    for (int i = 0; same && i < a->count; i++)
        same = !strcmp(a->places[i].host, b->places[i].host) && !strcmp(a->places[i].bind, b->places[i].bind);
    return same;
}

static void on_found(const struct engine_result *result, const struct error *err, void *data)
{
    struct node *root = data;
    struct orchestrator *o = root->o;
    node_op_end(root);
    if (err) {
        engine_lose(o, err);
        return;
    }

    facts_locate(root);
    outside_note(o, result->mounts);
    if (o->located && is_same(&o->where, result->where))
        return;
    o->where = *result->where;
    o->place = 0;
    o->proven = o->where.count < 2;
    o->supposed = false;
    o->located = true;
    values_changed(o);
}

void place_find(struct node *root)
{
    node_op_begin(root, OP_LOCATE, engine_find_where(root->o->services.engine, on_found, root));
}

/* ---- the answer ---- */

const char *place_host(const struct orchestrator *o)
{
    if (!o->located || !o->where.count)
        return PLAN_LIKELY_HOST;
    return o->where.places[o->place].host;
}

const char *place_gateway(struct orchestrator *o)
{
    const struct node *network = network_of(o);
    if (!network)
        return NULL;
    return network->facts.gateway;
}

/* Of a port at the gateway: the gateway, once it is known. */
static const char *gateway_of(const struct orchestrator *o)
{
    const char *gateway = place_gateway((struct orchestrator *)o);
    return text_or(gateway, PLAN_LIKELY_HOST);
}

const char *place_of_port(const struct orchestrator *o, const struct plan_port *port)
{
    if (port && port->at_gateway)
        return gateway_of(o);
    if (port && port->host)
        return port->host;
    return place_host(o);
}

const char *place_in_text(struct orchestrator *o)
{
    const char *host = place_host(o);
    if (!o->located)
        return NULL;
    if (!strchr(host, ':'))
        return host;
    snprintf(o->bracketed, sizeof o->bracketed, "[%s]", host);
    return o->bracketed;
}

const char *place_to_try(const struct node *node, const struct plan_port *port)
{
    const struct orchestrator *o = node->o;
    bool is_known = port && (port->host || port->at_gateway);
    if (is_known || o->proven || o->where.count < 2)
        return place_of_port(o, port);
    return o->where.places[node->sensor.tried % o->where.count].host;
}

bool place_prove(struct node *node)
{
    struct orchestrator *o = node->o;
    const struct plan_run *run = &node->spec->run;
    if (o->proven || !node->kind->at_engine || !o->where.count)
        return false;
    if (run->port_count && run->ports[0].at_gateway)
        return false;

    bool is_news = node->sensor.proves || !o->supposed;
    int place = node->sensor.tried % o->where.count;
    if (!is_news)
        return false;
    o->supposed = true;
    o->proven = node->sensor.proves;
    if (place != o->place) {
        o->place = place;
        values_changed(o);
    }
    return o->proven;
}

/* ---- publishing ---- */

static bool is_for_us_alone(const struct plan_port *port)
{
    if (!port->bind_address)
        return !port->at_gateway;
    return !strcmp(port->bind_address, PLAN_LIKELY_HOST);
}

int place_count(const struct orchestrator *o, const struct plan_port *port)
{
    if (!is_for_us_alone(port))
        return 1;
    return int_max(o->where.count, 1);
}

const char *place_bind(const struct orchestrator *o, const struct plan_port *port, int i)
{
    if (!port->bind_address && port->at_gateway)
        return gateway_of(o);
    if (!is_for_us_alone(port))
        return port->bind_address;
    if (i >= o->where.count)
        return PLAN_LIKELY_HOST;
    return o->where.places[i].bind;
}

const char *place_extra_host(const struct node *node, const char *entry)
{
    struct orchestrator *o = node->o;
    if (!o->where.apart || !*o->where.self || strcmp(entry, PLAN_PROCESS_HOST ":host-gateway") != 0)
        return entry;
    snprintf(o->process_host, sizeof o->process_host, PLAN_PROCESS_HOST ":%s", o->where.self);
    return o->process_host;
}

static void add_extra_hosts(const struct node *node, struct strbuf *out)
{
    const struct plan_run *run = &node->spec->run;
    for (size_t i = 0; i < run->extra_host_count; i++) {
        const char *entry = place_extra_host(node, run->extra_hosts[i]);
        if (entry != run->extra_hosts[i])
            strbuf_addf(out, "%s;", entry);
    }
}

/* What differs from the machine's loopback is part of what a container was made with. */
void place_add(const struct node *node, struct strbuf *out)
{
    const struct orchestrator *o = node->o;
    for (size_t i = 0; i < node->spec->run.port_count; i++)
        if (node->spec->run.ports[i].at_gateway)
            strbuf_addf(out, "%s;", gateway_of(o));
    bool is_plain = o->where.count < 2 && !strcmp(o->where.places[0].bind, PLAN_LIKELY_HOST);
    if (!node->kind->at_engine || node->spec->run.host_network || !o->where.count || is_plain)
        return;

    add_extra_hosts(node, out);
    for (size_t i = 0; i < node->spec->run.port_count; i++) {
        const struct plan_port *port = &node->spec->run.ports[i];
        for (int at = 0; is_for_us_alone(port) && at < place_count(o, port); at++)
            strbuf_addf(out, "%s;", place_bind(o, port, at));
    }
}

/* ---- failures ---- */

static void hint_at_network(struct error *err)
{
    error_hint(err, "run apphost in the engine's network (a container of it: --network host), or say where "
                    "its published ports are reached: APPHOST_PUBLISHED_HOST");
}

/* Nodes of a topology are published on their network's gateway. Where the engine's network is not ours, that
 * is an address of the machine, or of the namespaces, that it runs in. */
static bool is_gateway_elsewhere(const struct node *node)
{
    struct orchestrator *o = node->o;
    const struct plan_run *run = &node->spec->run;
    if (!run->port_count || !run->ports[0].at_gateway || !node->kind->at_engine || o->where.apart)
        return false;
    const char *gateway = place_gateway(o);
    bool is_beside_us = o->where.count == 1 && !strcmp(o->where.places[0].host, PLAN_LIKELY_HOST);
    return gateway && is_beside_us && o->hooks.lacks_address(gateway);
}

static void fail_gateway(struct node *node)
{
    cleanup_error struct error err = {0};
    error_set(
        &err, ERROR_RESOURCE,
        "%s cannot be reached from here: it is published on the gateway of the project's network, and "
        "%s is no address of this machine; the engine runs in a virtual machine or in namespaces of its "
        "own",
        node_exact_name(node), place_gateway(node->o));
    error_hint(&err, "with APPHOST_ENGINE=native the nodes are processes of this machine, on its loopback");
    node_fail(node, &err);
}

/* A loopback address that the manifest names: of the machine's loopback, not of ours. */
static const char *foreign_loopback(const struct node *node)
{
    const struct plan_run *run = &node->spec->run;
    for (size_t i = 0; node->o->where.apart && node->kind->at_engine && i < run->port_count; i++) {
        const struct plan_port *port = &run->ports[i];
        bool is_loopback = port->bind_address &&
                           (str_starts(port->bind_address, "127.") || !strcmp(port->bind_address, "::1"));
        if (is_loopback && !is_for_us_alone(port))
            return port->bind_address;
    }
    return NULL;
}

static void fail_loopback(struct node *node, const char *address)
{
    cleanup_error struct error err = {0};
    error_set(&err, ERROR_RESOURCE,
              "%s cannot be reached from here: %s is the loopback of the engine's machine (%s)",
              node_exact_name(node), address, node->o->where.how);
    error_hint(&err,
               "leave out `bind_address`: it is published where we reach it, and nobody from elsewhere does");
    node_fail(node, &err);
}

static bool refuses_address(struct node *node)
{
    const char *loopback = foreign_loopback(node);
    if (is_gateway_elsewhere(node))
        fail_gateway(node);
    else if (loopback)
        fail_loopback(node, loopback);
    else
        return false;
    return true;
}

bool place_refuses(struct node *node)
{
    const struct orchestrator *o = node->o;
    const struct plan_run *run = &node->spec->run;
    if (o->located && refuses_address(node))
        return true;

    bool is_apart = !o->where.count || o->where.apart;
    if (!node->kind->at_engine || !o->located || !run->port_count || !is_apart)
        return false;
    if (o->where.count && !run->host_network)
        return false;

    cleanup_error struct error err = {0};
    error_set(&err, ERROR_RESOURCE, "%s cannot be reached from here: %s", node_exact_name(node),
              o->where.how);
    if (o->where.count)
        error_hint(&err, "leave out `network: host`, or run apphost on the host's network");
    else
        hint_at_network(&err);
    node_fail(node, &err);
    return true;
}

/* Engines listen on what they publish, so that nobody else takes it: in the network where it is. Forwarders
 * between the two may be a moment late, so one look is none. */
static bool goes_unheard(struct node *node)
{
    const struct orchestrator *o = node->o;
    if (!o->where.unsure || o->where.count != 1)
        return false;
    for (size_t i = 0; i < node->port_count; i++)
        if (machine_has_listener(node->ports[i].host_port) != MACHINE_NO)
            return false;
    node->sensor.unheard++;
    node->sensor.looked = false;
    return node->sensor.unheard >= LOOKS;
}

static void fail_unheard(struct node *node)
{
    cleanup_error struct error err = {0};
    error_set(
        &err, ERROR_RESOURCE,
        "%s cannot be reached from here: the engine publishes its port %d, and nothing listens there in "
        "apphost's network namespace (%s)",
        node_exact_name(node), node->ports[0].host_port, node->o->where.how);
    hint_at_network(&err);
    node_fail(node, &err);
}

static bool has_published(const struct node *node, const struct engine_container *container)
{
    for (int i = 0; i < container->port_count; i++)
        for (size_t at = 0; at < node->port_count; at++)
            if (container->ports[i].host_port == node->ports[at].host_port)
                return true;
    return false;
}

static void on_looked(const struct engine_result *result, const struct error *err, void *data)
{
    struct node *node = data;
    node->sensor.exec = NULL;
    node->sensor.container_pid = 0;
    if (err)
        return;
    const cJSON *state = json_get(result->container->raw, "State");
    node->sensor.container_pid = (pid_t)json_int(state, "Pid", 0);
    if (!result->container->running)
        return;
    if (has_published(node, result->container)) {
        if (goes_unheard(node))
            fail_unheard(node);
        return;
    }
    /* On no network, as one that is cut off: nothing is published until it is back. */
    if (!cJSON_GetArraySize(result->container->networks)) {
        node->sensor.looked = false;
        return;
    }

    cleanup_error struct error cause = {0};
    error_set(&cause, ERROR_RESOURCE, "the engine runs container %s but published none of its ports",
              result->container->name);
    error_hint(&cause,
               "does it run without its default bridge (--bridge=none)? Then it cannot publish ports");
    node_fail(node, &cause);
}

void place_look(struct node *node)
{
    struct sensor *sensor = &node->sensor;
    bool publishes = node->kind->at_engine && node->port_count && !node->spec->run.host_network;
    if (!publishes || sensor->looked || sensor->exec || !node->facts.object || !engine_is_listed(node->o))
        return;
    sensor->looked = true;
    sensor->exec = engine_container_inspect(node->o->services.engine, node->facts.object, on_looked, node);
}
