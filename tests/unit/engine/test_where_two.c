/* Where published ports are, in a container of some other engine: two places are left. The machine is what
 * the tests say it is: these functions stand in for the room machine/. */
#include "engine/internal.h"
#include "loop/testing.h"
#include "machine/neighbour.h"
#include "machine/self.h"
#include "script.h"
#include "world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

static pid_t peer;
static const char *container_id;

char *machine_container_id(void)
{
    return xstrdup_null(container_id);
}

pid_t machine_socket_peer(const char *path)
{
    (void)path;
    return peer;
}

enum machine_answer machine_shares_network(pid_t pid)
{
    (void)pid;
    return MACHINE_YES;
}

bool machine_has_loopback(void)
{
    return true;
}

static struct engine_where found;
static int answers;

static void on_where(const struct engine_result *result, const struct error *err, void *data)
{
    (void)data;
    assert_null(err);
    found = *result->where;
    answers++;
}

/* Where the engine that the script holds has its ports. */
static void find_scripted(void)
{
    const struct engine_address address = {.origin = (char *)"DOCKER_HOST", .unix_path = (char *)"/e.sock"};
    static char *no_environment[] = {NULL};
    struct world world = {0};
    answers = 0;
    world_open_over(&world, script_open, no_environment);
    engine_address_copy(&world.engine->address, &address);
    engine_find_where(world.engine, on_where, NULL);
    while (!answers && loop_run_once(&world.loop))
        continue;
    assert_int_equal(answers, 1);
    world_close(&world);
}

static void script_answer(const char *path, int status, const char *body)
{
    script_add((struct script_row){.method = "GET", .path = path, .status = status, .body = body});
}

/* The engine does not know our container; its default network is this. */
static void find(int status, const char *network)
{
    script_reset();
    script_ping("1.41");
    script_answer("/v1.41/containers/", 404, "{}");
    script_answer("/v1.41/networks/bridge", status, network);
    find_scripted();
}

/* We are in one of its containers, on its default bridge. */
static void find_within(int status, const char *info)
{
    script_reset();
    script_ping("1.41");
    script_answer("/v1.41/containers/", 200,
                  "{\"Name\":\"/us\",\"HostConfig\":{\"NetworkMode\":\"default\"},\"NetworkSettings\":"
                  "{\"Networks\":{\"bridge\":{\"Gateway\":\"172.30.0.1\",\"IPAddress\":\"172.30.0.2\"}}}}");
    script_answer("/v1.41/info", status, info);
    find_scripted();
}

static void must_be(int i, const char *host)
{
    assert_string_equal(found.places[i].host, host);
    assert_string_equal(found.places[i].bind, host);
}

static void two_places(void **state)
{
    (void)state;
    container_id = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    peer = 0;
    find(200, "{\"IPAM\":{\"Config\":[{\"Subnet\":\"172.30.0.0/16\",\"Gateway\":\"172.30.0.1\"}]}}");
    assert_int_equal(found.count, 2);
    must_be(0, "127.0.0.1");
    must_be(1, "172.30.0.1");
    assert_false(found.apart);

    /* An engine that has made its bridge itself says no gateway. */
    find(200, "{\"IPAM\":{\"Config\":[{\"Subnet\":\"172.31.0.0/16\"}]}}");
    assert_int_equal(found.count, 2);
    must_be(1, "172.31.0.1");
}

static void one_place(void **state)
{
    (void)state;
    find(404, "{\"message\":\"network bridge not found\"}");
    assert_int_equal(found.count, 1);
    find(200, "{\"IPAM\":{\"Config\":[{\"Subnet\":\"default\"}]}}");
    assert_int_equal(found.count, 1);
    must_be(0, "127.0.0.1");
    peer = 4711; /* seen from here: beside us, whatever the mounts say */
    find(200, "{\"IPAM\":{\"Config\":[{\"Gateway\":\"172.30.0.1\"}]}}");
    assert_int_equal(found.count, 1);
    assert_non_null(strstr(found.how, "process 4711 beside us"));
}

/* What is published on the gateway of a rootless engine is not reached there. */
static void rootless(void **state)
{
    (void)state;
    container_id = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    peer = 0;
    find_within(200, "{\"SecurityOptions\":[\"name=seccomp,profile=default\",\"name=rootless\"]}");
    assert_int_equal(found.count, 0);
    assert_true(found.apart);
    assert_non_null(strstr(found.how, "which is rootless and cannot publish on its gateway"));

    find_within(200, "{\"SecurityOptions\":[\"name=seccomp,profile=default\", 7]}");
    assert_int_equal(found.count, 1);
    must_be(0, "172.30.0.1");
    find_within(404, "{\"message\":\"page not found\"}");
    assert_int_equal(found.count, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_places),
        cmocka_unit_test(one_place),
        cmocka_unit_test(rootless),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
