/* room: client_cache */
/* Recording results, waiting for them. */
#include "asynctest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <poll.h>
#include <stdio.h>
#include <time.h>

int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void on_result(void *user, const struct apphost_result *result)
{
    struct outcome *outcome = user;
    size_t len = 0;

    outcome->count++;
    outcome->good += result->rc >= 0;
    outcome->hits += result->rc == 1;
    outcome->failed += result->rc < 0;
    outcome->rc = result->rc;
    outcome->number = result->number;
    assert_true((result->rc < 0) == (result->error != NULL));
    if (result->rc < 0)
        outcome->code = result->error->code;
    snprintf(outcome->text, sizeof(outcome->text), "%s", result->data ? result->data : "");
    outcome->values[0] = '\0';
    for (size_t i = 0; i < result->count && len < sizeof(outcome->values); i++)
        len += (size_t)snprintf(outcome->values + len, sizeof(outcome->values) - len, "%s,",
                                result->values[i].data ? result->values[i].data : "-");
}

void dispatch(struct apphost_queue *queue, const struct outcome *outcome, int count)
{
    struct pollfd ready = {.fd = apphost_queue_fd(queue), .events = POLLIN};
    int64_t deadline = now_ms() + PATIENCE_MS;

    while (outcome->count < count && now_ms() < deadline) {
        poll(&ready, 1, 100);
        apphost_queue_dispatch(queue);
    }
    assert_int_equal(outcome->count, count);
}
