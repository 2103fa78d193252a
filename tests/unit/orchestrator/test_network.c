/* The project's network on virtual time: what has to name its gateway is made once that is known, and anew
 * for another one; who is cut off from it, and healed. */
#include "rig.h"

#include "base/file.h"
#include "certs/certs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static char certs[64];

static int setup(void **state)
{
    (void)state;
    strcpy(certs, "/tmp/network-XXXXXX");
    return mkdtemp(certs) ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    return file_remove_tree(certs, NULL);
}

static void up(struct rig *rig, enum error_code wanted)
{
    struct plan *plan = plans_new("shop");
    struct plan_node *network = plans_network(plan);
    struct plan_node *cache = plans_redis(plan, "cache", RIG_IMAGE);
    cleanup_free char *pair = path_join(certs, "shop-cache");
    network->addressed = true;
    cache->run.on_network = true;
    plans_edge(plan, cache, network, PLAN_HEALTHY);
    plans_issued(plan, cache, "cache-tls-cert", pair);
    plans_issued(plan, cache, "cache-tls-key", pair);
    rig_forget(rig);
    rig_up(rig, plans_done(plan));
    assert_int_equal(rig_answer(rig), wanted);
}

/* What the container was made with. */
static const char *given(struct rig *rig, const char *name)
{
    const cJSON *entry;
    size_t length = strlen(name);
    cJSON_ArrayForEach(entry, json_get(rig->fake.containers->body, "Env"))
    {
        if (!strncmp(entry->valuestring, name, length) && entry->valuestring[length] == '=')
            return entry->valuestring + length + 1;
    }
    fail_msg("%s was not given", name);
    return NULL;
}

/* The one that is kept names it, or another would be made. */
static void expect_certificate(struct rig *rig, const char *gateway)
{
    const char *const hosts[] = {"cache", "localhost", gateway};
    struct certs_pair pair = {0};
    assert_int_equal(certs_server(certs, "shop-cache", hosts, 3, &pair, NULL), 0);
    assert_string_equal(given(rig, "cache-tls-cert"), pair.cert);
    assert_string_equal(given(rig, "cache-tls-key"), pair.key);
    certs_pair_free(&pair);
}

static void certificates_name_the_gateway(void **state)
{
    (void)state;
    struct rig *rig = rig_fresh();
    rig->fake.gateway = "172.30.0.1";
    up(rig, ERROR_NONE);
    expect_certificate(rig, "172.30.0.1");

    /* The same plan again: nothing is made anew. */
    up(rig, ERROR_NONE);
    assert_string_equal(rig_decision(rig, "cache"), "reused");
    expect_certificate(rig, "172.30.0.1");
    rig_end(rig);
}

static void another_gateway_is_named_by_another_certificate(void **state)
{
    (void)state;
    struct rig *rig = rig_fresh();
    rig->fake.gateway = "172.30.0.1";
    up(rig, ERROR_NONE);
    cleanup_free char *before = xstrdup(given(rig, "cache-tls-cert"));
    rig_down(rig, true);
    rig_ok(rig);
    rig->fake.gateway = "172.31.0.1";
    up(rig, ERROR_NONE);
    assert_string_not_equal(given(rig, "cache-tls-cert"), before);
    expect_certificate(rig, "172.31.0.1");
    rig_end(rig);
}

static void without_a_gateway_nothing_is_made(void **state)
{
    (void)state;
    struct rig *rig = rig_fresh();
    up(rig, ERROR_RESOURCE);
    assert_null(rig->fake.containers);
    rig_end(rig);
}

static void a_folder_that_cannot_be_written_fails_it(void **state)
{
    (void)state;
    struct rig *rig = rig_fresh();
    rig->fake.gateway = "172.30.0.1";
    cleanup_free char *in_the_way = path_join(certs, "lock");
    assert_int_equal(file_mkdirs(in_the_way, 0700, NULL), 0);
    up(rig, ERROR_FAILED);
    assert_null(rig->fake.containers);
    rig_end(rig);
}

/* The engine's network is not ours: a virtual machine's, a rootless engine's. */
static void a_gateway_elsewhere_is_said_before_anything_is_made(void **state)
{
    (void)state;
    struct rig *rig = rig_fresh();
    struct plan *plan = plans_new("shop");
    struct plan_node *network = plans_network(plan);
    struct plan_node *cache = plans_redis(plan, "cache", RIG_IMAGE);
    network->addressed = true;
    cache->run.on_network = true;
    cache->run.ports[0].at_gateway = true;
    plans_edge(plan, cache, network, PLAN_HEALTHY);
    rig->fake.gateway = "172.30.0.1";
    rig->fake.is_elsewhere = true;
    rig_up(rig, plans_done(plan));
    assert_int_equal(rig_answer(rig), ERROR_RESOURCE);
    assert_non_null(strstr(rig->outcome.error.text, "172.30.0.1 is no address of this machine"));
    assert_non_null(strstr(rig->outcome.error.hint, "APPHOST_ENGINE=native"));
    assert_null(rig->fake.containers);
    rig_end(rig);
}

/* ---- cut off ---- */

static const char *network_of(struct rig *rig)
{
    return rig->fake.containers->network;
}

static void expect_on_network(struct rig *rig, bool is_on)
{
    rig_pass(rig, 1000);
    assert_int_equal(!strcmp(network_of(rig), rig->fake.networks->id), is_on);
    assert_true(rig->fake.containers->running);
}

static void what_is_cut_off_runs_on_and_comes_back(void **state)
{
    (void)state;
    struct rig *rig = rig_fresh();
    rig->fake.gateway = "172.30.0.1";
    up(rig, ERROR_NONE);
    rig_control(rig, ORCHESTRATOR_CUT, "cache");
    rig_ok(rig);
    expect_on_network(rig, false);

    /* Nobody takes it back but who heals it. */
    up(rig, ERROR_NONE);
    expect_on_network(rig, false);
    rig_forget(rig);
    rig_control(rig, ORCHESTRATOR_HEAL, "cache");
    rig_ok(rig);
    expect_on_network(rig, true);
    assert_string_equal(rig_state(rig, "cache"), "ready");
    assert_false(rig_saw(rig, "container:cache creating")); /* it runs all the time */
    rig_control(rig, ORCHESTRATOR_HEAL, "cache");
    rig_ok(rig);
    rig_end(rig);
}

static void what_is_cut_off_stays_so_over_a_restart(void **state)
{
    (void)state;
    struct rig *rig = rig_fresh();
    rig->fake.gateway = "172.30.0.1";
    up(rig, ERROR_NONE);
    rig_control(rig, ORCHESTRATOR_CUT, "cache");
    rig_ok(rig);
    rig_control(rig, ORCHESTRATOR_RESTART, "cache");
    rig_ok(rig);
    expect_on_network(rig, false);
    rig_end(rig);
}

static void who_is_on_no_network_cannot_be_cut_off(void **state)
{
    (void)state;
    struct rig *rig = rig_fresh();
    struct plan *plan = plans_new("shop");
    plans_redis(plan, "cache", RIG_IMAGE);
    rig_up(rig, plans_done(plan));
    rig_ok(rig);
    rig_control(rig, ORCHESTRATOR_CUT, "cache");
    assert_int_equal(rig_answer(rig), ERROR_USAGE);
    rig_control(rig, ORCHESTRATOR_CUT, "other");
    assert_int_equal(rig_answer(rig), ERROR_NOT_RUNNING);
    rig_end(rig);
}

/* ---- what the engine makes for a container ---- */

static void a_container_waits_once_for_each_of_its_volumes(void **state)
{
    (void)state;
    struct rig *rig = rig_fresh();
    struct plan *plan = plans_new("shop");
    struct plan_node *one = plans_volume(plan, "one"), *two = plans_volume(plan, "two");
    struct plan_node *cache = plans_redis(plan, "cache", RIG_IMAGE);
    plans_mount(plan, cache, one);
    plans_mount(plan, cache, two);
    rig_up(rig, plans_done(plan));
    rig_ok(rig);

    cleanup_json cJSON *json = orchestrator_edges(rig->orchestrator);
    const cJSON *edge;
    int volumes = 0;
    cJSON_ArrayForEach(edge, json_get(json, "edges"))
    {
        volumes += str_starts(json_string(edge, "toNode", ""), "volume:");
    }
    assert_int_equal(volumes, 2);
    rig_end(rig);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(certificates_name_the_gateway),
        cmocka_unit_test(a_container_waits_once_for_each_of_its_volumes),
        TEST(another_gateway_is_named_by_another_certificate),
        TEST(without_a_gateway_nothing_is_made),
        TEST(a_folder_that_cannot_be_written_fails_it),
        TEST(what_is_cut_off_runs_on_and_comes_back),
        TEST(what_is_cut_off_stays_so_over_a_restart),
        TEST(who_is_on_no_network_cannot_be_cut_off),
        TEST(a_gateway_elsewhere_is_said_before_anything_is_made),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
