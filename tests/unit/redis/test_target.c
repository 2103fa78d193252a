/* Connection strings: what each form names, and what is none. */
#include "redis/redis.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

struct wanted {
    const char *host;
    int port;
    const char *unix_path, *user, *password;
    bool tls;
    const char *tls_name;
    int database;
};

struct row {
    const char *text;
    struct wanted wanted;
};

static const struct row rows[] = {
    {"localhost", {.host = "localhost", .port = 6379}},
    {"cache:7000", {.host = "cache", .port = 7000}},
    {"[::1]:7000", {.host = "::1", .port = 7000}},
    {"[::1]", {.host = "::1", .port = 6379}},
    {"::1", {.host = "::1", .port = 6379}},
    {"cache,ssl=true", {.host = "cache", .port = 6380, .tls = true}},
    {"cache:1,ssl=False", {.host = "cache", .port = 1}},
    {" one:1 , two:2,password=a=b:c ,User=me, defaultDatabase = 3,abortConnect=false",
     {.host = "one", .port = 1, .user = "me", .password = "a=b:c", .database = 3}},
    {"password=x,late:5,sslHost=other.example,ssl=yes",
     {.host = "late", .port = 5, .password = "x", .tls = true, .tls_name = "other.example"}},
    {"a:1,password=", {.host = "a", .port = 1}},
    {"!/run/a b.sock,password=x", {.unix_path = "/run/a b.sock", .port = 6379, .password = "x"}},
    {"redis://cache", {.host = "cache", .port = 6379}},
    {"rediss://cache", {.host = "cache", .port = 6379, .tls = true}},
    {"redis://:p%40%2fw@cache:7000/2", {.host = "cache", .port = 7000, .password = "p@/w", .database = 2}},
    {"redis://:a/b?c#d@cache:7000/", {.host = "cache", .port = 7000, .password = "a/b?c#d"}},
    {"REDISS://me:pw@[::1]:7/0?protocol=3",
     {.host = "::1", .port = 7, .user = "me", .password = "pw", .tls = true}},
    {"valkey://me@cache", {.host = "cache", .port = 6379, .user = "me"}},
    {"unix://:pw@/run/x.sock?db=4",
     {.unix_path = "/run/x.sock", .port = 6379, .password = "pw", .database = 4}},
};

static bool is_same(const struct redis_target *a, const struct wanted *b)
{
    return str_eq(a->host, b->host) && a->port == b->port && str_eq(a->unix_path, b->unix_path) &&
           str_eq(a->user, b->user) && str_eq(a->password, b->password) && a->tls == b->tls &&
           str_eq(a->tls_name, b->tls_name) && a->database == b->database;
}

static void each_form_is_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct redis_target target;
        if (!redis_target_parse(&target, rows[i].text))
            fail_msg("\"%s\" is refused", rows[i].text);
        if (!is_same(&target, &rows[i].wanted))
            fail_msg("\"%s\": host %s port %d path %s user %s password %s tls %d name %s database %d",
                     rows[i].text, target.host, target.port, target.unix_path, target.user, target.password,
                     target.tls, target.tls_name, target.database);
        redis_target_fini(&target);
        assert_null(target.password);
    }
}

static void what_names_no_redis_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        ",",
        "password=x",
        "Server=db;User Id=x;Password=y",
        "Host=db,Port=5432",
        "cache:0",
        "cache:70000",
        "cache:x",
        ":6379",
        "a b:1",
        "!",
        "http://cache:80",
        "amqp://cache",
        "redis://",
        "redis://:a%zz@cache",
        "redis://:a%00@cache",
        "redis://cache:1/x",
        "unix://relative.sock",
        "unix:///x.sock?db=x",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct redis_target target;
        if (redis_target_parse(&target, texts[i]))
            fail_msg("\"%s\" is read as host %s port %d", texts[i], target.host, target.port);
        assert_null(target.host);
        assert_null(target.password);
        assert_null(target.unix_path);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_form_is_read),
        cmocka_unit_test(what_names_no_redis_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
