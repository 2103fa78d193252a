/* What good manifests become: kinds, fields, defaults, units. */
#include "fixture.h"
#include "base/file.h"
#include "manifest/field.h"

#include <signal.h>
#include <string.h>
#include <sys/stat.h>

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_open, fixture_close)

static void short_form_has_all_defaults(void **state)
{
    struct model *model = fixture_good(*state, "name: shop\nresources:\n  cache: redis\n  other: valkey\n");
    const struct model_resource *cache = model_find(model, "cache"), *other = model_find(model, "other");
    assert_string_equal(model->name, "shop");
    assert_int_equal(cache->kind, MODEL_REDIS);
    assert_string_equal(cache->image, "docker.io/library/redis:8.6");
    assert_string_equal(cache->redis.bind_address, "127.0.0.1");
    assert_int_equal(cache->redis.password_kind, MODEL_PASSWORD_GENERATED);
    assert_int_equal(cache->stop.signal, SIGTERM);
    assert_int_equal(cache->stop.timeout_ms, 10000);
    assert_int_equal(cache->restart.max_retries, -1);
    assert_null(cache->redis.data);
    assert_false(cache->redis.persistence.given);
    assert_int_equal(cache->pos.line, 3);
    assert_int_equal(cache->pos.column, 3);
    assert_string_equal(other->image, "docker.io/valkey/valkey:9.1");
}

static void redis_fields(void **state)
{
    struct model *model = fixture_good(
        *state, "resources:\n  cache:\n    type: redis\n    image: redis:7.4\n"
                "    host_port: \"6380\"\n    bind_address: '::1'\n    password: p w\n"
                "    data_volume: {name: data, external: true}\n"
                "    persistence: {interval: 5m, keys_changed_threshold: 100, append_only: true}\n"
                "    config:\n      maxmemory: 64mb\n      notify-keyspace-events: \"\"\n"
                "      client-output-buffer-limit: [normal 0 0 0, replica 1mb 1mb 60]\n"
                "    lifetime: persistent\n    pull: always\n    memory: 64m\n"
                "    ready: {timeout: 1m30s, interval: 500ms}\n    user: 1000:1000\n"
                "    stop: {signal: SIGINT, timeout: 3}\n    labels: [a=b, c]\n");
    const struct model_resource *cache = model_find(model, "cache");
    const struct model_redis *redis = &cache->redis;
    assert_string_equal(cache->image, "redis:7.4");
    assert_int_equal(redis->host_port, 6380);
    assert_string_equal(redis->bind_address, "::1");
    assert_int_equal(redis->password_kind, MODEL_PASSWORD_TEXT);
    assert_string_equal(redis->password, "p w");
    assert_true(redis->data->is_volume && redis->data->external && !redis->data->read_only);
    assert_string_equal(redis->data->source, "data");
    assert_string_equal(redis->data->target, "/data");
    assert_int_equal(redis->persistence.interval_s, 300);
    assert_int_equal(redis->persistence.keys_changed, 100);
    assert_true(redis->persistence.append_only);
    assert_int_equal(redis->config_count, 4);
    assert_string_equal(redis->config[1].value, "\"\"");
    assert_string_equal(redis->config[3].name, "client-output-buffer-limit");
    assert_string_equal(redis->config[3].value, "replica 1mb 1mb 60");
    assert_int_equal(cache->lifetime, MODEL_PERSISTENT);
    assert_int_equal(cache->pull, MODEL_PULL_ALWAYS);
    assert_int_equal(cache->memory, 64 * 1024 * 1024);
    assert_int_equal(cache->ready.timeout_ms, 90000);
    assert_int_equal(cache->ready.interval_ms, 500);
    assert_int_equal(cache->stop.signal, SIGINT);
    assert_int_equal(cache->stop.timeout_ms, 3000);
    assert_int_equal(cache->label_count, 2);
    assert_string_equal(cache->labels[1].value, "");
}

static void data_in_a_folder(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(mkdir("data", 0755), 0);
    struct model *model =
        fixture_good(f, "resources:\n  a: {type: redis, data_bind_mount: ./data}\n"
                        "  b: {type: redis, data_bind_mount: {source: data, read_only: true}}\n"
                        "  c: {type: redis, data_volume: true, persistence: false}\n"
                        "  d: {type: redis, data_volume: false, password: false}\n");
    cleanup_free char *wanted = xasprintf("%s/data", f->folder);
    assert_string_equal(model_find(model, "a")->redis.data->source, wanted);
    assert_false(model_find(model, "a")->redis.data->is_volume);
    assert_true(model_find(model, "b")->redis.data->read_only);
    assert_null(model_find(model, "c")->redis.data->source);
    assert_true(model_find(model, "c")->redis.persistence.off);
    assert_null(model_find(model, "d")->redis.data);
    assert_int_equal(model_find(model, "d")->redis.password_kind, MODEL_PASSWORD_NONE);
}

static void odd_passwords(void **state)
{
    struct fixture *f = *state;
    strlist_add(&f->environment, "PW=false");
    struct model *model = fixture_good(
        f, "parameters:\n  p: {secret: true, generate: true}\nresources:\n"
           "  a: {type: redis, password: 12345}\n  b: {type: redis, password: \"false\"}\n"
           "  c: {type: redis, password: \"${PW}\"}\n  d:\n    type: redis\n    password: ${PW}\n"
           "  e: {type: redis, password: \"a b:#\\\"x$HOME*\\\\-\"}\n"
           "  f: {type: redis, password: {parameter: p}}\n"
           "  g: {type: redis, password: \"$$x\"}\n");
    static const char *const wanted[][2] = {
        {"a", "12345"}, {"b", "false"}, {"c", "false"}, {"d", "false"}, {"e", "a b:#\"x$HOME*\\-"},
        {"g", "$x"}};
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        const struct model_redis *redis = &model_find(model, wanted[i][0])->redis;
        assert_int_equal(redis->password_kind, MODEL_PASSWORD_TEXT);
        assert_string_equal(redis->password, wanted[i][1]);
    }
    assert_int_equal(model_find(model, "f")->redis.password_kind, MODEL_PASSWORD_PARAMETER);
    assert_string_equal(model_find(model, "f")->redis.password, "p");
}

static void password_of_16384_bytes(void **state)
{
    for (size_t length = 16384; length < 16386; length++) {
        struct strbuf text = {0};
        strbuf_adds(&text, "resources:\n  a:\n    type: redis\n    password: ");
        for (size_t i = 0; i < length; i++)
            strbuf_addc(&text, 'x');
        strbuf_addc(&text, '\n');
        assert_true((fixture_load(*state, text.data) != NULL) == (length == 16384));
        strbuf_free(&text);
    }
}

static const char process_manifest[] =
    "resources:\n"
    "  cache: redis\n"
    "  api:\n"
    "    type: process\n"
    "    command: node server.js --name 'a b' --at=${cache.host}:${cache.port} \"\"\n"
    "    working_dir: api\n"
    "    references: [cache, {resource: cache, as: second, env: REDIS_URL, wait: false}]\n"
    "    wait_for: [migrate, {resource: cache, until: started}]\n"
    "    endpoints:\n"
    "      http: {port: 5000, env: PORT}\n"
    "      admin:\n"
    "    ready: {http: /health, endpoint: http, status: 204}\n"
    "    restart: {backoff: 2s, max_retries: 3}\n"
    "    success_exit_codes: [0, 3]\n"
    "  migrate:\n"
    "    type: process\n"
    "    task: true\n"
    "    shell: echo $HOME && true\n";

static void process_fields(void **state)
{
    struct fixture *f = *state;
    struct model *model = fixture_good(f, process_manifest);
    const struct model_resource *api = model_find(model, "api"), *migrate = model_find(model, "migrate");
    static const char *const words[] = {
        "node", "server.js", "--name", "a b", "--at=<cache.host>:<cache.port>", ""};
    assert_int_equal(api->process.command_count, 6);
    for (size_t i = 0; i < 6; i++)
        assert_string_equal(fixture_text(&api->process.command[i]), words[i]);
    cleanup_free char *folder = xasprintf("%s/api", f->folder);
    assert_string_equal(api->process.working_dir, folder);
    assert_string_equal(migrate->process.working_dir, f->folder);
    assert_true(migrate->process.task);
    assert_string_equal(fixture_text(&migrate->process.command[2]), "echo $HOME && true");
    assert_int_equal(api->reference_count, 2);
    assert_true(api->references[0].wait && !api->references[1].wait);
    assert_string_equal(api->references[1].as, "second");
    assert_string_equal(api->references[1].env, "REDIS_URL");
    assert_int_equal(api->wait_for[0].until, MODEL_UNTIL_DEFAULT);
    assert_int_equal(api->wait_for[1].until, MODEL_UNTIL_STARTED);
    assert_int_equal(api->process.success_count, 2);
    assert_int_equal(api->process.success_exit_codes[1], 3);
}

static void process_endpoints_and_life(void **state)
{
    struct model *model = fixture_good(*state, process_manifest);
    const struct model_resource *api = model_find(model, "api");
    assert_int_equal(api->endpoint_count, 2);
    assert_int_equal(api->endpoints[0].port, 5000);
    assert_string_equal(api->endpoints[0].scheme, "http");
    assert_string_equal(api->endpoints[0].env, "PORT");
    assert_int_equal(api->endpoints[1].port, 0);
    assert_string_equal(api->endpoints[1].scheme, "tcp");
    assert_int_equal(api->ready.kind, MODEL_READY_HTTP);
    assert_string_equal(api->ready.http_path, "/health");
    assert_int_equal(api->ready.http_status, 204);
    assert_int_equal(api->restart.when, MODEL_RESTART_ON_FAILURE);
    assert_int_equal(api->restart.backoff_ms, 2000);
    assert_int_equal(api->restart.max_backoff_ms, 60000);
    assert_int_equal(api->restart.max_retries, 3);
}

static void container_fields(void **state)
{
    struct fixture *f = *state;
    struct model *model =
        fixture_good(f, "resources:\n  web:\n    type: container\n    image: nginx\n"
                        "    entrypoint: [sh, -c]\n    command: echo hi\n    init: false\n"
                        "    endpoints: {http: 80, admin: {target_port: 81, host_port: 8081, scheme: http}}\n"
                        "    volumes: [data:/data, /cache, {source: x, target: /x, read_only: true}]\n"
                        "    bind_mounts: [./apphost.yaml:/m:ro]\n    tmpfs: /run\n"
                        "    extra_hosts: [\"db=10.0.0.1\", \"here:host-gateway\"]\n"
                        "    platform: linux/amd64\n    working_dir: /srv\n"
                        "    connection_string: \"amqp://${web.http.host}:${web.http.port}\"\n");
    const struct model_container *web = &model_find(model, "web")->container;
    assert_int_equal(web->entrypoint_count, 2);
    assert_int_equal(web->command_count, 2);
    assert_false(web->init);
    assert_int_equal(model_find(model, "web")->endpoints[0].target_port, 80);
    assert_int_equal(model_find(model, "web")->endpoints[0].port, 0);
    assert_int_equal(model_find(model, "web")->endpoints[1].port, 8081);
    assert_int_equal(web->mount_count, 4);
    assert_string_equal(web->mounts[0].source, "data");
    assert_null(web->mounts[1].source);
    assert_true(web->mounts[2].read_only);
    cleanup_free char *source = xasprintf("%s/apphost.yaml", f->folder);
    assert_string_equal(web->mounts[3].source, source);
    assert_true(web->mounts[3].read_only && !web->mounts[3].is_volume);
    assert_string_equal(web->tmpfs[0], "/run");
    assert_string_equal(web->extra_hosts[0], "db:10.0.0.1");
    assert_string_equal(fixture_text(&web->connection_string), "amqp://<web.http.host>:<web.http.port>");
}

static void connection_strings(void **state)
{
    struct fixture *f = *state;
    strlist_add(&f->environment, "ConnectionStrings__my-legacy=one:1");
    strlist_add(&f->environment, "ConnectionStrings__other_one=two:2");
    struct model *model = fixture_good(
        f, "resources:\n  my-legacy: connection-string\n  other-one: connection-string\n"
           "  given: {type: connection-string, value: \"${HOST:-three}:3\", check: true}\n"
           "  absent: connection-string\n"
           "  api: {type: process, command: x, references: [{resource: absent, optional: true}]}\n");
    assert_string_equal(fixture_text(&model_find(model, "my-legacy")->connection.value), "one:1");
    assert_string_equal(fixture_text(&model_find(model, "other-one")->connection.value), "two:2");
    assert_string_equal(fixture_text(&model_find(model, "given")->connection.value), "three:3");
    assert_true(model_find(model, "given")->connection.check);
    assert_true(model_find(model, "absent")->connection.missing);
}

static void externals(void **state)
{
    struct model *model = fixture_good(
        *state, "parameters: {host: {default: h.example}}\nresources:\n"
                "  plain: {type: external, url: 'HTTPS://a.example/v1'}\n"
                "  late:\n    type: external\n    url: 'http://${parameters.host}:${web.http.port}/x'\n"
                "    ready: {http: /health, status: 204, interval: 2s, timeout: 1m}\n"
                "  db: {type: external, url: 'tcp://[::1]:5432', ready: {tcp: true}}\n"
                "  quiet: {type: external, url: 'tcp://h:1', ready: {tcp: false}}\n"
                "  web: {type: process, command: x, endpoints: {http: {}}}\n");
    const struct model_external *plain = &model_find(model, "plain")->external;
    const struct model_resource *late = model_find(model, "late"), *db = model_find(model, "db");
    assert_string_equal(fixture_text(&plain->url), "HTTPS://a.example/v1");
    assert_string_equal(plain->scheme, "https");
    assert_string_equal(fixture_text(&plain->host), "a.example");
    assert_string_equal(fixture_text(&plain->port), "443");
    assert_string_equal(fixture_text(&late->external.host), "<host.parameter>");
    assert_string_equal(fixture_text(&late->external.port), "<web.http.port>");
    assert_int_equal(late->ready.kind, MODEL_READY_HTTP);
    assert_string_equal(late->ready.http_path, "/health");
    assert_int_equal(late->ready.http_status, 204);
    assert_int_equal(late->ready.interval_ms, 2000);
    assert_int_equal(late->ready.timeout_ms, 60000);
    assert_string_equal(fixture_text(&db->external.host), "::1");
    assert_int_equal(db->ready.kind, MODEL_READY_TCP);
    assert_int_equal(model_find(model, "quiet")->ready.kind, MODEL_READY_DEFAULT);
}

static void environment_and_files(void **state)
{
    struct fixture *f = *state;
    strlist_add(&f->environment, "INHERITED=yes");
    fixture_write("vars.env", "A=from file\nB='b # b'\nINHERITED\nUNKNOWN\n");
    struct model *model = fixture_good(
        f, "resources:\n  cache: redis\n  api:\n    type: process\n    command: x\n"
           "    environment: {A: 5, C: true, INHERITED: , NOBODY: , U: \"${cache.uri}\"}\n"
           "    env_file: [vars.env, {path: none.env, required: false}]\n"
           "  list:\n    type: process\n    command: x\n    environment: [A=1=2, B=, INHERITED]\n");
    const struct model_resource *api = model_find(model, "api"), *list = model_find(model, "list");
    assert_int_equal(api->env_file_count, 3);
    assert_string_equal(api->environment[0].name, "A");
    assert_string_equal(fixture_text(&api->environment[0].value), "from file");
    assert_string_equal(fixture_variable(api, "A"), "5");
    assert_string_equal(fixture_variable(api, "B"), "b # b");
    assert_string_equal(fixture_variable(api, "C"), "true");
    assert_string_equal(fixture_variable(api, "U"), "<cache.uri>");
    assert_string_equal(fixture_variable(api, "INHERITED"), "yes");
    assert_null(fixture_variable(api, "NOBODY"));
    assert_string_equal(fixture_variable(list, "A"), "1=2");
    assert_string_equal(fixture_variable(list, "B"), "");
    assert_string_equal(fixture_variable(list, "INHERITED"), "yes");
}

static void profiles(void **state)
{
    static const char text[] = "profiles: [one]\nresources:\n  a: {type: redis, profiles: [one]}\n"
                               "  b: {type: redis, profiles: [two, three]}\n  c: redis\n";
    struct fixture *f = *state;
    struct model *model = fixture_good(f, text);
    assert_false(model_find(model, "a")->inactive);
    assert_true(model_find(model, "b")->inactive);
    assert_false(model_find(model, "c")->inactive);
    strlist_add(&f->options.profiles, "three");
    model = fixture_good(f, text);
    assert_true(model_find(model, "a")->inactive);
    assert_false(model_find(model, "b")->inactive);
    strlist_add(&f->options.profiles, "*");
    model = fixture_good(f, text);
    assert_false(model_find(model, "a")->inactive);
}

static void inactive_resources_need_no_files(void **state)
{
    fixture_good(*state, "resources:\n  a: {type: redis, profiles: [x], data_bind_mount: ./missing}\n"
                         "  b: {type: connection-string, profiles: [x]}\n  c: redis\n");
}

static void names_keep_their_case(void **state)
{
    struct model *model = fixture_good(*state, "resources:\n  MyRedis: redis\n  A-1: redis\n");
    assert_non_null(model_find(model, "MyRedis"));
    assert_null(model_find(model, "myredis"));
}

static void unnamed_project_is_called_after_its_folder(void **state)
{
    struct fixture *f = *state;
    struct model *model = fixture_good(f, "resources:\n  a: redis\n");
    assert_int_equal(strncmp(model->name, "apphost-manifest-", 17), 0);
    f->options.project_name = "given";
    assert_string_equal(fixture_good(f, "name: other\nresources:\n  a: redis\n")->name, "given");
    f->options.project_name = "not good";
    fixture_bad(f, "resources:\n  a: redis\n", "cannot be the name of a project");
}

static void telemetry_and_engine(void **state)
{
    struct model *model = fixture_good(
        *state, "engine: docker\ndashboard: true\ntelemetry: {otlp_endpoint: \"http://localhost:4317\"}\n"
                "resources:\n  a: redis\n");
    assert_string_equal(model->engine, "docker");
    assert_true(model->has_dashboard);
    assert_string_equal(model->otlp_endpoint, "http://localhost:4317");
}

static void every_kind_has_a_table(void **state)
{
    (void)state;
    for (int i = 0; i < MODEL_KIND_COUNT; i++) {
        const char *name = model_kind_name((enum model_kind)i);
        const struct table *table = manifest_kind_table((enum model_kind)i);
        if (!table || strcmp(table->name, name) != 0)
            fail_msg("%s has no table of fields in manifest/table_kinds.c", name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(short_form_has_all_defaults),
        TEST(redis_fields),
        TEST(every_kind_has_a_table),
        TEST(data_in_a_folder),
        TEST(odd_passwords),
        TEST(password_of_16384_bytes),
        TEST(process_fields),
        TEST(process_endpoints_and_life),
        TEST(container_fields),
        TEST(connection_strings),
        TEST(externals),
        TEST(environment_and_files),
        TEST(profiles),
        TEST(inactive_resources_need_no_files),
        TEST(names_keep_their_case),
        TEST(unnamed_project_is_called_after_its_folder),
        TEST(telemetry_and_engine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
