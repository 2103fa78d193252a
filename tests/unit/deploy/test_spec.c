/* What a service becomes as JSON of the Engine API, and the secrets that it has. */
#include "shop.h"

#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static int set_up(void **state)
{
    struct shop *shop = xcalloc(1, sizeof *shop);
    shop_init(shop);
    strcpy(shop->d.key, "0123456789abcdef");
    shop->secret.value = "S3cr'et\\";
    *state = shop;
    return 0;
}

static int tear_down(void **state)
{
    shop_fini(*state);
    free(*state);
    return 0;
}

static cJSON *body_of(struct shop *shop, size_t number, const cJSON *config)
{
    struct swarm_parts parts = {.network = "net1", .image = "image@sha256:0", .config = config, .turn = "12"};
    return swarm_service_body(&shop->d, &shop->services[number], &parts);
}

static void assert_json(const cJSON *document, const char *path, const char *wanted)
{
    const cJSON *found = json_path(document, path);
    cleanup_free char *text = found ? json_print(found) : xstrdup("nothing");
    if (!str_eq(text, wanted))
        print_error("%s: %s, expected %s\n", path, text, wanted);
    assert_string_equal(text, wanted);
}

static void test_server(void **state)
{
    struct shop *shop = *state;
    cleanup_json cJSON *body = body_of(shop, 0, NULL);
    cleanup_free char *whole = json_print(body);
    assert_null(strstr(whole, "S3cr"));
    assert_json(body, "Name", "\"shop_cache\"");
    assert_string_equal(json_string(json_get(body, "Labels"), SWARM_TURN, ""), "12");
    assert_json(body, "TaskTemplate.ContainerSpec.Image", "\"image@sha256:0\"");
    assert_json(body, "TaskTemplate.ContainerSpec.Args", "[\"redis-server\",\"/run/secrets/cache.conf\"]");
    assert_json(body, "TaskTemplate.ContainerSpec.Command", "nothing");
    assert_json(body, "TaskTemplate.ContainerSpec.Healthcheck",
                "{\"Test\":[\"CMD-SHELL\",\"ping\"],\"Interval\":2000000000,\"Timeout\":3000000000,"
                "\"StartPeriod\":600000000000,\"Retries\":10}");
    assert_json(body, "TaskTemplate.Placement.Constraints",
                "[\"node.labels.io.apphost.volume.shop_cache-data==true\"]");
    assert_json(body, "TaskTemplate.ContainerSpec.Mounts",
                "[{\"Type\":\"volume\",\"Source\":\"shop_cache-data\",\"VolumeOptions\":{\"NoCopy\":true,"
                "\"Labels\":{\"io.apphost.deployment\":\"shop\"}},\"Target\":\"/data\"}]");
    assert_json(body, "TaskTemplate.Networks", "[{\"Target\":\"net1\",\"Aliases\":[\"cache\"]}]");
    assert_json(body, "TaskTemplate.RestartPolicy.Condition", "\"any\"");
    assert_json(body, "UpdateConfig.Order", "\"stop-first\"");
    assert_json(body, "UpdateConfig.FailureAction", "\"rollback\"");
    assert_json(body, "EndpointSpec", "{\"Mode\":\"dnsrr\"}");
    const cJSON *secrets = json_path(body, "TaskTemplate.ContainerSpec.Secrets");
    assert_int_equal(json_count(secrets), 2);
    assert_json(secrets->child, "File", "{\"Name\":\"cache.conf\",\"UID\":\"0\",\"GID\":\"0\",\"Mode\":292}");
    assert_string_equal(json_string(json_path(body, "TaskTemplate.ContainerSpec.Labels"), SWARM_HASH, "a"),
                        json_string(json_get(body, "Labels"), SWARM_HASH, "b"));
}

static void test_consumer(void **state)
{
    struct shop *shop = *state;
    cleanup_json cJSON *config = json_parse("{\"Entrypoint\":[\"entry\"],\"Cmd\":[\"cmd\"]}", 39, NULL);
    cleanup_json cJSON *body = body_of(shop, 1, config);
    cleanup_free char *whole = json_print(body);
    assert_null(strstr(whole, "S3cr"));
    assert_true(swarm_needs_config(&shop->services[1]));
    assert_json(body, "TaskTemplate.ContainerSpec.Command",
                "[\"/bin/sh\",\"-c\",\"set -a; . /run/secrets/api.env; set +a; exec \\\"$0\\\" "
                "\\\"$@\\\"\"]");
    assert_json(body, "TaskTemplate.ContainerSpec.Args", "[\"entry\",\"cmd\"]");
    assert_json(body, "TaskTemplate.ContainerSpec.Env", "[\"PLAIN={{ \\\"{{\\\" }}x}} $HOME\"]");
    assert_json(body, "UpdateConfig.Order", "\"start-first\"");

    /* A command of the manifest replaces the image's; an entrypoint of it replaces both. */
    shop->services[1].command = shop->command;
    shop->services[1].command_count = 1;
    cleanup_json cJSON *second = body_of(shop, 1, config);
    assert_json(second, "TaskTemplate.ContainerSpec.Args", "[\"entry\",\"redis-server\"]");
    shop->services[1].entrypoint = shop->command;
    shop->services[1].entrypoint_count = 2;
    shop->services[1].command_count = 0;
    cleanup_json cJSON *third = body_of(shop, 1, NULL);
    assert_false(swarm_needs_config(&shop->services[1]));
    assert_json(third, "TaskTemplate.ContainerSpec.Args", "[\"redis-server\",\"/run/secrets/cache.conf\"]");
}

static void test_secrets(void **state)
{
    struct shop *shop = *state;
    cleanup_swarm_secrets struct swarm_secrets secrets;
    swarm_secrets_of(&shop->d, &shop->services[1], &secrets);
    assert_int_equal(secrets.count, 1);
    assert_string_equal(secrets.items[0].file, "api.env");
    assert_string_equal(secrets.items[0].text, "ConnectionStrings__cache='S3cr'\\''et\\'\n");
    assert_true(str_starts(secrets.items[0].name, "shop_api-env_"));
    assert_int_equal(strlen(secrets.items[0].name), strlen("shop_api-env_") + 16);

    /* Another content, another name; another key as well: nobody guesses a short password by it. */
    cleanup_free char *first = xstrdup(secrets.items[0].name);
    shop->secret.value = "other";
    cleanup_swarm_secrets struct swarm_secrets changed;
    swarm_secrets_of(&shop->d, &shop->services[1], &changed);
    assert_string_not_equal(changed.items[0].name, first);
    shop->d.project = "a-project-with-a-name-that-is-as-long-as-names-of-projects-may-be";
    cleanup_swarm_secrets struct swarm_secrets longer;
    swarm_secrets_of(&shop->d, &shop->services[1], &longer);
    assert_int_equal(strlen(longer.items[0].name), 64);
}

static void test_names(void **state)
{
    struct shop *shop = *state;
    cleanup_error struct error err = {0};
    assert_int_equal(swarm_check_names(&shop->d, &err), 0);
    shop->services[0].name = "a-resource-with-a-name-that-is-as-long-as-names-of-resources-m";
    assert_int_equal(swarm_check_names(&shop->d, &err), -1);
    assert_int_equal(err.code, ERROR_MANIFEST);
    assert_int_equal(err.source.line, 11);
    assert_non_null(strstr(err.text, "63 characters"));

    cleanup_free char *variable = swarm_variable("ConnectionStrings__my-cache.x");
    assert_string_equal(variable, "ConnectionStrings__my_cache_x");
    cleanup_free char *escaped = swarm_escape("{{{ {{.Service.Name}}");
    assert_string_equal(escaped, "{{ \"{{\" }}{ {{ \"{{\" }}.Service.Name}}");
}

static void test_rest(void **state)
{
    struct shop *shop = *state;
    struct deployment_service *api = &shop->services[1];
    static const char *hosts[] = {"db:10.0.0.7", "six:fd00::1"}, *tmpfs[] = {"/tmp:size=1m"};
    static const char *exec[] = {"check", "it", NULL};
    struct deployment_port ports[] = {{.name = "http", .inside = 80, .outside = 8080}, {.inside = 81}};
    api->extra_hosts = hosts;
    api->extra_host_count = 2;
    api->tmpfs = tmpfs;
    api->tmpfs_count = 1;
    api->ports = ports;
    api->port_count = 2;
    api->memory = 1024;
    api->placement = "worker-1";
    api->replicas = 3;
    api->check = (struct deployment_check){.kind = DEPLOYMENT_CHECK_EXEC, .exec = exec, .interval_ms = 1};
    api->restart = (struct plan_restart){.when = MODEL_RESTART_ON_FAILURE, .max_retries = 4};
    cleanup_json cJSON *body = body_of(shop, 1, NULL);
    assert_json(body, "TaskTemplate.ContainerSpec.Hosts", "[\"10.0.0.7 db\",\"fd00::1 six\"]");
    assert_json(body, "TaskTemplate.ContainerSpec.Mounts", "[{\"Type\":\"tmpfs\",\"Target\":\"/tmp\"}]");
    assert_json(body, "TaskTemplate.ContainerSpec.Healthcheck.Test", "[\"CMD\",\"check\",\"it\"]");
    assert_json(body, "TaskTemplate.Resources.Limits.MemoryBytes", "1024");
    assert_json(body, "TaskTemplate.Placement.Constraints", "[\"node.hostname==worker-1\"]");
    assert_json(body, "TaskTemplate.RestartPolicy",
                "{\"Condition\":\"on-failure\",\"Delay\":2000000000,\"MaxAttempts\":4}");
    assert_json(body, "Mode.Replicated.Replicas", "3");
    assert_json(body, "EndpointSpec.Ports",
                "[{\"Protocol\":\"tcp\",\"TargetPort\":80,\"PublishedPort\":8080,\"PublishMode\":\"host\"}]");
    /* There is one port of the node: the old one has to let it go first. */
    assert_json(body, "UpdateConfig.Order", "\"stop-first\"");

    api->placement = "node.labels.zone!=a";
    api->is_task = true;
    cleanup_json cJSON *job = body_of(shop, 1, NULL);
    assert_json(job, "TaskTemplate.Placement.Constraints", "[\"node.labels.zone!=a\"]");
    assert_json(job, "Mode", "{\"ReplicatedJob\":{\"MaxConcurrent\":3,\"TotalCompletions\":3}}");
    assert_json(job, "UpdateConfig", "nothing");
}

/* A service that ends is started again whatever the manifest says of its restarts here, on another node when
 * its own is gone; "any" is no word for a job. */
static void test_restart(void **state)
{
    struct shop *shop = *state;
    static const struct {
        enum model_restart_when when;
        bool is_task;
        const char *condition;
    } rows[] = {
        {MODEL_RESTART_NEVER, false, "\"any\""},
        {MODEL_RESTART_ON_FAILURE, false, "\"on-failure\""},
        {MODEL_RESTART_ALWAYS, false, "\"any\""},
        {MODEL_RESTART_NEVER, true, "\"none\""},
        {MODEL_RESTART_ON_FAILURE, true, "\"on-failure\""},
        {MODEL_RESTART_ALWAYS, true, "\"on-failure\""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        shop->services[1].restart.when = rows[i].when;
        shop->services[1].is_task = rows[i].is_task;
        cleanup_json cJSON *body = body_of(shop, 1, NULL);
        assert_json(body, "TaskTemplate.RestartPolicy.Condition", rows[i].condition);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_server, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_consumer, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_secrets, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_names, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_rest, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_restart, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
