/* Where published ports are: found out, never guessed from a file, an interface or a route.
 *
 * In this order: an override of the user's; for tcp and ssh the engine's host, as the address says; for a
 * unix socket the engine itself is asked about the container that we run in (its id only chooses the
 * question): it knows its network mode and the gateways of its networks, at which the container reaches what
 * is published there (not what is published on the machine's loopback). An engine that does not know it did
 * not make it: then the socket's peer tells. A peer that our pid namespace shows is beside us: loopback. One
 * that it does not show is another container or outside of a pid namespace alone: loopback, and where we are
 * a container of some other engine of the machine, its default gateway too; the first PING that is answered
 * with our password proves which.
 *
 * Failure modes: no network in common is an answer (count 0) with its reason, not an error. */
#include "engine/internal.h"

#include "base/pick.h"
#include "machine/neighbour.h"
#include "machine/self.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TIMEOUT_MS = 5000, MOST_SHARED = 4 };

static const char loopback[] = "127.0.0.1";

struct search {
    struct engine_where where;
    cJSON *mounts; /* of our own container */
    int shared;    /* container:X, how often */
};

static void free_search(void *data)
{
    struct search *search = data;
    cJSON_Delete(search->mounts);
    free(search);
}

/* ---- candidates ---- */

static void add_place(struct engine_where *where, const char *host, const char *bind)
{
    if (where->count == ENGINE_PLACES)
        return;
    struct engine_place *place = &where->places[where->count++];
    snprintf(place->host, sizeof place->host, "%s", host);
    snprintf(place->bind, sizeof place->bind, "%s", bind);
}

static void say(struct engine_where *where, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void say(struct engine_where *where, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(where->how, sizeof where->how, format, args);
    va_end(args);
}

static bool is_address(const char *text)
{
    unsigned char scratch[16];
    return inet_pton(AF_INET, text, scratch) == 1 || inet_pton(AF_INET6, text, scratch) == 1;
}

/* The user's word replaces what was found; an address of its own is also published on. */
static void apply_override(const struct engine_address *address, struct engine_where *where)
{
    if (!address->override)
        return;
    bool is_bindable = address->unix_path && is_address(address->override);
    const char *found = loopback;
    if (where->count)
        found = where->places[0].bind;
    char bind[sizeof where->places[0].bind];
    snprintf(bind, sizeof bind, "%s", is_bindable ? address->override : found);
    where->count = 0;
    where->unsure = false;
    add_place(where, address->override, bind);
    say(where, "APPHOST_PUBLISHED_HOST or TESTCONTAINERS_HOST_OVERRIDE says so");
}

static void conclude(struct engine_op *op)
{
    struct search *search = op->state;
    apply_override(&op->engine->address, &search->where);
    engine_op_finish(
        op, &(struct engine_result){.where = &search->where, .mounts = search->mounts, .exit_code = -1});
}

/* ---- without our own container ---- */

static void by_peer(const struct engine_address *address, pid_t peer, struct engine_where *where)
{
    if (!machine_has_loopback()) {
        say(where, "apphost runs in a network namespace whose loopback is down");
        return;
    }
    if (peer > 0 && machine_shares_network(peer) == MACHINE_NO) {
        say(where, "the engine's socket is served by process %ld in another network namespace than apphost's",
            (long)peer);
        return;
    }

    add_place(where, loopback, loopback);
    where->unsure = peer == 0 || (peer > 0 && machine_shares_network(peer) == MACHINE_UNKNOWN);
    if (peer > 0)
        say(where, "the engine's socket is served by process %ld beside us", (long)peer);
    else if (peer == 0)
        say(where, "the engine's socket is served from another pid namespace, and apphost is none of its "
                   "containers");
    else
        say(where, "%s is a socket of this machine", address->unix_path);
}

static void by_address(const struct engine_address *address, struct engine_where *where)
{
    const char *host = address->published_host;
    if (!host)
        host = loopback;
    add_place(where, host, loopback);
    if (address->host)
        say(where, "the engine is at %s (%s)", address->host, address->origin);
    else
        say(where, "the engine was given");
}

static void answer_alone(struct engine_op *op, const struct http_response *response)
{
    (void)response;
    struct search *search = op->state;
    const struct engine_address *address = &op->engine->address;
    if (address->unix_path)
        by_peer(address, machine_socket_peer(address->unix_path), &search->where);
    else
        by_address(address, &search->where);
    conclude(op);
}

/* ---- an engine that does not know us ---- */

/* An engine that has made its default bridge itself tells the subnet alone: the bridge has its first address
 * then. It is a place to look at, no more: what answers there proves it. */
static bool gateway_of(const cJSON *config, char gateway[INET6_ADDRSTRLEN])
{
    struct in_addr address;
    const char *given = json_string(config, "Gateway", "");
    cleanup_free char *subnet = xstrdup(json_string(config, "Subnet", ""));
    subnet[strcspn(subnet, "/")] = '\0';

    if (is_address(given)) {
        snprintf(gateway, INET6_ADDRSTRLEN, "%s", given);
        return true;
    }
    if (inet_pton(AF_INET, subnet, &address) != 1)
        return false;
    address.s_addr = htonl(ntohl(address.s_addr) + 1);
    return inet_ntop(AF_INET, &address, gateway, INET6_ADDRSTRLEN) != NULL;
}

static void on_bridge(struct engine_op *op, const struct http_response *response)
{
    struct search *search = op->state;
    cleanup_json cJSON *document = engine_answer_json(op, response);
    if (!document)
        return;
    const cJSON *first = cJSON_GetArrayItem(json_path(document, "IPAM.Config"), 0);
    by_peer(&op->engine->address, 0, &search->where);
    char gateway[INET6_ADDRSTRLEN];
    if (gateway_of(first, gateway))
        add_place(&search->where, gateway, gateway);
    conclude(op);
}

static bool without_bridge(struct engine_op *op, int status)
{
    (void)status;
    answer_alone(op, NULL);
    return true;
}

static bool on_unknown(struct engine_op *op, int status)
{
    const char *path = op->engine->address.unix_path;
    if (status != 404 || machine_socket_peer(path) != 0) {
        answer_alone(op, NULL);
        return true;
    }
    op->on_answer = on_bridge;
    op->refused = without_bridge;
    engine_op_request(op, "GET", http_within(TIMEOUT_MS), "/networks/bridge");
    engine_op_send(op);
    return true;
}

/* ---- in one of its containers ---- */

/* The network that the container reaches its engine's machine through: the default one, else the first with a
 * gateway. */
static const cJSON *usable_network(const cJSON *networks)
{
    const cJSON *network, *found = NULL;
    cJSON_ArrayForEach(network, networks)
    {
        bool has_gateway = is_address(json_string(network, "Gateway", ""));
        if (has_gateway && (!found || str_eq(network->string, "bridge")))
            found = network;
    }
    return found;
}

bool engine_where_in_container(const cJSON *document, struct engine_where *where, const char **shares)
{
    const char *mode = json_string(json_get(document, "HostConfig"), "NetworkMode", "");
    const char *name = json_string(document, "Name", "?");
    name += *name == '/';
    *shares = NULL;
    if (str_starts(mode, "container:")) {
        *shares = mode + strlen("container:");
        return false;
    }
    if (!strcmp(mode, "host")) {
        add_place(where, loopback, loopback);
        say(where, "apphost runs in container %s of this engine, on the host's network", name);
        return true;
    }

    const cJSON *network = usable_network(json_path(document, "NetworkSettings.Networks"));
    if (!network) {
        say(where, "apphost runs in container %s of this engine, which is on no network with a gateway",
            name);
        return true;
    }
    const char *gateway = json_string(network, "Gateway", "");
    where->apart = true;
    snprintf(where->self, sizeof where->self, "%s", json_string(network, "IPAddress", ""));
    add_place(where, gateway, gateway);
    say(where, "apphost runs in container %s of this engine; it is the gateway of its network %s", name,
        network->string);
    return true;
}

static bool is_rootless(const cJSON *info)
{
    const cJSON *option;
    cJSON_ArrayForEach(option, json_get(info, "SecurityOptions"))
    {
        const char *text = text_or_empty(cJSON_GetStringValue(option));
        if (str_starts(text, "name=rootless"))
            return true;
    }
    return false;
}

/* A rootless engine publishes on the machine that its network namespace is behind: what its containers see as
 * their gateway is not there, and an address that happens to be there is another's. */
static void on_info(struct engine_op *op, const struct http_response *response)
{
    struct search *search = op->state;
    cleanup_json cJSON *document = engine_answer_json(op, response);
    if (!document)
        return;
    if (is_rootless(document)) {
        search->where.count = 0;
        say(&search->where,
            "apphost runs in a container of this engine, which is rootless and cannot publish "
            "on its gateway");
    }
    conclude(op);
}

static bool without_info(struct engine_op *op, int status)
{
    (void)status;
    conclude(op);
    return true;
}

static void ask_what_it_is(struct engine_op *op)
{
    op->on_answer = on_info;
    op->refused = without_info;
    engine_op_request(op, "GET", http_within(TIMEOUT_MS), "/info");
    engine_op_send(op);
}

static void ask_about(struct engine_op *op, const char *id);

static void on_container(struct engine_op *op, const struct http_response *response)
{
    struct search *search = op->state;
    const char *shares;
    cleanup_json cJSON *document = engine_answer_json(op, response);
    if (!document)
        return;
    if (!search->shared) /* of ourselves, not of whose network we have */
        search->mounts = cJSON_DetachItemFromObjectCaseSensitive(document, "Mounts");
    if (!engine_where_in_container(document, &search->where, &shares) && search->shared++ < MOST_SHARED) {
        ask_about(op, shares);
        return;
    }
    if (search->where.apart)
        ask_what_it_is(op);
    else
        conclude(op);
}

static void ask_about(struct engine_op *op, const char *id)
{
    cleanup_free char *encoded = engine_path_part(id);
    op->on_answer = on_container;
    op->refused = on_unknown;
    engine_op_request(op, "GET", http_within(TIMEOUT_MS), "/containers/%s/json", encoded);
    engine_op_send(op);
}

struct engine_op *engine_find_where(struct engine *engine, engine_done_cb *done, void *data)
{
    struct engine_op *op = engine_op_new(engine, ON_OTHER, done, data, "find out where ports are published");
    cleanup_free char *id = NULL;
    if (engine->address.unix_path)
        id = machine_container_id();
    op->state = xcalloc(1, sizeof(struct search));
    op->free_state = free_search;
    if (id) {
        ask_about(op, id);
        return op;
    }
    op->on_answer = answer_alone;
    return engine_op_answer_late(op);
}
