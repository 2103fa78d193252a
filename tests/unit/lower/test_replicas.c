/* Replicas in the lowering: a node each, with a port and an identity of its own; who refers to them waits for
 * all, gets all addresses, and means the first one by the plain name. */
#include "lowered.h"
#include "lower/lower.h"
#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

struct fixture {
    struct model model;
    struct model_resource resources[2];
    struct model_reference reference;
    struct model_endpoint endpoints[2];
    struct model_text command[1];
    struct model_part self;
    struct model_variable variable;
    struct plan_context context;
    struct plan *plan;
};

/* "api" with two endpoints of one scheme, three replicas, and a variable with its own address; "web" refers
 * to it.
 */
static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    f->model =
        (struct model){.name = "shop", .file = "/x/apphost.yaml", .folder = "/x", .resources = f->resources};
    f->model.resource_count = 2;
    f->command[0] = model_literal(&f->model.arena, "true");
    f->endpoints[0] = (struct model_endpoint){.name = "http", .scheme = "http", .env = "PORT"};
    f->endpoints[1] = (struct model_endpoint){.name = "admin", .scheme = "http"};
    f->self = (struct model_part){.get = MODEL_GET_URL, .resource = "api", .endpoint = "http"};
    f->variable = (struct model_variable){.name = "SELF", .value = {.parts = &f->self, .count = 1}};
    f->resources[0] =
        (struct model_resource){.name = "api",
                                .kind = MODEL_PROCESS,
                                .endpoints = f->endpoints,
                                .endpoint_count = 2,
                                .environment = &f->variable,
                                .environment_count = 1,
                                .process = {.command = f->command, .command_count = 1, .replicas = 3}};
    f->reference = (struct model_reference){.resource = "api", .wait = true};
    f->resources[1] = (struct model_resource){.name = "web",
                                              .kind = MODEL_PROCESS,
                                              .references = &f->reference,
                                              .reference_count = 1,
                                              .process = {.command = f->command, .command_count = 1}};
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

/* api-1: 5001 and 6001, api-2: 5002 and 6002, … */
static int port_of(const char *node, const char *endpoint, void *data)
{
    (void)data;
    const char *number = strrchr(node, '-');
    assert_non_null(number);
    return (strcmp(endpoint, "http") == 0 ? 5000 : 6000) + atoi(number + 1);
}

/* The variable's text, or NULL; the caller frees. */
static char *value_of(const struct plan_variable *variables, size_t count, const char *name)
{
    const struct plan_lookup lookup = {.port = port_of};
    for (size_t i = 0; i < count; i++)
        if (strcmp(variables[i].name, name) == 0)
            return plan_resolve(&variables[i].value, &lookup, NULL);
    return NULL;
}

static void expect(const struct plan_variable *variables, size_t count, const char *name, const char *wanted)
{
    cleanup_free char *value = value_of(variables, count, name);
    if (!str_eq(value, wanted))
        fail_msg("%s is %s, not %s", name, value ? value : "missing", wanted ? wanted : "missing");
}

static void each_replica_is_somebody(void **state)
{
    struct plan *plan = lower(*state);
    assert_null(plan_find(plan, "process:api"));
    for (int i = 1; i <= 3; i++) {
        cleanup_free char *name = xasprintf("api-%d", i), *id = xasprintf("process:%s", name);
        cleanup_free char *port = xasprintf("%d", 5000 + i), *url = xasprintf("http://127.0.0.1:%s", port);
        cleanup_free char *attributes =
            xasprintf("service.namespace=shop,service.instance.id=shop-0123abcd-%s", name);
        const struct plan_node *node = plan_find(plan, id);
        assert_non_null(node);
        const struct plan_variable *variables = node->run.environment;
        size_t count = node->run.environment_count;
        assert_string_equal(node->resource, name);
        assert_string_equal(node->run.replica_of, "api");
        expect(variables, count, "PORT", port);
        expect(variables, count, "SELF", url);
        expect(variables, count, "APPHOST_RESOURCE", name);
        expect(variables, count, "OTEL_SERVICE_NAME", "api");
        expect(variables, count, "OTEL_RESOURCE_ATTRIBUTES", attributes);
    }
    assert_null(plan_find(plan, "process:api-4"));
}

static void ports_are_preferred_apart(void **state)
{
    struct plan *plan = lower(*state);
    int first = plan_find(plan, "process:api-1")->run.ports[0].preferred_port;
    assert_int_not_equal(first, plan_find(plan, "process:api-2")->run.ports[0].preferred_port);
}

static void consumers_get_all_and_wait_for_all(void **state)
{
    struct plan *plan = lower(*state);
    const struct plan_node *web = plan_find(plan, "process:web");
    const struct plan_variable *variables = web->run.environment;
    size_t count = web->run.environment_count;
    expect(variables, count, "services__api__http__0", "http://127.0.0.1:5001");
    expect(variables, count, "services__api__http__1", "http://127.0.0.1:6001");
    expect(variables, count, "services__api__http__2", "http://127.0.0.1:5002");
    expect(variables, count, "services__api__http__5", "http://127.0.0.1:6003");
    expect(variables, count, "services__api__http__6", NULL);
    expect(variables, count, "API_HTTP", "http://127.0.0.1:5001");
    expect(variables, count, "API_ADMIN", "http://127.0.0.1:6001");
    assert_int_equal(web->edge_count, 3);
    for (size_t i = 0; i < 3; i++) {
        cleanup_free char *id = xasprintf("process:api-%zu", i + 1);
        assert_string_equal(web->edges[i].to, id);
        assert_int_equal(web->edges[i].until, PLAN_HEALTHY);
        assert_true(web->edges[i].required);
    }
}

static void names_mean_all_or_one(void **state)
{
    struct plan *plan = lower(*state);
    const struct plan_resource *all = plan_find_resource(plan, "api"),
                               *one = plan_find_resource(plan, "api-2");
    assert_string_equal(all->node, "process:api-1");
    assert_string_equal(one->node, "process:api-2");
    assert_int_equal(plan->resource_count, 2);
    for (size_t i = 0; i < 3; i++)
        assert_string_equal(plan_node_of(plan, all, i)->run.replica_of, "api");
    assert_null(plan_node_of(plan, all, 3));
    assert_null(plan_node_of(plan, plan_find_resource(plan, "web"), 1));
    expect(one->exports, one->export_count, "services__api-2__http__0", "http://127.0.0.1:5002");
    expect(one->exports, one->export_count, "services__api-2__http__2", NULL);
    expect(one->exports, one->export_count, "API_2_HTTP", "http://127.0.0.1:5002");
    expect(all->exports, all->export_count, "services__api__http__4", "http://127.0.0.1:5003");
}

/* The defaults, open for what runs and closed for a task, are no part of a specification; other than them is.
 */
static void only_an_unusual_input_is_specified(void **state)
{
    struct fixture *f = *state;
    struct model_process *process = &f->resources[0].process;
    struct plan *plan = lower(f);
    assert_int_equal(plan_find(plan, "process:api-1")->run.input_end, PLAN_INPUT_DEFAULT);
    cleanup_free char *open = xstrdup(plan_find(plan, "process:api-1")->spec_hash);
    process->standard_input = MODEL_STDIN_CLOSED;
    plan = lower(f);
    assert_int_equal(plan_find(plan, "process:api-1")->run.input_end, PLAN_INPUT_CLOSED);
    assert_string_not_equal(plan_find(plan, "process:api-1")->spec_hash, open);
    process->task = true;
    plan = lower(f);
    assert_int_equal(plan_find(plan, "process:api-1")->run.input_end, PLAN_INPUT_DEFAULT);
}

/* Replicas that stay are what they were; who refers to them is not. */
static void one_more_changes_consumers_only(void **state)
{
    struct fixture *f = *state;
    struct plan *plan = lower(f);
    cleanup_free char *first = xstrdup(plan_find(plan, "process:api-1")->spec_hash);
    cleanup_free char *web = xstrdup(plan_find(plan, "process:web")->spec_hash);
    f->resources[0].process.replicas = 4;
    plan = lower(f);
    assert_string_equal(plan_find(plan, "process:api-1")->spec_hash, first);
    assert_string_not_equal(plan_find(plan, "process:web")->spec_hash, web);
    assert_non_null(plan_find(plan, "process:api-4"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_replica_is_somebody, setup, teardown),
        cmocka_unit_test_setup_teardown(ports_are_preferred_apart, setup, teardown),
        cmocka_unit_test_setup_teardown(consumers_get_all_and_wait_for_all, setup, teardown),
        cmocka_unit_test_setup_teardown(names_mean_all_or_one, setup, teardown),
        cmocka_unit_test_setup_teardown(one_more_changes_consumers_only, setup, teardown),
        cmocka_unit_test_setup_teardown(only_an_unusual_input_is_specified, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
