/* room: client_conn */
/* Starting and stopping a redis-server for a test. */
#include "server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <arpa/inet.h>
#include <cmocka.h>
#include <hiredis/hiredis.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

int free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(bind(fd, (struct sockaddr *)&address, len), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    close(fd);
    return ntohs(address.sin_port);
}

static redisContext *connect_to(const struct server *server)
{
    redisContext *context = redisConnectUnixWithTimeout(server->socket + 1, (struct timeval){1, 0});

    if (context && context->err) {
        redisFree(context);
        return NULL;
    }
    return context;
}

static bool is_ready(const struct server *server)
{
    redisContext *context = connect_to(server);
    redisReply *reply = context ? redisCommand(context, "PING") : NULL;
    bool is = reply != NULL;

    if (reply)
        freeReplyObject(reply);
    if (context)
        redisFree(context);
    return is;
}

/* False when the server ended before it was ready: somebody else took its port. */
static bool run(struct server *server, const char *command)
{
    server->pid = fork();
    assert_true(server->pid >= 0);
    if (server->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        execl("/bin/sh", "sh", "-c", command, (char *)NULL);
        _exit(127);
    }
    for (int i = 0; i < 3000 && !is_ready(server); i++) {
        if (waitpid(server->pid, NULL, WNOHANG) == server->pid) {
            server->pid = 0;
            return false;
        }
        poll(NULL, 0, 10);
    }
    assert_true(is_ready(server));
    return true;
}

void server_sentinel(struct server *server)
{
    char command[256];

    snprintf(command, sizeof(command), "exec redis-server %s/sentinel.conf --sentinel > %s/log",
             server->folder, server->folder);
    assert_true(run(server, command));
}

static bool start(struct server *server, const char *extra)
{
    char command[1024];

    snprintf(
        command, sizeof(command),
        "exec redis-server --port %d --bind 127.0.0.1 ::1 --unixsocket %s --dir %s --save '' --appendonly no "
        "--logfile %s/log --enable-debug-command yes %s",
        server->port, server->socket + 1, server->folder, server->folder, extra ? extra : "");
    return run(server, command);
}

void server_again(struct server *server, const char *extra)
{
    bool is_up = start(server, extra);

    for (int i = 0; i < 50 && !is_up; i++) {
        poll(NULL, 0, 100);
        is_up = start(server, extra);
    }
    assert_true(is_up);
}

void server_start(struct server *server, const char *extra)
{
    *server = (struct server){.port = free_port()};
    snprintf(server->folder, sizeof(server->folder), "/tmp/apphost-client-XXXXXX");
    assert_non_null(mkdtemp(server->folder));
    snprintf(server->socket, sizeof(server->socket), "!%s/redis.sock", server->folder);
    for (int i = 0; i < 10 && !start(server, extra); i++)
        server->port = free_port();
    assert_true(server->pid > 0);
}

void server_kill(struct server *server, bool hard)
{
    if (server->pid <= 0)
        return;
    /* A frozen one dies of SIGKILL as it is; thawed, it could still answer. */
    kill(server->pid, hard ? SIGKILL : SIGTERM);
    if (!hard)
        kill(server->pid, SIGCONT);
    waitpid(server->pid, NULL, 0);
    server->pid = 0;
}

void server_stop(struct server *server)
{
    char command[128];

    server_kill(server, true);
    snprintf(command, sizeof(command), "rm -rf '%s'", server->folder);
    assert_int_equal(system(command), 0);
}

void server_freeze(struct server *server, bool is_frozen)
{
    assert_int_equal(kill(server->pid, is_frozen ? SIGSTOP : SIGCONT), 0);
}

static redisReply *ask(const struct server *server, const char *format, va_list args)
{
    redisContext *context = connect_to(server);

    assert_non_null(context);
    redisReply *reply = redisvCommand(context, format, args);
    assert_non_null(reply);
    redisFree(context);
    return reply;
}

char *server_ask(const struct server *server, const char *format, ...)
{
    char number[32], *text;
    va_list args;

    va_start(args, format);
    redisReply *reply = ask(server, format, args);
    va_end(args);
    snprintf(number, sizeof(number), "%lld", reply->integer);
    text = strdup(reply->type == REDIS_REPLY_NIL       ? "nil"
                  : reply->type == REDIS_REPLY_INTEGER ? number
                  : reply->str                         ? reply->str
                                                       : "array");
    freeReplyObject(reply);
    return text;
}

long long server_ask_number(const struct server *server, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    redisReply *reply = ask(server, format, args);
    va_end(args);
    long long number = reply->integer;
    assert_int_equal(reply->type, REDIS_REPLY_INTEGER);
    freeReplyObject(reply);
    return number;
}

char *server_first(const struct server *server, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    redisReply *reply = ask(server, format, args);
    va_end(args);
    char *text = NULL;
    if (reply->type == REDIS_REPLY_ARRAY && reply->elements > 0)
        text = strdup(reply->element[0]->str);
    freeReplyObject(reply);
    return text;
}
