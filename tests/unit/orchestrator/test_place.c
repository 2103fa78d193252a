/* Where published ports are, when it is not known beforehand: what proves it, what is only believed, and what
 * shows that they are not here at all. The engine and this machine are what the tests say: the functions
 * below stand in for theirs. */
#include "rig.h"

#include "engine/internal.h"
#include "machine/neighbour.h"
#include "orchestrator/internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#define LOOPBACK "127.0.0.1"
#define GATEWAY "172.30.0.1"

static struct engine_where where;
static cJSON *mounts; /* of the container that we are */
static enum machine_answer heard;

static void answer(struct engine_op *op, const struct http_response *response)
{
    (void)response;
    engine_op_finish(op, &(struct engine_result){.where = &where, .mounts = mounts, .exit_code = -1});
}

struct engine_op *engine_find_where(struct engine *engine, engine_done_cb *done, void *data)
{
    struct engine_op *op = engine_op_new(engine, ON_OTHER, done, data, "find out where ports are");
    op->on_answer = answer;
    return engine_op_answer_late(op);
}

enum machine_answer machine_has_listener(int port)
{
    assert_true(port > 0);
    return heard;
}

static void add_place(const char *host)
{
    struct engine_place *place = &where.places[where.count++];
    strcpy(place->host, host);
    strcpy(place->bind, host);
}

static struct rig *rig_at(const char *published_at)
{
    struct rig *rig = rig_fresh();
    rig->fake.published_at = published_at;
    rig->fake.has_squatters = true;
    return rig;
}

static void two_places(void)
{
    where = (struct engine_where){.how = "they said so"};
    add_place(LOOPBACK);
    add_place(GATEWAY);
}

static void one_place(bool is_unsure)
{
    where = (struct engine_where){.how = "nobody told", .unsure = is_unsure};
    add_place(LOOPBACK);
}

/* Where its port is reached is found out. */
static struct plan_node *add_server(struct plan *plan, const char *name)
{
    struct plan_node *server = plans_redis(plan, name, RIG_IMAGE);
    server->run.ports[0].host = NULL;
    return server;
}

static struct plan_node *add_web(struct plan *plan)
{
    struct plan_node *web = add_server(plan, "web");
    web->run.ready.kind = PLAN_PROBE_TCP;
    return web;
}

static void a_stranger_proves_nothing(void **state)
{
    (void)state;
    two_places();
    struct rig *rig = rig_at(GATEWAY);
    const struct orchestrator *o = rig->orchestrator;
    struct plan *plan = plans_new("shop");
    add_web(plan);
    rig_up(rig, plans_done(plan));
    rig_ok(rig);
    assert_true(o->supposed);
    assert_false(o->proven);
    assert_string_equal(place_host(o), LOOPBACK); /* the stranger's: nothing better is known */
    rig_end(rig);
}

static void a_ping_proves_and_others_are_asked_anew(void **state)
{
    (void)state;
    two_places();
    struct rig *rig = rig_at(GATEWAY);
    const struct orchestrator *o = rig->orchestrator;
    struct plan *plan = plans_new("shop");
    plans_edge(plan, add_server(plan, "cache"), add_web(plan), PLAN_HEALTHY);
    rig_up(rig, plans_done(plan));
    rig_ok(rig);
    assert_true(o->proven);
    assert_string_equal(place_host(o), GATEWAY);
    rig_pass(rig, 5000);
    assert_string_equal(rig_state(rig, "web"), "ready");
    const struct node *web = NULL;
    HASH_FIND_STR(o->nodes, "container:web", web);
    assert_non_null(web);
    assert_string_equal(o->where.places[web->sensor.tried % 2].host, GATEWAY);

    /* No stranger can take it back. */
    rig->fake.published_at = LOOPBACK;
    rig_pass(rig, 60000);
    assert_string_equal(place_host(o), GATEWAY);
    rig->fake.published_at = GATEWAY;
    rig_pass(rig, 60000);
    rig_end(rig);
}

static void the_first_place_is_proven_too(void **state)
{
    (void)state;
    two_places();
    struct rig *rig = rig_at(LOOPBACK);
    const struct orchestrator *o = rig->orchestrator;
    struct plan *plan = plans_new("shop");
    add_server(plan, "cache");
    rig_up(rig, plans_done(plan));
    rig_ok(rig);
    assert_true(o->proven);
    assert_string_equal(place_host(o), LOOPBACK);
    rig_end(rig);
}

static void up_deaf(struct rig *rig)
{
    struct plan *plan = plans_new("shop");
    add_server(plan, "cache");
    rig->fake.deaf = true;
    rig_up(rig, plans_done(plan));
    rig_pass(rig, 6000);
}

static void published_where_nobody_listens(void **state)
{
    (void)state;
    one_place(true);
    heard = MACHINE_NO;
    struct rig *rig = rig_at(NULL);
    up_deaf(rig);
    assert_int_equal(rig_answer(rig), ERROR_RESOURCE);
    assert_non_null(strstr(rig->outcome.error.text, "cannot be reached from here"));
    assert_non_null(strstr(rig->outcome.error.text, "network namespace (nobody told)"));
    assert_non_null(strstr(rig->outcome.error.hint, "APPHOST_PUBLISHED_HOST"));
    rig_end(rig);
}

/* A server that is slow is waited for where its port is, or may be, here. */
static void a_slow_one_is_waited_for(void **state)
{
    static const struct {
        bool is_unsure;
        enum machine_answer heard;
    } cases[] = {{true, MACHINE_YES}, {true, MACHINE_UNKNOWN}, {false, MACHINE_NO}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        one_place(cases[i].is_unsure);
        heard = cases[i].heard;
        struct rig *rig = rig_at(NULL);
        up_deaf(rig);
        assert_string_equal(rig_state(rig, "cache"), "running");
        rig->fake.deaf = false;
        rig_ok(rig);
        rig_end(rig);
    }
}

/* ---- in one of the engine's containers ---- */

static void in_a_container(const char *given)
{
    where = (struct engine_where){.how = "they said so", .apart = true};
    add_place(GATEWAY);
    mounts = cJSON_Parse(given);
    assert_non_null(mounts);
}

static void out_again(struct rig *rig)
{
    cJSON_Delete(take_ptr(&mounts));
    rig_end(rig);
}

static struct plan_mount mount;

/* A server that is given a folder of ours, and where it is asked for. */
static struct plan *plan_with(const char *folder, const char *address)
{
    struct plan *plan = plans_new("shop");
    struct plan_node *cache = add_server(plan, "cache");
    cache->run.ports[0].bind_address = address;
    if (folder) {
        mount = (struct plan_mount){.source = folder, .target = "/data"};
        cache->run.mounts = &mount;
        cache->run.mount_count = 1;
    }
    return plans_done(plan);
}

static void a_folder_is_told_as_the_engine_has_it(void **state)
{
    (void)state;
    static const struct {
        const char *folder, *seen;
    } cases[] = {{"/srv/app/data", "/home/u/shop/data"},
                 {"/srv/app", "/home/u/shop"},
                 {"/srv/app/cache/x", "/var/lib/docker/volumes/v/_data/x"},
                 {"/srv/apples", NULL},
                 {"/srv/memory/x", NULL},
                 {"/etc/shop", NULL}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        in_a_container("[{\"Type\": \"bind\", \"Source\": \"/home/u/shop\", \"Destination\": \"/srv/app\"},"
                       " {\"Type\": \"tmpfs\", \"Source\": \"\", \"Destination\": \"/srv/memory\"},"
                       " {\"Type\": \"volume\", \"Source\": \"/var/lib/docker/volumes/v/_data\","
                       "  \"Destination\": \"/srv/app/cache/\"}]");
        struct rig *rig = rig_at(GATEWAY);
        rig_up(rig, plan_with(cases[i].folder, NULL));
        if (cases[i].seen) {
            rig_ok(rig);
            const cJSON *given = json_path(rig->fake.containers->body, "HostConfig.Mounts");
            assert_string_equal(json_string(cJSON_GetArrayItem(given, 0), "Source", ""), cases[i].seen);
        } else {
            assert_int_equal(rig_answer(rig), ERROR_RESOURCE);
            assert_non_null(
                strstr(rig->outcome.error.text, "the engine does not see that container's own files"));
            assert_null(rig->fake.containers);
        }
        out_again(rig);
    }
}

static void the_machines_loopback_is_not_ours(void **state)
{
    (void)state;
    in_a_container("[]");
    struct rig *rig = rig_at(GATEWAY);
    rig_up(rig, plan_with(NULL, "127.0.0.5"));
    assert_int_equal(rig_answer(rig), ERROR_RESOURCE);
    assert_non_null(strstr(rig->outcome.error.text, "127.0.0.5 is the loopback of the engine's machine"));
    assert_null(rig->fake.containers);
    out_again(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stranger_proves_nothing),
        cmocka_unit_test(a_ping_proves_and_others_are_asked_anew),
        cmocka_unit_test(the_first_place_is_proven_too),
        cmocka_unit_test(published_where_nobody_listens),
        cmocka_unit_test(a_slow_one_is_waited_for),
        cmocka_unit_test(a_folder_is_told_as_the_engine_has_it),
        cmocka_unit_test(the_machines_loopback_is_not_ours),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
