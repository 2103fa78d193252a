/* Whom the rules of replication take for the primary, and what they tell the others. Pure: what is seen is
 * made up, what is told is read. */
#include "topology/internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

enum { COUNT = 3, PORT = 7001 };

static const struct topology_options options = {
    .kind = MODEL_TOPOLOGY_REPLICATION, .shards = 1, .count = COUNT};
static struct member members[COUNT];
static int last, alone;

static void see_primary(int index, int64_t offset)
{
    static const char *const names[] = {"cache-1", "cache-2", "cache-3"};
    seen_clear(&members[index].seen);
    members[index] =
        (struct member){.name = names[index], .host = "10.0.0.1", .port = PORT + index, .is_here = true};
    members[index].seen = (struct topology_seen){.is_known = true, .role = ROLE_PRIMARY, .offset = offset};
    members[index].seen.fed = xstrdup(" 7001 7002 7003 ");
}

static void see_replica(int index, int of, bool is_linked)
{
    see_primary(index, 0);
    members[index].seen.role = ROLE_REPLICA;
    members[index].seen.of_host = xstrdup("10.0.0.1");
    members[index].seen.of_port = PORT + of;
    members[index].seen.is_linked = is_linked;
}

static int fresh(void **state)
{
    (void)state;
    last = NOBODY;
    alone = 0;
    for (int i = 0; i < COUNT; i++)
        see_primary(i, 0);
    return 0;
}

static int end(void **state)
{
    (void)state;
    for (int i = 0; i < COUNT; i++)
        seen_clear(&members[i].seen);
    return 0;
}

/* "2: REPLICAOF 10.0.0.1 7001; " for all orders. */
static char *judged(struct judgement *out)
{
    const struct standing standing = {&options, members, last, alone};
    struct strbuf text = {0};
    *out = (struct judgement){.primary = NOBODY};
    rules_of(options.kind)->judge(&standing, out);
    for (size_t i = 0; i < out->order_count; i++) {
        strbuf_addf(&text, "%zu:", out->orders[i].to + 1);
        for (size_t w = 0; w < out->orders[i].words.count; w++)
            strbuf_addf(&text, " %s", out->orders[i].words.items[w]);
        strbuf_adds(&text, "; ");
    }
    return strbuf_take(&text);
}

static void expect(int primary, const char *orders)
{
    struct judgement out;
    cleanup_free char *said = judged(&out);
    assert_string_equal(said, orders);
    assert_int_equal(out.primary, primary);
    judgement_clear(&out);
}

static void expect_trouble(bool is_formed, const char *trouble)
{
    struct judgement out;
    cleanup_free char *said = judged(&out);
    assert_int_equal(out.is_formed, is_formed);
    assert_string_equal(out.trouble ? out.trouble : "", trouble);
    judgement_clear(&out);
}

static void all_alike(void **state)
{
    (void)state;
    expect(0, "2: REPLICAOF 10.0.0.1 7001; 3: REPLICAOF 10.0.0.1 7001; ");
    expect_trouble(false, "cache-2 is no replica of cache-1 yet");
}

static void formed(void **state)
{
    (void)state;
    see_replica(1, 0, true);
    see_replica(2, 0, false);
    expect(0, "");
    expect_trouble(false, "cache-3 has no link to cache-1");
    see_replica(2, 0, true);
    expect_trouble(true, "");
    strcpy(members[0].seen.fed, " 7002 ");
    expect_trouble(false, "cache-1 does not feed cache-3 yet");
}

/* It came back by itself: others follow another one now. */
static void a_former_primary_follows(void **state)
{
    (void)state;
    see_primary(1, 10);
    see_replica(2, 1, true);
    see_primary(0, 500);
    expect(1, "1: REPLICAOF 10.0.0.1 7002; ");
}

/* Servers that come back with their data: who has seen most was primary. */
static void most_changes_win(void **state)
{
    (void)state;
    see_primary(1, 77);
    see_primary(2, 76);
    expect(1, "1: REPLICAOF 10.0.0.1 7002; 3: REPLICAOF 10.0.0.1 7002; ");
}

/* Two nodes of which the replica has restarted, with nothing that would tell them apart. */
static void who_was_it_last_stays(void **state)
{
    (void)state;
    last = 2;
    expect(2, "1: REPLICAOF 10.0.0.1 7003; 2: REPLICAOF 10.0.0.1 7003; ");
    see_replica(2, 0, true); /* a failover that somebody else made */
    expect(0, "2: REPLICAOF 10.0.0.1 7001; ");
}

static void nobody_is_primary(void **state)
{
    (void)state;
    see_replica(0, 2, false);
    see_replica(1, 2, false);
    see_replica(2, 0, false);
    expect(2, ""); /* somebody hands over */
    expect_trouble(false, "nobody is primary");
    alone = ROUNDS_ALONE;
    expect(2, "3: REPLICAOF NO ONE; ");
}

static void somebody_is_away(void **state)
{
    (void)state;
    see_replica(1, 0, true);
    members[2].seen.is_known = false;
    expect(0, "");
    expect_trouble(false, "cache-3 does not answer");
    members[2].is_here = false;
    expect_trouble(false, "cache-3 does not run");
    seen_clear(&members[2].seen);
    members[2] = (struct member){0};
    expect_trouble(false, "1 of its 3 nodes do not run yet");
}

/* A replica of something that is none of ours is told who it belongs to. */
static void a_strange_primary(void **state)
{
    (void)state;
    see_replica(1, 0, true);
    see_replica(2, 0, true);
    free(members[2].seen.of_host);
    members[2].seen.of_host = xstrdup("10.9.9.9");
    expect(0, "3: REPLICAOF 10.0.0.1 7001; ");
}

static void reads_roles(void **state)
{
    struct topology_seen seen = {0};
    char slave[] = "slave", host[] = "10.0.0.1", link[] = "sync", other[] = "sentinel", error[] = "NOPERM";
    struct resp_reply words[] = {
        {.type = RESP_STRING, .str = slave, .len = 5}, {.type = RESP_STRING, .str = host, .len = 8},
        {.type = RESP_INTEGER, .integer = 7001},       {.type = RESP_STRING, .str = link, .len = 4},
        {.type = RESP_INTEGER, .integer = -1},
    };
    struct resp_reply reply = {.type = RESP_ARRAY, .elements = words, .count = 5};
    (void)state;

    assert_true(seen_read_role(&seen, &reply));
    assert_int_equal(seen.role, ROLE_REPLICA);
    assert_false(seen.is_linked);
    reply.count = 3;
    assert_false(seen_read_role(&seen, &reply));
    words[0].str = other;
    words[0].len = 8;
    assert_false(seen_read_role(&seen, &reply));
    char master[] = "master", port[] = "7002";
    struct resp_reply row[] = {{.type = RESP_STRING, .str = host, .len = 8},
                               {.type = RESP_STRING, .str = port, .len = 4}};
    struct resp_reply rows[] = {{.type = RESP_ARRAY, .elements = row, .count = 2}};
    words[0].str = master;
    words[0].len = 6;
    words[1] = (struct resp_reply){.type = RESP_INTEGER, .integer = 77};
    words[2] = (struct resp_reply){.type = RESP_ARRAY, .elements = rows, .count = 1};
    assert_true(seen_read_role(&seen, &reply));
    assert_int_equal(seen.role, ROLE_PRIMARY);
    assert_int_equal(seen.offset, 77);
    assert_string_equal(seen.fed, " 7002 ");
    reply = (struct resp_reply){.type = RESP_ERROR, .str = error};
    assert_false(seen_read_role(&seen, &reply));
    seen_clear(&seen);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(all_alike, fresh, end),
        cmocka_unit_test_setup_teardown(formed, fresh, end),
        cmocka_unit_test_setup_teardown(a_former_primary_follows, fresh, end),
        cmocka_unit_test_setup_teardown(most_changes_win, fresh, end),
        cmocka_unit_test_setup_teardown(who_was_it_last_stays, fresh, end),
        cmocka_unit_test_setup_teardown(nobody_is_primary, fresh, end),
        cmocka_unit_test_setup_teardown(somebody_is_away, fresh, end),
        cmocka_unit_test_setup_teardown(a_strange_primary, fresh, end),
        cmocka_unit_test(reads_roles),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
