/* Up and down of one container and one process on the engine of this machine; skipped where there is none, or
 * not the image. */
#include "plans.h"

#include "base/file.h"
#include "orchestrator/orchestrator.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

extern char **environ;

#define IMAGE "apphost-test/redis:7.0"
enum { LONGEST_MS = 30000 };

struct world {
    struct loop loop;
    struct engine *engine;
    struct state *state;
    struct orchestrator *orchestrator;
    char folder[64], project[32];
    struct strlist transitions;
    int idles;
    bool closed;
};

struct outcome {
    bool done;
    struct error error;
    cJSON *report;
};

static void on_flag(void *data)
{
    *(bool *)data = true;
}

static void on_done(const struct error *error, const cJSON *report, void *data)
{
    struct outcome *outcome = data;
    assert_false(outcome->done);
    outcome->done = true;
    if (error)
        error_copy(&outcome->error, error);
    outcome->report = cJSON_Duplicate(report, true);
}

static void outcome_clear(struct outcome *outcome)
{
    error_clear(&outcome->error);
    cJSON_Delete(outcome->report);
    memset(outcome, 0, sizeof *outcome);
}

static void on_transition(const struct orchestrator_transition *transition, void *data)
{
    struct world *world = data;
    strlist_addf(&world->transitions, "%s %s", transition->node, transition->state);
}

static void on_idle(void *data)
{
    ((struct world *)data)->idles++;
}

/* So that waiting ends even when nothing happens. */
static void on_tick(void *data)
{
    timer_start(data, 50);
}

static void await(struct world *world, const bool *flag)
{
    int64_t limit = loop_now_ms(&world->loop) + LONGEST_MS;
    struct timer tick;
    timer_init(&world->loop, &tick, on_tick, &tick);
    timer_start(&tick, 50);
    while (!*flag && loop_now_ms(&world->loop) < limit)
        loop_run_once(&world->loop);
    timer_stop(&tick);
    assert_true(*flag);
}

static void set_image_present(const struct engine_result *result, const struct error *err, void *data)
{
    (void)result;
    int *answer = data;
    *answer = err ? -1 : 1;
}

static bool has_engine(struct world *world)
{
    struct engine_address address = {0};
    cleanup_error struct error err = {0};
    if (engine_resolve(environ, NULL, NULL, &address, &err) == 0)
        world->engine = engine_open(&world->loop, &address, environ, &err);
    engine_address_free(&address);
    int answer = 0;
    if (world->engine)
        engine_image_inspect(world->engine, IMAGE, set_image_present, &answer);
    while (world->engine && !answer)
        loop_run_once(&world->loop);
    if (answer < 1)
        print_message("skipped: no engine, or it has no image %s\n", IMAGE);
    return answer > 0;
}

static bool open_world(struct world *world)
{
    assert_int_equal(loop_init(&world->loop, NULL), 0);
    snprintf(world->project, sizeof world->project, "orch-%d", getpid());
    snprintf(world->folder, sizeof world->folder, "/tmp/orchestrator-XXXXXX");
    assert_non_null(mkdtemp(world->folder));
    if (!has_engine(world))
        return false;
    world->state = state_open(world->folder, true, NULL);
    assert_non_null(world->state);
    cleanup_free char *logs = state_logs_folder(world->state);
    const struct orchestrator_services services = {
        .loop = &world->loop,
        .engine = world->engine,
        .state = world->state,
        .session = "5e5510000000beef",
        .logs_folder = logs,
        .processors = 2,
        .ready_timeout_ms = 20000,
        .on_transition = on_transition,
        .on_idle = on_idle,
        .data = world,
    };
    world->orchestrator = orchestrator_new(&services);
    return true;
}

static void close_world(struct world *world)
{
    if (world->orchestrator) {
        bool closed = false;
        orchestrator_close(world->orchestrator, on_flag, &closed);
        await(world, &closed);
    }
    if (world->engine) {
        engine_close(world->engine, on_flag, &world->closed);
        await(world, &world->closed);
    }
    state_close(world->state);
    strlist_free(&world->transitions);
    file_remove_tree(world->folder, NULL);
    assert_int_equal(loop_fini(&world->loop), 0);
}

static void must_succeed(struct outcome *outcome)
{
    if (outcome->error.code)
        print_error("%s\n", outcome->error.text);
    assert_int_equal(outcome->error.code, ERROR_NONE);
}

static struct plan *small_plan(struct world *world)
{
    struct plan *plan = plans_new(world->project);
    struct plan_node *redis = plans_redis(plan, "cache", IMAGE);
    struct plan_node *api = plans_process(plan, "api", "echo hello from $APPHOST_RESOURCE; exec sleep 1000");
    plans_port_variable(plan, api, "CACHE", redis);
    plans_edge(plan, api, redis, PLAN_HEALTHY);
    return plans_done(plan);
}

static void up(struct world *world, struct plan *plan, struct outcome *outcome)
{
    struct orchestrator_apply apply = {.plan = plan, .replace = true};
    orchestrator_apply(world->orchestrator, &apply, on_done, outcome);
    assert_false(outcome->done);
    await(world, &outcome->done);
}

static void down(struct world *world, struct outcome *outcome)
{
    struct orchestrator_down all = {.persistent = true, .volumes = true};
    orchestrator_down(world->orchestrator, &all, on_done, outcome);
    await(world, &outcome->done);
}

static const char *state_of(const cJSON *view, const char *name)
{
    const cJSON *resource;
    cJSON_ArrayForEach(resource, json_get(view, "resources"))
    {
        if (!strcmp(json_string(resource, "name", ""), name))
            return json_string(resource, "state", "");
    }
    return "absent";
}

static void test_up_and_down(void **unused)
{
    (void)unused;
    struct world world = {0};
    struct outcome outcome = {0};
    if (!open_world(&world)) {
        close_world(&world);
        skip();
    }
    up(&world, small_plan(&world), &outcome);
    must_succeed(&outcome);
    outcome_clear(&outcome);
    cleanup_json cJSON *view = orchestrator_view(world.orchestrator);
    assert_string_equal(state_of(view, "cache"), "ready");
    assert_string_equal(state_of(view, "api"), "ready");
    assert_int_equal(world.idles, 0);
    size_t before = world.transitions.count;
    up(&world, small_plan(&world), &outcome);
    must_succeed(&outcome);
    outcome_clear(&outcome);
    assert_int_equal(world.transitions.count, before);
    down(&world, &outcome);
    must_succeed(&outcome);
    assert_int_equal(json_count(json_get(outcome.report, "removed")), 2);
    outcome_clear(&outcome);
    assert_int_equal(world.idles, 1);
    close_world(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_up_and_down)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
