/* The engine over a scripted transport: negotiation, cancelling, closing, odd answers, and the conversations
 * of several requests (exec, pull). */
#include "engine/internal.h"
#include "script.h"
#include "world.h"
#include "loop/testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static char *no_environment[] = {NULL};

static int set_up(void **state)
{
    struct world *world = xcalloc(1, sizeof *world);
    script_reset();
    world_open_over(world, script_open, no_environment);
    *state = world;
    return 0;
}

static int tear_down(void **state)
{
    struct world *world = *state;
    world_close(world);
    assert_int_equal(script.open_calls, 0);
    free(world);
    return 0;
}

/* ---- negotiation ---- */

static void test_one_ping_for_all(void **state)
{
    struct world *world = *state;
    struct outcome outcomes[4] = {0};
    script_ping("1.43");
    for (int i = 0; i < 3; i++) {
        script_add((struct script_row){.method = "GET", .path = "/v1.43/containers/x/json", .status = 404});
        engine_container_inspect(world->engine, "x", on_outcome, &outcomes[i]);
    }
    engine_ping(world->engine, on_outcome, &outcomes[3]);
    assert_int_equal(script.request_count, 1);
    for (int i = 0; i < 3; i++)
        await_code(&world->loop, &outcomes[i], ERROR_GONE);
    await_ok(&world->loop, &outcomes[3]);
    assert_string_equal(outcomes[3].info.api_version, "1.43");
    assert_int_equal(script.request_count, 4);
    for (int i = 0; i < 4; i++)
        outcome_reset(&outcomes[i]);
}

static void test_dialects(void **state)
{
    (void)state;
    static const struct {
        const char *server, *dialect;
    } rows[] = {
        {"1.40", NULL},   {"1.24", NULL},   {"1.41", "1.41"}, {"1.42", "1.42"}, {"1.43", "1.43"},
        {"1.44", "1.44"}, {"1.45", "1.44"}, {"1.55", "1.44"}, {"2.0", "1.44"},  {"0.9", NULL},
        {"", NULL},       {"x", NULL},      {"1.44x", NULL},  {NULL, NULL},     {"1", NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *dialect = engine_dialect(rows[i].server);
        if (rows[i].dialect)
            assert_string_equal(dialect, rows[i].dialect);
        else
            assert_null(dialect);
    }
}

static void test_bad_pings(void **state)
{
    struct world *world = *state;
    static const struct {
        struct script_row row;
        const char *word;
    } rows[] = {
        {{.status = 200, .api_version = "1.40"}, "too old"},
        {{.status = 200}, "no container engine"},
        {{.status = 400, .body = "Client sent an HTTP request to an HTTPS server.\n"}, "HTTPS"},
        {{.status = 500, .body = "{\"message\":\"broken\"}"}, "broken"},
        {{.status = 0, .failure = ERROR_ENGINE}, "the transport failed"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct outcome ping = {0}, list = {0};
        struct script_row row = rows[i].row;
        row.method = "GET";
        row.path = "/_ping";
        script_add(row);
        engine_ping(world->engine, on_outcome, &ping);
        engine_container_list(world->engine, NULL, on_outcome, &list);
        await_code(&world->loop, &ping, ERROR_ENGINE);
        await_code(&world->loop, &list, ERROR_ENGINE);
        assert_non_null(strstr(ping.err.text, rows[i].word));
        outcome_reset(&ping);
        outcome_reset(&list);
    }
}

/* An older engine came back at the same address: negotiate again, once, and repeat the request. */
static void test_engine_changed(void **state)
{
    struct world *world = *state;
    struct outcome outcome = {0};
    script_ping("1.44");
    script_add((struct script_row){
        .method = "POST",
        .path = "/v1.44/containers/x/start",
        .status = 400,
        .body = "{\"message\":\"client version 1.44 is too new. Maximum supported API version is 1.41\"}"});
    script_ping("1.41");
    script_add((struct script_row){.method = "POST", .path = "/v1.41/containers/x/start", .status = 204});
    engine_container_start(world->engine, "x", on_outcome, &outcome);
    await_ok(&world->loop, &outcome);
    assert_int_equal(script.request_count, 4);
    outcome_reset(&outcome);
}

struct chain {
    struct world *world;
    struct outcome first, second;
    struct engine_op *other;
};

static void on_first(const struct engine_result *result, const struct error *err, void *data)
{
    struct chain *chain = data;
    on_outcome(result, err, &chain->first);
    engine_ping(chain->world->engine, on_outcome, &chain->second);
    engine_cancel(chain->world->engine, take_ptr(&chain->other));
}

/* A ping that is started by a ping's answer is a new one; an operation that is cancelled there stays silent.
 */
static void test_ping_in_ping(void **state)
{
    struct world *world = *state;
    struct chain chain = {.world = world};
    struct outcome other = {0};
    script_ping("1.41");
    script_ping("1.42");
    engine_ping(world->engine, on_first, &chain);
    chain.other = engine_container_list(world->engine, NULL, on_outcome, &other);
    await_ok(&world->loop, &chain.first);
    await_ok(&world->loop, &chain.second);
    assert_string_equal(chain.second.info.api_version, "1.42");
    assert_int_equal(script.request_count, 2);
    assert_int_equal(other.calls, 0);
}

static void test_forced_version(void **state)
{
    (void)state;
    char *environment[] = {(char[]){"DOCKER_API_VERSION=v1.42"}, NULL};
    struct world world;
    struct outcome outcome = {0};
    script_reset();
    world_open_over(&world, script_open, environment);
    script_add((struct script_row){.method = "POST", .path = "/v1.42/containers/x/start", .status = 304});
    engine_container_start(world.engine, "x", on_outcome, &outcome);
    await_ok(&world.loop, &outcome);
    assert_int_equal(script.request_count, 1);
    world_close(&world);
    struct engine_address address = {.unix_path = (char[]){"/x.sock"}};
    char *old[] = {(char[]){"DOCKER_API_VERSION=1.30"}, NULL};
    cleanup_error struct error err = {0};
    assert_null(engine_open(&world.loop, &address, old, &err));
    assert_int_equal(err.code, ERROR_ENGINE);
}

/* ---- life ---- */

static void test_cancel_and_close(void **state)
{
    struct world *world = *state;
    struct outcome outcomes[3] = {0};
    script_ping("1.41");
    script_add((struct script_row){.method = "GET", .path = "/v1.41/containers/json", .status = -1});
    struct engine_op *waiting = engine_container_list(world->engine, NULL, on_outcome, &outcomes[0]);
    engine_cancel(world->engine, waiting); /* while the ping is out */
    engine_cancel(world->engine, NULL);
    engine_ping(world->engine, on_outcome, &outcomes[1]);
    await_ok(&world->loop, &outcomes[1]);
    engine_container_list(world->engine, NULL, on_outcome, &outcomes[2]); /* silent until the close */
    world_close(world);
    assert_int_equal(outcomes[0].calls + outcomes[2].calls, 0);
    world_open_over(world, script_open, no_environment); /* for the tear-down */
}

static void test_transport_failures(void **state)
{
    struct world *world = *state;
    static const enum error_code codes[] = {ERROR_ENGINE, ERROR_TIMEOUT, ERROR_PROTOCOL};
    script_ping("1.41");
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        struct outcome outcome = {0};
        script_add(
            (struct script_row){.method = "POST", .path = "/v1.41/containers/x/kill", .failure = codes[i]});
        engine_container_kill(world->engine, "x", "SIGTERM", on_outcome, &outcome);
        await_code(&world->loop, &outcome, codes[i]);
        outcome_reset(&outcome);
    }
    assert_true(str_starts(script.requests[1], "POST /v1.41/containers/x/kill?signal=SIGTERM "));
    assert_true(script.fresh[1]);
}

/* A cut answer looks like an empty 200 or a piece of JSON: never a success. */
static void test_cut_answers(void **state)
{
    struct world *world = *state;
    static const char *const bodies[] = {"", "[{\"Id\":", "{}x", "<html>"};
    script_ping("1.41");
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        struct outcome outcome = {0};
        cleanup_json cJSON *body = cJSON_CreateObject();
        script_add((struct script_row){
            .method = "POST", .path = "/v1.41/containers/create?name=n", .status = 201, .body = bodies[i]});
        engine_container_create(world->engine, "n", NULL, body, on_outcome, &outcome);
        await_code(&world->loop, &outcome, ERROR_PROTOCOL);
        outcome_reset(&outcome);
        script_add((struct script_row){
            .method = "GET", .path = "/v1.41/containers/json", .status = 200, .body = bodies[i]});
        engine_container_list(world->engine, NULL, on_outcome, &outcome);
        await_flag(&world->loop, &outcome.done, 1000);
        assert_int_equal(outcome.err.code, ERROR_PROTOCOL);
        outcome_reset(&outcome);
    }
}

static void test_requests(void **state)
{
    struct world *world = *state;
    struct outcome outcome = {0};
    const char *labels[] = {"apphost.project=a b", "x", NULL};
    script_ping("1.44");
    script_add((struct script_row){
        .method = "GET", .path = "/v1.44/containers/json?all=1&filters=", .status = 200, .body = "[]"});
    engine_container_list(world->engine, labels, on_outcome, &outcome);
    await_ok(&world->loop, &outcome);
    assert_non_null(
        strstr(script.requests[1], "%7B%22label%22%3A%5B%22apphost.project%3Da%20b%22%2C%22x%22%5D%7D"));
    script_add((struct script_row){
        .method = "POST", .path = "/v1.44/containers/a%2Fb/stop?t=0&signal=SIGINT", .status = 304});
    engine_container_stop(world->engine, "a/b", &(struct engine_stop){.signal = "SIGINT"}, on_outcome,
                          outcome_reset(&outcome));
    await_ok(&world->loop, &outcome);
    script_add(
        (struct script_row){.method = "DELETE",
                            .path = "/v1.44/containers/x?v=1&force=1",
                            .status = 409,
                            .body = "{\"message\":\"removal of container x is already in progress\"}"});
    engine_container_remove(world->engine, "x", true, on_outcome, outcome_reset(&outcome));
    await_ok(&world->loop, &outcome);
    script_add(
        (struct script_row){.method = "POST",
                            .path = "/v1.44/networks/n/connect",
                            .status = 403,
                            .body = "{\"message\":\"endpoint with name c already exists in network n\"}"});
    engine_network_connect(world->engine, "n", "c", "alias", on_outcome, outcome_reset(&outcome));
    await_ok(&world->loop, &outcome);
    assert_non_null(
        strstr(script.requests[4], "{\"Container\":\"c\",\"EndpointConfig\":{\"Aliases\":[\"alias\"]}}"));
    script_add((struct script_row){.method = "GET",
                                   .path = "/v1.44/volumes",
                                   .status = 200,
                                   .body = "{\"Volumes\":null,\"Warnings\":null}"});
    engine_volume_list(world->engine, NULL, on_outcome, outcome_reset(&outcome));
    await_ok(&world->loop, &outcome);
    assert_true(cJSON_IsArray(outcome.json));
    outcome_reset(&outcome);
}

/* ---- documents ---- */

static void test_list_document(void **state)
{
    (void)state;
    static const char text[] = "{\"Id\":\"abc\",\"Names\":[\"/"
                               "x\"],\"Image\":\"redis\",\"State\":\"running\",\"Status\":\"Up 2 seconds "
                               "(healthy)\",\"Labels\":{\"k\":\"v\"},\"Ports\":[{\"IP\":\"127.0.0.1\","
                               "\"PrivatePort\":6379,\"PublicPort\":"
                               "32772,\"Type\":\"tcp\"},{\"PrivatePort\":80,\"Type\":\"tcp\"}],"
                               "\"NetworkSettings\":{\"Networks\":{\"n\":{"
                               "\"NetworkID\":\"1\"}}}}";
    cleanup_json cJSON *document = json_parse(text, strlen(text), NULL);
    struct engine_container container;
    engine_container_from_list(&container, document);
    assert_string_equal(container.name, "x");
    assert_true(container.running);
    assert_int_equal(container.health, ENGINE_HEALTH_HEALTHY);
    assert_int_equal(container.port_count, 1);
    assert_int_equal(container.ports[0].host_port, 32772);
    assert_int_equal(container.exit_code, -1);
    assert_string_equal(json_string(container.labels, "k", ""), "v");
    assert_non_null(json_get(container.networks, "n"));
    cJSON_ReplaceItemInObjectCaseSensitive(document, "State", cJSON_CreateString("exited"));
    engine_container_from_list(&container, document);
    assert_false(container.running);
    assert_int_equal(container.port_count, 0); /* stale */
    assert_int_equal(container.health, ENGINE_HEALTH_NONE);
}

static void test_inspect_document(void **state)
{
    (void)state;
    static const char text[] =
        "{\"Id\":\"abc\",\"Name\":\"/"
        "x\",\"Config\":{\"Image\":\"redis\",\"Labels\":{\"k\":\"v\"}},\"State\":{\"Status\":"
        "\"running\",\"Running\":true,\"Paused\":false,\"ExitCode\":0,\"OOMKilled\":true,\"Error\":\"\","
        "\"Health\":{"
        "\"Status\":\"unhealthy\"}},\"NetworkSettings\":{\"Ports\":{\"6379/"
        "tcp\":[{\"HostIp\":\"0.0.0.0\",\"HostPort\":"
        "\"1\"},{\"HostIp\":\"::\",\"HostPort\":\"2\"}],\"80/tcp\":null,\"x\":[{\"HostPort\":\"999999\"}]}}}";
    cleanup_json cJSON *document = json_parse(text, strlen(text), NULL);
    struct engine_container container;
    engine_container_from_inspect(&container, document);
    assert_string_equal(container.state, "running");
    assert_true(container.oom_killed);
    assert_int_equal(container.health, ENGINE_HEALTH_UNHEALTHY);
    assert_int_equal(container.port_count, 2);
    assert_string_equal(container.ports[1].host_ip, "::");
    cJSON *state_json = json_get(document, "State");
    cJSON_ReplaceItemInObjectCaseSensitive(state_json, "Paused", cJSON_CreateTrue());
    engine_container_from_inspect(&container, document);
    assert_int_equal(container.health, ENGINE_HEALTH_NONE); /* a pause makes it unhealthy without a reason */
    cleanup_json cJSON *empty = cJSON_CreateObject();
    engine_container_from_inspect(&container, empty);
    assert_string_equal(container.id, "");
}

static void test_event_lines(void **state)
{
    (void)state;
    static const struct {
        const char *line, *action, *id;
        int exit_code;
        enum engine_health health;
        int64_t time_ns;
    } rows[] = {
        {"{\"Type\":\"container\",\"Action\":\"die\",\"Actor\":{\"ID\":\"a\",\"Attributes\":{\"exitCode\":"
         "\"137\"}},"
         "\"time\":1763838000,\"timeNano\":1763838000123456789}",
         "die", "a", 137, ENGINE_HEALTH_NONE, 1763838000123456789},
        {"{\"Type\":\"container\",\"Action\":\"health_status: "
         "unhealthy\",\"Actor\":{\"ID\":\"a\"},\"time\":5}",
         "health_status", "a", -1, ENGINE_HEALTH_UNHEALTHY, 5000000000},
        {"{\"Type\":\"container\",\"Action\":\"health_status: healthy\",\"Actor\":{\"ID\":\"a\"}}",
         "health_status", "a", -1, ENGINE_HEALTH_HEALTHY, 0},
        {"{\"Type\":\"container\",\"Action\":\"remove\",\"Actor\":{\"ID\":\"a\"}}", "destroy", "a", -1,
         ENGINE_HEALTH_NONE, 0},
        {"{\"Type\":\"volume\",\"Action\":\"create\",\"Actor\":{\"ID\":\"\",\"Attributes\":{\"name\":\"v\"}}"
         "}",
         "create", "v", -1, ENGINE_HEALTH_NONE, 0},
        {"{\"Type\":\"container\",\"Action\":\"start\",\"Actor\":{\"ID\":\"a\",\"Attributes\":{\"timeNano\":"
         "\"7\"}},"
         "\"timeNano\":8}",
         "start", "a", -1, ENGINE_HEALTH_NONE, 8},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct engine_event event;
        cleanup_json cJSON *document = NULL;
        assert_true(engine_event_parse(rows[i].line, strlen(rows[i].line), &event, &document));
        assert_string_equal(event.action, rows[i].action);
        assert_string_equal(event.id, rows[i].id);
        assert_int_equal(event.exit_code, rows[i].exit_code);
        assert_int_equal(event.health, rows[i].health);
        assert_true(event.time_ns == rows[i].time_ns);
    }
    struct engine_event event;
    cJSON *document = NULL;
    assert_false(engine_event_parse("[]", 2, &event, &document));
    assert_false(engine_event_parse("{", 1, &event, &document));
    assert_null(document);
}

/* ---- streams ---- */

struct watcher {
    struct world *world;
    struct engine_op *op;
    bool opened;
    int events;
    int cancel_at;
    struct outcome outcome;
};

static void on_open(void *data)
{
    struct watcher *watcher = data;
    assert_int_equal(watcher->events, 0);
    watcher->opened = true;
}

static void on_event(const struct engine_event *event, void *data)
{
    struct watcher *watcher = data;
    assert_true(watcher->opened);
    assert_string_equal(event->action, "start");
    if (++watcher->events == watcher->cancel_at)
        engine_cancel(watcher->world->engine, take_ptr(&watcher->op));
}

static void on_end(const struct engine_result *result, const struct error *err, void *data)
{
    on_outcome(result, err, &((struct watcher *)data)->outcome);
}

static const char three_events[] =
    "{\"Action\":\"start\"}\r\n{\"Action\":\"start\"}\nnonsense\n\n{\"Action\":\"start\"}\n";

static void test_events(void **state)
{
    struct world *world = *state;
    script_ping("1.41");
    for (size_t piece = 0; piece < 12; piece++) {
        struct watcher watcher = {.world = world};
        script_add((struct script_row){.method = "GET",
                                       .path = "/v1.41/events?filters=",
                                       .status = 200,
                                       .body = three_events,
                                       .piece = piece});
        engine_events(world->engine, 1500000001, on_open, on_event, on_end, &watcher);
        await_code(&world->loop, &watcher.outcome, ERROR_ENGINE); /* an end is always news */
        assert_int_equal(watcher.events, 3);
        outcome_reset(&watcher.outcome);
    }
    assert_non_null(strstr(script.requests[1], "&since=1.500000001"));
}

static void test_cancel_in_event(void **state)
{
    struct world *world = *state;
    script_ping("1.41");
    script_add(
        (struct script_row){.method = "GET", .path = "/v1.41/events", .status = 200, .body = three_events});
    struct watcher watcher = {.world = world, .cancel_at = 2};
    watcher.op = engine_events(world->engine, 0, on_open, on_event, on_end, &watcher);
    while (watcher.op)
        loop_run_once(&world->loop);
    struct outcome outcome = {0};
    script_ping("1.41");
    engine_ping(world->engine, on_outcome, &outcome);
    await_ok(&world->loop, &outcome);
    assert_int_equal(watcher.events, 2);
    assert_int_equal(watcher.outcome.calls, 0);
}

struct progress {
    int calls;
    int64_t current, total;
    char words[512];
};

struct puller {
    struct outcome outcome;
    struct progress progress;
};

static void on_progress(const char *status, int64_t current, int64_t total, void *data)
{
    struct progress *progress = &((struct puller *)data)->progress;
    progress->calls++;
    progress->current = current;
    progress->total = total;
    snprintf(progress->words, sizeof progress->words, "%s", status);
}

static void on_pulled(const struct engine_result *result, const struct error *err, void *data)
{
    on_outcome(result, err, &((struct puller *)data)->outcome);
}

static void pull(struct world *world, struct puller *puller, const struct script_row *answer,
                 enum error_code code)
{
    struct script_row row = *answer;
    row.method = "POST";
    row.path = "/v1.41/images/create?fromImage=localhost%3A5000%2Fa%2Fb&tag=1";
    row.piece = 7;
    script_add(row);
    *puller = (struct puller){0};
    engine_image_pull(world->engine,
                      &(struct engine_pull){"localhost:5000/a/b:1", NULL, LIMIT_MS(1000), on_progress},
                      on_pulled, puller);
    await_code(&world->loop, &puller->outcome, code);
}

static void test_pull(void **state)
{
    struct world *world = *state;
    struct puller puller;
    script_ping("1.41");
    pull(world, &puller,
         &(struct script_row){
             .status = 200,
             .body = "{\"status\":\"Pulling fs layer\",\"id\":\"l1\"}\r\n"
                     "{\"status\":\"Downloading\",\"progressDetail\":{\"current\":5,\"total\":10},\"id\":"
                     "\"l1\"}\r\n{\"status\":\"Status: Downloaded newer image for x\"}\r\n"},
         ERROR_NONE);
    assert_int_equal(puller.progress.calls, 3);
    assert_int_equal(puller.progress.current, 5);
    assert_int_equal(puller.progress.total, 10);
    pull(world, &puller,
         &(struct script_row){
             .status = 200,
             .body = "{\"status\":\"Downloading\"}\n{\"errorDetail\":{\"message\":\"unknown blob\"},"
                     "\"error\":\"unknown blob\"}\n"},
         ERROR_PULL);
    assert_string_equal(puller.outcome.err.text, "cannot pull localhost:5000/a/b:1: unknown blob");
    outcome_reset(&puller.outcome);
    pull(world, &puller,
         &(struct script_row){.status = 500, .body = "{\"message\":\"no basic auth credentials\"}"},
         ERROR_PULL);
    assert_non_null(strstr(puller.outcome.err.hint, "docker login"));
    outcome_reset(&puller.outcome);
    /* No last word: is the image there? */
    script_add((struct script_row){
        .method = "GET", .path = "/v1.41/images/localhost:5000/a/b:1/json", .status = 200, .body = "{}"});
    pull(world, &puller, &(struct script_row){.status = 200, .body = "{\"status\":\"Download complete\"}"},
         ERROR_NONE);
    script_add((struct script_row){.method = "GET", .path = "/v1.41/images/", .status = 404, .body = "{}"});
    pull(world, &puller, &(struct script_row){.status = 200, .body = ""}, ERROR_PULL);
    outcome_reset(&puller.outcome);
    pull(world, &puller, &(struct script_row){.failure = ERROR_TIMEOUT}, ERROR_PULL);
    outcome_reset(&puller.outcome);
}

static void test_pull_names(void **state)
{
    struct world *world = *state;
    static const char id[] = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    struct outcome outcome = {0};
    engine_image_pull(world->engine, &(struct engine_pull){"Bad Name", NULL, FOREVER, NULL}, on_outcome,
                      &outcome);
    assert_false(outcome.done);
    await_code(&world->loop, &outcome, ERROR_MANIFEST);
    engine_image_pull(world->engine, &(struct engine_pull){id, NULL, FOREVER, NULL}, on_outcome,
                      outcome_reset(&outcome));
    await_code(&world->loop, &outcome, ERROR_PULL);
    outcome_reset(&outcome);
    engine_cancel(world->engine,
                  engine_image_pull(world->engine, &(struct engine_pull){"redis", NULL, FOREVER, NULL},
                                    on_outcome, &outcome));
    engine_cancel(world->engine,
                  engine_image_pull(world->engine, &(struct engine_pull){"Bad Name", NULL, FOREVER, NULL},
                                    on_outcome, &outcome));
    assert_int_equal(script.request_count, 0);
    assert_int_equal(outcome.calls, 0);
}

static void test_exec_conversation(void **state)
{
    struct world *world = *state;
    struct outcome outcome = {0};
    const char *const argv[] = {"redis-cli", "ping", NULL};
    script_ping("1.41");
    script_add((struct script_row){
        .method = "POST", .path = "/v1.41/containers/c/exec", .status = 201, .body = "{\"Id\":\"e1\"}"});
    script_add((struct script_row){
        .method = "POST", .path = "/v1.41/exec/e1/start", .status = 200, .body = "plain PONG\n", .piece = 3});
    script_add((struct script_row){.method = "GET",
                                   .path = "/v1.41/exec/e1/json",
                                   .status = 200,
                                   .body = "{\"ExitCode\":2,\"Running\":false}"});
    engine_exec(world->engine, "c", argv, NULL, on_outcome, &outcome);
    await_ok(&world->loop, &outcome);
    assert_int_equal(outcome.exit_code, 2);
    assert_string_equal(outcome.text, "plain PONG\n");
    assert_non_null(strstr(script.requests[1], "\"Cmd\":[\"redis-cli\",\"ping\"]"));
    outcome_reset(&outcome);
}

#define script_test(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        script_test(test_one_ping_for_all),   cmocka_unit_test(test_dialects),
        script_test(test_bad_pings),          script_test(test_engine_changed),
        script_test(test_ping_in_ping),       cmocka_unit_test(test_forced_version),
        script_test(test_cancel_and_close),   script_test(test_transport_failures),
        script_test(test_cut_answers),        script_test(test_requests),
        cmocka_unit_test(test_list_document), cmocka_unit_test(test_inspect_document),
        cmocka_unit_test(test_event_lines),   script_test(test_events),
        script_test(test_cancel_in_event),    script_test(test_pull),
        script_test(test_pull_names),         script_test(test_exec_conversation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
