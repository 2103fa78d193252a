/* room: client_conn */
/*
 * Ends that nobody prepares: a program that exits while its threads call, a child that is forked in the
 * middle of calls and goes at once, and a name that leads to another machine from one day to the next.
 */
#include "server.h"

#include <apphost/apphost.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <arpa/inet.h>
#include <cmocka.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CALLERS = 8, FORKS = 20, ENOUGH = 200, EXIT_CODE = 7 };

/* ---- A name ---- */

static _Atomic int port_of_name;

/* The library's questions come here: every name is this machine, at the port of the day. */
int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints, struct addrinfo **list)
{
    struct addrinfo *one = calloc(1, sizeof(*one) + sizeof(struct sockaddr_in));
    struct sockaddr_in *address = (struct sockaddr_in *)(one + 1);

    (void)name;
    (void)service;
    address->sin_family = AF_INET;
    address->sin_port = htons((uint16_t)port_of_name);
    address->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    one->ai_family = AF_INET;
    one->ai_socktype = hints ? hints->ai_socktype : SOCK_STREAM;
    one->ai_addr = (struct sockaddr *)address;
    one->ai_addrlen = sizeof(*address);
    *list = one;
    return 0;
}

void freeaddrinfo(struct addrinfo *list)
{
    free(list);
}

static struct apphost_host *open_host(void)
{
    struct apphost_config *config = apphost_config_new();
    const struct apphost_host_options options = {.config = config};

    apphost_config_set(config, "ConnectionStrings:cache", "moving.test:6379,syncTimeout=60000", NULL);
    struct apphost_host *host = apphost_host_new(&options, NULL);
    assert_int_equal(apphost_host_add_redis_distributed_cache(host, "cache", NULL, NULL, NULL), 0);
    apphost_config_free(config);
    return host;
}

static void set_who(const struct server *server, const char *who)
{
    free(server_ask(server, "HSET who absexp -1 sldexp -1 data %s", who));
}

static void await_who(struct apphost_cache *cache, const char *who)
{
    for (int i = 0; i < 3000; i++) {
        char *text = NULL;
        bool is_it = apphost_cache_get_string(cache, "who", &text, NULL) == 1 && strcmp(text, who) == 0;

        free(text);
        if (is_it)
            return;
        poll(NULL, 0, 10);
    }
    fail_msg("nobody said that he is %s", who);
}

static void a_name_leads_elsewhere(void **state)
{
    struct server first, second;

    (void)state;
    server_start(&first, NULL);
    server_start(&second, NULL);
    set_who(&first, "first");
    set_who(&second, "second");
    port_of_name = first.port;
    struct apphost_host *host = open_host();
    await_who(apphost_host_cache(host, NULL, NULL), "first");
    port_of_name = second.port;
    server_kill(&first, true);
    await_who(apphost_host_cache(host, NULL, NULL), "second");
    apphost_host_free(host);
    server_again(&first, NULL);
    server_stop(&first);
    server_stop(&second);
}

/* ---- Threads that call ---- */

static atomic_bool is_over;
static atomic_int calls;

static void *call(void *user)
{
    while (!is_over) {
        char *text = NULL;

        if (apphost_cache_get_string(user, "who", &text, NULL) == 1 && strcmp(text, "me") == 0)
            calls++;
        free(text);
    }
    return NULL;
}

static void begin(pthread_t *threads, struct apphost_cache *cache)
{
    is_over = false;
    calls = 0;
    for (int i = 0; i < CALLERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, call, cache), 0);
    while (calls < ENOUGH)
        poll(NULL, 0, 1);
}

static void await_exit(pid_t child, int code)
{
    int status = 0;

    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), code);
}

/* Handlers of exit(3) run, in the library and below, while calls are under way. */
static void exits_while_threads_call(void **state)
{
    struct server server;

    (void)state;
    server_start(&server, NULL);
    set_who(&server, "me");
    port_of_name = server.port;
    for (int with_free = 0; with_free < 2; with_free++) {
        pid_t child = fork(); /* before this process has any of the library's threads */

        if (child == 0) {
            static pthread_t threads[CALLERS];
            static struct apphost_host *host;

            host = open_host();
            begin(threads, apphost_host_cache(host, NULL, NULL));
            if (with_free)
                apphost_redis_close(apphost_host_redis(host, NULL, NULL));
            exit(EXIT_CODE);
        }
        await_exit(child, EXIT_CODE);
    }
    server_stop(&server);
}

static void forks_in_the_middle_of_calls(void **state)
{
    static char word[] = "true", *const words[] = {word, NULL};
    pthread_t threads[CALLERS];
    struct server server;

    (void)state;
    server_start(&server, NULL);
    set_who(&server, "me");
    port_of_name = server.port;
    struct apphost_host *host = open_host();
    begin(threads, apphost_host_cache(host, NULL, NULL));
    for (int i = 0; i < FORKS; i++) {
        pid_t child = fork();

        if (child == 0 && i % 2)
            execvp(words[0], words);
        if (child == 0)
            _exit(i % 2);
        await_exit(child, 0);
        for (int before = calls; calls < before + CALLERS;)
            poll(NULL, 0, 1);
    }
    is_over = true;
    for (int i = 0; i < CALLERS; i++)
        pthread_join(threads[i], NULL);
    apphost_host_free(host);
    server_stop(&server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exits_while_threads_call),
        cmocka_unit_test(a_name_leads_elsewhere),
        cmocka_unit_test(forks_in_the_middle_of_calls),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
