/* room: client_redis */
/*
 * Three sentinels, a primary, two replicas, and sixty-four threads at work while the primary hands over, and
 * while it is killed: no wrong value, no lost reply. Figures are printed, not judged.
 */
#include "asynctest.h"
#include "cachetest.h"
#include "crowd.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SENTINELS = 3, SERVERS = 3 };

static struct server sentinels[SENTINELS], servers[SERVERS];

static void start_sentinel(struct server *sentinel)
{
    char path[640];

    server_start(sentinel, NULL);
    server_kill(sentinel, true);
    snprintf(path, sizeof(path), "%s/sentinel.conf", sentinel->folder);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fprintf(file,
            "port %d\nbind 127.0.0.1\nunixsocket %s\ndir %s\nsentinel monitor mine 127.0.0.1 %d 2\n"
            "sentinel down-after-milliseconds mine 1000\nsentinel failover-timeout mine 5000\n",
            sentinel->port, sentinel->socket + 1, sentinel->folder, servers[0].port);
    fclose(file);
    server_sentinel(sentinel);
}

static void await_info(const struct server *server, const char *section, const char *words)
{
    int64_t deadline = now_ms() + PATIENCE_MS;
    bool is = false;

    while (!is && now_ms() < deadline) {
        char *info = server_ask(server, "INFO %s", section);

        is = strstr(info, words) != NULL;
        free(info);
        poll(NULL, 0, is ? 0 : 20);
    }
    if (!is)
        fail_msg("%s: never %s", section, words);
}

static int set_up(void **state)
{
    char text[160];

    (void)state;
    server_start(&servers[0], NULL);
    snprintf(text, sizeof(text), "--replicaof 127.0.0.1 %d --repl-diskless-sync-delay 0", servers[0].port);
    for (int i = 1; i < SERVERS; i++)
        server_start(&servers[i], text);
    for (int i = 1; i < SERVERS; i++)
        await_info(&servers[i], "replication", "master_link_status:up");
    for (int i = 0; i < SENTINELS; i++)
        start_sentinel(&sentinels[i]);
    for (int i = 0; i < SENTINELS; i++)
        await_info(&sentinels[i], "sentinel", "slaves=2,sentinels=3");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    for (int i = 0; i < SENTINELS; i++)
        server_stop(&sentinels[i]);
    for (int i = 0; i < SERVERS; i++)
        server_stop(&servers[i]);
    return 0;
}

static struct apphost_host *open_there(void)
{
    struct apphost_config *config = apphost_config_new();
    const struct apphost_host_options options = {.config = config};
    char text[256];

    snprintf(text, sizeof(text), "127.0.0.1:%d,127.0.0.1:%d,127.0.0.1:%d,serviceName=mine,syncTimeout=60000",
             sentinels[0].port, sentinels[1].port, sentinels[2].port);
    apphost_config_set(config, "ConnectionStrings:cache", text, NULL);
    struct apphost_host *host = apphost_host_new(&options, NULL);
    apphost_config_free(config);
    assert_int_equal(apphost_host_add_redis_distributed_cache(host, "cache", NULL, NULL, NULL), 0);
    return host;
}

/* Who is the primary now, as the first sentinel says; it is none of these ports any more. */
static struct server *await_primary_but(const struct server *before)
{
    int64_t deadline = now_ms() + PATIENCE_MS;

    while (now_ms() < deadline) {
        for (int i = 0; i < SERVERS; i++) {
            char words[64];
            char *info = server_ask(&sentinels[0], "INFO sentinel");

            snprintf(words, sizeof(words), "address=127.0.0.1:%d,", servers[i].port);
            bool is = strstr(info, words) != NULL;
            free(info);
            if (is && &servers[i] != before)
                return &servers[i];
        }
        poll(NULL, 0, 20);
    }
    fail_msg("no other primary");
    return NULL;
}

/* Every call has a minute, which is more than the sentinels need: what may be sent twice finds its way. */
static void expect_no_failure(const struct crowd *crowd)
{
    for (int i = 0; i < CROWD_THREADS; i++)
        if (crowd->workers[i].failed > 0)
            fail_msg("%d of worker %d failed", crowd->workers[i].failed, i);
}

static void the_primary_hands_over_and_then_dies(void **state)
{
    static struct crowd crowd;

    (void)state;
    crowd_begin(&crowd, open_there());
    crowd_await_rounds(&crowd, 5);
    int64_t since_ms = now_ms();
    free(server_ask(&sentinels[0], "SENTINEL FAILOVER mine"));
    struct server *primary = await_primary_but(&servers[0]);
    crowd_await_rounds(&crowd, 5);
    crowd_end(&crowd);
    crowd_print_figures(&crowd, "sentinel, by order", since_ms);
    expect_no_failure(&crowd);

    /* The old one follows the new before that goes. */
    await_info(&servers[0], "replication", "master_link_status:up");
    await_info(&sentinels[0], "sentinel", "status=ok");
    crowd_begin(&crowd, open_there());
    crowd_await_rounds(&crowd, 5);
    since_ms = now_ms();
    server_kill(primary, true);
    await_primary_but(primary);
    crowd_await_rounds(&crowd, 5);
    crowd_end(&crowd);
    crowd_print_figures(&crowd, "sentinel, by kill -9", since_ms);
    expect_no_failure(&crowd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_primary_hands_over_and_then_dies, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
