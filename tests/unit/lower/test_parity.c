/* What .NET Aspire's Redis hosting promises in its unit tests, translated to the lowering here.
 * tests/PARITY.md says which case stands where; the comments name Aspire's tests. */
#include "lowered.h"
#include "lower/lower.h"
#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { SERVERS = 3 };

struct fixture {
    struct model model;
    struct model_resource resources[SERVERS + 1];
    struct model_parameter parameter;
    struct model_reference reference;
    struct model_text command[1];
    struct model_mount mount;
    struct plan_context context;
    struct plan *plan;
};

/* Three servers, myRedis and two more, and a process that references the first. Only the first is in the
 * model at first. */
static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    static const char *const names[SERVERS] = {"myRedis", "myredis2", "myredis3"};
    for (size_t i = 0; i < SERVERS; i++)
        f->resources[i] = (struct model_resource){.name = names[i],
                                                  .kind = MODEL_REDIS,
                                                  .pos = {"apphost.yaml", 3, 3},
                                                  .redis = {.bind_address = "127.0.0.1"}};
    f->parameter = (struct model_parameter){.name = "pass", .secret = true, .value = "p@ssw0rd1"};
    f->mount = (struct model_mount){.is_volume = true, .target = "/data"};
    f->model = (struct model){.name = "shop",
                              .file = "/x/apphost.yaml",
                              .folder = "/x",
                              .resources = f->resources,
                              .resource_count = 1};
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
    return f->plan = lowered_again(f->plan, &f->model, &f->context);
}

static const struct plan_run *run_of(struct fixture *f, const char *id)
{
    const struct plan_node *node = plan_find(lower(f), id);
    assert_non_null(node);
    return &node->run;
}

static int port_of(const char *node, const char *endpoint, void *data)
{
    (void)node, (void)endpoint, (void)data;
    return 5001;
}

static const char *secret_of(const char *name, void *data)
{
    const struct fixture *f = data;
    const struct plan_secret *secret = plan_find_secret(f->plan, name);
    return !secret ? NULL : secret->value ? secret->value : "generated";
}

static char *value_of(struct fixture *f, const struct plan_variable *variables, size_t count,
                      const char *name)
{
    struct plan_lookup lookup = {.port = port_of, .secret = secret_of, .data = f};
    for (size_t i = 0; i < count; i++)
        if (strcmp(variables[i].name, name) == 0)
            return plan_resolve(&variables[i].value, &lookup, NULL);
    return NULL;
}

/* What a host process that references the server gets. */
static void expect_export(struct fixture *f, const char *resource, const char *name, const char *value)
{
    const struct plan_resource *r = plan_find_resource(f->plan, resource);
    char *text = value_of(f, r->exports, r->export_count, name);
    if (value)
        assert_string_equal(text, value);
    else
        assert_null(text);
    free(text);
}

static void expect_conf(struct fixture *f, const char *part, int times)
{
    const struct plan_run *run = run_of(f, "container:myRedis");
    char *conf = value_of(f, run->environment, run->environment_count, "APPHOST_REDIS_CONF");
    int found = 0;
    for (const char *p = conf; (p = strstr(p, part)); p++)
        found++;
    free(conf);
    assert_int_equal(found, times);
}

static void use_parameter(struct fixture *f, struct model_resource *resource)
{
    f->model.parameters = &f->parameter;
    f->model.parameter_count = 1;
    resource->redis.password_kind = MODEL_PASSWORD_PARAMETER;
    resource->redis.password = "pass";
}

/* AddRedisAddsHealthCheckAnnotationToResource; that PING is asked with the password is more than Aspire's
 * case. */
static void a_server_has_one_health_check(void **state)
{
    struct fixture *f = *state;
    const struct plan_run *run = run_of(f, "container:myRedis");
    assert_int_equal(run->ready.kind, PLAN_PROBE_PING);
    assert_true(plan_has_secret(&run->ready.password));
}

/* AddRedisContainerWithDefaultsAddsAnnotationMetadata, VerifyDefaultManifest */
static void defaults(void **state)
{
    struct fixture *f = *state;
    const struct plan_run *run = run_of(f, "container:myRedis");
    assert_int_equal(run->port_count, 1);
    assert_string_equal(run->ports[0].endpoint, "tcp");
    assert_string_equal(run->ports[0].scheme, "redis");
    assert_int_equal(run->ports[0].target_port, 6379);
    assert_int_equal(run->ports[0].fixed_port, 0);
    assert_string_equal(run->ports[0].bind_address, "127.0.0.1");
    assert_string_equal(run->image, "docker.io/library/redis:8.6");
    assert_string_equal(run->entrypoint[0].parts[0].text, "/bin/sh");
}

/* AddRedisContainerAddsAnnotationMetadata, VerifyRedisResourceWithHostPort */
static void a_given_port_is_kept(void **state)
{
    struct fixture *f = *state;
    f->resources[0].redis.host_port = 9813;
    const struct plan_run *run = run_of(f, "container:myRedis");
    assert_int_equal(run->ports[0].fixed_port, 9813);
    assert_int_equal(run->ports[0].target_port, 6379);
    expect_export(f, "myRedis", "MYREDIS_PORT", "9813");
}

/* RedisCreatesConnectionStringWithPassword, …WithPasswordAndPort, VerifyWithPasswordManifest,
 * AddRedisContainerWithPasswordAnnotationMetadata, VerifyRedisResourceWithPassword(true) */
static void a_parameter_is_the_password(void **state)
{
    struct fixture *f = *state;
    use_parameter(f, &f->resources[0]);
    lower(f);
    expect_export(f, "myRedis", "ConnectionStrings__myRedis", "127.0.0.1:5001,password=p@ssw0rd1");
    expect_conf(f, "requirepass \"p@ssw0rd1\"\n", 1);
    f->resources[0].redis.host_port = 3000;
    lower(f);
    expect_export(f, "myRedis", "ConnectionStrings__myRedis", "127.0.0.1:3000,password=p@ssw0rd1");
}

/* VerifyWithPasswordValueNotProvidedManifest: the plan is the same, the value is late. */
static void the_plan_needs_no_value(void **state)
{
    struct fixture *f = *state;
    use_parameter(f, &f->resources[0]);
    char before[17];
    strcpy(before, plan_find(lower(f), "container:myRedis")->spec_hash);
    f->parameter.value = NULL;
    assert_string_equal(plan_find(lower(f), "container:myRedis")->spec_hash, before);
}

/* RedisCreatesConnectionStringWithDefaultPassword */
static void a_password_is_generated_by_default(void **state)
{
    struct fixture *f = *state;
    const struct plan_secret *secret = plan_find_secret(lower(f), "myRedis-password");
    assert_true(secret->generated && secret->secret && !secret->special);
    assert_int_equal(secret->length, 22);
    expect_export(f, "myRedis", "ConnectionStrings__myRedis", "127.0.0.1:5001,password=generated");
}

/* VerifyWithoutPasswordManifest, VerifyRedisResourceWithPassword(false) */
static void no_password(void **state)
{
    struct fixture *f = *state;
    f->resources[0].redis.password_kind = MODEL_PASSWORD_NONE;
    lower(f);
    expect_export(f, "myRedis", "ConnectionStrings__myRedis", "127.0.0.1:5001");
    expect_export(f, "myRedis", "MYREDIS_PASSWORD", NULL);
    expect_conf(f, "requirepass", 0);
}

/* WithRedisCommanderAddsRedisCommanderResource, WithRedisInsightAddsWithRedisInsightResource */
static void one_of_each_sidecar(void **state)
{
    struct fixture *f = *state;
    f->model.resource_count = 2;
    for (size_t i = 0; i < 2; i++)
        f->resources[i].redis.commander.on = f->resources[i].redis.insight.on = true;
    const struct plan *plan = lower(f);
    size_t sidecars = 0;
    for (size_t i = 0; i < plan->node_count; i++)
        sidecars += plan->nodes[i].sidecar;
    assert_int_equal(sidecars, 2);
    assert_non_null(plan_find(plan, "container:rediscommander"));
    assert_non_null(plan_find(plan, "container:redisinsight"));
}

/* WithRedisInsightProducesCorrectEnvironmentVariables, RedisInsightEnvironmentCallbackIsIdempotent */
static void insight_gets_numbered_variables(void **state)
{
    struct fixture *f = *state;
    static const char *const names[] = {"RI_REDIS_HOST1",     "RI_REDIS_PORT1",     "RI_REDIS_ALIAS1",
                                        "RI_REDIS_PASSWORD1", "RI_REDIS_HOST2",     "RI_REDIS_PORT2",
                                        "RI_REDIS_ALIAS2",    "RI_REDIS_PASSWORD2", "RI_REDIS_HOST3",
                                        "RI_REDIS_PORT3",     "RI_REDIS_ALIAS3"};
    f->model.resource_count = 3;
    f->resources[0].redis.insight.on = true;
    f->resources[2].redis.password_kind = MODEL_PASSWORD_NONE;
    for (int again = 0; again < 2; again++) {
        const struct plan_run *run = run_of(f, "container:redisinsight");
        size_t next = 0;
        for (size_t i = 0; i < run->environment_count; i++)
            if (str_starts(run->environment[i].name, "RI_REDIS_"))
                assert_string_equal(run->environment[i].name, names[next++]);
        assert_int_equal(next, sizeof names / sizeof *names);
        char *host = value_of(f, run->environment, run->environment_count, "RI_REDIS_HOST2");
        assert_string_equal(host, "myredis2");
        free(host);
    }
}

/* WithRedisCommanderSupportsChangingContainerImageValues, …InsightSupports…, …SupportsChangingHostPort (both)
 */
static void sidecars_have_image_and_port(void **state)
{
    struct fixture *f = *state;
    struct model_sidecar custom = {
        .on = true, .image = "example.mycompany.com/custom:someothertag", .host_port = 1000};
    f->resources[0].redis.commander = custom;
    custom.host_port = 1001;
    f->resources[0].redis.insight = custom;
    const struct plan_run *commander = run_of(f, "container:rediscommander");
    assert_string_equal(commander->image, custom.image);
    assert_int_equal(commander->ports[0].fixed_port, 1000);
    assert_int_equal(plan_find(f->plan, "container:redisinsight")->run.ports[0].fixed_port, 1001);
}

/* SingleRedisInstance{With,Without}PasswordProducesCorrectRedisHostsVariable, MultipleRedisInstance…: as
 * NODE_CONFIG */
static void commander_gets_every_server(void **state)
{
    struct fixture *f = *state;
    f->model.resource_count = 2;
    f->resources[0].redis.commander.on = true;
    use_parameter(f, &f->resources[0]);
    const struct plan_run *run = run_of(f, "container:rediscommander");
    char *config = value_of(f, run->environment, run->environment_count, "NODE_CONFIG");
    assert_string_equal(config,
                        "{\"connections\":[{\"label\":\"myRedis\",\"host\":\"myRedis\",\"port\":\"6379\","
                        "\"dbIndex\":0,\"password\":\"p@ssw0rd1\"},{\"label\":\"myredis2\",\"host\":"
                        "\"myredis2\",\"port\":\"6379\",\"dbIndex\":0,\"password\":\"generated\"}]}");
    free(config);
}

/* WithDataVolumeAddsVolumeAnnotation, WithDataBindMountAddsMountAnnotation: each also read-only */
static void data_is_mounted(void **state)
{
    struct fixture *f = *state;
    f->resources[0].redis.data = &f->mount;
    for (int form = 0; form < 4; form++) {
        f->mount.is_volume = form < 2;
        f->mount.read_only = form % 2;
        f->mount.source = f->mount.is_volume ? NULL : "/x/mydata";
        const struct plan_run *run = run_of(f, "container:myRedis");
        assert_int_equal(run->mount_count, 1);
        assert_string_equal(run->mounts[0].source,
                            f->mount.is_volume ? "shop-0123abcd-myRedis-data" : "/x/mydata");
        assert_string_equal(run->mounts[0].target, "/data");
        assert_int_equal(run->mounts[0].read_only, form % 2);
    }
}

/* WithData{Volume,BindMount}AddsPersistenceAnnotation, …DoesNotAddPersistenceAnnotationIfIsReadOnly,
 * WithPersistenceAddsCommandLineArgsAnnotation, WithPersistenceReplacesPreviousAnnotationInstances */
static void writable_data_is_saved(void **state)
{
    struct fixture *f = *state;
    struct model_redis *redis = &f->resources[0].redis;
    expect_conf(f, "save \"\"\n", 1);
    redis->data = &f->mount;
    expect_conf(f, "save 60 1\n", 1);
    f->mount.is_volume = false;
    f->mount.source = "/x/mydata";
    expect_conf(f, "save 60 1\n", 1);
    f->mount.read_only = true;
    expect_conf(f, "save \"\"\n", 1);
    f->mount.read_only = false;
    redis->persistence = (struct model_persistence){.given = true, .interval_s = 10, .keys_changed = 2};
    expect_conf(f, "save 10 2\n", 1);
    expect_conf(f, "save ", 1);
}

/* WithoutCertificateKeyPairDisablesTlsConfiguration, RedisWithoutCertificateHasCorrectConnectionString,
 * With{Developer,}CertificateKeyPair…, RedisWithCertificateHasCorrectConnectionString,
 * RedisConnectionStringResolvesWithTlsDynamically */
static void tls_is_off_until_asked_for(void **state)
{
    struct fixture *f = *state;
    struct model_tls *tls = &f->resources[0].redis.tls;
    f->context.certs_folder = "/certs";
    lower(f);
    expect_export(f, "myRedis", "ConnectionStrings__myRedis", "127.0.0.1:5001,password=generated");
    expect_export(f, "myRedis", "MYREDIS_CA_FILE", NULL);
    tls->on = true;
    expect_conf(f, "port 0\ntls-port 6379\n", 1);
    expect_export(f, "myRedis", "ConnectionStrings__myRedis", "127.0.0.1:5001,password=generated,ssl=true");
    expect_export(f, "myRedis", "MYREDIS_URI", "rediss://default:generated@127.0.0.1:5001");
    expect_export(f, "myRedis", "MYREDIS_CA_FILE", "/certs/ca.pem");
    assert_int_equal(plan_find(f->plan, "container:myRedis")->run.port_count, 1);
    tls->cert = "/own/cert.pem", tls->key = "/own/key.pem", tls->ca = "/own/ca.pem";
    lower(f);
    expect_export(f, "myRedis", "MYREDIS_CA_FILE", "/own/ca.pem");
}

/* A server with TLS has four secrets: there has to be room for all of them, of every server. */
static void every_secret_of_every_server_is_known(void **state)
{
    struct fixture *f = *state;
    static const char *const secrets[] = {"password", "tls-cert", "tls-key", "tls-ca"};
    f->model.resource_count = SERVERS;
    f->context.certs_folder = "/certs";
    for (size_t i = 0; i < SERVERS; i++)
        f->resources[i].redis.tls.on = true;
    const struct plan *plan = lower(f);
    assert_int_equal(plan->secret_count, 4 * SERVERS);
    for (size_t i = 0; i < SERVERS * 4; i++) {
        char *name = xasprintf("%s-%s", f->resources[i / 4].name, secrets[i % 4]);
        assert_non_null(plan_find_secret(plan, name));
        free(name);
    }
}

/* RedisResourceGetConnectionPropertiesReturnsExpectedValues: these, in this order */
static void properties_come_in_order(void **state)
{
    struct fixture *f = *state;
    static const char *const names[] = {"MYREDIS_HOST", "MYREDIS_PORT", "MYREDIS_PASSWORD", "MYREDIS_URI"};
    f->resources[0].redis.password_kind = MODEL_PASSWORD_TEXT;
    f->resources[0].redis.password = "p@ss w:rd";
    lower(f);
    const struct plan_resource *r = plan_find_resource(f->plan, "myRedis");
    size_t next = 0;
    for (size_t i = 0; i < r->export_count && next < 4; i++)
        next += strcmp(r->exports[i].name, names[next]) == 0;
    assert_int_equal(next, 4);
    expect_export(f, "myRedis", "MYREDIS_URI", "redis://default:p%40ss%20w%3Ard@127.0.0.1:5001");
}

static void a_uri_names_the_user_that_the_server_knows(void **state)
{
    struct fixture *f = *state;
    struct model_resource *server = &f->resources[0];
    server->image = "redis:5.0-alpine";
    lower(f);
    expect_export(f, "myRedis", "MYREDIS_URI", "redis://:generated@127.0.0.1:5001");
    server->image = "registry.example:5000/redis";
    lower(f);
    expect_export(f, "myRedis", "MYREDIS_URI", "redis://default:generated@127.0.0.1:5001");
    server->kind = MODEL_GARNET;
    server->image = "garnet:1.0";
    lower(f);
    expect_export(f, "myRedis", "MYREDIS_URI", "redis://default:generated@127.0.0.1:5001");
    server->kind = MODEL_REDIS;
    server->redis.password_kind = MODEL_PASSWORD_NONE;
    lower(f);
    expect_export(f, "myRedis", "MYREDIS_URI", "redis://127.0.0.1:5001");
}

/* EnvironmentVariableNameEncoderTests, WithReferenceTests (connectionName) */
static void names_of_variables_are_encoded(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *as, *host, *string;
    } cases[] = {{"service-name", "SERVICE_NAME_HOST", "ConnectionStrings__service-name"},
                 {"1service", "_1SERVICE_HOST", "ConnectionStrings__1service"},
                 {"bob", "BOB_HOST", "ConnectionStrings__bob"}};
    f->command[0] = model_literal(&f->model.arena, "true");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        f->reference = (struct model_reference){.resource = "myRedis", .as = cases[i].as, .wait = true};
        f->resources[1] = (struct model_resource){.name = "app",
                                                  .kind = MODEL_PROCESS,
                                                  .references = &f->reference,
                                                  .reference_count = 1,
                                                  .process = {.command = f->command, .command_count = 1}};
        f->model.resource_count = 2;
        const struct plan_run *run = run_of(f, "process:app");
        char *host = value_of(f, run->environment, run->environment_count, cases[i].host);
        char *string = value_of(f, run->environment, run->environment_count, cases[i].string);
        assert_string_equal(host, "127.0.0.1");
        assert_non_null(string);
        free(host);
        free(string);
    }
}

/* Garnet itself runs in tests/e2e/garnet.bats. */
static void garnet_reads_its_own_file(void **state)
{
    struct fixture *f = *state;
    struct model_resource *garnet = &f->resources[0];
    struct model_pair config[] = {{"MemorySize", "1\"g", {0}}, {"EnableLua", "true", {0}}};
    garnet->kind = MODEL_GARNET;
    garnet->redis.data = &f->mount;
    garnet->redis.persistence.interval_s = 2;
    garnet->redis.password_kind = MODEL_PASSWORD_TEXT;
    garnet->redis.password = "a\"b\\c";
    garnet->redis.config = config;
    garnet->redis.config_count = 2;
    const struct plan_run *run = run_of(f, "container:myRedis");
    char *text = value_of(f, run->environment, run->environment_count, "APPHOST_REDIS_CONF");
    cJSON *json = cJSON_Parse(text);
    assert_non_null(json);
    assert_string_equal(json_string(json, "Password", ""), "a\"b\\c");
    assert_string_equal(json_string(json, "AuthenticationMode", ""), "Password");
    assert_string_equal(json_string(json, "CheckpointDir", ""), "/data/checkpoints");
    assert_int_equal(json_int(json, "CommitFrequencyMs", 0), 2000);
    assert_int_equal(json_int(json, "Port", 0), 6379);
    assert_string_equal(json_string(json, "MemorySize", ""), "1\"g");
    assert_string_equal(json_string(json, "LogMemorySize", ""), "1\"g");
    assert_string_equal(json_string(json, "DeviceType", ""), "RandomAccess");
    assert_null(json_get(json, "ProtectedMode"));
    assert_true(cJSON_IsTrue(json_get(json, "EnableLua")) && cJSON_IsTrue(json_get(json, "EnableAOF")));
    assert_false(plan_has_secret(&run->command[0]));
    assert_non_null(strstr(run->command[0].parts[0].text, "--config-import-path"));
    assert_string_equal(run->image, "ghcr.io/microsoft/garnet:1.0");
    free(text);
    cJSON_Delete(json);
    garnet->redis.persistence.interval_s = 0;
    expect_conf(f, "\"CommitFrequencyMs\": 10,", 1);
    config[0] = (struct model_pair){"DeviceType", "Native", {0}};
    expect_conf(f, "DeviceType", 1);
    garnet->redis.password_kind = MODEL_PASSWORD_NONE;
    garnet->redis.data = NULL;
    expect_conf(f, "\"ProtectedMode\": \"no\"", 1);
    expect_conf(f, "Password", 0);
    expect_conf(f, "EnableAOF", 0);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(a_server_has_one_health_check),
        T(defaults),
        T(a_given_port_is_kept),
        T(a_parameter_is_the_password),
        T(the_plan_needs_no_value),
        T(a_password_is_generated_by_default),
        T(no_password),
        T(one_of_each_sidecar),
        T(insight_gets_numbered_variables),
        T(sidecars_have_image_and_port),
        T(commander_gets_every_server),
        T(data_is_mounted),
        T(writable_data_is_saved),
        T(tls_is_off_until_asked_for),
        T(every_secret_of_every_server_is_known),
        T(properties_come_in_order),
        T(a_uri_names_the_user_that_the_server_knows),
        T(names_of_variables_are_encoded),
        T(garnet_reads_its_own_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
