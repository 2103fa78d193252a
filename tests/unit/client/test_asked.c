/* room: client_redis */
/*
 * Commands that the library does not know: the server's own flags say whether they may be sent on a
 * connection that is shared, and each is asked about once, blocking or not. No code of the caller's runs
 * under a lock.
 */
#include "asynctest.h"
#include "cachetest.h"
#include "puppet.h"
#include "client_base/lock.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define FLAGS(list) "*1\r\n*6\r\n$1\r\nx\r\n:-1\r\n" list ":0\r\n:0\r\n:0\r\n"

static const struct answer script[] = {
    {"COMMAND INFO MY.WAIT", FLAGS("*2\r\n+write\r\n+blocking\r\n")},
    {"COMMAND INFO my.listen", FLAGS("~2\r\n+pubsub\r\n+noscript\r\n")},
    {"COMMAND INFO MY.SWITCH", FLAGS("*1\r\n+no_multi\r\n")},
    {"COMMAND INFO MY.GET", FLAGS("*2\r\n+readonly\r\n+fast\r\n")},
    {"COMMAND INFO MY.NEW", "*1\r\n*-1\r\n"},
    {"COMMAND INFO", "-NOPERM this user has no permissions to run the 'command|info' command\r\n"},
    {"MY.", "+done\r\n"},
    {"my.", "+done\r\n"},
    {NULL, NULL},
};

struct place {
    struct puppet puppet;
    struct apphost_host *host;
    struct apphost_redis *redis;
};

static void open_place(struct place *place)
{
    struct apphost_config *config = apphost_config_new();
    const struct apphost_host_options options = {.config = config};
    char text[64];

    puppet_start(&place->puppet, script);
    snprintf(text, sizeof(text), "127.0.0.1:%d", place->puppet.port);
    apphost_config_set(config, "ConnectionStrings:cache", text, NULL);
    place->host = apphost_host_new(&options, NULL);
    apphost_config_free(config);
    assert_int_equal(apphost_host_add_redis_client(place->host, "cache", NULL, NULL), 0);
    place->redis = apphost_host_redis(place->host, NULL, NULL);
}

static void close_place(struct place *place)
{
    apphost_host_free(place->host);
    puppet_stop(&place->puppet);
}

static const struct {
    const char *name, *effect; /* NULL: it may be sent */
} cases[] = {
    {"MY.WAIT", "keeps the commands of others waiting"},
    {"my.listen", "turns the answers into a stream"},
    {"MY.SWITCH", "changes which answers come"},
    {"MY.GET", NULL},
    {"MY.NEW", NULL},
    {"MY.SECRET", NULL},
};

enum { CASES = sizeof(cases) / sizeof(cases[0]) };

/* Twice each; what goes over the wire is one question, and the commands that may be sent. */
static void expect_heard(struct place *place, const char *name, bool may_be_sent)
{
    char heard[4096], expected[256];

    snprintf(expected, sizeof(expected), "COMMAND INFO %s\n", name);
    for (int i = 0; i < 2 && may_be_sent; i++)
        snprintf(expected + strlen(expected), sizeof(expected) - strlen(expected), "%s k\n", name);
    puppet_heard(&place->puppet, heard, sizeof(heard));
    assert_string_equal(heard, expected);
}

static void the_server_is_asked_once(void **state)
{
    struct place place;

    (void)state;
    open_place(&place);
    apphost_redis_ping(place.redis, NULL, NULL);
    puppet_heard(&place.puppet, (char[4096]){0}, 4096);
    for (size_t i = 0; i < CASES; i++) {
        for (int k = 0; k < 2; k++) {
            struct apphost_reply *reply = NULL;
            struct apphost_error error = {0};
            int rc = apphost_redis_execute(place.redis, &reply, &error, cases[i].name, "k", NULL);

            assert_int_equal(rc, cases[i].effect ? -1 : 0);
            if (cases[i].effect) {
                assert_int_equal(error.code, APPHOST_E_UNSUPPORTED);
                assert_non_null(strstr(error.text, cases[i].effect));
            }
            apphost_reply_free(reply);
        }
        expect_heard(&place, cases[i].name, !cases[i].effect);
    }
    close_place(&place);
}

static void asynchronously_too(void **state)
{
    struct apphost_queue *queue = apphost_queue_new(NULL);
    struct outcome outcome = {0};
    struct place place;

    (void)state;
    open_place(&place);
    apphost_redis_ping(place.redis, NULL, NULL);
    puppet_heard(&place.puppet, (char[4096]){0}, 4096);
    for (size_t i = 0; i < CASES; i++) {
        int good = 0, failed = outcome.failed;

        for (int k = 0; k < 2; k++) {
            char name[32];
            const char *const argv[] = {name, "k"};
            const struct apphost_command command = {2, argv, NULL};
            int count = outcome.count;

            snprintf(name, sizeof(name), "%s", cases[i].name);
            if (apphost_redis_command_start(place.redis, queue, &command, on_result, &outcome, NULL)) {
                memset(name, 'x', sizeof(name)); /* it was copied */
                dispatch(queue, &outcome, count + 1);
                good += outcome.rc == 0;
            }
        }
        /* The second time a refusal is known at once. */
        assert_int_equal(good, cases[i].effect ? 0 : 2);
        assert_int_equal(outcome.failed - failed, cases[i].effect ? 1 : 0);
        expect_heard(&place, cases[i].name, !cases[i].effect);
    }
    apphost_queue_free(queue);
    close_place(&place);
}

/* The assertion itself: it ends the program in the builds that count locks. */
static void a_lock_is_noticed(void **state)
{
    pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    int status;

    (void)state;
    user_code();
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        int silent = open("/dev/null", O_WRONLY);

        dup2(silent, 2);
        signal(SIGABRT, SIG_DFL);
        lock_take(&lock);
        user_code();
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
#ifdef LOCK_IS_COUNTED
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
#else
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_server_is_asked_once),
        cmocka_unit_test(asynchronously_too),
        cmocka_unit_test(a_lock_is_noticed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
