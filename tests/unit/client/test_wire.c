/* room: client_cache */
/*
 * Golden bytes: what goes over the wire for every operation, seen by a server of the test that answers from a
 * script. And the handshake in all its forms, against old servers, wrong passwords, sentinels and clusters.
 */
#include "puppet.h"

#include <apphost/apphost.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <arpa/inet.h>
#include <cmocka.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct apphost_host *host_for(const char *connection, const struct apphost_cache_options *cache)
{
    struct apphost_config *config = apphost_config_new();
    const struct apphost_host_options options = {.config = config};

    apphost_config_set(config, "ConnectionStrings:cache", connection, NULL);
    struct apphost_host *host = apphost_host_new(&options, NULL);
    apphost_config_free(config);
    assert_int_equal(apphost_host_add_redis_distributed_cache(host, "cache", NULL, cache, NULL), 0);
    return host;
}

static struct apphost_host *host_at(const struct puppet *puppet, const char *more,
                                    const struct apphost_cache_options *cache)
{
    char connection[256];

    snprintf(connection, sizeof(connection), "127.0.0.1:%d,syncTimeout=1000,connectTimeout=500%s",
             puppet->port, more);
    return host_for(connection, cache);
}

/* ---- Operations ---- */

static const struct answer entry_script[] = {
    {"HMGET p:slide absexp sldexp data", "*3\r\n$2\r\n-1\r\n$11\r\n12000000000\r\n$1\r\nv\r\n"},
    {"HMGET p:slide absexp sldexp", "*2\r\n$2\r\n-1\r\n$8\r\n15000000\r\n"},
    {"HMGET p:plain absexp sldexp data", "*3\r\n$2\r\n-1\r\n$2\r\n-1\r\n$0\r\n\r\n"},
    {"HMGET", "*3\r\n$-1\r\n$-1\r\n$-1\r\n"},
    {"EXPIRE", ":1\r\n"},
    {"PEXPIRE", ":1\r\n"},
    {"PERSIST", "+QUEUED\r\n"},
    {"UNLINK p:old", "-ERR unknown command 'UNLINK', with args beginning with: \r\n"},
    {"UNLINK", ":1\r\n"},
    {"DEL", ":1\r\n"},
    {"PTTL", ":1234\r\n"},
    {"EXEC", "*2\r\n+OK\r\n:1\r\n"},
    {NULL, NULL},
};

static void act(struct apphost_cache *cache)
{
    struct apphost_expiry both = apphost_expire_sliding(20000);
    struct apphost_error error = {0};
    struct apphost_value value;
    int64_t left;

    both.flags |= APPHOST_RELATIVE;
    both.relative_ms = 3600000;
    assert_int_equal(apphost_cache_set(cache, apphost_str("plain"), "v", 1, apphost_expire_never(), &error),
                     0);
    assert_int_equal(
        apphost_cache_set(cache, apphost_str("slide"), "v", 1, apphost_expire_sliding(1200000), &error), 0);
    assert_int_equal(
        apphost_cache_set(cache, apphost_str("short"), "v", 1, apphost_expire_sliding(1500), &error), 0);
    assert_int_equal(
        apphost_cache_set(cache, apphost_str("now"), "v", 1, apphost_expire_sliding(250), &error), 0);
    assert_int_equal(apphost_cache_get(cache, apphost_str("plain"), &value, &error), 1);
    assert_int_equal(value.len, 0);
    apphost_value_free(&value);
    assert_int_equal(apphost_cache_get(cache, apphost_str("none"), &value, &error), 0);
    assert_int_equal(apphost_cache_get(cache, apphost_str("slide"), &value, &error), 1);
    apphost_value_free(&value);
    assert_int_equal(apphost_cache_refresh(cache, apphost_str("slide"), &error), 1);
    assert_int_equal(apphost_cache_remaining(cache, apphost_str("slide"), &left, &error), 1);
    assert_int_equal(left, 1234);
    assert_int_equal(apphost_cache_remove(cache, apphost_str("slide"), &error), 1);
    assert_int_equal(apphost_cache_remove(cache, apphost_str("old"), &error), 1);
    assert_int_equal(apphost_cache_remove(cache, apphost_str("slide"), &error), 1);
}

static void strict_wire_is_that_of_dotnet_9(void **state)
{
    const struct apphost_cache_options options = {.instance_name = "p:", .strict_wire = true};
    struct puppet puppet;
    char lines[8192];

    (void)state;
    puppet_start(&puppet, entry_script);
    struct apphost_host *host = host_at(&puppet, "", &options);
    act(apphost_host_cache(host, NULL, NULL));
    puppet_heard(&puppet, lines, sizeof(lines));
    assert_string_equal(lines, "HMSET p:plain absexp -1 sldexp -1 data v\n"
                               "HMSET p:slide absexp -1 sldexp 12000000000 data v\n"
                               "EXPIRE p:slide 1200\n"
                               "HMSET p:short absexp -1 sldexp 15000000 data v\n"
                               "EXPIRE p:short 1\n"
                               "HMSET p:now absexp -1 sldexp 2500000 data v\n"
                               "EXPIRE p:now 0\n"
                               "HMGET p:plain absexp sldexp data\n"
                               "HMGET p:none absexp sldexp data\n"
                               "HMGET p:slide absexp sldexp data\n"
                               "EXPIRE p:slide 1200\n"
                               "HMGET p:slide absexp sldexp\n"
                               "PEXPIRE p:slide 1500\n"
                               "PTTL p:slide\n"
                               "UNLINK p:slide\n"
                               "UNLINK p:old\n"
                               "DEL p:old\n"
                               "DEL p:slide\n");
    apphost_host_free(host);
    puppet_stop(&puppet);
}

static void usual_wire_is_atomic(void **state)
{
    const struct apphost_cache_options options = {.instance_name = "p:"};
    struct puppet puppet;
    char lines[8192];

    (void)state;
    puppet_start(&puppet, entry_script);
    struct apphost_host *host = host_at(&puppet, "", &options);
    act(apphost_host_cache(host, NULL, NULL));
    puppet_heard(&puppet, lines, sizeof(lines));
    assert_string_equal(
        lines, "MULTI\nHMSET p:plain absexp -1 sldexp -1 data v\nPERSIST p:plain\nEXEC\n"
               "MULTI\nHMSET p:slide absexp -1 sldexp 12000000000 data v\nEXPIRE p:slide 1200\nEXEC\n"
               "MULTI\nHMSET p:short absexp -1 sldexp 15000000 data v\nEXPIRE p:short 1\nEXEC\n"
               "MULTI\nHMSET p:now absexp -1 sldexp 2500000 data v\nEXPIRE p:now 0\nEXEC\n"
               "HMGET p:plain absexp sldexp data\n"
               "HMGET p:none absexp sldexp data\n"
               "HMGET p:slide absexp sldexp data\n"
               "EXPIRE p:slide 1200\n"
               "HMGET p:slide absexp sldexp\n"
               "PEXPIRE p:slide 1500\n"
               "PTTL p:slide\n"
               "UNLINK p:slide\n"
               "UNLINK p:old\n"
               "DEL p:old\n"
               "DEL p:slide\n");
    apphost_host_free(host);
    puppet_stop(&puppet);
}

static const struct answer many_script[] = {
    {"HMGET c:b", "*3\r\n$2\r\n-1\r\n$8\r\n20000000\r\n$1\r\nv\r\n"},
    {"HMGET", "*3\r\n$-1\r\n$-1\r\n$-1\r\n"},
    {"EXPIRE", ":1\r\n"},
    {"DEL", ":1\r\n"},
    {"EXEC", "*7\r\n+OK\r\n:1\r\n:1\r\n:0\r\n:7\r\n*2\r\n$2\r\n-1\r\n$8\r\n20000000\r\n:2000\r\n"},
    {NULL, NULL},
};

static int create_x(void *user, void **data, size_t *len, struct apphost_error *error)
{
    (void)user;
    (void)error;
    *data = strdup("x");
    *len = 1;
    return 0;
}

static void act_many(struct apphost_cache *cache)
{
    const struct apphost_entry entries[] = {
        {apphost_str("a"), apphost_str("1"), apphost_expire_never()},
        {apphost_str("b"), apphost_str("2"), apphost_expire_sliding(2000)},
    };
    const struct apphost_bytes keys[] = {apphost_str("a"), apphost_str("b")};
    const struct apphost_create create = {.create = create_x};
    struct apphost_error error = {0};
    struct apphost_value values[2];
    int64_t sum;

    assert_int_equal(apphost_cache_set_many(cache, entries, 2, &error), 0);
    assert_int_equal(apphost_cache_get_many(cache, keys, 2, values, &error), 1);
    apphost_value_free(&values[1]);
    assert_int_equal(
        apphost_cache_increment(cache, apphost_str("i"), 7, apphost_expire_sliding(2000), &sum, &error), 0);
    assert_int_equal(sum, 7);
    assert_int_equal(apphost_cache_get_or_create(cache, apphost_str("n"), &create, values, &error), 0);
    apphost_value_free(&values[0]);
    assert_int_equal(apphost_redis_ping(apphost_cache_redis(cache), NULL, &error), 0);
}

/* The operations that .NET does not have. */
static void the_other_operations(void **state)
{
    const struct apphost_cache_options options = {.instance_name = "c:"};
    struct puppet puppet;
    char lines[8192];

    (void)state;
    puppet_start(&puppet, many_script);
    struct apphost_host *host = host_at(&puppet, "", &options);
    act_many(apphost_host_cache(host, NULL, NULL));
    puppet_heard(&puppet, lines, sizeof(lines));
    /* Whose lease it is is random. */
    char *token = strstr(lines, "SET c:n:lease ");
    assert_non_null(token);
    memset(token + 14, '#', 16);
    assert_string_equal(
        lines, "MULTI\nHMSET c:a absexp -1 sldexp -1 data 1\nPERSIST c:a\n"
               "HMSET c:b absexp -1 sldexp 20000000 data 2\nEXPIRE c:b 2\nEXEC\n"
               "HMGET c:a absexp sldexp data\nHMGET c:b absexp sldexp data\nEXPIRE c:b 2\n"
               "MULTI\nHMSET {c:i}:apphost:new absexp -1 sldexp 20000000\nEXPIRE {c:i}:apphost:new 2\n"
               "RENAMENX {c:i}:apphost:new c:i\nDEL {c:i}:apphost:new\nHINCRBY c:i data 7\n"
               "HMGET c:i absexp sldexp\nPTTL c:i\nEXEC\n"
               "HMGET c:n absexp sldexp data\nSET c:n:lease ################ NX PX 10000\nGET c:n:lease\n"
               "HMGET c:n absexp sldexp data\n"
               "MULTI\nHMSET c:n absexp -1 sldexp -1 data x\nPERSIST c:n\nEXEC\n"
               "DEL c:n:lease\nPING\n");
    apphost_host_free(host);
    puppet_stop(&puppet);
}

/* ---- Handshakes ---- */

struct handshake {
    const char *more; /* of the connection string */
    struct answer script[6];
    const char *heard; /* NULL: not looked at */
    const char *error; /* words of it, or NULL */
    enum apphost_code code;
};

#define PROBE "MULTI\nEXEC\nDISCARD\n"
#define INFO "CLIENT SETINFO LIB-NAME libapphost-DC\nCLIENT SETINFO LIB-VER 0.1.0\n" PROBE

static const struct handshake handshakes[] = {
    {",name=Core (Q&A)", {{0}}, "HELLO\nCLIENT SETNAME Core(Q&A)\n" INFO "PING\n", NULL, 0},
    {",name=n,user=me,password=secret,defaultDatabase=3,setlib=false",
     {{0}},
     "AUTH me secret\nHELLO\nCLIENT SETNAME n\nSELECT 3\n" PROBE "PING\n",
     NULL,
     0},
    {",name=n,password=a=b==,setlib=0,protocol=3",
     {{0}},
     "AUTH a=b==\nHELLO 3\nCLIENT SETNAME n\n" PROBE "PING\n",
     NULL,
     0},
    {",$CLIENT=,$PING=", {{0}}, "HELLO\n" PROBE, NULL, 0},
    {",name=n,$CLIENT=cl",
     {{0}},
     "HELLO\nCL SETNAME n\nCL SETINFO LIB-NAME libapphost-DC\nCL SETINFO LIB-VER 0.1.0\n" PROBE "PING\n",
     NULL,
     0},
    /* An old server knows no SETINFO and no name: ignored. */
    {",name=n", {{"CLIENT", "-ERR unknown subcommand 'SETINFO'. Try CLIENT HELP.\r\n"}}, NULL, NULL, 0},
    {",password=x",
     {{"AUTH", "-ERR AUTH <password> called without any password configured for the default user.\r\n"}},
     NULL,
     NULL,
     0},
    {",password=x",
     {{"AUTH", "-WRONGPASS invalid username-password pair or user is disabled.\r\n"}},
     NULL,
     "There was an authentication failure",
     APPHOST_E_AUTH},
    {"",
     {{"PING", "-NOAUTH Authentication required.\r\n"}},
     NULL,
     "There was an authentication failure",
     APPHOST_E_AUTH},
    {"", {{"PING", "-NOPERM this user has no permissions to run the 'ping' command\r\n"}}, NULL, NULL, 0},
    {",defaultDatabase=99",
     {{"SELECT", "-ERR DB index is out of range\r\n"}},
     NULL,
     "DB index is out of range",
     APPHOST_E_CONFIG},
    {"",
     {{"PING", "-LOADING Redis is loading the dataset in memory\r\n"}},
     NULL,
     "Redis is loading",
     APPHOST_E_CONNECT},
    {"", {{"PING", ":7\r\n"}}, NULL, "is this a Redis?", APPHOST_E_CONNECT},
    {"", {{"HMGET", ":1\r\n"}}, NULL, "which makes no sense here", APPHOST_E_PROTOCOL},
    {",$HMGET=", {{0}}, NULL, "disables HMGET", APPHOST_E_UNSUPPORTED},
};

static void shakes_hands(void **state)
{
    static const struct answer plain[] = {{"HMGET", "*3\r\n$-1\r\n$-1\r\n$-1\r\n"}};

    (void)state;
    for (size_t i = 0; i < sizeof(handshakes) / sizeof(handshakes[0]); i++) {
        const struct handshake *row = &handshakes[i];
        struct answer script[8] = {row->script[0].command ? row->script[0] : plain[0], plain[0]};
        struct apphost_error error = {0};
        struct apphost_value value;
        struct puppet puppet;

        puppet_start(&puppet, script);
        struct apphost_host *host = host_at(&puppet, row->more, NULL);
        int rc = apphost_cache_get(apphost_host_cache(host, NULL, NULL), apphost_str("k"), &value, &error);
        if (rc != (row->error ? -1 : 0) || error.code != row->code ||
            !strstr(error.text, row->error ? row->error : ""))
            fail_msg("row %zu: rc %d, %s: %s", i, rc, apphost_code_name(error.code), error.text);
        apphost_host_free(host);
        puppet_stop(&puppet);
        assert_null(strstr(error.text, "secret"));
        char *command = strstr(puppet.heard, "HMGET");
        if (command)
            *command = '\0';
        if (row->heard)
            assert_string_equal(puppet.heard, row->heard);
    }
}

static void the_primary_of_several(void **state)
{
    const struct answer replica_script[] = {
        {"ROLE", "*5\r\n$5\r\nslave\r\n$9\r\n127.0.0.1\r\n:1\r\n$9\r\nconnected\r\n:0\r\n"},
        {"HMGET", "*3\r\n$2\r\n-1\r\n$2\r\n-1\r\n$7\r\nreplica\r\n"},
        {NULL, NULL},
    };
    const struct answer primary_script[] = {
        {"ROLE", "*3\r\n$6\r\nmaster\r\n:0\r\n*0\r\n"},
        {"HMGET", "*3\r\n$2\r\n-1\r\n$2\r\n-1\r\n$7\r\nprimary\r\n"},
        {NULL, NULL},
    };
    const struct apphost_cache_options from_replica = {.read_from_replica = true};
    struct puppet replica, primary;
    char connection[256], *text = NULL;

    (void)state;
    puppet_start(&replica, replica_script);
    puppet_start(&primary, primary_script);
    snprintf(connection, sizeof(connection), "127.0.0.1:%d,127.0.0.1:%d,syncTimeout=1000", replica.port,
             primary.port);
    struct apphost_host *host = host_for(connection, NULL);
    assert_int_equal(apphost_host_with_distributed_cache(host, NULL, "replica", &from_replica, NULL), 0);
    assert_int_equal(apphost_cache_get_string(apphost_host_cache(host, NULL, NULL), "k", &text, NULL), 1);
    assert_string_equal(text, "primary");
    free(text);
    assert_int_equal(apphost_cache_get_string(apphost_host_cache(host, "replica", NULL), "k", &text, NULL),
                     1);
    assert_string_equal(text, "replica");
    free(text);
    apphost_host_free(host);
    puppet_stop(&replica);
    puppet_stop(&primary);
}

static void sentinels_are_asked(void **state)
{
    const struct answer primary_script[] = {
        {"ROLE", "*3\r\n$6\r\nmaster\r\n:0\r\n*0\r\n"},
        {"HMGET", "*3\r\n$2\r\n-1\r\n$2\r\n-1\r\n$7\r\nprimary\r\n"},
        {NULL, NULL},
    };
    struct answer sentinel_script[] = {
        {"SENTINEL get-master-addr-by-name mine", NULL}, {"SENTINEL", "*-1\r\n"}, {NULL, NULL}};
    struct apphost_error error = {0};
    struct apphost_value value;
    struct puppet sentinel, primary;
    char connection[256], address[64], port[16], *text = NULL;

    (void)state;
    puppet_start(&primary, primary_script);
    snprintf(port, sizeof(port), "%d", primary.port);
    snprintf(address, sizeof(address), "*2\r\n$9\r\n127.0.0.1\r\n$%zu\r\n%s\r\n", strlen(port), port);
    sentinel_script[0].reply = address;
    puppet_start(&sentinel, sentinel_script);
    snprintf(connection, sizeof(connection),
             "127.0.0.1:%d,serviceName=mine,password=x,sentinelPassword=y,name=n,syncTimeout=1000",
             sentinel.port);
    struct apphost_host *host = host_for(connection, NULL);
    assert_int_equal(apphost_cache_get_string(apphost_host_cache(host, NULL, NULL), "k", &text, &error), 1);
    assert_string_equal(text, "primary");
    free(text);
    apphost_host_free(host);
    snprintf(connection, sizeof(connection), "127.0.0.1:%d,serviceName=other,syncTimeout=300", sentinel.port);
    host = host_for(connection, NULL);
    assert_int_equal(
        apphost_cache_get(apphost_host_cache(host, NULL, NULL), apphost_str("k"), &value, &error), -1);
    assert_non_null(strstr(error.text, "knows no primary for service: other"));
    apphost_host_free(host);
    puppet_stop(&sentinel);
    puppet_stop(&primary);
    assert_non_null(strstr(sentinel.heard, "AUTH y\n"));
    assert_non_null(strstr(primary.heard, "AUTH x\n"));
}

/* ---- A tunnel ---- */

struct proxy {
    int fd, port, target;
    const char *answer;
    char head[512];
    pthread_t thread;
};

static bool relay(int from, int to)
{
    char piece[4096];
    ssize_t got = recv(from, piece, sizeof(piece), 0);

    return got > 0 && send(to, piece, (size_t)got, MSG_NOSIGNAL) == got;
}

static void *run_proxy(void *user)
{
    struct proxy *proxy = user;
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                                  .sin_port = htons((uint16_t)proxy->target)};
    int client = accept(proxy->fd, NULL, NULL), server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    size_t len = 0;

    while (len < sizeof(proxy->head) - 1 && !strstr(proxy->head, "\r\n\r\n") &&
           recv(client, proxy->head + len, 1, 0) == 1)
        len++;
    send(client, proxy->answer, strlen(proxy->answer), MSG_NOSIGNAL);
    struct pollfd fds[2] = {{.fd = client, .events = POLLIN}, {.fd = server, .events = POLLIN}};
    bool is_open =
        strstr(proxy->answer, "200") && connect(server, (struct sockaddr *)&address, sizeof(address)) == 0;
    while (is_open && poll(fds, 2, 5000) > 0)
        is_open = fds[0].revents ? relay(client, server) : relay(server, client);
    close(client);
    close(server);
    return NULL;
}

static void through_a_tunnel(void **state)
{
    static const char *const answers[] = {"HTTP/1.1 200 Connection established\r\n\r\n",
                                          "HTTP/1.1 403 Forbidden\r\n\r\n"};
    struct puppet puppet;

    (void)state;
    puppet_start(&puppet, entry_script);
    for (int i = 0; i < 2; i++) {
        struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        struct proxy proxy = {.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), .target = puppet.port};
        struct apphost_error error = {0};
        struct apphost_value value;
        socklen_t len = sizeof(address);
        char more[96], expected[96];

        proxy.answer = answers[i];
        assert_int_equal(bind(proxy.fd, (struct sockaddr *)&address, len), 0);
        getsockname(proxy.fd, (struct sockaddr *)&address, &len);
        listen(proxy.fd, 4);
        pthread_create(&proxy.thread, NULL, run_proxy, &proxy);
        snprintf(more, sizeof(more), ",tunnel=http:127.0.0.1:%d,abortConnect=true,connectRetry=1",
                 ntohs(address.sin_port));
        struct apphost_host *host = host_at(&puppet, more, NULL);
        int rc = apphost_cache_get(apphost_host_cache(host, NULL, NULL), apphost_str("none"), &value, &error);
        assert_int_equal(rc, i ? -1 : 0);
        assert_non_null(strstr(error.text, i ? "the tunnel refused: HTTP/1.1 403 Forbidden" : ""));
        apphost_host_free(host);
        pthread_join(proxy.thread, NULL);
        close(proxy.fd);
        snprintf(expected, sizeof(expected), "CONNECT 127.0.0.1:%d HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n",
                 puppet.port, puppet.port);
        assert_string_equal(proxy.head, expected);
    }
    puppet_stop(&puppet);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strict_wire_is_that_of_dotnet_9),
        cmocka_unit_test(usual_wire_is_atomic),
        cmocka_unit_test(the_other_operations),
        cmocka_unit_test(shakes_hands),
        cmocka_unit_test(the_primary_of_several),
        cmocka_unit_test(sentinels_are_asked),
        cmocka_unit_test(through_a_tunnel),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
