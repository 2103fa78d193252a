/* Volumes: creating an existing one answers with the old one, labels and all; look at them before claiming
 * it. */
#include "engine/internal.h"

enum { READ_TIMEOUT_MS = 30000, CHANGE_TIMEOUT_MS = 30000 };

static void on_list(struct engine_op *op, const struct http_response *response)
{
    cleanup_json cJSON *document = engine_answer_json(op, response);
    if (!document)
        return;
    cleanup_json cJSON *none = cJSON_CreateArray();
    const cJSON *volumes = json_get(document, "Volumes"); /* null when there are none */
    engine_op_finish(
        op, &(struct engine_result){.json = cJSON_IsArray(volumes) ? volumes : none, .exit_code = -1});
}

struct engine_op *engine_volume_list(struct engine *engine, const char *const *labels, engine_done_cb *done,
                                     void *data)
{
    struct engine_op *op = engine_op_new(engine, ON_OTHER, done, data, "list volumes");
    cleanup_free char *filter = engine_label_filter("?", labels);
    engine_op_request(op, "GET", http_within(READ_TIMEOUT_MS), "/volumes%s", filter);
    op->on_answer = on_list;
    return engine_op_send(op);
}

struct engine_op *engine_volume_create(struct engine *engine, const char *name, const cJSON *labels,
                                       engine_done_cb *done, void *data)
{
    struct engine_op *op = engine_op_new(engine, ON_OTHER, done, data, "create volume %s", name);
    cleanup_json cJSON *body = cJSON_CreateObject();
    json_add_string(body, "Name", name);
    if (labels)
        cJSON_AddItemToObject(body, "Labels", cJSON_Duplicate(labels, true));
    engine_op_request(op, "POST", http_within(CHANGE_TIMEOUT_MS), "/volumes/create");
    engine_op_body(op, body);
    op->on_answer = engine_answer_document;
    return engine_op_send(op);
}

struct engine_op *engine_volume_inspect(struct engine *engine, const char *name, engine_done_cb *done,
                                        void *data)
{
    struct engine_op *op = engine_op_new(engine, ON_OTHER, done, data, "inspect volume %s", name);
    cleanup_free char *encoded = engine_path_part(name);
    engine_op_request(op, "GET", http_within(READ_TIMEOUT_MS), "/volumes/%s", encoded);
    op->on_answer = engine_answer_document;
    return engine_op_send(op);
}

struct engine_op *engine_volume_remove(struct engine *engine, const char *name, engine_done_cb *done,
                                       void *data)
{
    struct engine_op *op = engine_op_new(engine, ON_OTHER, done, data, "remove volume %s", name);
    cleanup_free char *encoded = engine_path_part(name);
    engine_op_request(op, "DELETE", http_within(CHANGE_TIMEOUT_MS), "/volumes/%s", encoded);
    op->forgives = SAYS_GONE;
    return engine_op_send(op);
}
