/* An operation's life: made, sent (after the negotiation), answered, told, freed; see internal.h. */
#include "engine/internal.h"
#include "base/ignore.h"
#include "base/pick.h"

#include <stdlib.h>
#include <string.h>
#include <utlist.h>

/* What only reads is asked again when its connection was dropped: one is no news about the engine. */
enum { CUT_TRIES = 3, FIRST_PAUSE_MS = 50 };

static void on_late(void *data);
static void on_again(void *data);

struct engine_op *engine_op_new(struct engine *engine, enum engine_context context, engine_done_cb *done,
                                void *data, const char *what, ...)
{
    struct engine_op *op = xcalloc(1, sizeof *op);
    va_list args;
    va_start(args, what);
    op->what = xvasprintf(what, args);
    va_end(args);
    op->engine = engine;
    op->serial = ++engine->serial;
    op->context = context;
    op->done = done;
    op->data = data;
    op->on_answer = engine_answer_empty;
    turn_init(&op->late_turn, on_late, op);
    timer_init(engine->loop, &op->again, on_again, op);
    DL_APPEND(engine->ops, op);
    return op;
}

static void free_request(struct engine_request *request)
{
    free(request->path);
    free(request->body);
    if (request->header)
        mem_wipe(request->header, strlen(request->header));
    free(request->header);
    *request = (struct engine_request){0};
}

void engine_op_request(struct engine_op *op, const char *method, struct http_limits limits, const char *path,
                       ...)
{
    free_request(&op->request);
    va_list args;
    va_start(args, path);
    op->request.path = xvasprintf(path, args);
    va_end(args);
    op->request.method = method;
    op->request.limits = limits;
    op->request.changes = strcmp(method, "GET") != 0;
}

void engine_op_body(struct engine_op *op, const cJSON *body)
{
    free(op->request.body);
    op->request.body = json_print(body);
}

static void unlink_op(struct engine_op *op)
{
    struct engine *engine = op->engine;
    http_cancel(engine->transport, take_ptr(&op->call));
    loop_unpost(engine->loop, &op->late_turn);
    timer_stop(&op->again);
    DL_DELETE(engine->ops, op);
}

static void release_op(struct engine_op *op)
{
    if (op->free_state)
        op->free_state(op->state);
    free_request(&op->request);
    error_clear(&op->late);
    free(op->what);
    free(op->note);
    free(op);
}

void engine_op_free(struct engine_op *op)
{
    unlink_op(op);
    release_op(op);
}

void engine_op_finish(struct engine_op *op, const struct engine_result *result)
{
    unlink_op(op);
    op->done(result, NULL, op->data);
    release_op(op);
}

void engine_op_fail(struct engine_op *op, struct error *err)
{
    unlink_op(op);
    op->done(NULL, err, op->data);
    release_op(op);
    error_ignore(err, "who asked was told");
}

bool engine_op_is_alive(const struct engine_op_mark *mark)
{
    for (const struct engine_op *op = mark->engine->ops; op; op = op->next)
        if (op == mark->op && op->serial == mark->serial)
            return true;
    return false;
}

static void on_late(void *data)
{
    struct engine_op *op = data;
    cleanup_error struct error err = {0};
    if (!error_is_set(&op->late)) {
        op->on_answer(op, NULL);
        return;
    }
    error_move(&err, &op->late);
    engine_op_fail(op, &err);
}

struct engine_op *engine_op_answer_late(struct engine_op *op)
{
    loop_post(op->engine->loop, &op->late_turn);
    return op;
}

struct engine_op *engine_op_fail_late(struct engine_op *op, struct error *err)
{
    error_move(&op->late, err);
    loop_post(op->engine->loop, &op->late_turn);
    return op;
}

int64_t engine_pause_after_cut(int cuts)
{
    if (cuts < CUT_TRIES)
        return FIRST_PAUSE_MS << cuts;
    return -1;
}

static void on_again(void *data)
{
    engine_op_send(data);
}

/* Only what was not told yet may be asked again: a stream that had begun is its caller's. */
static bool tries_again(struct engine_op *op, const struct http_response *response, const struct error *err)
{
    bool may = err->code == ERROR_CUT && !op->request.changes && !(op->on_data && response);
    int64_t pause_ms = -1;
    if (may)
        pause_ms = engine_pause_after_cut(op->cuts++);
    if (pause_ms >= 0)
        timer_start(&op->again, pause_ms);
    return pause_ms >= 0;
}

static void fail_transport(struct engine_op *op, const struct error *cause)
{
    cleanup_error struct error err = {0};
    error_copy(&err, cause);
    if (err.code == ERROR_CUT) /* often enough: it is the engine */
        err.code = ERROR_ENGINE;
    if (op->context == ON_PULL && err.code == ERROR_TIMEOUT) /* the registry's silence, not the engine's */
        err.code = ERROR_PULL;
    if (err.code != ERROR_ENGINE) /* an unreachable engine is no news about this object */
        error_wrap(&err, "cannot %s", op->what);
    engine_op_fail(op, &err);
}

void engine_op_refuse(struct engine_op *op, int status, const char *message)
{
    cleanup_error struct error err = {0};
    cleanup_free char *text = NULL;
    if (op->note)
        text = xasprintf("%s (%s)", message, op->note);
    else
        text = xstrdup(message);
    engine_classify(op->context, status, text, op->what, &err);
    engine_op_fail(op, &err);
}

static void fail_status(struct engine_op *op, const struct http_response *response)
{
    cleanup_free char *message = engine_message(response->body, response->length);
    if (engine_says(SAYS_VERSION, response->status, message) && !op->retried && !op->engine->forced) {
        op->retried = true;
        op->engine->negotiated = false; /* another engine answers at this address now */
        engine_op_send(op);
        return;
    }
    if (op->refused && op->refused(op, response->status))
        return;
    if (engine_says(op->forgives, response->status, message)) {
        engine_op_finish(op, &(struct engine_result){.exit_code = -1});
        return;
    }

    if (op->mends && op->mends(op, message)) {
        op->mends = NULL; /* once */
        engine_op_send(op);
        return;
    }
    engine_op_refuse(op, response->status, message);
}

static void on_done(const struct http_response *response, const struct error *err, void *data)
{
    struct engine_op *op = data;
    op->call = NULL;
    if (err && tries_again(op, response, err))
        return;
    if (err)
        fail_transport(op, err);
    else if (response->status >= 400)
        fail_status(op, response);
    else
        op->on_answer(op, response);
}

static void start_call(struct engine_op *op)
{
    struct engine *engine = op->engine;
    const struct engine_request *from = &op->request;
    cleanup_free char *path = xasprintf("/v%s%s", engine->info.api_version, from->path);
    const char *headers[] = {from->header, NULL};
    struct http_request request = {
        .method = from->method,
        .path = path,
        .body = from->body,
        .body_length = strlen(text_or_empty(from->body)),
        .fresh = from->changes,
        .limits = from->limits,
        .limit = from->limit,
        .duplex = from->duplex,
    };
    if (from->header)
        request.headers = headers;
    struct http_handlers handlers = {.done = on_done,
                                     .on_data = op->on_data,
                                     .on_open = op->on_open,
                                     .on_drained = op->on_drained,
                                     .data = op};

    op->call = http_start(engine->transport, &request, &handlers);
}

struct engine_op *engine_op_send(struct engine_op *op)
{
    struct engine *engine = op->engine;
    if (engine->negotiated && !op->is_ping) {
        op->waits = false;
        start_call(op);
        return op;
    }
    engine_negotiate(engine);
    op->waits = true;
    op->round = engine->round;
    return op;
}

void engine_answer_empty(struct engine_op *op, const struct http_response *response)
{
    (void)response;
    engine_op_finish(op, &(struct engine_result){.exit_code = -1});
}

cJSON *engine_answer_json(struct engine_op *op, const struct http_response *response)
{
    cleanup_error struct error err = {0};
    cJSON *document = json_parse(response->body, response->length, &err);
    if (document)
        return document;
    error_wrap(&err, "cannot %s: the engine's answer (HTTP %d, %zu bytes) is unusable", op->what,
               response->status, response->length);
    engine_op_fail(op, &err);
    return NULL;
}

void engine_answer_document(struct engine_op *op, const struct http_response *response)
{
    cleanup_json cJSON *document = engine_answer_json(op, response);
    if (!document)
        return;
    const char *id = json_string(document, "Id", json_string(document, "Name", NULL));
    engine_op_finish(op, &(struct engine_result){.json = document, .id = id, .exit_code = -1});
}

char *engine_label_filter(const char *first, const char *const *labels)
{
    if (!labels || !labels[0])
        return xstrdup("");
    cleanup_json cJSON *filters = cJSON_CreateObject();
    cJSON *list = json_add_array(filters, "label");
    for (size_t i = 0; labels[i]; i++)
        cJSON_AddItemToArray(list, cJSON_CreateString(labels[i]));
    cleanup_free char *text = json_print(filters);
    cleanup_free char *encoded = str_percent_encode(text);
    return xasprintf("%sfilters=%s", first, encoded);
}
