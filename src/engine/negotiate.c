/* Which engine is this, and which dialect do we speak with it: one GET /_ping, however many operations wait
 * for it.
 *
 * Two dialects: 1.44 with servers that have it, else the server's own version from 1.41 on. (Engine 29.0–29.2
 * refuses everything below 1.44; 20.10 speaks 1.41; Podman ignores the version in the path.) `GET /version`
 * and `/info` would tell more, and take 6 ms on Docker, hundreds on Podman. */
#include "engine/internal.h"
#include "base/pick.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PING_TIMEOUT_MS = 5000, MINIMUM_MINOR = 41, NEWEST_MINOR = 44 };

static bool parse_version(const char *text, int *major, int *minor)
{
    char end;
    return text && strlen(text) < 12 && sscanf(text, "%3d.%3d%c", major, minor, &end) == 2;
}

const char *engine_dialect(const char *server_version)
{
    static const char *const dialects[] = {"1.41", "1.42", "1.43", "1.44"};
    int major, minor;
    if (!parse_version(server_version, &major, &minor))
        return NULL;
    if (major > 1 || (major == 1 && minor >= NEWEST_MINOR))
        return dialects[NEWEST_MINOR - MINIMUM_MINOR];
    if (major == 1 && minor >= MINIMUM_MINOR)
        return dialects[minor - MINIMUM_MINOR];
    return NULL;
}

int engine_force_version(struct engine *engine, const char *version, struct error *err)
{
    int major, minor;
    if (*version == 'v')
        version++;
    if (!parse_version(version, &major, &minor) || major != 1 || minor < MINIMUM_MINOR)
        return error_set(err, ERROR_ENGINE, "DOCKER_API_VERSION is %s; apphost needs 1.%d or newer", version,
                         MINIMUM_MINOR);
    snprintf(engine->info.api_version, sizeof engine->info.api_version, "%s", version);
    engine->negotiated = engine->forced = true;
    return 0;
}

static int read_answer(struct engine *engine, const struct http_response *response, struct error *err)
{
    cleanup_free char *message = engine_message(response->body, response->length);

    if (response->status != 200) {
        engine_classify(ON_OTHER, response->status, message, "reach the container engine", err);
        if (err->code != ERROR_ENGINE)
            err->code = ERROR_ENGINE;
        return -1;
    }
    if (!response->api_version)
        return error_set(err, ERROR_ENGINE, "what answers at the engine's address is no container engine");
    snprintf(engine->info.server, sizeof engine->info.server, "%s", text_or_empty(response->server));
    engine->info.is_podman = str_starts(engine->info.server, "Libpod");
    if (engine->forced)
        return 0;

    const char *dialect = engine_dialect(response->api_version);
    if (!dialect)
        return error_set(err, ERROR_ENGINE,
                         "the container engine is too old: it speaks API %s, apphost needs 1.%d "
                         "(Docker 20.10) or newer",
                         response->api_version, MINIMUM_MINOR);
    snprintf(engine->info.api_version, sizeof engine->info.api_version, "%s", dialect);
    return 0;
}

/* Tells everybody who waited for this round. Callbacks may start (those belong to the next round), cancel and
 * close. */
static void wake(struct engine *engine, const struct error *err)
{
    uint64_t round = engine->round++;
    struct engine_op *op = engine->ops;

    while (op) {
        if (!op->waits || op->round != round) {
            op = op->next;
            continue;
        }
        op->waits = false;
        if (err) {
            cleanup_error struct error copy = {0};
            error_copy(&copy, err);
            engine_op_fail(op, &copy);
        } else if (op->is_ping) {
            engine_op_finish(op, &(struct engine_result){.info = &engine->info, .exit_code = -1});
        } else {
            engine_op_send(op);
        }
        op = engine->ops; /* the list may have changed */
    }
}

/* Nobody there, or nobody who listens: said in these words first, the address and the reason after them. */
static void say_not_running(struct error *failure)
{
    if (failure->code == ERROR_ENGINE && failure->detail == DETAIL_NOBODY_LISTENS)
        error_wrap(failure, "the container engine is not running");
}

/* Dropped or silent once: no news about the engine. Silence is longer, and counts twice. */
static bool tries_again(struct engine *engine, const struct error *err)
{
    bool may = err->code == ERROR_CUT || err->code == ERROR_TIMEOUT;
    int64_t pause_ms = -1;
    if (may)
        pause_ms = engine_pause_after_cut(engine->cuts);
    if (err->code == ERROR_TIMEOUT)
        engine->cuts += 2;
    else
        engine->cuts += 1;
    if (pause_ms >= 0)
        timer_start(&engine->again, pause_ms);
    return pause_ms >= 0;
}

static void on_done(const struct http_response *response, const struct error *err, void *data)
{
    struct engine *engine = data;
    cleanup_error struct error failure = {0};
    engine->negotiation = NULL;
    if (err && tries_again(engine, err))
        return;
    engine->cuts = 0;
    if (err)
        error_copy(&failure, err);
    else
        read_answer(engine, response, &failure);

    if (failure.code == ERROR_CUT)
        failure.code = ERROR_ENGINE;
    if (err && engine->tunnel)
        engine_tunnel_explain(engine->tunnel, &failure);
    else if (err)
        say_not_running(&failure);
    engine->negotiated = engine->forced || !error_is_set(&failure);
    wake(engine, error_is_set(&failure) ? &failure : NULL);
}

static void on_tunnel(const struct error *err, struct engine *engine)
{
    if (err)
        wake(engine, err);
    else
        engine_negotiate(engine);
}

void engine_negotiate(struct engine *engine)
{
    if (engine->negotiation || timer_is_armed(&engine->again))
        return;
    if (engine->tunnel && !engine_tunnel_is_up(engine->tunnel)) {
        engine_tunnel_start(engine->tunnel, on_tunnel);
        return;
    }
    struct http_request request = {.method = "GET", .path = "/_ping", .limits = http_within(PING_TIMEOUT_MS)};
    struct http_handlers handlers = {.done = on_done, .data = engine};
    engine->negotiation = http_start(engine->transport, &request, &handlers);
}

struct engine_op *engine_ping(struct engine *engine, engine_done_cb *done, void *data)
{
    struct engine_op *op = engine_op_new(engine, ON_OTHER, done, data, "reach the container engine");
    op->is_ping = true;
    return engine_op_send(op);
}
