/*
 * What the library costs, in one table: against hiredis by hand and a mutex, with redis-benchmark as the
 * limit.
 *
 * It starts a redis-server of its own on a loopback port and says PASS or FAIL beside the rows that have a
 * goal. Rates are operations a second; an operation is the HMGET of one entry of 1 KiB, out of a hundred.
 *
 * What a row compares is measured in turns of half a second, so that a busy machine hurts all alike, and
 * compared turn by turn: a factor is the median of the turns' factors, a rate the median of their rates. The
 * limit is redis-benchmark with the same command, keys and pipeline in the same turns: a row that reaches
 * nine tenths of it cannot be asked for more, whatever its goal says.
 */
#include <apphost/apphost.h>

#include <arpa/inet.h>
#include <hiredis/hiredis.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { THREADS = 64, MANY = 100, SIZE = 1024, MILLION = 1000000, ROUNDS = 7 };

static int port;
static pid_t server;
static struct apphost_host *host;
static struct apphost_cache *cache;
static redisContext *by_hand;
static pthread_mutex_t by_hand_lock = PTHREAD_MUTEX_INITIALIZER;
static atomic_bool is_over;
static int failures;
static char names[MANY][16]; /* as redis-benchmark makes them of k__rand_int__ */

static double now_s(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void die(const char *what)
{
    fprintf(stderr, "bench: %s\n", what);
    if (server > 0)
        kill(server, SIGKILL);
    exit(1);
}

/* ---- The server
 * -------------------------------------------------------------------------------------------------- */

static void start_server(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(address);
    char text[16];
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (bind(fd, (struct sockaddr *)&address, len) < 0 ||
        getsockname(fd, (struct sockaddr *)&address, &len) < 0)
        die("no free port");
    close(fd);
    port = ntohs(address.sin_port);
    snprintf(text, sizeof(text), "%d", port);
    server = fork();
    if (server == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (!freopen("/dev/null", "w", stdout))
            _exit(126);
        execlp("redis-server", "redis-server", "--port", text, "--bind", "127.0.0.1", "--save", "",
               (char *)NULL);
        _exit(127);
    }
    for (int i = 0; i < 500 && !by_hand; i++) {
        by_hand = redisConnect("127.0.0.1", port);
        if (by_hand && by_hand->err) {
            redisFree(by_hand);
            by_hand = NULL;
            poll(NULL, 0, 10);
        }
    }
    if (!by_hand)
        die("redis-server does not start");
}

static void open_cache(void)
{
    struct apphost_config *config = apphost_config_new();
    const struct apphost_host_options options = {.config = config};
    char text[64];
    struct apphost_error error;

    snprintf(text, sizeof(text), "127.0.0.1:%d,syncTimeout=60000", port);
    apphost_config_set(config, "ConnectionStrings:cache", text, NULL);
    host = apphost_host_new(&options, &error);
    apphost_config_free(config);
    if (!host || apphost_host_add_redis_distributed_cache(host, "cache", NULL, NULL, &error) < 0)
        die(error.text);
    cache = apphost_host_cache(host, NULL, &error);
}

/* ---- Operations
 * -------------------------------------------------------------------------------------------------- */

static void check_reply(redisReply *reply)
{
    if (!reply || reply->elements != 3 || reply->element[2]->len != SIZE)
        die("hiredis got no entry");
    freeReplyObject(reply);
}

static void get_by_hand(int number)
{
    check_reply(redisCommand(by_hand, "HMGET %s absexp sldexp data", names[number % MANY]));
}

static void get_with_mutex(int number)
{
    pthread_mutex_lock(&by_hand_lock);
    get_by_hand(number);
    pthread_mutex_unlock(&by_hand_lock);
}

static void get_many_by_hand(int number)
{
    void *reply = NULL;

    (void)number;
    for (int i = 0; i < MANY; i++)
        redisAppendCommand(by_hand, "HMGET %s absexp sldexp data", names[i]);
    for (int i = 0; i < MANY; i++) {
        if (redisGetReply(by_hand, &reply) != REDIS_OK)
            die("hiredis got no reply");
        check_reply(reply);
    }
}

static void get(int number)
{
    struct apphost_value value;
    struct apphost_error error;

    if (apphost_cache_get(cache, apphost_str(names[number % MANY]), &value, &error) != 1 || value.len != SIZE)
        die("no entry");
    apphost_value_free(&value);
}

static void get_many(int number)
{
    struct apphost_bytes keys[MANY];
    struct apphost_value values[MANY];
    struct apphost_error error;

    (void)number;
    for (int i = 0; i < MANY; i++)
        keys[i] = apphost_str(names[i]);
    if (apphost_cache_get_many(cache, keys, MANY, values, &error) != MANY)
        die("not all entries");
    for (int i = 0; i < MANY; i++)
        apphost_value_free(&values[i]);
}

/* ---- Measuring
 * --------------------------------------------------------------------------------------------------- */

struct worker {
    void (*operation)(int number);
    unsigned long count;
};

static void *run(void *user)
{
    struct worker *worker = user;

    while (!atomic_load_explicit(&is_over, memory_order_relaxed))
        worker->operation((int)(worker->count++ % 1000000));
    return NULL;
}

static double rate(void (*operation)(int number), int threads)
{
    struct worker workers[THREADS] = {{0}};
    pthread_t ids[THREADS];
    unsigned long total = 0;

    atomic_store(&is_over, false);
    double started = now_s();
    for (int i = 0; i < threads; i++) {
        workers[i].operation = operation;
        pthread_create(&ids[i], NULL, run, &workers[i]);
    }
    poll(NULL, 0, 500);
    atomic_store(&is_over, true);
    for (int i = 0; i < threads; i++) {
        pthread_join(ids[i], NULL);
        total += workers[i].count;
    }
    return (double)total / (now_s() - started);
}

/* The rate of redis-benchmark with the same command. */
static double limit(const char *options)
{
    static char line[256 * 1024];
    char command[256];
    double rate = 0;

    snprintf(
        command, sizeof(command),
        "redis-benchmark -h 127.0.0.1 -p %d -q -r %d %s HMGET k__rand_int__ absexp sldexp data 2>/dev/null",
        port, MANY, options);
    FILE *pipe = popen(command, "r");
    while (pipe && fgets(line, sizeof(line), pipe)) {
        char *rest = strrchr(line, '\r'), *colon = strstr(rest ? rest : line, ": ");

        if (colon && strstr(colon, "requests per second"))
            rate = atof(colon + 2);
    }
    if (pipe)
        pclose(pipe);
    return rate;
}

struct row {
    const char *name;
    void (*ours)(int), (*theirs)(int);
    int our_keys, their_keys; /* of one operation */
    int threads;
    double goal;
    const char *limit; /* options of redis-benchmark, NULL: none */
    bool is_bound;     /* whether ours can do no more than the limit */
};

static const struct row rows[] = {
    {"1 thread, against hiredis", get, get_by_hand, 1, 1, 1, 1, "-c 1 -n 15000", false},
    {"64 threads, against hiredis and a mutex", get, get_with_mutex, 1, 1, THREADS, 15, "-c 64 -n 30000",
     false},
    {"get-many of 100, against single gets", get_many, get, MANY, 1, 1, 20, "-c 1 -P 100 -n 200000", true},
    {"get-many, against hiredis pipelined by hand", get_many, get_many_by_hand, MANY, MANY, 1, 0.9, NULL,
     false},
};

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return x < y ? -1 : x > y;
}

/* Of over[i] / under[i]; NULL is ones. */
static double median(const double over[ROUNDS], const double under[ROUNDS])
{
    double sorted[ROUNDS];

    for (int i = 0; i < ROUNDS; i++)
        sorted[i] = under ? over[i] / under[i] : over[i];
    qsort(sorted, ROUNDS, sizeof(sorted[0]), compare_doubles);
    return sorted[ROUNDS / 2];
}

static void measure(const struct row *row)
{
    double ours[ROUNDS], theirs[ROUNDS], most[ROUNDS];

    for (int i = 0; i < ROUNDS; i++) {
        ours[i] = rate(row->ours, row->threads) * row->our_keys;
        theirs[i] = rate(row->theirs, row->threads) * row->their_keys;
        most[i] = row->limit ? limit(row->limit) : 0;
    }
    double factor = median(ours, theirs);
    bool is_good = factor >= row->goal, is_at_limit = row->is_bound && median(ours, most) >= 0.9;
    failures += !is_good && !is_at_limit;
    printf("%-44s %10.0f %10.0f %7.2f  >= %-4.2g", row->name, median(ours, NULL), median(theirs, NULL),
           factor, row->goal);
    if (row->limit)
        printf(" %10.0f %7.2f", median(most, NULL), median(most, theirs));
    else
        printf(" %10s %7s", "", "");
    printf("  %s\n", is_good ? "PASS" : is_at_limit ? "PASS (the server's limit)" : "FAIL");
    fflush(stdout);
}

static long resident_kib(void)
{
    long pages = 0, ignored;
    FILE *file = fopen("/proc/self/statm", "r");

    if (file && fscanf(file, "%ld %ld", &ignored, &pages) != 2)
        pages = 0;
    if (file)
        fclose(file);
    return pages * sysconf(_SC_PAGESIZE) / 1024;
}

/* A million entries in batches of a hundred, and a million reads: the client must not grow. */
static void million(void)
{
    struct apphost_entry entries[MANY];
    struct apphost_error error;
    char keys[MANY][24];
    long before = 0;
    double started = now_s();

    for (int i = 0; i < MILLION; i += MANY) {
        for (int k = 0; k < MANY; k++) {
            snprintf(keys[k], sizeof(keys[k]), "m%d", i + k);
            entries[k] =
                (struct apphost_entry){apphost_str(keys[k]), apphost_str(keys[k]), apphost_expire_in(600000)};
        }
        if (apphost_cache_set_many(cache, entries, MANY, &error) < 0)
            die(error.text);
        if (i == MILLION / 10)
            before = resident_kib();
    }
    long grown = resident_kib() - before;
    failures += grown > 1024;
    printf("%-44s %10.0f %10s %3ld KiB  <= 1 MiB %18s%s\n", "1 million entries: rate, growth of the client",
           MILLION / (now_s() - started), "", grown, "", grown <= 1024 ? "PASS" : "FAIL");
}

int main(void)
{
    char data[SIZE];
    struct apphost_error error;

    start_server();
    open_cache();
    memset(data, 'd', sizeof(data));
    for (int i = 0; i < MANY; i++) {
        snprintf(names[i], sizeof(names[i]), "k%012d", i);
        if (apphost_cache_set(cache, apphost_str(names[i]), data, SIZE, apphost_expire_never(), &error) < 0)
            die(error.text);
    }
    printf("%-44s %10s %10s %7s  %-7s %10s %7s\n", "gets of 1 KiB a second", "libapphost", "compared",
           "factor", "goal", "limit", "factor");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        measure(&rows[i]);
    million();
    apphost_host_free(host);
    redisFree(by_hand);
    kill(server, SIGKILL);
    waitpid(server, NULL, 0);
    return failures ? 1 : 0;
}
