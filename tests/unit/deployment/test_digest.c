/* What digests are made of stays what it was, in its order: another digest has every deployed service
 * changed. */
#include "deployment/deployment.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <signal.h>
#include <string.h>

static struct plan_part words[] = {{.kind = PLAN_LITERAL, .text = "serve"},
                                   {.kind = PLAN_LITERAL, .text = "-v"},
                                   {.kind = PLAN_LITERAL, .text = "debug"},
                                   {.kind = PLAN_LITERAL, .text = "port 1\n"}};
#define WORD(n)                                                                                              \
    {                                                                                                        \
        .parts = &words[n], .count = 1                                                                       \
    }

static struct plan_text entrypoint[] = {WORD(0)}, command[] = {WORD(1)};
static struct deployment_variable environment[] = {{.name = "LEVEL", .value = WORD(2)}};
static struct deployment_file files[] = {{.path = "/run/secrets/x", .text = WORD(3)}};
static struct deployment_port ports[] = {{.inside = 6379, .outside = 7000, .address = "0.0.0.0"},
                                         {.inside = 80}};
static struct deployment_mount mounts[] = {{.source = "data", .target = "/data", .read_only = true}};
static const char *tmpfs[] = {"/tmp"}, *extra_hosts[] = {"a:192.0.2.1"}, *exec[] = {"true", "-x", NULL};
static struct model_pair labels[] = {{"team", "blue", {0}}};

/* Every member that goes in is something. */
static struct deployment_service whole(void)
{
    return (struct deployment_service){.image = "redis:7.4",
                                       .build = "/src",
                                       .platform = "linux/amd64",
                                       .entrypoint = entrypoint,
                                       .entrypoint_count = 1,
                                       .command = command,
                                       .command_count = 1,
                                       .environment = environment,
                                       .environment_count = 1,
                                       .files = files,
                                       .file_count = 1,
                                       .ports = ports,
                                       .port_count = 2,
                                       .mounts = mounts,
                                       .mount_count = 1,
                                       .tmpfs = tmpfs,
                                       .tmpfs_count = 1,
                                       .extra_hosts = extra_hosts,
                                       .extra_host_count = 1,
                                       .labels = labels,
                                       .label_count = 1,
                                       .check = {.kind = DEPLOYMENT_CHECK_HTTP,
                                                 .shell = "redis-cli ping",
                                                 .exec = exec,
                                                 .port = 8080,
                                                 .http_path = "/health",
                                                 .http_status = 204,
                                                 .interval_ms = 2000,
                                                 .start_ms = 9000},
                                       .restart = {.when = MODEL_RESTART_ALWAYS, .max_retries = -1},
                                       .stop_signal = SIGINT,
                                       .stop_timeout_ms = 10000,
                                       .memory = (int64_t)3 << 32,
                                       .user = "999:999",
                                       .working_dir = "/srv",
                                       .init = true,
                                       .replicas = 2,
                                       .is_manual = true,
                                       .is_exposed = true,
                                       .placement = "node-1"};
}

static void test_a_whole_service(void **state)
{
    const struct deployment d = {.key = "key"};
    const struct deployment_service service = whole();
    char digest[17];
    (void)state;
    deployment_service_digest(&d, &service, digest);
    assert_string_equal(digest, "814e32f11025f595");
}

static void test_an_empty_service(void **state)
{
    const struct deployment d = {.key = "key"};
    const struct deployment_service service = {.replicas = 1};
    char digest[17];
    (void)state;
    deployment_service_digest(&d, &service, digest);
    assert_string_equal(digest, "29529c79c760bfa4");
}

/* Each of them alone makes another digest. */
static void test_each_member_counts(void **state)
{
    const struct deployment d = {.key = "key"};
    const struct deployment_service service = whole();
    struct deployment_service others[10];
    char digest[17], other[17];
    (void)state;
    for (size_t i = 0; i < 10; i++)
        others[i] = service;
    others[0].image = "redis:8";
    others[1].working_dir = NULL;
    others[2].check.http_status = 200;
    others[3].check.start_ms++;
    others[4].restart.when = MODEL_RESTART_NEVER;
    others[5].memory++;
    others[6].init = false;
    others[7].replicas = 3;
    others[8].is_exposed = false;
    others[9].placement = "node-2";

    deployment_service_digest(&d, &service, digest);
    for (size_t i = 0; i < 10; i++) {
        deployment_service_digest(&d, &others[i], other);
        assert_string_not_equal(digest, other);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_whole_service),
        cmocka_unit_test(test_an_empty_service),
        cmocka_unit_test(test_each_member_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
