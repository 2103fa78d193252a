/* What the rules of clusters tell their members. Pure: tables are made up, orders are read. */
#include "topology/cluster.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 6, PORT = 7001, BUS = 9001 };

static struct topology_options options;
static struct member members[MOST];
static bool was_final;

static void id_of(char *out, int number)
{
    snprintf(out, CLUSTER_ID + 1, "%040d", number);
}

/* Nobody is known, nothing is given. */
static void start(int shards, int count)
{
    static const char *const names[] = {"c-1", "c-2", "c-3", "c-4", "c-5", "c-6"};
    options =
        (struct topology_options){.kind = MODEL_TOPOLOGY_CLUSTER, .shards = shards, .count = (size_t)count};
    for (int i = 0; i < MOST; i++) {
        seen_clear(&members[i].seen);
        members[i] = (struct member){.name = names[i], .host = "10.0.0.1", .port = PORT + i};
        members[i].bus_port = BUS + i;
        members[i].is_here = true;
    }
}

static void add_line(struct strbuf *text, int number, const char *flags, const char *rest)
{
    char id[CLUSTER_ID + 1];
    id_of(id, number);
    strbuf_addf(text, "%s 10.0.0.1:%d@%d %s %s\n", id, PORT + number, BUS + number, flags, rest);
}

/* lines: further ones. slots: its own. */
static void see(int index, const char *slots, const char *lines)
{
    cleanup_strbuf struct strbuf text = {0};
    cleanup_free char *rest = xasprintf("- 0 0 %d connected %s", *slots ? index + 1 : 0, slots);
    add_line(&text, index, "myself,master", rest);
    strbuf_adds(&text, lines);
    seen_clear(&members[index].seen);
    members[index].seen = (struct topology_seen){.is_known = true, .role = ROLE_PRIMARY};
    members[index].seen.table = cluster_table_read(strbuf_text(&text));
    assert_non_null(members[index].seen.table);
    members[index].seen.table->is_ok = true;
}

static const char *const thirds[] = {"0-5461", "5462-10923", "10924-16383"};

/* All know all; the first three have the slots. */
static void see_mesh(int count)
{
    for (int i = 0; i < count; i++) {
        cleanup_strbuf struct strbuf lines = {0};
        for (int j = 0; j < count; j++) {
            cleanup_free char *rest = xasprintf("- 0 0 %d connected %s", j + 1, j < 3 ? thirds[j] : "");
            if (j != i)
                add_line(&lines, j, "master", rest);
        }
        see(i, i < 3 ? thirds[i] : "", strbuf_text(&lines));
    }
}

static void expect(const char *orders, const char *trouble)
{
    const struct standing standing = {&options, members, NOBODY, 0};
    struct judgement out = {.primary = NOBODY};
    cleanup_strbuf struct strbuf text = {0};
    rules_of(options.kind)->judge(&standing, &out);
    for (size_t i = 0; i < out.order_count; i++) {
        strbuf_addf(&text, "%zu:", out.orders[i].to + 1);
        for (size_t w = 1; w < out.orders[i].words.count; w++)
            strbuf_addf(&text, " %s", out.orders[i].words.items[w]);
        strbuf_adds(&text, "; ");
    }
    assert_string_equal(strbuf_text(&text), orders);
    assert_string_equal(out.trouble ? out.trouble : "", trouble);
    assert_int_equal(out.is_formed, !*trouble);
    was_final = out.is_final;
    judgement_clear(&out);
}

/* Nothing is done about it, and nothing will end it. */
static void expect_final(const char *trouble)
{
    expect("", trouble);
    assert_true(was_final);
}

/* Nothing is to be done: the servers do the rest. */
static void expect_trouble(const char *trouble)
{
    expect("", trouble);
    assert_false(was_final);
}

static int end(void **state)
{
    (void)state;
    start(0, 0);
    return 0;
}

static void a_cold_start_is_one_round(void **state)
{
    (void)state;
    start(3, 3);
    for (int i = 0; i < 3; i++)
        see(i, "", "");
    expect("1: ADDSLOTSRANGE 0 5461; 1: SET-CONFIG-EPOCH 1; "
           "2: ADDSLOTSRANGE 5462 10923; 2: SET-CONFIG-EPOCH 2; "
           "3: ADDSLOTSRANGE 10924 16383; 3: SET-CONFIG-EPOCH 3; "
           "1: MEET 10.0.0.1 7002 9002; 1: MEET 10.0.0.1 7003 9003; 2: MEET 10.0.0.1 7003 9003; ",
           "slots are being given to their nodes");
}

static void who_shakes_hands_is_left_alone(void **state)
{
    (void)state;
    start(3, 3);
    for (int i = 0; i < 3; i++)
        see(i, thirds[i],
            i ? ""
              : "ffffffffffffffffffffffffffffffffffffffff 10.0.0.1:7002@9002 handshake - 0 0 "
                "0 connected\n");
    expect("1: MEET 10.0.0.1 7003 9003; 2: MEET 10.0.0.1 7003 9003; ", "c-1 has not met c-2 yet");
}

static void a_mesh_with_all_slots_is_formed(void **state)
{
    (void)state;
    start(3, 3);
    see_mesh(3);
    expect("", "");
    members[1].seen.table->is_ok = false;
    expect_trouble("c-2 says that the cluster is not ok");
}

static void make_replica(int index, int of)
{
    struct cluster_table *table = members[index].seen.table;
    struct cluster_peer *self = &table->peers[table->self];
    self->is_replica = true;
    id_of(self->of, of);
    *self->slots = '\0';
}

/* All members are there and know each other: whether it is one is what each of them says. */
static void a_mesh_may_not_be_one_yet(void **state)
{
    (void)state;
    start(3, 3);
    see_mesh(3);
    struct cluster_peer *second = &members[2].seen.table->peers[2];
    second->slots[strlen(second->slots) - 2] = '0';
    expect_trouble("c-3 does not know yet who has which slots");

    see_mesh(3);
    struct cluster_table *table = members[1].seen.table;
    table->peers = realloc(table->peers, (table->count + 1) * sizeof *table->peers);
    table->peers[table->count] =
        (struct cluster_peer){.id = "a", .is_handshake = true, .slots = calloc(1, 1)};
    table->count++;
    expect_trouble("c-2 knows 4 nodes of 3");

    start(3, 4);
    see_mesh(4);
    make_replica(3, 0);
    members[3].seen.role = ROLE_REPLICA;
    expect_trouble("c-4 has no link to its primary");
    members[3].seen.is_linked = true;
    expect_trouble("c-1 does not feed c-4 yet");
    members[0].seen.fed = xstrdup(" 7004 ");
    expect("", "");
}

/* One was away, and comes back as what it was: it will hear of it. */
static void a_primary_that_was_replaced_is_told_by_the_others(void **state)
{
    (void)state;
    start(3, 4);
    see_mesh(4);
    struct cluster_peer *fourth = &members[3].seen.table->peers[members[3].seen.table->self];
    free(fourth->slots);
    fourth->slots = strdup("0-5461 ");
    expect_trouble("a primary does not know yet that another has taken its place");
}

/* Its data are those of its replica now; the others see to that. */
static void a_lost_primary_has_a_replica(void **state)
{
    (void)state;
    start(3, 4);
    options.keeps_data = true;
    see_mesh(4);
    make_replica(3, 2);
    see(2, "", "");
    memset(members[2].seen.table->peers[0].id, 'a', CLUSTER_ID);
    expect_trouble("the node with the slots 10924-16383 has gone, and c-4 has not taken its place yet");

    struct cluster_peer *fourth = &members[3].seen.table->peers[members[3].seen.table->self];
    fourth->is_replica = false;
    free(fourth->slots);
    fourth->slots = strdup("10924-16383 ");
    expect_trouble("not everybody knows yet that c-4 has the slots of one who has gone");
}

static void replicas_go_where_they_are_needed(void **state)
{
    char first[CLUSTER_ID + 1], second[CLUSTER_ID + 1], third[CLUSTER_ID + 1];
    (void)state;
    start(3, 6);
    see_mesh(6);
    id_of(first, 0);
    id_of(second, 1);
    id_of(third, 2);
    cleanup_free char *orders =
        xasprintf("4: REPLICATE %s; 5: REPLICATE %s; 6: REPLICATE %s; ", first, second, third);
    expect(orders, "c-4 is no replica of c-1 yet");
}

/* The network has another subnet: nobody is where he was. */
static void old_addresses_are_met_anew(void **state)
{
    (void)state;
    start(3, 3);
    see_mesh(3);
    for (int i = 0; i < 3; i++)
        members[i].host = "10.0.0.9";
    expect("1: MEET 10.0.0.9 7002 9002; 1: MEET 10.0.0.9 7003 9003; 2: MEET 10.0.0.9 7003 9003; ",
           "c-1 has not met c-2 yet");
}

/* The third has lost its data, and comes as somebody else. */
static void who_lost_its_data_is_new(void **state)
{
    char former[CLUSTER_ID + 1];
    (void)state;
    start(3, 3);
    see_mesh(3);
    id_of(former, 2);
    see(2, "", "");
    memset(members[2].seen.table->peers[0].id, 'a', CLUSTER_ID);
    cleanup_free char *orders = xasprintf("1: FORGET %s; 2: FORGET %s; ", former, former);
    expect(orders, "a former node is being forgotten");
    options.keeps_data = true;
    expect_final("the node with the slots 10924-16383 has gone, and its data with it");
    options.keeps_data = false;

    see(0, thirds[0], "");
    see(1, thirds[1], "");
    memset(members[2].seen.table->peers[0].id, 'a', CLUSTER_ID);
    expect(
        "3: ADDSLOTSRANGE 10924 16383; 3: SET-CONFIG-EPOCH 3; 1: MEET 10.0.0.1 7002 9002; 1: MEET 10.0.0.1 "
        "7003 9003; 2: MEET 10.0.0.1 7003 9003; ",
        "slots are being given to their nodes");
}

static void data_of_two_clusters_are_left_alone(void **state)
{
    (void)state;
    start(3, 3);
    see_mesh(3);
    see(2, "0-16383", "");
    memset(members[2].seen.table->peers[0].id, 'b', CLUSTER_ID);
    expect_final("the data of c-1 and of c-3 are of two clusters");
}

static void slots_are_not_moved(void **state)
{
    (void)state;
    start(4, 4);
    see_mesh(4);
    expect_final("its data are of 3 shards, and 4 are wanted: slots are not moved");
}

static void tables_are_read(void **state)
{
    (void)state;
    assert_null(cluster_table_read(""));
    assert_null(cluster_table_read("ERR This instance has cluster support disabled"));
    struct cluster_table *table = cluster_table_read(
        "07c37dfeb235213a872192d90877d0cd55635b91 10.0.0.1:30004@31004,host slave "
        "e7d1eecce10fd6bb5eb35b9f99a514335d9ba9ca 0 1426238317239 4 connected\n"
        "e7d1eecce10fd6bb5eb35b9f99a514335d9ba9ca :30001@31001 myself,master - 0 0 1 connected 0-9 11 "
        "[12->-07c37dfeb235213a872192d90877d0cd55635b91]\n");
    assert_non_null(table);
    assert_int_equal(table->count, 2);
    assert_int_equal(table->self, 1);
    assert_string_equal(table->peers[0].host, "10.0.0.1");
    assert_true(table->peers[0].is_replica);
    assert_string_equal(cluster_self(table)->slots, "0-9 11 ");
    cluster_table_free(table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_cold_start_is_one_round, end),
        cmocka_unit_test_teardown(who_shakes_hands_is_left_alone, end),
        cmocka_unit_test_teardown(a_mesh_with_all_slots_is_formed, end),
        cmocka_unit_test_teardown(a_mesh_may_not_be_one_yet, end),
        cmocka_unit_test_teardown(a_primary_that_was_replaced_is_told_by_the_others, end),
        cmocka_unit_test_teardown(a_lost_primary_has_a_replica, end),
        cmocka_unit_test_teardown(replicas_go_where_they_are_needed, end),
        cmocka_unit_test_teardown(old_addresses_are_met_anew, end),
        cmocka_unit_test_teardown(who_lost_its_data_is_new, end),
        cmocka_unit_test_teardown(data_of_two_clusters_are_left_alone, end),
        cmocka_unit_test_teardown(slots_are_not_moved, end),
        cmocka_unit_test(tables_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
