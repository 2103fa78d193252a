/* See fake_swarm.h. Every answer comes from a turn of its own. */
#include "fake_swarm.h"

#include "base/mem.h"
#include "base/url.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <utlist.h>

struct http_call {
    struct fake_transport *transport;
    struct http_call *prev, *next;
    struct http_handlers handlers;
    struct turn turn;
    int status; /* 0: the connection was lost */
    char *body;
};

struct fake_transport {
    struct http_transport base;
    struct loop *loop;
    struct fake_swarm *fake;
    struct http_call *calls;
    struct turn closed;
    loop_cb *on_closed;
    void *data;
};

void fake_init(struct fake_swarm *fake)
{
    *fake = (struct fake_swarm){
        .services = cJSON_CreateArray(),
        .tasks = cJSON_CreateArray(),
        .secrets = cJSON_CreateArray(),
        .networks = cJSON_CreateArray(),
        .nodes = cJSON_CreateArray(),
        .volumes = cJSON_CreateArray(),
    };
    fake_add_node(fake, "node1", "one");
}

void fake_fini(struct fake_swarm *fake)
{
    cJSON *const all[] = {fake->services, fake->tasks, fake->secrets,
                          fake->networks, fake->nodes, fake->volumes};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        cJSON_Delete(all[i]);
    strlist_free(&fake->images);
    strlist_free(&fake->asked);
}

static void set_version(struct fake_swarm *fake, cJSON *object)
{
    cJSON_DeleteItemFromObjectCaseSensitive(object, "Version");
    json_add_int(json_add_object(object, "Version"), "Index", ++fake->index);
}

static cJSON *add_object(struct fake_swarm *fake, cJSON *array, const char *key, const char *prefix)
{
    cJSON *object = cJSON_CreateObject();
    cJSON_AddItemToArray(array, object);
    cleanup_free char *id = xasprintf("%s%d", prefix, ++fake->index);
    json_add_string(object, key, id);
    set_version(fake, object);
    return object;
}

void fake_add_node(struct fake_swarm *fake, const char *id, const char *name)
{
    cJSON *node = add_object(fake, fake->nodes, "Number", "n");
    json_add_string(node, "ID", id);
    json_add_string(json_add_object(node, "Description"), "Hostname", name);
    json_add_object(json_add_object(node, "Spec"), "Labels");
}

static cJSON *find(cJSON *array, const char *dotted, const char *value)
{
    cJSON *element;
    cJSON_ArrayForEach(element, array)
    {
        const char *text = cJSON_GetStringValue(json_path(element, dotted));
        if (text && strcmp(text, value) == 0)
            return element;
    }
    return NULL;
}

const cJSON *fake_service(const struct fake_swarm *fake, const char *name)
{
    return find(fake->services, "Spec.Name", name);
}

/* ---- tasks ---- */

static const char *image_of(const cJSON *service)
{
    return cJSON_GetStringValue(json_path(service, "Spec.TaskTemplate.ContainerSpec.Image"));
}

static void set_status(struct fake_swarm *fake, cJSON *task, const char *state, const char *words)
{
    cJSON_DeleteItemFromObjectCaseSensitive(task, "Status");
    cJSON *status = json_add_object(task, "Status");
    json_add_string(status, "State", state);
    json_add_string(status, "Err", words);
    cleanup_free char *time = xasprintf("2026-01-01T00:00:00.%09dZ", ++fake->index);
    json_add_string(status, "Timestamp", time);
}

static bool is_job(const cJSON *service)
{
    return json_path(service, "Spec.Mode.ReplicatedJob") != NULL;
}

static int replicas(const cJSON *service)
{
    if (is_job(service))
        return (int)json_int(json_path(service, "Spec.Mode.ReplicatedJob"), "TotalCompletions", 1);
    return (int)json_int(json_path(service, "Spec.Mode.Replicated"), "Replicas", 1);
}

static void start_tasks(struct fake_swarm *fake, const cJSON *service)
{
    const char *id = json_string(service, "ID", "");
    cJSON *task;
    cJSON_ArrayForEach(task, fake->tasks)
    {
        if (strcmp(json_string(task, "ServiceID", ""), id) == 0)
            cJSON_SetValuestring(json_get(task, "DesiredState"), "shutdown");
    }
    for (int i = 0; i < replicas(service); i++) {
        task = add_object(fake, fake->tasks, "ID", "t");
        json_add_string(task, "ServiceID", id);
        json_add_string(task, "DesiredState", is_job(service) ? "complete" : "running");
        cJSON_AddItemToObject(task, "Spec", cJSON_Duplicate(json_path(service, "Spec.TaskTemplate"), true));
        cJSON_AddItemToObject(task, "JobIteration",
                              cJSON_Duplicate(json_path(service, "JobStatus.JobIteration"), true));
        set_status(fake, task, "starting", NULL);
    }
}

static void go_back(struct fake_swarm *fake, cJSON *service)
{
    cJSON *before = cJSON_DetachItemFromObjectCaseSensitive(service, "PreviousSpec");
    if (!before)
        return;
    cJSON_ReplaceItemInObjectCaseSensitive(service, "Spec", before);
    cJSON_DeleteItemFromObjectCaseSensitive(service, "UpdateStatus");
    json_add_string(json_add_object(service, "UpdateStatus"), "State", "rollback_completed");
    set_version(fake, service);
    start_tasks(fake, service);
}

/* One step of a task's life: what starts, runs; what is broken, fails, and there is another one. */
static void advance(struct fake_swarm *fake, cJSON *task)
{
    cJSON *service = find(fake->services, "ID", json_string(task, "ServiceID", ""));
    bool starts = str_eq(json_string(json_get(task, "Status"), "State", ""), "starting");
    if (!service || !starts || str_eq(json_string(task, "DesiredState", ""), "shutdown"))
        return;
    const char *image = image_of(service);
    if (str_starts(image, FAKE_PENDING)) {
        set_status(fake, task, "starting", "no suitable node");
        return;
    }
    if (!str_starts(image, FAKE_BROKEN)) {
        set_status(fake, task, is_job(service) ? "complete" : "running", NULL);
        return;
    }
    set_status(fake, task, "failed", "task: non-zero exit (3)");
    cJSON_SetValuestring(json_get(task, "DesiredState"), "shutdown");
    if (json_get(service, "PreviousSpec") && !is_job(service))
        go_back(fake, service);
    else if (!is_job(service))
        start_tasks(fake, service);
}

static void advance_all(struct fake_swarm *fake)
{
    int count = json_count(fake->tasks);
    for (int i = 0; i < count; i++)
        advance(fake, cJSON_GetArrayItem(fake->tasks, i));
}

/* ---- answers ---- */

struct question {
    struct fake_swarm *fake;
    const char *method, *path; /* below the version, without the query */
    const char *query;
    const cJSON *body;
    int status;
    char *answer;
};

static bool is_asked(const struct question *q, const char *method, const char *path)
{
    return strcmp(q->method, method) == 0 && strcmp(q->path, path) == 0;
}

/* "/services/ID/update" → ID; NULL: it is another path. The caller frees. */
static char *id_in(const struct question *q, const char *method, const char *front, const char *back)
{
    size_t length = strlen(q->path);
    if (strcmp(q->method, method) != 0 || !str_starts(q->path, front) || !str_ends(q->path, back) ||
        length <= strlen(front) + strlen(back))
        return NULL;
    return xstrndup(q->path + strlen(front), length - strlen(front) - strlen(back));
}

static void say(struct question *q, int status, const cJSON *document)
{
    q->status = status;
    q->answer = document ? json_print(document) : xstrdup("");
}

static void refuse(struct question *q, int status, const char *message)
{
    q->status = status;
    q->answer = xasprintf("{\"message\":\"%s\"}", message);
}

static void say_id(struct question *q, const cJSON *object)
{
    cleanup_json cJSON *document = cJSON_CreateObject();
    json_add_string(document, "ID", json_string(object, "ID", json_string(object, "Id", "")));
    say(q, 201, document);
}

static const cJSON *labels_of(const struct question *q, const cJSON *object)
{
    if (json_get(object, "ServiceID"))
        object = find(q->fake->services, "ID", json_string(object, "ServiceID", ""));
    const cJSON *labels = json_get(object, "Labels");
    return labels ? labels : json_path(object, "Spec.Labels");
}

/* Filters are one label here. */
static void say_list(struct question *q, const cJSON *array)
{
    cleanup_json cJSON *found = cJSON_CreateArray();
    const cJSON *object, *label;
    bool all = !strstr(q->query, "filters=");
    cJSON_ArrayForEach(object, array)
    {
        bool fits = all;
        cJSON_ArrayForEach(label, labels_of(q, object))
        {
            cleanup_free char *pair = xasprintf("%s=%s", label->string, label->valuestring);
            cleanup_free char *encoded = str_percent_encode(pair);
            fits |= strstr(q->query, encoded) != NULL;
        }
        if (fits)
            cJSON_AddItemToArray(found, cJSON_Duplicate(object, true));
    }
    say(q, 200, found);
}

static void create_named(struct question *q, cJSON *array, const char *id_key)
{
    const char *name = json_string(q->body, "Name", "");
    bool is_network = strcmp(id_key, "Id") == 0;
    if (find(array, is_network ? "Name" : "Spec.Name", name)) {
        refuse(q, 409, "name conflicts with an existing object: already exists");
        return;
    }
    cJSON *object = add_object(q->fake, array, id_key, "x");
    if (is_network) {
        json_add_string(object, "Name", name);
        cJSON_AddItemToObject(object, "Labels", cJSON_Duplicate(json_get(q->body, "Labels"), true));
    } else
        cJSON_AddItemToObject(object, "Spec", cJSON_Duplicate(q->body, true));
    if (json_path(object, "Spec.Mode.ReplicatedJob"))
        json_add_int(json_add_object(json_add_object(object, "JobStatus"), "JobIteration"), "Index", 0);
    if (array == q->fake->services)
        start_tasks(q->fake, object);
    say_id(q, object);
}

static void update_service(struct question *q, const char *id)
{
    struct fake_swarm *fake = q->fake;
    if (fake->meanwhile) {
        void (*meanwhile)(struct fake_swarm *) = fake->meanwhile;
        fake->meanwhile = NULL;
        meanwhile(fake);
    }
    cJSON *service = find(fake->services, "ID", id);
    cleanup_free char *version =
        xasprintf("version=%d", (int)json_int(json_get(service, "Version"), "Index", 0));
    if (!service || !strstr(q->query, version)) {
        refuse(q, 500, "rpc error: code = Unknown desc = update out of sequence");
        return;
    }
    if (strstr(q->query, "rollback=previous"))
        go_back(fake, service);
    else {
        cJSON *before = cJSON_DetachItemFromObjectCaseSensitive(service, "Spec");
        cJSON_DeleteItemFromObjectCaseSensitive(service, "PreviousSpec");
        cJSON_DeleteItemFromObjectCaseSensitive(service, "UpdateStatus");
        cJSON_AddItemToObject(service, "PreviousSpec", before);
        cJSON_AddItemToObject(service, "Spec", cJSON_Duplicate(q->body, true));
        cJSON *run = json_path(service, "JobStatus.JobIteration.Index");
        if (run)
            cJSON_SetNumberValue(run, run->valuedouble + 1);
        set_version(fake, service);
        start_tasks(fake, service);
    }
    say(q, 200, NULL);
}

static bool is_used(const struct fake_swarm *fake, const char *id)
{
    const cJSON *service;
    cJSON_ArrayForEach(service, fake->services)
    {
        if (find(json_path(service, "Spec.TaskTemplate.ContainerSpec.Secrets"), "SecretID", id))
            return true;
    }
    return false;
}

static void delete_from(struct question *q, cJSON *array, const char *key, const char *id)
{
    cJSON *object = find(array, key, id);
    if (array == q->fake->secrets && is_used(q->fake, id))
        refuse(q, 400, "secret is in use by the following service: x");
    else if (object)
        say(q, 204, NULL);
    else
        refuse(q, 404, "not found");
    if (q->status == 204)
        cJSON_Delete(cJSON_DetachItemViaPointer(array, object));
}

static void update_node(struct question *q, const char *id)
{
    cJSON *node = find(q->fake->nodes, "ID", id);
    cJSON_ReplaceItemInObjectCaseSensitive(node, "Spec", cJSON_Duplicate(q->body, true));
    set_version(q->fake, node);
    say(q, 200, NULL);
}

static void say_text(struct question *q, const char *text)
{
    q->status = 200;
    q->answer = xstrdup(text);
}

static void say_image(struct question *q, const char *name, bool from_registry)
{
    if (!strlist_has(&q->fake->images, name)) {
        refuse(q, from_registry ? 500 : 404, from_registry ? "manifest unknown" : "No such image");
        return;
    }
    say_text(q, "{\"Descriptor\":{\"digest\":\"sha256:0123\"},\"Config\":{\"Entrypoint\":[\"entry\"],"
                "\"Cmd\":[\"cmd\"]}}");
}

/* ---- routes ---- */

static bool answer_lists(struct question *q)
{
    const struct fake_swarm *fake = q->fake;
    const struct {
        const char *path;
        const cJSON *array;
    } lists[] = {
        {"/services", fake->services}, {"/tasks", fake->tasks}, {"/secrets", fake->secrets},
        {"/networks", fake->networks}, {"/nodes", fake->nodes},
    };
    if (is_asked(q, "GET", "/tasks"))
        advance_all(q->fake);
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        if (is_asked(q, "GET", lists[i].path)) {
            say_list(q, lists[i].array);
            return true;
        }
    return false;
}

static bool answer_creations(struct question *q)
{
    if (is_asked(q, "POST", "/services/create"))
        create_named(q, q->fake->services, "ID");
    else if (is_asked(q, "POST", "/secrets/create"))
        create_named(q, q->fake->secrets, "ID");
    else if (is_asked(q, "POST", "/networks/create"))
        create_named(q, q->fake->networks, "Id");
    else
        return false;
    return true;
}

static bool answer_others(struct question *q)
{
    if (is_asked(q, "GET", "/containers/json"))
        say_text(q, "[]");
    else if (is_asked(q, "GET", "/info"))
        say_text(q, "{\"Swarm\":{\"NodeID\":\"node1\"}}");
    else if (is_asked(q, "GET", "/volumes")) {
        cleanup_json cJSON *document = cJSON_CreateObject();
        cJSON_AddItemToObject(document, "Volumes", cJSON_Duplicate(q->fake->volumes, true));
        say(q, 200, document);
    } else
        return false;
    return true;
}

/* What has an id or a name in its path. */
static void answer_one(struct question *q)
{
    struct fake_swarm *fake = q->fake;
    char *id;
    if ((id = id_in(q, "POST", "/services/", "/update")))
        update_service(q, id);
    else if ((id = id_in(q, "POST", "/nodes/", "/update")))
        update_node(q, id);
    else if ((id = id_in(q, "DELETE", "/services/", "")))
        delete_from(q, fake->services, "ID", id);
    else if ((id = id_in(q, "DELETE", "/secrets/", "")))
        delete_from(q, fake->secrets, "ID", id);
    else if ((id = id_in(q, "DELETE", "/networks/", "")))
        delete_from(q, fake->networks, "Id", id);
    else if ((id = id_in(q, "DELETE", "/volumes/", "")))
        delete_from(q, fake->volumes, "Name", id);
    else if ((id = id_in(q, "GET", "/distribution/", "/json")))
        say_image(q, id, true);
    else if ((id = id_in(q, "GET", "/images/", "/json")))
        say_image(q, id, false);
    else if ((id = id_in(q, "GET", "/tasks/", "/logs")))
        say(q, 200, NULL);
    else if ((id = id_in(q, "GET", "/volumes/", "")))
        refuse(q, find(fake->volumes, "Name", id) ? 200 : 404, "no such volume");
    else {
        print_error("nobody answers %s %s\n", q->method, q->path);
        fail();
    }
    free(id);
}

static void answer(struct question *q)
{
    if (q->fake->no_swarm)
        refuse(q, q->fake->no_swarm, "This node is not a swarm manager.");
    else if (!answer_lists(q) && !answer_creations(q) && !answer_others(q))
        answer_one(q);
    if (strcmp(q->method, "GET") != 0 && q->status < 300)
        q->fake->changes++;
}

/* ---- the transport ---- */

static void drop(struct http_call *call)
{
    loop_unpost(call->transport->loop, &call->turn);
    DL_DELETE(call->transport->calls, call);
    free(call->body);
    free(call);
}

static void on_turn(void *data)
{
    struct http_call *call = data;
    struct http_handlers handlers = call->handlers;
    struct http_response response = {.status = call->status, .api_version = "1.41"};
    cleanup_free char *body = take_ptr(&call->body);
    cleanup_error struct error err = {0};
    if (!call->status)
        error_set(&err, ERROR_ENGINE, "the engine is gone");
    bool is_lost = !call->status;
    drop(call);
    response.body = body;
    response.length = strlen(body);
    handlers.done(is_lost ? NULL : &response, is_lost ? &err : NULL, handlers.data);
}

static void put_question(struct http_call *call, const struct http_request *request)
{
    struct fake_swarm *fake = call->transport->fake;
    const char *path = request->path;
    if (str_starts(path, "/v1.41"))
        path += 6;
    cleanup_free char *plain = xstrndup(path, strcspn(path, "?"));
    cleanup_json cJSON *body = NULL;
    if (request->body)
        body = json_parse(request->body, strlen(request->body), NULL);
    struct question q = {.fake = fake, .method = request->method, .path = plain, .body = body};
    q.query = path + strlen(plain);
    strlist_addf(&fake->asked, "%s %s", request->method, plain);

    bool is_dead = fake->dies_at && fake->requests >= fake->dies_at;
    bool has_effect = !is_dead || (fake->dies_after && fake->requests == fake->dies_at);
    if (strcmp(plain, "/_ping") == 0) {
        q.status = 200;
        q.answer = xstrdup("OK");
    } else if (has_effect)
        answer(&q);
    call->body = q.answer ? q.answer : xstrdup("");
    call->status = is_dead ? 0 : q.status;
}

static struct http_call *start(struct http_transport *base, const struct http_request *request,
                               const struct http_handlers *handlers)
{
    struct fake_transport *transport = (struct fake_transport *)base;
    struct http_call *call = xcalloc(1, sizeof *call);
    call->transport = transport;
    call->handlers = *handlers;
    transport->fake->requests++;
    put_question(call, request);
    turn_init(&call->turn, on_turn, call);
    DL_APPEND(transport->calls, call);
    loop_post(transport->loop, &call->turn);
    return call;
}

static void cancel(struct http_call *call)
{
    drop(call);
}

static void on_closed(void *data)
{
    struct fake_transport *transport = data;
    loop_cb *tell = transport->on_closed;
    void *tell_data = transport->data;
    free(transport);
    tell(tell_data);
}

static void close_transport(struct http_transport *base, loop_cb *closed, void *data)
{
    struct fake_transport *transport = (struct fake_transport *)base;
    while (transport->calls)
        drop(transport->calls);
    transport->on_closed = closed;
    transport->data = data;
    loop_post(transport->loop, &transport->closed);
}

struct http_transport *fake_open(struct fake_swarm *fake, struct loop *loop)
{
    static const struct http_transport_ops ops = {.start = start, .cancel = cancel, .close = close_transport};
    struct fake_transport *transport = xcalloc(1, sizeof *transport);
    transport->base.ops = &ops;
    transport->loop = loop;
    transport->fake = fake;
    fake->requests = 0;
    strlist_free(&fake->asked);
    fake->asked = (struct strlist){0};
    turn_init(&transport->closed, on_closed, transport);
    return &transport->base;
}
