/* room: client_options */
/* Connection strings: the examples of StackExchange.Redis as a table, its error texts, and our extensions. */
#include "client_options/options.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define AZURE "contoso.redis.cache.windows.net"

struct row {
    const char *text;    /* what is parsed */
    const char *printed; /* with secrets; NULL: an error */
    const char *key;     /* one more thing to look at, or the error's parameter */
    const char *value;   /* "port" looks at the first effective port; for an error, words of its text */
};

static const struct row rows[] = {
    {"localhost", "localhost", "port", "6379"},
    {"localhost:6390", "localhost:6390", "port", "6390"},
    {"127.0.0.1", "127.0.0.1", "port", "6379"},
    {"127.1:6389", "127.0.0.1:6389", "port", "6389"},
    {"::1", "::1", "port", "6379"},
    {"::1:6379", "::0.1.99.121", "port", "6379"},
    {"[::1]:6379", "[::1]:6379", "port", "6379"},
    {"[::1]", "::1", "port", "6379"},
    {"2a01:9820:1:24::1:1:6379", "2a01:9820:1:24:0:1:1:6379", "port", "6379"},
    {"[2a01:9820:1:24::1:1]:6379", "[2a01:9820:1:24::1:1]:6379", "port", "6379"},
    {"redis0:6380,redis1:6380,allowAdmin=true", "redis0:6380,redis1:6380,allowAdmin=True", "allowAdmin",
     "True"},
    {"foo,ssl=true", "foo,ssl=True", "port", "6380"},
    {"foo:6379,ssl=true", "foo:6379,ssl=True", "port", "6379"},
    {"foo:6381,ssl=true", "foo:6381,ssl=True", "port", "6381"},
    {"foo,ssl=false", "foo,ssl=False", "port", "6379"},
    {"SSL=TRUE", "ssl=True", "ssl", "True"},
    {"ssl2=true", NULL, "ssl2", "Keyword 'ssl2' is not supported."},
    {"foo,flibble=value", NULL, "flibble", "Keyword 'flibble' is not supported."},
    {"foo,SyncTimeout=ten", NULL, "SyncTimeout",
     "Keyword 'SyncTimeout' requires an integer value; the value 'ten' is not recognised."},
    {"foo,syncTimeout=-42", NULL, "syncTimeout",
     "Keyword 'syncTimeout' has a minimum value of '1'; the value '-42' is not permitted."},
    {"foo,AllowAdmin=maybe", NULL, "AllowAdmin",
     "Keyword 'AllowAdmin' requires a boolean value; the value 'maybe' is not recognised."},
    {"foo,Version=current", NULL, "Version", "Keyword 'Version' requires a version value; the value"},
    {"foo,proxy=epoxy", NULL, "proxy", "Keyword 'proxy' requires a proxy value; the value 'epoxy'"},
    {"foo,sslProtocols=NotAThing", NULL, "sslProtocols",
     "requires an SslProtocol value (multiple values separated by '|'); the value 'NotAThing' is not "
     "recognised."},
    {"foo,protocol=4", NULL, "protocol",
     "a RedisProtocol value or a known protocol version number; the value '4'"},
    {"myhost,sslProtocols=Tls12", "myhost,sslProtocols=Tls12", "sslProtocols", "Tls12"},
    {"myhost,sslProtocols=Tls12|Tls13", "myhost,sslProtocols=Tls12| Tls13", "sslProtocols", "Tls12| Tls13"},
    {"myhost,sslProtocols=15360", "myhost,sslProtocols=Tls12| Tls13", "sslProtocols", "Tls12| Tls13"},
    {"myDNS:myPort,password=myPassword,abortConnect=false,ssl=true,sslProtocols=Tls12 ",
     "password=myPassword,ssl=True,sslProtocols=Tls12,abortConnect=False", "ssl", "True"},
    {"redis.contoso.com:xx", "", "?abortConnect", "1"},
    {AZURE ":", "", "?ssl", "0"},
    {AZURE ":6380", AZURE ":6380", "?ssl", "1"},
    {AZURE ":6380", AZURE ":6380", "?abortConnect", "0"},
    {AZURE ",abortConnect=true, version=2.1.1", AZURE ",version=2.1.1,abortConnect=True", "?abortConnect",
     "1"},
    {"!/some/path,allowAdmin=True", "!/some/path,allowAdmin=True", "port", "0"},
    {"!@redis-abstract", "!@redis-abstract", "port", "0"},
    {"localhost,defaultDatabase=3", "localhost,defaultDatabase=3", "defaultDatabase", "3"},
    {"localhost", "localhost", "defaultDatabase", NULL},
    {"localhost:6379,localhost:6380,name=Core (Q&A),tiebreaker=:RedisPrimary,abortConnect=False",
     "localhost:6379,localhost:6380,name=Core (Q&A),tiebreaker=:RedisPrimary,abortConnect=False", "name",
     "Core (Q&A)"},
    {"localhost:26379,serviceName=myprimary,sentinelUser=su,sentinelPassword=sp",
     "localhost:26379,serviceName=myprimary,sentinelUser=su,sentinelPassword=sp", "sentinelUser", "su"},
    {"localhost,serviceName=myprimary", "localhost,serviceName=myprimary", "port", "26379"},
    {"redis0:6379,redis1:6380,keepAlive=180,version=2.8.8,$CLIENT=,$CLUSTER=,$CONFIG=,$ECHO=,$INFO=,$PING=",
     "redis0:6379,redis1:6380,keepAlive=180,version=2.8.8,$CLIENT=,$CLUSTER=,$CONFIG=,$ECHO=,$INFO=,$PING=",
     "version", "2.8.8"},
    {"h,$INFO=,$SELECT=use", "h,$INFO=,$SELECT=USE", "port", "6379"},
    {"127.0.0.1:6380,tunnel=http://somewhere:22", "127.0.0.1:6380,tunnel=http:somewhere:22", "tunnel",
     "http:somewhere:22"},
    {"h,tunnel=socks:x:1", NULL, "tunnel", "Tunnel cannot be parsed: socks:x:1"},
    {"server:6379,setlib=False", "server:6379,setlib=False", "?setlib", "0"},
    {"myserver:6379,protocol=resp3", "myserver:6379,protocol=resp3", "?protocol", "3"},
    {"myserver:6379,protocol=3", "myserver:6379,protocol=resp3", "?protocol", "3"},
    {"myserver:6379,version=5", "myserver:6379,version=5.0", "?protocol", "2"},
    {"highPriorityThreads=true", "", "port", "0"},
    {"writeBuffer=8092", "", "port", "0"},
    {"responseTimeout=1000", "", "port", "0"},
    {"host,checkCertificateRevocation=false", "host,checkCertificateRevocation=False",
     "checkCertificateRevocation", "False"},
    {"dummy,highIntegrity=True", "dummy,highIntegrity=True", "highIntegrity", "True"},
    {"", NULL, "configuration", "is empty"},
    {"   ", NULL, "configuration", "is empty"},
    {NULL, NULL, "configuration", "is NULL"},
    {",", "", "port", "0"},
    {"h,password=abcd,efgh", "h,efgh,password=abcd", "password", "abcd"},
    {"h,password=a=b==", "h,password=a=b==", "password", "a=b=="},
    {"h,password=", "h", "password", ""},
    {" h , allowAdmin = yes ", "h,allowAdmin=True", "allowAdmin", "True"},
    {"=foo", "=foo", "port", "6379"},
    {"redis://localhost:6379", "redis://localhost:6379", "port", "6379"},
    {"10.0.0.1:6379;", "", "port", "0"},
    {"h:70000", NULL, "port", "70000"},
    {"h:-1", NULL, "port", "-1"},
    {"h,h", "h", "port", "6379"},
    {"h,$NOSUCHCMD=x", "h", "port", "6379"},
    {"h,syncTimeout=1,syncTimeout=20", "h,syncTimeout=20", "?syncTimeout", "20"},
    {"localhost:53548,password=abc,ssl=true", "localhost:53548,password=abc,ssl=True", "ssl", "True"},
    {"h,syncTimeout=9000", "h,syncTimeout=9000", "?connectTimeout", "9000"},
    {"h,syncTimeout=99999999999", NULL, "syncTimeout", "requires an integer value"},
    {"h,caFile=/x", NULL, "caFile", "not supported"},
};

static void check_value(const struct apphost_options *options, const struct row *row)
{
    const char *value = apphost_options_get(options, row->key);

    if (strcmp(row->key, "port") == 0)
        assert_int_equal(apphost_options_endpoint_port(options, 0), atoi(row->value));
    else if (row->key[0] == '?')
        assert_int_equal(apphost_options_int(options, row->key + 1), atoi(row->value));
    else if (row->value)
        assert_string_equal(value, row->value);
    else
        assert_null(value);
}

static void reads_the_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct apphost_error error = {0};
        struct apphost_options *options = apphost_options_parse(rows[i].text, 0, &error);

        if (!rows[i].printed) {
            assert_null(options);
            assert_int_equal(error.code, APPHOST_E_ARGUMENT);
            assert_string_equal(error.parameter, rows[i].key);
            assert_non_null(strstr(error.text, rows[i].value));
            continue;
        }
        assert_non_null(options);
        assert_int_equal(error.code, APPHOST_OK);
        char *printed = apphost_options_format(options, APPHOST_FORMAT_SECRETS);
        assert_string_equal(printed, rows[i].printed);
        check_value(options, &rows[i]);
        free(printed);
        apphost_options_free(options);
    }
}

static void prints_what_it_reads(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (!rows[i].printed || !*rows[i].printed)
            continue;
        struct apphost_options *options = apphost_options_parse(rows[i].printed, 0, NULL);
        struct apphost_options *copy = apphost_options_copy(options);
        char *printed = apphost_options_format(copy, APPHOST_FORMAT_SECRETS);

        assert_string_equal(printed, rows[i].printed);
        free(printed);
        apphost_options_free(options);
        apphost_options_free(copy);
    }
}

static void hides_secrets(void **state)
{
    struct apphost_options *options =
        apphost_options_parse("h,user=me,password=hunter2,sentinelPassword=hunter3", 0, NULL);
    char *printed = apphost_options_format(options, 0);

    (void)state;
    assert_string_equal(printed, "h,user=me,password=*****,sentinelPassword=*****");
    free(printed);
    apphost_options_free(options);
}

static void ignores_unknown_when_told(void **state)
{
    struct apphost_options *options = apphost_options_parse("ssl2=true", APPHOST_PARSE_IGNORE_UNKNOWN, NULL);

    (void)state;
    assert_non_null(options);
    apphost_options_free(options);
}

static void strict_names_what_would_vanish(void **state)
{
    static const char *const bad[][2] = {
        {"10.0.0.1:6379;", "'10.0.0.1:6379;'"},
        {"myDNS:myPort,ssl=true", "'myDNS:myPort'"},
        {"h,$NOSUCHCMD=x", "NOSUCHCMD"},
        {"h,!", "'!'"},
        {"h,tiebreaker=t", "'tiebreaker' is known and has no effect"},
        {"h,configChannel=c", "'configChannel' is known"},
        {"h,RESOLVEDNS=true", "'RESOLVEDNS' is known"},
        {"h,channelPrefix=p", "'channelPrefix' is known"},
        {"h,configCheckSeconds=5", "'configCheckSeconds' is known"},
        {"h,version=7.0", "'version' is known"},
        {"h,checkCertificateRevocation=true", "'checkCertificateRevocation' is known"},
        {"h,writeBuffer=1", "'writeBuffer' is known"},
        {"h,responseTimeout=1", "'responseTimeout' is known"},
        {"h,highPriorityThreads=1", "'highPriorityThreads' is known"},
        {"h,preserveAsyncOrder=1", "'preserveAsyncOrder' is known"},
    };
    /* What asks for nothing misses nothing, and what works is no matter of strictness. */
    static const char *const good[] = {
        "h,tiebreaker=",
        "h,configChannel=",
        "h,resolveDns=false",
        "h,checkCertificateRevocation=no",
        "h,highIntegrity=true,proxy=twemproxy,keepAlive=5,tunnel=http:p:1,protocol=resp3,setlib=no",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct apphost_error error = {0};

        assert_null(apphost_options_parse(bad[i][0], APPHOST_PARSE_STRICT, &error));
        assert_non_null(strstr(error.text, bad[i][1]));
    }
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        struct apphost_error error = {0};
        struct apphost_options *options = apphost_options_parse(good[i], APPHOST_PARSE_STRICT, &error);

        if (!options)
            fail_msg("%s: %s", good[i], error.text);
        apphost_options_free(options);
    }
}

static void reads_uris(void **state)
{
    static const char *const uris[][2] = {
        {"redis://localhost:6379", "localhost:6379"},
        {"redis://:p%2Cw%40@h:1/2", "h:1,password=p,w@,defaultDatabase=2"},
        {"redis://default:p%2F%2B%40%3A%23%25%20%22@h:1", "h:1,user=default,password=p/+@:#% \""},
        {"rediss://me:secret@h", "h,user=me,password=secret,ssl=True"},
        {"redis://[::1]:7/?name=x&db=4", "[::1]:7,name=x,defaultDatabase=4"},
        {"unix:///run/redis.sock?db=1", "!/run/redis.sock,defaultDatabase=1"},
        {"unix://u:p@/run/redis.sock", "!/run/redis.sock,user=u,password=p"},
        {"redis://", "localhost"},
        {"REDIS://h/ ", "h"},
        {"redis://h:x", NULL},
        {"redis://:p%2@h", NULL},
        {"redis://:p%00@h", NULL},
        {"redis://h/x", NULL},
        {"redis://h?nope=1", NULL},
        {"redis://h?db", NULL},
        {"unix://", NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(uris) / sizeof(uris[0]); i++) {
        struct apphost_error error = {0};
        struct apphost_options *options = apphost_options_parse(uris[i][0], APPHOST_PARSE_URI, &error);

        if (!uris[i][1]) {
            assert_null(options);
            assert_true(error.text[0]);
            continue;
        }
        assert_non_null(options);
        char *printed = apphost_options_format(options, APPHOST_FORMAT_SECRETS);
        assert_string_equal(printed, uris[i][1]);
        free(printed);
        apphost_options_free(options);
    }
}

static void sets_and_unsets(void **state)
{
    struct apphost_options *options = apphost_options_new();
    struct apphost_error error = {0};

    (void)state;
    assert_int_equal(apphost_options_set(options, "ConnectTimeout", "3000", &error), 0);
    assert_int_equal(apphost_options_int(options, "connecttimeout"), 3000);
    assert_int_equal(apphost_options_set(options, "connectTimeout", NULL, &error), 0);
    assert_int_equal(apphost_options_int(options, "connectTimeout"), 5000);
    assert_int_equal(apphost_options_set(options, "caFile", "/ca.pem", &error), 0);
    assert_string_equal(apphost_options_get(options, "CaFile"), "/ca.pem");
    assert_int_equal(apphost_options_set(options, "$PING", "pong", &error), 0);
    assert_string_equal(option_command(options, "PING", 4), "PONG");
    assert_int_equal(apphost_options_set(options, "$PING", "", &error), 0);
    assert_null(option_command(options, "PING", 4));
    assert_int_equal(apphost_options_set(options, "nope", "1", &error), -1);
    assert_int_equal(apphost_options_set(NULL, "nope", "1", &error), -1);
    assert_int_equal(apphost_options_set(options, NULL, "1", &error), -1);
    assert_int_equal(apphost_options_add_endpoint(options, "h:x", &error), -1);
    assert_int_equal(apphost_options_add_endpoint(options, "h:1", NULL), 0);
    assert_string_equal(apphost_options_endpoint(options, 0), "h:1");
    assert_null(apphost_options_endpoint(options, 1));
    apphost_options_free(options);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_the_table),
        cmocka_unit_test(prints_what_it_reads),
        cmocka_unit_test(hides_secrets),
        cmocka_unit_test(ignores_unknown_when_told),
        cmocka_unit_test(strict_names_what_would_vanish),
        cmocka_unit_test(reads_uris),
        cmocka_unit_test(sets_and_unsets),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
