/* compose.yaml and the .env beside it: what is made of each part of a service, what of a value that is a
 * secret, and what a second time changes. */
#include "application.h"

#include "publish/internal.h"
#include "base/file.h"
#include "base/mem.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <cmocka.h>

static char *service(struct application *a, const char *head)
{
    assert_int_equal(application_publish(a, publish_compose), 0);
    return application_block(application_file(a, "compose.yaml"), head);
}

/* ---- what becomes of a service ---- */

static void a_server_is_a_service_with_files(void **state)
{
    struct application *a = *state;
    application_add_server(a, "cache", "pw1");
    cleanup_free char *block = service(a, "  cache:");
    char digest[17];
    deployment_secrets_digest(&a->d, &a->services[0], digest);

    assert_has(block, "    image: \"example/redis:8\"\n    command:\n    - redis-server\n    secrets:\n"
                      "    - source: cache-conf\n      target: cache.conf\n      mode: 292\n"
                      "    - source: cache-password\n      target: cache-password\n      mode: 292\n"
                      "    volumes:\n    - type: volume\n      source: cache-data\n      target: /data\n");
    assert_has(block, "    healthcheck:\n      test:\n      - CMD-SHELL\n"
                      "      - \"[ \\\"$$(redis-cli ping)\\\" = PONG ]\"\n"
                      "      interval: \"2s\"\n      timeout: \"3500ms\"\n      retries: 10\n"
                      "      start_period: \"600s\"\n");
    assert_has(block, "    restart: unless-stopped\n    stop_grace_period: \"10s\"\n");
    assert_has(block, "    labels:\n      io.apphost.secrets: ");
    assert_has(block, digest);
    /* No port that nobody asked for. */
    assert_lacks(block, "ports:");
}

static void secrets_are_variables_that_have_to_be_set(void **state)
{
    struct application *a = *state;
    application_add_server(a, "cache", "pw1");
    assert_int_equal(application_publish(a, publish_compose), 0);
    const char *text = application_file(a, "compose.yaml");
    cleanup_free char *secrets = application_block(text, "secrets:");
    cleanup_free char *needed = application_block(text, "x-secrets:");

    assert_string_equal(secrets, "secrets:\n  cache-conf:\n    environment: CACHE_CONF\n"
                                 "  cache-password:\n    environment: CACHE_PASSWORD\n");
    assert_string_equal(needed, "x-secrets:\n  cache-conf: \"${CACHE_CONF:?it is a secret of .env}\"\n"
                                "  cache-password: \"${CACHE_PASSWORD:?it is a secret of .env}\"\n");
    assert_lacks(text, "pw1");
    assert_string_equal(application_file(a, ".env"),
                        "# added by apphost publish\nCACHE_PASSWORD=\"pw1\"\n"
                        "CACHE_CONF=\"requirepass \\\"${CACHE_PASSWORD}\\\"\"\n");
    assert_string_equal(application_file(a, ".gitignore"), "/.env\n/.env.apphost-*.tmp\n");
}

/* Compose cannot encode: the form that a text needs is a variable of its own, where it differs. */
static void an_encoded_secret_is_one_more_variable(void **state)
{
    struct application *a = *state;
    struct deployment_service *api = application_add(a, "api", "example/api:1");
    application_add_secret(a, "cache-password", "p@s\"s$1");
    application_add_secret(a, "queue-password", "plain");
    application_add_variable(a, api, "CACHE_URI",
                             application_text(a, "redis://:", "cache-password", PLAN_FILTER_URI));
    application_add_variable(a, api, "QUEUE_URI",
                             application_text(a, "redis://:", "queue-password", PLAN_FILTER_URI));
    cleanup_free char *block = service(a, "  api:");

    assert_has(block, "      CACHE_URI: \"redis://:${CACHE_PASSWORD_URI:?it is a secret of .env}\"\n"
                      "      QUEUE_URI: \"redis://:${QUEUE_PASSWORD:?it is a secret of .env}\"\n");
    assert_string_equal(application_file(a, ".env"), "# added by apphost publish\n"
                                                     "CACHE_PASSWORD=\"p@s\\\"s\\$1\"\n"
                                                     "CACHE_PASSWORD_URI=\"p%40s%22s%241\"\n"
                                                     "QUEUE_PASSWORD=\"plain\"\n");
}

static void a_dollar_stays_a_dollar(void **state)
{
    struct application *a = *state;
    struct deployment_service *api = application_add(a, "api", "example/api:1");
    struct model_pair label = {"rule", "^a$ {{x}}", {0}};
    application_add_variable(a, api, "PRICE",
                             application_text(a, "5$ {{price}} ${HOME}", NULL, PLAN_FILTER_NONE));
    application_set_command(a, api, "echo $PRICE");
    api->labels = &label;
    api->label_count = 1;
    cleanup_free char *block = service(a, "  api:");

    assert_has(block, "      PRICE: \"5$$ {{price}} $${HOME}\"\n");
    assert_has(block, "    - \"echo $$PRICE\"\n");
    assert_has(block, "      rule: \"^a$$ {{x}}\"\n");
    /* Nothing is secret: there is neither a digest nor a list of secrets. */
    assert_lacks(application_file(a, "compose.yaml"), "secrets");
    assert_string_equal(application_file(a, ".env"), "");
}

static void what_a_service_was_told_is_kept(void **state)
{
    struct application *a = *state;
    const char *hosts[] = {"db:10.0.0.7"}, *memory[] = {"/run"};
    struct deployment_service *s = application_add(a, "worker", "example/worker:1");
    s->platform = "linux/arm64";
    s->pull = MODEL_PULL_ALWAYS;
    s->tmpfs = memory;
    s->extra_hosts = hosts;
    s->tmpfs_count = s->extra_host_count = 1;
    s->stop_signal = SIGUSR1;
    s->stop_timeout_ms = 1500;
    s->init = true;
    s->user = "app";
    s->working_dir = "/srv";
    s->memory = 64 << 20;
    s->replicas = 3;
    cleanup_free char *block = service(a, "  worker:");
    assert_string_equal(block,
                        "  worker:\n    image: \"example/worker:1\"\n    platform: linux/arm64\n"
                        "    pull_policy: always\n    tmpfs:\n    - /run\n    restart: unless-stopped\n"
                        "    stop_signal: SIGUSR1\n    stop_grace_period: \"1500ms\"\n    init: true\n"
                        "    user: app\n    working_dir: /srv\n    mem_limit: 67108864\n    extra_hosts:\n"
                        "    - \"db:10.0.0.7\"\n    deploy:\n      replicas: 3\n");
}

static void an_image_is_built_beside_the_files(void **state)
{
    struct application *a = *state;
    struct deployment_service *s = application_add(a, "api", NULL);
    cleanup_free char *source = path_join(a->folder, "source/api");
    s->build = source;
    s->build_file = "Dockerfile.prod";
    cleanup_free char *block = service(a, "  api:");
    assert_has(block, "    build:\n      context: \"./source/api\"\n      dockerfile: Dockerfile.prod\n");
    assert_lacks(block, "image:");
}

static void ports_are_where_they_were_asked_for(void **state)
{
    struct application *a = *state;
    struct deployment_service *s = application_add(a, "api", "example/api:1");
    struct deployment_port *here = application_add_port(a, s, "http", 8080);
    struct deployment_port *six = application_add_port(a, s, "admin", 8081);
    application_add_port(a, s, "inner", 8082);
    here->outside = 80;
    here->address = "127.0.0.1";
    six->outside = 8443;
    six->address = "::1";
    cleanup_free char *block = service(a, "  api:");
    assert_has(block, "    ports:\n    - \"127.0.0.1:80:8080\"\n    - \"[::1]:8443:8081\"\n    restart:");
}

static void folders_and_volumes_are_told_apart(void **state)
{
    struct application *a = *state;
    struct deployment_service *s = application_add(a, "db", "example/db:1");
    struct deployment_mount *folder = application_add_mount(a, s, "/srv/$x", "/seed");
    folder->is_volume = false;
    folder->read_only = true;
    application_add_mount(a, s, "db-data", "/data");
    application_add_mount(a, s, "theirs", "/theirs");
    a->volumes[0] = (struct deployment_volume){.name = "db-data", .resource = "db"};
    a->volumes[1] = (struct deployment_volume){.name = "theirs", .resource = "db", .external = true};
    a->d.volume_count = 2;

    cleanup_free char *block = service(a, "  db:");
    assert_has(block, "    - type: bind\n      source: \"/srv/$$x\"\n      target: /seed\n"
                      "      read_only: true\n    - type: volume\n      source: db-data\n");
    cleanup_free char *volumes = application_block(application_file(a, "compose.yaml"), "volumes:");
    assert_string_equal(volumes,
                        "volumes:\n  db-data: {}\n  theirs:\n    external: true\n    name: theirs\n");
}

/* ---- its life ---- */

static void a_restart_is_what_was_said(void **state)
{
    static const struct {
        bool is_task;
        struct plan_restart restart;
        const char *wanted;
    } cases[] = {
        {true, {.when = MODEL_RESTART_NEVER}, "    restart: \"no\"\n"},
        {true, {.when = MODEL_RESTART_ALWAYS, .max_retries = -1}, "    restart: on-failure\n"},
        {false, {.when = MODEL_RESTART_NEVER}, "    restart: unless-stopped\n"},
        {false, {.when = MODEL_RESTART_ON_FAILURE, .max_retries = -1}, "    restart: on-failure\n"},
        {false, {.when = MODEL_RESTART_ON_FAILURE, .max_retries = 4}, "restart: \"on-failure:4\"\n"}};
    struct application *a = *state;
    struct deployment_service *s = application_add(a, "job", "example/job:1");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        s->is_task = cases[i].is_task;
        s->restart = cases[i].restart;
        cleanup_free char *block = service(a, "  job:");
        assert_has(block, cases[i].wanted);
    }
}

static void who_needs_whom_is_waited_for(void **state)
{
    struct application *a = *state;
    application_add_server(a, "cache", "pw1");
    application_add(a, "migrate", "example/api:1")->is_task = true;
    application_add(a, "debug", "example/debug:1")->is_manual = true;
    struct deployment_service *api = application_add(a, "api", "example/api:1");
    application_add_need(a, api, "cache", PLAN_HEALTHY);
    application_add_need(a, api, "migrate", PLAN_COMPLETED);
    application_add_need(a, api, "debug", PLAN_STARTED);
    api->needs[1].required = false;

    cleanup_free char *block = service(a, "  api:");
    assert_has(block, "    depends_on:\n      cache:\n        condition: service_healthy\n"
                      "        restart: true\n      migrate:\n"
                      "        condition: service_completed_successfully\n        required: false\n"
                      "    restart:");
    /* Who is started by hand waits for others that are. */
    api->is_manual = true;
    cleanup_free char *manual = service(a, "  api:");
    assert_has(manual, "      debug:\n        condition: service_started\n");
    assert_has(manual, "    profiles:\n    - manual\n");
}

static void a_tool_has_a_profile_of_its_own(void **state)
{
    struct application *a = *state;
    struct deployment_service *s = application_add(a, "redisinsight", "example/insight:3");
    s->is_sidecar = s->is_manual = true;
    cleanup_free char *block = service(a, "  redisinsight:");
    assert_has(block, "    profiles:\n    - tools\n");
    assert_lacks(block, "manual");
}

static void a_program_of_the_image_is_asked_without_a_shell(void **state)
{
    const char *words[] = {"check", "--price=$5", NULL};
    struct application *a = *state;
    struct deployment_service *s = application_add(a, "api", "example/api:1");
    s->check = (struct deployment_check){.kind = DEPLOYMENT_CHECK_EXEC,
                                         .exec = words,
                                         .interval_ms = 1000,
                                         .timeout_ms = 1000,
                                         .start_ms = 1000,
                                         .retries = 1};
    cleanup_free char *block = service(a, "  api:");
    assert_has(block, "      test:\n      - CMD\n      - check\n      - \"--price=$$5\"\n      interval:");
    s->check.kind = DEPLOYMENT_CHECK_IMAGE;
    cleanup_free char *without = service(a, "  api:");
    assert_lacks(without, "healthcheck");
}

/* ---- names ---- */

static void two_secrets_do_not_share_a_variable(void **state)
{
    static const char *const wanted[][2] = {{"cache-password", "CACHE_PASSWORD"},
                                            {"parameters.cache-password", "PARAMETERS_CACHE_PASSWORD"},
                                            {"parameters.token", "TOKEN"},
                                            {"parameters.2fa", "_2FA"}};
    struct application *a = *state;
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
        application_add_secret(a, wanted[i][0], "x");
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        cleanup_free char *name = variables_name(&a->d, wanted[i][0]);
        assert_string_equal(name, wanted[i][1]);
    }
}

/* ---- what is there already ---- */

static void the_environment_file_is_only_added_to(void **state)
{
    struct application *a = *state;
    application_add_server(a, "cache", "pw1");
    application_put(a, ".env", "MINE=1 # mine\nCACHE_PASSWORD=theirs");
    a->files.folder = a->folder;
    assert_int_equal(publish_take_compose(&a->files, &a->d, &a->error), 0);
    assert_string_equal(deployment_find_secret(&a->d, "cache-password")->value, "theirs");
    assert_int_equal(a->files.notes.count, 0);

    application_write(a, publish_compose);
    cleanup_free char *text = application_read(a, ".env");
    assert_string_equal(text, "MINE=1 # mine\nCACHE_PASSWORD=theirs\n# added by apphost publish\n"
                              "CACHE_CONF=\"requirepass \\\"${CACHE_PASSWORD}\\\"\"\n");
}

static void a_second_time_changes_nothing(void **state)
{
    struct application *a = *state;
    application_add_server(a, "cache", "a \"$b\" \\ {{c}}");
    application_add_file(
        a, &a->services[0], "cache-tls.key",
        application_text(a, "-----BEGIN KEY-----\nMII=\n-----END KEY-----\n", NULL, PLAN_FILTER_NONE));
    application_write(a, publish_compose);
    cleanup_free char *compose = application_read(a, "compose.yaml"), *env = application_read(a, ".env");
    cleanup_free char *path = path_join(a->folder, ".env");
    struct stat info;
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);

    application_write(a, publish_compose);
    for (size_t i = 0; i < a->files.count; i++)
        assert_false(a->files.items[i].is_changed);
    cleanup_free char *again = application_read(a, "compose.yaml"), *env_again = application_read(a, ".env");
    assert_string_equal(again, compose);
    assert_string_equal(env_again, env);
    assert_true(str_starts(compose, "# written by apphost publish, hash "));
    /* What it is read back as is what it was. */
    a->secrets[0].value = "another";
    assert_int_equal(publish_take_compose(&a->files, &a->d, &a->error), 0);
    assert_string_equal(a->secrets[0].value, "a \"$b\" \\ {{c}}");
}

/* The old text stays under its name, for whoever may use it. */
static void another_configuration_gets_a_number(void **state)
{
    struct application *a = *state;
    application_add_server(a, "cache", "pw1");
    application_put(a, ".env", "CACHE_CONF=old\n");
    assert_int_equal(application_publish(a, publish_compose), 0);
    assert_has(application_file(a, "compose.yaml"), "  cache-conf:\n    environment: CACHE_CONF_2\n");
    assert_has(application_file(a, ".env"), "\nCACHE_CONF_2=\"requirepass \\\"${CACHE_PASSWORD}\\\"\"\n");
}

static void a_value_of_the_manifest_yields_to_the_file(void **state)
{
    struct application *a = *state;
    application_add_secret(a, "parameters.token", "given");
    application_put(a, ".env", "TOKEN=theirs\n");
    a->files.folder = a->folder;
    assert_int_equal(publish_take_compose(&a->files, &a->d, &a->error), 0);
    assert_string_equal(a->secrets[0].value, "theirs");
    assert_int_equal(a->files.notes.count, 1);
    assert_has(a->files.notes.items[0], "another value for TOKEN than the manifest: it is kept");
    assert_lacks(a->files.notes.items[0], "given");

    application_put(a, ".env", "TOKEN=\n");
    assert_int_equal(publish_take_compose(&a->files, &a->d, &a->error), -1);
    assert_has(a->error.text, ".env has no value for TOKEN");
}

static void a_new_value_makes_the_container_anew(void **state)
{
    struct application *a = *state;
    application_add_server(a, "cache", "pw1");
    application_add(a, "web", "example/web:1");
    cleanup_free char *cache = service(a, "  cache:"), *web = service(a, "  web:");
    a->secrets[0].value = "pw2";
    cleanup_free char *cache_then = service(a, "  cache:"), *web_then = service(a, "  web:");
    assert_string_not_equal(cache, cache_then);
    assert_string_equal(web, web_then);
    a->secrets[0].value = "pw1";
    cleanup_free char *cache_again = service(a, "  cache:");
    assert_string_equal(cache, cache_again);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, application_setup, application_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_server_is_a_service_with_files),
        CASE(secrets_are_variables_that_have_to_be_set),
        CASE(an_encoded_secret_is_one_more_variable),
        CASE(a_dollar_stays_a_dollar),
        CASE(what_a_service_was_told_is_kept),
        CASE(an_image_is_built_beside_the_files),
        CASE(ports_are_where_they_were_asked_for),
        CASE(folders_and_volumes_are_told_apart),
        CASE(a_restart_is_what_was_said),
        CASE(who_needs_whom_is_waited_for),
        CASE(a_tool_has_a_profile_of_its_own),
        CASE(a_program_of_the_image_is_asked_without_a_shell),
        CASE(two_secrets_do_not_share_a_variable),
        CASE(the_environment_file_is_only_added_to),
        CASE(a_second_time_changes_nothing),
        CASE(another_configuration_gets_a_number),
        CASE(a_value_of_the_manifest_yields_to_the_file),
        CASE(a_new_value_makes_the_container_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
