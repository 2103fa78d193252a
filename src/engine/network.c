/* Networks: always by id once they exist. Creation by name is racy in Docker 20.10 (four at once made four
 * networks of one name), so callers serialise it and clean up spares by label. */
#include "engine/internal.h"

enum { READ_TIMEOUT_MS = 15000, CHANGE_TIMEOUT_MS = 30000 };

struct engine_op *engine_network_list(struct engine *engine, const char *const *labels, engine_done_cb *done,
                                      void *data)
{
    struct engine_op *op = engine_op_new(engine, ON_OTHER, done, data, "list networks");
    cleanup_free char *filter = engine_label_filter("?", labels);
    engine_op_request(op, "GET", http_within(READ_TIMEOUT_MS), "/networks%s", filter);
    op->on_answer = engine_answer_document;
    return engine_op_send(op);
}

struct engine_op *engine_network_create(struct engine *engine, const char *name, const cJSON *labels,
                                        engine_done_cb *done, void *data)
{
    struct engine_op *op = engine_op_new(engine, ON_OTHER, done, data, "create network %s", name);
    cleanup_json cJSON *body = cJSON_CreateObject();
    json_add_string(body, "Name", name);
    json_add_bool(body, "CheckDuplicate", true); /* without it, engines before 25 make a second one */
    json_add_string(body, "Driver", "bridge");
    if (labels)
        cJSON_AddItemToObject(body, "Labels", cJSON_Duplicate(labels, true));
    engine_op_request(op, "POST", http_within(CHANGE_TIMEOUT_MS), "/networks/create");
    engine_op_body(op, body);
    op->on_answer = engine_answer_document;
    return engine_op_send(op);
}

struct engine_op *engine_network_connect(struct engine *engine, const char *network_id,
                                         const char *container_id, const char *alias, engine_done_cb *done,
                                         void *data)
{
    struct engine_op *op = engine_op_new(engine, ON_OTHER, done, data, "connect container %s to network %s",
                                         container_id, network_id);
    cleanup_json cJSON *body = cJSON_CreateObject();
    json_add_string(body, "Container", container_id);
    if (alias) {
        cJSON *aliases = json_add_array(json_add_object(body, "EndpointConfig"), "Aliases");
        cJSON_AddItemToArray(aliases, cJSON_CreateString(alias));
    }
    cleanup_free char *encoded = engine_path_part(network_id);
    engine_op_request(op, "POST", http_within(CHANGE_TIMEOUT_MS), "/networks/%s/connect", encoded);
    engine_op_body(op, body);
    op->forgives = SAYS_MEMBER;
    return engine_op_send(op);
}

struct engine_op *engine_network_disconnect(struct engine *engine, const char *network_id,
                                            const char *container_id, engine_done_cb *done, void *data)
{
    struct engine_op *op = engine_op_new(engine, ON_OTHER, done, data,
                                         "disconnect container %s from network %s", container_id, network_id);
    cleanup_json cJSON *body = cJSON_CreateObject();
    json_add_string(body, "Container", container_id);
    cleanup_free char *encoded = engine_path_part(network_id);
    engine_op_request(op, "POST", http_within(CHANGE_TIMEOUT_MS), "/networks/%s/disconnect", encoded);
    engine_op_body(op, body);
    op->forgives = SAYS_STRANGER;
    return engine_op_send(op);
}

static void remove_by(struct engine_op *op, const char *name_or_id)
{
    cleanup_free char *encoded = engine_path_part(name_or_id);
    engine_op_request(op, "DELETE", http_within(CHANGE_TIMEOUT_MS), "/networks/%s", encoded);
    op->on_answer = engine_answer_empty;
}

static void on_named(struct engine_op *op, const struct http_response *response)
{
    cleanup_json cJSON *document = engine_answer_json(op, response);
    if (!document)
        return;
    remove_by(op, json_string(document, "Name", ""));
    engine_op_send(op);
}

/* Podman 4.3 removes a network by its id with containers in it, and only by its name does it look for them.
 */
struct engine_op *engine_network_remove(struct engine *engine, const char *id, engine_done_cb *done,
                                        void *data)
{
    struct engine_op *op = engine_op_new(engine, ON_OTHER, done, data, "remove network %s", id);
    remove_by(op, id);
    op->forgives = SAYS_GONE;
    if (engine->info.is_podman) {
        cleanup_free char *encoded = engine_path_part(id);
        engine_op_request(op, "GET", http_within(CHANGE_TIMEOUT_MS), "/networks/%s", encoded);
        op->on_answer = on_named;
    }
    return engine_op_send(op);
}
