/* room: client_conn */
/* The relay: one thread, one poll(2) over all connections; what a gate holds back stays in the socket. */
#include "gate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <arpa/inet.h>
#include <cmocka.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PIECE = 64 * 1024 };

static int connect_to(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
        return fd;
    close(fd);
    return -1;
}

static void take_in(struct gate *gate)
{
    int client = accept(gate->fd, NULL, NULL), server = connect_to(gate->target);
    size_t count = atomic_load(&gate->count);

    if (client < 0 || server < 0 || count == GATE_CONNECTIONS) {
        close(client);
        close(server);
        return;
    }
    struct gate_connection *at = &gate->connections[count];
    at->fds[0] = client;
    at->fds[1] = server;
    for (int way = 0; way < GATE_WAYS; way++) {
        atomic_store(&at->shut_from[way], count == 0 ? gate->first_shut[way] : UINT64_MAX);
        at->cut_at[way] = count == 0 ? gate->first_cut[way] : UINT64_MAX;
    }
    atomic_store(&gate->count, count + 1);
}

static void hang_up(struct gate_connection *at)
{
    for (int i = 0; i < 2; i++) {
        if (at->fds[i] >= 0)
            close(at->fds[i]);
        at->fds[i] = -1;
    }
}

/* How many bytes may pass now. */
static size_t room(const struct gate *gate, struct gate_connection *at, enum gate_way way)
{
    uint64_t passed = atomic_load(&at->passed[way]), end = atomic_load(&at->shut_from[way]);
    size_t most = atomic_load(&gate->is_slow) ? 1 : PIECE;

    if (at->cut_at[way] < end)
        end = at->cut_at[way];
    if (end <= passed)
        return 0;
    return end - passed > most ? most : (size_t)(end - passed);
}

static void relay(struct gate *gate, struct gate_connection *at, enum gate_way way)
{
    static char piece[PIECE];
    int from = at->fds[way == GATE_UP ? 0 : 1], to = at->fds[way == GATE_UP ? 1 : 0];
    size_t most = room(gate, at, way);
    ssize_t got = 0, sent = 0;

    if (most == 0)
        return; /* it was shut meanwhile */
    got = recv(from, piece, most, MSG_DONTWAIT);
    while (got > 0 && sent < got) {
        ssize_t rc = send(to, piece + sent, (size_t)(got - sent), MSG_NOSIGNAL);

        if (rc <= 0)
            break;
        sent += rc;
    }
    if (got > 0)
        atomic_fetch_add(&at->passed[way], (uint64_t)got);
    if (got <= 0 || sent < got || atomic_load(&at->passed[way]) >= at->cut_at[way])
        hang_up(at);
}

static void turn(struct gate *gate)
{
    struct pollfd fds[2 + 2 * GATE_CONNECTIONS] = {{.fd = gate->fd, .events = POLLIN},
                                                   {.fd = gate->wake[0], .events = POLLIN}};
    size_t count = atomic_load(&gate->count);
    char byte;

    for (size_t i = 0; i < 2 * count; i++) {
        struct gate_connection *at = &gate->connections[i / 2];
        bool is_shut = room(gate, at, i % 2 ? GATE_DOWN : GATE_UP) == 0;

        fds[2 + i] = (struct pollfd){.fd = is_shut ? -1 : at->fds[i % 2], .events = POLLIN};
    }
    poll(fds, 2 + 2 * count, -1);
    if (fds[1].revents && read(gate->wake[0], &byte, 1) != 1)
        return;
    pthread_mutex_lock(&gate->lock);
    for (size_t i = 0; i < 2 * count; i++)
        if (fds[2 + i].revents && gate->connections[i / 2].fds[0] >= 0)
            relay(gate, &gate->connections[i / 2], i % 2 ? GATE_DOWN : GATE_UP);
    pthread_mutex_unlock(&gate->lock);
    if (fds[0].revents)
        take_in(gate);
}

static void *run(void *user)
{
    struct gate *gate = user;

    while (!atomic_load(&gate->is_over))
        turn(gate);
    return NULL;
}

static void wake(struct gate *gate)
{
    assert_int_equal(write(gate->wake[1], "", 1), 1);
}

void gate_start(struct gate *gate, int target_port)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t len = sizeof(address);

    *gate = (struct gate){
        .target = target_port, .first_shut = {UINT64_MAX, UINT64_MAX}, .first_cut = {UINT64_MAX, UINT64_MAX}};
    pthread_mutex_init(&gate->lock, NULL);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    gate->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(gate->fd, (struct sockaddr *)&address, len), 0);
    assert_int_equal(getsockname(gate->fd, (struct sockaddr *)&address, &len), 0);
    assert_int_equal(listen(gate->fd, GATE_CONNECTIONS), 0);
    gate->port = ntohs(address.sin_port);
    assert_int_equal(pipe(gate->wake), 0);
    assert_int_equal(pthread_create(&gate->thread, NULL, run, gate), 0);
}

void gate_plan(struct gate *gate, enum gate_way way, uint64_t cut_at, uint64_t shut_from)
{
    gate->first_cut[way] = cut_at;
    gate->first_shut[way] = shut_from;
}

void gate_stop(struct gate *gate)
{
    atomic_store(&gate->is_over, true);
    wake(gate);
    pthread_join(gate->thread, NULL);
    for (size_t i = 0; i < gate->count; i++)
        hang_up(&gate->connections[i]);
    close(gate->fd);
    close(gate->wake[0]);
    close(gate->wake[1]);
}

void gate_shut(struct gate *gate, size_t connection, enum gate_way way, uint64_t after)
{
    struct gate_connection *at = &gate->connections[connection];

    pthread_mutex_lock(&gate->lock); /* nothing is on its way */
    atomic_store(&at->shut_from[way], atomic_load(&at->passed[way]) + after);
    pthread_mutex_unlock(&gate->lock);
    wake(gate);
}

void gate_open(struct gate *gate, size_t connection, enum gate_way way)
{
    atomic_store(&gate->connections[connection].shut_from[way], UINT64_MAX);
    wake(gate);
}

uint64_t gate_passed(struct gate *gate, size_t connection, enum gate_way way)
{
    return atomic_load(&gate->connections[connection].passed[way]);
}
