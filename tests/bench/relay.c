/* How fast output goes from a process through the writer into the log file: rooms process and logs, nothing
 * else.
 *
 *     relay [COUNT [FOLDER]]     (1,000,000 lines; a folder of its own in /tmp)
 *
 * Starts itself as the writing process ("relay --write COUNT": numbered lines of about 60 characters), relays
 * into a log that is large enough not to rotate, reads it back and compares the count. Prints one line:
 *
 *     relay: 1000000 lines, 0 lost, N lines/s wall, N lines/s of one core
 *
 * and exits with 1 when a line was lost. Build, after `make`:
 *
 *     gcc -std=c11 -D_GNU_SOURCE -O2 -Isrc -o relay tests/bench/relay.c \
 *         -Wl,--start-group build/release/lib/{logs,process,loop,base}.a -Wl,--end-group \
 *         $(pkg-config --cflags --libs libuv libcjson openssl)
 */
#include "base/file.h"
#include "base/mem.h"
#include "logs/logs.h"
#include "process/process.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

struct relay {
    struct loop loop;
    struct process *process;
    struct log_writer *writer;
    int64_t lines;
    int exits;
};

static int write_lines(long count)
{
    static char buffer[1 << 16];
    setvbuf(stdout, buffer, _IOFBF, sizeof buffer);
    for (long i = 1; i <= count; i++)
        printf("%09ld GET /catalog/items?page=3 200 1.532 ms user=4711\n", i);
    return fflush(stdout) == 0 ? 0 : 1;
}

static void on_output(int stream, const char *bytes, size_t length, void *data)
{
    struct relay *relay = data;
    log_writer_add(relay->writer, stream, bytes, length);
}

static void on_exit_of_writer(const struct process_exit *how, void *data)
{
    struct relay *relay = data;
    (void)how;
    log_writer_flush(relay->writer);
    relay->exits++;
    loop_stop(&relay->loop);
}

static void on_line(const struct log_line *line, void *data)
{
    struct relay *relay = data;
    relay->lines += !line->partial;
}

static void on_end(void *data)
{
    loop_stop(&((struct relay *)data)->loop);
}

static double now_s(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static int run(struct relay *relay, const char *self, const char *folder, const char *count)
{
    const char *argv[] = {self, "--write", count, NULL}, *environment[] = {NULL};
    struct error err = {0};
    struct process_options options = {.argv = argv,
                                      .environment = environment,
                                      .on_output = on_output,
                                      .on_exit = on_exit_of_writer,
                                      .data = relay};
    if (loop_init(&relay->loop, &err) < 0 ||
        !(relay->writer = log_writer_new(&relay->loop, folder, "relay", INT64_C(1) << 40, &err)))
        return fprintf(stderr, "relay: %s\n", err.text), 1;
    double wall = now_s(CLOCK_MONOTONIC), cpu = now_s(CLOCK_PROCESS_CPUTIME_ID);
    relay->process = process_spawn(&relay->loop, &options, &err);
    if (!relay->process)
        return fprintf(stderr, "relay: %s\n", err.text), 1;
    loop_run(&relay->loop);
    wall = now_s(CLOCK_MONOTONIC) - wall;
    cpu = now_s(CLOCK_PROCESS_CPUTIME_ID) - cpu;
    process_free(relay->process);
    log_writer_free(relay->writer);
    struct log_reader_options all = {.tail = -1};
    struct log_reader *reader = log_reader_start(&relay->loop, folder, &all, on_line, on_end, relay);
    loop_run(&relay->loop);
    log_reader_free(reader);
    int64_t wanted = atoll(count);
    printf("relay: %" PRId64 " lines, %" PRId64 " lost, %.0f lines/s wall, %.0f lines/s of one core\n",
           wanted, wanted - relay->lines, (double)wanted / wall, (double)wanted / cpu);
    return loop_fini(&relay->loop) < 0 || relay->lines != wanted;
}

int main(int argc, char **argv)
{
    char folder[] = "/tmp/relay-XXXXXX";
    struct relay relay = {0};
    if (argc == 3 && strcmp(argv[1], "--write") == 0)
        return write_lines(atol(argv[2]));
    if (argc < 3 && !mkdtemp(folder))
        return perror("relay"), 1;
    int rc = run(&relay, "/proc/self/exe", argc < 3 ? folder : argv[2], argc > 1 ? argv[1] : "1000000");
    if (argc < 3)
        file_remove_tree(folder, NULL);
    return rc;
}
