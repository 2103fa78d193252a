/* Up and down of one container and one process on the engine of this machine; skipped where there is none, or
 * not the image. */
#include "outcome.h"
#include "plans.h"

#include "base/file.h"
#include "orchestrator/orchestrator.h"
#include "loop/testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <arpa/inet.h>
#include <sys/socket.h>
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

static void on_transition(const struct transition *transition, void *data)
{
    struct world *world = data;
    strlist_addf(&world->transitions, "%s %s", transition->node, view_state_name(transition->state));
    if (getenv("RIG_TRACE"))
        printf("%6lld ms %s %s %s\n", (long long)transition->elapsed_ms, transition->node,
               view_state_name(transition->state), transition->detail);
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

static void open_orchestrator(struct world *world)
{
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
}

/* As a kill would: the engine is asked for nothing. */
static void close_orchestrator(struct world *world)
{
    bool closed = false;
    orchestrator_close(world->orchestrator, outcome_flag, &closed);
    await(world, &closed);
    world->orchestrator = NULL;
    state_close(world->state);
    world->state = NULL;
}

static bool open_world(struct world *world)
{
    assert_int_equal(loop_init(&world->loop, NULL), 0);
    snprintf(world->project, sizeof world->project, "orch-%d", getpid());
    snprintf(world->folder, sizeof world->folder, "/tmp/orchestrator-XXXXXX");
    assert_non_null(mkdtemp(world->folder));
    if (!has_engine(world))
        return false;
    open_orchestrator(world);
    return true;
}

static void close_world(struct world *world)
{
    if (world->orchestrator)
        close_orchestrator(world);
    if (world->engine) {
        engine_close(world->engine, outcome_flag, &world->closed);
        await(world, &world->closed);
    }
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
    orchestrator_apply(world->orchestrator, &apply, outcome_note, outcome);
    assert_false(outcome->done);
    await(world, &outcome->done);
}

static void down(struct world *world, struct outcome *outcome)
{
    struct orchestrator_down all = {.persistent = true, .volumes = true};
    orchestrator_down(world->orchestrator, &all, outcome_note, outcome);
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

/* Opens, or skips the test. */
static void begin(struct world *world)
{
    memset(world, 0, sizeof *world);
    if (open_world(world))
        return;
    close_world(world);
    skip();
}

static bool saw(const struct world *world, const char *transition)
{
    return strlist_has(&world->transitions, transition);
}

static void on_listed(const struct engine_result *result, const struct error *err, void *data)
{
    int *count = data;
    assert_null(err);
    *count = result->json ? json_count(result->json) : result->container_count;
}

static void await_count(struct world *world, const int *count)
{
    while (*count < 0)
        loop_run_once(&world->loop);
}

/* Nothing with the project's label is left on the engine. */
static void must_be_empty(struct world *world, const char *hash)
{
    cleanup_free char *label = xasprintf("io.apphost.project-hash=%s", hash);
    const char *const labels[] = {label, NULL};
    int containers = -1, networks = -1, volumes = -1;
    engine_container_list(world->engine, labels, on_listed, &containers);
    await_count(world, &containers);
    engine_network_list(world->engine, labels, on_listed, &networks);
    await_count(world, &networks);
    engine_volume_list(world->engine, labels, on_listed, &volumes);
    await_count(world, &volumes);
    assert_int_equal(containers, 0);
    assert_int_equal(networks, 0);
    assert_int_equal(volumes, 0);
}

static void end(struct world *world)
{
    struct outcome outcome = {0};
    down(world, &outcome);
    must_succeed(&outcome);
    outcome_clear(&outcome);
    cleanup_json cJSON *view = orchestrator_view(world->orchestrator);
    must_be_empty(world, json_string(view, "hash", ""));
    close_world(world);
}

static struct plan *rich_plan(struct world *world)
{
    struct plan *plan = plans_new(world->project);
    struct plan_node *network = plans_network(plan), *volume = plans_volume(plan, "cache-data");
    struct plan_node *cache = plans_redis(plan, "cache", IMAGE);
    plans_mount(plan, cache, volume);
    cache->run.on_network = true;
    cache->run.alias = "cache";
    plans_edge(plan, cache, network, PLAN_HEALTHY);
    return plans_done(plan);
}

static void test_network_and_volume(void **unused)
{
    (void)unused;
    struct world world;
    struct outcome outcome = {0};
    begin(&world);
    up(&world, rich_plan(&world), &outcome);
    must_succeed(&outcome);
    outcome_clear(&outcome);
    end(&world);
}

static void test_adopted(void **unused)
{
    (void)unused;
    struct world world;
    struct outcome outcome = {0};
    begin(&world);
    up(&world, small_plan(&world), &outcome);
    must_succeed(&outcome);
    outcome_clear(&outcome);
    close_orchestrator(&world);
    strlist_free(&world.transitions);
    file_remove_tree(world.folder, NULL); /* and the state is lost: the password is read back */
    assert_int_equal(file_mkdirs(world.folder, 0700, NULL), 0);
    open_orchestrator(&world);
    up(&world, small_plan(&world), &outcome);
    must_succeed(&outcome);
    outcome_clear(&outcome);
    assert_false(saw(&world, "container:cache starting"));
    assert_true(saw(&world, "container:cache ready"));
    end(&world);
}

static void ignore(const struct engine_result *result, const struct error *err, void *data)
{
    (void)result, (void)err, (void)data;
}

static void test_comes_back(void **unused)
{
    (void)unused;
    struct world world;
    struct outcome outcome = {0};
    begin(&world);
    up(&world, small_plan(&world), &outcome);
    must_succeed(&outcome);
    outcome_clear(&outcome);
    strlist_free(&world.transitions);
    cleanup_json cJSON *info = orchestrator_exec_info(world.orchestrator, "cache", NULL);
    engine_container_kill(world.engine, json_string(info, "containerId", ""), "SIGKILL", ignore, NULL);
    while (!saw(&world, "container:cache restarting"))
        loop_run_once(&world.loop);
    struct orchestrator_wait wait = {.until = PLAN_HEALTHY};
    orchestrator_wait(world.orchestrator, &wait, outcome_note, &outcome);
    await(&world, &outcome.done);
    must_succeed(&outcome);
    outcome_clear(&outcome);
    assert_false(saw(&world, "process:api starting"));
    end(&world);
}

static void test_port_conflict(void **unused)
{
    (void)unused;
    struct world world;
    struct outcome outcome = {0};
    begin(&world);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(fd, 1), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &length), 0);
    struct plan *plan = plans_new(world.project);
    plans_redis(plan, "cache", IMAGE)->run.ports[0].fixed_port = ntohs(address.sin_port);
    up(&world, plans_done(plan), &outcome);
    assert_int_equal(outcome.error.code, ERROR_PORT);
    char holder[64];
    snprintf(holder, sizeof holder, "(pid %d)", getpid());
    assert_non_null(strstr(outcome.error.text, holder));
    outcome_clear(&outcome);
    close(fd);
    end(&world);
}

static void await_log(struct world *world, const char *resource, const char *words)
{
    cleanup_free char *path = xasprintf("%s/logs/%s.log", world->folder, resource);
    int64_t limit = loop_now_ms(&world->loop) + LONGEST_MS;
    bool found = false;
    struct timer tick;
    timer_init(&world->loop, &tick, on_tick, &tick);
    timer_start(&tick, 20);
    while (!found && loop_now_ms(&world->loop) < limit) {
        loop_run_once(&world->loop);
        size_t length = 0;
        cleanup_free char *text = file_read(path, 1 << 20, &length, NULL);
        found = text && memmem(text, length, words, strlen(words));
    }
    timer_stop(&tick);
    assert_true(found);
}

static void test_output_and_sensors(void **unused)
{
    (void)unused;
    static const char *exec[] = {"redis-server", "--version", NULL};
    struct world world;
    struct outcome outcome = {0};
    begin(&world);
    struct plan *plan = plans_new(world.project);
    struct plan_node *cache = plans_redis(plan, "cache", IMAGE);
    cache->run.ready = (struct plan_probe){.kind = PLAN_PROBE_EXEC, .exec = exec};
    struct plan_node *api = plans_process(plan, "api", "sleep 0.1; echo I am up; exec sleep 1000");
    api->run.ready = (struct plan_probe){.kind = PLAN_PROBE_LOG, .log_pattern = "am u[p]$"};
    up(&world, plans_done(plan), &outcome);
    must_succeed(&outcome);
    outcome_clear(&outcome);
    await_log(&world, "api", "I am up");
    await_log(&world, "cache", "eady to accept connections");
    end(&world);
}

static void test_ends_at_once(void **unused)
{
    (void)unused;
    struct world world;
    struct outcome outcome = {0};
    begin(&world);
    struct plan *plan = plans_new(world.project);
    struct plan_node *cache = plans_redis(plan, "cache", IMAGE);
    cache->run.command[2].parts[0].text = "echo goodbye; exit 3";
    up(&world, plans_done(plan), &outcome);
    assert_int_equal(outcome.error.code, ERROR_RESOURCE);
    assert_non_null(strstr(outcome.error.text, "exit code 3"));
    const cJSON *report = cJSON_GetArrayItem(json_get(outcome.report, "resources"), 0);
    assert_string_equal(json_string(report, "lastLines", ""), "goodbye\n");
    outcome_clear(&outcome);
    end(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_up_and_down),
        cmocka_unit_test(test_network_and_volume),
        cmocka_unit_test(test_adopted),
        cmocka_unit_test(test_comes_back),
        cmocka_unit_test(test_port_conflict),
        cmocka_unit_test(test_ends_at_once),
        cmocka_unit_test(test_output_and_sensors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
