/* Nodes of a topology in the lowering: what each is told besides, where it is reached, who of them watches,
 * and what consumers get of all of them. */
#include "lowered.h"
#include "base/mem.h"
#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const struct model_topology replication = {
    .kind = MODEL_TOPOLOGY_REPLICATION, .shards = 1, .replicas = 1};
static const struct model_topology cluster = {.kind = MODEL_TOPOLOGY_CLUSTER, .shards = 3};
static const struct model_topology watched = {.kind = MODEL_TOPOLOGY_SENTINEL,
                                              .shards = 1,
                                              .replicas = 1,
                                              .sentinels = 3,
                                              .quorum = 2,
                                              .primary_name = "mymaster"};

struct fixture {
    struct model model;
    struct model_resource resources[2];
    struct model_reference reference;
    struct model_text command[1];
    struct plan_context context;
    struct plan *plan;
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    f->model =
        (struct model){.name = "shop", .file = "/x/apphost.yaml", .folder = "/x", .resources = f->resources};
    f->model.resource_count = 2;
    f->command[0] = model_literal(&f->model.arena, "true");
    f->resources[0] = (struct model_resource){.name = "cache", .kind = MODEL_REDIS};
    f->reference = (struct model_reference){.resource = "cache", .wait = true};
    f->resources[1] = (struct model_resource){.name = "api",
                                              .kind = MODEL_PROCESS,
                                              .references = &f->reference,
                                              .reference_count = 1,
                                              .process = {.command = f->command, .command_count = 1}};
    f->context = lowered_context();
    f->context.certs_folder = "/c";
    f->context.state_folder = "/s";
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

static void lower_as(struct fixture *f, const struct model_topology *topology, bool tls)
{
    f->resources[0].redis.topology = *topology;
    f->resources[0].redis.tls.on = tls;
    f->plan = lowered_again(f->plan, &f->model, &f->context);
}

static const struct plan_run *run_of(const struct fixture *f, const char *id)
{
    const struct plan_node *node = plan_find(f->plan, id);
    if (!node)
        fail_msg("there is no %s", id);
    return &node->run;
}

/* NULL: there is none. The caller frees. */
static char *variable(const struct fixture *f, const char *id, const char *name)
{
    const struct plan_run *run = run_of(f, id);
    const struct plan_lookup unknown = {0};
    for (size_t i = 0; i < run->environment_count; i++)
        if (!strcmp(run->environment[i].name, name))
            return plan_mask(&run->environment[i].value, &unknown);
    return NULL;
}

static char *conf(const struct fixture *f, const char *id)
{
    return variable(f, id, "APPHOST_REDIS_CONF");
}

static char *input(const struct fixture *f, const char *id)
{
    const struct plan_lookup unknown = {0};
    return plan_mask(&run_of(f, id)->input, &unknown);
}

/* lines: each stands in the text as it is; or, with a "-" in front, nothing begins with it. */
static void expect_lines(const char *text, const char *const *lines)
{
    cleanup_free char *padded = xasprintf("\n%s", text);
    for (; *lines; lines++) {
        bool is_absent = **lines == '-';
        cleanup_free char *wanted = xasprintf("\n%s%s", *lines + is_absent, is_absent ? "" : "\n");
        if ((strstr(padded, wanted) != NULL) == is_absent)
            fail_msg("\"%s\" in:\n%s", *lines, text);
    }
}

static void expect(const struct fixture *f, const char *name, const char *wanted)
{
    cleanup_free char *value = variable(f, "process:api", name);
    if (!str_eq(value, wanted))
        fail_msg("%s is %s, not %s", name, value ? value : "missing", wanted ? wanted : "missing");
}

/* ---- sentinels ---- */

static void sentinels_hold_nothing_and_know_nobody_yet(void **state)
{
    struct fixture *f = *state;
    f->resources[0].redis.data = &(struct model_mount){.is_volume = true, .target = "/data"};
    lower_as(f, &watched, false);
    cleanup_free char *text = conf(f, "container:cache-sentinel-1");
    expect_lines(text,
                 (const char *const[]){"# 2 of 3 for mymaster", "sentinel announce-ip gateway", "port ?",
                                       "requirepass ***", "-sentinel monitor", "-dir", "-masterauth",
                                       "-replica-announce-ip", "-sentinel resolve-hostnames", NULL});
    const struct plan_run *run = run_of(f, "container:cache-sentinel-1");
    assert_int_equal(run->mount_count, 0);
    assert_true(run->ephemeral);
    assert_string_equal(run->user, "redis");
    assert_non_null(strstr(run->command[0].parts[0].text, "--sentinel"));
    assert_null(strstr(run->command[0].parts[0].text, "docker-entrypoint"));
    assert_int_equal(run_of(f, "container:cache-1")->mount_count, 1);
    assert_null(plan_find(f->plan, "container:cache-3"));
    assert_null(plan_find(f->plan, "container:cache-sentinel-4"));
}

static char *id_line(const struct fixture *f, const char *node)
{
    cleanup_free char *text = conf(f, node);
    const char *at = strstr(text, "sentinel myid ");
    assert_non_null(at);
    return xstrndup(at, strcspn(at, "\n"));
}

static void a_sentinel_is_called_the_same_at_each_start_and_like_no_other(void **state)
{
    struct fixture *f = *state;
    lower_as(f, &watched, false);
    cleanup_free char *first = id_line(f, "container:cache-sentinel-1");
    cleanup_free char *second = id_line(f, "container:cache-sentinel-2");
    lower_as(f, &watched, true);
    cleanup_free char *again = id_line(f, "container:cache-sentinel-1");
    assert_int_equal(strlen(first), strlen("sentinel myid ") + 40);
    assert_string_not_equal(first, second);
    assert_string_equal(first, again);
}

static void one_that_is_to_watch_otherwise_is_another_one(void **state)
{
    struct fixture *f = *state;
    struct model_topology other = watched;
    lower_as(f, &watched, false);
    cleanup_free char *before = xstrdup(plan_find(f->plan, "container:cache-sentinel-1")->spec_hash);
    cleanup_free char *server = xstrdup(plan_find(f->plan, "container:cache-1")->spec_hash);
    other.primary_name = "other";
    lower_as(f, &other, false);
    assert_string_not_equal(plan_find(f->plan, "container:cache-sentinel-1")->spec_hash, before);
    assert_string_equal(plan_find(f->plan, "container:cache-1")->spec_hash, server);
}

static void native_sentinels_write_into_a_file_of_their_own(void **state)
{
    struct fixture *f = *state;
    f->context.engine_kind = "native";
    lower_as(f, &watched, false);
    cleanup_free char *text = input(f, "process:cache-sentinel-2");
    expect_lines(text, (const char *const[]){"sentinel announce-ip 127.0.0.1", "bind 127.0.0.1", NULL});
    const struct plan_run *run = run_of(f, "process:cache-sentinel-2");
    assert_string_equal(run->command[run->command_count - 1].parts[0].text,
                        "/s/scratch/cache-sentinel-2/sentinel.conf");
}

static void engines_elsewhere_may_have_a_name(void **state)
{
    struct fixture *f = *state;
    f->context.remote_engine = true;
    f->context.published_host = "engine.example";
    f->resources[0].redis.bind_address = "0.0.0.0";
    lower_as(f, &watched, false);
    cleanup_free char *text = conf(f, "container:cache-sentinel-1");
    expect_lines(text, (const char *const[]){"sentinel announce-ip engine.example",
                                             "sentinel resolve-hostnames yes",
                                             "sentinel announce-hostnames yes", NULL});
}

/* A cluster's nodes would answer MEET NAME with "Invalid node address". */
static void clusters_elsewhere_have_an_address(void **state)
{
    struct fixture *f = *state;
    struct model_topology topology = cluster;
    struct error *problems = NULL;
    size_t count = 0;
    topology.pos = (struct model_pos){"/x/apphost.yaml", 3, 5};
    f->context.remote_engine = true;
    f->context.published_host = "engine.example";
    f->resources[0].redis.bind_address = "0.0.0.0";
    f->resources[0].redis.topology = topology;
    assert_null(plan_lower(&f->model, &f->context, &problems, &count));
    assert_int_equal(count, 1); /* not once a node */
    assert_int_equal(problems[0].source.line, 3);
    assert_non_null(strstr(problems[0].text, "take no names"));
    error_clear(&problems[0]);
    free(problems);

    f->context.published_host = "192.0.2.7";
    lower_as(f, &cluster, false);
    cleanup_free char *text = conf(f, "container:cache-1");
    expect_lines(text, (const char *const[]){"cluster-announce-ip 192.0.2.7", NULL});
}

static void consumers_get_the_sentinels_and_whom_to_ask_for(void **state)
{
    struct fixture *f = *state;
    lower_as(f, &watched, true);
    expect(f, "ConnectionStrings__cache",
           "gateway:?,gateway:?,gateway:?,serviceName=mymaster,password=***,ssl=true");
    expect(f, "CACHE_SENTINELS", "gateway:?,gateway:?,gateway:?");
    expect(f, "CACHE_SENTINEL_NAME", "mymaster");
    expect(f, "CACHE_NODES", "gateway:?,gateway:?");
    expect(f, "CACHE_URI", "rediss://default:***@gateway:?");
}

/* Who finds a server by them uses the same credentials there; of what it may do with keys nothing is left. */
static void sentinels_know_the_users(void **state)
{
    static struct model_user user = {.name = "app", .acl = "~app:* +@write"};
    struct fixture *f = *state;
    f->resources[0].redis.users = &user;
    f->resources[0].redis.user_count = 1;
    lower_as(f, &watched, false);
    const struct plan_run *server = run_of(f, "container:cache-2");
    const struct plan_run *sentinel = run_of(f, "container:cache-sentinel-1");
    assert_string_equal(server->users[0].acl, "~app:* +@write");
    assert_int_equal(sentinel->user_count, 1);
    assert_string_equal(sentinel->users[0].name, "app");
    assert_string_equal(sentinel->users[0].password.parts[0].text, server->users[0].password.parts[0].text);
    assert_non_null(strstr(sentinel->users[0].acl, "+sentinel|get-master-addr-by-name"));
    assert_null(strstr(sentinel->users[0].acl, "write"));
}

/* ---- TLS ---- */

static void all_links_are_encrypted_where_the_server_is(void **state)
{
    struct fixture *f = *state;
    static const char *const servers[] = {"port 0",
                                          "tls-port ?",
                                          "tls-replication yes",
                                          "tls-ca-cert-file /dev/shm/apphost-cert.pem",
                                          "masterauth ***",
                                          "-tls-cluster",
                                          NULL};
    static const char *const sentinels[] = {"port 0", "tls-replication yes", "-tls-cluster", NULL};
    static const char *const members[] = {"port 0", "tls-replication yes", "tls-cluster yes", NULL};
    static const char *const plain[] = {"port ?", "-tls-", NULL};

    lower_as(f, &watched, true);
    cleanup_free char *server = conf(f, "container:cache-2");
    expect_lines(server, servers);
    cleanup_free char *sentinel = conf(f, "container:cache-sentinel-1");
    expect_lines(sentinel, sentinels);
    lower_as(f, &cluster, true);
    cleanup_free char *member = conf(f, "container:cache-2");
    expect_lines(member, members);
    lower_as(f, &cluster, false);
    cleanup_free char *open = conf(f, "container:cache-2");
    expect_lines(open, plain);
}

static void certificates_of_nodes_at_the_gateway_are_made_late(void **state)
{
    struct fixture *f = *state;
    lower_as(f, &cluster, true);
    const struct plan_secret *cert = plan_find_secret(f->plan, "cache-tls-cert");
    assert_string_equal(cert->issued, "/c/shop-0123abcd-cache");
    assert_string_equal(plan_find_secret(f->plan, "cache-tls-key")->issued, cert->issued);
    assert_null(plan_find_secret(f->plan, "cache-tls-ca")->issued);

    /* Where addresses are known, whoever sends the plan makes them. */
    f->context.engine_kind = "native";
    lower_as(f, &cluster, true);
    assert_null(plan_find_secret(f->plan, "cache-tls-cert")->issued);
    cleanup_free char *text = input(f, "process:cache-1");
    expect_lines(text, (const char *const[]){"tls-cluster yes", "tls-ca-cert-file \"/c/ca.pem\"", NULL});
}

static void a_single_server_has_no_links(void **state)
{
    struct fixture *f = *state;
    lower_as(f, &(struct model_topology){0}, true);
    cleanup_free char *text = conf(f, "container:cache");
    expect_lines(text, (const char *const[]){"-tls-replication", "-tls-ca-cert-file", "tls-port 6379", NULL});
    assert_null(plan_find_secret(f->plan, "cache-tls-cert")->issued);
}

/* ---- sidecars ---- */

static void expect_of(const struct fixture *f, const char *id, const char *name, const char *wanted)
{
    cleanup_free char *value = variable(f, id, name);
    if (!str_eq(value, wanted))
        fail_msg("%s is %s, not %s", name, value ? value : "missing", wanted ? wanted : "missing");
}

static void commander_is_told_all_nodes_of_a_cluster(void **state)
{
    struct fixture *f = *state;
    f->resources[0].redis.commander.on = true;
    lower_as(f, &cluster, false);
    expect_of(f, "container:rediscommander", "NODE_CONFIG",
              "{\"connections\":[{\"label\":\"cache\",\"clusters\":[{\"host\":\"gateway\",\"port\":\"?\"},"
              "{\"host\":\"gateway\",\"port\":\"?\"},{\"host\":\"gateway\",\"port\":\"?\"}],\"dbIndex\":0,"
              "\"password\":\"***\"}]}");
}

static void commander_is_told_the_sentinels(void **state)
{
    struct fixture *f = *state;
    f->resources[0].redis.commander.on = true;
    lower_as(f, &watched, true);
    expect_of(f, "container:rediscommander", "NODE_CONFIG",
              "{\"connections\":[{\"label\":\"cache\",\"sentinels\":[{\"host\":\"gateway\",\"port\":\"?\"},"
              "{\"host\":\"gateway\",\"port\":\"?\"},{\"host\":\"gateway\",\"port\":\"?\"}],\"dbIndex\":0,"
              "\"password\":\"***\",\"sentinelName\":\"mymaster\",\"sentinelPassword\":\"***\","
              "\"sentinelTLS\":{\"servername\":\"cache\",\"ca\":\"***\"},"
              "\"tls\":{\"servername\":\"cache\",\"ca\":\"***\"}}]}");
}

static void what_is_not_followed_has_an_entry_a_node(void **state)
{
    struct fixture *f = *state;
    f->resources[0].redis.commander.on = true;
    f->resources[0].redis.insight.on = true;
    lower_as(f, &replication, false);
    expect_of(
        f, "container:rediscommander", "NODE_CONFIG",
        "{\"connections\":[{\"label\":\"cache-1\",\"host\":\"gateway\",\"port\":\"?\",\"dbIndex\":0,"
        "\"password\":\"***\"},{\"label\":\"cache-2\",\"host\":\"gateway\",\"port\":\"?\",\"dbIndex\":0,"
        "\"password\":\"***\"}]}");
    expect_of(f, "container:redisinsight", "RI_REDIS_ALIAS2", "cache-2");
    expect_of(f, "container:redisinsight", "RI_REDIS_HOST2", "gateway");
    expect_of(f, "container:redisinsight", "RI_REDIS_ALIAS3", NULL);
    lower_as(f, &watched, false);
    expect_of(f, "container:redisinsight", "RI_REDIS_ALIAS2", "cache-2");
    expect_of(f, "container:redisinsight", "RI_REDIS_ALIAS3", NULL);
    lower_as(f, &cluster, false);
    expect_of(f, "container:redisinsight", "RI_REDIS_ALIAS1", "cache");
    expect_of(f, "container:redisinsight", "RI_REDIS_PORT1", "?");
    expect_of(f, "container:redisinsight", "RI_REDIS_ALIAS2", NULL);
}

/* ---- versions ---- */

/* Everything that we write, and since when servers know it: Redis' own release notes and redis.conf. */
static const struct {
    const char *name;
    int since; /* 602: 6.2 */
} directives[] = {
    {"bind", 208},
    {"protected-mode", 302},
    {"port", 100},
    {"dir", 100},
    {"save", 100},
    {"appendonly", 102},
    {"requirepass", 100},
    {"masterauth", 100},
    {"tls-port", 600},
    {"tls-cert-file", 600},
    {"tls-key-file", 600},
    {"tls-ca-cert-file", 600},
    {"tls-auth-clients", 600},
    {"tls-replication", 600},
    {"tls-cluster", 600},
    {"replica-announce-ip", 500},
    {"repl-diskless-sync-delay", 208},
    {"cluster-enabled", 300},
    {"cluster-config-file", 300},
    {"cluster-node-timeout", 300},
    {"cluster-announce-ip", 400},
    {"cluster-port", 700},
    {"sentinel myid", 302},
    {"sentinel announce-ip", 302},
    {"sentinel resolve-hostnames", 602},
    {"sentinel announce-hostnames", 602},
};

static int since(const char *line)
{
    for (size_t i = 0; i < COUNT(directives); i++) {
        size_t length = strlen(directives[i].name);
        if (!strncmp(line, directives[i].name, length) && line[length] == ' ')
            return directives[i].since;
    }
    fail_msg("since when do servers know: %s", line);
    return 0;
}

static void check_versions(const char *text, int newest)
{
    cleanup_free char *copy = xstrdup(text);
    char *rest = copy;
    for (char *line = strsep(&rest, "\n"); line; line = strsep(&rest, "\n"))
        if (*line && *line != '#' && since(line) > newest)
            fail_msg("newer than %d: %s", newest, line);
}

static void nothing_is_newer_than_the_oldest_server_that_may_be_told(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const struct model_topology *topology;
        const char *node;
        int newest;
    } rows[] = {
        {&replication, "container:cache-1", 602},
        {&watched, "container:cache-1", 602},
        {&watched, "container:cache-sentinel-1", 602},
        {&cluster, "container:cache-1", 700},
    };
    f->resources[0].redis.data = &(struct model_mount){.is_volume = true, .target = "/data"};
    for (size_t i = 0; i < 2 * COUNT(rows); i++) {
        lower_as(f, rows[i / 2].topology, i % 2);
        cleanup_free char *text = conf(f, rows[i / 2].node);
        check_versions(text, rows[i / 2].newest);
    }
}

static void refuses(struct fixture *f, const struct model_topology *topology, const char *image,
                    const char *wanted)
{
    struct error *problems = NULL;
    size_t count = 0;
    f->resources[0].redis.topology = *topology;
    f->resources[0].image = image;
    struct plan *plan = plan_lower(&f->model, &f->context, &problems, &count);
    assert_null(plan);
    assert_int_equal(count, 1);
    assert_string_equal(problems[0].text, wanted);
    error_clear(&problems[0]);
    free(problems);
}

static void what_is_too_old_for_it_is_said(void **state)
{
    struct fixture *f = *state;
    refuses(f, &cluster, "redis:6.2", "\"redis:6.2\" is too old: `cluster` needs Redis 7");
    refuses(f, &watched, "redis:5", "\"redis:5\" is too old: `sentinel` needs Redis 6.2");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(sentinels_hold_nothing_and_know_nobody_yet),
        TEST(a_sentinel_is_called_the_same_at_each_start_and_like_no_other),
        TEST(one_that_is_to_watch_otherwise_is_another_one),
        TEST(native_sentinels_write_into_a_file_of_their_own),
        TEST(clusters_elsewhere_have_an_address),
        TEST(engines_elsewhere_may_have_a_name),
        TEST(consumers_get_the_sentinels_and_whom_to_ask_for),
        TEST(sentinels_know_the_users),
        TEST(all_links_are_encrypted_where_the_server_is),
        TEST(certificates_of_nodes_at_the_gateway_are_made_late),
        TEST(a_single_server_has_no_links),
        TEST(commander_is_told_all_nodes_of_a_cluster),
        TEST(commander_is_told_the_sentinels),
        TEST(what_is_not_followed_has_an_entry_a_node),
        TEST(nothing_is_newer_than_the_oldest_server_that_may_be_told),
        TEST(what_is_too_old_for_it_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
