/* Services, secrets, networks and nodes of a swarm: one request each. See swarm.h.
 *
 * Requests that name an image go with the credentials for its registry: the search for them comes first
 * (credentials.c), then the request. */
#include "engine/swarm.h"

#include "base/digest.h"
#include "base/names.h"
#include "base/pick.h"
#include "engine/internal.h"

#include <stdlib.h>
#include <string.h>

enum { READ_TIMEOUT_MS = 30000, CHANGE_TIMEOUT_MS = 40000, REGISTRY_TIMEOUT_MS = 60000 };

struct engine_op *engine_info(struct engine *engine, engine_done_cb *done, void *data)
{
    struct engine_op *op = engine_op_new(engine, ON_OTHER, done, data, "ask the engine about itself");
    engine_op_request(op, "GET", http_within(READ_TIMEOUT_MS), "/info");
    op->on_answer = engine_answer_document;
    return engine_op_send(op);
}

/* ---- lists ---- */

static NAMES(kind_names, ENGINE_SWARM_KIND_COUNT, [ENGINE_SERVICES] = "services", [ENGINE_TASKS] = "tasks",
             [ENGINE_SECRETS] = "secrets", [ENGINE_OVERLAYS] = "networks", [ENGINE_NODES] = "nodes");

struct engine_op *engine_swarm_list(struct engine *engine, enum engine_swarm_kind kind, const char *label,
                                    engine_done_cb *done, void *data)
{
    const char *name = names_text(&kind_names, kind);
    struct engine_op *op = engine_op_new(engine, ON_OTHER, done, data, "list %s of the swarm", name);
    const char *labels[] = {label, NULL};
    const char *status = "?status=false";
    if (kind == ENGINE_SERVICES)
        status = "?status=true";
    cleanup_free char *filter = engine_label_filter("&", labels);
    engine_op_request(op, "GET", http_within(READ_TIMEOUT_MS), "/%s%s%s", name, status, filter);
    op->on_answer = engine_answer_document;
    return engine_op_send(op);
}

/* ---- with credentials ---- */

struct authorised {
    struct auth_search *search;
};

static void free_authorised(void *state)
{
    struct authorised *authorised = state;
    engine_auth_cancel(authorised->search);
    free(authorised);
}

static void on_auth(const char *header, const char *note, void *data)
{
    struct engine_op *op = data;
    struct authorised *authorised = op->state;
    authorised->search = NULL;
    op->note = xstrdup_null(note);
    op->request.header = xstrdup_null(header);
    engine_op_send(op);
}

static struct engine_op *send_authorised(struct engine_op *op, const char *image)
{
    if (!image)
        return engine_op_send(op);
    cleanup_free char *name = engine_image_name(op->engine, image);
    struct image_reference parsed;
    cleanup_error struct error err = {0};
    if (image_reference_parse(name, &parsed, &err) < 0)
        return engine_op_fail_late(op, &err);
    struct authorised *authorised = xcalloc(1, sizeof *authorised);
    op->state = authorised;
    op->free_state = free_authorised;
    authorised->search = engine_auth_start(op->engine, parsed.registry, on_auth, op);
    image_reference_free(&parsed);
    return op;
}

static void on_digest(struct engine_op *op, const struct http_response *response)
{
    cleanup_json cJSON *document = engine_answer_json(op, response);
    if (!document)
        return;
    const char *digest = json_string(json_get(document, "Descriptor"), "digest", NULL);
    engine_op_finish(op, &(struct engine_result){.json = document, .id = digest, .exit_code = -1});
}

struct engine_op *engine_image_digest(struct engine *engine, const char *reference, engine_done_cb *done,
                                      void *data)
{
    cleanup_free char *name = engine_image_name(engine, reference);
    struct engine_op *op = engine_op_new(engine, ON_PULL, done, data, "find %s in its registry", name);
    engine_op_request(op, "GET", http_within(REGISTRY_TIMEOUT_MS), "/distribution/%s/json", name);
    op->on_answer = on_digest;
    return send_authorised(op, reference);
}

/* ---- services ---- */

/* Services and secrets answer with "ID", networks with "Id". */
static void on_made(struct engine_op *op, const struct http_response *response)
{
    cleanup_json cJSON *document = engine_answer_json(op, response);
    if (!document)
        return;
    const char *id = json_string(document, "ID", json_string(document, "Id", NULL));
    engine_op_finish(op, &(struct engine_result){.json = document, .id = id, .exit_code = -1});
}

struct engine_op *engine_service_create(struct engine *engine, const char *image, const cJSON *body,
                                        engine_done_cb *done, void *data)
{
    struct engine_op *op = engine_op_new(engine, ON_OTHER, done, data, "create service %s",
                                         json_string(body, "Name", "without a name"));
    engine_op_request(op, "POST", http_within(CHANGE_TIMEOUT_MS), "/services/create");
    engine_op_body(op, body);
    op->on_answer = on_made;
    return send_authorised(op, image);
}

struct engine_op *engine_service_update(struct engine *engine, const struct engine_update *update,
                                        engine_done_cb *done, void *data)
{
    struct engine_op *op = engine_op_new(engine, ON_OTHER, done, data, "update service %s", update->name);
    cleanup_free char *encoded = engine_path_part(update->id);
    const char *rollback = text_if(update->to_previous, "&rollback=previous");
    engine_op_request(op, "POST", http_within(CHANGE_TIMEOUT_MS), "/services/%s/update?version=%lld%s",
                      encoded, (long long)update->version, rollback);
    engine_op_body(op, update->body);
    return send_authorised(op, update->image);
}

static struct engine_op *remove_object(struct engine_op *op, const char *folder, const char *id)
{
    cleanup_free char *encoded = engine_path_part(id);
    engine_op_request(op, "DELETE", http_within(CHANGE_TIMEOUT_MS), "/%s/%s", folder, encoded);
    op->forgives = SAYS_GONE;
    return engine_op_send(op);
}

struct engine_op *engine_service_remove(struct engine *engine, const char *id, engine_done_cb *done,
                                        void *data)
{
    struct engine_op *op = engine_op_new(engine, ON_OTHER, done, data, "remove service %s", id);
    return remove_object(op, "services", id);
}

/* ---- what services need ---- */

static cJSON *named(const char *name, const cJSON *labels)
{
    cJSON *body = cJSON_CreateObject();
    json_add_string(body, "Name", name);
    if (labels)
        cJSON_AddItemToObject(body, "Labels", cJSON_Duplicate(labels, true));
    return body;
}

struct engine_op *engine_secret_create(struct engine *engine, const char *name, const cJSON *labels,
                                       const char *value, engine_done_cb *done, void *data)
{
    struct engine_op *op = engine_op_new(engine, ON_OTHER, done, data, "create secret %s", name);
    cleanup_json cJSON *body = named(name, labels);
    cleanup_free char *encoded = digest_base64(value, strlen(value), 0);
    json_add_string(body, "Data", encoded);
    mem_wipe(encoded, strlen(encoded));
    engine_op_request(op, "POST", http_within(CHANGE_TIMEOUT_MS), "/secrets/create");
    engine_op_body(op, body);
    op->on_answer = on_made;
    return engine_op_send(op);
}

struct engine_op *engine_secret_remove(struct engine *engine, const char *id, engine_done_cb *done,
                                       void *data)
{
    struct engine_op *op = engine_op_new(engine, ON_OTHER, done, data, "remove secret %s", id);
    return remove_object(op, "secrets", id);
}

struct engine_op *engine_overlay_create(struct engine *engine, const char *name, const cJSON *labels,
                                        engine_done_cb *done, void *data)
{
    struct engine_op *op = engine_op_new(engine, ON_OTHER, done, data, "create network %s", name);
    cleanup_json cJSON *body = named(name, labels);
    json_add_bool(body, "CheckDuplicate", true);
    json_add_string(body, "Driver", "overlay");
    engine_op_request(op, "POST", http_within(CHANGE_TIMEOUT_MS), "/networks/create");
    engine_op_body(op, body);
    op->on_answer = on_made;
    return engine_op_send(op);
}

struct engine_op *engine_node_update(struct engine *engine, const char *id, int64_t version,
                                     const cJSON *body, engine_done_cb *done, void *data)
{
    struct engine_op *op = engine_op_new(engine, ON_OTHER, done, data, "update node %s", id);
    cleanup_free char *encoded = engine_path_part(id);
    engine_op_request(op, "POST", http_within(CHANGE_TIMEOUT_MS), "/nodes/%s/update?version=%lld", encoded,
                      (long long)version);
    engine_op_body(op, body);
    return engine_op_send(op);
}
