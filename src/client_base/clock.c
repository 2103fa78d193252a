/* The clocks and the jitter of the library. */
#include "client_base/clock.h"
#include "client_base/pick.h"

#include <limits.h>
#include <sys/random.h>
#include <time.h>

static int64_t read_ns(clockid_t id)
{
    struct timespec now;

    clock_gettime(id, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int64_t clock_ms(void)
{
    return read_ns(CLOCK_MONOTONIC) / 1000000;
}

int64_t clock_us(void)
{
    return read_ns(CLOCK_MONOTONIC) / 1000;
}

int64_t clock_unix_ms(void)
{
    return read_ns(CLOCK_REALTIME) / 1000000;
}

int64_t clock_unix_ns(void)
{
    return read_ns(CLOCK_REALTIME);
}

int clock_left(int64_t deadline_ms)
{
    int64_t left = deadline_ms - clock_ms();

    return (int)int64_min(int64_max(left, 0), INT_MAX);
}

uint64_t clock_random(uint64_t bound)
{
    uint64_t value;

    if (getrandom(&value, sizeof(value), GRND_NONBLOCK) != (ssize_t)sizeof(value))
        value = (uint64_t)read_ns(CLOCK_MONOTONIC) * 2654435761u;
    return value % bound;
}
