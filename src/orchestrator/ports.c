/* Host ports: fixed ones never move; chosen ones are remembered, else the preferred one, else the next one
 * that is free.
 *
 * A container's port can be chosen once it is known whether the container exists already (its label tells its
 * ports), a process' port at any time. Free means that bind(2) works on the address and that no other node
 * has it. What another program takes between our look and the engine's start shows as ERROR_PORT, and the
 * next one is tried. */
#include "orchestrator/internal.h"

#include <string.h>

enum { FIRST_PORT = 20000, PORT_RANGE = 12768, LAST_PORT = 65535 };

static bool is_used(const struct orchestrator *o, int port)
{
    for (const struct node *node = o->nodes; node; node = node->hh.next) {
        for (size_t i = 0; i < node->port_count; i++) {
            if (node->ports[i].host_port == port)
                return true;
        }
    }
    return false;
}

static char *state_key(const struct node *node, size_t index)
{
    return xasprintf("%s/%s", node->id, node->ports[index].endpoint);
}

static int next_free(struct node *node, const struct plan_port *port, int candidate)
{
    struct orchestrator *o = node->o;
    const char *address = port->bind_address;
    if (!address && port->at_gateway) /* which may not be there yet: what is free everywhere is free there */
        address = "0.0.0.0";
    else if (!address)
        address = "127.0.0.1";

    for (int i = 0; i < PORT_RANGE; i++, candidate++) {
        if (candidate > LAST_PORT)
            candidate = FIRST_PORT;
        if (!is_used(o, candidate) && o->hooks.port_is_free(address, candidate))
            return candidate;
    }
    return 0;
}

static int choose(struct node *node, size_t index, int first, struct error *err)
{
    struct orchestrator *o = node->o;
    const struct plan_port *port = &node->spec->run.ports[index];
    cleanup_free char *key = state_key(node, index);
    int remembered = state_port_get(o->services.state, key);
    int liked = int_or(port->preferred_port, FIRST_PORT);
    int chosen = next_free(node, port, int_or(first, int_or(remembered, liked)));
    if (!chosen) {
        error_set(err, ERROR_PORT, "no free port for %s", node_exact_name(node));
        error_resource(err, node->resource);
        return -1;
    }

    node->ports[index].host_port = chosen;
    values_changed(o);
    if (chosen == remembered)
        return 0;
    return state_port_set(o->services.state, key, chosen, err);
}

static bool can_choose(const struct node *node)
{
    if (!node->spec || node->want != WANT_UP)
        return false;
    return node->kind->is_child || (node->kind->at_engine && node->facts.seen != SEEN_UNKNOWN);
}

int ports_settle(struct orchestrator *o, struct error *err)
{
    for (struct node *node = o->nodes; node; node = node->hh.next) {
        for (size_t i = 0; can_choose(node) && i < node->port_count; i++) {
            if (!node->ports[i].host_port && choose(node, i, 0, err) < 0)
                return -1;
        }
    }
    return 0;
}

bool ports_move(struct node *node, int taken)
{
    for (size_t i = 0; i < node->port_count; i++) {
        bool is_it = node->ports[i].host_port == taken || (!taken && node->port_count == 1);
        if (!is_it || node->spec->run.ports[i].fixed_port)
            continue;
        return choose(node, i, node->ports[i].host_port + 1, NULL) == 0;
    }
    return false;
}

/* "tcp=20123,http=20124" */
char *ports_label(const struct node *node)
{
    struct strbuf text = {0};
    for (size_t i = 0; i < node->port_count; i++)
        strbuf_addf(&text, "%s%s=%d", text_if(i, ","), node->ports[i].endpoint, node->ports[i].host_port);
    return strbuf_take(&text);
}

void ports_from_label(struct node *node, const char *label)
{
    for (size_t i = 0; label && i < node->port_count; i++) {
        cleanup_free char *key = xasprintf("%s=", node->ports[i].endpoint);
        const char *at = strstr(label, key);
        int port = 0;
        if (at && (at == label || at[-1] == ','))
            port = (int)strtol(at + strlen(key), NULL, 10);
        bool fixed = node->spec && node->spec->run.ports[i].fixed_port;
        if (port <= 0 || port > LAST_PORT || fixed || node->ports[i].host_port == port)
            continue;
        node->ports[i].host_port = port;
        values_changed(node->o);
    }
}
