/*
 * Gets over a slow link: 25 ms each way, one to sixty-four threads, and asynchronous calls 5 ms apart.
 *
 * A request that does not wait for an earlier one's reply takes one round trip, however many there are. The
 * link is a relay on loopback that lets each piece pass when its time has come; what the relay and a busy
 * machine add is measured at the same time by one bare request after the other, the floor. The goal of a row
 * is a mean of at most 52 ms, or of at most the floor's mean and 2 ms.
 */
#include <apphost/apphost.h>
#include <apphost/queue.h>

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    DELAY_US = 25000,
    CONNECTIONS = 32,
    PIECE = 16384,
    MOST = 64,
    GETS = 40,
    GOAL_US = 52000,
    SPARE_US = 2000
};

static int64_t now_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static _Noreturn void die(const char *what)
{
    fprintf(stderr, "bench_link: %s: %s\n", what, strerror(errno));
    exit(1);
}

/* ---- The link ---- */

struct piece {
    struct piece *next;
    int64_t due_us;
    size_t len;
    char data[PIECE];
};

struct way {
    int from, to;
    struct piece *first, *last;
};

static int listen_somewhere(int *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (bind(fd, (struct sockaddr *)&address, len) < 0 || listen(fd, 64) < 0 ||
        getsockname(fd, (struct sockaddr *)&address, &len) < 0)
        die("listen");
    *port = ntohs(address.sin_port);
    return fd;
}

static int connect_to(int port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
        return fd;
    close(fd);
    return -1;
}

static void take(struct way *way)
{
    struct piece *piece = malloc(sizeof(*piece));
    ssize_t got = recv(way->from, piece->data, PIECE, MSG_DONTWAIT);

    if (got <= 0) {
        free(piece);
        return;
    }
    piece->next = NULL;
    piece->len = (size_t)got;
    piece->due_us = now_us() + DELAY_US;
    if (way->last)
        way->last->next = piece;
    else
        way->first = piece;
    way->last = piece;
}

static void pass(struct way *way)
{
    while (way->first && way->first->due_us <= now_us()) {
        struct piece *piece = way->first;

        if (send(way->to, piece->data, piece->len, MSG_NOSIGNAL) < 0)
            errno = 0; /* gone */
        way->first = piece->next;
        if (!way->first)
            way->last = NULL;
        free(piece);
    }
}

static void relay(int listener, int target)
{
    static struct way ways[2 * CONNECTIONS];
    struct pollfd fds[1 + 2 * CONNECTIONS];
    size_t count = 0;

    prctl(PR_SET_TIMERSLACK, 1000);
    for (;;) {
        int64_t next_us = now_us() + 1000000;

        fds[0] = (struct pollfd){.fd = listener, .events = POLLIN};
        for (size_t i = 0; i < count; i++) {
            fds[1 + i] = (struct pollfd){.fd = ways[i].from, .events = POLLIN};
            if (ways[i].first && ways[i].first->due_us < next_us)
                next_us = ways[i].first->due_us;
        }
        int64_t left = next_us - now_us();
        struct timespec wait = {left > 0 ? left / 1000000 : 0, left > 0 ? left % 1000000 * 1000 : 0};
        ppoll(fds, 1 + count, &wait, NULL);
        for (size_t i = 0; i < count; i++) {
            if (fds[1 + i].revents)
                take(&ways[i]);
            pass(&ways[i]);
        }
        if (fds[0].revents && count < 2 * CONNECTIONS) {
            int client = accept(listener, NULL, NULL), server = connect_to(target);

            ways[count++] = (struct way){.from = client, .to = server};
            ways[count++] = (struct way){.from = server, .to = client};
        }
    }
}

static pid_t fork_child(void)
{
    pid_t pid = fork();

    if (pid < 0)
        die("fork");
    if (pid == 0)
        prctl(PR_SET_PDEATHSIG, SIGKILL);
    return pid;
}

static pid_t start_server(int *port)
{
    char text[16];
    int fd = listen_somewhere(port), tries = 500;

    close(fd);
    snprintf(text, sizeof(text), "%d", *port);
    pid_t pid = fork_child();
    if (pid == 0) {
        execlp("redis-server", "redis-server", "--port", text, "--save", "", "--bind", "127.0.0.1",
               "--logfile", "/dev/null", (char *)NULL);
        _exit(127);
    }
    while ((fd = connect_to(*port)) < 0 && tries-- > 0)
        poll(NULL, 0, 10);
    close(fd);
    return pid;
}

/* ---- What is measured ---- */

struct sample {
    int64_t us[MOST * GETS];
    size_t count;
};

static int by_size(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

static double mean(const struct sample *sample)
{
    double sum = 0;

    for (size_t i = 0; i < sample->count; i++)
        sum += (double)sample->us[i];
    return sum / (double)sample->count;
}

/* One bare request at a time, beside the row that it is the floor of. */
struct floor {
    pthread_t thread;
    int port;
    struct sample sample;
};

static void *ask_bare(void *user)
{
    static const char question[] = "*2\r\n$7\r\nHGETALL\r\n$1\r\nk\r\n";
    struct floor *floor = user;
    char answer[256];
    int fd = connect_to(floor->port);

    for (floor->sample.count = 0; floor->sample.count < GETS; floor->sample.count++) {
        int64_t started = now_us();

        if (send(fd, question, sizeof(question) - 1, 0) < 0 || recv(fd, answer, sizeof(answer), 0) <= 0)
            die("floor");
        floor->sample.us[floor->sample.count] = now_us() - started;
    }
    close(fd);
    return NULL;
}

static struct floor bare;

static void begin_floor(void)
{
    if (pthread_create(&bare.thread, NULL, ask_bare, &bare) != 0)
        die("thread");
}

static void print_row(const char *name, struct sample *sample)
{
    pthread_join(bare.thread, NULL);
    double us = mean(sample), floor_us = mean(&bare.sample);
    bool is_good = us <= GOAL_US || us <= floor_us + SPARE_US;

    qsort(sample->us, sample->count, sizeof(sample->us[0]), by_size);
    qsort(bare.sample.us, bare.sample.count, sizeof(bare.sample.us[0]), by_size);
    printf("%-26s mean %6.2f (floor %6.2f)  p50 %6.2f (%6.2f)  p99 %6.2f (%6.2f) ms  %s\n", name, us / 1000,
           floor_us / 1000, (double)sample->us[sample->count / 2] / 1000,
           (double)bare.sample.us[GETS / 2] / 1000, (double)sample->us[sample->count * 99 / 100] / 1000,
           (double)bare.sample.us[GETS * 99 / 100] / 1000, is_good ? "PASS" : "FAIL");
}

struct caller {
    struct apphost_cache *cache;
    int64_t us[GETS];
};

static void *get(void *user)
{
    struct caller *caller = user;

    for (int i = 0; i < GETS; i++) {
        struct apphost_value value;
        int64_t started = now_us();

        if (apphost_cache_get(caller->cache, apphost_str("k"), &value, NULL) != 1)
            die("get");
        caller->us[i] = now_us() - started;
        apphost_value_free(&value);
    }
    return NULL;
}

static void measure_threads(struct apphost_cache *cache, int count)
{
    static struct sample sample;
    static struct caller callers[MOST];
    pthread_t threads[MOST];
    char name[32];

    sample.count = 0;
    begin_floor();
    for (int i = 0; i < count; i++) {
        callers[i].cache = cache;
        if (pthread_create(&threads[i], NULL, get, &callers[i]) != 0)
            die("thread");
    }
    for (int i = 0; i < count; i++) {
        pthread_join(threads[i], NULL);
        memcpy(&sample.us[sample.count], callers[i].us, sizeof(callers[i].us));
        sample.count += GETS;
    }
    snprintf(name, sizeof(name), "get, %d threads", count);
    print_row(name, &sample);
}

static int64_t started_us[GETS];
static struct sample asynchronous;

static void on_value(void *user, const struct apphost_result *result)
{
    if (result->rc == 1)
        asynchronous.us[asynchronous.count++] = now_us() - *(int64_t *)user;
}

static void measure_queue(struct apphost_cache *cache)
{
    struct apphost_queue *queue = apphost_queue_new(NULL);
    struct pollfd ready = {.fd = apphost_queue_fd(queue), .events = POLLIN};
    int64_t next_us = now_us();
    int begun = 0;

    begin_floor();

    while (apphost_queue_pending(queue) > 0 || begun < GETS) {
        if (begun < GETS && now_us() >= next_us) {
            started_us[begun] = now_us();
            apphost_cache_get_start(cache, queue, apphost_str("k"), on_value, &started_us[begun++], NULL);
            next_us += 5000;
        }
        poll(&ready, 1, 1);
        apphost_queue_dispatch(queue);
    }
    apphost_queue_free(queue);
    print_row("asynchronous, 5 ms apart", &asynchronous);
}

int main(void)
{
    static const int threads[] = {1, 2, 4, 8, 16, 32, 64};
    int server_port, port;
    pid_t server = start_server(&server_port);
    int listener = listen_somewhere(&port);
    pid_t link = fork_child();
    char text[96];

    setvbuf(stdout, NULL, _IOLBF, 0);
    if (link == 0)
        relay(listener, server_port);
    struct apphost_config *config = apphost_config_new();
    snprintf(text, sizeof(text), "127.0.0.1:%d", port);
    apphost_config_set(config, "ConnectionStrings:cache", text, NULL);
    struct apphost_host *host = apphost_host_new(&(struct apphost_host_options){.config = config}, NULL);
    apphost_config_free(config);
    apphost_host_add_redis_distributed_cache(host, "cache", NULL, NULL, NULL);
    struct apphost_cache *cache = apphost_host_cache(host, NULL, NULL);
    if (apphost_cache_set(cache, apphost_str("k"), "v", 1, apphost_expire_never(), NULL) < 0)
        die("set");
    bare.port = port;
    for (size_t i = 0; i < sizeof(threads) / sizeof(threads[0]); i++)
        measure_threads(cache, threads[i]);
    measure_queue(cache);
    apphost_host_free(host);
    kill(link, SIGKILL);
    kill(server, SIGKILL);
    while (wait(NULL) > 0)
        ;
    return 0;
}
