/* room: client_conn */
/* Accepting, reading commands, answering. */
#include "puppet.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <arpa/inet.h>
#include <cmocka.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* With the lock. */
static const char *find_answer(struct puppet *puppet, const char *line)
{
    for (size_t i = 0; puppet->once && puppet->once[i].command; i++) {
        const struct answer *at = &puppet->once[i];

        if ((puppet->used & (size_t)1 << i) || strncmp(line, at->command, strlen(at->command)) != 0)
            continue;
        puppet->used |= (size_t)1 << i;
        return at->reply;
    }
    for (const struct answer *at = puppet->script; at && at->command; at++)
        if (strncmp(line, at->command, strlen(at->command)) == 0)
            return at->reply;
    return strncmp(line, "PING", 4) == 0 ? "+PONG\r\n" : "+OK\r\n";
}

/* One command from the stream as a line; false at its end. */
static bool read_command(FILE *stream, char *line, size_t size)
{
    char head[64], *p = line;
    int argc;

    if (!fgets(head, sizeof(head), stream) || sscanf(head, "*%d", &argc) != 1)
        return false;
    for (int i = 0; i < argc; i++) {
        size_t len;

        if (!fgets(head, sizeof(head), stream) || sscanf(head, "$%zu", &len) != 1 ||
            (size_t)(p - line) + len + 2 > size)
            return false;
        p += i ? sprintf(p, " ") : 0;
        if (fread(p, 1, len, stream) != len || fread(head, 1, 2, stream) != 2)
            return false;
        p += len;
    }
    *p = '\0';
    return true;
}

static void *serve_one(void *user)
{
    struct puppet *puppet = ((void **)user)[0];
    int fd = (int)(intptr_t)((void **)user)[1];
    FILE *stream = fdopen(fd, "r");
    int held = 0;
    char line[4096];

    free(user);
    while (read_command(stream, line, sizeof(line))) {
        char last_set[96];

        pthread_mutex_lock(&puppet->lock);
        const char *reply = find_answer(puppet, line);
        sscanf(line, "SET %*s %63s", puppet->last_set);
        snprintf(last_set, sizeof(last_set), "$%zu\r\n%s\r\n", strlen(puppet->last_set), puppet->last_set);
        size_t len = strlen(puppet->heard);
        snprintf(puppet->heard + len, sizeof(puppet->heard) - len, "%s\n", line);
        pthread_mutex_unlock(&puppet->lock);
        if (strcmp(reply, PUPPET_HANGS_UP) == 0)
            break;
        reply = strcmp(reply, PUPPET_LAST_SET) == 0 ? last_set : reply;
        if (strncmp(line, "HMGET", 5) == 0) {
            poll(NULL, 0, puppet->pause_ms);
            if (++held < puppet->hold)
                continue;
            for (; held > 1; held--)
                send(fd, reply, strlen(reply), MSG_NOSIGNAL);
            held = 0;
        }
        send(fd, reply, strlen(reply), MSG_NOSIGNAL);
    }
    fclose(stream);
    return NULL;
}

static void *serve(void *user)
{
    struct puppet *puppet = user;
    pthread_t threads[64];
    int fd, count = 0;

    while (count < 64 && (fd = accept(puppet->fd, NULL, NULL)) >= 0) {
        void **both = malloc(2 * sizeof(*both));

        both[0] = puppet;
        both[1] = (void *)(intptr_t)fd;
        pthread_create(&threads[count++], NULL, serve_one, both);
    }
    while (count > 0)
        pthread_join(threads[--count], NULL);
    return NULL;
}

void puppet_start(struct puppet *puppet, const struct answer *script)
{
    puppet_start_once(puppet, NULL, script);
}

void puppet_start_once(struct puppet *puppet, const struct answer *once, const struct answer *script)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(address);

    memset(puppet, 0, sizeof(*puppet));
    puppet->script = script;
    puppet->once = once;
    pthread_mutex_init(&puppet->lock, NULL);
    puppet->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(puppet->fd, (struct sockaddr *)&address, len), 0);
    assert_int_equal(getsockname(puppet->fd, (struct sockaddr *)&address, &len), 0);
    assert_int_equal(listen(puppet->fd, 16), 0);
    puppet->port = ntohs(address.sin_port);
    pthread_create(&puppet->thread, NULL, serve, puppet);
}

void puppet_stop(struct puppet *puppet)
{
    shutdown(puppet->fd, SHUT_RDWR);
    pthread_join(puppet->thread, NULL);
    close(puppet->fd);
}

void puppet_heard(struct puppet *puppet, char *out, size_t size)
{
    pthread_mutex_lock(&puppet->lock);
    char *ping = strstr(puppet->heard, "PING\n");
    snprintf(out, size, "%s", ping ? ping + 5 : puppet->heard);
    puppet->heard[0] = '\0';
    pthread_mutex_unlock(&puppet->lock);
}
