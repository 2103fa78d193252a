/* Servers for the tests: see server.h. */
#include "server.h"
#include "loop/testing.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LIMIT_MS = 10000, WORDS_MAX = 32 };

static int bind_port(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

int free_port(void)
{
    struct sockaddr_in address;
    socklen_t length = sizeof address;
    int fd = bind_port(0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &length), 0);
    close(fd);
    return ntohs(address.sin_port);
}

static void die_with_parent(void)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    int null = open("/dev/null", O_RDWR);
    for (int fd = 0; fd < 3; fd++)
        dup2(null, fd);
}

pid_t redis_start(int port, const char *const *words)
{
    char text[16];
    /* A replica that keeps what it is sent in a file would share it with everybody else's. */
    const char *argv[WORDS_MAX] = {"redis-server",
                                   "--port",
                                   text,
                                   "--bind",
                                   "127.0.0.1",
                                   "--save",
                                   "",
                                   "--dir",
                                   "/tmp",
                                   "--repl-diskless-sync",
                                   "yes",
                                   "--repl-diskless-load",
                                   "swapdb",
                                   NULL};
    int count = 13;
    snprintf(text, sizeof text, "%d", port);
    for (; words && *words && count < WORDS_MAX - 1; words++)
        argv[count++] = *words;
    argv[count] = NULL;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        die_with_parent();
        execvp(argv[0], (char **)argv);
        _exit(127);
    }
    return pid;
}

void redis_kill(pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

static void serve(int fd, const char *greeting, enum manner manner)
{
    for (;;) {
        char request[4096];
        int client = accept(fd, NULL, NULL);
        if (client < 0 || (manner == ANSWERS && read(client, request, sizeof request) < 0))
            continue;
        if (greeting && write(client, greeting, strlen(greeting)) < 0)
            _exit(1);
        if (manner == HOLDS)
            continue;
        shutdown(client, SHUT_WR);
        close(client);
    }
}

pid_t listener_start(int port, const char *greeting, enum manner manner)
{
    int fd = bind_port(port);
    assert_int_equal(listen(fd, 16), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        die_with_parent();
        serve(fd, greeting, manner);
    }
    close(fd);
    return pid;
}

void listener_kill(pid_t pid)
{
    redis_kill(pid);
}

static void on_limit(void *data)
{
    *(bool *)data = true;
}

bool loop_until(struct loop *loop, bool (*holds)(void *data), void *data)
{
    bool is_over = false;
    struct timer limit;
    timer_init(loop, &limit, on_limit, &is_over);
    timer_start(&limit, LIMIT_MS);
    while (!holds(data) && !is_over)
        loop_run_once(loop);
    timer_stop(&limit);
    return holds(data);
}
