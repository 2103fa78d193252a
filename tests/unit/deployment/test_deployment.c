/* The deployment form over models built by hand: what becomes of processes, data, secrets and order, and what
 * is refused at its position. */
#include "deployment/deployment.h"
#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

struct fixture {
    struct model model;
    struct model_resource resources[4];
    struct model_reference reference;
    struct model_endpoint endpoint;
    struct model_mount data;
    struct deployment_options options;
    struct deployment *d;
    struct error *problems;
    size_t problem_count;
    struct strlist kept; /* the store */
};

enum { CACHE, API, WORKER };

/* api refers to cache, worker waits for nobody; api stands first, so that order is seen. */
static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    f->model =
        (struct model){.name = "shop", .file = "/x/apphost.yaml", .folder = "/x", .resources = f->resources};
    f->reference = (struct model_reference){.resource = "cache", .wait = true};
    f->endpoint = (struct model_endpoint){
        .name = "http", .scheme = "http", .env = "PORT", .pos = {"apphost.yaml", 9, 3}};
    f->data = (struct model_mount){.is_volume = true, .target = "/data"};
    f->resources[0] = (struct model_resource){.name = "api",
                                              .kind = MODEL_PROCESS,
                                              .pos = {"apphost.yaml", 7, 3},
                                              .references = &f->reference,
                                              .reference_count = 1,
                                              .endpoints = &f->endpoint,
                                              .endpoint_count = 1,
                                              .publish = {.given = true, .image = "example/api:1"}};
    f->resources[1] = (struct model_resource){.name = "cache",
                                              .kind = MODEL_REDIS,
                                              .pos = {"apphost.yaml", 3, 3},
                                              .redis = {.bind_address = "127.0.0.1", .data = &f->data}};
    f->model.resource_count = 2;
    f->options = (struct deployment_options){.target = DEPLOYMENT_COMPOSE, .project = "shop"};
    *state = f;
    return 0;
}

static void forget(struct fixture *f)
{
    deployment_free(f->d);
    f->d = NULL;
    for (size_t i = 0; i < f->problem_count; i++)
        error_clear(&f->problems[i]);
    free(f->problems);
    f->problems = NULL;
    f->problem_count = 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    forget(f);
    arena_free(&f->model.arena);
    strlist_free(&f->kept);
    free(f);
    return 0;
}

static struct deployment *lower(struct fixture *f)
{
    forget(f);
    f->d = deployment_lower(&f->model, &f->options, &f->problems, &f->problem_count);
    for (size_t i = 0; !f->d && i < f->problem_count; i++)
        print_message("%s\n", f->problems[i].text);
    return f->d;
}

static const char *get(const char *name, void *data)
{
    return strlist_getenv(data, name);
}

static int set(const char *name, const char *value, void *data, struct error *err)
{
    (void)err;
    strlist_setenv(data, name, value);
    return 0;
}

static void settle(struct fixture *f)
{
    const struct deployment_store store = {get, set, &f->kept};
    assert_int_equal(deployment_settle(f->d, &store, NULL), 0);
}

static char *variable(const struct fixture *f, const char *service, const char *name)
{
    const struct deployment_service *s = deployment_find(f->d, service);
    for (size_t i = 0; i < s->environment_count; i++)
        if (strcmp(s->environment[i].name, name) == 0)
            return deployment_text(f->d, &s->environment[i].value);
    return NULL;
}

static void expect_problem(struct fixture *f, const char *text, int line)
{
    assert_null(lower(f));
    for (size_t i = 0; i < f->problem_count; i++)
        if (strstr(f->problems[i].text, text) && f->problems[i].source.line == line)
            return;
    fail_msg("no problem says \"%s\" at line %d", text, line);
}

static void consumers_come_after_what_they_need(void **state)
{
    struct fixture *f = *state;
    assert_non_null(lower(f));
    assert_int_equal(f->d->service_count, 2);
    assert_string_equal(f->d->services[0].name, "cache");
    assert_string_equal(f->d->services[1].name, "api");
    assert_int_equal(f->d->services[1].need_count, 1);
    assert_int_equal(f->d->services[1].needs[0].until, PLAN_HEALTHY);
}

static void a_process_sees_the_inside(void **state)
{
    struct fixture *f = *state;
    assert_non_null(lower(f));
    settle(f);
    char *port = variable(f, "api", "PORT"), *host = variable(f, "api", "CACHE_HOST");
    char *uri = variable(f, "api", "CACHE_URI");
    const char *password = deployment_find_secret(f->d, "cache-password")->value;
    assert_string_equal(port, "8080");
    assert_string_equal(host, "cache");
    assert_true(str_starts(uri, "redis://default:"));
    assert_non_null(strstr(uri, password));
    assert_true(str_ends(uri, "@cache:6379"));
    assert_string_equal(deployment_find(f->d, "api")->image, "example/api:1");
    free(port);
    free(host);
    free(uri);
}

/* Nothing secret in arguments; the configuration is a file. */
static void a_server_reads_a_file(void **state)
{
    struct fixture *f = *state;
    assert_non_null(lower(f));
    settle(f);
    const struct deployment_service *s = deployment_find(f->d, "cache");
    assert_int_equal(s->environment_count, 0);
    assert_int_equal(s->command_count, 2);
    assert_int_equal(s->file_count, 2);
    assert_string_equal(s->files[0].path, "/run/secrets/cache.conf");
    char *conf = deployment_text(f->d, &s->files[0].text);
    cleanup_free char *line =
        xasprintf("requirepass \"%s\"\n", deployment_find_secret(f->d, "cache-password")->value);
    assert_non_null(strstr(conf, line));
    assert_non_null(strstr(conf, "dir /data\n"));
    assert_true(s->has_data);
    assert_string_equal(s->mounts[0].source, "cache-data");
    free(conf);
}

static void a_password_is_made_once(void **state)
{
    struct fixture *f = *state;
    char digest[2][17];
    assert_non_null(lower(f));
    settle(f);
    cleanup_free char *first = xstrdup(deployment_find_secret(f->d, "cache-password")->value);
    deployment_service_digest(f->d, deployment_find(f->d, "cache"), digest[0]);
    assert_non_null(lower(f));
    settle(f);
    assert_string_equal(deployment_find_secret(f->d, "cache-password")->value, first);
    deployment_service_digest(f->d, deployment_find(f->d, "cache"), digest[1]);
    assert_string_equal(digest[0], digest[1]);
}

/* What the target has counts more than what is remembered, and is remembered. */
static void what_was_read_back_counts(void **state)
{
    struct fixture *f = *state;
    char before[17], after[17];
    assert_non_null(lower(f));
    settle(f);
    deployment_secrets_digest(f->d, deployment_find(f->d, "api"), before);
    assert_non_null(lower(f));
    assert_true(deployment_take(f->d, "cache-password", "theirs"));
    settle(f);
    assert_string_equal(deployment_find_secret(f->d, "cache-password")->value, "theirs");
    assert_string_equal(strlist_getenv(&f->kept, "secret:cache-password"), "theirs");
    deployment_secrets_digest(f->d, deployment_find(f->d, "api"), after);
    assert_string_not_equal(before, after);
}

static void a_process_without_an_image_is_refused(void **state)
{
    struct fixture *f = *state;
    f->resources[0].publish = (struct model_publish){0};
    expect_problem(f, "the process \"api\" has no image", 7);
    f->resources[0].publish = (struct model_publish){.given = true, .off = true};
    assert_non_null(lower(f));
    assert_int_equal(f->d->service_count, 1);
}

static void only_compose_builds(void **state)
{
    struct fixture *f = *state;
    f->resources[0].publish =
        (struct model_publish){.given = true, .build = "/x/api", .build_pos = {"apphost.yaml", 11, 5}};
    assert_non_null(lower(f));
    assert_null(deployment_find(f->d, "api")->image);
    f->options.target = DEPLOYMENT_KUBERNETES;
    expect_problem(f, "builds no images", 11);
}

static void data_has_no_replicas(void **state)
{
    struct fixture *f = *state;
    f->resources[1].publish =
        (struct model_publish){.given = true, .replicas = 2, .replicas_pos = {"apphost.yaml", 5, 7}};
    expect_problem(f, "\"cache\" has data", 5);
}

static void the_development_certificate_stays_here(void **state)
{
    struct fixture *f = *state;
    f->resources[1].redis.tls = (struct model_tls){.on = true, .pos = {"apphost.yaml", 6, 5}};
    expect_problem(f, "development certificate", 6);
}

static void seeds_and_bind_mounts_are_refused(void **state)
{
    struct fixture *f = *state;
    static const char *seed[] = {"/x/seed.redis"};
    f->resources[1].redis.seed = seed;
    f->resources[1].redis.seed_count = 1;
    expect_problem(f, "`seed` of \"cache\"", 3);
    f->resources[1].redis.seed_count = 0;
    f->data = (struct model_mount){.source = "/srv", .target = "/data", .pos = {"apphost.yaml", 4, 9}};
    f->options.target = DEPLOYMENT_KUBERNETES;
    expect_problem(f, "`data_bind_mount` of \"cache\"", 4);
    f->options.target = DEPLOYMENT_COMPOSE;
    assert_non_null(lower(f));
}

static void nothing_is_published_unasked(void **state)
{
    struct fixture *f = *state;
    f->options.target = DEPLOYMENT_SWARM;
    f->resources[1].redis.host_port = 6380;
    assert_non_null(lower(f));
    assert_int_equal(deployment_find(f->d, "cache")->ports[0].outside, 0);
    assert_true(f->d->note_count > 0);
    f->resources[1].publish = (struct model_publish){.given = true, .expose = true};
    assert_non_null(lower(f));
    assert_int_equal(deployment_find(f->d, "cache")->ports[0].outside, 6380);
    f->resources[1].publish = (struct model_publish){0};
    f->options.target = DEPLOYMENT_COMPOSE;
    assert_non_null(lower(f));
    assert_string_equal(deployment_find(f->d, "cache")->ports[0].address, "127.0.0.1");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(consumers_come_after_what_they_need),
        CASE(a_process_sees_the_inside),
        CASE(a_server_reads_a_file),
        CASE(a_password_is_made_once),
        CASE(what_was_read_back_counts),
        CASE(a_process_without_an_image_is_refused),
        CASE(only_compose_builds),
        CASE(data_has_no_replicas),
        CASE(the_development_certificate_stays_here),
        CASE(seeds_and_bind_mounts_are_refused),
        CASE(nothing_is_published_unasked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
