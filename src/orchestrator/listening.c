/* What is found when an endpoint does not answer: the hint of a time-out. It names what the process, or who
 * is inside the container, listens on instead: another port, or an address that cannot be reached from here.
 *
 * Looked up once, when the time is over; where the kernel lets us see nothing there is no hint. */
#include "orchestrator/internal.h"

#include "machine/port.h"

#include <string.h>

static bool is_probed_by_port(const struct node *node)
{
    enum plan_probe_kind kind = node_probe(node)->kind;
    bool by_port = kind == PLAN_PROBE_TCP || kind == PLAN_PROBE_HTTP || kind == PLAN_PROBE_PING ||
                   kind == PLAN_PROBE_IMAGE_HEALTH;
    return by_port && node->spec && node->port_count && node_is_alive(node);
}

static const struct plan_port *probed_port(const struct node *node)
{
    const struct plan_run *run = &node->spec->run;
    const char *endpoint = node_probe(node)->endpoint;
    for (size_t i = 0; i < run->port_count; i++)
        if (!endpoint || str_eq(run->ports[i].endpoint, endpoint))
            return &run->ports[i];
    return &run->ports[0];
}

/* The variable that tells a process its own port, or NULL. */
static const char *port_variable(const struct node *node, const char *endpoint)
{
    const struct plan_run *run = &node->spec->run;
    for (size_t i = 0; i < run->environment_count; i++) {
        const struct plan_text *value = &run->environment[i].value;
        bool is_port = value->count == 1 && value->parts[0].kind == PLAN_PORT;
        if (is_port && str_eq(value->parts[0].text, node->id) && str_eq(value->parts[0].endpoint, endpoint))
            return run->environment[i].name;
    }
    return NULL;
}

/* "3000", "3000 and 9229"; the engine's own name server in a container is left out. */
static char *list_ports(const struct machine_listeners *all)
{
    cleanup_strbuf struct strbuf text = {0};
    for (size_t i = 0; i < all->count; i++) {
        bool is_known = !strcmp(all->items[i].address, "127.0.0.11");
        for (size_t k = 0; k < i; k++)
            is_known = is_known || all->items[k].port == all->items[i].port;
        if (!is_known)
            strbuf_addf(&text, "%s%d", text_if(text.length, " and "), all->items[i].port);
    }
    if (!text.length)
        return NULL;
    return strbuf_take(&text);
}

/* The address of the only one at that port; NULL: nobody, or several. */
static const char *only_address(const struct machine_listeners *all, int port)
{
    const char *address = NULL;
    int found = 0;
    for (size_t i = 0; i < all->count; i++) {
        if (all->items[i].port == port) {
            address = all->items[i].address;
            found++;
        }
    }
    if (found != 1)
        return NULL;
    return address;
}

static char *hint_of_process(const struct node *node, const char *name)
{
    struct machine_listeners all;
    const struct plan_port *port = probed_port(node);
    int wanted = port_of(node, port->endpoint);
    machine_listeners_of_session(node->o->hooks.pid(node->process), &all);
    const char *address = only_address(&all, wanted), *variable = port_variable(node, port->endpoint);
    cleanup_free char *others = list_ports(&all);
    if (address)
        return xasprintf("%s listens on %s only; let it listen on 127.0.0.1", name, address);
    if (!others)
        return xasprintf("%s listens on no port", name);
    if (variable)
        return xasprintf("%s listens on %s; does it read %s?", name, others, variable);
    return xasprintf("%s listens on %s; is it told its port? `env: PORT` at the endpoint does that", name,
                     others);
}

static char *hint_of_container(const struct node *node, const char *name)
{
    struct machine_listeners all;
    int wanted = probed_port(node)->target_port;
    if (!machine_listeners_of_container(node->sensor.container_pid, node->facts.object, &all))
        return NULL;

    const char *address = only_address(&all, wanted);
    cleanup_free char *others = list_ports(&all);
    bool is_inside = address && (str_starts(address, "127.") || !strcmp(address, "::1"));
    if (is_inside)
        return xasprintf("%s listens on %s inside the container, which nobody outside reaches; let it listen "
                         "on 0.0.0.0",
                         name, address);

    if (!others)
        return xasprintf("%s listens on no port inside the container", name);
    if (address)
        return NULL;
    return xasprintf("%s listens on %s inside the container; is `target_port: %d` right?", name, others,
                     wanted);
}

/* The caller frees. */
static char *hint_of(const struct node *node)
{
    const char *name = node_shown_name(node);
    if (node->kind->is_child)
        return hint_of_process(node, name);
    return hint_of_container(node, name);
}

void listening_hint(const struct node *node, struct error *err)
{
    if (!is_probed_by_port(node) || node->facts.ready)
        return;
    cleanup_free char *hint = hint_of(node);
    if (hint)
        error_hint(err, "%s", hint);
}
