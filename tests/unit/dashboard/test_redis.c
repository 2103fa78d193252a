/* What is in Redis: which commands a question becomes, what is made of the answers, and what is refused. */
#include "rig.h"

#include "base/mem.h"
#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static void expect(cJSON *json, const char *text)
{
    cleanup_free char *printed = json_print(json);
    assert_string_equal(printed, text);
    cJSON_Delete(json);
}

static void info(void **state)
{
    struct rig *rig = *state;
    rig_redis_answers(
        rig, "INFO",
        "$76\r\n# Server\r\nredis_version:7.0.15\r\n# Keyspace\r\ndb3:keys=2,expires=1,avg_ttl=9\r\n\r\n");
    expect(rig_get(rig, "redis/cache/info", 200),
           "{\"sections\":{\"server\":{\"redis_version\":\"7.0.15\"},\"keyspace\":{\"db3\":\"keys=2,expires="
           "1,avg_ttl=9\"}},"
           "\"keyspace\":[{\"db\":3,\"keys\":2,\"expires\":1,\"avgTtl\":9}]}");
    const char *asked = rig_redis_asked(rig);
    assert_true(str_starts(asked, "AUTH secret\nCLIENT SETNAME apphost-dashboard\nSELECT 0\n"));
    rig_redis_answers(rig, "SELECT", "-ERR DB index is out of range\r\n");
    cJSON_Delete(rig_get(rig, "redis/cache/info?db=99", 400));
}

static void keys(void **state)
{
    struct rig *rig = *state;
    rig_redis_answers(rig, "SCAN", "*2\r\n$2\r\n17\r\n*2\r\n$1\r\na\r\n$1\r\n\xff\r\n");
    rig_redis_answers(rig, "DBSIZE", ":2\r\n");
    rig_redis_answers(rig, "TYPE", "+list\r\n");
    rig_redis_answers(rig, "PTTL", ":-1\r\n");
    rig_redis_answers(rig, "MEMORY", ":56\r\n");
    rig_redis_answers(rig, "OBJECT", "$9\r\nquicklist\r\n");
    rig_redis_answers(rig, "LLEN", ":3\r\n");
    expect(
        rig_get(rig, "redis/cache/keys?match=%2A&count=50&type=list&cursor=4", 200),
        "{\"cursor\":\"17\",\"total\":2,\"keys\":["
        "{\"key\":\"a\",\"type\":\"list\",\"ttlMs\":-1,\"bytes\":56,\"encoding\":\"quicklist\",\"length\":3},"
        "{\"key\":{\"b64\":\"/w==\",\"length\":1},\"type\":\"list\",\"ttlMs\":-1,\"bytes\":56,"
        "\"encoding\":\"quicklist\",\"length\":3}]}");
    assert_non_null(strstr(rig_redis_asked(rig), "\nSCAN 4 COUNT 50 MATCH * TYPE list\n"));
    assert_null(strstr(rig_redis_asked(rig), "\nKEYS"));

    rig_redis_answers(rig, "SCAN", "*2\r\n$1\r\n0\r\n*0\r\n");
    expect(rig_get(rig, "redis/cache/keys", 200), "{\"cursor\":\"0\",\"total\":2,\"keys\":[]}");
    rig_redis_answers(rig, "SCAN", "-NOPERM no\r\n");
    cleanup_json cJSON *refused = rig_get(rig, "redis/cache/keys", 409);
    assert_string_equal(json_string(refused, "message", ""), "NOPERM no");
}

static void values(void **state)
{
    struct rig *rig = *state;
    rig_redis_answers(rig, "TYPE", "+string\r\n");
    rig_redis_answers(rig, "PTTL", ":500\r\n");
    rig_redis_answers(rig, "MEMORY", "-ERR unknown command\r\n");
    rig_redis_answers(rig, "OBJECT", "$3\r\nraw\r\n");
    rig_redis_answers(rig, "STRLEN", ":5\r\n");
    rig_redis_answers(rig, "GETRANGE", "$3\r\nabc\r\n");
    expect(rig_get(rig, "redis/cache/key?key=k", 200),
           "{\"key\":\"k\",\"type\":\"string\",\"ttlMs\":500,\"encoding\":\"raw\",\"length\":5,"
           "\"value\":{\"data\":\"abc\",\"offset\":0,\"length\":5},\"offset\":3}");
    rig_redis_answers(rig, "TYPE", "+TSDB-TYPE\r\n");
    expect(rig_get(rig, "redis/cache/key?key=k", 200),
           "{\"key\":\"k\",\"type\":\"TSDB-TYPE\",\"ttlMs\":500,\"encoding\":\"raw\",\"value\":null}");
    rig_redis_answers(rig, "TYPE", "+none\r\n");
    cJSON_Delete(rig_get(rig, "redis/cache/key?key=k", 404));
    cJSON_Delete(rig_get(rig, "redis/cache/key", 400));
}

static void panels(void **state)
{
    struct rig *rig = *state;
    rig_redis_answers(rig, "SLOWLOG",
                      "*1\r\n*6\r\n:7\r\n:10\r\n:123\r\n*1\r\n$3\r\nGET\r\n$9\r\n1.2.3.4:5\r\n$1\r\nn\r\n");
    expect(rig_get(rig, "redis/cache/slowlog", 200), "[{\"id\":7,\"timeMs\":10000,\"us\":123,\"argv\":["
                                                     "\"GET\"],\"client\":\"1.2.3.4:5\",\"name\":\"n\"}]");
    rig_redis_answers(rig, "LATENCY", "*1\r\n*4\r\n$7\r\ncommand\r\n:10\r\n:5\r\n:9\r\n");
    expect(rig_get(rig, "redis/cache/latency", 200),
           "[{\"event\":\"command\",\"timeMs\":10000,\"latestMs\":5,\"maxMs\":9}]");
    rig_redis_answers(rig, "CLIENT", "$36\r\nid=1 name=apphost-dashboard age=1.5\n\r\n");
    expect(rig_get(rig, "redis/cache/clients", 200),
           "[{\"id\":1,\"name\":\"apphost-dashboard\",\"age\":1.5,\"ours\":true}]");
}

static void console(void **state)
{
    static const char *const never[] = {"SHUTDOWN", "monitor", "DEBUG", "BLPOP", "REPLICAOF", "config"};
    struct rig *rig = *state;
    rig_redis_answers(rig, "GET", "$1\r\n1\r\n");
    rig_redis_answers(rig, "COMMAND", "*1\r\n*3\r\n$3\r\nget\r\n:2\r\n*1\r\n+readonly\r\n");
    expect(rig_post(rig, "redis/cache/command", "{\"argv\":[\"GET\",\"a\"]}", 200), "{\"reply\":\"1\"}");
    rig_redis_answers(rig, "COMMAND", "*1\r\n*3\r\n$3\r\nset\r\n:3\r\n*1\r\n+write\r\n");
    cJSON_Delete(rig_post(rig, "redis/cache/command", "{\"argv\":[\"SET\",\"a\",\"1\"]}", 403));
    assert_null(strstr(rig_redis_asked(rig), "\nSET"));
    expect(rig_post(rig, "redis/cache/command", "{\"argv\":[\"SET\",\"a\",\"1\"],\"write\":true}", 200),
           "{\"reply\":\"OK\"}");
    rig_redis_answers(rig, "COMMAND", "*1\r\n*3\r\n$3\r\nnew\r\n:3\r\n*2\r\n+readonly\r\n+blocking\r\n");
    cJSON_Delete(rig_post(rig, "redis/cache/command", "{\"argv\":[\"NEW\"],\"write\":true}", 403));

    for (size_t i = 0; i < sizeof never / sizeof *never; i++) {
        cleanup_free char *body = xasprintf("{\"argv\":[\"%s\"],\"write\":true}", never[i]);
        cJSON_Delete(rig_post(rig, "redis/cache/command", body, 403));
    }
    cJSON_Delete(rig_post(rig, "redis/cache/command", "{\"argv\":[]}", 400));
    cJSON_Delete(rig_post(rig, "redis/cache/command", "{\"argv\":[{}]}", 400));
    cJSON_Delete(rig_post(rig, "redis/cache/command", "", 400));
}

static void ways(void **state)
{
    struct rig *rig = *state;
    cJSON_Delete(rig_get(rig, "redis/nobody/info", 404));
    cJSON_Delete(rig_get(rig, "redis/cache/nothing", 404));
    cJSON_Delete(rig_get(rig, "redis/cache", 404));
    rig_answers(rig, "env", "{}");
    cJSON_Delete(rig_get(rig, "redis/cache/info", 409));
    rig_answers(rig, "env", "{\"CACHE_HOST\":{\"value\":\"127.0.0.1\"},\"CACHE_PORT\":{\"value\":\"1\"}}");
    struct reply refused = rig_ask(rig, "GET /api/v1/redis/cache/info", NULL, NULL);
    assert_true(refused.status >= 400);
    assert_non_null(json_get(refused.json, "message"));
    reply_free(&refused);
}

static int start(void **state)
{
    struct rig *rig = rig_start();
    rig_begin_session(rig);
    rig_redis(rig);
    struct reply stream = rig_open(rig, "events?topics=state");
    rig_wait_said(rig, &stream, "event: view");
    close(stream.fd);
    reply_free(&stream);
    *state = rig;
    return 0;
}

static int end(void **state)
{
    rig_end(*state);
    return 0;
}
#define WITH_RIG(test) cmocka_unit_test_setup_teardown(test, start, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_RIG(info), WITH_RIG(keys), WITH_RIG(values), WITH_RIG(panels), WITH_RIG(console), WITH_RIG(ways),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
