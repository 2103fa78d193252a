/* The late host: who refers to a published port gets it when it is known, and no hash depends on it. */
#include "base/str.h"
#include "lowered.h"
#include "lower/lower.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static int port_of(const char *node, const char *endpoint, void *data)
{
    (void)node, (void)endpoint, (void)data;
    return 21000;
}

static const char *secret_of(const char *name, void *data)
{
    (void)name, (void)data;
    return "pw";
}

static const char *host_of(void *data)
{
    return data;
}

/* "app", a process that refers to the server "cache". */
static struct plan *lower(const char *published_host)
{
    struct model model = {.name = "shop", .file = "/x/apphost.yaml", .folder = "/x"};
    struct model_text command = model_literal(&model.arena, "true");
    struct model_reference reference = {.resource = "cache", .wait = true};
    struct model_resource resources[] = {
        {.name = "cache", .kind = MODEL_REDIS},
        {.name = "app",
         .kind = MODEL_PROCESS,
         .references = &reference,
         .reference_count = 1,
         .process = {.command = &command, .command_count = 1}},
    };
    struct plan_context context = lowered_context();
    context.published_host = published_host;
    model.resources = resources;
    model.resource_count = 2;
    struct plan *plan = lowered_again(NULL, &model, &context);
    arena_free(&model.arena);
    return plan;
}

static char *value_of(const struct plan *plan, const char *variable, const char *host)
{
    const struct plan_run *run = &plan_find(plan, "process:app")->run;
    const struct plan_lookup lookup = {
        .port = port_of, .secret = secret_of, .data = (void *)host, .host = host_of};
    for (size_t i = 0; i < run->environment_count; i++)
        if (strcmp(run->environment[i].name, variable) == 0)
            return plan_resolve(&run->environment[i].value, &lookup, NULL);
    fail_msg("no variable %s", variable);
    return NULL;
}

static void resolved_when_known(void **state)
{
    (void)state;
    struct plan *plan = lower(NULL);
    cleanup_free char *uri = value_of(plan, "CACHE_URI", "172.17.0.1");
    cleanup_free char *host = value_of(plan, "CACHE_HOST", "172.17.0.1");
    cleanup_free char *unknown = value_of(plan, "CACHE_HOST", NULL);
    assert_non_null(strstr(uri, "@172.17.0.1:21000"));
    assert_string_equal(host, "172.17.0.1");
    assert_null(unknown);
    assert_null(plan_find(plan, "container:cache")->run.ports[0].host);
    plan_free(plan);
}

static void no_part_of_a_hash(void **state)
{
    (void)state;
    struct plan *late = lower(NULL), *plain = lower("127.0.0.1");
    assert_int_equal(late->node_count, plain->node_count);
    for (size_t i = 0; i < late->node_count; i++)
        assert_string_equal(late->nodes[i].spec_hash, plain->nodes[i].spec_hash);
    plan_free(late);
    plan_free(plain);
}

static void survives_json(void **state)
{
    (void)state;
    struct plan *plan = lower(NULL);
    cleanup_json cJSON *json = plan_to_json(plan, true);
    struct plan *copy = plan_from_json(json, NULL);
    assert_non_null(copy);
    cleanup_free char *uri = value_of(copy, "CACHE_URI", "[::1]");
    assert_non_null(strstr(uri, "@[::1]:21000"));
    plan_free(copy);
    plan_free(plan);
}

static void known_of_a_remote_engine(void **state)
{
    (void)state;
    struct plan *plan = lower("build.example");
    cleanup_free char *host = value_of(plan, "CACHE_HOST", NULL);
    assert_string_equal(host, "build.example");
    plan_free(plan);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(resolved_when_known),
        cmocka_unit_test(no_part_of_a_hash),
        cmocka_unit_test(survives_json),
        cmocka_unit_test(known_of_a_remote_engine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
