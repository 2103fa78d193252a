/* external resources: what consumers get of a URL, and what its node waits for and asks. */
#include "lowered.h"
#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static int some_port(const char *node, const char *endpoint, void *data)
{
    (void)node, (void)endpoint, (void)data;
    return 4711;
}

static const char *no_secret(const char *name, void *data)
{
    (void)name, (void)data;
    return NULL;
}

static const struct plan_lookup lookup = {.port = some_port, .secret = no_secret};

/* "https://example/v1", asked at /health; `front` is made of the process' address; a container refers to
 * both. */
static struct plan *lower(struct model *model)
{
    static struct model_part parts[4];
    static struct model_endpoint endpoint = {.name = "http", .scheme = "http"};
    static struct model_text command;
    static struct model_reference references[] = {
        {.resource = "my-api", .wait = true},
        {.resource = "front", .as = "edge", .env = "EDGE", .wait = true}};
    static struct model_resource resources[4];
    struct plan_context context = lowered_context();
    struct arena *arena = &model->arena;
    parts[0] = (struct model_part){.literal = "http://"};
    parts[1] = (struct model_part){.get = MODEL_GET_HOST, .resource = "web", .endpoint = "http"};
    parts[2] = (struct model_part){.literal = ":"};
    parts[3] = (struct model_part){.get = MODEL_GET_PORT, .resource = "web", .endpoint = "http"};
    command = model_literal(arena, "x");
    resources[0] = (struct model_resource){
        .name = "my-api",
        .kind = MODEL_EXTERNAL,
        .ready = {.kind = MODEL_READY_HTTP, .http_path = "/health", .http_status = 204, .timeout_ms = 9},
        .external = {model_literal(arena, "https://example/v1"), "https", model_literal(arena, "example"),
                     model_literal(arena, "443")}};
    resources[1] = (struct model_resource){
        .name = "front",
        .kind = MODEL_EXTERNAL,
        .external = {{parts, 4, true, {0}}, "http", {parts + 1, 1, true, {0}}, {parts + 3, 1, true, {0}}}};
    resources[2] = (struct model_resource){.name = "web",
                                           .kind = MODEL_PROCESS,
                                           .process = {.command = &command, .command_count = 1},
                                           .endpoints = &endpoint,
                                           .endpoint_count = 1};
    resources[3] = (struct model_resource){
        .name = "app", .kind = MODEL_CONTAINER, .image = "i", .references = references, .reference_count = 2};
    *model = (struct model){.arena = model->arena,
                            .name = "shop",
                            .file = "/x/apphost.yaml",
                            .folder = "/x",
                            .resources = resources,
                            .resource_count = 4};
    return lowered_again(NULL, model, &context);
}

static void expect(const struct plan_variable *list, size_t count, const char *name, const char *wanted)
{
    cleanup_free char *got = NULL;
    for (size_t i = 0; i < count; i++)
        if (strcmp(list[i].name, name) == 0)
            got = plan_resolve(&list[i].value, &lookup, NULL);
    if (!wanted && !got)
        return;
    if (!got || !wanted || strcmp(got, wanted) != 0)
        fail_msg("%s is %s, not %s", name, got ? got : "not there", wanted ? wanted : "left out");
}

static void consumers_get_the_url_and_its_parts(void **state)
{
    (void)state;
    struct model model = {0};
    struct plan *plan = lower(&model);
    const struct plan_resource *api = plan_find_resource(plan, "my-api");
    expect(api->exports, api->export_count, "MY_API_URL", "https://example/v1");
    expect(api->exports, api->export_count, "MY_API_HOST", "example");
    expect(api->exports, api->export_count, "MY_API_PORT", "443");
    expect(api->exports, api->export_count, "services__my-api__https__0", "https://example/v1");
    expect(api->exports, api->export_count, "MY_API_URI", NULL);
    expect(api->exports, api->export_count, "ConnectionStrings__my-api", NULL);

    const struct plan_run *app = &plan_find(plan, "container:app")->run;
    expect(app->environment, app->environment_count, "EDGE_HOST", "host.docker.internal");
    expect(app->environment, app->environment_count, "EDGE_PORT", "4711");
    expect(app->environment, app->environment_count, "EDGE", "http://host.docker.internal:4711");
    plan_free(plan);
    arena_free(&model.arena);
}

static bool waits_for(const struct plan_node *node, const char *id)
{
    for (size_t i = 0; i < node->edge_count; i++)
        if (strcmp(node->edges[i].to, id) == 0)
            return node->edges[i].until == PLAN_HEALTHY;
    return false;
}

static void the_node_asks_and_waits_for_nobody(void **state)
{
    (void)state;
    struct model model = {0};
    struct plan *plan = lower(&model);
    const struct plan_node *api = plan_find(plan, "value:my-api"), *front = plan_find(plan, "value:front");
    assert_int_equal(api->check.kind, PLAN_PROBE_HTTP);
    assert_string_equal(api->check.http_path, "/health");
    assert_int_equal(api->check.http_status, 204);
    assert_int_equal(api->check.timeout_ms, 9);
    assert_int_equal(front->check.kind, PLAN_PROBE_NONE);
    assert_int_equal(front->edge_count, 0); /* a process' address is known before it starts */
    assert_true(waits_for(plan_find(plan, "container:app"), "value:my-api"));
    plan_free(plan);
    arena_free(&model.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(consumers_get_the_url_and_its_parts),
        cmocka_unit_test(the_node_asks_and_waits_for_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
