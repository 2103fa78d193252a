/* room: client_redis */
/* The crowd. See crowd.h. */
#include "crowd.h"
#include "asynctest.h"
#include "cachetest.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void note_failure(struct worker *worker)
{
    worker->failed++;
    worker->back_ms = 0;
    if (worker->first_failure_ms == 0)
        worker->first_failure_ms = now_ms();
}

static void note_success(struct worker *worker)
{
    if (worker->first_failure_ms != 0 && worker->back_ms == 0)
        worker->back_ms = now_ms();
}

static void check_text(struct worker *worker, const char *name, const char *text, int written)
{
    int id = -1, number = -1;

    if (sscanf(text, "%d:%d", &id, &number) != 2 || id != worker->id || number > written)
        snprintf(worker->trouble, sizeof(worker->trouble), "%s of %d is %s after %d", name, worker->id, text,
                 written);
    else if (number < written)
        worker->lost++;
}

static void *work(void *user)
{
    struct worker *worker = user;
    const char *name = worker->name;
    char text[48];
    int written = 0;

    while (!atomic_load(worker->is_over) && !worker->trouble[0]) {
        char *got = NULL;
        int number = worker->rounds++;

        snprintf(text, sizeof(text), "%d:%d", worker->id, number);
        if (apphost_cache_set_string(worker->cache, name, text, apphost_expire_never(), NULL) < 0) {
            note_failure(worker);
            continue;
        }
        written = number;
        if (apphost_cache_get_string(worker->cache, name, &got, NULL) < 0) {
            note_failure(worker);
            continue;
        }
        note_success(worker);
        if (got)
            check_text(worker, name, got, written);
        else
            worker->lost++;
        free(got);
    }
    return NULL;
}

void crowd_begin(struct crowd *crowd, struct apphost_host *host)
{
    crowd->host = host;
    atomic_store(&crowd->is_over, false);
    for (int i = 0; i < CROWD_THREADS; i++) {
        crowd->workers[i] = (struct worker){
            .cache = apphost_host_cache(crowd->host, NULL, NULL), .is_over = &crowd->is_over, .id = i};
        snprintf(crowd->workers[i].name, sizeof(crowd->workers[i].name), "worker-%d", i);
        assert_int_equal(pthread_create(&crowd->threads[i], NULL, work, &crowd->workers[i]), 0);
    }
}

void crowd_await_rounds(struct crowd *crowd, int more)
{
    int64_t deadline = now_ms() + PATIENCE_MS;

    for (int i = 0; i < CROWD_THREADS; i++) {
        int until = crowd->workers[i].rounds + more;

        while (crowd->workers[i].rounds < until && now_ms() < deadline)
            poll(NULL, 0, 2);
        assert_true(crowd->workers[i].rounds >= until);
    }
}

void crowd_await_recovery(struct crowd *crowd)
{
    int64_t deadline = now_ms() + PATIENCE_MS;

    for (int i = 0; i < CROWD_THREADS; i++)
        while (crowd->workers[i].first_failure_ms != 0 && crowd->workers[i].back_ms == 0 &&
               now_ms() < deadline)
            poll(NULL, 0, 5);
}

void crowd_end(struct crowd *crowd)
{
    atomic_store(&crowd->is_over, true);
    for (int i = 0; i < CROWD_THREADS; i++)
        pthread_join(crowd->threads[i], NULL);
    for (int i = 0; i < CROWD_THREADS; i++)
        if (crowd->workers[i].trouble[0])
            fail_msg("%s", crowd->workers[i].trouble);
    apphost_host_free(crowd->host);
}

void crowd_print_figures(const struct crowd *crowd, const char *what, int64_t since_ms)
{
    int rounds = 0, failed = 0, most = 0, lost = 0;
    int64_t first = 0, last = 0;

    for (int i = 0; i < CROWD_THREADS; i++) {
        const struct worker *worker = &crowd->workers[i];
        int64_t back_ms = worker->back_ms ? worker->back_ms - since_ms : 0;

        rounds += worker->rounds;
        failed += worker->failed;
        lost += worker->lost;
        if (worker->failed > most)
            most = worker->failed;
        if (back_ms > 0 && (first == 0 || back_ms < first))
            first = back_ms;
        if (back_ms > last)
            last = back_ms;
    }
    print_message(
        "%s: %d rounds of 64 threads, %d failed (at most %d of one), %d read older values; first success "
        "after a failure at %lld ms, last at %lld ms\n",
        what, rounds, failed, most, lost, (long long)first, (long long)last);
}
