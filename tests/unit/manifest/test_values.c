/* What each form of a value becomes: units, short and long forms, lists and maps, words that are split. */
#include "fixture.h"

#include <signal.h>
#include <string.h>

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_open, fixture_close)
#define COUNT(list) (sizeof(list) / sizeof *(list))

/* The resource `a` of a manifest in which it is written so; there are a server `c` and a task `t` as well. */
static const struct model_resource *one(struct fixture *f, const char *kind, const char *value)
{
    cleanup_free char *line = xasprintf("type: %s%s", kind, value);
    cleanup_free char *text =
        xasprintf("resources:\n  c: redis\n  t: {type: process, command: [x], task: true}\n"
                  "  a: {%s}\n",
                  line);
    return model_find(fixture_good(f, text), "a");
}

static const struct model_resource *process(struct fixture *f, const char *field)
{
    return one(f, "process, command: [x], ", field);
}

static const struct model_resource *container(struct fixture *f, const char *field)
{
    return one(f, "container, image: x, ", field);
}

/* ---- single values ---- */

static void durations(void **state)
{
    static const struct {
        const char *text;
        int64_t ms;
    } rows[] = {
        {"500ms", 500},     {"10s", 10000}, {"1m30s", 90000},       {"2h", 7200000}, {"7", 7000},
        {"0:01:30", 90000}, {"1.5s", 1500}, {"1h1m1s1ms", 3661001}, {"\"3\"", 3000},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        cleanup_free char *field = xasprintf("stop: {timeout: %s}", rows[i].text);
        assert_int_equal(process(*state, field)->stop.timeout_ms, rows[i].ms);
    }
}

static void sizes(void **state)
{
    static const struct {
        const char *text;
        int64_t bytes;
    } rows[] = {
        {"64m", 64LL << 20},      {"1g", 1LL << 30},  {"65536k", 64LL << 20},
        {"67108864", 64LL << 20}, {"1GB", 1LL << 30}, {"67108864b", 64LL << 20},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        cleanup_free char *field = xasprintf("memory: %s", rows[i].text);
        assert_int_equal(container(*state, field)->memory, rows[i].bytes);
    }
}

static void signals_have_names_and_numbers(void **state)
{
    static const struct {
        const char *text;
        int signal;
    } rows[] = {{"TERM", SIGTERM}, {"SIGINT", SIGINT}, {"quit", SIGQUIT}, {"9", SIGKILL}, {"USR1", SIGUSR1}};
    for (size_t i = 0; i < COUNT(rows); i++) {
        cleanup_free char *field = xasprintf("stop: {signal: %s}", rows[i].text);
        assert_int_equal(process(*state, field)->stop.signal, rows[i].signal);
    }
}

/* YAML 1.2 has two words for each; the others of 1.1 are texts. */
static void booleans(void **state)
{
    assert_true(process(*state, "optional: true")->optional);
    assert_false(process(*state, "optional: false")->optional);
    assert_true(process(*state, "mask: true")->mask);
    assert_false(process(*state, "optional: true")->mask);
    fixture_bad(*state, "resources: {a: {type: process, command: [x], optional: on}}", "true or false");
}

static void choices(void **state)
{
    assert_true(process(*state, "start: manual")->manual);
    assert_false(process(*state, "start: automatic")->manual);
    assert_int_equal(process(*state, "stdin: closed")->process.standard_input, MODEL_STDIN_CLOSED);
    assert_int_equal(process(*state, "stdin: open")->process.standard_input, MODEL_STDIN_OPEN);
    assert_int_equal(process(*state, "task: true")->process.standard_input, MODEL_STDIN_CLOSED);
    assert_int_equal(container(*state, "pull: never")->pull, MODEL_PULL_NEVER);
    assert_int_equal(container(*state, "lifetime: persistent")->lifetime, MODEL_PERSISTENT);
}

/* ---- command lines ---- */

static void is_split(struct fixture *f, const char *line, const char *const *words)
{
    const struct model_process *process = &one(f, "process, command: ", line)->process;
    size_t count = 0;
    for (; words[count]; count++) {
        assert_true(count < process->command_count);
        assert_string_equal(fixture_text(&process->command[count]), words[count]);
    }
    assert_int_equal(process->command_count, count);
}

static void commands_are_split_without_a_shell(void **state)
{
    is_split(*state, "node server.js", (const char *const[]){"node", "server.js", NULL});
    is_split(*state, "\"  a   b  \"", (const char *const[]){"a", "b", NULL});
    is_split(*state, "\"a 'b c' d\"", (const char *const[]){"a", "b c", "d", NULL});
    is_split(*state, "'a \"b  c\"d'", (const char *const[]){"a", "b  cd", NULL});
    is_split(*state, "'a b\\ c'", (const char *const[]){"a", "b c", NULL});
    is_split(*state, "'a \"\" b'", (const char *const[]){"a", "", "b", NULL});
    is_split(*state, "'a \"\\\"\" b'", (const char *const[]){"a", "\"", "b", NULL});
    is_split(*state, "'a x&y'", (const char *const[]){"a", "x&y", NULL});
    is_split(*state, "'a \"b | c\"'", (const char *const[]){"a", "b | c", NULL});
}

static void references_are_never_split(void **state)
{
    is_split(*state, "'a ${c.uri} b'", (const char *const[]){"a", "<c.uri>", "b", NULL});
    is_split(*state, "'a x${c.host}:${c.port}y'", (const char *const[]){"a", "x<c.host>:<c.port>y", NULL});
    is_split(*state, "[a, '${c.uri} b']", (const char *const[]){"a", "<c.uri> b", NULL});
}

static void a_shell_gets_its_line_whole(void **state)
{
    const struct model_process *process = &one(*state, "process, shell: ", "'a && b | c'")->process;
    assert_int_equal(process->command_count, 3);
    assert_string_equal(fixture_text(&process->command[0]), "/bin/sh");
    assert_string_equal(fixture_text(&process->command[1]), "-c");
    assert_string_equal(fixture_text(&process->command[2]), "a && b | c");
}

/* ---- what others are to a resource ---- */

static void references(void **state)
{
    static const struct {
        const char *text, *as, *env;
        unsigned without;
        bool optional, wait;
    } rows[] = {
        {"[c]", NULL, NULL, 0, false, true},
        {"[{resource: c}]", NULL, NULL, 0, false, true},
        {"[{resource: c, as: db}]", "db", NULL, 0, false, true},
        {"[{resource: c, env: REDIS_URL}]", NULL, "REDIS_URL", 0, false, true},
        {"[{resource: c, wait: false}]", NULL, NULL, 0, false, false},
        {"[{resource: c, optional: true}]", NULL, NULL, 0, true, true},
        {"[{resource: c, inject: false}]", NULL, NULL, MODEL_INJECT_ALL, false, true},
        {"[{resource: c, inject: true}]", NULL, NULL, 0, false, true},
        {"[{resource: c, inject: connection_string}]", NULL, NULL,
         MODEL_INJECT_ALL & ~(unsigned)MODEL_INJECT_CONNECTION_STRING, false, true},
        {"[{resource: c, inject: [properties, services]}]", NULL, NULL,
         MODEL_INJECT_CONNECTION_STRING | MODEL_INJECT_ENDPOINTS, false, true},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct model_resource *a = one(*state, "process, command: [x], references: ", rows[i].text);
        const struct model_reference *reference = &a->references[0];
        assert_int_equal(a->reference_count, 1);
        assert_string_equal(reference->resource, "c");
        assert_true(str_eq(reference->as, rows[i].as));
        assert_true(str_eq(reference->env, rows[i].env));
        assert_int_equal(reference->without, rows[i].without);
        assert_int_equal(reference->optional, rows[i].optional);
        assert_int_equal(reference->wait, rows[i].wait);
    }
}

static void waits(void **state)
{
    static const struct {
        const char *text, *resource;
        enum model_until until;
    } rows[] = {
        {"[c]", "c", MODEL_UNTIL_DEFAULT},
        {"[t]", "t", MODEL_UNTIL_DEFAULT},
        {"[{resource: c, until: started}]", "c", MODEL_UNTIL_STARTED},
        {"[{resource: c, until: healthy}]", "c", MODEL_UNTIL_HEALTHY},
        {"[{resource: t, until: completed}]", "t", MODEL_UNTIL_COMPLETED},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct model_resource *a = one(*state, "process, command: [x], wait_for: ", rows[i].text);
        assert_int_equal(a->wait_count, 1);
        assert_string_equal(a->wait_for[0].resource, rows[i].resource);
        assert_int_equal(a->wait_for[0].until, rows[i].until);
    }
}

static void endpoints_of_a_process(void **state)
{
    static const struct {
        const char *text, *scheme, *env;
        int port;
    } rows[] = {
        {"{http: 8080}", "http", NULL, 8080},
        {"{http: {env: PORT}}", "http", "PORT", 0},
        {"{https: {port: 8443}}", "https", NULL, 8443},
        {"{grpc: {scheme: http, port: 1}}", "http", NULL, 1},
        {"{data: {}}", "tcp", NULL, 0},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct model_resource *a = one(*state, "process, command: [x], endpoints: ", rows[i].text);
        assert_int_equal(a->endpoint_count, 1);
        assert_string_equal(a->endpoints[0].scheme, rows[i].scheme);
        assert_true(str_eq(a->endpoints[0].env, rows[i].env));
        assert_int_equal(a->endpoints[0].port, rows[i].port);
    }
}

static void endpoints_of_a_container(void **state)
{
    const struct model_resource *a =
        container(*state, "endpoints: {http: 80, data: {target_port: 9, host_port: 99}}");
    assert_int_equal(a->endpoint_count, 2);
    assert_int_equal(a->endpoints[0].target_port, 80);
    assert_int_equal(a->endpoints[0].port, 0);
    assert_int_equal(a->endpoints[1].target_port, 9);
    assert_int_equal(a->endpoints[1].port, 99);
}

/* ---- a resource's life ---- */

static void readiness(void **state)
{
    const struct model_ready *ready =
        &process(*state, "endpoints: {e: {}}, ready: {http: /health, endpoint: e, status: 204}")->ready;
    assert_int_equal(ready->kind, MODEL_READY_HTTP);
    assert_string_equal(ready->http_path, "/health");
    assert_string_equal(ready->endpoint, "e");
    assert_int_equal(ready->http_status, 204);

    ready = &process(*state, "endpoints: {e: {}}, ready: {tcp: e, interval: 20ms, timeout: 2m}")->ready;
    assert_int_equal(ready->kind, MODEL_READY_TCP);
    assert_int_equal(ready->interval_ms, 20);
    assert_int_equal(ready->timeout_ms, 120000);

    ready = &process(*state, "ready: {log: 'listening on [0-9]+'}")->ready;
    assert_int_equal(ready->kind, MODEL_READY_LOG);
    assert_string_equal(ready->log_pattern, "listening on [0-9]+");

    ready = &process(*state, "ready: {exec: [curl, -f, localhost]}")->ready;
    assert_int_equal(ready->kind, MODEL_READY_EXEC);
    assert_string_equal(ready->exec[2], "localhost");
    assert_null(ready->exec[3]);
}

static void restarts(void **state)
{
    const struct model_restart *restart = &process(*state, "restart: always")->restart;
    assert_int_equal(restart->when, MODEL_RESTART_ALWAYS);
    assert_int_equal(restart->max_retries, -1);

    restart = &process(*state, "restart: {policy: on-failure, backoff: 2s, max_backoff: 1m, max_retries: 3}")
                   ->restart;
    assert_int_equal(restart->when, MODEL_RESTART_ON_FAILURE);
    assert_int_equal(restart->backoff_ms, 2000);
    assert_int_equal(restart->max_backoff_ms, 60000);
    assert_int_equal(restart->max_retries, 3);
}

/* ---- maps that may be lists ---- */

static void environments_are_maps_or_lists(void **state)
{
    struct fixture *f = *state;
    strlist_add(&f->environment, "FROM_OUTSIDE=outside");
    const struct model_resource *a =
        process(f, "environment: {A: 1, B: true, C: '', FROM_OUTSIDE: , NOT_THERE: }");
    assert_string_equal(fixture_variable(a, "A"), "1");
    assert_string_equal(fixture_variable(a, "B"), "true");
    assert_string_equal(fixture_variable(a, "C"), "");
    assert_string_equal(fixture_variable(a, "FROM_OUTSIDE"), "outside");
    assert_null(fixture_variable(a, "NOT_THERE"));

    a = process(f, "environment: ['A=1', 'B=x=y', 'C=', FROM_OUTSIDE]");
    assert_string_equal(fixture_variable(a, "B"), "x=y");
    assert_string_equal(fixture_variable(a, "C"), "");
    assert_string_equal(fixture_variable(a, "FROM_OUTSIDE"), "outside");
}

static void labels_are_maps_or_lists(void **state)
{
    const struct model_resource *a = container(*state, "labels: {team: a, empty: ''}");
    assert_int_equal(a->label_count, 2);
    assert_string_equal(a->labels[0].value, "a");
    a = container(*state, "labels: ['team=a=b', alone]");
    assert_string_equal(a->labels[0].value, "a=b");
    assert_string_equal(a->labels[1].value, "");
}

/* ---- a container's files ---- */

static void mounts(void **state)
{
    static const struct {
        const char *text, *source, *target;
        bool read_only, external;
    } rows[] = {
        {"[/data]", NULL, "/data", false, false},
        {"['a:/data']", "a", "/data", false, false},
        {"['a:/data:ro']", "a", "/data", true, false},
        {"['a:/data:rw']", "a", "/data", false, false},
        {"[{target: /data}]", NULL, "/data", false, false},
        {"[{source: a, target: /data, read_only: true}]", "a", "/data", true, false},
        {"[{source: a, target: /data, external: true}]", "a", "/data", false, true},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct model_resource *a = one(*state, "container, image: x, volumes: ", rows[i].text);
        const struct model_mount *mount = &a->container.mounts[0];
        assert_int_equal(a->container.mount_count, 1);
        assert_true(mount->is_volume);
        assert_true(str_eq(mount->source, rows[i].source));
        assert_string_equal(mount->target, rows[i].target);
        assert_int_equal(mount->read_only, rows[i].read_only);
        assert_int_equal(mount->external, rows[i].external);
    }
}

static void bind_mounts_are_absolute(void **state)
{
    struct fixture *f = *state;
    fixture_write("file.conf", "x");
    const struct model_resource *a = container(f, "bind_mounts: ['./file.conf:/etc/file.conf:ro']");
    cleanup_free char *wanted = xasprintf("%s/file.conf", f->folder);
    assert_string_equal(a->container.mounts[0].source, wanted);
    assert_true(a->container.mounts[0].read_only);
    assert_false(a->container.mounts[0].is_volume);
}

static void other_things_of_a_container(void **state)
{
    const struct model_resource *a = container(
        *state, "tmpfs: /run, extra_hosts: ['db:10.0.0.5', 'here=host-gateway', 'six:::1'], init: false,"
                " platform: linux/arm64, working_dir: /srv, user: '1000:1000'");
    assert_int_equal(a->container.tmpfs_count, 1);
    assert_string_equal(a->container.tmpfs[0], "/run");
    assert_string_equal(a->container.extra_hosts[0], "db:10.0.0.5");
    assert_string_equal(a->container.extra_hosts[1], "here:host-gateway");
    assert_string_equal(a->container.extra_hosts[2], "six:::1");
    assert_false(a->container.init);
    assert_string_equal(a->container.platform, "linux/arm64");
    assert_string_equal(a->container.working_dir, "/srv");
    assert_string_equal(a->user, "1000:1000");
}

/* ---- servers ---- */

static const struct model_redis *server(struct fixture *f, const char *field)
{
    return &one(f, "redis, ", field)->redis;
}

static void passwords(void **state)
{
    const struct model_redis *redis = server(*state, "memory: 64m"); /* nothing said */
    assert_int_equal(redis->password_kind, MODEL_PASSWORD_GENERATED);
    redis = server(*state, "password: false");
    assert_int_equal(redis->password_kind, MODEL_PASSWORD_NONE);
    redis = server(*state, "password: 12345678");
    assert_int_equal(redis->password_kind, MODEL_PASSWORD_TEXT);
    assert_string_equal(redis->password, "12345678");
}

static void persistence(void **state)
{
    const struct model_persistence *persistence =
        &server(*state, "data_volume: true, persistence: true")->persistence;
    assert_true(persistence->given);
    assert_false(persistence->off);
    persistence = &server(*state, "persistence: false")->persistence;
    assert_true(persistence->given && persistence->off);
    persistence = &server(*state, "data_volume: true, persistence: {interval: 5m, keys_changed_threshold: 7}")
                       ->persistence;
    assert_int_equal(persistence->interval_s, 300);
    assert_int_equal(persistence->keys_changed, 7);
    assert_false(persistence->append_only);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(durations),
        TEST(sizes),
        TEST(signals_have_names_and_numbers),
        TEST(booleans),
        TEST(choices),
        TEST(commands_are_split_without_a_shell),
        TEST(references_are_never_split),
        TEST(a_shell_gets_its_line_whole),
        TEST(references),
        TEST(waits),
        TEST(endpoints_of_a_process),
        TEST(endpoints_of_a_container),
        TEST(readiness),
        TEST(restarts),
        TEST(environments_are_maps_or_lists),
        TEST(labels_are_maps_or_lists),
        TEST(mounts),
        TEST(bind_mounts_are_absolute),
        TEST(other_things_of_a_container),
        TEST(passwords),
        TEST(persistence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
