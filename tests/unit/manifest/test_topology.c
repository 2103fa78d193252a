/* Several servers that are one: how many nodes `replication` and `cluster` come to, and what of a server's
 * other fields does not go with them. */
#include "fixture.h"

#include <string.h>

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_open, fixture_close)
#define COUNT(list) (sizeof(list) / sizeof *(list))

struct refusal {
    const char *fields, *wanted, *hint; /* hint NULL: none is looked for */
};

static void refuse(struct fixture *f, const char *kind, const struct refusal *row)
{
    cleanup_free char *text = xasprintf("resources:\n  a: {type: %s, %s}\n", kind, row->fields);
    fixture_bad(f, text, row->wanted);
    if (row->hint && !strstr(strbuf_text(&f->printed), row->hint))
        fail_msg("wanted \"%s\" in:\n%s", row->hint, strbuf_text(&f->printed));
}

/* ---- how many there are ---- */

static void a_topology_says_how_many_nodes_it_has(void **state)
{
    static const struct {
        const char *field;
        enum model_topology_kind kind;
        int shards, replicas, nodes;
    } rows[] = {
        {"replication: {replicas: 1}", MODEL_TOPOLOGY_REPLICATION, 1, 1, 2},
        {"replication: {replicas: 99}", MODEL_TOPOLOGY_REPLICATION, 1, 99, 100},
        {"cluster: true", MODEL_TOPOLOGY_CLUSTER, 3, 0, 3},
        {"cluster: {}", MODEL_TOPOLOGY_CLUSTER, 3, 0, 3},
        {"cluster: {shards: 1}", MODEL_TOPOLOGY_CLUSTER, 1, 0, 1},
        {"cluster: {replicas: 2}", MODEL_TOPOLOGY_CLUSTER, 3, 2, 9},
        {"sentinel: true", MODEL_TOPOLOGY_SENTINEL, 1, 2, 6},
        {"sentinel: {replicas: 1, sentinels: 5}", MODEL_TOPOLOGY_SENTINEL, 1, 1, 7},
        {"cluster: {shards: 50, replicas: 1}", MODEL_TOPOLOGY_CLUSTER, 50, 1, 100},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        cleanup_free char *text = xasprintf("resources:\n  a: {type: redis, %s}\n", rows[i].field);
        const struct model_resource *a = model_find(fixture_good(*state, text), "a");
        const struct model_topology *topology = model_topology(a);
        assert_int_equal(topology->kind, rows[i].kind);
        assert_int_equal(topology->shards, rows[i].shards);
        assert_int_equal(topology->replicas, rows[i].replicas);
        assert_int_equal(model_replica_count(a), rows[i].nodes);
        assert_int_equal(topology->pos.line, 2);
    }
}

static void without_one_it_is_one_server(void **state)
{
    const struct model *model =
        fixture_good(*state, "resources:\n  a: {type: valkey, cluster: false}\n  b: redis\n");
    assert_null(model_topology(model_find(model, "a")));
    assert_null(model_topology(model_find(model, "b")));
    assert_int_equal(model_replica_count(model_find(model, "a")), 0);
}

/* What was said to be none leaves room for the other. */
static void no_cluster_may_be_replicated(void **state)
{
    const struct model *model =
        fixture_good(*state, "resources:\n  a: {type: redis, cluster: false, replication: {replicas: 2}}\n");
    assert_int_equal(model_topology(model_find(model, "a"))->kind, MODEL_TOPOLOGY_REPLICATION);
}

static void each_number_has_its_bounds(void **state)
{
    static const struct refusal rows[] = {
        {"replication: {}", "2:33: error: `replication` needs `replicas`, how many there are", NULL},
        {"replication: {replicas: 0}", "2:44: error: `replicas` must be from 1 to 99", NULL},
        {"replication: {replicas: 100}", "2:44: error: `replicas` must be from 1 to 99", NULL},
        {"replication: true", "2:33: error: `replication` must be {replicas}, not `true`", NULL},
        {"replication: {replica: 1}", "2:34: error: `replication` has no field `replica`",
         "did you mean `replicas`?"},
        {"cluster: {shards: 0}", "2:38: error: `shards` must be from 1 to 16384", NULL},
        {"cluster: {replicas: -1}", "2:40: error: `replicas` must be from 0 to 99", NULL},
        {"cluster: {shards: 101}", "2:29: error: a cluster of 101 nodes: at most 100 can be had here", NULL},
        {"cluster: {shards: 34, replicas: 2}",
         "2:29: error: a cluster of 102 nodes: at most 100 can be had here", NULL},
        {"sentinel: {sentinels: 10}", "2:42: error: `sentinels` must be from 1 to 9", NULL},
        {"sentinel: {replicas: 0}", "2:41: error: `replicas` must be from 1 to 99", NULL},
        {"sentinel: {quorum: 4}", "2:39: error: a `quorum` of 4: there are 3 sentinels", NULL},
        {"sentinel: {sentinels: 1, quorum: 2}", "2:53: error: a `quorum` of 2: there are 1 sentinels", NULL},
        {"sentinel: {primary_name: my main}",
         "2:45: error: `my main` cannot be the name of a primary: a name has only ASCII letters, digits and "
         "hyphens",
         "for example `my-main`"},
        {"sentinel: 3",
         "2:30: error: `sentinel` must be true, or {replicas, sentinels, quorum, primary_name}, not `3`",
         NULL},
        {"cluster: 3", "2:29: error: `cluster` must be true, or {shards, replicas}, not `3`", NULL},
        {"cluster: {nodes: 3}", "2:30: error: `cluster` has no field `nodes`", NULL},
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        refuse(*state, "redis", &rows[i]);
}

/* As few as a failover can do with. */
static void a_quorum_is_more_than_half(void **state)
{
    static const int quorums[] = {1, 2, 2, 3, 3};
    for (int i = 1; i <= 5; i++) {
        cleanup_free char *text = xasprintf("resources:\n  a: {type: redis, sentinel: {sentinels: %d}}\n", i);
        const struct model_topology *topology = model_topology(model_find(fixture_good(*state, text), "a"));
        assert_int_equal(topology->quorum, quorums[i - 1]);
        assert_string_equal(topology->primary_name, "mymaster");
    }
}

static void sentinels_have_names_of_their_own(void **state)
{
    const struct model *model =
        fixture_good(*state, "resources:\n  a: {type: redis, sentinel: {replicas: 1}}\n  a-3: redis\n");
    cleanup_free char *last = model_replica_name(model_find(model, "a"), 5);
    assert_string_equal(last, "a-sentinel-3");
    fixture_bad(*state, "resources:\n  a: {type: redis, sentinel: true}\n  a-sentinel-3: redis\n",
                "3:3: error: `a-sentinel-3` is the name of a replica of `a` already");
    fixture_good(*state, "resources:\n  a: {type: redis, sentinel: true}\n  a-sentinel: redis\n");
    fixture_bad(*state,
                "resources:\n  a: {type: redis, sentinel: true}\n  a-sentinel: {type: process, command: [x], "
                "replicas: 2}\n",
                "3:3: error: the replicas of `a-sentinel` would be called like the sentinels of `a`");
}

/* ---- what does not go with it ---- */

static void what_nodes_cannot_share_is_refused(void **state)
{
    static const struct refusal rows[] = {
        {"replication: {replicas: 1}, cluster: true",
         "2:57: error: a server is a `replication` or a `cluster`, not both", "see line 2"},
        {"cluster: true, replication: {replicas: 1}",
         "2:48: error: a server is a `cluster` or a `replication`, not both", "see line 2"},
        {"cluster: true, data_bind_mount: .", "2:52: error: the nodes of `a` cannot share one folder",
         "use `data_volume: true`: each of them has its own then"},
        {"cluster: true, data_volume: {name: v, external: true}",
         "2:48: error: the nodes of `a` cannot share one volume",
         "leave `external` out: each of them has its own then"},
        {"replication: {replicas: 1}, data_volume: {name: v, read_only: true}",
         "2:61: error: the nodes of `a` have to write what they are told", NULL},
        {"cluster: true, network: host",
         "2:44: error: `network: host` does not go with `cluster`: its nodes have addresses of their own",
         NULL},
        {"replication: {replicas: 1}, tls: {cert: c.pem, key: k.pem}",
         "2:53: error: a certificate of your own does not go with `replication`: it cannot name addresses "
         "that are chosen late",
         "`tls: true` makes one that does"},
        {"cluster: true, host_port: 65534",
         "2:46: error: the 3 nodes of `a` have the ports from 65534 on: there are not as many", NULL},
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        refuse(*state, "redis", &rows[i]);
}

static void nodes_have_the_ports_from_theirs_on(void **state)
{
    fixture_bad(*state,
                "resources:\n  a: {type: redis, cluster: true, host_port: 7000}\n"
                "  b: {type: redis, host_port: 7002}\n",
                "3:31: error: port 7002 belongs to `a` already");
    fixture_bad(*state,
                "resources:\n  a: {type: redis, host_port: 7001}\n"
                "  b: {type: redis, sentinel: true, host_port: 7000}\n",
                "3:47: error: port 7001 belongs to `a` already");
    fixture_good(*state, "resources:\n  a: {type: redis, cluster: true, host_port: 7000}\n"
                         "  b: {type: redis, host_port: 7003}\n");
}

static void a_cluster_has_one_database(void **state)
{
    fixture_bad(*state, "resources:\n  a: {type: redis, cluster: true, config: {databases: 4}}\n",
                "2:55: error: the directive `databases` does not go with a `cluster`: it has one");
    fixture_good(*state,
                 "resources:\n  a: {type: redis, replication: {replicas: 1}, config: {databases: 4}}\n");
}

static void the_last_ports_are_enough_for_as_many(void **state)
{
    const struct model *model =
        fixture_good(*state, "resources:\n  a: {type: redis, cluster: true, host_port: 65533}\n");
    assert_int_equal(model_find(model, "a")->redis.host_port, 65533);
}

static void all_of_them_can_be_filled(void **state)
{
    static const char *const kinds[] = {"cluster: true", "sentinel: true", "replication: {replicas: 1}"};
    fixture_write("fill.redis", "SET a 1\n");
    for (size_t i = 0; i < COUNT(kinds); i++) {
        cleanup_free char *text =
            xasprintf("resources:\n  a: {type: redis, %s, seed: fill.redis}\n", kinds[i]);
        assert_int_equal(model_find(fixture_good(*state, text), "a")->redis.seed_count, 1);
    }
}

static void garnet_is_one_server(void **state)
{
    static const struct refusal rows[] = {
        {"cluster: true", "2:30: error: garnet has no `cluster` here", NULL},
        {"sentinel: true", "2:31: error: garnet has no `sentinel` here", NULL},
        {"replication: {replicas: 1}", "2:34: error: garnet has no `replication` here", NULL},
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        refuse(*state, "garnet", &rows[i]);
}

static void what_apphost_tells_the_nodes_is_not_the_users(void **state)
{
    static const char *const told[] = {"cluster-enabled",      "Replicaof",          "masterauth",
                                       "replica-announce-ip",  "SLAVE-READ-ONLY",    "primaryuser",
                                       "cluster-announce-bus", "cluster-config-file"};
    for (size_t i = 0; i < COUNT(told); i++) {
        cleanup_free char *fields = xasprintf("cluster: true, config: {%s: x}", told[i]);
        cleanup_free char *wanted =
            xasprintf("2:%zu: error: the directive `%s` belongs to apphost in a `cluster`",
                      strlen("  a: {type: redis, cluster: true, config: {: ") + strlen(told[i]) + 1, told[i]);
        const struct refusal row = {fields, wanted, NULL};
        refuse(*state, "redis", &row);
    }

    fixture_good(*state,
                 "resources:\n  a: {type: redis, cluster: true, config: {cluster-node-timeout: 5000}}\n");
}

/* ---- names and numbers of a project ---- */

static void a_nodes_name_is_taken(void **state)
{
    fixture_bad(*state, "resources:\n  a: {type: redis, cluster: true}\n  A-3: redis\n",
                "3:3: error: `A-3` is the name of a replica of `a` already");
    fixture_good(*state, "resources:\n  a: {type: redis, cluster: true}\n  a-4: redis\n");
    fixture_bad(*state, "resources:\n  a: {type: redis, replication: {replicas: 1}, insight: {name: a-2}}\n",
                "2:64: error: `a-2` is the name of a replica of `a` already");
}

/* Told once, at the one that is too many. */
static void a_project_has_a_thousand_at_most(void **state)
{
    struct fixture *f = *state;
    cleanup_strbuf struct strbuf text = {0};
    strbuf_adds(&text, "resources:\n");
    for (int i = 0; i < 10; i++)
        strbuf_addf(&text, "  n%c: {type: redis, cluster: {shards: 100}}\n", 'a' + i);
    fixture_good(f, strbuf_text(&text));

    strbuf_adds(&text, "  last: {type: process, command: [x], replicas: 1}\n  more: {type: redis, cluster: "
                       "true}\n");
    fixture_bad(f, strbuf_text(&text), "error: a project has at most 1000 replicas, all resources together");
    assert_int_equal(f->problems.errors, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_topology_says_how_many_nodes_it_has),
        TEST(without_one_it_is_one_server),
        TEST(no_cluster_may_be_replicated),
        TEST(each_number_has_its_bounds),
        TEST(a_quorum_is_more_than_half),
        TEST(sentinels_have_names_of_their_own),
        TEST(what_nodes_cannot_share_is_refused),
        TEST(nodes_have_the_ports_from_theirs_on),
        TEST(a_cluster_has_one_database),
        TEST(the_last_ports_are_enough_for_as_many),
        TEST(all_of_them_can_be_filled),
        TEST(garnet_is_one_server),
        TEST(what_apphost_tells_the_nodes_is_not_the_users),
        TEST(a_nodes_name_is_taken),
        TEST(a_project_has_a_thousand_at_most),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
