/* Whom sentinels are told to watch, when who is primary is theirs to say, and when a server is told nothing
 * although it is not what it should be. Pure: what is seen is made up, what is told is read. */
#include "topology/internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

enum { SERVERS = 2, COUNT = 4, PORT = 7001 };
#define SET "SENTINEL SET main down-after-milliseconds 5000 failover-timeout 10000 auth-pass \x01; "

static const struct topology_options options = {.kind = MODEL_TOPOLOGY_SENTINEL,
                                                .shards = 1,
                                                .count = COUNT,
                                                .sentinels = COUNT - SERVERS,
                                                .quorum = 2,
                                                .primary_name = "main"};
static struct member members[COUNT];
static int alone;

static struct topology_seen *see(int index, enum seen_role role)
{
    static const char *const names[] = {"cache-1", "cache-2", "cache-sentinel-1", "cache-sentinel-2"};
    seen_clear(&members[index].seen);
    members[index] =
        (struct member){.name = names[index], .host = "h", .port = PORT + index, .is_here = true};
    members[index].seen = (struct topology_seen){.is_known = true, .role = role};
    if (role == ROLE_PRIMARY)
        members[index].seen.fed = xstrdup(" 7001 7002 ");
    return &members[index].seen;
}

static void see_of(int index, enum seen_role role, int of)
{
    struct topology_seen *seen = see(index, role);
    seen->of_host = xstrdup("h");
    seen->of_port = PORT + of;
    seen->is_linked = true;
    seen->replicas = SERVERS - 1;
    seen->others = COUNT - SERVERS - 1;
    snprintf(seen->id, sizeof seen->id, "id-%d", index);
}

/* All as it should be: cache-1 is primary, and watched. */
static int fresh(void **state)
{
    (void)state;
    alone = 0;
    see(0, ROLE_PRIMARY);
    see_of(1, ROLE_REPLICA, 0);
    see_of(2, ROLE_SENTINEL, 0);
    see_of(3, ROLE_SENTINEL, 0);
    return 0;
}

static int end(void **state)
{
    (void)state;
    for (int i = 0; i < COUNT; i++)
        seen_clear(&members[i].seen);
    return 0;
}

/* "2: REPLICAOF h 7001; " for all orders. */
static void expect(int primary, const char *orders, const char *trouble)
{
    const struct standing standing = {&options, members, NOBODY, alone};
    struct judgement out = {.primary = NOBODY};
    cleanup_strbuf struct strbuf text = {0};
    rules_of(options.kind)->judge(&standing, &out);
    for (size_t i = 0; i < out.order_count; i++) {
        strbuf_addf(&text, "%zu:", out.orders[i].to + 1);
        for (size_t w = 0; w < out.orders[i].words.count; w++)
            strbuf_addf(&text, " %s", out.orders[i].words.items[w]);
        strbuf_adds(&text, "; ");
    }
    assert_string_equal(strbuf_text(&text), orders);
    assert_string_equal(out.trouble ? out.trouble : "", trouble);
    assert_int_equal(out.is_formed, !*trouble);
    assert_int_equal(out.primary, primary);
    judgement_clear(&out);
}

static void all_is_well(void **state)
{
    (void)state;
    expect(0, "", "");
}

/* Nobody watches before all replicas have their link: then they are found at once. */
static void a_cold_start(void **state)
{
    (void)state;
    see(2, ROLE_SENTINEL);
    see(3, ROLE_SENTINEL);
    see(1, ROLE_PRIMARY);
    expect(0, "2: REPLICAOF h 7001; ", "cache-2 is no replica of cache-1 yet");
    see_of(1, ROLE_REPLICA, 0);
    members[1].seen.is_linked = false;
    expect(0, "", "cache-2 has no link to cache-1");

    members[1].seen.is_linked = true;
    strcpy(members[2].seen.id, "a");
    strcpy(members[3].seen.id, "b");
    expect(0,
           "3: SENTINEL MONITOR main h 7001 2; 3: " SET
           "3: PUBLISH __sentinel__:hello h,7004,b,0,main,h,7001,0; "
           "4: SENTINEL MONITOR main h 7001 2; 4: " SET
           "4: PUBLISH __sentinel__:hello h,7003,a,0,main,h,7001,0; ",
           "cache-sentinel-1 does not watch cache-1 yet");
}

/* It has forgotten all; who is primary is what the others say. */
static void a_sentinel_comes_back(void **state)
{
    (void)state;
    see_of(0, ROLE_REPLICA, 1);
    see(1, ROLE_PRIMARY);
    see_of(2, ROLE_SENTINEL, 1);
    see(3, ROLE_SENTINEL);
    expect(1,
           "4: SENTINEL MONITOR main h 7002 2; 4: " SET
           "4: PUBLISH __sentinel__:hello h,7003,id-2,0,main,h,7002,0; ",
           "cache-sentinel-2 does not watch cache-2 yet");
}

static void the_newest_word_counts(void **state)
{
    (void)state;
    see_of(0, ROLE_REPLICA, 1);
    see(1, ROLE_PRIMARY);
    see_of(3, ROLE_SENTINEL, 1);
    members[3].seen.offset = 5;
    expect(1, "", "cache-sentinel-1 watches cache-1 still");
}

/* While one of them sees something wrong, or does something about it, servers are told nothing. */
static void a_failover_is_left_alone(void **state)
{
    (void)state;
    alone = ROUNDS_ALONE;
    see(1, ROLE_PRIMARY);
    members[2].seen.is_linked = false;
    expect(0, "", "cache-2 is no replica of cache-1 yet");
    see_of(2, ROLE_SENTINEL, 0);
    expect(0, "2: REPLICAOF h 7001; ", "cache-2 is no replica of cache-1 yet");
    alone = ROUNDS_ALONE - 1;
    expect(0, "", "cache-2 is no replica of cache-1 yet");

    alone = ROUNDS_ALONE;
    see_of(0, ROLE_REPLICA, 1);
    expect(0, "", "cache-1 is no primary yet");
}

static void somebody_is_away(void **state)
{
    (void)state;
    members[0].is_here = false;
    expect(0, "", "cache-1 does not run");
}

static void a_primary_of_others_is_given_up(void **state)
{
    (void)state;
    see_of(3, ROLE_SENTINEL, 77);
    expect(0, "4: SENTINEL REMOVE main; ", "cache-sentinel-2 watches h:7078");
}

/* One that it remembers is gone, or one that came is not seen yet: it begins anew, now and then. */
static void numbers_have_to_be_right(void **state)
{
    (void)state;
    members[2].seen.replicas = 3;
    expect(0, "", "cache-sentinel-1 knows 3 replicas of 1, and 1 sentinels of 1");
    alone = ROUNDS_ALONE;
    expect(0, "3: SENTINEL RESET main; ", "cache-sentinel-1 knows 3 replicas of 1, and 1 sentinels of 1");
    alone = ROUNDS_ALONE + 1;
    members[2].seen.replicas = 1;
    members[2].seen.others = 0;
    expect(0, "3: PUBLISH __sentinel__:hello h,7004,id-3,0,main,h,7001,0; ",
           "cache-sentinel-1 knows 1 replicas of 1, and 0 sentinels of 1");
}

static void it_has_to_find_all_well(void **state)
{
    (void)state;
    members[3].seen.is_linked = false;
    expect(0, "", "cache-sentinel-2 does not find all well");
}

/* ---- what it says ---- */

static struct resp_reply text_reply(const char *text)
{
    return (struct resp_reply){.type = RESP_STRING, .str = (char *)text, .len = strlen(text)};
}

static struct resp_reply array_of(struct resp_reply *elements, size_t count)
{
    return (struct resp_reply){.type = RESP_ARRAY, .elements = elements, .count = count};
}

static void reads_what_a_sentinel_says(void **state)
{
    (void)state;
    static const char *const words[] = {"name",
                                        "main",
                                        "ip",
                                        "10.0.0.1",
                                        "port",
                                        "7001",
                                        "flags",
                                        "master",
                                        "config-epoch",
                                        "12",
                                        "num-slaves",
                                        "2",
                                        "num-other-sentinels",
                                        "4"};
    enum { WORDS = sizeof words / sizeof *words };
    struct resp_reply fields[WORDS], rows[2], none = array_of(NULL, 0);
    struct topology_seen seen = {0};
    for (size_t i = 0; i < WORDS; i++)
        fields[i] = text_reply(words[i]);
    rows[0] = text_reply("strange");
    rows[1] = array_of(fields, WORDS);
    struct resp_reply all = array_of(rows, 2), id = text_reply("0123456789012345678901234567890123456789");

    assert_true(sentinel_rules.read(&options, &seen, SENTINEL_LOOKS, &id));
    assert_true(sentinel_rules.read(&options, &seen, SENTINEL_LOOKS + 1, &none));
    assert_null(seen.of_host);
    assert_true(sentinel_rules.read(&options, &seen, SENTINEL_LOOKS + 1, &all));
    assert_string_equal(seen.of_host, "10.0.0.1");
    assert_int_equal(seen.of_port, 7001);
    assert_int_equal(seen.offset, 12);
    assert_int_equal(seen.replicas, 2);
    assert_int_equal(seen.others, 4);
    assert_true(seen.is_linked);

    fields[7] = text_reply("master,failover_in_progress");
    assert_true(sentinel_rules.read(&options, &seen, SENTINEL_LOOKS + 1, &all));
    assert_false(seen.is_linked);
    fields[1] = text_reply("another");
    seen_clear(&seen);
    assert_true(sentinel_rules.read(&options, &seen, SENTINEL_LOOKS + 1, &all));
    assert_null(seen.of_host);
    assert_false(sentinel_rules.read(&options, &seen, SENTINEL_LOOKS, &all));
    seen_clear(&seen);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fresh, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(all_is_well),
        TEST(a_cold_start),
        TEST(a_sentinel_comes_back),
        TEST(the_newest_word_counts),
        TEST(a_failover_is_left_alone),
        TEST(somebody_is_away),
        TEST(a_primary_of_others_is_given_up),
        TEST(numbers_have_to_be_right),
        TEST(it_has_to_find_all_well),
        TEST(reads_what_a_sentinel_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
