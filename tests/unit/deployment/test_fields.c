/* What cannot be published is refused where it stands, what becomes something else is told there, and what is
 * kept is not spoken of: for each field that the lowering looks at. */
#include "app.h"

#include "base/mem.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* Positions of their own are at line 77, the resource is at line 10. */
static const struct model_pos own = {"apphost.yaml", 77, 5};

static struct model_mount folder = {.source = "/srv", .target = "/data", .pos = {"apphost.yaml", 77, 5}};

/* ---- giving a field to a resource ---- */

static void stop(struct app *app, struct model_resource *r)
{
    (void)app;
    r->stop.signal = SIGUSR1;
}

static void mask(struct app *app, struct model_resource *r)
{
    (void)app;
    r->mask = true;
}

static void pull(struct app *app, struct model_resource *r)
{
    (void)app;
    r->pull = MODEL_PULL_ALWAYS;
}

static void lifetime(struct app *app, struct model_resource *r)
{
    (void)app;
    r->lifetime = MODEL_PERSISTENT;
}

static void user(struct app *app, struct model_resource *r)
{
    (void)app;
    r->user = "999:app";
}

static void labels(struct app *app, struct model_resource *r)
{
    r->labels = arena_alloc(&app->model.arena, sizeof *r->labels);
    r->labels[0] = (struct model_pair){"team", "a", own};
    r->label_count = 1;
}

static void host_port(struct app *app, struct model_resource *r)
{
    (void)app;
    r->redis.host_port = 6380;
}

static void data_folder(struct app *app, struct model_resource *r)
{
    (void)app;
    r->redis.data = &folder;
}

static void insight(struct app *app, struct model_resource *r)
{
    (void)app;
    r->redis.insight = (struct model_sidecar){.on = true, .pos = own};
}

static void commander(struct app *app, struct model_resource *r)
{
    (void)app;
    r->redis.commander = (struct model_sidecar){.on = true, .pos = own};
}

static void host_network(struct app *app, struct model_resource *r)
{
    (void)app;
    r->redis.host_network = true;
}

static void seed(struct app *app, struct model_resource *r)
{
    static const char *files[] = {"/x/seed.redis"};
    (void)app;
    r->redis.seed = files;
    r->redis.seed_count = 1;
}

static void replication(struct app *app, struct model_resource *r)
{
    (void)app;
    r->redis.topology =
        (struct model_topology){.kind = MODEL_TOPOLOGY_REPLICATION, .shards = 1, .replicas = 2, .pos = own};
}

static void cluster(struct app *app, struct model_resource *r)
{
    (void)app;
    r->redis.topology = (struct model_topology){.kind = MODEL_TOPOLOGY_CLUSTER, .shards = 3, .pos = own};
}

static void sentinel(struct app *app, struct model_resource *r)
{
    (void)app;
    r->redis.topology = (struct model_topology){MODEL_TOPOLOGY_SENTINEL, 1, 2, 3, 2, "mymaster", own};
}

static void check(struct app *app, struct model_resource *r)
{
    (void)app;
    r->connection.check = true;
}

static void log_ready(struct app *app, struct model_resource *r)
{
    (void)app;
    r->ready = (struct model_ready){.kind = MODEL_READY_LOG, .log_pattern = "up", .pos = own};
}

static void tcp_ready(struct app *app, struct model_resource *r)
{
    (void)app;
    r->ready = (struct model_ready){.kind = MODEL_READY_TCP, .pos = own};
}

static void exit_codes(struct app *app, struct model_resource *r)
{
    static int codes[] = {0, 3};
    (void)app;
    r->process.task = true;
    r->process.success_exit_codes = codes;
    r->process.success_count = 2;
}

static void watch(struct app *app, struct model_resource *r)
{
    static const char *globs[] = {"*.c"};
    (void)app;
    r->process.watch = globs;
    r->process.watch_count = 1;
}

static void fixed_port(struct app *app, struct model_resource *r)
{
    struct model_endpoint *endpoint = app_endpoint(app, r, "http");
    endpoint->target_port = 80;
    endpoint->port = 8080;
}

static void bind_mount(struct app *app, struct model_resource *r)
{
    (void)app;
    r->container.mounts = &folder;
    r->container.mount_count = 1;
}

static void gateway(struct app *app, struct model_resource *r)
{
    static const char *hosts[] = {"db:10.0.0.5", "here:host-gateway"};
    (void)app;
    r->container.extra_hosts = hosts;
    r->container.extra_host_count = 2;
}

static void placement(struct app *app, struct model_resource *r)
{
    (void)app;
    r->publish.placement = "node1";
    r->publish.placement_pos = own;
}

/* fates: on compose, on Swarm, on Kubernetes; kept, changed or refused. */
static const struct given {
    const char *table, *field;
    enum model_kind kind;
    void (*give)(struct app *app, struct model_resource *r);
    const char *fates;
    int line;
} cases[] = {
    {"running", "stop", MODEL_CONTAINER, stop, "kkc", 10},
    {"running", "mask", MODEL_PROCESS, mask, "ccc", 10},
    {"hosted", "pull", MODEL_VALKEY, pull, "kck", 10},
    {"hosted", "lifetime", MODEL_REDIS, lifetime, "ccc", 10},
    {"hosted", "user", MODEL_CONTAINER, user, "kkr", 10},
    {"hosted", "labels", MODEL_CONTAINER, labels, "kkc", 77},
    {"server", "host_port", MODEL_REDIS, host_port, "kcc", 10},
    {"server", "data_bind_mount", MODEL_REDIS, data_folder, "kkr", 77},
    {"server", "insight", MODEL_REDIS, insight, "kkk", 77},
    {"server", "commander", MODEL_REDIS, commander, "kkk", 77},
    {"server", "network", MODEL_VALKEY, host_network, "ccc", 10},
    {"server", "seed", MODEL_REDIS, seed, "rrr", 10},
    {"server", "replication", MODEL_REDIS, replication, "kkk", 77},
    {"server", "cluster", MODEL_VALKEY, cluster, "rrr", 77},
    {"server", "sentinel", MODEL_VALKEY, sentinel, "rrr", 77},
    {"connection-string", "check", MODEL_CONNECTION_STRING, check, "ccc", 10},
    {"process", "ready", MODEL_PROCESS, log_ready, "ccc", 77},
    {"process", "success_exit_codes", MODEL_PROCESS, exit_codes, "rrr", 10},
    {"process", "watch", MODEL_PROCESS, watch, "ccc", 10},
    {"container", "endpoints", MODEL_CONTAINER, fixed_port, "kcc", 77},
    {"container", "ready", MODEL_CONTAINER, log_ready, "ccc", 77},
    {"container", "bind_mounts", MODEL_CONTAINER, bind_mount, "kkr", 77},
    {"container", "extra_hosts", MODEL_CONTAINER, gateway, "kkr", 10},
    {"external", "ready", MODEL_EXTERNAL, tcp_ready, "ccc", 77},
    {"publish", "placement", MODEL_CONTAINER, placement, "ckc", 77},
};
enum { CASES = sizeof cases / sizeof *cases };

/* ---- what becomes of it ---- */

static void expect(const struct given *given, enum deployment_target target, const struct error *found)
{
    const char *where = names_text(&deployment_target_names, target);
    if (!found)
        fail_msg("nothing is said of %s.%s on %s", given->table, given->field, where);
    if (found->source.line != given->line)
        fail_msg("%s.%s on %s is told at line %d", given->table, given->field, where, found->source.line);
}

static void try_case(const struct given *given, enum deployment_target target)
{
    void *state;
    assert_int_equal(app_setup(&state), 0);
    struct app *app = state;
    given->give(app, app_add(app, "it", given->kind));
    const char *name = names_text(&deployment_target_names, target);
    cleanup_free char *refused = xasprintf("`%s` of \"it\" cannot be published to %s", given->field, name);
    cleanup_free char *changed = xasprintf("`%s` of \"it\": ", given->field);

    bool is_lowered = app_lower(app, target) != NULL;
    if (given->fates[target] == 'r') {
        expect(given, target, app_problem(app, refused));
        assert_non_null(app_problem(app, refused)->hint);
    } else if (given->fates[target] == 'c') {
        if (!is_lowered)
            fail_msg("%s.%s on %s: %s", given->table, given->field, name, app->problems[0].text);
        expect(given, target, app_note(app, changed));
    } else if (app_problem(app, refused) || app_note(app, changed)) {
        fail_msg("%s.%s is kept on %s, and spoken of", given->table, given->field, name);
    }
    assert_int_equal(app_teardown(&state), 0);
}

static void each_field_has_its_fate_on_each_target(void **state)
{
    (void)state;
    for (size_t i = 0; i < CASES; i++)
        for (int target = 0; target < DEPLOYMENT_TARGET_COUNT; target++)
            try_case(&cases[i], (enum deployment_target)target);
}

/* A row that is added to the table needs a case here. */
static void each_row_that_is_looked_for_has_a_case(void **state)
{
    size_t found = 0;
    (void)state;
    for (const struct deployment_field *row = deployment_fields(); row->table; row++) {
        size_t i = 0;
        while (i < CASES &&
               (strcmp(cases[i].table, row->table) != 0 || strcmp(cases[i].field, row->field) != 0))
            i++;
        if (row->given && i == CASES)
            fail_msg("%s.%s is looked for, and has no case", row->table, row->field);
        found += row->given != NULL;
    }
    assert_int_equal(found, CASES);
}

/* ---- what is none ---- */

static void what_is_left_out_is_not_spoken_of(void **state)
{
    struct app *app = *state;
    struct model_resource *off = app_add(app, "off", MODEL_REDIS);
    struct model_resource *inactive = app_add(app, "inactive", MODEL_REDIS);
    app_add(app, "cache", MODEL_REDIS);
    sentinel(app, off);
    seed(app, inactive);
    off->publish.off = inactive->inactive = true;
    assert_non_null(app_lower(app, DEPLOYMENT_COMPOSE));
    assert_int_equal(app->d->note_count, 0);
    assert_int_equal(app->d->service_count, 1);
    assert_string_equal(app->d->services[0].name, "cache");
    off->publish.off = false;
    app_refuses(app, DEPLOYMENT_COMPOSE, "`sentinel` of \"off\"", 77);
}

/* Each is the harmless neighbour of one that is told or refused above. */
static void what_is_as_it_was_asked_for_is_not_spoken_of(void **state)
{
    static const char *addresses[] = {"db:10.0.0.5"};
    static int zero[] = {0};
    struct app *app = *state;
    struct model_resource *cache = app_add(app, "cache", MODEL_REDIS);
    struct model_resource *task = app_add(app, "task", MODEL_PROCESS);
    struct model_resource *web = app_add(app, "web", MODEL_CONTAINER);
    struct model_resource *api = app_add(app, "api", MODEL_PROCESS);
    host_port(app, cache);
    fixed_port(app, web);
    fixed_port(app, api);
    cache->publish.expose = web->publish.expose = true;
    cache->user = "999:999";
    web->stop.signal = SIGTERM;
    web->container.extra_hosts = addresses;
    web->container.extra_host_count = 1;
    task->process.task = true;
    task->process.success_exit_codes = zero;
    task->process.success_count = 1;

    assert_non_null(app_lower(app, DEPLOYMENT_KUBERNETES));
    assert_int_equal(app->d->service_count, 4);
    assert_int_equal(app->d->note_count, 0);
}

static void all_that_is_wrong_is_said_at_once(void **state)
{
    struct app *app = *state;
    seed(app, app_add(app, "cache", MODEL_REDIS));
    exit_codes(app, app_add(app, "task", MODEL_PROCESS));
    user(app, app_add(app, "web", MODEL_CONTAINER));
    assert_null(app_lower(app, DEPLOYMENT_KUBERNETES));
    assert_int_equal(app->problem_count, 3);
    assert_int_equal(app->problems[0].source.line, 10);
    assert_int_equal(app->problems[1].source.line, 20);
    assert_int_equal(app->problems[2].source.line, 30);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, app_setup, app_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(each_field_has_its_fate_on_each_target), CASE(each_row_that_is_looked_for_has_a_case),
        CASE(what_is_left_out_is_not_spoken_of),      CASE(what_is_as_it_was_asked_for_is_not_spoken_of),
        CASE(all_that_is_wrong_is_said_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
