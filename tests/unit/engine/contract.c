/* See contract.h. One run is a row of chapters over the same two names, network and volume; each leaves the
 * world as the next one expects it. Waits end with a condition, an event or an answer. */
#include "contract.h"

#include "await.h"
#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

enum { MARKS = 64 };

/* One run: names, and what the stream of events said about our containers. */
struct run {
    struct loop *loop;
    struct engine *engine;
    char name[64], other[64], network[64], volume[64], label[64];
    char network_id[128];
    struct outcome outcome;
    struct engine_op *events;
    bool opened;
    struct mark {
        char action[32], id[80];
        int exit_code;
        int64_t time_ns;
    } marks[MARKS];
    int mark_count;
    const char *wanted_action, *wanted_id;
    bool wanted_seen;
    int wanted_exit_code;
};

const char *contract_image(void)
{
    const char *image = getenv("APPHOST_TEST_IMAGE");
    return image && *image ? image : "apphost-test/redis:7.0";
}

const char *contract_label(void)
{
    static char label[64];
    snprintf(label, sizeof label, "run-%d", (int)getpid());
    return label;
}

static struct outcome *fresh(struct run *run)
{
    return outcome_reset(&run->outcome);
}

static void wait_ok(struct run *run)
{
    await_ok(run->loop, &run->outcome);
}

static void wait_code(struct run *run, enum error_code code)
{
    await_code(run->loop, &run->outcome, code);
}

/* ---- events ---- */

static void on_open(void *data)
{
    ((struct run *)data)->opened = true;
}

static void check_mark(struct run *run, const struct mark *mark)
{
    if (!run->wanted_action || strcmp(mark->action, run->wanted_action) || strcmp(mark->id, run->wanted_id))
        return;
    run->wanted_seen = true;
    run->wanted_exit_code = mark->exit_code;
}

static void on_event(const struct engine_event *event, void *data)
{
    struct run *run = data;
    if (strcmp(event->type, "container") != 0 || !json_get(event->attributes, "apphost.contract"))
        return;
    assert_string_equal(json_string(event->attributes, "apphost.contract", ""), run->label);
    assert_true(run->mark_count < MARKS);
    struct mark *mark = &run->marks[run->mark_count++];
    snprintf(mark->action, sizeof mark->action, "%s", event->action);
    snprintf(mark->id, sizeof mark->id, "%s", event->id);
    mark->exit_code = event->exit_code;
    mark->time_ns = event->time_ns;
    check_mark(run, mark);
}

static void on_events_end(const struct engine_result *result, const struct error *err, void *data)
{
    (void)result, (void)data;
    fail_msg("the stream of events ended: %s", err ? err->text : "without error");
}

/* Waits for the event, which may have come already since the last forget_events(). */
static int wait_event(struct run *run, const char *action, const char *id)
{
    run->wanted_action = action;
    run->wanted_id = id;
    run->wanted_seen = false;
    for (int i = 0; i < run->mark_count; i++)
        check_mark(run, &run->marks[i]);
    await_flag(run->loop, &run->wanted_seen, 20000);
    run->wanted_action = NULL;
    return run->wanted_exit_code;
}

static void forget_events(struct run *run)
{
    run->mark_count = 0;
}

/* ---- helpers ---- */

static cJSON *container_body(const struct run *run, const char *command, const char *host_port)
{
    cJSON *body = cJSON_CreateObject();
    json_add_string(body, "Image", contract_image());
    cJSON *argv = json_add_array(body, "Cmd");
    cJSON_AddItemToArray(argv, cJSON_CreateString(command));
    cJSON_AddItemToArray(argv, cJSON_CreateString("--save"));
    cJSON_AddItemToArray(argv, cJSON_CreateString(""));
    json_add_string(json_add_object(body, "Labels"), "apphost.contract", run->label);
    json_add_object(json_add_object(body, "ExposedPorts"), "6379/tcp");
    cJSON *host = json_add_object(body, "HostConfig");
    json_add_bool(host, "Init", true);
    json_add_string(host, "NetworkMode", run->network_id);
    cJSON *list = json_add_array(json_add_object(host, "PortBindings"), "6379/tcp");
    cJSON *binding = cJSON_CreateObject();
    json_add_string(binding, "HostIp", "127.0.0.1");
    json_add_string(binding, "HostPort", host_port);
    cJSON_AddItemToArray(list, binding);
    cJSON *mount = cJSON_CreateObject();
    json_add_string(mount, "Type", "volume");
    json_add_string(mount, "Source", run->volume);
    json_add_string(mount, "Target", "/data");
    cJSON_AddItemToArray(json_add_array(host, "Mounts"), mount);
    return body;
}

static void create(struct run *run, const char *name, const char *command, const char *host_port,
                   char id[128])
{
    cleanup_json cJSON *body = container_body(run, command, host_port);
    engine_container_create(run->engine, name, NULL, body, on_outcome, fresh(run));
    wait_ok(run);
    snprintf(id, 128, "%s", run->outcome.id);
    assert_true(strlen(id) >= 12);
}

static const struct engine_container *inspect(struct run *run, const char *id)
{
    engine_container_inspect(run->engine, id, on_outcome, fresh(run));
    wait_ok(run);
    /* Its texts belonged to the document of the callback; state and the numbers were copied. */
    return &run->outcome.container;
}

static void list_ours(struct run *run)
{
    char filter[96];
    snprintf(filter, sizeof filter, "apphost.contract=%s", run->label);
    const char *labels[] = {"apphost.contract", filter, NULL};
    engine_container_list(run->engine, labels, on_outcome, fresh(run));
    wait_ok(run);
}

static void remove_container(struct run *run, const char *id, bool force)
{
    engine_container_remove(run->engine, id, force, on_outcome, fresh(run));
    wait_ok(run);
}

/* ---- the chapters ---- */

static void check_ping(struct run *run)
{
    engine_ping(run->engine, on_outcome, fresh(run));
    assert_false(run->outcome.done);
    wait_ok(run);
    assert_true(str_starts(run->outcome.info.api_version, "1.4"));
}

static void check_network(struct run *run)
{
    cleanup_json cJSON *labels = cJSON_CreateObject();
    json_add_string(labels, "apphost.contract", run->label);
    engine_network_create(run->engine, run->network, labels, on_outcome, fresh(run));
    wait_ok(run);
    snprintf(run->network_id, sizeof run->network_id, "%s", run->outcome.id);
    engine_network_create(run->engine, run->network, labels, on_outcome, fresh(run));
    wait_code(run, ERROR_CONFLICT);
    char filter[96];
    snprintf(filter, sizeof filter, "apphost.contract=%s", run->label);
    const char *wanted[] = {filter, NULL};
    engine_network_list(run->engine, wanted, on_outcome, fresh(run));
    wait_ok(run);
    assert_int_equal(json_count(run->outcome.json), 1);
    const cJSON *network = cJSON_GetArrayItem(run->outcome.json, 0);
    assert_string_equal(json_string(network, "Id", ""), run->network_id);
    assert_string_equal(json_string(network, "Name", ""), run->network);
}

static void check_volume(struct run *run)
{
    cleanup_json cJSON *labels = cJSON_CreateObject();
    json_add_string(labels, "apphost.contract", run->label);
    engine_volume_inspect(run->engine, run->volume, on_outcome, fresh(run));
    wait_code(run, ERROR_GONE);
    for (int i = 0; i < 2; i++) { /* the second finds the first's */
        engine_volume_create(run->engine, run->volume, labels, on_outcome, fresh(run));
        wait_ok(run);
        assert_string_equal(run->outcome.id, run->volume);
    }
    engine_volume_inspect(run->engine, run->volume, on_outcome, fresh(run));
    wait_ok(run);
    assert_string_equal(json_string(json_get(run->outcome.json, "Labels"), "apphost.contract", ""),
                        run->label);
}

static void check_created(struct run *run, const char *id)
{
    cleanup_json cJSON *body = container_body(run, "redis-server", "");
    engine_container_create(run->engine, run->name, NULL, body, on_outcome, fresh(run));
    wait_code(run, ERROR_CONFLICT);
    cJSON_ReplaceItemInObjectCaseSensitive(body, "Image", cJSON_CreateString("apphost-test/absent:1"));
    engine_container_create(run->engine, run->other, NULL, body, on_outcome, fresh(run));
    wait_code(run, ERROR_NO_IMAGE);
    wait_event(run, "create", id);
    assert_false(inspect(run, id)->running);
    assert_string_equal(run->outcome.text, "created");
    list_ours(run);
    assert_int_equal(run->outcome.container_count, 1);
    assert_string_equal(run->outcome.text, "created");
    assert_false(run->outcome.container.running);
    assert_int_equal(run->outcome.container.port_count, 0);
}

static int check_started(struct run *run, const char *id)
{
    for (int i = 0; i < 2; i++) { /* started already: success */
        engine_container_start(run->engine, id, on_outcome, fresh(run));
        wait_ok(run);
    }
    wait_event(run, "start", id);
    assert_true(inspect(run, id)->running);
    assert_string_equal(run->outcome.text, "running");
    assert_int_equal(run->outcome.container.port_count, 1);
    struct engine_port port = run->outcome.container.ports[0];
    assert_int_equal(port.target_port, 6379);
    assert_true(port.host_port > 0);
    assert_string_equal(port.host_ip, "127.0.0.1");
    list_ours(run);
    assert_int_equal(run->outcome.container.port_count, 1);
    assert_int_equal(run->outcome.container.ports[0].host_port, port.host_port);
    return port.host_port;
}

/* The state of a container whose port is taken is "created" still. */
static void check_port_taken(struct run *run, int port)
{
    char text[16], id[128];
    snprintf(text, sizeof text, "%d", port);
    create(run, run->other, "redis-server", text, id);
    engine_container_start(run->engine, id, on_outcome, fresh(run));
    wait_code(run, ERROR_PORT);
    assert_false(inspect(run, id)->running);
    assert_string_equal(run->outcome.text, "created");
    remove_container(run, id, true);
    wait_event(run, "destroy", id);
}

static void check_bad_command(struct run *run)
{
    char id[128];
    create(run, run->other, "no-such-command", "", id);
    cleanup_json cJSON *body = container_body(run, "no-such-command", "");
    remove_container(run, id, true);
    /* In the entrypoint: to Podman an empty one means the image's. */
    cJSON_AddItemToArray(json_add_array(body, "Entrypoint"), cJSON_CreateString("no-such-command"));
    cJSON_ReplaceItemInObjectCaseSensitive(json_get(body, "HostConfig"), "Init", cJSON_CreateFalse());
    engine_container_create(run->engine, run->other, NULL, body, on_outcome, fresh(run));
    wait_ok(run);
    snprintf(id, sizeof id, "%s", run->outcome.id);
    engine_container_start(run->engine, id, on_outcome, fresh(run));
    wait_code(run, ERROR_NOT_FOUND);
    remove_container(run, id, true);
}

static void check_in_use(struct run *run, const char *id)
{
    engine_network_connect(run->engine, run->network_id, id, "alias", on_outcome, fresh(run));
    wait_ok(run); /* it is a member already */
    engine_network_remove(run->engine, run->network_id, on_outcome, fresh(run));
    wait_code(run, ERROR_CONFLICT);
    engine_volume_remove(run->engine, run->volume, on_outcome, fresh(run));
    wait_code(run, ERROR_CONFLICT);
    engine_container_remove(run->engine, id, false, on_outcome, fresh(run));
    wait_code(run, ERROR_CONFLICT);
}

static void check_stopped(struct run *run, const char *id)
{
    forget_events(run);
    for (int i = 0; i < 2; i++) { /* stopped already: success */
        engine_container_stop(run->engine, id, &(struct engine_stop){.timeout_s = 5}, on_outcome, fresh(run));
        wait_ok(run);
    }
    assert_int_equal(wait_event(run, "die", id), 0);
    assert_false(inspect(run, id)->running);
    assert_string_equal(run->outcome.text, "exited");
    assert_int_equal(run->outcome.exit_code, 0);
    assert_int_equal(run->outcome.container.port_count, 0);
    engine_container_kill(run->engine, id, NULL, on_outcome, fresh(run));
    wait_code(run, ERROR_CONFLICT);
}

static void check_killed(struct run *run, const char *id)
{
    engine_container_start(run->engine, id, on_outcome, fresh(run));
    wait_ok(run);
    forget_events(run);
    engine_container_kill(run->engine, id, "SIGKILL", on_outcome, fresh(run));
    wait_ok(run);
    assert_int_equal(wait_event(run, "die", id), 137);
    assert_false(inspect(run, id)->running);
    assert_int_equal(run->outcome.exit_code, 137);
}

static void check_removed(struct run *run, const char *id)
{
    remove_container(run, id, false);
    remove_container(run, id, true); /* gone already: success */
    wait_event(run, "destroy", id);
    engine_container_inspect(run->engine, id, on_outcome, fresh(run));
    wait_code(run, ERROR_GONE);
    engine_container_start(run->engine, id, on_outcome, fresh(run));
    wait_code(run, ERROR_GONE);
    engine_container_stop(run->engine, id, &(struct engine_stop){.timeout_s = 1}, on_outcome, fresh(run));
    wait_code(run, ERROR_GONE);
    list_ours(run);
    assert_int_equal(run->outcome.container_count, 0);
    for (int i = 0; i < 2; i++) { /* gone already: success */
        engine_network_remove(run->engine, run->network_id, on_outcome, fresh(run));
        wait_ok(run);
        engine_volume_remove(run->engine, run->volume, on_outcome, fresh(run));
        wait_ok(run);
    }
}

static void check_force(struct run *run)
{
    char id[128];
    create(run, run->name, "redis-server", "", id);
    engine_container_start(run->engine, id, on_outcome, fresh(run));
    wait_ok(run);
    forget_events(run);
    remove_container(run, id, true);
    assert_int_equal(wait_event(run, "die", id), 137);
    wait_event(run, "destroy", id);
    for (int i = 1; i < run->mark_count; i++)
        assert_true(run->marks[i].time_ns >= run->marks[i - 1].time_ns);
}

void contract_run(struct loop *loop, struct engine *engine)
{
    struct run *run = xcalloc(1, sizeof *run);
    run->loop = loop;
    run->engine = engine;
    snprintf(run->label, sizeof run->label, "%s", contract_label());
    snprintf(run->name, sizeof run->name, "apphost-contract-%d-a", (int)getpid());
    snprintf(run->other, sizeof run->other, "apphost-contract-%d-b", (int)getpid());
    snprintf(run->network, sizeof run->network, "apphost-contract-%d-net", (int)getpid());
    snprintf(run->volume, sizeof run->volume, "apphost-contract-%d-vol", (int)getpid());
    check_ping(run);
    run->events = engine_events(engine, 0, on_open, on_event, on_events_end, run);
    await_flag(loop, &run->opened, 10000);
    check_network(run);
    check_volume(run);
    char id[128];
    create(run, run->name, "redis-server", "", id);
    check_created(run, id);
    int port = check_started(run, id);
    check_port_taken(run, port);
    check_bad_command(run);
    check_in_use(run, id);
    check_stopped(run, id);
    check_killed(run, id);
    remove_container(run, id, true);
    check_force(run);
    create(run, run->name, "redis-server", "", id);
    check_removed(run, id);
    engine_cancel(engine, run->events);
    outcome_reset(&run->outcome);
    free(run);
}

/* One kind of object: lists it, removes each. */
typedef struct engine_op *list_fn(struct engine *, const char *const *, engine_done_cb *, void *);

static struct engine_op *force_remove(struct engine *engine, const char *id, engine_done_cb *done, void *data)
{
    return engine_container_remove(engine, id, true, done, data);
}

void contract_sweep(struct loop *loop, struct engine *engine)
{
    static const struct {
        list_fn *list;
        struct engine_op *(*remove)(struct engine *, const char *, engine_done_cb *, void *);
        const char *key;
    } kinds[] = {
        {engine_container_list, force_remove, "Id"},
        {engine_network_list, engine_network_remove, "Id"},
        {engine_volume_list, engine_volume_remove, "Name"},
    };
    char filter[96];
    snprintf(filter, sizeof filter, "apphost.contract=%s", contract_label());
    const char *labels[] = {filter, NULL};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        struct outcome listed = {0}, removed = {0};
        const cJSON *item;
        kinds[i].list(engine, labels, on_outcome, &listed);
        await_ok(loop, &listed);
        cJSON_ArrayForEach(item, listed.json)
        {
            kinds[i].remove(engine, json_string(item, kinds[i].key, ""), on_outcome, outcome_reset(&removed));
            await_ok(loop, &removed);
        }
        outcome_reset(&listed);
        outcome_reset(&removed);
    }
}
