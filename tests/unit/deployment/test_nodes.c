/* The nodes of a topology: what each is told so that it finds its place by itself, what consumers get, and
 * how Kubernetes has all of them as one. */
#include "app.h"

#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static const struct model_pos own = {"apphost.yaml", 77, 5};
static struct model_mount data = {.is_volume = true, .target = "/data"};

/* Redis with two replicas and data, and who uses it. */
static struct model_resource *add_shop(struct app *app)
{
    struct model_resource *cache = app_add(app, "cache", MODEL_REDIS);
    struct model_resource *api = app_add(app, "api", MODEL_PROCESS);
    cache->redis.topology =
        (struct model_topology){.kind = MODEL_TOPOLOGY_REPLICATION, .shards = 1, .replicas = 2, .pos = own};
    cache->redis.data = &data;
    app_refer(app, api, "cache");
    return cache;
}

static void assert_value(const struct app *app, const char *variable, const char *wanted)
{
    cleanup_free char *value = app_value(app, "api", variable);
    assert_string_equal(value, wanted);
}

static void assert_conf(const struct app *app, const char *service, const char *file, const char *primary)
{
    cleanup_free char *conf = app_content(app, service, file);
    assert_non_null(strstr(conf, "\nport 6379\n"));
    assert_non_null(strstr(conf, "\nmasterauth \""));
    assert_null(strstr(conf, "announce-ip"));
    if (primary)
        assert_non_null(strstr(conf, primary));
    else
        assert_null(strstr(conf, "replicaof"));
}

static void each_node_is_a_service_that_knows_the_primary_by_name(void **state)
{
    struct app *app = *state;
    add_shop(app);
    for (int target = DEPLOYMENT_COMPOSE; target <= DEPLOYMENT_SWARM; target++) {
        app_settle(app, (enum deployment_target)target);
        assert_int_equal(app->d->service_count, 4);
        assert_int_equal(app->d->volume_count, 3);
        assert_conf(app, "cache-1", "cache-1.conf", NULL);
        assert_conf(app, "cache-2", "cache-2.conf", "\nreplicaof cache-1 6379\n");
        assert_conf(app, "cache-3", "cache-3.conf", "\nreplicaof cache-1 6379\n");
        assert_string_equal(app_find(app, "cache-3")->mounts[0].source, "cache-3-data");
        assert_value(app, "CACHE_HOST", "cache-1");
        assert_value(app, "CACHE_NODES", "cache-1:6379,cache-2:6379,cache-3:6379");
        assert_int_equal(app_find(app, "api")->need_count, 3);
    }
}

/* It is ready with the data, and goes on when the primary is away. */
static void a_node_is_ready_once_it_has_been_linked(void **state)
{
    struct app *app = *state;
    add_shop(app);
    app_settle(app, DEPLOYMENT_COMPOSE);
    const struct deployment_check *check = &app_find(app, "cache-2")->check;
    assert_non_null(strstr(check->shell, "cache-2-password)\" redis-cli ping)\" = PONG ] && { [ -e "));
    assert_non_null(strstr(check->shell, "*role:master*|*master_link_status:up*) : >"));
    assert_null(strstr(check->alive, "master"));
}

static void kubernetes_has_one_set_of_them(void **state)
{
    struct app *app = *state;
    add_shop(app);
    app_settle(app, DEPLOYMENT_KUBERNETES);
    const struct deployment_service *set = app_find(app, "cache");
    assert_int_equal(app->d->service_count, 2);
    assert_true(set->is_set);
    assert_int_equal(set->replicas, 3);
    assert_int_equal(set->file_count, 4); /* three configurations, one password */
    assert_int_equal(app->d->volume_count, 1);
    assert_string_equal(app->d->volumes[0].name, "cache-data");
    assert_string_equal(set->mounts[0].source, "cache-data");
    assert_non_null(
        strstr(set->command[0].parts[0].text, "/etc/apphost/cache-$((${HOSTNAME##*-} + 1)).conf\n"));

    assert_conf(app, "cache", "cache-1.conf", NULL);
    assert_conf(app, "cache", "cache-3.conf", "\nreplicaof cache-0.cache-headless 6379\n");
    assert_value(app, "CACHE_HOST", "cache-0.cache-headless");
    assert_value(app, "CACHE_NODES",
                 "cache-0.cache-headless:6379,cache-1.cache-headless:6379,cache-2.cache-headless:6379");
    assert_int_equal(app_find(app, "api")->need_count, 1);
    assert_string_equal(app_find(app, "api")->needs[0].service, "cache");
}

static void what_would_not_be_right_is_refused(void **state)
{
    struct app *app = *state;
    struct model_resource *cache = add_shop(app);
    cache->publish = (struct model_publish){.given = true, .replicas = 2, .replicas_pos = own};
    app_refuses(app, DEPLOYMENT_SWARM, "`replication` says how many nodes \"cache\" has", 77);
    cache->publish = (struct model_publish){.given = true, .expose = true, .pos = own};
    app_refuses(app, DEPLOYMENT_COMPOSE, "cannot all be published at port 6379", 77);
    cache->redis.host_port = 7001;
    app_settle(app, DEPLOYMENT_SWARM);
    assert_int_equal(app_find(app, "cache-3")->ports[0].outside, 7003);
    assert_int_equal(app_find(app, "cache-3")->ports[0].inside, 6379);
    app_refuses(app, DEPLOYMENT_KUBERNETES, "one address of kubernetes would be that of all nodes", 77);
    cache->publish = (struct model_publish){0};
    cache->redis.tls = (struct model_tls){.on = true, .cert = "/x/c", .key = "/x/k", .pos = own};
    app_refuses(app, DEPLOYMENT_COMPOSE, "would not trust each other's certificates", 77);
}

static void what_saves_nothing_is_said_to_be_lost(void **state)
{
    struct app *app = *state;
    struct model_resource *cache = add_shop(app);
    app_settle(app, DEPLOYMENT_SWARM);
    assert_null(app_note(app, "saves nothing"));
    cache->redis.data = NULL;
    app_settle(app, DEPLOYMENT_SWARM);
    assert_int_equal(app_note(app, "\"cache\" saves nothing")->source.line, 77);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, app_setup, app_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_node_is_a_service_that_knows_the_primary_by_name),
        TEST(a_node_is_ready_once_it_has_been_linked),
        TEST(kubernetes_has_one_set_of_them),
        TEST(what_would_not_be_right_is_refused),
        TEST(what_saves_nothing_is_said_to_be_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
