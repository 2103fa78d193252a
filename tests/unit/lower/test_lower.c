/* The lowering over models built by hand: nodes, edges, addresses per consumer, environments, hashes, the
 * JSON codec. */
#include "lowered.h"
#include "lower/internal.h"
#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

struct fixture {
    struct model model;
    struct model_resource resources[4];
    struct model_reference references[3];
    struct model_endpoint endpoint;
    struct model_text command[1];
    struct plan_context context;
    struct plan *plan;
};

static const struct model_resource server = {.name = "cache",
                                             .kind = MODEL_REDIS,
                                             .pos = {"apphost.yaml", 3, 3},
                                             .redis = {.bind_address = "127.0.0.1"}};

/* One redis "cache"; a process "api" and a container "worker" that refer to it. */
static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    f->model =
        (struct model){.name = "shop", .file = "/x/apphost.yaml", .folder = "/x", .resources = f->resources};
    f->resources[0] = server;
    f->references[0] = (struct model_reference){.resource = "cache", .wait = true};
    f->command[0] = model_literal(&f->model.arena, "true");
    f->endpoint = (struct model_endpoint){.name = "http", .scheme = "http", .env = "PORT"};
    f->resources[1] = (struct model_resource){.name = "api",
                                              .kind = MODEL_PROCESS,
                                              .references = f->references,
                                              .reference_count = 1,
                                              .endpoints = &f->endpoint,
                                              .endpoint_count = 1,
                                              .process = {.command = f->command, .command_count = 1}};
    f->resources[2] = (struct model_resource){.name = "worker",
                                              .kind = MODEL_CONTAINER,
                                              .image = "busybox",
                                              .references = f->references,
                                              .reference_count = 1,
                                              .container = {.init = true}};
    f->model.resource_count = 2;
    f->context = lowered_context();
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    plan_free(f->plan);
    arena_free(&f->model.arena);
    free(f);
    return 0;
}

static struct plan *lower(struct fixture *f)
{
    return f->plan = lowered_again(NULL, &f->model, &f->context);
}

static int port_of(const char *node, const char *endpoint, void *data)
{
    (void)data;
    return strcmp(node, "container:cache") == 0 && strcmp(endpoint, "tcp") == 0 ? 20007 : 5001;
}

static const char *secret_of(const char *name, void *data)
{
    (void)data;
    return strcmp(name, "cache-password") == 0 ? "p w\"1" : NULL;
}

static const struct plan_lookup lookup = {.port = port_of, .secret = secret_of};

static void expect(const struct plan_variable *variables, size_t count, const char *name, const char *value)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(variables[i].name, name) != 0)
            continue;
        char *text = plan_resolve(&variables[i].value, &lookup, NULL);
        assert_non_null(text);
        assert_string_equal(text, value);
        free(text);
        return;
    }
    fail_msg("%s is missing", name);
}

static void process_gets_the_published_address(void **state)
{
    struct plan *plan = lower(*state);
    const struct plan_run *run = &plan_find(plan, "process:api")->run;
    expect(run->environment, run->environment_count, "ConnectionStrings__cache",
           "127.0.0.1:20007,password=p w\"1");
    expect(run->environment, run->environment_count, "CACHE_HOST", "127.0.0.1");
    expect(run->environment, run->environment_count, "CACHE_PORT", "20007");
    expect(run->environment, run->environment_count, "CACHE_PASSWORD", "p w\"1");
    expect(run->environment, run->environment_count, "CACHE_URI",
           "redis://default:p%20w%221@127.0.0.1:20007");
    expect(run->environment, run->environment_count, "PORT", "5001");
    expect(run->environment, run->environment_count, "OTEL_SERVICE_NAME", "api");
    assert_null(plan_find(plan, "network:net-shop-0123abcd"));
}

static void container_gets_the_alias_and_both_join_the_network(void **state)
{
    struct fixture *f = *state;
    f->model.resource_count = 3;
    struct plan *plan = lower(f);
    const struct plan_run *run = &plan_find(plan, "container:worker")->run;
    expect(run->environment, run->environment_count, "ConnectionStrings__cache",
           "cache:6379,password=p w\"1");
    assert_true(run->on_network);
    assert_true(plan_find(plan, "container:cache")->run.on_network);
    assert_non_null(plan_find(plan, "network:net-shop-0123abcd"));
    assert_string_equal(run->image, "busybox:latest");
}

static void network_membership_is_not_part_of_the_hash(void **state)
{
    struct fixture *f = *state;
    char before[17];
    strcpy(before, plan_find(lower(f), "container:cache")->spec_hash);
    plan_free(f->plan);
    f->model.resource_count = 3;
    assert_string_equal(plan_find(lower(f), "container:cache")->spec_hash, before);
}

static void hash_covers_configuration_and_explain_names_it(void **state)
{
    struct fixture *f = *state;
    struct plan *plan = lower(f);
    struct plan_node *node = plan_find(plan, "container:cache");
    cJSON *old = plan_node_spec(node);
    char before[17];
    strcpy(before, node->spec_hash);
    plan_free(plan);
    f->resources[0].image = "redis:7.4";
    f->resources[0].memory = 64 << 20;
    node = plan_find(lower(f), "container:cache");
    assert_string_not_equal(node->spec_hash, before);
    cJSON *new = plan_node_spec(node);
    char *why = plan_explain(old, new);
    assert_non_null(strstr(why, "image: docker.io/library/redis:8.6 → redis:7.4"));
    assert_non_null(strstr(why, "memory"));
    free(why);
    cJSON_Delete(old);
    cJSON_Delete(new);
}

static void json_round_trip_keeps_everything(void **state)
{
    struct fixture *f = *state;
    f->model.resource_count = 3;
    cJSON *first = plan_to_json(lower(f), true);
    struct error err = {0};
    struct plan *copy = plan_from_json(first, &err);
    assert_non_null(copy);
    cJSON *second = plan_to_json(copy, true);
    char *a = json_print_canonical(first), *b = json_print_canonical(second);
    assert_string_equal(a, b);
    assert_int_equal(copy->node_count, f->plan->node_count);
    free(a);
    free(b);
    cJSON_Delete(first);
    cJSON_Delete(second);
    plan_free(copy);
}

static void masked_text_shows_no_secret(void **state)
{
    struct plan *plan = lower(*state);
    char *text = plan_mask(&plan_find_resource(plan, "cache")->display, &lookup);
    assert_string_equal(text, "127.0.0.1:20007,password=***");
    free(text);
}

static void given_password_is_hidden_in_config(void **state)
{
    struct fixture *f = *state;
    f->resources[0].redis.password_kind = MODEL_PASSWORD_TEXT;
    f->resources[0].redis.password = "topsecret";
    cJSON *json = plan_to_json(lower(f), false);
    char *text = json_print(json);
    assert_null(strstr(text, "topsecret"));
    free(text);
    cJSON_Delete(json);
    json = plan_to_json(f->plan, true);
    text = json_print(json);
    assert_non_null(strstr(text, "topsecret"));
    free(text);
    cJSON_Delete(json);
}

static void configuration_ends_with_the_quoted_password(void **state)
{
    struct plan *plan = lower(*state);
    const struct plan_run *run = &plan_find(plan, "container:cache")->run;
    expect(run->environment, run->environment_count, "APPHOST_REDIS_CONF",
           "bind * -::*\nprotected-mode no\nsave \"\"\nappendonly no\nport 6379\nrequirepass \"p w\\\"1\"\n");
    assert_true(run->ephemeral);
    for (size_t i = 0; i < run->command_count; i++)
        assert_false(plan_has_secret(&run->command[i]));
}

static void volume_gets_a_node_and_persistence(void **state)
{
    struct fixture *f = *state;
    struct model_mount mount = {.is_volume = true, .target = "/data"};
    f->resources[0].redis.data = &mount;
    struct plan *plan = lower(f);
    const struct plan_node *node = plan_find(plan, "container:cache");
    assert_non_null(plan_find(plan, "volume:shop-0123abcd-cache-data"));
    assert_false(node->run.ephemeral);
    char *conf = plan_resolve(&node->run.environment[node->run.environment_count - 1].value, &lookup, NULL);
    assert_non_null(strstr(conf, "save 60 1\n"));
    free(conf);
}

static void tls_reaches_server_and_consumers(void **state)
{
    struct fixture *f = *state;
    f->model.resource_count = 3;
    f->resources[0].redis.tls.on = true;
    f->context.certs_folder = "/state";
    struct plan *plan = lower(f);
    const struct plan_run *server_run = &plan_find(plan, "container:cache")->run;
    const struct plan_run *api = &plan_find(plan, "process:api")->run,
                          *worker = &plan_find(plan, "container:worker")->run;
    expect(api->environment, api->environment_count, "ConnectionStrings__cache",
           "127.0.0.1:20007,password=p w\"1,ssl=true");
    expect(api->environment, api->environment_count, "CACHE_URI",
           "rediss://default:p%20w%221@127.0.0.1:20007");
    expect(api->environment, api->environment_count, "CACHE_CA_FILE", "/state/ca.pem");
    expect(worker->environment, worker->environment_count, "CACHE_CA_FILE", "/run/apphost-ca/cache.pem");
    assert_int_equal(worker->mount_count, 1);
    assert_string_equal(worker->mounts[0].source, "/state/ca.pem");
    assert_true(worker->mounts[0].read_only);
    assert_true(server_run->ready.tls);
    assert_string_equal(server_run->ready.ca_file, "/state/ca.pem");
    assert_int_equal(server_run->tmpfs_count, 0);
    assert_null(plan_find_secret(plan, "cache-tls-key")->value);
    plan_give_secret(plan, "cache-tls-key", "KEY");
    assert_string_equal(plan_find_secret(plan, "cache-tls-key")->value, "KEY");
}

static void sidecars_are_merged_and_get_every_server(void **state)
{
    struct fixture *f = *state;
    f->resources[1] = server;
    f->resources[1].name = "other";
    f->resources[1].redis.password_kind = MODEL_PASSWORD_NONE;
    f->resources[0].redis.commander = (struct model_sidecar){.on = true};
    f->resources[1].redis.commander = (struct model_sidecar){.on = true, .host_port = 8081};
    f->resources[0].redis.insight = (struct model_sidecar){.on = true, .accept_eula = true};
    struct plan *plan = lower(f);
    const struct plan_run *commander = &plan_find(plan, "container:rediscommander")->run;
    const struct plan_run *insight = &plan_find(plan, "container:redisinsight")->run;
    expect(commander->environment, commander->environment_count, "NODE_CONFIG",
           "{\"connections\":[{\"label\":\"cache\",\"host\":\"cache\",\"port\":\"6379\",\"dbIndex\":0,"
           "\"password\":\"p w\\\"1\"},"
           "{\"label\":\"other\",\"host\":\"other\",\"port\":\"6379\",\"dbIndex\":0,\"password\":\"\"}]}");
    expect(insight->environment, insight->environment_count, "RI_REDIS_HOST1", "cache");
    expect(insight->environment, insight->environment_count, "RI_REDIS_PASSWORD1", "p w\"1");
    expect(insight->environment, insight->environment_count, "RI_REDIS_ALIAS2", "other");
    expect(insight->environment, insight->environment_count, "RI_ACCEPT_TERMS_AND_CONDITIONS", "true");
    for (size_t i = 0; i < insight->environment_count; i++)
        assert_string_not_equal(insight->environment[i].name, "RI_REDIS_PASSWORD2");
    assert_int_equal(commander->ports[0].fixed_port, 8081);
    assert_true(commander->on_network && plan_find(plan, "container:cache")->run.on_network);
    assert_true(plan_find(plan, "container:rediscommander")->sidecar);
    assert_non_null(plan_find_resource(plan, "rediscommander"));
}

static void host_network_listens_on_the_chosen_port(void **state)
{
    struct fixture *f = *state;
    f->resources[0].redis.host_network = true;
    struct plan *plan = lower(f);
    const struct plan_run *run = &plan_find(plan, "container:cache")->run;
    assert_true(run->host_network);
    assert_int_equal(run->ports[0].target_port, 0);
    expect(run->environment, run->environment_count, "APPHOST_REDIS_CONF",
           "bind 127.0.0.1\nprotected-mode no\nsave \"\"\nappendonly no\nport 20007\nrequirepass \"p "
           "w\\\"1\"\n");
}

static void native_servers_are_processes_with_input(void **state)
{
    struct fixture *f = *state;
    struct model_mount mount = {.is_volume = true, .target = "/data"};
    f->model.engine = "native";
    f->context.state_folder = "/state/shop";
    f->resources[0].redis.data = &mount;
    struct plan *plan = lower(f);
    const struct plan_node *node = plan_find(plan, "process:cache");
    assert_non_null(node);
    assert_string_equal(node->run.command[0].parts[0].text, "redis-server");
    char *conf = plan_mask(&node->run.input, NULL);
    assert_string_equal(
        conf, "dir \"/state/shop/volumes/cache-data\"\nbind 127.0.0.1\nprotected-mode no\nsave 60 1\n"
              "appendonly no\nbind 127.0.0.1\nport ?\nrequirepass ***\n");
    free(conf);
    assert_string_equal(plan_find(plan, "volume:/state/shop/volumes/cache-data")->folder,
                        "/state/shop/volumes/cache-data");
    const struct plan_run *api = &plan_find(plan, "process:api")->run;
    for (size_t i = 0; i < api->environment_count; i++)
        if (strcmp(api->environment[i].name, "CACHE_PORT") == 0)
            assert_string_equal(api->environment[i].value.parts[0].text, "process:cache");
}

static void damaged_plans_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "{}",
        "[]",
        "{\"format\":1}",
        "{\"format\":1,\"project\":\"a\",\"projectHash\":\"b\",\"prefix\":\"c\",\"nodes\":[{}]}",
        "{\"format\":1,\"project\":\"a\",\"projectHash\":\"b\",\"prefix\":\"c\",\"nodes\":[{\"id\":1}]}",
        "{\"format\":1,\"project\":\"a\",\"projectHash\":\"b\",\"prefix\":\"c\",\"nodes\":[3]}",
        "{\"format\":2,\"project\":\"a\",\"projectHash\":\"b\",\"prefix\":\"c\"}"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        cJSON *json = cJSON_Parse(bad[i]);
        struct error err = {0};
        assert_null(plan_from_json(json, &err));
        assert_int_equal(err.code, ERROR_PROTOCOL);
        error_clear(&err);
        cJSON_Delete(json);
    }
}

static void every_kind_has_a_lowering(void **state)
{
    (void)state;
    for (int i = 0; i < MODEL_KIND_COUNT; i++) {
        const struct lower_kind *row = lower_kind((enum model_kind)i);
        const char *name = model_kind_name((enum model_kind)i);
        if (!lower_resources[i])
            fail_msg("nobody lowers %s: lower/lower.c, lower_resources", name);
        if (row->node < PLAN_CONTAINER)
            fail_msg("%s has no row in lower/lower_kind.c", name);
        if (row->native_node < PLAN_PROCESS)
            fail_msg("%s would be a container on the native engine", name);
    }
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(process_gets_the_published_address),         T(container_gets_the_alias_and_both_join_the_network),
        T(network_membership_is_not_part_of_the_hash), T(hash_covers_configuration_and_explain_names_it),
        T(json_round_trip_keeps_everything),           T(masked_text_shows_no_secret),
        T(given_password_is_hidden_in_config),         T(configuration_ends_with_the_quoted_password),
        T(volume_gets_a_node_and_persistence),         T(damaged_plans_are_refused),
        T(native_servers_are_processes_with_input),    T(tls_reaches_server_and_consumers),
        T(sidecars_are_merged_and_get_every_server),   T(host_network_listens_on_the_chosen_port),
        cmocka_unit_test(every_kind_has_a_lowering),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
