/* An engine's life: opening over a transport, cancelling, and a clean end. */
#include "engine/address.h"
#include "engine/engine.h"
#include "engine/internal.h"

#include <stdlib.h>
#include <string.h>

static void on_all_closed(void *data)
{
    struct engine *engine = data;
    loop_cb *tell = engine->on_closed;
    void *tell_data = engine->closed_data;
    strlist_free(&engine->environment);
    engine_address_free(&engine->address);
    free(engine);
    if (tell)
        tell(tell_data);
}

static void on_again(void *data)
{
    engine_negotiate(data);
}

static struct engine *make(struct loop *loop, char *const *environment)
{
    struct engine *engine = xcalloc(1, sizeof *engine);
    engine->loop = loop;
    turn_init(&engine->closed_turn, on_all_closed, engine);
    /* All of it: credential helpers read what their clouds want. */
    timer_init(loop, &engine->again, on_again, engine);
    for (size_t i = 0; environment && environment[i]; i++)
        strlist_add(&engine->environment, environment[i]);
    cleanup_free char *version = address_trimmed(environment, "DOCKER_API_VERSION");
    if (version)
        strlist_setenv(&engine->environment, "DOCKER_API_VERSION", version);
    return engine;
}

struct engine *engine_open_over(struct loop *loop, struct http_transport *transport, char *const *environment)
{
    struct engine *engine = make(loop, environment);
    engine->transport = transport;
    const char *version = strlist_getenv(&engine->environment, "DOCKER_API_VERSION");
    if (version && *version)
        engine_force_version(engine, version, NULL);
    return engine;
}

struct engine *engine_open(struct loop *loop, const struct engine_address *address, char *const *environment,
                           struct error *err)
{
    struct engine *engine = make(loop, environment);
    const char *version = strlist_getenv(&engine->environment, "DOCKER_API_VERSION");
    bool is_forced = version && *version && engine_force_version(engine, version, err) == 0;
    bool is_ssh = !address->unix_path && !address->url;
    if (is_ssh)
        engine->tunnel = engine_tunnel_new(engine, address->host, err);
    engine->negotiated = engine->forced && !is_ssh; /* every operation waits for ssh */

    struct http_address where = {
        .unix_path = engine->tunnel ? engine_tunnel_path(engine->tunnel) : address->unix_path,
        .url = address->url,
        .ca_file = address->ca_file,
        .cert_file = address->cert_file,
        .key_file = address->key_file,
        .skip_verify = address->skip_verify,
    };

    engine_address_copy(&engine->address, address);
    if ((is_forced || !version || !*version) && (!is_ssh || engine->tunnel) &&
        (engine->transport = http_open(loop, &where, err)))
        return engine;
    engine_tunnel_free(engine->tunnel);
    engine_address_free(&engine->address);
    strlist_free(&engine->environment);
    free(engine);
    return NULL;
}

void engine_cancel(struct engine *engine, struct engine_op *op)
{
    (void)engine;
    if (op)
        engine_op_free(op);
}

void engine_check_closed(struct engine *engine)
{
    if (engine->closing && engine->transport_closed && !engine->helpers)
        loop_post(engine->loop, &engine->closed_turn);
}

static void on_transport_closed(void *data)
{
    struct engine *engine = data;
    engine->transport_closed = true;
    engine_check_closed(engine);
}

void engine_close(struct engine *engine, loop_cb *on_closed, void *data)
{
    while (engine->ops)
        engine_op_free(engine->ops);
    http_cancel(engine->transport, take_ptr(&engine->negotiation));
    timer_stop(&engine->again);
    engine_tunnel_free(engine->tunnel);
    engine->tunnel = NULL;
    engine->closing = true;
    engine->on_closed = on_closed;
    engine->closed_data = data;
    http_close(engine->transport, on_transport_closed, engine);
}
