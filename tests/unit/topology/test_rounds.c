/* The rounds on real servers: three that know nothing of each other become a primary with replicas, and again
 * after one of them was another; who is away is named. */
#include "server.h"
#include "topology/topology.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

enum { COUNT = 3 };

struct fixture {
    struct loop loop;
    struct topology *topology;
    pid_t servers[COUNT];
    int ports[COUNT];
    int changes;
};

static const char *const names[COUNT] = {"cache-1", "cache-2", "cache-3"};

static void on_changed(void *data)
{
    struct fixture *f = data;
    f->changes++;
}

static void start_server(struct fixture *f, int index)
{
    static const char *const words[] = {
        "--requirepass", "pass word", "--masterauth", "pass word", "--repl-diskless-sync-delay", "0", NULL};
    f->servers[index] = redis_start(f->ports[index], words);
}

static void join(struct fixture *f, int index)
{
    const struct redis_conn_options where = {
        .host = "127.0.0.1", .port = f->ports[index], .password = "pass word"};
    topology_join(f->topology, (size_t)index, names[index], &where, 0);
}

static int start(void **state)
{
    struct fixture *f = xcalloc(1, sizeof *f);
    const struct topology_options options = {
        .kind = MODEL_TOPOLOGY_REPLICATION, .shards = 1, .count = COUNT, .on_changed = on_changed, .data = f};
    assert_int_equal(loop_init(&f->loop, NULL), 0);
    f->topology = topology_new(&f->loop, &options);
    for (int i = 0; i < COUNT; i++) {
        f->ports[i] = free_port();
        start_server(f, i);
    }
    *state = f;
    return 0;
}

static int end(void **state)
{
    struct fixture *f = *state;
    topology_free(f->topology);
    for (int i = 0; i < COUNT; i++)
        redis_kill(f->servers[i]);
    int rc = loop_fini(&f->loop);
    free(f);
    return rc;
}

static bool is_formed(void *data)
{
    struct fixture *f = data;
    return topology_is_formed(f->topology);
}

static bool misses_the_second(void *data)
{
    struct fixture *f = data;
    const char *trouble = topology_trouble(f->topology);
    return trouble && strstr(trouble, "cache-2");
}

static void forms_and_forms_again(void **state)
{
    struct fixture *f = *state;
    join(f, 0);
    join(f, 1);
    assert_null(topology_role(f->topology, 0));
    assert_int_equal(f->changes, 0); /* never inside of a call */
    join(f, 2);
    assert_true(loop_run_until(&f->loop, is_formed, f));
    assert_string_equal(topology_role(f->topology, 0), "primary");
    assert_string_equal(topology_role(f->topology, 2), "replica of cache-1");

    topology_leave(f->topology, 1);
    redis_kill(f->servers[1]);
    assert_false(topology_is_formed(f->topology));
    assert_true(loop_run_until(&f->loop, misses_the_second, f));
    start_server(f, 1);
    join(f, 1);
    assert_true(loop_run_until(&f->loop, is_formed, f));
    assert_string_equal(topology_role(f->topology, 1), "replica of cache-1");
    assert_true(f->changes > 0);
}

static void who_was_primary_and_is_away_keeps_its_name(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < COUNT; i++)
        join(f, i);
    assert_true(loop_run_until(&f->loop, is_formed, f));
    topology_leave(f->topology, 0);
    f->changes = 0;
    redis_kill(f->servers[0]);
    assert_string_equal(topology_role(f->topology, 2), "replica of cache-1");
    start_server(f, 0);
    join(f, 0);
    assert_true(loop_run_until(&f->loop, is_formed, f));
    assert_string_equal(topology_role(f->topology, 2), "replica of cache-1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(forms_and_forms_again, start, end),
        cmocka_unit_test_setup_teardown(who_was_primary_and_is_away_keeps_its_name, start, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
