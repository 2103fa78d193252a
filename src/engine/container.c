/* Containers: list, create, start, inspect, stop, kill, remove. */
#include "engine/internal.h"
#include "base/pick.h"

#include <stdlib.h>
#include <string.h>

/* A frozen engine accepts connections and never answers. Inspect waits behind a start of the same container;
 * starts queue behind each other (50 at once took 6 s on two cores). Each is a part of what its caller has
 * (two minutes), so that a request whose answer was lost leaves time to look and to try again; an engine goes
 * on with what it was asked for when nobody waits any more. */
enum {
    LIST_TIMEOUT_MS = 15000,
    CREATE_TIMEOUT_MS = 30000,
    START_TIMEOUT_MS = 30000,
    INSPECT_TIMEOUT_MS = 30000,
    STOP_EXTRA_MS = 30000,
    REMOVE_TIMEOUT_MS = 40000,
    DEFAULT_STOP_S = 60,
    LIST_LIMIT = 64 << 20,
};

static void on_list(struct engine_op *op, const struct http_response *response)
{
    cleanup_json cJSON *document = engine_answer_json(op, response);
    if (!document)
        return;
    int count = json_count(document), i = 0;
    struct engine_container *containers = xcalloc((size_t)count + 1, sizeof *containers);
    const cJSON *item;
    cJSON_ArrayForEach(item, document)
    {
        if (i < count)
            engine_container_from_list(&containers[i++], item);
    }
    engine_op_finish(
        op, &(struct engine_result){
                .containers = containers, .container_count = count, .json = document, .exit_code = -1});
    free(containers);
}

struct engine_op *engine_container_list(struct engine *engine, const char *const *labels,
                                        engine_done_cb *done, void *data)
{
    struct engine_op *op = engine_op_new(engine, ON_OTHER, done, data, "list containers");
    cleanup_free char *filter = engine_label_filter("&", labels);
    engine_op_request(op, "GET", http_within(LIST_TIMEOUT_MS), "/containers/json?all=1%s", filter);
    op->request.limit = LIST_LIMIT;
    op->on_answer = on_list;
    return engine_op_send(op);
}

static void on_created(struct engine_op *op, const struct http_response *response)
{
    cleanup_json cJSON *document = engine_answer_json(op, response);
    if (!document)
        return;
    const char *id = json_string(document, "Id", NULL);
    if (id) {
        const cJSON *warnings = json_get(document, "Warnings");
        engine_op_finish(op, &(struct engine_result){.id = id,
                                                     .json = document,
                                                     .warnings = json_count(warnings) ? warnings : NULL,
                                                     .exit_code = -1});
        return;
    }
    cleanup_error struct error err = {0};
    error_set(&err, ERROR_PROTOCOL, "cannot %s: the engine's answer names no id", op->what);
    engine_op_fail(op, &err);
}

/* Podman refuses Init where the little program (catatonit) is not installed: without it the container works
 * still, only its own first process has to answer the stop signal. */
static bool leave_init_out(struct engine_op *op, const char *message)
{
    cleanup_json cJSON *body = NULL;
    if (engine_says(SAYS_NO_INIT, 0, message))
        body = json_parse(op->request.body, strlen(op->request.body), NULL);
    cJSON *host = json_get(body, "HostConfig");
    if (!json_bool(host, "Init", false))
        return false;
    cJSON_ReplaceItemInObjectCaseSensitive(host, "Init", cJSON_CreateFalse());
    engine_op_body(op, body);
    return true;
}

struct engine_op *engine_container_create(struct engine *engine, const char *name, const char *platform,
                                          const cJSON *body, engine_done_cb *done, void *data)
{
    struct engine_op *op = engine_op_new(engine, ON_CREATE, done, data, "create container %s", name);
    cleanup_free char *encoded = engine_path_part(name);
    cleanup_free char *wanted = NULL;
    if (platform)
        wanted = engine_path_part(platform);
    engine_op_request(op, "POST", http_within(CREATE_TIMEOUT_MS), "/containers/create?name=%s%s%s", encoded,
                      text_if(wanted, "&platform="), text_or_empty(wanted));
    engine_op_body(op, body);
    op->mends = leave_init_out;
    op->on_answer = on_created;
    return engine_op_send(op);
}

struct engine_op *engine_container_start(struct engine *engine, const char *id, engine_done_cb *done,
                                         void *data)
{
    struct engine_op *op = engine_op_new(engine, ON_START, done, data, "start container %s", id);
    cleanup_free char *encoded = engine_path_part(id);
    engine_op_request(op, "POST", http_within(START_TIMEOUT_MS), "/containers/%s/start", encoded);
    return engine_op_send(op);
}

struct engine_op *engine_container_unpause(struct engine *engine, const char *id, engine_done_cb *done,
                                           void *data)
{
    struct engine_op *op = engine_op_new(engine, ON_START, done, data, "unpause container %s", id);
    cleanup_free char *encoded = engine_path_part(id);
    engine_op_request(op, "POST", http_within(START_TIMEOUT_MS), "/containers/%s/unpause", encoded);
    return engine_op_send(op);
}

static void on_inspected(struct engine_op *op, const struct http_response *response)
{
    cleanup_json cJSON *document = engine_answer_json(op, response);
    if (!document)
        return;
    struct engine_container container;
    engine_container_from_inspect(&container, document);
    engine_op_finish(op, &(struct engine_result){.container = &container,
                                                 .id = container.id,
                                                 .json = document,
                                                 .exit_code = container.exit_code});
}

struct engine_op *engine_container_inspect(struct engine *engine, const char *id, engine_done_cb *done,
                                           void *data)
{
    struct engine_op *op = engine_op_new(engine, ON_OTHER, done, data, "inspect container %s", id);
    cleanup_free char *encoded = engine_path_part(id);
    engine_op_request(op, "GET", http_within(INSPECT_TIMEOUT_MS), "/containers/%s/json", encoded);
    op->on_answer = on_inspected;
    return engine_op_send(op);
}

static int64_t stop_within_ms(const struct engine_stop *stop)
{
    int own_s = DEFAULT_STOP_S;
    if (stop->own_s > 0)
        own_s = stop->own_s;
    int64_t wait_s = own_s;
    if (stop->timeout_s >= 0)
        wait_s = stop->timeout_s;
    return wait_s * 1000 + STOP_EXTRA_MS;
}

struct engine_op *engine_container_stop(struct engine *engine, const char *id, const struct engine_stop *stop,
                                        engine_done_cb *done, void *data)
{
    struct engine_op *op = engine_op_new(engine, ON_OTHER, done, data, "stop container %s", id);
    cleanup_free char *encoded = engine_path_part(id);
    cleanup_strbuf struct strbuf query = {0};
    if (stop->timeout_s >= 0)
        strbuf_addf(&query, "?t=%d", stop->timeout_s);
    if (stop->signal) /* engines before API 1.42 ignore it */
        strbuf_addf(&query, "%csignal=%s", query.length ? '&' : '?', stop->signal);
    engine_op_request(op, "POST", http_within(stop_within_ms(stop)), "/containers/%s/stop%s", encoded,
                      strbuf_text(&query));
    op->forgives = SAYS_STOPPED;
    return engine_op_send(op);
}

struct engine_op *engine_container_kill(struct engine *engine, const char *id, const char *signal,
                                        engine_done_cb *done, void *data)
{
    struct engine_op *op = engine_op_new(engine, ON_OTHER, done, data, "signal container %s", id);
    cleanup_free char *encoded = engine_path_part(id);
    cleanup_free char *wanted = engine_path_part(text_or(signal, "SIGKILL"));
    engine_op_request(op, "POST", http_within(REMOVE_TIMEOUT_MS), "/containers/%s/kill?signal=%s", encoded,
                      wanted);
    return engine_op_send(op);
}

struct engine_op *engine_container_remove(struct engine *engine, const char *id, bool force,
                                          engine_done_cb *done, void *data)
{
    struct engine_op *op = engine_op_new(engine, ON_OTHER, done, data, "remove container %s", id);
    cleanup_free char *encoded = engine_path_part(id);
    engine_op_request(op, "DELETE", http_within(REMOVE_TIMEOUT_MS), "/containers/%s?v=1%s", encoded,
                      text_if(force, "&force=1"));
    op->forgives = SAYS_GONE | SAYS_GOING;
    return engine_op_send(op);
}
