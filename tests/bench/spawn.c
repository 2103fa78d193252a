/*
 * Times a whole program from its start to its end, many times, and prints the median in milliseconds.
 *
 *     spawn COUNT PROGRAM [ARGUMENT…]
 *
 * A shell's own work would be a large part of the few milliseconds that are measured here, so this does
 * nothing but spawn and wait. The program's output goes to /dev/null. Exit code 1 when one run fails.
 */
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>

extern char **environ;

static double now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return x < y ? -1 : x > y;
}

int main(int argc, char **argv)
{
    int count = argc > 2 ? atoi(argv[1]) : 0, failed = 0;
    double *times = calloc(count > 0 ? (size_t)count : 1, sizeof(*times));
    posix_spawn_file_actions_t actions;

    if (count < 1 || !times)
        return 2;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
    for (int i = 0; i < count; i++) {
        double start = now_ms();
        pid_t pid;
        int status = 1;

        if (posix_spawnp(&pid, argv[2], &actions, NULL, argv + 2, environ) == 0)
            waitpid(pid, &status, 0);
        times[i] = now_ms() - start;
        failed |= status;
    }
    qsort(times, (size_t)count, sizeof(*times), compare);
    printf("%.2f\n", times[count / 2]);
    free(times);
    return failed ? 1 : 0;
}
