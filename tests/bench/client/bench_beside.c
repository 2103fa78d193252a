/*
 * The C side of tests/bench/client/beside: one cache on one server, the same work as the .NET program beside
 * it. Usage: bench_beside PORT SECONDS      One line a piece of work: name, calls a second, µs of processor
 * time a call. The last line is the memory that is in use.
 */
#include <apphost/apphost.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum { SIZE = 1024, TASKS = 64 };

static struct apphost_cache *cache;
static char data[SIZE];
static atomic_bool is_over;

static double now_s(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static double processor_s(void)
{
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static void die(const char *what)
{
    fprintf(stderr, "bench: %s\n", what);
    exit(1);
}

static void get(void)
{
    struct apphost_error error;
    struct apphost_value value;

    if (apphost_cache_get(cache, apphost_str("k"), &value, &error) != 1 || value.len != SIZE)
        die("no value");
    apphost_value_free(&value);
}

static void set(void)
{
    struct apphost_error error;

    if (apphost_cache_set(cache, apphost_str("k"), data, SIZE, apphost_expire_in(3600000), &error) < 0)
        die(error.text);
}

struct task {
    void (*work)(void);
    uint64_t count;
};

static void *work_on(void *user)
{
    struct task *task = user;

    while (!atomic_load_explicit(&is_over, memory_order_relaxed)) {
        task->work();
        task->count++;
    }
    return NULL;
}

static void measure(const char *name, void (*work)(void), int count, int seconds)
{
    struct task tasks[TASKS] = {{0}};
    pthread_t threads[TASKS];
    uint64_t calls = 0;
    double since = now_s(), before = processor_s();

    atomic_store(&is_over, false);
    for (int i = 0; i < count; i++) {
        tasks[i].work = work;
        pthread_create(&threads[i], NULL, work_on, &tasks[i]);
    }
    sleep((unsigned)seconds);
    atomic_store(&is_over, true);
    for (int i = 0; i < count; i++) {
        pthread_join(threads[i], NULL);
        calls += tasks[i].count;
    }
    printf("%s %.0f %.2f\n", name, (double)calls / (now_s() - since),
           (processor_s() - before) / (double)calls * 1e6);
    fflush(stdout);
}

/* The peak counts as little as .NET's first garbage: what is in use at the end. */
static void print_memory(void)
{
    char line[128];
    FILE *file = fopen("/proc/self/status", "r");
    long kb = 0;

    while (file && fgets(line, sizeof(line), file))
        if (sscanf(line, "VmRSS: %ld", &kb) == 1)
            break;
    if (file)
        fclose(file);
    printf("memory %ld 0\n", kb);
}

int main(int argc, char *argv[])
{
    struct apphost_config *config = apphost_config_new();
    const struct apphost_host_options options = {.config = config};
    struct apphost_error error;
    char text[64];

    if (argc != 3)
        die("usage: bench_beside PORT SECONDS");
    int seconds = atoi(argv[2]);
    snprintf(text, sizeof(text), "127.0.0.1:%d", atoi(argv[1]));
    apphost_config_set(config, "ConnectionStrings:cache", text, NULL);
    struct apphost_host *host = apphost_host_new(&options, &error);
    apphost_config_free(config);
    if (!host || apphost_host_add_redis_distributed_cache(host, "cache", NULL, NULL, &error) < 0)
        die(error.text);
    cache = apphost_host_cache(host, NULL, &error);
    memset(data, 'x', sizeof(data));
    set();
    measure("warm", get, 1, 1);
    measure("get", get, 1, seconds);
    measure("set", set, 1, seconds);
    measure("warm64", get, TASKS, 1);
    measure("get64", get, TASKS, seconds);
    measure("set64", set, TASKS, seconds);
    print_memory();
    apphost_host_free(host);
    return 0;
}
